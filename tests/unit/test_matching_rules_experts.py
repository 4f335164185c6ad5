"""Which experts must not go, and why, and what is to be said of those who may: one named person a line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from coordination.matching import (
    Excluded,
    InviteeKind,
    Mode,
    Need,
    Pool,
    Requirement,
    Situation,
)
from coordination.matching.rule import EXPERTS
from coordination.matching.rules import BARS, CAUTIONS
from ground.terms import Words
from tests.rules_cast import (
    CHEMIST,
    FIRM,
    INSPECTION,
    LI,
    OTHER_FIRM,
    RESCUE,
    REVIEW,
    TODAY,
    cautions,
    day,
    li,
    only_match,
    reasons_against,
)


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


def test_every_rule_that_is_about_experts_is_met_by_a_line_of_these_tables() -> None:
    met = {code for case in (*BARRED, *CAUTIONED) for code in cast(dict[str, str], case.values[2])}

    assert {rule.code for rule in (*BARS, *CAUTIONS) if rule.about & EXPERTS} == met


def test_a_moment_late_in_the_evening_in_utc_is_the_next_day_in_shanghai() -> None:
    late = replace(INSPECTION, at=datetime(2026, 11, 17, 16, 30, tzinfo=UTC), on=TODAY, until=None)

    assert "deployed" in reasons_against(li(deployments=[(LI, "SJ-1")]), late)
    assert "deployed" not in reasons_against(
        li(deployments=[(LI, "SJ-1")]), replace(late, at=late.at - timedelta(hours=1))
    )
