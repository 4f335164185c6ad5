"""Invitations and their answers, deployments and their steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import RescueTeam
from coordination import answers, deployments, guidance, tasks
from coordination.answers import Answer, Result
from coordination.api.faces import Face, ToWrite
from coordination.api.fields import (
    Body,
    Contact,
    DayGiven,
    IdField,
    MomentGiven,
    Placed,
    Query,
    TermField,
    WordField,
    asked_of,
    read,
)
from coordination.api.idempotency import KEY_PARAMETER, idempotent
from coordination.api.pagination import Cursor
from coordination.api.problems import invalid
from coordination.models import Callout, Deployment, DeploymentStep, Invitation
from coordination.paging import (
    AnswerSource,
    DeploymentStatus,
    InvitationStatus,
    InviteeKind,
    Reply,
)
from ground.access import Permission
from ground.guards import Needs

# An officer may write down yesterday's answer today; a visit may be weeks away.
LATE_RECORD = timedelta(days=1)
FARTHEST_ARRIVAL = timedelta(days=90)


class InviteeShown(serializers.Serializer):
    """The expert or team. `contacts` are masked unless the callout's page shows them to an officer."""

    kind = serializers.SerializerMethodField()
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    contacts = Contact(many=True)

    def get_kind(self, invitee: Any) -> str:
        return InviteeKind.EXPERT if invitee._meta.model_name == "expert" else InviteeKind.TEAM


class InvitationRow(serializers.ModelSerializer):
    """One ask to one expert or team."""

    id = serializers.UUIDField(source="public_id")
    callout = serializers.UUIDField(source="callout.public_id")
    requirement = serializers.IntegerField(source="requirement.position")
    invitee = InviteeShown()
    status = TermField(InvitationStatus)
    status_name = WordField(InvitationStatus, source="status")
    reply = TermField(Reply, allow_blank=True)
    source = TermField(AnswerSource, source="answer_source", allow_blank=True)
    eta = serializers.DateTimeField(source="eta_at", allow_null=True)
    deployment = serializers.UUIDField(source="deployment.public_id", allow_null=True, default=None)

    class Meta:
        model = Invitation
        fields = (
            *("id", "callout", "requirement", "invitee", "status", "status_name", "rank", "wave"),
            *("asked_at", "first_seen_at", "answered_at", "reply", "source"),
            *("eta", "crew", "vehicles", "reason", "back_on"),
            *("distance_km", "travel_minutes", "travel_source", "score", "basis", "override_reason"),
            "deployment",
        )


class AnswerBody(Body):
    """What an invitee says."""

    reply = TermField(Reply)
    eta = MomentGiven(required=False, allow_null=True)
    crew = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=10_000)
    vehicles = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=10_000)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200)
    back_on = DayGiven(required=False, allow_null=True)
    source = TermField(
        AnswerSource,
        required=False,
        help_text="officer: recorded for somebody on the phone; api: said by a program. Only these two.",
    )

    def validate_eta(self, eta: datetime | None) -> datetime | None:
        at = self.context["view"].at
        if eta and not at - LATE_RECORD <= eta <= at + FARTHEST_ARRIVAL:
            raise invalid(
                "预计到达的时间不可能是这一天。请核对日期和时区（例如 +08:00）。",
                "Nobody can arrive on that day. Check the date and the offset (for example +08:00).",
            )
        return eta

    def validate_source(self, source: AnswerSource) -> AnswerSource:
        if source not in (AnswerSource.OFFICER, AnswerSource.API):
            raise invalid(
                "经接口记录的答复，来源只能是 officer（值班员代答）或 api（接口）。",
                "An answer given over the API comes from officer or api.",
            )
        return source


class Answered(serializers.Serializer):
    result = TermField(Result)
    result_name = WordField(Result, source="result")
    invitation = InvitationRow()


class InvitationQuery(Query):
    callout = IdField(Callout.objects.open_to, required=False)
    status = TermField(InvitationStatus, required=False)


