"""The enterprises nearest to a place, beside measuring all of them, at 14,000 enterprises.

    python -m benchmarks.enterprises [SIZE]                             on a scratch SQLite file
    python -m tests.servers python -m benchmarks.enterprises [SIZE]     on PostgreSQL

The question: the ten nearest by the nearest of their seat and sites, of one trade or of all. The full scan
fetches every place through the ORM and measures it with geopy; both must name the same distances. Then the
indexes: what the planner does with each box, and what one more index on enterprises, by place without the
trade, would save. Milliseconds of the machine at hand; read the ratios.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable

import numpy as np
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from geopy.distance import geodesic

from contracts.models import Enterprise, Site
from ground.models import Industry, Region, lies_inside
from ground.nearness import Box
from ground.places import Point
from tests.register_at_scale import many_enterprises

SIZE = 14_000
WANTED = 10
ASKED = 100
SCANNED = 3  # a full scan takes seconds


def main(size: int) -> None:
    call_command("migrate", verbosity=0)
    many_enterprises(size)
    print(f"{connection.vendor}: {size} enterprises, {Site.objects.count()} sites; milliseconds")
    here = _places()
    print(f"{'':<44} {'queries':>8} {'p50':>9} {'p99':>9} {'scan/ours':>10}")
    for what, trade, within_km in (
        ("all trades, within 20 km", None, 20.0),
        ("all trades", None, math.inf),
        ("one trade (危化), within 20 km", "WH", 20.0),
        ("one trade (危化)", "WH", math.inf),
        ("the rarest trade (电力)", "DL", math.inf),
    ):
        _compare(what, Industry.objects.get(pk=trade) if trade else None, within_km, here)
    for analysed in (False, True):
        if analysed:
            _run("ANALYZE")
        _indexes(here, analysed)


def _compare(what: str, trade: Industry | None, within_km: float, here: list[Point]) -> None:
    def ours(point: Point) -> list[float]:
        found = Enterprise.objects.nearest_to(point, industry=trade, count=WANTED, within_km=within_km)
        return [one.distance_km for one in found]

    def scan(point: Point) -> list[float]:
        enterprises = Enterprise.objects.filter(industry=trade) if trade else Enterprise.objects.all()
        best: dict[int, float] = {}
        for one in enterprises.prefetch_related("sites"):
            spots = [place.point for place in (one, *one.sites.all()) if place.point]
            km = min(
                geodesic((point.latitude, point.longitude), (spot.latitude, spot.longitude)).km
                for spot in spots
            )
            if km <= within_km:
                best[one.pk] = km
        return sorted(best.values())[:WANTED]

    for point in here[:SCANNED]:
        if not np.allclose(ours(point), scan(point), rtol=0, atol=1e-6):
            raise SystemExit(f"{what}: not the nearest at {point}")
    with CaptureQueriesContext(connection) as queries:
        ours(here[0])
    quick, slow = _timed(ours, here), _timed(scan, here[:SCANNED])
    p50 = np.percentile(quick, 50)
    print(
        f"{what:<44} {len(queries):>8} {p50:>9.1f} {np.percentile(quick, 99):>9.1f} "
        f"{np.percentile(slow, 50) / p50:>9.0f}x"
    )


def _indexes(here: list[Point], analysed: bool) -> None:
    """Show how one box is read: what the planner says, and what it takes."""
    print(f"\none box of 10 km, {'after' if analysed else 'before'} ANALYZE")
    seats, sites = Enterprise.objects.order_by(), Site.objects.order_by()
    _box("enterprises of one trade", seats.filter(industry="WH"), here)
    _box("enterprises of all trades", seats, here)
    _box("sites", sites, here)
    _run("CREATE INDEX one_more ON contracts_enterprise (latitude, longitude)")
    _box("enterprises of all trades, one more index", seats, here)
    _run("DROP INDEX one_more")
    _run("DROP INDEX site_by_place")
    _box("sites, without their index", sites, here)
    _run("CREATE INDEX site_by_place ON contracts_site (latitude, longitude)")


def _box(what: str, rows: QuerySet, here: list[Point]) -> None:
    def read(point: Point) -> list[tuple[int, float, float]]:
        box = Box.around(point, 10)
        return list(rows.filter(lies_inside(box)).values_list("pk", "latitude", "longitude"))

    taken = np.percentile(_timed(read, here), 50)
    plan = (
        rows.filter(lies_inside(Box.around(here[0], 10))).values_list("pk", "latitude", "longitude").explain()
    )
    steps = [line.strip().split("  (")[0] for line in plan.splitlines()]
    read_by = [step for step in steps if "contracts_" in step or "_by_place" in step or "one_more" in step]
    print(f"{what:<44} p50 {taken:>6.2f}  {' / '.join(read_by)}")


def _timed(call: Callable[[Point], object], here: list[Point]) -> list[float]:
    taken = []
    for point in here:
        begun = time.perf_counter()
        call(point)
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


def _places() -> list[Point]:
    dice = random.Random(11)
    counties = dice.choices(list(Region.objects.filter(level="county")), k=ASKED)
    return [
        Point(one.latitude + dice.uniform(-0.1, 0.1), one.longitude + dice.uniform(-0.1, 0.1))
        for one in counties
    ]


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else SIZE)
