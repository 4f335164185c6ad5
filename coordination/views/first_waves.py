"""What pressing the button will do, said before it is pressed: whom it asks, over which channels, and what then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from coordination import channels, policy_words, previews, recommendations
from coordination.callouts import Invitee, RequirementSpec
from coordination.matching import Match
from coordination.paging import POLICIES, InviteeKind
from coordination.previews import FirstWave
from coordination.recommendations import LISTED, Proposal
from ground.terms import Words

# Of those behind the ticked so many a seat, so that a list lasts when most of them say no.
LISTED_PER_TICK = 3


@dataclass(frozen=True)
class Shown:
    """The first wave in figures and the policy in words; `over` where more are asked than there are seats."""

    wave: FirstWave
    how: Words
    over: tuple[Words, ...]


def shown(
    requirements: Sequence[RequirementSpec],
    invitees: Sequence[Invitee],
    *,
    policy: str,
    severity: int,
    at: datetime,
) -> Shown:
    chosen = POLICIES.get(policy, POLICIES["urgent"])
    kinds = dict.fromkeys(spec.kind for spec in requirements)
    over = (policy_words.over_asking(chosen, InviteeKind(kind), severity=severity) for kind in kinds)
    return Shown(
        previews.first_wave(requirements, invitees, policy=chosen.code, severity=severity, at=at),
        policy_words.whole(chosen, channels.reach()),
        tuple(words for words in over if words),
    )


def ordered(proposal: Proposal, ticked: Mapping[str, Sequence[int]], *, backups: bool) -> list[Invitee]:
    """Return the ticked in the order shown; behind them, if wanted, who is asked when these say no.

    A pick that was not ticked was left out on purpose, so it does not come back as a backup.
    """
    if not backups:
        return recommendations.invitees(proposal, ticked)
    lists = {}
    for one in proposal.matching:
        # Ticked for another seat is no backup for this one: a person is asked once.
        elsewhere = {
            pk
            for other in proposal.matching
            if other is not one and other.requirement.kind is one.requirement.kind
            for pk in ticked.get(other.requirement.key, ())
        }
        lists[one.requirement.key] = _with_backups(one, ticked.get(one.requirement.key, ()), elsewhere)
    return recommendations.invitees(proposal, lists)


def _with_backups(one: Match, ticked: Sequence[int], elsewhere: Set[int]) -> list[int]:
    left_out = (set(one.picks) - set(ticked)) | elsewhere
    backups = [pk for pk in (*one.reserves, *one.ids(LISTED)) if pk not in ticked and pk not in left_out]
    return list(dict.fromkeys([*ticked, *backups]))[: max(LISTED, LISTED_PER_TICK * len(ticked))]
