"""Matching beside other ways to answer the same question, and beside the time it takes to read its arrays once.

    python -m tests.servers python -m benchmarks.match [SIZE ...]      (76, 10000 and 100000 when none is given)

The question: the twenty nearest available experts of one trade. Every way is asked from the same places, and
whom it names is checked against the geodesic: the same people, or people less than `TIE_KM` farther than the
last of them (ours ranks by hundredths of a point, so that it may swap neighbours). Whoever stores less does
less: the KD-tree, cube and GEOSEARCH hold only those available, and know nothing of terms, leave and reasons.
Ours is asked with all points on travel. `propose` reads who is engaged, ranks with every rule, and puts twenty
rows and all counts into words; `matches/` ranks with the ordinary weights, so it need not name the same people.

`tests.servers` gives it a PostgreSQL and a Valkey to throw away; without them it runs on SQLite, without cube
and GEOSEARCH. The floor reads once, column by column, what a match looks at. Read the ratios: nothing is asserted
about times.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from types import FunctionType, ModuleType

import numpy as np
from django.core.management import call_command
from django.db import connection

from benchmarks import load, nearest
from benchmarks.nearest import WANTED, Finder, Truth
from benchmarks.seats import compare_seats
from coordination import candidates, recommendations
from coordination.callouts import RequirementSpec
from coordination.matching import InviteeKind, Need, Pool, Requirement, Situation, Weights, match
from experts.models import Absence
from ground import clock, revisions
from ground.industries import INDUSTRIES
from ground.models import Industry, Region
from ground.places import Point
from tests.roster_at_scale import many_experts

SIZES = (76, 10_000, 100_000)
TRADE = "WH"
TIE_KM = 0.2
BATCH = 20_000
ON_LEAVE = 0.1
ASKED = 200
# A way that takes long is asked less often: as often as fits into so much time, and three times at least.
PATIENCE_SECONDS = 8
ONLY_TRAVEL = Weights(expertise=0, travel=1, load=0, freshness=0)
CODES = [industry.code for industry in INDUSTRIES]


def main(sizes: Sequence[int]) -> None:
    call_command("migrate", verbosity=0)
    print(f"database: {connection.vendor}; the {WANTED} nearest available experts of {TRADE}; milliseconds")
    made = 0
    for size in sorted(sizes):
        _fill(made, size)
        made = size
        _compare(size)
    _explained()
    compare_seats()


def _fill(made: int, size: int) -> None:
    day = clock.day_of(clock.now())
    dice = random.Random(size)
    while made < size:
        count = min(BATCH, size - made)
        people = many_experts(count, day=day, seed=made)
        away = [one for one in people if dice.random() < ON_LEAVE]
        Absence.objects.bulk_create(Absence(expert=one, starts_on=day, ends_on=day) for one in away)
        made += count
    revisions.bump("roster")
    revisions.bump("absences")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


# --- side by side ---------------------------------------------------------------------------------


def _compare(size: int) -> None:
    at = clock.now()
    day = clock.day_of(at)
    truth = Truth(TRADE, day)
    here = _places(ASKED)
    pool, _ = candidates.pools(_need(here[0], at))

    print(f"\n{size} experts, {len(truth.ids)} of the trade and available")
    print(f"{'':<34} {'p50':>10} {'p99':>10} {'asked':>6} {'× ours':>9} {'× floor':>9}  the same people")
    kernel = _in_memory(pool, at)
    ours = _Line("ours: match, pool in memory", kernel, here, truth)
    floor = _Line("floor: reading the columns once", lambda _: _read_once(pool), here, None)
    lines = [
        _Line("ORM filter, geopy, sort", nearest.naive(TRADE, day), here, truth),
        _Line("ORM box, geopy, sort", nearest.box(TRADE, day), here, truth),
        _Line("PostgreSQL cube KNN", nearest.cube(truth), here, truth),
        _Line("scipy cKDTree", nearest.tree(truth), here, truth),
        _Line("Redis GEOSEARCH, measured again", nearest.geosearch(truth), here, truth),
        ours,
        _Line("ours: propose, rows, words", _proposing(), here, truth),
        floor,
    ]
    for line in lines:
        line.show(ours=ours.p50, floor=floor.p50)
    for what, name in (("the roster", "roster"), ("somebody's leave", "absences")):
        print(f"first question after a change of {what}: {_after_a_change(name, here[0], at):.0f} ms")
    print(f"the roster in memory: {_bytes(pool) / len(pool):.0f} bytes an expert")
    for writing in (False, True):
        _under_load(here, writing=writing)


class _Line:
    """One way: asked from every place or as long as there is patience, then checked."""

    def __init__(self, name: str, finder: Finder | str, here: Sequence[Point], truth: Truth | None) -> None:
        self.name = name
        self.missing = finder if isinstance(finder, str) else ""
        self.taken: list[float] = []
        self.same = 0
        self.beyond_km = 0.0
        self.is_checked = truth is not None
        if isinstance(finder, str):
            return
        finder(here[0])  # what is read or prepared once is not counted
        patience_ends = time.perf_counter() + PATIENCE_SECONDS
        for place in here:
            begun = time.perf_counter()
            found = finder(place)
            self.taken.append(1000 * (time.perf_counter() - begun))
            if truth is not None:
                same, beyond_km = truth.agrees(place, found)
                self.same += same
                self.beyond_km = max(self.beyond_km, beyond_km)
            if time.perf_counter() > patience_ends and len(self.taken) >= 3:
                break
        if self.beyond_km > TIE_KM:
            raise SystemExit(f"{name}: names somebody {self.beyond_km:.3f} km too far")

    @property
    def p50(self) -> float:
        return float(np.percentile(self.taken, 50))

    def show(self, *, ours: float, floor: float) -> None:
        if self.missing:
            print(f"{self.name:<34} not run: {self.missing}")
            return
        p99 = float(np.percentile(self.taken, 99))
        asked = len(self.taken)
        said = f"{self.same} of {asked}" if self.is_checked else ""
        if self.same < asked and self.is_checked:
            said += f", else at most {1000 * self.beyond_km:.0f} m farther"
        print(
            f"{self.name:<34} {self.p50:>10.3f} {p99:>10.3f} {asked:>6} "
            f"{self.p50 / ours:>9.1f} {self.p50 / floor:>9.1f}  {said}"
        )


def _places(count: int) -> list[Point]:
    dice = random.Random(11)
    counties = list(Region.objects.filter(level="county"))
    return [Point(one.latitude, one.longitude) for one in dice.choices(counties, k=count)]


def _need(place: Point, at: datetime, asks: tuple[Requirement, ...] = ()) -> Need:
    return Need(
        situation=Situation.RESCUE,
        requirements=asks or (Requirement(key="1", industry=TRADE, seats=3),),
        at=at,
        on=clock.day_of(at),
        place=place,
    )


def _in_memory(pool: Pool, at: datetime) -> Finder:
    def find(place: Point) -> list[int]:
        (found,) = match(_need(place, at), experts=pool, weights=ONLY_TRAVEL)
        return _of_trade(found.ids(WANTED), pool)

    return find


def _of_trade(ids: list[int], pool: Pool) -> list[int]:
    """Leave out near trades, who follow where the trade has fewer than are wanted: nobody else names them."""
    return [
        pk for pk in ids if any(tags.has(pool.row_of[pk], TRADE) for tags in (pool.primary, pool.secondary))
    ]


def _proposing() -> Finder:
    asks = [RequirementSpec(InviteeKind.EXPERT, 3, industry=Industry.objects.get(code=TRADE))]

    def find(place: Point) -> list[int]:
        proposal = recommendations.propose_for(
            Situation.RESCUE, asks, place=place, weights=ONLY_TRAVEL, at=clock.now()
        )
        (found,) = proposal.matching
        rows = found.rows(0, WANTED)
        found.exclusion_words()
        found.excluded(WANTED)
        people = [proposal.invitee(InviteeKind.EXPERT, row.id) for row in rows]
        assert proposal.looked_at is not None
        return _of_trade([one.pk for one in people if one], proposal.looked_at.experts)

    return find


def _read_once(pool: Pool) -> list[int]:
    """Read what tells where everybody is, how often they went, when they answered, until when they are appointed."""
    for column in (
        *pool.places_km,
        pool.callouts,
        pool.last_answers,
        pool.appointments.starts,
        pool.appointments.ends,
    ):
        column.max(initial=0)
    return []


def _after_a_change(name: str, place: Point, at: datetime) -> float:
    revisions.bump(name)
    begun = time.perf_counter()
    candidates.pools(_need(place, at))
    return 1000 * (time.perf_counter() - begun)


def _under_load(here: Sequence[Point], *, writing: bool) -> None:
    found = load.run(here, writing=writing)
    beside = (
        f"{found.written / load.SECONDS:.0f} availability writes/s beside" if writing else "nothing written"
    )
    times = (
        f"p50 {np.percentile(found.milliseconds, 50):.1f} p99 {np.percentile(found.milliseconds, 99):.1f}"
        if found.milliseconds
        else "no answer"
    )
    print(
        f"matches/ over HTTP, {load.A_SECOND}/s for {load.SECONDS} s, {beside}: {times}; "
        f"{len(found.milliseconds)} of {found.asked} answered ({found.answered_a_second:.0f}/s), {found.refused} refused"
    )


def _bytes(thing: object) -> int:
    """Return the bytes of everything that is reached from a thing, each counted once."""
    seen: set[int] = set()
    waiting: list[object] = [thing]
    found = 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        found += sys.getsizeof(one)
        waiting.extend(gc.get_referents(one))
    return found


# --- a whole province, explained --------------------------------------------------------------------


def _explained() -> None:
    """Match, score and explain for a hundred thousand experts and fifty thousand teams, in memory."""
    at = datetime(2026, 11, 18, 14, 18)
    experts, teams = _invented_experts(100_000, at.date()), _invented_teams(50_000)
    asks = (
        Requirement(key="chemists", industry="WH", seats=3),
        Requirement(key="smelters", industry="YJ", seats=2, critical=True),
        Requirement(key="team", kind=InviteeKind.TEAM, industry="WH", seats=2),
    )

    def explain(place: Point) -> list[int]:
        for found in match(_need(place, at, asks), experts=experts, teams=teams):
            found.rows(0, WANTED)
            found.exclusion_words()
        return []

    def only_match(place: Point) -> list[int]:
        match(_need(place, at, asks), experts=experts, teams=teams)
        return []

    print("\n100000 experts and 50000 teams in memory, three requirements; milliseconds")
    for name, call in (("match", only_match), (f"match, {WANTED} rows and counts in words", explain)):
        taken = [_milliseconds(call, place) for place in _places(ASKED)]
        print(f"{name:<44} p50 {np.percentile(taken, 50):.2f} p99 {np.percentile(taken, 99):.2f}")
    print(f"bytes: {_bytes(experts) / len(experts):.0f} an expert, {_bytes(teams) / len(teams):.0f} a team")
    for name, pool in (("experts", experts), ("teams", teams)):
        shares = {one.name: _bytes(getattr(pool, one.name)) / len(pool) for one in fields(pool)}
        dear = sorted(shares.items(), key=lambda one: -one[1])[:6]
        print(f"  {name}: " + ", ".join(f"{column} {size:.0f}" for column, size in dear))


def _milliseconds(call: Callable[[Point], object], place: Point) -> float:
    begun = time.perf_counter()
    call(place)
    return 1000 * (time.perf_counter() - begun)


def _invented_experts(size: int, day: date) -> Pool:
    dice = random.Random(20261118)
    ids = range(1, size + 1)
    some = [[one for one in ids if dice.random() < share] for share in (0.1, 0.03, 0.02)]
    absent, deployed, suspended = some[0], some[1], frozenset(some[2])
    return Pool.of_experts(
        [
            (one, f"演示{one}", *_somewhere(dice), day - timedelta(days=9) if one in suspended else None)
            for one in ids
        ],
        practices=[
            (one, code, rank)
            for one in ids
            for code, rank in zip(dice.sample(CODES, 2), ("primary", "secondary"), strict=True)
        ],
        task_categories=[(one, "emergency") for one in ids],
        appointments=[
            (one, day - timedelta(days=400), day + timedelta(days=dice.randint(-60, 900)), None)
            for one in ids
        ],
        absences=[(one, day, day, "") for one in absent],
        deployments=[(one, "SJ-1") for one in deployed],
        callouts=[(one, dice.choice([0, 0, 1, 3])) for one in ids],
    )


def _invented_teams(size: int) -> Pool:
    dice = random.Random(20261119)
    ids = range(1, size + 1)
    return Pool.of_teams(
        [(one, f"演示{one}队", *_somewhere(dice), "ready", None) for one in ids],
        industries=[(one, code) for one in ids for code in dice.sample(CODES, 2)],
        kinds=[(one, "professional") for one in ids],
        callouts=[(one, dice.choice([0, 0, 1, 3])) for one in ids],
    )


def _somewhere(dice: random.Random) -> tuple[float, float]:
    return dice.uniform(36.1, 42.6), dice.uniform(113.5, 119.8)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or SIZES)
