"""Rows of what comes in from outside: each event once, and of which of our messages it speaks.

The row of an event is written before anything it does, in the same transaction, under a key that is
unique: a repeat finds the row there and changes nothing, a crash leaves neither.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from coordination.inbound import InboundKind
from coordination.models import Delivery, Inbound, SendIntent

LONGEST_ID: Final = 120
# A provider without room for all of it gives back the first digits; fewer than these could be another's.
_REFERENCE: Final = re.compile("[0-9a-f]{12,32}")


def message_meant(channel: str, reference: str, message_id: str) -> Delivery | None:
    """Return the message of this channel that our reference, or else the provider's id, stands for.

    Only of this channel: whoever holds the secret of one says nothing about the messages of another.
    """
    # It may go over another one by now, after an attempt over this one that broke off.
    tried = Exists(SendIntent.objects.filter(delivery=OuterRef("pk"), channel=channel))
    over_it = Delivery.objects.filter(Q(channel=channel) | Q(provider=channel) | tried)
    if (ours := _range_of(reference)) is not None:
        found = list(over_it.filter(public_id__range=ours)[:2])
        if len(found) == 1:
            return found[0]
    if not message_id:
        return None
    return Delivery.objects.filter(provider=channel, provider_message_id=message_id).first()


def _range_of(reference: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return the first and the last reference that begin like this; None for what is none, or says too little."""
    digits = reference.replace("-", "").lower()
    if not _REFERENCE.fullmatch(digits):
        return None
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


def first_time(
    channel: str, kind: InboundKind, event_id: str, *, at: datetime, **columns: Any
) -> Inbound | None:
    """Write the row of an event; return None if it is there. Two at the same instant wait for each other."""
    try:
        with transaction.atomic():
            return Inbound.objects.create(
                provider=channel, event_id=_key(kind, event_id), kind=kind, received_at=at, **columns
            )
    except IntegrityError:
        return None


def _key(kind: InboundKind, event_id: str) -> str:
    # A provider may count its receipts and its replies from the same number.
    key = f"{kind.value}:{plain(event_id)}"
    return key if len(key) <= LONGEST_ID else f"{kind.value}:{hashlib.sha256(key.encode()).hexdigest()}"


def digest(said: object) -> str:
    return hashlib.sha256(repr(said).encode(errors="replace")).hexdigest()


def plain(text: str) -> str:
    """Return a text without what no database keeps: NUL, other control characters, halves of characters."""
    return "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cs") or one in "\n\t")
