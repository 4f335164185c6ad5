"""The response plans: the list of kinds, one plan by accident level, and changing it.

A plan is addressed by its kind, and by `?industry=` when it is meant for one industry alone. Whoever reads
incidents reads the plans. They are changed by whoever handles incidents, for they decide whom the duty desk
is proposed in the first minute; and only by somebody bound to no region, for the whole province is proposed
by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contracts.models import Capability
from coordination import plan_templates, planning, response_plans
from coordination.models import ResponsePlan
from coordination.paging import InviteeKind, Mode
from coordination.plan_templates import Source
from coordination.response_plans import PlanLine, Trade
from coordination.views.plan_forms import KnownVersionForm, PlanForm
from ground import clock, kinds
from ground.access import Permission
from ground.guards import actor_of, needs, user_of
from ground.kinds import IncidentKind
from ground.languages import language, name_of, sentence
from ground.mistakes import Mistake
from ground.models import AuditEntry, Industry, Specialty
from incidents.levels import AccidentLevel
from incidents.models import Incident

CHANGES_SHOWN = 10


@dataclass(frozen=True)
class Address:
    """What an address names: a kind, and perhaps an industry; `plan` is the plan of exactly these, if there is one."""

    kind: IncidentKind
    industry: Industry | None
    plan: ResponsePlan | None

    @property
    def code(self) -> str:
        return self.industry.pk if self.industry else ""

    @property
    def ships(self) -> bool:
        return plan_templates.template_for(self.kind.code, self.code) is not None

    @property
    def source(self) -> Source | None:
        if self.plan is None:
            return None
        return plan_templates.source_of(
            self.kind.code, self.code, is_changed=self.plan.changed_at is not None
        )

    def url(self, name: str) -> str:
        query = f"?{urlencode({'industry': self.code})}" if self.industry else ""
        return reverse(name, args=[self.kind.code]) + query


# Reading ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """One plan in the list: how many it asks for at each level. Without a plan, what is usual."""

    kind: IncidentKind
    industry: Industry | None
    plan: ResponsePlan | None
    source: Source | None
    counts: list[tuple[int, int]]
    url: str


@require_safe
@needs(Permission.READ_INCIDENTS)
def index(request: HttpRequest) -> HttpResponse:
    """Show every kind with its plans."""
    user = user_of(request)
    plans = list(
        ResponsePlan.objects.open_to(user).select_related("industry").prefetch_related("lines").order_by("pk")
    )
    of_kind: dict[str, list[ResponsePlan]] = {}
    for plan in sorted(plans, key=lambda plan: plan.industry.position if plan.industry else 0):
        of_kind.setdefault(plan.kind, []).append(plan)
    summaries = [
        _summary(Address(kind, plan.industry if plan else None, plan))
        for kind in kinds.KINDS
        for plan in of_kind.get(kind.code, [None])
    ]
    return render(
        request,
        "coordination/plans/list.html",
        {
            "with_plan": [one for one in summaries if one.plan],
            "without_plan": [one for one in summaries if not one.plan],
            "levels": list(AccidentLevel),
            "disclaimer": plan_templates.DISCLAIMER,
        },
    )


def _summary(where: Address) -> Summary:
    lines = where.plan.plan_lines() if where.plan else response_plans.usual(where.kind)
    return Summary(
        where.kind,
        where.industry,
        where.plan,
        where.source,
        [_counts(response_plans.compose(lines, level)) for level in AccidentLevel],
        where.url("response-plan"),
    )


def _counts(lines: Sequence[PlanLine]) -> tuple[int, int]:
    return (
        response_plans.seats_for(InviteeKind.EXPERT, lines),
        response_plans.seats_for(InviteeKind.TEAM, lines),
    )


@dataclass(frozen=True)
class AskRow:
    """One kind of seat in the table of a plan: whom, and how many at each level; `grown` where a level adds some."""

    line: PlanLine
    industry: str
    skill: str
    cells: list[tuple[int, bool]]

    @property
    def is_team(self) -> bool:
        return self.line.kind is InviteeKind.TEAM

    @property
    def is_remote(self) -> bool:
        return self.line.mode is Mode.REMOTE


@require_safe
@needs(Permission.READ_INCIDENTS)
def detail(request: HttpRequest, kind: str) -> HttpResponse:
    """Show what such an incident is proposed, level by level, and who changed it when."""
    user = user_of(request)
    where = _address(request, kind)
    standing = where.plan or planning.plan_for(where.kind.code, where.code)
    lines = standing.plan_lines() if standing else response_plans.usual(where.kind)
    return render(
        request,
        "coordination/plans/detail.html",
        {
            "where": where,
            "plan": where.plan,
            # The plan that holds here although it was not written for this industry.
            "borrowed": standing if standing and not where.plan else None,
            "rows": _rows(lines),
            "levels": list(AccidentLevel),
            "totals": [_counts(response_plans.compose(lines, level)) for level in AccidentLevel],
            "changes": _changes(where.plan),
            "siblings": ResponsePlan.objects.open_to(user)
            .filter(kind=where.kind.code, industry__isnull=False)
            .select_related("industry")
            .order_by("industry__position"),
            "industries": Industry.objects.all(),
            "may_edit": _may_change(request),
            "edit_url": where.url("response-plan-edit"),
            "reset_url": where.url("response-plan-reset"),
            "disclaimer": plan_templates.DISCLAIMER,
        },
    )


def _rows(lines: Sequence[PlanLine]) -> list[AskRow]:
    names = Names.read()
    by_level = [
        {line.ask: line.seats for line in response_plans.compose(lines, level)} for level in AccidentLevel
    ]
    rows = []
    for line in response_plans.compose(lines, AccidentLevel.EXTREME):
        seats = [asked.get(line.ask, 0) for asked in by_level]
        before = [0, *seats]
        rows.append(
            AskRow(
                line,
                names.of_industry(line),
                names.of_skill(line),
                [(now, now > then) for now, then in zip(seats, before, strict=False)],
            )
        )
    return sorted(rows, key=lambda row: row.is_team)


@dataclass(frozen=True)
class Names:
    """The words for the codes in a plan; a specialty and a capability may share a code and not be the same."""

    industries: dict[str, str]
    specialties: dict[str, str]
    capabilities: dict[str, str]

    @classmethod
    def read(cls) -> Names:
        return cls(
            *(
                {row.pk: name_of(row) for row in model.objects.all()}
                for model in (Industry, Specialty, Capability)
            )
        )

    def of_industry(self, line: PlanLine) -> str:
        return self.industries.get(line.industry) or Trade(line.industry).word(language())

    def of_skill(self, line: PlanLine) -> str:
        return self.specialties.get(line.specialty, "") or self.capabilities.get(line.capability, "")


def _changes(plan: ResponsePlan | None) -> list[tuple[AuditEntry, str]]:
    if plan is None:
        return []
    words = {
        "response_plan.change": _("修改"),
        "response_plan.reset": _("恢复为推荐模板"),
    }
    entries = AuditEntry.objects.filter(
        object_type="coordination.responseplan", object_id=str(plan.public_id)
    ).order_by("-id")[:CHANGES_SHOWN]
    return [(entry, words.get(entry.action, entry.action)) for entry in entries]


@dataclass(frozen=True)
class Cited:
    """The plan behind a proposal, as it is named beside it; `source` is None where what is usual was proposed."""

    url: str
    level: AccidentLevel
    source: Source | None


def cited(incident: Incident) -> Cited:
    """Return from which plan, and for which level, an incident's requirements are proposed."""
    found = ResponsePlan.objects.closest_first(incident.kind, incident.industry_id)
    plan = found.select_related("industry").first()
    where = Address(kinds.by_code(incident.kind), plan.industry if plan else None, plan)
    return Cited(where.url("response-plan"), incident.expected_level(), where.source)


