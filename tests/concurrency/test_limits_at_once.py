"""Two senders in the same instant keep to a provider's limit together."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from coordination import channels, deliveries
from coordination.channels import Caps, Limit
from coordination.paging import Medium
from ground.models import ContactKind
from tests.factories import a_callout, an_enterprise, an_expert, an_incident
from tests.fakes import recording
from tests.moments import NOON, minutes
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sms(monkeypatch):
    channel = recording("sms", Medium.SMS, ContactKind.MOBILE)
    monkeypatch.setattr(channels, "installed", lambda: [channel])
    return channel


def claimed_by_six(slots: int) -> int:
    claims = at_once(*[lambda: deliveries.claim(slots=slots, holder=uuid.uuid4(), at=NOON) for _ in range(6)])
    return sum(len(claim) for claim in claims)


def test_one_number_is_not_written_to_by_two_senders_at_once(sms):
    sms.caps = Caps(per_address=(Limit(1, minutes(1)),))
    enterprise, li = an_enterprise(), an_expert("李工")
    for _ in range(6):
        a_callout(an_incident(enterprise), asks=[li], at=NOON)

    assert claimed_by_six(slots=1) == 1


def test_all_senders_together_keep_to_what_a_channel_takes_in_a_second(sms):
    sms.caps = Caps(per_second=3.0)
    experts = [an_expert(f"专家{number}") for number in range(12)]
    a_callout(an_incident(), asks=experts, seats=12, at=NOON - timedelta(seconds=1))

    assert claimed_by_six(slots=2) == 3
