"""值守台: what is under way, what needs a hand, what happened last, and whether messages get out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coordination import channels, live, traffic, watch
from coordination.models import Callout, Delivery, GuidanceRequest, Inbound, Invitation, Requirement, Worker
from coordination.paging import UNSENT, CalloutStatus, DeliveryStatus, InvitationStatus, Purpose
from coordination.visits import GuidanceStatus
from ground import clock
from ground.access import Permission
from ground.guards import needs, user_of
from ground.models import User
from incidents.lifecycle import IncidentStatus
from incidents.models import Incident, LogEntry

LOG_LINES = 20
QUEUE_AT_MOST = 30


@require_safe
@needs(Permission.READ_INCIDENTS)
def desk(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    user = user_of(request)
    context = {
        **under_way(user, at),
        **needs_a_hand(user, at),
        **recent(user),
        **health(at),
        "live_url": live.address("desk"),
    }
    return render(request, "coordination/desk/desk.html", context)


@require_safe
@needs(Permission.READ_INCIDENTS)
def active(request: HttpRequest) -> HttpResponse:
    """The incidents under way, for the live page."""
    at = clock.now()
    context = {**under_way(user_of(request), at), **health(at)}
    return render(request, "coordination/desk/_active.html", context)


@require_safe
@needs(Permission.READ_INCIDENTS)
def side(request: HttpRequest) -> HttpResponse:
    """The queue, the channels and the last events, for the live page."""
    user, at = user_of(request), clock.now()
    context = {**needs_a_hand(user, at), **recent(user), **health(at)}
    return render(request, "coordination/desk/_side.html", context)


# Under way ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Active:
    """One open incident as a row: how many seats are taken, and what its callouts are doing."""

    incident: Incident
    status: IncidentStatus
    experts: tuple[int, int]
    teams: tuple[int, int]
    wave: int
    callout_status: CalloutStatus | None
    next_step_at: datetime | None
    paused: bool
    on_scene: int


def under_way(user: User, at: datetime) -> dict[str, Any]:
    readable = Incident.objects.open_to(user)
    incidents = list(
        readable.open()
        .select_related("region", "enterprise")
        .annotate(
            on_scene=Count(
                "callouts__invitations",
                filter=Q(callouts__invitations__deployment__status="on_scene"),
                distinct=True,
            )
        )
    )
    seats: dict[tuple[int, str], tuple[int, int]] = {}
    counted = (
        Requirement.objects.filter(callout__incident__in=[one.pk for one in incidents])
        .exclude(callout__status=CalloutStatus.CLOSED, seats__invitation=None)
        .values("callout__incident", "kind")
        .annotate(total=Count("seats"), taken=Count("seats", filter=Q(seats__invitation__isnull=False)))
    )
    for row in counted:
        seats[row["callout__incident"], row["kind"]] = (row["taken"], row["total"])
    running: dict[int, Callout] = {}
    for callout in Callout.objects.live().filter(incident__in=[one.pk for one in incidents]).order_by("pk"):
        running[callout.incident_id or 0] = callout
    rows = []
    for incident in incidents:
        current = running.get(incident.pk)
        rows.append(
            Active(
                incident,
                IncidentStatus(incident.status),
                experts=seats.get((incident.pk, "expert"), (0, 0)),
                teams=seats.get((incident.pk, "team"), (0, 0)),
                wave=current.wave if current else 0,
                callout_status=CalloutStatus(current.status) if current else None,
                next_step_at=current.next_step_at if current else None,
                paused=bool(current and current.paused),
                on_scene=incident.on_scene,
            )
        )
    features = [
        {
            "kind": "incident",
            "lat": row.incident.latitude,
            "lon": row.incident.longitude,
            "mark": "",
            "label": row.incident.title,
            "line": row.incident.address,
            "pin": str(row.incident.public_id),
        }
        for row in rows
        if row.incident.point
    ]
    last = None
    if not rows:
        last = readable.order_by("-reported_at").first()
    return {"rows": rows, "features": features, "last_incident": last, "at": at}


# What needs a hand --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One thing that will not mend itself. `kind` chooses the words in the template."""

    kind: str
    incident: Incident
    name: str = ""
    reason: str = ""
    since: datetime | None = None
    phone: str = ""


