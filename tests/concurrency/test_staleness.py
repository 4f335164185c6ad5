"""Eight people change the roster at once: the next question sees every change that was made before it.

`MUSTER_CHANGES` says how many changes are made in all; 10,000 before a release, on PostgreSQL.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from coordination import candidates
from coordination.matching import InviteeKind, Need, Requirement, Situation, match
from experts import roster
from experts.models import Expert
from tests.factories import OFFICER, an_expert
from tests.moments import NOON, TODAY

# Ten thousand changes take minutes.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]

WRITERS = 8
CHANGES = int(os.environ.get("MUSTER_CHANGES", "400"))
CHEMIST = Need(
    situation=Situation.RESCUE,
    requirements=(Requirement(key="1", kind=InviteeKind.EXPERT, industry="WH"),),
    at=NOON,
    on=TODAY,
)


def may_go(expert: Expert) -> bool:
    """Ask as a page does: take the pools as they are, and match."""
    experts, teams = candidates.pools(CHEMIST)
    return expert.pk in match(CHEMIST, experts=experts, teams=teams)["1"].ids()


def test_no_question_after_a_change_is_answered_from_before_it():
    crowd = [an_expert(f"专家{number}") for number in range(76)]
    mine = crowd[:WRITERS]
    together = threading.Barrier(WRITERS)

    def write(expert: Expert) -> int:
        """Suspend and resume one expert in turn, and ask after each; return how many answers were stale."""
        stale = 0
        try:
            together.wait()
            for change in range(CHANGES // WRITERS):
                goes = change % 2 == 1
                if goes:
                    roster.resume(expert, by=OFFICER, at=NOON)
                else:
                    roster.suspend(expert, on=TODAY, reason="核查", by=OFFICER, at=NOON)
                stale += may_go(expert) is not goes
            return stale
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as pool:
        stale = list(pool.map(write, mine))

    assert sum(stale) == 0, f"{sum(stale)} of {CHANGES} answers were stale"
    # And when all is quiet, what is kept in memory is what the database says.
    suspended = set(Expert.objects.suspended().values_list("pk", flat=True))
    assert {expert.pk for expert in crowd if not may_go(expert)} == suspended
