"""The lists of enterprises, teams and agreements: one row each, everything fetched by the view."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from contracts.distances import over_the_usual_drive
from contracts.models import (
    Agreement,
    DriveTimeSource,
    Enterprise,
    RescueTeam,
    TeamKind,
    TeamLevel,
    TeamState,
    UnitSize,
)
from contracts.periods import BINDING, AgreementStatus
from ground.languages import is_english, language, name_of

# Shape, word and colour: a status must survive a greyscale print.
STATUS_MARKS = {
    AgreementStatus.DRAFT: ("no", "○"),
    AgreementStatus.AWAITING: ("read", "○"),
    AgreementStatus.UPCOMING: ("read", "▷"),
    AgreementStatus.IN_FORCE: ("ok", "✓"),
    AgreementStatus.EXPIRING: ("late", "▪"),
    AgreementStatus.EXPIRED: ("err", "✕"),
    AgreementStatus.TERMINATED: ("no", "✕"),
}
TEAM_MARKS = {
    TeamState.READY: ("ok", "✓"),
    TeamState.DISPATCHED: ("read", "▷"),
    TeamState.RESTING: ("late", "▪"),
    TeamState.OUT_OF_SERVICE: ("err", "▲"),
    TeamState.DISBANDED: ("no", "✕"),
}


def _mark(marks: dict[Any, tuple[str, str]], term: Any) -> SafeString:
    colour, shape = marks[term]
    return format_html(
        '<span class="tag {}"><span aria-hidden="true">{}</span>{}</span>',
        colour,
        shape,
        term.word(language()),
    )


def status_mark(status: AgreementStatus) -> SafeString:
    return _mark(STATUS_MARKS, status)


def team_state_mark(state: str) -> SafeString:
    return _mark(TEAM_MARKS, TeamState(state))


class EnterpriseTable(tables.Table):
    name = tables.Column(verbose_name=_l("企业"), order_by=("pinyin", "pk"))
    uscc = tables.Column(verbose_name=_l("统一社会信用代码"), empty_values=())
    industry = tables.Column(verbose_name=_l("行业"), order_by=("industry__position", "pinyin"))
    unit_size = tables.Column(verbose_name=_l("规模"), empty_values=())
    region = tables.Column(verbose_name=_l("所在市县"), order_by=("region__code", "pinyin"), empty_values=())
    agreements = tables.Column(verbose_name=_l("救援协议"), orderable=False, empty_values=(), accessor="pk")

    class Meta:
        template_name = "coordination/ui/_table.html"
        order_by = ("name",)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        self.today = today
        super().__init__(*args, **kwargs)

    def render_name(self, value: str, record: Enterprise) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("enterprise", args=[record.public_id]), value)

    def render_uscc(self, value: str) -> SafeString:
        return format_html('<span class="num">{}</span>', value or _("待补"))

    def render_industry(self, record: Enterprise) -> str:
        return name_of(record.industry)

    def render_unit_size(self, record: Enterprise) -> str:
        return UnitSize(record.unit_size).word(language()) if record.unit_size else "—"

    def render_region(self, record: Enterprise) -> str:
        return record.region.name if record.region else "—"

    def render_agreements(self, record: Enterprise) -> SafeString:
        """The best that holds today: one mark, and how many stand behind it."""
        order = list(STATUS_MARKS)
        statuses = [agreement.status_on(self.today) for agreement in record.agreements.all()]
        own = len(record.own_teams.all())
        marks = [status_mark(one) for one in sorted(set(statuses), key=order.index) if one in BINDING]
        if own:
            marks.insert(0, format_html('<span class="tag ok">{}</span>', _("自有队伍 %d") % own))
        if not marks and statuses:
            marks = [status_mark(sorted(set(statuses), key=order.index)[0])]
        if not marks:
            return format_html('<span class="mut">{}</span>', _("没有协议"))
        return format_html_join(" ", "{}", ((mark,) for mark in marks))


class TeamTable(tables.Table):
    name = tables.Column(verbose_name=_l("救援队伍"), order_by=("pinyin", "pk"))
    kind = tables.Column(verbose_name=_l("类型"))
    level = tables.Column(verbose_name=_l("级别"))
    region = tables.Column(verbose_name=_l("驻地"), order_by=("region__code", "pinyin"), empty_values=())
    members = tables.Column(verbose_name=_l("人 / 车"))
    capabilities = tables.Column(verbose_name=_l("救援能力"), orderable=False)
    in_force = tables.Column(verbose_name=_l("有效协议"))
    state = tables.Column(verbose_name=_l("状态"))

    class Meta:
        template_name = "coordination/ui/_table.html"
        order_by = ("name",)

    def render_name(self, value: str, record: RescueTeam) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("rescue-team", args=[record.public_id]), value)

    def render_kind(self, value: str, record: RescueTeam) -> str:
        return TeamKind(record.kind).word(language())

    def render_level(self, value: str, record: RescueTeam) -> str:
        return TeamLevel(record.level).word(language())

    def render_region(self, record: RescueTeam) -> str:
        return record.region.name if record.region else "—"

    def render_members(self, record: RescueTeam) -> SafeString:
        return format_html('<span class="num nowrap">{} / {}</span>', record.members, record.vehicles)

    def render_capabilities(self, record: RescueTeam) -> str:
        names = [name_of(one) for one in record.capabilities.all()]
        return (", " if is_english() else "、").join(names) or "—"

    def render_state(self, record: RescueTeam) -> SafeString:
        return team_state_mark(record.state)


class AgreementTable(tables.Table):
    number = tables.Column(verbose_name=_l("编号"))
    enterprise = tables.Column(verbose_name=_l("甲方企业"), order_by=("enterprise__pinyin", "pk"))
    team = tables.Column(verbose_name=_l("乙方队伍"), order_by=("team__pinyin", "pk"))
    term = tables.Column(verbose_name=_l("有效期"), order_by=("ends_on", "pk"), accessor="ends_on")
    drive_minutes = tables.Column(verbose_name=_l("行车时间"), empty_values=())
    status = tables.Column(verbose_name=_l("状态"), orderable=False, empty_values=(), accessor="pk")

    class Meta:
        template_name = "coordination/ui/_table.html"
        order_by = ("term",)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        self.today = today
        super().__init__(*args, **kwargs)

    def render_number(self, value: str, record: Agreement) -> SafeString:
        return format_html(
            '<a class="num" href="{}">{}</a>', reverse("agreement", args=[record.public_id]), value
        )

    def render_enterprise(self, record: Agreement) -> str:
        return record.enterprise.name

    def render_team(self, record: Agreement) -> str:
        return record.team.name

    def render_term(self, record: Agreement) -> SafeString:
        return format_html('<span class="num nowrap">{} – {}</span>', record.starts_on, record.ends_on)

    def render_drive_minutes(self, record: Agreement) -> SafeString:
        return drive_words(record)

    def render_status(self, record: Agreement) -> SafeString:
        status = record.status_on(self.today)
        left = ""
        if status is AgreementStatus.EXPIRING:
            days = record.period.days_left(self.today)
            left = _("剩 %(days)d 天") % {"days": days} if days else _("今天到期")
        return format_html('{} <span class="mut num">{}</span>', status_mark(status), left)


def drive_words(agreement: Agreement) -> SafeString:
    """Return "22 分 实测", with a mark when a coal mine's team is farther than the usual half hour."""
    if agreement.drive_minutes is None:
        return format_html('<span class="mut">{}</span>', _("未填"))
    source = (
        DriveTimeSource(agreement.drive_time_source).word(language()) if agreement.drive_time_source else ""
    )
    minutes = _("%(minutes)d 分") % {"minutes": agreement.drive_minutes}
    far = over_the_usual_drive(agreement)
    warning = format_html(' <span class="tag late">{}</span>', _("▪ 超过 30 分")) if far else ""
    return format_html('<span class="num">{}</span> <span class="mut">{}</span>{}', minutes, source, warning)
