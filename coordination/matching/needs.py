"""What is needed: the situation, the place, the days and the kinds of people or teams.

Pure values. They are made from an incident, a guidance request or a bare question to the API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, NamedTuple

from coordination.paging import InviteeKind, Mode
from coordination.visits import GuidanceKind
from ground.dates import SHANGHAI
from ground.industries import INDUSTRIES, near_to
from ground.kinds import KINDS
from ground.laws import INVESTIGATION_RECUSAL, PLAN_REVIEW_RECUSAL, Law
from ground.places import Point, TravelTimeBasis
from ground.terms import Term, Words


class Situation(Term):
    """What the people are needed for. Every service of `visits.GuidanceKind` is a situation too."""

    RESCUE = "rescue", "应急救援", "rescue"
    INSPECTION = GuidanceKind.INSPECTION.written
    RISK_ASSESSMENT = GuidanceKind.RISK_ASSESSMENT.written
    PLAN_PREPARATION = GuidanceKind.PLAN_PREPARATION.written
    PLAN_REVIEW = GuidanceKind.PLAN_REVIEW.written
    DRILL = GuidanceKind.DRILL.written
    TRAINING = GuidanceKind.TRAINING.written
    INVESTIGATION = "investigation", "事故调查", "accident investigation"

    @property
    def recusal(self) -> Law | None:
        """Return the article that bars people with an interest; None where it only has to be disclosed.

        No such bar exists for advice in a rescue: the accident firm's own engineer may be the best help.
        """
        return RECUSALS.get(self)

    @property
    def task_category(self) -> str | None:
        """Return the task category for which an expert must have been appointed."""
        return _TASK_CATEGORIES.get(self)


RECUSALS: Mapping[Situation, Law] = {
    Situation.PLAN_REVIEW: PLAN_REVIEW_RECUSAL,
    Situation.INVESTIGATION: INVESTIGATION_RECUSAL,
}
_TASK_CATEGORIES: Mapping[Situation, str] = {
    Situation.RESCUE: "emergency",
    Situation.INSPECTION: "inspection",
    Situation.RISK_ASSESSMENT: "review",
    Situation.PLAN_PREPARATION: "consulting",
    Situation.PLAN_REVIEW: "review",
    Situation.DRILL: "consulting",
    Situation.TRAINING: "training",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One line of a need: this kind of person or team, this many seats that are still free.

    `industry`, `specialty` and `capability` are codes; what is None is not asked for. With an
    industry, a specialty counts in the score; without one, it must be there. A team's capability
    must be there. `certificate` is the name of a certificate that must be valid on the days. `urgent` asks for
    experts who are there soon rather than for the best; a team is always asked so.
    """

    key: str
    kind: InviteeKind = InviteeKind.EXPERT
    mode: Mode = Mode.ONSITE
    industry: str | None = None
    specialty: str | None = None
    capability: str | None = None
    seats: int = 1
    critical: bool = False
    urgent: bool = False
    certificate: str | None = None

    @property
    def is_in_a_hurry(self) -> bool:
        """Say whether how late the last one arrives matters more than how good they are."""
        return self.mode is Mode.ONSITE and (self.urgent or self.kind is InviteeKind.TEAM)

    def to_dict(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "kind": str(self.kind),
            "mode": str(self.mode),
            "industry": self.industry,
            "specialty": self.specialty,
            "capability": self.capability,
            "seats": self.seats,
            "critical": self.critical,
            "urgent": self.urgent,
            "certificate": self.certificate,
        }


