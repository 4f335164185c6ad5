"""Incidents: opened, read, corrected, noted, withdrawn, closed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import Enterprise, Site
from coordination import closing, tasks
from coordination.api.callouts import CalloutReference
from coordination.api.faces import Face, ToWrite
from coordination.api.fields import (
    Body,
    CodeField,
    IdField,
    KindField,
    MaskedPhone,
    MomentGiven,
    Named,
    PhoneField,
    Placed,
    Query,
    Reference,
    TermField,
    WordField,
    any_of,
    asked_of,
    read,
)
from coordination.api.idempotency import KEY_PARAMETER, idempotent
from coordination.api.pagination import Cursor
from coordination.api.problems import invalid
from coordination.api.roster import inside
from coordination.models import Callout
from ground import kinds
from ground.access import Permission
from ground.guards import Needs
from ground.languages import is_english, language
from ground.models import Industry, Precision, Region
from incidents import handling
from incidents.handling import Casualties, FirstReport
from incidents.levels import AccidentLevel, ResponseLevel
from incidents.lifecycle import CLOSED_STATUSES, OPEN_STATUSES, IncidentStatus
from incidents.models import Incident, LogEntry, LogKind

COUNTS = ("deaths", "missing", "trapped", "injured", "seriously_injured")
MOST = 1_000_000  # nobody counts further; a number with a slip of twenty digits would not fit the column


class SuggestedLevel(serializers.Serializer):
    """The accident level that the figures suggest, and the rule and limb that decided. The officer decides."""

    confirmed = TermField(AccidentLevel)
    counting_missing = TermField(AccidentLevel)
    why = serializers.CharField()


class IncidentRow(serializers.ModelSerializer):
    """An incident. The caller's number is masked."""

    id = serializers.UUIDField(source="public_id")
    kind_name = serializers.SerializerMethodField()
    status_name = WordField(IncidentStatus, source="status")
    industry = Named()
    region = Named(allow_null=True)
    enterprise = Reference(allow_null=True)
    site = Reference(allow_null=True)
    caller_phone = MaskedPhone()
    suggested_level = serializers.SerializerMethodField()
    callouts = CalloutReference(many=True)

    class Meta:
        model = Incident
        fields = (
            *("id", "number", "title", "kind", "kind_name", "status", "status_name", "is_drill"),
            *("industry", "enterprise", "site", "region", "address", "latitude", "longitude", "precision"),
            *("summary", "substance", "safety_notice", "caller_name", "caller_phone"),
            *(*COUNTS, "loss_wan", "accident_level", "response_level", "suggested_level"),
            *("occurred_at", "reported_at", "closed_at", "outcome", "callouts"),
        )

    def get_kind_name(self, incident: Incident) -> str:
        return kinds.by_code(incident.kind).word(language())

    @extend_schema_field(SuggestedLevel)
    def get_suggested_level(self, incident: Incident) -> dict[str, str]:
        said = incident.suggested_level()
        return {
            "confirmed": said.confirmed.level.value,
            "counting_missing": said.counting_missing.level.value,
            "why": said.en if is_english() else said.zh,
        }


class LogRow(serializers.ModelSerializer):
    """A line of the log. `at` is when it happened, `recorded_at` when it was written down."""

    by = serializers.CharField(source="actor_label")

    class Meta:
        model = LogEntry
        fields = ("seq", "kind", "at", "recorded_at", "text", "by")


