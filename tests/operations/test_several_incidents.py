"""Several incidents look for people at once: none counts on somebody whom a worse one needs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.models import Interest, InterestKind
from coordination import callouts, candidates, recommendations, replays
from coordination.answers import Answer, answer
from coordination.callouts import RequirementSpec
from coordination.matching import Need, Requirement, Situation, match_all
from coordination.models import Callout
from coordination.paging import AnswerSource, CalloutStatus, InviteeKind, Mode, Reply
from experts import roster
from experts.models import Expert
from ground.audit import Actor
from incidents.handling import Casualties
from incidents.models import Incident
from tests.factories import (
    OFFICER,
    a_callout,
    a_guidance_request,
    a_team,
    an_agreement,
    an_enterprise,
    an_expert,
    an_incident,
    industry,
    invitation_of,
)
from tests.moments import NOON, TODAY, minutes

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


# --- asked for one, wanted for another --------------------------------------------------------------


def about(proposal: recommendations.Proposal, name: str) -> list[str]:
    """Return what is to be known of somebody before they are asked."""
    (row,) = (row for row in proposal.matching["1"].rows() if row.name == name)
    return [caution.words.zh for caution in row.cautions]


def asked_yesterday(expert: Expert) -> Expert:
    """Somebody who was asked as often lately as those who are asked today; nothing came of it."""
    yesterday = NOON - timedelta(days=1)
    callout = a_callout(an_incident(at=yesterday), asks=[expert], at=yesterday)
    callouts.stop(callout, reason="误报", release_accepted=False, by=OFFICER, at=yesterday)
    return expert


def test_whose_telephone_rings_for_one_incident_is_not_the_first_to_be_asked_for_another():
    li, wang = an_expert("李工"), asked_yesterday(an_expert("王工"))
    first = an_incident(an_enterprise("渤海化工", region="130300"))
    callout = a_callout(first, asks=[li])

    found = proposed(an_incident())

    assert found.matching["1"].picks == (wang.pk,)
    assert about(found, "李工") == [f"正被 {first.number} 通知，尚未答复"]
    assert about(found, "王工") == []

    callouts.stop(callout, reason="险情已控制", release_accepted=False, by=OFFICER, at=NOON)
    assert proposed(an_incident()).matching["1"].picks == (li.pk,)


def test_so_is_a_team_and_it_is_asked_all_the_same_where_nobody_else_is():
    team = a_team("曹妃甸队")
    first = an_incident(an_enterprise("渤海化工", region="130300"))
    a_callout(first, asks=[team])
    wanted = [RequirementSpec(InviteeKind.TEAM, 1)]

    found = recommendations.propose(an_incident(), wanted, at=NOON)

    assert found.matching["1"].picks == (team.pk,)
    assert about(found, "曹妃甸队") == [f"正被 {first.number} 通知，尚未答复"]


@pytest.mark.parametrize(
    "over",
    [
        pytest.param(
            lambda callout, li: answer(
                invitation_of(callout, li), Answer(Reply.DECLINE, AnswerSource.LINK), by=SELF, at=NOON
            ),
            id="Li said no",
        ),
        pytest.param(
            lambda callout, li: callouts.advance(callout.pk, at=NOON + minutes(60)),
            id="Li did not answer in time",
        ),
        pytest.param(
            lambda callout, li: callouts.stop(
                callout, reason="险情已控制", release_accepted=False, by=OFFICER, at=NOON
            ),
            id="the callout was stopped",
        ),
        pytest.param(
            lambda callout, li: Callout.objects.filter(pk=callout.pk).update(status=CalloutStatus.CLOSED),
            id="the callout ended without a word to Li",
        ),
    ],
)
def test_an_ask_that_is_over_is_held_against_nobody(over):
    li = an_expert("李工")
    callout = a_callout(an_incident(an_enterprise("渤海化工", region="130300")), asks=[li])
    assert "尚未答复" in "".join(about(proposed(an_incident()), "李工"))

    over(callout, li)

    assert "尚未答复" not in "".join(about(proposed(an_incident()), "李工"))


def test_a_remote_ask_is_an_ask_too():
    li = an_expert("李工")
    first = an_incident(an_enterprise("渤海化工", region="130300"))
    a_callout(first, asks=[li], mode=Mode.REMOTE)

    assert about(proposed(an_incident()), "李工") == [f"正被 {first.number} 通知，尚未答复"]


def test_somebody_asked_in_a_drill_is_told_of_and_goes_first_all_the_same():
    li = an_expert("李工")
    asked_yesterday(an_expert("王工"))
    drill = an_incident(an_enterprise("渤海化工", region="130300"), is_drill=True)
    a_callout(drill, asks=[li])

    found = proposed(an_incident())

    assert found.matching["1"].picks == (li.pk,)
    assert about(found, "李工") == [f"正被 演练 {drill.number} 通知，尚未答复"]


def test_a_question_about_a_visit_waits_for_another_day_and_keeps_nobody_back():
    li = an_expert("李工")
    a_callout(a_guidance_request(), asks=[li], policy="patient")

    assert about(proposed(an_incident()), "李工") == []


def test_an_incident_that_asks_more_people_warns_of_no_question_of_its_own():
    """Two incidents are filled in one run: each has asked somebody, and only the other's question counts."""
    li, wang = an_expert("李工"), an_expert("王工")
    an_expert("赵工")
    first = an_incident(an_enterprise("渤海化工", region="130300"))
    second = an_incident()
    a_callout(first, asks=[li], seats=2)
    a_callout(second, asks=[wang], seats=2)

    found = proposed(second)
    (other,) = found.others

    assert about(found, "李工") == [f"正被 {first.number} 通知，尚未答复"]
    assert [reason.code for reason in found.matching["1"].about(wang.pk).reasons] == ["already_asked"]
    (row,) = (row for row in other["1"].rows() if row.name == "王工")
    assert f"正被 {second.number} 通知，尚未答复" in [caution.words.zh for caution in row.cautions]
    assert [reason.code for reason in other["1"].about(li.pk).reasons] == ["already_asked"]


