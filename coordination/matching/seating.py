"""Who gets which seat, so that nobody sits twice and no seat that can be filled stays empty.

Pure and exact: one linear assignment over all seats. It knows nothing of trades and minutes; `matching`
says who may sit where, at what cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Integers = NDArray[np.int64]

CRITICAL_SEAT = 2
ORDINARY_SEAT = 1
# The solver counts in float64, which holds whole numbers exactly up to here.
EXACT_UP_TO = 2**53
NOBODY: Integers = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """The seats of one requirement and those who may sit there, best first.

    Best first is by (far, cost, who). `far` marks those who are a last resort; `cost` is a whole
    number, not negative; `who` is the same number on every bench for the same person.
    """

    seats: int
    critical: bool
    who: Integers
    cost: Integers
    far: NDArray[np.bool_]


def seat(benches: Sequence[Bench]) -> list[list[int]]:
    """Return who sits on each bench, best first.

    In this order: as many seats as can be filled, and the critical ones among them; as few last
    resorts as possible; the least sum of costs; among equals the lower `who`.
    """
    seats = sum(max(0, bench.seats) for bench in benches)
    # Whoever is not among a seat's `seats` best can always be swapped for one who is and sits nowhere.
    columns = np.unique(np.concatenate([NOBODY, *(bench.who[:seats] for bench in benches)]))
    if not seats or not len(columns):
        return [[] for _ in benches]

    gains, bench_of_seat = _gains(benches, columns, seats)
    chosen_seats, chosen_columns = linear_sum_assignment(gains, maximize=True)
    seated: list[list[int]] = [[] for _ in benches]
    for at, column in zip(chosen_seats, chosen_columns, strict=True):
        if gains[at, column] > 0:
            seated[bench_of_seat[at]].append(int(columns[column]))
    return [_best_first(bench, chosen, seats) for bench, chosen in zip(benches, seated, strict=True)]


def _gains(benches: Sequence[Bench], columns: Integers, seats: int) -> tuple[NDArray[np.float64], list[int]]:
    """Return the worth of each person (column) on each seat (row), 0 where they may not sit.

    Each aim outweighs the sum of all that come after it, over every seat. An empty seat is worth 0
    and every sitting is worth more, so a seat that can be filled is. Whether a set of seats can be
    filled together is a matroid, so twice the worth is enough for critical seats to come first.
    """
    dearest = max((int(b.cost[:seats].max()) for b in benches if len(b.who)), default=0)
    last_resort = seats * dearest + 1
    filled = seats * (last_resort + dearest) + 1
    # Telling equals apart by number needs room below the costs. With some thirty seats and more there
    # is none; the answer is then still the same in any order of reading, only not the lowest numbers.
    room = seats * len(columns) + 1
    if 2 * seats * CRITICAL_SEAT * filled * room >= EXACT_UP_TO:
        room = 1

    gains = np.zeros((seats, len(columns)))
    bench_of_seat: list[int] = []
    for number, bench in enumerate(benches):
        here = slice(len(bench_of_seat), len(bench_of_seat) + max(0, bench.seats))
        at = np.searchsorted(columns, bench.who[:seats])
        worth = (CRITICAL_SEAT if bench.critical else ORDINARY_SEAT) * filled
        gain = (worth - bench.cost[:seats] - last_resort * bench.far[:seats]) * room
        gains[here, at] = gain - at if room > 1 else gain
        bench_of_seat += [number] * max(0, bench.seats)
    return gains, bench_of_seat


def _best_first(bench: Bench, chosen: list[int], limit: int) -> list[int]:
    turn = {int(who): turn for turn, who in enumerate(bench.who[:limit])}
    return sorted(chosen, key=turn.__getitem__)
