"""What all apps stand on: accounts, places, industries, ways of reaching somebody, the audit trail."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ground import gazetteer, phones
from ground.access import NOWHERE, Permission, Reach, Role, reach
from ground.nearness import Box
from ground.places import Point
from ground.terms import Term


class PublicIdModel(models.Model):
    """A row that is known outside by an opaque `public_id`, never by its integer key."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True


class Mode(Term):
    DEMO = "demo", "演示", "demo"
    LIVE = "live", "正式", "live"


class Installation(models.Model):
    """The one row that fixes what this database is: a demo or a real centre. Set at the first start."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    mode = models.CharField(max_length=8, choices=Mode.choices())
    sender_name = models.CharField(_("对外名称"), max_length=60)
    duty_phone = models.CharField(_("值班电话"), max_length=40, blank=True)
    region = models.ForeignKey("Region", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    gone_back_at = models.DateTimeField(null=True)  # a backup was restored: nothing is sent from then on
    restored_at = models.DateTimeField(null=True)  # until it was settled what had been sent meanwhile

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_has_one_row")]

    def __str__(self) -> str:
        return self.sender_name

    @property
    def is_demo(self) -> bool:
        return self.mode == Mode.DEMO


class RegionLevel(Term):
    PROVINCE = "province", "省", "province"
    CITY = "city", "市", "city"
    COUNTY = "county", "县（市、区）", "county"


class Region(models.Model):
    """An administrative region by its GB/T 2260 code; its point is the seat of its government."""

    code = models.CharField(max_length=6, primary_key=True)
    name = models.CharField(max_length=40)
    level = models.CharField(max_length=10, choices=RegionLevel.choices())
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    # The city-level unit that statistics are grouped by: 定州 and 辛集 are counties in GB/T 2260 but units here.
    unit = models.ForeignKey("self", models.PROTECT, null=True, related_name="members")
    latitude = models.FloatField()
    longitude = models.FloatField()

    class Meta:
        ordering = ["code"]
        verbose_name = _("地区")
        verbose_name_plural = _("地区")

    def __str__(self) -> str:
        return self.name


class Industry(models.Model):
    """One of the sixteen industries; `ground.industries` is where they are defined."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        verbose_name = _("行业")
        verbose_name_plural = _("行业")

    def __str__(self) -> str:
        return self.name


class Specialty(models.Model):
    """A finer skill across industries, such as 带压堵漏."""

    code = models.SlugField(max_length=24, primary_key=True)
    name = models.CharField(max_length=30, unique=True)
    name_en = models.CharField(max_length=60)

    class Meta:
        ordering = ["code"]
        verbose_name = _("专业方向")
        verbose_name_plural = _("专业方向")

    def __str__(self) -> str:
        return self.name


class User(AbstractUser, PublicIdModel):
    """An account. What it may do comes from its role grants, never from Django's own permission rows."""

    first_name = None  # type: ignore[assignment]  # Chinese names are not split
    last_name = None  # type: ignore[assignment]
    name = models.CharField(_("姓名"), max_length=40)

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email", "name"]

    class Meta:
        verbose_name = _("账号")
        verbose_name_plural = _("账号")

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    def held(self) -> frozenset[tuple[Role, str | None]]:
        """Return the roles held, each with the region it is bound to (None: everywhere). One query the first time."""
        if not hasattr(self, "_held"):
            self.hold((Role(grant.role), grant.region_id) for grant in self.grants.all())
        return self._held

    def hold(self, held: Iterable[tuple[Role, str | None]]) -> None:
        """Take the roles from whoever has read them together with the account."""
        self._held = frozenset(held)

    def roles(self) -> set[Role]:
        """Return the roles held, in any region."""
        return {role for role, _region in self.held()}

    def reach(self, permission: Permission) -> Reach:
        """Return where the account may do this."""
        return reach(self.held(), permission) if self.is_active else NOWHERE

    def may(self, permission: Permission) -> bool:
        """Return whether the account may do this anywhere at all."""
        return bool(self.reach(permission))


class RoleGrant(models.Model):
    """A role that a user holds, in one region or (region null) everywhere."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    role = models.CharField(_("角色"), max_length=20, choices=Role.choices())
    region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role", "region"], name="role_granted_once_a_region"),
            models.UniqueConstraint(
                fields=["user", "role"], condition=Q(region=None), name="role_granted_everywhere_once"
            ),
        ]

    def __str__(self) -> str:
        region = gazetteer.by_code(self.region_id or "")
        return f"{self.user} · {Role(self.role).zh}（{region.full_name if region else '全省'}）"


class ApiToken(models.Model):
    """A key for the API. Only its SHA-256 is kept; the key itself is shown once, when it is made."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("接口密钥")
        verbose_name_plural = _("接口密钥")

    def __str__(self) -> str:
        return f"{self.user} · {self.name}"


class CoordinateSystem(Term):
    WGS84 = "wgs84", "WGS-84", "WGS-84"
    GCJ02 = "gcj02", "GCJ-02（高德、腾讯）", "GCJ-02 (AMap, Tencent)"
    BD09 = "bd09", "BD-09（百度）", "BD-09 (Baidu)"


class Precision(Term):
    EXACT = "exact", "坐标", "coordinates"
    ADDRESS = "address", "地址", "address"
    COUNTY = "county", "县级", "county seat"
    CITY = "city", "市级", "city seat"


