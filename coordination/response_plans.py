"""Whom an incident of a kind needs, by accident level, before the officer says otherwise: the run cards.

Pure: what a line of a plan is, how the lines of a plan add up for a level, and what is wrong with a plan.
Which plans ship is up to `plan_templates`, which stand in the database to `planning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from coordination.paging import InviteeKind, Mode
from ground.kinds import IncidentKind
from ground.terms import Term, Words
from incidents.levels import AccidentLevel

# What the requirements of a callout are edited in has eight lines; one is left for whatever else the day asks.
MOST_ASKS: Final = 7
MOST_LINES: Final = 24
MOST_SEATS: Final = 20


class Trade(Term):
    """The industries that a line may ask for without naming one."""

    OF_INCIDENT = "incident", "事发行业", "the incident's industry"
    ANY = "any", "不限行业", "any industry"


# Which level comes before which: a line stays for every level after its own.
_RANKS: Final = {level: rank for rank, level in enumerate(AccidentLevel)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """So many seats for this kind of person or team, at `from_level` and every graver one.

    `industry` is the code of one, or a `Trade`; `specialty` and `capability` are codes, "" asks for none.
    """

    kind: InviteeKind
    seats: int = 1
    from_level: AccidentLevel = AccidentLevel.ORDINARY
    mode: Mode = Mode.ONSITE
    industry: str = Trade.OF_INCIDENT
    specialty: str = ""
    capability: str = ""
    critical: bool = False
    urgent: bool = False

    @property
    def ask(self) -> tuple[str | bool, ...]:
        """Return what is asked for, whatever the level and the number: two lines alike in it mean the same people.

        How critical it is weighs the seats and does not change who is meant.
        """
        return self.kind, self.mode, self.industry, self.specialty, self.capability, self.urgent

    def holds_at(self, level: AccidentLevel) -> bool:
        return _RANKS[self.from_level] <= _RANKS[level]

    def columns(self) -> dict[str, Any]:
        """Return the line as a row of the database keeps it."""
        names_one = self.industry not in list(Trade)
        return {
            "from_level": self.from_level.value,
            "kind": self.kind.value,
            "mode": self.mode.value,
            "of_incident": self.industry == Trade.OF_INCIDENT,
            "industry_id": self.industry if names_one else None,
            "specialty_id": self.specialty or None,
            "capability_id": self.capability or None,
            "seats": self.seats,
            "critical": self.critical,
            "urgent": self.urgent,
        }

    def to_dict(self) -> dict[str, Any]:
        return {name: str(value) if isinstance(value, str) else value for name, value in asdict(self).items()}


def compose(
    lines: Iterable[PlanLine], level: AccidentLevel, *, industry: str | None = None
) -> tuple[PlanLine, ...]:
    """Return what a plan asks for at a level: one line for each ask, in the plan's order.

    The levels add up, so a graver one never asks for less. Lines that begin at the same level and come to
    the same ask are the same seats: the larger number counts. That happens when the incident's own
    `industry` is also one that the plan names. Without `industry` such lines stay as they are written.
    """
    first: dict[tuple[str | bool, ...], PlanLine] = {}
    seats: dict[tuple[str | bool, ...], dict[AccidentLevel, int]] = {}
    for line in lines:
        if not line.holds_at(level):
            continue
        if industry and line.industry == Trade.OF_INCIDENT:
            line = replace(line, industry=industry)
        known = first.setdefault(line.ask, line)
        first[line.ask] = replace(
            known,
            critical=known.critical or line.critical,
            from_level=min(known.from_level, line.from_level, key=lambda one: _RANKS[one]),
        )
        beginning = seats.setdefault(line.ask, {})
        beginning[line.from_level] = max(beginning.get(line.from_level, 0), line.seats)
    return tuple(replace(line, seats=sum(seats[ask].values())) for ask, line in first.items())


def in_order(lines: Iterable[PlanLine]) -> tuple[PlanLine, ...]:
    """Return the lines by level, experts before teams, and otherwise as they were given."""
    return tuple(
        sorted(lines, key=lambda line: (_RANKS[line.from_level], line.kind is not InviteeKind.EXPERT))
    )


def usual(kind: IncidentKind) -> tuple[PlanLine, ...]:
    """Return what is proposed for a kind that has no plan: two experts and a team of the incident's industry."""
    specialty = kind.specialties[0] if kind.specialties else ""
    return (
        PlanLine(kind=InviteeKind.EXPERT, seats=2, specialty=specialty, critical=True),
        PlanLine(kind=InviteeKind.TEAM, seats=1, critical=True),
    )


