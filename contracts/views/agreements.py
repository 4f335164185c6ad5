"""The register of agreements, one agreement, and what an admin does with it."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contracts import agreements
from contracts.distances import over_the_usual_drive
from contracts.filters import AgreementFilter
from contracts.forms import AgreementForm, ConsentForm, RenewalForm, TerminationForm
from contracts.models import Agreement, Enterprise, Party
from contracts.periods import AgreementStatus
from contracts.tables import AgreementTable, drive_words, status_mark
from contracts.views.parties import linked, listed
from ground import clock
from ground.access import Permission
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.laws import COAL_MINE_DRIVE
from ground.mistakes import Mistake

# As an admin works through them: what has to be done first comes first.
TABS = (
    AgreementStatus.IN_FORCE,
    AgreementStatus.EXPIRING,
    AgreementStatus.EXPIRED,
    AgreementStatus.AWAITING,
    AgreementStatus.DRAFT,
    AgreementStatus.UPCOMING,
    AgreementStatus.TERMINATED,
)


@require_safe
@needs(Permission.READ_CONTRACTS)
def index(request: HttpRequest) -> HttpResponse:
    """Show the agreements, by status and searched as the address says."""
    today = clock.day_of(clock.now())
    found = AgreementFilter(
        request.GET,
        queryset=Agreement.objects.open_to(user_of(request)),
        reach=user_of(request).reach(Permission.READ_CONTRACTS),
    )
    everything = found.qs
    tab = next((one for one in TABS if one.value == request.GET.get("tab")), None)
    rows: QuerySet[Agreement] = everything.with_status(tab, on=today) if tab else everything
    return listed(
        request,
        "contracts/agreements.html",
        AgreementTable(rows.select_related("enterprise", "team").prefetch_related("consents"), today=today),
        filter=found,
        tab=tab,
        tabs=[(None, everything.count())]
        + [(one, everything.with_status(one, on=today).count()) for one in TABS],
        may_edit=user_of(request).may(Permission.EDIT_CONTRACTS),
    )


@require_safe
@needs(Permission.READ_CONTRACTS)
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one agreement: who has confirmed, what it covers, what it is today."""
    user = user_of(request)
    agreement = _one(request, public_id, Permission.READ_CONTRACTS)
    today = clock.day_of(clock.now())
    status = agreement.status_on(today)
    consents = {consent.party: consent for consent in agreement.consents.all()}
    return render(
        request,
        "contracts/agreement.html",
        {
            "agreement": agreement,
            "status": status,
            "mark": status_mark(status),
            "days_left": agreement.period.days_left(today),
            "drive": drive_words(agreement),
            "far": over_the_usual_drive(agreement),
            "source": COAL_MINE_DRIVE,
            "parties": [(party, consents.get(party)) for party in Party],
            "sites": agreement.sites.all(),
            "next": Agreement.objects.filter(previous=agreement).first(),
            "may_edit": Agreement.objects.open_to(user, Permission.EDIT_CONTRACTS)
            .filter(pk=agreement.pk)
            .exists(),
            **linked(user, [agreement.enterprise]),
            "may_edit_terms": status is AgreementStatus.DRAFT,
            "may_confirm": status in (AgreementStatus.DRAFT, AgreementStatus.AWAITING),
            "may_terminate": status not in (AgreementStatus.EXPIRED, AgreementStatus.TERMINATED),
            "may_renew": status
            not in (AgreementStatus.DRAFT, AgreementStatus.AWAITING, AgreementStatus.TERMINATED),
        },
    )