# Changing -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.HANDLE_INCIDENTS)
def edit(request: HttpRequest, kind: str) -> HttpResponse:
    """Change the lines of a plan; of one that does not exist yet, beginning with what is proposed without it."""
    where = _address_to_change(request, kind)
    standing = where.plan or planning.plan_for(where.kind.code, where.code)
    lines = standing.plan_lines() if standing else response_plans.usual(where.kind)
    is_sent = request.method == "POST"
    form = PlanForm(lines, request.POST if is_sent else None)
    known = KnownVersionForm(
        request.POST if is_sent else None, initial={"known": where.plan.version if where.plan else 0}
    )
    errors = list(form.errors) if is_sent and "more" not in request.POST else []
    if is_sent and "more" not in request.POST and not errors:
        if not known.is_valid():
            errors.append(_("页面不完整，无法保存。请重新打开修改页。"))
        else:
            try:
                plan = planning.change(
                    where.kind.code,
                    form.lines,
                    industry=where.code,
                    known=known.cleaned_data["known"],
                    by=actor_of(request),
                    at=clock.now(),
                )
            except Mistake as mistake:
                errors.append(sentence(mistake))
            else:
                messages.success(
                    request,
                    _("响应预案已保存，现在是第 %(version)d 版。之后的推荐按它提议。")
                    % {"version": plan.version},
                )
                return redirect(where.url("response-plan"))
    return render(
        request,
        "coordination/plans/edit.html",
        {
            "where": where,
            "form": form,
            "known": known,
            "errors": errors,
            "back": where.url("response-plan"),
            "most": response_plans.MOST_ASKS,
            "disclaimer": plan_templates.DISCLAIMER,
        },
        status=422 if errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.HANDLE_INCIDENTS)
