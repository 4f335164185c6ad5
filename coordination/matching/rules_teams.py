"""The rules about rescue teams: whether they can turn out, what they may be used for, what they have promised.

Pure. Which promise obliges is said here once (`obliging`); on what basis a team is then asked, who pays and
what is written to it is left to `bases`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from coordination.matching.facts import Rows
from coordination.matching.fits import Case
from coordination.matching.needs import Situation
from coordination.matching.pool import Promise, epoch_seconds
from coordination.matching.rule import (
    PEACETIME,
    RESCUE,
    TEAMS,
    Rule,
    always,
    both,
    day_of,
    everywhere,
    without,
)
from ground.dates import SHANGHAI
from ground.laws import MINE_TEAMS_FOR_RESCUE_ONLY, REST_AFTER_APPARATUS
from ground.terms import Words, joined

# After one shift under breathing apparatus (REST_AFTER_APPARATUS).
APPARATUS_REST = timedelta(hours=8)

OUT_OF_SERVICE, DISBANDED, RESTING = "out_of_service", "disbanded", "resting"
MINE_TEAM, COAL = "mine", "MK"
# A drill is practice for a rescue, and to look for hazards in the mines it serves is a mine team's own work:
# neither takes it away from rescue, which is what the article forbids.
AWAY_FROM_RESCUE = PEACETIME - {Situation.DRILL, Situation.INSPECTION}


def rested_at(shift_ended_at: datetime) -> datetime:
    """Return when a team may be sent again after a shift under breathing apparatus."""
    return shift_ended_at + APPARATUS_REST


# --- whether they can turn out ----------------------------------------------------------------------


def _out_of_service(case: Case) -> Rows:
    return np.concatenate([case.pool.states.rows(OUT_OF_SERVICE), case.pool.states.rows(DISBANDED)])


def _explain_out_of_service(case: Case, row: int) -> Words:
    if case.pool.states.has(row, DISBANDED):
        return Words("队伍已注销", "team disbanded")
    return Words("检修停用", "out of service")


def _resting(case: Case) -> Rows:
    return case.pool.states.rows(RESTING)


def _coal_mine_teams(case: Case) -> Rows:
    """Find the mine rescue teams that serve coal mines: the Coal Mine Safety Regulations speak of no others."""
    return both(case.pool.kinds.rows(MINE_TEAM), case.pool.primary.rows(COAL), case)


def _after_apparatus(case: Case) -> Rows:
    since = epoch_seconds(case.need.begins_at) - case.pool.shifts_ended
    return np.flatnonzero(since < APPARATUS_REST.total_seconds())


def _coal_after_apparatus(case: Case) -> Rows:
    return both(_coal_mine_teams(case), _after_apparatus(case), case)


def _others_after_apparatus(case: Case) -> Rows:
    return without(_after_apparatus(case), _coal_mine_teams(case), case)


def _rest_hours(case: Case, row: int) -> tuple[str, str]:
    """Return when the last shift ended and when the team is ready again, in Asia/Shanghai."""
    ended_at = datetime.fromtimestamp(float(case.pool.shifts_ended[row]), UTC).astimezone(SHANGHAI)
    return f"{ended_at:%m-%d %H:%M}", f"{rested_at(ended_at):%m-%d %H:%M}"


def _explain_apparatus(case: Case, row: int) -> Words:
    ended, ready = _rest_hours(case, row)
    return Words(
        "佩用呼吸器的班次于 {ended} 结束，须休息 8 小时，{ready} 起可再出动",
        "its shift under breathing apparatus ended on {ended}; 8 hours of rest, ready again on {ready}",
    ).filled(ended=ended, ready=ready)


def _explain_apparatus_elsewhere(case: Case, row: int) -> Words:
    ended, ready = _rest_hours(case, row)
    return Words(
        "佩用呼吸器的班次于 {ended} 结束，参照矿山救援队休息 8 小时，{ready} 起可再出动",
        "its shift under breathing apparatus ended on {ended}; 8 hours of rest as for mine rescue teams, "
        "ready again on {ready}",
    ).filled(ended=ended, ready=ready)


# --- what they may be used for ------------------------------------------------------------------------


def _standing_mine_teams(case: Case) -> Rows:
    return both(_coal_mine_teams(case), case.pool.full_time, case)


# --- what they have promised ------------------------------------------------------------------------


Standing = Callable[[Case, int, int, Promise], bool]


def _holds(case: Case, start: int, end: int) -> bool:
    return start <= case.need.first_day <= end


def _obliges(case: Case, start: int, end: int, promise: Promise) -> bool:
    return _holds(case, start, end) and promise.covers(case.need.site_id) and _is_for(case, promise)


def _is_for(case: Case, promise: Promise) -> bool:
    """Say whether it is certain that the promise is for what has happened; where nothing has, it is."""
    return not case.need.is_urgent or promise.answers(case.need.incident_kind)


def _ran_out(case: Case, start: int, end: int, promise: Promise) -> bool:
    return end < case.need.first_day and not promise.was_ended


def _was_ended(case: Case, start: int, end: int, promise: Promise) -> bool:
    return end < case.need.first_day and promise.was_ended


def _not_begun(case: Case, start: int, end: int, promise: Promise) -> bool:
    return case.need.first_day < start <= end


def _elsewhere(case: Case, start: int, end: int, promise: Promise) -> bool:
    known = case.need.site_id is not None
    return known and _holds(case, start, end) and not promise.covers(case.need.site_id)


def _other_kind(case: Case, start: int, end: int, promise: Promise) -> bool:
    known = case.need.incident_kind is not None
    return known and _holds(case, start, end) and not _is_for(case, promise)


def _perhaps_other_kind(case: Case, start: int, end: int, promise: Promise) -> bool:
    unknown = case.need.incident_kind is None
    return unknown and _holds(case, start, end) and not _is_for(case, promise)


def _perhaps_elsewhere(case: Case, start: int, end: int, promise: Promise) -> bool:
    return case.need.site_id is None and _holds(case, start, end) and not promise.covers(None)


def _standing(case: Case, row: int, standing: Standing) -> list[tuple[int, int, Promise]]:
    enterprise = case.need.enterprise_id
    agreements = case.pool.agreements.of_row(row, enterprise) if enterprise is not None else []
    return [one for one in agreements if standing(case, *one)]


def obliging(case: Case, row: int) -> list[tuple[int, int, Promise]]:
    """Return (first day, last day, promise) of the agreements by which a team must come.

    In force on the first day, and in scope: one that is limited to other sites, or to other kinds of
    incident, obliges to nothing here.
    """
    return _standing(case, row, _obliges)


def is_own(case: Case, row: int) -> bool:
    """Say whether the team belongs to the enterprise that needs it."""
    enterprise = case.need.enterprise_id
    return enterprise is not None and case.pool.owners.has(row, str(enterprise))


def _with(standing: Standing) -> Callable[[Case], Rows]:
    """Find the teams with such an agreement, unless something else obliges them to come anyhow."""

    def found(case: Case) -> Rows:
        # The agreements of one enterprise are few, however many teams there are.
        rows = [int(row) for row in np.unique(case.pool.agreements.keyed(case.need.enterprise_id))]
        said = [
            row
            for row in rows
            if _standing(case, row, standing) and not obliging(case, row) and not is_own(case, row)
        ]
        return np.asarray(said, dtype=np.int64)

    return found


def _explain_over(standing: Standing, words: Words) -> Callable[[Case, int], Words]:
    """Tell of the agreement that ended last."""

    def told(case: Case, row: int) -> Words:
        _, end, promise = max(_standing(case, row, standing), key=lambda one: (one[1], one[2].number))
        return words.filled(number=promise.number, day=day_of(end), next_day=day_of(end + 1))

    return told


def _explain_not_begun(case: Case, row: int) -> Words:
    start, _, promise = min(_standing(case, row, _not_begun), key=lambda one: (one[0], one[2].number))
    return Words(
        "协议 {number} 自 {day} 起生效，现在还不构成义务",
        "agreement {number} begins on {day} and obliges to nothing yet",
    ).filled(number=promise.number, day=day_of(start))


def _explain_scope(standing: Standing, words: Words) -> Callable[[Case, int], Words]:
    def told(case: Case, row: int) -> Words:
        each = [
            words.filled(
                number=promise.number,
                sites=joined([Words.same(name) for _, name in promise.sites]),
                kinds=joined([case.vocabulary.incident_kind(code) for code in promise.kinds]),
                kind=case.vocabulary.incident_kind(case.need.incident_kind or ""),
            )
            for _, _, promise in _standing(case, row, standing)
        ]
        return joined(each, Words("；", "; "))

    return told


BARS: tuple[Rule, ...] = (
    Rule(
        code="out_of_service",
        label=Words("停用", "out of service"),
        sentence=Words("停用或已注销的队伍不派", "a team that is out of service or disbanded is not sent"),
        about=TEAMS,
        holds_for=_out_of_service,
        explain=_explain_out_of_service,
    ),
    Rule(
        code="resting",
        label=Words("休整", "resting"),
        sentence=Words("休整中的队伍不派", "a team that rests is not sent"),
        about=TEAMS,
        holds_for=_resting,
        explain=always("队伍正在休整", "the team is resting"),
    ),
    Rule(
        code="apparatus_rest",
        label=Words("呼吸器作业后休息", "rest after breathing apparatus"),
        sentence=Words(
            "矿山救援队佩用呼吸器工作 1 个班次后，至少休息 8 小时",
            "a mine rescue team rests at least 8 hours after one shift under breathing apparatus",
        ),
        about=TEAMS,
        laws=everywhere(REST_AFTER_APPARATUS),
        holds_for=_coal_after_apparatus,
        explain=_explain_apparatus,
    ),
    Rule(
        code="apparatus_rest_elsewhere",
        label=Words("呼吸器作业后休息（参照）", "rest after breathing apparatus, by analogy"),
        sentence=Words(
            "其他队伍佩用呼吸器工作后，参照矿山救援队休息 8 小时",
            "other teams rest as long as mine rescue teams after a shift under breathing apparatus",
        ),
        about=TEAMS,
        holds_for=_others_after_apparatus,
        explain=_explain_apparatus_elsewhere,
    ),
    Rule(
        code="mine_team_for_rescue_only",
        label=Words("专职矿山救援队只用于救援", "mine rescue team, for rescue only"),
        sentence=Words(
            "专职矿山救援队及其装备、车辆不得调作与救援无关的工作",
            "a full-time mine rescue team, its gear and vehicles must not be moved for work other than rescue",
        ),
        about=TEAMS,
        situations=AWAY_FROM_RESCUE,
        laws=everywhere(MINE_TEAMS_FOR_RESCUE_ONLY),
        holds_for=_standing_mine_teams,
        explain=always(
            "专职矿山救援队，不得调作救援以外的工作", "a full-time mine rescue team, for rescue only"
        ),
    ),
)

CAUTIONS: tuple[Rule, ...] = (
    Rule(
        code="agreement_lapsed",
        label=Words("协议已到期", "agreement lapsed"),
        sentence=Words("到期的协议不再构成义务", "an agreement that has run out obliges no more"),
        about=TEAMS,
        holds_for=_with(_ran_out),
        explain=_explain_over(
            _ran_out,
            Words(
                "已到期：协议 {number} 已于 {day} 到期，不再构成义务",
                "lapsed: agreement {number} ran out on {day} and obliges no more",
            ),
        ),
    ),
    Rule(
        code="agreement_terminated",
        label=Words("协议已终止", "agreement ended"),
        sentence=Words("终止的协议不再构成义务", "an agreement that was ended obliges no more"),
        about=TEAMS,
        holds_for=_with(_was_ended),
        explain=_explain_over(
            _was_ended,
            Words(
                "已终止：协议 {number} 自 {next_day} 起终止，不再构成义务",
                "ended: agreement {number} was ended from {next_day} on and obliges no more",
            ),
        ),
    ),
    Rule(
        code="agreement_upcoming",
        label=Words("协议未生效", "agreement not begun"),
        sentence=Words(
            "尚未生效的协议还不构成义务", "an agreement that has not begun obliges to nothing yet"
        ),
        about=TEAMS,
        holds_for=_with(_not_begun),
        explain=_explain_not_begun,
    ),
    Rule(
        code="agreement_elsewhere",
        label=Words("协议不含本厂区", "agreement for other sites"),
        sentence=Words(
            "协议限定厂区的，只对这些厂区构成义务",
            "an agreement that is limited to sites obliges for these sites alone",
        ),
        about=TEAMS,
        holds_for=_with(_elsewhere),
        explain=_explain_scope(
            _elsewhere,
            Words(
                "协议 {number} 只覆盖{sites}，不含事发厂区，不构成义务",
                "agreement {number} covers only {sites}, not the site of this incident, and does not oblige",
            ),
        ),
    ),
    Rule(
        code="agreement_site_unknown",
        label=Words("厂区未填，协议待核", "site not given, agreement to be checked"),
        sentence=Words(
            "事发厂区未知时，限定厂区的协议不算作义务",
            "while the site is unknown, an agreement that is limited to sites does not count",
        ),
        about=TEAMS,
        holds_for=_with(_perhaps_elsewhere),
        explain=_explain_scope(
            _perhaps_elsewhere,
            Words(
                "协议 {number} 只覆盖{sites}；事发厂区未填，填写后才能判断是否构成义务",
                "agreement {number} covers only {sites}; give the site of the incident to see whether it obliges",
            ),
        ),
    ),
    Rule(
        code="agreement_other_kind",
        label=Words("协议不含此类事故", "agreement for other kinds of incident"),
        sentence=Words(
            "协议限定事故类型的，只对这些类型构成义务",
            "an agreement that is limited to kinds of incident obliges for these kinds alone",
        ),
        about=TEAMS,
        situations=RESCUE,
        holds_for=_with(_other_kind),
        explain=_explain_scope(
            _other_kind,
            Words(
                "协议 {number} 只适用于{kinds}，不含{kind}，不构成义务",
                "agreement {number} is for {kinds} only, not for {kind}, and does not oblige",
            ),
        ),
    ),
    Rule(
        code="agreement_kind_unknown",
        label=Words("事故类型未填，协议待核", "kind of incident not given, agreement to be checked"),
        sentence=Words(
            "事故类型未知时，限定类型的协议不算作义务",
            "while the kind of incident is unknown, an agreement that is limited to kinds does not count",
        ),
        about=TEAMS,
        situations=RESCUE,
        holds_for=_with(_perhaps_other_kind),
        explain=_explain_scope(
            _perhaps_other_kind,
            Words(
                "协议 {number} 只适用于{kinds}；事故类型未填，填写后才能判断是否构成义务",
                "agreement {number} is for {kinds} only; give the kind of incident to see whether it obliges",
            ),
        ),
    ),
)
