"""Matching for an incident, a request or a bare need, and keeping what was proposed.

Nothing is stored by asking. When people are called out on the strength of a proposal, `keep` writes it
down as the officer saw it, so that the choice can be explained years later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from itertools import islice, zip_longest
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from contracts.models import RescueTeam
from coordination import candidates, planning, replays, weighting
from coordination.callouts import Invitee, RequirementSpec
from coordination.matching import (
    CandidateRow,
    Excluded,
    KnownDrive,
    Match,
    Matching,
    Need,
    Situation,
    Weights,
    match_all,
)
from coordination.matching import Requirement as Ask
from coordination.matching.reviews import PanelMade
from coordination.models import (
    Callout,
    GuidanceRequest,
    Invitation,
    Recommendation,
    RecommendationInputs,
    Requirement,
)
from coordination.paging import CalloutStatus, InvitationStatus, InviteeKind, Mode
from coordination.replays import LookedAt
from experts.models import Expert
from ground import clock, travel_time
from ground.audit import Actor
from ground.models import Industry, Region
from ground.places import Point, TravelTimeBasis
from ground.repeated import Repeated
from incidents.levels import AccidentLevel
from incidents.models import Incident

Subject = Incident | GuidanceRequest

# How many of a ranked list are put on a callout's list, picks and reserves included.
LISTED = 10
SHOWN = 20
PUBLIC_IDS_KEPT = 20_000


@dataclass(frozen=True, eq=False)
class Proposal:
    """What matching proposes for these requirements; `matching` has one Match each, keyed "1", "2", …"""

    requirements: tuple[RequirementSpec, ...]
    matching: Matching
    subject: Subject | None = None
    others: tuple[Matching, ...] = ()  # other incidents whose open seats were filled in the same run
    looked_at: LookedAt | None = None
    stamps: candidates.Stamps | None = None  # of what was looked at
    panel: PanelMade | None = None  # where a whole panel is asked for: who would sit together

    @property
    def picked_experts(self) -> int:
        return self._picked(InviteeKind.EXPERT)

    @property
    def picked_teams(self) -> int:
        return self._picked(InviteeKind.TEAM)

    def _picked(self, kind: InviteeKind) -> int:
        return sum(len(one.picks) for one in self.matching if one.requirement.kind is kind)

    def invitee(self, kind: InviteeKind, pk: int) -> Expert | RescueTeam | None:
        """Return the row behind somebody shown or picked; those of all requirements come in two queries."""
        return (self._experts if kind is InviteeKind.EXPERT else self._teams).get(pk)

    @cached_property
    def _experts(self) -> dict[int, Expert]:
        ids = self._shown(InviteeKind.EXPERT)
        return Expert.objects.prefetch_related("contacts").in_bulk(ids) if ids else {}

    @cached_property
    def _teams(self) -> dict[int, RescueTeam]:
        ids = self._shown(InviteeKind.TEAM)
        return RescueTeam.objects.prefetch_related("contacts").in_bulk(ids) if ids else {}

    def public_ids(self, kind: InviteeKind, ids: Collection[int]) -> dict[int, str]:
        """Return by which opaque ids people or teams are known outside.

        They never change, so whoever was named since the roster was read is not looked up again.
        """
        model, body = (Expert, "roster") if kind is InviteeKind.EXPERT else (RescueTeam, "teams")
        known = _public_ids[kind].at((self.stamps or candidates.Stamps.now())[body], dict)
        found = {id_: public_id for id_ in ids if (public_id := known.get(id_))}
        if missing := set(ids) - found.keys():
            lines = model._default_manager.filter(pk__in=missing).order_by().values_list("pk", "public_id")
            read = {id_: str(public_id) for id_, public_id in lines}
            if len(known) > PUBLIC_IDS_KEPT:
                known.clear()
            known.update(read)
            found.update(read)
        return found

    def _shown(self, kind: InviteeKind) -> set[int]:
        shown: set[int] = set()
        for one in self.matching:
            if one.requirement.kind is kind:
                shown.update([*one.ids(SHOWN), *one.picks, *one.reserves])
                shown.update(out.id for out in one.excluded(SHOWN))
        return shown


_public_ids = {kind: candidates.Kept[dict[int, str]]() for kind in InviteeKind}


def proposed_requirements(subject: Subject) -> list[RequirementSpec]:
    """Return what is proposed before the officer says otherwise.

    For an incident what its response plan asks for at the officer's level, or at the one that the figures
    suggest; for a request as many experts as it asks for.
    """
    if isinstance(subject, GuidanceRequest):
        return [RequirementSpec(InviteeKind.EXPERT, subject.experts_wanted, industry=subject.industry)]
    return requirements_for(subject.kind, subject.industry, subject.expected_level())


def requirements_for(
    kind_code: str, industry: Industry, level: AccidentLevel = AccidentLevel.ORDINARY
) -> list[RequirementSpec]:
    """Return the proposal for an incident of this kind in this industry, before it has been opened."""
    return planning.requirements(kind_code, industry, level)


def propose(
    subject: Subject,
    requirements: Sequence[RequirementSpec],
    *,
    weights: Weights | None = None,
    by_lot: bool = False,
    at: datetime,
) -> Proposal:
    """Match for an incident or a request, leaving out whom its running callouts have asked already.

    By the weights in force, unless the officer has moved the sliders. `by_lot`: for a draw, in which nobody
    with an interest in the enterprise takes part.
    """
    asked = Invitation.objects.filter(**_key(subject)).exclude(callout__status=CalloutStatus.CLOSED)
    already = frozenset(_person(expert, team) for expert, team in asked.values_list("expert_id", "team_id"))
    if isinstance(subject, Incident):
        return propose_for(
            Situation.RESCUE,
            requirements,
            place=subject.point,
            enterprise_id=subject.enterprise_id,
            site_id=subject.site_id,
            incident_kind=subject.kind,
            region=subject.region,
            already_asked=already,
            weights=weights,
            at=at,
            subject=subject,
        )
    site = subject.site
    return propose_for(
        Situation(subject.kind),
        requirements,
        place=(site.point if site else None) or subject.enterprise.point,
        enterprise_id=subject.enterprise_id,
        site_id=subject.site_id,
        region=(site.region if site else None) or subject.enterprise.region,
        period=(
            subject.visit_from or subject.wished_from,
            subject.visit_until or subject.wished_until,
        ),
        already_asked=already,
        weights=weights,
        by_lot=by_lot,
        at=at,
        subject=subject,
    )


def propose_for(
    situation: Situation,
    requirements: Sequence[RequirementSpec],
    *,
    place: Point | None,
    enterprise_id: int | None = None,
    site_id: int | None = None,
    incident_kind: str | None = None,
    region: Region | None = None,
    period: tuple[date | None, date | None] = (None, None),
    already_asked: frozenset[tuple[InviteeKind, int]] = frozenset(),
    weights: Weights | None = None,
    by_lot: bool = False,
    at: datetime,
    subject: Subject | None = None,
) -> Proposal:
    """Match for a bare need: no incident or request has to exist. Without `weights` by those in force."""
    today = clock.day_of(at)
    starts, ends = period
    need = Need(
        situation=situation,
        requirements=tuple(_asked(spec, number) for number, spec in enumerate(requirements, 1)),
        at=at,
        on=max(starts, today) if starts else today,
        until=ends if ends and ends >= today else None,
        place=place,
        enterprise_id=enterprise_id,
        site_id=site_id,
        incident_kind=incident_kind,
        already_asked=already_asked,
        severity=subject.severity if isinstance(subject, Incident) else 1,
        label=subject.number if subject else "",
        unit=region.unit_id if region else None,
        by_lot=by_lot,
    )
    rivals = _other_needs(subject, at=at) if need.is_urgent else []
    stamps = candidates.Stamps.now()
    vocabulary = candidates.vocabulary(stamps)
    experts, teams = candidates.pools(need, *rivals, stamps=stamps)
    weights = weights or weighting.in_force(stamps)

    def run(need: Need) -> list[Matching]:
        return match_all(
            [need, *rivals], experts=experts, teams=teams, vocabulary=vocabulary, weights=weights
        )

    matching, *others = run(need)
    if drives := _better_drives(matching):
        matching, *others = run(replace(need, drives=drives))
    looked_at = LookedAt(experts, teams, vocabulary)
    return Proposal(tuple(requirements), matching, subject, tuple(others), looked_at, stamps)


def _better_drives(matching: Matching) -> tuple[KnownDrive, ...]:
    """Return the drives of those who would be there first, where the installation knows better than a straight line.

    One question for all requirements: a routing service counts them, and the page of an incident waits.
    """
    provider = travel_time.installed()
    place = matching.need.place
    if provider is None or place is None:
        return ()
    soonest = _soonest(matching)
    drives = travel_time.matrix(list(soonest.values()), [place], provider) if soonest else []
    found = [
        KnownDrive(*person, round(drive.minutes, 1), drive.basis)
        for person, (drive,) in zip(soonest, drives, strict=True)
        if drive.basis is not TravelTimeBasis.STRAIGHT_LINE
    ]
    return tuple(sorted(found))


def _soonest(matching: Matching) -> dict[tuple[InviteeKind, int], Point]:
    """Return where those are who would be there first, at most as many as are measured at once.

    The requirements take turns, each with its next soonest; whoever helps from afar has no way to measure.
    """
    each = [
        [((one.requirement.kind, id_), where) for id_, where in one.nearest(travel_time.SHORTLIST)]
        for one in matching
        if one.requirement.mode is Mode.ONSITE
    ]
    in_turn = dict(one for turn in zip_longest(*each) for one in turn if one is not None)
    return dict(islice(in_turn.items(), travel_time.SHORTLIST))


def _other_needs(subject: Subject | None, *, at: datetime) -> list[Need]:
    """Return what the other open incidents still look for: free seats for which nobody asked may yet say yes.

    They are filled in the same run, so that an incident is not proposed the only one whom a worse one needs.
    """
    mine = subject.pk if isinstance(subject, Incident) else None
    # Mostly there is no other; asking for that costs a fifth of asking for all their lines.
    callouts = [callout for callout, incident in _RUNNING.rows() if incident != mine]
    wanted = _still_wanted(callouts) if callouts else {}
    asked = _asked_by(wanted) if wanted else {}
    return [
        Need(
            situation=Situation.RESCUE,
            requirements=tuple(_asked(spec, number) for number, spec in enumerate(specs, 1)),
            at=at,
            on=clock.day_of(at),
            place=incident.point,
            enterprise_id=incident.enterprise_id,
            site_id=incident.site_id,
            incident_kind=incident.kind,
            already_asked=frozenset(asked.get(incident.pk, ())),
            severity=incident.severity,
            label=incident.number,
            unit=incident.region.unit_id if incident.region else None,
        )
        for incident, specs in wanted.items()
    ]


def _build_running() -> QuerySet[Any, Any]:
    open_incidents = Incident.objects.open().filter(is_drill=False).values("pk")
    running = Callout.objects.live().filter(incident__in=open_incidents)
    return running.order_by().values_list("pk", "incident_id")


_RUNNING = Repeated(_build_running)


def _still_wanted(callouts: Sequence[int]) -> dict[Incident, list[RequirementSpec]]:
    """Return what each incident lacks for which nobody is being asked, in the order of its callouts."""
    lines = (
        Requirement.objects.filter(callout__in=callouts)
        .select_related("callout__incident__region", "industry", "specialty", "capability")
        .annotate(
            free=Count("seats", filter=Q(seats__invitation=None), distinct=True),
            waited_for=Count(
                "invitations", filter=Q(invitations__status=InvitationStatus.ASKED), distinct=True
            ),
        )
        .order_by("callout__incident", "callout", "position")
    )
    wanted: dict[Incident, list[RequirementSpec]] = {}
    for line in lines:
        if line.callout.incident and line.free > line.waited_for:
            spec = RequirementSpec.of(line, seats=line.free - line.waited_for)
            wanted.setdefault(line.callout.incident, []).append(spec)
    return wanted


def _asked_by(incidents: Collection[Incident]) -> dict[int, set[tuple[InviteeKind, int]]]:
    """Return who is on the list of a running callout, by the incident's key."""
    asked: dict[int, set[tuple[InviteeKind, int]]] = {}
    for incident, expert, team in Invitation.objects.filter(
        callout__incident__in=incidents, callout__in=Callout.objects.live()
    ).values_list("callout__incident", "expert", "team"):
        asked.setdefault(incident or 0, set()).add(_person(expert, team))
    return asked


