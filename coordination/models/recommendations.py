"""What matching proposed, kept as the officer saw it, and the answers to repeated API calls."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from coordination.models.callouts import Callout
from coordination.models.guidance import GuidanceRequest
from ground.models import PublicIdModel, User
from incidents.models import Incident


class Recommendation(PublicIdModel):
    """One run of matching: inputs, rule version, picks, exclusions, shortfalls. Never edited."""

    incident = models.ForeignKey(
        Incident, models.PROTECT, null=True, blank=True, related_name="recommendations"
    )
    guidance_request = models.ForeignKey(
        GuidanceRequest, models.PROTECT, null=True, blank=True, related_name="recommendations"
    )
    callout = models.ForeignKey(
        Callout, models.PROTECT, null=True, blank=True, related_name="recommendations"
    )
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    rules_version = models.CharField(max_length=40)
    need = models.JSONField()
    outcome = models.JSONField()

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(incident=None) | Q(guidance_request=None), name="recommendation_for_one_thing"
            )
        ]

    def __str__(self) -> str:
        return f"{self.incident or self.guidance_request} {self.made_at:%H:%M}"


class RecommendationInputs(models.Model):
    """What a recommendation was worked out from: everybody considered, with the facts of that moment.

    Kept apart, for it is large and read only to work the same answer out again. Compressed JSON.
    """

    recommendation = models.OneToOneField(Recommendation, models.CASCADE, related_name="inputs")
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.recommendation}"


class IdempotentAnswer(models.Model):
    """The answer once given to an API call with an Idempotency-Key, given again when the call is repeated."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=80)
    call = models.CharField(max_length=200)  # method and path
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)  # null while the first call is still being worked on
    answer = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
