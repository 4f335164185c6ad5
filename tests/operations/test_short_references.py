"""A provider with little room gives back only the first digits of our reference."""

from __future__ import annotations

import uuid

import pytest

from coordination import channels, deliveries, receipts, replies
from coordination.channels import Ambiguous, Caps, Receipt, ReplyReceived
from coordination.models import Delivery
from coordination.paging import Medium
from ground.models import ContactKind
from tests.factories import a_callout, an_expert, an_incident, status_of
from tests.fakes import RecordingChannel, recording
from tests.moments import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def phone(monkeypatch, the_clock) -> RecordingChannel:
    voice = recording("voice", Medium.VOICE, ContactKind.MOBILE)
    voice.caps = Caps(takes_replies=True)
    monkeypatch.setattr(channels, "installed", lambda: [voice])
    return voice


@pytest.fixture
def li():
    return an_expert("李工", mobile="+8613900000001")


@pytest.fixture
def call(phone, li) -> Delivery:
    """A call of which nobody knows whether it was made."""
    a_callout(an_incident(), asks=[li])
    (one,) = deliveries.claim(slots=9, holder=uuid.uuid4(), at=NOON)
    deliveries.record(one, Ambiguous("断了"), at=NOON)
    return Delivery.objects.get(pk=one.delivery_id)


def test_a_receipt_is_found_by_them_though_the_id_of_the_call_is_not_known(call):
    said = Receipt("e1", True, reference=call.public_id.hex[:15], message_id="1^1")
    receipts.take("voice", said, at=NOON)
    call.refresh_from_db()
    assert (call.status, call.provider_message_id) == ("delivered", "1^1")


def test_a_key_is_the_answer_to_that_call(phone, call, li):
    pressed = ReplyReceived("k1", "", "1", reference=call.public_id.hex[:15], message_id="1^1")
    replies.take(phone, pressed, at=NOON)
    assert status_of(call.callout, li) == "accepted"


@pytest.mark.parametrize("digits", [0, 8, 11])
def test_too_few_of_them_are_nobodys(call, digits):
    said = Receipt("e1", True, reference=call.public_id.hex[:digits], message_id="9^9")
    receipts.take("voice", said, at=NOON)
    call.refresh_from_db()
    assert call.status == "unknown"


@pytest.mark.parametrize(
    "reference", ["nothing-of-ours", "ffffffffffffffff", "0f8fad5b-d9cb-469f-a165-70867728950e"]
)
def test_what_is_none_of_ours_is_nobodys(call, reference):
    receipts.take("voice", Receipt("e1", True, reference=reference, message_id="9^9"), at=NOON)
    call.refresh_from_db()
    assert call.status == "unknown"


def test_what_could_be_either_of_two_is_neither(call):
    digits = call.public_id.hex[:15]
    Delivery.objects.filter(channel="voice").exclude(pk=call.pk).delete()
    twin = Delivery.objects.get(pk=call.pk)
    twin.pk, twin.public_id, twin.attempt = None, uuid.UUID(f"{digits}{'7' * 17}"), 9
    twin.save()
    receipts.take("voice", Receipt("e1", True, reference=digits), at=NOON)
    call.refresh_from_db()
    assert call.status == "unknown"


def test_another_channel_says_nothing_by_them(call):
    receipts.take("sms", Receipt("e1", True, reference=call.public_id.hex[:15]), at=NOON)
    call.refresh_from_db()
    assert call.status == "unknown"
