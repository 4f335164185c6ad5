"""Invented people and teams, ranked by any weights: what a change of the weights comes to, before it is made.

Pure. Whoever keeps the settings may not see who is proposed for a real incident, so these are nobody. They are
ranked by matching itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from coordination.matching import (
    CandidateRow,
    InviteeKind,
    Need,
    Pool,
    Requirement,
    Situation,
    Weights,
    match,
)
from ground.dates import SHANGHAI
from ground.places import Point
from ground.terms import Words, joined

_DAY: Final = date(2026, 3, 2)
_PLACE: Final = Point(39.0, 116.0)
_KM_A_DEGREE: Final = 111.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Somebody:
    """So many kilometres from the incident, called out so often in 90 days, last heard of so many days ago."""

    name: Words
    km: float
    callouts: int
    is_primary: bool = True
    answered_days_ago: int | None = None
    is_asked_elsewhere: bool = False

    @property
    def place(self) -> tuple[float, float]:
        return _PLACE.latitude + self.km / _KM_A_DEGREE, _PLACE.longitude


_EXPERTS: Final = (
    _Somebody(name=Words("专家甲", "Expert A"), km=150, callouts=0, answered_days_ago=20),
    _Somebody(name=Words("专家乙", "Expert B"), km=40, callouts=6, answered_days_ago=3),
    _Somebody(name=Words("专家丙", "Expert C"), km=12, callouts=1, is_primary=False, answered_days_ago=60),
    _Somebody(name=Words("专家丁", "Expert D"), km=80, callouts=2),
    _Somebody(name=Words("专家戊", "Expert E"), km=60, callouts=0, is_primary=False, answered_days_ago=1),
)
_TEAMS: Final = (
    _Somebody(name=Words("甲队", "Team A"), km=18, callouts=5),
    _Somebody(name=Words("乙队", "Team B"), km=24, callouts=0),
    _Somebody(name=Words("丙队", "Team C"), km=40, callouts=1),
    _Somebody(name=Words("丁队", "Team D"), km=14, callouts=0, is_asked_elsewhere=True),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody of the example stands: their place in the ranking, from 1, and their score of 100."""

    kind: InviteeKind
    name: Words
    about: Words
    place: int
    score: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The same one by two sets of weights."""

    now: Standing
    before: Standing

    @property
    def up(self) -> int:
        """Return by how many places they come earlier than before; below 0 later."""
        return self.before.place - self.now.place

    @property
    def down(self) -> int:
        return -self.up


def experts(weights: Weights) -> tuple[Standing, ...]:
    """Return the experts of the example, best first: a leak, for which chemists are asked."""
    pool = Pool.of_experts(
        [(id_, one.name.zh, *one.place, None) for id_, one in enumerate(_EXPERTS, 1)],
        practices=[
            (id_, code, rank)
            for id_, one in enumerate(_EXPERTS, 1)
            for code, rank in (
                [("WH", "primary")] if one.is_primary else [("YJ", "primary"), ("WH", "secondary")]
            )
        ],
        appointments=[
            (id_, _DAY - timedelta(days=100), _DAY + timedelta(days=100), None)
            for id_, _ in enumerate(_EXPERTS, 1)
        ],
        task_categories=[(id_, "emergency") for id_, _ in enumerate(_EXPERTS, 1)],
        callouts=[(id_, one.callouts) for id_, one in enumerate(_EXPERTS, 1)],
        last_answers=[
            (id_, _DAY - timedelta(days=one.answered_days_ago))
            for id_, one in enumerate(_EXPERTS, 1)
            if one.answered_days_ago is not None
        ],
    )
    found = match(_need(InviteeKind.EXPERT), experts=pool, weights=weights)["1"]
    return _standings(found.rows(), _EXPERTS, ("expertise", "travel", "load", "freshness"))


def teams(weights: Weights) -> tuple[Standing, ...]:
    """Return the teams of the example, the one that is asked first before the others."""
    pool = Pool.of_teams(
        [(id_, one.name.zh, *one.place, "ready", None) for id_, one in enumerate(_TEAMS, 1)],
        industries=[(id_, "WH") for id_, _ in enumerate(_TEAMS, 1)],
        callouts=[(id_, one.callouts) for id_, one in enumerate(_TEAMS, 1)],
        asked=[(id_, "another") for id_, one in enumerate(_TEAMS, 1) if one.is_asked_elsewhere],
    )
    found = match(_need(InviteeKind.TEAM), teams=pool, weights=weights)["1"]
    return _standings(found.rows(), _TEAMS, ("travel", "load"))


def moved(now: Sequence[Standing], before: Sequence[Standing]) -> tuple[Moved, ...]:
    """Return everybody as ranked `now`, with where they stood `before`."""
    stood = {one.name: one for one in before}
    return tuple(Moved(one, stood[one.name]) for one in now)


def _need(kind: InviteeKind) -> Need:
    asked = Requirement(key="1", kind=kind, industry="WH")
    return Need(
        situation=Situation.RESCUE,
        requirements=(asked,),
        at=datetime(_DAY.year, _DAY.month, _DAY.day, 9, tzinfo=SHANGHAI),
        on=_DAY,
        place=_PLACE,
    )


def _standings(
    rows: Sequence[CandidateRow], people: Sequence[_Somebody], told: Sequence[str]
) -> tuple[Standing, ...]:
    names: Mapping[int, Words] = {id_: one.name for id_, one in enumerate(people, 1)}
    return tuple(
        Standing(
            row.kind,
            names[row.id],
            joined([part.words for part in row.parts if part.key in told], Words("，", ", ")),
            place,
            row.score,
        )
        for place, row in enumerate(rows, 1)
    )
