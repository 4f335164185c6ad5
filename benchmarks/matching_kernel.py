"""Time the matching kernel beside the naive loop, on invented pools in memory; no database, no HTTP.

    python benchmarks/matching_kernel.py [sizes…]

One need: three chemists and two metallurgists on site. "match" gives seats, reserves, counts and ids;
"match and words" puts twenty rows a requirement and all counts into words as well. The naive loop looks
at every person, asks the same questions, measures with `geopy.distance.geodesic`, sorts, and explains
nobody. "loop, trade only" measures only those of the trade. Times are milliseconds.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from geopy.distance import geodesic

from coordination.matching import Need, Pool, Requirement, Situation, match
from ground import places
from ground.industries import INDUSTRIES
from ground.places import Point
from ground.terms import Words

NOW = datetime(2026, 11, 18, 14, 18)
TODAY = NOW.date()
FIRM = 7
ASKS = (
    Requirement(key="chemist", industry="WH", seats=3),
    Requirement(key="smelter", industry="YJ", seats=2, critical=True),
)
CODES = [industry.code for industry in INDUSTRIES]


def invented_people(size: int, luck: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "name": f"演示{number}",
            "latitude": luck.uniform(36.1, 42.6),
            "longitude": luck.uniform(113.5, 119.8),
            "primary": luck.choice(CODES),
            "secondary": luck.choice(CODES),
            "ends_on": TODAY + timedelta(days=luck.randint(-60, 900)),
            "absent": luck.random() < 0.1,
            "deployed": luck.random() < 0.03,
            "suspended": luck.random() < 0.02,
            "interested": luck.random() < 0.01,
            "callouts": luck.choice([0, 0, 0, 1, 2, 5]),
        }
        for number in range(1, size + 1)
    ]


def pool_of(people: list[dict[str, Any]]) -> Pool:
    start = date(2025, 1, 1)
    return Pool.of_experts(
        [
            (p["id"], p["name"], p["latitude"], p["longitude"], start if p["suspended"] else None)
            for p in people
        ],
        practices=[(p["id"], p["primary"], "primary") for p in people]
        + [(p["id"], p["secondary"], "secondary") for p in people],
        task_categories=[(p["id"], "emergency") for p in people],
        appointments=[(p["id"], start, p["ends_on"], None) for p in people],
        absences=[(p["id"], TODAY, TODAY, "") for p in people if p["absent"]],
        deployments=[(p["id"], "SJ-1") for p in people if p["deployed"]],
        interests=[(p["id"], FIRM, None, None, Words.same("顾问")) for p in people if p["interested"]],
        callouts=[(p["id"], p["callouts"]) for p in people],
    )


def naive_loop(people: list[dict[str, Any]], place: Point, *, trade_only: bool) -> list[list[int]]:
    answers = []
    for ask in ASKS:
        scored = []
        for person in people:
            fits = ask.industry in (person["primary"], person["secondary"])
            if trade_only and not fits:
                continue
            distance_km = geodesic(
                (person["latitude"], person["longitude"]), (place.latitude, place.longitude)
            ).km
            away = person["absent"] or person["deployed"] or person["suspended"]
            if not fits or away or person["ends_on"] < TODAY:
                continue
            minutes = places.drive_minutes(distance_km)
            points = 50 if person["primary"] == ask.industry else 37.5
            points += 30 * 0.5 ** (minutes / 120) + 15 * 4 / (4 + person["callouts"])
            scored.append((-points, person["id"]))
        answers.append([id_ for _, id_ in sorted(scored)[: ask.seats]])
    return answers


def need_at(place: Point) -> Need:
    return Need(
        situation=Situation.RESCUE,
        requirements=ASKS,
        at=NOW,
        on=TODAY,
        place=place,
        enterprise_id=FIRM,
    )


def in_words(pool: Pool, need: Need) -> None:
    for matched in match(need, experts=pool):
        matched.rows(0, 20)
        matched.exclusion_words()


def timed(call: Callable[[Point], object], places_: list[Point]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds over one call a place."""
    taken = []
    for place in places_:
        begun = time.perf_counter()
        call(place)
        taken.append(1000 * (time.perf_counter() - begun))
    return float(np.percentile(taken, 50)), float(np.percentile(taken, 99))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", type=int, default=[76, 10_000, 100_000])
    for size in parser.parse_args().sizes:
        measure(size)


def measure(size: int) -> None:
    luck = random.Random(20261118)
    people = invented_people(size, luck)
    begun = time.perf_counter()
    pool = pool_of(people)
    built = 1000 * (time.perf_counter() - begun)
    at = [Point(luck.uniform(36.5, 42), luck.uniform(114, 119)) for _ in range(200)]
    few = at[: max(1, min(50, 100_000 // size))]

    picks = match(need_at(at[0]), experts=pool).picks.values()
    same = naive_loop(people, at[0], trade_only=True) == [list(ids) for ids in picks]
    rows = {
        "match": timed(lambda place: match(need_at(place), experts=pool), at),
        "match and words": timed(lambda place: in_words(pool, need_at(place)), at),
        "loop, trade only": timed(lambda place: naive_loop(people, place, trade_only=True), few),
        "loop, everybody": timed(lambda place: naive_loop(people, place, trade_only=False), few[:10]),
    }
    ours = rows["match and words"][0]
    print(f"\n{size} experts (pool built in {built:.0f} ms; first picks equal the loop's: {same})")
    for name, (p50, p99) in rows.items():
        print(f"  {name:18} p50 {p50:9.2f}  p99 {p99:9.2f}  {p50 / ours:8.1f} × ours")


if __name__ == "__main__":
    main()
