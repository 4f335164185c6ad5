"""Those who may go for one requirement, best first, and the seats they could take.

Pure. Rules keep out, scores rank; who gets which seat is left to `seating`, putting it into words to `matches`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from coordination.matching import scoring
from coordination.matching.fits import Case, Fit
from coordination.matching.needs import Requirement
from coordination.matching.pool import Bits
from coordination.matching.rule import Rule
from coordination.matching.rules import BARS
from coordination.matching.scoring import Weights
from coordination.matching.seating import Bench
from coordination.paging import InviteeKind

RESERVES_A_SEAT = 3
CRITICAL = 2  # times the worth of an ordinary seat of the same need


def found_by(rules: Sequence[Rule], case: Case) -> Bits:
    """Return for each row of the pool which rules found it, a bit a rule, the first rule's lowest."""
    asked = (*case.asked, tuple(rule.code for rule in rules))
    found: Bits = case.pool.kept(asked, lambda: _marked(rules, case, standing=True)).copy()
    return _marked(rules, case, standing=False, found=found)


def _marked(rules: Sequence[Rule], case: Case, *, standing: bool, found: Bits | None = None) -> Bits:
    if found is None:
        found = np.zeros(len(case.pool), dtype=np.uint32)
    for number, rule in enumerate(rules):
        if rule.standing is standing:
            found[rule.finds(case)] |= np.uint32(1 << number)
    return found


def reserves_wanted(ask: Requirement) -> int:
    """Return how many reserves a requirement is to have."""
    return RESERVES_A_SEAT * max(0, ask.seats)


@dataclass(frozen=True, eq=False)
class Ranked:
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
            who=self.scores.rows.astype(np.int64) + first_who,
            cost=self.costs,
            far=np.arange(len(self.costs)) >= self.of_trade,
            arrival=scoring.arrivals(self.scores) if in_a_hurry else None,
        )


def rank(case: Case, weights: Weights, turnout: Mapping[InviteeKind, float], enough: int) -> Ranked:
    """Rank those who may go. With `enough` of the trade, near trades cannot matter and are not measured."""
    bars = found_by(BARS, case)
    may_go = bars == 0
    rows = np.flatnonzero(may_go & (case.fits > Fit.NEAR))
    if len(rows) < enough:
        rows = np.flatnonzero(may_go)
    scores = scoring.score(case, rows, weights, turnout)
    costs = scoring.costs_of(case, scores, weights)
    far = case.fits[rows] <= Fit.NEAR
    # One number for (far, cost, row): sorting by one key takes a fifth of the time that `lexsort` does.
    dearest = int(costs.max(initial=0)) + 1
    order = np.argsort((far * dearest + costs) * len(case.pool) + rows)
    return Ranked(case, bars, scores.taken(order), costs[order], int(np.count_nonzero(~far)))
