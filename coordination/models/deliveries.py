"""Messages out and messages in. A row here is a promise: it is sent, or it says why not."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import Q

from coordination.inbound import TO_CHECK, InboundKind, InboundResult
from coordination.models.callouts import Callout, Invitation
from coordination.models.contact_drills import ContactCheck
from coordination.models.guidance import GuidanceRequest
from coordination.paging import DEAD, UNSENT, DeliveryStatus, Medium, Purpose, Reply
from ground.models import PublicIdModel, User
from incidents.models import Incident

# A refusal for now puts the next attempt off, so what is due all this while was not even tried.
OVERDUE_AFTER: Final = timedelta(seconds=60)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, at: datetime) -> DeliveryQuerySet:
        """Return what may go to the wire at `at`: unsent, due, not expired, under no running lease."""
        return self.filter(
            Q(lease_until=None) | Q(lease_until__lt=at),
            status__in=list(UNSENT),
            due_at__lte=at,
            expires_at__gt=at,
        )

    def overdue(self, at: datetime) -> DeliveryQuerySet:
        """Return what nobody has tried to send, although it was due so long ago that something is wrong."""
        return self.filter(
            Q(lease_until=None) | Q(lease_until__lt=at),
            due_at__lt=at - OVERDUE_AFTER,
            status__in=list(UNSENT),
        )

    def alive(self) -> DeliveryQuerySet:
        """Return those of which somebody may have heard, or still may."""
        return self.exclude(status__in=list(DEAD))


class Delivery(PublicIdModel):
    """One message to one recipient over one channel. `public_id` is our own reference at the provider."""

    purpose = models.CharField(max_length=12, choices=Purpose.choices())
    invitation = models.ForeignKey(Invitation, models.CASCADE, null=True, related_name="deliveries")
    callout = models.ForeignKey(Callout, models.CASCADE, null=True, related_name="deliveries")
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, related_name="+")
    guidance_request = models.ForeignKey(GuidanceRequest, models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    contact_check = models.ForeignKey(ContactCheck, models.CASCADE, null=True, related_name="deliveries")
    recipient = models.CharField(max_length=80)  # the name, for people who read the log
    channel = models.CharField(max_length=16)
    medium = models.CharField(max_length=8, choices=Medium.choices(), blank=True)  # blank: there was no way
    address = models.CharField(max_length=120)
    subject = models.CharField(max_length=120)
    text = models.TextField()  # without the answer link, which is derived when sending and never stored
    fields = models.JSONField(
        default=dict
    )  # the same in named parts, for channels that send approved templates
    attempt = models.PositiveSmallIntegerField(default=1)  # 2 is the next channel or contact, and so on
    priority = models.PositiveIntegerField(default=5)
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices(), default=DeliveryStatus.PENDING)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    lease_no = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    lease_holder = models.UUIDField(
        null=True
    )  # the worker's boot, so that a dead process's leases can be voided
    provider = models.CharField(max_length=30, blank=True)
    provider_message_id = models.CharField(max_length=120, blank=True)
    provider_sequence = models.BigIntegerField(
        default=-1
    )  # of the last receipt applied; older ones change nothing
    maybe_duplicate = models.BooleanField(default=False)  # sent again after a send whose outcome nobody knows
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["invitation", "purpose", "channel", "attempt"],
                # A notice tells something new each time; everything else is said once an attempt.
                condition=Q(invitation__isnull=False) & ~Q(purpose="notice"),
                name="message_once_per_attempt",
            ),
            models.UniqueConstraint(
                fields=["provider", "provider_message_id"],
                condition=~Q(provider_message_id=""),
                name="provider_message_once",
            ),
            models.CheckConstraint(
                condition=~Q(status="leased") | Q(lease_until__isnull=False), name="leased_delivery_has_lease"
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "due_at"],
                condition=Q(status__in=["pending", "leased", "unknown"]),
                name="delivery_due",
            ),
            models.Index(fields=["address"], condition=Q(purpose="ask"), name="ask_by_address"),
            models.Index(
                fields=["provider", "sent_at"], condition=Q(status="sent"), name="delivery_without_receipt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.channel} · {DeliveryStatus(self.status).zh}"

    @property
    def siblings(self) -> DeliveryQuerySet:
        """Return the other messages by which the same is said to the same person."""
        return Delivery.objects.filter(
            invitation=self.invitation_id,
            user=self.user_id,
            contact_check=self.contact_check_id,
            purpose=self.purpose,
            subject=self.subject,
            created_at=self.created_at,
        ).exclude(pk=self.pk)


class SendOutcome(models.TextChoices):
    ACCEPTED = "accepted"
    REJECTED = "rejected"  # for good: this address will not do
    DEFERRED = "deferred"  # refused for now: later, or by another provider
    AMBIGUOUS = "ambiguous"
    NOT_SENT = "not_sent"


# The provider has certainly not taken it.
NOT_TAKEN = (SendOutcome.REJECTED, SendOutcome.DEFERRED, SendOutcome.NOT_SENT)


class SendIntent(models.Model):
    """Written before the wire: one provider call per lease. Without an outcome the process died in the call."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="intents")
    lease_no = models.PositiveIntegerField()
    channel = models.CharField(max_length=16, blank=True)  # the delivery itself may go over another one later
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=SendOutcome.choices, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["delivery", "lease_no"], name="one_intent_per_lease")]
        indexes = [models.Index(fields=["channel", "at"], name="intents_of_a_channel")]

    def __str__(self) -> str:
        return f"{self.delivery} · {self.lease_no}"


