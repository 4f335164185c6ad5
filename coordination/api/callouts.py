"""Callouts: started, watched, changed, stopped."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import RescueTeam
from coordination import calling, callouts, guidance, recommendations, tasks
from coordination.api.faces import Face, ToWrite
from coordination.api.fields import Body, IdField, Named, Query, TermField, any_of, asked_of, read
from coordination.api.idempotency import KEY_PARAMETER, idempotent
from coordination.api.invitations import InvitationRow, invitations_shown
from coordination.api.matching import RequirementsField, specs
from coordination.api.pagination import Cursor
from coordination.api.problems import invalid
from coordination.callouts import MOST_SEATS, Invitee, RequirementSpec
from coordination.models import Callout, GuidanceRequest, Invitation, Requirement, Seat
from coordination.paging import POLICIES, CalloutStatus, InviteeKind, Mode
from coordination.recommendations import Proposal, Subject
from experts.models import Expert
from ground.access import Permission
from ground.guards import Needs
from incidents.models import Incident

MOST_INVITEES = 500


class CalloutReference(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id")
    status = TermField(CalloutStatus)

    class Meta:
        model = Callout
        fields = ("id", "status", "started_at")


class SubjectReference(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    number = serializers.CharField()


class SeatRow(serializers.ModelSerializer):
    """A seat; `invitation` is null while it is free."""

    invitation = serializers.UUIDField(source="invitation.public_id", allow_null=True, default=None)

    class Meta:
        model = Seat
        fields = ("number", "invitation")


class RequirementRow(serializers.ModelSerializer):
    kind = TermField(InviteeKind)
    mode = TermField(Mode)
    industry = Named(allow_null=True)
    specialty = Named(allow_null=True)
    capability = Named(allow_null=True)
    seats = SeatRow(many=True)

    class Meta:
        model = Requirement
        fields = (
            *("position", "kind", "mode", "industry", "specialty", "capability", "certificate"),
            *("critical", "urgent", "seats"),
        )


class CalloutRow(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id")
    incident = SubjectReference(allow_null=True)
    guidance_request = SubjectReference(allow_null=True)
    policy = serializers.CharField(source="policy_code")
    status = TermField(CalloutStatus)
    requirements = RequirementRow(many=True)

    class Meta:
        model = Callout
        fields = (
            *("id", "incident", "guidance_request", "policy", "status", "wave", "paused", "next_step_at"),
            *("started_at", "first_filled_at", "closed_at", "close_reason", "requirements"),
        )


class CalloutWhole(CalloutRow):
    """A callout with its invitations in the order of asking."""

    invitations = InvitationRow(many=True)

    class Meta(CalloutRow.Meta):
        fields = (*CalloutRow.Meta.fields, "invitations")


class InviteeBody(Body):
    """Somebody to ask, for the requirement at this position."""

    requirement = serializers.IntegerField(min_value=1)
    expert = IdField(any_of(Expert), required=False)
    team = IdField(any_of(RescueTeam), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("expert" in attrs) == ("team" in attrs):
            raise invalid("请填 expert 或 team 中的一个。", "Give one of expert and team.")
        return attrs


class PolicyField(serializers.ChoiceField):
    """How patiently is asked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=[(one.code, one.zh) for one in POLICIES.values()], **options)

    def to_internal_value(self, data: Any) -> str:
        if str(data) in POLICIES:
            return str(data)
        raise invalid(
            f"没有“{data}”这种通知策略，可选：{'、'.join(f'{p.code}（{p.zh}）' for p in POLICIES.values())}。",
            f"There is no policy “{data}”; choose one of: {'; '.join(f'{p.code} ({p.en})' for p in POLICIES.values())}.",
        )


