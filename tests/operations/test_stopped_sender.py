"""A sender that was stopped with a message in hand: it wakes up under a lease that may be another's by now."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest

from coordination import deliveries, sender
from coordination.channels import Rejected
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
