"""What an admin fills in about an agreement. Each form says its mistakes where they were made."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from contracts.agreements import Terms
from contracts.models import AgreementKind, DriveTimeSource, Enterprise, Party, RescueTeam
from ground.terms import Term


def words_of(terms: type[Term]) -> list[tuple[str, str]]:
    return [(one.value, one.word(get_language() or "zh-hans")) for one in terms]


def day_field(**attributes: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, **attributes)


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


class AgreementForm(forms.Form):
    """A new agreement for all sites of an enterprise; it binds nobody before both sides have confirmed."""

    enterprise = NamedField(kind="enterprise", label=_l("甲方企业"), help_text=_l("全称、简称或拼音首字母"))
    team = NamedField(kind="team", label=_l("乙方队伍"), help_text=_l("队伍名称"))
    kind = forms.ChoiceField(label=_l("协议类型"), choices=lambda: words_of(AgreementKind))
    number = forms.CharField(
        label=_l("协议编号"), required=False, max_length=40, help_text=_l("留空由系统编号")
    )
    starts_on = day_field(label=_l("起始日"))
    ends_on = day_field(label=_l("截止日"))
    drive_minutes = forms.IntegerField(
        label=_l("行车时间（分钟）"), required=False, min_value=1, max_value=1000
    )
    drive_time_source = forms.ChoiceField(
        label=_l("行车时间来源"),
        required=False,
        choices=lambda: [("", _("未填")), *words_of(DriveTimeSource)],
    )
    response_promise_minutes = forms.IntegerField(
        label=_l("到达承诺（分钟）"), required=False, min_value=1, max_value=1000
    )

    def terms(self) -> Terms:
        said = self.cleaned_data
        source = said["drive_time_source"]
        return Terms(
            kind=AgreementKind(said["kind"]),
            number=said["number"],
            starts_on=said["starts_on"],
            ends_on=said["ends_on"],
            drive_minutes=said["drive_minutes"],
            drive_time_source=DriveTimeSource(source) if source else None,
            response_promise_minutes=said["response_promise_minutes"],
        )


class ConsentForm(forms.Form):
    party = forms.ChoiceField(label=_l("哪一方"), choices=lambda: words_of(Party))
    signatory = forms.CharField(label=_l("签署人"), max_length=40)


class TerminationForm(forms.Form):
    on = day_field(label=_l("终止日"), help_text=_l("从这一天起不再有效"))
    reason = forms.CharField(label=_l("终止原因"), max_length=200)


class RenewalForm(forms.Form):
    until = day_field(label=_l("续签至"))
