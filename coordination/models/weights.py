"""The weights of matching that this centre has set: each row a version, the latest in force."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordination.matching import Weights
from coordination.weight_settings import BY_NAME, LONGEST_REASON, SETTINGS, SHARES
from ground.access import Permission
from ground.models import User

# Who may read the weights, and who may set them.
READS = (Permission.MATCH, Permission.ADMINISTER)
SETS = Permission.ADMINISTER


class OnlyAdded(RuntimeError):
    """A version was to be changed or removed; a new one is added instead."""


class MatchingWeightsQuerySet(models.QuerySet["MatchingWeights"]):
    """The weights are the province's: matching goes by them in every region."""

    def readable_by(self, user: User) -> MatchingWeightsQuerySet:
        """Return all of them for whoever sees matching or keeps the settings, wherever that is."""
        may = any(user.may(permission) for permission in READS)
        return self.all() if may else self.none()

    def open_to(self, user: User, permission: Permission = SETS) -> MatchingWeightsQuerySet:
        """Return those with which `user` may do this: all, if the right holds everywhere, or none."""
        return self.all() if user.reach(permission).everywhere else self.none()

    def latest_version(self) -> MatchingWeights | None:
        return self.order_by("-number").first()

    # Recommendations were made by these numbers, so a row stays what it was.
    def update(self, **kwargs: Any) -> NoReturn:
        raise OnlyAdded

    def delete(self) -> NoReturn:
        raise OnlyAdded


def _bounds(name: str) -> models.CheckConstraint:
    setting = BY_NAME[name]
    within = Q(**{f"{name}__gte": setting.least, f"{name}__lte": setting.most})
    if setting.step > 1:
        within = Q(**{f"{name}__in": list(setting.allowed)})
    return models.CheckConstraint(condition=within, name=f"weights_{name}_in_bounds")


class MatchingWeights(models.Model):
    """One version: the values, who set it, when and why. Rows are only ever added; no row is the defaults of the code."""

    number = models.PositiveIntegerField(_("版本"), unique=True)
    expertise = models.PositiveSmallIntegerField()
    travel = models.PositiveSmallIntegerField()
    load = models.PositiveSmallIntegerField()
    freshness = models.PositiveSmallIntegerField()
    travel_half_at_minutes = models.PositiveSmallIntegerField()
    load_half_at_callouts = models.PositiveSmallIntegerField()
    freshness_half_at_days = models.PositiveSmallIntegerField()
    fairness_minutes = models.PositiveSmallIntegerField()
    asked_elsewhere_minutes = models.PositiveSmallIntegerField()
    set_at = models.DateTimeField(_("设定时间"))
    set_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    set_by_label = models.CharField(_("设定人"), max_length=80)
    reason = models.CharField(_("原因"), max_length=LONGEST_REASON)

    objects = MatchingWeightsQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        verbose_name = _("匹配权重")
        verbose_name_plural = _("匹配权重")
        constraints = [
            *(_bounds(setting.name) for setting in SETTINGS),
            models.CheckConstraint(
                condition=~Q(**{share.name: 0 for share in SHARES}), name="weights_rank_by_something"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="weights_have_a_reason"),
            models.CheckConstraint(condition=Q(number__gte=1), name="weights_numbered_from_one"),
        ]

    def __str__(self) -> str:
        return self.weights().version

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise OnlyAdded
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise OnlyAdded

    def weights(self) -> Weights:
        """Return the version as matching takes it; "2026.2+3" is the third one set, on the scores of 2026.2."""
        values: dict[str, Any] = {setting.name: getattr(self, setting.name) for setting in SETTINGS}
        return Weights(version=f"{Weights().version}+{self.number}", **values)
