"""Who must not go, and what has to be said about those who may.

Pure. A rule finds the rows of a pool that it is about, and says in words why for one row. `BARS` keep a
candidate out; `CAUTIONS` are shown and keep nobody out. How good the others are is left to `scoring`,
who gets which seat to `seating`.

To add a rule: write a finder and an explainer beside their neighbours and put a line in `BARS` or
`CAUTIONS`. Codes are stored with recommendations: do not rename them; raise `RULES_VERSION` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from coordination.matching.fits import Case, Fit
from coordination.matching.pool import BEGINNING, NEVER, NOBODY, Rows
from coordination.matching.reasons import Reason
from coordination.paging import Mode
from ground.laws import Law
from ground.terms import Words, joined

RULES_VERSION = "2026.1"
ENDS_SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Rule:
    """`label` counts people ("请假 4"); `explain` says why for one row; `law` names the article, if any.

    `finds` may name a row twice, and in any order.
    """

    code: str
    label: Words
    finds: Callable[[Case], Rows]
    explain: Callable[[Case, int], Words]
    law: Callable[[Case], Law | None] = lambda case: None

    def reason(self, case: Case, row: int, *, blocks: bool) -> Reason:
        return Reason(self.code, self.explain(case, row), blocks, self.law(case))


def _day(ordinal: int) -> date:
    # One row with the first or the last day of the calendar must not end the matching of all others.
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


def _without(among: Rows, rows: Rows, case: Case) -> Rows:
    """Return `among` without `rows`. Marks are several times quicker here than numpy's set operations."""
    left = np.zeros(len(case.pool), dtype=bool)
    left[among] = True
    left[rows] = False
    return np.flatnonzero(left)


def _everybody_but(rows: Rows, case: Case) -> Rows:
    return _without(np.arange(len(case.pool)), rows, case)


def _always(zh: str, en: str) -> Callable[[Case, int], Words]:
    return lambda case, row: Words(zh, en)


# --- the term of an expert ------------------------------------------------------------------------


def _suspended(case: Case) -> Rows:
    return case.pool.suspensions.touching(BEGINNING, case.need.last_day)


def _explain_suspended(case: Case, row: int) -> Words:
    since = case.pool.suspensions.of_row(row)[0][0]
    return Words("已停聘（{day} 起）", "suspended since {day}").filled(day=_day(since))


def _not_appointed(case: Case) -> Rows:
    """Find those without a term on the first or on the last day; a renewal may fall between."""
    if not case.asks_experts:
        return NOBODY
    on_first = np.zeros(len(case.pool), dtype=bool)
    on_last = np.zeros(len(case.pool), dtype=bool)
    on_first[case.pool.appointments.holding(case.need.first_day)] = True
    on_last[case.pool.appointments.holding(case.need.last_day)] = True
    return np.flatnonzero(~(on_first & on_last))


def _explain_not_appointed(case: Case, row: int) -> Words:
    terms = case.pool.appointments.of_row(row)
    if not terms:
        return Words("没有聘任记录", "never appointed")
    begun = [(end, early) for start, end, early in terms if start <= case.need.last_day]
    if not begun:
        return Words("聘期 {day} 起，尚未开始", "appointed only from {day}").filled(day=_day(terms[0][0]))
    end, early = max(begun)
    if end >= case.need.last_day:
        return Words("所需日期内聘期中断", "appointment interrupted during these days")
    if early:
        return Words("已解聘，{day} 为最后一日", "dismissed; the last day was {day}").filled(day=_day(end))
    if end >= case.need.first_day:
        return Words(
            "聘期 {day} 届满，早于所需末日", "appointment ends on {day}, before the last day"
        ).filled(day=_day(end))
    return Words("聘期已于 {day} 届满", "appointment ended on {day}").filled(day=_day(end))


def _ends_soon(case: Case) -> Rows:
    if not case.asks_experts:
        return NOBODY
    soon = np.zeros(len(case.pool), dtype=bool)
    soon[case.pool.appointments.holding(case.need.last_day)] = True
    soon[case.pool.appointments.touching(case.need.last_day + ENDS_SOON_DAYS, NEVER)] = False
    return np.flatnonzero(soon)


