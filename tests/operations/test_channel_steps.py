"""Somebody who does not answer is tried again over the next channel; who answers is left in peace."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from coordination import answers, callouts, channels, deliveries, sender
from coordination.answers import Answer
from coordination.channels import Accepted, Ambiguous, Rejected
from coordination.models import Delivery, Invitation
from coordination.paging import AnswerSource, Medium, Purpose, Reply
from coordination.views.board import boards_of
from experts.models import ExpertContact
from ground.models import ContactKind, UserContact
from tests.factories import (
    OFFICER,
    a_callout,
    a_duty_officer,
    an_expert,
    an_incident,
    invitation_of,
    status_of,
)
from tests.fakes import recording
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
HERE = uuid.UUID(int=1)
YES = Answer(Reply.ACCEPT, AnswerSource.LINK)
NO = Answer(Reply.DECLINE, AnswerSource.LINK)
DEAD_NUMBER = Rejected(permanent=True, reason="号码停机")


@pytest.fixture
def sms():
    return recording("sms", Medium.SMS, ContactKind.MOBILE)


@pytest.fixture
def voice():
    return recording("voice", Medium.VOICE, ContactKind.MOBILE, ContactKind.PHONE)


@pytest.fixture
def mail():
    return recording("mail", Medium.EMAIL, ContactKind.EMAIL)


@pytest.fixture(autouse=True)
def _installed(sms, voice, mail, monkeypatch, the_clock):
    monkeypatch.setattr(channels, "installed", lambda: [sms, voice, mail])


@pytest.fixture
def incident():
    return an_incident()


@pytest.fixture
def li():
    """Two mobiles and an e-mail address."""
    li = an_expert("李工", mobile="+8613900000001", email="li@example.cn")
    ExpertContact.objects.create(expert=li, kind=ContactKind.MOBILE, value="+8613900000009", rank=3)
    return li


@pytest.fixture
def wang():
    return an_expert("王工")


def asks_to(expert) -> list[Delivery]:
    return list(Delivery.objects.filter(invitation__expert=expert, purpose=Purpose.ASK).order_by("attempt"))


def sent_over(channel, *, to="李工") -> list[str]:
    return [message.address for message in channel.sent if message.recipient == to]


def says(callout, who, said, *, at):
    return answers.answer(invitation_of(callout, who), said, by=OFFICER, at=at)


def test_in_writing_at_once_by_voice_after_two_minutes_at_the_other_number_after_four(
    sms, voice, mail, incident, li, the_clock
):
    a_callout(incident, asks=[li])
    sender.run_once()
    assert (sent_over(sms), sent_over(mail), sent_over(voice)) == (["+8613900000001"], ["li@example.cn"], [])

    the_clock.move(minutes(2))
    sender.run_once()
    assert sent_over(voice) == ["+8613900000001"]

    the_clock.move(minutes(2))
    sender.run_once()
    assert sent_over(sms) == sent_over(voice) == ["+8613900000001", "+8613900000009"]

    assert [(one.medium, one.attempt) for one in asks_to(li)] == [
        ("sms", 1),
        ("email", 2),
        ("voice", 3),
        ("sms", 4),
        ("voice", 5),
    ]


def test_every_step_stands_in_the_database_before_the_first_message_has_left(incident, li):
    a_callout(incident, asks=[li], at=NOON)

    due = [(one.due_at - NOON) / timedelta(minutes=1) for one in asks_to(li)]
    assert due == [0, 0, 2, 4, 4]


@pytest.mark.parametrize("answer", [YES, NO], ids=["yes", "no"])
def test_who_has_answered_is_left_in_peace(voice, incident, li, the_clock, answer):
    callout = a_callout(incident, asks=[li])
    sender.run_once()
    says(callout, li, answer, at=the_clock.move(minutes(1)))
    assert [one.status for one in asks_to(li)] == ["sent", "sent", "cancelled", "cancelled", "cancelled"]

    the_clock.move(minutes(5))
    sender.run_once()
    assert sent_over(voice) == []


def test_when_no_message_is_known_to_have_gone_out_within_the_window_the_officer_is_told(
    sms, mail, voice, incident, li, wang, the_clock
):
    """The first was refused while the others were unclear; then the window closed, and it read "no answer"."""
    a_duty_officer()
    sms.outcomes = [DEAD_NUMBER] * 2
    mail.outcomes = [Ambiguous("没有回音")] * 50
    voice.outcomes = [Ambiguous("没有回音")] * 50
    callout = a_callout(incident, asks=[li, wang], seats=1)
    for _ in range(3):
        sender.run_once()
        the_clock.move(minutes(4))
    sender.run_once()

    assert status_of(callout, li) == "lapsed"
    alarms = Delivery.objects.filter(purpose=Purpose.ALARM, subject="未能送达：李工")
    assert {one.text for one in alarms} == {
        "通知在答复时限内没有确认发出：李工（没有回音）。请电话联系，或换人。"
    }


def test_who_got_a_message_and_does_not_answer_makes_no_alarm_of_delivery(incident, li, wang, the_clock):
    a_duty_officer()
    callout = a_callout(incident, asks=[li, wang], seats=1)
    sender.run_once()
    the_clock.move(minutes(11))
    sender.run_once()

    assert status_of(callout, li) == "lapsed"
    assert not Delivery.objects.filter(purpose=Purpose.ALARM).exists()


def test_nothing_more_goes_to_who_was_let_go(voice, incident, li, wang, the_clock):
    callout = a_callout(incident, asks=[li, wang], seats=1)
    sender.run_once()
    callouts.resume(callout, by=OFFICER, at=NOON)  # Wang is asked as well, before Li's time is up
    says(callout, wang, YES, at=NOON + minutes(1))

    the_clock.move(minutes(5))
    sender.run_once()

    assert status_of(callout, li) == "stood_down"
    assert sent_over(voice) == []


def test_who_let_the_window_pass_is_not_rung_up_after_it(voice, incident, li, the_clock):
    # Nobody could send for ten minutes.
    callout = a_callout(incident, asks=[li])

    callouts.advance(callout.pk, at=the_clock.move(minutes(10)))
    assert status_of(callout, li) == "lapsed"
    assert {one.status for one in asks_to(li)} == {"cancelled"}

    sender.run_once()
    assert sent_over(voice) == []


def test_the_last_look_before_the_wire_stops_a_later_step_too(incident, li):
    # Written straight into the rows: what another process commits between the decision and the claim.
    a_callout(incident, asks=[li])
    deliveries.claim(slots=9, holder=HERE, at=NOON)
    Invitation.objects.update(status="lapsed")

    assert deliveries.claim(slots=9, holder=HERE, at=NOON + minutes(2)) == []
    assert asks_to(li)[2].status == "cancelled"


def test_a_failure_brings_the_next_step_forward(sms, voice, incident, li):
    sms.outcomes = [DEAD_NUMBER]
    a_callout(incident, asks=[li])

    sender.run_once()

    assert sent_over(voice) == ["+8613900000001"]
    assert [one.status for one in asks_to(li)] == ["failed", "sent", "sent", "pending", "pending"]
    assert asks_to(li)[3].due_at == NOON + minutes(4), "one failure, one step"


def test_a_step_that_expired_brings_the_next_one_forward(incident, li, the_clock):
    a_callout(incident, asks=[li])
    Delivery.objects.filter(medium="sms", attempt=1).update(expires_at=NOON + minutes(1))

    deliveries.expire(at=NOON + minutes(1))

    assert [one.status for one in asks_to(li)][:2] == ["failed", "pending"]
    assert asks_to(li)[2].due_at == NOON + minutes(1)


def test_nobody_is_alarmed_while_one_of_the_messages_got_through(sms, voice, incident, li, wang, the_clock):
    officer = a_duty_officer()
    sms.outcomes, voice.outcomes = [DEAD_NUMBER] * 2, [DEAD_NUMBER] * 2
    callout = a_callout(incident, asks=[li, wang])

    for _ in range(6):
        sender.run_once()
        the_clock.move(minutes(1))

    assert [one.status for one in asks_to(li)] == ["failed", "sent", "failed", "failed", "failed"]
    assert not Delivery.objects.filter(user=officer).exists()
    assert status_of(callout, wang) == "listed"


def test_when_every_step_has_failed_the_officer_hears_of_it_once_and_the_next_is_asked(
    sms, voice, mail, incident, li, wang
):
    officer = a_duty_officer()
    sms.outcomes, voice.outcomes, mail.outcomes = [DEAD_NUMBER] * 2, [DEAD_NUMBER] * 2, [DEAD_NUMBER]
    callout = a_callout(incident, asks=[li, wang])

    sender.run_once()  # each failure calls the next step up, so all of them go in this one turn
    sender.run_once()

    assert {one.status for one in asks_to(li)} == {"failed"}
    assert Delivery.objects.filter(user=officer, subject__contains="李工").count() == 1
    assert status_of(callout, wang) == "asked"


def test_a_receipt_of_failure_alarms_nobody_about_who_has_answered_on_the_phone(incident, li):
    officer = a_duty_officer()
    callout = a_callout(incident, asks=[li])
    (text_message, *_) = deliveries.claim(slots=1, holder=HERE, at=NOON)
    deliveries.record(text_message, Accepted("sms-1"), at=NOON)
    says(callout, li, YES, at=NOON + minutes(1))

    deliveries.take_report(
        text_message.delivery_id,
        delivered=False,
        reason="号码停机",
        sequence=1,
        channel="sms",
        at=NOON + minutes(2),
    )

    assert asks_to(li)[0].status == "failed"
    assert not Delivery.objects.filter(user=officer).exists()


def test_a_receipt_of_failure_brings_the_next_step_forward(voice, incident, li, the_clock):
    a_callout(incident, asks=[li])
    sender.run_once()

    deliveries.take_report(
        asks_to(li)[0].pk, delivered=False, reason="号码停机", sequence=1, channel="sms", at=NOON
    )
    sender.run_once()

    assert sent_over(voice) == ["+8613900000001"]


def test_who_is_asked_once_more_gets_every_step_once_more(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang])
    callouts.advance(callout.pk, at=NOON + minutes(10))
    says(callout, wang, YES, at=NOON + minutes(11))
    says(callout, li, YES, at=NOON + minutes(12))

    says(callout, wang, NO, at=NOON + minutes(20))

    assert status_of(callout, li) == "asked"
    assert [one.attempt for one in asks_to(li)] == list(range(1, 11))
    assert [one.status for one in asks_to(li)] == ["cancelled"] * 5 + ["pending"] * 5


def test_an_old_message_makes_nobody_reachable_who_is_asked_once_more(incident, li, wang, the_clock):
    zhao = an_expert("赵工")
    callout = a_callout(incident, asks=[li, wang, zhao])
    sender.run_once()
    callouts.advance(callout.pk, at=the_clock.move(minutes(10)))
    says(callout, wang, YES, at=the_clock())
    says(callout, li, YES, at=the_clock())
    li.contacts.all().delete()

    # Wang withdraws. Li, the reserve, can be reached no more, so nobody waits for him.
    says(callout, wang, NO, at=the_clock.move(minutes(1)))

    assert status_of(callout, li) == "asked"
    assert status_of(callout, zhao) == "asked"


def test_the_board_says_how_far_the_ask_got_not_what_comes_last(sms, mail, incident, li):
    callout = a_callout(incident, asks=[li])
    (waits,) = boards_of(incident)
    assert [line.state for line in waits.lines] == ["pending"]

    sender.run_once()

    (board,) = boards_of(incident)
    assert [line.state for line in board.lines] == ["sent"], "although a call is still planned"
    assert board.callout == callout


def next_steps(incident) -> list[tuple[str, bool]]:
    """What the board says comes next for each who has not answered, and whether to another number."""
    (board,) = boards_of(incident)
    return [
        (
            f"{(line.next_at - NOON) / minutes(1):g} {line.coming.medium if line.coming else 'window'}",
            line.is_other_number,
        )
        for line in board.lines
        if line.is_waited_for
    ]


def test_the_board_says_what_comes_next_and_when(incident, li, the_clock):
    a_callout(incident, asks=[li])
    sender.run_once()
    assert next_steps(incident) == [("2 voice", False)]

    the_clock.move(minutes(2))
    sender.run_once()
    assert next_steps(incident) == [("4 sms", True)]

    the_clock.move(minutes(2))
    sender.run_once()
    assert next_steps(incident) == [("10 window", False)]


def test_the_board_says_nothing_of_what_comes_next_for_who_has_answered(incident, li, wang, the_clock):
    callout = a_callout(incident, asks=[li, wang], seats=2)
    says(callout, li, YES, at=the_clock())

    assert len(next_steps(incident)) == 1


def test_the_first_message_of_any_callout_goes_before_the_second_of_another(incident, li, wang):
    a_callout(incident, asks=[li], at=NOON)
    a_callout(an_incident(incident.enterprise), asks=[wang], at=NOON + minutes(0.5))

    claimed = deliveries.claim(slots=4, holder=HERE, at=NOON + minutes(1))

    assert [(one.message.recipient, one.channel) for one in claimed] == [
        ("李工", "sms"),
        ("王工", "sms"),
        ("李工", "mail"),
        ("王工", "mail"),
    ]


def test_a_later_wave_starts_its_own_turn(incident, li, wang):
    """Wang is the tenth on the list but the first of his wave."""
    others = [an_expert(f"专家{number}") for number in range(8)]
    callout = a_callout(incident, asks=[li, *others, wang])
    for one in (li, *others):
        says(callout, one, NO, at=NOON + minutes(1))

    assert asks_to(wang)[0].priority == asks_to(li)[0].priority


def test_who_is_let_go_hears_of_it_wherever_they_were_asked_in_writing(
    sms, voice, mail, incident, li, the_clock
):
    callout = a_callout(incident, asks=[li])
    for _ in range(3):
        sender.run_once()
        the_clock.move(minutes(2))

    callouts.stop(callout, reason="误报撤销", release_accepted=True, by=OFFICER, at=the_clock())

    told = Delivery.objects.filter(purpose=Purpose.STAND_DOWN).order_by("attempt")
    assert [(one.medium, one.address) for one in told] == [
        ("sms", "+8613900000001"),
        ("email", "li@example.cn"),
        ("sms", "+8613900000009"),
    ]


def test_a_stand_down_that_fails_everywhere_in_writing_is_said_by_voice(sms, voice, mail, incident, li):
    callout = a_callout(incident, asks=[li])
    sender.run_once()
    sms.outcomes, mail.outcomes = [DEAD_NUMBER] * 2, [DEAD_NUMBER]

    callouts.stop(callout, reason="误报撤销", release_accepted=True, by=OFFICER, at=NOON)
    sender.run_once()

    told = Delivery.objects.filter(purpose=Purpose.STAND_DOWN).order_by("attempt")
    assert [(one.medium, one.status) for one in told] == [
        ("sms", "failed"),
        ("email", "failed"),
        ("voice", "sent"),
    ]


def test_an_alarm_finds_another_way_too(sms, mail, incident):
    officer = a_duty_officer()
    UserContact.objects.create(user=officer, kind=ContactKind.MOBILE, value="+8613700000001", rank=2)
    sms.outcomes, mail.outcomes = [DEAD_NUMBER], [DEAD_NUMBER]

    deliveries.alarm(subject="人选用尽", text="还缺 1 个", at=NOON, incident=incident)
    sender.run_once()

    alarms = Delivery.objects.filter(user=officer).order_by("attempt")
    assert [(one.medium, one.status) for one in alarms] == [
        ("sms", "failed"),
        ("email", "failed"),
        ("voice", "sent"),
    ]
