"""A closed network hears of receipts and replies by asking: in turn, by one process, and never in the way of a message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from coordination import arrivals, channel_checks, channels, sender, watch
from coordination.channels import Caps, Event, Receipt, ReplyReceived, Unreadable
from coordination.models import ChannelPull, Delivery, Inbound
from coordination.paging import Purpose
from ground.models import ContactKind, UserContact
from tests.factories import a_callout, a_duty_officer, an_expert, an_incident, status_of
from tests.fakes import RecordingChannel
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
LI = "+8613900000001"


@dataclass
class Asked(RecordingChannel):
    """A gateway that is asked; `answer` is what it says."""

    caps = Caps(takes_replies=True)
    carries = frozenset({ContactKind.MOBILE})
    answer: Callable[[], Sequence[Event]] = tuple
    asked_since: list[datetime] = field(default_factory=list)

    def pull(self, *, since: datetime) -> Sequence[Event]:
        self.asked_since.append(since)
        return self.answer()


@pytest.fixture
def gateway(monkeypatch, the_clock) -> Asked:
    asked = Asked(code="sms")
    monkeypatch.setattr(channels, "installed", lambda: [asked])
    return asked


def says(gateway: Asked, *events: Event) -> None:
    gateway.answer = lambda: events


def fetch(at: datetime) -> None:
    for channel in arrivals.due_pulls(at=at):
        arrivals.pull(channel, at=at)


def test_what_is_fetched_is_applied_as_if_it_had_been_called_in(gateway):
    li = an_expert("李工", mobile=LI)
    callout = a_callout(an_incident(), asks=[li])
    sender.run_once()
    ask = Delivery.objects.get(purpose=Purpose.ASK)
    says(gateway, Receipt("r1", True, reference=ask.public_id), ReplyReceived("m1", LI, "1"))

    for late in range(3):
        fetch(NOON + minutes(late))

    ask.refresh_from_db()
    assert ask.status == "delivered"
    assert status_of(callout, li) == "accepted"
    assert Inbound.objects.count() == 2


def test_each_is_asked_by_one_process_at_a_time(gateway):
    assert arrivals.due_pulls(at=NOON) == [gateway]
    assert arrivals.due_pulls(at=NOON + timedelta(seconds=30)) == []


def test_a_process_that_died_is_succeeded_when_its_lease_runs_out(gateway):
    arrivals.due_pulls(at=NOON)

    assert arrivals.due_pulls(at=NOON + arrivals.PULL_LEASE) == [gateway]


def test_it_is_asked_from_where_it_was_last_heard_with_some_overlap(gateway):
    fetch(NOON)
    fetch(NOON + timedelta(seconds=5))
    fetch(NOON + minutes(1))

    overlap = arrivals.PULL_OVERLAP
    assert gateway.asked_since == [NOON - overlap, NOON - overlap]  # not after five seconds
    fetch(NOON + minutes(2))
    assert gateway.asked_since[-1] == NOON + minutes(1) - overlap


def test_after_a_failure_it_is_asked_for_all_that_was_missed(gateway):
    fetch(NOON)

    def away():
        raise Unreadable("it answers 502")

    gateway.answer = away
    fetch(NOON + minutes(10))
    assert "502" in ChannelPull.objects.get().problem
    says(gateway)
    fetch(NOON + minutes(20))

    assert gateway.asked_since[-1] == NOON - arrivals.PULL_OVERLAP
    assert ChannelPull.objects.get().problem == ""


def test_replies_that_cannot_be_fetched_for_minutes_are_a_fault_that_the_officer_hears_of(gateway):
    UserContact.objects.create(user=a_duty_officer(), kind=ContactKind.MOBILE, value="+8613600000001")
    fetch(NOON)

    def away():
        raise Unreadable("it answers 502")

    gateway.answer = away
    fetch(NOON + minutes(1))
    assert watch.look(at=NOON + minutes(1)) == [], "a provider that is away for a moment is no news"

    fetch(NOON + minutes(3))

    (fault,) = watch.look(at=NOON + minutes(3)) or []
    assert fault.code == "fetch_failed"
    assert "通道 sms 的回执和回复取不回来" in fault.zh
    (alarm,) = Delivery.objects.filter(purpose=Purpose.ALARM)
    assert "回复取不回来" in alarm.subject
    (checked,) = channel_checks.checked(at=NOON + minutes(3))
    assert not checked.ok
    assert "502" in checked.findings[-1].words.zh

    says(gateway)
    fetch(NOON + minutes(4))
    assert watch.look(at=NOON + minutes(4)) == []


def test_what_cannot_be_applied_is_asked_for_again_for_a_day_at_most(gateway, monkeypatch):
    def broken(*_arguments, **_named):
        raise RuntimeError("broken")

    fetch(NOON)
    monkeypatch.setattr("coordination.receipts.take", broken)
    says(gateway, Receipt("r1", True, message_id="x"))
    fetch(NOON + minutes(10))
    assert ChannelPull.objects.get().pulled_at == NOON

    fetch(NOON + timedelta(days=3))
    assert gateway.asked_since[-1] == NOON + timedelta(days=3) - arrivals.PULL_FURTHEST


def test_a_channel_that_can_only_be_called_back_is_not_asked(monkeypatch):
    monkeypatch.setattr(channels, "installed", lambda: [RecordingChannel()])

    assert arrivals.due_pulls(at=NOON) == []
    assert ChannelPull.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_gateway_that_does_not_answer_holds_up_no_message(gateway):
    hangs, asked, ended = threading.Event(), threading.Event(), threading.Event()

    def hanging():
        asked.set()
        hangs.wait(10)
        ended.set()
        return ()

    gateway.answer = hanging
    loop = sender.Sender(slots=2)
    try:
        loop.turn()
        assert asked.wait(10)
        a_callout(an_incident(), asks=[an_expert("李工", mobile=LI)])
        loop.turn()
        for sending in loop._on_the_wire:
            sending.result(timeout=10)
        assert [message.recipient for message in gateway.sent] == ["李工"]
        assert not ended.is_set()
    finally:
        hangs.set()
        loop._pool.shutdown(wait=True)


def test_a_clock_that_went_back_stops_no_fetching(gateway):
    fetch(NOON)
    back = NOON - minutes(60)

    fetch(back)
    fetch(back + timedelta(seconds=10))

    assert gateway.asked_since[1:] == [back - minutes(5)] * 2
    assert ChannelPull.objects.get().pulled_at == back + timedelta(seconds=10)