def _explain_ends_soon(case: Case, row: int) -> Words:
    terms = case.pool.appointments.of_row(row)
    end = max(end for start, end, _ in terms if start <= case.need.last_day)
    return Words("聘期 {days} 天后到期（{day}）", "appointment ends in {days} days ({day})").filled(
        days=end - case.need.first_day, day=_day(end)
    )


def _refuses_category(case: Case) -> Rows:
    """Find those who registered task categories, but not this one. Nothing registered is not a refusal."""
    if not case.asks_experts or case.need.category is None:
        return NOBODY
    listed = case.pool.task_categories
    return _without(listed.tagged, listed.rows(case.need.category), case)


def _explain_category(case: Case, row: int) -> Words:
    return Words("未承担“{category}”类任务", "does not take on {category} tasks").filled(
        category=case.vocabulary.task_category(case.need.category or "")
    )


def _no_category(case: Case) -> Rows:
    if not case.asks_experts or case.need.category is None:
        return NOBODY
    return _everybody_but(case.pool.task_categories.tagged, case)


def _certificate_lapsed(case: Case) -> Rows:
    name = case.requirement.certificate
    if not name or not case.asks_experts:
        return NOBODY
    certificates = case.pool.certificates
    return _without(certificates.keyed(name), certificates.holding(case.need.last_day, name), case)


def _explain_certificate_lapsed(case: Case, row: int) -> Words:
    name = case.requirement.certificate or ""
    end = max(end for _, end, _ in case.pool.certificates.of_row(row, name))
    return Words("证书过期：{name}有效期至 {day}", "certificate expired: {name}, valid until {day}").filled(
        name=name, day=_day(end)
    )


def _certificate_missing(case: Case) -> Rows:
    name = case.requirement.certificate
    if not name or not case.asks_experts:
        return NOBODY
    return _everybody_but(case.pool.certificates.keyed(name), case)


def _explain_certificate_missing(case: Case, row: int) -> Words:
    return Words("没有要求的证书：{name}", "does not hold the certificate asked for: {name}").filled(
        name=case.requirement.certificate
    )


# --- elsewhere ------------------------------------------------------------------------------------


def _absent(case: Case) -> Rows:
    return case.pool.absences.touching(case.need.first_day, case.need.last_day)


def _explain_absent(case: Case, row: int) -> Words:
    for start, end, why in case.pool.absences.of_row(row):
        if start <= case.need.last_day and end >= case.need.first_day:
            words = Words("请假 {start} 至 {end}", "on leave from {start} to {end}")
            if why:
                words = Words(f"{words.zh}：{{why}}", f"{words.en}: {{why}}")
            return words.filled(start=_day(start), end=_day(end), why=why)
    raise LookupError(f"row {row} is not absent")


def _deployed(case: Case) -> Rows:
    rows = case.pool.deployments.touching(BEGINNING, NEVER)
    return np.concatenate([rows, case.pool.states.rows("dispatched")])


def _deployed_now(case: Case) -> Rows:
    return _deployed(case) if case.need.is_urgent or case.need.begins_today else NOBODY


def _deployed_before(case: Case) -> Rows:
    return NOBODY if case.need.is_urgent or case.need.begins_today else _deployed(case)


def _deployment_labels(case: Case, row: int) -> Words:
    labels = [Words.same(label) for _, _, label in case.pool.deployments.of_row(row) if label]
    return joined(labels) if labels else Words("其他任务", "another task")


def _explain_deployed(case: Case, row: int) -> Words:
    return Words("已出动：{label}", "deployed: {label}").filled(label=_deployment_labels(case, row))


def _explain_deployed_before(case: Case, row: int) -> Words:
    return Words("正在出动：{label}，到访前须确认已返回", "deployed now: {label}; must be back first").filled(
        label=_deployment_labels(case, row)
    )


