"""Seats filled worst-first and exactly, beside one plain minimum-sum assignment; for `benchmarks.match`.

Every incident asks for 4, 2 and 2 of three trades; one person in five is away and everybody has one to three
of sixteen trades. Both begin from the same minutes. Plain scipy knows the sum of minutes and nothing else, so
it must fill as many seats, may let the last arrive later, and cannot need more minutes in all than ours.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from coordination.matching.seating import Bench, seat

PEOPLE = 10_000
TRADES = 16
SEATS = (4, 2, 2)
IMPOSSIBLE = 10_000_000
REPEATS = 15

# One requirement: how many seats, who may sit there by number, and their hundredths of minutes.
Ask = tuple[int, np.ndarray, np.ndarray]


def compare_seats() -> None:
    print(f"\nseats among {PEOPLE} people, from their minutes to who sits where; p50 milliseconds")
    for incidents, shared in ((1, False), (20, False), (20, True)):
        asks = _asks(incidents, close=shared)
        ours, plain = [], []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            benches = _benches(asks)
            made = time.perf_counter()
            seated = seat(benches)
            ended = time.perf_counter()
            ours.append((made - begun, ended - made))
            begun = time.perf_counter()
            cheapest = _plain(asks)
            plain.append(time.perf_counter() - begun)
        filled, worst, total = _worth(asks, seated)
        filled_plain, worst_plain, total_plain = _worth(asks, cheapest)
        assert filled == filled_plain and worst <= worst_plain and total >= total_plain
        bench, seating = 1000 * np.median(ours, axis=0)
        other = 1000 * float(np.median(plain))
        where = "close to each other" if shared else "apart"
        print(
            f"{incidents:>3} incidents × {sum(SEATS)} seats, {where:<20} ours {bench + seating:8.2f} "
            f"(benches {bench:.2f}, seat {seating:.2f})  scipy with its matrix {other:8.2f}  "
            f"ratio {(bench + seating) / other:.2f}; {filled} filled, worst {worst / 100:.0f} against "
            f"{worst_plain / 100:.0f} min, sum {total / total_plain - 1:+.2%}"
        )


def _asks(incidents: int, *, close: bool) -> list[Ask]:
    dice = np.random.default_rng(5)
    where = dice.uniform(0, 600, (PEOPLE, 2))
    present = dice.random(PEOPLE) < 0.8
    skilled = np.zeros((PEOPLE, TRADES), dtype=bool)
    for person in range(PEOPLE):
        skilled[person, dice.choice(TRADES, dice.integers(1, 4), replace=False)] = True
    centre = dice.uniform(100, 500, 2)
    asks: list[Ask] = []
    for _ in range(incidents):
        place = centre + dice.uniform(-20, 20, 2) if close else dice.uniform(0, 600, 2)
        minutes = np.rint(100 * (10 + np.hypot(*(where - place).T))).astype(np.int64)
        for count, trade in zip(SEATS, dice.choice(TRADES, len(SEATS), replace=False), strict=True):
            who = np.flatnonzero(skilled[:, trade] & present)
            asks.append((count, who, minutes[who]))
    return asks


def _benches(asks: Sequence[Ask]) -> list[Bench]:
    benches = []
    for count, who, minutes in asks:
        order = np.argsort(minutes, kind="stable")
        nobody_far = np.zeros(len(who), dtype=bool)
        benches.append(Bench(count, 1, who[order], minutes[order], nobody_far, minutes[order]))
    return benches


def _plain(asks: Sequence[Ask]) -> list[list[int]]:
    matrix = np.full((sum(count for count, _, _ in asks), PEOPLE), float(IMPOSSIBLE))
    row = 0
    bench_of_row = []
    for number, (count, who, minutes) in enumerate(asks):
        matrix[row : row + count, who] = minutes
        bench_of_row += count * [number]
        row += count
    rows, columns = linear_sum_assignment(matrix)
    seated: list[list[int]] = [[] for _ in asks]
    for at, who in zip(rows, columns, strict=True):
        if matrix[at, who] < IMPOSSIBLE:
            seated[bench_of_row[at]].append(int(who))
    return seated


def _worth(asks: Sequence[Ask], seated: Sequence[Sequence[int]]) -> tuple[int, int, int]:
    taken = [minutes[np.isin(who, sitting)] for (_, who, minutes), sitting in zip(asks, seated, strict=True)]
    every = np.concatenate(taken)
    return len(every), int(every.max()), int(every.sum())
