"""People called out on the strength of what matching proposed.

Who is asked and why they were proposed are written together or not at all: a callout whose recommendation
was lost could not be explained. What a callout does from then on is left to `callouts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from coordination import callouts, recommendations
from coordination.callouts import Invitee
from coordination.models import Callout
from coordination.recommendations import Proposal
from ground.audit import Actor


def start(
    proposal: Proposal,
    invitees: Sequence[Invitee],
    *,
    policy: str,
    known: int | None = None,
    by: Actor,
    at: datetime,
) -> Callout:
    """Start a callout for what the proposal was made for, and keep the proposal as the reason.

    :raises ValueError: if the proposal is for a bare need, which has nothing to call out for.
        Refuses what `callouts.start` refuses.
    """
    if proposal.subject is None:
        raise ValueError("a proposal for a bare need cannot be called out for")
    with transaction.atomic():
        callout = callouts.start(
            proposal.subject, proposal.requirements, invitees, policy=policy, known=known, by=by, at=at
        )
        recommendations.keep(proposal, by=by, at=at, callout=callout)
    return callout


def add(callout: Callout, proposal: Proposal, invitees: Sequence[Invitee], *, by: Actor, at: datetime) -> int:
    """Put more people on the list of a running callout and keep why; return how many were new."""
    with transaction.atomic():
        added = callouts.add_invitees(callout, invitees, by=by, at=at)
        recommendations.keep(proposal, by=by, at=at, callout=callout)
    return added
