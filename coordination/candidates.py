"""Whom matching looks at: rows become the columns of a pool, in a fixed number of queries.

What changes seldom (who is on the roster, in which trade, until when) is kept in memory and read
again when the roster's revision has moved; leave, which is written down every day, has a revision of
its own. What changes by the minute (who is deployed, who refused today, whom an interest ties to the
enterprise) is read for every question. So a question costs the same queries at 76 experts and at 10,000.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Max, Q, QuerySet

from contracts.models import (
    PART_TIME_LEVELS,
    Agreement,
    Capability,
    DriveTimeSource,
    Interest,
    InterestKind,
    RescueTeam,
)
from coordination.matching import Need, Pool, Vocabulary
from coordination.models import ContactCheck, Deployment, Invitation
from coordination.paging import (
    OUT,
    CalloutStatus,
    DeliveryStatus,
    DeploymentStatus,
    InvitationStatus,
    Purpose,
)
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
from ground.repeated import Repeated
from ground.terms import Words

# Fairness looks at who was called out within these days.
RECENT = timedelta(days=90)
# An answer older than this says nothing about whether somebody can still be reached.
REMEMBERED = timedelta(days=365)

Thing = TypeVar("Thing")


def pools(need: Need, *others: Need, stamps: Stamps | None = None) -> tuple[Pool, Pool]:
    """Return the experts and the teams as they stand at `need.at`, with their ties to its enterprise.

    Those to the enterprises of `others`, which are answered in the same run, are read in the same queries, and
    so is who went to incidents of their kinds before.
    """
    stamps = stamps or Stamps.now()
    experts = _experts(stamps, since=min(_day(need.at), need.on))
    teams = _teams.at(stamps["teams"], _read_teams)
    engaged = _Engagements.read(need, *others)
    # Who said in a contact drill that a message reached them has answered, as well as who was called out.
    experts_reached, teams_reached = _split(_reached(stamps, at=need.at))
    return (
        experts.with_engagements(
            interests=engaged.interests,
            visits=engaged.visits,
            deployments=engaged.expert_deployments,
            asked=engaged.experts_asked,
            asked_in_drills=engaged.experts_asked_in_drills,
            callouts=engaged.expert_callouts,
            experience=engaged.expert_experience,
            last_answers=[*engaged.expert_answers, *experts_reached],
            refused_today=engaged.experts_refused,
            unreached_today=engaged.experts_unreached,
        ),
        teams.with_engagements(
            agreements=engaged.agreements,
            agreement_sites=engaged.agreement_sites,
            agreement_kinds=engaged.agreement_kinds,
            measured_drives=engaged.measured_drives,
            deployments=engaged.team_deployments,
            asked=engaged.teams_asked,
            asked_in_drills=engaged.teams_asked_in_drills,
            callouts=engaged.team_callouts,
            experience=engaged.team_experience,
            last_answers=[*engaged.team_answers, *teams_reached],
            refused_today=engaged.teams_refused,
            unreached_today=engaged.teams_unreached,
        ),
    )


def vocabulary(stamps: Stamps | None = None) -> Vocabulary:
    """Return the names of the codes in both languages."""
    return _words.at((stamps or Stamps.now())["words"], _read_words)


Stamp = tuple[str, Hashable]


class Stamps:
    """Which state of each body of rows the database is in, read in one query.

    They are read before the rows: a change that commits in between is then seen at the next question. So
    whoever asks for several bodies hands the same stamps to each.
    """

    NAMES = ("roster", "absences", "teams", "words", "weights", "contact_checks")

    def __init__(self, database: str, stamps: Mapping[str, UUID | None]) -> None:
        self._database = database
        self._stamps = stamps

    @classmethod
    def now(cls) -> Stamps:
        stamps = dict(zip(cls.NAMES, revisions.current(*cls.NAMES), strict=True))
        return cls(str(connection.settings_dict["NAME"]), stamps)

    def __getitem__(self, name: str) -> Stamp:
        return self._database, self._stamps[name]


class Kept(Generic[Thing]):
    """Something made from rows and kept until it is asked for with another stamp. Shared by a process's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[Hashable, Thing] | None = None

    def at(self, stamp: Hashable, make: Callable[[], Thing]) -> Thing:
        kept = self._kept
        if kept is not None and kept[0] == stamp:
            return kept[1]
        with self._lock:
            if self._kept is None or self._kept[0] != stamp:
                self._kept = (stamp, make())
            return self._kept[1]


