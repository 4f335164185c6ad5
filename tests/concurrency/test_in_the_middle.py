"""One process comes while another is in the middle: nothing of what that is doing is missed, undone or done twice."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection

from coordination import answers, callouts, deliveries
from coordination.answers import Answer, Result
from coordination.paging import AnswerSource, Reply
from ground.audit import Actor
from incidents.models import LogEntry
from tests.factories import a_callout, an_expert, an_incident, invitation_of, status_of
from tests.moments import NOON, minutes
from tests.together import in_the_middle_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite nobody comes in the middle"),
]

YES = Answer(Reply.ACCEPT, AnswerSource.LINK)
SELF = Actor(None, "本人")
LATER = NOON + minutes(10)  # 李工's window is over


def test_who_says_yes_while_the_last_seat_is_being_taken_is_kept_in_reserve():
    li, wang = an_expert("李工"), an_expert("王工")
    callout = a_callout(an_incident(), asks=[li, wang], seats=1, at=NOON)
    callouts.resume(callout, by=SELF, at=NOON)  # 王工 is asked ahead of time
    of_li, of_wang = (invitation_of(callout, who) for who in (li, wang))

    came = in_the_middle_of(
        lambda: answers.answer(of_li, YES, by=SELF, at=NOON),
        lambda: answers.answer(of_wang, YES, by=SELF, at=NOON),
    )

    assert (came.first, came.second) == (Result.SEATED, Result.RESERVE)
    assert callout.requirements.get().seats.get().invitation == of_li


def test_a_step_that_falls_due_while_a_yes_is_written_down_does_not_undo_it():
    li, wang = an_expert("李工"), an_expert("王工")
    callout = a_callout(an_incident(), asks=[li, wang], at=NOON)
    of_li = invitation_of(callout, li)

    came = in_the_middle_of(
        lambda: answers.answer(of_li, YES, by=SELF, at=LATER),
        lambda: callouts.advance(callout.pk, at=LATER),
    )

    assert came.first is Result.SEATED
    assert came.had_to_wait
    assert status_of(callout, li) == "accepted"
    assert status_of(callout, wang) == "listed"


def test_a_second_loop_at_the_same_callout_finds_the_step_done():
    li, wang = an_expert("李工"), an_expert("王工")
    callout = a_callout(an_incident(), asks=[li, wang], at=NOON)

    in_the_middle_of(*[lambda: callouts.advance(callout.pk, at=LATER)] * 2)

    assert callout.deliveries.filter(purpose="ask", invitation__expert=wang).count() == 1
    assert LogEntry.objects.filter(text__startswith="李工 超时未答复").count() == 1


def test_a_sender_takes_the_next_messages_while_another_is_still_claiming():
    a_callout(an_incident(), asks=[an_expert(f"专家{number}") for number in range(8)], seats=8, at=NOON)

    came = in_the_middle_of(
        *[lambda: deliveries.claim(slots=3, holder=uuid.uuid4(), at=NOON + minutes(1))] * 2
    )

    first, second = ({one.delivery_id for one in claimed} for claimed in (came.first, came.second))
    assert not came.had_to_wait
    assert len(first) == len(second) == 3
    assert not first & second
