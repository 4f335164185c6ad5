"""Who gets which seat, so that nobody sits twice and no seat that can be filled stays empty.

Pure and exact. It knows nothing of trades, roads and incidents; `ranking` says who may sit where, how soon
they would be there, and at what cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# The solver counts in float64, which holds whole numbers exactly up to here.
EXACT_UP_TO = 2**53
NOBODY: Integers = np.empty(0, dtype=np.int64)
# As much may be filled without anybody whose arrival counts; that is as good as being there at once.
AT_ONCE = 0


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """The seats of one requirement and those who may sit there, best first.

    Best first is by (far, cost, who). `weight` is what a filled seat is worth, one or more. `far` marks those
    who are a last resort; `cost` and `arrival` are whole numbers, not negative; `who` is the same number on
    every bench for the same person. `arrival` says how late somebody would be there; None where it is
    nobody's hurry.
    """

    seats: int
    weight: int
    who: Integers
    cost: Integers
    far: Flags
    arrival: Integers | None = None

    def only(self, chosen: Flags | slice) -> Bench:
        """Return the same bench for some of them, in the same order."""
        arrival = self.arrival[chosen] if self.arrival is not None else None
        return replace(
            self, who=self.who[chosen], cost=self.cost[chosen], far=self.far[chosen], arrival=arrival
        )


def seat(benches: Sequence[Bench]) -> list[list[int]]:
    """Return who sits on each bench, best first.

    In this order: the most worth of filled seats; as few last resorts as possible; the earliest worst arrival
    over the benches where arrival counts; the least sum of costs; among equals the lower `who`.
    """
    benches = [bench if bench.seats > 0 else replace(bench.only(slice(0)), seats=0) for bench in benches]
    plain = _Seating.of(benches)
    latest = plain.worst_arrival
    if latest is not None:
        earliest = _earliest(plain, latest)
        if earliest < latest:
            return _Seating.of(_by(earliest, benches)).names()
    return plain.names()


@dataclass(frozen=True, slots=True, eq=False)
class _Seating:
    """An answer: for each bench the positions, on the bench, of those who sit there."""

    benches: Sequence[Bench]
    taken: Sequence[Integers]

    @classmethod
    def of(cls, benches: Sequence[Bench]) -> _Seating:
        """Solve without regard to arrival: one linear assignment over all seats."""
        seats = sum(bench.seats for bench in benches)
        # Whoever is not among a seat's `seats` best can always be swapped for one who is and sits nowhere.
        short = [bench.only(slice(seats)) for bench in benches]
        columns = np.unique(np.concatenate([NOBODY, *(bench.who for bench in short)]))
        if not len(columns):
            return cls(benches, [NOBODY for _ in benches])
        gains = _gains(short, columns, seats)
        rows, found = linear_sum_assignment(gains, maximize=True)
        sits = gains[rows, found] > 0
        bench_of_row = np.repeat(np.arange(len(benches)), [bench.seats for bench in benches])
        sitters, at_bench = columns[found[sits]], bench_of_row[rows[sits]]
        return cls(
            benches,
            [
                np.flatnonzero(np.isin(bench.who, sitters[at_bench == number]))
                for number, bench in enumerate(short)
            ],
        )

    def names(self) -> list[list[int]]:
        return [bench.who[at].tolist() for bench, at in zip(self.benches, self.taken, strict=True)]

    @property
    def worst_arrival(self) -> int | None:
        """Return the latest arrival where arrival counts; None if nobody sits there."""
        arrivals = [
            int(bench.arrival[at].max())
            for bench, at in zip(self.benches, self.taken, strict=True)
            if bench.arrival is not None and len(at)
        ]
        return max(arrivals, default=None)

    @property
    def worth(self) -> tuple[int, int]:
        """Return the worth of the filled seats, and how many last resorts they take, as a negative number."""
        filled = last_resorts = 0
        for bench, at in zip(self.benches, self.taken, strict=True):
            filled += bench.weight * len(at)
            last_resorts += int(np.count_nonzero(bench.far[at]))
        return filled, -last_resorts


def _gains(benches: Sequence[Bench], columns: Integers, seats: int) -> NDArray[np.float64]:
    """Return the worth of each person (column) on each seat (row), 0 where they may not sit.

    Each aim outweighs the sum of all that come after it, over every seat. An empty seat is worth 0
    and every sitting is worth more, so a seat that can be filled is. Which seats can be filled together
    is a matroid, so the greatest worth is the greatest number too.
    """
    dearest = max((int(bench.cost.max()) for bench in benches if len(bench.who)), default=0)
    last_resort = seats * dearest + 1
    filled = seats * (last_resort + dearest) + 1
    # Telling equals apart by number needs room below the costs. With some thirty seats and more there
    # is none; the answer is then still the same in any order of reading, only not the lowest numbers.
    room = seats * len(columns) + 1
    if 2 * seats * max(bench.weight for bench in benches) * filled * room >= EXACT_UP_TO:
        room = 1
    gains = np.zeros((seats, len(columns)))
    row = 0
    for bench in benches:
        at = np.searchsorted(columns, bench.who)
        gain = (bench.weight * filled - bench.cost - last_resort * bench.far) * room
        gains[row : row + bench.seats, at] = gain - at if room > 1 else gain
        row += bench.seats
    return gains


# --- the worst arrival ----------------------------------------------------------------------------


def _by(latest: int, benches: Sequence[Bench]) -> list[Bench]:
    """Return the benches without those who would be there later, where arrival counts."""
    return [bench if bench.arrival is None else bench.only(bench.arrival <= latest) for bench in benches]


def _earliest(plain: _Seating, latest: int) -> int:
    """Return the least worst arrival with which as much is filled, by as few last resorts, as in `plain`."""
    benches, worth = plain.benches, plain.worth
    not_before = _not_before(benches, worth)
    between = [
        bench.arrival[(bench.arrival >= not_before) & (bench.arrival <= latest)]
        for bench in benches
        if bench.arrival is not None
    ]
    at_once = [AT_ONCE] if not_before <= AT_ONCE else []
    steps = np.unique(np.concatenate([np.array(at_once, dtype=np.int64), *between]))
    low, high = 0, len(steps) - 1
    probe = high - 1  # mostly nothing is to be gained, so the last step is tried first
    while low < high:
        if _suffices(int(steps[probe]), benches, worth):
            high = probe
        else:
            low = probe + 1
        probe = (low + high) // 2
    return int(steps[high])


def _not_before(benches: Sequence[Bench], worth: tuple[int, int]) -> int:
    """Return an arrival that no answer beats: when every seat is taken, a bench of n waits for its n-th soonest."""
    filled, last_resorts = worth
    if filled < sum(bench.weight * bench.seats for bench in benches):
        return AT_ONCE
    soonest = [
        (bench.arrival if last_resorts else bench.arrival[~bench.far], bench.seats)
        for bench in benches
        if bench.arrival is not None and bench.seats
    ]
    return max((int(np.partition(those, n - 1)[n - 1]) for those, n in soonest), default=AT_ONCE)


def _suffices(latest: int, benches: Sequence[Bench], worth: tuple[int, int]) -> bool:
    """Return whether those who are there by `latest` fill as much, with as few last resorts."""
    there = _by(latest, benches)
    if worth == (sum(bench.weight * bench.seats for bench in benches), 0):
        return _can_fill([bench.only(~bench.far) for bench in there])
    return _Seating.of([replace(bench, cost=np.zeros_like(bench.cost)) for bench in there]).worth >= worth


def _can_fill(benches: Sequence[Bench]) -> bool:
    """Return whether every seat can be taken: a question of numbers only, answered by a maximum matching."""
    seats = sum(bench.seats for bench in benches)
    short = [bench.who[:seats] for bench in benches]
    columns = np.unique(np.concatenate([NOBODY, *short]))
    if len(columns) < seats:
        return False
    rows = [
        np.searchsorted(columns, who)
        for who, bench in zip(short, benches, strict=True)
        for _ in range(bench.seats)
    ]
    ends = np.cumsum([0, *(len(row) for row in rows)])
    may_sit = csr_matrix(
        (np.ones(ends[-1], dtype=np.int8), np.concatenate([NOBODY, *rows]), ends), shape=(seats, len(columns))
    )
    return bool((maximum_bipartite_matching(may_sit, perm_type="column") >= 0).all())
