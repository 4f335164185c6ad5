"""The board of a callout: who was asked, what became of it, and the one thing to do next for each.

Reads all callouts of an incident in a fixed number of queries, however many are invited. The words stand
in the templates; what is worked out here are states, order and counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Prefetch

from coordination import paging
from coordination.models import Callout, Delivery, Deployment, Invitation, Requirement
from coordination.paging import (
    DEPLOYMENT_MOVES,
    FURTHEST_LAST,
    NOT_THERE_YET,
    Ask,
    CalloutStatus,
    DeliveryStatus,
    DeploymentStatus,
    InvitationStatus,
    Medium,
    Mode,
    Purpose,
)
from ground.dates import SHANGHAI
from ground.models import RUNG_UP
from incidents.models import Incident

S = InvitationStatus

# What needs a hand first, then who comes in the order of coming, then who is still being waited for.
_ORDER = {
    "failed": 0,
    "on_scene": 1,
    "en_route": 2,
    "accepted": 2,
    "remote": 3,
    "seen": 4,
    "delivered": 5,
    "sent": 5,
    "unknown": 5,
    "pending": 6,
    "lapsed": 7,
    "reserve": 8,
    "withdrawn": 9,
    "declined": 9,
    "released": 10,
    "reported": 10,
    "stood_down": 11,
    "listed": 12,
}
# The segments of the bar, in its order, with the states that each counts.
_SEGMENTS = (
    ("ok", ("accepted", "remote", "en_route", "on_scene", "released", "reported")),
    ("read", ("seen", "reserve")),
    ("wait", ("delivered", "sent", "unknown", "pending")),
    ("no", ("declined", "stood_down")),
    ("late", ("lapsed",)),
    ("err", ("failed", "withdrawn")),
)
_WAITING = (DeliveryStatus.PENDING, DeliveryStatus.UNKNOWN)
_TO_NUMBERS = (Medium.SMS, Medium.VOICE)
CALLABLE = frozenset({"failed", "seen", "delivered", "sent", "unknown", "pending", "lapsed"})


@dataclass(frozen=True)
class Line:
    """One invitee: `state` is the chip, `action` the one thing to do next ("" for nothing)."""

    invitation: Invitation
    state: str
    delivery: Delivery | None
    deployment: Deployment | None
    steps: dict[str, datetime]
    phone: str
    action: str
    may: frozenset[str]
    coming: Delivery | None = None  # what they are sent next, unless they answer before
    is_other_number: bool = False  # it goes to another one than those tried so far

    @property
    def name(self) -> str:
        return self.invitation.invitee.name

    @property
    def is_team(self) -> bool:
        return self.invitation.team_id is not None

    @property
    def is_remote(self) -> bool:
        return self.invitation.is_remote

    @property
    def took(self) -> timedelta | None:
        """How long the answer took from the asking."""
        asked, answered = self.invitation.asked_at, self.invitation.answered_at
        return answered - asked if asked and answered and answered >= asked else None

    @property
    def is_waited_for(self) -> bool:
        return self.invitation.status == S.ASKED and self.invitation.callout.status == CalloutStatus.OPEN

    @property
    def has_next(self) -> bool:
        """Say whether anything happens next by itself: during a pause no window closes."""
        return self.is_waited_for and (self.coming is not None or not self.invitation.callout.paused)

    @property
    def says_only_what_comes(self) -> bool:
        """Say whether the line has no room for when they were asked; that stands in the timeline as well."""
        told = self.state in ("seen", "failed") or (self.delivery and self.delivery.maybe_duplicate)
        return self.is_waited_for and self.coming is not None and not told

    @property
    def next_at(self) -> datetime | None:
        """Return when they are sent the next message; without one, when their window closes."""
        return self.coming.due_at if self.coming else self.invitation.answer_by

    @property
    def next_format(self) -> str:
        return _hours(self.next_at, seen_from=self.invitation.asked_at)

    @property
    def key(self) -> str:
        return f"team-{self.invitation.team_id}" if self.is_team else f"expert-{self.invitation.expert_id}"


@dataclass(frozen=True)
class Goal:
    """One requirement and how far it is filled."""

    requirement: Requirement
    taken: int
    seats: int

    @property
    def is_short(self) -> bool:
        return self.taken < self.seats


@dataclass(frozen=True)
class Board:
    callout: Callout
    goals: list[Goal]
    lines: list[Line]  # asked, or answered without being asked
    listed: list[Line]  # on the list, not asked yet
    next_wave: int  # how many are asked next if nobody who is waited for answers
    answer_ends_at: datetime | None  # the first window to close

    @property
    def counts(self) -> dict[str, int]:
        return {kind: sum(line.state in states for line in self.lines) for kind, states in _SEGMENTS}

    @property
    def segments(self) -> list[dict[str, Any]]:
        """Return the bar: kind, count, x and width in 0–100, with a thin gap between."""
        shown = [(kind, count) for kind, count in self.counts.items() if count]
        total = sum(count for _, count in shown)
        bar, x = [], 0.0
        for kind, count in shown:
            width = 100 * count / total
            bar.append(
                {"kind": kind, "count": count, "x": round(x, 2), "width": round(max(width - 0.6, 0.4), 2)}
            )
            x += width
        return bar

    @property
    def free(self) -> int:
        return sum(goal.seats - goal.taken for goal in self.goals)

    @property
    def short(self) -> list[Goal]:
        return [goal for goal in self.goals if goal.is_short]

    @property
    def check_format(self) -> str:
        return _hours(self.callout.next_step_at, seen_from=self.callout.started_at) + ":s"

    @property
    def is_live(self) -> bool:
        return self.callout.status != CalloutStatus.CLOSED


def boards_of(incident: Incident) -> list[Board]:
    """Return the boards of all callouts of an incident, running ones first, then the newest first."""
    callouts = list(
        Callout.objects.filter(incident=incident).prefetch_related(
            Prefetch(
                "requirements",
                Requirement.objects.select_related("industry", "specialty", "capability"),
            ),
            "requirements__seats",
            Prefetch(
                "invitations",
                Invitation.objects.select_related(
                    "expert", "team", "requirement", "deployment", "answered_by"
                ),
            ),
            "invitations__expert__contacts",
            "invitations__team__contacts",
            "invitations__deployment__steps",
        )
    )
    asks = _asks(incident)
    for callout in callouts:
        callout.incident = incident
    boards = [_board(callout, asks) for callout in callouts]
    return sorted(boards, key=lambda board: not board.is_live)


def _asks(incident: Incident) -> dict[int, list[Delivery]]:
    """Return for each invitation the messages of its last ask, in the order of sending."""
    asks: dict[int, list[Delivery]] = defaultdict(list)
    rows = Delivery.objects.filter(
        callout__incident=incident, purpose=Purpose.ASK, created_at__gte=F("invitation__asked_at")
    )
    for delivery in rows.defer("text").order_by("attempt", "id"):
        asks[delivery.invitation_id or 0].append(delivery)
    return asks


def _furthest(asks: Sequence[Delivery]) -> Delivery | None:
    return max(reversed(asks), key=_how_far, default=None)


def _coming(asks: Sequence[Delivery]) -> Delivery | None:
    """Return what is sent next of what was not to leave at once; that is on its way anyhow."""
    waiting = (one for one in asks if one.status in _WAITING and one.due_at > one.created_at)
    return min(waiting, key=lambda one: (one.due_at, one.attempt), default=None)


def _is_other_number(coming: Delivery, asks: Sequence[Delivery]) -> bool:
    tried = {one.address for one in asks if one.medium in _TO_NUMBERS and one.attempt < coming.attempt}
    return coming.medium in _TO_NUMBERS and bool(tried) and coming.address not in tried


def _hours(moment: datetime | None, *, seen_from: datetime | None) -> str:
    """Return how a moment is written: with its day, if that is another one than is thought of."""
    same = (
        moment and seen_from and moment.astimezone(SHANGHAI).date() == seen_from.astimezone(SHANGHAI).date()
    )
    return "H:i" if same else "m-d H:i"


def _how_far(delivery: Delivery) -> int:
    return FURTHEST_LAST.index(DeliveryStatus(delivery.status))


def _board(callout: Callout, asks: dict[int, list[Delivery]]) -> Board:
    goals = []
    for requirement in callout.requirements.all():
        seats = list(requirement.seats.all())
        goals.append(Goal(requirement, sum(s.invitation_id is not None for s in seats), len(seats)))
    invitations = list(callout.invitations.all())
    for invitation in invitations:
        invitation.callout = callout
    lines = [_line(one, asks.get(one.pk, [])) for one in invitations if one.status != S.LISTED]
    lines.sort(key=_place_in_list)
    listed = [_line(one, []) for one in invitations if one.status == S.LISTED]
    free = {goal.requirement.pk: goal.seats - goal.taken for goal in goals}
    ends = [
        one.answer_by
        for one in invitations
        if one.status == S.ASKED and one.answer_by and free.get(one.requirement_id)
    ]
    return Board(
        callout,
        goals,
        lines,
        listed,
        next_wave=_next_wave(callout, free, invitations),
        answer_ends_at=min(ends, default=None),
    )


def _next_wave(callout: Callout, free: dict[int, int], invitations: Sequence[Invitation]) -> int:
    asks = [
        Ask(
            one.pk,
            one.requirement_id,
            one.rank,
            S(one.status),
            one.asked_at,
            available=not one.will_not_come,
        )
        for one in invitations
    ]
    return len(
        paging.next_wave(free, asks, callout.policy, at=callout.started_at, per_seat=callout.asked_per_seat())
    )


def _line(invitation: Invitation, asks: Sequence[Delivery]) -> Line:
    delivery = _furthest(asks)
    coming = _coming(asks) if invitation.status == S.ASKED else None
    deployment: Deployment | None = getattr(invitation, "deployment", None)
    state = state_of(invitation, delivery, deployment)
    steps = {step.status: step.at for step in deployment.steps.all()} if deployment else {}
    return Line(
        invitation,
        state,
        delivery,
        deployment,
        steps,
        phone=_phone(invitation.invitee.contacts.all()),
        action=_next_action(state, invitation),
        may=frozenset(_moves(invitation, deployment)),
        coming=coming,
        is_other_number=coming is not None and _is_other_number(coming, asks),
    )


def state_of(invitation: Invitation, delivery: Delivery | None, deployment: Deployment | None) -> str:
    """Return the chip of an invitee: how far the message got, what was answered, how far they have come."""
    status = S(invitation.status)
    if status is S.ACCEPTED:
        if deployment and deployment.status != DeploymentStatus.COMMITTED:
            return str(deployment.status)
        return "remote" if invitation.is_remote else "accepted"
    if status in (S.ASKED, S.LAPSED) and delivery and delivery.status == DeliveryStatus.FAILED:
        return "failed"
    if status is not S.ASKED:
        return status.value
    if invitation.first_seen_at:
        return "seen"
    if delivery is None or delivery.status in (DeliveryStatus.PENDING, DeliveryStatus.LEASED):
        return "pending"
    return "sent" if delivery.status == DeliveryStatus.CANCELLED else str(delivery.status)


def _next_action(state: str, invitation: Invitation) -> str:
    if state in ("accepted", "en_route"):
        return "arrive"
    if state in ("remote", "on_scene"):
        return "release"
    if state == "released":
        return "report"
    return "call" if state in CALLABLE else ""


def _moves(invitation: Invitation, deployment: Deployment | None) -> Iterable[str]:
    """What may be recorded for this invitee, whatever comes first."""
    if deployment and invitation.status == S.ACCEPTED:
        for move, name in (
            (DeploymentStatus.EN_ROUTE, "depart"),
            (DeploymentStatus.ON_SCENE, "arrive"),
            (DeploymentStatus.RELEASED, "release"),
            (DeploymentStatus.REPORTED, "report"),
        ):
            if move in DEPLOYMENT_MOVES[DeploymentStatus(deployment.status)]:
                yield name
        if deployment.status in NOT_THERE_YET:
            yield "withdraw"
    on_the_way = deployment and deployment.status in NOT_THERE_YET
    # Somebody on the way may ring up with a new time of arrival.
    if invitation.callout.status != CalloutStatus.CLOSED and (invitation.status != S.ACCEPTED or on_the_way):
        yield "answer"


def _phone(contacts: Iterable[Any]) -> str:
    return next((c.value for c in contacts if c.kind in RUNG_UP), "")


def _place_in_list(line: Line) -> tuple[int, float, int]:
    eta = line.invitation.eta_at
    return _ORDER.get(line.state, 12), eta.timestamp() if eta else float("inf"), line.invitation.rank


@dataclass(frozen=True)
class Progress:
    """The figures of the page's head, over all callouts of the incident."""

    first_asked_at: datetime | None
    first_accepted_at: datetime | None
    first_arrived_at: datetime | None
    next_arrival_at: datetime | None
    experts_on_scene: int
    experts_wanted: int
    teams_on_scene: int
    teams_wanted: int

    @property
    def everybody_arrived(self) -> bool:
        wanted = self.experts_wanted + self.teams_wanted
        return 0 < wanted <= self.experts_on_scene + self.teams_on_scene


