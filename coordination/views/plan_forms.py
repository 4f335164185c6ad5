"""What somebody fills in about a response plan: its lines, and the version that they saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from contracts.models import Capability
from coordination import response_plans
from coordination.paging import InviteeKind, Mode
from coordination.response_plans import MOST_LINES, MOST_SEATS, PlanLine, Trade
from ground.languages import language, row_choices, term_choices
from ground.models import Industry, Specialty
from incidents.levels import AccidentLevel

EMPTY_LINES = 3
# Emptied lines are sent too, so there can be more of them than a plan has.
ROWS_AT_MOST = 2 * MOST_LINES


class Choices:
    """What the selects offer, read once for all lines of a form."""

    def __init__(self) -> None:
        self.by_field: dict[str, list[tuple[str, str]]] = {
            "from_level": term_choices(AccidentLevel),
            "kind": [("", _("—（不需要）")), *term_choices(InviteeKind)],
            "mode": term_choices(Mode),
            "industry": [*term_choices(Trade), *row_choices(Industry.objects.all())],
            "specialty": [("", "—"), *row_choices(Specialty.objects.order_by("name"))],
            "capability": [("", "—"), *row_choices(Capability.objects.order_by("name"))],
        }


class PlanLineForm(forms.Form):
    """One line of a plan; a line without a kind is left out."""

    from_level = forms.ChoiceField(label=_l("从哪一级起"))
    kind = forms.ChoiceField(label=_l("谁"), required=False)
    seats = forms.IntegerField(
        label=_l("席位"),
        min_value=1,
        max_value=MOST_SEATS,
        required=False,
        widget=forms.NumberInput(attrs={"size": 3}),
    )
    mode = forms.ChoiceField(label=_l("方式"))
    industry = forms.ChoiceField(label=_l("行业"))
    specialty = forms.ChoiceField(label=_l("专业方向"), required=False)
    capability = forms.ChoiceField(label=_l("救援能力"), required=False)
    critical = forms.BooleanField(label=_l("关键岗位"), required=False)
    urgent = forms.BooleanField(label=_l("尽快到场"), required=False)

    def __init__(self, *args: Any, offered: Choices, number: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.number = number
        for name, choices in offered.by_field.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def plan_line(self) -> PlanLine | None:
        """Return the line; None for one that was left out. Only after it was found valid."""
        said = self.cleaned_data
        if not said["kind"]:
            return None
        return PlanLine(
            kind=InviteeKind(said["kind"]),
            seats=1 if said["seats"] is None else said["seats"],
            from_level=AccidentLevel(said["from_level"]),
            mode=Mode(said["mode"]),
            industry=said["industry"],
            specialty=said["specialty"],
            capability=said["capability"],
            critical=said["critical"],
            urgent=said["urgent"],
        )


class PlanForm:
    """All lines of a plan as they were sent, or, when nothing was, as they stand; some empty ones more."""

    def __init__(self, standing: Sequence[PlanLine], sent: QueryDict | None = None) -> None:
        self._offered = Choices()
        self.errors: list[str] = []
        self.lines: tuple[PlanLine, ...] = tuple(standing)
        if sent is None:
            self.rows = [self._row(number, initial=line.to_dict()) for number, line in enumerate(standing)]
        else:
            self.rows = [
                self._row(number, data=sent)
                for number in range(ROWS_AT_MOST)
                if f"l{number}-from_level" in sent
            ]
            self._read()
        empty = min(EMPTY_LINES, ROWS_AT_MOST - len(self.rows))
        if sent is None or "more" in sent:
            first = len(self.rows)
            self.rows += [self._row(first + number, initial=_EMPTY) for number in range(empty)]

    def _row(self, number: int, **kwargs: Any) -> PlanLineForm:
        return PlanLineForm(prefix=f"l{number}", offered=self._offered, number=number + 1, **kwargs)

    def _read(self) -> None:
        found: list[tuple[int, PlanLine]] = []
        for row in self.rows:
            if not row.is_valid():
                self.errors += [
                    _("第 %(number)d 行，%(field)s：%(error)s")
                    % {"number": row.number, "field": row.fields[name].label, "error": error}
                    for name, errors in row.errors.items()
                    for error in errors
                ]
            elif (line := row.plan_line()) is not None:
                found.append((row.number, line))
        self.lines = tuple(line for _number, line in found)
        if not self.errors:
            numbers = [number for number, _line in found]
            self.errors = [words.word(language()) for words in response_plans.faults(self.lines, numbers)]


_EMPTY = {
    "from_level": AccidentLevel.ORDINARY.value,
    "mode": Mode.ONSITE.value,
    "industry": Trade.OF_INCIDENT.value,
    "seats": 1,
}


class KnownVersionForm(forms.Form):
    """The version that stood on the page when it was opened."""

    known = forms.IntegerField(min_value=0, max_value=1_000_000, widget=forms.HiddenInput)
