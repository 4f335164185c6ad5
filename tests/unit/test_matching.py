"""Matching a need to named people: who is proposed, who waits, what is missing, and in which words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from coordination.matching import (
    CandidateRow,
    Excluded,
    Fit,
    InviteeKind,
    Mode,
    Need,
    Pool,
    Requirement,
    Vocabulary,
    Weights,
    match,
    match_all,
)
from ground.terms import Words
from tests.matching_cast import (
    CHEMIST,
    LI,
    QIAN,
    STANDING,
    SUN,
    TODAY,
    WANG,
    ZHAO,
    km_north,
    rescue,
    roster,
)


def test_the_nearest_of_equals_is_proposed_and_the_next_three_wait() -> None:
    people = {LI: ("李", "WH", 90), WANG: ("王", "WH", 20), ZHAO: ("赵", "WH", 50), QIAN: ("钱", "WH", 60)}
    people |= {SUN: ("孙", "WH", 300)}

    matched = match(rescue(CHEMIST), experts=roster(people))["chemist"]

    assert matched.picks == (WANG,)
    assert matched.reserves == (ZHAO, QIAN, LI)
    assert matched.ids() == [WANG, ZHAO, QIAN, LI, SUN]
    assert matched.shortfall is None
    assert not matched.widened


def test_a_row_says_why_in_words_and_figures() -> None:
    pool = roster(
        {LI: ("李", "WH", 30)},
        callouts=[(LI, 4)],
        specialties=[(LI, "leak")],
        last_answers=[(LI, date(2026, 11, 15))],
    )
    ask = replace(CHEMIST, specialty="leak")
    names = Vocabulary(specialties={"leak": Words("带压堵漏", "plugging under pressure")})

    (row,) = match(rescue(ask), experts=pool, vocabulary=names)["chemist"].rows()

    assert row.is_picked
    assert row.fit is Fit.PRIMARY
    assert row.distance_km == pytest.approx(30, abs=0.5)
    assert [part.words.zh for part in row.parts] == [
        "危险化学品为主专业，专业方向：带压堵漏",
        f"约 {row.minutes:.0f} 分钟（直线估算）",
        "近 90 天出动 4 次",
        "3 天前答复过",
    ]
    assert [part.words.en for part in row.parts] == [
        "mainly hazardous chemicals, specialty: plugging under pressure",
        f"about {row.minutes:.0f} min (straight-line estimate)",
        "called out 4 times in 90 days",
        "last answered 3 days ago",
    ]
    assert [part.of for part in row.parts] == [50, 30, 15, 5]
    assert row.parts[0].points == 50
    assert row.parts[2].points == 7.5
    assert row.score == round(sum(part.points for part in row.parts))


def test_a_main_practice_counts_more_than_a_side_practice() -> None:
    pool = roster({LI: ("李", "YJ", 40), WANG: ("王", "WH", 40)}, also=[(LI, "WH", "secondary")])

    rows = match(rescue(CHEMIST), experts=pool)["chemist"].rows()

    assert [(row.id, row.parts[0].words.zh) for row in rows] == [
        (WANG, "危险化学品为主专业"),
        (LI, "危险化学品为兼专业"),
    ]


def test_the_specialty_asked_for_decides_between_two_of_the_trade() -> None:
    pool = roster({LI: ("李", "WH", 40), WANG: ("王", "WH", 45)}, specialties=[(WANG, "leak")])

    assert match(rescue(CHEMIST), experts=pool).picks == {"chemist": (LI,)}
    assert match(rescue(replace(CHEMIST, specialty="leak")), experts=pool).picks == {"chemist": (WANG,)}


def test_somebody_called_out_often_gives_way_to_one_as_near() -> None:
    pool = roster({LI: ("李", "WH", 40), WANG: ("王", "WH", 41)}, callouts=[(LI, 6)])

    assert match(rescue(CHEMIST), experts=pool).picks == {"chemist": (WANG,)}


def test_the_officers_weights_change_the_order_and_are_kept() -> None:
    pool = roster({LI: ("李", "WH", 200), WANG: ("王", "YJ", 5)}, also=[(WANG, "WH", "secondary")])
    by_travel = Weights(expertise=10, travel=80, load=10)

    assert match(rescue(CHEMIST), experts=pool, weights=Weights(expertise=90, travel=5, load=5)).picks == {
        "chemist": (LI,)
    }
    matching = match(rescue(CHEMIST), experts=pool, weights=by_travel)
    assert matching.picks == {"chemist": (WANG,)}
    assert matching.to_dict()["weights"]["travel"] == 80


def test_of_two_with_the_same_points_the_nearer_goes_and_of_two_as_near_the_lower_number() -> None:
    pool = roster({LI: ("李", "WH", 80), WANG: ("王", "WH", 5), ZHAO: ("赵", "WH", 5)})
    travel_is_nothing = Weights(expertise=70, travel=0, load=30)

    assert match(rescue(CHEMIST), experts=pool, weights=travel_is_nothing)["chemist"].ids() == [
        WANG,
        ZHAO,
        LI,
    ]


@pytest.mark.parametrize(
    ("weights", "points"),
    [
        pytest.param(Weights(), (50, 30, 15, 5), id="as they come"),
        pytest.param(Weights(expertise=1, travel=1, load=3), (19, 19, 57, 5), id="they share what is left"),
        pytest.param(Weights(expertise=0, travel=0, load=0), (95 / 3, 95 / 3, 95 / 3, 5), id="all at zero"),
        pytest.param(Weights(expertise=-5, travel=1, load=0), (0, 95, 0, 5), id="below zero"),
        pytest.param(
            Weights(expertise=1, travel=1, load=0, freshness=0), (50, 50, 0, 0), id="without freshness"
        ),
        pytest.param(Weights(freshness=300), (0, 0, 0, 100), id="nothing but freshness"),
    ],
)
def test_any_three_weights_have_a_meaning(weights: Weights, points: tuple[float, ...]) -> None:
    assert weights.points == points


def test_a_specialist_far_away_is_never_displaced_by_a_neighbour_of_the_trade_close_by() -> None:
    pool = roster({LI: ("李", "WH", 300), WANG: ("王", "YQ", 1)}, callouts=[(LI, 50)])

    matched = match(rescue(CHEMIST), experts=pool)["chemist"]

    assert matched.picks == (LI,)
    assert matched.reserves == (WANG,)


def test_near_trades_are_searched_only_when_the_trade_is_used_up_and_it_is_said() -> None:
    enough = {number: ("演示", "WH", 20.0 * number) for number in range(1, 5)}
    near = {QIAN + 10: ("钱", "YQ", 1.0), SUN + 10: ("孙", "QG", 2.0)}

    plenty = match(rescue(CHEMIST), experts=roster(enough | near))["chemist"]
    assert not plenty.widened
    assert plenty.widened_words() is None
    assert plenty.ids() == [1, 2, 3, 4]
    neighbour = plenty.about(QIAN + 10)
    assert isinstance(neighbour, Excluded)
    assert [reason.words.zh for reason in neighbour.reasons] == ["相近行业，本行业人手足够，未启用"]

    del enough[1]
    scarce = match(rescue(CHEMIST), experts=roster(enough | near))["chemist"]
    assert scarce.widened
    assert scarce.widened_words() == Words(
        "本行业可用 3 人，不够 1 席和 3 名候补，已扩大到相近行业：石油天然气开采、轻工（2 人，14–18 分钟）",
        "3 experts of the trade available, not enough (seats: 1, reserves: 3); "
        "widened to near trades: oil and gas extraction, light industry (2 experts, 14–18 min)",
    )
    assert scarce.picks == (2,)
    assert scarce.reserves == (3, 4, QIAN + 10)
    assert scarce.ids() == [2, 3, 4, QIAN + 10, SUN + 10]


def test_neighbours_on_leave_do_not_count_among_those_of_the_trade_who_are_kept_away() -> None:
    people = {number: ("演示", "WH", 20.0) for number in (LI, WANG, ZHAO, QIAN)} | {SUN: ("孙", "YQ", 1.0)}

    matched = match(rescue(CHEMIST), experts=roster(people, absences=[(SUN, TODAY, TODAY, "")]))["chemist"]

    assert (matched.excluded_count, matched.unfit_count) == (0, 1)
    (sun,) = matched.excluded()
    assert [reason.code for reason in sun.reasons] == ["absent", "near_not_needed"]


def test_when_trade_and_neighbours_are_all_away_nobody_is_said_not_to_be_needed() -> None:
    people = {LI: ("李", "WH", 20.0), SUN: ("孙", "YQ", 1.0)}
    away = [(LI, TODAY, TODAY, ""), (SUN, TODAY, TODAY, "")]

    matched = match(rescue(CHEMIST), experts=roster(people, absences=away))["chemist"]

    assert [[reason.code for reason in one.reasons] for one in matched.excluded()] == [["absent"], ["absent"]]
    assert matched.widened
    assert matched.shortfall is not None
    assert matched.shortfall.words.zh == "还差 1 人：符合专业的共 2 人，请假 2"


def test_one_person_is_not_used_twice_and_both_seats_are_filled() -> None:
    # Li is the best for both, but Wang can only do the first.
    pool = roster({LI: ("李", "WH", 5), WANG: ("王", "WH", 80)}, also=[(LI, "YJ", "secondary")])
    asks = (CHEMIST, Requirement(key="smelter", industry="YJ"))

    matching = match(rescue(*asks), experts=pool)

    assert matching.picks == {"chemist": (WANG,), "smelter": (LI,)}
    assert matching.shortfalls == {}


def test_the_critical_seat_is_filled_first_when_there_is_one_person_for_two() -> None:
    pool = roster({LI: ("李", "WH", 5)}, also=[(LI, "YJ", "secondary")])
    asks = (CHEMIST, Requirement(key="smelter", industry="YJ", critical=True))

    matching = match(rescue(*asks), experts=pool)

    assert matching.picks == {"chemist": (), "smelter": (LI,)}
    shortfall = matching.shortfalls["chemist"]
    assert shortfall.missing == 1
    assert shortfall.words.zh == "还差 1 人：符合专业的共 1 人，已安排在其他岗位 1"


def test_a_shortfall_names_what_keeps_the_others_away() -> None:
    people = {LI: ("李", "YC", 5), WANG: ("王", "YC", 9), ZHAO: ("赵", "YC", 9), QIAN: ("钱", "MK", 1)}
    pool = roster(
        people,
        absences=[(LI, TODAY, TODAY, ""), (WANG, TODAY, TODAY, "")],
        deployments=[(WANG, "SJ-1"), (ZHAO, "SJ-1")],
    )

    matched = match(rescue(Requirement(key="tobacco", industry="YC", seats=2)), experts=pool)["tobacco"]

    assert matched.picks == ()
    assert matched.shortfall is not None
    assert matched.shortfall.words == Words(
        "还差 2 人：符合专业的共 3 人，请假 2 · 已出动 2；另有 1 人在别处出动，可电话请教",
        "2 experts short; 3 experts of the trade in all: on leave 2 · deployed 2; 1 expert out elsewhere could be "
        "rung up",
    )
    assert matched.exclusion_words().zh == "已排除 3 人：请假 2 · 已出动 2；另有 1 人专业或能力不符"
    assert (matched.excluded_count, matched.unfit_count, matched.candidate_count) == (3, 1, 0)


def test_experts_asked_for_urgently_are_the_soonest_and_otherwise_the_best() -> None:
    pool = roster({LI: ("李", "WH", 90), WANG: ("王", "YJ", 20)}, also=[(WANG, "WH", "secondary")])

    best = match(rescue(CHEMIST), experts=pool)["chemist"]
    soonest = match(rescue(replace(CHEMIST, urgent=True)), experts=pool)["chemist"]

    assert best.picks == (LI,)
    assert soonest.picks == (WANG,)


def test_two_incidents_do_not_count_on_the_same_person_and_the_worse_one_comes_first() -> None:
    pool = roster({LI: ("李", "WH", 10), WANG: ("王", "WH", 200)})
    leak, fire = rescue(CHEMIST, label="SJ-1"), rescue(CHEMIST, label="SJ-2", severity=3)

    together = [one["chemist"] for one in match_all([leak, fire], experts=pool)]
    del_wang = roster({LI: ("李", "WH", 10)})
    scarce = [one["chemist"] for one in match_all([leak, fire], experts=del_wang)]

    assert sorted(one.picks for one in together) == [(LI,), (WANG,)]
    assert [one.picks for one in scarce] == [(), (LI,)]
    assert scarce[0].is_kept_for_another(LI)
    row = scarce[0].about(LI)
    assert isinstance(row, CandidateRow)
    assert [reason.words.zh for reason in row.cautions] == ["统筹：先留给 SJ-2"]
    assert scarce[0].shortfall is not None and "已安排在其他岗位 1" in scarce[0].shortfall.words.zh


def test_when_the_city_has_too_few_it_is_said_from_where_the_others_come() -> None:
    people = {LI: ("李", "WH", 10), WANG: ("王", "WH", 120), ZHAO: ("赵", "WH", 160)}
    pool = roster(people, units=[(LI, "130200"), (WANG, "130300"), (ZHAO, "130800")])
    three = replace(CHEMIST, seats=3)

    enough = match(rescue(CHEMIST, unit="130200"), experts=pool)["chemist"]
    few = match(rescue(three, unit="130200"), experts=pool)["chemist"]

    assert enough.widened_words() is None
    assert few.widened_words() == Words(
        "唐山市可用 1 人，不够 3 席，已扩大到：秦皇岛市 1、承德市 1",
        "1 expert available in 唐山市 for 3 seats; widened to: 秦皇岛市 1, 承德市 1",
    )


def test_who_is_kept_away_only_by_another_incident_is_named_for_a_call_when_a_seat_stays_empty() -> None:
    pool = roster(
        {LI: ("李", "WH", 10), WANG: ("王", "WH", 20)},
        deployments=[(LI, "SJ-1"), (WANG, "SJ-1")],
        absences=[(WANG, TODAY, TODAY, "出国")],
    )

    shortfall = match(rescue(CHEMIST), experts=pool)["chemist"].shortfall

    assert shortfall is not None
    assert shortfall.words.zh == (
        "还差 1 人：符合专业的共 2 人，请假 1 · 已出动 2；另有 1 人在别处出动，可电话请教"
    )


def test_advice_from_afar_costs_no_travel() -> None:
    pool = roster({LI: ("李", "WH", 400), WANG: ("王", "WH", 5)}, callouts=[(WANG, 2)])

    matched = match(rescue(replace(CHEMIST, mode=Mode.REMOTE)), experts=pool)["chemist"]

    assert matched.picks == (LI,)
    assert matched.rows()[0].parts[1].words.zh == "远程，无需到场"


def test_without_a_place_people_are_ranked_by_the_rest_and_it_is_said() -> None:
    pool = roster({LI: ("李", "WH", 5), WANG: ("王", "WH", 400)}, callouts=[(LI, 3)])

    matched = match(rescue(CHEMIST, place=None), experts=pool)["chemist"]

    assert matched.picks == (WANG,)
    row = matched.rows()[0]
    assert (row.distance_km, row.minutes) == (None, None)
    assert row.parts[1].words.zh == "地点未定，未计路程"


def test_somebody_without_a_place_comes_after_those_who_have_one() -> None:
    pool = Pool.of_experts(
        [(LI, "李", None, None, None), (WANG, "王", *km_north(350), None)],
        practices=[(LI, "WH", "primary"), (WANG, "WH", "primary")],
        appointments=[(LI, *STANDING), (WANG, *STANDING)],
    )

    assert match(rescue(CHEMIST), experts=pool)["chemist"].ids() == [WANG, LI]


def test_one_who_is_left_out_still_shows_how_far_away_he_is() -> None:
    pool = roster({LI: ("胡", "WH", 12)}, absences=[(LI, TODAY, TODAY, "")])

    (left_out,) = match(rescue(CHEMIST), experts=pool)["chemist"].excluded()

    assert left_out.name == "胡"
    assert left_out.distance_km == pytest.approx(12, abs=0.2)
    assert left_out.minutes is not None


@pytest.mark.parametrize(
    "need",
    [
        pytest.param(rescue(), id="nothing is asked"),
        pytest.param(rescue(CHEMIST), id="nobody there"),
        pytest.param(rescue(replace(CHEMIST, seats=0)), id="no seats"),
        pytest.param(rescue(replace(CHEMIST, seats=-3)), id="fewer than no seats"),
        pytest.param(rescue(replace(CHEMIST, industry="??", specialty="?")), id="unknown codes"),
        pytest.param(rescue(Requirement(key="team", kind=InviteeKind.TEAM)), id="no teams"),
        pytest.param(rescue(CHEMIST, place=None, enterprise_id=None), id="no place and no firm"),
    ],
)
def test_every_need_has_an_answer(need: Need) -> None:
    for experts in (None, Pool.of_experts(), roster({LI: ("李", "MK", 5)})):
        matching = match(need, experts=experts)

        assert all(picks == () for picks in matching.picks.values())
        assert set(matching.shortfalls) == {ask.key for ask in need.requirements if ask.seats > 0}
        assert json.loads(json.dumps(matching.to_dict())) == matching.to_dict()


def test_two_requirements_with_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="same key"):
        match(rescue(CHEMIST, CHEMIST))


def test_seats_beyond_the_number_of_people_are_filled_as_far_as_they_go() -> None:
    matched = match(rescue(replace(CHEMIST, seats=40)), experts=roster({LI: ("李", "WH", 5)}))["chemist"]

    assert matched.picks == (LI,)
    assert matched.shortfall is not None
    assert matched.shortfall.missing == 39


def test_long_lists_are_cut_when_kept_but_the_counts_are_whole() -> None:
    people = {number: ("演示", "WH" if number % 2 else "MK", float(number)) for number in range(1, 101)}

    kept = match(rescue(CHEMIST), experts=roster(people)).to_dict(rows=5, excluded=7)["matches"][0]

    assert (len(kept["rows"]), kept["candidates"]) == (5, 50)
    assert (len(kept["excluded"]), kept["unfit_count"]) == (7, 50)
