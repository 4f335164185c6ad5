"""Whom matching looks at: rows become the columns of a pool, in a fixed number of queries.

What changes seldom (who is on the roster, in which trade, until when) is kept in memory and read
again when the roster's revision has moved. What changes by the minute (who is deployed, who refused
today, whom an interest ties to the enterprise) is read for every question. So a question costs the
same queries at 76 experts and at 10,000.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Count

from contracts.models import Agreement, Capability, Interest, InterestKind, RescueTeam
from coordination.matching import Need, Pool, Vocabulary
from coordination.models import Invitation
from coordination.paging import OUT, InvitationStatus
from coordination.visits import GuidanceStatus
from experts.models import (
    Absence,
    Appointment,
    Certificate,
    Expert,
    Practice,
    TaskCategory,
    TaskOffer,
)
from ground import revisions
from ground.dates import SHANGHAI
from ground.models import Specialty
from ground.terms import Words

# Fairness looks at who was called out within these days.
RECENT = timedelta(days=90)

Thing = TypeVar("Thing")


def pools(need: Need) -> tuple[Pool, Pool]:
    """Return the experts and the teams as they stand at `need.at`, with their ties to its enterprise."""
    experts = _roster.latest()
    teams = _teams.latest()
    engaged = _Engagements.read(need)
    return (
        experts.with_engagements(
            interests=engaged.interests,
            visits=engaged.visits,
            deployments=engaged.expert_deployments,
            callouts=engaged.expert_callouts,
            refused_today=engaged.experts_refused,
        ),
        teams.with_engagements(
            agreements=engaged.agreements,
            deployments=engaged.team_deployments,
            callouts=engaged.team_callouts,
            refused_today=engaged.teams_refused,
        ),
    )


def vocabulary() -> Vocabulary:
    """Return the names of the codes in both languages."""
    return _words.latest()


class _Kept(Generic[Thing]):
    """Something read from the database and kept until its revision moves. Shared by a process's threads."""

    def __init__(self, revision: str, read: Callable[[], Thing]) -> None:
        self._revision = revision
        self._read = read
        self._lock = threading.Lock()
        self._kept: tuple[tuple[str, UUID | None], Thing] | None = None

    def latest(self) -> Thing:
        # The revision is read first: a change that commits in between is then seen at the next question.
        version = (str(connection.settings_dict["NAME"]), revisions.current(self._revision))
        kept = self._kept
        if kept is not None and kept[0] == version:
            return kept[1]
        with self._lock:
            if self._kept is None or self._kept[0] != version:
                self._kept = (version, self._read())
            return self._kept[1]


def _read_roster() -> Pool:
    return Pool.of_experts(
        Expert.objects.values_list("pk", "name", "latitude", "longitude", "suspended_on"),
        practices=Practice.objects.values_list("expert_id", "industry_id", "rank"),
        specialties=Expert.specialties.through.objects.values_list("expert_id", "specialty_id"),
        task_categories=TaskOffer.objects.values_list("expert_id", "category"),
        appointments=Appointment.objects.values_list("expert_id", "starts_on", "ends_on", "ended_on"),
        certificates=Certificate.objects.values_list("expert_id", "name", "expires_on"),
        absences=Absence.objects.values_list("expert_id", "starts_on", "ends_on", "reason"),
    )


def _read_teams() -> Pool:
    return Pool.of_teams(
        RescueTeam.objects.values_list("pk", "name", "latitude", "longitude", "state", "owner_id"),
        industries=RescueTeam.industries.through.objects.values_list("rescueteam_id", "industry_id"),
        capabilities=RescueTeam.capabilities.through.objects.values_list("rescueteam_id", "capability_id"),
    )


def _read_words() -> Vocabulary:
    return Vocabulary(
        specialties={one.code: Words(one.name, one.name_en) for one in Specialty.objects.all()},
        capabilities={one.code: Words(one.name, one.name_en) for one in Capability.objects.all()},
        task_categories={one.value: Words(one.zh, one.en) for one in TaskCategory},
    )


_roster = _Kept("roster", _read_roster)
_teams = _Kept("teams", _read_teams)
_words = _Kept("words", _read_words)