def _visits(case: Case) -> Rows:
    return case.pool.visits.touching(case.need.first_day, case.need.last_day)


def _explain_visit(case: Case, row: int) -> Words:
    for start, end, label in case.pool.visits.of_row(row):
        if start <= case.need.last_day and end >= case.need.first_day:
            return Words(
                "已约指导 {start} 至 {end}：{label}", "guidance from {start} to {end}: {label}"
            ).filled(start=_day(start), end=_day(end), label=label)
    raise LookupError(f"row {row} has no visit on these days")


def _already_asked(case: Case) -> Rows:
    rows = [case.pool.row(id_) for kind, id_ in case.need.already_asked if kind is case.pool.kind]
    return np.asarray(sorted(row for row in rows if row is not None), dtype=np.int64)


# --- recusal --------------------------------------------------------------------------------------


def _interested(case: Case) -> Rows:
    if case.need.enterprise_id is None:
        return NOBODY
    return case.pool.interests.touching(case.need.first_day, case.need.last_day, case.need.enterprise_id)


def _interest_words(case: Case, row: int) -> Words:
    ties = case.pool.interests.of_row(row, case.need.enterprise_id)
    holding = [
        words for start, end, words in ties if start <= case.need.last_day and end >= case.need.first_day
    ]
    return joined(holding)


def _recused(case: Case) -> Rows:
    return _interested(case) if case.need.situation.recusal else NOBODY


def _explain_recused(case: Case, row: int) -> Words:
    return Words("回避：{tie}", "recused: {tie}").filled(tie=_interest_words(case, row))


def _must_disclose(case: Case) -> Rows:
    return NOBODY if case.need.situation.recusal else _interested(case)


def _explain_disclosure(case: Case, row: int) -> Words:
    return Words("有利害关系，须说明：{tie}", "has an interest that must be disclosed: {tie}").filled(
        tie=_interest_words(case, row)
    )


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
    return _unfit(case) if case.requirement.industry is None and not _asks_capability(case) else NOBODY


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


def _out_of_service(case: Case) -> Rows:
    return np.concatenate([case.pool.states.rows("out_of_service"), case.pool.states.rows("disbanded")])


def _explain_out_of_service(case: Case, row: int) -> Words:
    if case.pool.states.has(row, "disbanded"):
        return Words("队伍已注销", "team disbanded")
    return Words("检修停用", "out of service")


def _near(case: Case) -> Rows:
    return np.flatnonzero(case.fits == Fit.NEAR)


def _explain_near(case: Case, row: int) -> Words:
    mine = [case.vocabulary.industry(code) for code in case.pool.primary.codes(row)]
    asked = case.vocabulary.industry(case.requirement.industry or "")
    return Words("不是{asked}行业，登记行业：{mine}", "not of {asked}; registered for {mine}").filled(
        asked=asked, mine=joined(mine) if mine else Words("无", "none")
    )


# --- what to know about somebody who may go --------------------------------------------------------


def _no_place(case: Case) -> Rows:
    if case.requirement.mode is Mode.REMOTE or case.need.place is None:
        return NOBODY
    return np.flatnonzero(~case.pool.placed)


def _agreement_lapsed(case: Case) -> Rows:
    if case.need.enterprise_id is None:
        return NOBODY
    agreements = case.pool.agreements
    return _without(
        agreements.touching(BEGINNING, case.need.first_day - 1, case.need.enterprise_id),
        agreements.holding(case.need.first_day, case.need.enterprise_id),
        case,
    )


def _explain_agreement_lapsed(case: Case, row: int) -> Words:
    ended = [
        (end, promise.number)
        for _, end, promise in case.pool.agreements.of_row(row, case.need.enterprise_id)
        if end < case.need.first_day
    ]
    end, number = max(ended)
    return Words(
        "协议 {number} 已于 {day} 到期，不再构成义务",
        "agreement {number} lapsed on {day} and obliges no more",
    ).filled(number=number, day=_day(end))


