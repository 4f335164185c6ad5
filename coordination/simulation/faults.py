"""What goes wrong at a simulated provider, and how often. The same seed goes wrong in the same places."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What happens to one call. Those of the second group have taken the message all the same."""

    REFUSE = "refuse"  # not taken, for good: HTTP 400
    TEMPORARY = "temporary"  # not taken, come again: HTTP 503
    ERROR_INSIDE = "error_inside"  # not taken, come again: HTTP 200 with the error in the body
    RESET_BEFORE = "reset_before"  # not taken; the connection is reset

    SLOW = "slow"  # taken, answered late
    HANG = "hang"  # taken, never answered
    RESET_AFTER = "reset_after"  # taken; the connection is reset
    HALF = "half"  # taken; the answer breaks off
    GARBAGE = "garbage"  # taken; the answer is nonsense
    ERROR_AFTER = "error_after"  # taken, answered with HTTP 500


NOT_TAKEN = frozenset({Fault.REFUSE, Fault.TEMPORARY, Fault.ERROR_INSIDE, Fault.RESET_BEFORE})


class Memory(StrEnum):
    """Whether a provider knows what it has taken under a reference."""

    LOOK_UP = "look_up"  # it can be asked; sent twice is taken twice
    IDEMPOTENT = "idempotent"  # it can be asked; sent twice is taken once
    BLIND = "blind"  # it cannot be asked; sent twice is taken twice


class WrongBehaviour(ValueError):
    """No such fault, or not in this form."""


@dataclass(frozen=True)
class Habit:
    """How a phone answers: to whom and what it applies as regular expressions, and what it sends back when.

    `answer` may hold several words, one a message, in turn. `times` is for one phone.
    """

    address: str = ""
    text: str = ""
    answer: str = "1"
    after: float = 0.5
    times: int = 1
    chance: float = 1.0

    def is_about(self, address: str, text: str) -> bool:
        return re.search(self.address, address) is not None and re.search(self.text, text) is not None


@dataclass(frozen=True)
class Behaviour:
    """All that can be set. Chances are from 0 to 1, times in seconds."""

    seed: int = 0
    memory: Memory = Memory.LOOK_UP
    faults: Mapping[str, float] = field(default_factory=dict)
    latency: float = 0.0
    slow_seconds: float = 3.0
    hang_seconds: float = 60.0
    look_up_delay: float = 0.0
    look_up_fails: float = 0.0
    receipts: bool = True
    receipt_after: float = 0.2
    undelivered: float = 0.0
    lie: float = 0.0
    lost_callbacks: float = 0.0
    callback_copies: int = 1
    callback_spread: float = 0.0
    callback_tries: int = 5
    habits: tuple[Habit, ...] = ()

    def changed(self, by: Mapping[str, Any]) -> Behaviour:
        """Return this behaviour with what `by` sets, by name; a fault's name sets its chance.

        :raises WrongBehaviour: for a name that there is none of, or a value that makes no sense.
        """
        known = {one.name for one in fields(self)}
        set_now: dict[str, Any] = {}
        faults = dict(self.faults)
        for name, value in by.items():
            if name in set(Fault):
                faults[name] = _chance(name, value)
            elif name == "faults" and isinstance(value, Mapping):
                faults = {str(one): _chance(str(one), chance) for one, chance in value.items()}
            elif name == "habits" and isinstance(value, Sequence):
                set_now[name] = tuple(_habit(one) for one in value)
            elif name == "memory":
                set_now[name] = _memory(value)
            elif name in known:
                set_now[name] = _like(getattr(self, name), name, value)
            else:
                raise WrongBehaviour(f"{name}: there is only {', '.join(sorted(known | set(Fault)))}")
        if unknown := set(faults) - set(Fault):
            raise WrongBehaviour(f"{sorted(unknown)[0]}: there is only {', '.join(Fault)}")
        if sum(faults.values()) > 1:
            raise WrongBehaviour("the chances of all faults together are over 1")
        return replace(self, **set_now, faults=faults)

    def fault_of(self, reference: str, call: int) -> Fault | None:
        """Return what happens to the call of that number under a reference."""
        roll = self.roll("fault", reference, call)
        for fault in Fault:
            roll -= self.faults.get(fault, 0.0)
            if roll < 0:
                return fault
        return None

    def happens(self, chance: float, *what: object) -> bool:
        return chance > 0 and self.roll(*what) < chance

    def roll(self, *what: object) -> float:
        """Return a number from 0 to 1 that depends on the seed and on what it is for, not on what came before."""
        return random.Random(":".join(map(str, (self.seed, *what)))).random()


def _memory(value: Any) -> Memory:
    try:
        return Memory(value)
    except ValueError:
        raise WrongBehaviour(f"memory: {value!r} is none of {', '.join(Memory)}") from None


def _chance(name: str, value: Any) -> float:
    chance = _like(0.0, name, value)
    if not 0 <= chance <= 1:
        raise WrongBehaviour(f"{name}: a chance is from 0 to 1")
    return float(chance)


def _like(sample: Any, name: str, value: Any) -> Any:
    if isinstance(sample, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(sample):
        raise WrongBehaviour(f"{name}: has to be {type(sample).__name__}")
    return value


def _habit(given: Any) -> Habit:
    if isinstance(given, Habit):
        return given
    try:
        habit = Habit(**given)
        re.compile(habit.address)
        re.compile(habit.text)
    except (TypeError, re.error) as wrong:
        raise WrongBehaviour(f"habits: {wrong}") from wrong
    return habit
