"""Incidents on pages: the list, the incident itself and its regions, and what is done to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coordination import closing, tasks
from coordination.announcements import announce
from coordination.views import incident_page
from coordination.views.board import boards_of
from coordination.views.callout_forms import first_error
from coordination.views.incident_forms import CorrectionForm, EndForm, LevelForm, LineForm
from coordination.views.incident_page import incident_or_404
from ground import clock
from ground.access import Permission
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake
from incidents import handling
from incidents.lifecycle import CLOSED_STATUSES, IncidentStatus
from incidents.models import Incident

PER_PAGE = 30


@require_safe
@needs(Permission.READ_INCIDENTS)
def index(request: HttpRequest) -> HttpResponse:
    """All incidents: those under way, or those that are over; searched by number, title and enterprise."""
    over = request.GET.get("show") == "over"
    words = request.GET.get("q", "").strip()
    readable = Incident.objects.open_to(user_of(request))
    found = readable.select_related("region", "enterprise").annotate(
        seats=Count("callouts__requirements__seats", distinct=True),
        taken=Count(
            "callouts__requirements__seats",
            filter=Q(callouts__requirements__seats__invitation__isnull=False),
            distinct=True,
        ),
    )
    if words:
        found = found.filter(
            Q(number__icontains=words)
            | Q(title__icontains=words)
            | Q(enterprise__name__icontains=words)
            | Q(enterprise__initials__startswith=words.lower())
            | Q(address__icontains=words)
        )
    counts = readable.aggregate(
        open=Count("pk", filter=~Q(status__in=CLOSED_STATUSES)),
        over=Count("pk", filter=Q(status__in=CLOSED_STATUSES)),
    )
    shown = found.filter(status__in=CLOSED_STATUSES) if over else found.exclude(status__in=CLOSED_STATUSES)
    # Counting groups the rows, and a grouped query has no order of its own.
    page = Paginator(shown.order_by("-reported_at", "-id"), PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "coordination/incidents/list.html",
        {
            "page": page,
            "over": over,
            "words": words,
            "counts": counts,
            "can_intake": user_of(request).may(Permission.HANDLE_INCIDENTS),
        },
    )


@require_safe
@needs(Permission.READ_INCIDENTS)
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    incident = incident_or_404(request, public_id)
    return render(
        request,
        "coordination/incidents/incident.html",
        incident_page.page(request, incident, at=clock.now()),
    )


@require_safe
@needs(Permission.READ_INCIDENTS)
def head(request: HttpRequest, public_id: UUID) -> HttpResponse:
    incident, at = incident_or_404(request, public_id), clock.now()
    context = incident_page.frame(request, incident, at=at)
    context |= incident_page.head(incident, boards_of(incident), at=at)
    return render(request, "coordination/incidents/_head.html", context)


@require_safe
@needs(Permission.READ_INCIDENTS)
def facts(request: HttpRequest, public_id: UUID) -> HttpResponse:
    incident, at = incident_or_404(request, public_id), clock.now()
    context = incident_page.frame(request, incident, at=at) | incident_page.facts(incident, at=at)
    return render(request, "coordination/incidents/_facts.html", context)


@require_safe
@needs(Permission.READ_INCIDENTS)
def board(request: HttpRequest, public_id: UUID) -> HttpResponse:
    incident = incident_or_404(request, public_id)
    context = incident_page.frame(request, incident, at=clock.now())
    context |= incident_page.callouts(boards_of(incident))
    return render(request, "coordination/callouts/_board.html", context)


@require_safe
@needs(Permission.READ_INCIDENTS)
def candidates(request: HttpRequest, public_id: UUID) -> HttpResponse:
    incident, at = incident_or_404(request, public_id), clock.now()
    context = incident_page.frame(request, incident, at=at)
    context |= incident_page.candidates(request, incident, boards_of(incident), at=at)
    return render(request, "coordination/incidents/_candidates.html", context)


@require_safe
@needs(Permission.READ_INCIDENTS)
def replies(request: HttpRequest, public_id: UUID) -> HttpResponse:
    incident = incident_or_404(request, public_id)
    context = incident_page.frame(request, incident, at=clock.now()) | incident_page.replies(incident)
    return render(request, "coordination/incidents/_replies.html", context)


@require_safe
@needs(Permission.READ_INCIDENTS)
def timeline(request: HttpRequest, public_id: UUID) -> HttpResponse:
    incident = incident_or_404(request, public_id)
    context = incident_page.frame(request, incident, at=clock.now())
    context |= incident_page.timeline(request, incident)
    return render(request, "coordination/incidents/_timeline.html", context)


# What is done to it -------------------------------------------------------------------------------


def _act(
    request: HttpRequest, incident: Incident, act: Callable[[datetime], Any], done: str = ""
) -> HttpResponse:
    """Do one thing and lead back to the incident; a mistake is said there, and nothing is half done."""
    try:
        act(clock.now())
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
    else:
        tasks.nudge()
        announce(f"incident:{incident.public_id}", "desk")
        if done:
            messages.success(request, done)
    return redirect("incident", public_id=incident.public_id)


@require_POST
@needs(Permission.HANDLE_INCIDENTS)
def note(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Write one line into the log; “-5” sets it five minutes back."""
    incident, at = incident_or_404(request, public_id, Permission.HANDLE_INCIDENTS), clock.now()
    form = LineForm(request.POST, at=at)
    if form.is_valid():
        line = form.cleaned_data["line"]
        handling.note(incident, line.text, by=actor_of(request), at=at, happened_at=line.happened_at)
        announce(f"incident:{incident.public_id}", "desk")
    if request.headers.get("HX-Request"):
        context = incident_page.frame(request, incident, at=at) | incident_page.timeline(request, incident)
        if form.errors:
            context["line_form"], context["line_error"] = form, first_error(form)
        return render(request, "coordination/incidents/_timeline.html", context)
    if form.errors:
        messages.error(request, first_error(form))
    return redirect("incident", public_id=incident.public_id)


