"""The policies in words: what each sends to whom and when, as this installation can carry it out. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coordination import channels, policy_words
from coordination.paging import POLICIES, InviteeKind, Medium, Policy
from ground.access import Permission
from ground.guards import needs
from ground.terms import Words, joined
from incidents.levels import AccidentLevel


@dataclass(frozen=True)
class Said:
    policy: Policy
    name: Words
    steps: Sequence[Words]
    with_everything: Sequence[Words]  # empty where nothing is missing
    then: Words
    valid_for: Words
    per_seat: Sequence[tuple[InviteeKind, Sequence[float]]]


@require_safe
@needs(Permission.READ_INCIDENTS, Permission.READ_GUIDANCE)
def index(request: HttpRequest) -> HttpResponse:
    media = channels.reach()
    return render(
        request,
        "coordination/policies/index.html",
        {
            "policies": [_said(policy) for policy in POLICIES.values()],
            "media": joined([Words(medium.zh, medium.en) for medium in media]) if media else Words("—", "—"),
            "levels": list(AccidentLevel),
        },
    )


def _said(policy: Policy) -> Said:
    here = policy_words.steps(policy, channels.reach())
    full = policy_words.steps(policy, [medium for medium in Medium if medium is not Medium.INBOX])
    return Said(
        policy,
        Words(policy.zh, policy.en),
        here,
        full if full != here else (),
        policy_words.if_nobody_answers(policy),
        policy_words.span(policy.message_valid_for),
        [(kind, policy.per_seat[kind]) for kind in InviteeKind],
    )
