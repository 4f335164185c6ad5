"""The printed call sheet: what it is for, a password if wanted, and the file."""

from __future__ import annotations

from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordination import call_sheet
from ground import clock
from ground.access import Permission
from ground.guards import needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.CALL_OUT)
def sheet(request: HttpRequest) -> HttpResponse:
    """Ask what it is for; hand out the file. It names the whole province, so only who calls out there may have it."""
    user = user_of(request)
    everywhere = all(
        user.reach(right).everywhere for right in (Permission.CALL_OUT, Permission.REVEAL_CONTACTS)
    )
    if not everywhere:
        raise Http404
    problem = ""
    if request.method == "POST":
        at = clock.now()
        try:
            content = call_sheet.printed(
                reason=request.POST.get("reason", ""),
                password=request.POST.get("password", ""),
                by=user,
                at=at,
            )
        except Mistake as mistake:
            problem = sentence(mistake)
        else:
            name = f"{_('应急联络表')} {clock.day_of(at)}.pdf"
            response = HttpResponse(content, content_type="application/pdf")
            response["Content-Disposition"] = (
                f"attachment; filename=\"call-sheet.pdf\"; filename*=UTF-8''{quote(name)}"
            )
            response["Cache-Control"] = "no-store"
            return response
    status = 422 if problem else 200
    return render(request, "coordination/call_sheet.html", {"problem": problem}, status=status)