@require_http_methods(["GET", "POST"])
@needs(Permission.EDIT_CONTRACTS)
def new(request: HttpRequest) -> HttpResponse:
    """Draft an agreement; for an enterprise that the address names, its sites can be chosen."""
    named = request.GET.get("enterprise", "")
    known = Enterprise.objects.filter(name=named).first() if named else None
    form = AgreementForm(
        request.POST or None,
        enterprise=known,
        initial={"enterprise": named},
        reach=user_of(request).reach(Permission.EDIT_CONTRACTS),
    )
    if request.method == "POST" and form.is_valid():
        enterprise, team = form.cleaned_data["enterprise"], form.cleaned_data["team"]
        try:
            made = agreements.draft(
                enterprise, team, form.terms(enterprise, team), by=actor_of(request), at=clock.now()
            )
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            messages.success(request, _("已起草协议 %(number)s，双方确认后生效。") % {"number": made.number})
            return redirect("agreement", made.public_id)
    return _form_page(request, form, _("起草协议"), None)


@require_http_methods(["GET", "POST"])
@needs(Permission.EDIT_CONTRACTS)
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change a draft that nobody has confirmed yet."""
    agreement = _one(request, public_id)
    form = AgreementForm(request.POST or None, agreement=agreement)
    if request.method == "POST" and form.is_valid():
        terms = form.terms(agreement.enterprise, agreement.team)
        try:
            agreements.revise(agreement, terms, by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            messages.success(request, _("协议已修改。"))
            return redirect("agreement", agreement.public_id)
    return _form_page(request, form, _("修改协议"), agreement)


@require_http_methods(["GET", "POST"])
@needs(Permission.EDIT_CONTRACTS)
def confirm(request: HttpRequest, public_id: str) -> HttpResponse:
    """Record that one side has confirmed."""
    agreement = _one(request, public_id)
    given = {consent.party for consent in agreement.consents.all()}
    form = ConsentForm(request.POST or None, parties=[one for one in Party if one not in given])
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            agreements.confirm(
                agreement,
                Party(said["party"]),
                signatory=said["signatory"],
                by=actor_of(request),
                at=clock.now(),
            )
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            messages.success(request, _("已登记确认。"))
            return redirect("agreement", agreement.public_id)
    return _form_page(request, form, _("登记确认"), agreement)


@require_http_methods(["GET", "POST"])
@needs(Permission.EDIT_CONTRACTS)
def terminate(request: HttpRequest, public_id: str) -> HttpResponse:
    """End an agreement from a day on."""
    agreement = _one(request, public_id)
    form = TerminationForm(request.POST or None, initial={"on": clock.day_of(clock.now())})
    if request.method == "POST" and form.is_valid():
        try:
            agreements.terminate(agreement, **form.cleaned_data, by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            messages.success(request, _("已登记终止。"))
            return redirect("agreement", agreement.public_id)
    return _form_page(request, form, _("终止协议"), agreement)


@require_http_methods(["GET", "POST"])
@needs(Permission.EDIT_CONTRACTS)
def renew(request: HttpRequest, public_id: str) -> HttpResponse:
    """Draft the agreement that follows this one."""
    agreement = _one(request, public_id)
    usual = {"until": two_years_after(max(agreement.ends_on, clock.day_of(clock.now())))}
    form = RenewalForm(request.POST or None, initial=usual)
    if request.method == "POST" and form.is_valid():
        try:
            made = agreements.renew(agreement, **form.cleaned_data, by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error(None, sentence(mistake))
        else:
            messages.success(
                request, _("已起草续签协议 %(number)s，双方确认后生效。") % {"number": made.number}
            )
            return redirect("agreement", made.public_id)
    return _form_page(request, form, _("续签"), agreement)


def two_years_after(day: date) -> date:
    """Return the usual end of a renewal; from 29 February it is the 28th."""
    try:
        return day.replace(year=day.year + 2)
    except ValueError:
        return day.replace(year=day.year + 2, day=28)


def _one(
    request: HttpRequest, public_id: str, permission: Permission = Permission.EDIT_CONTRACTS
) -> Agreement:
    found = (
        Agreement.objects.open_to(user_of(request), permission)
        .select_related("enterprise", "team", "previous")
        .prefetch_related("consents")
    )
    return get_object_or_404(found, public_id=public_id)


def _form_page(request: HttpRequest, form: Form, title: str, agreement: Agreement | None) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "title": title, "agreement": agreement}
    return render(request, "contracts/agreement_form.html", context, status=status)
