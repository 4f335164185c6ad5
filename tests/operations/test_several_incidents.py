"""Several incidents look for people at once: none counts on somebody whom a worse one needs."""

from __future__ import annotations

import pytest

from coordination import recommendations
from coordination.answers import Answer, answer
from coordination.callouts import RequirementSpec
from coordination.paging import AnswerSource, InviteeKind, Reply
from experts import roster
from ground.audit import Actor
from incidents.handling import Casualties
from incidents.models import Incident
from tests.factories import OFFICER, a_callout, an_enterprise, an_expert, an_incident, industry
from tests.moments import NOON, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

SELF = Actor(None, "本人")


def proposed(incident: Incident) -> recommendations.Proposal:
    spec = RequirementSpec(InviteeKind.EXPERT, 1, industry=industry())
    return recommendations.propose(incident, [spec], at=NOON)


def an_incident_short_of_a_chemist(**casualties: int) -> Incident:
    """An incident that asked 钱工 and was told no: its seat is free, and nobody is asked for it any more."""
    incident = an_incident(an_enterprise("渤海化工", region="130300"), casualties=Casualties(**casualties))
    qian = an_expert("钱工", region="130300")
    callout = a_callout(incident, asks=[qian])
    answer(callout.invitations.get(), Answer(Reply.DECLINE, AnswerSource.LINK), by=SELF, at=NOON)
    roster.suspend(qian, on=TODAY, reason="病休", by=OFFICER, at=NOON)
    return incident


def test_the_only_one_whom_a_worse_incident_needs_is_not_proposed_to_another():
    worse = an_incident_short_of_a_chemist(deaths=4)
    an_expert("李工")
    incident = an_incident()

    one = proposed(incident).matching["1"]

    assert one.picks == ()
    row = one.rows()[0]
    assert [reason.words.zh for reason in row.cautions] == [f"统筹：先留给 {worse.number}"]
    assert recommendations.invitees(proposed(incident)) == []


def test_of_equal_incidents_both_are_filled_when_there_are_enough():
    an_incident_short_of_a_chemist()
    an_expert("李工")
    an_expert("王工")

    assert len(proposed(an_incident()).matching["1"].picks) == 1


def test_a_seat_for_which_somebody_asked_may_yet_say_yes_keeps_nobody_from_others():
    waiting = an_incident(an_enterprise("渤海化工", region="130300"))
    a_callout(waiting, asks=[an_expert("钱工", region="130300")])
    li = an_expert("李工")

    assert proposed(an_incident()).matching["1"].picks == (li.pk,)


def test_a_drill_takes_nobody_from_a_real_incident():
    drill = an_incident_short_of_a_chemist(deaths=40)
    Incident.objects.filter(pk=drill.pk).update(is_drill=True)
    li = an_expert("李工")

    assert proposed(an_incident()).matching["1"].picks == (li.pk,)


def test_the_worse_incident_gets_the_only_one():
    an_incident_short_of_a_chemist()
    li = an_expert("李工")
    worse = an_incident(casualties=Casualties(deaths=4))

    assert proposed(worse).matching["1"].picks == (li.pk,)