class NewCallout(Body):
    """Whom to look for, and for what. Without `invitees` those are asked whom matching proposes."""

    incident = IdField(Incident.objects.open_to, required=False)
    guidance_request = IdField(GuidanceRequest.objects.readable_by, required=False)
    requirements = RequirementsField()
    policy = PolicyField(required=False, help_text="urgent for an incident, patient for a request.")
    invitees = serializers.ListField(
        child=InviteeBody(),
        required=False,
        allow_empty=False,
        max_length=MOST_INVITEES,
        help_text="In the order of asking.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("incident" in attrs) == ("guidance_request" in attrs):
            raise invalid(
                "请填 incident 或 guidance_request 中的一个。", "Give one of incident and guidance_request."
            )
        _refuse_wrong_places(attrs.get("invitees", []), [line["kind"] for line in attrs["requirements"]])
        if "guidance_request" in attrs and attrs.get("policy", "patient") != "patient":
            raise serializers.ValidationError(
                {
                    "policy": invalid(
                        "指导申请的通知策略是 patient（从容）。请删去 policy 或改为 patient。",
                        "A guidance request is asked for with patience. Leave policy out, or write patient.",
                        suggestion="patient",
                    ).detail
                }
            )
        return attrs


class MoreInvitees(Body):
    """People to put on the list. Without any, the next wave is asked now, without waiting for answers."""

    invitees = serializers.ListField(
        child=InviteeBody(), required=False, allow_empty=False, max_length=MOST_INVITEES
    )


class Stop(Body):
    reason = serializers.CharField(max_length=200)
    release_accepted = serializers.BooleanField(
        default=False, help_text="Stand down those who accepted, too (a false alarm)."
    )


class SeatsChange(Body):
    seats = serializers.IntegerField(min_value=0, max_value=MOST_SEATS)


class WaveRow(serializers.Serializer):
    """The invitations sent together."""

    number = serializers.IntegerField()
    asked_at = serializers.DateTimeField()
    invitations = InvitationRow(many=True)


class CalloutQuery(Query):
    incident = IdField(Incident.objects.open_to, required=False)
    guidance_request = IdField(GuidanceRequest.objects.readable_by, required=False)
    status = TermField(CalloutStatus, required=False)


class CalloutFace(Face):
    """What the views of callouts share. Changing one takes the right over what it is for."""

    permission_classes = [
        Needs.any_of(Permission.READ_INCIDENTS, Permission.READ_GUIDANCE),
        ToWrite.any_of(Permission.CALL_OUT, Permission.HANDLE_GUIDANCE),
    ]

    def shown(self) -> QuerySet[Callout]:
        return (
            Callout.objects.open_to(self.user)
            .select_related("incident", "guidance_request")
            .prefetch_related(
                Prefetch(
                    "requirements",
                    Requirement.objects.select_related("industry", "specialty", "capability").order_by(
                        "position"
                    ),
                ),
                Prefetch(
                    "requirements__seats",
                    Seat.objects.select_related("invitation").order_by("number"),
                ),
            )
        )

    def callout(self) -> Callout:
        """Return the callout of the address, for a change.

        :raises PermissionDenied: if the caller may see it but not change it.
        """
        callout = get_object_or_404(Callout.objects.open_to(self.user), public_id=self.kwargs["public_id"])
        if not Callout.objects.changeable_by(self.user).filter(pk=callout.pk).exists():
            raise PermissionDenied
        return callout

    def whole(self, callout: Callout, *, reveal: bool = False) -> dict[str, Any]:
        """Return the callout as it now is. What is kept for a repeated call carries no full number."""
        row = (
            self.shown()
            .prefetch_related(Prefetch("invitations", invitations_shown(Invitation.objects.order_by("rank"))))
            .get(pk=callout.pk)
        )
        return CalloutWhole(row, context={"request": self.request, "reveal": reveal}).data


class Callouts(CalloutFace, ListAPIView):
    """Callouts, the latest first."""

    pagination_class = Cursor.by("-started_at", "-id")
    serializer_class = CalloutRow

    @extend_schema(parameters=[CalloutQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Callout]:
        return self.shown().filter(**asked_of(self, CalloutQuery))

    @extend_schema(request=NewCallout, responses={201: CalloutWhole}, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request) -> Response:
        """Call people out: the first wave is asked at once."""
        said = read(self, NewCallout, request.data)
        subject: Subject = said.get("incident") or said["guidance_request"]
        self._refuse_unless_theirs(subject)
        wanted = specs(said["requirements"])
        proposal = recommendations.propose(subject, wanted, at=self.at)
        people = recommendations.invitees(proposal, _chosen(said.get("invitees"), len(wanted)))
        callout = self._start(proposal, people, said.get("policy", "urgent"))
        tasks.nudge()
        return Response(self.whole(callout), status=status.HTTP_201_CREATED)

    def _refuse_unless_theirs(self, subject: Subject) -> None:
        theirs = (
            Incident.objects.open_to(self.user, Permission.CALL_OUT)
            if isinstance(subject, Incident)
            else GuidanceRequest.objects.open_to(self.user, Permission.HANDLE_GUIDANCE)
        )
        if not theirs.filter(pk=subject.pk).exists():
            raise PermissionDenied

    def _start(self, proposal: Proposal, people: list[Invitee], policy: str) -> Callout:
        if isinstance(proposal.subject, GuidanceRequest):
            return guidance.source(proposal.subject, proposal, people, by=self.by, at=self.at)
        return calling.start(proposal, people, policy=policy, by=self.by, at=self.at)


class CalloutDetail(CalloutFace):
    """One callout with its seats and invitations; contacts in full for those who may see them."""

    @extend_schema(responses=CalloutWhole)
    def get(self, request: Request, public_id: str) -> Response:
        callout = get_object_or_404(Callout.objects.open_to(self.user), public_id=public_id)
        reveals = Permission.REVEAL_CONTACTS
        theirs = Callout.objects.open_to(self.user, incidents=reveals, guidance=reveals)
        return Response(self.whole(callout, reveal=theirs.filter(pk=callout.pk).exists()))


class StopCallout(CalloutFace):
    """End a callout: whoever was asked and has no seat is stood down and told."""

    @extend_schema(request=Stop, responses=CalloutWhole, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        callout = self.callout()
        said = read(self, Stop, request.data)
        callouts.stop(callout, **said, by=self.by, at=self.at)
        tasks.nudge()
        return Response(self.whole(callout))


class Waves(CalloutFace):
    """Who was asked together with whom."""

    @extend_schema(responses=WaveRow(many=True))
    def get(self, request: Request, public_id: str) -> Response:
        callout = get_object_or_404(Callout.objects.open_to(self.user), public_id=public_id)
        waves: dict[int, list[Invitation]] = {}
        for invitation in invitations_shown(callout.invitations.exclude(wave=None).order_by("wave", "rank")):
            waves.setdefault(invitation.wave or 0, []).append(invitation)
        rows = [
            {"number": number, "asked_at": asked[0].asked_at, "invitations": asked}
            for number, asked in waves.items()
        ]
        return Response(WaveRow(rows, many=True, context={"request": request}).data)

    @extend_schema(request=MoreInvitees, responses=CalloutWhole, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        """Put more people on the list; or, without any, ask the next wave now."""
        callout = self.callout()
        said = read(self, MoreInvitees, request.data)
        if "invitees" in said:
            self._add(callout, said["invitees"])
        else:
            callouts.resume(callout, by=self.by, at=self.at)
        tasks.nudge()
        return Response(self.whole(callout))

    def _add(self, callout: Callout, listed: list[dict[str, Any]]) -> None:
        rows = list(callout.requirements.select_related("industry", "specialty", "capability"))
        _refuse_wrong_places(listed, [InviteeKind(row.kind) for row in rows])
        proposal = self._proposal(callout, rows)
        people = recommendations.invitees(proposal, _chosen(listed, len(rows)))
        if callout.guidance_request:
            asked = callout.guidance_request
            guidance.ask_more(asked, callout, proposal, people, by=self.by, at=self.at)
        else:
            calling.add(callout, proposal, people, by=self.by, at=self.at)

    def _proposal(self, callout: Callout, rows: list[Requirement]) -> Proposal:
        """Match once more, so that those who are added carry what speaks for and against them."""
        subject: Subject = callout.incident or callout.guidance_request
        wanted = [
            RequirementSpec.of(row, seats=max(1, row.seats.filter(invitation=None).count())) for row in rows
        ]
        return recommendations.propose(subject, wanted, at=self.at)


class CalloutRequirement(CalloutFace):
    """The number of seats of one requirement."""

    @extend_schema(request=SeatsChange, responses=CalloutWhole)
    def patch(self, request: Request, public_id: str, position: int) -> Response:
        """Raise or lower the number of seats while the callout runs."""
        callout = self.callout()
        requirement = get_object_or_404(callout.requirements, position=position)
        said = read(self, SeatsChange, request.data)
        callouts.change_seats(requirement, said["seats"], by=self.by, at=self.at)
        tasks.nudge()
        return Response(self.whole(callout))


def _chosen(invitees: list[dict[str, Any]] | None, requirements: int) -> dict[str, list[int]] | None:
    """Return who was listed, by requirement, as matching names them; None if nobody was."""
    if invitees is None:
        return None
    chosen: dict[str, list[int]] = {str(position): [] for position in range(1, requirements + 1)}
    for one in invitees:
        chosen[str(one["requirement"])].append((one.get("expert") or one["team"]).pk)
    return chosen


def _refuse_wrong_places(invitees: list[dict[str, Any]], kinds: list[InviteeKind]) -> None:
    """Refuse those listed for a requirement that is not there, or is of the other kind."""
    for number, one in enumerate(invitees):
        position = one["requirement"]
        if position > len(kinds):
            wrong = invalid(
                f"没有第 {position} 项岗位，一共 {len(kinds)} 项。",
                f"There is no requirement {position}; there are {len(kinds)}.",
            )
        elif (kinds[position - 1] is InviteeKind.EXPERT) != ("expert" in one):
            kind = kinds[position - 1]
            wrong = invalid(
                f"第 {position} 项岗位要的是{kind.zh}。", f"Requirement {position} asks for: {kind.en}."
            )
        else:
            continue
        raise serializers.ValidationError({f"invitees[{number}].requirement": wrong.detail})
