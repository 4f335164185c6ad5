"""How long it takes to say whom to ask, beside what one would write first.

    python -m benchmarks.candidates [SIZE ...]      (76 and 10000 when none is given)

Both answer the same question on the same rows of the installation's kind of database (a scratch SQLite
file, or DATABASE_URL): the twenty nearest available experts of one industry. The naive loop fetches every
row through the ORM, asks `geopy.distance.geodesic` for each and sorts; ours is the whole
`recommendations.propose`, with every reason, score and seat. Times are milliseconds; read the ratios.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from geopy.distance import geodesic

from coordination import recommendations
from coordination.callouts import RequirementSpec
from coordination.matching import Situation
from coordination.paging import InviteeKind
from experts.models import Expert
from ground import clock, revisions
from ground.models import Industry, Region
from ground.places import Point
from tests.roster_at_scale import many_experts


def main(sizes: list[int]) -> None:
    call_command("migrate", verbosity=0)
    print(f"database: {connection.vendor}")
    print(f"{'experts':>8} {'what':<34} {'queries':>8} {'p50 ms':>9} {'p99 ms':>9}")
    made = 0
    for size in sorted(sizes):
        many_experts(size - made, day=clock.day_of(clock.now()))
        made = size
        _compare(size)


def _compare(size: int) -> None:

    industry = Industry.objects.get(code="WH")
    counties = list(Region.objects.filter(level="county"))
    at = clock.now()
    day = clock.day_of(at)
    requirements = [RequirementSpec(InviteeKind.EXPERT, 3, industry=industry)]
    dice = random.Random(11)

    def somewhere() -> Point:
        county = dice.choice(counties)
        return Point(county.latitude, county.longitude)

    def ours(place: Point) -> list[int]:
        proposal = recommendations.propose_for(Situation.RESCUE, requirements, place=place, at=at)
        return [row.id for row in proposal.matching["1"].rows(0, 20)]

    def naive(place: Point) -> list[int]:
        ranked = []
        for expert in Expert.objects.prefetch_related("practices", "appointments", "absences"):
            if not any(practice.industry_id == industry.pk for practice in expert.practices.all()):
                continue
            if not _available(expert, day):
                continue
            km = geodesic((place.latitude, place.longitude), (expert.latitude, expert.longitude)).km
            ranked.append((km, expert.pk))
        return [pk for _, pk in sorted(ranked)[:20]]

    quick, slow = (40, 40) if size <= 1000 else (40, 8)
    ours(somewhere())  # the first question after a change reads the roster; the figure for that stands apart
    first = _first_after_a_change(lambda: ours(somewhere()))
    fast = _timed("propose (reasons, score, seats)", size, lambda: ours(somewhere()), quick)
    loop = _timed("every row, geodesic, sort", size, lambda: naive(somewhere()), slow)
    print(f"{size:>8} {'first question after a change':<34} {'':>8} {first:>9.1f}")
    print(f"{size:>8} ratio p50 {loop[0] / fast[0]:.1f}x, p99 {loop[1] / fast[1]:.1f}x")


def _available(expert: Expert, day: date) -> bool:
    return any(one.starts_on <= day <= one.ends_on for one in expert.appointments.all()) and not any(
        one.starts_on <= day <= one.ends_on for one in expert.absences.all()
    )


def _first_after_a_change(call: Callable[[], object]) -> float:

    revisions.bump("roster")
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _timed(what: str, size: int, call: Callable[[], object], times: int) -> tuple[float, float]:

    with CaptureQueriesContext(connection) as captured:
        call()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    p50 = statistics.median(taken)
    p99 = sorted(taken)[min(len(taken) - 1, int(len(taken) * 0.99))]
    print(f"{size:>8} {what:<34} {len(captured):>8} {p50:>9.1f} {p99:>9.1f}")
    return p50, p99


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [76, 10_000])
