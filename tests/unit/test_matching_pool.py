"""What a pool keeps from one question to the next, and in what form: it must change no answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from coordination.matching import InviteeKind, Need, Pool, Requirement, Situation, match
from coordination.matching.columns import Names, row_of
from coordination.matching.facts import Tags
from ground.places import Point
from tests.moments import NOON

TODAY = NOON.date()
TANGSHAN = Point(39.63, 118.18)
LI, WANG, ZHAO, SUN = 1, 2, 3, 4

CHEMISTS = Requirement(key="one", industry="WH", seats=4)
RESCUE = Need(situation=Situation.RESCUE, requirements=(CHEMISTS,), at=NOON, on=TODAY, place=TANGSHAN)


def four_experts() -> Pool:
    """Li and Wang are chemists, Zhao a smelter, Sun reviews plans only; Wang's term ends in ten days."""
    return Pool.of_experts(
        [(id_, name, 39.6, 118.2, None) for id_, name in enumerate(("李", "王", "赵", "孙"), 1)],
        practices=[(id_, "YJ" if id_ == ZHAO else "WH", "primary") for id_ in (LI, WANG, ZHAO, SUN)],
        specialties=[(LI, "leak")],
        task_categories=[(LI, "emergency"), (LI, "review"), (WANG, "emergency"), (SUN, "review")],
        appointments=[
            (id_, date(2025, 1, 1), TODAY + timedelta(days=10 if id_ == WANG else 500), None)
            for id_ in (LI, WANG, ZHAO, SUN)
        ],
        certificates=[(WANG, "注册消防工程师", TODAY + timedelta(days=30))],
        absences=[(LI, TODAY + timedelta(days=1), TODAY + timedelta(days=2), "")],
    )


OTHER_QUESTIONS = [
    pytest.param(RESCUE, id="the same again"),
    pytest.param(replace(RESCUE, on=TODAY + timedelta(days=1)), id="tomorrow, when Li is on leave"),
    pytest.param(replace(RESCUE, until=TODAY + timedelta(days=30)), id="until after Wang's term"),
    pytest.param(
        replace(RESCUE, situation=Situation.PLAN_REVIEW), id="a review, which Wang does not take on"
    ),
    pytest.param(replace(RESCUE, task_category="review"), id="another task category"),
    pytest.param(replace(RESCUE, requirements=(replace(CHEMISTS, industry="YJ"),)), id="smelters"),
    pytest.param(replace(RESCUE, requirements=(replace(CHEMISTS, specialty="leak"),)), id="with a specialty"),
    pytest.param(
        replace(RESCUE, requirements=(replace(CHEMISTS, industry=None, specialty="leak"),)),
        id="a specialty, whatever the trade",
    ),
    pytest.param(
        replace(RESCUE, requirements=(replace(CHEMISTS, certificate="注册消防工程师"),)),
        id="with a certificate",
    ),
    pytest.param(replace(RESCUE, already_asked=frozenset({(InviteeKind.EXPERT, LI)})), id="Li asked before"),
    pytest.param(replace(RESCUE, place=None), id="no place"),
]


@pytest.mark.parametrize("question", OTHER_QUESTIONS)
def test_a_question_asked_before_changes_no_answer_to_another(question: Need) -> None:
    asked_before = four_experts()
    for earlier in OTHER_QUESTIONS:
        _whole(earlier.values[0], asked_before)

    assert _whole(question, asked_before) == _whole(question, four_experts())


def test_whoever_goes_out_after_a_question_is_seen_in_the_next() -> None:
    roster = four_experts()
    assert match(RESCUE, experts=roster)["one"].picks[0] == LI

    later = roster.with_engagements(deployments=[(LI, "SJ-1")], refused_today=[WANG])

    matched = match(RESCUE, experts=later)["one"]
    assert LI not in matched.picks
    assert [reason.code for reason in matched.about(LI).reasons] == ["deployed"]
    assert "refused_today" in [caution.code for caution in matched.about(WANG).cautions]
    assert match(RESCUE, experts=roster)["one"].picks[0] == LI


def _whole(need: Need, pool: Pool) -> object:
    return match(need, experts=pool).to_dict()


def test_names_are_told_by_row_whatever_they_are_written_in() -> None:
    names = Names(["李明", "", "Müller", "𠮷田"])

    assert list(names) == ["李明", "", "Müller", "𠮷田"]
    assert (len(names), names[-1], names[1:3]) == (4, "𠮷田", ["", "Müller"])
    with pytest.raises(IndexError):
        names[4]
    assert list(Names([])) == []


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param([], id="nobody"),
        pytest.param([7], id="one"),
        pytest.param([3, 4, 6, 9], id="some ids are nobody's"),
        pytest.param([5, 1_000_000_007], id="far apart"),
    ],
)
def test_a_row_is_found_by_its_id_and_nobody_by_another(ids: list[int]) -> None:
    rows = row_of(ids)

    assert dict(rows) == {id_: row for row, id_ in enumerate(ids)}
    assert len(rows) == len(ids)
    for stranger in (-1, 0, 5 if 5 not in ids else 8, 10**12):
        assert stranger not in rows
        assert rows.get(stranger) is None


def test_the_codes_of_a_row_come_in_order_however_they_were_read():
    lines = [(3, "WH"), (0, "YJ"), (3, "MK"), (3, "WH"), (7, "DL"), (0, "WH")]
    for tags in (Tags(lines), Tags(reversed(lines))):
        assert [tags.codes(row) for row in range(9)] == [
            *(["WH", "YJ"], [], [], ["MK", "WH"], [], [], [], ["DL"], []),
        ]
        assert all(tags.has(row, code) for row, code in lines)
        assert not tags.has(0, "MK")
    assert Tags().codes(0) == []


def test_a_row_may_carry_more_codes_than_a_byte_counts():
    codes = [f"{number:04}" for number in range(300)]

    assert Tags((1, code) for code in codes).codes(1) == codes
