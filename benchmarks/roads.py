"""The straight-line estimate held against the road file: how far off it is, and what that costs.

    python -m benchmarks.roads [QUESTIONS]      (5000 when none is given)

Random places near the county seats of Hebei. First pairs: the estimate's minutes beside those over the roads,
with the same speeds and ten minutes to turn out. Then questions: one place and so many candidates; does the
straight line name the one who is there first by road, how much later is whom it names (regret), and how much
is left of that when the first three of the line are measured by road.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence

import numpy as np

from ground import gazetteer, places
from ground.places import Point
from ground.travel_time import RoadGraph

SEED = 20261118
TURNOUT = places.TURNOUT_MINUTES
BANDS_KM = (3, 10, 25, 50, 100, 200, 400, 800)
CANDIDATES = (5, 20, 76)
RANKED_AGAIN = 3


def main(questions: int) -> None:
    dice = random.Random(SEED)
    roads = RoadGraph()
    _pairs(dice, roads, questions)
    _questions(dice, roads, questions)


def _somewhere(dice: random.Random) -> Point:
    """Return a place within some ten kilometres of a county seat, where plants are."""
    county = dice.choice([row for row in gazetteer.rows() if row.level == "county"])
    return Point(county.latitude + dice.gauss(0, 0.05), county.longitude + dice.gauss(0, 0.06))


def _pairs(dice: random.Random, roads: RoadGraph, pairs: int) -> None:
    print(f"{pairs} pairs; minutes from the call to the arrival, estimate against road")
    print(f"{'straight km':>12} {'pairs':>6} {'median':>8} {'p90':>8} {'bias':>8}")
    straight, off = [], []
    for _ in range(pairs // 10):
        here, there = _somewhere(dice), [_somewhere(dice) for _ in range(10)]
        km = np.array([one.km_to(here) for one in there])
        by_road = np.array([np.nan if m is None else TURNOUT + m for m in roads.minutes(there, here)])
        estimate = places.drive_minutes(km, turnout_minutes=TURNOUT)
        straight.extend(km)
        off.extend(estimate / by_road - 1)
    km, error = np.array(straight), np.array(off)
    known = np.isfinite(error)
    for low, high in zip(BANDS_KM, BANDS_KM[1:], strict=False):
        at = known & (km >= low) & (km < high)
        _line(f"{low}-{high}", error[at])
    _line("all", error[known])
    print(f"without a way on the road file: {int(np.count_nonzero(~known))}\n")


def _line(name: str, error: np.ndarray) -> None:
    if len(error):
        off = np.abs(error)
        print(
            f"{name:>12} {len(error):>6} {np.median(off):>8.1%} {np.quantile(off, 0.9):>8.1%} "
            f"{np.mean(error):>+8.1%}"
        )


def _questions(dice: random.Random, roads: RoadGraph, questions: int) -> None:
    print(f"{questions} questions a line; the truth is the time by road")
    print(
        f"{'candidates':>10} {'same first':>11} {'regret mean':>12} {'p95':>7} {'max':>7} "
        f"{f'first {RANKED_AGAIN} again: mean':>22} {'max':>7}"
    )
    for count in CANDIDATES:
        asked, same, regrets, again = 0, 0, [], []
        for _ in range(questions):
            place, people = _somewhere(dice), [_somewhere(dice) for _ in range(count)]
            drives = roads.minutes(people, place)
            # Of somewhere far from any road of the file nothing can be said, so it is left out.
            people = [one for one, drive in zip(people, drives, strict=True) if drive is not None]
            if not people:
                continue
            asked += 1
            km = places.distances_from(
                place, places.geocentric_km([p.latitude for p in people], [p.longitude for p in people])
            )
            line = np.argsort(places.drive_minutes(km, turnout_minutes=TURNOUT), kind="stable")
            minutes = np.array([TURNOUT + drive for drive in drives if drive is not None])
            best = float(minutes.min())
            same += minutes[line[0]] == best
            regrets.append(minutes[line[0]] / best - 1)
            again.append(minutes[line[:RANKED_AGAIN]].min() / best - 1)
        print(
            f"{count:>10} {same / asked:>11.1%} {np.mean(regrets):>12.2%} "
            f"{np.quantile(regrets, 0.95):>7.1%} {max(regrets):>7.0%} {_mean(again):>22} {max(again):>7.0%}"
        )


def _mean(regrets: Sequence[float]) -> str:
    return f"{np.mean(regrets):.3%}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
