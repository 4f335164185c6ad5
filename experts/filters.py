"""How the roster is searched on the page: the query string is the whole state of the list."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django.db.models import OuterRef, Subquery
from django.forms import Select, TextInput
from django.utils.translation import gettext_lazy as _l

from experts.models import Appointment, Expert, ExpertQuerySet
from ground.access import EVERYWHERE, Reach
from ground.forms import industries, units
from ground.terms import Term

SOON_DAYS = 30


class Tab(Term):
    """The tabs above the list."""

    ALL = "all", "全部", "all"
    SERVING = "serving", "在聘", "serving"
    ENDING = "ending", "30 天内到期", "ending within 30 days"
    SUSPENDED = "suspended", "停聘", "suspended"
    OUT = "out", "不在聘期", "out of term"

    def of(self, experts: ExpertQuerySet, today: date) -> ExpertQuerySet:
        """Return those of `experts` who belong under this tab on `today`."""
        match self:
            case Tab.SERVING:
                return experts.filter(pk__in=Expert.objects.serving_on(today).values("pk"))
            case Tab.ENDING:
                return experts.filter(pk__in=Expert.objects.ending_within(SOON_DAYS, of=today).values("pk"))
            case Tab.SUSPENDED:
                return experts.suspended()
            case Tab.OUT:
                return experts.exclude(pk__in=Expert.objects.appointed_on(today).values("pk"))
            case _:
                return experts


class ExpertFilter(django_filters.FilterSet):
    """What the list is narrowed by; `reach` is where the one who looks may read, so no city is offered in vain."""

    q = django_filters.CharFilter(
        label=_l("搜索"),
        method="search",
        widget=TextInput(attrs={"type": "search", "placeholder": _l("姓名、拼音、首字母、单位、聘书编号")}),
    )
    industry = django_filters.ChoiceFilter(
        label=_l("行业"), method="practising", choices=industries, empty_label=_l("全部行业"), widget=Select
    )
    region = django_filters.ChoiceFilter(
        label=_l("地区"), method="living_in", choices=units, empty_label=_l("全部地区"), widget=Select
    )

    class Meta:
        model = Expert
        fields: list[str] = []

    def __init__(self, *args: Any, reach: Reach = EVERYWHERE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["region"].extra["choices"] = lambda: units(reach)

    def search(self, experts: ExpertQuerySet, name: str, words: str) -> ExpertQuerySet:
        return experts.filter(pk__in=Expert.objects.found_by(words).values("pk"))

    def practising(self, experts: ExpertQuerySet, name: str, code: str) -> ExpertQuerySet:
        return experts.filter(practices__industry=code)

    def living_in(self, experts: ExpertQuerySet, name: str, code: str) -> ExpertQuerySet:
        return experts.filter(region__unit=code)


def with_term_end(experts: ExpertQuerySet) -> ExpertQuerySet:
    """Annotate `term_ends_on`, the last day of the term that ends last, to sort by."""
    latest = Appointment.objects.filter(expert=OuterRef("pk")).order_by("-ends_on").values("ends_on")[:1]
    return experts.annotate(term_ends_on=Subquery(latest))
