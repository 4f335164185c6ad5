"""A guidance request from the enterprise's question to the rating: who may move it on, and what that takes.

It is one state machine (`visits`) whose moves are written here and nowhere else. Asking experts is left
to `callouts`, their answers and visits to `answers` and `deployments`; those know nothing of a request's
state, so `follow` brings a request to where its experts have got.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from contracts.models import Enterprise, Interest, Site
from contracts.periods import Period
from coordination import calling, callouts, deliveries, deployments, draws, recusal, wording
from coordination.announcements import announce
from coordination.callouts import Invitee
from coordination.matching.draw import SeedSource
from coordination.matching.needs import Situation
from coordination.models import Callout, Deployment, Finding, GuidanceRequest, Invitation
from coordination.paging import NOT_THERE_YET, AnswerSource, DeploymentStatus, InvitationStatus
from coordination.recommendations import Proposal
from coordination.recusal import MustRecuse
from coordination.visits import GUIDANCE_MOVES, GuidanceKind, GuidanceStatus
from ground import audit, clock
from ground.access import Role
from ground.audit import SYSTEM, Actor
from ground.mistakes import Mistake, Refused
from ground.models import User
from ground.numbering import next_number

G = GuidanceStatus
EDITABLE: Final = frozenset({G.DRAFT, G.RETURNED})
# Somebody stands in the plant, or has been there.
_THERE = (DeploymentStatus.ON_SCENE, DeploymentStatus.RELEASED, DeploymentStatus.REPORTED)


class NotNow(Refused):
    """The request is in a state that this step cannot follow."""


class Incomplete(Mistake):
    """Something is missing without which nobody can deal with the request."""


class NobodyAccepted(Refused):
    """A visit cannot be agreed on before an expert has accepted."""


@dataclass(frozen=True)
class Wish:
    """What the enterprise asks for. Everything may still be missing in a draft."""

    kind: GuidanceKind | None = None
    site: Site | None = None
    description: str = ""
    wished_from: date | None = None
    wished_until: date | None = None
    experts_wanted: int = 1
    contact_name: str = ""
    contact_phone: str = ""


@dataclass(frozen=True)
class FoundThing:
    """One hazard or problem that an expert found, with the advice given."""

    text: str
    advice: str = ""
    due_on: date | None = None


def draft(enterprise: Enterprise, wish: Wish, *, by: Actor, at: datetime) -> GuidanceRequest:
    """Begin a request; it is the enterprise's own until it is submitted."""
    with transaction.atomic():
        request = GuidanceRequest(
            number=next_number("ZD", at=at), enterprise=enterprise, created_at=at, created_by=by.user
        )
        _take_over(request, wish)
        request.save()
        audit.record("guidance.draft", request, by=by, at=at, number=request.number)
        _tell_pages(request)
    return request


def save(request: GuidanceRequest, wish: Wish, *, by: Actor, at: datetime) -> None:
    """Write what the enterprise has filled in so far.

    :raises NotNow: if the request has been submitted.
    """
    with transaction.atomic():
        locked = GuidanceRequest.objects.locked(request.pk)
        if locked.status not in EDITABLE:
            raise NotNow(
                f"申请 {locked.number} 已经提交，不能再改内容。如需更改，请先取消，或联系受理人退回。",
                f"Request {locked.number} has been submitted and can no longer be edited. "
                "Cancel it, or ask the centre to return it.",
            )
        _take_over(locked, wish)
        locked.save()
        audit.record("guidance.save", locked, by=by, at=at)
        _take_back(request, locked)


def submit(request: GuidanceRequest, *, by: Actor, at: datetime) -> None:
    """Hand a request in; the roster admins are told.

    :raises Incomplete: if something needed is missing. :raises NotNow: if it has been submitted before.
    """
    with transaction.atomic():
        locked = _lock_for(request, G.SUBMITTED)
        _refuse_incomplete(locked, today=clock.day_of(at))
        locked.submitted_at = at
        _move(request, locked, G.SUBMITTED, by=by, at=at)
        deliveries.inform(
            deliveries.holders_of(Role.ROSTER_ADMIN),
            subject=f"新的指导申请：{locked.enterprise.name}",
            text=f"{locked.enterprise.name}申请{GuidanceKind(locked.kind).zh}（{locked.number}），请受理。",
            guidance_request=locked,
            at=at,
        )


