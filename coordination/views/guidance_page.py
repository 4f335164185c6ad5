"""What the enterprise and the centre see of a guidance request: its stages, who does what next, its experts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coordination import review_panels
from coordination.models import Deployment, GuidanceRequest, Invitation
from coordination.paging import InvitationStatus
from coordination.visits import GuidanceStatus
from experts.models import Appointment, Expert
from ground import installation
from ground.dates import SHANGHAI
from ground.models import RUNG_UP

G = GuidanceStatus
# How far each state is along the bar; a returned request stands where it was submitted.
_REACHED = {
    G.DRAFT: 0,
    G.RETURNED: 0,
    G.SUBMITTED: 1,
    G.ACCEPTED: 2,
    G.SOURCING: 2,
    G.SCHEDULED: 4,
    G.VISITED: 5,
    G.REPORTED: 6,
    G.RATED: 7,
    G.CLOSED: 7,
}


@dataclass(frozen=True)
class Stage:
    label: str
    state: str
    line: str = ""


def stages(request: GuidanceRequest, *, has_expert: bool) -> list[Stage]:
    """Return the seven stages, what is done, what is now, and when it was."""
    labels = [
        (_("提交"), _when(request.submitted_at)),
        (_("受理"), _when(request.accepted_at)),
        (_("派专家"), ""),
        (_("约时间"), _day(request.visit_from)),
        (_("到访"), _when(request.visited_at)),
        (_("报告"), _when(request.reported_at)),
        (_("评价"), _when(request.rated_at)),
    ]
    if request.status == G.CANCELLED:
        return [Stage(label, "done" if line else "todo", line) for label, line in labels]
    reached = _REACHED[G(request.status)]
    if request.status == G.SOURCING and has_expert:
        reached = 3
    return [
        Stage(label, "done" if number < reached else "now" if number == reached else "todo", line)
        for number, (label, line) in enumerate(labels)
    ]


def next_for_enterprise(request: GuidanceRequest, *, has_expert: bool) -> str:
    """Return who does what next, as the enterprise reads it."""
    match G(request.status):
        case G.DRAFT:
            return _("还没有提交。核对后提交，我们才会受理。")
        case G.SUBMITTED:
            return _("等待受理：我们会在 2 个工作日内答复。")
        case G.RETURNED:
            return _("需要您补充：%(reason)s") % {"reason": request.return_reason}
        case G.ACCEPTED:
            return _("已受理，受理人正在选派专家。")
        case G.SOURCING if has_expert:
            return _("专家已接受，受理人会与您约定到访日期。")
        case G.SOURCING:
            return _("正在邀请专家，每位专家有 2 天时间答复。")
        case G.SCHEDULED:
            return _("专家将在 %(days)s 到访，请安排熟悉现场的人员配合。") % {"days": days_of(request)}
        case G.VISITED:
            return _("专家已到访，正在写报告。")
        case G.REPORTED:
            return _("报告已出，请查看并评价。")
        case G.CANCELLED:
            return _("申请已取消。%(reason)s") % {"reason": request.cancel_reason}
        case _:
            return _("已办完，感谢您的评价。") if request.rated_at else _("已办结。")


def next_for_centre(request: GuidanceRequest, *, has_expert: bool) -> str:
    """Return what the roster admin is to do now."""
    match G(request.status):
        case G.SUBMITTED:
            return _("请受理，或退回请企业补充。")
        case G.RETURNED:
            return _("等企业补充后重新提交。")
        case G.ACCEPTED:
            return _("请选专家并发出邀请。")
        case G.SOURCING if has_expert:
            return _("专家已接受，请与双方约定到访日期。")
        case G.SOURCING:
            return _("等专家答复。")
        case G.SCHEDULED:
            return _("等专家到访；专家未自行登记时可代为登记。")
        case G.VISITED:
            return _("等专家提交报告；也可代为录入。")
        case G.REPORTED:
            return _("等企业评价，或直接办结。")
        case G.RATED:
            return _("已评价，可以办结。")
        case _:
            return ""


@dataclass(frozen=True)
class ExpertCard:
    """An expert who has accepted: enough to know who comes, with what is private half hidden."""

    name: str
    title: str
    employer: str
    specialties: Sequence[str]
    certificate: str
    phone: str
    is_there: bool
    has_reported: bool
    leads: bool = False  # 组长 of a review panel


def accepted_experts(request: GuidanceRequest) -> list[ExpertCard]:
    rows = (
        Invitation.objects.filter(
            callout__guidance_request=request, status=InvitationStatus.ACCEPTED, expert__isnull=False
        )
        .select_related("expert")
        .prefetch_related("expert__contacts", "expert__specialties", "expert__practices__industry")
        .order_by("answered_at")
    )
    there = dict(Deployment.objects.filter(invitation__in=rows).values_list("invitation", "status"))
    leader = review_panels.leader_of(request)
    return [
        _card(row.expert, there.get(row.pk, ""), leads=row.expert_id == leader) for row in rows if row.expert
    ]


def has_expert(request: GuidanceRequest) -> bool:
    return Invitation.objects.filter(
        callout__guidance_request=request, status=InvitationStatus.ACCEPTED
    ).exists()


def invitations_of(request: GuidanceRequest) -> list[Invitation]:
    """Return everybody on the lists of the request's callouts, those of the running one first."""
    return list(
        Invitation.objects.filter(callout__guidance_request=request)
        .select_related("expert", "team", "callout", "requirement", "deployment")
        .order_by("-callout", "rank")
    )


def days_of(request: GuidanceRequest) -> str:
    if request.visit_from is None:
        return ""
    first = _day(request.visit_from)
    if request.visit_until in (None, request.visit_from):
        return first
    return f"{first} – {_day(request.visit_until)}"


def help_line() -> str:
    phone = installation.sender().duty_phone
    return _("需要帮助？请拨打 %(phone)s") % {"phone": phone} if phone else ""


def _card(expert: Expert, status: str, *, leads: bool) -> ExpertCard:
    phone = next((c.value for c in expert.contacts.all() if c.kind in RUNG_UP), "")
    number = Appointment.objects.filter(expert=expert).values_list("number", flat=True).first() or ""
    skills = [specialty.name for specialty in expert.specialties.all()]
    return ExpertCard(
        name=expert.name,
        title=expert.title,
        employer=expert.employer,
        specialties=skills or [practice.industry.name for practice in expert.practices.all()],
        certificate=f"{number[:4]}****{number[-2:]}" if len(number) > 6 else number,
        phone=phone,
        is_there=status in ("on_scene", "released", "reported"),
        has_reported=status == "reported",
        leads=leads,
    )


def _when(moment: datetime | None) -> str:
    return _day(moment.astimezone(SHANGHAI)) if moment else ""


def _day(day: date | None) -> str:
    return date_format(day, _("n月j日")) if day else ""