class Facts(Placed):
    """What can be said of an incident."""

    kind = KindField()
    enterprise = IdField(any_of(Enterprise), required=False)
    site = IdField(any_of(Site), required=False)
    region = CodeField(Region, required=False)
    address = serializers.CharField(required=False, allow_blank=True, max_length=200)
    industry = CodeField(Industry, required=False)
    title = serializers.CharField(required=False, max_length=120)
    summary = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    substance = serializers.CharField(required=False, allow_blank=True, max_length=60)
    safety_notice = serializers.CharField(required=False, allow_blank=True, max_length=200)
    deaths = serializers.IntegerField(required=False, min_value=0, max_value=MOST)
    missing = serializers.IntegerField(required=False, min_value=0, max_value=MOST)
    trapped = serializers.IntegerField(required=False, min_value=0, max_value=MOST)
    injured = serializers.IntegerField(required=False, min_value=0, max_value=MOST)
    seriously_injured = serializers.IntegerField(
        required=False, min_value=0, max_value=MOST, help_text="Among the injured; acute poisoning counts."
    )
    loss_wan = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST,
        help_text="10,000 yuan (万元).",  # not translated: the unit
    )
    caller_name = serializers.CharField(required=False, allow_blank=True, max_length=40)
    caller_phone = PhoneField(required=False)
    occurred_at = MomentGiven(required=False)
    accident_level = TermField(AccidentLevel, required=False)
    response_level = TermField(ResponseLevel, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        before: Incident | None = self.context.get("incident")
        site = attrs.get("site")
        if site is not None:
            enterprise = attrs.setdefault("enterprise", site.enterprise)
            if enterprise != site.enterprise:
                raise _wrong(
                    "site",
                    f"厂区“{site.name}”属于{site.enterprise.name}。请改选厂区或企业。",
                    f"The site “{site.name}” is of {site.enterprise.name}. Choose another site or enterprise.",
                )
        injured, seriously = (
            attrs.get(name, getattr(before, name, 0)) for name in ("injured", "seriously_injured")
        )
        if seriously > injured:
            raise _wrong(
                "seriously_injured",
                f"重伤 {seriously} 人多于受伤 {injured} 人；重伤包含在受伤之内。",
                f"{seriously} seriously injured are more than {injured} injured, of whom they are part.",
            )
        occurred: datetime | None = attrs.get("occurred_at")
        if occurred and occurred > self.context["view"].at:
            raise _wrong(
                "occurred_at",
                "发生时间在将来。请核对日期和时区（例如 +08:00）。",
                "It lies in the future. Check the date and the offset (for example +08:00).",
            )
        return attrs


class NewIncident(Facts):
    """Two facts are enough: the kind, and an enterprise or a place."""

    is_drill = serializers.BooleanField(default=False)


class Correction(Facts):
    """Only what changes. Whoever was asked is told when it concerns them."""

    kind = KindField(required=False)


class Corrected(IncidentRow):
    told = serializers.IntegerField(help_text="How many people were told.")

    class Meta(IncidentRow.Meta):
        fields = (*IncidentRow.Meta.fields, "told")


class IncidentQuery(Query):
    status = TermField(IncidentStatus, required=False)
    open = serializers.BooleanField(required=False, allow_null=True, default=None)
    industry = CodeField(Industry, required=False)
    region = CodeField(Region, required=False, help_text="With all regions inside it.")
    enterprise = IdField(Enterprise.objects.open_to, required=False)


class NewLine(Body):
    text = serializers.CharField(max_length=2000)
    happened_at = MomentGiven(required=False, help_text="Now, if left out.")


class Outcome(Body):
    outcome = serializers.CharField(max_length=2000, help_text="How it ended, for the log.")


class Reason(Body):
    reason = serializers.CharField(max_length=200)


def shown(user: Any) -> QuerySet[Incident]:
    return (
        Incident.objects.open_to(user)
        .select_related("industry", "region", "enterprise", "site")
        .prefetch_related(Prefetch("callouts", Callout.objects.order_by("started_at", "id")))
    )


class IncidentFace(Face):
    """What the views of one incident share. Opening and changing one takes the right to handle incidents."""

    permission_classes = [
        Needs.any_of(Permission.READ_INCIDENTS),
        ToWrite.any_of(Permission.HANDLE_INCIDENTS),
    ]

    def incident(self) -> Incident:
        """Return the incident of the address; whoever would change it must handle incidents where it is."""
        found = get_object_or_404(Incident.objects.open_to(self.user), public_id=self.kwargs["public_id"])
        changes = self.request.method not in SAFE_METHODS
        handled = Incident.objects.open_to(self.user, Permission.HANDLE_INCIDENTS)
        if changes and not handled.filter(pk=found.pk).exists():
            raise PermissionDenied
        return found

    def as_now(self, incident: Incident) -> dict[str, Any]:
        return IncidentRow(shown(self.user).get(pk=incident.pk)).data


class Incidents(IncidentFace, ListAPIView):
    """Incidents, the latest first."""

    pagination_class = Cursor.by("-reported_at", "-id")
    serializer_class = IncidentRow

    @extend_schema(parameters=[IncidentQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Incident]:
        asked = asked_of(self, IncidentQuery)
        found = shown(self.user)
        if (is_open := asked.pop("open")) is not None:
            found = found.filter(status__in=OPEN_STATUSES if is_open else CLOSED_STATUSES)
        if "region" in asked:
            found = found.filter(inside(asked.pop("region")))
        return found.filter(**asked)

    @extend_schema(request=NewIncident, responses={201: IncidentRow}, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request) -> Response:
        """Open an incident. Nobody is called out by this."""
        said = read(self, NewIncident, request.data)
        casualties = Casualties(**{name: said.pop(name) for name in COUNTS if name in said})
        incident = handling.open_incident(FirstReport(casualties=casualties, **said), by=self.by, at=self.at)
        return Response(self.as_now(incident), status=status.HTTP_201_CREATED)


class IncidentDetail(IncidentFace):
    """One incident."""

    @extend_schema(responses=IncidentRow)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(self.as_now(self.incident()))

    @extend_schema(request=Correction, responses=Corrected)
    def patch(self, request: Request, public_id: str) -> Response:
        """Correct facts of an open incident. Matching is not run again: ask for candidates if it matters."""
        incident = self.incident()
        said = read(self, Correction, request.data, incident=incident)
        point = said.pop("point")
        if point:
            said |= {
                "latitude": point.latitude,
                "longitude": point.longitude,
                "precision": Precision.EXACT,
            }
        told = closing.correct_incident(incident, said, by=self.by, at=self.at)
        tasks.nudge()
        return Response({**self.as_now(incident), "told": told})


class IncidentLog(IncidentFace, ListAPIView):
    """The log, in order."""

    pagination_class = Cursor.by("seq")
    serializer_class = LogRow

    def get_queryset(self) -> QuerySet[LogEntry]:
        return self.incident().log.all()

    @extend_schema(request=NewLine, responses={201: LogRow}, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        """Write a line. It cannot be changed afterwards; a correction is another line."""
        incident = self.incident()
        said = read(self, NewLine, request.data)
        line = handling.note(
            incident,
            said["text"],
            by=self.by,
            at=self.at,
            kind=LogKind.HUMAN,
            happened_at=said.get("happened_at"),
        )
        return Response(LogRow(line).data, status=status.HTTP_201_CREATED)


class CloseIncident(IncidentFace):
    """Close an incident: its callouts end, whoever is still out is released and told."""

    @extend_schema(request=Outcome, responses=IncidentRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        incident = self.incident()
        said = read(self, Outcome, request.data)
        closing.close_incident(incident, outcome=said["outcome"], by=self.by, at=self.at)
        tasks.nudge()
        return Response(self.as_now(incident))


class WithdrawIncident(IncidentFace):
    """Withdraw a false alarm: everybody who was asked or had accepted is stood down and told."""

    @extend_schema(request=Reason, responses=IncidentRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        incident = self.incident()
        said = read(self, Reason, request.data)
        closing.withdraw_incident(incident, reason=said["reason"], by=self.by, at=self.at)
        tasks.nudge()
        return Response(self.as_now(incident))


def _wrong(field: str, zh: str, en: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: invalid(zh, en).detail})
