"""Whether a rescue team can go: said by the team itself, read by matching."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from contracts.models import RescueTeam, TeamState
from ground import audit
from ground.audit import Actor
from ground.mistakes import Mistake, Refused

# What a team may say of itself. 已派出 follows from its deployments, 注销 is the roster's business.
OWN_STATES: Final = (TeamState.READY, TeamState.RESTING, TeamState.OUT_OF_SERVICE)


class NotYours(Mistake):
    """A state that a team cannot give itself."""


class NotYet(Mistake):
    """A shift that ends in the future."""


class Disbanded(Refused):
    """The team no longer exists."""


def declare(team: RescueTeam, state: str, *, by: Actor, at: datetime) -> None:
    """Write what the team says of itself; saying the same again changes nothing.

    :raises NotYours: if it is not one of `OWN_STATES`. :raises Disbanded: if the team has been disbanded.
    """
    if state not in OWN_STATES:
        choices = [TeamState(one) for one in OWN_STATES]
        raise NotYours(
            f"队伍状态只能改为：{'、'.join(one.zh for one in choices)}。",
            f"A team can only be: {', '.join(one.en for one in choices)}.",
        )
    with transaction.atomic():
        locked = _locked(team)
        if locked.state == state:
            return
        audit.record("team.state", locked, by=by, at=at, before=locked.state, after=state)
        locked.state = state
        locked.save(update_fields=["state"])
        team.state = state


def end_apparatus_shift(team: RescueTeam, *, ended_at: datetime, by: Actor, at: datetime) -> None:
    """Write when a team's shift under breathing apparatus ended; matching lets it rest from then on.

    The latest shift counts: an earlier one, or the same again, changes nothing.

    :raises NotYet: if the shift would end after `at`. :raises Disbanded: if the team has been disbanded.
    """
    if ended_at > at:
        raise NotYet(
            "班次结束时间晚于现在。请填写已经结束的班次的结束时间。",
            "The shift would end in the future. Give the time at which it ended.",
        )
    with transaction.atomic():
        locked = _locked(team)
        before = locked.apparatus_shift_ended_at
        if before is not None and before >= ended_at:
            return
        audit.record(
            *("team.apparatus_shift", locked),
            by=by,
            at=at,
            before=before.isoformat() if before else None,
            after=ended_at.isoformat(),
        )
        locked.apparatus_shift_ended_at = team.apparatus_shift_ended_at = ended_at
        locked.save(update_fields=["apparatus_shift_ended_at"])


def _locked(team: RescueTeam) -> RescueTeam:
    """Return the team with its row locked.

    :raises Disbanded: if it no longer exists.
    """
    locked = RescueTeam.objects.select_for_update(of=("self",), no_key=True).get(pk=team.pk)
    if locked.state == TeamState.DISBANDED:
        raise Disbanded(
            f"{locked.name}已注销，不能再改状态。请联系名册管理员。",
            f"{locked.name} has been disbanded; ask the roster admin.",
        )
    return locked
