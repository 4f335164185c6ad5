"""The straight-line estimate held against the road file: how far off it is, and what that costs.

    python -m benchmarks.roads [QUESTIONS]      (5000 when none is given)

First pairs of places near county seats of Hebei: the estimate's minutes beside those over the roads, with the
same speeds and ten minutes to turn out. Then questions: one place and so many candidates; does the straight line
name the one who is there first by road, how much later is whom it names (regret), and how much is left of that
when the first three of the line, or as many as the product asks for, are measured by road. Candidates stand at
county seats, where the import of a roster puts them, or anywhere within some ten kilometres of one; so does
the place.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from ground import gazetteer, places
from ground.places import Point
from ground.travel_time import SHORTLIST, RoadGraph

SEED = 20261118
TURNOUT = places.TURNOUT_MINUTES
BANDS_KM = (0, 3, 10, 25, 50, 100, 200, 400, 800)
CANDIDATES = (5, 20, 76)
RANKED_AGAIN = (3, SHORTLIST)


def main(questions: int) -> None:
    dice = random.Random(SEED)
    roads = RoadGraph()
    _pairs(dice, roads, questions)
    for name, ask in QUESTIONS.items():
        _questions(name, ask, dice, roads, questions)


@cache
def _counties() -> tuple[Point, ...]:
    return tuple(row.point for row in gazetteer.rows() if row.level == "county")


def _at_a_seat(dice: random.Random) -> Point:
    return dice.choice(_counties())


def _somewhere(dice: random.Random) -> Point:
    """Return a place within some ten kilometres of a county seat, where plants are."""
    seat = _at_a_seat(dice)
    return Point(seat.latitude + dice.gauss(0, 0.05), seat.longitude + dice.gauss(0, 0.06))


Ask = Callable[[random.Random, int], tuple[Point, list[Point]]]


def _between_seats(dice: random.Random, count: int) -> tuple[Point, list[Point]]:
    place, *people = dice.sample(_counties(), count + 1)
    return place, people


QUESTIONS: dict[str, Ask] = {
    "place and candidates at different county seats": _between_seats,
    "the place anywhere, candidates at county seats": (
        lambda dice, count: (_somewhere(dice), [_at_a_seat(dice) for _ in range(count)])
    ),
    "place and candidates anywhere": (
        lambda dice, count: (_somewhere(dice), [_somewhere(dice) for _ in range(count)])
    ),
}


def _pairs(dice: random.Random, roads: RoadGraph, pairs: int) -> None:
    print(f"{pairs} pairs; minutes from the call to the arrival, estimate against road")
    print(f"{'straight km':>12} {'pairs':>6} {'median':>8} {'p90':>8} {'bias':>8}")
    straight, off = [], []
    for _ in range(pairs // 10):
        here, there = _somewhere(dice), [_somewhere(dice) for _ in range(10)]
        km = _straight_km(here, there)
        by_road = np.array([np.nan if m is None else TURNOUT + m for m in roads.minutes(there, here)])
        straight.extend(km)
        off.extend(places.drive_minutes(km, turnout_minutes=TURNOUT) / by_road - 1)
    km, error = np.array(straight), np.array(off)
    known = np.isfinite(error)
    for low, high in zip(BANDS_KM, BANDS_KM[1:], strict=False):
        _line(f"{low}-{high}", error[known & (km >= low) & (km < high)])
    _line("all", error[known])
    print(f"without a way on the road file: {int(np.count_nonzero(~known))}\n")


def _straight_km(place: Point, people: Sequence[Point]) -> np.ndarray:
    return places.distances_km(
        [one.latitude for one in people], [one.longitude for one in people], place.latitude, place.longitude
    )


def _line(name: str, error: np.ndarray) -> None:
    if len(error):
        off = np.abs(error)
        print(
            f"{name:>12} {len(error):>6} {np.median(off):>8.1%} {np.quantile(off, 0.9):>8.1%} "
            f"{np.mean(error):>+8.1%}"
        )


def _questions(name: str, ask: Ask, dice: random.Random, roads: RoadGraph, questions: int) -> None:
    print(f"{questions} questions; {name}; the truth is the time by road")
    again = "".join(f"{f'first {count} again: mean':>24} {'max':>6}" for count in RANKED_AGAIN)
    print(f"{'candidates':>10} {'same first':>11} {'regret mean':>12} {'p95':>7} {'max':>7}{again}")
    regrets: dict[int, list[tuple[float, ...]]] = {count: [] for count in CANDIDATES}
    for _ in range(questions):
        place, people = ask(dice, max(CANDIDATES))
        drives = roads.minutes(people, place)
        km = _straight_km(place, people)
        for count, found in regrets.items():
            # Of somewhere far from any road of the file nothing can be said, so it is left out.
            known = [at for at, drive in enumerate(drives[:count]) if drive is not None]
            if known:
                minutes = np.array([TURNOUT + (drives[at] or 0) for at in known])
                found.append(_regrets(minutes[np.argsort(km[known], kind="stable")]))
    for count, found in regrets.items():
        first, *others = np.array(found).T
        print(
            f"{count:>10} {np.mean(first == 0):>11.1%} {np.mean(first):>12.2%} "
            f"{np.quantile(first, 0.95):>7.1%} {first.max():>7.0%}"
            + "".join(f"{one.mean():>24.3%} {one.max():>6.0%}" for one in others)
        )
    print()


def _regrets(minutes: np.ndarray) -> tuple[float, ...]:
    """Return how much later than the first by road the best of the nearest 1, 3, 25 is; nearest first."""
    return tuple(minutes[:looked_at].min() / minutes.min() - 1 for looked_at in (1, *RANKED_AGAIN))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
