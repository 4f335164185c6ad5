"""How the lists of enterprises, teams and agreements are searched; the query string is their whole state."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.forms import TextInput
from django.utils.translation import gettext_lazy as _l

from contracts.distances import USUAL_DRIVE_MINUTES
from contracts.models import (
    Agreement,
    Capability,
    Enterprise,
    EnterpriseQuerySet,
    RescueTeam,
    Site,
    TeamKind,
    TeamState,
)
from ground.access import EVERYWHERE, Reach
from ground.forms import industries, units
from ground.languages import row_choices, term_choices


class RegionalFilter(django_filters.FilterSet):
    """A list narrowed by region; `reach` is where the one who looks may read, so no city is offered in vain."""

    def __init__(self, *args: Any, reach: Reach = EVERYWHERE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["region"].extra["choices"] = lambda: units(reach)


class EnterpriseFilter(RegionalFilter):
    q = django_filters.CharFilter(
        label=_l("搜索"), method="search", widget=TextInput(attrs={"type": "search"})
    )
    industry = django_filters.ChoiceFilter(label=_l("行业"), choices=industries, empty_label=_l("全部行业"))
    region = django_filters.ChoiceFilter(
        label=_l("地区"), method="working_in", choices=units, empty_label=_l("全部地区")
    )

    class Meta:
        model = Enterprise
        fields: list[str] = []

    def search(self, enterprises: EnterpriseQuerySet, name: str, words: str) -> EnterpriseQuerySet:
        return enterprises.found_by(words)

    def working_in(self, enterprises: EnterpriseQuerySet, name: str, code: str) -> EnterpriseQuerySet:
        """Return those with their seat or a site there: the same that a role bound to it may read."""
        sites = Site.objects.filter(region__unit=code).values("enterprise")
        return enterprises.filter(Q(region__unit=code) | Q(pk__in=sites))


class TeamFilter(RegionalFilter):
    q = django_filters.CharFilter(
        label=_l("搜索"), method="search", widget=TextInput(attrs={"type": "search"})
    )
    kind = django_filters.ChoiceFilter(
        label=_l("类型"), choices=lambda: term_choices(TeamKind), empty_label=_l("全部类型")
    )
    capability = django_filters.ChoiceFilter(
        label=_l("救援能力"),
        field_name="capabilities",
        choices=lambda: row_choices(Capability.objects.all()),
        empty_label=_l("全部能力"),
    )
    state = django_filters.ChoiceFilter(
        label=_l("状态"), choices=lambda: term_choices(TeamState), empty_label=_l("全部状态")
    )
    region = django_filters.ChoiceFilter(
        label=_l("地区"), field_name="region__unit", choices=units, empty_label=_l("全部地区")
    )

    class Meta:
        model = RescueTeam
        fields: list[str] = []

    def search(self, teams: QuerySet[RescueTeam], name: str, words: str) -> QuerySet[RescueTeam]:
        bare = words.strip().lower().replace(" ", "")
        return teams.filter(
            Q(name__contains=words.strip())
            | Q(initials__startswith=bare)
            | Q(sponsor__contains=words.strip())
        )


class AgreementFilter(RegionalFilter):
    q = django_filters.CharFilter(
        label=_l("搜索"), method="search", widget=TextInput(attrs={"type": "search"})
    )
    region = django_filters.ChoiceFilter(
        label=_l("地区"), method="made_in", choices=units, empty_label=_l("全部地区")
    )
    drive = django_filters.ChoiceFilter(
        label=_l("行车时间"),
        method="by_drive",
        choices=[("far", _l("超过 30 分钟")), ("near", _l("30 分钟以内")), ("unknown", _l("未填"))],
        empty_label=_l("不限行车时间"),
    )

    class Meta:
        model = Agreement
        fields: list[str] = []

    def search(self, agreements: QuerySet[Agreement], name: str, words: str) -> QuerySet[Agreement]:
        words = words.strip()
        return agreements.filter(
            Q(number__icontains=words)
            | Q(team__name__contains=words)
            | Q(team__initials__startswith=words.lower())
            | Q(enterprise__in=Enterprise.objects.found_by(words).values("pk"))
        )

    def made_in(self, agreements: QuerySet[Agreement], name: str, code: str) -> QuerySet[Agreement]:
        """Return those of which one side is there: the team's, when the enterprise is in the next city."""
        return agreements.filter(Q(enterprise__region__unit=code) | Q(team__region__unit=code))

    def by_drive(self, agreements: QuerySet[Agreement], name: str, value: str) -> QuerySet[Agreement]:
        match value:
            case "far":
                return agreements.filter(drive_minutes__gt=USUAL_DRIVE_MINUTES)
            case "near":
                return agreements.filter(drive_minutes__lte=USUAL_DRIVE_MINUTES)
            case _:
                return agreements.filter(drive_minutes=None)
