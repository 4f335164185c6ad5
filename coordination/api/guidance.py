"""Guidance requests: asked by the enterprise, accepted, scheduled, reported, rated."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import Enterprise, Site
from coordination import guidance, tasks
from coordination.api.callouts import CalloutReference
from coordination.api.faces import Face, ToWrite
from coordination.api.fields import (
    Body,
    DayGiven,
    IdField,
    MaskedPhone,
    Named,
    PhoneField,
    Query,
    Reference,
    TermField,
    WordField,
    asked_of,
    read,
    refuse_foreign_site,
)
from coordination.api.idempotency import KEY_PARAMETER, idempotent
from coordination.api.pagination import Cursor
from coordination.api.problems import invalid
from coordination.draws import MOST_SEATS
from coordination.guidance import FoundThing, Wish
from coordination.models import Finding, GuidanceRequest
from coordination.visits import GuidanceKind, GuidanceStatus
from ground.access import Permission
from ground.guards import Needs

P = Permission
READS = Needs.any_of(P.READ_GUIDANCE, P.OWN_ENTERPRISE)


class FindingRow(serializers.ModelSerializer):
    class Meta:
        model = Finding
        fields = ("number", "text", "advice", "due_on", "rectified_at", "rectification")


class GuidanceRow(serializers.ModelSerializer):
    """A guidance request. The contact's number is masked."""

    id = serializers.UUIDField(source="public_id")
    enterprise = Reference()
    site = Reference(allow_null=True)
    industry = Named()
    kind = TermField(GuidanceKind, allow_blank=True)
    kind_name = WordField(GuidanceKind, source="kind")
    status_name = WordField(GuidanceStatus, source="status")
    contact_phone = MaskedPhone()
    findings = FindingRow(many=True)
    callouts = CalloutReference(many=True)

    class Meta:
        model = GuidanceRequest
        fields = (
            *("id", "number", "enterprise", "site", "industry", "kind", "kind_name", "status", "status_name"),
            *("description", "wished_from", "wished_until", "experts_wanted"),
            *("contact_name", "contact_phone", "created_at", "submitted_at", "accepted_at", "return_reason"),
            *("visit_from", "visit_until", "visited_at", "report", "reported_at", "findings"),
            *("rating", "rating_comment", "rated_at", "payer", "closed_at", "cancel_reason", "callouts"),
        )


