"""Eight people change the roster at once: the next question sees every change that was made before it.

`MUSTER_CHANGES` says how many changes are made in all; 10,000 before a release, on PostgreSQL.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

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

    def suspend(expert: Expert) -> None:
        roster.suspend(expert, on=TODAY, reason="核查", by=OFFICER, at=NOON)

    def resume(expert: Expert) -> None:
        roster.resume(expert, by=OFFICER, at=NOON)

    def leave(expert: Expert) -> None:
        roster.add_absence(expert, starts_on=TODAY, ends_on=TODAY, by=OFFICER, at=NOON)

    def come_back(expert: Expert) -> None:
        roster.remove_absence(expert.absences.get(), by=OFFICER, at=NOON)

    def write(expert: Expert) -> int:
        """Suspend and resume, then send on leave and call back, and ask after each; count the stale answers."""
        stale = 0
        try:
            together.wait()
            turns = cycle([(suspend, False), (resume, True), (leave, False), (come_back, True)])
            for change, goes in islice(turns, CHANGES // WRITERS // 4 * 4):
                change(expert)
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
