"""Ending an incident with everything that hangs on it, and correcting it while people are under way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from coordination import callouts, deliveries, deployments, wording
from coordination.models import Deployment
from coordination.paging import OUT, AnswerSource, InvitationStatus, Purpose
from ground.audit import Actor
from incidents import handling
from incidents.lifecycle import IncidentStatus
from incidents.models import Incident

# What changes for those who are asked or under way: where to go, and to what.
_CONCERNS_THOSE_ASKED = frozenset(
    {"kind", "title", "latitude", "longitude", "address", "region", "enterprise", "site", "safety_notice"}
)


def close_incident(incident: Incident, *, outcome: str, by: Actor, at: datetime) -> None:
    """Close an incident: its callouts end, whoever is still out is released and told.

    :raises handling.MoveNotAllowed: if it is over already.
    """
    with transaction.atomic():
        Incident.objects.locked(incident.pk)
        for callout in incident.callouts.live():
            callouts.stop(callout, reason="事件处置结束", release_accepted=False, by=by, at=at)
        for deployment in still_out(incident):
            invitation = deployment.invitation
            deployments.release(deployment, by=by, source=AnswerSource.OFFICER, at=at)
            deliveries.tell(
                invitation,
                Purpose.NOTICE,
                subject=wording.stand_down_subject(invitation),
                text=wording.stand_down_text(invitation, "事件处置结束"),
                fields=wording.stand_down_fields(invitation, "事件处置结束"),
                at=at,
            )
        handling.move(incident, IncidentStatus.CLOSED, outcome=outcome, by=by, at=at)


def withdraw_incident(incident: Incident, *, reason: str, by: Actor, at: datetime) -> None:
    """Withdraw a false alarm: everybody who was asked or had accepted is stood down and told."""
    with transaction.atomic():
        Incident.objects.locked(incident.pk)
        for callout in incident.callouts.live():
            callouts.stop(callout, reason="误报撤销", release_accepted=True, by=by, at=at)
        for deployment in still_out(incident):
            # Accepted in a callout that had ended before: they have not heard of this one's end.
            deployments.release(deployment, by=by, source=AnswerSource.OFFICER, at=at)
            deliveries.tell(
                deployment.invitation,
                Purpose.STAND_DOWN,
                subject=wording.stand_down_subject(deployment.invitation),
                text=wording.stand_down_text(deployment.invitation, "误报撤销"),
                fields=wording.stand_down_fields(deployment.invitation, "误报撤销"),
                at=at,
            )
        handling.move(incident, IncidentStatus.WITHDRAWN, outcome=reason, by=by, at=at)


def correct_incident(incident: Incident, changes: Mapping[str, Any], *, by: Actor, at: datetime) -> int:
    """Correct facts of an open incident; return how many people were told because it concerns them.

    Matching is not run again here: the page offers it, since the officer decides whether the new
    place or kind needs other people. If it has become worse than was thought, those callouts that ask more
    at once in a worse case do so now.
    """
    with transaction.atomic():
        was = Incident.objects.locked(incident.pk).severity
        changed = handling.update_facts(incident, changes, by=by, at=at)
        if incident.severity > was:
            for callout in incident.callouts.live():
                callouts.look_again(callout, at=at)
        concerning = _CONCERNS_THOSE_ASKED.intersection(changed)
        if not concerning:
            return 0
        names = {handling.title_of(name) for name in concerning}
        what = "情况有更正（" + "、".join(sorted(names)) + "）"
        return sum(callouts.tell_asked(callout, what, at=at) for callout in incident.callouts.live())


def still_out(incident: Incident) -> list[Deployment]:
    """Return those who have accepted and not returned, whichever callout asked them."""
    return list(
        Deployment.objects.filter(
            invitation__callout__incident=incident,
            invitation__status=InvitationStatus.ACCEPTED,
            status__in=OUT,
        ).select_related("invitation__callout__incident", "invitation__expert", "invitation__team")
    )
