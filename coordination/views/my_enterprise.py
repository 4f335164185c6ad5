"""The enterprise's own pages: where it stands, asking for guidance, what became of it.

Every row is looked up through the user's membership, so another firm's request does not exist here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts.models import Agreement, Enterprise
from contracts.periods import AgreementStatus
from coordination import guidance, live, tasks
from coordination.models import GuidanceRequest
from coordination.views import guidance_draws
from coordination.views import guidance_page as shown
from coordination.views.guidance_forms import RatingForm, WishForm, as_saved, known_already
from coordination.visits import GUIDANCE_MOVES, GuidanceKind, GuidanceStatus
from ground import clock
from ground.access import Permission
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake, Refused

# What of an agreement needs a hand: it may soon bind nobody, or does not bind yet.
_NEEDS_A_HAND = frozenset({AgreementStatus.EXPIRING, AgreementStatus.EXPIRED, AgreementStatus.AWAITING})
# Where the enterprise itself is to do something.
_WAITS_FOR_US = frozenset({GuidanceStatus.RETURNED, GuidanceStatus.REPORTED})


@dataclass(frozen=True)
class AgreementLine:
    agreement: Agreement
    status: AgreementStatus
    days_left: int

    @property
    def needs_a_hand(self) -> bool:
        return self.status in _NEEDS_A_HAND


@dataclass(frozen=True)
class Deadline:
    on: date
    days_left: int
    what: str
    is_late: bool


@dataclass(frozen=True)
class RequestLine:
    request: GuidanceRequest
    status: GuidanceStatus
    next: str
    waits_for_us: bool

    @property
    def kind(self) -> GuidanceKind | None:
        return _kind(self.request)


@require_safe
@needs(Permission.OWN_ENTERPRISE)
def home(request: HttpRequest) -> HttpResponse:
    enterprise = _enterprise(request)
    today = clock.day_of(clock.now())
    agreements = _agreements(enterprise, today)
    requests = _requests(enterprise)
    to_do = sum(line.needs_a_hand for line in agreements) + sum(line.waits_for_us for line in requests)
    context = {
        "enterprise": enterprise,
        "enterprises": Enterprise.objects.of(user_of(request)),
        "agreements": agreements,
        "requests": requests,
        "deadlines": _deadlines(agreements, requests, today),
        "to_do": to_do,
    }
    return render(request, "coordination/my_enterprise/home.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.OWN_ENTERPRISE)
def ask(request: HttpRequest) -> HttpResponse:
    """Fill in a request: `action` saves it as a draft and leaves, saves it in passing, or goes on to check it."""
    draft = _draft(request)
    enterprise = draft.enterprise if draft else _enterprise(request)
    initial = as_saved(draft) if draft else known_already(enterprise, user_of(request))
    if request.method != "POST":
        return _ask_page(request, WishForm(initial=initial, enterprise=enterprise), enterprise, draft)
    form = WishForm(request.POST, initial=initial, enterprise=enterprise)
    complete = form.is_valid()
    at, by = clock.now(), actor_of(request)
    try:
        if draft is None:
            draft = guidance.draft(enterprise, form.wish(), by=by, at=at)
        else:
            guidance.save(draft, form.wish(), by=by, at=at)
    except Mistake as mistake:
        form.add_error(None, sentence(mistake))
        return _ask_page(request, form, enterprise, draft, status=_status(mistake))
    match request.POST.get("action"):
        case "autosave":
            return render(request, "coordination/my_enterprise/_saved.html", {"draft": draft, "saved_at": at})
        case "leave":
            messages.success(request, _("草稿已保存，随时可以回来接着填。"))
            return redirect("my-enterprise")
        case _ if complete:
            return redirect("my-guidance-check", draft.public_id)
    return _ask_page(request, form, enterprise, draft, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.OWN_ENTERPRISE)
def check(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the draft once more, then hand it in."""
    draft = _own(request, public_id)
    problem: Mistake | None = None
    if request.method == "POST":
        try:
            guidance.submit(draft, by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            problem = mistake
        else:
            tasks.nudge()
            messages.success(
                request,
                _("已提交 %(number)s，我们会在 2 个工作日内答复。") % {"number": draft.number},
            )
            return redirect("my-guidance", draft.public_id)
    if draft.status not in guidance.EDITABLE and problem is None:
        return redirect("my-guidance", draft.public_id)
    context = {"draft": draft, "kind": _kind(draft), "problem": sentence(problem) if problem else ""}
    return render(
        request,
        "coordination/my_enterprise/check.html",
        context,
        status=_status(problem) if problem else 200,
    )


@require_safe
@needs(Permission.OWN_ENTERPRISE)
def progress(request: HttpRequest, public_id: UUID) -> HttpResponse:
    asked = _own(request, public_id)
    return _progress_page(request, asked, RatingForm())


@require_POST
@needs(Permission.OWN_ENTERPRISE)
def rate(request: HttpRequest, public_id: UUID) -> HttpResponse:
    asked = _own(request, public_id)
    form = RatingForm(request.POST)
    if not form.is_valid():
        return _progress_page(request, asked, form, status=422)
    try:
        guidance.rate(
            asked,
            form.cleaned_data["rating"],
            comment=form.cleaned_data["comment"],
            by=actor_of(request),
            at=clock.now(),
        )
    except Mistake as mistake:
        return _progress_page(request, asked, form, problem=mistake, status=_status(mistake))
    messages.success(request, _("谢谢，评价已记下。"))
    return redirect("my-guidance", asked.public_id)


@require_POST
@needs(Permission.OWN_ENTERPRISE)
def cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    asked = _own(request, public_id)
    reason = request.POST.get("reason", "")[:200]
    try:
        guidance.cancel(asked, reason=reason, by=actor_of(request), at=clock.now())
    except Mistake as mistake:
        return _progress_page(request, asked, RatingForm(), problem=mistake, status=_status(mistake))
    tasks.nudge()
    messages.success(request, _("申请 %(number)s 已取消。") % {"number": asked.number})
    return redirect("my-guidance", asked.public_id)


def _ask_page(
    request: HttpRequest,
    form: WishForm,
    enterprise: Enterprise,
    draft: GuidanceRequest | None,
    *,
    status: int = 200,
) -> HttpResponse:
    drafts = GuidanceRequest.objects.filter(enterprise=enterprise, status=GuidanceStatus.DRAFT)
    context = {
        "form": form,
        "enterprise": enterprise,
        "draft": draft,
        "other_drafts": [] if draft else list(drafts[:3]),
        "today": clock.day_of(clock.now()),
        "help_line": shown.help_line(),
    }
    return render(request, "coordination/my_enterprise/ask.html", context, status=status)


def _progress_page(
    request: HttpRequest,
    asked: GuidanceRequest,
    rating: RatingForm,
    *,
    problem: Mistake | None = None,
    status: int = 200,
) -> HttpResponse:
    experts = shown.accepted_experts(asked)
    state = GuidanceStatus(asked.status)
    context: dict[str, Any] = {
        "asked": asked,
        "draws": guidance_draws.of_request(asked),
        "seal": guidance_draws.seal_of(asked),
        "kind": _kind(asked),
        "status": state,
        "stages": shown.stages(asked, has_expert=bool(experts)),
        "next": shown.next_for_enterprise(asked, has_expert=bool(experts)),
        "experts": experts,
        "findings": asked.findings.all(),
        "rating": rating,
        "can_edit": state in guidance.EDITABLE,
        "can_rate": state is GuidanceStatus.REPORTED,
        "can_cancel": GuidanceStatus.CANCELLED in GUIDANCE_MOVES[state],
        "problem": sentence(problem) if problem else "",
        "help_line": shown.help_line(),
        "live_url": live.address(f"guidance:{asked.public_id}"),
    }
    return render(request, "coordination/my_enterprise/progress.html", context, status=status)


def _enterprise(request: HttpRequest) -> Enterprise:
    """Return the user's enterprise, or the one of them that the address names."""
    own = Enterprise.objects.of(user_of(request)).select_related("industry", "region")
    if wanted := request.GET.get("enterprise"):
        try:
            return get_object_or_404(own, public_id=UUID(wanted))
        except ValueError:
            raise Http404 from None
    enterprise = own.first()
    if enterprise is None:
        raise Http404
    return enterprise


def _own(request: HttpRequest, public_id: UUID) -> GuidanceRequest:
    mine = GuidanceRequest.objects.of(user_of(request)).select_related(
        "enterprise", "site", "industry", "accepted_by"
    )
    return get_object_or_404(mine, public_id=public_id)


def _draft(request: HttpRequest) -> GuidanceRequest | None:
    wanted = request.POST.get("draft") or request.GET.get("draft")
    if not wanted:
        return None
    try:
        return _own(request, UUID(wanted))
    except ValueError:
        raise Http404 from None


def _agreements(enterprise: Enterprise, today: date) -> list[AgreementLine]:
    rows = (
        Agreement.objects.filter(enterprise=enterprise)
        .exclude(terminated_on__lte=today)
        .select_related("team")
        .prefetch_related("consents")
        .order_by("ends_on")
    )
    renewed = set(
        Agreement.objects.filter(enterprise=enterprise, previous__isnull=False).values_list(
            "previous", flat=True
        )
    )
    return [
        AgreementLine(row, row.status_on(today), row.period.days_left(today))
        for row in rows
        if row.pk not in renewed
    ]


def _requests(enterprise: Enterprise) -> list[RequestLine]:
    rows = GuidanceRequest.objects.filter(enterprise=enterprise).select_related("site")[:12]
    return [
        RequestLine(
            row,
            GuidanceStatus(row.status),
            shown.next_for_enterprise(row, has_expert=shown.has_expert(row)),
            GuidanceStatus(row.status) in _WAITS_FOR_US,
        )
        for row in rows
    ]


def _deadlines(agreements: list[AgreementLine], requests: list[RequestLine], today: date) -> list[Deadline]:
    found = [
        Deadline(
            line.agreement.ends_on,
            line.days_left,
            _("与%(team)s的救援协议到期") % {"team": line.agreement.team.name},
            line.needs_a_hand,
        )
        for line in agreements
        if line.status in (AgreementStatus.IN_FORCE, AgreementStatus.EXPIRING, AgreementStatus.EXPIRED)
    ]
    found += [
        Deadline(
            visit,
            (visit - today).days,
            _("专家到访（%(number)s）") % {"number": line.request.number},
            False,
        )
        for line in requests
        if line.status is GuidanceStatus.SCHEDULED and (visit := line.request.visit_from)
    ]
    return sorted(found, key=lambda one: one.on)[:6]


def _kind(request: GuidanceRequest) -> GuidanceKind | None:
    """Return the service; a draft may not have one yet."""
    return GuidanceKind(request.kind) if request.kind else None


def _status(mistake: Mistake) -> int:
    return 409 if isinstance(mistake, Refused) else 422