class InboundQuerySet(models.QuerySet["Inbound"]):
    def open_to(self, user: User) -> InboundQuerySet:
        """Return the replies to callouts that `user` may change, and those that are nobody's so far."""
        asks = Delivery.objects.filter(purpose=Purpose.ASK, address=models.OuterRef("address")).exclude(
            address=""
        )
        theirs = asks.filter(callout__in=Callout.objects.changeable_by(user).values("pk"))
        return self.filter(models.Exists(theirs) | ~models.Exists(asks))

    def to_check(self) -> InboundQuerySet:
        """Return what a person has to look at and nobody has yet, the oldest first."""
        return self.filter(result__in=list(TO_CHECK), handled_at=None).order_by("id")


class Inbound(PublicIdModel):
    """What came in from outside, once each: receipts, replies. The unique key makes effects exactly-once."""

    provider = models.CharField(max_length=30)  # the code of the channel
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=InboundKind.choices())
    received_at = models.DateTimeField()
    message_id = models.CharField(max_length=120, blank=True)  # the provider's own name for the message
    address = models.CharField(max_length=120, blank=True)  # of who replied
    body = models.JSONField(default=dict)
    delivery = models.ForeignKey(Delivery, models.SET_NULL, null=True, related_name="inbound")
    invitation = models.ForeignKey(Invitation, models.SET_NULL, null=True, related_name="inbound")
    result = models.CharField(max_length=30, choices=InboundResult.choices(), blank=True)
    # What a person made of it afterwards; nobody, if the sender made it clear themselves.
    handled_at = models.DateTimeField(null=True)
    handled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    handled_as = models.CharField(max_length=8, choices=Reply.choices(), blank=True)  # blank: left alone

    objects = InboundQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="inbound_event_once")]
        indexes = [
            models.Index(fields=["received_at"], condition=Q(result="unknown"), name="inbound_unknown"),
            models.Index(fields=["address"], condition=~Q(address=""), name="inbound_by_address"),
            models.Index(
                fields=["result"],
                condition=Q(handled_at=None) & Q(result__in=sorted(one.value for one in TO_CHECK)),
                name="inbound_to_check",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"


class ChannelPull(models.Model):
    """When a channel is next asked for what has come in, and up to when it was asked with success."""

    channel = models.CharField(max_length=30, primary_key=True)
    due_at = models.DateTimeField()
    pulled_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)  # of the last attempt; empty after a success

    def __str__(self) -> str:
        return self.channel


class InboxMessage(models.Model):
    """A message on one of the demo installation's simulated phones; written by the demo channel only."""

    reference = models.UUIDField(unique=True)
    address = models.CharField(max_length=120, db_index=True)
    recipient = models.CharField(max_length=80)
    subject = models.CharField(max_length=120)
    text = models.TextField()
    link = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.subject}"


class Worker(models.Model):
    """A process that runs the sender loop, seen alive by its heartbeat."""

    boot_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    label = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.label
