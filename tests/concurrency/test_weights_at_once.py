"""Two admins set the weights of matching in the same instant: one version, and the other is told."""

from __future__ import annotations

import pytest

from coordination import weighting
from coordination.matching import Weights
from coordination.models import MatchingWeights
from ground.audit import Actor
from ground.models import AuditEntry
from tests.moments import NOON
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

GAO, WEI = Actor(None, "高洁"), Actor(None, "魏然")
RUNS = 10


def puts(actor: Actor, travel: int, known: int):
    weights = Weights(travel=travel)
    return lambda: weighting.set_weights(weights, reason="试行", known=known, by=actor, at=NOON)


def test_two_at_once_make_one_version_and_the_other_is_told():
    for run in range(RUNS):
        found = at_once(
            puts(GAO, 5 * run, run), puts(WEI, 5 * run + 50, run), refused=weighting.SomebodyWasQuicker
        )

        assert sum(isinstance(one, Weights) for one in found) == 1, f"run {run}: {found}"
        assert sum(isinstance(one, weighting.SomebodyWasQuicker) for one in found) == 1, f"run {run}: {found}"
        assert [row.number for row in MatchingWeights.objects.all()] == list(range(run + 1, 0, -1))
        assert weighting.in_force() in found, "the next match goes by them"


def test_the_same_form_sent_twice_at_once_makes_one_version_and_nobody_is_told_off():
    for run in range(RUNS):
        first, second = at_once(*(puts(GAO, 5 * run, run) for _ in range(2)))

        assert first == second == weighting.in_force()
        assert MatchingWeights.objects.count() == AuditEntry.objects.count() == run + 1
