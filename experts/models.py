"""The roster: who can help, in which industries, from when until when, and how they are reached."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ground.access import Permission
from ground.models import ContactPoint, Industry, Located, PublicIdModel, Specialty, User, lies_in
from ground.spelling import pinyin_of
from ground.terms import Term


class TaskCategory(Term):
    EMERGENCY = "emergency", "应急处置", "emergency response"
    REVIEW = "review", "评审评估", "review and assessment"
    INSPECTION = "inspection", "现场检查", "site inspection"
    TRAINING = "training", "宣传培训", "training"
    CONSULTING = "consulting", "咨询服务", "consulting"


PINYIN_LENGTH = 120
INITIALS_LENGTH = 20


class ExpertQuerySet(models.QuerySet["Expert"]):
    def open_to(self, user: User, permission: Permission = Permission.READ_ROSTER) -> ExpertQuerySet:
        """Return those on whom `user` may do this, by where they live."""
        return self.filter(lies_in(user.reach(permission)))

    def appointed_on(self, day: date) -> ExpertQuerySet:
        """Return those whose appointment is in force on `day`."""
        return self.filter(
            Q(appointments__ended_on=None) | Q(appointments__ended_on__gt=day),
            appointments__starts_on__lte=day,
            appointments__ends_on__gte=day,
        ).distinct()

    def whole(self) -> ExpertQuerySet:
        """Return the experts with everything that is known about them, in a fixed number of queries."""
        return self.select_related("region__parent").prefetch_related(
            "practices__industry",
            "specialties",
            "task_offers",
            "appointments",
            "certificates",
            "contacts",
            "absences",
        )

    def locked(self, pk: int) -> Expert:
        """Return the expert with the row locked until the transaction ends; nothing else is locked after it."""
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)

    def suspended(self) -> ExpertQuerySet:
        return self.filter(suspended_on__isnull=False)

    def serving_on(self, day: date) -> ExpertQuerySet:
        """Return those appointed on `day` and not suspended (在聘)."""
        return self.appointed_on(day).filter(suspended_on=None)

    def ending_within(self, days: int, *, of: date) -> ExpertQuerySet:
        """Return those serving on the day `of` whose appointment will have run out `days` later, not renewed yet."""
        later = Expert.objects.appointed_on(of + timedelta(days=days))
        return self.serving_on(of).exclude(pk__in=later.values("pk"))

    def found_by(self, words: str) -> ExpertQuerySet:
        """Return those whose name, pinyin, initials, employer, title or certificate of appointment match."""
        words = words.strip()
        if not words:
            return self
        bare = words.lower().replace(" ", "")
        return self.filter(
            Q(name__contains=words)
            | Q(pinyin__contains=bare)
            | Q(initials__startswith=bare)
            | Q(employer__contains=words)
            | Q(title__contains=words)
            | Q(appointments__number=words)
        ).distinct()


def spelled(name: str) -> tuple[str, str]:
    """Return a name's pinyin and initials as the columns hold them: ("shanxiongxin", "sxx") for 单雄信."""
    pinyin, initials = pinyin_of(name, is_person=True)
    return pinyin[:PINYIN_LENGTH], initials[:INITIALS_LENGTH]


class Expert(PublicIdModel, Located):
    """A person on the roster. The place is where they usually are on duty (常驻地)."""

    name = models.CharField(_("姓名"), max_length=40)
    # Written by `save` from the name; a bulk write takes them from `spelled`.
    pinyin = models.CharField(max_length=PINYIN_LENGTH, blank=True, editable=False)
    initials = models.CharField(max_length=INITIALS_LENGTH, blank=True, editable=False)
    gender = models.CharField(_("性别"), max_length=1, choices=[("男", _("男")), ("女", _("女"))], blank=True)
    born_on = models.DateField(_("出生年月"), null=True, blank=True)
    ethnicity = models.CharField(_("民族"), max_length=20, blank=True)
    political_status = models.CharField(_("政治面貌"), max_length=20, blank=True)
    education = models.CharField(_("学历"), max_length=20, blank=True)
    school = models.CharField(_("毕业院校及专业"), max_length=80, blank=True)
    title = models.CharField(_("职称"), max_length=40, blank=True)
    position = models.CharField(_("职务"), max_length=60, blank=True)
    employer = models.CharField(_("工作单位"), max_length=80)
    is_senior = models.BooleanField(_("正高级"), default=False)
    suspended_on = models.DateField(_("停聘日期"), null=True, blank=True)
    suspension_reason = models.CharField(_("停聘原因"), max_length=200, blank=True)
    remarks = models.CharField(_("备注"), max_length=400, blank=True)
    specialties = models.ManyToManyField(
        Specialty, verbose_name=_("专业方向"), blank=True, related_name="experts"
    )

    objects = ExpertQuerySet.as_manager()

    class Meta:
        ordering = ["pinyin", "id"]
        verbose_name = _("专家")
        verbose_name_plural = _("专家")
        indexes = [models.Index(fields=["name", "employer"], name="expert_by_name_employer")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pinyin, self.initials = spelled(self.name)
        if "name" in (kwargs.get("update_fields") or ()):
            kwargs["update_fields"] = {*kwargs["update_fields"], "pinyin", "initials"}
        super().save(*args, **kwargs)


class PracticeRank(Term):
    PRIMARY = "primary", "主专业", "primary"
    SECONDARY = "secondary", "兼专业", "secondary"


class Practice(models.Model):
    """An industry in which an expert practises."""

    expert = models.ForeignKey(Expert, models.CASCADE, related_name="practices")
    industry = models.ForeignKey(Industry, models.PROTECT, related_name="practices")
    rank = models.CharField(max_length=10, choices=PracticeRank.choices())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["expert", "industry"], name="practice_once_per_industry"),
            models.UniqueConstraint(
                fields=["expert"], condition=Q(rank="primary"), name="one_primary_practice_per_expert"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.expert} · {self.industry}"