def accept(request: GuidanceRequest, *, by: Actor, at: datetime) -> None:
    """Take a submitted request on; the enterprise is told. The seed of a draw is sealed from this moment."""
    with transaction.atomic():
        locked = _lock_for(request, G.ACCEPTED)
        locked.accepted_at, locked.accepted_by = at, by.user
        _move(request, locked, G.ACCEPTED, by=by, at=at)
        draws.seal(locked, source=SeedSource.AT_ACCEPTANCE, by=by, at=at)
        _tell_enterprise(locked, "已受理", "正在为您选派专家", at=at)


def return_to_enterprise(request: GuidanceRequest, *, reason: str, by: Actor, at: datetime) -> None:
    """Give a submitted request back to be completed.

    :raises Incomplete: without a reason, since the enterprise would not know what to change.
    """
    if not reason.strip():
        raise Incomplete(
            "请写明退回原因，企业才知道要补什么。", "Give a reason, so that the enterprise knows what to add."
        )
    with transaction.atomic():
        locked = _lock_for(request, G.RETURNED)
        locked.return_reason = reason.strip()
        _move(request, locked, G.RETURNED, by=by, at=at, reason=locked.return_reason)
        _tell_enterprise(locked, "已退回", f"请补充后重新提交：{locked.return_reason}", at=at)


def cancel(request: GuidanceRequest, *, reason: str, by: Actor, at: datetime) -> None:
    """Call the request off: experts who were asked or have accepted are stood down and told."""
    with transaction.atomic():
        locked = _lock_for(request, G.CANCELLED)
        for callout in locked.callouts.live():
            callouts.stop(callout, reason="指导申请已取消", release_accepted=True, by=by, at=at)
        locked.cancel_reason = reason.strip()
        locked.closed_at = at
        _move(request, locked, G.CANCELLED, by=by, at=at, reason=locked.cancel_reason)


def source(
    request: GuidanceRequest,
    proposal: Proposal,
    invitees: Sequence[Invitee],
    *,
    by: Actor,
    at: datetime,
) -> Callout:
    """Ask experts whom matching proposed, with patience: two days to answer, the next when one declines.

    :raises MustRecuse: if the law bars one of them because of an interest in the enterprise.
    :raises NotNow: if experts are being asked already, or the request is not that far.
    """
    with transaction.atomic():
        locked = GuidanceRequest.objects.locked(request.pk)
        again = locked.status == G.SOURCING and not locked.callouts.live().exists()
        if not again:
            _refuse_move(locked, G.SOURCING)
        _refuse_barred(locked, invitees, today=clock.day_of(at))
        callout = calling.start(proposal, invitees, policy="patient", by=by, at=at)
        if again:
            _tell_pages(locked)
            _take_back(request, locked)
        else:
            _move(request, locked, G.SOURCING, by=by, at=at)
    return callout


def ask_more(
    request: GuidanceRequest,
    callout: Callout,
    proposal: Proposal,
    invitees: Sequence[Invitee],
    *,
    by: Actor,
    at: datetime,
) -> int:
    """Put more experts on the list of the running callout; return how many were new.

    :raises MustRecuse: as in `source`.
    """
    with transaction.atomic():
        locked = GuidanceRequest.objects.locked(request.pk)
        _refuse_barred(locked, invitees, today=clock.day_of(at))
        return calling.add(callout, proposal, invitees, by=by, at=at)


