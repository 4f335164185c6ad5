"""What the system admin fills in about the weights of matching: the values, why, and the version that they saw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _l

from coordination.matching import Weights
from coordination.weight_settings import BY_NAME, LONGEST_REASON, NOTHING_COUNTS, SETTINGS, SHARES, Setting
from ground.languages import language


class WeightsForm(forms.Form):
    """The weights of a new version; it begins with `standing`."""

    known = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            _l("页面不完整，无法保存。请重新打开修改页。"),
        ),
    )

    def __init__(self, sent: QueryDict | None = None, *, standing: Weights, known: int) -> None:
        initial: dict[str, Any] = {one.name: f"{one.of(standing):g}" for one in SETTINGS}
        super().__init__(sent, initial={**initial, "known": known})
        self.fields |= {one.name: _field(one) for one in SETTINGS}
        # Last, as it is asked last.
        self.fields["reason"] = forms.CharField(
            label=_l("为什么这样设"),
            help_text=_l("会留在版本记录和审计记录里。"),
            max_length=LONGEST_REASON,
            error_messages={"required": _l("请写明为什么这样设，会留在版本记录里。")},
        )

    @property
    def groups(self) -> list[list[tuple[Setting, forms.BoundField]]]:
        """Return the fields with their settings: the three shares, then the others."""
        shares = {one.name for one in SHARES}
        return [
            [(one, self[one.name]) for one in SETTINGS if (one.name in shares) is of_shares]
            for of_shares in (True, False)
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if all(said.get(one.name) == 0 for one in SHARES):
            self.add_error(SHARES[0].name, NOTHING_COUNTS.word(language()))
        return said

    def weights(self) -> Weights:
        """Return the weights that were typed; only after all values were found valid."""
        return replace(Weights(), **{name: self.cleaned_data[name] for name in BY_NAME})

    @property
    def values_are_valid(self) -> bool:
        """Say whether the weights can be shown, though the reason is still missing."""
        self.full_clean()
        return not any(name in self.errors for name in BY_NAME)


def _field(setting: Setting) -> forms.IntegerField:
    refusal = setting.refusal.word(language())

    def refuse_others(value: int) -> None:
        if value not in setting.allowed:
            raise ValidationError(refusal)

    bounds = {"min": setting.least, "max": setting.most, "step": setting.step}
    return forms.IntegerField(
        label=setting.title.word(language()),
        help_text=setting.meaning.word(language()),
        # Not Django's own check of the step: it fails on a number that is too large for a float.
        validators=[refuse_others],
        widget=forms.NumberInput(attrs={**bounds, "class": "num"}),
        error_messages=dict.fromkeys(("required", "invalid"), refusal),
    )
