"""Receipts: each is taken once, in any order the message ends the same, and none says more than it may."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from coordination import channels, deliveries, invariants, receipts, sender
from coordination.channels import Accepted, Ambiguous, Receipt
from coordination.models import Delivery, Inbound
from coordination.paging import Purpose
from tests.factories import a_callout, a_duty_officer, an_expert, an_incident, status_of
from tests.fakes import RecordingChannel
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
HERE = uuid.UUID(int=1)


@pytest.fixture
def phone(monkeypatch, the_clock) -> RecordingChannel:
    recording = RecordingChannel()
    monkeypatch.setattr(channels, "installed", lambda: [recording])
    return recording


@pytest.fixture
def li():
    return an_expert("李工", mobile="+8613900000001", email="li@example.cn")


@pytest.fixture
def callout(phone, li):
    return a_callout(an_incident(), asks=[li])


def ask_of(expert) -> Delivery:
    return Delivery.objects.filter(invitation__expert=expert, purpose=Purpose.ASK).earliest("pk")


def claimed():
    (one,) = deliveries.claim(slots=1, holder=HERE, at=NOON)
    return one


def receipt(event: str, *, delivered: bool = True, of: Delivery | None = None, **columns) -> Receipt:
    return Receipt(event, delivered, reference=of.public_id if of else None, **columns)


def take(one: Receipt, channel: str = "recording", at=NOON):
    return receipts.take(channel, one, at=at)


def test_a_receipt_by_our_reference_says_that_the_message_was_delivered(callout, li):
    sender.run_once()

    take(receipt("e1", of=ask_of(li)))

    assert ask_of(li).status == "delivered"
    assert ask_of(li).delivered_at == NOON


def test_a_receipt_by_the_providers_own_id_finds_the_message(callout, li):
    sender.run_once()

    take(receipt("e1", message_id="recording-1"))

    assert ask_of(li).status == "delivered"


def test_delivered_is_not_reached_the_invitee_is_still_waited_for(callout, li):
    sender.run_once()

    take(receipt("e1", of=ask_of(li)))

    assert status_of(callout, li) == "asked"


def test_a_failure_moves_on_to_the_next_contact(callout, li, phone):
    sender.run_once()

    take(receipt("e1", of=ask_of(li), delivered=False, reason="空号"))
    sender.run_once()

    assert (ask_of(li).status, ask_of(li).reason) == ("failed", "空号")
    assert [message.address for message in phone.sent] == ["+8613900000001", "li@example.cn"]


def test_the_same_receipt_again_changes_nothing(callout, li, phone):
    a_duty_officer()
    sender.run_once()
    failed = receipt("e1", of=ask_of(li), delivered=False, reason="空号")

    assert take(failed) is not None
    assert [take(failed, at=NOON + minutes(late)) for late in (1, 5, 10)] == [None] * 3

    assert Inbound.objects.count() == 1
    assert Delivery.objects.filter(invitation__expert=li).count() == 2


def test_after_delivered_nothing_is_taken_back(callout, li, phone):
    sender.run_once()
    take(receipt("e1", of=ask_of(li), sequence=1))

    take(receipt("e2", of=ask_of(li), delivered=False, reason="超时", sequence=2))
    sender.run_once()

    assert ask_of(li).status == "delivered"
    assert len(phone.sent) == 1


def test_a_receipt_that_overtakes_the_recording_settles_the_message(callout, li):
    one = claimed()

    take(receipt("e1", of=ask_of(li)))
    deliveries.record(one, Accepted("m-1"), at=NOON + minutes(0.1))

    assert ask_of(li).status == "delivered"
    assert ask_of(li).provider_message_id == "m-1"


def test_a_receipt_a_day_later_for_what_nobody_recorded_does_not_date_the_sending(callout, li):
    claimed()
    take(receipt("e1", of=ask_of(li)), at=NOON + timedelta(days=1))

    assert ask_of(li).sent_at == NOON
    assert "I10.expiry" not in {one.invariant.code for one in invariants.violations(NOON + timedelta(days=1))}


def test_a_receipt_saves_the_second_sending_of_a_message_whose_outcome_was_unclear(callout, li, phone):
    phone.outcomes = [Ambiguous("连接中断")]
    sender.run_once()
    assert ask_of(li).status == "unknown"

    take(receipt("e1", of=ask_of(li)))

    assert deliveries.claim(slots=5, holder=HERE, at=NOON + minutes(1)) == []
    assert ask_of(li).status == "delivered"


def test_a_receipt_for_an_id_that_is_not_recorded_yet_waits_for_it(callout, li):
    one = claimed()
    take(receipt("e1", message_id="m-1", delivered=False, reason="空号"))
    assert Inbound.objects.get().result == "unknown"

    deliveries.record(one, Accepted("m-1"), at=NOON)
    receipts.catch_up(at=NOON + minutes(0.1))

    assert Inbound.objects.get().result == "applied"
    assert ask_of(li).status == "failed"
    assert Delivery.objects.filter(invitation__expert=li, address="li@example.cn").exists()


def test_the_loop_applies_what_waits(callout, li, the_clock):
    one = claimed()
    take(receipt("e1", message_id="m-1"))
    deliveries.record(one, Accepted("m-1"), at=NOON)

    sender.run_once()

    assert ask_of(li).status == "delivered"


def test_a_receipt_for_nothing_that_we_know_is_kept_and_waits_three_days_at_most(callout, li):
    take(receipt("e1", message_id="m-9"))
    one = claimed()
    deliveries.record(one, Accepted("m-9"), at=NOON)

    assert receipts.catch_up(at=NOON + timedelta(days=4)) == 0
    assert receipts.catch_up(at=NOON + timedelta(days=2)) == 1


def test_a_message_that_was_never_handed_over_cannot_have_arrived(callout, li):
    take(receipt("e1", of=ask_of(li)))

    assert ask_of(li).status == "pending"
    assert Inbound.objects.get().result == "never_sent"


def test_one_provider_says_nothing_about_anothers_messages(callout, li):
    sender.run_once()

    take(receipt("e1", of=ask_of(li), delivered=False), channel="other")
    take(receipt("e2", message_id="recording-1", delivered=False), channel="other")

    assert ask_of(li).status == "sent"
    assert {one.result for one in Inbound.objects.all()} == {"unknown"}


def test_two_providers_may_count_from_the_same_number(callout, li):
    assert take(receipt("1", message_id="a")) is not None
    assert take(receipt("1", message_id="a"), channel="other") is not None


def test_a_cancelled_message_that_arrived_all_the_same_says_so_and_stays_cancelled(callout, li):
    one = claimed()
    deliveries.cancel(callout.invitations.get(), [Purpose.ASK], reason="已答复", at=NOON)
    deliveries.record(one, Accepted("m-1"), at=NOON)

    take(receipt("e1", of=ask_of(li)))
    take(receipt("e2", of=ask_of(li), delivered=False, reason="x", sequence=9))

    assert ask_of(li).status == "cancelled"
    assert ask_of(li).delivered_at == NOON


def test_what_no_database_keeps_is_left_out(callout, li):
    sender.run_once()

    take(
        receipt("e\x00" + "9" * 500, of=ask_of(li), delivered=False, reason="空\x00号\ud800", sequence=2**80)
    )

    assert ask_of(li).reason == "空号"


def test_without_an_event_id_the_same_words_are_the_same_event(callout, li):
    sender.run_once()

    assert take(receipt("", of=ask_of(li))) is not None
    assert take(receipt("", of=ask_of(li))) is None
    assert take(receipt("", of=ask_of(li), delivered=False)) is not None


REPORTS = (
    dict(delivered=False, reason="暂时无法接通", sequence=1),
    dict(delivered=False, reason="空号", sequence=2),
    dict(delivered=False, reason="停机", sequence=2),
    dict(delivered=True, sequence=0),
)


def standing(delivery: Delivery):
    delivery.refresh_from_db()
    return (
        delivery.status,
        delivery.reason,
        delivery.provider_sequence,
        delivery.provider_message_id,
        delivery.sent_at,
        delivery.delivered_at,
    )


@pytest.mark.parametrize("count", [2, 3])
def test_in_any_order_and_beside_the_recording_the_message_ends_in_the_same_state(callout, li, count):
    one, delivery = claimed(), ask_of(li)
    for chosen in itertools.combinations(REPORTS, count):
        ends = set()
        steps = [*range(len(chosen)), "record"]
        for order in itertools.permutations(steps):
            with transaction.atomic():
                for step in order:
                    if step == "record":
                        deliveries.record(one, Accepted("m-1"), at=NOON)
                    else:
                        take(receipt(f"e{step}", of=delivery, **chosen[step]))
                        take(receipt(f"e{step}", of=delivery, **chosen[step]))
                ends.add(standing(delivery))
                transaction.set_rollback(True)
        assert len(ends) == 1, f"{chosen}: {ends}"


class AnyReports(TestCase):
    """Whatever is reported, in two orders and with repeats: one end."""

    def setUp(self):
        self.callout = a_callout(an_incident(), asks=[an_expert("李工")], at=NOON)

    @settings(max_examples=25)
    @given(
        reports=st.lists(
            st.builds(
                dict,
                delivered=st.booleans(),
                reason=st.sampled_from(["", "空号", "停机"]),
                sequence=st.integers(-1, 3),
                by_reference=st.booleans(),
            ),
            min_size=1,
            max_size=5,
        ),
        shuffled=st.randoms(use_true_random=False),
    )
    def test_one_end(self, reports, shuffled):
        channel = self.callout.deliveries.get().channel
        (one,) = deliveries.claim(slots=1, holder=HERE, at=NOON)
        delivery = self.callout.deliveries.get()
        events = list(enumerate(reports)) * 2 + ["record"]
        ends = set()
        for _ in range(2):
            shuffled.shuffle(events)
            with transaction.atomic():
                for event in events:
                    if event == "record":
                        deliveries.record(one, Accepted("m-1"), at=NOON)
                        continue
                    number, said = event
                    said = dict(said)
                    named = {"of": delivery} if said.pop("by_reference") else {"message_id": "m-1"}
                    take(receipt(f"e{number}", **named, **said), channel)
                receipts.catch_up(at=NOON)
                ends.add(standing(delivery))
                transaction.set_rollback(True)
        assert len(ends) == 1


def test_a_failure_told_by_a_provider_that_a_message_has_left_behind_changes_nothing(callout, li):
    sender.run_once()
    Delivery.objects.filter(pk=ask_of(li).pk).update(channel="other", provider="other")

    take(receipt("r-1", delivered=False, of=ask_of(li), reason="空号"))

    assert ask_of(li).status == "sent"
