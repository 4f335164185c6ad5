"""How values come in and go out: codes, opaque ids, words, places, phones. Each refusal names a way out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from typing import Any
from uuid import UUID

from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.views import APIView

from contracts.models import Enterprise, Site
from coordination.api.pagination import PARAMETERS
from coordination.api.problems import invalid, invalid_by
from ground import kinds, phones
from ground.languages import language, name_of
from ground.mistakes import Mistake
from ground.models import ContactKind, ContactPoint, User
from ground.places import Datum, Point, WrongCoordinates, is_in_china, point_from
from ground.repeated import RepeatedLookup
from ground.terms import Term

# Outside these a slip of the finger is likelier, and the calendar ends within a day or an offset.
YEARS = range(1950, 2100)


class Body(serializers.Serializer):
    """What is sent to us. A name that we do not know is refused: a misspelt one must not be ignored."""

    ignored: frozenset[str] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        unknown = {}
        if isinstance(data, Mapping):
            unknown = {
                name: [_unknown_name(str(name), self.fields)]
                for name in data
                if name not in self.fields and name not in self.ignored
            }
        try:
            values = super().to_internal_value(data)
        except ValidationError as wrong:
            if isinstance(wrong.detail, dict):
                raise ValidationError({**wrong.detail, **unknown}) from wrong
            raise
        if unknown:
            raise ValidationError(unknown)
        return values

    @property
    def user(self) -> User:
        return self.context["request"].user


class Query(Body):
    """The filters of a list."""

    ignored = PARAMETERS


def asked_of(view: APIView, query: type[Query]) -> dict[str, Any]:
    """Return the filters of a call, read and checked."""
    return read(view, query, view.request.query_params.dict())


def read(view: APIView, body: type[Body], sent: Any, **context: Any) -> dict[str, Any]:
    """Return what was sent, read and checked by `body`."""
    reader = body(data=sent, context={"request": view.request, "view": view, **context})
    reader.is_valid(raise_exception=True)
    return reader.validated_data


def _unknown_name(name: str, known: Iterable[str]) -> Any:
    known = list(known)
    near = get_close_matches(name, known, 1)
    return invalid(
        f"没有“{name}”这一项。可用：{'、'.join(known)}。",
        f"There is no “{name}”. There are: {', '.join(known)}.",
        suggestion=near[0] if near else "",
    ).detail[0]  # type: ignore[index]  # made from one sentence, so a list of one


class TermField(serializers.ChoiceField):
    """One word of a closed list."""

    def __init__(self, term: type[Term], **options: Any) -> None:
        self.term = term
        super().__init__(choices=term.choices(), **options)

    def to_internal_value(self, data: Any) -> Term:
        with contextlib.suppress(ValueError):
            return self.term(data)
        words = {one.value: one.word(language()) for one in self.term}
        raise invalid(
            f"没有“{data}”这个取值。可用：{_listed(words)}。",
            f"“{data}” is not one of: {_listed(words)}.",
            suggestion=_meant(str(data), words),
        )


class CodeField(serializers.CharField):
    """The code of an industry, a region, a specialty or a capability; gives the row."""

    def __init__(self, model: type[models.Model], **options: Any) -> None:
        self.model = model
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        code = super().to_internal_value(data)
        self.run_validators(code)  # usually later, but PostgreSQL cannot even look for a NUL
        row = _by_code(self.model).find(code)
        if row is not None:
            return row
        names = dict(self.model._default_manager.values_list("pk", "name"))
        what = str(self.model._meta.verbose_name)
        listed_zh = f"可用：{_listed(names)}。" if len(names) <= 40 else "请核对后重填。"
        listed_en = f"There are: {_listed(names)}." if len(names) <= 40 else "Check it."
        raise invalid(
            f"没有代码为“{code}”的{what}。{listed_zh}",
            f"There is no {self.model._meta.model_name} with the code “{code}”. {listed_en}",
            suggestion=_meant(code, names),
        )

    def to_representation(self, value: Any) -> str:
        return str(value.pk)


@cache
def _by_code(model: type[models.Model]) -> RepeatedLookup[models.Model]:
    return RepeatedLookup(model)


def any_of(model: type[models.Model]) -> Callable[[User], models.QuerySet]:
    """Return the scope of all rows of `model`, whatever region the caller's role is bound to.

    A call comes in from wherever it comes, and experts and teams are one pool for the whole province.
    """
    return lambda _caller: model._default_manager.all()


class IdField(serializers.UUIDField):
    """The opaque id of something the caller may see; gives the row."""

    def __init__(self, scope: Callable[[User], models.QuerySet], **options: Any) -> None:
        self.scope = scope
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        try:
            public_id = UUID(str(data))
        except ValueError as wrong:
            raise invalid(
                f"“{data}”不是一个 id。id 是 UUID，可从相应的列表里取得。",
                f"“{data}” is no id. Ids are UUIDs; the lists give them.",
            ) from wrong
        row = self.scope(self.context["request"].user).filter(public_id=public_id).first()
        if row is None:
            raise invalid(
                f"没有 id 为 {public_id} 的记录，或者它不归您查看。请从相应的列表里取 id。",
                f"There is nothing with the id {public_id}, or it is not yours to see. Take ids from the lists.",
            )
        return row

    def to_representation(self, value: Any) -> str:
        return str(value.public_id)


def refuse_foreign_site(site: Site | None, enterprise: Enterprise) -> None:
    """Refuse a site that is another enterprise's.

    :raises ValidationError: naming the field `site`.
    """
    if site is not None and site.enterprise_id != enterprise.pk:
        wrong = invalid(
            f"厂区“{site.name}”不属于{enterprise.name}。请核对 site 和 enterprise。",
            f"The site “{site.name}” is not one of {enterprise.name}. Check site and enterprise.",
        )
        raise ValidationError({"site": wrong.detail})


class KindField(serializers.ChoiceField):
    """A code from `incident-kinds/`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=kinds.KIND_CHOICES, **options)

    def to_internal_value(self, data: Any) -> str:
        words = {one.code: one.word(language()) for one in kinds.KINDS}
        if str(data) in words:
            return str(data)
        meant = next((one.code for one in kinds.KINDS if data in (one.zh, one.en)), "")
        listed = "、".join(f"{code} {word}" for code, word in words.items())
        raise invalid(
            f"没有“{data}”这种事件类型。可用：{listed}。",
            f"There is no kind of incident “{data}”. There are: {listed}.",
            suggestion=meant,
        )


