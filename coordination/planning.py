"""The response plans kept: what they propose for an incident, changed, put back to the template, withdrawn.

Every change asks for the version that the officer saw, and leaves an audit entry with the lines before and
after. Nothing that was proposed on the strength of an older version is touched: a recommendation keeps the
requirements that it was made for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from coordination import plan_templates, response_plans
from coordination.callouts import RequirementSpec
from coordination.models import ResponsePlan, ResponsePlanLine
from coordination.response_plans import PlanLine
from ground import audit, kinds
from ground.audit import Actor
from ground.mistakes import Mistake, Refused
from ground.models import Industry, Specialty
from ground.terms import Words, joined
from incidents.levels import AccidentLevel


class WrongPlan(Mistake):
    """The lines do not make a plan."""


class SomebodyWasQuicker(Refused):
    """The plan was changed since the caller last looked."""


class NothingToRestore(Refused):
    """No template ships for this kind and industry, or the plan does not exist."""


class ShipsWithTemplate(Refused):
    """A plan for which a template ships is put back to it, not withdrawn."""


# --- what they propose ------------------------------------------------------------------------------


def plan_for(kind: str, industry: str) -> ResponsePlan | None:
    """Return the plan for incidents of this kind in this industry (code): its own, else the one for any industry."""
    return ResponsePlan.objects.closest_first(kind, industry).prefetch_related("lines").first()


def requirements(kind: str, industry: Industry, level: AccidentLevel) -> list[RequirementSpec]:
    """Return what the plan proposes for such an incident at `level`; without a plan, what is usual."""
    found = list(ResponsePlanLine.objects.closest_first(kind, industry.pk))
    rows = [row for row in found if row.plan_id == found[0].plan_id]
    lines = [row.plan_line() for row in rows] or response_plans.usual(kinds.by_code(kind))
    industries = {row.industry_id: row.industry for row in rows} | {industry.pk: industry}
    capabilities = {row.capability_id: row.capability for row in rows}
    specialties = {row.specialty_id: row.specialty for row in rows if row.specialty}
    if not rows:
        specialties = Specialty.objects.in_bulk({line.specialty for line in lines})
    return [
        RequirementSpec(
            line.kind,
            line.seats,
            mode=line.mode,
            industry=industries.get(line.industry),
            specialty=specialties.get(line.specialty),
            capability=capabilities.get(line.capability),
            critical=line.critical,
            urgent=line.urgent,
        )
        for line in response_plans.compose(lines, level, industry=industry.pk)
    ]


# --- changed ----------------------------------------------------------------------------------------


def change(
    kind: str, lines: Sequence[PlanLine], *, industry: str = "", known: int, by: Actor, at: datetime
) -> ResponsePlan:
    """Make `lines` the plan of this kind, for one industry (code) or for any (""); return the plan.

    `known` is the version that the officer saw, 0 for none. Writing what is there already changes nothing.

    :raises WrongPlan: if the lines do not make a plan. :raises SomebodyWasQuicker:
    """
    if wrong := response_plans.faults(lines):
        said = joined(wrong, Words("", " "))
        raise WrongPlan(said.zh, said.en)
    lines = response_plans.in_order(lines)
    with transaction.atomic():
        plan = ResponsePlan.objects.locked(kind, industry)
        _refuse_stale(plan, known)
        before = plan.plan_lines() if plan else ()
        if plan and before == lines:
            return plan
        if plan is None:
            plan = _new(kind, industry)
        _write(plan, lines, by=by, at=at)
        _record("response_plan.change", plan, before, lines, by=by, at=at)
    return plan


def reset(kind: str, *, industry: str = "", known: int, by: Actor, at: datetime) -> ResponsePlan:
    """Put the plan back to the template that ships.

    The version goes on counting, so that whoever still edits the old lines is told.

    :raises NothingToRestore: :raises SomebodyWasQuicker:
    """
    template = plan_templates.template_for(kind, industry)
    with transaction.atomic():
        plan = ResponsePlan.objects.locked(kind, industry)
        if plan is None or template is None:
            raise NothingToRestore(
                "这份预案没有推荐模板，无法恢复。请直接修改，或撤销这份预案。",
                "No template ships for this plan, so it cannot be put back. Edit it, or withdraw it.",
            )
        _refuse_stale(plan, known)
        before = plan.plan_lines()
        _write(plan, template.lines, by=by, at=at)
        # As it shipped again: no longer anybody's edit.
        plan.changed_at, plan.changed_by = None, None
        plan.save(update_fields=["changed_at", "changed_by"])
        _record("response_plan.reset", plan, before, template.lines, by=by, at=at)
    return plan


def withdraw(kind: str, *, industry: str = "", known: int, by: Actor, at: datetime) -> None:
    """Remove a plan that the centre made itself; its incidents fall back to the closest other proposal.

    :raises ShipsWithTemplate: :raises NothingToRestore: :raises SomebodyWasQuicker:
    """
    if plan_templates.template_for(kind, industry):
        raise ShipsWithTemplate(
            "这份预案有推荐模板，不能撤销。需要时请恢复为推荐模板。",
            "A template ships for this plan, so it cannot be withdrawn. Put it back to the template instead.",
        )
    with transaction.atomic():
        plan = ResponsePlan.objects.locked(kind, industry)
        if plan is None:
            raise NothingToRestore(
                "这份预案不存在，可能刚被撤销。请返回列表查看。",
                "There is no such plan; it may have been withdrawn just now. See the list.",
            )
        _refuse_stale(plan, known)
        _record("response_plan.withdraw", plan, plan.plan_lines(), (), by=by, at=at)
        plan.delete()


def _refuse_stale(plan: ResponsePlan | None, known: int) -> None:
    now = plan.version if plan else 0
    if now != known:
        raise SomebodyWasQuicker(
            f"这份预案刚被别人改过（您看到的是第 {known} 版，现在是第 {now} 版），没有保存。请打开最新的一版再改。",
            f"Somebody has just changed this plan (you saw version {known}, it is now {now}); nothing was "
            "saved. Open the current version and edit that.",
        )


def _new(kind: str, industry: str) -> ResponsePlan:
    try:
        with transaction.atomic():
            return ResponsePlan.objects.create(kind=kind, industry_id=industry or None, version=0)
    except (
        IntegrityError
    ) as taken:  # nothing to lock before the first row: the constraint decides who was first
        raise SomebodyWasQuicker(
            "别人刚刚编制了这份预案，没有保存。请打开它再修改。",
            "Somebody has just made this plan; nothing was saved. Open it and edit that.",
        ) from taken


def _write(plan: ResponsePlan, lines: Sequence[PlanLine], *, by: Actor, at: datetime) -> None:
    plan.lines.all().delete()
    ResponsePlanLine.objects.bulk_create(
        ResponsePlanLine(plan=plan, position=number, **line.columns()) for number, line in enumerate(lines, 1)
    )
    plan.version += 1
    plan.changed_at, plan.changed_by = at, by.user
    plan.save(update_fields=["version", "changed_at", "changed_by"])


def _record(
    action: str,
    plan: ResponsePlan,
    before: Sequence[PlanLine],
    after: Sequence[PlanLine],
    *,
    by: Actor,
    at: datetime,
) -> None:
    about: dict[str, Any] = {"kind": plan.kind, "industry": plan.industry_id or "", "version": plan.version}
    audit.record(
        action,
        plan,
        by=by,
        at=at,
        **about,
        before=[line.to_dict() for line in before],
        after=[line.to_dict() for line in after],
    )
