"""What an officer fills in about a callout: whom is needed, who is ticked, what somebody said on the phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from contracts.models import Capability
from coordination import weighting
from coordination.answers import Answer
from coordination.callouts import MOST_SEATS, RequirementSpec
from coordination.matching import Weights
from coordination.paging import POLICIES, AnswerSource, InviteeKind, Mode, Reply
from ground.languages import is_english, name_of, term_choices
from ground.models import Industry, Specialty

ROWS_AT_MOST = 8


class NamedChoiceField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return name_of(obj)


class RequirementForm(forms.Form):
    """One line of what is needed; a line without a kind is left out."""

    kind = forms.ChoiceField(label=_l("谁"), required=False)
    mode = forms.ChoiceField(label=_l("方式"), required=False)
    industry = NamedChoiceField(label=_l("行业"), queryset=Industry.objects.none(), required=False)
    specialty = NamedChoiceField(label=_l("专业方向"), queryset=Specialty.objects.none(), required=False)
    capability = NamedChoiceField(label=_l("救援能力"), queryset=Capability.objects.none(), required=False)
    seats = forms.IntegerField(
        label=_l("席位"),
        min_value=0,
        max_value=MOST_SEATS,
        required=False,
        widget=forms.NumberInput(attrs={"size": 3}),
    )
    critical = forms.BooleanField(label=_l("关键岗位"), required=False)
    urgent = forms.BooleanField(label=_l("尽快到场"), required=False)

    def __init__(self, *args: Any, lists: Lists, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[Any, str]]] = {
            "kind": [("", _("—（不需要）")), *term_choices(InviteeKind)],
            "mode": term_choices(Mode),
        }
        for name, found in choices.items():
            self.fields[name].choices = found  # type: ignore[attr-defined]  # a ChoiceField
        for name in ("industry", "specialty", "capability"):
            field = self.fields[name]
            field.queryset = getattr(lists, name)  # type: ignore[attr-defined]  # a ModelChoiceField
            # The same few rows serve every line, so that eight lines cost no more queries than one.
            # The stubs know a field only by its base class, not that this one has choices.
            field.choices = [("", "—"), *((row.pk, name_of(row)) for row in getattr(lists, f"{name}_rows"))]  # type: ignore[attr-defined]

    def spec(self) -> RequirementSpec | None:
        """Return the requirement; None for a line that was left out. Only after it was found valid."""
        said = self.cleaned_data
        if not said["kind"]:
            return None
        kind = InviteeKind(said["kind"])
        return RequirementSpec(
            kind,
            said["seats"] if said["seats"] is not None else 1,
            mode=Mode(said["mode"] or Mode.ONSITE),
            industry=said["industry"],
            specialty=said["specialty"] if kind is InviteeKind.EXPERT else None,
            capability=said["capability"] if kind is InviteeKind.TEAM else None,
            critical=said["critical"],
            urgent=said["urgent"],
        )


class Lists:
    """The rows that the selects offer, read once for all lines of a form."""

    def __init__(self) -> None:
        self.industry = Industry.objects.all()
        self.specialty = Specialty.objects.order_by("name")
        self.capability = Capability.objects.order_by("name")
        self.industry_rows = list(self.industry)
        self.specialty_rows = list(self.specialty)
        self.capability_rows = list(self.capability)


SLIDERS = "w"


def slider(label: Any) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"type": "range", "min": 0, "max": 100, "step": 5})
    return forms.IntegerField(label=label, min_value=0, max_value=100, required=False, widget=widget)


class WeightsForm(forms.Form):
    """What counts how much in the ranking of experts: three sliders, of which only the proportion matters.

    They begin where the weights in force stand; all else of the weights is as in these.
    """

    expertise = slider(_l("专业"))
    travel = slider(_l("到场快"))
    load = slider(_l("轮流"))

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self._usual = usual = weighting.in_force()
        stand = {"expertise": usual.expertise, "travel": usual.travel, "load": usual.load}
        moved = f"{SLIDERS}-expertise" in sent
        super().__init__(
            sent if moved else None,
            prefix=SLIDERS,
            initial={name: round(weight) for name, weight in stand.items()},
        )

    def weights(self) -> Weights:
        """Return the weights that the sliders stand for; one that says nothing usable stands where it usually does."""
        usual = self._usual
        self.full_clean()
        said: Mapping[str, Any] = self.cleaned_data if self.is_bound else {}

        def at(name: str, otherwise: float) -> float:
            value = said.get(name)
            return otherwise if value is None else float(value)

        return replace(
            usual,
            expertise=at("expertise", usual.expertise),
            travel=at("travel", usual.travel),
            load=at("load", usual.load),
        )


@dataclass(frozen=True)
class Wanted:
    """The lines of a request for people: forms to show again, and the requirements they come to."""

    forms: list[RequirementForm]
    specs: list[RequirementSpec]
    rows: list[int]  # for each requirement, the number of its line in the form

    @property
    def errors(self) -> list[str]:
        return [
            f"{form.fields[name].label}：{error}"
            for form in self.forms
            for name, errors in form.errors.items()
            for error in errors
        ]


def wanted_by(proposed: Sequence[RequirementSpec], sent: QueryDict | None = None) -> Wanted:
    """Return the lines that were sent, or, when none were, those that are proposed; one empty line more."""
    lists = Lists()
    if sent is None or "r0-kind" not in sent:
        made = [
            RequirementForm(prefix=f"r{number}", initial=_initial(spec), lists=lists)
            for number, spec in enumerate(proposed)
        ]
        made.append(RequirementForm(prefix=f"r{len(made)}", initial={"seats": 1}, lists=lists))
        return Wanted(made, list(proposed), list(range(len(proposed))))
    made = []
    for number in range(ROWS_AT_MOST):
        if f"r{number}-kind" in sent:
            made.append(RequirementForm(sent, prefix=f"r{number}", lists=lists))
    specs, rows = [], []
    for number, form in enumerate(made):
        if form.is_valid() and (spec := form.spec()):
            specs.append(spec)
            rows.append(number)
    if len(made) < ROWS_AT_MOST and made[-1].data.get(f"{made[-1].prefix}-kind"):
        made.append(RequirementForm(prefix=f"r{len(made)}", initial={"seats": 1}, lists=lists))
    return Wanted(made, specs, rows)


def _initial(spec: RequirementSpec) -> dict[str, Any]:
    return {
        "kind": spec.kind.value,
        "mode": spec.mode.value,
        "industry": spec.industry,
        "specialty": spec.specialty,
        "capability": spec.capability,
        "seats": spec.seats,
        "critical": spec.critical,
        "urgent": spec.urgent,
    }


def fingerprint(specs: Sequence[RequirementSpec]) -> str:
    """Return what the shown proposal was made for, so that ticks made for other requirements are not used."""
    return ";".join(
        ".".join(
            [
                spec.kind.value,
                spec.mode.value,
                *(one.pk if one else "" for one in (spec.industry, spec.specialty, spec.capability)),
                str(spec.seats),
                *(["urgent"] if spec.urgent else []),
            ]
        )
        for spec in specs
    )


def ticked(sent: QueryDict, specs: Sequence[RequirementSpec]) -> dict[str, list[int]]:
    """Return the ticked ids by requirement key ("1", "2", …), in the order shown."""
    chosen: dict[str, list[int]] = {str(number): [] for number in range(1, len(specs) + 1)}
    for kind in InviteeKind:
        for value in sent.getlist(f"pick-{kind.value}"):
            key, _sep, pk = value.partition(":")
            if pk.isdecimal() and len(pk) < 19 and key in chosen and specs[int(key) - 1].kind is kind:
                chosen[key].append(int(pk))
    return chosen


class PolicyForm(forms.Form):
    policy = forms.ChoiceField(label=_l("通知策略"))
    # How many callouts the officer saw; a second tap on the same page is told apart by it.
    known = forms.IntegerField(required=False, min_value=0, max_value=100_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy"].choices = policy_choices()  # type: ignore[attr-defined]  # a ChoiceField


def policy_choices() -> list[tuple[str, str]]:
    return [(policy.code, policy.en if is_english() else policy.zh) for policy in POLICIES.values()]


class AnswerForm(forms.Form):
    """An answer that somebody gave on the phone, recorded by the officer."""

    reply = forms.ChoiceField(
        label=_l("答复"),
        choices=[(reply.value, reply.zh) for reply in Reply],
        error_messages={"required": _l("请选择对方的答复：接受、只能远程或不能参加。")},
    )
    eta_minutes = forms.IntegerField(label=_l("几分钟后到"), min_value=0, max_value=24 * 60, required=False)
    crew = forms.IntegerField(label=_l("人数"), min_value=0, max_value=5000, required=False)
    vehicles = forms.IntegerField(label=_l("车辆"), min_value=0, max_value=1000, required=False)
    reason = forms.CharField(label=_l("说明"), max_length=200, required=False)

    def answer(self, at: datetime) -> Answer:
        """Return the answer; only after the form was found valid."""
        said = self.cleaned_data
        minutes = said["eta_minutes"]
        return Answer(
            Reply(said["reply"]),
            AnswerSource.OFFICER,
            eta_at=at + timedelta(minutes=minutes) if minutes is not None else None,
            crew=said["crew"],
            vehicles=said["vehicles"],
            reason=said["reason"],
        )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_l("原因"),
        max_length=200,
        error_messages={"required": _l("请写明原因，会记入时间线。")},
    )


class SeatsForm(forms.Form):
    seats = forms.IntegerField(
        label=_l("席位"),
        min_value=0,
        max_value=MOST_SEATS,
        error_messages={"required": _l("请填写席位数。"), "invalid": _l("席位数应是整数，例如 2。")},
    )


class ReportForm(forms.Form):
    text = forms.CharField(label=_l("意见或报告"), max_length=5000, required=False, widget=forms.Textarea)


def first_error(form: forms.Form) -> str:
    """Return one sentence that names the field and what is wrong with it."""
    errors: Mapping[str, Any] = form.errors
    for name, found in errors.items():
        label = form.fields[name].label if name in form.fields else ""
        return f"{label}：{found[0]}" if label else str(found[0])
    return _("内容有误，请核对后再试。")
