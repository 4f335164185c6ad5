"""Stand-ins at the edge of the process: the clock and the channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from coordination.channels import Accepted, Channel, Message, Outcome
from coordination.paging import Medium
from ground.models import ContactKind


@dataclass
class StoppedClock:
    """Shows one moment until it is moved."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment

    def move(self, by: timedelta) -> datetime:
        self.moment += by
        return self.moment


@dataclass
class RecordingChannel(Channel):
    """Accepts everything and remembers it; `outcomes` are given first, in order."""

    medium = Medium.SMS
    carries = frozenset(ContactKind)

    code: str = "recording"
    zh: str = "记录"
    en: str = "recording"
    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    known: dict[UUID, str] = field(default_factory=dict)

    def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        outcome = self.outcomes.pop(0) if self.outcomes else Accepted(f"recording-{len(self.sent)}")
        if isinstance(outcome, Accepted):
            self.known[message.reference] = outcome.message_id
        return outcome

    def look_up(self, message: Message) -> str | None:
        return self.known.get(message.reference)


def recording(code: str, medium: Medium, *carries: ContactKind) -> RecordingChannel:
    """A recording channel of this medium, to these kinds of contact."""
    channel = RecordingChannel(code=code)
    channel.medium, channel.carries = medium, frozenset(carries)  # type: ignore[misc]  # of the class otherwise
    return channel
