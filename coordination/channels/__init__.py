"""The ways of reaching a person, one file each, and which of them this installation has.

To add one: copy `email.py`, give it a code and words, list it in `installed`, and say in
`_CARRIES` which kinds of contact it can use.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from coordination.channels.base import Accepted, Ambiguous, CannotLookUp, Channel, Message, Outcome, Rejected
from coordination.channels.email import EmailChannel
from coordination.channels.inbox import InboxChannel
from ground.models import ContactKind

__all__ = [
    "Accepted",
    "Ambiguous",
    "CannotLookUp",
    "Channel",
    "Message",
    "Outcome",
    "Rejected",
    "by_code",
    "carrier_of",
    "installed",
]

_CARRIES: Mapping[str, frozenset[ContactKind]] = {
    "email": frozenset({ContactKind.EMAIL}),
    "inbox": frozenset(ContactKind),
}


def installed() -> list[Channel]:
    """Return the channels that this installation has."""
    # A demo installation never sends anything out of the machine: the inbox is all it has.
    if settings.MUSTER_MODE == "demo":
        return [InboxChannel()]
    return [EmailChannel()]


def by_code(code: str) -> Channel | None:
    """Return the channel `code`, None if this installation does not have it."""
    return next((channel for channel in installed() if channel.code == code), None)


def carrier_of(kind: str) -> Channel | None:
    """Return the channel that reaches a contact of this kind, None if there is none."""
    return next((channel for channel in installed() if ContactKind(kind) in _CARRIES[channel.code]), None)
