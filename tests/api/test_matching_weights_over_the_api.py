"""The weights of matching, read by a program."""

from __future__ import annotations

import pytest

from coordination import weighting
from coordination.matching import Weights
from coordination.weight_settings import values_of
from ground.access import Role
from tests.factories import OFFICER, a_duty_officer, a_user
from tests.moments import NOON

pytestmark = pytest.mark.django_db

DEFAULTS = Weights()
SOONEST_FIRST = Weights(expertise=20, travel=100, load=0, freshness=4)


def test_while_nobody_has_set_them_a_program_reads_the_defaults(caller):
    told = caller(a_duty_officer()).get("matching-weights/").json()

    assert (told["version"], told["number"], told["set_by"]) == (DEFAULTS.version, 0, None)
    assert values_of(DEFAULTS).items() <= told.items()


def test_afterwards_those_in_force_with_their_version(caller):
    weighting.set_weights(SOONEST_FIRST, reason="先看到场时间", known=0, by=OFFICER, at=NOON)

    told = caller(a_user("gao", Role.SYSTEM_ADMIN)).get("matching-weights/").json()

    assert told == {
        "version": f"{DEFAULTS.version}+1",
        "number": 1,
        "set_at": "2026-11-24T14:18:00+08:00",
        "set_by": "陈立",
        "reason": "先看到场时间",
        **values_of(SOONEST_FIRST),
        "points": {"expertise": 16.0, "travel": 80.0, "load": 0.0, "freshness": 4.0},
    }


def test_a_match_names_the_version_that_it_went_by(caller):
    weighting.set_weights(SOONEST_FIRST, reason="先看到场时间", known=0, by=OFFICER, at=NOON)
    asked = {
        "requirements": [{"kind": "expert", "industry": "WH", "seats": 1}],
        **{"latitude": 39.6, "longitude": 118.2},
    }

    told = caller(a_duty_officer()).post("matches/", asked).json()

    assert told["weights_version"] == f"{DEFAULTS.version}+1"


def test_a_program_may_not_set_them(caller):
    assert caller(a_user("gao", Role.SYSTEM_ADMIN)).post("matching-weights/", {}).status_code == 405
    assert caller(a_user("firm", Role.ENTERPRISE)).get("matching-weights/").status_code == 403