@dataclass(frozen=True)
class _Engagements:
    """What ties people and teams up at this moment, as the pools take it."""

    interests: list[tuple[int, int, date | None, date | None, Words]]
    visits: list[tuple[int, date, date, str]]
    agreements: list[tuple[int, int, date, date, date | None, str, int | None]]
    expert_deployments: list[tuple[int, str]]
    team_deployments: list[tuple[int, str]]
    expert_callouts: list[tuple[int, int]]
    team_callouts: list[tuple[int, int]]
    experts_refused: list[int]
    teams_refused: list[int]

    @classmethod
    def read(cls, need: Need) -> _Engagements:
        deployed = Invitation.objects.filter(status=InvitationStatus.ACCEPTED, exclusive=True).values_list(
            "expert_id", "team_id", "callout__incident__number"
        )
        experts_deployed, teams_deployed = _split((e, t, number or "") for e, t, number in deployed)
        recent = (
            Invitation.objects.filter(asked_at__gte=need.at - RECENT, asked_at__lte=need.at)
            .values("expert_id", "team_id")
            .annotate(times=Count("pk"))
            .values_list("expert_id", "team_id", "times")
        )
        experts_called, teams_called = _split(recent)
        refused = Invitation.objects.filter(
            status=InvitationStatus.DECLINED, answered_at__gte=_midnight(need.at), answered_at__lte=need.at
        ).values_list("expert_id", "team_id", "pk")
        experts_refused, teams_refused = _split(refused)
        return cls(
            interests=_interests(need.enterprise_id),
            visits=_visits(),
            agreements=_agreements(need.enterprise_id),
            expert_deployments=experts_deployed,
            team_deployments=teams_deployed,
            expert_callouts=experts_called,
            team_callouts=teams_called,
            experts_refused=[expert for expert, _ in experts_refused],
            teams_refused=[team for team, _ in teams_refused],
        )


def _split(lines: Any) -> tuple[list[Any], list[Any]]:
    experts, teams = [], []
    for expert, team, fact in lines:
        if expert is not None:
            experts.append((expert, fact))
        else:
            teams.append((team, fact))
    return experts, teams


def _interests(enterprise_id: int | None) -> list[tuple[int, int, date | None, date | None, Words]]:
    if enterprise_id is None:
        return []
    lines = Interest.objects.filter(enterprise=enterprise_id).values_list(
        "expert_id", "enterprise_id", "starts_on", "ends_on", "kind", "details"
    )
    return [
        (expert, enterprise, starts, ends, _interest_words(InterestKind(kind), details))
        for expert, enterprise, starts, ends, kind, details in lines
    ]


def _interest_words(kind: InterestKind, details: str) -> Words:
    return Words(f"本企业{kind.zh}" + (f"（{details}）" if details else ""), kind.en)


def _visits() -> list[tuple[int, date, date, str]]:
    """Guidance visits that are agreed and not yet done."""
    lines = Invitation.objects.filter(
        status=InvitationStatus.ACCEPTED,
        expert__isnull=False,
        callout__guidance_request__visit_from__isnull=False,
        callout__guidance_request__status__in=[GuidanceStatus.SOURCING, GuidanceStatus.SCHEDULED],
        deployment__status__in=OUT,
    ).values_list(
        "expert_id",
        "callout__guidance_request__visit_from",
        "callout__guidance_request__visit_until",
        "callout__guidance_request__number",
    )
    return [
        (expert, start, until or start, number) for expert, start, until, number in lines if expert and start
    ]


def _agreements(
    enterprise_id: int | None,
) -> list[tuple[int, int, date, date, date | None, str, int | None]]:
    """The enterprise's agreements that both sides have confirmed, lapsed ones included."""
    if enterprise_id is None:
        return []
    confirmed = Agreement.objects.confirmed_by_both().filter(enterprise=enterprise_id)
    return list(
        confirmed.values_list(
            "team_id",
            "enterprise_id",
            "starts_on",
            "ends_on",
            "terminated_on",
            "number",
            "response_promise_minutes",
        )
    )


def _midnight(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
