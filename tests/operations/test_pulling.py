"""A closed network hears of receipts and replies by asking: in turn, by one process, and never in the way of a message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from coordination import arrivals, channel_checks, channels, sender, watch
from coordination.channels import Caps, Event, Receipt, ReplyReceived, Sent, Unreadable
from coordination.models import ChannelPull, Delivery, Inbound
from coordination.paging import Purpose
from ground.models import ContactKind, UserContact
from tests.factories import a_callout, a_duty_officer, an_expert, an_incident, invitation_of, status_of
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


@dataclass
class OneByOne(RecordingChannel):
    """A provider that tells of single messages only; `reports` is what it says of each reference."""

    caps = Caps(tells_when_asked=True)
    carries = frozenset({ContactKind.MOBILE})
    reports: dict[UUID, bool] = field(default_factory=dict)
    asked: list[UUID] = field(default_factory=list)

    def ask_about(self, sent: Sequence[Sent]) -> Sequence[Event]:
        self.asked += [one.reference for one in sent]
        return [
            Receipt(f"asked:{one.reference}", self.reports[one.reference], "空号", one.reference)
            for one in sent
            if one.reference in self.reports
        ]


@pytest.fixture
def one_by_one(monkeypatch, the_clock) -> OneByOne:
    provider = OneByOne(code="sms")
    monkeypatch.setattr(channels, "installed", lambda: [provider])
    return provider


def test_each_message_that_is_out_is_asked_about_until_it_is_known_what_became_of_it(one_by_one, the_clock):
    a_callout(an_incident(), asks=[an_expert("李工", mobile=LI)])
    sender.run_once()
    ask = Delivery.objects.get(purpose=Purpose.ASK, status="sent")

    fetch(the_clock.move(timedelta(seconds=10)))
    assert one_by_one.asked == [ask.public_id]
    one_by_one.reports[ask.public_id] = True
    fetch(the_clock.move(timedelta(seconds=10)))
    ask.refresh_from_db()
    assert ask.status == "delivered"
    fetch(the_clock.move(timedelta(seconds=10)))
    assert len(one_by_one.asked) == 2


def test_a_failure_that_was_asked_for_moves_on_as_one_that_was_called_in(one_by_one, the_clock):
    a_duty_officer()
    callout = a_callout(an_incident(), asks=[(li := an_expert("李工", mobile=LI)), an_expert("王工")])
    sender.run_once()
    one_by_one.reports = {ask.public_id: False for ask in Delivery.objects.filter(recipient="李工")}

    fetch(the_clock.move(timedelta(seconds=10)))
    sender.run_once()

    assert [one.status for one in invitation_of(callout, li).deliveries.all()] == ["failed"]
    assert callout.invitations.get(expert__name="王工").status == "asked"


def test_the_longer_a_message_is_out_the_more_seldom_it_is_asked_about(one_by_one, the_clock):
    a_callout(an_incident(), asks=[an_expert("李工", mobile=LI)])
    sender.run_once()

    asked = []
    for minute in (1, 60, 60 * 24, 60 * 24 * 3):
        the_clock.moment = NOON + minutes(minute)
        before = len(one_by_one.asked)
        for _ in range(12):
            fetch(the_clock.move(timedelta(seconds=10)))
        asked.append(len(one_by_one.asked) - before)

    assert asked[0] > 2 >= asked[1] >= asked[2] > asked[3] == 0, "after three days no more"


def test_of_many_that_are_out_everybody_comes_to_their_turn(one_by_one, the_clock, monkeypatch):
    monkeypatch.setattr(arrivals, "ASKED_ABOUT_AT_ONCE", 2)
    a_callout(an_incident(), asks=[an_expert(f"专家{n}") for n in range(5)], seats=5)
    sender.run_once()

    for _ in range(12):
        fetch(the_clock.move(timedelta(seconds=11)))

    assert len(set(one_by_one.asked)) == 5


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