def _experts(stamps: Stamps, *, since: date) -> Pool:
    """Return the roster, with the leave that is not over on this day."""
    stamp = stamps["roster"], stamps["absences"], since
    return _experts_with_leave.at(
        stamp, lambda: _roster.at(stamp[0], _read_roster).with_absences(_read_absences(since))
    )


def _read_roster() -> Pool:
    lines = list(
        Expert.objects.values_list("pk", "name", "latitude", "longitude", "suspended_on", "region__unit")
    )
    return Pool.of_experts(
        [line[:5] for line in lines],
        units=[(line[0], line[5]) for line in lines],
        practices=Practice.objects.values_list("expert_id", "industry_id", "rank"),
        specialties=Expert.specialties.through.objects.values_list("expert_id", "specialty_id"),
        task_categories=TaskOffer.objects.values_list("expert_id", "category"),
        appointments=Appointment.objects.values_list("expert_id", "starts_on", "ends_on", "ended_on"),
        certificates=Certificate.objects.values_list("expert_id", "name", "expires_on"),
    )


def _read_absences(since: date) -> list[tuple[int, date, date, str]]:
    coming = Absence.objects.filter(ends_on__gte=since)
    return list(coming.values_list("expert_id", "starts_on", "ends_on", "reason"))


def _read_teams() -> Pool:
    lines = list(
        RescueTeam.objects.values_list(
            *("pk", "name", "latitude", "longitude", "state", "owner_id"),
            *("kind", "level", "apparatus_shift_ended_at", "region__unit"),
        )
    )
    return Pool.of_teams(
        [line[:6] for line in lines],
        units=[(line[0], line[9]) for line in lines],
        industries=RescueTeam.industries.through.objects.values_list("rescueteam_id", "industry_id"),
        capabilities=RescueTeam.capabilities.through.objects.values_list("rescueteam_id", "capability_id"),
        kinds=[(line[0], line[6]) for line in lines],
        full_time=[line[0] for line in lines if line[7] not in PART_TIME_LEVELS],
        apparatus_shifts=[(line[0], line[8]) for line in lines if line[8] is not None],
    )


def _read_words() -> Vocabulary:
    return Vocabulary(
        specialties={one.code: Words(one.name, one.name_en) for one in Specialty.objects.all()},
        capabilities={one.code: Words(one.name, one.name_en) for one in Capability.objects.all()},
        task_categories={one.value: Words(one.zh, one.en) for one in TaskCategory},
    )


_roster = Kept[Pool]()
_experts_with_leave = Kept[Pool]()
_teams = Kept[Pool]()
_words = Kept[Vocabulary]()
_checks = Kept[list[Any]]()


@dataclass(frozen=True)
class _Engagements:
    """What ties people and teams up at this moment, as the pools take it."""

    interests: list[tuple[int, int, date | None, date | None, Words]]
    visits: list[tuple[int, date, date, str]]
    agreements: list[tuple[int, int, date, date, date | None, str, int | None]]
    agreement_sites: list[tuple[str, int, str]]
    agreement_kinds: list[tuple[str, str]]
    measured_drives: list[tuple[str, int]]
    expert_deployments: list[tuple[int, str]]
    team_deployments: list[tuple[int, str]]
    experts_asked: list[tuple[int, str]]
    teams_asked: list[tuple[int, str]]
    experts_asked_in_drills: list[tuple[int, str]]
    teams_asked_in_drills: list[tuple[int, str]]
    expert_callouts: list[tuple[int, int]]
    team_callouts: list[tuple[int, int]]
    expert_experience: list[tuple[int, str, int]]
    team_experience: list[tuple[int, str, int]]
    expert_answers: list[tuple[int, date]]
    team_answers: list[tuple[int, date]]
    experts_refused: list[int]
    teams_refused: list[int]
    experts_unreached: list[int]
    teams_unreached: list[int]

    @classmethod
    def read(cls, need: Need, *others: Need) -> _Engagements:
        kinds = {one.incident_kind for one in (need, *others) if one.incident_kind}
        enterprises = {one.enterprise_id for one in (need, *others) if one.enterprise_id is not None}
        experts_tied_up, teams_tied_up = _split(_tied_up())
        contacts = _contacts(need.at)
        experts_called, teams_called = _split((e, t, n) for e, t, n, _, _ in contacts if n)
        experts_answered, teams_answered = _split((e, t, _day(on)) for e, t, _, on, _ in contacts if on)
        experts_refused, teams_refused = _split((e, t, n) for e, t, _, _, n in contacts if n)
        experts_experience, teams_experience = _split(_experience(kinds))
        experts_unreached, teams_unreached = _split(_unreached(need.at))
        promises = _promises(enterprises)
        return cls(
            interests=_interests(enterprises),
            visits=_visits(),
            agreements=[one.agreement for one in promises],
            agreement_sites=[(one.number, *site) for one in promises for site in one.sites],
            agreement_kinds=[(one.number, kind) for one in promises for kind in one.kinds],
            measured_drives=[
                (one.number, one.measured_minutes) for one in promises if one.measured_minutes is not None
            ],
            expert_deployments=_deployed(experts_tied_up),
            team_deployments=_deployed(teams_tied_up),
            experts_asked=_asked(experts_tied_up, in_drills=False),
            teams_asked=_asked(teams_tied_up, in_drills=False),
            experts_asked_in_drills=_asked(experts_tied_up, in_drills=True),
            teams_asked_in_drills=_asked(teams_tied_up, in_drills=True),
            expert_callouts=experts_called,
            team_callouts=teams_called,
            expert_experience=[(expert, *fact) for expert, fact in experts_experience],
            team_experience=[(team, *fact) for team, fact in teams_experience],
            expert_answers=experts_answered,
            team_answers=teams_answered,
            experts_refused=[expert for expert, _ in experts_refused],
            teams_refused=[team for team, _ in teams_refused],
            experts_unreached=[expert for expert, _ in experts_unreached],
            teams_unreached=[team for team, _ in teams_unreached],
        )


