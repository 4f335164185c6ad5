"""Where the installation knows the roads, those who would be first are measured by them, and it is said."""

from __future__ import annotations

from collections import Counter

import pytest

from coordination import recommendations, replays
from coordination.callouts import RequirementSpec
from coordination.models import Recommendation
from coordination.paging import InviteeKind, Mode
from ground import travel_time
from ground.places import TravelTimeBasis
from tests.factories import OFFICER, a_team, an_expert, an_incident, industry
from tests.moments import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

TEAM = [RequirementSpec(InviteeKind.TEAM, 1)]


@pytest.fixture
def roads(monkeypatch):
    """A road that makes the nearer team, 曹妃甸, take two hours: the bridge is closed."""

    class Roads:
        basis = TravelTimeBasis.ROUTER

        def minutes(self, origins, destination):
            return [120.0 if one.km_to(destination) < 20 else 40.0 for one in origins]

    monkeypatch.setattr(travel_time, "installed", Roads)


@pytest.fixture
def questions(monkeypatch):
    """What a routing service is asked: the places from which to drive, a list for each question."""
    asked = []

    class Service:
        basis = TravelTimeBasis.ROUTER

        def minutes(self, origins, destination):
            asked.append(origins)
            return [40.0 for _ in origins]

    monkeypatch.setattr(travel_time, "installed", Service)
    return asked


def proposed(incident):
    return recommendations.propose(incident, TEAM, at=NOON)


def test_the_team_that_is_there_first_by_road_is_proposed(roads):
    a_team("曹妃甸队", region="130209")
    fengrun = a_team("丰润队", region="130208")

    one = proposed(an_incident()).matching["1"]

    assert one.picks == (fengrun.pk,)
    row = one.picked_rows()[0]
    assert row.travel_basis is TravelTimeBasis.ROUTER
    assert row.minutes == 45  # forty on the road, five to turn out
    assert "导航测算" in row.parts[1].words.zh


def test_the_straight_line_would_have_proposed_the_other():
    caofeidian = a_team("曹妃甸队", region="130209")
    a_team("丰润队", region="130208")

    one = proposed(an_incident()).matching["1"]

    assert one.picks == (caofeidian.pk,)
    assert one.picked_rows()[0].travel_basis is TravelTimeBasis.STRAIGHT_LINE


def test_the_drives_are_kept_so_that_the_answer_can_be_worked_out_again(roads):
    a_team("曹妃甸队", region="130209")
    a_team("丰润队", region="130208")
    recommendations.keep(proposed(an_incident()), by=OFFICER, at=NOON)

    kept = Recommendation.objects.get()

    assert len(kept.outcome["need"]["drives"]) == 2
    assert replays.worked_out_again(kept) == kept.outcome


def test_the_service_is_asked_once_for_all_requirements(questions):
    a_team("曹妃甸队"), an_expert("李工"), an_expert("周工", practises="MK")
    specs = [
        *TEAM,
        *(RequirementSpec(InviteeKind.EXPERT, 1, industry=industry(code)) for code in ("WH", "MK")),
    ]

    matching = recommendations.propose(an_incident(), specs, at=NOON).matching

    assert len(questions) == 1
    assert {row.travel_basis for one in matching for row in one.picked_rows()} == {TravelTimeBasis.ROUTER}


def test_requirements_with_many_candidates_leave_room_for_those_with_few(questions):
    """Of 60 chemists and 3 teams the 22 nearest chemists and all the teams are measured, 25 in all."""
    for number in range(60):
        an_expert(f"专家{number}", latitude=39.0 + number / 100)
    for name in ("甲队", "乙队", "丙队"):
        a_team(name, region="130100")
    specs = [RequirementSpec(InviteeKind.EXPERT, 4, industry=industry()), *TEAM]

    matching = recommendations.propose(an_incident(), specs, at=NOON).matching

    assert [len(origins) for origins in questions] == [travel_time.SHORTLIST]
    kinds = Counter(drive.kind for drive in matching.need.drives)
    assert kinds == {InviteeKind.EXPERT: travel_time.SHORTLIST - 3, InviteeKind.TEAM: 3}


def test_whoever_two_requirements_want_is_measured_once(questions):
    li = an_expert("李工")
    spec = RequirementSpec(InviteeKind.EXPERT, 1, industry=industry())

    recommendations.propose(an_incident(), [spec, spec], at=NOON)

    assert questions == [[li.point]]


def test_advice_from_afar_needs_no_road(questions):
    an_expert("李工")
    spec = RequirementSpec(InviteeKind.EXPERT, 1, industry=industry(), mode=Mode.REMOTE)

    (row,) = recommendations.propose(an_incident(), [spec], at=NOON).matching["1"].picked_rows()

    assert (questions, row.minutes) == ([], 0)