def test_what_was_being_asked_then_is_kept_with_the_recommendation():
    li = an_expert("李工")
    an_expert("王工")
    drill = an_incident(an_enterprise("渤海化工", region="130300"), is_drill=True)
    asking = a_callout(an_incident(drill.enterprise), asks=[li])
    a_callout(drill, asks=[an_expert("赵工")])
    kept = recommendations.keep(proposed(an_incident()), by=OFFICER, at=NOON)
    kept.refresh_from_db()

    answer(invitation_of(asking, li), Answer(Reply.DECLINE, AnswerSource.LINK), by=SELF, at=NOON)

    assert "演练" in str(kept.outcome) and "排序时按晚 30 分钟计" in str(kept.outcome)
    assert replays.worked_out_again(kept) == kept.outcome


# --- ties to the enterprises of all of them ---------------------------------------------------------


def test_an_agreement_with_the_second_firm_obliges_its_team_there_and_only_there():
    here, there = an_enterprise(), an_enterprise("渤海化工", region="130300")
    qian, bound = a_team("秦皇岛队", region="130300"), a_team("曹妃甸队")
    promise = an_agreement(there, bound)
    first = an_incident(there)
    a_callout(first, asks=[qian], seats=2)

    found = recommendations.propose(an_incident(here), [RequirementSpec(InviteeKind.TEAM, 1)], at=NOON)

    (own,) = (row for row in found.matching["1"].rows() if row.name == "曹妃甸队")
    (other,) = (row for row in found.others[0]["1"].rows() if row.name == "曹妃甸队")
    assert own.basis and own.basis.basis == "order"
    assert other.basis and (other.basis.basis, other.basis.number) == ("agreement", promise.number)


def test_so_is_an_interest_in_the_second_firm_disclosed_there_and_only_there():
    here, there = an_enterprise(), an_enterprise("渤海化工", region="130300")
    li = an_expert("李工")
    Interest.objects.create(expert=li, enterprise=there, kind=InterestKind.ADVISES)
    a_callout(an_incident(there), asks=[an_expert("钱工", region="130300")], seats=2)

    found = proposed(an_incident(here))

    (row,) = (row for row in found.others[0]["1"].rows() if row.name == "李工")
    assert "须说明" not in "".join(about(found, "李工"))
    assert "interest_to_disclose" in [caution.code for caution in row.cautions]


def test_an_interest_in_the_second_firm_bars_from_the_review_of_its_plan():
    here, there = an_enterprise(), an_enterprise("渤海化工", region="130300")
    li, wang = an_expert("李工"), an_expert("王工", region="130100")
    Interest.objects.create(expert=li, enterprise=there, kind=InterestKind.ADVISES)
    review, other_review = (
        Need(
            situation=Situation.PLAN_REVIEW,
            requirements=(Requirement(key="1", industry="WH"),),
            at=NOON,
            on=TODAY,
            place=firm.point,
            enterprise_id=firm.pk,
        )
        for firm in (here, there)
    )

    experts, teams = candidates.pools(review, other_review)
    one, other = match_all([review, other_review], experts=experts, teams=teams)

    assert (one["1"].picks, other["1"].picks) == ((li.pk,), (wang.pk,))
    assert [reason.code for reason in other["1"].about(li.pk).reasons] == ["recused"]


def test_two_firms_cost_no_more_queries_than_one():
    here, there = (
        Need(situation=Situation.RESCUE, requirements=(), at=NOON, on=TODAY, enterprise_id=firm.pk)
        for firm in (an_enterprise(), an_enterprise("渤海化工"))
    )
    candidates.pools(here)

    with CaptureQueriesContext(connection) as for_one:
        candidates.pools(here)
    with CaptureQueriesContext(connection) as for_two:
        candidates.pools(here, there)

    assert len(for_one) == len(for_two)
