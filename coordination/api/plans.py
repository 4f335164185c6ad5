"""The response plans, to read. They are changed on their page, where somebody sees what the levels come to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from coordination import plan_templates
from coordination.api.faces import Face
from coordination.api.fields import CodeField, KindField, Query, TermField, asked_of
from coordination.api.pagination import Cursor
from coordination.models import ResponsePlan
from coordination.paging import InviteeKind, Mode
from ground import kinds
from ground.access import Permission
from ground.guards import Needs
from ground.languages import language
from ground.models import Industry
from incidents.levels import AccidentLevel


class PlanQuery(Query):
    kind = KindField(required=False)
    industry = CodeField(Industry, required=False, help_text="Plans that are meant for this industry alone.")


class PlanLineShown(serializers.Serializer):
    """So many seats at `from_level` and every graver one."""

    from_level = TermField(AccidentLevel)
    kind = TermField(InviteeKind)
    mode = TermField(Mode)
    industry = serializers.CharField(
        help_text='A code, "incident" for the industry of the incident, or "any".'
    )
    specialty = serializers.CharField(allow_blank=True)
    capability = serializers.CharField(allow_blank=True)
    seats = serializers.IntegerField()
    critical = serializers.BooleanField()
    urgent = serializers.BooleanField()


class PlanShown(serializers.ModelSerializer):
    """What incidents of a kind are proposed; with an industry, those in it alone."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.SerializerMethodField()
    industry = serializers.CharField(source="industry_id", allow_null=True)
    source = serializers.SerializerMethodField(
        help_text="The recommended templates are no official standard, and the label says so."
    )
    lines = PlanLineShown(source="plan_lines", many=True)

    class Meta:
        model = ResponsePlan
        fields = ("id", "kind", "name", "industry", "version", "source", "changed_at", "lines")

    def get_name(self, plan: ResponsePlan) -> str:
        return kinds.by_code(plan.kind).word(language())

    def get_source(self, plan: ResponsePlan) -> str:
        return plan_templates.source_of(
            plan.kind, plan.industry_id or "", is_changed=plan.changed_at is not None
        ).word(language())


class ResponsePlans(Face, ListAPIView):
    """Whom each kind of incident is proposed, by accident level. A line adds to those of the lower levels."""

    permission_classes = [Needs.any_of(Permission.READ_INCIDENTS)]
    pagination_class = Cursor.by("pk")
    serializer_class = PlanShown

    @extend_schema(parameters=[PlanQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        asked = asked_of(self, PlanQuery)
        return ResponsePlan.objects.open_to(self.user).filter(**asked).prefetch_related("lines")
