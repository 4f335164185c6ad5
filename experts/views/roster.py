"""The list of experts, the roster as a workbook, and the empty workbook to fill in."""

from __future__ import annotations

from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_tables2 import RequestConfig

from experts import roster_sheet
from experts.filters import ExpertFilter, Tab, with_term_end
from experts.models import Expert
from experts.tables import ExpertTable
from ground import clock
from ground.access import Permission
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake

A_PAGE = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@needs(Permission.READ_ROSTER)
def index(request: HttpRequest) -> HttpResponse:
    """Show the roster, searched and sorted as the address says; htmx takes the list alone."""
    today = clock.day_of(clock.now())
    user = user_of(request)
    reads, edits = user.reach(Permission.READ_ROSTER), user.reach(Permission.EDIT_ROSTER)
    everybody = Expert.objects.open_to(user)
    found = ExpertFilter(request.GET, queryset=everybody, reach=reads)
    tab = _tab(request)
    matching = found.qs
    experts = with_term_end(tab.of(matching, today)).whole()
    table = ExpertTable(experts, today=today)
    RequestConfig(request, paginate={"per_page": A_PAGE, "silent": True}).configure(table)
    context = {
        "filter": found,
        "table": table,
        "page": table.page,
        "tab": tab,
        "tabs": [(one, one.of(matching, today).count()) for one in Tab],
        "everybody": everybody.count(),
        "is_narrowed": any(found.form.cleaned_data.values()) or tab is not Tab.ALL,
        "may_edit": bool(edits),
        "exports_less": edits != reads,
    }
    # `htmx` is put on the request by its middleware.
    template = "experts/_roster.html" if request.htmx else "experts/index.html"  # type: ignore[attr-defined]
    response = render(request, template, context)
    # The same address answers with a page or with a part of it.
    response["Vary"] = "HX-Request"
    return response


def _tab(request: HttpRequest) -> Tab:
    asked = request.GET.get("tab", Tab.ALL.value)
    return Tab(asked) if asked in list(Tab) else Tab.ALL


@require_POST
@needs(Permission.EDIT_ROSTER)
def export(request: HttpRequest) -> HttpResponse:
    """Hand out those whom the list shows and this account keeps, with full numbers, for a stated purpose."""
    at = clock.now()
    user = user_of(request)
    theirs = Expert.objects.open_to(user, Permission.EDIT_ROSTER)
    # The address means what it means on the list, which is narrowed to what may be read.
    matching = ExpertFilter(request.GET, queryset=theirs, reach=user.reach(Permission.READ_ROSTER)).qs
    experts = _tab(request).of(matching, clock.day_of(at))
    try:
        content = roster_sheet.hand_out(
            experts, reason=request.POST.get("reason", ""), by=actor_of(request), at=at
        )
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
        return redirect("experts")
    return workbook(content, f"{_('专家花名册')} {clock.day_of(at)}.xlsx")


@require_safe
@needs(Permission.EDIT_ROSTER)
def template(request: HttpRequest) -> HttpResponse:
    return workbook(roster_sheet.template(), f"{_('专家花名册模板')}.xlsx")


def workbook(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = f"attachment; filename=\"roster.xlsx\"; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "no-store"
    return response
