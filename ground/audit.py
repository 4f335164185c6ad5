"""The audit trail: who did what to which object.

An entry is written in the transaction that did the thing. It is chained and sealed later, in commit
order, by the sweep (`seal`), so that writing one serialises nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import models, transaction

from ground.models import AuditEntry, NumberSeries, User

_CHAIN: Final = "audit"


@dataclass(frozen=True)
class Actor:
    """Who does something: an account, or somebody without one (an invitee by link, the system itself)."""

    user: User | None
    label: str

    @classmethod
    def of(cls, user: User) -> Actor:
        return cls(user, user.name or user.username)


SYSTEM: Final = Actor(None, "系统")


def record(action: str, about: models.Model, *, by: Actor, at: datetime, **details: Any) -> None:
    """Write that `by` did `action` ("callout.start") to `about`; `details` must be JSON values without secrets."""
    AuditEntry.objects.create(
        at=at,
        actor=by.user,
        actor_label=by.label,
        action=action,
        object_type=about._meta.label_lower,
        object_id=str(getattr(about, "public_id", about.pk)),
        details=details,
    )


def seal(*, limit: int = 500) -> int:
    """Chain the entries that are not chained yet; return how many. Safe to run anywhere, any number of times.

    One sealer at a time: the chain's own row is the lock. An entry that commits late is sealed late,
    which is why the order of the chain is the order of sealing.
    """
    with transaction.atomic():
        chain = NumberSeries.objects.locked(_CHAIN)
        entries = list(AuditEntry.objects.filter(seq=None).order_by("id")[:limit])
        if not entries:
            return 0
        previous = AuditEntry.objects.filter(seq=chain.last).values_list("hash", flat=True).first() or ""
        for entry in entries:
            chain.last += 1
            entry.seq = chain.last
            entry.previous_hash = previous
            entry.hash = previous = digest(entry)
        AuditEntry.objects.bulk_update(entries, ["seq", "previous_hash", "hash"])
        chain.save(update_fields=["last"])
    return len(entries)


def digest(entry: AuditEntry) -> str:
    """Return the SHA-256 that `entry` must carry, over its content and the one before it."""
    content = [
        entry.seq,
        entry.at.astimezone(UTC).isoformat(),
        entry.actor_id,
        entry.actor_label,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.details,
        entry.previous_hash,
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def first_broken() -> AuditEntry | None:
    """Return the first sealed entry that does not fit the chain; None if the chain is whole."""
    previous, expected = "", 1
    for entry in AuditEntry.objects.exclude(seq=None).order_by("seq").iterator():
        if entry.seq != expected or entry.previous_hash != previous or entry.hash != digest(entry):
            return entry
        previous, expected = entry.hash, expected + 1
    return None
