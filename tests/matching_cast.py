"""People and teams as a duty officer would name them, made into pools for matching, and what is said about them.

`facts` are the lines that `Pool.of_experts` and `Pool.of_teams` take, without the id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from coordination.matching import (
    CandidateRow,
    Excluded,
    InviteeKind,
    Need,
    Pool,
    Reason,
    Requirement,
    Situation,
    Vocabulary,
    match,
)
from ground.places import Point

TANGSHAN = Point(39.63, 118.18)
FIRM = 7
NOW = datetime(2026, 11, 18, 6, 18, tzinfo=UTC)
TODAY = date(2026, 11, 18)
STANDING = (date(2026, 1, 1), date(2028, 12, 31), None)
LI, WANG, ZHAO, QIAN, SUN, ZHOU, WU = range(1, 8)
CHEMIST = Requirement(key="chemist", industry="WH")


def km_north(distance_km: float) -> tuple[float, float]:
    return TANGSHAN.latitude + distance_km / 111, TANGSHAN.longitude


def roster(people: Mapping[int, tuple[str, str, float]], **facts: Any) -> Pool:
    """Return experts by id: (name, industry of the main practice, kilometres north of the incident)."""
    return Pool.of_experts(
        [(id_, name, *km_north(distance_km), None) for id_, (name, _, distance_km) in people.items()],
        practices=[(id_, code, "primary") for id_, (_, code, _) in people.items()] + facts.pop("also", []),
        task_categories=[(id_, "emergency") for id_ in people],
        appointments=[(id_, *STANDING) for id_ in people],
        **facts,
    )


def rescue(*requirements: Requirement, **facts: Any) -> Need:
    return Need(
        situation=Situation.RESCUE,
        requirements=requirements,
        at=NOW,
        on=TODAY,
        **{"place": TANGSHAN, "enterprise_id": FIRM, **facts},
    )


@dataclass(frozen=True)
class Someone:
    """A person or a team, so many kilometres north of the incident; None is unknown."""

    name: str
    km: float | None
    trade: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> tuple[float | None, float | None]:
        return (None, None) if self.km is None else (TANGSHAN.latitude + self.km / 111.03, TANGSHAN.longitude)


def expert(name: str, km: float | None = 20, trade: str = "WH", **facts: Any) -> Someone:
    return Someone(name, km, trade, facts)


def team(name: str, km: float | None = 20, trade: str = "WH", **facts: Any) -> Someone:
    return Someone(name, km, trade, facts)


def agreement(
    number: str, ends: date, *, starts: date = date(2025, 1, 1), ended: date | None = None, minutes: int = 60
) -> tuple[Any, ...]:
    return (FIRM, starts, ends, ended, number, minutes)


def _lines(people: Sequence[Someone], fact: str, *standing: tuple[Any, ...]) -> list[Any]:
    """Return (id, …) for each person; what is standing holds for those of whom nothing else is said."""
    lines: list[Any] = []
    for id_, one in enumerate(people, 1):
        said = one.facts.get(fact, standing)
        lines += [(id_, *line) for line in said]
    return lines


def _flagged(people: Sequence[Someone], fact: str) -> list[int]:
    return [id_ for id_, one in enumerate(people, 1) if one.facts.get(fact)]


def experts_in(people: Sequence[Someone]) -> Pool:
    return Pool.of_experts(
        [(i, one.name, *one.place, one.facts.get("suspended_on")) for i, one in enumerate(people, 1)],
        practices=[(i, one.trade, "primary") for i, one in enumerate(people, 1)]
        + [(i, code, "secondary") for i, code in _lines(people, "also")],
        task_categories=_lines(people, "takes_on", ("emergency",), ("review",), ("inspection",)),
        appointments=_lines(people, "terms", STANDING),
        specialties=_lines(people, "specialties"),
        certificates=_lines(people, "certificates"),
        absences=_lines(people, "absences"),
        interests=_lines(people, "interests"),
        visits=_lines(people, "visits"),
        deployments=_lines(people, "deployments"),
        asked=_lines(people, "asked"),
        asked_in_drills=_lines(people, "asked_in_drills"),
        callouts=_lines(people, "callouts"),
        experience=_lines(people, "experience"),
        last_answers=_lines(people, "answered"),
        refused_today=_flagged(people, "refused"),
        unreached_today=_flagged(people, "unreached"),
    )


def teams_in(people: Sequence[Someone]) -> Pool:
    return Pool.of_teams(
        [
            (i, one.name, *one.place, one.facts.get("state", "ready"), one.facts.get("owner"))
            for i, one in enumerate(people, 1)
        ],
        industries=[(i, one.trade) for i, one in enumerate(people, 1)],
        capabilities=_lines(people, "capabilities", ("leak_sealing",)),
        kinds=[(i, "mine" if one.trade == "MK" else "hazchem") for i, one in enumerate(people, 1)],
        full_time=[i for i, one in enumerate(people, 1) if not one.facts.get("part_time")],
        apparatus_shifts=_lines(people, "apparatus_ended"),
        agreements=_lines(people, "agreements"),
        agreement_sites=[line for one in people for line in one.facts.get("sites", [])],
        agreement_kinds=[line for one in people for line in one.facts.get("for_kinds", [])],
        measured_drives=[line for one in people for line in one.facts.get("measured", [])],
        deployments=_lines(people, "deployments"),
        asked=_lines(people, "asked"),
        asked_in_drills=_lines(people, "asked_in_drills"),
        callouts=_lines(people, "callouts"),
        refused_today=_flagged(people, "refused"),
        unreached_today=_flagged(people, "unreached"),
    )


def _because(reasons: Sequence[Reason]) -> str:
    return "；".join(
        reason.words.zh + (f"（{reason.law.words.zh}）" if reason.law else "") for reason in reasons
    )


def told(said: CandidateRow | Excluded) -> str:
    """Return what the page says about a candidate, in one line."""
    if isinstance(said, Excluded):
        return f"不派：{_because(said.reasons)}"
    state = "首选" if said.is_picked else "候补" if said.is_reserve else "可派"
    caution = f"，注意：{_because(said.cautions)}" if said.cautions else ""
    basis = said.basis
    if basis is None:
        return state + caution
    late = f"，{basis.timing.zh}" if basis.timing and not basis.in_time else ""
    return f"{state}，{basis.basis.zh}，{basis.document.zh}{late}{caution}"


def answers(need: Need, people: Sequence[Someone], words: Vocabulary) -> dict[str, str]:
    """Return by name what the page says about each of these people or teams."""
    asks_teams = need.requirements[0].kind is InviteeKind.TEAM
    pool = teams_in(people) if asks_teams else experts_in(people)
    one = match(
        need, experts=None if asks_teams else pool, teams=pool if asks_teams else None, vocabulary=words
    )["1"]
    about = {name: one.about(id_) for id_, name in enumerate(pool.names, 1)}
    return {name: told(said) for name, said in about.items() if said is not None}