def _tied_up() -> list[Any]:
    """Return (expert, team, (status, the incident's number, is it a drill)) of all who may not be free now.

    Who holds an exclusive seat has accepted; who was asked for an incident and has not answered may any
    minute. A request for guidance asks for another day, so it keeps nobody waiting. Two queries in one: with
    an "or" in place of the union, every invitation there ever was would be read.
    """
    return [
        (expert, team, (status, number, is_drill))
        for expert, team, status, number, is_drill in _TIED_UP.rows()
    ]


def _build_tied_up() -> QuerySet[Any, Any]:
    columns = ("expert_id", "team_id", "status", "callout__incident__number", "callout__incident__is_drill")
    deployed = Invitation.objects.filter(status=InvitationStatus.ACCEPTED, exclusive=True)
    asked = Invitation.objects.filter(status=InvitationStatus.ASKED, callout__incident__isnull=False).exclude(
        callout__status=CalloutStatus.CLOSED
    )
    return deployed.order_by().values_list(*columns).union(asked.order_by().values_list(*columns), all=True)


_TIED_UP = Repeated(_build_tied_up)


def _deployed(tied_up: list[Any]) -> list[tuple[int, str]]:
    return [
        (id_, number or "") for id_, (status, number, _) in tied_up if status == InvitationStatus.ACCEPTED
    ]


def _asked(tied_up: list[Any], *, in_drills: bool) -> list[tuple[int, str]]:
    return [
        (id_, number)
        for id_, (status, number, is_drill) in tied_up
        if status == InvitationStatus.ASKED and is_drill is in_drills
    ]


def _contacts(at: datetime) -> list[Any]:
    """Return (expert, team, call-outs lately, the last answer, refusals today) of all who were asked in a year."""
    return _CONTACTS.rows(at, at - REMEMBERED, at - RECENT, _midnight(at))


def _build_contacts(
    at: datetime, remembered: datetime, recent: datetime, today: datetime
) -> QuerySet[Any, Any]:
    return (
        Invitation.objects.filter(
            Q(asked_at__gte=remembered, asked_at__lte=at)
            | Q(answered_at__gte=remembered, answered_at__lte=at)
        )
        .order_by()  # by the model's own, the callouts would be read as well
        .values("expert_id", "team_id")
        .annotate(
            times=Count("pk", filter=Q(asked_at__gte=recent, asked_at__lte=at)),
            answered=Max("answered_at", filter=Q(answered_at__lte=at)),
            refused=Count(
                "pk",
                filter=Q(status=InvitationStatus.DECLINED, answered_at__gte=today, answered_at__lte=at),
            ),
        )
        .values_list("expert_id", "team_id", "times", "answered", "refused")
    )


_CONTACTS = Repeated(_build_contacts)


def _reached(stamps: Stamps, *, at: datetime) -> list[Any]:
    """Return (expert, team, day) of the last contact drill in a year that each answered."""

    def read() -> list[Any]:
        answered = ContactCheck.objects.filter(answered_at__gte=at - REMEMBERED).order_by()
        lines = answered.values("expert_id", "team_id").annotate(last=Max("answered_at"))
        return [(e, t, _day(last)) for e, t, last in lines.values_list("expert_id", "team_id", "last")]

    return _checks.at((stamps["contact_checks"], _day(at)), read)


