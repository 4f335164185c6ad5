"""Seats filled exactly, beside the way a person with a list fills them: one after another, the nearest first.

    python -m benchmarks.greedy [CASES]      (500 when none is given)

The demo province with its 76 experts and 40 teams. Each case has two to four incidents close to each other,
opened one after another, asking for experts of scarce trades and for teams. Greedy takes the incidents in
their order and gives every seat the nearest who is free, somebody of a near trade only when nobody of the
trade is left; "pairs" gives, over all incidents, the nearest pair of seat and person first.

A seat is lost that the exact answer fills and the other does not; or, "of the trade", that it fills with
somebody of the trade and the other with a neighbour. Arrivals, minutes and costs are compared over the cases
that are alike in both. Minutes are the straight-line estimate; cost is what the exact answer keeps lowest
last: the missing points of an expert, the minutes of a team.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.core.management import call_command

from coordination import candidates
from coordination.matching import InviteeKind, Need, Pool, Requirement, Situation, Vocabulary, Weights
from coordination.matching.fits import case_of
from coordination.matching.ranking import rank
from coordination.matching.scoring import TURNOUT_MINUTES
from coordination.matching.seating import Bench, seat
from ground import clock, gazetteer
from ground.places import Point

SEED = 20261118
EVERYBODY = 10**6
# Trades of which the province has one to four experts each, and what is asked of teams.
TRADES = ("YC", "YH", "FZ", "YS", "QG", "JT", "DL", "SM", "YQ")
TEAM_TRADES = ("WH", "MK", "FM", "YQ")


@dataclass(frozen=True)
class Answer:
    """Who sits where, and what it comes to."""

    filled: int
    near: int
    worst: float
    total: float
    cost: int


def main(cases: int) -> None:
    call_command("migrate", verbosity=0)
    call_command("load_demo", verbosity=0)
    at = clock.now()
    experts, teams = candidates.pools(_need(at, Point(38, 115), ()))
    dice = random.Random(SEED)
    exact, others = [], {"greedy": [], "pairs": []}
    for _ in range(cases):
        benches = _case(dice, at, experts, teams)
        exact.append(_worth(benches, seat(benches)))
        others["greedy"].append(_worth(benches, _greedy(benches)))
        others["pairs"].append(_worth(benches, _pairs(benches)))
    seats = sum(one.filled for one in exact)
    print(f"{cases} cases, {len(experts)} experts, {len(teams)} teams; the exact answer fills {seats} seats")
    print(
        f"{'':<7} {'seats lost':>10} {'of the trade':>12} {'cases':>6} {'alike':>6} "
        f"{'worst arrival':>20} {'total minutes':>20} {'total cost':>20}"
    )
    print(f"{'':<7} {'':>10} {'':>12} {'':>6} {'':>6} " + 3 * f"{'mean / p95 / max':>20} ")
    for name, found in others.items():
        _line(name, exact, found)


def _line(name: str, exact: Sequence[Answer], found: Sequence[Answer]) -> None:
    lost = [best.filled - one.filled for best, one in zip(exact, found, strict=True)]
    same = [
        (best, one)
        for best, one in zip(exact, found, strict=True)
        if (best.filled, best.near) == (one.filled, one.near) and best.worst and best.total
    ]
    of_trade = [
        (best.filled - best.near) - (one.filled - one.near) for best, one in zip(exact, found, strict=True)
    ]
    cost = [100 * (one.cost / best.cost - 1) for best, one in same]
    worst = [100 * (one.worst / best.worst - 1) for best, one in same]
    total = [100 * (one.total / best.total - 1) for best, one in same]
    print(
        f"{name:<7} {sum(lost):>10} {sum(of_trade):>12} {sum(one > 0 for one in of_trade):>6} {len(same):>6} "
        f"{_spread(worst):>20} {_spread(total):>20} {_spread(cost):>20}"
    )


def _spread(percents: Sequence[float]) -> str:
    return f"{np.mean(percents):+.1f} / {np.quantile(percents, 0.95):+.0f} / {max(percents):+.0f} %"


def _need(at: datetime, place: Point, asks: tuple[Requirement, ...]) -> Need:
    return Need(situation=Situation.RESCUE, requirements=asks, at=at, on=clock.day_of(at), place=place)


def _case(dice: random.Random, at: datetime, experts: Pool, teams: Pool) -> list[Bench]:
    """Return the benches of two to four incidents within some fifty kilometres of each other."""
    counties = [one for one in gazetteer.rows() if one.level == "county"]
    heart = dice.choice(counties)
    benches = []
    for _ in range(dice.randint(2, 4)):
        place = Point(heart.latitude + dice.uniform(-0.4, 0.4), heart.longitude + dice.uniform(-0.4, 0.4))
        asks = [
            Requirement(
                key=f"e{number}",
                industry=dice.choice(TRADES),
                seats=dice.randint(1, 3),
                critical=dice.random() < 0.3,
                urgent=True,
            )
            for number in range(dice.randint(1, 2))
        ]
        asks.append(
            Requirement(key="team", kind=InviteeKind.TEAM, industry=dice.choice(TEAM_TRADES), seats=1)
        )
        need = _need(at, place, tuple(asks))
        for ask in asks:
            is_team = ask.kind is InviteeKind.TEAM
            case = case_of(teams if is_team else experts, need, ask, Vocabulary())
            ranked = rank(case, Weights(), TURNOUT_MINUTES, EVERYBODY)
            benches.append(ranked.bench(len(experts) if is_team else 0))
    return benches


def _greedy(benches: Sequence[Bench]) -> list[list[int]]:
    taken: set[int] = set()
    seated: list[list[int]] = []
    for bench in benches:
        arrival = _arrivals(bench)
        order = np.lexsort((arrival, bench.far))
        sitting = [int(bench.who[at]) for at in order if int(bench.who[at]) not in taken][: bench.seats]
        taken.update(sitting)
        seated.append(sitting)
    return seated


def _pairs(benches: Sequence[Bench]) -> list[list[int]]:
    pairs = sorted(
        (bool(far), int(arrival), number, int(who))
        for number, bench in enumerate(benches)
        for who, far, arrival in zip(bench.who, bench.far, _arrivals(bench), strict=True)
    )
    seated: list[list[int]] = [[] for _ in benches]
    taken: set[int] = set()
    for _, _, number, who in pairs:
        if who not in taken and len(seated[number]) < benches[number].seats:
            taken.add(who)
            seated[number].append(who)
    return seated


def _arrivals(bench: Bench) -> np.ndarray:
    assert bench.arrival is not None
    return bench.arrival


def _worth(benches: Sequence[Bench], seated: Sequence[Sequence[int]]) -> Answer:
    filled = near = cost = 0
    minutes = [0.0]
    for bench, sitting in zip(benches, seated, strict=True):
        at = np.flatnonzero(np.isin(bench.who, sitting))
        filled += len(at)
        near += int(bench.far[at].sum())
        cost += int(bench.cost[at].sum())
        minutes += (_arrivals(bench)[at] / 100).tolist()
    return Answer(filled, near, max(minutes), sum(minutes), cost)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