BARS: tuple[Rule, ...] = (
    Rule("suspended", Words("停聘", "suspended"), _suspended, _explain_suspended),
    Rule("not_appointed", Words("不在聘期", "not appointed"), _not_appointed, _explain_not_appointed),
    Rule("absent", Words("请假", "on leave"), _absent, _explain_absent),
    Rule("deployed", Words("已出动", "deployed"), _deployed_now, _explain_deployed),
    Rule(
        "visit_overlaps",
        Words("已约指导", "guidance on these days"),
        lambda case: NOBODY if case.need.is_urgent else _visits(case),
        _explain_visit,
    ),
    Rule(
        "recused",
        Words("回避", "recused"),
        _recused,
        _explain_recused,
        law=lambda case: case.need.situation.recusal,
    ),
    Rule(
        "certificate_expired",
        Words("证书过期", "certificate expired"),
        _certificate_lapsed,
        _explain_certificate_lapsed,
    ),
    Rule(
        "certificate_missing",
        Words("无所需证书", "certificate missing"),
        _certificate_missing,
        _explain_certificate_missing,
    ),
    Rule("task_category", Words("任务类别不符", "task category"), _refuses_category, _explain_category),
    Rule("out_of_service", Words("停用", "out of service"), _out_of_service, _explain_out_of_service),
    Rule(
        "resting",
        Words("休整", "resting"),
        lambda case: case.pool.states.rows("resting"),
        _always("队伍正在休整", "the team is resting"),
    ),
    Rule(
        "already_asked",
        Words("已通知过", "already asked"),
        _already_asked,
        _always("本次已经通知过", "already asked in this call-out"),
    ),
    Rule("capability", Words("能力不符", "capability"), _incapable, _explain_incapable),
    Rule("specialty", Words("专业方向不符", "specialty"), _no_specialty, _explain_no_specialty),
    Rule("other_trade", Words("行业不符", "other trade"), _other_trade, _explain_other_trade),
)

# Not found by looking at a row: matching sets it on neighbours of the trade when nobody has to look there.
NEAR_NOT_NEEDED = Rule(
    "near_not_needed",
    Words("相近行业未启用", "near trade not needed"),
    lambda case: NOBODY,
    _always("相近行业，本行业人手足够，未启用", "of a near trade; there are enough of the trade itself"),
)

# A trade that does not fit says nothing about how many of the trade are kept away, so it is counted apart.
ABOUT_FIT = frozenset({"capability", "specialty", "other_trade", "near_not_needed"})

CAUTIONS: tuple[Rule, ...] = (
    Rule(
        "interest_to_disclose",
        Words("须说明利害关系", "interest to disclose"),
        _must_disclose,
        _explain_disclosure,
    ),
    Rule(
        "visit_on_these_days",
        Words("已约指导", "guidance on these days"),
        lambda case: _visits(case) if case.need.is_urgent else NOBODY,
        _explain_visit,
    ),
    Rule("deployed_before", Words("正在出动", "deployed now"), _deployed_before, _explain_deployed_before),
    Rule(
        "refused_today",
        Words("今日未接通或婉拒", "refused or not reached today"),
        lambda case: case.pool.refused,
        _always("今日已婉拒或未接通一次", "refused, or was not reached, once today"),
    ),
    Rule("ends_soon", Words("聘期将到期", "appointment ends soon"), _ends_soon, _explain_ends_soon),
    Rule(
        "no_category",
        Words("未登记任务类别", "no task category registered"),
        _no_category,
        _always("未登记承担的任务类别", "no task category is registered"),
    ),
    Rule("near_trade", Words("相近行业", "near trade"), _near, _explain_near),
    Rule(
        "no_place",
        Words("位置未登记", "place unknown"),
        _no_place,
        _always(
            "位置未登记，无法估算到场时间", "place not registered: the time of arrival cannot be estimated"
        ),
    ),
    Rule(
        "agreement_lapsed",
        Words("协议已到期", "agreement lapsed"),
        _agreement_lapsed,
        _explain_agreement_lapsed,
    ),
)
