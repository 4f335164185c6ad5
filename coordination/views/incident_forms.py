"""What an officer fills in about an incident: first report, correction, levels, a log line, the end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from coordination.views import place_box
from coordination.views.place_box import Place
from ground import kinds, phones
from ground.dates import SHANGHAI
from ground.languages import language, sentence, term_choices
from ground.mistakes import Mistake
from ground.models import CoordinateSystem, Industry
from incidents.handling import Casualties, FirstReport
from incidents.levels import AccidentLevel, ResponseLevel
from incidents.models import Incident

CASUALTIES = ("deaths", "missing", "trapped", "injured", "seriously_injured")
MOST_PEOPLE = 99_999


def kind_choices() -> list[tuple[str, str]]:
    return [(kind.code, kind.word(language())) for kind in kinds.KINDS]


class PlaceMixin(forms.Form):
    """The smart box: `place` is typed, `place_key` is set by a suggestion, `place_choice` by a choice offered."""

    place = forms.CharField(
        label=_l("企业或地点"),
        max_length=120,
        help_text=_l("企业名称、简称或拼音首字母；以市县开头的地址；或“经度,纬度”"),
        error_messages={"required": _l("请填写企业或地点：企业简称、市县地址，或“经度,纬度”。")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    place_key = forms.CharField(required=False, widget=forms.HiddenInput)
    place_choice = forms.CharField(required=False)

    place_choices: list[Place]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.place_choices = []

    def chosen_place(self, typed: str) -> Place | None:
        """Return the place that was picked or is plainly meant; otherwise add the error and the choices."""
        if picked := place_box.by_key(self.data.get("place_choice", "")):
            return picked
        suggested = place_box.by_key(self.data.get("place_key", ""))
        if suggested and suggested.label == typed:
            return suggested
        try:
            found = place_box.resolve(typed)
        except Mistake as mistake:
            self.add_error("place", sentence(mistake))
            return None
        if len(found) == 1:
            return found[0]
        self.place_choices = found
        self.add_error("place", _("“%(typed)s”可能是下面几处，请选一处。") % {"typed": typed})
        return None


class CasualtyFields(forms.Form):
    deaths = forms.IntegerField(label=_l("死亡"), min_value=0, max_value=MOST_PEOPLE, required=False)
    missing = forms.IntegerField(label=_l("失联"), min_value=0, max_value=MOST_PEOPLE, required=False)
    trapped = forms.IntegerField(label=_l("被困"), min_value=0, max_value=MOST_PEOPLE, required=False)
    injured = forms.IntegerField(label=_l("受伤"), min_value=0, max_value=MOST_PEOPLE, required=False)
    seriously_injured = forms.IntegerField(
        label=_l("其中重伤"), min_value=0, max_value=MOST_PEOPLE, required=False
    )
    loss_wan = forms.IntegerField(
        label=_l("直接经济损失（万元）"), min_value=0, max_value=10_000_000, required=False
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in CASUALTIES:
            cleaned[name] = cleaned.get(name) or 0
        if cleaned["seriously_injured"] > cleaned["injured"]:
            self.add_error(
                "seriously_injured",
                _("重伤 %(serious)d 人多于受伤 %(injured)d 人。重伤包含在受伤里，请核对两个数。")
                % {"serious": cleaned["seriously_injured"], "injured": cleaned["injured"]},
            )
        return cleaned

    @property
    def steppers(self) -> list[forms.BoundField]:
        return [self[name] for name in CASUALTIES]


class IntakeForm(PlaceMixin, CasualtyFields):
    """The first report, in the order in which callers speak. Place and kind are all that is required."""

    caller_phone = forms.CharField(label=_l("来电号码"), max_length=40, required=False)
    caller_name = forms.CharField(label=_l("报告人"), max_length=40, required=False)
    kind = forms.ChoiceField(
        label=_l("类型"),
        widget=forms.RadioSelect,
        error_messages={"required": _l("请选择事件类型；说不清时选“其他”。")},
    )
    substance = forms.CharField(label=_l("危险物质"), max_length=60, required=False)
    summary = forms.CharField(
        label=_l("一句话概况"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )
    safety_notice = forms.CharField(label=_l("安全提示与集合点"), max_length=200, required=False)
    accident_level = forms.ChoiceField(label=_l("事故等级"), required=False)
    response_level = forms.ChoiceField(label=_l("响应级别"), required=False)
    is_drill = forms.BooleanField(label=_l("演练（所有消息以【演练】开头）"), required=False)
    # The same in both taps of a double one, so that they open one incident.
    once = forms.CharField(
        required=False, max_length=40, initial=lambda: uuid4().hex, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kind_choices()  # type: ignore[attr-defined]  # a ChoiceField
        _offer_levels(self)

    def clean_caller_phone(self) -> str:
        typed = self.cleaned_data["caller_phone"]
        if not typed:
            return ""
        try:
            return phones.normalise(typed)
        except Mistake as mistake:
            raise forms.ValidationError(sentence(mistake)) from mistake

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("place"):
            cleaned["where"] = self.chosen_place(cleaned["place"])
        return cleaned

    def report(self) -> FirstReport:
        """Return the first report; only after the form was found valid."""
        said = self.cleaned_data
        where: Place = said["where"]
        return FirstReport(
            kind=said["kind"],
            enterprise=where.enterprise,
            site=where.site,
            point=where.point,
            region=where.region,
            address=where.address,
            summary=said["summary"],
            substance=said["substance"],
            safety_notice=said["safety_notice"],
            casualties=Casualties(**{name: said[name] for name in CASUALTIES}),
            loss_wan=said["loss_wan"],
            caller_name=said["caller_name"],
            caller_phone=said["caller_phone"],
            is_drill=said["is_drill"],
            accident_level=AccidentLevel(said["accident_level"]) if said["accident_level"] else None,
            response_level=ResponseLevel(said["response_level"]) if said["response_level"] else None,
        )


class CorrectionForm(PlaceMixin, CasualtyFields):
    """The facts of an open incident. Who was asked on the old facts is told what changed."""

    title = forms.CharField(label=_l("标题"), max_length=120)
    kind = forms.ChoiceField(label=_l("类型"))
    industry = forms.ModelChoiceField(
        label=_l("行业"), queryset=Industry.objects.all(), help_text=_l("推荐专家按行业计算")
    )
    address = forms.CharField(label=_l("详细地址"), max_length=200, required=False)
    substance = forms.CharField(label=_l("危险物质"), max_length=60, required=False)
    summary = forms.CharField(
        label=_l("概况"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    safety_notice = forms.CharField(label=_l("安全提示与集合点"), max_length=200, required=False)
    caller_name = forms.CharField(label=_l("报告人"), max_length=40, required=False)
    caller_phone = forms.CharField(label=_l("来电号码"), max_length=40, required=False)

    # What is taken over as typed; the place is worked out apart.
    PLAIN = (
        "title",
        "kind",
        "industry",
        "substance",
        "summary",
        "safety_notice",
        "caller_name",
        "caller_phone",
        "loss_wan",
        *CASUALTIES,
    )

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        self.incident = incident
        self.place_before = _place_now(incident)
        before = {name: getattr(incident, name) for name in (*self.PLAIN, "address")}
        before["caller_phone"] = phones.as_written(incident.caller_phone) if incident.caller_phone else ""
        kwargs.setdefault("initial", {**before, "place": self.place_before})
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kind_choices()  # type: ignore[attr-defined]  # a ChoiceField

    clean_caller_phone = IntakeForm.clean_caller_phone

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        typed = cleaned.get("place")
        if typed and (typed != self.place_before or self.data.get("place_choice")):
            cleaned["where"] = self.chosen_place(typed)
        return cleaned

    def changes(self) -> dict[str, Any]:
        """Return what the incident's columns are to become; only what is given can change."""
        said = self.cleaned_data
        changes: dict[str, Any] = {name: said[name] for name in self.PLAIN}
        changes["address"] = said["address"]
        where: Place | None = said.get("where")
        if where:
            changes |= _columns(where, said["address"] if "address" in self.changed_data else "")
        elif said["kind"] != self.incident.kind and "industry" not in self.changed_data:
            changes["industry"] = _industry_of(said["kind"], self.incident)
        if where and where.enterprise and "industry" not in self.changed_data:
            changes["industry"] = where.enterprise.industry
        # A title made by us follows the facts; one that was typed stays.
        if "title" not in self.changed_data and self.incident.title == _made_title(self.incident):
            changes["title"] = _made_title(self.incident, changes)
        return changes


