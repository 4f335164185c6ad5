"""What has happened: incidents and their log."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Enterprise, Site
from ground.access import Permission
from ground.kinds import KIND_CHOICES
from ground.models import Industry, Located, PublicIdModel, User, lies_in
from ground.terms import Term
from incidents.levels import AccidentLevel, ResponseLevel, Suggestion, severity, suggest
from incidents.lifecycle import CLOSED_STATUSES, IncidentStatus


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open_to(self, user: User, permission: Permission = Permission.READ_INCIDENTS) -> IncidentQuerySet:
        """Return those with which `user` may do this, by where they happened.

        Whoever took the call keeps the incident, wherever it turns out to be: it must not slip out of the
        hands that hold it when its place is corrected.
        """
        reach = user.reach(permission)
        return self.filter(lies_in(reach) | Q(opened_by=user) if reach else Q(pk__in=[]))

    def open(self) -> IncidentQuerySet:
        return self.exclude(status__in=CLOSED_STATUSES)

    def locked(self, pk: int) -> Incident:
        """Return the incident with its row locked until the transaction ends.

        First in the lock order: incident or guidance request, callout, seat, invitation, delivery.
        Without the key (FOR NO KEY UPDATE), so that a message which refers to it never waits for it.
        """
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)


class Incident(PublicIdModel, Located):
    """Something that happened, with a place; open until closed or withdrawn."""

    number = models.CharField(_("事件编号"), max_length=24, unique=True)
    title = models.CharField(_("标题"), max_length=120)
    kind = models.CharField(_("事件类型"), max_length=24, choices=KIND_CHOICES)
    industry = models.ForeignKey(Industry, models.PROTECT, related_name="incidents", verbose_name=_("行业"))
    enterprise = models.ForeignKey(
        Enterprise,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("事发企业"),
    )
    site = models.ForeignKey(
        Site, models.PROTECT, null=True, blank=True, related_name="incidents", verbose_name=_("厂区")
    )
    status = models.CharField(
        _("状态"), max_length=12, choices=IncidentStatus.choices(), default=IncidentStatus.REPORTED
    )
    is_drill = models.BooleanField(_("演练"), default=False)
    caller_name = models.CharField(_("报告人"), max_length=40, blank=True)
    caller_phone = models.CharField(_("来电号码"), max_length=40, blank=True)
    summary = models.TextField(_("概况"), blank=True)
    substance = models.CharField(_("危险物质"), max_length=60, blank=True)
    safety_notice = models.CharField(_("安全提示与集合点"), max_length=200, blank=True)
    deaths = models.PositiveIntegerField(_("死亡"), default=0)
    missing = models.PositiveIntegerField(_("失联"), default=0)
    trapped = models.PositiveIntegerField(_("被困"), default=0)
    injured = models.PositiveIntegerField(_("受伤"), default=0)
    # 重伤 (急性工业中毒 included) alone counts towards the accident level of Decree 493.
    seriously_injured = models.PositiveIntegerField(_("其中重伤"), default=0)
    loss_wan = models.PositiveIntegerField(_("直接经济损失（万元）"), null=True, blank=True)
    # The officer's own choice; empty while the suggestion of `incidents.levels` stands unconfirmed.
    accident_level = models.CharField(
        _("事故等级"), max_length=16, choices=AccidentLevel.choices(), blank=True
    )
    response_level = models.CharField(
        _("响应级别"), max_length=8, choices=ResponseLevel.choices(), blank=True
    )
    occurred_at = models.DateTimeField(_("发生时间"), null=True, blank=True)
    reported_at = models.DateTimeField(_("接报时间"))
    opened_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(_("结束情况"), blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-reported_at", "-id"]
        verbose_name = _("事件")
        verbose_name_plural = _("事件")
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(status__in=CLOSED_STATUSES), name="closed_incident_is_closed"
            ),
            models.CheckConstraint(
                condition=Q(seriously_injured__lte=models.F("injured")), name="serious_injuries_among_injured"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def is_open(self) -> bool:
        return self.status not in CLOSED_STATUSES

    def suggested_level(self) -> Suggestion:
        """Return the accident level that the figures suggest, whatever the officer has chosen."""
        return suggest(
            deaths=self.deaths,
            serious_injuries=self.seriously_injured,
            loss_wan=self.loss_wan,
            missing=self.missing,
        )

    def expected_level(self) -> AccidentLevel:
        """Return the officer's level, or while there is none what the figures suggest, counting the missing.

        Counting the missing, because help is for those who may still be found.
        """
        if self.accident_level:
            return AccidentLevel(self.accident_level)
        return self.suggested_level().counting_missing.level

    @property
    def severity(self) -> int:
        """Return 1 for an ordinary accident up to 4 for the worst."""
        return severity(self.expected_level())


class LogKind(Term):
    HUMAN = "human", "人工", "by hand"
    MILESTONE = "milestone", "重要", "milestone"
    SYSTEM = "system", "系统", "system"


class LogEntry(models.Model):
    """One line of an incident's log. Append-only: a correction is a new line that names the old one.

    Chained per incident under the incident's lock, so a line that was changed or removed later shows.
    """

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="log")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=LogKind.choices())
    at = models.DateTimeField()  # when it happened, as the writer says
    recorded_at = models.DateTimeField()
    text = models.TextField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    actor_label = models.CharField(max_length=80)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["incident", "seq"]
        constraints = [models.UniqueConstraint(fields=["incident", "seq"], name="log_line_numbered_once")]

    def __str__(self) -> str:
        return self.text
