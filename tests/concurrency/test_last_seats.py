"""Many people answer in the same instant: every seat is filled, and none is filled twice."""

from __future__ import annotations

import uuid

import pytest

from coordination import answers, callouts, closing, deliveries
from coordination.answers import Answer, Result
from coordination.models import Callout, Invitation, Seat
from coordination.paging import AnswerSource, Reply
from ground.audit import Actor
from tests.factories import OFFICER, a_callout, an_enterprise, an_expert, an_incident
from tests.moments import NOON, minutes
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

YES = Answer(Reply.ACCEPT, AnswerSource.LINK)
RUNS = 50


def says_yes(invitation: Invitation, *, at) -> Result:
    return answers.answer(Invitation.objects.get(pk=invitation.pk), YES, by=Actor(None, "本人"), at=at)


def seats_of(callout: Callout):
    return Seat.objects.filter(requirement__callout=callout)


def test_twelve_yeses_at_once_for_three_seats_seat_exactly_three():
    enterprise = an_enterprise()
    twelve = [an_expert(f"专家{number}") for number in range(1, 13)]

    for run in range(RUNS):
        at = NOON + minutes(run)
        incident = an_incident(enterprise, at=at)
        callout = a_callout(incident, asks=twelve, seats=3, at=at)
        invitations = list(callout.invitations.all())

        said = at_once(*(lambda i=i, at=at: says_yes(i, at=at) for i in invitations))

        assert said.count(Result.SEATED) == 3, f"run {run}: {said}"
        assert said.count(Result.RESERVE) == 9, f"run {run}: {said}"
        assert seats_of(callout).exclude(invitation=None).count() == 3
        assert callout.invitations.filter(status="accepted").count() == 3
        callout.refresh_from_db()
        assert callout.status == "filled"
        closing.close_incident(incident, outcome="处置完毕", by=OFFICER, at=at)


def test_one_person_accepting_in_two_incidents_at_once_gets_one_seat():
    li = an_expert("李工")
    enterprise = an_enterprise()
    here = a_callout(an_incident(enterprise), asks=[li], at=NOON)
    there = a_callout(an_incident(enterprise), asks=[li], at=NOON)

    def tries(callout):
        try:
            return says_yes(callout.invitations.get(), at=NOON)
        except answers.AlreadyEngaged as refused:
            return refused

    said = at_once(lambda: tries(here), lambda: tries(there))

    assert said.count(Result.SEATED) == 1
    assert sum(isinstance(one, answers.AlreadyEngaged) for one in said) == 1


def test_a_yes_and_a_no_of_the_same_person_at_once_leave_seat_and_status_in_agreement():
    li, wang = an_expert("李工"), an_expert("王工")
    callout = a_callout(an_incident(), asks=[li, wang], at=NOON)
    invitation = callout.invitations.get(expert=li)
    no = Answer(Reply.DECLINE, AnswerSource.LINK)

    at_once(
        lambda: says_yes(invitation, at=NOON),
        lambda: answers.answer(Invitation.objects.get(pk=invitation.pk), no, by=Actor(None, "本人"), at=NOON),
    )

    invitation.refresh_from_db()
    seated = seats_of(callout).filter(invitation=invitation).exists()
    assert seated == (invitation.status == "accepted")
    assert invitation.status in {"accepted", "declined", "withdrawn"}


def test_the_same_wave_is_sent_once_though_many_advance_it():

    li, wang = an_expert("李工"), an_expert("王工")
    callout = a_callout(an_incident(), asks=[li, wang], at=NOON)
    later = NOON + minutes(10)

    at_once(*[lambda: callouts.advance(callout.pk, at=later)] * 6)

    assert callout.deliveries.filter(purpose="ask", invitation__expert=wang).count() == 1
    callout.refresh_from_db()
    assert callout.wave == 2


def test_no_message_is_claimed_by_two_senders():

    experts = [an_expert(f"专家{number}") for number in range(8)]
    a_callout(an_incident(), asks=experts, seats=8, at=NOON)

    claims = at_once(
        *(lambda: deliveries.claim(slots=3, holder=uuid.uuid4(), at=NOON + minutes(1)) for _ in range(6))
    )

    ids = [claimed.delivery_id for claim in claims for claimed in claim]
    assert len(ids) == len(set(ids))
    assert len(ids) <= 8
