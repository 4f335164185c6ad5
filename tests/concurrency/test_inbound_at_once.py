"""The same event comes in many times at one instant: one effect."""

from __future__ import annotations

import uuid

import pytest

from coordination import arrivals, channels, deliveries, receipts, replies, reply_texts
from coordination.channels import Accepted, Caps, Receipt, ReplyReceived
from coordination.models import Delivery, Inbound, Invitation
from coordination.paging import Purpose, Reply
from ground.mistakes import Refused
from tests.factories import OFFICER, a_callout, a_duty_officer, an_expert, an_incident
from tests.fakes import RecordingChannel
from tests.moments import NOON
from tests.together import at_once

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

        taken = at_once(*[lambda f=failed: receipts.take("recording", f, at=NOON)] * 8)

        assert sum(one is not None for one in taken) == 1
        assert Inbound.objects.count() == run + 1
        assert delivery.invitation.deliveries.count() == 2
        Delivery.objects.filter(status="pending").update(status="cancelled")


def test_a_receipt_and_the_recording_at_once_end_in_delivered(phone):
    for run in range(5):
        a_callout(an_incident(), asks=[an_expert(f"专家{run}")])
        (one,) = deliveries.claim(slots=1, holder=uuid.uuid4(), at=NOON)
        receipt = Receipt(f"e{run}", True, message_id=f"m-{run}")

        at_once(
            *[
                lambda r=receipt: receipts.take("recording", r, at=NOON),
                lambda o=one, n=run: deliveries.record(o, Accepted(f"m-{n}"), at=NOON),
            ]
        )
        receipts.catch_up(at=NOON)

        assert Delivery.objects.get(pk=one.delivery_id).status == "delivered"


# What people answer ---------------------------------------------------------------------------------

LI = "+8613900000001"


@pytest.fixture
def talking(phone) -> RecordingChannel:
    phone.caps = Caps(takes_replies=True)
    return phone


def asked(title: str = "", *, mobile: str = LI) -> Invitation:
    callout = a_callout(an_incident(title=title), asks=[an_expert("李工", mobile=mobile)])
    for one in deliveries.claim(slots=9, holder=uuid.uuid4(), at=NOON):
        deliveries.record(one, Accepted(f"m-{one.delivery_id}"), at=NOON)
    return callout.invitations.get()


def reply(event: str, text: str = "1", *, of: str = LI) -> ReplyReceived:
    return ReplyReceived(event, of, text)


def written_back():
    return Delivery.objects.filter(purpose=Purpose.NOTICE)


def test_the_same_reply_eight_times_at_once_is_one_answer(talking):
    invitation = asked()

    taken = at_once(*[lambda: replies.take(talking, reply("mo-1"), at=NOON)] * 8)

    assert sum(one is not None for one in taken) == 1
    assert Inbound.objects.count() == 1
    assert written_back().count() == 1
    invitation.refresh_from_db()
    assert invitation.status == "accepted"
    assert invitation.deployment.steps.count() == 1


def test_eight_replies_of_the_same_words_at_once_are_confirmed_once(talking):
    asked()

    taken = at_once(
        *[lambda n=number: replies.take(talking, reply(f"mo-{n}"), at=NOON) for number in range(8)]
    )

    assert sorted(one.result for one in taken) == ["answered"] + ["repeated"] * 7
    assert written_back().count() == 1


def test_eight_digits_at_once_that_fit_two_asks_are_asked_about_once(talking):
    both = [asked(title) for title in ("氨泄漏", "火灾")]

    at_once(*[lambda n=number: replies.take(talking, reply(f"mo-{n}"), at=NOON) for number in range(8)])

    assert written_back().count() == 1
    assert {Invitation.objects.get(pk=one.pk).status for one in both} == {"asked"}


def test_an_officer_and_the_sender_making_it_clear_at_once_do_not_block_each_other(talking):
    for run in range(25):
        mobile = f"+86139000001{run:02}"
        first, second = (asked(title, mobile=mobile) for title in ("氨泄漏", "火灾"))
        clear = reply(f"clear-{run}", f"1 {reply_texts.code_of(first.public_id)}", of=mobile)
        unclear = replies.take(talking, reply(f"unclear-{run}", of=mobile), at=NOON)

        def records(unclear=unclear, first=first):
            try:
                replies.record(unclear, first, Reply.DECLINE, by=OFFICER, at=NOON)
            except Refused as refused:
                return refused
            return None

        at_once(*[records, lambda clear=clear: replies.take(talking, clear, at=NOON)])

        unclear.refresh_from_db()
        assert unclear.handled_at is not None
        second.refresh_from_db()
        assert second.status == "asked"


def test_eight_processes_that_look_at_once_ask_a_channel_once(monkeypatch):
    class Asked(RecordingChannel):
        def pull(self, *, since):
            return ()

    monkeypatch.setattr(channels, "installed", lambda: [Asked(code="sms")])

    given = at_once(*[lambda: arrivals.due_pulls(at=NOON)] * 8)

    assert sum(len(one) for one in given) == 1
