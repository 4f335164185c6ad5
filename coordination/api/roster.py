"""Experts, read: who they are, what they can do, how far away, whether they are free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from coordination.api.faces import Face
from coordination.api.fields import CodeField, Contact, Named, NearQuery, asked_of
from coordination.api.pagination import Cursor, RankedCursor
from coordination.api.problems import invalid
from coordination.paging import InvitationStatus
from experts.models import Appointment, Certificate, Expert, Practice, TaskOffer
from ground import clock
from ground.access import Permission
from ground.guards import Needs
from ground.models import Industry, Region, Specialty
from ground.places import Point, distances_km


class PracticeRow(serializers.ModelSerializer):
    code = serializers.CharField(source="industry_id")
    name = serializers.SerializerMethodField()

    class Meta:
        model = Practice
        fields = ("code", "name", "rank")

    def get_name(self, practice: Practice) -> str:
        return Named(practice.industry).data["name"]


class AppointmentRow(serializers.ModelSerializer):
    class Meta:
        model = Appointment
        fields = ("number", "category", "group_role", "starts_on", "ends_on", "ended_on")


class CertificateRow(serializers.ModelSerializer):
    class Meta:
        model = Certificate
        fields = ("name", "issued_on", "expires_on")


class ExpertRow(serializers.ModelSerializer):
    """An expert. Phones and e-mail addresses are masked."""

    id = serializers.UUIDField(source="public_id")
    region = Named(allow_null=True)
    industries = PracticeRow(source="practices", many=True)
    specialties = Named(many=True)
    task_categories = serializers.SerializerMethodField()
    appointments = AppointmentRow(many=True)
    certificates = CertificateRow(many=True)
    contacts = Contact(many=True)
    distance_km = serializers.SerializerMethodField(
        help_text="In a straight line from `near`; null without it, or when the expert's place is not known."
    )

    class Meta:
        model = Expert
        fields = (
            "id",
            "name",
            "title",
            "position",
            "employer",
            "is_senior",
            "suspended_on",
            "region",
            "latitude",
            "longitude",
            "precision",
            "industries",
            "specialties",
            "task_categories",
            "appointments",
            "certificates",
            "contacts",
            "distance_km",
        )

    def get_task_categories(self, expert: Expert) -> list[str]:
        return [offer.category for offer in expert.task_offers.all()]

    def get_distance_km(self, expert: Expert) -> float | None:
        distances: dict[int, float] = self.context.get("distances", {})
        return distances.get(expert.pk)


class MomentField(serializers.CharField):
    """A day, or a moment with its offset; gives the day in Asia/Shanghai."""

    def to_internal_value(self, data: Any) -> date:
        text = str(data).strip().replace(" ", "+")  # an unescaped plus arrives as a space
        try:
            if len(text) == 10:
                return date.fromisoformat(text)
            moment = datetime.fromisoformat(text)
            return clock.day_of(moment) if moment.tzinfo else moment.date()
        except (ValueError, OverflowError) as wrong:
            raise invalid(
                "请写成 2026-11-24 或 2026-11-24T14:18:00+08:00。",
                "Write 2026-11-24 or 2026-11-24T14:18:00+08:00.",
            ) from wrong


class ExpertQuery(NearQuery):
    industry = CodeField(Industry, required=False, help_text="Practised in, as primary or secondary.")
    specialty = CodeField(Specialty, required=False)
    region = CodeField(Region, required=False, help_text="With all regions inside it.")
    available_at = MomentField(
        required=False,
        help_text="A day or moment: appointed then, not suspended, not on leave and not out on an incident.",
    )
    q = serializers.CharField(
        required=False, allow_blank=True, help_text="Name, pinyin, initials, employer, title or number."
    )


def inside(region: Region, path: str = "region") -> Q:
    """Return the condition that something lies in `region` or in a region inside it."""
    return Q(**{path: region}) | Q(**{f"{path}__parent": region}) | Q(**{f"{path}__parent__parent": region})


def _shown(experts: QuerySet[Expert]) -> QuerySet[Expert]:
    return experts.select_related("region").prefetch_related(
        Prefetch("practices", Practice.objects.select_related("industry").order_by("rank", "industry")),
        Prefetch("task_offers", TaskOffer.objects.order_by("category")),
        "specialties",
        "appointments",
        "certificates",
        "contacts",
    )


class Experts(Face, ListAPIView):
    """The roster. With `near` the nearest come first, and who has no known place is left out."""

    permission_classes = [Needs.any_of(Permission.READ_ROSTER)]
    pagination_class = Cursor.by("pinyin", "id")
    serializer_class = ExpertRow

    @extend_schema(parameters=[ExpertQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = asked_of(self, ExpertQuery)
        found = self._found(asked)
        if "near" in asked:
            return self._by_distance(found, asked["near"], asked.get("within_km"))
        page = self.paginate_queryset(_shown(found))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def get_queryset(self) -> QuerySet[Expert]:
        return Expert.objects.open_to(self.user)

    def _found(self, asked: dict[str, Any]) -> QuerySet[Expert]:
        found = self.get_queryset()
        if "industry" in asked:
            found = found.filter(pk__in=Practice.objects.filter(industry=asked["industry"]).values("expert"))
        if "specialty" in asked:
            found = found.filter(specialties=asked["specialty"])
        if "region" in asked:
            found = found.filter(inside(asked["region"]))
        if "available_at" in asked:
            found = available(found, on=asked["available_at"])
        if asked.get("q"):
            found = found.filter(pk__in=Expert.objects.found_by(asked["q"]).values("pk"))
        return found

    def _by_distance(self, found: QuerySet[Expert], near: Point, within_km: float | None) -> Response:
        places = list(
            found.exclude(latitude=None).exclude(longitude=None).values_list("pk", "latitude", "longitude")
        )
        distances = _distances(places, near)
        ranked = sorted(
            (pk for pk, km in distances.items() if within_km is None or km <= within_km),
            key=lambda pk: (distances[pk], pk),
        )
        pages = RankedCursor()
        page = pages.paginate_queryset(ranked, self.request, self)
        rows = _shown(Expert.objects.filter(pk__in=page)).in_bulk()
        context = {**self.get_serializer_context(), "distances": distances}
        return pages.get_paginated_response(
            ExpertRow([rows[pk] for pk in page], many=True, context=context).data
        )


class ExpertDetail(Face, RetrieveAPIView):
    """One expert."""

    permission_classes = [Needs.any_of(Permission.READ_ROSTER)]
    serializer_class = ExpertRow
    lookup_field = "public_id"

    def get_queryset(self) -> QuerySet[Expert]:
        return _shown(Expert.objects.open_to(self.user))


def available(experts: QuerySet[Expert], *, on: date) -> QuerySet[Expert]:
    """Return those who are appointed on the day, not suspended, not absent and not out on an incident."""
    return (
        experts.filter(pk__in=Expert.objects.appointed_on(on).values("pk"))
        .filter(Q(suspended_on=None) | Q(suspended_on__gt=on))
        .exclude(pk__in=Expert.objects.filter(absences__starts_on__lte=on, absences__ends_on__gte=on))
        .exclude(
            pk__in=Expert.objects.filter(
                invitations__status=InvitationStatus.ACCEPTED, invitations__exclusive=True
            )
        )
    )


def _distances(places: Sequence[tuple[int, Any, Any]], near: Point) -> dict[int, float]:
    if not places:
        return {}
    ids, latitudes, longitudes = zip(*places, strict=True)
    kilometres = distances_km(list(latitudes), list(longitudes), near.latitude, near.longitude)
    return {pk: round(float(km), 1) for pk, km in zip(ids, kilometres, strict=True)}
