"""The same event comes in many times at one instant: one effect."""

from __future__ import annotations

import uuid

import pytest

from coordination import channels, deliveries, replies
from coordination.channels import Accepted, Receipt
from coordination.models import Delivery, Inbound
from tests.concurrency.test_last_seats import all_at_once
from tests.factories import a_callout, a_duty_officer, an_expert, an_incident
from tests.fakes import RecordingChannel
from tests.moments import NOON

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def phone(monkeypatch) -> RecordingChannel:
    recording = RecordingChannel()
    monkeypatch.setattr(channels, "installed", lambda: [recording])
    return recording


def handed_over() -> Delivery:
    (one,) = deliveries.claim(slots=1, holder=uuid.uuid4(), at=NOON)
    deliveries.record(one, Accepted(f"m-{one.delivery_id}"), at=NOON)
    return Delivery.objects.get(pk=one.delivery_id)


def test_the_same_receipt_eight_times_at_once_moves_on_once(phone):
    a_duty_officer()
    for run in range(5):
        a_callout(an_incident(), asks=[an_expert(f"专家{run}")])
        delivery = handed_over()
        failed = Receipt(f"e{run}", False, "空号", reference=delivery.public_id)

        taken = all_at_once([lambda f=failed: replies.take_receipt("recording", f, at=NOON)] * 8)

        assert sum(one is not None for one in taken) == 1
        assert Inbound.objects.count() == run + 1
        assert delivery.invitation.deliveries.count() == 2
        Delivery.objects.filter(status="pending").update(status="cancelled")


def test_a_receipt_and_the_recording_at_once_end_in_delivered(phone):
    for run in range(5):
        a_callout(an_incident(), asks=[an_expert(f"专家{run}")])
        (one,) = deliveries.claim(slots=1, holder=uuid.uuid4(), at=NOON)
        receipt = Receipt(f"e{run}", True, message_id=f"m-{run}")

        all_at_once(
            [
                lambda r=receipt: replies.take_receipt("recording", r, at=NOON),
                lambda o=one, n=run: deliveries.record(o, Accepted(f"m-{n}"), at=NOON),
            ]
        )
        replies.catch_up(at=NOON)

        assert Delivery.objects.get(pk=one.delivery_id).status == "delivered"
