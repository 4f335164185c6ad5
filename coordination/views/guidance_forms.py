"""What people fill in about a guidance request: the enterprise's wish, the days, the report, the rating."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from contracts.models import Enterprise, Site
from coordination.draws import MOST_SEATS
from coordination.guidance import FoundThing, Wish
from coordination.models import GuidanceRequest
from coordination.visits import GuidanceKind
from ground import phones
from ground.forms import day_field
from ground.languages import sentence, term_choices
from ground.mistakes import Mistake
from ground.models import RUNG_UP, User

# What each service brings, under its name on the card.
_SERVICES = {
    GuidanceKind.INSPECTION: lazy("专家到现场查隐患，给出清单和整改建议"),
    GuidanceKind.RISK_ASSESSMENT: lazy("辨识风险，评估等级，提出管控措施"),
    GuidanceKind.PLAN_PREPARATION: lazy("指导编制或修订应急预案"),
    GuidanceKind.PLAN_REVIEW: lazy("对预案评审；有利害关系的专家依法回避"),
    GuidanceKind.DRILL: lazy("设计、观摩和评估应急演练"),
    GuidanceKind.TRAINING: lazy("为负责人和员工讲课、答疑"),
}


class WishForm(forms.Form):
    """The enterprise's request. A draft may be saved with less than the form asks for."""

    kind = forms.ChoiceField(
        label=lazy("服务类型"),
        widget=forms.RadioSelect,
        error_messages={"required": lazy("请选一种服务。")},
    )
    site = forms.ModelChoiceField(
        Site.objects.none(),
        label=lazy("厂区"),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={
            "required": lazy("请选一个厂区。"),
            "invalid_choice": lazy("请从本企业的厂区里选一个。"),
        },
    )
    wished_from = day_field(label=lazy("最早哪天"), required=False)
    wished_until = day_field(label=lazy("最晚哪天"), required=False)
    description = forms.CharField(
        label=lazy("需要解决的问题"),
        help_text=lazy("写明工艺或设备、主要顾虑即可，例如“液氨制冷机房年度排查，储量 18 吨”。"),
        widget=forms.Textarea({"rows": 4}),
        max_length=4000,
        error_messages={"required": lazy("请写一两句，专家才知道带什么来。")},
    )
    experts_wanted = forms.IntegerField(
        label=lazy("专家人数"),
        min_value=1,
        max_value=MOST_SEATS,
        initial=1,
        help_text=lazy("一般 1 位；预案评审建议 3 位或 5 位。"),
    )
    contact_name = forms.CharField(
        label=lazy("联系人"),
        max_length=40,
        error_messages={"required": lazy("请填写专家到访时找谁。")},
    )
    contact_phone = forms.CharField(
        label=lazy("联系电话"),
        max_length=40,
        widget=forms.TextInput({"type": "tel", "autocomplete": "tel"}),
        error_messages={"required": lazy("请填写手机号或带区号的固定电话。")},
    )

    def __init__(self, *args: Any, enterprise: Enterprise, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = cast("forms.ChoiceField", self.fields["kind"])
        kind.choices = term_choices(GuidanceKind)
        site = cast("forms.ModelChoiceField", self.fields["site"])
        site.queryset = enterprise.sites.select_related("region", "industry")
        site.required = site.queryset.exists()
        self.services = {kind.value: words for kind, words in _SERVICES.items()}

    def clean_contact_phone(self) -> str:
        try:
            return phones.normalise(self.cleaned_data["contact_phone"])
        except Mistake as mistake:
            raise forms.ValidationError(sentence(mistake)) from mistake

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("wished_from"), cleaned.get("wished_until")
        if first and last and last < first:
            self.add_error("wished_until", _("最晚的一天早于最早的一天。请核对两个日期。"))
        return cleaned

    def wish(self) -> Wish:
        """Return what has been filled in and can be read; the rest is left empty."""
        read = self.cleaned_data
        return Wish(
            kind=GuidanceKind(read["kind"]) if read.get("kind") else None,
            site=read.get("site"),
            description=read.get("description", ""),
            wished_from=read.get("wished_from"),
            wished_until=read.get("wished_until"),
            experts_wanted=read.get("experts_wanted") or 1,
            contact_name=read.get("contact_name", ""),
            contact_phone=read.get("contact_phone", ""),
        )


def known_already(enterprise: Enterprise, user: User) -> dict[str, Any]:
    """Return what nobody has to type again: the only site, who asks, and the number on file."""
    sites = list(enterprise.sites.all()[:2])
    contact = enterprise.contacts.filter(kind__in=RUNG_UP).first()
    return {
        "site": sites[0].pk if len(sites) == 1 else None,
        "contact_name": (contact.name if contact else "") or user.name,
        "contact_phone": phones.as_written(contact.value) if contact else "",
    }


def as_saved(request: GuidanceRequest) -> dict[str, Any]:
    """Return a draft as the form's initial values."""
    return {
        "kind": request.kind,
        "site": request.site_id,
        "wished_from": request.wished_from,
        "wished_until": request.wished_until,
        "description": request.description,
        "experts_wanted": request.experts_wanted,
        "contact_name": request.contact_name,
        "contact_phone": phones.as_written(request.contact_phone) if request.contact_phone else "",
    }


class RatingForm(forms.Form):
    rating = forms.TypedChoiceField(
        label=lazy("您给这次服务打几分？"),
        coerce=int,
        choices=[
            (5, lazy("5 很满意")),
            (4, lazy("4 满意")),
            (3, lazy("3 一般")),
            (2, lazy("2 不满意")),
            (1, lazy("1 很不满意")),
        ],
        widget=forms.RadioSelect,
    )
    comment = forms.CharField(
        label=lazy("想说的话"), required=False, max_length=400, widget=forms.Textarea({"rows": 2})
    )


class DaysForm(forms.Form):
    visit_from = day_field(label=lazy("到访日期"))
    visit_until = day_field(label=lazy("到访结束日期"), required=False, help_text=lazy("当天结束可不填。"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["visit_until"] = cleaned.get("visit_until") or cleaned.get("visit_from")
        return cleaned


class ReportForm(forms.Form):
    report = forms.CharField(
        label=lazy("报告"),
        help_text=lazy("到访所见、提出的意见和结论。"),
        widget=forms.Textarea({"rows": 5}),
        max_length=20000,
    )
    findings = forms.CharField(
        label=lazy("发现的问题"),
        required=False,
        help_text=lazy("每行一条；可在“｜”后写整改建议，例如：氨气报警器未校验｜一周内送检。"),
        widget=forms.Textarea({"rows": 3}),
        max_length=20000,
    )

    def things(self) -> list[FoundThing]:
        """Return one finding a line, the advice after a bar."""
        found = []
        for line in self.cleaned_data["findings"].splitlines():
            text, _bar, advice = line.replace("|", "｜").partition("｜")
            if text.strip():
                found.append(FoundThing(text.strip()[:400], advice.strip()[:400]))
        return found