def needs_a_hand(user: User, at: datetime) -> dict[str, Any]:
    """Return callouts that ran out of people, people no message reached, and those who let half the window pass."""
    readable = Incident.objects.open_to(user)
    open_incident = Q(incident__in=readable.open().values("pk"))
    tasks = [
        Task("exhausted", callout.incident, since=callout.started_at)
        for callout in Callout.objects.filter(open_incident, status=CalloutStatus.EXHAUSTED)
        .select_related("incident")
        .order_by("started_at")[:QUEUE_AT_MOST]
        if callout.incident
    ]
    tasks += _unreached(open_incident)
    tasks += _unanswered(readable, at)
    new_requests = 0
    if user.may(Permission.READ_GUIDANCE):
        new_requests = GuidanceRequest.objects.open_to(user).filter(status=GuidanceStatus.SUBMITTED).count()
    unread = 0
    if user.may(Permission.CALL_OUT) or user.may(Permission.HANDLE_GUIDANCE):
        unread = Inbound.objects.open_to(user).to_check().count()
    return {
        "tasks": tasks[:QUEUE_AT_MOST],
        "task_count": len(tasks) + (1 if new_requests else 0) + (1 if unread else 0),
        "unread": unread,
        "new_requests": new_requests,
        "can_handle_guidance": user.may(Permission.HANDLE_GUIDANCE),
        "can_intake": user.may(Permission.HANDLE_INCIDENTS),
        "can_drill": user.may(Permission.CALL_OUT),
        "at": at,
    }


def _unreached(open_incident: Q) -> list[Task]:
    """Return those whose every message failed and who are still asked."""
    failed = list(
        Delivery.objects.filter(
            open_incident,
            invitation__isnull=False,
            status=DeliveryStatus.FAILED,
            purpose__in=[Purpose.ASK, Purpose.STAND_DOWN],
        )
        .exclude(callout__status=CalloutStatus.CLOSED)
        .select_related("incident", "invitation")
        .order_by("-id")[: QUEUE_AT_MOST * 3]
    )
    got_through = set(
        Delivery.objects.filter(invitation__in=[one.invitation_id for one in failed])
        .exclude(status__in=[DeliveryStatus.FAILED, DeliveryStatus.CANCELLED])
        .values_list("invitation_id", "purpose")
    )
    waiting = (InvitationStatus.ASKED, InvitationStatus.LAPSED, InvitationStatus.STOOD_DOWN)
    tasks: dict[int, Task] = {}
    for one in failed:
        invitation, incident = one.invitation, one.incident
        if invitation is None or incident is None or invitation.status not in waiting:
            continue
        if (invitation.pk, one.purpose) not in got_through:
            tasks.setdefault(
                invitation.pk,
                Task("failed", incident, one.recipient, one.reason, since=one.created_at),
            )
    return list(tasks.values())


def _unanswered(readable: QuerySet[Incident], at: datetime) -> list[Task]:
    """Return those who have let more than half of their window pass, the first asked first."""
    asked = (
        Invitation.objects.filter(
            status=InvitationStatus.ASKED,
            callout__status=CalloutStatus.OPEN,
            callout__paused=False,  # there no window passes
            callout__incident__in=readable.values("pk"),
        )
        .select_related("callout__incident", "expert", "team")
        .order_by("asked_at")[:QUEUE_AT_MOST]
    )
    return [
        Task("unanswered", one.callout.incident, one.invitee.name, since=one.asked_at)
        for one in asked
        if one.answer_by
        and one.callout.incident
        and one.answer_by - one.callout.policy.answer_within / 2 <= at
    ]


def recent(user: User) -> dict[str, Any]:
    """Return the last lines of the incidents' logs."""
    lines = LogEntry.objects.filter(incident__in=Incident.objects.open_to(user).values("pk"))
    return {"log": list(lines.select_related("incident").order_by("-recorded_at", "-id")[:LOG_LINES])}


# Health -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChannelHealth:
    """One way of reaching people: when something last went out, what waits, and how many numbers near a limit."""

    code: str
    name: Any
    last_sent_at: datetime | None
    pending: int
    failed: int
    near_the_limit: int


def health(at: datetime) -> dict[str, Any]:
    figures: dict[str, dict[str, Any]] = {
        row["channel"]: dict(row)
        for row in Delivery.objects.values("channel").annotate(
            last=Max("sent_at"),
            pending=Count("pk", filter=Q(status__in=list(UNSENT), due_at__lte=at)),
            failed=Count(
                "pk", filter=Q(status=DeliveryStatus.FAILED, created_at__gte=at - timedelta(hours=24))
            ),
        )
    }
    near_the_limit = traffic.nearly_used_up(at=at)
    found = []
    for code in sorted({*figures, *(one.code for one in channels.installed())} - {"none"}):
        channel = channels.by_code(code)
        row: dict[str, Any] = figures.get(code, {})
        found.append(
            ChannelHealth(
                code,
                {"zh": channel.zh, "en": channel.en} if channel else code,
                row.get("last"),
                row.get("pending", 0),
                row.get("failed", 0),
                near_the_limit.get(code, 0),
            )
        )
    heartbeat = Worker.objects.aggregate(last=Max("heartbeat_at"))["last"]
    return {
        "channels": found,
        "heartbeat_at": heartbeat,
        "sender_alive": heartbeat is not None and at - heartbeat <= watch.HEARTBEAT_LOST,
        "unreachable": figures.get("none", {}).get("failed", 0),
    }