class KnownDrive(NamedTuple):
    """How long somebody's drive to the place takes, without the turn-out, by roads or by measurement."""

    kind: InviteeKind
    id: int
    minutes: float
    basis: TravelTimeBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What matching looks at.

    `severity` is how much its seats are worth beside those of other needs: one, or more for a worse incident;
    `drives` are the drives to the place that are known better than by a straight line.
    `label` is how the need is named to others, such as an incident's number; `unit` is the code of the
    city-level unit where it is.
    `on` and `until` are the first and the last day in Asia/Shanghai; an incident has only `on`.
    `site_id` is the enterprise's site where it happened, `incident_kind` the code of what happened;
    None is not known. `task_category` replaces the situation's own. `already_asked` are those whom
    the callout has asked before, as (kind, id); they are left out, with that as their reason. `by_lot`: chance
    will choose among those who may go, so that nobody can answer for whom it sends.
    """

    situation: Situation
    requirements: tuple[Requirement, ...]
    at: datetime
    on: date
    until: date | None = None
    place: Point | None = None
    enterprise_id: int | None = None
    site_id: int | None = None
    incident_kind: str | None = None
    task_category: str | None = None
    already_asked: frozenset[tuple[InviteeKind, int]] = frozenset()
    severity: int = 1
    label: str = ""
    unit: str | None = None
    drives: tuple[KnownDrive, ...] = ()
    by_lot: bool = False

    @property
    def is_urgent(self) -> bool:
        return self.situation is Situation.RESCUE

    @property
    def first_day(self) -> int:
        return self.on.toordinal()

    @property
    def last_day(self) -> int:
        return max(self.on, self.until or self.on).toordinal()

    @property
    def today(self) -> int:
        """Return the day of asking in Asia/Shanghai."""
        at = self.at.astimezone(SHANGHAI) if self.at.tzinfo else self.at
        return at.toordinal()

    @property
    def begins_today(self) -> bool:
        return self.first_day <= self.today

    @property
    def starts_now(self) -> bool:
        return self.is_urgent or self.begins_today

    @property
    def begins_at(self) -> datetime:
        """Return the moment from which people and teams must be free: now, or the start of the first day."""
        at = self.at if self.at.tzinfo else self.at.replace(tzinfo=SHANGHAI)
        return at if self.starts_now else datetime.combine(self.on, time.min, SHANGHAI)

    @property
    def category(self) -> str | None:
        return self.task_category or self.situation.task_category

    def to_dict(self) -> dict[str, Any]:
        return {
            "situation": str(self.situation),
            "requirements": [requirement.to_dict() for requirement in self.requirements],
            "at": self.at.isoformat(),
            "on": self.on.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "place": [self.place.latitude, self.place.longitude] if self.place else None,
            "enterprise_id": self.enterprise_id,
            "site_id": self.site_id,
            "incident_kind": self.incident_kind,
            "task_category": self.category,
            "severity": self.severity,
            "label": self.label,
            "unit": self.unit,
            "drives": [[str(one.kind), one.id, one.minutes, str(one.basis)] for one in self.drives],
            "by_lot": self.by_lot,
            "already_asked": sorted([str(kind), id_] for kind, id_ in self.already_asked),
        }


_INDUSTRIES = {industry.code: Words(industry.zh, industry.en) for industry in INDUSTRIES}
_NEAR = {industry.code: near_to(industry.code) for industry in INDUSTRIES}
_INCIDENT_KINDS = {kind.code: Words(kind.zh, kind.en) for kind in KINDS}
_SKILLS_BY_KIND = {kind.code: kind.specialties for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of the codes, and which industries are near to which. An unknown code is shown as it is.

    Industries and their neighbours are those of `ground.industries`, kinds of incident and the
    specialties that each calls for those of `ground.kinds`, unless others are given.
    """

    industries: Mapping[str, Words] = field(default_factory=lambda: _INDUSTRIES)
    near: Mapping[str, Sequence[str]] = field(default_factory=lambda: _NEAR)
    specialties: Mapping[str, Words] = field(default_factory=dict)
    capabilities: Mapping[str, Words] = field(default_factory=dict)
    task_categories: Mapping[str, Words] = field(default_factory=dict)
    incident_kinds: Mapping[str, Words] = field(default_factory=lambda: _INCIDENT_KINDS)
    skills_by_kind: Mapping[str, Sequence[str]] = field(default_factory=lambda: _SKILLS_BY_KIND)

    def industry(self, code: str) -> Words:
        return self.industries.get(code, Words.same(code))

    def specialty(self, code: str) -> Words:
        return self.specialties.get(code, Words.same(code))

    def capability(self, code: str) -> Words:
        return self.capabilities.get(code, Words.same(code))

    def task_category(self, code: str) -> Words:
        return self.task_categories.get(code, Words.same(code))

    def incident_kind(self, code: str) -> Words:
        return self.incident_kinds.get(code, Words.same(code))

    def skills_for(self, incident_kind: str | None) -> tuple[str, ...]:
        """Return the specialties that an incident of this kind calls for."""
        return tuple(self.skills_by_kind.get(incident_kind or "", ()))

    def near_to(self, code: str) -> tuple[str, ...]:
        return tuple(near for near in self.near.get(code, ()) if near != code)
