"""Who must not go, and why: one named person a line.

The need is for an expert in hazardous chemicals, on site in 唐山, on 18 November 2026, for enterprise 7.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import pytest

from coordination.matching import (
    Excluded,
    InviteeKind,
    Match,
    Mode,
    Need,
    Pool,
    Requirement,
    Situation,
    Vocabulary,
    match,
)
from coordination.matching.fits import case_of
from coordination.matching.rule import Rule
from coordination.matching.rules import BARS, CAUTIONS, NEAR_NOT_NEEDED
from coordination.visits import GuidanceKind
from ground.dates import SHANGHAI
from ground.places import Point
from ground.terms import Words

NOW = datetime(2026, 11, 18, 6, 18, tzinfo=UTC)
TODAY = date(2026, 11, 18)
TANGSHAN = Point(39.63, 118.18)
FIRM, OTHER_FIRM = 7, 8
LI, WANG = 1, 2
TEAM = 5

CHEMIST = Requirement(key="chemist", industry="WH")
RESCUE = Need(
    situation=Situation.RESCUE, requirements=(CHEMIST,), at=NOW, on=TODAY, place=TANGSHAN, enterprise_id=FIRM
)
REVIEW = replace(RESCUE, situation=Situation.PLAN_REVIEW, on=date(2026, 12, 1), until=date(2026, 12, 3))
INSPECTION = replace(REVIEW, situation=Situation.INSPECTION)


def day(month: int, number: int, year: int = 2026) -> date:
    return date(year, month, number)


def li(**facts: Any) -> Pool:
    """Return a pool of one: Li, a chemist in good standing, unless `facts` say otherwise."""
    suspended_on = facts.pop("suspended_on", None)
    latitude, longitude = facts.pop("place", (39.7, 118.3))
    standing: dict[str, Any] = {
        "practices": [(LI, "WH", "primary")],
        "task_categories": [(LI, "emergency"), (LI, "review"), (LI, "inspection")],
        "appointments": [(LI, day(1, 1), day(12, 31, 2028), None)],
    }
    return Pool.of_experts([(LI, "李工", latitude, longitude, suspended_on)], **{**standing, **facts})


def only_match(pool: Pool, need: Need) -> Match:
    experts, teams = (pool, None) if pool.kind is InviteeKind.EXPERT else (None, pool)
    return match(need, experts=experts, teams=teams).matches[0]


def reasons_against(pool: Pool, need: Need) -> dict[str, str]:
    said = only_match(pool, need).about(int(pool.ids[0]))
    return {r.code: r.words.zh for r in said.reasons} if isinstance(said, Excluded) else {}


def cautions(pool: Pool, need: Need) -> dict[str, str]:
    rows = only_match(pool, need).rows()
    return {caution.code: caution.words.zh for caution in rows[0].cautions} if rows else {}


def test_li_in_good_standing_may_go_and_nothing_is_to_be_said() -> None:
    assert reasons_against(li(), RESCUE) == {}
    assert cautions(li(), RESCUE) == {}


BARRED = [
    pytest.param(
        li(suspended_on=day(11, 1)),
        RESCUE,
        {"suspended": "已停聘（2026-11-01 起）"},
        id="suspended since the first",
    ),
    pytest.param(li(suspended_on=day(11, 19)), RESCUE, {}, id="suspended only from tomorrow"),
    pytest.param(
        li(appointments=[(LI, day(1, 1, 2023), day(11, 17), None)]),
        RESCUE,
        {"not_appointed": "聘期已于 2026-11-17 届满"},
        id="the term ended yesterday",
    ),
    pytest.param(
        li(appointments=[(LI, day(1, 1, 2023), TODAY, None)]),
        RESCUE,
        {},
        id="the term's last day still counts",
    ),
    pytest.param(
        li(appointments=[(LI, TODAY, day(12, 31), None)]),
        RESCUE,
        {},
        id="the term's first day already counts",
    ),
    pytest.param(
        li(appointments=[(LI, day(11, 19), day(12, 31), None)]),
        RESCUE,
        {"not_appointed": "聘期 2026-11-19 起，尚未开始"},
        id="the term begins tomorrow",
    ),
    pytest.param(li(appointments=[]), RESCUE, {"not_appointed": "没有聘任记录"}, id="never appointed"),
    pytest.param(
        li(appointments=[(LI, day(1, 1), day(12, 31), TODAY)]),
        RESCUE,
        {"not_appointed": "已解聘，2026-11-17 为最后一日"},
        id="dismissed from today",
    ),
    pytest.param(
        li(appointments=[(LI, day(1, 1), day(12, 2), None)]),
        REVIEW,
        {"not_appointed": "聘期 2026-12-02 届满，早于所需末日"},
        id="the term ends before the review does",
    ),
    pytest.param(
        li(appointments=[(LI, day(1, 1), day(12, 2), None), (LI, day(12, 3), day(12, 31), None)]),
        REVIEW,
        {},
        id="a renewal falls within the review",
    ),
    pytest.param(
        li(absences=[(LI, day(11, 10), TODAY, "出国")]),
        RESCUE,
        {"absent": "请假 2026-11-10 至 2026-11-18：出国"},
        id="on leave until today",
    ),
    pytest.param(
        li(absences=[(LI, day(11, 10), day(11, 17), "")]), RESCUE, {}, id="back from leave since today"
    ),
    pytest.param(
        li(absences=[(LI, day(12, 3), day(12, 9), "")]),
        REVIEW,
        {"absent": "请假 2026-12-03 至 2026-12-09"},
        id="on leave on the last day of the review",
    ),
    pytest.param(
        li(deployments=[(LI, "SJ-20261117-001")]),
        RESCUE,
        {"deployed": "已出动：SJ-20261117-001"},
        id="at another incident",
    ),
    pytest.param(
        li(deployments=[(LI, "SJ-20261117-001")]),
        replace(RESCUE, requirements=(replace(CHEMIST, mode=Mode.REMOTE),)),
        {"deployed": "已出动：SJ-20261117-001"},
        id="at another incident, and only advice is asked",
    ),
    pytest.param(
        li(deployments=[(LI, "SJ-20261117-001")]),
        replace(INSPECTION, on=TODAY, until=TODAY),
        {"deployed": "已出动：SJ-20261117-001"},
        id="at an incident on the day of the inspection",
    ),
    pytest.param(
        li(deployments=[(LI, "SJ-20261117-001")]),
        INSPECTION,
        {},
        id="at an incident two weeks before the inspection",
    ),
    pytest.param(
        li(visits=[(LI, day(12, 3), day(12, 5), "ZD-12")]),
        INSPECTION,
        {"visit_overlaps": "已约指导 2026-12-03 至 2026-12-05：ZD-12"},
        id="two visits share a day",
    ),
    pytest.param(
        li(visits=[(LI, day(12, 4), day(12, 5), "ZD-12")]), INSPECTION, {}, id="two visits follow each other"
    ),
    pytest.param(
        li(visits=[(LI, TODAY, TODAY, "ZD-12")]), RESCUE, {}, id="a visit today does not bar from a rescue"
    ),
    pytest.param(
        li(interests=[(LI, FIRM, None, None, Words("本企业受聘顾问", "retained adviser"))]),
        REVIEW,
        {"recused": "回避：本企业受聘顾问"},
        id="advises the firm whose plan is reviewed",
    ),
    pytest.param(
        li(interests=[(LI, FIRM, None, None, Words("持有股份", "holds shares"))]),
        replace(REVIEW, situation=Situation.INVESTIGATION),
        {"recused": "回避：持有股份"},
        id="holds shares in the firm that is investigated",
    ),
    pytest.param(
        li(interests=[(LI, FIRM, None, None, Words("本企业受聘顾问", "retained adviser"))]),
        replace(INSPECTION, by_lot=True),
        {"interest_in_a_draw": "有利害关系，不参加抽取：本企业受聘顾问"},
        id="chance does not send the firm's adviser to inspect it",
    ),
    pytest.param(
        li(interests=[(LI, FIRM, None, None, Words("本企业受聘顾问", "retained adviser"))]),
        replace(REVIEW, by_lot=True),
        {"recused": "回避：本企业受聘顾问"},
        id="in a draw for a review the article bars already",
    ),
    pytest.param(
        li(interests=[(LI, OTHER_FIRM, None, None, Words("任职", "employed there"))]),
        REVIEW,
        {},
        id="works for another firm",
    ),
    pytest.param(
        li(interests=[(LI, FIRM, day(1, 1, 2020), day(11, 30), Words("任职", "employed there"))]),
        REVIEW,
        {},
        id="left the firm the day before the review",
    ),
    pytest.param(
        li(interests=[(LI, FIRM, None, None, Words("任职", "employed there"))]),
        replace(REVIEW, enterprise_id=None),
        {},
        id="no firm is named",
    ),
    pytest.param(
        li(interests=[(LI, FIRM, None, None, Words("任职", "employed there"))]),
        RESCUE,
        {},
        id="the accident firm's own engineer may help",
    ),
    pytest.param(
        li(certificates=[(LI, "注册安全工程师", day(11, 17))]),
        replace(RESCUE, requirements=(replace(CHEMIST, certificate="注册安全工程师"),)),
        {"certificate_expired": "证书过期：注册安全工程师有效期至 2026-11-17"},
        id="the certificate expired yesterday",
    ),
    pytest.param(
        li(certificates=[(LI, "注册安全工程师", TODAY)]),
        replace(RESCUE, requirements=(replace(CHEMIST, certificate="注册安全工程师"),)),
        {},
        id="the certificate is valid today",
    ),
    pytest.param(
        li(certificates=[(LI, "注册安全工程师", day(1, 1)), (LI, "注册安全工程师", None)]),
        replace(RESCUE, requirements=(replace(CHEMIST, certificate="注册安全工程师"),)),
        {},
        id="an old certificate was replaced by one that does not expire",
    ),
    pytest.param(
        li(certificates=[(LI, "注册消防工程师", None)]),
        replace(RESCUE, requirements=(replace(CHEMIST, certificate="注册安全工程师"),)),
        {"certificate_missing": "没有要求的证书：注册安全工程师"},
        id="another certificate than the one asked for",
    ),
    pytest.param(
        li(certificates=[(LI, "注册安全工程师", day(1, 1))]), RESCUE, {}, id="no certificate is asked for"
    ),
    pytest.param(
        li(task_categories=[(LI, "training")]),
        RESCUE,
        {"task_category": "未承担“emergency”类任务"},
        id="appointed for training only",
    ),
    pytest.param(li(task_categories=[]), RESCUE, {}, id="no task category is registered"),
    pytest.param(
        li(task_categories=[(LI, "training")]),
        replace(RESCUE, task_category="training"),
        {},
        id="the need names its own category",
    ),
    pytest.param(
        li(),
        replace(RESCUE, already_asked=frozenset({(InviteeKind.EXPERT, LI)})),
        {"already_asked": "本次已经通知过"},
        id="asked in an earlier wave",
    ),
    pytest.param(
        li(),
        replace(RESCUE, already_asked=frozenset({(InviteeKind.TEAM, LI)})),
        {},
        id="a team with the same number was asked",
    ),
    pytest.param(
        li(practices=[(LI, "YC", "primary")]),
        RESCUE,
        {"other_trade": "行业不符：烟草，需要危险化学品"},
        id="a tobacco expert",
    ),
    pytest.param(
        li(practices=[]),
        RESCUE,
        {"other_trade": "行业不符：未登记行业，需要危险化学品"},
        id="no trade registered",
    ),
    pytest.param(
        li(specialties=[(LI, "fire")]),
        replace(RESCUE, requirements=(Requirement(key="any", specialty="leak"),)),
        {"specialty": "没有要求的专业方向：leak"},
        id="another specialty than the one asked for",
    ),
    pytest.param(li(place=(None, None)), RESCUE, {}, id="an unknown place keeps nobody out"),
    pytest.param(
        li(
            suspended_on=day(11, 1),
            practices=[(LI, "YC", "primary")],
            appointments=[(LI, day(1, 1, 2023), day(11, 17), None)],
            absences=[(LI, TODAY, TODAY, "")],
            deployments=[(LI, "SJ-1")],
            task_categories=[(LI, "training")],
        ),
        RESCUE,
        {
            "suspended": "已停聘（2026-11-01 起）",
            "not_appointed": "聘期已于 2026-11-17 届满",
            "absent": "请假 2026-11-18 至 2026-11-18",
            "deployed": "已出动：SJ-1",
            "task_category": "未承担“emergency”类任务",
            "other_trade": "行业不符：烟草，需要危险化学品",
        },
        id="six reasons at once, all of them told",
    ),
]


@pytest.mark.parametrize(("pool", "need", "reasons"), BARRED)
def test_who_is_left_out_is_told_every_reason(pool: Pool, need: Need, reasons: dict[str, str]) -> None:
    assert reasons_against(pool, need) == reasons


CAUTIONED = [
    pytest.param(
        li(interests=[(LI, FIRM, None, None, Words("本企业任职", "employed there"))]),
        RESCUE,
        {"interest_to_disclose": "有利害关系，须说明：本企业任职"},
        id="the accident firm's own engineer discloses it",
    ),
    pytest.param(
        li(visits=[(LI, TODAY, TODAY, "ZD-12")]),
        RESCUE,
        {"visit_on_these_days": "已约指导 2026-11-18 至 2026-11-18：ZD-12"},
        id="a visit today has to be put off",
    ),
    pytest.param(
        li(deployments=[(LI, "SJ-1")]),
        INSPECTION,
        {"deployed_before": "正在出动：SJ-1，到访前须确认已返回"},
        id="still at an incident two weeks before the inspection",
    ),
    pytest.param(
        li(asked=[(LI, "SJ-2"), (LI, "SJ-1")], asked_in_drills=[(LI, "SJ-3")]),
        RESCUE,
        {"asked_elsewhere": "正被 SJ-1、SJ-2、演练 SJ-3 通知，尚未答复"},
        id="two other incidents and a drill wait for an answer",
    ),
    pytest.param(
        li(asked=[(LI, "SJ-1")]),
        INSPECTION,
        {"asked_elsewhere": "正被 SJ-1 通知，尚未答复"},
        id="an incident waits for an answer two weeks before the inspection",
    ),
    pytest.param(
        li(asked=[(LI, "SJ-1")], asked_in_drills=[(LI, "SJ-1")]),
        replace(RESCUE, label="SJ-1"),
        {},
        id="nobody waits but the incident itself",
    ),
    pytest.param(
        li(refused_today=[LI]), RESCUE, {"refused_today": "今日已婉拒一次"}, id="said no this morning"
    ),
    pytest.param(
        li(unreached_today=[LI]),
        RESCUE,
        {"unreached_today": "今日发出的通知全部失败，请打电话核实"},
        id="no message reached them today",
    ),
    pytest.param(
        li(refused_today=[LI], unreached_today=[LI]),
        RESCUE,
        {
            "refused_today": "今日已婉拒一次",
            "unreached_today": "今日发出的通知全部失败，请打电话核实",
        },
        id="said no to one call and was not reached by another",
    ),
    pytest.param(
        li(appointments=[(LI, day(1, 1), day(11, 30), None)]),
        RESCUE,
        {"ends_soon": "聘期 12 天后到期（2026-11-30）"},
        id="the term ends in twelve days",
    ),
    pytest.param(
        li(appointments=[(LI, day(1, 1), day(11, 30), None), (LI, day(12, 1), day(12, 1, 2029), None)]),
        RESCUE,
        {},
        id="the term ends in twelve days but is renewed",
    ),
    pytest.param(
        li(task_categories=[]),
        RESCUE,
        {"no_category": "未登记承担的任务类别"},
        id="no task category is registered",
    ),
    pytest.param(
        li(place=(None, None)),
        RESCUE,
        {"no_place": "位置未登记，无法估算到场时间"},
        id="the place is unknown",
    ),
    pytest.param(
        li(place=(118.18, 39.63)),
        RESCUE,
        {"no_place": "位置未登记，无法估算到场时间"},
        id="the registered degrees are nowhere on earth",
    ),
    pytest.param(
        li(place=(None, None)),
        replace(RESCUE, requirements=(replace(CHEMIST, mode=Mode.REMOTE),)),
        {},
        id="the place does not matter for advice from afar",
    ),
    pytest.param(
        li(practices=[(LI, "YQ", "primary")]),
        RESCUE,
        {"near_trade": "不是危险化学品行业，登记行业：石油天然气开采"},
        id="a neighbour of the trade when there is nobody else",
    ),
]


@pytest.mark.parametrize(("pool", "need", "said"), CAUTIONED)
def test_who_may_go_is_shown_with_every_caution(pool: Pool, need: Need, said: dict[str, str]) -> None:
    assert reasons_against(pool, need) == {}
    assert cautions(pool, need) == said


def test_only_a_review_and_an_investigation_cite_the_article_that_bars() -> None:
    pool = li(interests=[(LI, FIRM, None, None, Words("本企业任职", "employed there"))])

    def laws(situation: Situation) -> list[str]:
        said = only_match(pool, replace(REVIEW, situation=situation)).about(LI)
        return [r.law.words.zh for r in said.reasons if r.law] if isinstance(said, Excluded) else []

    assert laws(Situation.PLAN_REVIEW) == ["《生产安全事故应急预案管理办法》第二十二条"]
    assert laws(Situation.INVESTIGATION) == ["《生产安全事故报告和调查处理条例》第二十三条"]
    assert laws(Situation.INSPECTION) == []


def team(state: str = "ready", owner: int | None = None, **facts: Any) -> Pool:
    standing: dict[str, Any] = {"industries": [(TEAM, "WH")], "capabilities": [(TEAM, "plugging")]}
    return Pool.of_teams([(TEAM, "演示危化队", 39.7, 118.3, state, owner)], **{**standing, **facts})


def mine_team(**facts: Any) -> Pool:
    """Return a standing mine rescue team that serves coal mines, unless `facts` say otherwise."""
    standing: dict[str, Any] = {"industries": [(TEAM, "MK")], "kinds": [(TEAM, "mine")], "full_time": [TEAM]}
    return team(**{**standing, **facts})


def shanghai(hour: int, minute: int = 0, *, on: date = TODAY) -> datetime:
    return datetime.combine(on, time(hour, minute), SHANGHAI)


PLUGGING = replace(
    RESCUE, requirements=(Requirement(key="team", kind=InviteeKind.TEAM, capability="plugging"),)
)
# It is 14:18 in Shanghai.
RESTED_AT_SIX, TIRED_AT_SEVEN = shanghai(6, 18), shanghai(7)


@pytest.mark.parametrize(
    ("pool", "reasons"),
    [
        pytest.param(team(), {}, id="ready and able"),
        pytest.param(team("out_of_service"), {"out_of_service": "检修停用"}, id="under repair"),
        pytest.param(team("disbanded"), {"out_of_service": "队伍已注销"}, id="disbanded"),
        pytest.param(team("resting"), {"resting": "队伍正在休整"}, id="resting"),
        pytest.param(team("dispatched"), {"deployed": "已出动：其他任务"}, id="marked as dispatched"),
        pytest.param(
            team(deployments=[(TEAM, "SJ-1")]), {"deployed": "已出动：SJ-1"}, id="at another incident"
        ),
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
        pytest.param(
            mine_team(apparatus_shifts=[(TEAM, RESTED_AT_SIX)]), {}, id="eight hours of rest are over"
        ),
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
    ],
)
def test_teams_that_are_left_out_are_told_every_reason(pool: Pool, reasons: dict[str, str]) -> None:
    assert reasons_against(pool, PLUGGING) == reasons


TEAM_FOR_A_DRILL = replace(INSPECTION, situation=Situation.DRILL, requirements=PLUGGING.requirements)


@pytest.mark.parametrize(
    ("pool", "situation", "reasons"),
    [
        pytest.param(
            mine_team(),
            situation,
            {"mine_team_for_rescue_only": "专职矿山救援队，不得调作救援以外的工作"},
            id=f"a standing mine team for {situation.en}",
        )
        for situation in Situation
        if situation not in (Situation.RESCUE, Situation.DRILL, Situation.INSPECTION)
    ]
    + [
        pytest.param(mine_team(), Situation.DRILL, {}, id="a standing mine team practises in a drill"),
        pytest.param(
            mine_team(), Situation.INSPECTION, {}, id="a standing mine team checks a mine it serves"
        ),
        pytest.param(mine_team(), Situation.RESCUE, {}, id="a standing mine team for a rescue"),
        pytest.param(
            mine_team(full_time=[]), Situation.TRAINING, {}, id="a part-time mine team for a training"
        ),
        pytest.param(
            team(full_time=[TEAM]), Situation.TRAINING, {}, id="a standing hazchem team for a training"
        ),
        pytest.param(
            mine_team(industries=[(TEAM, "FM")]),
            Situation.TRAINING,
            {},
            id="the coal regulations say nothing about a team that serves no coal mine",
        ),
    ],
)
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


def test_every_rule_is_met_by_a_line_of_these_tables() -> None:
    tables = (*BARRED, *CAUTIONED, *OBLIGES_NOT)
    met = {code for case in tables for code in cast(dict[str, str], case.values[2])}
    met |= {"out_of_service", "resting", "capability"}
    met |= {"apparatus_rest", "apparatus_rest_elsewhere", "mine_team_for_rescue_only"}

    assert {rule.code for rule in (*BARS, *CAUTIONS)} == met


def test_every_rule_says_itself_in_both_languages_and_has_a_code_of_its_own() -> None:
    rules = (*BARS, *CAUTIONS, NEAR_NOT_NEEDED)

    assert len({rule.code for rule in rules}) == len(rules)
    for rule in rules:
        assert all(rule.sentence) and all(rule.label), rule.code
        assert rule.situations and rule.about, rule.code
        assert set(rule.laws) <= set(Situation), rule.code
        assert re.search("[一-鿿]", rule.sentence.zh) and not re.search("[一-鿿]", rule.sentence.en), (
            rule.code
        )


@pytest.mark.parametrize("rule", [*BARS, *CAUTIONS], ids=lambda rule: rule.code)
@pytest.mark.parametrize("situation", Situation)
def test_a_rule_holds_for_nobody_in_a_situation_or_of_a_kind_that_it_is_not_about(
    rule: Rule, situation: Situation
) -> None:
    everything = {"interests": [(LI, FIRM, None, None, Words("任职", "employed there"))]}
    pools = (
        li(suspended_on=day(1, 1), practices=[], visits=[(LI, TODAY, TODAY, "ZD-1")], **everything),
        mine_team(state="resting", apparatus_shifts=[(TEAM, TIRED_AT_SEVEN)], capabilities=[]),
    )
    for pool in pools:
        need = replace(PLUGGING if pool.kind is InviteeKind.TEAM else RESCUE, situation=situation)
        case = case_of(pool, need, need.requirements[0], Vocabulary())
        if situation not in rule.situations or pool.kind not in rule.about:
            assert list(rule.finds(case)) == []


def test_every_kind_of_guidance_is_a_situation() -> None:
    assert {str(kind) for kind in GuidanceKind} <= {str(situation) for situation in Situation}


def test_a_moment_late_in_the_evening_in_utc_is_the_next_day_in_shanghai() -> None:
    late = replace(INSPECTION, at=datetime(2026, 11, 17, 16, 30, tzinfo=UTC), on=TODAY, until=None)

    assert "deployed" in reasons_against(li(deployments=[(LI, "SJ-1")]), late)
    assert "deployed" not in reasons_against(
        li(deployments=[(LI, "SJ-1")]), replace(late, at=late.at - timedelta(hours=1))
    )
