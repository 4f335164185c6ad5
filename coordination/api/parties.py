"""Enterprises, rescue teams, agreements and interests, read. An account sees only what is its own."""

from __future__ import annotations

import math
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import (
    Agreement,
    AgreementQuerySet,
    Capability,
    Enterprise,
    EnterpriseQuerySet,
    Interest,
    RescueTeam,
    Site,
    TeamKind,
    TeamState,
)
from contracts.periods import AgreementStatus
from coordination.api.faces import Face
from coordination.api.fields import (
    CodeField,
    Contact,
    IdField,
    Named,
    NearQuery,
    Query,
    Reference,
    TermField,
    asked_of,
)
from coordination.api.pagination import Cursor, RankedCursor
from coordination.api.roster import inside
from experts.models import Expert
from ground import clock
from ground.access import Permission
from ground.guards import Needs
from ground.models import Industry, Region


class SiteRow(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id")
    industry = Named()
    region = Named(allow_null=True)

    class Meta:
        model = Site
        fields = (
            "id",
            "name",
            "industry",
            "region",
            "address",
            "latitude",
            "longitude",
            "precision",
            "hazards",
        )


class EnterpriseRow(serializers.ModelSerializer):
    """An enterprise with its sites. Phones are masked."""

    id = serializers.UUIDField(source="public_id")
    industry = Named()
    region = Named(allow_null=True)
    sites = SiteRow(many=True)
    contacts = Contact(many=True)
    distance_km = serializers.SerializerMethodField(
        help_text="In a straight line from `near` to its seat or the nearest of its sites; null without `near`."
    )

    class Meta:
        model = Enterprise
        fields = (
            *("id", "uscc", "name", "short_name", "industry", "unit_size", "head", "region", "address"),
            *("latitude", "longitude", "precision", "sites", "contacts", "distance_km"),
        )

    def get_distance_km(self, enterprise: Enterprise) -> float | None:
        distances: dict[int, float] = self.context.get("distances", {})
        return distances.get(enterprise.pk)


class TeamRow(serializers.ModelSerializer):
    """A rescue team; its place is its base. Phones are masked."""

    id = serializers.UUIDField(source="public_id")
    industries = Named(many=True)
    capabilities = Named(many=True)
    region = Named(allow_null=True)
    owner = Reference(allow_null=True)
    contacts = Contact(many=True)

    class Meta:
        model = RescueTeam
        fields = (
            *("id", "name", "level", "kind", "sponsor", "owner", "members", "vehicles", "state"),
            *("industries", "capabilities", "region", "address", "latitude", "longitude", "contacts"),
        )


class AgreementRow(serializers.ModelSerializer):
    """An agreement. `status` is derived from the consents and the days, as of today in Asia/Shanghai."""

    id = serializers.UUIDField(source="public_id")
    enterprise = Reference()
    team = Reference()
    sites = Reference(many=True, help_text="None means all sites of the enterprise.")
    incident_kinds = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes of `incident-kinds/`. None means every kind of incident.",
    )
    status = serializers.SerializerMethodField()

    class Meta:
        model = Agreement
        fields = (
            *("id", "number", "kind", "status", "enterprise", "team", "sites", "incident_kinds"),
            *(
                "starts_on",
                "ends_on",
                "terminated_on",
                "termination_reason",
                "drive_minutes",
                "drive_time_source",
            ),
            "response_promise_minutes",
        )

    @extend_schema_field(TermField(AgreementStatus))
    def get_status(self, agreement: Agreement) -> str:
        return agreement.status_on(self.context["today"]).value