def _person(expert: int | None, team: int | None) -> tuple[InviteeKind, int]:
    return (InviteeKind.EXPERT, expert) if expert else (InviteeKind.TEAM, team or 0)


def invitees(proposal: Proposal, chosen: Mapping[str, Sequence[int]] | None = None) -> list[Invitee]:
    """Return whom to list, in the order of asking: the picks, the reserves, then on down the ranking.

    With `chosen` (ids by requirement key) exactly those, in that order; somebody chosen against a bar
    carries the reasons, so that the paper shows what was overridden.
    """
    lists = [
        list(chosen.get(one.requirement.key, ())) if chosen is not None else _ranked(one, proposal)
        for one in proposal.matching
    ]
    # One person is listed once: for the first requirement that wants them.
    taken: set[tuple[InviteeKind, int]] = set()
    found = []
    for number, (one, ids) in enumerate(zip(proposal.matching, lists, strict=True)):
        kind = one.requirement.kind
        for pk in ids:
            said = one.about(pk)
            if (kind, pk) in taken or said is None:
                continue
            taken.add((kind, pk))
            found.append((number, kind, said))
    experts = Expert.objects.in_bulk([said.id for _, kind, said in found if kind is InviteeKind.EXPERT])
    teams = RescueTeam.objects.in_bulk([said.id for _, kind, said in found if kind is InviteeKind.TEAM])
    return [_invitee(number, kind, said, experts, teams) for number, kind, said in found]


