"""One row that makes no sense takes nobody else along."""

from __future__ import annotations

from datetime import date

import pytest

from coordination import recommendations
from tests.factories import an_enterprise, an_expert, an_incident
from tests.moments import NOON

pytestmark = pytest.mark.django_db


def test_an_expert_dismissed_in_the_year_one_is_left_out_and_the_others_are_found():
    odd, li = an_expert("怪人"), an_expert("李工")
    odd.appointments.update(ended_on=date.min)
    incident = an_incident(an_enterprise())

    proposal = recommendations.propose(incident, recommendations.proposed_requirements(incident), at=NOON)

    match = proposal.matching["1"]
    assert match.ids() == [li.pk]
    assert [one.name for one in match.excluded(5)] == ["怪人"]
