"""The contact drill: its results, starting one, and the page on which somebody confirms that a message reached them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coordination import contact_drills, links, live, tasks
from coordination.contact_drills import USUAL_WINDOW, WINDOWS, Standing
from coordination.models import ContactCheck, ContactDrill
from coordination.paging import AnswerSource
from coordination.views.answer import SeeOther, behind_a_secret
from ground import clock, installation
from ground.access import Permission
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake

DRILLS_SHOWN = 26  # half a year of weeks


@require_safe
@needs(Permission.CALL_OUT)
def index(request: HttpRequest) -> HttpResponse:
    """Show the last drill's result, and how the ones before went."""
    drills = list(ContactDrill.objects.open_to(user_of(request))[:DRILLS_SHOWN])
    return _page(request, drills, drills[0] if drills else None)


@require_safe
@needs(Permission.CALL_OUT)
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    found = ContactDrill.objects.open_to(user_of(request))
    drill = get_object_or_404(found, public_id=public_id)
    return _page(request, list(found[:DRILLS_SHOWN]), drill)


@require_POST
@needs(Permission.CALL_OUT)
def start(request: HttpRequest) -> HttpResponse:
    """Write to everybody on the roster, and show who answers."""
    if not user_of(request).reach(Permission.CALL_OUT).everywhere:
        raise Http404
    given = request.POST.get("minutes", "")
    window = timedelta(minutes=int(given)) if given.isdecimal() and len(given) < 5 else timedelta()
    try:
        drill = contact_drills.start(answer_within=window, by=actor_of(request), at=clock.now())
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
        return redirect("contact-drills")
    tasks.nudge()
    messages.success(request, _("联络测试已开始。"))
    return redirect("contact-drill", drill.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@behind_a_secret(links.check_of)
def confirm(request: HttpRequest, token: str, check: ContactCheck, at: datetime) -> HttpResponse:
    """The page behind the link in a drill's message: one button. Looking changes nothing."""
    if request.method == "POST":
        contact_drills.confirm(check, source=AnswerSource.LINK, at=at)
        return SeeOther(reverse("contact-check", args=[token]))
    sender = installation.sender()
    page = {
        "title": _("联络测试"),
        "sender_name": sender.name,
        "duty_phone": sender.duty_phone,
        "addressee": check.person.name,
        "server_now": at,
    }
    return render(request, "coordination/contact_check.html", {"page": page, "check": check})


def _page(request: HttpRequest, drills: list[ContactDrill], drill: ContactDrill | None) -> HttpResponse:
    at = clock.now()
    lines = contact_drills.result(drill, at=at) if drill else []
    counts = Counter(line.standing for line in lines)
    context: dict[str, Any] = {
        "drill": drill,
        "drills": drills,
        "lines": lines,
        "counts": [(standing, counts[standing]) for standing in Standing if counts[standing]],
        "is_running": drill is not None and drill.ends_at > at,
        "may_start": user_of(request).reach(Permission.CALL_OUT).everywhere
        and not ContactDrill.objects.running(at).exists(),
        "windows": [(round(window / timedelta(minutes=1)), window) for window in WINDOWS],
        "usual": round(USUAL_WINDOW / timedelta(minutes=1)),
        "live_url": live.address("contact-drill") if drill is not None else "",
    }
    return render(request, "coordination/contact_drills.html", context)
