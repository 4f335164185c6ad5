"""Whom to ask: the people and teams for a need, best first, with the reasons for and against each.

Pure. `match` looks at every candidate, keeps the reasons of all as bits and puts them into words for those
that are shown. Reading the candidates is left to `candidates`, keeping what was used to `recommendations`,
asking to `callouts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.bases import Basis
from coordination.matching import scoring
from coordination.matching.fits import Case, Fit, case_of
from coordination.matching.needs import Need, Requirement, Vocabulary
from coordination.matching.pool import Pool, Rows
from coordination.matching.reasons import Reason
from coordination.matching.rules import (
    ABOUT_FIT,
    BARS,
    CAUTIONS,
    NEAR_NOT_NEEDED,
    RULES_VERSION,
    Rule,
)
from coordination.matching.scoring import TURNOUT_MINUTES, Weights
from coordination.matching.seating import Bench, seat
from coordination.matching.verdicts import BasisOffered, CandidateRow, Excluded, ReasonCount, Shortfall
from coordination.paging import InviteeKind
from ground.laws import DUTY_TO_JOIN
from ground.places import TravelTimeBasis
from ground.terms import Words, joined

RESERVES_A_SEAT = 3
CRITICAL = 2  # times the worth of an ordinary seat of the same need
# How much of a long list is written down with a recommendation; the counts are always complete.
ROWS_KEPT = 50
EXCLUDED_KEPT = 200

Bits = NDArray[np.uint32]
ALL_BARS = (*BARS, NEAR_NOT_NEEDED)
FIT_BITS = np.uint32(sum(1 << number for number, rule in enumerate(ALL_BARS) if rule.code in ABOUT_FIT))


def _found(rules: Sequence[Rule], case: Case) -> Bits:
    """Return for each row of the pool which rules found it, a bit a rule, the first rule's lowest."""
    found = np.zeros(len(case.pool), dtype=np.uint32)
    for number, rule in enumerate(rules):
        found[rule.finds(case)] |= np.uint32(1 << number)
    return found


