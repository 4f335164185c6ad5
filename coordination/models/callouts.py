"""One attempt to fill the seats of an incident or a guidance request.

The constraints carry the safety: seats are rows, so nothing can be over-filled; an open callout
always has a next moment, so none can be forgotten; a person holds one exclusive seat at a time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Capability, RescueTeam
from coordination import reply_texts
from coordination.models.guidance import GuidanceRequest
from coordination.paging import (
    POLICIES,
    AnswerSource,
    CalloutStatus,
    DeploymentStatus,
    InvitationStatus,
    InviteeKind,
    Mode,
    Policy,
    Reply,
)
from experts.models import Expert
from ground.access import Permission
from ground.models import Industry, PublicIdModel, Specialty, User
from incidents.models import Incident

# Every sender looks each second, so by then several have looked in vain, or none runs.
OVERDUE_AFTER: Final = timedelta(seconds=30)


class CalloutQuerySet(models.QuerySet["Callout"]):
    def open_to(
        self,
        user: User,
        *,
        incidents: Permission = Permission.READ_INCIDENTS,
        guidance: Permission = Permission.READ_GUIDANCE,
    ) -> CalloutQuerySet:
        """Return those of the incidents and of the guidance requests with which `user` may do these things."""
        return self.filter(
            Q(incident__in=Incident.objects.open_to(user, incidents).values("pk"))
            | Q(guidance_request__in=GuidanceRequest.objects.open_to(user, guidance).values("pk"))
        )

    def changeable_by(self, user: User) -> CalloutQuerySet:
        """Return those that `user` may start, change and stop, and in which they may speak for the invitees."""
        return self.open_to(user, incidents=Permission.CALL_OUT, guidance=Permission.HANDLE_GUIDANCE)

    def due(self, at: datetime) -> CalloutQuerySet:
        """Return the open callouts whose next moment has come, the longest due first."""
        return self.filter(status=CalloutStatus.OPEN, next_step_at__lte=at).order_by("next_step_at", "id")

    def overdue(self, at: datetime) -> CalloutQuerySet:
        """Return the open callouts that should have moved on so long ago that something is wrong."""
        return self.filter(status=CalloutStatus.OPEN, next_step_at__lt=at - OVERDUE_AFTER)

    def live(self) -> CalloutQuerySet:
        return self.exclude(status=CalloutStatus.CLOSED)

    def locked(self, pk: int) -> Callout:
        """Return the callout with its row locked until the transaction ends.

        Every operation that touches a callout, its seats or invitations starts here (after locking
        its incident or request, if it needs that), so two never take the same locks in opposite orders.
        """
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)


class Callout(PublicIdModel):
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, blank=True, related_name="callouts")
    guidance_request = models.ForeignKey(
        GuidanceRequest, models.PROTECT, null=True, blank=True, related_name="callouts"
    )
    policy_code = models.CharField(max_length=10, choices=[(p.code, p.zh) for p in POLICIES.values()])
    status = models.CharField(max_length=10, choices=CalloutStatus.choices(), default=CalloutStatus.OPEN)
    wave = models.PositiveIntegerField(default=0)
    next_step_at = models.DateTimeField(null=True)  # null once nothing more will be asked
    paused = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True)  # since when, while it is
    failed_steps = models.PositiveSmallIntegerField(default=0)  # in a row; see `callouts.set_aside`
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    first_filled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=200, blank=True)

    objects = CalloutQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(incident__isnull=False, guidance_request=None)
                | Q(incident=None, guidance_request__isnull=False),
                name="callout_for_incident_or_request",
            ),
            models.CheckConstraint(
                condition=~Q(status="open") | Q(next_step_at__isnull=False), name="open_callout_has_next_step"
            ),
            models.CheckConstraint(
                condition=Q(paused=False) | Q(paused_at__isnull=False), name="paused_callout_has_moment"
            ),
        ]
        indexes = [models.Index(fields=["next_step_at"], condition=Q(status="open"), name="callout_due")]

    def __str__(self) -> str:
        return f"{self.incident or self.guidance_request} #{self.pk}"

    @property
    def policy(self) -> Policy:
        return POLICIES[self.policy_code]

    def asked_per_seat(self) -> dict[int, float]:
        """Return how many are asked at once for a free seat, by requirement: as bad as the incident is now."""
        severity = self.incident.severity if self.incident else 1
        return {
            requirement.pk: self.policy.asked_per_seat(InviteeKind(requirement.kind), severity=severity)
            for requirement in self.requirements.all()
        }


class Requirement(models.Model):
    """One line of a need: this kind of person or team, this many seats (the Seat rows are the number)."""

    callout = models.ForeignKey(Callout, models.CASCADE, related_name="requirements")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=InviteeKind.choices())
    mode = models.CharField(max_length=8, choices=Mode.choices(), default=Mode.ONSITE)
    industry = models.ForeignKey(Industry, models.PROTECT, null=True, blank=True, related_name="+")
    specialty = models.ForeignKey(Specialty, models.PROTECT, null=True, blank=True, related_name="+")
    capability = models.ForeignKey(Capability, models.PROTECT, null=True, blank=True, related_name="+")
    certificate = models.CharField(max_length=60, blank=True)
    critical = models.BooleanField(default=False)
    # Experts who are there soon rather than the best of them; teams are always asked so.
    urgent = models.BooleanField(default=False)

    class Meta:
        ordering = ["callout", "position"]
        constraints = [
            models.UniqueConstraint(fields=["callout", "position"], name="requirement_placed_once")
        ]

    def __str__(self) -> str:
        return f"{self.callout} · {InviteeKind(self.kind).zh}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open_to(self, user: User) -> InvitationQuerySet:
        """Return those of the callouts that `user` may read, and those to their own team."""
        # On the list is not asked: a team hears of it when it is asked.
        own = Q(team__in=RescueTeam.objects.of(user).values("pk"), asked_at__isnull=False)
        return self.filter(Q(callout__in=Callout.objects.open_to(user).values("pk")) | own)

    def holding_a_seat(self) -> InvitationQuerySet:
        """Return those whose invitee cannot take another seat on site: accepted, and not released yet."""
        return self.filter(status=InvitationStatus.ACCEPTED, exclusive=True)


class Invitation(PublicIdModel):
    """One ask to one expert or team within a callout."""

    callout = models.ForeignKey(Callout, models.CASCADE, related_name="invitations")
    requirement = models.ForeignKey(Requirement, models.CASCADE, related_name="invitations")
    expert = models.ForeignKey(Expert, models.PROTECT, null=True, blank=True, related_name="invitations")
    team = models.ForeignKey(RescueTeam, models.PROTECT, null=True, blank=True, related_name="invitations")
    rank = models.PositiveIntegerField()
    wave = models.PositiveIntegerField(null=True)
    status = models.CharField(
        max_length=12, choices=InvitationStatus.choices(), default=InvitationStatus.LISTED
    )
    # True while an accepted on-site incident seat is held: until the deployment is released.
    exclusive = models.BooleanField(default=False)
    asked_at = models.DateTimeField(null=True)
    # For so long the callout was paused while they were waited for: their window is longer by that.
    held_for = models.DurationField(default=timedelta)
    first_seen_at = models.DateTimeField(null=True)  # from the visible page's beacon, never from a GET
    answered_at = models.DateTimeField(null=True)
    reply = models.CharField(max_length=8, choices=Reply.choices(), blank=True)
    answer_source = models.CharField(max_length=8, choices=AnswerSource.choices(), blank=True)
    answered_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+"
    )  # who recorded it, if not the invitee
    eta_at = models.DateTimeField(null=True)
    crew = models.PositiveIntegerField(null=True)
    vehicles = models.PositiveIntegerField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    back_on = models.DateField(null=True)
    # What matching said when this invitee was listed: kept, so that the page and the paper say the same.
    distance_km = models.FloatField(null=True)
    travel_minutes = models.FloatField(null=True)
    travel_source = models.CharField(max_length=20, blank=True)
    score = models.FloatField(null=True)
    reasons = models.JSONField(default=dict)
    basis = models.CharField(max_length=12, blank=True)
    override_reason = models.CharField(max_length=200, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["callout", "rank"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expert__isnull=False, team=None) | Q(expert=None, team__isnull=False),
                name="invitation_to_expert_or_team",
            ),
            models.UniqueConstraint(fields=["callout", "expert"], name="expert_invited_once_per_callout"),
            models.UniqueConstraint(fields=["callout", "team"], name="team_invited_once_per_callout"),
            models.UniqueConstraint(
                fields=["expert"], condition=Q(status="accepted", exclusive=True), name="expert_in_one_place"
            ),
            models.UniqueConstraint(
                fields=["team"], condition=Q(status="accepted", exclusive=True), name="team_in_one_place"
            ),
            models.CheckConstraint(
                condition=~Q(status="asked") | Q(asked_at__isnull=False), name="asked_invitation_has_moment"
            ),
        ]
        indexes = [
            # All that matching asks of a year's invitations stands in it, so that no row has to be read for it.
            models.Index(
                fields=["expert", "team", "asked_at", "answered_at", "status"], name="contacts_of_invitees"
            ),
            models.Index(fields=["asked_at"], name="invitation_by_asking"),
        ]

    def __str__(self) -> str:
        return f"{self.invitee} · {InvitationStatus(self.status).zh}"

    @property
    def invitee(self) -> Expert | RescueTeam:
        return self.expert or self.team  # type: ignore[return-value]  # a constraint: one of the two is set

    @property
    def is_remote(self) -> bool:
        """Say whether nobody has to drive: asked for advice from afar, or no more than that was offered."""
        return self.reply == Reply.REMOTE or self.requirement.mode == Mode.REMOTE

    @property
    def will_not_come(self) -> bool:
        """Say whether they offered no more than advice from afar, where somebody is asked to come."""
        return self.reply == Reply.REMOTE and self.requirement.mode == Mode.ONSITE

    @property
    def offered(self) -> tuple[Reply, ...]:
        """Return what may be answered to this ask."""
        return reply_texts.offered(InviteeKind(self.requirement.kind), Mode(self.requirement.mode))

    @property
    def answer_by(self) -> datetime | None:
        """Return when the answering window closes, pauses so far included; None if nobody was asked yet."""
        if self.asked_at is None:
            return None
        return self.asked_at + self.callout.policy.answer_within + self.held_for


class Seat(models.Model):
    """One row of a requirement, free or taken by one invitation."""

    requirement = models.ForeignKey(Requirement, models.CASCADE, related_name="seats")
    number = models.PositiveSmallIntegerField()
    invitation = models.OneToOneField(Invitation, models.PROTECT, null=True, related_name="seat")

    class Meta:
        ordering = ["requirement", "number"]
        constraints = [models.UniqueConstraint(fields=["requirement", "number"], name="seat_numbered_once")]

    def __str__(self) -> str:
        return f"{self.requirement} · {self.number}"


class AnswerToken(models.Model):
    """The secret in an answer link; only its SHA-256 is kept. `nonce` lets the sender derive it again."""

    invitation = models.ForeignKey(Invitation, models.CASCADE, related_name="tokens")
    nonce = models.CharField(max_length=32)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.invitation}"


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def open_to(self, user: User) -> DeploymentQuerySet:
        return self.filter(invitation__in=Invitation.objects.open_to(user).values("pk"))


class Deployment(PublicIdModel):
    """What follows an accepted invitation; `status` is the last step's."""

    invitation = models.OneToOneField(Invitation, models.PROTECT, related_name="deployment")
    status = models.CharField(
        max_length=12, choices=DeploymentStatus.choices(), default=DeploymentStatus.COMMITTED
    )
    report = models.TextField(_("意见或报告"), blank=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.invitation} · {DeploymentStatus(self.status).zh}"


class DeploymentStep(models.Model):
    """A step of a deployment: when, said by whom, where."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="steps")
    status = models.CharField(max_length=12, choices=DeploymentStatus.choices())
    at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=8, choices=AnswerSource.choices())
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.deployment} {self.at:%H:%M}"
