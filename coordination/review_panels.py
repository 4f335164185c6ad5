"""The panel for the review of a plan: proposed as a whole, asked as proposed, filled up when somebody declines.

Matching says who may go (whoever must recuse may not), `matching.panels` who of them sit together. Nothing is
stored by proposing; asking keeps the recommendation with the panel's rules and result. Of a running round only
the open seats are filled: whoever has accepted, or still has to answer, stays. How the asking goes on is left
to `guidance` and `callouts`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from coordination import guidance, recommendations, recusal
from coordination.callouts import RequirementSpec
from coordination.matching import Match, reviews
from coordination.matching.panels import Member, NoPanel, Panel, PanelRules, WrongPanel
from coordination.matching.reviews import Background, PanelAsked, PanelMade
from coordination.models import Callout, GuidanceRequest, Invitation, Recommendation
from coordination.paging import InvitationStatus
from coordination.recommendations import Proposal
from coordination.visits import GuidanceKind, GuidanceStatus
from experts.models import Appointment, Expert
from ground import audit, clock
from ground.audit import Actor
from ground.mistakes import Refused

G = GuidanceStatus
SIZES: Final = (3, 5, 7, 9)
USUAL: Final = PanelRules()
# The one requirement of a request.
_KEY: Final = "1"
_HUNDREDTHS: Final = 100
# On the panel, or asked to be: their seats are not open.
_HELD: Final = (InvitationStatus.ACCEPTED, InvitationStatus.ASKED)
# They are asked as soon as the round goes on.
_HELD_IN_A_PAUSE: Final = (*_HELD, InvitationStatus.LISTED)


class CannotSeat(Refused):
    """The request is not of the kind, or not in a state, in which a panel is put together."""


class NobodyMissing(Refused):
    """Every seat of the panel has somebody who has accepted or still has to answer."""


class NoSuchPanel(Refused):
    """Nobody who may go can sit together by these rules."""


class PanelHasChanged(Refused):
    """The best panel is no longer the one that was shown."""


class WrongSize(WrongPanel):
    """No panel of a review has so many members."""


@dataclass(frozen=True, eq=False)
class Proposed:
    """What is proposed for a request: the panel, or why there is none, and who is on it already."""

    proposal: Proposal
    made: PanelMade
    held: tuple[Invitation, ...] = ()
    callout: Callout | None = None

    @property
    def match(self) -> Match:
        return self.proposal.matching[_KEY]

    @property
    def panel(self) -> Panel | None:
        return self.made.answer if isinstance(self.made.answer, Panel) else None

    @property
    def joining(self) -> list[int]:
        """Return the ids of those who are still to be asked, in the order of asking."""
        held = {one.expert_id for one in self.held}
        return [id_ for id_ in (self.panel.members if self.panel else ()) if id_ not in held]


@dataclass(frozen=True, eq=False)
class Kept:
    """A panel that was asked: by which rules, who leads, who was on it before."""

    recommendation: Recommendation
    rules: PanelRules
    leader: int
    members: tuple[int, ...]
    seated: frozenset[int]
    solver: str
    is_best: bool


def rules_for(
    *,
    size: int,
    per_employer: int = USUAL.per_employer,
    seniors: int = USUAL.seniors,
    apart: frozenset[frozenset[int]] = frozenset(),
) -> PanelRules:
    """Return the rules of a review's panel.

    :raises WrongSize: if no panel of a review has that size. :raises WrongPanel: if no panel can be so.
    """
    if size not in SIZES:
        sizes = "、".join(map(str, SIZES))
        raise WrongSize(
            f"专家组人数应为单数，可选 {sizes}，现为 {size}。请改正。",
            f"A panel has an odd number of members, one of {sizes.replace('、', ', ')}, not {size}. Mend it.",
            suggestion=str(next((one for one in SIZES if one >= size), SIZES[-1])),
        )
    return PanelRules(size=size, per_employer=per_employer, seniors=seniors, apart=apart)


def propose(request: GuidanceRequest, rules: PanelRules, *, at: datetime) -> Proposed:
    """Return the best panel for the review that a request asks for; nothing is stored.

    :raises CannotSeat: if the request is no review, or its experts are being asked without a panel.
    :raises NobodyMissing: if no seat is open. :raises WrongSize: if the running round has another size.
        :raises MustRecuse: if one who stays has a tie to the enterprise, which came up after they were asked.
    """
    running = _refuse_now(request)
    spec = recommendations.proposed_requirements(request)[0]
    if running is None:
        return _proposed(request, replace(spec, seats=rules.size), rules, at=at)
    return _filled_up(request, running, rules, at=at)


def ask(
    request: GuidanceRequest,
    rules: PanelRules,
    *,
    shown: Collection[int] | None = None,
    by: Actor,
    at: datetime,
) -> Kept:
    """Ask those of the panel who have not been asked, the leader first, and keep what was proposed.

    With `shown`, the ids of those whom the officer saw would be asked, nobody else is.

    :raises NoSuchPanel: if there is none. :raises PanelHasChanged: if others would be asked than were shown.
        Refuses what `propose` and `guidance.source` refuse.
    """
    with transaction.atomic():
        locked = GuidanceRequest.objects.locked(request.pk)
        proposed = propose(locked, rules, at=at)
        if isinstance(proposed.made.answer, NoPanel):
            why = proposed.made.answer.words
            raise NoSuchPanel(
                f"推荐不出专家组：{why.zh}请放宽要求，或先在名册里续聘、增补。",
                f"There is no such panel: {why.en} Ask for less, or renew and add experts first.",
            )
        if shown is not None and set(shown) != set(proposed.joining):
            raise PanelHasChanged(
                "情况有变，推荐的专家组和刚才看到的不同。请看新的推荐再邀请。",
                "Things have changed: the panel is not the one that was shown. Look at the new one, then ask.",
            )
        invitees = recommendations.invitees(proposed.proposal, {_KEY: proposed.joining})
        if proposed.callout:
            callout = proposed.callout
            guidance.ask_more(request, callout, proposed.proposal, invitees, by=by, at=at)
        else:
            callout = guidance.source(request, proposed.proposal, invitees, by=by, at=at)
        row = callout.recommendations.first()
        kept_now = _read(row) if row else None
        if kept_now is None:
            raise AssertionError("what was proposed was not kept")
        public = dict(Expert.objects.filter(pk__in=kept_now.members).values_list("pk", "public_id"))
        audit.record(
            "guidance.panel",
            kept_now.recommendation,
            by=by,
            at=at,
            request=locked.number,
            size=rules.size,
            leader=str(public[kept_now.leader]),
            members=[str(public[id_]) for id_ in kept_now.members],
        )
    return kept_now


def can_seat(request: GuidanceRequest) -> bool:
    """Say whether a panel can be put together, or filled up, as things stand."""
    try:
        running = _refuse_now(request)
    except CannotSeat:
        return False
    return running is None or running.open_seats > 0


def kept(request: GuidanceRequest) -> list[Kept]:
    """Return the panels that were asked for a request, the first one first."""
    rows = Recommendation.objects.filter(guidance_request=request, outcome__has_key="panel")
    found = [_read(row) for row in rows.order_by("made_at", "id")]
    return [one for one in found if one]


def present(request: GuidanceRequest) -> Kept | None:
    """Return the last panel that was asked, if somebody of its round is on it; not after that round was ended."""
    last = next(reversed(kept(request)), None)
    if last is None or not held_in(last.recommendation.callout):
        return None
    return last


def leader_of(request: GuidanceRequest) -> int | None:
    """Return the id of the expert who leads the panel; None where there is none, or they have declined."""
    last = present(request)
    if last is None:
        return None
    held = {one.expert_id for one in held_in(last.recommendation.callout)}
    return last.leader if last.leader in held else None


@dataclass(frozen=True, eq=False)
class _Running:
    """The round in which a panel is being asked."""

    callout: Callout
    size: int
    held: tuple[Invitation, ...]
    leader: int | None

    @property
    def open_seats(self) -> int:
        return self.size - len(self.held)


def _refuse_now(request: GuidanceRequest) -> _Running | None:
    """Return the round of the panel that can be filled up; None if a panel can be asked anew."""
    kind, status = GuidanceKind(request.kind), G(request.status)
    if kind is not GuidanceKind.PLAN_REVIEW:
        review = GuidanceKind.PLAN_REVIEW
        raise CannotSeat(
            f"只有{review.zh}推荐专家组，{kind.zh}不推荐。请直接选专家。",
            f"A panel is for {review.en} only, not for {kind.en}. Choose the experts.",
        )
    callout = request.callouts.live().first()
    if status is G.ACCEPTED or (status is G.SOURCING and callout is None):
        return None
    if status not in (G.SOURCING, G.SCHEDULED) or callout is None:
        raise CannotSeat(
            f"申请 {request.number} 现在是“{status.zh}”，不能推荐专家组。受理之后、到访之前才可以。",
            f"Request {request.number} is “{status.en}”. A panel is put together once it is accepted, "
            "and before the visit.",
        )
    last = callout.recommendations.filter(outcome__has_key="panel").first()
    panel = _read(last) if last else None
    if panel is None:
        raise CannotSeat(
            f"申请 {request.number} 正在按名单邀请专家。请先结束本轮邀请，再推荐专家组。",
            f"Experts of a list are being asked for request {request.number}. End that round first.",
        )
    held = held_in(callout)
    leader = panel.leader if panel.leader in {one.expert_id for one in held} else None
    size = sum(line.seats.count() for line in callout.requirements.all())
    return _Running(callout, size, held, leader)


def _filled_up(request: GuidanceRequest, running: _Running, rules: PanelRules, *, at: datetime) -> Proposed:
    if running.open_seats <= 0:
        raise NobodyMissing(
            f"专家组 {running.size} 人都已接受或正在等答复，没有空位要补。",
            f"All {running.size} of the panel have accepted or still have to answer; no seat is open.",
        )
    if rules.size != running.size:
        raise WrongSize(
            f"本轮邀请的专家组是 {running.size} 人，不能改为 {rules.size} 人。要改人数，请先结束本轮邀请。",
            f"This round asks for a panel of {running.size}, which cannot become {rules.size}. "
            "To change it, end the round first.",
            suggestion=str(running.size),
        )
    staying = [one.expert_id for one in running.held if one.expert_id]
    recusal.refuse(request, staying, today=clock.day_of(at), mend=recusal.HAVE_THEM_LEAVE)
    line = running.callout.requirements.select_related("industry", "specialty", "capability").first()
    if line is None:
        raise AssertionError("a callout without a requirement")
    spec = RequirementSpec.of(line, seats=running.open_seats)
    return _proposed(request, spec, rules, running=running, at=at)


def _proposed(
    request: GuidanceRequest,
    spec: RequirementSpec,
    rules: PanelRules,
    *,
    running: _Running | None = None,
    at: datetime,
) -> Proposed:
    proposal = recommendations.propose(request, [spec], at=at)
    match, day = proposal.matching[_KEY], proposal.matching.need.on
    held = running.held if running else ()
    seated = [one.expert for one in held if one.expert]
    backgrounds = _backgrounds([*_experts(match.ids()), *seated], day=day)
    asked = PanelAsked(
        rules=rules,
        backgrounds={id_: backgrounds[id_] for id_ in match.ids() if id_ in backgrounds},
        seated=tuple(_member(one, backgrounds[one.expert_id]) for one in held if one.expert_id),
        leader=running.leader if running else None,
    )
    made = reviews.seat(match, asked)
    if isinstance(made.answer, Panel):
        proposal = replace(proposal, panel=made)
    return Proposed(proposal, made, held, running.callout if running else None)


def _experts(ids: Collection[int]) -> Iterable[Expert]:
    return Expert.objects.only("employer", "is_senior").in_bulk(ids).values()


def _backgrounds(experts: Iterable[Expert], *, day: date) -> dict[int, Background]:
    """Return what the roster says of these, with the role of the appointment that is in force on the day."""
    roles: dict[int, str] = {}
    in_force = Appointment.objects.filter(
        Q(ended_on=None) | Q(ended_on__gt=day), starts_on__lte=day, ends_on__gte=day
    )
    for expert, role in in_force.exclude(group_role="").values_list("expert", "group_role"):
        roles.setdefault(expert, role)
    return {one.pk: Background(one.employer.strip(), one.is_senior, roles.get(one.pk, "")) for one in experts}


def _member(invitation: Invitation, background: Background) -> Member:
    return Member(
        invitation.expert_id or 0,
        round((invitation.score or 0) * _HUNDREDTHS),
        *background,
        is_near=invitation.reasons.get("fit") == "near",
    )


def held_in(callout: Callout | None) -> tuple[Invitation, ...]:
    """Return those of a round who have accepted or still have to answer, in the order of asking."""
    if callout is None:
        return ()
    held = _HELD_IN_A_PAUSE if callout.paused else _HELD
    rows = callout.invitations.filter(status__in=held, expert__isnull=False)
    return tuple(rows.select_related("expert").order_by("rank"))


def _read(row: Recommendation) -> Kept | None:
    said: dict[str, Any] = row.outcome.get("panel") or {}
    if "members" not in said:
        return None
    return Kept(
        row,
        reviews.read_rules(said["rules"]),
        said["leader"],
        tuple(said["members"]),
        frozenset(one["id"] for one in said["seated"]),
        said["solver"],
        said["is_best"],
    )
