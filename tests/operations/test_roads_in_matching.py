"""Where the installation knows the roads, those who would be first are measured by them, and it is said."""

from __future__ import annotations

import pytest

from coordination import recommendations
from coordination.callouts import RequirementSpec
from coordination.models import Recommendation
from coordination.paging import InviteeKind
from ground import travel_time
from ground.places import TravelTimeBasis
from tests.factories import OFFICER, a_team, an_incident
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
    assert recommendations.worked_out_again(kept) == kept.outcome
