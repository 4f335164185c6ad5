"""What an admin fills in about an enterprise or an agreement. Each form says its mistakes where they were made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from contracts.agreements import Terms
from contracts.enterprises import Particulars, Whereabouts
from contracts.models import (
    Agreement,
    AgreementKind,
    DriveTimeSource,
    Enterprise,
    Party,
    RescueTeam,
    Site,
    UnitSize,
)
from ground import kinds
from ground.access import EVERYWHERE, OutOfReach, Reach
from ground.forms import PointField, RegionField, day_field, industries
from ground.languages import language, sentence, term_choices
from ground.models import Industry, Precision
from ground.places import drive_minutes


class NamedField(forms.CharField):
    """A row by its whole name, or by words that fit only one; several that fit are named in the error."""

    def __init__(self, *, kind: str, **attributes: Any) -> None:
        self.kind = kind
        super().__init__(**attributes)

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        if self.kind == "enterprise":
            exact = Enterprise.objects.filter(name=words)
            found = list(exact or Enterprise.objects.found_by(words)[:6])
        else:
            named = RescueTeam.objects.filter(name=words)
            # A list of teams where the other branch gave enterprises: the kind of the field says which.
            found = list(named or RescueTeam.objects.filter(name__contains=words)[:6])  # type: ignore[arg-type]
        if not found:
            raise forms.ValidationError(
                _("找不到“%(words)s”。请填全称，或换一个词。") % {"words": words}, code="unknown"
            )
        if len(found) > 1:
            names = _("、").join(str(one) for one in found[:5])
            raise forms.ValidationError(
                _("“%(words)s”对应多个：%(names)s。请填全称。") % {"words": words, "names": names},
                code="several",
            )
        return found[0]


def estimated_minutes(enterprise: Enterprise, team: RescueTeam) -> int | None:
    """Return the estimated drive from the base to the enterprise; None if either has no place."""
    here, base = enterprise.point, team.point
    return round(drive_minutes(here.km_to(base), turnout_minutes=0)) if here and base else None


class AgreementForm(forms.Form):
    """What two sides agree on. A drive left empty is estimated, and the estimate says so.

    With an `agreement`, its two sides are given and only the rest is asked; with an `enterprise`, its sites
    may be chosen. Otherwise all sites are meant. One side at least must be within `reach`.
    """

    enterprise = NamedField(kind="enterprise", label=_l("甲方企业"), help_text=_l("全称、简称或拼音首字母"))
    team = NamedField(kind="team", label=_l("乙方队伍"), help_text=_l("队伍名称"))
    kind = forms.ChoiceField(label=_l("协议类型"), choices=lambda: term_choices(AgreementKind))
    number = forms.CharField(
        label=_l("协议编号"), required=False, max_length=40, help_text=_l("留空由系统编号")
    )
    starts_on = day_field(label=_l("起始日"))
    ends_on = day_field(label=_l("截止日"), help_text=_l("当天仍有效"))
    sites = forms.ModelMultipleChoiceField(
        label=_l("服务厂区"),
        queryset=Site.objects.none(),
        to_field_name="public_id",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_l("一个都不选即全部厂区"),
    )
    incident_kinds = forms.MultipleChoiceField(
        label=_l("适用事故类型"),
        choices=lambda: [(kind.code, kind.word(language())) for kind in kinds.KINDS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_l("协议只约定某几类事故时才选；一个都不选即全部类型"),
    )
    drive_minutes = forms.IntegerField(
        label=_l("行车时间（分钟）"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=_l("实测优先；留空则按直线估算并注明"),
    )
    drive_time_source = forms.ChoiceField(
        label=_l("行车时间来源"),
        required=False,
        choices=lambda: [("", _("未填")), *term_choices(DriveTimeSource)],
    )
    response_promise_minutes = forms.IntegerField(
        label=_l("到达承诺（分钟）"), required=False, min_value=1, max_value=1000
    )

    def __init__(
        self,
        *args: Any,
        enterprise: Enterprise | None = None,
        agreement: Agreement | None = None,
        reach: Reach = EVERYWHERE,
        **kwargs: Any,
    ) -> None:
        self.reach = reach
        if agreement is not None:
            kwargs.setdefault("initial", _said(agreement))
            enterprise = agreement.enterprise
        super().__init__(*args, **kwargs)
        if agreement is not None:
            # Other sides are another agreement.
            del self.fields["enterprise"], self.fields["team"]
        if enterprise is None or enterprise.sites.count() < 2:
            del self.fields["sites"]
        else:
            # The stubs know a field only by its base class, not that this one chooses among rows.
            self.fields["sites"].queryset = enterprise.sites.all()  # type: ignore[attr-defined]
            self.fields["sites"].label_from_instance = lambda site: site.name  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        enterprise, team = said.get("enterprise"), said.get("team")
        if enterprise and team and not self.reach.covers(team.region_id):
            try:
                self.reach.refuse_beyond(enterprise.region_id)
            except OutOfReach as mistake:
                self.add_error("enterprise", sentence(mistake))
        return said

    def terms(self, enterprise: Enterprise, team: RescueTeam) -> Terms:
        said = self.cleaned_data
        minutes = said["drive_minutes"]
        source = DriveTimeSource(said["drive_time_source"]) if said["drive_time_source"] else None
        if minutes is None and source is not DriveTimeSource.MEASURED:
            minutes = estimated_minutes(enterprise, team)
            source = DriveTimeSource.ESTIMATED if minutes is not None else None
        return Terms(
            kind=AgreementKind(said["kind"]),
            number=said["number"],
            starts_on=said["starts_on"],
            ends_on=said["ends_on"],
            sites=list(said.get("sites", ())),
            incident_kinds=said["incident_kinds"],
            drive_minutes=minutes,
            drive_time_source=source,
            response_promise_minutes=said["response_promise_minutes"],
        )


def _said(agreement: Agreement) -> dict[str, Any]:
    return {
        "kind": agreement.kind,
        "number": agreement.number,
        "starts_on": agreement.starts_on,
        "ends_on": agreement.ends_on,
        "sites": [site.public_id for site in agreement.sites.all()],
        "incident_kinds": agreement.incident_kinds,
        "drive_minutes": agreement.drive_minutes,
        "drive_time_source": agreement.drive_time_source,
        "response_promise_minutes": agreement.response_promise_minutes,
    }


class ConsentForm(forms.Form):
    """One side's confirmation; only those that have not confirmed yet are offered."""

    party = forms.ChoiceField(label=_l("哪一方"))
    signatory = forms.CharField(label=_l("签署人"), max_length=40)

    def __init__(self, *args: Any, parties: Iterable[Party], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The stubs know a field only by its base class, not that this one has choices.
        self.fields["party"].choices = term_choices(parties)  # type: ignore[attr-defined]


class TerminationForm(forms.Form):
    on = day_field(label=_l("终止日"), help_text=_l("从这一天起不再有效"))
    reason = forms.CharField(label=_l("终止原因"), max_length=200)


class RenewalForm(forms.Form):
    until = day_field(label=_l("续签至"))


# --- enterprises ----------------------------------------------------------------------------------


class PlaceForm(forms.Form):
    """Where something is; without coordinates the seat of its county stands for it."""

    region = RegionField(label=_l("所在市县"), required=False, help_text=_l("例如 唐山市曹妃甸区"))
    address = forms.CharField(label=_l("地址"), required=False, max_length=200)
    point = PointField(label=_l("经纬度"), required=False, help_text=_l("WGS-84，经度在前；留空按县城位置"))

    def __init__(self, *args: Any, reach: Reach = EVERYWHERE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["region"].reach = reach  # type: ignore[attr-defined]  # a RegionField

    def where(self) -> Whereabouts:
        said = self.cleaned_data
        return Whereabouts(region=said["region"], address=said["address"], point=said["point"])


class EnterpriseForm(PlaceForm):
    name = forms.CharField(label=_l("企业名称"), max_length=100, help_text=_l("营业执照上的全称"))
    uscc = forms.CharField(
        label=_l("统一社会信用代码"), required=False, max_length=30, help_text=_l("18 位；暂缺可留空待补")
    )
    short_name = forms.CharField(label=_l("简称"), required=False, max_length=40)
    # Nothing is chosen beforehand: a trade that nobody picked would be believed.
    industry = forms.ChoiceField(label=_l("行业"), choices=lambda: [("", _("请选择")), *industries()])
    unit_size = forms.ChoiceField(
        label=_l("规模"), required=False, choices=lambda: [("", _("未填")), *term_choices(UnitSize)]
    )
    head = forms.CharField(label=_l("主要负责人"), required=False, max_length=40)

    field_order = ["name", "uscc", "short_name", "industry", "unit_size", "head"]

    def particulars(self) -> Particulars:
        said = self.cleaned_data
        return Particulars(
            name=said["name"],
            uscc=said["uscc"],
            short_name=said["short_name"],
            industry=Industry.objects.get(pk=said["industry"]),
            unit_size=UnitSize(said["unit_size"]) if said["unit_size"] else None,
            head=said["head"],
            where=self.where(),
        )

    @staticmethod
    def said_of(enterprise: Enterprise) -> dict[str, Any]:
        """Return what the form begins with for one that is on the register."""
        return {
            "name": enterprise.name,
            "uscc": enterprise.uscc,
            "short_name": enterprise.short_name,
            "industry": enterprise.industry_id,
            "unit_size": enterprise.unit_size,
            "head": enterprise.head,
            "region": enterprise.region_id or "",
            "address": enterprise.address,
            # The seat of a county is not a place that somebody gave.
            "point": str(enterprise.point)
            if enterprise.point and enterprise.precision == Precision.EXACT
            else "",
        }


class SiteForm(PlaceForm):
    name = forms.CharField(label=_l("厂区名称"), max_length=80)
    industry = forms.ChoiceField(label=_l("行业"), choices=industries)
    hazards = forms.CharField(
        label=_l("主要危险源"), required=False, max_length=200, help_text=_l("例如 液氨 18 t")
    )

    field_order = ["name", "industry", "hazards"]
