"""While a callout is paused nobody is paged and no window closes; afterwards all goes on as it stood."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db.models import F

from coordination import answers, callouts, channels, deliveries, sender, watch
from coordination.answers import Answer
from coordination.channels import Ambiguous, Caps, Limit, Rejected
from coordination.models import Delivery, Invitation
from coordination.paging import AnswerSource, Medium, Purpose, Reply
from coordination.views import desk
from ground.models import ContactKind, UserContact
from incidents.models import Incident
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


@pytest.fixture
def sms():
    return recording("sms", Medium.SMS, ContactKind.MOBILE)


@pytest.fixture
def voice():
    return recording("voice", Medium.VOICE, ContactKind.MOBILE)


@pytest.fixture(autouse=True)
def _installed(sms, voice, monkeypatch, the_clock):
    monkeypatch.setattr(channels, "installed", lambda: [sms, voice])


@pytest.fixture
def at(the_clock):
    """Set the clock to so many minutes after noon, and let whatever is due happen."""

    def set_clock(minute: float) -> None:
        the_clock.moment = NOON + minutes(minute)
        sender.run_once()

    return set_clock


@pytest.fixture
def li():
    return an_expert("李工")


@pytest.fixture
def wang():
    return an_expert("王工")


@pytest.fixture
def callout(li, wang):
    return a_callout(an_incident(), asks=[li, wang])


def pause(callout, minute: float) -> None:
    callouts.pause(callout, by=OFFICER, at=NOON + minutes(minute))


def resume(callout, minute: float) -> None:
    callouts.resume(callout, by=OFFICER, at=NOON + minutes(minute))


def asks_to(expert) -> list[Delivery]:
    return list(Delivery.objects.filter(invitation__expert=expert, purpose=Purpose.ASK).order_by("attempt"))


def test_who_was_asked_is_not_rung_up_during_a_pause_but_as_long_after_it_as_was_left(voice, callout, at):
    at(0)
    pause(callout, 1)
    at(5)
    at(30)
    assert voice.sent == []

    # The call was due two minutes after the asking, one of which had gone.
    resume(callout, 31)
    at(31.9)
    assert voice.sent == []
    at(32)
    assert [message.recipient for message in voice.sent] == ["李工"]


def test_what_had_not_even_left_leaves_when_the_pause_is_over(sms, callout, at):
    pause(callout, 0)
    at(40)  # beyond the half hour for which a message is of use
    assert sms.sent == []
    assert [one.status for one in asks_to(callout.invitations.first().expert)] == ["pending"] * 2

    resume(callout, 41)
    at(41)
    assert [message.recipient for message in sms.sent] == ["李工"]


def test_the_window_stands_still_during_a_pause(callout, li, wang, at):
    at(0)
    pause(callout, 4)
    at(30)
    assert status_of(callout, li) == "asked"
    assert not Delivery.objects.filter(reason="答复时限已过").exists()

    resume(callout, 30)
    assert status_of(callout, li) == "asked", "six minutes are left"
    assert invitation_of(callout, li).answer_by == NOON + minutes(36)
    callout.refresh_from_db()
    assert callout.next_step_at == NOON + minutes(36)
    at(35.9)
    assert status_of(callout, li) == "asked"
    at(36)
    assert (status_of(callout, li), status_of(callout, wang)) == ("lapsed", "asked")
    assert invitation_of(callout, wang).answer_by == NOON + minutes(46), (
        "a pause before the asking counts not"
    )


def test_pauses_add_up(callout, li, at):
    for begins, ends in ((1, 11), (12, 22)):
        pause(callout, begins)
        resume(callout, ends)

    assert invitation_of(callout, li).answer_by == NOON + minutes(30)
    assert [one.due_at for one in asks_to(li)] == [NOON + minutes(20), NOON + minutes(22)]
    assert {one.expires_at for one in asks_to(li)} == {NOON + minutes(50)}


def test_a_message_that_was_on_the_wire_when_the_pause_began_is_not_sent_again_during_it(
    sms, voice, callout, at, the_clock
):
    sms.outcomes = [Ambiguous("断线")]
    (claimed,) = deliveries.claim(slots=9, holder=HERE, at=NOON)
    pause(callout, 0)
    deliveries.record(claimed, sender.send(claimed), at=NOON)
    assert len(sms.sent) == 1
    at(5)
    at(10)
    assert len(sms.sent) == 1

    resume(callout, 20)
    at(20)
    assert len(sms.sent) == 2, "nobody knows whether the first one got through"
    at(22)
    assert len(voice.sent) == 1


def test_a_failure_during_a_pause_brings_the_next_step_forward_to_its_end(sms, voice, callout, at):
    sms.outcomes = [Rejected(permanent=True, reason="号码停机")]
    (claimed,) = deliveries.claim(slots=9, holder=HERE, at=NOON)
    pause(callout, 0)
    deliveries.record(claimed, sender.send(claimed), at=NOON + minutes(1))
    at(2)
    at(15)
    assert voice.sent == []

    resume(callout, 20)
    at(20)
    assert [message.recipient for message in voice.sent] == ["李工"]


def test_an_answer_during_a_pause_still_cancels_what_is_held(voice, callout, li, at):
    at(0)
    pause(callout, 1)
    answers.answer(invitation_of(callout, li), NO, by=OFFICER, at=NOON + minutes(2))
    resume(callout, 3)
    at(60)

    assert [one.status for one in asks_to(li)] == ["sent", "cancelled"]
    assert "李工" not in [message.recipient for message in voice.sent]


def test_a_callout_that_fills_while_it_is_paused_and_loses_a_seat_again_is_paused_no_more(
    callout, li, wang, at
):
    pause(callout, 1)
    answers.answer(invitation_of(callout, li), YES, by=OFFICER, at=NOON + minutes(2))
    answers.answer(invitation_of(callout, li), NO, by=OFFICER, at=NOON + minutes(3))

    callout.refresh_from_db()
    assert (callout.status, callout.paused, callout.paused_at) == ("open", False, None)
    assert status_of(callout, wang) == "asked"


def test_nothing_that_is_held_is_late_or_lies_too_far_ahead(callout, li, at):
    UserContact.objects.create(user=a_duty_officer(), kind=ContactKind.MOBILE, value="+8613600000001")
    at(0)
    pause(callout, 1)
    held = [one.due_at for one in asks_to(li)]

    assert watch.look(at=NOON + timedelta(days=2)) == []
    assert [one.due_at for one in asks_to(li)] == held


def test_a_clock_that_went_back_during_a_pause_takes_no_time_away(callout, li, at):
    at(0)
    pause(callout, 5)
    resume(callout, 3)

    assert invitation_of(callout, li).answer_by == NOON + minutes(10)
    assert asks_to(li)[1].due_at == NOON + minutes(2)


def test_when_the_watch_follows_a_clock_that_went_back_a_pause_is_as_long_as_it_was(callout, li):
    # The clock was an hour ahead. It is put right when the pause has lasted a minute, and it lasts ten in all.
    Delivery.objects.update(created_at=F("created_at") + minutes(60), due_at=F("due_at") + minutes(60))
    Invitation.objects.filter(status="asked").update(asked_at=F("asked_at") + minutes(60))
    watch.look(at=NOON + minutes(60))
    pause(callout, 60)
    watch.look(at=NOON + minutes(61))
    watch.look(at=NOON + minutes(1))
    resume(callout, 10)

    assert invitation_of(callout, li).answer_by == NOON + minutes(20)
    assert asks_to(li)[1].due_at == NOON + minutes(12)


def test_a_call_that_has_to_wait_its_turn_is_still_of_use_when_the_window_is_longer(voice, callout, li, at):
    voice.caps = Caps(per_address=(Limit(1, minutes(1)),))
    at(0)
    pause(callout, 0)
    a_callout(an_incident(), asks=[li], at=NOON + minutes(19.5))
    resume(callout, 20)

    # Rung up for the other one half a minute ago.
    for minute in (20, 21.5, 22, 22.5):
        at(minute)

    assert len(voice.sent) == 2
    assert [one.status for one in asks_to(li)].count("failed") == 0


def test_the_desk_does_not_count_the_time_of_a_pause_against_anybody(callout, li, at):
    def unanswered(minute: float) -> list[str]:
        tasks = desk._unanswered(Incident.objects.all(), NOON + minutes(minute))
        return [task.name for task in tasks]

    at(0)
    assert unanswered(5) == ["李工"]
    pause(callout, 1)
    assert unanswered(30) == []
    resume(callout, 30)
    assert (unanswered(33), unanswered(34)) == ([], ["李工"])
