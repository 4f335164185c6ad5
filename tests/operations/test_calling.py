"""A callout and the recommendation that it rests on are written together, or neither is."""

from __future__ import annotations

import pytest

from contracts.models import Enterprise
from coordination import calling, callouts, guidance, recommendations
from coordination.models import Callout, Delivery, Recommendation, RecommendationInputs
from experts.models import Expert
from incidents.models import LogEntry
from tests.factories import (
    OFFICER,
    a_callout,
    a_round,
    an_accepted_request,
    an_enterprise,
    an_expert,
    an_incident,
    invitee,
    proposed,
)
from tests.moments import NOON

pytestmark = pytest.mark.django_db


class DiskFull(Exception):
    pass


@pytest.fixture
def jinyuan() -> Enterprise:
    return an_enterprise("津远化工公司")


@pytest.fixture
def li() -> Expert:
    return an_expert("李建国")


@pytest.fixture
def wang() -> Expert:
    return an_expert("王海燕")


@pytest.fixture
def nothing_can_be_kept(monkeypatch):
    def full(*args, **kwargs):
        raise DiskFull

    monkeypatch.setattr(RecommendationInputs.objects, "create", full)


def matched(subject):
    return recommendations.propose(subject, recommendations.proposed_requirements(subject), at=NOON)


def test_a_callout_carries_the_recommendation_that_it_rests_on(jinyuan, li):
    proposal = matched(an_incident(jinyuan))

    callout = calling.start(
        proposal, recommendations.invitees(proposal), policy="urgent", by=OFFICER, at=NOON
    )

    assert Recommendation.objects.get().callout == callout


def test_nobody_is_asked_on_a_recommendation_that_could_not_be_kept(jinyuan, li, nothing_can_be_kept):
    incident = an_incident(jinyuan)
    log = LogEntry.objects.count()
    proposal = matched(incident)

    with pytest.raises(DiskFull):
        calling.start(proposal, recommendations.invitees(proposal), policy="urgent", by=OFFICER, at=NOON)

    incident.refresh_from_db()
    assert not Callout.objects.exists() and not Recommendation.objects.exists()
    assert not Delivery.objects.exists() and LogEntry.objects.count() == log
    assert incident.status == "reported"


def test_nobody_is_added_on_a_recommendation_that_could_not_be_kept(jinyuan, li, wang, nothing_can_be_kept):
    incident = an_incident(jinyuan)
    callout = a_callout(incident, asks=[li])

    with pytest.raises(DiskFull):
        calling.add(callout, matched(incident), [invitee(wang)], by=OFFICER, at=NOON)

    assert [one.expert for one in callout.invitations.all()] == [li]


def test_a_request_is_not_sourced_on_a_recommendation_that_could_not_be_kept(
    jinyuan, li, nothing_can_be_kept
):
    request = an_accepted_request(jinyuan)

    with pytest.raises(DiskFull):
        a_round(request, asks=[li])

    request.refresh_from_db()
    assert request.status == "accepted"
    assert not Callout.objects.exists()


def test_whoever_is_added_to_a_running_round_has_the_recommendation_kept_too(jinyuan, li, wang):
    request = an_accepted_request(jinyuan)
    callout = a_round(request, asks=[li])

    guidance.ask_more(request, callout, proposed(request), [invitee(wang)], by=OFFICER, at=NOON)

    assert Recommendation.objects.filter(callout=callout).count() == 2


def test_the_callout_of_a_second_tap_is_refused_and_leaves_no_second_recommendation(jinyuan, li):
    incident = an_incident(jinyuan)
    proposal = matched(incident)
    people = recommendations.invitees(proposal)
    calling.start(proposal, people, policy="urgent", known=0, by=OFFICER, at=NOON)

    with pytest.raises(callouts.SomebodyWasQuicker):
        calling.start(proposal, people, policy="urgent", known=0, by=OFFICER, at=NOON)

    assert Recommendation.objects.count() == 1