def lies_in(reach: Reach, path: str = "region") -> Q:
    """Return the condition that a row's region, found at `path`, is within `reach`."""
    return ~Q(pk__in=[]) if reach.regions is None else Q(**{f"{path}__in": reach.regions})


def lies_inside(box: Box) -> Q:
    """Return the condition that a located row's place is known and lies in `box`."""
    return Q(latitude__range=(box.south, box.north), longitude__range=(box.west, box.east))


class Located(models.Model):
    """Something with a place. Latitude and longitude are WGS-84 degrees, whatever system they came in."""

    region = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("所在市县")
    )
    address = models.CharField(_("地址"), max_length=200, blank=True)
    latitude = models.FloatField(_("纬度"), null=True, blank=True)
    longitude = models.FloatField(_("经度"), null=True, blank=True)
    given_in = models.CharField(
        _("原坐标系"), max_length=8, choices=CoordinateSystem.choices(), default=CoordinateSystem.WGS84
    )
    precision = models.CharField(_("位置精度"), max_length=8, choices=Precision.choices(), blank=True)

    class Meta:
        abstract = True

    @property
    def point(self) -> Point | None:
        if self.latitude is None or self.longitude is None:
            return None
        return Point(self.latitude, self.longitude)


class GeocodedAddress(models.Model):
    """What a provider said of an address, so that it is asked once. WGS-84 degrees, whatever it answered in."""

    address = models.CharField(max_length=200, unique=True)  # as `geocoding.normalised` writes it
    latitude = models.FloatField(null=True)  # null: not found
    longitude = models.FloatField(null=True)
    given_in = models.CharField(max_length=8)  # the provider's datum
    provider = models.CharField(max_length=20)
    level = models.CharField(max_length=40, blank=True)  # how exactly, in the provider's words
    found_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.address


class ContactKind(Term):
    MOBILE = "mobile", "手机", "mobile"
    PHONE = "phone", "固定电话", "landline"
    EMAIL = "email", "邮箱", "e-mail"
    WEBHOOK = "webhook", "系统接口", "system"
    WECOM = "wecom", "企业微信", "WeCom"


# A member's id there: 1 to 64 letters, digits and these signs, the first a letter or a digit.
WECOM_ID = r"^[A-Za-z0-9][A-Za-z0-9_@.-]{0,63}\Z"

# What somebody can be rung up at.
RUNG_UP = frozenset({ContactKind.MOBILE, ContactKind.PHONE})


class ContactPoint(models.Model):
    """One way of reaching somebody; lower `rank` is tried first. Phones are stored in E.164.

    A `webhook` is an https address of a system that tells its own people, such as a team's dispatch desk;
    a `wecom` is somebody's id in the centre's own organisation in WeCom.
    """

    kind = models.CharField(_("方式"), max_length=8, choices=ContactKind.choices())
    value = models.CharField(_("号码或地址"), max_length=120)
    rank = models.PositiveSmallIntegerField(_("顺序"), default=1)

    class Meta:
        abstract = True
        ordering = ["rank", "id"]

    @property
    def masked(self) -> str:
        """Return as much as all may see: 138****1234, l****@example.cn, https://dispatch.example/****."""
        return phones.masked_address(self.value)


class UserContact(ContactPoint):
    """How an account's owner, a duty officer above all, is reached by an alarm."""

    user = models.ForeignKey(User, models.CASCADE, related_name="contacts")

    class Meta(ContactPoint.Meta):
        constraints = [models.UniqueConstraint(fields=["user", "kind", "value"], name="user_contact_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.value}"


class NumberSeriesQuerySet(models.QuerySet["NumberSeries"]):
    def locked(self, prefix: str) -> NumberSeries:
        """Return the series, made now if there is none, with its row locked until the transaction ends.

        Also where nothing is counted: of those who lock the same name one goes on, the others wait.
        """
        self.get_or_create(prefix=prefix)
        return self.select_for_update().get(prefix=prefix)


class NumberSeries(models.Model):
    """The last number given under a prefix and day, such as SJ-20261118: numbers on paper have no gaps."""

    prefix = models.CharField(max_length=24, primary_key=True)
    last = models.PositiveIntegerField(default=0)

    objects = NumberSeriesQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.prefix}-{self.last}"


class Revision(models.Model):
    """The state of a body of rows ("roster"); what is kept in memory is good while the stamp is the same.

    A row that is stamped anew in the writing transaction, not a sequence and not a moment: those become
    visible out of order. And not a count: a copy read inside a transaction that was rolled back would
    pass for the next one's.
    """

    name = models.CharField(max_length=20, primary_key=True)
    stamp = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.name} {self.stamp}"


class AuditEntry(models.Model):
    """Who did what to which object, written in the transaction that did it and never edited.

    `seq` and the hashes are filled in later by the sweep, in commit order, so that writing an entry
    serialises nothing.
    """

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    actor_label = models.CharField(max_length=80)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=40)
    details = models.JSONField(default=dict)
    seq = models.PositiveBigIntegerField(null=True, unique=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("审计记录")
        verbose_name_plural = _("审计记录")
        indexes = [
            models.Index(fields=["object_type", "object_id"], name="audit_by_object"),
            models.Index(fields=["id"], condition=Q(seq=None), name="audit_unsealed"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_label} {self.action}"
