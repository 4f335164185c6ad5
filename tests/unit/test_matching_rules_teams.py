"""Which teams must not go, and why, and on what ground the others come: one team a line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, cast

import pytest

from coordination.matching import (
    Excluded,
    Need,
    Pool,
    Situation,
)
from coordination.matching.rule import TEAMS
from coordination.matching.rules import BARS, CAUTIONS
from tests.rules_cast import (
    FIRM,
    INSPECTION,
    OTHER_FIRM,
    PLUGGING,
    RESTED_AT_SIX,
    TEAM,
    TIRED_AT_SEVEN,
    TODAY,
    cautions,
    day,
    mine_team,
    only_match,
    reasons_against,
    shanghai,
    team,
)

BARRED = [
    pytest.param(team(), {}, id="ready and able"),
    pytest.param(team("out_of_service"), {"out_of_service": "检修停用"}, id="under repair"),
    pytest.param(team("disbanded"), {"out_of_service": "队伍已注销"}, id="disbanded"),
    pytest.param(team("resting"), {"resting": "队伍正在休整"}, id="resting"),
    pytest.param(team("dispatched"), {"deployed": "已出动：其他任务"}, id="marked as dispatched"),
    pytest.param(team(deployments=[(TEAM, "SJ-1")]), {"deployed": "已出动：SJ-1"}, id="at another incident"),
    pytest.param(
        team(capabilities=[(TEAM, "foam")]),
        {"capability": "不具备要求的能力：plugging"},
        id="cannot plug leaks",
    ),
    pytest.param(team(industries=[]), {}, id="serves no trade, but is able"),
    pytest.param(
        team("resting", capabilities=[]),
        {"resting": "队伍正在休整", "capability": "不具备要求的能力：plugging"},
        id="resting and unable",
    ),
    pytest.param(
        mine_team(apparatus_shifts=[(TEAM, TIRED_AT_SEVEN)]),
        {"apparatus_rest": "佩用呼吸器的班次于 11-18 07:00 结束，须休息 8 小时，11-18 15:00 起可再出动"},
        id="came out of the apparatus seven hours ago",
    ),
    pytest.param(mine_team(apparatus_shifts=[(TEAM, RESTED_AT_SIX)]), {}, id="eight hours of rest are over"),
    pytest.param(
        team(apparatus_shifts=[(TEAM, TIRED_AT_SEVEN)]),
        {
            "apparatus_rest_elsewhere": "佩用呼吸器的班次于 11-18 07:00 结束，"
            "参照矿山救援队休息 8 小时，11-18 15:00 起可再出动"
        },
        id="no mine team, seven hours after the apparatus",
    ),
    pytest.param(
        mine_team(state="resting", apparatus_shifts=[(TEAM, TIRED_AT_SEVEN)]),
        {
            "resting": "队伍正在休整",
            "apparatus_rest": "佩用呼吸器的班次于 11-18 07:00 结束，须休息 8 小时，11-18 15:00 起可再出动",
        },
        id="says that it rests, and must",
    ),
]


@pytest.mark.parametrize(("pool", "reasons"), BARRED)
def test_teams_that_are_left_out_are_told_every_reason(pool: Pool, reasons: dict[str, str]) -> None:
    assert reasons_against(pool, PLUGGING) == reasons


TEAM_FOR_A_DRILL = replace(INSPECTION, situation=Situation.DRILL, requirements=PLUGGING.requirements)
MINE_TEAMS = [
    pytest.param(
        mine_team(),
        situation,
        {"mine_team_for_rescue_only": "专职矿山救援队，不得调作救援以外的工作"},
        id=f"a standing mine team for {situation.en}",
    )
    for situation in Situation
    if situation not in (Situation.RESCUE, Situation.DRILL, Situation.INSPECTION)
] + [
    pytest.param(mine_team(), Situation.DRILL, {}, id="a standing mine team practises in a drill"),
    pytest.param(mine_team(), Situation.INSPECTION, {}, id="a standing mine team checks a mine it serves"),
    pytest.param(mine_team(), Situation.RESCUE, {}, id="a standing mine team for a rescue"),
    pytest.param(mine_team(full_time=[]), Situation.TRAINING, {}, id="a part-time mine team for a training"),
    pytest.param(team(full_time=[TEAM]), Situation.TRAINING, {}, id="a standing hazchem team for a training"),
    pytest.param(
        mine_team(industries=[(TEAM, "FM")]),
        Situation.TRAINING,
        {},
        id="the coal regulations say nothing about a team that serves no coal mine",
    ),
]


@pytest.mark.parametrize(("pool", "situation", "reasons"), MINE_TEAMS)
def test_a_standing_mine_team_is_for_rescue_only(
    pool: Pool, situation: Situation, reasons: dict[str, str]
) -> None:
    assert reasons_against(pool, replace(TEAM_FOR_A_DRILL, situation=situation)) == reasons


def test_rest_for_a_later_day_is_counted_until_that_day_begins() -> None:
    tired = team(apparatus_shifts=[(TEAM, shanghai(17, on=day(11, 30)))])

    assert "apparatus_rest_elsewhere" in reasons_against(tired, TEAM_FOR_A_DRILL)
    assert reasons_against(tired, replace(TEAM_FOR_A_DRILL, on=day(12, 2))) == {}


def test_the_articles_of_the_coal_regulations_are_cited_for_mine_teams_alone() -> None:
    def laws(pool: Pool, need: Need) -> list[str]:
        said = only_match(pool, need).about(TEAM)
        return [r.law.whole.zh for r in said.reasons if r.law] if isinstance(said, Excluded) else []

    tired = [(TEAM, TIRED_AT_SEVEN)]
    version = "（2025 年修订，2026-02-01 起施行）"
    assert laws(mine_team(apparatus_shifts=tired), PLUGGING) == [f"《煤矿安全规程》第七百六十六条{version}"]
    training = replace(TEAM_FOR_A_DRILL, situation=Situation.TRAINING)
    assert laws(mine_team(), training) == [f"《煤矿安全规程》第七百三十四条{version}"]
    assert laws(team(apparatus_shifts=tired), PLUGGING) == []


def agreement(ends_on: date, ended_on: date | None = None, promised: int | None = 30, **facts: Any) -> Pool:
    return team(agreements=[(TEAM, FIRM, day(1, 1), ends_on, ended_on, "XY-1", promised)], **facts)


@pytest.mark.parametrize(
    ("pool", "basis", "words"),
    [
        pytest.param(team(owner=FIRM), "own", "事发单位自有队伍", id="the firm's own team"),
        pytest.param(
            agreement(TODAY), "agreement", "协议 XY-1 有效，承诺 30 分钟到达", id="ends today, still obliges"
        ),
        pytest.param(
            agreement(day(12, 31), promised=None), "agreement", "协议 XY-1 有效", id="promises no time"
        ),
        pytest.param(
            agreement(day(11, 17)),
            "order",
            "无有效协议：由政府下达救援命令，或作为协助请求",
            id="lapsed yesterday",
        ),
        pytest.param(
            agreement(day(12, 31), ended_on=TODAY),
            "order",
            "无有效协议：由政府下达救援命令，或作为协助请求",
            id="terminated from today",
        ),
        pytest.param(
            team(agreements=[(TEAM, OTHER_FIRM, day(1, 1), day(12, 31), None, "XY-2", 30)]),
            "order",
            "无有效协议：由政府下达救援命令，或作为协助请求",
            id="an agreement with another firm",
        ),
    ],
)
def test_a_team_shows_on_what_basis_it_can_be_asked(pool: Pool, basis: str, words: str) -> None:
    offered = only_match(pool, PLUGGING).rows()[0].basis

    assert offered is not None
    assert (str(offered.basis), offered.words.zh) == (basis, words)


MAIN_WORKS, TANK_FARM = 71, 72
FOR_THE_TANK_FARM = [("XY-1", TANK_FARM, "罐区")]


FOR_FIRES = [("XY-1", "hazchem_fire")]
AT_THE_MAIN_WORKS = replace(PLUGGING, site_id=MAIN_WORKS)


OBLIGES_NOT = [
    pytest.param(
        agreement(day(11, 17)),
        AT_THE_MAIN_WORKS,
        {"agreement_lapsed": "已到期：协议 XY-1 已于 2026-11-17 到期，不再构成义务"},
        id="ran out yesterday",
    ),
    pytest.param(
        agreement(day(12, 31), ended_on=TODAY),
        AT_THE_MAIN_WORKS,
        {"agreement_terminated": "已终止：协议 XY-1 自 2026-11-18 起终止，不再构成义务"},
        id="ended from today on",
    ),
    pytest.param(
        team(agreements=[(TEAM, FIRM, day(11, 19), day(12, 31), None, "XY-1", 30)]),
        AT_THE_MAIN_WORKS,
        {"agreement_upcoming": "协议 XY-1 自 2026-11-19 起生效，现在还不构成义务"},
        id="begins tomorrow",
    ),
    pytest.param(
        agreement(day(12, 31), agreement_sites=FOR_THE_TANK_FARM),
        AT_THE_MAIN_WORKS,
        {"agreement_elsewhere": "协议 XY-1 只覆盖罐区，不含事发厂区，不构成义务"},
        id="covers another site",
    ),
    pytest.param(
        agreement(day(12, 31), agreement_sites=FOR_THE_TANK_FARM),
        PLUGGING,
        {
            "agreement_site_unknown": "协议 XY-1 只覆盖罐区；事发厂区未填，填写后才能判断是否构成义务",
        },
        id="covers one site, and nobody knows where it happened",
    ),
    pytest.param(
        agreement(day(12, 31), agreement_kinds=FOR_FIRES),
        replace(PLUGGING, incident_kind="hazchem_leak"),
        {"agreement_other_kind": "协议 XY-1 只适用于危化品火灾爆炸，不含危化品泄漏，不构成义务"},
        id="is for fires, and this is a leak",
    ),
    pytest.param(
        agreement(day(12, 31), agreement_kinds=FOR_FIRES),
        replace(PLUGGING, incident_kind=None),
        {
            "agreement_kind_unknown": "协议 XY-1 只适用于危化品火灾爆炸；事故类型未填，填写后才能判断是否构成义务"
        },
        id="is for fires, and nobody has said what happened",
    ),
    pytest.param(
        agreement(day(12, 31), agreement_kinds=FOR_FIRES, agreement_sites=FOR_THE_TANK_FARM),
        replace(AT_THE_MAIN_WORKS, incident_kind="hazchem_leak"),
        {
            "agreement_elsewhere": "协议 XY-1 只覆盖罐区，不含事发厂区，不构成义务",
            "agreement_other_kind": "协议 XY-1 只适用于危化品火灾爆炸，不含危化品泄漏，不构成义务",
        },
        id="is for fires at another site: both are told",
    ),
]


@pytest.mark.parametrize(("pool", "need", "said"), OBLIGES_NOT)
def test_an_agreement_that_does_not_oblige_is_shown_and_says_why(
    pool: Pool, need: Need, said: dict[str, str]
) -> None:
    offered = only_match(pool, need).rows()[0].basis

    assert cautions(pool, need) == said
    assert offered is not None
    assert offered.basis == "order"


@pytest.mark.parametrize(
    ("pool", "need"),
    [
        pytest.param(agreement(day(12, 31)), PLUGGING, id="all sites, the site unknown"),
        pytest.param(agreement(day(12, 31)), AT_THE_MAIN_WORKS, id="all sites"),
        pytest.param(
            agreement(day(12, 31), agreement_sites=[*FOR_THE_TANK_FARM, ("XY-1", MAIN_WORKS, "主厂区")]),
            AT_THE_MAIN_WORKS,
            id="both sites by name",
        ),
        pytest.param(
            agreement(day(12, 31), agreement_kinds=[*FOR_FIRES, ("XY-1", "hazchem_leak")]),
            replace(PLUGGING, incident_kind="hazchem_leak"),
            id="this kind of incident by name",
        ),
        pytest.param(agreement(day(12, 31), ended_on=day(12, 1)), PLUGGING, id="to be ended in a fortnight"),
        pytest.param(
            team(
                agreements=[
                    (TEAM, FIRM, day(1, 1, 2024), day(12, 31, 2025), None, "XY-0", 40),
                    (TEAM, FIRM, day(1, 1), day(12, 31), None, "XY-1", 30),
                    (TEAM, FIRM, day(1, 1, 2027), day(12, 31, 2027), None, "XY-2", 30),
                ]
            ),
            PLUGGING,
            id="renewed: neither the old one nor the next needs a word",
        ),
    ],
)
def test_an_agreement_in_force_and_in_scope_obliges_and_needs_no_caution(pool: Pool, need: Need) -> None:
    offered = only_match(pool, need).rows()[0].basis

    assert cautions(pool, need) == {}
    assert offered is not None
    assert (offered.basis, offered.number) == ("agreement", "XY-1")


def test_every_rule_that_is_about_teams_alone_is_met_by_a_line_of_these_tables() -> None:
    tables = (*BARRED, *MINE_TEAMS, *OBLIGES_NOT)
    met = {code for case in tables for code in cast(dict[str, str], case.values[-1])}

    assert {rule.code for rule in (*BARS, *CAUTIONS) if rule.about == TEAMS} <= met
