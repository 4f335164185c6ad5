"""Who has promised whom: enterprises and their sites, rescue teams, agreements, interests, memberships."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts import nearby
from contracts.periods import EXPIRING_WITHIN_DAYS, AgreementStatus, Period, agreement_status
from experts.models import Expert
from ground import kinds
from ground.access import Permission
from ground.kinds import IncidentKind
from ground.models import ContactPoint, Industry, Located, Precision, PublicIdModel, User, lies_in
from ground.nearness import Near
from ground.places import Point
from ground.terms import Term


class UnitSize(Term):
    LARGE = "large", "大型", "large"
    MEDIUM = "medium", "中型", "medium"
    SMALL = "small", "小型", "small"
    MICRO = "micro", "微型", "micro"


class EnterpriseQuerySet(models.QuerySet["Enterprise"]):
    def of(self, user: User) -> EnterpriseQuerySet:
        """Return the enterprises to which `user` belongs and for which they may act."""
        return self.filter(lies_in(user.reach(Permission.OWN_ENTERPRISE)), memberships__user=user)

    def open_to(self, user: User, permission: Permission = Permission.READ_CONTRACTS) -> EnterpriseQuerySet:
        """Return those with which `user` may do this, by their seat.

        Who has a site in a region is read and reached from there too, and an enterprise reads itself.
        """
        reach = user.reach(permission)
        found = lies_in(reach)
        if permission is not Permission.EDIT_CONTRACTS:
            found |= Q(pk__in=Site.objects.filter(lies_in(reach)).values("enterprise"))
        if permission is Permission.READ_CONTRACTS:
            found |= Q(pk__in=Enterprise.objects.of(user).values("pk"))
        return self.filter(found)

    def nearest_to(
        self,
        point: Point,
        *,
        industry: Industry | None = None,
        count: int,
        within_km: float = math.inf,
    ) -> list[Nearby]:
        """Return the `count` enterprises (of this trade) nearest to `point`, nearest first, at most `within_km` away.

        Measured over the ground, exactly, to the nearest of an enterprise's seat and sites; those without a
        known place are nowhere. At most `nearness.MOST_READS` queries by the indexes, and two to fetch those found.
        """
        return self.fetched(self.ranked_from(point, industry=industry, count=count, within_km=within_km))

    def ranked_from(
        self, point: Point, *, industry: Industry | None, count: int, within_km: float
    ) -> list[Near]:
        """Return the keys and distances of `nearest_to`, for those who show only a part of them."""
        return nearby.ranked(
            self, Site.objects.all(), point, industry=industry, count=count, within_km=within_km
        )

    def fetched(self, found: Sequence[Near]) -> list[Nearby]:
        """Return the rows of those that `ranked_from` found, without any that was struck off in between."""
        enterprises = self.in_bulk([one.owner for one in found])
        sites = Site.objects.in_bulk([one.part for one in found if one.part])
        return [
            Nearby(enterprises[one.owner], sites.get(one.part), one.km)
            for one in found
            if one.owner in enterprises
        ]

    def found_by(self, words: str) -> EnterpriseQuerySet:
        """Return those whose name, pinyin initials or credit code match."""
        words = words.strip()
        if not words:
            return self
        bare = words.lower().replace(" ", "")
        return self.filter(
            Q(name__contains=words)
            | Q(short_name__contains=words)
            | Q(initials__startswith=bare)
            | Q(uscc=words.upper())
        )


class Enterprise(PublicIdModel, Located):
    """A registered company, identified by its 统一社会信用代码; `uscc` is empty while it is still 待补."""

    uscc = models.CharField(_("统一社会信用代码"), max_length=18, blank=True)
    name = models.CharField(_("企业名称"), max_length=100)
    short_name = models.CharField(_("简称"), max_length=40, blank=True)
    pinyin = models.CharField(max_length=240, blank=True, editable=False)
    initials = models.CharField(max_length=60, blank=True, editable=False)
    industry = models.ForeignKey(Industry, models.PROTECT, related_name="enterprises", verbose_name=_("行业"))
    unit_size = models.CharField(_("规模"), max_length=6, choices=UnitSize.choices(), blank=True)
    head = models.CharField(_("主要负责人"), max_length=40, blank=True)

    objects = EnterpriseQuerySet.as_manager()

    class Meta:
        ordering = ["pinyin", "id"]
        verbose_name = _("企业")
        verbose_name_plural = _("企业")
        constraints = [models.UniqueConstraint(fields=["uscc"], condition=~Q(uscc=""), name="uscc_once")]
        indexes = [
            # Read without a trade too: SQLite and PostgreSQL step through the trades, or read all of it, which is
            # narrow. One by place alone would save half a millisecond at 14,000; see benchmarks/enterprises.py.
            models.Index(fields=["industry", "latitude", "longitude"], name="enterprise_by_place")
        ]

    def __str__(self) -> str:
        return self.name


class SiteQuerySet(models.QuerySet["Site"]):
    def open_to(self, user: User) -> SiteQuerySet:
        return self.filter(enterprise__in=Enterprise.objects.open_to(user))


class Site(PublicIdModel, Located):
    """A place where an enterprise works: a mine, a plant, a depot."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="sites")
    name = models.CharField(_("厂区名称"), max_length=80)
    industry = models.ForeignKey(Industry, models.PROTECT, related_name="sites", verbose_name=_("行业"))
    hazards = models.CharField(_("主要危险源"), max_length=200, blank=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["enterprise", "id"]
        verbose_name = _("厂区")
        verbose_name_plural = _("厂区")
        indexes = [models.Index(fields=["latitude", "longitude"], name="site_by_place")]

    def __str__(self) -> str:
        return f"{self.enterprise} {self.name}"


@dataclass(frozen=True, slots=True)
class Nearby:
    """An enterprise by its place nearest to another one: the site, or None for its seat."""

    enterprise: Enterprise
    site: Site | None
    distance_km: float

    @property
    def precision(self) -> Precision | None:
        """Return how well that place is known: many are known only by their county."""
        known = (self.site or self.enterprise).precision
        return Precision(known) if known else None


class EnterpriseContact(ContactPoint):
    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="contacts")
    name = models.CharField(_("联系人"), max_length=40, blank=True)

    class Meta(ContactPoint.Meta):
        constraints = [
            models.UniqueConstraint(fields=["enterprise", "kind", "value"], name="enterprise_contact_once")
        ]

    def __str__(self) -> str:
        return f"{self.enterprise} · {self.value}"


