"""Reading the candidates costs the same at any size, and never answers from yesterday's roster."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from contracts.models import Interest, InterestKind
from coordination import recommendations
from coordination.answers import Answer, answer
from coordination.matching import Situation
from coordination.paging import AnswerSource, InviteeKind, Reply
from experts.models import Absence, Expert
from ground.audit import Actor
from tests.factories import (
    OFFICER,
    a_callout,
    a_team,
    an_agreement,
    an_expert,
    an_incident,
    invitation_of,
)
from tests.moments import NOON, TODAY, minutes
from tests.roster_at_scale import many_experts

pytestmark = pytest.mark.django_db


def proposal_for(incident):
    return recommendations.propose(incident, recommendations.proposed_requirements(incident), at=NOON)


def names_proposed(incident):
    return {row.name for row in proposal_for(incident).matching["1"].rows()}


def why_not(incident, name):
    return {
        reason.code
        for one in proposal_for(incident).matching["1"].excluded()
        if one.name == name
        for reason in one.reasons
    }


def queries(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def test_a_question_costs_the_same_queries_at_76_and_at_10_000_experts():
    incident = an_incident()
    proposal_for(incident)  # the names of specialties and the teams are read once for good
    many_experts(76, day=TODAY)
    first_at_76, then_at_76 = (queries(lambda: proposal_for(incident)) for _ in range(2))

    many_experts(10_000 - 76, day=TODAY)
    first_at_10_000, then_at_10_000 = (queries(lambda: proposal_for(incident)) for _ in range(2))

    assert Expert.objects.count() == 10_000
    assert first_at_76 == first_at_10_000
    assert then_at_76 == then_at_10_000
    assert then_at_10_000 < first_at_10_000 <= 20


def test_a_leave_entered_now_counts_at_the_next_question():
    incident = an_incident()
    li = an_expert("李工")
    assert names_proposed(incident) == {"李工"}

    Absence.objects.create(expert=li, starts_on=TODAY, ends_on=TODAY)

    assert names_proposed(incident) == set()
    assert why_not(incident, "李工") == {"absent"}


def test_what_was_read_in_a_transaction_that_failed_is_not_remembered():
    incident = an_incident()
    an_expert("李工")

    with pytest.raises(RuntimeError), transaction.atomic():
        an_expert("王工")
        assert names_proposed(incident) == {"李工", "王工"}
        raise RuntimeError

    an_expert("赵工")
    assert names_proposed(incident) == {"李工", "赵工"}


def test_every_reason_against_somebody_is_given():
    incident = an_incident()
    li = an_expert("李工", term=(date(2020, 1, 1), date(2026, 11, 23)), suspended_on=TODAY)
    Absence.objects.create(expert=li, starts_on=TODAY, ends_on=TODAY)

    assert len(why_not(incident, "李工")) == 3


def test_who_is_deployed_is_left_out_with_the_incident_they_are_at():
    li = an_expert("李工")
    first = an_incident()
    callout = a_callout(first, asks=[li])
    answer(
        invitation_of(callout, li), Answer(Reply.ACCEPT, AnswerSource.LINK), by=Actor(None, "本人"), at=NOON
    )
    second = an_incident(first.enterprise)

    (excluded,) = proposal_for(second).matching["1"].excluded()

    assert first.number in "".join(reason.words.zh for reason in excluded.reasons)


def test_an_interest_is_disclosed_in_a_rescue_and_bars_a_plan_review():
    incident = an_incident()
    li = an_expert("李工")
    Interest.objects.create(expert=li, enterprise=incident.enterprise, kind=InterestKind.ADVISES)
    requirements = recommendations.proposed_requirements(incident)[:1]

    (rescue,) = proposal_for(incident).matching["1"].rows()
    review = recommendations.propose_for(
        Situation.PLAN_REVIEW,
        requirements,
        place=incident.point,
        enterprise_id=incident.enterprise_id,
        at=NOON,
    )

    assert any("受聘顾问" in caution.words.zh for caution in rescue.cautions)
    assert review.matching["1"].rows() == []
    (excluded,) = review.matching["1"].excluded()
    assert any(reason.law and reason.law.article.zh == "第二十二条" for reason in excluded.reasons)


def test_a_team_with_an_agreement_comes_with_its_basis():
    incident = an_incident()
    bound, free = a_team("协议队"), a_team("邻近队")
    an_agreement(incident.enterprise, bound)

    rows = {row.name: row for row in proposal_for(incident).matching["2"].rows()}

    assert rows["协议队"].basis.basis == "agreement"
    assert rows["邻近队"].basis.basis == "order"
    assert free.name in rows


def test_an_agreement_that_one_side_has_not_confirmed_obliges_nobody():
    incident = an_incident()
    an_agreement(incident.enterprise, a_team("未签队"), confirmed=False)

    (row,) = proposal_for(incident).matching["2"].rows()

    assert row.basis.basis == "order"


def test_a_no_of_yesterday_is_not_held_against_anybody():
    def cautions_after_a_no(name, *, at):
        expert = an_expert(name)
        callout = a_callout(an_incident(), asks=[expert], at=at)
        no = Answer(Reply.DECLINE, AnswerSource.LINK)
        answer(invitation_of(callout, expert), no, by=Actor(None, "本人"), at=at)
        rows = proposal_for(an_incident()).matching["1"].rows()
        return {caution.code for row in rows if row.name == name for caution in row.cautions}

    assert "refused_today" in cautions_after_a_no("李工", at=NOON - minutes(60))
    assert "refused_today" not in cautions_after_a_no("王工", at=NOON - minutes(24 * 60))


def test_the_list_of_a_callout_follows_the_ranking_and_names_nobody_twice():
    incident = an_incident()
    for number in range(14):
        an_expert(f"专家{number}")

    listed = recommendations.invitees(proposal_for(incident))

    experts = [one.expert for one in listed if one.expert]
    assert len(experts) == len(set(experts)) == recommendations.LISTED
    assert experts[0].pk in proposal_for(incident).matching["1"].picks


def test_whom_the_officer_chose_against_a_bar_carries_the_reason():
    incident = an_incident()
    li = an_expert("李工")
    Absence.objects.create(expert=li, starts_on=TODAY, ends_on=TODAY)

    (chosen,) = recommendations.invitees(proposal_for(incident), {"1": [li.pk]})

    assert chosen.expert == li
    assert chosen.override_reason
    assert chosen.reasons["reasons"][0]["code"] == "absent"


def test_what_was_proposed_is_kept_as_it_was_shown():
    incident = an_incident()
    an_expert("李工")
    proposal = proposal_for(incident)

    kept = recommendations.keep(proposal, by=OFFICER, at=NOON)

    assert kept.outcome["matches"][0]["rows"][0]["name"] == "李工"
    assert kept.rules_version == proposal.matching.rules_version
    assert kept.need["situation"] == "rescue"


def test_people_shown_come_with_their_rows_in_one_query_a_kind():
    incident = an_incident()
    for number in range(8):
        an_expert(f"专家{number}")
    proposal = proposal_for(incident)
    ids = proposal.matching["1"].ids()

    with CaptureQueriesContext(connection) as captured:
        people = [proposal.invitee(InviteeKind.EXPERT, pk) for pk in ids]

    assert all(people)
    assert len(captured) == 2  # the experts, and their contacts