@require_POST
@needs(Permission.HANDLE_INCIDENTS)
def move(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Record that it is verified, under control, or has flared up again."""
    incident = incident_or_404(request, public_id, Permission.HANDLE_INCIDENTS)
    wanted = request.POST.get("to", "")
    allowed = (IncidentStatus.VERIFIED, IncidentStatus.RESPONDING, IncidentStatus.CONTROLLED)
    if wanted not in allowed:
        messages.error(request, _("没有这个状态。请在页面上选择“核实”“控制”或“恢复响应”。"))
        return redirect("incident", public_id=public_id)
    return _act(
        request,
        incident,
        lambda at: handling.move(incident, IncidentStatus(wanted), by=actor_of(request), at=at),
    )


@require_POST
@needs(Permission.HANDLE_INCIDENTS)
def set_levels(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Keep the officer's own choice of levels; the suggestion never replaces it."""
    incident = incident_or_404(request, public_id, Permission.HANDLE_INCIDENTS)
    form = LevelForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect("incident", public_id=public_id)
    return _act(
        request,
        incident,
        lambda at: closing.correct_incident(incident, form.cleaned_data, by=actor_of(request), at=at),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.HANDLE_INCIDENTS)
def correct(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Correct the facts; whoever was asked on the old ones is told, and matching is offered again."""
    incident = incident_or_404(request, public_id, Permission.HANDLE_INCIDENTS)
    form = CorrectionForm(request.POST or None, incident=incident)
    if request.method == "POST" and form.is_valid():
        try:
            told = closing.correct_incident(incident, form.changes(), by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            tasks.nudge()
            announce(f"incident:{incident.public_id}", "desk")
            _say_what_changed(request, incident, told)
            return redirect("incident", public_id=public_id)
    return render(request, "coordination/incidents/correct.html", {"incident": incident, "form": form})


def _say_what_changed(request: HttpRequest, incident: Incident, told: int) -> None:
    running = incident.callouts.live().exists()
    if told:
        messages.success(
            request,
            ngettext(
                "已更正，并告知 %(count)d 个已通知的对象。",
                "已更正，并告知 %(count)d 个已通知的对象。",
                told,
            )
            % {"count": told},
        )
    else:
        messages.success(request, _("已更正，记入时间线。"))
    if running:
        messages.warning(
            request,
            _("推荐已按新情况重算；正在进行的通知应答不会自动换人，需要时请补充人选，或另发起一次。"),
        )


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.HANDLE_INCIDENTS)
def close(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Close the incident: its callouts end, whoever is still out is released and told."""
    incident = incident_or_404(request, public_id, Permission.HANDLE_INCIDENTS)
    form = EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            closing.close_incident(
                incident, outcome=form.cleaned_data["outcome"], by=actor_of(request), at=clock.now()
            )
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            tasks.nudge()
            announce(f"incident:{incident.public_id}", "desk")
            messages.success(request, _("事件已结束，在外人员已登记返回并收到通知。"))
            return redirect("incident", public_id=public_id)
    return render(
        request,
        "coordination/incidents/end.html",
        {"incident": incident, "form": form, "out": closing.still_out(incident), "false_alarm": False},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.HANDLE_INCIDENTS)
def withdraw(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Withdraw a false alarm: everybody who was asked or had accepted is stood down and told."""
    incident = incident_or_404(request, public_id, Permission.HANDLE_INCIDENTS)
    form = EndForm(request.POST or None)
    form.fields["outcome"].label = _("误报原因")
    if request.method == "POST" and form.is_valid():
        try:
            closing.withdraw_incident(
                incident, reason=form.cleaned_data["outcome"], by=actor_of(request), at=clock.now()
            )
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            tasks.nudge()
            announce(f"incident:{incident.public_id}", "desk")
            messages.success(request, _("已按误报撤销，已通知的人员都会收到“无需前往”。"))
            return redirect("incident", public_id=public_id)
    return render(
        request,
        "coordination/incidents/end.html",
        {"incident": incident, "form": form, "out": closing.still_out(incident), "false_alarm": True},
    )