class TeamLevel(Term):
    NATIONAL = "national", "国家级", "national"
    PROVINCIAL = "provincial", "省级", "provincial"
    CITY = "city", "市级", "city"
    COUNTY = "county", "县级或园区", "county or park"
    ENTERPRISE_FULL = "enterprise_full", "企业专职", "enterprise, full-time"
    ENTERPRISE_PART = "enterprise_part", "企业兼职", "enterprise, part-time"
    SOCIAL = "social", "社会应急力量", "social force"


# Those who have another trade by day. All others are standing teams (专职).
PART_TIME_LEVELS = frozenset({TeamLevel.ENTERPRISE_PART, TeamLevel.SOCIAL})


class TeamKind(Term):
    MINE = "mine", "矿山", "mine"
    HAZCHEM = "hazchem", "危化", "hazardous chemicals"
    OIL_PIPELINE = "oil_pipeline", "油气田与管道", "oil field and pipeline"
    TUNNEL = "tunnel", "隧道与建筑工程", "tunnel and construction"
    WATER = "water", "水上", "water"
    POWER = "power", "电力抢修", "power repair"
    FIRE = "fire", "综合消防", "fire"
    MEDICAL = "medical", "医疗", "medical"
    SOCIAL = "social", "社会救援", "social rescue"


class TeamState(Term):
    READY = "ready", "备勤", "ready"
    DISPATCHED = "dispatched", "已派出", "dispatched"
    RESTING = "resting", "休整", "resting"
    OUT_OF_SERVICE = "out_of_service", "检修停用", "out of service"
    DISBANDED = "disbanded", "注销", "disbanded"


class Capability(models.Model):
    """What a team can do on a scene, such as 堵漏 or 井下搜救."""

    code = models.SlugField(max_length=24, primary_key=True)
    name = models.CharField(max_length=30, unique=True)
    name_en = models.CharField(max_length=60)

    class Meta:
        ordering = ["code"]
        verbose_name = _("救援能力")
        verbose_name_plural = _("救援能力")

    def __str__(self) -> str:
        return self.name


class RescueTeamQuerySet(models.QuerySet["RescueTeam"]):
    def of(self, user: User) -> RescueTeamQuerySet:
        """Return the teams to which `user` belongs and for which they may act."""
        return self.filter(lies_in(user.reach(Permission.OWN_TEAM)), memberships__user=user)

    def open_to(self, user: User, permission: Permission = Permission.READ_CONTRACTS) -> RescueTeamQuerySet:
        """Return those with which `user` may do this, by where their base is, and their own."""
        found = lies_in(user.reach(permission))
        if permission is Permission.READ_CONTRACTS:
            found |= Q(pk__in=RescueTeam.objects.of(user).values("pk"))
        return self.filter(found)