def _experience(incident_kinds: set[str]) -> list[Any]:
    """Return (expert, team, (kind, how often)) for those who came back from such incidents; drills are none."""
    if not incident_kinds:
        return []
    lines = (
        Deployment.objects.filter(
            status__in=[DeploymentStatus.RELEASED, DeploymentStatus.REPORTED],
            invitation__callout__incident__kind__in=incident_kinds,
            invitation__callout__incident__is_drill=False,
        )
        .values("invitation__expert_id", "invitation__team_id", "invitation__callout__incident__kind")
        .annotate(times=Count("pk"))
        .values_list(
            *("invitation__expert_id", "invitation__team_id", "invitation__callout__incident__kind"),
            "times",
        )
    )
    return [(expert, team, (kind, times)) for expert, team, kind, times in lines]


def _unreached(at: datetime) -> list[Any]:
    """Return (expert, team, how many) for those to whom every message of today failed, and who said nothing."""
    today = _midnight(at)
    # Who was asked before midnight may still be written to after it.
    return _UNREACHED.rows(at, today, today - timedelta(days=1))


def _build_unreached(at: datetime, today: datetime, yesterday: datetime) -> QuerySet[Any, Any]:
    sent_today = Q(deliveries__purpose=Purpose.ASK, deliveries__created_at__gte=today)
    return (
        Invitation.objects.filter(asked_at__gte=yesterday, asked_at__lte=at)
        .values("expert_id", "team_id")
        .annotate(
            sent=Count("deliveries", filter=sent_today & ~Q(deliveries__status=DeliveryStatus.CANCELLED)),
            failed=Count("deliveries", filter=sent_today & Q(deliveries__status=DeliveryStatus.FAILED)),
            answered=Max("answered_at"),
        )
        .filter(Q(answered=None) | Q(answered__lt=today), sent__gt=0, sent=F("failed"))
        .values_list("expert_id", "team_id", "failed")
    )


_UNREACHED = Repeated(_build_unreached)


def _split(lines: Any) -> tuple[list[Any], list[Any]]:
    experts, teams = [], []
    for expert, team, fact in lines:
        if expert is not None:
            experts.append((expert, fact))
        else:
            teams.append((team, fact))
    return experts, teams


def _interests(enterprises: set[int]) -> list[tuple[int, int, date | None, date | None, Words]]:
    if not enterprises:
        return []
    lines = Interest.objects.filter(enterprise__in=enterprises).values_list(
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
    return [
        (expert, start, until or start, number)
        for expert, start, until, number in _VISITS.rows()
        if expert and start
    ]


def _build_visits() -> QuerySet[Any, Any]:
    agreed = Invitation.objects.filter(
        status=InvitationStatus.ACCEPTED,
        expert__isnull=False,
        callout__guidance_request__visit_from__isnull=False,
        callout__guidance_request__status__in=[GuidanceStatus.SOURCING, GuidanceStatus.SCHEDULED],
        deployment__status__in=OUT,
    )
    return agreed.order_by().values_list(
        "expert_id",
        "callout__guidance_request__visit_from",
        "callout__guidance_request__visit_until",
        "callout__guidance_request__number",
    )


_VISITS = Repeated(_build_visits)


@dataclass
class _Promise:
    """An agreement that both sides have confirmed, lapsed ones included; without `sites` it covers all."""

    agreement: tuple[int, int, date, date, date | None, str, int | None]
    measured_minutes: int | None
    kinds: Sequence[str]
    sites: list[tuple[int, str]] = field(default_factory=list)

    @property
    def number(self) -> str:
        return self.agreement[5]


def _promises(enterprises: set[int]) -> list[_Promise]:
    """Return what was promised to the enterprises: one query, a line for each site of each agreement."""
    if not enterprises:
        return []
    found: dict[str, _Promise] = {}
    confirmed = Agreement.objects.confirmed_by_both().filter(enterprise__in=enterprises)
    lines = confirmed.values_list(
        *("team_id", "enterprise_id", "starts_on", "ends_on", "terminated_on", "number"),
        *("response_promise_minutes", "drive_minutes", "drive_time_source", "incident_kinds"),
        *("sites__pk", "sites__name"),
    )
    for team, firm, starts, ends, ended, number, promised, drive, source, kinds, site, name in lines:
        agreement = (team, firm, starts, ends, ended, number, promised)
        measured = drive if source == DriveTimeSource.MEASURED else None
        promise = found.setdefault(number, _Promise(agreement, measured, kinds))
        if site is not None:
            promise.sites.append((site, name))
    return list(found.values())


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def _midnight(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
