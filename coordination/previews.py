"""What a callout would do, told before it is started. Reads only, and decides by the very rule that starting does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordination import outgoing, paging
from coordination.callouts import Invitee, RequirementSpec
from coordination.models import Invitation
from coordination.paging import InvitationStatus, Mode


@dataclass(frozen=True)
class FirstWave:
    """Whom a callout would ask at once. `listed` are asked after them; `unreachable` by no channel at all."""

    experts: int = 0
    teams: int = 0
    listed: int = 0
    unreachable: tuple[str, ...] = ()


def first_wave(
    requirements: Sequence[RequirementSpec],
    invitees: Sequence[Invitee],
    *,
    policy: str,
    severity: int,
    at: datetime,
) -> FirstWave:
    """Return whom `callouts.start` would ask, by the same rule. Writes nothing.

    An unknown policy asks nobody. Who holds a seat elsewhere is passed over; for who cannot be reached the
    next is asked.
    """
    if policy not in paging.POLICIES:
        return FirstWave()
    chosen = paging.POLICIES[policy]
    held = set(Invitation.objects.holding_a_seat().values_list("expert", "team"))
    asks = [
        paging.Ask(
            number,
            one.requirement,
            number,
            InvitationStatus.LISTED,
            available=_is_free(one, requirements, held),
        )
        for number, one in enumerate(invitees)
    ]
    free = {number: spec.seats for number, spec in enumerate(requirements)}
    per_seat = {
        number: chosen.asked_per_seat(spec.kind, severity=severity)
        for number, spec in enumerate(requirements)
    }
    cut_off = outgoing.unreachable([one.expert or one.team for one in invitees], chosen)
    while isinstance(
        step := paging.next_step(free, asks, chosen, at=at, per_seat=per_seat), paging.InviteMore
    ):
        for number in step.invitation_ids:
            asks[number] = replace(
                asks[number], status=InvitationStatus.ASKED, asked_at=at, reachable=number not in cut_off
            )
    asked = [number for number, ask in enumerate(asks) if ask.status is InvitationStatus.ASKED]
    reached = [invitees[number] for number in asked if number not in cut_off]
    teams = sum(one.team is not None for one in reached)
    return FirstWave(
        experts=len(reached) - teams,
        teams=teams,
        listed=len(invitees) - len(asked),
        unreachable=tuple(
            str(invitees[number].expert or invitees[number].team) for number in asked if number in cut_off
        ),
    )


def _is_free(
    invitee: Invitee, requirements: Sequence[RequirementSpec], held: Collection[tuple[int | None, int | None]]
) -> bool:
    if requirements[invitee.requirement].mode != Mode.ONSITE:
        return True
    return (
        invitee.expert.pk if invitee.expert else None,
        invitee.team.pk if invitee.team else None,
    ) not in held