def _place_now(incident: Incident) -> str:
    if incident.site and incident.enterprise and incident.enterprise.sites.count() > 1:
        return f"{incident.enterprise.name} {incident.site.name}"
    if incident.enterprise:
        return incident.enterprise.name
    if incident.precision == "exact" and incident.point:
        return str(incident.point)
    return incident.address or (incident.region.name if incident.region else "")


def _columns(where: Place, address: str) -> dict[str, Any]:
    known = where.site or where.enterprise
    point = where.where
    return {
        "enterprise": where.enterprise,
        "site": where.site,
        "region": where.region,
        "latitude": point.latitude if point else None,
        "longitude": point.longitude if point else None,
        "given_in": CoordinateSystem.WGS84,
        "precision": "exact"
        if where.point
        else (known.precision or "address")
        if known
        else ("county" if where.region and where.region.level == "county" else "city"),
        "address": address or where.address or (known.address if known else ""),
    }


def _industry_of(kind: str, incident: Incident) -> Industry:
    if incident.enterprise:
        return incident.industry
    return Industry.objects.get(pk=kinds.by_code(kind).industry)


def _made_title(incident: Incident, changes: Mapping[str, Any] | None = None) -> str:
    """Return the title that opening with these facts would have made."""
    facts = {name: getattr(incident, name) for name in ("enterprise", "address", "region", "kind")} | dict(
        changes or {}
    )
    subject = facts["enterprise"].name if facts["enterprise"] else facts["address"] or facts["region"] or ""
    return f"{subject}{kinds.by_code(facts['kind']).zh}"


