"""Fields that the forms and filters of every package share: days, places, and the choices that rows offer."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _

from ground import dates, gazetteer, places
from ground.access import EVERYWHERE, OutOfReach, Reach
from ground.guesses import nearest
from ground.languages import row_choices, sentence
from ground.mistakes import Mistake
from ground.models import Industry, Region
from ground.places import Point

EXAMPLE = "唐山市丰南区"  # not translated: a name


def day_field(**attributes: Any) -> forms.DateField:
    """Return a field for a day with the browser's own calendar, which wants the day as 2026-11-18."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, validators=[_is_a_likely_day], **attributes)


def _is_a_likely_day(day: date) -> None:
    try:
        dates.refuse_odd_year(day.year, day)
    except Mistake as mistake:
        raise ValidationError(sentence(mistake), code="wrong") from mistake


def industries() -> list[tuple[str, str]]:
    return row_choices(Industry.objects.all())


def units(reach: Reach = EVERYWHERE) -> list[tuple[str, str]]:
    """Return the city-level units that lists are narrowed by: those in which `reach` covers something."""
    found = Region.objects.filter(unit=F("pk"))
    if reach.regions is not None:
        held = (gazetteer.by_code(code) for code in reach.regions)
        found = found.filter(pk__in={region.unit for region in held if region})
    return row_choices(found)


class RegionField(forms.CharField):
    """A city or county by its name or code: 唐山市曹妃甸区, 130209. A province is no place to drive to.

    `reach` is where the person who fills it in has the right to; a form sets it when it is made.
    """

    reach = EVERYWHERE

    def clean(self, value: Any) -> Region | None:
        found = self._named(super().clean(value))
        try:
            self.reach.refuse_beyond(found.pk if found else None)
        except OutOfReach as mistake:
            raise ValidationError(sentence(mistake), code="out_of_reach") from mistake
        return found

    def _named(self, text: str) -> Region | None:
        if not text:
            return None
        row = gazetteer.find(text)
        found = Region.objects.filter(pk=row.code).first() if row and row.level != "province" else None
        if found is not None:
            return found
        names = [row.full_name for row in gazetteer.rows() if row.level != "province"]
        raise ValidationError(
            _("找不到市县“%(name)s”，或有几个同名的。请写全称，例如 %(near)s。")
            % {
                "name": text,
                "near": "、".join(nearest(text, names)) or EXAMPLE,
            },
            code="unknown",
        )


class PointField(forms.CharField):
    """Coordinates, "longitude,latitude" in WGS-84, in the order and the ways in which maps copy them."""

    def clean(self, value: Any) -> Point | None:
        text = super().clean(value)
        try:
            return places.parse_point(text) if text else None
        except places.WrongCoordinates as mistake:
            raise ValidationError(sentence(mistake), code="wrong") from mistake
