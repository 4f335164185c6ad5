"""What a rule is, and what the finders of all rules share.

Pure. A rule is data: what it says, about whom, in which situations, on the strength of which article; and
two small functions, one that finds the rows that it holds for and one that says why for one row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from coordination.matching.facts import NOBODY, Rows
from coordination.matching.fits import Case
from coordination.matching.needs import Situation
from coordination.matching.reasons import Reason
from coordination.paging import InviteeKind
from ground.laws import Law
from ground.terms import Words

EXPERTS = frozenset({InviteeKind.EXPERT})
TEAMS = frozenset({InviteeKind.TEAM})
EVERY_SITUATION = frozenset(Situation)
RESCUE = frozenset({Situation.RESCUE})
PEACETIME = EVERY_SITUATION - RESCUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    `code` is stored with recommendations and never renamed. `label` counts people ("请假 4"), `sentence`
    says the rule itself, `explain` says why for one row. `laws` names the article in each situation for
    which there is one. `holds_for` may name a row twice, and in any order. A `standing` rule looks at nothing
    but the roster, the days and what is asked for, so that its answer is kept for the next question.
    """

    code: str
    label: Words
    sentence: Words
    holds_for: Callable[[Case], Rows]
    explain: Callable[[Case, int], Words]
    about: frozenset[InviteeKind] = EXPERTS | TEAMS
    situations: frozenset[Situation] = EVERY_SITUATION
    laws: Mapping[Situation, Law] = field(default_factory=dict)
    standing: bool = False

    def finds(self, case: Case) -> Rows:
        """Return the rows for which the rule holds; none where it does not apply."""
        applies = case.need.situation in self.situations and case.pool.kind in self.about
        return self.holds_for(case) if applies else NOBODY

    def reason(self, case: Case, row: int, *, blocks: bool) -> Reason:
        return Reason(self.code, self.explain(case, row), blocks, self.laws.get(case.need.situation))


def everywhere(law: Law) -> Mapping[Situation, Law]:
    """Return the article for every situation."""
    return dict.fromkeys(Situation, law)


def day_of(ordinal: int) -> date:
    # One row with the first or the last day of the calendar must not end the matching of all others.
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


def without(among: Rows, rows: Rows, case: Case) -> Rows:
    """Return `among` without `rows`. Marks are several times quicker here than numpy's set operations."""
    left = np.zeros(len(case.pool), dtype=bool)
    left[among] = True
    left[rows] = False
    return np.flatnonzero(left)


def both(some: Rows, others: Rows, case: Case) -> Rows:
    """Return the rows that are in both."""
    marked = np.zeros(len(case.pool), dtype=bool)
    marked[others] = True
    found: Rows = some[marked[some]]
    return found


def everybody_but(rows: Rows, case: Case) -> Rows:
    return without(np.arange(len(case.pool)), rows, case)


def always(zh: str, en: str) -> Callable[[Case, int], Words]:
    """Return an explanation that is the same for every row."""
    return lambda case, row: Words(zh, en)
