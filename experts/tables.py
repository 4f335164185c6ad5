"""The list of the roster: one row a person, everything fetched by `Expert.objects.whole()`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from experts.filters import SOON_DAYS
from experts.models import Expert, PracticeRank
from experts.profile import Standing
from experts.standing import absence_on, contacts_of, standing_on
from ground import phones
from ground.languages import language, name_of
from ground.models import ContactKind

STANDING_TAGS = {
    Standing.SERVING: "ok",
    Standing.SUSPENDED: "no",
    Standing.DISMISSED: "no",
    Standing.EXPIRED: "late",
    Standing.UPCOMING: "read",
    Standing.NONE: "no",
}


def standing_tag(expert: Expert, today: date) -> SafeString:
    standing = standing_on(expert, today)
    word = standing.word(language())
    return format_html('<span class="tag {}">{}</span>', STANDING_TAGS[standing], word)


class ExpertTable(tables.Table):
    name = tables.Column(verbose_name=_l("姓名"), order_by=("pinyin", "pk"))
    practices = tables.Column(verbose_name=_l("行业"), orderable=False)
    employer = tables.Column(verbose_name=_l("工作单位"))
    title = tables.Column(verbose_name=_l("职称"))
    region = tables.Column(verbose_name=_l("所在市县"), order_by=("region__code", "pinyin"), empty_values=())
    mobile = tables.Column(verbose_name=_l("手机"), orderable=False, empty_values=(), accessor="pk")
    term_ends_on = tables.Column(verbose_name=_l("聘期至"), empty_values=())
    certificates = tables.Column(verbose_name=_l("证书"), orderable=False)
    available = tables.Column(verbose_name=_l("状态"), orderable=False, empty_values=(), accessor="pk")

    class Meta:
        template_name = "coordination/ui/_table.html"
        order_by = ("name",)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        self.today = today
        super().__init__(*args, **kwargs)

    def render_name(self, value: str, record: Expert) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("expert", args=[record.public_id]), value)

    def render_practices(self, record: Expert) -> SafeString:
        practices = sorted(record.practices.all(), key=lambda one: one.rank != PracticeRank.PRIMARY)
        names = [name_of(one.industry) for one in practices]
        also = format_html_join("", ' <span class="mut sm">{}</span>', ((name,) for name in names[1:]))
        return format_html("{}{}", names[0] if names else "—", also)

    def render_region(self, record: Expert) -> str:
        return record.region.name if record.region else "—"

    def render_mobile(self, record: Expert) -> SafeString:
        numbers = contacts_of(record, ContactKind.MOBILE) or contacts_of(record, ContactKind.PHONE)
        return format_html('<span class="num">{}</span>', phones.masked(numbers[0]) if numbers else "—")

    def render_term_ends_on(self, value: date | None) -> SafeString:
        if value is None:
            return format_html("—")
        soon = self.today <= value <= self.today + timedelta(days=SOON_DAYS)
        left = _("剩 %(days)d 天") % {"days": (value - self.today).days}
        return format_html(
            '<span class="num">{}</span>{}',
            value.isoformat(),
            format_html(' <span class="tag late">{}</span>', left) if soon else "",
        )

    def render_certificates(self, record: Expert) -> SafeString:
        certificates = list(record.certificates.all())
        expired = sum(one.expires_on is not None and one.expires_on < self.today for one in certificates)
        if expired:
            return format_html('<span class="tag err">{}</span>', _("%(count)d 个过期") % {"count": expired})
        return format_html(
            "{}", _("%(count)d 个有效") % {"count": len(certificates)} if certificates else "—"
        )

    def render_available(self, record: Expert) -> SafeString:
        if absence := absence_on(record, self.today):
            until = _("请假至 %(day)s") % {"day": absence.ends_on.isoformat()}
            return format_html('{} <span class="tag late">{}</span>', standing_tag(record, self.today), until)
        return standing_tag(record, self.today)
