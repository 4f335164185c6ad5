"""Who must not go, and what has to be said about those who may.

Pure. `BARS` keep a candidate out; `CAUTIONS` are shown and keep nobody out. Here stand the rules that hold
for experts and teams alike; those about one of them in `rules_experts` and `rules_teams`. How good the
others are is left to `scoring`, who gets which seat to `seating`.

To add a rule: write what it holds for and how it is explained beside its neighbours, and put it into
`BARS` or `CAUTIONS` there. Codes are stored with recommendations: do not rename them; raise `RULES_VERSION`.
"""

from __future__ import annotations

import numpy as np

from coordination.matching import rules_experts, rules_teams
from coordination.matching.facts import BEGINNING, NEVER, NOBODY, Rows
from coordination.matching.fits import Case, Fit
from coordination.matching.rule import EXPERTS, TEAMS, Rule, always
from coordination.paging import Mode
from ground.terms import Words, joined

RULES_VERSION = "2026.6"


# --- elsewhere ------------------------------------------------------------------------------------


def _deployed(case: Case) -> Rows:
    rows = case.pool.deployments.touching(BEGINNING, NEVER)
    return np.concatenate([rows, case.pool.states.rows("dispatched")])


def _deployed_now(case: Case) -> Rows:
    return _deployed(case) if case.need.starts_now else NOBODY


def _deployed_before(case: Case) -> Rows:
    return NOBODY if case.need.starts_now else _deployed(case)


def _deployment_labels(case: Case, row: int) -> Words:
    labels = [Words.same(label) for _, _, label in case.pool.deployments.of_row(row) if label]
    return joined(labels) if labels else Words("其他任务", "another task")


def _explain_deployed(case: Case, row: int) -> Words:
    return Words("已出动：{label}", "deployed: {label}").filled(label=_deployment_labels(case, row))


def _explain_deployed_before(case: Case, row: int) -> Words:
    return Words("正在出动：{label}，到访前须确认已返回", "deployed now: {label}; must be back first").filled(
        label=_deployment_labels(case, row)
    )


def _asked_elsewhere(case: Case) -> Rows:
    return np.concatenate([case.asked_elsewhere, case.asked_in_other_drills])


def _explain_asked_elsewhere(case: Case, row: int) -> Words:
    incidents = [Words.same(number) for number in case.pool.asked.codes(row) if number != case.need.label]
    drills = [
        Words("演练 {number}", "drill {number}").filled(number=number)
        for number in case.pool.asked_in_drills.codes(row)
        if number != case.need.label
    ]
    return Words("正被 {label} 通知，尚未答复", "being asked for {label}, no answer yet").filled(
        label=joined([*incidents, *drills])
    )


# --- contact --------------------------------------------------------------------------------------


def _already_asked(case: Case) -> Rows:
    rows = [case.pool.row(id_) for kind, id_ in case.need.already_asked if kind is case.pool.kind]
    return np.asarray(sorted(row for row in rows if row is not None), dtype=np.int64)


def _refused_today(case: Case) -> Rows:
    return case.pool.refused


def _unreached_today(case: Case) -> Rows:
    return case.pool.unreached


# --- trade and ability ----------------------------------------------------------------------------


def _unfit(case: Case) -> Rows:
    return np.flatnonzero(case.fits == Fit.NONE)


def _other_trade(case: Case) -> Rows:
    return _unfit(case) if case.requirement.industry and not _asks_capability(case) else NOBODY


def _explain_other_trade(case: Case, row: int) -> Words:
    mine = [case.vocabulary.industry(code) for code in case.pool.primary.codes(row)]
    asked = case.vocabulary.industry(case.requirement.industry or "")
    if not mine:
        return Words(
            "行业不符：未登记行业，需要{asked}", "other trade: none registered, {asked} is needed"
        ).filled(asked=asked)
    return Words("行业不符：{mine}，需要{asked}", "other trade: {mine}, {asked} is needed").filled(
        mine=joined(mine), asked=asked
    )


def _no_specialty(case: Case) -> Rows:
    return _unfit(case) if case.requirement.industry is None else NOBODY


def _explain_no_specialty(case: Case, row: int) -> Words:
    return Words("没有要求的专业方向：{name}", "does not have the specialty asked for: {name}").filled(
        name=case.vocabulary.specialty(case.requirement.specialty or "")
    )


def _asks_capability(case: Case) -> bool:
    return not case.asks_experts and case.requirement.capability is not None


def _incapable(case: Case) -> Rows:
    return _unfit(case) if _asks_capability(case) else NOBODY


def _explain_incapable(case: Case, row: int) -> Words:
    return Words("不具备要求的能力：{name}", "lacks the capability asked for: {name}").filled(
        name=case.vocabulary.capability(case.requirement.capability or "")
    )


def _near(case: Case) -> Rows:
    return np.flatnonzero(case.fits == Fit.NEAR)