class TaskOffer(models.Model):
    """A task category for which an expert has been appointed."""

    expert = models.ForeignKey(Expert, models.CASCADE, related_name="task_offers")
    category = models.CharField(max_length=12, choices=TaskCategory.choices())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["expert", "category"], name="task_offered_once")]

    def __str__(self) -> str:
        return f"{self.expert} · {self.category}"


class Appointment(models.Model):
    """A term for which an expert is appointed; both days are included. A renewal is a new row."""

    expert = models.ForeignKey(Expert, models.CASCADE, related_name="appointments")
    number = models.CharField(_("聘书编号"), max_length=40, blank=True)
    category = models.CharField(_("类别"), max_length=20, blank=True)
    group_role = models.CharField(_("专家组职务"), max_length=20, blank=True)
    starts_on = models.DateField(_("聘期起"))
    ends_on = models.DateField(_("聘期止"))
    # The day from which an early end (dismissal, resignation) holds; null while the term runs as signed.
    ended_on = models.DateField(_("提前解聘日"), null=True, blank=True)
    end_reason = models.CharField(_("解聘原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("聘期")
        verbose_name_plural = _("聘期")
        ordering = ["-ends_on", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="appointment_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["number"], condition=~Q(number=""), name="appointment_number_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.expert} {self.starts_on}–{self.ends_on}"


class Certificate(models.Model):
    """A qualification, such as 注册安全工程师; without `expires_on` it does not expire."""

    expert = models.ForeignKey(Expert, models.CASCADE, related_name="certificates")
    name = models.CharField(_("证书名称"), max_length=60)
    number = models.CharField(_("证书编号"), max_length=60, blank=True)
    issued_on = models.DateField(_("发证日期"), null=True, blank=True)
    expires_on = models.DateField(_("有效期至"), null=True, blank=True)

    class Meta:
        verbose_name = _("资格证书")
        verbose_name_plural = _("资格证书")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class ExpertContact(ContactPoint):
    expert = models.ForeignKey(Expert, models.CASCADE, related_name="contacts")

    class Meta(ContactPoint.Meta):
        constraints = [
            models.UniqueConstraint(fields=["expert", "kind", "value"], name="expert_contact_once")
        ]
        indexes = [models.Index(fields=["value"], name="expert_contact_by_value")]

    def __str__(self) -> str:
        return f"{self.expert} · {self.value}"


class Absence(models.Model):
    """Days on which an expert cannot come; both days are included."""

    expert = models.ForeignKey(Expert, models.CASCADE, related_name="absences")
    starts_on = models.DateField(_("起"))
    ends_on = models.DateField(_("止"))
    reason = models.CharField(_("原因"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("请假")
        verbose_name_plural = _("请假")
        ordering = ["starts_on"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="absence_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.expert} {self.starts_on}–{self.ends_on}"


class ImportUpload(PublicIdModel):
    """A workbook between its upload and the button that imports it; it belongs to one account and expires.

    What was read and what it will change is never kept: both are worked out again from the file and the
    roster whenever somebody looks. After the import the file itself goes and `receipt` stays.
    """

    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    file_name = models.CharField(_("文件名"), max_length=200)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField(blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    applied_at = models.DateTimeField(null=True)
    receipt = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("花名册上传")
        verbose_name_plural = _("花名册上传")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name

    def has_expired(self, at: datetime) -> bool:
        return at >= self.expires_at