def schedule(
    request: GuidanceRequest, *, visit_from: date, visit_until: date, by: Actor, at: datetime
) -> None:
    """Agree on the days of the visit, or on other ones; the experts and the enterprise are told.

    :raises NobodyAccepted: before an expert has accepted.
    :raises MustRecuse: if one who has accepted must not review on these days.
    :raises WrongPeriod: if the last day is before the first. :raises Incomplete: if the days are over.
    """
    period = Period(visit_from, visit_until)
    today = clock.day_of(at)
    if period.ends_on < today:
        raise Incomplete(
            f"到访日期 {period.ends_on} 已经过去。请填写今天（{today}）或以后的日期。",
            f"The visit would end on {period.ends_on}, which has passed. Give today ({today}) or a later day.",
        )
    with transaction.atomic():
        locked = GuidanceRequest.objects.locked(request.pk)
        if locked.status != G.SCHEDULED:
            _refuse_move(locked, G.SCHEDULED)
        if not _accepted(locked).exists():
            raise NobodyAccepted(
                "还没有专家接受，不能约定到访时间。请等专家答复，或再邀请几位。",
                "No expert has accepted yet, so no visit can be agreed on. Wait for an answer, or ask more experts.",
            )
        if (locked.visit_from, locked.visit_until) == (visit_from, visit_until):
            return
        locked.visit_from, locked.visit_until = visit_from, visit_until
        seated = [expert for expert in _accepted(locked).values_list("expert", flat=True) if expert]
        recusal.refuse(locked, seated, today=today, mend=recusal.HAVE_THEM_LEAVE)
        _move(request, locked, G.SCHEDULED, by=by, at=at, days=f"{visit_from}/{visit_until}")
        days = wording.span(visit_from, visit_until)
        for callout in locked.callouts.live():
            callouts.tell_asked(callout, f"到访时间已约定：{days}", at=at)
        _tell_enterprise(locked, "已约定到访时间", days, at=at)


def visited(request: GuidanceRequest, *, by: Actor, at: datetime) -> None:
    """Record for the experts that they have been there; those who said so themselves stay as they said."""
    with transaction.atomic():
        locked = _lock_for(request, G.VISITED)
        for deployment in _deployments(locked).filter(status__in=NOT_THERE_YET):
            deployments.arrive(deployment, by=by, source=AnswerSource.OFFICER, at=at)
        locked.visited_at = at
        _move(request, locked, G.VISITED, by=by, at=at)


def report(
    request: GuidanceRequest, text: str, *, findings: Iterable[FoundThing] = (), by: Actor, at: datetime
) -> None:
    """Take the report of a visit with what was found; the enterprise is told.

    :raises Incomplete: if `text` is blank.
    """
    if not text.strip():
        raise Incomplete(
            "报告是空的。请写下到访所见、提出的意见和结论。",
            "The report is empty. Write what was seen, what was advised and what it comes to.",
        )
    with transaction.atomic():
        locked = _lock_for(request, G.REPORTED)
        for deployment in _deployments(locked).filter(status=DeploymentStatus.ON_SCENE):
            deployments.release(deployment, by=by, source=AnswerSource.OFFICER, at=at)
        first = locked.findings.count() + 1
        Finding.objects.bulk_create(
            Finding(request=locked, number=number, text=one.text, advice=one.advice, due_on=one.due_on)
            for number, one in enumerate(findings, first)
        )
        _take_report(request, locked, text.strip(), by=by, at=at)


def rate(request: GuidanceRequest, stars: int, *, comment: str = "", by: Actor, at: datetime) -> None:
    """Take the enterprise's rating, one to five.

    :raises Incomplete: if it is none of them.
    """
    if stars not in range(1, 6):
        raise Incomplete("评分为 1 到 5 分，请选一个。", "The rating is 1 to 5; choose one.")
    with transaction.atomic():
        locked = _lock_for(request, G.RATED)
        locked.rating, locked.rating_comment, locked.rated_at = stars, comment.strip(), at
        _move(request, locked, G.RATED, by=by, at=at, rating=stars)


def close(request: GuidanceRequest, *, by: Actor, at: datetime) -> None:
    """File a reported request; it need not have been rated."""
    with transaction.atomic():
        locked = _lock_for(request, G.CLOSED)
        for callout in locked.callouts.live():
            callouts.stop(callout, reason="指导已办结", release_accepted=False, by=by, at=at)
        locked.closed_at = at
        _move(request, locked, G.CLOSED, by=by, at=at)


