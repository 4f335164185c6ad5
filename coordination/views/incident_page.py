"""What stands on the incident page, region by region; the page and its fragments are made of the same parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.http import HttpRequest, QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from contracts.models import Agreement
from contracts.periods import BINDING, AgreementStatus
from coordination import live, recommendations
from coordination.models import Invitation
from coordination.paging import CalloutStatus, InvitationStatus
from coordination.views import callout_forms, first_waves, plans
from coordination.views import replies as heard_replies
from coordination.views.board import Board, Progress, boards_of, progress_of
from coordination.views.candidate_table import (
    Candidates,
    candidates_of,
    features_without_candidates,
    specs_of,
)
from coordination.views.first_waves import Shown
from coordination.views.incident_forms import LevelForm, LineForm
from ground import clock, kinds
from ground.access import Permission
from ground.dates import SHANGHAI
from ground.guards import user_of
from ground.languages import language
from ground.models import AuditEntry
from incidents import lifecycle
from incidents.levels import AccidentLevel, ResponseLevel
from incidents.lifecycle import IncidentStatus
from incidents.models import Incident, LogEntry, LogKind

S = IncidentStatus
LINES_SHOWN = 200
# From the call to the first message: the goal that is shown beside the figure.
FIRST_WAVE_WITHIN_SECONDS = 45


def incident_or_404(
    request: HttpRequest, public_id: UUID, permission: Permission = Permission.READ_INCIDENTS
) -> Incident:
    """Return the incident if this user may do this to it."""
    theirs = Incident.objects.open_to(user_of(request), permission)
    return get_object_or_404(
        theirs.select_related("industry", "enterprise__region", "site", "region", "opened_by"),
        public_id=public_id,
    )


def page(request: HttpRequest, incident: Incident, *, at: datetime) -> dict[str, Any]:
    """Return the context of the whole page."""
    boards = boards_of(incident)
    return {
        **frame(request, incident, at=at),
        **head(incident, boards, at=at),
        **facts(incident, at=at),
        **callouts(boards),
        **replies(incident),
        **candidates(request, incident, boards, at=at),
        **timeline(request, incident),
        "live_url": live.address(f"incident:{incident.public_id}"),
    }


def frame(request: HttpRequest, incident: Incident, *, at: datetime) -> dict[str, Any]:
    """Return what every region needs: the incident, and what this user may do to it."""
    user = user_of(request)

    def may(permission: Permission) -> bool:
        theirs = Incident.objects.open_to(user, permission)
        return user.may(permission) and theirs.filter(pk=incident.pk).exists()

    handles, calls = may(Permission.HANDLE_INCIDENTS), may(Permission.CALL_OUT)
    return {
        "incident": incident,
        "topic": f"incident:{incident.public_id}",
        "at": at,
        "can_handle": handles and incident.is_open,
        "can_note": handles,
        "can_call": calls and incident.is_open,
        "can_record": calls,
        "can_match": user.may(Permission.MATCH),
        "can_reveal": may(Permission.REVEAL_CONTACTS),
        "roster_reach": user.reach(Permission.READ_ROSTER),
        "contracts_reach": user.reach(Permission.READ_CONTRACTS),
    }


# Head ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """One arrow of the stage bar."""

    label: str
    state: str  # done, now, todo
    line: str


def head(incident: Incident, boards: Sequence[Board], *, at: datetime) -> dict[str, Any]:
    progress = progress_of(boards)
    status = S(incident.status)
    asked = progress.first_asked_at
    first_wave = (asked - incident.reported_at) if asked else None
    return {
        "kind": kinds.by_code(incident.kind),
        "elapsed": (incident.closed_at or at) - incident.reported_at,
        "status": status,
        "stages": stages(incident, boards, progress),
        "progress": progress,
        "first_wave": first_wave,
        "first_wave_in_time": first_wave is not None
        and first_wave.total_seconds() <= FIRST_WAVE_WITHIN_SECONDS,
        "first_wave_goal": FIRST_WAVE_WITHIN_SECONDS,
        "first_accept": progress.first_accepted_at - asked if asked and progress.first_accepted_at else None,
        "live_callout": next((board for board in boards if board.is_live), None),
        "suggestion": incident.suggested_level(),
        "accident_level": AccidentLevel(incident.accident_level) if incident.accident_level else None,
        "moves": _offered_moves(status),
        "can_withdraw": lifecycle.can_move(status, S.WITHDRAWN),
    }


def _offered_moves(status: IncidentStatus) -> list[IncidentStatus]:
    """Return the steps that have a button; 响应 is taken by calling out, and by hand only when it flares up again."""
    offered = {S.REPORTED: [S.VERIFIED], S.CONTROLLED: [S.RESPONDING]}.get(status, [S.CONTROLLED])
    return [move for move in offered if lifecycle.can_move(status, move)]


def stages(incident: Incident, boards: Sequence[Board], progress: Progress) -> list[Stage]:
    """Return 接报, 核实, 通知应答, 到场, 处置, 结束 with how far each has come and when."""
    moved = _moved_at(incident)
    status = S(incident.status)
    over = not incident.is_open
    arrived = progress.everybody_arrived
    now = {
        S.REPORTED: 0,
        S.VERIFIED: 1,
        S.RESPONDING: 4 if arrived else 3 if progress.first_arrived_at else 2,
        S.CONTROLLED: 4,
    }.get(status, 5)
    called = next((board for board in boards if board.is_live), boards[0] if boards else None)
    wanted = progress.experts_wanted + progress.teams_wanted
    lines = [
        (pgettext("stage", "接报"), True, _time(incident.reported_at)),
        (_("核实"), S.VERIFIED in moved, _time(moved.get(S.VERIFIED)) or ("" if over else _("待核实"))),
        (_("通知应答"), progress.first_asked_at is not None, _callout_line(called)),
        (
            _("到场"),
            arrived,
            _("%(experts)d / %(experts_wanted)d 人 · %(teams)d / %(teams_wanted)d 队")
            % {
                "experts": progress.experts_on_scene,
                "experts_wanted": progress.experts_wanted,
                "teams": progress.teams_on_scene,
                "teams_wanted": progress.teams_wanted,
            }
            if wanted
            else "",
        ),
        (
            _("处置"),
            S.CONTROLLED in moved,
            _("%(time)s 已控制") % {"time": _time(moved[S.CONTROLLED])} if S.CONTROLLED in moved else "",
        ),
        (_("误报") if status is S.WITHDRAWN else _("结束"), over, _time(incident.closed_at)),
    ]
    return [
        Stage(
            label,
            "now"
            if number == now and not over
            else "done"
            if done and (over or number < now or number == 1)
            else "todo",
            line,
        )
        for number, (label, done, line) in enumerate(lines)
    ]


def _moved_at(incident: Incident) -> dict[str, datetime]:
    """Return when the incident came into each state, the last time if it did so twice."""
    entries = AuditEntry.objects.filter(
        object_type="incidents.incident", object_id=str(incident.public_id), action="incident.move"
    ).order_by("id")
    return {entry.details.get("to", ""): entry.at for entry in entries}


def _callout_line(board: Board | None) -> str:
    if board is None:
        return _("未通知")
    status = CalloutStatus(board.callout.status)
    words = {
        CalloutStatus.OPEN: _("已暂停") if board.callout.paused else _("进行中"),
        CalloutStatus.FILLED: _("已满员"),
        CalloutStatus.EXHAUSTED: _("人选用尽"),
        CalloutStatus.CLOSED: _("已结束"),
    }
    return _("第 %(wave)d 波 · %(state)s") % {"wave": board.callout.wave, "state": words[status]}


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(SHANGHAI):%H:%M:%S}" if moment else ""


# Facts --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Obliged:
    """A team that has promised the enterprise help, or had; `status` is the agreement's on this day.

    `limits` are the sites and kinds of incident it is limited to, if this incident is beyond them, or may be
    while its site is not known.
    """

    agreement: Agreement
    status: AgreementStatus
    limits: Sequence[str]
    may_be_within: bool
    km: float | None
    is_deployed: bool

    @property
    def holds(self) -> bool:
        return self.status in BINDING and not self.limits

    @property
    def is_limited(self) -> bool:
        """Say whether it would hold, were it not for its limits."""
        return self.status in BINDING and bool(self.limits)


def facts(incident: Incident, *, at: datetime) -> dict[str, Any]:
    obliged = _obliged(incident, at=at)
    return {
        "kind": kinds.by_code(incident.kind),
        "suggestion": incident.suggested_level(),
        "accident_level": AccidentLevel(incident.accident_level) if incident.accident_level else None,
        "response_level": ResponseLevel(incident.response_level) if incident.response_level else None,
        "hazards": incident.site.hazards if incident.site else "",
        "obliged": obliged,
        "covered": any(one.holds for one in obliged),
        "level_form": LevelForm(
            initial={
                "accident_level": incident.accident_level,
                "response_level": incident.response_level,
            }
        ),
    }


def _obliged(incident: Incident, *, at: datetime) -> list[Obliged]:
    if incident.enterprise is None:
        return []
    today = clock.day_of(at)
    agreements = list(
        Agreement.objects.filter(enterprise=incident.enterprise)
        .select_related("team")
        .prefetch_related("consents", "sites")
    )
    deployed = set(
        Invitation.objects.filter(
            callout__incident=incident, status=InvitationStatus.ACCEPTED, team__isnull=False
        ).values_list("team_id", flat=True)
    )
    here = incident.point
    found = [
        Obliged(
            agreement,
            agreement.status_on(today),
            *_limits(incident, agreement),
            here.km_to(agreement.team.point) if here and agreement.team.point else None,
            agreement.team_id in deployed,
        )
        for agreement in agreements
    ]
    return sorted(found, key=lambda one: (not one.holds, one.km if one.km is not None else 1e6))


def _limits(incident: Incident, agreement: Agreement) -> tuple[list[str], bool]:
    """Return what keeps this incident out of the agreement, and whether the site, once known, may bring it in."""
    sites, covered = list(agreement.sites.all()), agreement.kinds_in_scope
    other_site = bool(sites) and incident.site not in sites
    other_kind = bool(covered) and incident.kind not in agreement.incident_kinds
    limits = [site.name for site in sites if other_site]
    limits += [kind.word(language()) for kind in covered if other_kind]
    return limits, not other_kind and incident.site is None


# Callouts -----------------------------------------------------------------------------------------


def callouts(boards: Sequence[Board]) -> dict[str, Any]:
    return {"boards": boards, "board": boards[0] if boards else None, "other_boards": boards[1:]}


def candidates(
    request: HttpRequest, incident: Incident, boards: Sequence[Board], *, at: datetime
) -> dict[str, Any]:
    """Return the tables of candidates: for the running callout, or for one still to be started."""
    if not incident.is_open or not user_of(request).may(Permission.MATCH):
        return {"candidates": None, "features": features_without_candidates(incident)}
    asked: QueryDict = request.GET
    running = next((board for board in boards if board.is_live), None)
    if asked.get("new") or "r0-kind" in asked:
        running = None
    wanted = None
    sliders = callout_forms.WeightsForm(asked)
    if running:
        specs = specs_of(running)
    else:
        wanted = callout_forms.wanted_by(recommendations.proposed_requirements(incident), asked)
        specs = wanted.specs
    found = candidates_of(
        incident, specs, board=running, show_all=bool(asked.get("all")), weights=sliders.weights(), at=at
    )
    policy = asked.get("policy") or "urgent"
    return {
        "candidates": found,
        "first": _first_wave(incident, found, policy, at=at) if wanted else None,
        "groups": [("expert", found.experts), ("team", found.teams)],
        "needs_open": "r0-kind" in asked or sliders.is_bound,
        "features": found.features,
        "running": running,
        "wanted": wanted,
        "plan": plans.cited(incident) if wanted and "r0-kind" not in asked else None,
        "sliders": sliders,
        "fingerprint": callout_forms.fingerprint(specs),
        "policy_form": callout_forms.PolicyForm(initial={"policy": policy, "known": len(boards)}),
        "tab": "team" if asked.get("tab") == "team" else "expert",
        "show_all": bool(asked.get("all")),
        "live_callout": next((board for board in boards if board.is_live), None),
    }


def _first_wave(incident: Incident, found: Candidates, policy: str, *, at: datetime) -> Shown | None:
    """Say what the button does as the page comes: with the picks ticked, and backups behind them."""
    if (proposal := found.proposal) is None:
        return None
    picks = {one.requirement.key: one.picks for one in proposal.matching}
    invitees = first_waves.ordered(proposal, picks, backups=True)
    return first_waves.shown(
        proposal.requirements, invitees, policy=policy, severity=incident.severity, at=at
    )


def replies(incident: Incident) -> dict[str, Any]:
    """Return the replies that a person has to look at."""
    return {"heard": heard_replies.of_incident(incident)}


# Timeline -----------------------------------------------------------------------------------------

_KINDS = {
    "important": Q(kind__in=[LogKind.MILESTONE, LogKind.HUMAN]),
    "human": Q(kind=LogKind.HUMAN),
    "system": Q(kind=LogKind.SYSTEM),
    "all": Q(),
}


def timeline(request: HttpRequest, incident: Incident) -> dict[str, Any]:
    which = request.GET.get("log", "important")
    which = which if which in _KINDS else "important"
    log = LogEntry.objects.filter(incident=incident)
    total = log.aggregate(**{name: Count("pk", filter=only or Q(pk__gt=0)) for name, only in _KINDS.items()})
    entries = list(log.filter(_KINDS[which]).order_by("-at", "-seq")[:LINES_SHOWN])
    return {
        "entries": entries,
        "log_filter": which,
        "log_filters": [
            ("important", _("重要"), total["important"]),
            ("human", _("人工"), total["human"]),
            ("system", _("系统"), total["system"]),
            ("all", _("全部"), total["all"]),
        ],
        "line_form": LineForm(),
    }
