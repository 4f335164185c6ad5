"""The seed that is sealed for a guidance request, and the draw that is made with it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordination.matching.draw import SeedSource
from coordination.models.guidance import GuidanceRequest
from ground.models import PublicIdModel, User


class DrawQuerySet(models.QuerySet["Draw"]):
    def made(self) -> DrawQuerySet:
        return self.exclude(drawn_at=None)

    def sealed(self) -> DrawQuerySet:
        """Return those whose seed waits to be drawn with; nobody may be shown it."""
        return self.filter(drawn_at=None)

    def readable_by(self, user: User) -> DrawQuerySet:
        """Return the draws of the requests that `user` may read; one that is only sealed does not exist yet."""
        return self.made().filter(request__in=GuidanceRequest.objects.readable_by(user).values("pk"))


class Draw(PublicIdModel):
    """One draw of a request. The row begins with a sealed seed, is drawn with once and never edited after.

    A second draw is a second row, with the reason for it.
    """

    request = models.ForeignKey(GuidanceRequest, models.PROTECT, related_name="draws")
    number = models.PositiveSmallIntegerField()
    seed = models.CharField(max_length=64)
    commitment = models.CharField(_("承诺值"), max_length=64)
    seed_source = models.CharField(max_length=16, choices=SeedSource.choices())
    sealed_at = models.DateTimeField(_("封存时间"))
    # What follows is empty until the draw.
    drawn_at = models.DateTimeField(_("抽取时间"), null=True, blank=True)
    drawn_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    drawn_by_label = models.CharField(_("抽取人"), max_length=60, blank=True)
    reason = models.CharField(_("重新抽取的原因"), max_length=200, blank=True)
    algorithm = models.CharField(max_length=40, blank=True)
    rules_version = models.CharField(max_length=40, blank=True)
    seats = models.PositiveSmallIntegerField(_("抽取人数"), null=True, blank=True)
    reserves = models.PositiveSmallIntegerField(_("候补人数"), null=True, blank=True)
    # As they stood: [{"id", "load", "near", "name"}], and the ids in the order drawn.
    candidates = models.JSONField(default=list)
    drawn = models.JSONField(default=list)
    reserve = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64, blank=True)

    objects = DrawQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        verbose_name = _("随机抽取")
        verbose_name_plural = _("随机抽取")
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="draw_numbered_once"),
            models.UniqueConstraint(
                fields=["request"], condition=Q(drawn_at=None), name="one_sealed_seed_per_request"
            ),
            models.CheckConstraint(
                condition=Q(drawn_at=None) | Q(number=1) | ~Q(reason=""), name="redraw_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request} 第 {self.number} 次抽取"
