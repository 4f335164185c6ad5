"""What every channel is: one way of handing a message to somebody, and of hearing what became of it.

A channel touches no row of ours (the demo inbox, whose rows are its phones, is the one exception)
and keeps no state: it is called with a message and says what the provider said. What comes back from
outside (receipts, replies) it reads and checks; applying it is left to `arrivals`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from coordination.paging import Medium, Purpose
from coordination.routing import Limit as Limit
from ground.models import ContactKind
from ground.terms import Words


@dataclass(frozen=True)
class Caps:
    """What a provider can do and will put up with; planned for, so that it is not run into.

    `text_at_most` is in characters, None for no limit. `per_address` holds for one address and all
    messages over this channel; `per_second` for the channel as a whole, None for no limit.
    """

    text_at_most: int | None = None
    per_address: tuple[Limit, ...] = ()
    per_second: float | None = None
    takes_replies: bool = False
    looks_up: bool = False
    sends_receipts: bool = False
    tells_when_asked: bool = False  # what became of a message; see `Channel.ask_about`


# The names in `Message.fields`: of an ask all of them where there is anything to say, of anything else some.
FIELDS: Final = (
    "who",  # the recipient; says too whether it is a drill, or perhaps sent for the second time
    "what",  # in a few words; says too whether it is a drill
    "when",
    "where",
    "people",  # who is hurt
    "asked",  # what they are asked to do
    "distance_km",
    "travel_minutes",
    "answer_by",
    "digits",  # which key means what, empty where no key would be heard
    "why",  # of a stand-down or a correction
    "sender",
    "phone",
    "text",  # all of it
    "link",
    "link_token",  # the last part of the link
)


@dataclass(frozen=True)
class Message:
    """What goes to the wire. `reference` is ours and the same for every attempt to send this delivery.

    `fields` say the same as `text` in named parts (`FIELDS`), for providers that send approved templates only.
    `first_tried_at` is when an earlier attempt may have reached the provider, for asking about it;
    `at` is the moment of this attempt.
    """

    reference: UUID
    recipient: str
    address: str
    subject: str
    text: str
    link: str = ""
    purpose: Purpose = Purpose.ASK
    fields: Mapping[str, str] = field(default_factory=dict)
    first_tried_at: datetime | None = None
    at: datetime | None = None


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


@dataclass(frozen=True)
class Receipt:
    """The provider says what became of a message. "Delivered" is never "reached": only an answer is.

    Found by our own `reference` where the provider gives it back (or its first digits, if it has no room for
    more: a text then), else by its `message_id`. Of two receipts for a message the one with the higher
    `sequence` counts. `event_id` is the same when it is sent again.
    """

    event_id: str
    delivered: bool
    reason: str = ""
    reference: UUID | str | None = None
    message_id: str = ""
    sequence: int = 0


@dataclass(frozen=True)
class ReplyReceived:
    """Somebody has sent `text` back, or pressed a key; `event_id` is the same when it is sent again.

    `reference` or `message_id` only where the provider knows which message was answered, as with a key in
    a call; not where it names the last one to this number, for that is a guess.
    """

    event_id: str
    address: str
    text: str
    reference: UUID | str | None = None
    message_id: str = ""


Event = Receipt | ReplyReceived


@dataclass(frozen=True)
class Sent:
    """A message that the provider has taken and of which it has not said so far what became of it."""

    reference: UUID
    message_id: str
    address: str
    sent_at: datetime


@dataclass(frozen=True)
class Callback:
    """A call from a provider, as it came. Names of headers are in lower case.

    `query` is read as UTF-8; `raw_query` is the same still encoded, for who writes it otherwise.
    """

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    remote: str = ""
    raw_query: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that a check looked at."""

    ok: bool
    words: Words


# A simulator has this in the head of every answer (in lower case here), so that no check takes it for the service.
SIMULATOR_HEADER: Final = "x-muster-simulator"
SIMULATED: Final = Finding(
    False, Words("这是模拟的服务，不会真的发出", "this is a simulator and sends nothing to anybody")
)


class CannotLookUp(Exception):
    """The provider offers no way to ask about an earlier message."""


class Forged(Exception):
    """A callback that is not the provider's: wrong or missing signature, or not from its addresses."""


class Unreadable(Exception):
    """A callback that is the provider's but not in the form that was agreed; the text says what is wrong."""


class Channel(ABC):
    """One configured way out. `code` stands in the rows; two providers of one medium have two codes.

    `is_proved` says that the program was run against the real service, not only against a simulator
    written from the vendor's documentation; until then `check_channels` shows 未与真实服务核对.
    `secret` is the last but one part of the address at which the provider calls back:
    `callbacks/CODE/SECRET/receipts/` and `…/replies/`; empty where it never does. `callback_answer` is
    what it wants to hear when we have taken what it said: JSON, or any other text.
    `canary` is the centre's own address to which the daily self-check goes; empty for none.
    """

    code: str
    zh: str
    en: str
    medium: ClassVar[Medium]
    carries: ClassVar[frozenset[ContactKind]]
    caps: Caps = Caps()
    is_proved: bool = True
    secret: str = ""
    callback_answer: str = "OK"
    canary: str = ""

    @abstractmethod
    def send(self, message: Message) -> Outcome:
        """Hand `message` over; give up after the channel's own time-out, which is shorter than a lease."""

    def look_up(self, message: Message) -> str | None:
        """Return the provider's id of the message sent under this reference before, None if it knows none.

        :raises CannotLookUp: if this channel cannot tell, now or ever.
        """
        raise CannotLookUp

    def check(self) -> Sequence[Finding]:
        """Look whether the provider can be reached and takes our credentials, without sending anything."""
        return ()

    def parse_receipt(self, callback: Callback) -> Sequence[Event]:
        """Return what a callback says about messages; it may tell of an answer as well.

        :raises Forged: :raises Unreadable:
        """
        raise Unreadable(f"{self.code} sends no receipts")

    def parse_reply(self, callback: Callback) -> Sequence[Event]:
        """Return what a callback says that people have answered.

        :raises Forged: :raises Unreadable:
        """
        raise Unreadable(f"{self.code} takes no replies")

    def pull(self, *, since: datetime) -> Sequence[Event]:
        """Fetch receipts and replies from the provider, for a network that no callback can get into.

        :raises Unreadable: if nothing could be fetched, or it is not in the form that was agreed.
        """
        return ()

    def ask_about(self, sent: Sequence[Sent]) -> Sequence[Event]:
        """Ask what became of each of these, where a provider tells it of single messages only.

        For `caps.tells_when_asked`. Takes no longer than an ordinary call: what there was no time for is
        asked about again.

        :raises Unreadable: if the provider could not be asked.
        """
        return ()
