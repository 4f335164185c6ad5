"""The codes that everything else refers to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import Capability
from coordination.api.faces import ANYBODY, Face
from coordination.api.fields import Named, Query, TermField, asked_of
from coordination.api.pagination import Cursor
from ground.kinds import KINDS
from ground.languages import language
from ground.models import Industry, Region, RegionLevel, Specialty


class RegionRow(serializers.ModelSerializer):
    parent = serializers.CharField(source="parent_id", allow_null=True)

    class Meta:
        model = Region
        fields = ("code", "name", "level", "parent", "latitude", "longitude")


class RegionQuery(Query):
    level = TermField(RegionLevel, required=False)


class Industries(Face, ListAPIView):
    """The sixteen industries."""

    permission_classes = [ANYBODY]
    pagination_class = Cursor.by("position")
    serializer_class = Named
    queryset = Industry.objects.all()


class Specialties(Face, ListAPIView):
    """Skills across the industries."""

    permission_classes = [ANYBODY]
    pagination_class = Cursor.by("code")
    serializer_class = Named
    queryset = Specialty.objects.all()


class Capabilities(Face, ListAPIView):
    """What a team can do on a scene."""

    permission_classes = [ANYBODY]
    pagination_class = Cursor.by("code")
    serializer_class = Named
    queryset = Capability.objects.all()


class Regions(Face, ListAPIView):
    """Administrative regions by their GB/T 2260 code; a point is the seat of the government, in WGS-84."""

    permission_classes = [ANYBODY]
    pagination_class = Cursor.by("code")
    serializer_class = RegionRow

    @extend_schema(parameters=[RegionQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        return Region.objects.filter(**asked_of(self, RegionQuery))


class KindRow(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.SerializerMethodField()
    industry = serializers.CharField(help_text="The industry that is asked for by default.")

    def get_name(self, kind: Any) -> str:
        return kind.word(language())


class IncidentKinds(Face):
    """The kinds of incident that can be opened, in the order of the keys at the desk."""

    permission_classes = [ANYBODY]

    @extend_schema(responses=KindRow(many=True))
    def get(self, request: Request) -> Response:
        return Response(KindRow(KINDS, many=True).data)