def _reasons(rules: Sequence[Rule], bits: int, case: Case, row: int, *, blocks: bool) -> tuple[Reason, ...]:
    return tuple(
        rule.reason(case, row, blocks=blocks) for number, rule in enumerate(rules) if bits >> number & 1
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Those who may go for one requirement, best first: of the trade, then the near trades."""

    case: Case
    bars: Bits
    scores: scoring.Scores
    costs: scoring.Costs
    of_trade: int  # the first so many are of the trade

    def bench(self, first_who: int) -> Bench:
        """Return the seats and who may take them; somebody's number is their row, counted from `first_who`."""
        ask, need = self.case.requirement, self.case.need
        # The last to arrive matters where people wait for help, not for a visit of next week.
        in_a_hurry = need.is_urgent and ask.is_in_a_hurry
        return Bench(
            seats=ask.seats,
            # Of two seats that are worth the same, the one where somebody is waited for is filled.
            weight=2 * need.severity * (CRITICAL if ask.critical else 1) + in_a_hurry,
            who=self.scores.rows + first_who,
            cost=self.costs,
            far=np.arange(len(self.costs)) >= self.of_trade,
            arrival=scoring.arrivals(self.scores) if in_a_hurry else None,
        )


def _rank(case: Case, weights: Weights, turnout: Mapping[InviteeKind, float], enough: int) -> _Ranked:
    """Rank those who may go. With `enough` of the trade, near trades cannot matter and are not measured."""
    bars = _found(BARS, case)
    may_go = bars == 0
    rows = np.flatnonzero(may_go & (case.fits > Fit.NEAR))
    if len(rows) < enough:
        rows = np.flatnonzero(may_go)
    scores = scoring.score(case, rows, weights, turnout)
    costs = scoring.costs_of(case, scores)
    far = case.fits[rows] <= Fit.NEAR
    order = np.lexsort((rows, costs, far))
    return _Ranked(case, bars, scores.taken(order), costs[order], int(np.count_nonzero(~far)))


@dataclass(frozen=True, eq=False)
class Match:
    """What matching says to one requirement. Rows are put into words when they are asked for.

    :ivar picks: ids proposed for the seats, best first.
    :ivar reserves: ids of the next three a seat, in no seat and in no other reserve of the same need.
    :ivar widened: whether near trades are among the candidates, because the trade itself is used up.
    """

    requirement: Requirement
    picks: tuple[int, ...]
    reserves: tuple[int, ...]
    widened: bool
    _ranked: _Ranked
    _weights: Weights
    _turnout: Mapping[InviteeKind, float]
    _seated_elsewhere: int
    _reserved_elsewhere: int

    @property
    def pool(self) -> Pool:
        return self._ranked.case.pool

    @cached_property
    def _bars(self) -> Bits:
        """The reasons against each row of the pool, near trades that were not needed included."""
        if self.widened:
            return self._ranked.bars
        bars = self._ranked.bars.copy()
        bars[self._ranked.case.fits == Fit.NEAR] |= np.uint32(1 << ALL_BARS.index(NEAR_NOT_NEEDED))
        return bars

    @cached_property
    def candidate_count(self) -> int:
        return len(self._ranked.scores.rows) if self.widened else self._ranked.of_trade

    @property
    def considered_count(self) -> int:
        return len(self.pool)

    def ids(self, stop: int | None = None) -> list[int]:
        """Return the ids of those who may go, best first, without any words."""
        rows = self._ranked.scores.rows[: self.candidate_count][:stop]
        return [int(id_) for id_ in self.pool.ids[rows]]

    def rows(self, start: int = 0, stop: int = ROWS_KEPT) -> list[CandidateRow]:
        """Return those who may go, best first, from `start` up to but without `stop`."""
        return [self._row(at) for at in range(self.candidate_count)[start:stop]]

    def picked_rows(self) -> list[CandidateRow]:
        return self._rows_of(self.picks)

    def reserve_rows(self) -> list[CandidateRow]:
        return self._rows_of(self.reserves)

    def about(self, id_: int) -> CandidateRow | Excluded | None:
        """Return what is said about one candidate; None if it was not considered at all."""
        row = self.pool.row(id_)
        if row is None:
            return None
        at = self._position.get(row)
        return self._excluded(row) if at is None else self._row(at)

    @cached_property
    def exclusions(self) -> tuple[ReasonCount, ...]:
        """How many of the trade each reason keeps away, in the order of the rules; one may have several."""
        bars = self._bars[self._kept_away]
        counts = (
            (rule, int(np.count_nonzero(bars & np.uint32(1 << number))))
            for number, rule in enumerate(ALL_BARS)
        )
        return tuple(ReasonCount(rule.code, rule.label, count) for rule, count in counts if count)

    @property
    def excluded_count(self) -> int:
        """How many of the trade are kept away."""
        return len(self._kept_away)

    @property
    def unfit_count(self) -> int:
        """How many are of another trade, or lack what is asked, whatever else speaks against them."""
        return self.considered_count - self.candidate_count - self.excluded_count

    def exclusion_words(self) -> Words:
        """Return "已排除 9 人：请假 4 · 回避 2；另有 53 人行业不符"."""
        people, each = _counted(self.requirement.kind, self.excluded_count)
        counts = [Words(f"{r.label.zh} {r.count}", f"{r.label.en} {r.count}") for r in self.exclusions]
        said = Words(f"已排除 {people}", f"{each} excluded")
        if counts:
            said = joined([said, joined(counts, Words(" · ", " · "))], Words("：", ": "))
        if self.unfit_count:
            people, each = _counted(self.requirement.kind, self.unfit_count)
            other = Words(f"另有 {people}专业或能力不符", f"besides, {each} of other trades or abilities")
            said = joined([said, other], Words("；", "; "))
        return said

    def excluded(self, stop: int | None = EXCLUDED_KEPT) -> list[Excluded]:
        """Return those left out, each with all reasons: those of the trade by id, then the others by id."""
        others = np.flatnonzero((self._bars & FIT_BITS) != 0)
        return [self._excluded(int(row)) for row in np.concatenate([self._kept_away, others])[:stop]]

    def widened_words(self) -> Words | None:
        """Return the sentence that says that, why and how far the search was widened; None if it was not."""
        if not self.widened:
            return None
        names = [self._ranked.case.vocabulary.industry(code) for code in self._near_codes()]
        near = len(self._ranked.scores.rows) - self._ranked.of_trade
        free = self._ranked.of_trade - self._seated_elsewhere - self._reserved_elsewhere
        return Words(
            "本行业可用 {free}，不够 {seats} 席和 {reserves} 名候补，已扩大到相近行业：{names}（{near}）",
            "{free} of the trade available, not enough (seats: {seats}, reserves: {reserves}); "
            "widened to near trades: {names} ({near})",
        ).filled(
            free=Words(*_counted(self.requirement.kind, free)),
            seats=self.requirement.seats,
            reserves=_wanted(self.requirement),
            names=joined(names) if names else Words("相同专业方向", "same specialty"),
            near=Words(*_counted(self.requirement.kind, near)),
        )

    @cached_property
    def shortfall(self) -> Shortfall | None:
        """What is missing and why; None when every seat has somebody."""
        missing = self.requirement.seats - len(self.picks)
        if missing <= 0:
            return None
        causes = self.exclusions
        if self._seated_elsewhere:
            elsewhere = Words("已安排在其他岗位", "seated for another requirement")
            causes = (*causes, ReasonCount("seated_elsewhere", elsewhere, self._seated_elsewhere))
        least = Fit.NEAR if self.widened else Fit.SECONDARY
        fitting = int(np.count_nonzero(self._ranked.case.fits >= least))
        people, each = _counted(self.requirement.kind, missing)
        said = Words(f"还差 {people}", f"{each} short")
        people, each = _counted(self.requirement.kind, fitting)
        whole = Words(f"符合专业的共 {people}", f"{each} of the trade in all")
        counts = [Words(f"{c.label.zh} {c.count}", f"{c.label.en} {c.count}") for c in causes]
        if counts:
            whole = joined([whole, joined(counts, Words(" · ", " · "))], Words("，", ": "))
        return Shortfall(missing, causes, joined([said, whole], Words("：", "; ")))

    def to_dict(self, rows: int = ROWS_KEPT, excluded: int = EXCLUDED_KEPT) -> dict[str, Any]:
        """Return what was shown, for a JSON column. Long lists are cut, the counts are whole."""
        widened = self.widened_words()
        return {
            "requirement": self.requirement.to_dict(),
            "considered": self.considered_count,
            "candidates": self.candidate_count,
            "rows": [row.to_dict() for row in self.rows(0, rows)],
            "picks": list(self.picks),
            "reserves": list(self.reserves),
            "widened": widened.to_dict() if widened else None,
            "excluded_count": self.excluded_count,
            "unfit_count": self.unfit_count,
            "exclusions": [count.to_dict() for count in self.exclusions],
            "excluded": [one.to_dict() for one in self.excluded(excluded)],
            "shortfall": self.shortfall.to_dict() if self.shortfall else None,
        }

    @cached_property
    def _kept_away(self) -> Rows:
        """Rows of the trade (and, once widened, of near trades) with a reason against them."""
        return np.flatnonzero((self._bars != 0) & ((self._bars & FIT_BITS) == 0))

    @cached_property
    def _position(self) -> dict[int, int]:
        shown = self._ranked.scores.rows[: self.candidate_count]
        return {int(row): at for at, row in enumerate(shown)}

    def _rows_of(self, ids: Sequence[int]) -> list[CandidateRow]:
        rows = (self.pool.row(id_) for id_ in ids)
        return [self._row(self._position[row]) for row in rows if row is not None]

    def _near_codes(self) -> list[str]:
        """Return the near trades that the pool has, in the vocabulary's order."""
        case = self._ranked.case
        near = case.vocabulary.near_to(case.requirement.industry or "")
        return [code for code in near if (case.fits[case.pool.primary.rows(code)] == Fit.NEAR).any()]

    @cached_property
    def _cautions(self) -> Bits:
        return _found(CAUTIONS, self._ranked.case)

    def _row(self, at: int) -> CandidateRow:
        case, scores = self._ranked.case, self._ranked.scores
        row = int(scores.rows[at])
        id_ = int(case.pool.ids[row])
        parts = scoring.parts(case, scores, at, self._weights)
        basis = _basis(case, row)
        said_for = [parts[0].words]
        if case.requirement.certificate and case.asks_experts:
            said_for.append(
                Words("持证有效：{name}", "valid certificate: {name}").filled(
                    name=case.requirement.certificate
                )
            )
        if basis and basis.basis in (Basis.OWN, Basis.AGREEMENT):
            said_for.append(basis.words)
        return CandidateRow(
            kind=case.pool.kind,
            id=id_,
            name=case.pool.names[row],
            fit=Fit(case.fits[row]),
            score=round(sum(part.points for part in parts)),
            parts=parts,
            reasons_for=tuple(said_for),
            cautions=_reasons(CAUTIONS, int(self._cautions[row]), case, row, blocks=False),
            distance_km=_known(scores.distances_km[at]),
            minutes=_known(scores.minutes[at]),
            travel_basis=TravelTimeBasis.STRAIGHT_LINE,
            basis=basis,
            is_picked=id_ in self.picks,
            is_reserve=id_ in self.reserves,
        )

    def _excluded(self, row: int) -> Excluded:
        case = self._ranked.case
        distance_km, minutes = scoring.travel(case, np.array([row]), self._turnout)
        return Excluded(
            kind=case.pool.kind,
            id=int(case.pool.ids[row]),
            name=case.pool.names[row],
            reasons=_reasons(ALL_BARS, int(self._bars[row]), case, row, blocks=True),
            distance_km=_known(distance_km[0]),
            minutes=_known(minutes[0]),
        )


def _counted(kind: InviteeKind, count: int) -> tuple[str, str]:
    if kind is InviteeKind.TEAM:
        return f"{count} 支队伍", f"{count} {'team' if count == 1 else 'teams'}"
    return f"{count} 人", f"{count} {'expert' if count == 1 else 'experts'}"


def _basis(case: Case, row: int) -> BasisOffered | None:
    """Return the strongest basis on which this team can be called to a rescue; None for anything else."""
    if case.asks_experts or not case.need.is_urgent:
        return None
    enterprise = case.need.enterprise_id
    if enterprise is not None and case.pool.owners.has(row, str(enterprise)):
        return BasisOffered(Basis.OWN, Words("事发单位自有队伍", "the enterprise's own team"))
    if enterprise is not None:
        holding = [
            (end, promise)
            for start, end, promise in case.pool.agreements.of_row(row, enterprise)
            if start <= case.need.first_day <= end
        ]
        if holding:
            _, promise = max(holding, key=lambda held: (held[0], held[1].number))
            words = Words("协议 {number} 有效", "agreement {number} in force").filled(number=promise.number)
            if promise.minutes is not None:
                promised = Words(f"承诺 {promise.minutes} 分钟到达", f"promised within {promise.minutes} min")
                words = joined([words, promised], Words("，", ", "))
            return BasisOffered(Basis.AGREEMENT, words, DUTY_TO_JOIN, promise.number, promise.minutes)
    words = Words(
        "无有效协议：由政府下达救援命令，或作为协助请求",
        "no agreement in force: by government order, or asked as a favour",
    )
    return BasisOffered(Basis.ORDER, words, DUTY_TO_JOIN)


@dataclass(frozen=True, eq=False)
class Matching:
    """The answer to a need: one `Match` a requirement, in the need's order."""

    need: Need
    matches: tuple[Match, ...]
    weights: Weights
    rules_version: str = RULES_VERSION

    def __iter__(self) -> Iterator[Match]:
        return iter(self.matches)

    def __getitem__(self, key: str) -> Match:
        """Return the match of the requirement with this key.

        :raises KeyError: if the need has no such requirement.
        """
        for one in self.matches:
            if one.requirement.key == key:
                return one
        raise KeyError(key)

    @property
    def picks(self) -> dict[str, tuple[int, ...]]:
        return {one.requirement.key: one.picks for one in self.matches}

    @property
    def reserves(self) -> dict[str, tuple[int, ...]]:
        return {one.requirement.key: one.reserves for one in self.matches}

    @property
    def shortfalls(self) -> dict[str, Shortfall]:
        """Return what is missing, by requirement; empty when every seat has somebody."""
        return {one.requirement.key: one.shortfall for one in self.matches if one.shortfall}

    def to_dict(self, rows: int = ROWS_KEPT, excluded: int = EXCLUDED_KEPT) -> dict[str, Any]:
        """Return the whole answer as it is kept with a recommendation: plain values for a JSON column."""
        return {
            "need": self.need.to_dict(),
            "rules_version": self.rules_version,
            "weights": self.weights.to_dict(),
            "matches": [one.to_dict(rows, excluded) for one in self.matches],
        }


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
        kind: sum(_wanted(ask) + max(0, ask.seats) for _, _, ask in asks if ask.kind is kind)
        for kind in InviteeKind
    }
    ranked = [
        _rank(case_of(pools[ask.kind], need, ask, vocabulary), weights, turnout, enough[ask.kind])
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


def _wanted(ask: Requirement) -> int:
    """Return how many reserves a requirement is to have."""
    return RESERVES_A_SEAT * max(0, ask.seats)


def _reserves(
    ranked: Sequence[_Ranked], seated: Sequence[Sequence[int]], need_of: Sequence[int]
) -> list[list[int]]:
    """Deal out the best who sit nowhere, one a requirement in turn: one person is asked once a call-out."""
    sitting = {(one.case.pool.kind, row) for one, rows in zip(ranked, seated, strict=True) for row in rows}
    reserves: list[list[int]] = [[] for _ in ranked]
    for need in sorted(set(need_of)):
        taken = set(sitting)
        mine = [at for at, of in enumerate(need_of) if of == need]
        waiting = {at: (int(row) for row in ranked[at].scores.rows) for at in mine}
        for turn in range(max((_wanted(ranked[at].case.requirement) for at in mine), default=0)):
            for at in mine:
                kind = ranked[at].case.pool.kind
                if turn >= _wanted(ranked[at].case.requirement):
                    continue
                free = next((row for row in waiting[at] if (kind, row) not in taken), None)
                if free is not None:
                    taken.add((kind, free))
                    reserves[at].append(free)
    return reserves


def _match(
    at: int,
    ranked: Sequence[_Ranked],
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
    used_up = len(reserves) < _wanted(case.requirement) or any(
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
    )