class RescueTeam(PublicIdModel, Located):
    """A standing team. Its place is its base, from which it drives out."""

    name = models.CharField(_("队伍名称"), max_length=80, unique=True)
    pinyin = models.CharField(max_length=200, blank=True, editable=False)
    initials = models.CharField(max_length=60, blank=True, editable=False)
    level = models.CharField(_("级别"), max_length=16, choices=TeamLevel.choices())
    kind = models.CharField(_("类型"), max_length=16, choices=TeamKind.choices())
    sponsor = models.CharField(_("归属单位"), max_length=80, blank=True)
    members = models.PositiveIntegerField(_("人数"), default=0)
    vehicles = models.PositiveIntegerField(_("车辆"), default=0)
    state = models.CharField(_("状态"), max_length=16, choices=TeamState.choices(), default=TeamState.READY)
    # Said by the team; for some hours after it the team has to rest, whatever its state says.
    apparatus_shift_ended_at = models.DateTimeField(_("最近一次佩用呼吸器班次结束"), null=True, blank=True)
    industries = models.ManyToManyField(Industry, verbose_name=_("服务行业"), related_name="teams")
    capabilities = models.ManyToManyField(Capability, verbose_name=_("救援能力"), related_name="teams")
    # Set when the team is an enterprise's own: it is then bound to it without any agreement.
    owner = models.ForeignKey(
        Enterprise,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="own_teams",
        verbose_name=_("所属企业"),
    )

    objects = RescueTeamQuerySet.as_manager()

    class Meta:
        ordering = ["pinyin", "id"]
        verbose_name = _("救援队伍")
        verbose_name_plural = _("救援队伍")

    def __str__(self) -> str:
        return self.name


class TeamContact(ContactPoint):
    team = models.ForeignKey(RescueTeam, models.CASCADE, related_name="contacts")
    name = models.CharField(_("联系人"), max_length=40, blank=True)

    class Meta(ContactPoint.Meta):
        constraints = [models.UniqueConstraint(fields=["team", "kind", "value"], name="team_contact_once")]

    def __str__(self) -> str:
        return f"{self.team} · {self.value}"


class AgreementKind(Term):
    RESCUE = "rescue", "应急救援", "rescue"
    MINE_RESCUE = "mine_rescue", "矿山救护", "mine rescue"
    MUTUAL = "mutual", "互助", "mutual aid"
    GOVERNMENT = "government", "政府合作", "government"


class Party(Term):
    ENTERPRISE = "enterprise", "企业", "enterprise"
    TEAM = "team", "队伍", "team"


class DriveTimeSource(Term):
    MEASURED = "measured", "实测", "measured"
    ESTIMATED = "estimated", "估算", "estimated"


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def open_to(self, user: User, permission: Permission = Permission.READ_CONTRACTS) -> AgreementQuerySet:
        """Return those of which one side at least is open to `user`."""
        return self.filter(
            Q(enterprise__in=Enterprise.objects.open_to(user, permission).values("pk"))
            | Q(team__in=RescueTeam.objects.open_to(user, permission).values("pk"))
        )

    def in_force(self, on: date) -> AgreementQuerySet:
        """Return those that both sides have confirmed and whose term covers `on`."""
        return self.confirmed_by_both().filter(
            Q(terminated_on=None) | Q(terminated_on__gt=on), starts_on__lte=on, ends_on__gte=on
        )

    def confirmed_by_both(self) -> AgreementQuerySet:
        return self.filter(consents__party=Party.ENTERPRISE).filter(consents__party=Party.TEAM)

    def with_status(self, status: AgreementStatus, *, on: date) -> AgreementQuerySet:
        """Return those that `Agreement.status_on` calls `status`; the same rule, for the database to select by."""
        ended = Q(terminated_on__isnull=False, terminated_on__lte=on)
        if status is AgreementStatus.TERMINATED:
            return self.filter(ended)
        running = self.exclude(ended)
        if status is AgreementStatus.DRAFT:
            return running.filter(consents=None)
        both = Q(pk__in=Agreement.objects.confirmed_by_both().values("pk"))
        if status is AgreementStatus.AWAITING:
            return running.exclude(both).exclude(consents=None)
        soon = on + timedelta(days=EXPIRING_WITHIN_DAYS)
        begun = Q(starts_on__lte=on, ends_on__gte=on)
        days = {
            AgreementStatus.EXPIRED: Q(ends_on__lt=on),
            AgreementStatus.UPCOMING: Q(starts_on__gt=on),
            AgreementStatus.EXPIRING: begun & Q(ends_on__lte=soon),
            AgreementStatus.IN_FORCE: begun & Q(ends_on__gt=soon),
        }
        return running.filter(both, days[status])


