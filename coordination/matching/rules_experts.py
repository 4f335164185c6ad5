"""The rules about experts: their term, their certificates, their leave, the firms that they are tied to.

Pure. Their trade stands with the teams' in `rules`. To add a rule: write what it holds for and how it is
explained beside its neighbours, and put it into `BARS` or `CAUTIONS`.
"""

from __future__ import annotations

import numpy as np

from coordination.matching.facts import BEGINNING, NEVER, NOBODY, Rows
from coordination.matching.fits import Case
from coordination.matching.needs import RECUSALS
from coordination.matching.rule import (
    EVERY_SITUATION,
    EXPERTS,
    PEACETIME,
    RESCUE,
    Rule,
    always,
    day_of,
    everybody_but,
    without,
)
from ground.terms import Words, joined

ENDS_SOON_DAYS = 30
RECUSED_IN = frozenset(RECUSALS)


# --- the term -------------------------------------------------------------------------------------


def _suspended(case: Case) -> Rows:
    return case.pool.suspensions.touching(BEGINNING, case.need.last_day)


def _explain_suspended(case: Case, row: int) -> Words:
    since = case.pool.suspensions.of_row(row)[0][0]
    return Words("已停聘（{day} 起）", "suspended since {day}").filled(day=day_of(since))


def _not_appointed(case: Case) -> Rows:
    """Find those without a term on the first or on the last day; a renewal may fall between."""
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
        return Words("聘期 {day} 起，尚未开始", "appointed only from {day}").filled(day=day_of(terms[0][0]))
    end, early = max(begun)
    if end >= case.need.last_day:
        return Words("所需日期内聘期中断", "appointment interrupted during these days")
    if early:
        return Words("已解聘，{day} 为最后一日", "dismissed; the last day was {day}").filled(day=day_of(end))
    if end >= case.need.first_day:
        return Words(
            "聘期 {day} 届满，早于所需末日", "appointment ends on {day}, before the last day"
        ).filled(day=day_of(end))
    return Words("聘期已于 {day} 届满", "appointment ended on {day}").filled(day=day_of(end))


def _ends_soon(case: Case) -> Rows:
    soon = np.zeros(len(case.pool), dtype=bool)
    soon[case.pool.appointments.holding(case.need.last_day)] = True
    soon[case.pool.appointments.touching(case.need.last_day + ENDS_SOON_DAYS, NEVER)] = False
    return np.flatnonzero(soon)


def _explain_ends_soon(case: Case, row: int) -> Words:
    terms = case.pool.appointments.of_row(row)
    end = max(end for start, end, _ in terms if start <= case.need.last_day)
    return Words("聘期 {days} 天后到期（{day}）", "appointment ends in {days} days ({day})").filled(
        days=end - case.need.first_day, day=day_of(end)
    )


# --- what they take on and are certified for --------------------------------------------------------


def _refuses_category(case: Case) -> Rows:
    """Find those who registered task categories, but not this one. Nothing registered is not a refusal."""
    if case.need.category is None:
        return NOBODY
    listed = case.pool.task_categories
    return without(listed.tagged, listed.rows(case.need.category), case)


def _explain_category(case: Case, row: int) -> Words:
    return Words("未承担“{category}”类任务", "does not take on {category} tasks").filled(
        category=case.vocabulary.task_category(case.need.category or "")
    )


def _no_category(case: Case) -> Rows:
    if case.need.category is None:
        return NOBODY
    return everybody_but(case.pool.task_categories.tagged, case)


def _certificate_lapsed(case: Case) -> Rows:
    name = case.requirement.certificate
    if not name:
        return NOBODY
    certificates = case.pool.certificates
    return without(certificates.keyed(name), certificates.holding(case.need.last_day, name), case)


def _explain_certificate_lapsed(case: Case, row: int) -> Words:
    name = case.requirement.certificate or ""
    end = max(end for _, end, _ in case.pool.certificates.of_row(row, name))
    return Words("证书过期：{name}有效期至 {day}", "certificate expired: {name}, valid until {day}").filled(
        name=name, day=day_of(end)
    )


def _certificate_missing(case: Case) -> Rows:
    name = case.requirement.certificate
    return everybody_but(case.pool.certificates.keyed(name), case) if name else NOBODY


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
            return words.filled(start=day_of(start), end=day_of(end), why=why)
    raise LookupError(f"row {row} is not absent")


def _visits(case: Case) -> Rows:
    return case.pool.visits.touching(case.need.first_day, case.need.last_day)


def _explain_visit(case: Case, row: int) -> Words:
    for start, end, label in case.pool.visits.of_row(row):
        if start <= case.need.last_day and end >= case.need.first_day:
            return Words(
                "已约指导 {start} 至 {end}：{label}", "guidance from {start} to {end}: {label}"
            ).filled(start=day_of(start), end=day_of(end), label=label)
    raise LookupError(f"row {row} has no visit on these days")


# --- recusal --------------------------------------------------------------------------------------


def _interested(case: Case) -> Rows:
    if case.need.enterprise_id is None:
        return NOBODY
    return case.pool.interests.touching(case.need.first_day, case.need.last_day, case.need.enterprise_id)


def _interested_in_a_draw(case: Case) -> Rows:
    return _interested(case) if case.need.by_lot else NOBODY


def _interest_words(case: Case, row: int) -> Words:
    ties = case.pool.interests.of_row(row, case.need.enterprise_id)
    holding = [
        words for start, end, words in ties if start <= case.need.last_day and end >= case.need.first_day
    ]
    return joined(holding)


