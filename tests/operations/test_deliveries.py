"""Messages out: leased once, sent at least once, and never silently given up."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from coordination import answers, callouts, channels, deliveries, sender
from coordination.answers import Answer
from coordination.channels import Accepted, Ambiguous, Rejected
from coordination.models import Callout, Delivery, SendIntent, Worker
from coordination.paging import AnswerSource, Purpose, Reply
from ground.access import Role
from tests.factories import (
    OFFICER,
    a_callout,
    a_duty_officer,
    a_guidance_request,
    a_user,
    an_expert,
    an_incident,
    invitation_of,
    status_of,
)
from tests.fakes import RecordingChannel
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
HERE = uuid.UUID(int=1)


@pytest.fixture
def phone(monkeypatch, the_clock) -> RecordingChannel:
    """The only channel of this installation; it carries mobiles and e-mails alike."""
    recording = RecordingChannel()
    monkeypatch.setattr(channels, "installed", lambda: [recording])
    return recording


@pytest.fixture
def li():
    return an_expert("李工", mobile="+8613900000001", email="li@example.cn")


@pytest.fixture
def incident():
    return an_incident()


def ask_of(expert) -> Delivery:
    """The message that goes at once."""
    return Delivery.objects.filter(invitation__expert=expert, purpose=Purpose.ASK).earliest("attempt")


def test_the_first_contact_is_used_and_the_link_goes_with_the_text(phone, incident, li):
    a_callout(incident, asks=[li])

    sender.run_once()

    (message,) = phone.sent
    assert message.address == "+8613900000001"
    assert "请您赴现场支援" in message.subject
    assert "请点链接答复：" in message.text
    assert "/a/" in message.link
    assert ask_of(li).status == "sent"
    assert message.link.split("/a/")[1].strip("/") not in ask_of(li).text


def test_a_temporary_refusal_is_tried_again_after_a_while(phone, incident, li, the_clock):
    phone.outcomes = [Rejected(permanent=False, reason="421 稍后再试")]
    a_callout(incident, asks=[li])

    sender.run_once()
    assert ask_of(li).status == "pending"
    sender.run_once()
    assert len(phone.sent) == 1, "not before its time"

    the_clock.move(minutes(1))
    sender.run_once()
    assert ask_of(li).status == "sent"
    assert not ask_of(li).maybe_duplicate


def test_a_dead_number_moves_on_to_the_next_contact(phone, incident, li):
    phone.outcomes = [Rejected(permanent=True, reason="号码停机")]
    a_callout(incident, asks=[li])

    sender.run_once()

    assert [message.address for message in phone.sent] == ["+8613900000001", "li@example.cn"]
    first, second = Delivery.objects.filter(invitation__expert=li).order_by("pk")
    assert (first.status, first.reason, second.status) == ("failed", "号码停机", "sent")


def test_when_no_contact_works_the_officer_is_alarmed_and_the_next_is_asked(phone, incident, li, the_clock):
    officer = a_duty_officer()
    wang = an_expert("王工")
    phone.outcomes = [
        Rejected(permanent=True, reason="号码停机"),
        Rejected(permanent=True, reason="550 没有此人"),
    ]
    callout = a_callout(incident, asks=[li, wang])

    sender.run_once()
    sender.run_once()

    assert status_of(callout, wang) == "asked"
    alarm = Delivery.objects.get(user=officer, purpose=Purpose.ALARM)
    assert "李工" in alarm.subject
    assert "550 没有此人" in alarm.text


def test_after_an_unclear_end_the_provider_is_asked_before_sending_again(phone, incident, li, the_clock):
    phone.outcomes = [Ambiguous("连接中断")]
    a_callout(incident, asks=[li])
    sender.run_once()
    assert ask_of(li).status == "unknown"

    phone.known[ask_of(li).public_id] = "taken-after-all"
    the_clock.move(minutes(1))
    sender.run_once()

    assert len(phone.sent) == 1
    assert ask_of(li).provider_message_id == "taken-after-all"


def test_where_nobody_can_tell_it_goes_out_again_and_says_that_it_may_be_a_repeat(
    phone, incident, li, the_clock
):
    phone.outcomes = [Ambiguous("连接中断")]
    a_callout(incident, asks=[li])
    sender.run_once()

    the_clock.move(minutes(1))
    sender.run_once()

    first, again = phone.sent
    assert first.reference == again.reference
    assert not first.subject.startswith("（可能重复）")
    assert again.subject.startswith("（可能重复）")
    assert again.text.startswith("（可能重复）")
    assert ask_of(li).maybe_duplicate


def test_a_sender_that_died_with_a_lease_is_succeeded_when_the_lease_runs_out(phone, incident, li, the_clock):
    a_callout(incident, asks=[li])
    assert len(deliveries.claim(slots=5, holder=HERE, at=NOON)) == 1
    assert deliveries.claim(slots=5, holder=HERE, at=NOON + minutes(0.5)) == []

    (late,) = deliveries.claim(slots=5, holder=HERE, at=NOON + deliveries.LEASE + timedelta(seconds=1))

    assert late.look_up_first
    assert SendIntent.objects.count() == 2


def test_a_restarted_embedded_server_does_not_wait_for_its_own_dead_leases(phone, incident, li):
    a_callout(incident, asks=[li])
    deliveries.claim(slots=5, holder=HERE, at=NOON)

    deliveries.void_leases(of_others_than=uuid.UUID(int=2), at=NOON + minutes(0.1))

    assert len(deliveries.claim(slots=5, holder=uuid.UUID(int=2), at=NOON + minutes(0.1))) == 1


def test_a_success_that_comes_late_is_still_the_success(phone, incident, li):
    a_callout(incident, asks=[li])
    (slow,) = deliveries.claim(slots=5, holder=HERE, at=NOON)
    after = NOON + deliveries.LEASE + timedelta(seconds=1)
    (second,) = deliveries.claim(slots=5, holder=uuid.UUID(int=2), at=after)

    deliveries.record(slow, Accepted("slow-1"), at=after)
    deliveries.record(second, Rejected(permanent=True, reason="已发过"), at=after)

    assert ask_of(li).status == "sent"
    assert ask_of(li).provider_message_id == "slow-1"


def test_a_message_waiting_when_its_reader_answered_is_not_sent(phone, incident, li):
    callout = a_callout(incident, asks=[li])
    answers.answer(
        invitation_of(callout, li),
        Answer(Reply.ACCEPT, AnswerSource.OFFICER),
        by=OFFICER,
        at=NOON + minutes(1),
    )

    sender.run_once()

    assert phone.sent == []
    assert ask_of(li).status == "cancelled"


@pytest.mark.parametrize(
    ("overtaken", "reason"),
    [
        pytest.param(
            lambda callout: callout.invitations.update(status="declined"),
            "婉拒",
            id="the reader has answered",
        ),
        pytest.param(
            lambda callout: Callout.objects.filter(pk=callout.pk).update(status="closed", next_step_at=None),
            "已结束",
            id="the callout is over",
        ),
    ],
)
def test_the_last_look_before_the_wire_stops_what_was_overtaken(phone, incident, li, overtaken, reason):
    # Written straight into the rows: what another process commits between the decision and the claim.
    overtaken(a_callout(incident, asks=[li]))

    assert deliveries.claim(slots=1, holder=HERE, at=NOON) == []
    assert ask_of(li).status == "cancelled"
    assert reason in ask_of(li).reason


def test_a_message_that_may_be_out_says_so_when_it_is_cancelled(phone, incident, li):
    callout = a_callout(incident, asks=[li])
    deliveries.claim(slots=5, holder=HERE, at=NOON)

    callouts.stop(callout, reason="误报撤销", release_accepted=True, by=OFFICER, at=NOON + minutes(1))

    assert ask_of(li).reason == "误报撤销（可能已发出）"
    assert Delivery.objects.filter(invitation__expert=li, purpose=Purpose.STAND_DOWN).exists()


def test_a_message_that_could_not_leave_in_time_fails_aloud(phone, incident, li, the_clock):
    officer = a_duty_officer()
    phone.outcomes = [Rejected(permanent=False, reason="连不上")] * 99
    callout = a_callout(incident, asks=[li], policy="standard")
    sender.run_once()

    the_clock.move(callout.policy.message_valid_for)
    deliveries.expire(at=the_clock())

    assert (ask_of(li).status, ask_of(li).reason) == ("failed", "过了有效时间仍未发出")
    assert Delivery.objects.filter(user=officer, purpose=Purpose.ALARM).exists()


def test_an_alarm_about_guidance_goes_to_the_duty_officer_where_nobody_keeps_the_roster():
    chen, request = a_duty_officer(), a_guidance_request()
    deliveries.alarm(subject="人选用尽", text="还缺 1 个", at=NOON, guidance_request=request)
    assert Delivery.objects.get(purpose=Purpose.ALARM).user == chen

    zhao = a_user("zhaomin", Role.ROSTER_ADMIN)
    deliveries.alarm(subject="接受后退出", text="李工", at=NOON, guidance_request=request)
    assert Delivery.objects.get(subject="接受后退出").user == zhao


def test_a_message_that_is_on_the_wire_does_not_expire_under_its_sender(phone, incident, li):
    officer = a_duty_officer()
    a_callout(incident, asks=[li])
    (sending,) = deliveries.claim(slots=1, holder=HERE, at=NOON)
    Delivery.objects.filter(pk=sending.delivery_id).update(expires_at=NOON + minutes(0.1))

    deliveries.expire(at=NOON + minutes(0.2))
    deliveries.record(sending, Accepted("late-1"), at=NOON + minutes(0.3))

    assert (ask_of(li).status, ask_of(li).provider_message_id) == ("sent", "late-1")
    assert not Delivery.objects.filter(user=officer).exists()


def test_a_clock_that_went_back_does_not_stop_the_heartbeat(phone, the_clock, monkeypatch):
    monkeypatch.setattr(sender, "close_old_connections", lambda: None)  # this test's own is among them
    loop = sender.Sender()
    loop._begin(alone=False)
    loop.turn()

    the_clock.move(-minutes(60))
    loop.turn()

    assert Worker.objects.get(boot_id=loop.boot_id).heartbeat_at == NOON - minutes(60)


def test_a_channel_that_raises_stops_nobody_elses_message(phone, incident, li, monkeypatch):
    wang = an_expert("王工")
    send = phone.send

    def broken_for_li(message):
        if message.recipient == "李工":
            raise RuntimeError("通道自己的毛病")
        return send(message)

    monkeypatch.setattr(phone, "send", broken_for_li)
    a_callout(incident, asks=[li, wang], seats=2)

    sender.run_once()

    assert ask_of(wang).status == "sent"
    assert ask_of(li).status == "unknown"


def test_an_urgent_message_goes_before_a_patient_one_that_was_due_earlier(phone, incident, li):
    wang = an_expert("王工")
    a_callout(incident, asks=[li], policy="patient", at=NOON - minutes(5))
    a_callout(incident, asks=[wang], policy="urgent", at=NOON - minutes(1))

    (first,) = deliveries.claim(slots=1, holder=HERE, at=NOON)

    assert first.message.recipient == "王工"


def test_what_was_taken_at_the_same_time_is_written_down_together(phone, incident):
    a_callout(incident, asks=[an_expert("李工"), an_expert("王工")], seats=2)
    both = deliveries.claim(slots=9, holder=HERE, at=NOON)

    done = deliveries.record_taken(
        [(one, Accepted(f"id-{number}")) for number, one in enumerate(both)], at=NOON
    )

    assert done == {(one.delivery_id, 1) for one in both}
    sent = Delivery.objects.filter(lease_no=1).order_by("id")
    assert [(one.status, one.provider_message_id) for one in sent] == [
        ("sent", "id-0"),
        ("sent", "id-1"),
    ]
    assert {one.outcome for one in SendIntent.objects.all()} == {"accepted"}


def test_two_messages_that_a_provider_gives_one_name_are_left_for_one_by_one(phone, incident):
    a_callout(incident, asks=[an_expert("李工"), an_expert("王工")], seats=2)
    both = deliveries.claim(slots=9, holder=HERE, at=NOON)

    assert deliveries.record_taken([(one, Accepted("same")) for one in both], at=NOON) == set()
    for one in both:
        deliveries.record(one, Accepted("same"), at=NOON)

    assert {one.status for one in Delivery.objects.filter(lease_no=1)} == {"sent"}