def keep(proposal: Proposal, *, by: Actor, at: datetime, callout: Callout | None = None) -> Recommendation:
    """Write the proposal down as it was shown."""
    subject = proposal.subject
    kept = replays.outcome(proposal.matching, proposal.others, proposal.panel)
    with transaction.atomic():
        recommendation = Recommendation.objects.create(
            incident=subject if isinstance(subject, Incident) else None,
            guidance_request=subject if isinstance(subject, GuidanceRequest) else None,
            callout=callout,
            made_at=at,
            made_by=by.user,
            rules_version=proposal.matching.rules_version,
            need=kept["need"],
            outcome=kept,
        )
        if proposal.looked_at:
            content = replays.compressed(proposal.looked_at, proposal.panel)
            RecommendationInputs.objects.create(recommendation=recommendation, content=content)
    return recommendation


def _asked(spec: RequirementSpec, number: int) -> Ask:
    return Ask(
        key=str(number),
        kind=spec.kind,
        mode=spec.mode,
        industry=spec.industry.pk if spec.industry else None,
        specialty=spec.specialty.pk if spec.specialty else None,
        capability=spec.capability.pk if spec.capability else None,
        seats=spec.seats,
        critical=spec.critical,
        urgent=spec.urgent,
        certificate=spec.certificate or None,
    )


