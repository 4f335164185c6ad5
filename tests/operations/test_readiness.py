"""What a rescue team says of itself, and what stays as it was."""

from __future__ import annotations

import pytest

from contracts import readiness
from contracts.models import TeamState
from ground.audit import Actor
from ground.models import AuditEntry
from tests.factories import a_team
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
HAN = Actor(None, "韩铁军")


def end_shift(team, ago):
    readiness.end_apparatus_shift(team, ended_at=NOON - minutes(ago), by=HAN, at=NOON)
    team.refresh_from_db()
    return team.apparatus_shift_ended_at


def test_the_end_of_a_shift_under_breathing_apparatus_is_written_with_who_said_so():
    team = a_team("古冶矿山救援队")

    assert end_shift(team, ago=20) == NOON - minutes(20)

    (entry,) = AuditEntry.objects.filter(action="team.apparatus_shift")
    assert entry.actor_label == "韩铁军"
    assert entry.details["after"] == (NOON - minutes(20)).isoformat()
    assert team.state == TeamState.READY  # its state is its own to say


def test_the_latest_shift_counts_and_saying_it_twice_changes_nothing():
    team = a_team("古冶矿山救援队")
    end_shift(team, ago=20)

    assert end_shift(team, ago=20) == NOON - minutes(20)
    assert end_shift(team, ago=90) == NOON - minutes(20)
    assert AuditEntry.objects.filter(action="team.apparatus_shift").count() == 1
    assert end_shift(team, ago=5) == NOON - minutes(5)


def test_a_shift_that_has_not_ended_is_refused_in_words():
    team = a_team("古冶矿山救援队")

    with pytest.raises(readiness.NotYet, match="晚于现在"):
        end_shift(team, ago=-1)

    team.refresh_from_db()
    assert team.apparatus_shift_ended_at is None


def test_a_disbanded_team_says_nothing_any_more():
    with pytest.raises(readiness.Disbanded):
        end_shift(a_team("旧队", state=TeamState.DISBANDED), ago=20)