def progress_of(boards: Sequence[Board]) -> Progress:
    lines = [line for board in boards for line in board.lines]
    asked = [line.invitation.asked_at for line in lines if line.invitation.asked_at]
    accepted = [
        line.steps[DeploymentStatus.COMMITTED] for line in lines if DeploymentStatus.COMMITTED in line.steps
    ]
    arrived = [
        line.steps[DeploymentStatus.ON_SCENE] for line in lines if DeploymentStatus.ON_SCENE in line.steps
    ]
    coming = [
        line.invitation.eta_at
        for line in lines
        if line.state in ("accepted", "en_route") and line.invitation.eta_at
    ]
    here = [
        line for line in lines if line.state in ("on_scene", "released", "reported") and not line.is_remote
    ]
    onsite = [goal for board in boards for goal in board.goals if goal.requirement.mode == Mode.ONSITE]
    return Progress(
        first_asked_at=min(asked, default=None),
        first_accepted_at=min(accepted, default=None),
        first_arrived_at=min(arrived, default=None),
        next_arrival_at=min(coming, default=None),
        experts_on_scene=sum(not line.is_team for line in here),
        experts_wanted=sum(goal.seats for goal in onsite if goal.requirement.kind == "expert"),
        teams_on_scene=sum(line.is_team for line in here),
        teams_wanted=sum(goal.seats for goal in onsite if goal.requirement.kind == "team"),
    )