def _explain_near(case: Case, row: int) -> Words:
    mine = [case.vocabulary.industry(code) for code in case.pool.primary.codes(row)]
    asked = case.vocabulary.industry(case.requirement.industry or "")
    return Words("不是{asked}行业，登记行业：{mine}", "not of {asked}; registered for {mine}").filled(
        asked=asked, mine=joined(mine) if mine else Words("无", "none")
    )


# --- place ----------------------------------------------------------------------------------------


def _no_place(case: Case) -> Rows:
    if case.requirement.mode is Mode.REMOTE or case.need.place is None:
        return NOBODY
    return np.flatnonzero(~case.pool.placed)


BARS: tuple[Rule, ...] = (
    *rules_experts.BARS,
    Rule(
        code="deployed",
        label=Words("已出动", "deployed"),
        sentence=Words("正在别处出动的不派", "whoever is deployed elsewhere is not sent"),
        holds_for=_deployed_now,
        explain=_explain_deployed,
    ),
    *rules_teams.BARS,
    Rule(
        code="already_asked",
        label=Words("已通知过", "already asked"),
        sentence=Words("同一事件不重复通知", "nobody is asked twice for one thing"),
        holds_for=_already_asked,
        explain=always("本次已经通知过", "already asked in this call-out"),
    ),
    Rule(
        code="capability",
        label=Words("能力不符", "capability"),
        sentence=Words("队伍须具备要求的能力", "a team must have the capability that is asked for"),
        about=TEAMS,
        holds_for=_incapable,
        explain=_explain_incapable,
        standing=True,
    ),
    Rule(
        code="specialty",
        label=Words("专业方向不符", "specialty"),
        sentence=Words(
            "不限行业时，须有要求的专业方向", "where no trade is asked, the specialty must be there"
        ),
        about=EXPERTS,
        holds_for=_no_specialty,
        explain=_explain_no_specialty,
        standing=True,
    ),
    Rule(
        code="other_trade",
        label=Words("行业不符", "other trade"),
        sentence=Words("须为要求的行业或其相近行业", "the trade must be the one asked for, or near to it"),
        holds_for=_other_trade,
        explain=_explain_other_trade,
        standing=True,
    ),
)

# Not found by looking at a row: matching sets it on neighbours of the trade when nobody has to look there.
NEAR_NOT_NEEDED = Rule(
    code="near_not_needed",
    label=Words("相近行业未启用", "near trade not needed"),
    sentence=Words(
        "本行业人手足够时，不动用相近行业", "a near trade counts only when the trade itself is used up"
    ),
    holds_for=lambda case: NOBODY,
    explain=always(
        "相近行业，本行业人手足够，未启用", "of a near trade; there are enough of the trade itself"
    ),
)

# A trade that does not fit says nothing about how many of the trade are kept away, so it is counted apart.
ABOUT_FIT = frozenset({"capability", "specialty", "other_trade", "near_not_needed"})

CAUTIONS: tuple[Rule, ...] = (
    Rule(
        code="deployed_before",
        label=Words("正在出动", "deployed now"),
        sentence=Words(
            "正在出动的，以后的任务须先确认已返回", "whoever is deployed now must be back before a later task"
        ),
        holds_for=_deployed_before,
        explain=_explain_deployed_before,
    ),
    Rule(
        code="asked_elsewhere",
        label=Words("正被另一起通知", "being asked elsewhere"),
        sentence=Words(
            "正被另一起事件通知、尚未答复的，可派，但提示；立即出动的按晚到排序",
            "who is being asked for another incident may be asked too; it is said, and whoever is needed now "
            "is ranked as if they came later",
        ),
        holds_for=_asked_elsewhere,
        explain=_explain_asked_elsewhere,
    ),
    Rule(
        code="refused_today",
        label=Words("今日已婉拒", "refused today"),
        sentence=Words("今日婉拒过的，可再问，但提示", "who refused today may be asked again; it is said"),
        holds_for=_refused_today,
        explain=always("今日已婉拒一次", "refused once today"),
    ),
    Rule(
        code="unreached_today",
        label=Words("今日未联系上", "not reached today"),
        sentence=Words(
            "今日所有通知都发送失败的，提示改用电话",
            "where every message failed today, it is said: ring them up",
        ),
        holds_for=_unreached_today,
        explain=always(
            "今日发出的通知全部失败，请打电话核实", "every message to them failed today: ring them up"
        ),
    ),
    *rules_experts.CAUTIONS,
    Rule(
        code="near_trade",
        label=Words("相近行业", "near trade"),
        sentence=Words("动用相近行业的，说明其本行业", "where a near trade is used, its own trade is said"),
        holds_for=_near,
        explain=_explain_near,
        standing=True,
    ),
    Rule(
        code="no_place",
        label=Words("位置未登记", "place unknown"),
        sentence=Words(
            "位置未登记的，可派，但无法估算到场时间",
            "whose place is not registered may go, but the time of arrival cannot be estimated",
        ),
        holds_for=_no_place,
        explain=always(
            "位置未登记，无法估算到场时间", "place not registered: the time of arrival cannot be estimated"
        ),
    ),
    *rules_teams.CAUTIONS,
)
