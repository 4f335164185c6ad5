"""The response plans as this centre has them: whom an incident of a kind is proposed, by accident level."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Capability
from coordination.paging import InviteeKind, Mode
from coordination.response_plans import PlanLine, Trade
from ground.access import Permission
from ground.kinds import KIND_CHOICES
from ground.models import Industry, PublicIdModel, Specialty, User
from incidents.levels import AccidentLevel


class ResponsePlanQuerySet(models.QuerySet["ResponsePlan"]):
    def open_to(self, user: User, permission: Permission = Permission.READ_INCIDENTS) -> ResponsePlanQuerySet:
        """Return those with which `user` may do this.

        A plan is the province's: it is read from every region, for incidents there are proposed by it, and
        changed only by somebody whose right holds everywhere.
        """
        reach = user.reach(permission)
        may = bool(reach) if permission is Permission.READ_INCIDENTS else reach.everywhere
        return self.all() if may else self.none()

    def closest_first(self, kind: str, industry: str) -> ResponsePlanQuerySet:
        """Return those for incidents of this kind in this industry: its own, then the one for any industry."""
        wanted = Q(industry=industry) | Q(industry=None)
        return self.filter(wanted, kind=kind).order_by(models.F("industry_id").asc(nulls_last=True))

    def locked(self, kind: str, industry: str) -> ResponsePlan | None:
        """Return the plan of exactly this kind and industry ("": any) with its row locked; None if there is none."""
        return (
            self.select_for_update(of=("self",), no_key=True)
            .filter(kind=kind, industry=industry or None)
            .first()
        )


class ResponsePlan(PublicIdModel):
    """What a kind of incident needs; with an industry, for incidents of that kind in it alone."""

    kind = models.CharField(_("事件类型"), max_length=24, choices=KIND_CHOICES)
    industry = models.ForeignKey(
        Industry, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("行业")
    )
    version = models.PositiveIntegerField(_("版本"), default=1)
    changed_at = models.DateTimeField(_("修改时间"), null=True, blank=True)  # null while it is as it shipped
    changed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = ResponsePlanQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "id"]
        verbose_name = _("响应预案")
        verbose_name_plural = _("响应预案")
        constraints = [
            models.UniqueConstraint(fields=["kind", "industry"], name="one_plan_per_kind_and_industry"),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(industry=None), name="one_plan_per_kind_for_any_industry"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.industry_id or ''}".strip()

    def plan_lines(self) -> tuple[PlanLine, ...]:
        return tuple(line.plan_line() for line in self.lines.all())


class ResponsePlanLineQuerySet(models.QuerySet["ResponsePlanLine"]):
    def closest_first(self, kind: str, industry: str) -> ResponsePlanLineQuerySet:
        """Return the lines of the plans for such an incident, the closest plan's first, with what they refer to.

        One query, for it is asked with every look at an incident's candidates.
        """
        plans = ResponsePlan.objects.closest_first(kind, industry).order_by().values("pk")
        return (
            self.filter(plan__in=plans)
            .select_related("plan", "industry", "specialty", "capability")
            .order_by(models.F("plan__industry_id").asc(nulls_last=True), "position")
        )


class ResponsePlanLine(models.Model):
    """One line of a plan, at its level and every graver one; neither an industry nor `of_incident` is any industry."""

    plan = models.ForeignKey(ResponsePlan, models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    from_level = models.CharField(max_length=8, choices=AccidentLevel.choices())
    kind = models.CharField(max_length=8, choices=InviteeKind.choices())
    mode = models.CharField(max_length=8, choices=Mode.choices(), default=Mode.ONSITE)
    of_incident = models.BooleanField(default=False)
    industry = models.ForeignKey(Industry, models.PROTECT, null=True, blank=True, related_name="+")
    specialty = models.ForeignKey(Specialty, models.PROTECT, null=True, blank=True, related_name="+")
    capability = models.ForeignKey(Capability, models.PROTECT, null=True, blank=True, related_name="+")
    seats = models.PositiveSmallIntegerField()
    critical = models.BooleanField(default=False)
    urgent = models.BooleanField(default=False)

    objects = ResponsePlanLineQuerySet.as_manager()

    class Meta:
        ordering = ["plan", "position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="plan_line_placed_once"),
            models.CheckConstraint(condition=Q(seats__gte=1), name="plan_line_has_seats"),
            models.CheckConstraint(
                condition=Q(of_incident=False) | Q(industry=None), name="plan_line_names_one_industry"
            ),
            models.CheckConstraint(
                condition=Q(kind="expert", capability=None) | Q(kind="team", specialty=None, mode="onsite"),
                name="plan_line_asks_what_its_kind_has",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} · {self.position}"

    def plan_line(self) -> PlanLine:
        """Return the line as the rules read it."""
        return PlanLine(
            kind=InviteeKind(self.kind),
            seats=self.seats,
            from_level=AccidentLevel(self.from_level),
            mode=Mode(self.mode),
            industry=Trade.OF_INCIDENT if self.of_incident else self.industry_id or Trade.ANY,
            specialty=self.specialty_id or "",
            capability=self.capability_id or "",
            critical=self.critical,
            urgent=self.urgent,
        )