def follow(request: GuidanceRequest, *, by: Actor, at: datetime) -> None:
    """Bring a request to where its experts have got: one withdrew, one arrived, all have reported.

    Running it again, or when nothing has happened, changes nothing.
    """
    with transaction.atomic():
        locked = GuidanceRequest.objects.locked(request.pk)
        if locked.status == G.SCHEDULED and not _accepted(locked).exists():
            _move(request, locked, G.SOURCING, by=by, at=at)
        if locked.status in (G.SOURCING, G.SCHEDULED) and _deployments(locked).filter(status__in=_THERE):
            # An arrival is worth more than an appointment: no days agreed on, so this day it was.
            today = clock.day_of(at)
            locked.visit_from = locked.visit_from or today
            locked.visit_until = locked.visit_until or locked.visit_from
            locked.visited_at = at
            locked.status = G.SCHEDULED
            _move(request, locked, G.VISITED, by=by, at=at)
        if locked.status == G.VISITED and (said := _all_reported(locked)):
            _take_report(request, locked, said, by=by, at=at)
        _take_back(request, locked)


def catch_up(*, at: datetime) -> int:
    """Let every request follow that is behind its experts, whichever way their news came; return how many."""
    for callout_id in _tied()[:50]:
        callouts.let_recuse(callout_id, at=at)
    behind = list(_behind()[:50])
    for request in behind:
        follow(request, by=SYSTEM, at=at)
    return len(behind)


def _tied() -> QuerySet[Callout, int]:
    """Return the running callouts in which somebody has a tie to the enterprise where that bars them."""
    ties = Interest.objects.filter(
        enterprise=OuterRef("guidance_request__enterprise"),
        expert__invitations__callout=OuterRef("pk"),
        expert__invitations__status__in=list(callouts.MAY_HAVE_TO_RECUSE),
    )
    barring = [kind for kind in GuidanceKind if Situation(kind).recusal]
    running = Callout.objects.live().filter(Exists(ties), guidance_request__kind__in=barring)
    return running.values_list("pk", flat=True)


def _behind() -> QuerySet[GuidanceRequest]:
    ours = Deployment.objects.filter(
        invitation__callout__guidance_request=OuterRef("pk"),
        invitation__status=InvitationStatus.ACCEPTED,
    ).exclude(status=DeploymentStatus.STOOD_DOWN)
    return GuidanceRequest.objects.filter(
        Q(status=G.SCHEDULED) & ~Exists(ours)
        | Q(status__in=[G.SOURCING, G.SCHEDULED]) & Exists(ours.filter(status__in=_THERE))
        | Q(status=G.VISITED)
        & Exists(ours.filter(status=DeploymentStatus.REPORTED))
        & ~Exists(ours.exclude(status=DeploymentStatus.REPORTED))
    )


def _accepted(request: GuidanceRequest) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        callout__guidance_request=request, status=InvitationStatus.ACCEPTED
    ).select_related("expert", "team")


def _deployments(request: GuidanceRequest) -> QuerySet[Deployment]:
    return (
        Deployment.objects.filter(invitation__in=_accepted(request))
        .exclude(status=DeploymentStatus.STOOD_DOWN)
        .select_related("invitation__expert", "invitation__team")
    )


def _all_reported(request: GuidanceRequest) -> str:
    """Return the experts' reports as one text, empty until the last of them has reported."""
    rows = list(_deployments(request))
    if not rows or any(row.status != DeploymentStatus.REPORTED for row in rows):
        return ""
    if len(rows) == 1:
        return rows[0].report
    return "\n\n".join(f"{row.invitation.invitee.name}：\n{row.report}" for row in rows)


def _take_report(
    request: GuidanceRequest, locked: GuidanceRequest, text: str, *, by: Actor, at: datetime
) -> None:
    locked.report, locked.reported_at = text, at
    _move(request, locked, G.REPORTED, by=by, at=at)
    _tell_enterprise(locked, "专家报告已出", "请登录查看，并为这次服务评分", at=at)


