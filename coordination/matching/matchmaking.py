"""Matching itself: every candidate looked at for every requirement, and the seats filled over all needs at once.

Pure. Reading the candidates is left to `candidates`, keeping what was used to `recommendations`, asking to
`callouts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coordination.matching.fits import Fit, case_of
from coordination.matching.matches import Match, Matching
from coordination.matching.needs import Need, Vocabulary
from coordination.matching.pool import Pool
from coordination.matching.ranking import Ranked, rank, reserves_wanted
from coordination.matching.scoring import TURNOUT_MINUTES, Weights
from coordination.matching.seating import seat
from coordination.paging import InviteeKind


def match(
    need: Need,
    *,
    experts: Pool | None = None,
    teams: Pool | None = None,
    vocabulary: Vocabulary | None = None,
    weights: Weights | None = None,
    turnout: Mapping[InviteeKind, float] = TURNOUT_MINUTES,
) -> Matching:
    """Return who fits each requirement of the need, who is proposed for its seats, and why nobody else.

    Total: no candidates, no place and no seats have an answer too. The same need, pools, weights and
    versions give the same answer, in whatever order the candidates were read. A missing pool is an
    empty one.

    :raises ValueError: if two requirements have the same key.
    """
    return match_all(
        [need], experts=experts, teams=teams, vocabulary=vocabulary, weights=weights, turnout=turnout
    )[0]


def match_all(
    needs: Sequence[Need],
    *,
    experts: Pool | None = None,
    teams: Pool | None = None,
    vocabulary: Vocabulary | None = None,
    weights: Weights | None = None,
    turnout: Mapping[InviteeKind, float] = TURNOUT_MINUTES,
) -> list[Matching]:
    """Return the same for several needs at once, so that no two of them count on the same person.

    Over all their seats together: the most worth filled (a seat is worth its need's severity, a critical one
    twice), as few of a near trade as possible, the earliest worst arrival of those urgently asked for on site,
    the least sum of costs.

    :raises ValueError: if two requirements of a need have the same key.
    """
    for need in needs:
        keys = [ask.key for ask in need.requirements]
        if len(set(keys)) < len(keys):
            raise ValueError(f"two requirements of a need have the same key: {keys}")
    vocabulary = vocabulary or Vocabulary()
    weights = weights or Weights()
    pools = {
        InviteeKind.EXPERT: experts if experts is not None else Pool.of_experts(),
        InviteeKind.TEAM: teams if teams is not None else Pool.of_teams(),
    }
    first_who = {InviteeKind.EXPERT: 0, InviteeKind.TEAM: len(pools[InviteeKind.EXPERT])}
    asks = [(at, need, ask) for at, need in enumerate(needs) for ask in need.requirements]
    enough = {
        kind: sum(reserves_wanted(ask) + max(0, ask.seats) for _, _, ask in asks if ask.kind is kind)
        for kind in InviteeKind
    }
    ranked = [
        rank(case_of(pools[ask.kind], need, ask, vocabulary), weights, turnout, enough[ask.kind])
        for _, need, ask in asks
    ]
    seated = [
        [who - first_who[ask.kind] for who in sitting]
        for (_, _, ask), sitting in zip(
            asks,
            seat([one.bench(first_who[one.case.pool.kind]) for one in ranked]),
            strict=True,
        )
    ]
    reserved = _reserves(ranked, seated, [at for at, _, _ in asks])
    matches = [_match(at, ranked, seated, reserved, weights, turnout) for at in range(len(asks))]
    return [
        Matching(
            need,
            tuple(one for (at, _, _), one in zip(asks, matches, strict=True) if at == number),
            weights,
        )
        for number, need in enumerate(needs)
    ]


def _reserves(
    ranked: Sequence[Ranked], seated: Sequence[Sequence[int]], need_of: Sequence[int]
) -> list[list[int]]:
    """Deal out the best who sit nowhere, one a requirement in turn: one person is asked once a call-out."""
    sitting = {(one.case.pool.kind, row) for one, rows in zip(ranked, seated, strict=True) for row in rows}
    reserves: list[list[int]] = [[] for _ in ranked]
    for need in sorted(set(need_of)):
        taken = set(sitting)
        mine = [at for at, of in enumerate(need_of) if of == need]
        waiting = {at: (int(row) for row in ranked[at].scores.rows) for at in mine}
        for turn in range(max((reserves_wanted(ranked[at].case.requirement) for at in mine), default=0)):
            for at in mine:
                kind = ranked[at].case.pool.kind
                if turn >= reserves_wanted(ranked[at].case.requirement):
                    continue
                free = next((row for row in waiting[at] if (kind, row) not in taken), None)
                if free is not None:
                    taken.add((kind, free))
                    reserves[at].append(free)
    return reserves


def _match(
    at: int,
    ranked: Sequence[Ranked],
    seated: Sequence[Sequence[int]],
    reserved: Sequence[Sequence[int]],
    weights: Weights,
    turnout: Mapping[InviteeKind, float],
) -> Match:
    picks, reserves = seated[at], reserved[at]
    mine = ranked[at]
    case = mine.case

    def lost(rows_by_requirement: Sequence[Sequence[int]]) -> int:
        """Count those of the trade who went to other requirements."""
        others = {
            row
            for other, rows in enumerate(rows_by_requirement)
            if other != at and ranked[other].case.pool is case.pool
            for row in rows
        }
        return sum(mine.bars[row] == 0 and case.fits[row] > Fit.NEAR for row in others)

    # Seats left empty need no look of their own: whoever could take one would be among the reserves.
    used_up = len(reserves) < reserves_wanted(case.requirement) or any(
        case.fits[row] <= Fit.NEAR for row in (*picks, *reserves)
    )
    return Match(
        requirement=case.requirement,
        picks=tuple(int(case.pool.ids[row]) for row in picks),
        reserves=tuple(int(case.pool.ids[row]) for row in reserves),
        widened=used_up and bool((case.fits == Fit.NEAR).any()),
        _ranked=mine,
        _weights=weights,
        _turnout=turnout,
        _seated_elsewhere=int(lost(seated)),
        _reserved_elsewhere=int(lost(reserved)),
        _kept_for={
            row: other.case.need.label
            for other, rows in zip(ranked, seated, strict=True)
            if other.case.need is not case.need and other.case.pool is case.pool
            for row in rows
        },
    )
