"""What holds of matching for any need and any people, in whatever order they are read."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.matching import (
    Fit,
    Mode,
    Need,
    Pool,
    Requirement,
    Situation,
    match,
)
from ground.terms import Words
from tests.matching_cast import (
    FIRM,
    STANDING,
    TODAY,
    km_north,
    rescue,
)

CODES = ("WH", "YQ", "QG", "MK")


@st.composite
def provinces(draw: st.DrawFn) -> tuple[list[dict[str, Any]], Need]:
    """Return some people with random facts, and a need for one to three kinds of them."""
    people = [
        {
            "id": number,
            "industry": draw(st.sampled_from(CODES)),
            "also": draw(st.sampled_from(CODES)),
            "km": draw(st.sampled_from([5.0, 20.0, 20.0, 120.0, None])),
            "absent": draw(st.integers(0, 5)) == 0,
            "deployed": draw(st.integers(0, 5)) == 0,
            "suspended": draw(st.integers(0, 7)) == 0,
            "appointed": draw(st.integers(0, 7)) != 0,
            "callouts": draw(st.integers(0, 3)),
            "interested": draw(st.integers(0, 3)) == 0,
        }
        for number in range(1, draw(st.integers(0, 12)) + 1)
    ]
    asks = [
        Requirement(
            key=f"r{number}",
            industry=draw(st.sampled_from((*CODES, None))),
            seats=draw(st.integers(0, 3)),
            critical=draw(st.booleans()),
            mode=draw(st.sampled_from(list(Mode))),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    situation = draw(st.sampled_from([Situation.RESCUE, Situation.PLAN_REVIEW]))
    return people, replace(rescue(*asks), situation=situation, task_category="emergency")


def pool_of(people: list[dict[str, Any]]) -> Pool:
    def of(fact: str) -> list[dict[str, Any]]:
        return [one for one in people if one[fact]]

    return Pool.of_experts(
        [
            (one["id"], "演示", *((None, None) if one["km"] is None else km_north(one["km"])), None)
            if not one["suspended"]
            else (one["id"], "演示", None, None, TODAY)
            for one in people
        ],
        practices=[(one["id"], one["industry"], "primary") for one in people]
        + [(one["id"], one["also"], "secondary") for one in people],
        task_categories=[(one["id"], "emergency") for one in people],
        appointments=[(one["id"], *STANDING) for one in of("appointed")],
        absences=[(one["id"], TODAY, TODAY, "") for one in of("absent")],
        deployments=[(one["id"], "SJ-1") for one in of("deployed")],
        interests=[(one["id"], FIRM, None, None, Words.same("顾问")) for one in of("interested")],
        callouts=[(one["id"], one["callouts"]) for one in people],
    )


@settings(max_examples=150, deadline=None)
@given(provinces(), st.randoms(use_true_random=False))
def test_the_order_in_which_people_are_read_changes_nothing(
    province: tuple[list[dict[str, Any]], Need], luck: random.Random
) -> None:
    people, need = province
    shuffled = luck.sample(people, len(people))

    assert match(need, experts=pool_of(shuffled)).to_dict() == match(need, experts=pool_of(people)).to_dict()


@settings(max_examples=150, deadline=None)
@given(provinces())
def test_everybody_is_either_a_candidate_or_left_out_with_exactly_the_true_reasons(
    province: tuple[list[dict[str, Any]], Need],
) -> None:
    people, need = province
    by_id = {one["id"]: one for one in people}
    for matched in match(need, experts=pool_of(people)):
        left_out = {one.id: {reason.code for reason in one.reasons} for one in matched.excluded(None)}

        assert sorted([*matched.ids(), *left_out]) == sorted(by_id)
        about_fit = {"other_trade", "near_not_needed"}
        for id_, reasons in left_out.items():
            one = by_id[id_]
            true = {
                code
                for code, holds in {
                    "suspended": one["suspended"],
                    "not_appointed": not one["appointed"],
                    "absent": one["absent"],
                    "deployed": one["deployed"],
                    "recused": one["interested"] and need.situation is Situation.PLAN_REVIEW,
                }.items()
                if holds
            }
            assert reasons - about_fit == true
            assert reasons
            is_of_trade = matched.requirement.industry in {None, one["industry"], one["also"]}
            assert not (reasons & about_fit and is_of_trade)
            assert reasons & about_fit or is_of_trade or matched.widened
        for count in matched.exclusions:
            assert count.count == sum(
                count.code in reasons for reasons in left_out.values() if not reasons & about_fit
            )


@settings(max_examples=150, deadline=None)
@given(provinces())
def test_nobody_is_proposed_twice_and_nobody_who_is_left_out(
    province: tuple[list[dict[str, Any]], Need],
) -> None:
    people, need = province
    matching = match(need, experts=pool_of(people))

    proposed = [id_ for matched in matching for id_ in (*matched.picks, *matched.reserves)]
    assert len(proposed) == len(set(proposed))
    for matched in matching:
        assert set(matched.picks) | set(matched.reserves) <= set(matched.ids())
        assert len(matched.picks) <= matched.requirement.seats
        assert len(matched.reserves) <= 3 * matched.requirement.seats


@settings(max_examples=100, deadline=None)
@given(provinces())
def test_no_other_choice_of_people_fills_more_seats_or_is_dearer_in_points(
    province: tuple[list[dict[str, Any]], Need],
) -> None:
    people, need = province
    small = replace(
        need, requirements=tuple(replace(a, seats=min(a.seats, 2)) for a in need.requirements[:2])
    )
    matching = match(small, experts=pool_of(people[:7]))
    # Ask each requirement alone with a hopeless number of seats, so that near trades are listed too.
    alone = [
        {
            row.id: (row.fit is Fit.NEAR, round(100 - sum(part.points for part in row.parts), 6))
            for row in match(
                replace(small, requirements=(replace(ask, seats=99),)), experts=pool_of(people[:7])
            )
            .matches[0]
            .rows()
        }
        for ask in small.requirements
    ]

    def worth(seating: tuple[tuple[int, ...], ...]) -> tuple[int, int, float]:
        filled = near = 0
        missing_points = 0.0
        for ask, costs, sitting in zip(small.requirements, alone, seating, strict=True):
            for id_ in sitting:
                filled += 2 if ask.critical else 1
                near += costs[id_][0]
                missing_points += costs[id_][1]
        return -filled, near, missing_points

    every = [
        seating
        for seating in itertools.product(
            *(
                [some for n in range(ask.seats + 1) for some in itertools.combinations(costs, n)]
                for ask, costs in zip(small.requirements, alone, strict=True)
            )
        )
        if len({i for sitting in seating for i in sitting}) == sum(map(len, seating))
    ]
    best = min(map(worth, every))
    ours = worth(tuple(matching.picks.values()))
    assert ours[:2] == best[:2]
    # Points are compared by the hundredth, seat by seat.
    assert ours[2] == pytest.approx(best[2], abs=0.05)
