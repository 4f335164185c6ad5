"""Two officers start a contact drill in the same instant: nobody is written to twice."""

from __future__ import annotations

import pytest

from coordination import contact_drills
from coordination.contact_drills import StillRunning
from coordination.models import ContactDrill, Delivery
from coordination.paging import Purpose
from ground.audit import Actor
from tests.factories import an_expert
from tests.moments import NOON
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_at_once_start_one_drill_and_the_other_is_told_that_it_runs():
    an_expert("李工")
    started = [
        lambda officer=officer: contact_drills.start(by=Actor(None, officer), at=NOON)
        for officer in ("陈立", "周一")
    ]

    found = at_once(*started, refused=StillRunning)

    assert {type(one) for one in found} == {ContactDrill, StillRunning}
    assert Delivery.objects.filter(purpose=Purpose.DRILL).count() == 1
