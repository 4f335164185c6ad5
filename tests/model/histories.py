"""Whether what many clients saw at once could have come from one counter that takes and gives seats one by one.

A history is what each client did, when it asked and when it had its answer. It is linearizable if every
operation can be given one moment between the two so that, in the order of these moments, each answer is the
one that a counter of `seats` gives: a seat while one is free, "reserve" only while none is, a seat back.

Who did what is settled first: each person is one client, who waits for an answer before going on, so which of
their operations took a seat, gave one back or did neither follows from their own answers in order. What is left
is a counter that knows no persons, searched as Wing and Gong do, with the states that failed remembered. Three
things make the search small and leave out no solution:

- "Reserve" changes nothing. Where it can stand now it may stand now: whatever comes after is as before.
- Of two takes that may both come next, the one that was answered first may come first. If it came later
  in some solution, the two can change places: whatever had to wait for the one answered later began after
  the other had been answered as well, so it stood behind both. So it is with two gifts.
- What is left to do depends only on which operations are done: the count of seats follows from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Effect = Literal["take", "full", "give"]


class OutOfTune(Exception):
    """A client was told something that fits nothing it did itself, whatever the others did."""


@dataclass(frozen=True)
class Operation:
    """What one client did: `asked_at` and `answered_at` are readings of one clock that never goes back."""

    client: int
    says: Literal["accept", "decline", "withdraw"]
    came_to: Literal["seated", "reserve", "declined", "withdrawn", "refused"]
    asked_at: int
    answered_at: int


@dataclass(frozen=True)
class _Event:
    effect: Effect
    asked_at: int
    answered_at: int


def is_linearizable(history: Sequence[Operation], *, seats: int) -> bool:
    """Say whether a counter of `seats` could have given all these answers.

    :raises OutOfTune: if a client's own answers contradict each other.
    """
    events = _effects(history)
    everything = (1 << len(events)) - 1
    failed: set[int] = set()
    path: list[tuple[int, int]] = [(0, seats)]
    while path:
        done, free = path.pop()
        done = _with_all_that_change_nothing(events, done, free)
        if done == everything:
            return True
        if done in failed:
            continue
        failed.add(done)
        ready = _ready(events, done)
        for effect, is_possible, change in (("take", free > 0, -1), ("give", free < seats, 1)):
            mine = [number for number in ready if events[number].effect == effect]
            if mine and is_possible:
                first = min(mine, key=lambda number: events[number].answered_at)
                path.append((done | 1 << first, free + change))
    return False


def _with_all_that_change_nothing(events: Sequence[_Event], done: int, free: int) -> int:
    while free == 0:
        full = [number for number in _ready(events, done) if events[number].effect == "full"]
        if not full:
            break
        for number in full:
            done |= 1 << number
    return done


def _ready(events: Sequence[_Event], done: int) -> list[int]:
    """Return what may come next: what was asked before the first answer to any that is not done."""
    left = [number for number in range(len(events)) if not done >> number & 1]
    first_answer = min((events[number].answered_at for number in left), default=0)
    return [number for number in left if events[number].asked_at <= first_answer]


def _effects(history: Sequence[Operation]) -> list[_Event]:
    """Return what each operation did to the counter, without those that did nothing to it."""
    events: list[_Event] = []
    seated: dict[int, bool] = {}
    last_answer: dict[int, int] = {}
    for one in sorted(history, key=lambda one: one.asked_at):
        if one.asked_at < last_answer.get(one.client, one.asked_at):
            raise ValueError(f"client {one.client} did not wait for an answer")
        last_answer[one.client] = one.answered_at
        has_seat = seated.get(one.client, False)
        effect: Effect | None = None
        match (one.says, one.came_to, has_seat):
            case ("accept", "seated", False):
                effect = "take"
            case ("accept", "reserve", False):
                effect = "full"
            case ("decline", "withdrawn", True) | ("withdraw", "withdrawn", True):
                effect = "give"
            case ("accept", "seated", True):
                pass
            case ("decline", "declined" | "withdrawn", False) | ("withdraw", "refused", False):
                pass
            case _:
                raise OutOfTune(f"{one} of somebody {'with' if has_seat else 'without'} a seat")
        if effect is not None:
            events.append(_Event(effect, one.asked_at, one.answered_at))
        if effect in ("take", "give"):
            seated[one.client] = effect == "take"
    return events