def _ranked(one: Match, proposal: Proposal) -> list[int]:
    first = [*one.picks, *one.reserves]
    # Who is meant for another seat of the same need must not be used up as a reserve for this one.
    meant = {pk for other in proposal.matching if _same_kind(one, other) for pk in other.picks}
    more = [
        pk
        for pk in one.ids(2 * LISTED)
        if pk not in first and pk not in meant and not one.is_kept_for_another(pk)
    ]
    return first + more[: max(0, LISTED - len(first))]


def _same_kind(one: Match, other: Match) -> bool:
    return one.requirement.kind is other.requirement.kind


def _invitee(
    number: int,
    kind: InviteeKind,
    said: CandidateRow | Excluded,
    experts: Mapping[int, Expert],
    teams: Mapping[int, RescueTeam],
) -> Invitee:
    fits = isinstance(said, CandidateRow)
    return Invitee(
        requirement=number,
        expert=experts.get(said.id) if kind is InviteeKind.EXPERT else None,
        team=teams.get(said.id) if kind is InviteeKind.TEAM else None,
        distance_km=said.distance_km,
        travel_minutes=said.minutes,
        travel_source=str(said.travel_basis) if isinstance(said, CandidateRow) else "",
        score=said.score if isinstance(said, CandidateRow) else None,
        reasons=said.to_dict(),
        basis=str(said.basis.basis) if isinstance(said, CandidateRow) and said.basis else "",
        override_reason="" if fits else "值班员越过排除原因选用",
    )


def _key(subject: Subject) -> dict[str, Subject]:
    return {"callout__incident" if isinstance(subject, Incident) else "callout__guidance_request": subject}