def _take_over(request: GuidanceRequest, wish: Wish) -> None:
    request.kind = wish.kind or ""
    request.site = wish.site
    request.industry = wish.site.industry if wish.site else request.enterprise.industry
    request.description = wish.description.strip()
    request.wished_from, request.wished_until = wish.wished_from, wish.wished_until
    request.experts_wanted = wish.experts_wanted
    request.contact_name, request.contact_phone = wish.contact_name.strip(), wish.contact_phone


def _refuse_incomplete(request: GuidanceRequest, *, today: date) -> None:
    missing = [
        words
        for words, there in (
            (("服务类型", "the service"), request.kind),
            (("需要解决的问题", "the problem"), request.description),
            (("联系人", "a contact"), request.contact_name),
            (("联系电话", "a phone number"), request.contact_phone),
        )
        if not there
    ]
    if missing:
        raise Incomplete(
            f"还缺：{'、'.join(zh for zh, _ in missing)}。请补充后再提交。",
            f"Still missing: {', '.join(en for _, en in missing)}. Add it, then submit.",
        )
    if request.wished_from and request.wished_until:
        Period(request.wished_from, request.wished_until)
    last = request.wished_until or request.wished_from
    if last and last < today:
        raise Incomplete(
            f"希望的日期 {last} 已经过去。请填写今天（{today}）或以后的日期。",
            f"The day wished for, {last}, has passed. Give today ({today}) or a later day.",
        )


def _refuse_barred(request: GuidanceRequest, invitees: Sequence[Invitee], *, today: date) -> None:
    chosen = [one.expert.pk for one in invitees if one.expert]
    recusal.refuse(request, chosen, today=today, mend=recusal.CHOOSE_ANOTHER)


def _lock_for(request: GuidanceRequest, to: GuidanceStatus) -> GuidanceRequest:
    locked = GuidanceRequest.objects.locked(request.pk)
    _refuse_move(locked, to)
    return locked


def _refuse_move(request: GuidanceRequest, to: GuidanceStatus) -> None:
    now = G(request.status)
    if to not in GUIDANCE_MOVES[now]:
        raise NotNow(
            f"申请 {request.number} 现在是“{now.zh}”，不能改为“{to.zh}”。请刷新页面看最新情况。",
            f"Request {request.number} is now “{now.en}” and cannot become “{to.en}”. Reload the page.",
        )


def _move(
    request: GuidanceRequest,
    locked: GuidanceRequest,
    to: GuidanceStatus,
    *,
    by: Actor,
    at: datetime,
    **details: Any,
) -> None:
    """Write the locked row in its new state; the caller has refused what the table does not allow."""
    locked.status = to
    locked.save()
    audit.record(f"guidance.{to.value}", locked, by=by, at=at, number=locked.number, **details)
    _tell_pages(locked)
    _take_back(request, locked)


def _take_back(request: GuidanceRequest, locked: GuidanceRequest) -> None:
    """Show the caller's object what was written."""
    for field in locked._meta.concrete_fields:
        setattr(request, field.attname, getattr(locked, field.attname))


def _tell_enterprise(request: GuidanceRequest, what: str, more: str, *, at: datetime) -> None:
    members = User.objects.filter(is_active=True, memberships__enterprise=request.enterprise_id).distinct()
    deliveries.inform(
        members,
        subject=f"指导申请{what}：{request.number}",
        text=f"{request.enterprise.name}的{GuidanceKind(request.kind).zh}申请（{request.number}）{what}。{more}。",
        guidance_request=request,
        at=at,
    )


def _tell_pages(request: GuidanceRequest) -> None:
    announce(f"guidance:{request.public_id}", "guidance")


__all__ = [
    "EDITABLE",
    "FoundThing",
    "Incomplete",
    "MustRecuse",
    "NobodyAccepted",
    "NotNow",
    "Wish",
    "accept",
    "ask_more",
    "cancel",
    "catch_up",
    "close",
    "draft",
    "follow",
    "rate",
    "report",
    "return_to_enterprise",
    "save",
    "schedule",
    "source",
    "submit",
    "visited",
]