def invitations_shown(invitations: QuerySet[Invitation]) -> QuerySet[Invitation]:
    return invitations.select_related(
        "callout", "requirement", "expert", "team", "deployment"
    ).prefetch_related("expert__contacts", "team__contacts")


class InvitationFace(Face):
    """What the views of invitations and deployments share. A team's account acts for its own team."""

    permission_classes = [
        Needs.any_of(Permission.READ_INCIDENTS, Permission.READ_GUIDANCE, Permission.OWN_TEAM),
        ToWrite.any_of(Permission.CALL_OUT, Permission.HANDLE_GUIDANCE, Permission.OWN_TEAM),
    ]

    def source_for(self, callout: Callout, invitation: Invitation) -> AnswerSource:
        """Return as what this caller speaks here: the officer for others, a program for its own team.

        :raises PermissionDenied: if the caller may see the invitation but not speak for the invitee.
        """
        if Callout.objects.changeable_by(self.user).filter(pk=callout.pk).exists():
            return AnswerSource.OFFICER
        if not RescueTeam.objects.of(self.user).filter(invitations=invitation.pk).exists():
            raise PermissionDenied
        return AnswerSource.API


class Invitations(InvitationFace, ListAPIView):
    """Invitations, the latest first; a team's account sees those to its own team."""

    pagination_class = Cursor.by("-asked_at", "-id")
    serializer_class = InvitationRow

    @extend_schema(parameters=[InvitationQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Invitation]:
        seen = Invitation.objects.open_to(self.user).exclude(asked_at=None)
        return invitations_shown(seen.filter(**asked_of(self, InvitationQuery)))


class InvitationDetail(InvitationFace):
    """One invitation."""

    @extend_schema(responses=InvitationRow)
    def get(self, request: Request, public_id: str) -> Response:
        seen = invitations_shown(Invitation.objects.open_to(self.user))
        return Response(InvitationRow(get_object_or_404(seen, public_id=public_id)).data)


class AnswerInvitation(InvitationFace):
    """Take an invitee's answer. The same answer again changes nothing but the details given."""

    @extend_schema(request=AnswerBody, responses=Answered, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        seen = invitations_shown(Invitation.objects.open_to(self.user))
        invitation = get_object_or_404(seen, public_id=public_id)
        speaks_as = self.source_for(invitation.callout, invitation)
        said = read(self, AnswerBody, request.data)
        source = said.get("source", speaks_as)
        if source is AnswerSource.OFFICER and speaks_as is not AnswerSource.OFFICER:
            raise PermissionDenied
        result = answers.answer(
            invitation,
            Answer(
                said["reply"],
                source,
                eta_at=said.get("eta"),
                crew=said.get("crew"),
                vehicles=said.get("vehicles"),
                reason=said.get("reason", ""),
                back_on=said.get("back_on"),
            ),
            by=self.by,
            at=self.at,
        )
        if invitation.callout.guidance_request:
            guidance.follow(invitation.callout.guidance_request, by=self.by, at=self.at)
        tasks.nudge()
        now = invitations_shown(Invitation.objects.all()).get(pk=invitation.pk)
        return Response(Answered({"result": result, "invitation": now}).data)


class StepRow(serializers.ModelSerializer):
    status = TermField(DeploymentStatus)
    source = TermField(AnswerSource)

    class Meta:
        model = DeploymentStep
        fields = ("status", "at", "source", "latitude", "longitude")


class DeploymentRow(serializers.ModelSerializer):
    """What follows an accepted invitation."""

    id = serializers.UUIDField(source="public_id")
    invitation = serializers.UUIDField(source="invitation.public_id")
    callout = serializers.UUIDField(source="invitation.callout.public_id")
    invitee = InviteeShown(source="invitation.invitee")
    status = TermField(DeploymentStatus)
    status_name = WordField(DeploymentStatus, source="status")
    steps = StepRow(many=True)

    class Meta:
        model = Deployment
        fields = ("id", "invitation", "callout", "invitee", "status", "status_name", "report", "steps")


class DeploymentQuery(Query):
    callout = IdField(Callout.objects.open_to, required=False)
    status = TermField(DeploymentStatus, required=False)


def _deployments_shown(seen: QuerySet[Deployment]) -> QuerySet[Deployment]:
    return seen.select_related(
        "invitation__callout__guidance_request", "invitation__expert", "invitation__team"
    ).prefetch_related(
        "invitation__expert__contacts",
        "invitation__team__contacts",
        Prefetch("steps", DeploymentStep.objects.order_by("id")),
    )


class Deployments(InvitationFace, ListAPIView):
    """Deployments; a team's account sees those of its own team."""

    pagination_class = Cursor.by("public_id")
    serializer_class = DeploymentRow

    @extend_schema(parameters=[DeploymentQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Deployment]:
        asked = asked_of(self, DeploymentQuery)
        if "callout" in asked:
            asked["invitation__callout"] = asked.pop("callout")
        return _deployments_shown(Deployment.objects.open_to(self.user).filter(**asked))


class DeploymentDetail(InvitationFace):
    """One deployment with its steps."""

    @extend_schema(responses=DeploymentRow)
    def get(self, request: Request, public_id: str) -> Response:
        seen = _deployments_shown(Deployment.objects.open_to(self.user))
        return Response(DeploymentRow(get_object_or_404(seen, public_id=public_id)).data)


class Nothing(Body):
    """No content is needed."""


class Arrival(Placed):
    """Where the invitee was on arrival, if they chose to say so."""


class ReportBody(Body):
    text = serializers.CharField(max_length=20_000, help_text="What was seen and advised, what came of it.")


class DeploymentStepFace(InvitationFace):
    """What the four steps share: find, check, write, let a guidance request follow, show."""

    body: type[Body] = Nothing

    def step(self, request: Request) -> Response:
        seen = _deployments_shown(Deployment.objects.open_to(self.user))
        deployment = get_object_or_404(seen, public_id=self.kwargs["public_id"])
        callout = deployment.invitation.callout
        source = self.source_for(callout, deployment.invitation)
        self.write(deployment, read(self, self.body, request.data), source)
        if callout.guidance_request:
            guidance.follow(callout.guidance_request, by=self.by, at=self.at)
        tasks.nudge()
        return Response(
            DeploymentRow(_deployments_shown(Deployment.objects.all()).get(pk=deployment.pk)).data
        )

    def write(self, deployment: Deployment, said: dict[str, Any], source: AnswerSource) -> None:
        raise NotImplementedError


class Depart(DeploymentStepFace):
    """Record that the invitee is on the way."""

    @extend_schema(request=Nothing, responses=DeploymentRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, deployment: Deployment, said: dict[str, Any], source: AnswerSource) -> None:
        deployments.depart(deployment, by=self.by, source=source, at=self.at)


class Arrive(DeploymentStepFace):
    """Record the arrival on the scene, or at the enterprise."""

    body = Arrival

    @extend_schema(request=Arrival, responses=DeploymentRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, deployment: Deployment, said: dict[str, Any], source: AnswerSource) -> None:
        deployments.arrive(deployment, by=self.by, source=source, at=self.at, where=said["point"])


class Release(DeploymentStepFace):
    """Record the return: the invitee may be called elsewhere from now on."""

    @extend_schema(request=Nothing, responses=DeploymentRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, deployment: Deployment, said: dict[str, Any], source: AnswerSource) -> None:
        deployments.release(deployment, by=self.by, source=source, at=self.at)


class Report(DeploymentStepFace):
    """Take the invitee's report, after the release."""

    body = ReportBody

    @extend_schema(request=ReportBody, responses=DeploymentRow, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        return self.step(request)

    def write(self, deployment: Deployment, said: dict[str, Any], source: AnswerSource) -> None:
        deployments.report(deployment, said["text"], by=self.by, source=source, at=self.at)
