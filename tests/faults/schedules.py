"""One seed is one schedule: who is asked, who dies where and when, what the provider does, what people say.

Pure, and made of plain values, so that a schedule is a file: it can be read, thinned out by hand and run
again. How the processes are dealt their turns is the machine's affair; a schedule that failed once is
run some times over.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from tests.faults import crash_points

EXPERTS = 24
OFFICERS = 2

# Per mille of all send calls. The first four are not taken by the provider, the others are.
FAULTS = (
    "refuse",
    "temporary",
    "error_inside",
    "reset_before",
    "slow",
    "hang",
    "reset_after",
    "half",
    "garbage",
    "error_after",
)


@dataclass(frozen=True)
class Death:
    """The process dies when it comes to `point` for the `visit`-th time; if that has not happened after
    `at_latest_ms`, it is killed from outside, wherever it is. Without a point that is all there is to it."""

    point: str
    visit: int = 1
    at_latest_ms: int = 300


@dataclass(frozen=True)
class Process:
    """One process; when it dies it is started again at once, with the next death of the list.

    The faults are over when every process has died of its last.
    """

    name: str
    parts: tuple[str, ...]
    deaths: tuple[Death, ...] = ()


@dataclass(frozen=True)
class PlannedCallout:
    """A callout that the officer starts: `asks` are numbers of experts, in the order of asking."""

    at_ms: int
    incident: int
    seats: int
    asks: tuple[int, ...]
    mode: str = "onsite"
    policy: str = "urgent"


@dataclass(frozen=True)
class Change:
    """What the officer does to the callout of that number while it runs."""

    at_ms: int
    callout: int
    what: str
    number: int = 0


@dataclass(frozen=True)
class Schedule:
    """`speed` is how much faster the product's clock runs; `windows` how much shorter its policies' are.

    `to_the_end` lets every window pass once the faults are over, until each callout is filled or exhausted.
    """

    seed: int
    database: str
    speed: float
    windows: float
    memory: str
    provider: Mapping[str, Any]
    callouts: tuple[PlannedCallout, ...]
    changes: tuple[Change, ...]
    processes: tuple[Process, ...]
    to_the_end: bool

    @property
    def is_blind(self) -> bool:
        """Whether the provider may be unable to say what it has taken."""
        return self.memory == "blind" or bool(self.provider.get("look_up_fails"))

    def written(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def read(cls, text: str) -> Schedule:
        given = json.loads(text)
        given["callouts"] = tuple(
            PlannedCallout(**{**one, "asks": tuple(one["asks"])}) for one in given["callouts"]
        )
        given["changes"] = tuple(Change(**one) for one in given["changes"])
        given["processes"] = tuple(
            Process(one["name"], tuple(one["parts"]), tuple(Death(**death) for death in one["deaths"]))
            for one in given["processes"]
        )
        return cls(**given)

    def without_faults(self) -> Schedule:
        """Return the same without any fault, for telling a bug of the engine from one of its recovery."""
        return replace(
            self,
            provider={**self.provider, "faults": {}, "look_up_fails": 0.0},
            processes=tuple(replace(one, deaths=()) for one in self.processes),
        )


def schedule(seed: int, database: str) -> Schedule:
    """Return the schedule of a seed for one of the databases."""
    roll = random.Random(f"{database}:{seed}")
    callouts = _callouts(roll)
    return Schedule(
        seed=seed,
        database=database,
        speed=100.0,
        windows=roll.choice([0.05, 0.1, 0.5]),
        # A provider that can be asked is the promise; the others are one in three.
        memory=roll.choice(["look_up", "look_up", "look_up", "look_up", "idempotent", "blind"]),
        provider=_provider(roll, seed),
        callouts=callouts,
        changes=_changes(roll, callouts),
        processes=_processes(roll, database, seed),
        to_the_end=roll.random() < 0.5,
    )


def _callouts(roll: random.Random) -> tuple[PlannedCallout, ...]:
    planned = []
    for number in range(roll.randint(1, 4)):
        seats = roll.randint(1, 4)
        planned.append(
            PlannedCallout(
                at_ms=roll.randint(0, 200) if number else 0,
                # Now and then two callouts of one incident.
                incident=number if roll.random() < 0.8 else 0,
                seats=seats,
                asks=tuple(roll.sample(range(EXPERTS), seats + roll.randint(0, 4))),
                mode=roll.choice(["onsite", "onsite", "onsite", "remote"]),
            )
        )
    return tuple(sorted(planned, key=lambda one: one.at_ms))


def _changes(roll: random.Random, callouts: tuple[PlannedCallout, ...]) -> tuple[Change, ...]:
    changes = []
    for _ in range(roll.choice([0, 0, 1, 1, 2])):
        what = roll.choice(["stop", "stop_all", "seats", "seats", "add", "pause", "ahead", "tell"])
        at_ms = roll.randint(100, 500)
        callout = roll.randrange(len(callouts))
        changes.append(Change(at_ms, callout, what, roll.randint(1, 4)))
        if what == "pause":
            changes.append(Change(at_ms + 80, callout, "resume"))
    return tuple(sorted(changes, key=lambda one: one.at_ms))


def _provider(roll: random.Random, seed: int) -> dict[str, Any]:
    chances = {name: roll.choice([0, 0, 0.05, 0.15]) for name in FAULTS if roll.random() < 0.5}
    while sum(chances.values()) > 0.6:
        chances.pop(max(chances, key=lambda name: chances[name]))
    return {
        "seed": seed,
        "faults": {name: chance for name, chance in chances.items() if chance},
        "latency": roll.choice([0.0, 0.0, 0.002, 0.01]),
        "slow_seconds": roll.choice([0.03, 0.1]),
        "hang_seconds": 0.5,
        "look_up_fails": roll.choice([0.0] * 7 + [0.3]),
        "receipts": roll.random() < 0.8,
        "receipt_after": roll.choice([0.0, 0.02, 0.1]),
        "undelivered": roll.choice([0.0, 0.0, 0.1, 0.3]),
        "lie": roll.choice([0.0, 0.0, 0.0, 0.2]),
        "habits": [
            {
                "text": "答复|回复",
                "answer": roll.choice(["1", "1", "3", "1 3", "2", "好的", "不去"]),
                "after": 0.02,
                "times": 2,
                "chance": roll.choice([0.3, 0.7]),
            }
        ]
        if roll.random() < 0.5
        else [],
    }


def _processes(roll: random.Random, database: str, seed: int) -> tuple[Process, ...]:
    if database == "sqlite":
        # The embedded server: one process for all of it, as the product demands.
        shape = {"server": ("sender", "officer", "events", "person-1", "person-2", "person-3")}
    else:
        shape = {
            "sender-1": ("sender",),
            "sender-2": ("sender",),
            "sender-3": ("sender",),
            "desk": ("officer", "events"),
            "people-1": ("person-1", "person-2"),
            "people-2": ("person-3",),
        }
    return tuple(Process(name, parts, _deaths(roll, name, parts, seed)) for name, parts in shape.items())


def _deaths(roll: random.Random, name: str, parts: tuple[str, ...], seed: int) -> tuple[Death, ...]:
    points = crash_points.names_for(tuple(dict.fromkeys(part.partition("-")[0] for part in parts)))
    count = roll.randint(2, 5) if name == "server" else roll.choice([0, 1, 1, 2, 2, 3])
    deaths = [_death(roll, points) for _ in range(count)]
    # Every point has its turn, however few schedules are run.
    turn = crash_points.NAMES[seed % len(crash_points.NAMES)]
    if turn in points:
        deaths.insert(roll.randint(0, len(deaths)), Death(turn, 1, 400))
    return tuple(deaths)


def _death(roll: random.Random, points: list[str]) -> Death:
    match roll.choice(["any", "any", "this", "this", "outside"]):
        case "any":
            return Death(crash_points.ANY, roll.randint(1, 12), at_latest_ms=800)
        case "this":
            # Some points are seldom come to; nobody waits long for them.
            return Death(roll.choice(points), roll.choice([1, 1, 1, 2, 3, 5]), at_latest_ms=150)
        case _:
            return Death("", at_latest_ms=roll.randint(20, 250))