def _offer_levels(form: forms.Form) -> None:
    for name, levels, none in (
        ("accident_level", AccidentLevel, _("按建议（未定）")),
        ("response_level", ResponseLevel, _("未定")),
    ):
        choices = [("", none), *term_choices(levels)]
        form.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField


class LevelForm(forms.Form):
    accident_level = forms.ChoiceField(label=_l("事故等级"), required=False)
    response_level = forms.ChoiceField(label=_l("响应级别"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_levels(self)


@dataclass(frozen=True)
class Line:
    """A log line as typed: its text, and when it happened."""

    text: str
    happened_at: datetime


class LineForm(forms.Form):
    """One line for the log. “-5” before it, or beside it, means five minutes ago; “14:20” is today's moment."""

    text = forms.CharField(
        label=_l("记一笔"),
        max_length=2000,
        error_messages={"required": _l("这一笔是空的。请写下发生了什么。")},
    )
    when = forms.CharField(label=_l("时刻"), max_length=8, required=False)

    def __init__(self, *args: Any, at: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at = at

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        text, when = cleaned.get("text", "").strip(), cleaned.get("when", "").strip()
        if not when and (leading := re.match(r"([-－−]\d{1,4})\s+(?=\S)", text)):
            when, text = leading[1], text[leading.end() :]
        if text and self._at:
            try:
                cleaned["line"] = Line(text, _moment(when, self._at))
            except ValueError:
                self.add_error(
                    "when", _("“%(when)s”不是时刻。请写“-5”（5 分钟前）或“14:20”。") % {"when": when}
                )
        return cleaned


def _moment(when: str, at: datetime) -> datetime:
    """Return the moment meant by "", "-5" or "14:20"; a time of day still to come was yesterday's.

    :raises ValueError: if it is none of these.
    """
    when = when.replace("－", "-").replace("−", "-").replace("：", ":")
    if not when:
        return at
    if ago := re.fullmatch(r"-(\d{1,4})", when):
        return at - timedelta(minutes=int(ago[1]))
    if clock_time := re.fullmatch(r"(\d{1,2}):(\d{2})", when):
        here = at.astimezone(SHANGHAI)
        moment = here.replace(hour=int(clock_time[1]), minute=int(clock_time[2]), second=0, microsecond=0)
        return moment if moment <= here else moment - timedelta(days=1)
    raise ValueError(when)


class EndForm(forms.Form):
    """Why and how an incident ends: an outcome for the record, or the reason of a false alarm."""

    outcome = forms.CharField(
        label=_l("结束情况"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _l("请写一句结束情况，会记入时间线。")},
    )
