"""Rows of the coordination: requests, callouts and what hangs on them, messages, what matching proposed."""

from coordination.models.callouts import (
    AnswerToken,
    Callout,
    Deployment,
    DeploymentStep,
    Invitation,
    Requirement,
    Seat,
)
from coordination.models.contact_drills import ContactCheck, ContactDrill
from coordination.models.deliveries import ChannelPull, Delivery, Inbound, InboxMessage, SendIntent, Worker
from coordination.models.draws import Draw
from coordination.models.guidance import Finding, GuidanceRequest
from coordination.models.plans import ResponsePlan, ResponsePlanLine
from coordination.models.recommendations import IdempotentAnswer, Recommendation, RecommendationInputs
from coordination.models.watch import WatchReport
from coordination.models.weights import MatchingWeights

__all__ = [
    "AnswerToken",
    "Callout",
    "ContactCheck",
    "ChannelPull",
    "ContactDrill",
    "Delivery",
    "Deployment",
    "DeploymentStep",
    "Draw",
    "Finding",
    "GuidanceRequest",
    "IdempotentAnswer",
    "Inbound",
    "InboxMessage",
    "Invitation",
    "MatchingWeights",
    "Recommendation",
    "RecommendationInputs",
    "Requirement",
    "ResponsePlan",
    "ResponsePlanLine",
    "Seat",
    "SendIntent",
    "WatchReport",
    "Worker",
]