def _explain_recused(case: Case, row: int) -> Words:
    return Words("回避：{tie}", "recused: {tie}").filled(tie=_interest_words(case, row))


def _explain_not_drawn(case: Case, row: int) -> Words:
    return Words("有利害关系，不参加抽取：{tie}", "has an interest and is not drawn: {tie}").filled(
        tie=_interest_words(case, row)
    )


def _explain_disclosure(case: Case, row: int) -> Words:
    return Words("有利害关系，须说明：{tie}", "has an interest that must be disclosed: {tie}").filled(
        tie=_interest_words(case, row)
    )


BARS: tuple[Rule, ...] = (
    Rule(
        code="suspended",
        label=Words("停聘", "suspended"),
        sentence=Words("停聘期间不派", "whoever is suspended is not sent"),
        about=EXPERTS,
        holds_for=_suspended,
        explain=_explain_suspended,
        standing=True,
    ),
    Rule(
        code="not_appointed",
        label=Words("不在聘期", "not appointed"),
        sentence=Words(
            "所需日期的首日和末日都须在聘期内", "the term must hold on the first and on the last day"
        ),
        about=EXPERTS,
        holds_for=_not_appointed,
        explain=_explain_not_appointed,
        standing=True,
    ),
    Rule(
        code="absent",
        label=Words("请假", "on leave"),
        sentence=Words("请假期间不派", "whoever is on leave on one of the days is not sent"),
        about=EXPERTS,
        holds_for=_absent,
        explain=_explain_absent,
    ),
    Rule(
        code="visit_overlaps",
        label=Words("已约指导", "guidance on these days"),
        sentence=Words("同一天不安排两处指导", "nobody is booked for two visits on one day"),
        about=EXPERTS,
        situations=PEACETIME,
        holds_for=_visits,
        explain=_explain_visit,
    ),
    Rule(
        code="recused",
        label=Words("回避", "recused"),
        sentence=Words(
            "与企业有利害关系的，不参加其预案评审和事故调查",
            "an interest in the enterprise bars from reviewing its plan and from investigating its accident",
        ),
        about=EXPERTS,
        situations=RECUSED_IN,
        laws=RECUSALS,
        holds_for=_interested,
        explain=_explain_recused,
    ),
    Rule(
        # No article bars them from an inspection, it has to be disclosed; but whom chance sends to judge a firm
        # should not be its own adviser. An officer may still choose them, knowingly.
        code="interest_in_a_draw",
        label=Words("有利害关系", "with an interest in the firm"),
        sentence=Words(
            "随机抽取时，与企业有利害关系的不参加", "chance sends nobody with an interest in the enterprise"
        ),
        about=EXPERTS,
        situations=EVERY_SITUATION - RECUSED_IN,
        holds_for=_interested_in_a_draw,
        explain=_explain_not_drawn,
    ),
    Rule(
        code="certificate_expired",
        label=Words("证书过期", "certificate expired"),
        sentence=Words("要求的证书须在所需日期内有效", "a certificate that is asked for must be valid"),
        about=EXPERTS,
        holds_for=_certificate_lapsed,
        explain=_explain_certificate_lapsed,
        standing=True,
    ),
    Rule(
        code="certificate_missing",
        label=Words("无所需证书", "certificate missing"),
        sentence=Words("须持有要求的证书", "a certificate that is asked for must be held"),
        about=EXPERTS,
        holds_for=_certificate_missing,
        explain=_explain_certificate_missing,
        standing=True,
    ),
    Rule(
        code="task_category",
        label=Words("任务类别不符", "task category"),
        sentence=Words(
            "只派给本人登记承担的任务类别", "who registered task categories is asked for these alone"
        ),
        about=EXPERTS,
        holds_for=_refuses_category,
        explain=_explain_category,
        standing=True,
    ),
)

CAUTIONS: tuple[Rule, ...] = (
    Rule(
        code="interest_to_disclose",
        label=Words("须说明利害关系", "interest to disclose"),
        sentence=Words(
            "法规未要求回避的，有利害关系也可派，但须说明",
            "where no article bars, an interest keeps nobody away but has to be disclosed",
        ),
        about=EXPERTS,
        situations=EVERY_SITUATION - RECUSED_IN,
        holds_for=_interested,
        explain=_explain_disclosure,
    ),
    Rule(
        code="visit_on_these_days",
        label=Words("已约指导", "guidance on these days"),
        sentence=Words("救援优先，已约的指导须改期", "a rescue comes first; the visit has to be put off"),
        about=EXPERTS,
        situations=RESCUE,
        holds_for=_visits,
        explain=_explain_visit,
    ),
    Rule(
        code="ends_soon",
        label=Words("聘期将到期", "appointment ends soon"),
        sentence=Words("聘期 30 天内到期的，提示", "a term that ends within thirty days is pointed out"),
        about=EXPERTS,
        holds_for=_ends_soon,
        explain=_explain_ends_soon,
        standing=True,
    ),
    Rule(
        code="no_category",
        label=Words("未登记任务类别", "no task category registered"),
        sentence=Words(
            "未登记任务类别的，可派，但须问清", "who registered no task category may go, but has to be asked"
        ),
        about=EXPERTS,
        holds_for=_no_category,
        explain=always("未登记承担的任务类别", "no task category is registered"),
        standing=True,
    ),
)
