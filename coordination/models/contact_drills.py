"""The weekly contact drill: who was asked whether a message reaches them, and who said that it did."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from contracts.models import RescueTeam
from coordination.paging import AnswerSource
from experts.models import Expert
from ground.access import Permission
from ground.models import PublicIdModel, User


class ContactDrillQuerySet(models.QuerySet["ContactDrill"]):
    def open_to(self, user: User, permission: Permission = Permission.CALL_OUT) -> ContactDrillQuerySet:
        """Return all for whoever calls people out in the whole province: the pool is one."""
        return self.all() if user.reach(permission).everywhere else self.none()

    def running(self, at: datetime) -> ContactDrillQuerySet:
        return self.filter(ends_at__gt=at)


class ContactDrill(PublicIdModel):
    """One drill. It ends by itself when its window has closed; a late answer still says that somebody can be reached."""

    started_at = models.DateTimeField()
    started_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    ends_at = models.DateTimeField()

    objects = ContactDrillQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("started_at")), name="drill_has_a_window")
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"

    @property
    def answer_within(self) -> timedelta:
        return self.ends_at - self.started_at


class ContactCheck(PublicIdModel):
    """One person or team in a drill. The link is derived from `nonce` when the message is sent; see `links`."""

    drill = models.ForeignKey(ContactDrill, models.CASCADE, related_name="checks")
    expert = models.ForeignKey(Expert, models.PROTECT, null=True, related_name="contact_checks")
    team = models.ForeignKey(RescueTeam, models.PROTECT, null=True, related_name="contact_checks")
    nonce = models.CharField(max_length=32)
    digest = models.CharField(max_length=64, unique=True)
    answered_at = models.DateTimeField(null=True)
    answer_source = models.CharField(max_length=8, choices=AnswerSource.choices(), blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expert__isnull=False, team=None) | Q(expert=None, team__isnull=False),
                name="check_of_expert_or_team",
            ),
            models.UniqueConstraint(fields=["drill", "expert"], name="expert_once_in_a_drill"),
            models.UniqueConstraint(fields=["drill", "team"], name="team_once_in_a_drill"),
        ]
        indexes = [models.Index(fields=["answered_at"], name="checks_answered")]

    def __str__(self) -> str:
        return f"{self.person}"

    @property
    def person(self) -> Expert | RescueTeam:
        return self.expert or self.team  # type: ignore[return-value]  # a constraint: one of the two is set