class Agreement(PublicIdModel):
    """A team has promised to help an enterprise's sites, from a day until a day, both included.

    Whether it holds is derived from the consent rows and the dates on a day, never stored.
    An agreement without site rows covers all sites of the enterprise, one without kinds of incident all kinds.
    """

    number = models.CharField(_("协议编号"), max_length=40, unique=True)
    kind = models.CharField(_("协议类型"), max_length=12, choices=AgreementKind.choices())
    enterprise = models.ForeignKey(
        Enterprise, models.PROTECT, related_name="agreements", verbose_name=_("甲方企业")
    )
    team = models.ForeignKey(
        RescueTeam, models.PROTECT, related_name="agreements", verbose_name=_("乙方队伍")
    )
    sites = models.ManyToManyField(Site, blank=True, related_name="agreements", verbose_name=_("服务厂区"))
    # Codes of `ground.kinds`: for which kinds of incident the team has promised to come.
    incident_kinds = models.JSONField(_("适用事故类型"), default=list, blank=True)
    starts_on = models.DateField(_("起始日"))
    ends_on = models.DateField(_("截止日"))
    # From this day on the agreement no longer holds, whatever its term says.
    terminated_on = models.DateField(_("终止日"), null=True, blank=True)
    termination_reason = models.CharField(_("终止原因"), max_length=200, blank=True)
    drive_minutes = models.PositiveSmallIntegerField(_("行车时间（分钟）"), null=True, blank=True)
    drive_time_source = models.CharField(
        _("行车时间来源"), max_length=10, choices=DriveTimeSource.choices(), blank=True
    )
    response_promise_minutes = models.PositiveSmallIntegerField(_("到达承诺（分钟）"), null=True, blank=True)
    previous = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="next")

    objects = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ["ends_on", "id"]
        verbose_name = _("救援协议")
        verbose_name_plural = _("救援协议")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="agreement_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def period(self) -> Period:
        return Period(self.starts_on, self.ends_on)

    @property
    def kinds_in_scope(self) -> tuple[IncidentKind, ...]:
        """Return the kinds of incident to which it is limited; none is all."""
        return kinds.among(self.incident_kinds)

    def status_on(self, day: date) -> AgreementStatus:
        """Return the status on `day` (Asia/Shanghai). Reads the consent rows: prefetch them for a list."""
        parties = {consent.party for consent in self.consents.all()}
        return agreement_status(
            consented_by_both=parties >= {Party.ENTERPRISE, Party.TEAM},
            any_consent=bool(parties),
            period=self.period,
            terminated_on=self.terminated_on,
            today=day,
        )


class AgreementConsent(models.Model):
    """One side's confirmation: who for that side, and when."""

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="consents")
    party = models.CharField(max_length=10, choices=Party.choices())
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    signatory = models.CharField(_("签署人"), max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agreement", "party"], name="each_party_consents_once")
        ]

    def __str__(self) -> str:
        return f"{self.agreement} · {Party(self.party).zh}"


class InterestKind(Term):
    EMPLOYED = "employed", "任职", "employed there"
    ADVISES = "advises", "受聘顾问", "retained adviser"
    SHARES = "shares", "持有股份", "holds shares"
    RELATIVE = "relative", "近亲属任职", "relative employed there"
    BID = "bid", "参与投标", "bid for its work"
    OTHER = "other", "其他利害关系", "other interest"


class InterestQuerySet(models.QuerySet["Interest"]):
    def open_to(self, user: User, permission: Permission = Permission.READ_ROSTER) -> InterestQuerySet:
        return self.filter(expert__in=Expert.objects.open_to(user, permission).values("pk"))


class Interest(PublicIdModel):
    """A declared or known tie between an expert and an enterprise; the ground for 回避."""

    expert = models.ForeignKey(Expert, models.CASCADE, related_name="interests")
    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="interests")
    kind = models.CharField(_("关系"), max_length=10, choices=InterestKind.choices())
    details = models.CharField(_("说明"), max_length=200, blank=True)
    starts_on = models.DateField(_("起"), null=True, blank=True)
    ends_on = models.DateField(_("止"), null=True, blank=True)
    declared_by_expert = models.BooleanField(_("本人申报"), default=True)

    objects = InterestQuerySet.as_manager()

    class Meta:
        verbose_name = _("利害关系")
        verbose_name_plural = _("利害关系")

    def __str__(self) -> str:
        return f"{self.expert} · {self.enterprise} · {InterestKind(self.kind).zh}"


class Membership(models.Model):
    """Ties an account to the one enterprise or team for which it may act."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, null=True, blank=True, related_name="memberships"
    )
    team = models.ForeignKey(RescueTeam, models.CASCADE, null=True, blank=True, related_name="memberships")

    class Meta:
        verbose_name = _("所属")
        verbose_name_plural = _("所属")
        constraints = [
            models.CheckConstraint(
                condition=Q(enterprise__isnull=False, team=None) | Q(enterprise=None, team__isnull=False),
                name="membership_in_enterprise_or_team",
            ),
            models.UniqueConstraint(fields=["user", "enterprise"], name="member_of_enterprise_once"),
            models.UniqueConstraint(fields=["user", "team"], name="member_of_team_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.enterprise or self.team}"