def seats_for(kind: InviteeKind, lines: Iterable[PlanLine]) -> int:
    return sum(line.seats for line in lines if line.kind is kind)


def faults(lines: Sequence[PlanLine], numbers: Sequence[int] = ()) -> tuple[Words, ...]:
    """Return what is wrong with the lines of a plan, and what to do about each; () if nothing is.

    `numbers` are those under which the lines stand before the person who wrote them; else 1, 2, …
    """
    numbered = list(zip(numbers or range(1, len(lines) + 1), lines, strict=True))
    found = [words for number, line in numbered for words in _faults_of(line, number)]
    if not any(line.holds_at(AccidentLevel.ORDINARY) for line in lines):
        found.append(
            Words(
                "“一般”级别还没有席位。请至少加一行从“一般”起的岗位，否则一般事故什么也不提议。",
                "There is no seat at the level “ordinary”. Add a line from “ordinary” on, or an ordinary accident "
                "would be proposed nobody.",
            )
        )
    standing: dict[tuple[Any, ...], int] = {}
    for number, line in numbered:
        same = standing.setdefault((line.ask, line.from_level), number)
        if same != number:
            found.append(
                Words(
                    "第 {number} 行与第 {same} 行要的是同样的席位。请合成一行，填总数。",
                    "Line {number} asks for the same seats as line {same}. Make them one line with the total.",
                ).filled(number=number, same=same)
            )
    asks = len({line.ask for line in lines})
    if asks > MOST_ASKS or len(lines) > MOST_LINES:
        found.append(
            Words(
                "一份预案最多 {asks} 种岗位、{lines} 行，现在有 {now} 种、{count} 行。请合并或删去一些。",
                "A plan has at most {asks} kinds of seats in {lines} lines; here are {now} in {count}. "
                "Merge or remove some.",
            ).filled(asks=MOST_ASKS, lines=MOST_LINES, now=asks, count=len(lines))
        )
    return tuple(found)


def _faults_of(line: PlanLine, number: int) -> list[Words]:
    found = []
    if not 1 <= line.seats <= MOST_SEATS:
        found.append(
            Words(
                "第 {number} 行的席位数是 {seats}，应为 1 到 {most}。",
                "Line {number} has {seats} seats; give 1 to {most}.",
            ).filled(number=number, seats=line.seats, most=MOST_SEATS)
        )
    is_team = line.kind is InviteeKind.TEAM
    if is_team and line.mode is Mode.REMOTE:
        found.append(
            Words(
                "第 {number} 行要求队伍远程参加。队伍只能到现场，请改为“现场”。",
                "Line {number} asks a team to take part from afar. Teams come to the scene; choose “on site”.",
            ).filled(number=number)
        )
    if is_team and line.specialty:
        found.append(
            Words(
                "第 {number} 行是队伍，不能要求专业方向。请改选救援能力。",
                "Line {number} is about a team, which has no specialty. Choose a capability instead.",
            ).filled(number=number)
        )
    if not is_team and line.capability:
        found.append(
            Words(
                "第 {number} 行是专家，不能要求救援能力。请改选专业方向。",
                "Line {number} is about an expert, who has no capability. Choose a specialty instead.",
            ).filled(number=number)
        )
    if line.industry == Trade.ANY and not line.specialty and not line.capability:
        found.append(
            Words(
                "第 {number} 行不限行业，也没有写专业方向或救援能力，等于谁都可以。请写明其中一项。",
                "Line {number} names neither an industry nor a specialty or capability, so anybody would do. "
                "Give one of them.",
            ).filled(number=number)
        )
    return found