class InterestRow(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id")
    expert = Reference()
    enterprise = Reference()

    class Meta:
        model = Interest
        fields = (
            *("id", "expert", "enterprise", "kind", "details", "starts_on", "ends_on"),
            "declared_by_expert",
        )


class EnterpriseQuery(NearQuery):
    industry = CodeField(Industry, required=False)
    region = CodeField(Region, required=False, help_text="With all regions inside it.")
    q = serializers.CharField(required=False, allow_blank=True, help_text="Name, initials or credit code.")


class TeamQuery(Query):
    industry = CodeField(Industry, required=False)
    capability = CodeField(Capability, required=False)
    region = CodeField(Region, required=False, help_text="With all regions inside it.")
    kind = TermField(TeamKind, required=False)
    state = TermField(TeamState, required=False)
    q = serializers.CharField(required=False, allow_blank=True, help_text="Part of the name.")


class AgreementQuery(Query):
    enterprise = IdField(Enterprise.objects.open_to, required=False)
    team = IdField(RescueTeam.objects.open_to, required=False)
    status = TermField(AgreementStatus, required=False)


class InterestQuery(Query):
    expert = IdField(Expert.objects.open_to, required=False)
    enterprise = IdField(Enterprise.objects.open_to, required=False)


class Enterprises(Face, ListAPIView):
    """Enterprises; an enterprise's own account sees its own.

    With `near` the nearest come first, and which has no known place is left out.
    """

    permission_classes = [Needs.any_of(Permission.READ_CONTRACTS, Permission.OWN_ENTERPRISE)]
    pagination_class = Cursor.by("pinyin", "id")
    serializer_class = EnterpriseRow

    @extend_schema(parameters=[EnterpriseQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = asked_of(self, EnterpriseQuery)
        found = self._found(asked)
        if "near" in asked:
            return self._by_distance(found, asked)
        page = self.paginate_queryset(found)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def get_queryset(self) -> EnterpriseQuerySet:
        return _enterprises_shown(self)

    def _by_distance(self, found: EnterpriseQuerySet, asked: dict[str, Any]) -> Response:
        pages = RankedCursor()
        ranking = found.ranked_from(
            asked["near"],
            industry=asked.get("industry"),
            count=pages.needed(self.request),
            within_km=asked.get("within_km", math.inf),
        )
        page = found.fetched(pages.paginate_queryset(ranking, self.request, self))
        distances = {one.enterprise.pk: round(one.distance_km, 1) for one in page}
        context = {**self.get_serializer_context(), "distances": distances}
        rows = EnterpriseRow([one.enterprise for one in page], many=True, context=context)
        return pages.get_paginated_response(rows.data)

    def _found(self, asked: dict[str, Any]) -> EnterpriseQuerySet:
        found = self.get_queryset()
        if "industry" in asked:
            found = found.filter(industry=asked["industry"])
        if "region" in asked:
            found = found.filter(inside(asked["region"]))
        return found.filter(pk__in=Enterprise.objects.found_by(asked["q"])) if asked.get("q") else found


class EnterpriseDetail(Face, RetrieveAPIView):
    """One enterprise."""

    permission_classes = Enterprises.permission_classes
    serializer_class = EnterpriseRow
    lookup_field = "public_id"

    def get_queryset(self) -> QuerySet[Enterprise]:
        return _enterprises_shown(self)


class Teams(Face, ListAPIView):
    """Rescue teams; a team's own account sees its own."""

    permission_classes = [Needs.any_of(Permission.READ_CONTRACTS, Permission.OWN_TEAM)]
    pagination_class = Cursor.by("pinyin", "id")
    serializer_class = TeamRow

    @extend_schema(parameters=[TeamQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[RescueTeam]:
        asked = asked_of(self, TeamQuery)
        found = _teams_shown(self)
        if "industry" in asked:
            found = found.filter(industries=asked["industry"])
        if "capability" in asked:
            found = found.filter(capabilities=asked["capability"])
        if "region" in asked:
            found = found.filter(inside(asked["region"]))
        found = found.filter(**{name: asked[name] for name in ("kind", "state") if name in asked})
        return found.filter(name__contains=asked["q"].strip()) if asked.get("q") else found


class TeamDetail(Face, RetrieveAPIView):
    """One rescue team."""

    permission_classes = Teams.permission_classes
    serializer_class = TeamRow
    lookup_field = "public_id"

    def get_queryset(self) -> QuerySet[RescueTeam]:
        return _teams_shown(self)


class _AgreementFace(Face):
    permission_classes = [
        Needs.any_of(Permission.READ_CONTRACTS, Permission.OWN_ENTERPRISE, Permission.OWN_TEAM)
    ]

    def get_serializer_context(self) -> dict[str, Any]:
        return {"request": self.request, "view": self, "today": clock.day_of(self.at)}

    def shown(self) -> AgreementQuerySet:
        return (
            Agreement.objects.open_to(self.user)
            .select_related("enterprise", "team")
            .prefetch_related("sites", "consents")
        )


class Agreements(_AgreementFace, ListAPIView):
    """Agreements; an enterprise's or a team's account sees those that it is a party to."""

    pagination_class = Cursor.by("number")
    serializer_class = AgreementRow

    @extend_schema(parameters=[AgreementQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Agreement]:
        asked = asked_of(self, AgreementQuery)
        found = self.shown().filter(**{n: asked[n] for n in ("enterprise", "team") if n in asked})
        return found.with_status(asked["status"], on=clock.day_of(self.at)) if "status" in asked else found


class AgreementDetail(_AgreementFace, RetrieveAPIView):
    """One agreement."""

    serializer_class = AgreementRow
    lookup_field = "public_id"

    def get_queryset(self) -> QuerySet[Agreement]:
        return self.shown()


class Interests(Face, ListAPIView):
    """Ties between experts and enterprises, the ground for 回避."""

    permission_classes = [Needs.any_of(Permission.READ_ROSTER)]
    pagination_class = Cursor.by("public_id")
    serializer_class = InterestRow

    @extend_schema(parameters=[InterestQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Interest]:
        asked = asked_of(self, InterestQuery)
        return Interest.objects.open_to(self.user).select_related("expert", "enterprise").filter(**asked)


def _enterprises_shown(view: Face) -> EnterpriseQuerySet:
    return (
        Enterprise.objects.open_to(view.user)
        .select_related("industry", "region")
        .prefetch_related("sites__industry", "sites__region", "contacts")
    )


def _teams_shown(view: Face) -> QuerySet[RescueTeam]:
    return (
        RescueTeam.objects.open_to(view.user)
        .select_related("region", "owner")
        .prefetch_related("industries", "capabilities", "contacts")
    )