def reset(request: HttpRequest, kind: str) -> HttpResponse:
    """Put a plan back to the template that ships, or withdraw one for which none does; asked once more before."""
    where = _address_to_change(request, kind)
    if where.plan is None:
        raise Http404
    known = KnownVersionForm(
        request.POST if request.method == "POST" else None, initial={"known": where.plan.version}
    )
    errors = []
    if request.method == "POST":
        if not known.is_valid():
            errors.append(_("页面不完整，无法保存。请重新打开修改页。"))
        else:
            try:
                return _put_back(request, where, known.cleaned_data["known"])
            except Mistake as mistake:
                errors.append(sentence(mistake))
    return render(
        request,
        "coordination/plans/reset.html",
        {
            "where": where,
            "known": known,
            "errors": errors,
            "back": where.url("response-plan"),
        },
        status=422 if errors else 200,
    )


def _put_back(request: HttpRequest, where: Address, known: int) -> HttpResponse:
    by, at = actor_of(request), clock.now()
    if not where.ships:
        planning.withdraw(where.kind.code, industry=where.code, known=known, by=by, at=at)
        messages.success(request, _("响应预案已撤销。"))
        return redirect("response-plans")
    planning.reset(where.kind.code, industry=where.code, known=known, by=by, at=at)
    messages.success(request, _("已恢复为推荐模板。"))
    return redirect(where.url("response-plan"))


def _may_change(request: HttpRequest) -> bool:
    return user_of(request).reach(Permission.HANDLE_INCIDENTS).everywhere


def _address(request: HttpRequest, kind: str) -> Address:
    """Return what the address names; the kinds and industries are closed lists, so anything else is not there."""
    try:
        known = kinds.by_code(kind)
    except KeyError:
        raise Http404 from None
    code = request.GET.get("industry", "")
    industry = Industry.objects.filter(pk=code).first() if code.isalnum() else None
    if code and industry is None:
        raise Http404
    plans = ResponsePlan.objects.open_to(user_of(request)).prefetch_related("lines")
    return Address(known, industry, plans.filter(kind=kind, industry=industry).first())


def _address_to_change(request: HttpRequest, kind: str) -> Address:
    where = _address(request, kind)
    if not _may_change(request):
        raise Http404
    return where
