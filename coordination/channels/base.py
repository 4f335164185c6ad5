"""What every channel is: one way of handing a message to somebody, and of asking what became of it.

A channel touches no row of ours (the demo inbox, whose rows are its phones, is the one exception)
and keeps no state: it is called with a message and says what the provider said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Message:
    """What goes to the wire. `reference` is ours and the same for every attempt to send this delivery."""

    reference: UUID
    recipient: str
    address: str
    subject: str
    text: str
    link: str = ""


@dataclass(frozen=True)
class Accepted:
    """The provider has taken the message over; `message_id` is its name for it."""

    message_id: str


@dataclass(frozen=True)
class Rejected:
    """The provider has certainly not taken it. Temporary: try again later; permanent: this address will not do."""

    permanent: bool
    reason: str


@dataclass(frozen=True)
class Ambiguous:
    """Nobody can say whether the provider has taken it: the connection died in the middle."""

    reason: str


Outcome = Accepted | Rejected | Ambiguous


class CannotLookUp(Exception):
    """The provider offers no way to ask about an earlier message."""


class Channel(Protocol):
    code: str
    zh: str
    en: str

    def send(self, message: Message) -> Outcome:
        """Hand `message` over; give up after the channel's own time-out, which is shorter than a lease."""

    def look_up(self, reference: UUID) -> str | None:
        """Return the provider's id of the message sent under `reference`, None if it knows none.

        :raises CannotLookUp: if this channel cannot tell.
        """
