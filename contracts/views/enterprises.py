"""Keeping the register of enterprises: taken down, changed, given sites; and their numbers in full, for a reason."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Model
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from contracts import enterprises
from contracts.forms import EnterpriseForm, SiteForm
from contracts.models import Enterprise, RescueTeam
from ground import audit, clock, phones
from ground.access import Permission, Reach
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake
from ground.models import Industry


@require_http_methods(["GET", "POST"])
@needs(Permission.EDIT_CONTRACTS)
def new(request: HttpRequest) -> HttpResponse:
    form = EnterpriseForm(request.POST or None, reach=_reach(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = enterprises.register(form.particulars(), by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            messages.success(request, _("已登记 %(name)s。") % {"name": made.name})
            return redirect("enterprise", made.public_id)
    return _form_page(request, form, _("登记企业"), None)


@require_http_methods(["GET", "POST"])
@needs(Permission.EDIT_CONTRACTS)
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    enterprise = _theirs(request, public_id)
    form = EnterpriseForm(
        request.POST or None, initial=EnterpriseForm.said_of(enterprise), reach=_reach(request)
    )
    if request.method == "POST" and form.is_valid():
        try:
            enterprises.change(enterprise, form.particulars(), by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            messages.success(request, _("已保存。"))
            return redirect("enterprise", enterprise.public_id)
    return _form_page(request, form, _("修改企业"), enterprise)


@require_http_methods(["GET", "POST"])
@needs(Permission.EDIT_CONTRACTS)
def add_site(request: HttpRequest, public_id: str) -> HttpResponse:
    enterprise = _theirs(request, public_id)
    initial = {"industry": enterprise.industry_id, "region": enterprise.region_id or ""}
    form = SiteForm(request.POST or None, initial=initial, reach=_reach(request))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            enterprises.add_site(
                enterprise,
                name=said["name"],
                industry=Industry.objects.get(pk=said["industry"]),
                hazards=said["hazards"],
                where=form.where(),
                by=actor_of(request),
                at=clock.now(),
            )
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            messages.success(request, _("已增加厂区。"))
            return redirect("enterprise", enterprise.public_id)
    return _form_page(request, form, _("增加厂区"), enterprise)


def _theirs(request: HttpRequest, public_id: str) -> Enterprise:
    theirs = Enterprise.objects.open_to(user_of(request), Permission.EDIT_CONTRACTS)
    return get_object_or_404(theirs, public_id=public_id)


def _reach(request: HttpRequest) -> Reach:
    return user_of(request).reach(Permission.EDIT_CONTRACTS)


def _form_page(request: HttpRequest, form: Form, title: str, enterprise: Enterprise | None) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "title": title, "enterprise": enterprise}
    return render(request, "contracts/enterprise_form.html", context, status=status)


@require_POST
@needs(Permission.REVEAL_CONTACTS)
def reveal(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show an enterprise's numbers once, for a reason that the audit keeps."""
    theirs = Enterprise.objects.open_to(user_of(request), Permission.REVEAL_CONTACTS)
    enterprise = get_object_or_404(theirs, public_id=public_id)
    return _reveal(request, enterprise, reverse("enterprise", args=[public_id]))


@require_POST
@needs(Permission.REVEAL_CONTACTS)
def reveal_team(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a team's numbers once, for a reason that the audit keeps."""
    theirs = RescueTeam.objects.open_to(user_of(request), Permission.REVEAL_CONTACTS)
    team = get_object_or_404(theirs, public_id=public_id)
    return _reveal(request, team, reverse("rescue-team", args=[public_id]))


def _reveal(request: HttpRequest, owner: Model, back: str) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()[:200]
    if not reason:
        messages.error(request, _("请写明查看原因，会记入审计。"))
        return redirect(back)
    audit.record("contacts.reveal", owner, by=actor_of(request), at=clock.now(), reason=reason)
    contacts = [
        (one, one.value if one.kind == "email" else phones.as_written(one.value))
        for one in owner.contacts.all()  # type: ignore[attr-defined]  # both owners have contacts
    ]
    context = {"owner": owner, "contacts": contacts, "back": back}
    response = render(request, "contracts/contacts.html", context)
    response["Cache-Control"] = "no-store"
    return response
