"""What the duty officer is told in fifty situations: who is proposed, who waits, who must not go and why.

It is 14:18 in Shanghai on 18 November 2026. Ammonia leaks at the main works of 冀润公司 in 唐山; people are so
many kilometres north of it. What is expected is written as it is read: 首选 is proposed for a seat, 候补 waits,
可派 may go, 不派 must not; then what is to be known, and for a team its basis, the paper and who pays.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from coordination.matching import (
    InviteeKind,
    Mode,
    Need,
    Requirement,
    Situation,
    Vocabulary,
    Weights,
    match,
    match_all,
)
from coordination.matching.bases import basis_of
from coordination.matching.fits import case_of
from ground.dates import SHANGHAI
from ground.terms import Words
from tests.matching_cast import (
    FIRM,
    TANGSHAN,
    Someone,
    agreement,
    answers,
    expert,
    experts_in,
    team,
    teams_in,
)

TODAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 18, 14, 18, tzinfo=SHANGHAI)
ANOTHER_FIRM = 8
OTHER_LEAK = "SJ-20261118-001"
MAIN_WORKS, TANK_FARM = 71, 72

WORDS = Vocabulary(
    specialties={
        "ammonia": Words("涉氨制冷", "ammonia refrigeration"),
        "hazchem_response": Words("危化应急处置", "hazchem response"),
        "medicine": Words("急救医学", "emergency medicine"),
    },
    capabilities={"leak_sealing": Words("堵漏", "leak sealing")},
    task_categories={"emergency": Words("应急处置", "emergency"), "training": Words("宣传培训", "training")},
)

CHEMIST = Requirement(key="1", industry="WH")
SEALERS = Requirement(key="1", kind=InviteeKind.TEAM, capability="leak_sealing")
MINERS = Requirement(key="1", kind=InviteeKind.TEAM, industry="MK")
LEAK = Need(
    situation=Situation.RESCUE,
    requirements=(CHEMIST,),
    at=NOW,
    on=TODAY,
    place=TANGSHAN,
    enterprise_id=FIRM,
    site_id=MAIN_WORKS,
)
TEAM_TO_THE_LEAK = replace(LEAK, requirements=(SEALERS,))
MINE_RESCUE = replace(LEAK, requirements=(MINERS,))
REVIEW = replace(LEAK, situation=Situation.PLAN_REVIEW, on=date(2026, 12, 1), until=date(2026, 12, 3))
INVESTIGATION = replace(REVIEW, situation=Situation.INVESTIGATION)
INSPECTION = replace(REVIEW, situation=Situation.INSPECTION)


def day(month: int, number: int, year: int = 2026) -> date:
    return date(year, month, number)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 18, hour, minute, tzinfo=SHANGHAI)


RETAINED = (FIRM, None, None, Words("本企业受聘顾问", "retained adviser"))
EMPLOYED = (FIRM, None, None, Words("本企业任职", "employed there"))
SAFETY_ENGINEER = "注册安全工程师"

PEOPLE = [
    pytest.param(
        LEAK,
        [expert("李工", terms=[(day(1, 1, 2023), day(11, 17), None)]), expert("王工", 60)],
        {"李工": "不派：聘期已于 2026-11-17 届满", "王工": "首选"},
        id="Li, appointed until yesterday, is out, and Wang from farther away goes",
    ),
    pytest.param(
        LEAK,
        [expert("李工", terms=[(day(1, 1, 2023), TODAY, None)])],
        {"李工": "首选，注意：聘期 0 天后到期（2026-11-18）"},
        id="Li, appointed until today, still goes, and it is said that it is the last day",
    ),
    pytest.param(
        LEAK,
        [expert("李工", terms=[(TODAY, day(12, 31, 2028), None)])],
        {"李工": "首选"},
        id="Li, appointed from today, goes",
    ),
    pytest.param(
        LEAK,
        [expert("李工", terms=[(day(11, 19), day(12, 31, 2028), None)])],
        {"李工": "不派：聘期 2026-11-19 起，尚未开始"},
        id="Li, appointed from tomorrow, is out tonight",
    ),
    pytest.param(
        LEAK,
        [expert("李工", terms=[(day(1, 1), day(12, 31, 2028), day(11, 1))])],
        {"李工": "不派：已解聘，2026-10-31 为最后一日"},
        id="Li was dismissed on the first of the month",
    ),
    pytest.param(
        LEAK,
        [expert("李工", suspended_on=day(11, 10))],
        {"李工": "不派：已停聘（2026-11-10 起）"},
        id="Li has been suspended for a week",
    ),
    pytest.param(
        LEAK,
        [expert("李工", absences=[(day(11, 16), day(11, 20), "出国")]), expert("王工", 90)],
        {"李工": "不派：请假 2026-11-16 至 2026-11-20：出国", "王工": "首选"},
        id="Li is abroad, so Wang goes",
    ),
    pytest.param(
        LEAK,
        [expert("李工", absences=[(day(11, 10), day(11, 17), "")])],
        {"李工": "首选"},
        id="Li came back from leave last night",
    ),
    pytest.param(
        LEAK,
        [expert("李工", deployments=[("SJ-20261118-001",)])],
        {"李工": "不派：已出动：SJ-20261118-001"},
        id="Li is at the other incident of today",
    ),
    pytest.param(
        LEAK,
        [expert("李工", visits=[(TODAY, TODAY, "ZD-0118")])],
        {"李工": "首选，注意：已约指导 2026-11-18 至 2026-11-18：ZD-0118"},
        id="Li has a visit today; the rescue comes first",
    ),
    pytest.param(
        INSPECTION,
        [expert("李工", visits=[(day(12, 3), day(12, 4), "ZD-0118")])],
        {"李工": "不派：已约指导 2026-12-03 至 2026-12-04：ZD-0118"},
        id="Li is booked elsewhere on the last day of the inspection",
    ),
    pytest.param(
        INSPECTION,
        [expert("李工", deployments=[("SJ-20261118-001",)])],
        {"李工": "首选，注意：正在出动：SJ-20261118-001，到访前须确认已返回"},
        id="Li is at an incident now and can inspect in a fortnight",
    ),
    pytest.param(
        LEAK,
        [expert("李工", interests=[EMPLOYED]), expert("王工", 40)],
        {"李工": "首选，注意：有利害关系，须说明：本企业任职", "王工": "候补"},
        id="the firm's own engineer is the best help in its own accident and discloses it",
    ),
    pytest.param(
        REVIEW,
        [expert("李工", interests=[RETAINED]), expert("王工", 300)],
        {
            "李工": "不派：回避：本企业受聘顾问（《生产安全事故应急预案管理办法》第二十二条）",
            "王工": "首选",
        },
        id="the firm's adviser must not review its plan, and the article is named",
    ),
    pytest.param(
        INVESTIGATION,
        [expert("李工", interests=[RETAINED])],
        {"李工": "不派：回避：本企业受聘顾问（《生产安全事故报告和调查处理条例》第二十三条）"},
        id="nor investigate its accident, by another article",
    ),
    pytest.param(
        INSPECTION,
        [expert("李工", interests=[RETAINED])],
        {"李工": "首选，注意：有利害关系，须说明：本企业受聘顾问"},
        id="an inspection names no article that bars, so the interest is disclosed",
    ),
    pytest.param(
        replace(INSPECTION, by_lot=True),
        [expert("李工", interests=[RETAINED]), expert("王工", 60), expert("孙工", trade="YH")],
        {
            "李工": "不派：有利害关系，不参加抽取：本企业受聘顾问",
            "王工": "首选",
            "孙工": "候补，注意：不是危险化学品行业，登记行业：烟花爆竹",
        },
        id="when experts are drawn, an interest keeps away, and the near trade fills up",
    ),
    pytest.param(
        REVIEW,
        [expert("李工", interests=[(FIRM, None, day(11, 30), Words("本企业任职", "employed there"))])],
        {"李工": "首选"},
        id="Li left the firm the day before the review begins",
    ),
    pytest.param(
        REVIEW,
        [expert("李工", interests=[(ANOTHER_FIRM, None, None, Words("本企业任职", "employed there"))])],
        {"李工": "首选"},
        id="Li works for another firm",
    ),
    pytest.param(
        replace(LEAK, requirements=(replace(CHEMIST, certificate=SAFETY_ENGINEER),)),
        [
            expert("李工", certificates=[(SAFETY_ENGINEER, day(11, 17))]),
            expert("王工", 50, certificates=[(SAFETY_ENGINEER, None)]),
            expert("赵工"),
        ],
        {
            "李工": "不派：证书过期：注册安全工程师有效期至 2026-11-17",
            "王工": "首选",
            "赵工": "不派：没有要求的证书：注册安全工程师",
        },
        id="a certificate is asked for: Li's ran out yesterday, Zhao never had one",
    ),
    pytest.param(
        LEAK,
        [expert("李工", takes_on=[("training",)]), expert("王工", takes_on=[])],
        {"李工": "不派：未承担“应急处置”类任务", "王工": "首选，注意：未登记承担的任务类别"},
        id="Li takes on training alone; Wang never said what",
    ),
    pytest.param(
        LEAK,
        [expert("李工", refused=True), expert("王工", 90)],
        {"李工": "首选，注意：今日已婉拒一次", "王工": "候补"},
        id="Li said no this morning: still proposed, and the officer knows",
    ),
    pytest.param(
        LEAK,
        [expert("李工", 20, asked=[(OTHER_LEAK,)]), expert("王工", 25)],
        {"李工": f"候补，注意：正被 {OTHER_LEAK} 通知，尚未答复", "王工": "首选"},
        id="Li's telephone rings for the other leak of today, so Wang, as near, goes first",
    ),
    pytest.param(
        LEAK,
        [expert("李工", 20, asked=[(OTHER_LEAK,)]), expert("王工", 300)],
        {"李工": f"首选，注意：正被 {OTHER_LEAK} 通知，尚未答复", "王工": "候补"},
        id="Li is being asked elsewhere, but Wang is more than four hours away: Li goes",
    ),
    pytest.param(
        LEAK,
        [expert("李工", asked=[(OTHER_LEAK,)])],
        {"李工": f"首选，注意：正被 {OTHER_LEAK} 通知，尚未答复"},
        id="Li is being asked elsewhere and there is nobody else",
    ),
    pytest.param(
        replace(LEAK, label=OTHER_LEAK),
        [expert("李工", 20, asked=[(OTHER_LEAK,)]), expert("王工", 25)],
        {"李工": "首选", "王工": "候补"},
        id="Li is being asked for this very leak, in a callout before: that is no other incident",
    ),
    pytest.param(
        replace(LEAK, label=OTHER_LEAK),
        [expert("李工", 20, asked=[(OTHER_LEAK,), ("SJ-20261118-002",)]), expert("王工", 25)],
        {"李工": "候补，注意：正被 SJ-20261118-002 通知，尚未答复", "王工": "首选"},
        id="two incidents wait for Li; for either the other one is named",
    ),
    pytest.param(
        LEAK,
        [expert("李工", 20, asked_in_drills=[(OTHER_LEAK,)]), expert("王工", 25)],
        {"李工": f"首选，注意：正被 演练 {OTHER_LEAK} 通知，尚未答复", "王工": "候补"},
        id="a drill that waits for Li takes nobody from a leak; it is said",
    ),
    pytest.param(
        LEAK,
        [expert("李工", None, asked=[(OTHER_LEAK,)]), expert("王工", None)],
        {
            "李工": f"候补，注意：正被 {OTHER_LEAK} 通知，尚未答复；位置未登记，无法估算到场时间",
            "王工": "首选，注意：位置未登记，无法估算到场时间",
        },
        id="nobody knows where the two are: the one whose telephone is silent goes first",
    ),
    pytest.param(
        replace(LEAK, requirements=(replace(CHEMIST, mode=Mode.REMOTE),)),
        [expert("李工", asked=[(OTHER_LEAK,)]), expert("王工")],
        {"李工": f"候补，注意：正被 {OTHER_LEAK} 通知，尚未答复", "王工": "首选"},
        id="advice from afar comes later too from somebody whose telephone rings",
    ),
    pytest.param(
        INSPECTION,
        [expert("李工", 20, asked=[(OTHER_LEAK,)]), expert("王工", 25)],
        {"李工": f"首选，注意：正被 {OTHER_LEAK} 通知，尚未答复", "王工": "候补"},
        id="who is being asked for a leak today is not put back for an inspection in two weeks",
    ),
    pytest.param(
        LEAK,
        [expert("李工", unreached=True)],
        {"李工": "首选，注意：今日发出的通知全部失败，请打电话核实"},
        id="every message to Li failed today",
    ),
    pytest.param(
        replace(LEAK, already_asked=frozenset({(InviteeKind.EXPERT, 1)})),
        [expert("李工"), expert("王工", 90)],
        {"李工": "不派：本次已经通知过", "王工": "首选"},
        id="Li was asked in the first wave",
    ),
    pytest.param(
        LEAK,
        [expert("李工", 300), expert("钱工", 5, "YQ")],
        {"李工": "首选", "钱工": "候补，注意：不是危险化学品行业，登记行业：石油天然气开采"},
        id="a chemist 300 km away goes before a neighbour of the trade at the gate",
    ),
    pytest.param(
        LEAK,
        [expert(name, 20 + turn) for turn, name in enumerate(("李工", "王工", "赵工", "孙工"))]
        + [expert("钱工", 5, "YQ")],
        {
            **{"李工": "首选", "王工": "候补", "赵工": "候补", "孙工": "候补"},
            "钱工": "不派：相近行业，本行业人手足够，未启用",
        },
        id="four chemists are enough, and the neighbour of the trade is left in peace",
    ),
    pytest.param(
        LEAK,
        [expert("李工", absences=[(TODAY, TODAY, "")]), expert("钱工", 5, "YQ"), expert("周工", 1, "YC")],
        {
            "李工": "不派：请假 2026-11-18 至 2026-11-18",
            "钱工": "首选，注意：不是危险化学品行业，登记行业：石油天然气开采",
            "周工": "不派：行业不符：烟草，需要危险化学品",
        },
        id="the only chemist is on leave: the neighbour goes, the tobacconist does not",
    ),
    pytest.param(
        LEAK,
        [expert("李工", 40, "YJ", also=[("WH",)]), expert("王工", 40)],
        {"李工": "候补", "王工": "首选"},
        id="equally far: the main trade goes before the side trade",
    ),
    pytest.param(
        LEAK,
        [expert("李工", 40, callouts=[(8,)]), expert("王工", 45)],
        {"李工": "候补", "王工": "首选"},
        id="about as near: Li went eight times in 90 days, so it is Wang's turn",
    ),
    pytest.param(
        LEAK,
        [expert("李工", 40), expert("王工", 42, answered=[(day(11, 16),)])],
        {"李工": "候补", "王工": "首选"},
        id="about as near: Wang answered the day before yesterday, Li not in a year",
    ),
    pytest.param(
        replace(LEAK, incident_kind="ammonia_leak"),
        [expert("李工", 40), expert("王工", 45, experience=[("ammonia_leak", 2)])],
        {"李工": "候补", "王工": "首选"},
        id="about as near: Wang has been to two ammonia leaks",
    ),
    pytest.param(
        replace(LEAK, incident_kind="ammonia_leak"),
        [expert("李工", 40), expert("王工", 45, specialties=[("ammonia",)])],
        {"李工": "候补", "王工": "首选"},
        id="about as near: Wang's specialty is ammonia",
    ),
    pytest.param(
        replace(LEAK, requirements=(Requirement(key="1", specialty="medicine"),)),
        [expert("李工"), expert("王工", 90, "JX", specialties=[("medicine",)])],
        {"李工": "不派：没有要求的专业方向：急救医学", "王工": "首选"},
        id="only the specialty is asked for, of whatever trade",
    ),
    pytest.param(
        LEAK,
        [expert("李工", None), expert("王工", 200)],
        {"李工": "候补，注意：位置未登记，无法估算到场时间", "王工": "首选"},
        id="nobody knows where Li lives",
    ),
    pytest.param(
        replace(LEAK, requirements=(replace(CHEMIST, mode=Mode.REMOTE),)),
        [expert("李工", None), expert("王工", 5, callouts=[(1,)])],
        {"李工": "首选", "王工": "候补"},
        id="advice from afar does not ask where anybody is",
    ),
    pytest.param(
        LEAK,
        [
            expert(
                "李工",
                trade="YC",
                suspended_on=day(11, 1),
                absences=[(TODAY, TODAY, "")],
                terms=[],
                deployments=[("SJ-20261118-001",)],
            )
        ],
        {
            "李工": "不派：已停聘（2026-11-01 起）；没有聘任记录；请假 2026-11-18 至 2026-11-18；"
            "已出动：SJ-20261118-001；行业不符：烟草，需要危险化学品"
        },
        id="five things speak against Li, and all five are told",
    ),
]

TEAMS = [
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("本厂队", owner=FIRM), team("协议队", 30, agreements=[agreement("XY-1", day(12, 31))])],
        {"本厂队": "首选，本企业队伍，救援请求", "协议队": "候补，救援协议，救援请求"},
        id="the works' own team comes before all, the team with an agreement waits",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("邻近队", 10)],
        {"邻近队": "首选，政府命令，救援命令"},
        id="a team without an agreement comes by government order",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("协议队", agreements=[agreement("XY-1", TODAY)])],
        {"协议队": "首选，救援协议，救援请求"},
        id="an agreement obliges on its last day",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("协议队", agreements=[agreement("XY-1", day(11, 17))])],
        {
            "协议队": "首选，政府命令，救援命令，注意：已到期：协议 XY-1 已于 2026-11-17 到期，不再构成义务",
        },
        id="an agreement that lapsed yesterday is shown as lapsed and obliges nobody",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("协议队", agreements=[agreement("XY-1", day(12, 31), ended=TODAY)])],
        {
            "协议队": "首选，政府命令，救援命令，注意：已终止：协议 XY-1 自 2026-11-18 起终止，不再构成义务",
        },
        id="an agreement that was ended from today on",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("协议队", agreements=[agreement("XY-2", day(12, 31, 2027), starts=day(11, 19))])],
        {
            "协议队": "首选，政府命令，救援命令，注意：协议 XY-2 自 2026-11-19 起生效，现在还不构成义务",
        },
        id="an agreement that begins tomorrow",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [
            team(
                "协议队",
                agreements=[
                    agreement("XY-1", day(11, 17)),
                    agreement("XY-2", day(12, 31, 2027), starts=day(11, 18)),
                ],
            )
        ],
        {"协议队": "首选，救援协议，救援请求"},
        id="an agreement renewed without a gap is in force, and the old one needs no word",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [
            team(
                "协议队",
                agreements=[agreement("XY-1", day(12, 31))],
                sites=[("XY-1", TANK_FARM, "罐区")],
            )
        ],
        {
            "协议队": "首选，政府命令，救援命令，注意：协议 XY-1 只覆盖罐区，不含事发厂区，不构成义务",
        },
        id="an agreement for the tank farm does not oblige at the main works",
    ),
    pytest.param(
        replace(TEAM_TO_THE_LEAK, incident_kind="hazchem_leak"),
        [
            team(
                "协议队",
                agreements=[agreement("XY-1", day(12, 31))],
                for_kinds=[("XY-1", "hazchem_fire"), ("XY-1", "dust_explosion")],
            )
        ],
        {
            "协议队": "首选，政府命令，救援命令，"
            "注意：协议 XY-1 只适用于粉尘爆炸、危化品火灾爆炸，不含危化品泄漏，不构成义务",
        },
        id="an agreement for fires and explosions does not oblige at a leak",
    ),
    pytest.param(
        replace(TEAM_TO_THE_LEAK, incident_kind="hazchem_leak"),
        [
            team(
                "协议队",
                agreements=[agreement("XY-1", day(12, 31))],
                for_kinds=[("XY-1", "hazchem_fire"), ("XY-1", "hazchem_leak")],
            )
        ],
        {"协议队": "首选，救援协议，救援请求"},
        id="one for leaks and fires does",
    ),
    pytest.param(
        replace(TEAM_TO_THE_LEAK, site_id=TANK_FARM),
        [
            team(
                "协议队",
                agreements=[agreement("XY-1", day(12, 31))],
                sites=[("XY-1", TANK_FARM, "罐区")],
            )
        ],
        {"协议队": "首选，救援协议，救援请求"},
        id="it does at the tank farm",
    ),
    pytest.param(
        replace(TEAM_TO_THE_LEAK, site_id=None),
        [
            team(
                "协议队",
                agreements=[agreement("XY-1", day(12, 31))],
                sites=[("XY-1", TANK_FARM, "罐区")],
            )
        ],
        {
            "协议队": "首选，政府命令，救援命令，"
            "注意：协议 XY-1 只覆盖罐区；事发厂区未填，填写后才能判断是否构成义务",
        },
        id="nobody has said at which site it leaks",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("协议队", 60, agreements=[agreement("XY-1", day(12, 31), minutes=30)])],
        {
            "协议队": "首选，救援协议，救援请求，约 69 分钟（直线估算），比承诺晚 39 分钟",
        },
        id="a team has promised half an hour and is 60 km away",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [
            team(
                "协议队",
                60,
                agreements=[agreement("XY-1", day(12, 31), minutes=60)],
                measured=[("XY-1", 52)],
            )
        ],
        {"协议队": "首选，救援协议，救援请求"},
        id="the drive was measured, and the promise can be kept after all",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("近队", 10, state="out_of_service"), team("远队", 80)],
        {"近队": "不派：检修停用", "远队": "首选，政府命令，救援命令"},
        id="the nearest team's engine is under repair",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("近队", 10, deployments=[("SJ-20261118-001",)]), team("远队", 80)],
        {"近队": "不派：已出动：SJ-20261118-001", "远队": "首选，政府命令，救援命令"},
        id="the nearest team is at the other incident",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("近队", 10, capabilities=[("foam",)]), team("远队", 80)],
        {"近队": "不派：不具备要求的能力：堵漏", "远队": "首选，政府命令，救援命令"},
        id="the nearest team cannot seal a leak",
    ),
    pytest.param(
        MINE_RESCUE,
        [team("近队", 10, "MK", apparatus_ended=[(at(7),)]), team("远队", 80, "MK")],
        {
            "近队": "不派：佩用呼吸器的班次于 11-18 07:00 结束，须休息 8 小时，"
            "11-18 15:00 起可再出动（《煤矿安全规程》第七百六十六条）",
            "远队": "首选，政府命令，救援命令",
        },
        id="a mine rescue team came out of its breathing apparatus at seven and rests until three",
    ),
    pytest.param(
        MINE_RESCUE,
        [team("近队", 10, "MK", apparatus_ended=[(at(6, 18),)])],
        {"近队": "首选，政府命令，救援命令"},
        id="eight hours to the minute are enough",
    ),
    pytest.param(
        MINE_RESCUE,
        [team("近队", 10, "MK", state="resting", apparatus_ended=[(at(7),)])],
        {
            "近队": "不派：队伍正在休整；佩用呼吸器的班次于 11-18 07:00 结束，须休息 8 小时，"
            "11-18 15:00 起可再出动（《煤矿安全规程》第七百六十六条）",
        },
        id="a team says that it rests, and must: both are told",
    ),
    pytest.param(
        replace(MINE_RESCUE, situation=Situation.TRAINING, on=day(12, 1)),
        [team("专职队", 10, "MK"), team("兼职队", 40, "MK", part_time=True)],
        {
            "专职队": "不派：专职矿山救援队，不得调作救援以外的工作（《煤矿安全规程》第七百三十四条）",
            "兼职队": "首选",
        },
        id="a standing mine rescue team is not booked to give a training",
    ),
    pytest.param(
        replace(MINE_RESCUE, situation=Situation.DRILL, on=day(12, 1)),
        [team("专职队", 10, "MK"), team("兼职队", 40, "MK", part_time=True)],
        {"专职队": "首选", "兼职队": "候补"},
        id="but a drill is practice for a rescue, and it takes part",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("近队", 10, asked=[(OTHER_LEAK,)]), team("远队", 25)],
        {
            "近队": f"候补，政府命令，救援命令，注意：正被 {OTHER_LEAK} 通知，尚未答复",
            "远队": "首选，政府命令，救援命令",
        },
        id="the nearest team is being asked elsewhere, and the next is a quarter of an hour behind it",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("近队", 10, asked=[(OTHER_LEAK,)]), team("远队", 180)],
        {
            "近队": f"首选，政府命令，救援命令，注意：正被 {OTHER_LEAK} 通知，尚未答复",
            "远队": "候补，政府命令，救援命令",
        },
        id="the nearest team is being asked elsewhere, but the next is three hours away",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [
            team(
                "协议队", 10, asked=[(OTHER_LEAK,)], agreements=[agreement("XY-1", day(12, 31), minutes=40)]
            ),
            team("远队", 180),
        ],
        {
            "协议队": f"首选，救援协议，救援请求，注意：正被 {OTHER_LEAK} 通知，尚未答复",
            "远队": "候补，政府命令，救援命令",
        },
        id="being asked elsewhere breaks no promise: the forty minutes are held against the true ones",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("近队", None, asked=[(OTHER_LEAK,)]), team("远队", None)],
        {
            "近队": f"候补，政府命令，救援命令，注意：正被 {OTHER_LEAK} 通知，尚未答复；位置未登记，无法估算到场时间",
            "远队": "首选，政府命令，救援命令，注意：位置未登记，无法估算到场时间",
        },
        id="nobody knows where the two teams are: the one that is not being asked goes first",
    ),
    pytest.param(
        TEAM_TO_THE_LEAK,
        [team("近队", 20, refused=True), team("远队", 25, unreached=True)],
        {
            "近队": "首选，政府命令，救援命令，注意：今日已婉拒一次",
            "远队": "候补，政府命令，救援命令，注意：今日发出的通知全部失败，请打电话核实",
        },
        id="one team said no this morning, another could not be reached",
    ),
]


@pytest.mark.parametrize(("need", "people", "expected"), PEOPLE + TEAMS)
def test_the_duty_officer_is_told(need: Need, people: list[Someone], expected: dict[str, str]) -> None:
    assert answers(need, people, WORDS) == expected


def test_there_are_enough_situations_to_read() -> None:
    assert len(PEOPLE + TEAMS) >= 40


@pytest.mark.parametrize(
    ("one", "document", "costs", "otherwise"),
    [
        pytest.param(
            team("本厂队", owner=FIRM),
            "救援请求",
            "事发单位自有队伍，费用由本单位承担",
            None,
            id="its own team is asked, and the firm pays",
        ),
        pytest.param(
            team("协议队", agreements=[agreement("XY-1", day(12, 31))]),
            "救援请求（《生产安全事故应急条例》第十九条）",
            "费用按协议约定",
            None,
            id="by agreement it is asked, must come, and the agreement says who pays: the law does not",
        ),
        pytest.param(
            team("邻近队"),
            "救援命令（《生产安全事故应急条例》第十八条）",
            "费用由事故责任单位承担；无力承担的，由政府协调解决（《生产安全事故应急条例》第十九条）",
            ("协助", "救援请求（《生产安全事故应急条例》第十七条）", "费用由双方商定"),
            id="by order the law says who pays; without an order it is a favour, settled between the two",
        ),
    ],
)
def test_a_basis_says_which_paper_follows_and_who_pays(
    one: Someone, document: str, costs: str, otherwise: tuple[str, str, str] | None
) -> None:
    case = case_of(teams_in([one]), TEAM_TO_THE_LEAK, SEALERS, WORDS)

    offered = basis_of(case, 0, 30)

    assert offered is not None
    assert (offered.document_words.zh, offered.costs_words.zh) == (document, costs)
    left = offered.otherwise
    assert (left and (left.basis.zh, left.document_words.zh, left.costs_words.zh)) == otherwise


@pytest.mark.parametrize(
    ("need", "one", "zh", "en"),
    [
        pytest.param(
            LEAK,
            expert("王工", 30, asked=[(OTHER_LEAK,)]),
            "约 53 分钟（直线估算）；正被另一起事件通知，排序时按晚 30 分钟计",
            "about 53 min (straight-line estimate); being asked for another incident, ranked as 30 min later",
            id="on site",
        ),
        pytest.param(
            replace(LEAK, requirements=(replace(CHEMIST, mode=Mode.REMOTE),)),
            expert("王工", 30, asked=[(OTHER_LEAK,)]),
            "远程，无需到场；正被另一起事件通知，排序时按晚 30 分钟计",
            "remote, no travel; being asked for another incident, ranked as 30 min later",
            id="from afar",
        ),
        pytest.param(
            INSPECTION,
            expert("王工", 30, asked=[(OTHER_LEAK,)]),
            "约 53 分钟（直线估算）",
            "about 53 min (straight-line estimate)",
            id="in two weeks, when it will have been answered",
        ),
        pytest.param(
            LEAK,
            expert("王工", 30, asked_in_drills=[(OTHER_LEAK,)]),
            "约 53 分钟（直线估算）",
            "about 53 min (straight-line estimate)",
            id="in a drill",
        ),
    ],
)
def test_the_minutes_shown_stay_true_and_what_the_ranking_adds_is_said(
    need: Need, one: Someone, zh: str, en: str
) -> None:
    asked, unasked = (
        match(need, experts=experts_in([some]), vocabulary=WORDS)["1"].rows()[0]
        for some in (one, expert("王工", 30))
    )

    assert (asked.parts[1].words.zh, asked.parts[1].words.en) == (zh, en)
    assert asked.minutes == unasked.minutes
    assert (asked.parts[1].points < unasked.parts[1].points) is ("晚" in zh)


def test_of_two_needed_at_once_none_waits_half_an_hour_for_somebody_who_is_being_asked_elsewhere() -> None:
    urgent = replace(LEAK, requirements=(replace(CHEMIST, seats=2, urgent=True),))
    people = [expert("李工", 10, asked=[(OTHER_LEAK,)]), expert("王工", 25), expert("赵工", 30)]

    assert match(urgent, experts=experts_in(people))["1"].picks == (2, 3)
    far = [*people[:2], expert("赵工", 120)]
    assert match(urgent, experts=experts_in(far))["1"].picks == (2, 1)


def test_one_pool_serves_two_incidents_and_each_leaves_out_its_own_question() -> None:
    here, there = (replace(LEAK, label=number) for number in ("SJ-1", "SJ-2"))
    pool = experts_in([expert("李工", asked=[("SJ-1",)])])

    cautions = [
        [caution.words.zh for caution in one["1"].rows()[0].cautions if caution.code == "asked_elsewhere"]
        for one in match_all([here, there], experts=pool)
    ]

    assert cautions == [[], ["正被 SJ-1 通知，尚未答复"]]


def test_how_many_minutes_later_can_be_said_and_is_kept_with_the_answer() -> None:
    pool = experts_in([expert("李工", 20, asked=[(OTHER_LEAK,)]), expert("王工", 25)])

    usual = match(LEAK, experts=pool)
    never_mind = match(LEAK, experts=pool, weights=Weights(asked_elsewhere_minutes=0))

    assert (usual["1"].picks, never_mind["1"].picks) == ((2,), (1,))
    assert usual.to_dict()["weights"]["asked_elsewhere_minutes"] == 30
    assert usual.to_dict()["weights"]["version"] == "2026.3"
    assert never_mind.to_dict()["weights"]["asked_elsewhere_minutes"] == 0


def test_an_officer_reads_why_wang_goes_to_an_ammonia_leak() -> None:
    wang = expert(
        "王工",
        30,
        specialties=[("ammonia",), ("hazchem_response",)],
        experience=[("ammonia_leak", 2)],
        callouts=[(1,)],
        answered=[(day(11, 17),)],
    )
    need = replace(
        LEAK,
        incident_kind="ammonia_leak",
        requirements=(replace(CHEMIST, specialty="ammonia"),),
    )

    (row,) = match(need, experts=experts_in([wang]), vocabulary=WORDS)["1"].rows()

    assert [part.words.zh for part in row.parts] == [
        "危险化学品为主专业，专业方向：涉氨制冷，对口液氨泄漏（制冷）：危化应急处置，"
        "曾 2 次出动处置液氨泄漏（制冷）",
        "约 53 分钟（直线估算）",
        "近 90 天出动 1 次",
        "1 天前答复过",
    ]
    assert [part.words.en for part in row.parts] == [
        "mainly hazardous chemicals, specialty: ammonia refrigeration, "
        "for ammonia leak (refrigeration): hazchem response, went to such an incident 2 times before",
        "about 53 min (straight-line estimate)",
        "called out once in 90 days",
        "last answered yesterday",
    ]
