"""What stands in the rows at a moment, and what may become of it: compared after every step of a story."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from contracts.models import RescueTeam
from coordination.models import (
    Callout,
    Deployment,
    DeploymentStep,
    Inbound,
    Invitation,
    Requirement,
    Seat,
    SendIntent,
)
from coordination.models import Delivery as DeliveryRow
from coordination.paging import (
    CALLOUT_MOVES,
    DEPLOYMENT_MOVES,
    INVITATION_MOVES,
    OUT,
    CalloutStatus,
    DeliveryStatus,
    DeploymentStatus,
    InvitationStatus,
    Mode,
    Purpose,
)
from ground.models import AuditEntry
from incidents.models import Incident, LogEntry
from tests.model.tables import Tables

C, D, P, S = CalloutStatus, DeliveryStatus, DeploymentStatus, InvitationStatus
EVERYTHING: tuple[type[Model], ...] = (
    Callout,
    Invitation,
    Seat,
    DeliveryRow,
    SendIntent,
    Inbound,
    Deployment,
    DeploymentStep,
    Incident,
    LogEntry,
    AuditEntry,
)
# The columns that matter of the rows that matter.
COLUMNS: dict[type[Model], tuple[str, ...]] = {
    Callout: (
        "status",
        "incident_id",
        "guidance_request_id",
        "policy_code",
        "paused",
        "next_step_at",
        "closed_at",
    ),
    Requirement: ("callout_id", "kind", "mode", "position"),
    Invitation: (
        "callout_id",
        "requirement_id",
        "expert_id",
        "team_id",
        "status",
        "exclusive",
        "reply",
        "asked_at",
        "answered_at",
    ),
    DeliveryRow: (
        "public_id",
        "purpose",
        "invitation_id",
        "channel",
        "medium",
        "address",
        "attempt",
        "status",
        "due_at",
        "expires_at",
        "created_at",
        "lease_no",
        "lease_until",
        "provider_message_id",
        "provider_sequence",
        "maybe_duplicate",
        "sent_at",
        "delivered_at",
    ),
    Deployment: ("status", "invitation_id"),
}
# One operation may take two steps at once: a yes on site becomes a remote one that no seat is free for.
TWO_AT_ONCE = {(S.ACCEPTED, S.RESERVE), (S.ASKED, S.ASKED)}
MESSAGE_MOVES = {
    D.PENDING: {D.LEASED, D.SENT, D.DELIVERED, D.FAILED, D.CANCELLED},
    D.LEASED: {D.PENDING, D.UNKNOWN, D.SENT, D.DELIVERED, D.FAILED, D.CANCELLED},
    D.UNKNOWN: {D.LEASED, D.SENT, D.DELIVERED, D.FAILED, D.CANCELLED},
    D.SENT: {D.DELIVERED, D.FAILED},
    # A provider may find out later that it did arrive; nothing is ever sent again for that.
    D.FAILED: {D.DELIVERED},
    D.DELIVERED: set[DeliveryStatus](),
    D.CANCELLED: set[DeliveryStatus](),
}


@dataclass(frozen=True)
class Seen:
    """The rows that matter, by primary key."""

    callouts: dict[int, dict[str, Any]]
    requirements: dict[int, dict[str, Any]]
    invitations: dict[int, dict[str, Any]]
    messages: dict[int, dict[str, Any]]
    deployments: dict[int, dict[str, Any]]
    seats: dict[int, list[int | None]]  # who holds those of a requirement

    @classmethod
    def now(cls, tables: Tables) -> Seen:
        rows = {model: tables.read(model, partial(_rows, model, *names)) for model, names in COLUMNS.items()}
        return cls(
            callouts=rows[Callout],
            requirements=rows[Requirement],
            invitations=rows[Invitation],
            messages=rows[DeliveryRow],
            deployments=rows[Deployment],
            seats=tables.read(Seat, _seats),
        )

    def message(self, reference: UUID) -> dict[str, Any]:
        return next(row for row in self.messages.values() if row["public_id"] == reference)

    def is_engaged_elsewhere(self, invitation: int) -> bool:
        """Say whether this person holds a seat on site in another callout and is not back yet.

        By the seats and the deployments, not by the column that the product asks.
        """
        mine = self.invitations[invitation]
        on_site = {
            holder
            for requirement, held in self.seats.items()
            if self.is_on_site(requirement)
            for holder in held
        }
        return any(
            who(row) == who(mine) and row["callout_id"] != mine["callout_id"]
            for pk, row in self.invitations.items()
            if pk in self.out and pk in on_site
        )

    @cached_property
    def out(self) -> frozenset[int]:
        """The invitations of those who are on the way or on the scene, or are about to go."""
        return frozenset(row["invitation_id"] for row in self.deployments.values() if row["status"] in OUT)

    def is_on_site(self, requirement: int) -> bool:
        """Say whether a seat of this requirement binds whoever takes it to one place."""
        row = self.requirements[requirement]
        return row["mode"] == Mode.ONSITE and self.callouts[row["callout_id"]]["incident_id"] is not None

    def free(self, requirement: int) -> int:
        return self.seats.get(requirement, []).count(None)


def everything(tables: Tables) -> dict[str, list[tuple[Any, ...]]]:
    """Return every column of every row that an event may change."""
    return {
        model._meta.label: tables.read(("everything", model), partial(_all_of, model)) for model in EVERYTHING
    }


def who(row: dict[str, Any]) -> tuple[str, int]:
    return ("expert", row["expert_id"]) if row["expert_id"] else (RescueTeam.__name__, row["team_id"])


def check(before: Seen, after: Seen) -> None:
    """Hold `after` against `before`: each status moved as its table says, and nothing certain was taken back."""
    _check_moves(before, after)
    if before.messages is not after.messages:
        _check_messages(before, after)
    _check_people(before, after)


def _check_moves(before: Seen, after: Seen) -> None:
    for pk, row in before.callouts.items():
        was, now = C(row["status"]), C(after.callouts[pk]["status"])
        # A step may fill or exhaust at once what it has just opened again.
        allowed = {was} | {to for via in CALLOUT_MOVES[was] for to in (via, *CALLOUT_MOVES[via])}
        assert now in allowed, f"callout {pk}: {was} → {now}"
        assert row["closed_at"] in (None, after.callouts[pk]["closed_at"])
    for pk, row in before.invitations.items():
        was, now = S(row["status"]), S(after.invitations[pk]["status"])
        allowed = was is now or now in INVITATION_MOVES[was] or (was, now) in TWO_AT_ONCE
        assert allowed, f"invitation {pk}: {was} → {now}"
    for pk, row in before.deployments.items():
        was_there, is_there = P(row["status"]), P(after.deployments[pk]["status"])
        again = is_there is P.COMMITTED and was_there not in OUT
        assert is_there is was_there or is_there in DEPLOYMENT_MOVES[was_there] or again, (
            f"deployment {pk}: {was_there} → {is_there}"
        )


def _check_messages(before: Seen, after: Seen) -> None:
    assert before.messages.keys() <= after.messages.keys(), "a message is gone"
    for pk, old in before.messages.items():
        new = after.messages[pk]
        was, now = D(old["status"]), D(new["status"])
        assert now is was or now in MESSAGE_MOVES[was], f"message {pk}: {was} → {now}"
        for name in ("sent_at", "delivered_at", "provider_message_id"):
            assert not old[name] or new[name] == old[name], f"message {pk}: {name} has changed"
        for name in ("lease_no", "provider_sequence", "maybe_duplicate"):
            assert new[name] >= old[name], f"message {pk}: {name} fell"
        for name in ("public_id", "purpose", "invitation_id", "created_at", "attempt"):
            assert new[name] == old[name], f"message {pk}: {name} has changed"


def _check_people(before: Seen, after: Seen) -> None:
    for pk, row in after.invitations.items():
        old = before.invitations.get(pk)
        if row["status"] == S.ASKED and (old is None or old["asked_at"] != row["asked_at"]):
            assert not after.is_on_site(row["requirement_id"]) or not (
                after.is_engaged_elsewhere(pk) and (old is None or before.is_engaged_elsewhere(pk))
            ), f"invitation {pk}: asked although engaged elsewhere"
    places = Counter(
        who(after.invitations[holder])
        for requirement, held in after.seats.items()
        if after.is_on_site(requirement)
        for holder in held
        if holder in after.out
    )
    assert all(times == 1 for times in places.values()), f"one person on two sites: {places}"
    live = [
        (who(row), callout["incident_id"], callout["guidance_request_id"])
        for row in after.invitations.values()
        if (callout := after.callouts[row["callout_id"]])["status"] != C.CLOSED
    ]
    assert all(times == 1 for times in Counter(live).values()), "one person twice on the lists of one subject"
    asks = [row for row in after.messages.values() if row["purpose"] == Purpose.ASK and row["medium"]]
    said = Counter((row["invitation_id"], row["created_at"], row["medium"], row["address"]) for row in asks)
    assert all(times == 1 for times in said.values()), "one ask twice to one address over one medium"


def _seats() -> dict[int, list[int | None]]:
    seats: dict[int, list[int | None]] = {pk: [] for pk in Requirement.objects.values_list("pk", flat=True)}
    for requirement, invitation in Seat.objects.order_by("pk").values_list("requirement", "invitation"):
        seats[requirement].append(invitation)
    return seats


def _all_of(model: type[Model]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{model._meta.db_table}" ORDER BY id')
        return cursor.fetchall()


def _rows(model: type[Model], *names: str) -> dict[int, dict[str, Any]]:
    return {row["pk"]: row for row in model._default_manager.values("pk", *names)}
