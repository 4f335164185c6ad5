"""What the tests of the vendors' channels share: a simulator beside them, and a message to send."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest

from coordination.channels import Accepted, Ambiguous, Callback, Channel, Message, Outcome, Rejected
from coordination.channels.options import Options
from coordination.paging import Purpose
from coordination.simulation.disk_log import read
from coordination.simulation.provider import Provider
from coordination.simulation.server import in_a_thread

Kind = TypeVar("Kind", bound=Channel)
# What goes wrong at a provider, what a channel has to make of it, and whether the message was taken all the same.
EVERY_FAULT = pytest.mark.parametrize(
    ("fault", "expected", "is_taken"),
    [
        ("refuse", Rejected, False),
        ("temporary", Rejected, False),
        ("error_inside", Rejected, False),
        ("reset_before", Ambiguous, False),
        ("slow", Accepted, True),
        ("hang", Ambiguous, True),
        ("reset_after", Ambiguous, True),
        ("half", Ambiguous, True),
        ("garbage", Ambiguous, True),
        ("error_after", Ambiguous, True),
    ],
)
REFERENCE = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
SECRET = "a-secret-of-20-letters"
FIELDS = {
    "who": "王工",
    "what": "氨泄漏",
    "where": "开发区化工路1号",
    "when": "11月18日14:20",
    "answer_by": "11月18日14:30",
    "digits": "1接受，2只能远程，3不能参加",
    "text": "王工：开发区化工路1号发生氨泄漏。请点链接答复：",
    "link": "https://muster.example/a/abc123/",
    "link_token": "abc123",
}


def made(kind: Callable[[Options], Kind], table: dict[str, object]) -> Kind:
    options = Options(1, table)
    options.get("kind", "")
    channel = kind(options)
    options.refuse_unknown()
    return channel


def a_message(
    reference: UUID = REFERENCE,
    *,
    address: str = "+8613812341234",
    purpose: Purpose = Purpose.ASK,
    first_tried_at: datetime | None = None,
    at: datetime | None = None,
    **fields: str,
) -> Message:
    return Message(
        reference=reference,
        recipient="王工",
        address=address,
        subject="请您赴现场支援：氨泄漏",
        text=FIELDS["text"],
        link=FIELDS["link"],
        purpose=purpose,
        fields=FIELDS | fields,
        first_tried_at=first_tried_at,
        at=at,
    )


@contextlib.contextmanager
def simulated(provider: Provider) -> Iterator[str]:
    """Serve a simulated provider; yields its host and port."""
    with contextlib.closing(provider), in_a_thread(provider.handle) as address:
        yield address.removeprefix("http://")


def tell(host: str, what: str, **content: Any) -> dict[str, Any]:
    asked = urllib.request.Request(
        f"http://{host}/control/{what}", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked) as answer:
        return dict(json.load(answer))


def taken(provider: Provider) -> list[dict[str, Any]]:
    return [one for one in read(provider._path) if one["kind"] == "accepted"]


def what_a_fault_comes_to(
    channel: Channel, message: Message, provider: Provider, host: str, fault: str
) -> Outcome:
    """Send a message to a provider at which this goes wrong: in time, and with one call, for there is one lease."""
    tell(host, "behaviour", slow_seconds=0.2, hang_seconds=5.0)
    tell(host, "next", faults=[fault])
    began = time.monotonic()
    outcome = channel.send(message)
    assert time.monotonic() - began < 2.5
    assert len([one for one in read(provider._path) if one["kind"] == "call"]) == 1
    return outcome


def pushed(content: Any, remote: str = "127.0.0.1") -> Callback:
    return Callback("POST", {}, {}, json.dumps(content, ensure_ascii=False).encode(), remote)


def events(provider: Provider, kind: str, *, within: float = 5.0) -> Any:
    """What the provider has pushed so far of this kind, once there is something."""
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        if found := [one["event"] for one in provider._events if one["list"] == kind]:
            return found
        time.sleep(0.02)
    raise AssertionError(f"no {kind} within {within} s")


def just_now(ago: timedelta = timedelta()) -> datetime:
    """The simulator has a clock of its own, so what is asked about has to have been sent today."""
    return datetime.now(UTC) - ago
