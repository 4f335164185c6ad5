"""An exact solver of its own, to hold the seating against: a dynamic programme over sets of seats.

It shares no line with `coordination.matching.seating`. People are taken one after another; for every set of
seats it keeps the best way to have filled exactly that set. The worst arrival is no sum, so it is settled in a
first run, and the least cost with nobody later than that in a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LATE = 10**12


@dataclass(frozen=True)
class Sitter:
    """Somebody who may take a seat: how late they would be there, what they cost, whether a last resort."""

    who: int
    arrival: int
    cost: int
    far: bool


@dataclass(frozen=True)
class Line:
    """A requirement: its seats, the worth of one, whether arrival counts, and who may sit."""

    seats: int
    weight: int
    in_a_hurry: bool
    sitters: tuple[Sitter, ...]


@dataclass(frozen=True)
class Value:
    """What an answer is worth, in the order of the aims."""

    worth: int
    last_resorts: int
    worst_arrival: int
    cost: int


def best(lines: Sequence[Line]) -> Value:
    """Return the value of the best possible answer."""
    seats = [line for line in lines for _ in range(max(0, line.seats))]
    weight_of = [0] * (1 << len(seats))
    for chosen in range(1, len(weight_of)):
        lowest = (chosen & -chosen).bit_length() - 1
        weight_of[chosen] = weight_of[chosen & (chosen - 1)] + seats[lowest].weight
    arrived = _run(seats, lambda far, arrival, cost: (far, arrival), _later, LATE)
    first = min((-weight_of[chosen], *value) for chosen, value in arrived.items())
    worth, last_resorts, worst_arrival = -first[0], first[1], first[2]
    paid = _run(seats, lambda far, arrival, cost: (far, cost), _sum, worst_arrival)
    cost = min(
        value[1] for chosen, value in paid.items() if weight_of[chosen] == worth and value[0] == last_resorts
    )
    return Value(worth, last_resorts, worst_arrival, cost)


def _later(had: tuple[int, int], more: tuple[int, int]) -> tuple[int, int]:
    return had[0] + more[0], max(had[1], more[1])


def _sum(had: tuple[int, int], more: tuple[int, int]) -> tuple[int, int]:
    return had[0] + more[0], had[1] + more[1]


def _run(seats: Sequence[Line], says, joined, latest: int) -> dict[int, tuple[int, int]]:
    """Return the best value for every set of seats that can be filled by people there by `latest`."""
    people: dict[int, list[tuple[int, tuple[int, int]]]] = {}
    for at, line in enumerate(seats):
        for one in line.sitters:
            arrival = one.arrival if line.in_a_hurry else 0
            if arrival <= latest:
                people.setdefault(one.who, []).append((1 << at, says(int(one.far), arrival, one.cost)))
    known = {0: (0, 0)}
    for choices in people.values():
        now = dict(known)
        for chosen, value in known.items():
            for bit, more in choices:
                if chosen & bit:
                    continue
                found = joined(value, more)
                if chosen | bit not in now or found < now[chosen | bit]:
                    now[chosen | bit] = found
        known = now
    return known


def value_of(lines: Sequence[Line], seating: Sequence[Sequence[int]]) -> Value:
    """Return what an answer is worth.

    :raises AssertionError: if it seats somebody twice, somewhere they may not sit, or more than there are seats.
    """
    everybody = [who for sitting in seating for who in sitting]
    assert len(everybody) == len(set(everybody)), "somebody sits twice"
    worth = last_resorts = worst = cost = 0
    for line, sitting in zip(lines, seating, strict=True):
        assert len(sitting) <= max(0, line.seats), "more sit than there are seats"
        known = {one.who: one for one in line.sitters}
        for who in sitting:
            one = known[who]
            worth += line.weight
            last_resorts += one.far
            cost += one.cost
            if line.in_a_hurry:
                worst = max(worst, one.arrival)
    return Value(worth, last_resorts, worst, cost)
