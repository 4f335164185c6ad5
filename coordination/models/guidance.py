"""An enterprise asks for expert guidance; nothing has happened."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Enterprise, Site
from coordination.visits import FINISHED, GuidanceKind, GuidanceStatus, Payer
from ground.access import Permission
from ground.models import Industry, PublicIdModel, User, lies_in


class GuidanceRequestQuerySet(models.QuerySet["GuidanceRequest"]):
    def open(self) -> GuidanceRequestQuerySet:
        return self.exclude(status__in=FINISHED)

    def of(self, user: User) -> GuidanceRequestQuerySet:
        """Return the requests of the enterprises for which `user` may act, drafts included."""
        return self.filter(enterprise__in=Enterprise.objects.of(user).values("pk"))

    def open_to(
        self, user: User, permission: Permission = Permission.READ_GUIDANCE
    ) -> GuidanceRequestQuerySet:
        """Return those with which `user` may do this, by where the enterprise is; a draft is its own business."""
        reach = user.reach(permission)
        where = lies_in(reach, "enterprise__region") | lies_in(reach, "site__region")
        return self.filter(where).exclude(status=GuidanceStatus.DRAFT)

    def readable_by(self, user: User) -> GuidanceRequestQuerySet:
        """Return those that the centre shows to `user`, and their own enterprise's."""
        shown = GuidanceRequest.objects.open_to(user).values("pk")
        return self.filter(Q(pk__in=shown) | Q(pk__in=GuidanceRequest.objects.of(user).values("pk")))

    def locked(self, pk: int) -> GuidanceRequest:
        """Return the request with its row locked; first in the lock order, as an incident is."""
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)


class GuidanceRequest(PublicIdModel):
    number = models.CharField(_("申请编号"), max_length=24, unique=True)
    enterprise = models.ForeignKey(Enterprise, models.PROTECT, related_name="guidance_requests")
    site = models.ForeignKey(
        Site, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("厂区")
    )
    industry = models.ForeignKey(Industry, models.PROTECT, related_name="+", verbose_name=_("行业"))
    kind = models.CharField(_("服务类型"), max_length=20, choices=GuidanceKind.choices())
    status = models.CharField(
        _("状态"), max_length=10, choices=GuidanceStatus.choices(), default=GuidanceStatus.DRAFT
    )
    description = models.TextField(_("需要解决的问题"), blank=True)
    # The days the enterprise would like, as it wrote them; the agreed visit stands in visit_*.
    wished_from = models.DateField(_("希望最早"), null=True, blank=True)
    wished_until = models.DateField(_("希望最晚"), null=True, blank=True)
    experts_wanted = models.PositiveSmallIntegerField(_("专家人数"), default=1)
    contact_name = models.CharField(_("联系人"), max_length=40)
    contact_phone = models.CharField(_("联系电话"), max_length=40)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    return_reason = models.CharField(_("退回原因"), max_length=200, blank=True)
    # A guidance visit is a dated period: it excludes only overlapping guidance.
    visit_from = models.DateField(_("到访起"), null=True, blank=True)
    visit_until = models.DateField(_("到访止"), null=True, blank=True)
    visited_at = models.DateTimeField(null=True, blank=True)
    report = models.TextField(_("专家报告"), blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    rating = models.PositiveSmallIntegerField(_("评分"), null=True, blank=True)
    rating_comment = models.CharField(_("评价"), max_length=400, blank=True)
    rated_at = models.DateTimeField(null=True, blank=True)
    payer = models.CharField(_("费用承担"), max_length=10, choices=Payer.choices(), default=Payer.CENTRE)
    closed_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(_("取消原因"), max_length=200, blank=True)

    objects = GuidanceRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("指导申请")
        verbose_name_plural = _("指导申请")
        constraints = [
            models.CheckConstraint(
                condition=Q(rating=None) | Q(rating__gte=1, rating__lte=5), name="rating_from_one_to_five"
            ),
            models.CheckConstraint(
                condition=Q(visit_from=None) | Q(visit_until__gte=F("visit_from")),
                name="visit_ends_after_start",
            ),
            models.CheckConstraint(condition=Q(experts_wanted__gte=1), name="guidance_wants_an_expert"),
        ]

    def __str__(self) -> str:
        return self.number


class Finding(models.Model):
    """One thing an expert found on a visit, and what was done about it."""

    request = models.ForeignKey(GuidanceRequest, models.CASCADE, related_name="findings")
    number = models.PositiveSmallIntegerField()
    text = models.CharField(_("问题或隐患"), max_length=400)
    advice = models.CharField(_("整改建议"), max_length=400, blank=True)
    due_on = models.DateField(_("整改期限"), null=True, blank=True)
    rectified_at = models.DateTimeField(null=True, blank=True)
    rectification = models.CharField(_("整改情况"), max_length=400, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["request", "number"], name="finding_numbered_once")]

    def __str__(self) -> str:
        return self.text
