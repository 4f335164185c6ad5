"""What follows an accepted invitation: on the way, on the scene, released, reported.

Each step is a row with its time, who said so and where. The callers are the invitee's own link, the
officer at the phone and the API; a seat on site stays exclusive until the release.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from coordination import wording
from coordination.announcements import announce
from coordination.models import Callout, Deployment, DeploymentStep, GuidanceRequest, Invitation
from coordination.paging import DEPLOYMENT_MOVES, AnswerSource, DeploymentStatus
from ground import audit
from ground.audit import Actor
from ground.mistakes import Mistake, Refused
from ground.places import Point
from incidents import handling
from incidents.models import Incident, LogKind


class StepNotAllowed(Refused):
    """The deployment is in a state that this step cannot follow."""


class NothingReported(Mistake):
    """A report without a word in it."""


def commit(invitation: Invitation, *, by: Actor, source: AnswerSource, at: datetime) -> Deployment:
    """Begin the deployment of an invitee who has taken a seat; the caller holds the callout's lock.

    Somebody who was stood down, or had withdrawn, and takes a seat again begins anew.
    """
    deployment, _made = Deployment.objects.get_or_create(invitation=invitation)
    deployment.status = DeploymentStatus.COMMITTED
    deployment.save(update_fields=["status"])
    _write_step(deployment, by=by, source=source, at=at)
    return deployment


def depart(deployment: Deployment, *, by: Actor, source: AnswerSource, at: datetime) -> None:
    """Record that the invitee is on the way."""
    _step(deployment, DeploymentStatus.EN_ROUTE, "已出发", by=by, source=source, at=at)


def arrive(
    deployment: Deployment, *, by: Actor, source: AnswerSource, at: datetime, where: Point | None = None
) -> None:
    """Record the arrival; `where` only if the invitee chose to send it."""
    _step(deployment, DeploymentStatus.ON_SCENE, "已到场", by=by, source=source, at=at, where=where)


def release(deployment: Deployment, *, by: Actor, source: AnswerSource, at: datetime) -> None:
    """Record the return: the invitee may be called to another incident from now on."""
    _step(deployment, DeploymentStatus.RELEASED, "已返回", by=by, source=source, at=at)


def report(deployment: Deployment, text: str, *, by: Actor, source: AnswerSource, at: datetime) -> None:
    """Take the invitee's report; only after the release.

    :raises NothingReported: if `text` is blank.
    """
    if not text.strip():
        raise NothingReported(
            "报告是空的。请写下到场所见、提出的意见和结果。",
            "The report is empty. Write what was seen, what was advised and what came of it.",
        )
    _step(deployment, DeploymentStatus.REPORTED, "已提交报告", by=by, source=source, at=at, text=text.strip())


def can_stand_down(deployment: Deployment) -> bool:
    return DeploymentStatus.STOOD_DOWN in DEPLOYMENT_MOVES[DeploymentStatus(deployment.status)] or (
        deployment.status == DeploymentStatus.STOOD_DOWN
    )


def stand_down(deployment: Deployment, *, by: Actor, at: datetime) -> None:
    """End a deployment that has not reached the scene; doing it again changes nothing."""
    if deployment.status == DeploymentStatus.STOOD_DOWN:
        return
    _step(deployment, DeploymentStatus.STOOD_DOWN, "撤回", by=by, source=AnswerSource.OFFICER, at=at)


def _step(
    deployment: Deployment,
    to: DeploymentStatus,
    words: str,
    *,
    by: Actor,
    source: AnswerSource,
    at: datetime,
    where: Point | None = None,
    text: str = "",
) -> None:
    with transaction.atomic():
        callout, deployment_row = _lock(deployment)
        current = DeploymentStatus(deployment_row.status)
        if current is to and not text:
            deployment.status = current
            return
        if to not in DEPLOYMENT_MOVES[current]:
            raise StepNotAllowed(
                f"现在是“{current.zh}”，不能登记“{to.zh}”。",
                f"The state is “{current.en}”, so “{to.en}” cannot be recorded.",
            )
        invitation = deployment_row.invitation
        deployment_row.status = deployment.status = to
        if text:
            deployment_row.report = deployment.report = text
        deployment_row.save(update_fields=["status", "report"])
        _write_step(deployment_row, by=by, source=source, at=at, where=where)
        if to in (DeploymentStatus.RELEASED, DeploymentStatus.STOOD_DOWN) and invitation.exclusive:
            invitation.exclusive = False
            invitation.save(update_fields=["exclusive"])
        audit.record(f"deployment.{to.value}", deployment_row, by=by, at=at, source=source.value)
        if callout.incident:
            told = "（值班员登记）" if source is AnswerSource.OFFICER and by.user else ""
            handling.note(
                callout.incident,
                f"{invitation.invitee.name} {words}（{wording.moment(at)}）{told}",
                by=by,
                at=at,
                kind=LogKind.MILESTONE,
            )
            announce(f"incident:{callout.incident.public_id}", "desk")
        elif callout.guidance_request:
            announce(f"guidance:{callout.guidance_request.public_id}", "desk")


def _lock(deployment: Deployment) -> tuple[Callout, Deployment]:
    ids = Invitation.objects.values("callout_id", "callout__incident_id", "callout__guidance_request_id").get(
        pk=deployment.invitation_id
    )
    if ids["callout__incident_id"]:
        Incident.objects.locked(ids["callout__incident_id"])
    else:
        GuidanceRequest.objects.locked(ids["callout__guidance_request_id"])
    callout = Callout.objects.locked(ids["callout_id"])
    row = Deployment.objects.select_related("invitation__expert", "invitation__team").get(pk=deployment.pk)
    return callout, row


def _write_step(
    deployment: Deployment, *, by: Actor, source: AnswerSource, at: datetime, where: Point | None = None
) -> None:
    DeploymentStep.objects.create(
        deployment=deployment,
        status=deployment.status,
        at=at,
        recorded_by=by.user,
        source=source,
        latitude=where.latitude if where else None,
        longitude=where.longitude if where else None,
    )