class WishBody(Body):
    """What the enterprise asks for; in a draft anything may still be missing."""

    kind = TermField(GuidanceKind, required=False)
    site = IdField(Site.objects.open_to, required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    wished_from = DayGiven(required=False, allow_null=True)
    wished_until = DayGiven(required=False, allow_null=True)
    experts_wanted = serializers.IntegerField(required=False, min_value=1, max_value=MOST_SEATS)
    contact_name = serializers.CharField(required=False, allow_blank=True, max_length=40)
    contact_phone = PhoneField(required=False)


class NewRequest(WishBody):
    """A request of the caller's own enterprise, handed in at once unless `submit` is false."""

    enterprise = IdField(Enterprise.objects.of, required=False, help_text="Needed if you belong to several.")
    submit = serializers.BooleanField(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "enterprise" not in attrs:
            own = list(Enterprise.objects.of(self.user)[:2])
            if len(own) != 1:
                raise serializers.ValidationError(
                    {
                        "enterprise": invalid(
                            "您的账号不止属于一家企业，或还不属于任何企业。请填写 enterprise，或联系系统管理员。",
                            "Your account belongs to several enterprises or to none. "
                            "Give enterprise, or ask the system administrator.",
                        ).detail
                    }
                )
            attrs["enterprise"] = own[0]
        refuse_foreign_site(attrs.get("site"), attrs["enterprise"])
        return attrs


class WhyBody(Body):
    reason = serializers.CharField(max_length=200)


class DaysBody(Body):
    visit_from = DayGiven()
    visit_until = DayGiven(required=False, help_text="The same day, if left out.")


class FindingBody(Body):
    text = serializers.CharField(max_length=400)
    advice = serializers.CharField(required=False, allow_blank=True, max_length=400)
    due_on = DayGiven(required=False, allow_null=True)


class GuidanceReportBody(Body):
    text = serializers.CharField(max_length=20_000)
    findings = serializers.ListField(child=FindingBody(), required=False, max_length=200)


class RatingBody(Body):
    stars = serializers.IntegerField(help_text="One to five.")
    comment = serializers.CharField(required=False, allow_blank=True, max_length=400)


class NoBody(Body):
    """No content is needed."""


class GuidanceQuery(Query):
    status = TermField(GuidanceStatus, required=False)
    kind = TermField(GuidanceKind, required=False)
    enterprise = IdField(Enterprise.objects.open_to, required=False)


class GuidanceFace(Face):
    """What the views of requests share. A request of another enterprise does not exist."""

    permission_classes = [READS, ToWrite.any_of(P.OWN_ENTERPRISE)]

    def shown(self) -> QuerySet[GuidanceRequest]:
        return (
            GuidanceRequest.objects.readable_by(self.user)
            .select_related("enterprise", "site", "industry")
            .prefetch_related("findings", "callouts")
        )

    def found(self) -> GuidanceRequest:
        return get_object_or_404(self.shown(), public_id=self.kwargs["public_id"])

    def found_to_change(self) -> GuidanceRequest:
        """Return the request of the address.

        :raises PermissionDenied: if the caller may see it but not take this step.
        """
        found = self.found()
        if not self.theirs().filter(pk=found.pk).exists():
            raise PermissionDenied
        return found

    def theirs(self) -> QuerySet[GuidanceRequest]:
        """Return the requests that the caller may change here: those of their own enterprise."""
        return GuidanceRequest.objects.of(self.user)

    def as_now(self, request: GuidanceRequest) -> dict[str, Any]:
        return GuidanceRow(self.shown().get(pk=request.pk)).data


class GuidanceRequests(GuidanceFace, ListAPIView):
    """Requests, the latest first; an enterprise's account sees its own. Drafts are the enterprise's only."""

    pagination_class = Cursor.by("-created_at", "-id")
    serializer_class = GuidanceRow

    @extend_schema(parameters=[GuidanceQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[GuidanceRequest]:
        return self.shown().filter(**asked_of(self, GuidanceQuery))

    @extend_schema(request=NewRequest, responses={201: GuidanceRow}, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for guidance."""
        said = read(self, NewRequest, request.data)
        enterprise, submit = said.pop("enterprise"), said.pop("submit")
        made = guidance.draft(enterprise, Wish(**said), by=self.by, at=self.at)
        if submit:
            guidance.submit(made, by=self.by, at=self.at)
            tasks.nudge()
        return Response(self.as_now(made), status=status.HTTP_201_CREATED)


class GuidanceDetail(GuidanceFace):
    """One request."""

    @extend_schema(responses=GuidanceRow)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(GuidanceRow(self.found()).data)

    @extend_schema(request=WishBody, responses=GuidanceRow)
    def patch(self, request: Request, public_id: str) -> Response:
        """Change what is asked for, while it is a draft or has been returned."""
        found = self.found_to_change()
        said = read(self, WishBody, request.data)
        refuse_foreign_site(said.get("site"), found.enterprise)
        before = {
            "kind": GuidanceKind(found.kind) if found.kind else None,
            **{
                name: getattr(found, name)
                for name in (
                    *("site", "description", "wished_from", "wished_until", "experts_wanted"),
                    *("contact_name", "contact_phone"),
                )
            },
        }
        guidance.save(found, Wish(**{**before, **said}), by=self.by, at=self.at)
        return Response(self.as_now(found))


class GuidanceStep(GuidanceFace):
    """What the steps share: find, check, write, show."""

    body: type[Body] = NoBody

    def step(self, request: Request) -> Response:
        found = self.found_to_change()
        self.write(found, read(self, self.body, request.data))
        tasks.nudge()
        return Response(self.as_now(found))

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        raise NotImplementedError


class SubmitGuidance(GuidanceStep):
    """Hand a draft or a returned request in."""

    @extend_schema(request=NoBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        guidance.submit(found, by=self.by, at=self.at)


class CancelGuidance(GuidanceStep):
    """Call a request off: experts who were asked or have accepted are stood down and told."""

    permission_classes = [READS, ToWrite.any_of(P.OWN_ENTERPRISE, P.HANDLE_GUIDANCE)]
    body = WhyBody

    def theirs(self) -> QuerySet[GuidanceRequest]:
        handled = GuidanceRequest.objects.open_to(self.user, P.HANDLE_GUIDANCE).values("pk")
        return GuidanceRequest.objects.filter(Q(pk__in=handled) | Q(pk__in=super().theirs().values("pk")))

    @extend_schema(request=WhyBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        guidance.cancel(found, reason=said["reason"], by=self.by, at=self.at)


class RateGuidance(GuidanceStep):
    """Take the enterprise's rating."""

    body = RatingBody

    @extend_schema(request=RatingBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        guidance.rate(found, said["stars"], comment=said.get("comment", ""), by=self.by, at=self.at)


class CentreStep(GuidanceStep):
    """A step that is the centre's to take."""

    permission_classes = [READS, ToWrite.any_of(P.HANDLE_GUIDANCE)]

    def theirs(self) -> QuerySet[GuidanceRequest]:
        return GuidanceRequest.objects.open_to(self.user, P.HANDLE_GUIDANCE)


class AcceptGuidance(CentreStep):
    """Take a submitted request on; the enterprise is told."""

    @extend_schema(request=NoBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        guidance.accept(found, by=self.by, at=self.at)


class ReturnGuidance(CentreStep):
    """Give a submitted request back to be completed."""

    body = WhyBody

    @extend_schema(request=WhyBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        guidance.return_to_enterprise(found, reason=said["reason"], by=self.by, at=self.at)


class ScheduleGuidance(CentreStep):
    """Agree on the days of the visit; the experts and the enterprise are told."""

    body = DaysBody

    @extend_schema(request=DaysBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        first = said["visit_from"]
        guidance.schedule(
            found, visit_from=first, visit_until=said.get("visit_until", first), by=self.by, at=self.at
        )


class VisitedGuidance(CentreStep):
    """Record that the experts have been there."""

    @extend_schema(request=NoBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        guidance.visited(found, by=self.by, at=self.at)


class ReportGuidance(CentreStep):
    """Take the report of the visit, with what was found."""

    body = GuidanceReportBody

    @extend_schema(request=GuidanceReportBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        findings = [FoundThing(**one) for one in said.get("findings", ())]
        guidance.report(found, said["text"], findings=findings, by=self.by, at=self.at)


class CloseGuidance(CentreStep):
    """File a reported request; it need not have been rated."""

    @extend_schema(request=NoBody, responses=GuidanceRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, found: GuidanceRequest, said: dict[str, Any]) -> None:
        guidance.close(found, by=self.by, at=self.at)
