"""A sender that was stopped with a message in hand: it wakes up under a lease that may be another's by now."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from coordination import deliveries, sender
from coordination.channels import Ambiguous, CannotLookUp, Caps, Rejected
from coordination.channels.shapes import LONGEST_TIME_OUT
from coordination.models import Delivery
from tests.factories import a_callout, an_expert, an_incident
from tests.fakes import RecordingChannel
from tests.moments import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel(monkeypatch) -> RecordingChannel:
    found = RecordingChannel()
    monkeypatch.setattr("coordination.channels.installed", lambda: [found])
    return found


def claimed(*, at=NOON):
    return deliveries.claim(slots=1, holder=uuid.uuid4(), at=at)


def test_a_sender_that_was_stopped_for_too_long_leaves_its_message_to_the_next(channel):
    a_callout(an_incident(), asks=[an_expert("李工")])
    (stopped,) = claimed()
    (another,) = claimed(at=NOON + deliveries.LEASE + timedelta(seconds=1))
    deliveries.record(another, sender.send(another), at=NOON + timedelta(seconds=47))

    woken = sender.send(stopped, fit_until=time.monotonic() - 1)
    deliveries.record(stopped, woken, at=NOON + timedelta(seconds=60))

    assert isinstance(woken, Rejected) and not woken.permanent
    assert len(channel.sent) == 1
    assert Delivery.objects.get(pk=stopped.delivery_id).status == "sent"


def test_what_a_stopped_sender_did_not_send_goes_out_soon_when_nobody_else_has_it(channel):
    a_callout(an_incident(), asks=[an_expert("李工")])
    (stopped,) = claimed()

    deliveries.record(stopped, sender.send(stopped, fit_until=time.monotonic() - 1), at=NOON)

    (again,) = claimed(at=NOON + timedelta(seconds=5))
    assert again.look_up_at == (), "it has certainly not been sent"


def test_a_call_that_begins_in_time_ends_within_its_lease():
    assert sender.FIT_FOR + timedelta(seconds=LONGEST_TIME_OUT) <= deliveries.LEASE


def test_a_provider_that_cannot_be_asked_for_a_minute_gets_nothing_a_second_time(channel, the_clock):
    """Its answers were lost on the way, and it took every further try as one more message."""
    channel.caps = Caps(looks_up=True)
    channel.outcomes = [Ambiguous("no answer")]
    asked = []

    def mute(message):
        asked.append(the_clock.moment)
        raise CannotLookUp

    channel.look_up = mute
    a_callout(an_incident(), asks=[an_expert("李工")])
    for _ in range(60):
        sender.run_once()
        the_clock.move(timedelta(seconds=1))
    first = channel.sent[0].reference
    assert len(asked) >= 3
    assert [one.reference for one in channel.sent].count(first) == 1

    channel.look_up = lambda message: "taken-1"
    the_clock.move(timedelta(seconds=60))
    sender.run_once()

    assert Delivery.objects.get(public_id=first).status == "sent"
    assert [one.reference for one in channel.sent].count(first) == 1


def test_a_provider_that_can_never_be_asked_gets_it_again_marked(channel, the_clock):
    channel.caps = Caps(looks_up=True)
    channel.outcomes = [Ambiguous("no answer")]

    def mute(message):
        raise CannotLookUp

    channel.look_up = mute
    a_callout(an_incident(), asks=[an_expert("李工")])
    for _ in range(150):
        sender.run_once()
        the_clock.move(timedelta(seconds=1))

    first = channel.sent[0].reference
    again = [one for one in channel.sent if one.reference == first]
    assert len(again) == 2
    assert again[1].text.startswith(deliveries.MAYBE_DUPLICATE)


def test_where_another_provider_would_carry_it_nobody_waits_a_minute_for_the_first(monkeypatch, the_clock):
    first, second = RecordingChannel(code="first"), RecordingChannel(code="second")
    for one in (first, second):
        one.caps = Caps(looks_up=True)
    monkeypatch.setattr("coordination.channels.installed", lambda: [first, second])
    first.outcomes = [Ambiguous("no answer")] * 9

    def mute(message):
        raise CannotLookUp

    first.look_up = mute
    for name in ("李工", "王工", "赵工", "孙工"):
        a_callout(an_incident(), asks=[an_expert(name)])
    for _ in range(20):
        sender.run_once()
        the_clock.move(timedelta(seconds=1))

    tried = {one.reference for one in first.sent}
    assert tried
    assert tried <= {one.reference for one in second.sent}


def test_all_who_may_have_it_are_asked_though_the_first_cannot_tell(monkeypatch):
    first, second = RecordingChannel(code="first"), RecordingChannel(code="second")
    first.caps = Caps(looks_up=True)
    monkeypatch.setattr("coordination.channels.installed", lambda: [first, second])

    def mute(message):
        raise CannotLookUp

    first.look_up = mute
    a_callout(an_incident(), asks=[an_expert("李工")])
    (one,) = deliveries.claim(slots=1, holder=uuid.uuid4(), at=NOON)
    second.known[one.message.reference] = "second-7"

    earlier = sender.send(replace(one, look_up_at=("first", "second")))

    assert earlier == deliveries.Found("second", "second-7")
    assert first.sent == second.sent == []