class MomentGiven(serializers.DateTimeField):
    """A moment with its offset, of the years in which an incident or a visit can be."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment: datetime = super().to_internal_value(data)
        except OverflowError:  # the first and the last day of the calendar do not exist in every time zone
            raise _year_out_of_range(data) from None
        if moment.year not in YEARS:
            raise _year_out_of_range(data)
        return moment


class DayGiven(serializers.DateField):
    """A day, of the years in which an incident or a visit can be."""

    def to_internal_value(self, data: Any) -> date:
        day: date = super().to_internal_value(data)
        if day.year not in YEARS:
            raise _year_out_of_range(data)
        return day


def _year_out_of_range(given: Any) -> ValidationError:
    return invalid(
        f"“{given}”不在 {YEARS[0]} 年至 {YEARS[-1]} 年之内。请核对年份。",
        f"“{given}” is not between the years {YEARS[0]} and {YEARS[-1]}. Check the year.",
    )


class PhoneField(serializers.CharField):
    """A phone number however it is typed; gives it as we keep it."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return phones.normalise(super().to_internal_value(data))
        except Mistake as mistake:
            raise invalid_by(mistake) from mistake


class Placed(Body):
    """A body that may say where something is: `latitude` and `longitude`, in the datum `given_in`.

    Gives `point`, in WGS-84; None when no place was given.
    """

    latitude = serializers.FloatField(required=False, help_text="Degrees, north positive.")
    longitude = serializers.FloatField(required=False, help_text="Degrees, east positive.")
    given_in = TermField(
        Datum, default=Datum.WGS84, help_text="The coordinate system of the two. Stored in WGS-84."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        latitude, longitude = attrs.pop("latitude", None), attrs.pop("longitude", None)
        datum = attrs.pop("given_in", Datum.WGS84)
        attrs["point"] = None
        if latitude is None and longitude is None:
            return attrs
        if latitude is None or longitude is None:
            missing = "latitude" if latitude is None else "longitude"
            raise ValidationError(
                {
                    missing: invalid(
                        "经纬度要成对填写，请补上这一个。", "Coordinates come in pairs; add this one."
                    ).detail
                }
            )
        try:
            attrs["point"] = point_of(latitude, longitude, datum)
        except Mistake as mistake:
            raise ValidationError({"latitude": invalid_by(mistake).detail}) from mistake
        return attrs


def point_of(latitude: float, longitude: float, datum: Datum = Datum.WGS84) -> Point:
    """Return the point of degrees that a caller gave.

    :raises WrongCoordinates: if it is nowhere, or nowhere near; swapped numbers are named as that.
    """
    try:
        point = point_from(Point(latitude, longitude).latitude, longitude, datum)
    except WrongCoordinates as wrong:
        # The suggestion in the order of our own fields.
        suggestion = f"{longitude:g},{latitude:g}" if wrong.suggestion else ""
        raise WrongCoordinates(wrong.zh, wrong.en, suggestion=suggestion) from wrong
    if is_in_china(point.latitude, point.longitude):
        return point
    swapped = is_in_china(longitude, latitude)
    hint_zh = "看来经纬度填反了。" if swapped else "请核对后重填。"
    hint_en = "It seems that the two were swapped." if swapped else "Check the two."
    raise WrongCoordinates(
        f"纬度 {latitude:g}、经度 {longitude:g} 不在中国境内。{hint_zh}",
        f"Latitude {latitude:g}, longitude {longitude:g} is not in China. {hint_en}",
        suggestion=f"{longitude:g},{latitude:g}" if swapped else "",
    )


class NearField(serializers.CharField):
    """ "38.041390,114.478610": a place, latitude first."""

    def to_internal_value(self, data: Any) -> Point:
        try:
            latitude, longitude = (float(part) for part in str(data).replace("，", ",").split(","))
        except ValueError as wrong:
            raise invalid(
                "请写成“纬度,经度”，例如 38.041390,114.478610。",
                "Write “latitude,longitude”, for example 38.041390,114.478610.",
            ) from wrong
        try:
            return point_of(latitude, longitude)
        except Mistake as mistake:
            raise invalid_by(mistake) from mistake


class NearQuery(Query):
    """The filters of a list that can be ordered by the distance from a place."""

    near = NearField(required=False, help_text="latitude,longitude in WGS-84; orders by distance.")
    within_km = serializers.FloatField(required=False, help_text="Together with near.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        within = attrs.get("within_km")
        if within is not None and "near" not in attrs:
            raise serializers.ValidationError(
                {
                    "near": invalid(
                        "填了 within_km 就要填 near：离哪里多远？",
                        "within_km needs near: how far from where?",
                    ).detail
                }
            )
        if within is not None and not within > 0:
            raise serializers.ValidationError(
                {"within_km": invalid("距离要大于 0 公里。", "The distance must be more than 0 km.").detail}
            )
        return attrs


class Named(serializers.Serializer):
    """A coded thing with its name in the caller's language."""

    code = serializers.CharField(source="pk")
    name = serializers.SerializerMethodField()

    def get_name(self, row: Any) -> str:
        return name_of(row)


class Reference(serializers.Serializer):
    """Something else, by its id and name."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()


class WordField(serializers.CharField):
    """The word, in the caller's language, of a stored term."""

    def __init__(self, term: type[Term], **options: Any) -> None:
        self.term = term
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Any) -> str:
        return self.term(value).word(language()) if value else ""


class Contact(serializers.Serializer):
    """A way of reaching somebody; in full only where the view says so and the caller may see it."""

    kind = TermField(ContactKind)
    value = serializers.SerializerMethodField()

    def get_value(self, contact: ContactPoint) -> str:
        return contact.value if self.context.get("reveal") else contact.masked


class MaskedPhone(serializers.CharField):
    """A phone number that all may see: 138****1234."""

    def to_representation(self, value: str) -> str:
        return phones.masked(value) if value else ""


def _listed(names: Mapping[str, str]) -> str:
    return "、".join(f"{code} {name}" for code, name in names.items())


def _meant(typed: str, names: Mapping[str, str]) -> str:
    """Return the code that was probably meant: of that name, or spelt much the same."""
    typed = typed.strip()
    by_name = {name: code for code, name in names.items()}
    codes = {code.lower(): code for code in names}
    if typed in by_name or typed.lower() in codes:
        return by_name.get(typed) or codes[typed.lower()]
    near = get_close_matches(typed.lower(), codes, 1) or get_close_matches(typed, by_name, 1)
    return codes.get(near[0]) or by_name[near[0]] if near else ""
