"""Words of the pure modules and of the reference tables, in the reader's language."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import template
from django.utils.translation import gettext as _

from ground import languages, phones
from ground.terms import Term

register = template.Library()


@register.filter
def word(value: Any) -> str:
    """Return whatever is said in both languages, a stored pair {"zh": …, "en": …} too, in the page's language."""
    if isinstance(value, dict):
        return str(value.get("en" if languages.is_english() else "zh", ""))
    if hasattr(value, "word"):
        return str(value.word(languages.language()))
    if hasattr(value, "zh"):
        return str(value.en if languages.is_english() else value.zh)
    return str(value or "")


@register.filter
def named(row: Any) -> str:
    """Return the name of an industry, specialty or capability in the page's language."""
    return "" if row is None else languages.name_of(row)


@register.filter
def choice(row: Any, column: str) -> str:
    """Return the word for what a column of a closed list holds: `{{ team|choice:"kind" }}`; "" for an empty one."""
    value = getattr(row, column)
    if not value:
        return ""
    # A column knows the Chinese words alone (`Term.choices`); the term that they came from knows both.
    offered = list(row._meta.get_field(column).choices)
    term = next((one for one in Term.__subclasses__() if one.choices() == offered), None)
    return term(value).word(languages.language()) if term else str(dict(offered).get(value, value))


@register.filter
def masked(phone: str) -> str:
    """Return a telephone number as it may be shown to all: 138****1234."""
    return phones.masked(phone) if phone else ""


@register.filter
def masked_address(value: str) -> str:
    """Return a number or an address as it may be shown to all: 138****1234, l****@example.cn."""
    return phones.masked_address(value) if value else ""


@register.filter
def duration(span: timedelta | None) -> str:
    """Return "44 秒", "1:57" or "1:42:10"."""
    if span is None:
        return ""
    seconds = int(span.total_seconds())
    if 0 <= seconds < 100:
        return _("%(seconds)d 秒") % {"seconds": seconds}
    hours, rest = divmod(max(0, seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
