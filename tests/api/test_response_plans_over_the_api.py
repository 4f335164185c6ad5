"""The response plans, read by a program."""

from __future__ import annotations

import pytest

from coordination.plan_templates import TEMPLATES
from ground.access import Role
from tests.factories import a_duty_officer, a_user

pytestmark = pytest.mark.django_db


def test_a_program_reads_the_plans_with_the_label(caller):
    api = caller(a_duty_officer())

    everything = api.get("response-plans/").json()["results"]
    (leak,) = api.get("response-plans/", kind="hazchem_leak").json()["results"]

    assert len(everything) == len(TEMPLATES)
    assert (leak["source"], leak["version"], leak["industry"]) == ("推荐模板", 1, None)
    assert leak["lines"][0] == {
        "from_level": "ordinary",
        "kind": "expert",
        "mode": "onsite",
        "industry": "incident",
        "specialty": "hazchem_response",
        "capability": "",
        "seats": 2,
        "critical": True,
        "urgent": False,
    }


def test_a_program_may_not_change_them(caller):
    assert caller(a_duty_officer()).post("response-plans/", {}).status_code == 405
    assert caller(a_user("roster", Role.ROSTER_ADMIN)).get("response-plans/").status_code == 403
