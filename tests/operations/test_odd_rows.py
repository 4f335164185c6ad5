"""One row that makes no sense takes nobody else along."""

from __future__ import annotations

import uuid
from datetime import date

import pytest

from coordination import callouts, channels, deliveries, recommendations, sender
from coordination.channels import Accepted, Ambiguous, Outcome, Rejected
from coordination.models import Callout, Delivery
from coordination.paging import DeliveryStatus, Purpose
from incidents.models import Incident
from tests.factories import a_callout, a_duty_officer, an_enterprise, an_expert, an_incident
from tests.fakes import RecordingChannel
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def phone(monkeypatch, the_clock) -> RecordingChannel:
    recording = RecordingChannel()
    monkeypatch.setattr(channels, "installed", lambda: [recording])
    return recording


def test_an_expert_dismissed_in_the_year_one_is_left_out_and_the_others_are_found():
    odd, li = an_expert("怪人"), an_expert("李工")
    odd.appointments.update(ended_on=date.min)
    incident = an_incident(an_enterprise())

    proposal = recommendations.propose(incident, recommendations.proposed_requirements(incident), at=NOON)

    match = proposal.matching["1"]
    assert match.ids() == [li.pk]
    assert [one.name for one in match.excluded(5)] == ["怪人"]


# What no column holds -------------------------------------------------------------------------------


def test_the_longest_title_that_an_incident_may_have_leaves_nobody_unasked(phone):
    a_callout(an_incident(title="长" * 120), asks=[an_expert("李工")])

    sender.run_once()

    (message,) = phone.sent
    assert len(message.subject) == 120
    assert message.subject.endswith("…")
    assert "长" * 120 in message.text


def test_a_title_of_several_lines_stands_on_one_in_the_subject(phone):
    a_callout(an_incident(title="氨泄漏\r\n三号库"), asks=[an_expert("李工")])

    sender.run_once()

    assert phone.sent[0].subject.endswith("氨泄漏 三号库")


def test_the_alarm_about_a_long_title_holds_up_nobody_else(phone, the_clock):
    """The alarm of an exhausted callout had a subject that PostgreSQL refused, and every turn ended there."""
    a_duty_officer()
    a_callout(an_incident(), asks=[an_expert("李工")])
    Incident.objects.update(title="长" * 118)
    the_clock.move(minutes(11))
    a_callout(an_incident(an_enterprise("别的公司")), asks=[an_expert("王工")], at=the_clock())

    sender.run_once()

    assert Callout.objects.filter(status="exhausted").exists()
    assert Delivery.objects.filter(purpose=Purpose.ALARM, subject__startswith="人选用尽").exists()
    assert "王工" in [message.recipient for message in phone.sent]


def test_a_callout_that_cannot_even_be_set_aside_holds_up_nobody_else(phone, monkeypatch):
    a_callout(an_incident(), asks=[an_expert("李工")])
    Callout.objects.update(next_step_at=NOON)

    def broken(*_args, **_named):
        raise RuntimeError

    monkeypatch.setattr(callouts, "advance", broken)
    monkeypatch.setattr(callouts, "set_aside", broken)

    sender.run_once()

    assert [message.recipient for message in phone.sent] == ["李工"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        pytest.param(Accepted("x" * 300), DeliveryStatus.SENT, id="a name longer than its column"),
        pytest.param(Accepted("a\x00b"), DeliveryStatus.SENT, id="a NUL in the name"),
        pytest.param(Accepted("\ud800"), DeliveryStatus.SENT, id="half a character for a name"),
        pytest.param(Accepted(""), DeliveryStatus.SENT, id="no name"),
        pytest.param(
            deliveries.Found("recording", "\x00" + "y" * 400), DeliveryStatus.SENT, id="a found one"
        ),
        pytest.param(Rejected(permanent=True, reason="\x00"), DeliveryStatus.FAILED, id="refused with a NUL"),
        pytest.param(Rejected(permanent=True, reason=""), DeliveryStatus.FAILED, id="refused without a word"),
        pytest.param(
            Rejected(permanent=False, reason="忙\ud800" * 200), DeliveryStatus.PENDING, id="busy, at length"
        ),
        pytest.param(Ambiguous("\udfff\x00"), DeliveryStatus.UNKNOWN, id="unclear in every way"),
    ],
)
def test_whatever_a_provider_says_is_recorded(phone, outcome: Outcome, status):
    """Not recorded, it would be asked about and sent again, five times, and then count as failed."""
    a_callout(an_incident(), asks=[an_expert("李工")])
    (claimed,) = deliveries.claim(slots=1, holder=uuid.uuid4(), at=NOON)

    deliveries.record(claimed, outcome, at=NOON)

    row = Delivery.objects.get(pk=claimed.delivery_id)
    assert row.status == status
    assert row.provider_message_id if status == DeliveryStatus.SENT else row.reason
