"""Words of the pure modules and of the reference tables, in the reader's language."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import template
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ground import phones
from incidents.lifecycle import IncidentStatus

register = template.Library()


@register.filter
def word(value: Any) -> str:
    """Return whatever is said in both languages, a stored pair {"zh": …, "en": …} too, in the page's language."""
    language = get_language() or "zh-hans"
    if isinstance(value, dict):
        return str(value.get("en" if language.startswith("en") else "zh", ""))
    if hasattr(value, "word"):
        return str(value.word(language))
    if hasattr(value, "zh"):
        return str(value.en if language.startswith("en") else value.zh)
    return str(value or "")


@register.filter
def named(row: Any) -> str:
    """Return the name of an industry, specialty or capability in the page's language."""
    if row is None:
        return ""
    english = (get_language() or "").startswith("en")
    return str(getattr(row, "name_en", "") if english else "") or str(row)


@register.filter
def incident_status(value: str) -> IncidentStatus:
    """Return the state of an incident as a Term, for `word`."""
    return IncidentStatus(value)


@register.filter
def masked(phone: str) -> str:
    """Return a telephone number as it may be shown to all: 138****1234."""
    return phones.masked(phone) if phone else ""


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
