"""What matching answers: whom to ask for each requirement, best first, and why nobody else.

Pure. The reasons of all are kept as bits and put into words for those that are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from contracts.bases import Basis
from coordination.matching import scoring
from coordination.matching.bases import basis_of
from coordination.matching.facts import Rows
from coordination.matching.fits import Case, Fit
from coordination.matching.needs import Need, Requirement
from coordination.matching.pool import Bits, Floats, Pool
from coordination.matching.ranking import Ranked, found_by, reserves_wanted
from coordination.matching.reasons import Reason
from coordination.matching.rule import Rule
from coordination.matching.rules import (
    ABOUT_FIT,
    BARS,
    CAUTIONS,
    NEAR_NOT_NEEDED,
    RULES_VERSION,
)
from coordination.matching.scoring import Weights
from coordination.matching.verdicts import CandidateRow, Excluded, ReasonCount, Shortfall
from coordination.paging import InviteeKind, Mode
from ground import gazetteer
from ground.places import Point
from ground.terms import Words, joined

# How much of a long list is written down with a recommendation; the counts are always complete.
ROWS_KEPT = 50
EXCLUDED_KEPT = 200

ALL_BARS = (*BARS, NEAR_NOT_NEEDED)
DEPLOYED_BIT = np.uint32(1 << next(number for number, rule in enumerate(BARS) if rule.code == "deployed"))
FIT_BITS = np.uint32(sum(1 << number for number, rule in enumerate(ALL_BARS) if rule.code in ABOUT_FIT))


def _reasons(rules: Sequence[Rule], bits: int, case: Case, row: int, *, blocks: bool) -> tuple[Reason, ...]:
    return tuple(
        rule.reason(case, row, blocks=blocks) for number, rule in enumerate(rules) if bits >> number & 1
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


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
    _ranked: Ranked
    _weights: Weights
    _turnout: Mapping[InviteeKind, float]
    _seated_elsewhere: int
    _reserved_elsewhere: int
    _kept_for: Mapping[int, str]  # rows that another need has been given, with its label

    @property
    def pool(self) -> Pool:
        return self._ranked.case.pool

    @cached_property
    def _bars(self) -> Bits:
        """The reasons against each row of the pool, near trades that were not needed included."""
        if self.widened:
            return self._ranked.bars
        near = self._ranked.case.fits == Fit.NEAR
        bars: Bits = self._ranked.bars | near * np.uint32(1 << ALL_BARS.index(NEAR_NOT_NEEDED))
        return bars

    @cached_property
    def candidate_count(self) -> int:
        return len(self._ranked.scores.rows) if self.widened else self._ranked.of_trade

    @property
    def of_trade_count(self) -> int:
        """How many of the candidates are of the trade; those of near trades come after them."""
        return self._ranked.of_trade

    @property
    def considered_count(self) -> int:
        return len(self.pool)

    def is_kept_for_another(self, id_: int) -> bool:
        """Return whether somebody who may go is meant for a seat of another need."""
        return self.pool.row(id_) in self._kept_for

    def ids(self, stop: int | None = None) -> list[int]:
        """Return the ids of those who may go, best first, without any words."""
        rows = self._ranked.scores.rows[: self.candidate_count][:stop]
        return [int(id_) for id_ in self.pool.ids[rows]]

    def points(self) -> list[tuple[int, int, bool]]:
        """Return (id, hundredths of a point, of a near trade) of the experts who may go, best first, without words."""
        ranked, count = self._ranked, self.candidate_count
        points = 100 * scoring.COSTS_A_UNIT - ranked.costs[:count] // scoring.TIE_MINUTES
        ids = self.pool.ids[ranked.scores.rows[:count]]
        return [
            (id_, each, at >= ranked.of_trade)
            for at, (id_, each) in enumerate(zip(ids.tolist(), points.tolist(), strict=True))
        ]

    def nearest(self, count: int) -> list[tuple[int, Point]]:
        """Return the ids and places of those who may go and would be there first, the soonest first."""
        scores = self._ranked.scores
        order = np.argsort(scores.minutes, kind="stable")[:count]
        rows = scores.rows[order[~np.isnan(scores.distances_km[order])]]
        return [
            (int(self.pool.ids[row]), Point(self.pool.latitudes[row], self.pool.longitudes[row]))
            for row in rows
        ]

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
        return self._excluded(np.array([row]))[0] if at is None else self._row(at)

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
        return self._excluded(np.concatenate([self._kept_away, others])[:stop])

    def widened_words(self) -> Words | None:
        """Return the sentences that say that, why and how far the search was widened; None if it was not."""
        said = [words for words in (self._widened_to_near(), self._widened_to_units()) if words]
        return joined(said, Words("；", "; ")) if said else None

    def _widened_to_units(self) -> Words | None:
        """Return where those proposed come from, when their own city has too few for the seats."""
        case, seats = self._ranked.case, self.requirement.seats
        unit = gazetteer.by_code(case.need.unit or "")
        if unit is None or self.requirement.mode is Mode.REMOTE:
            return None
        of_trade = self._ranked.scores.rows[: self._ranked.of_trade]
        here = int(np.count_nonzero(np.isin(of_trade, case.pool.units.rows(unit.code))))
        sources = Counter(
            code
            for id_ in self.picks
            for code in case.pool.units.codes(self.pool.row_of[id_])
            if code != unit.code
        )
        if here >= seats or not sources:
            return None
        named = [
            Words.same(f"{region.name} {count}")
            for code, count in sorted(sources.items(), key=lambda one: (-one[1], one[0]))
            if (region := gazetteer.by_code(code))
        ]
        return Words(
            "{unit}可用 {here}，不够 {seats} 席，已扩大到：{named}",
            "{here} available in {unit} for {seats} seats; widened to: {named}",
        ).filled(
            unit=unit.name,
            here=Words(*_counted(self.requirement.kind, here)),
            seats=seats,
            named=joined(named),
        )

    def _widened_to_near(self) -> Words | None:
        if not self.widened:
            return None
        names = [self._ranked.case.vocabulary.industry(code) for code in self._near_codes()]
        near = len(self._ranked.scores.rows) - self._ranked.of_trade
        minutes = self._ranked.scores.minutes[self._ranked.of_trade :]
        free = self._ranked.of_trade - self._seated_elsewhere - self._reserved_elsewhere
        return Words(
            "本行业可用 {free}，不够 {seats} 席和 {reserves}候补，已扩大到相近行业：{names}（{near}{minutes}）",
            "{free} of the trade available, not enough (seats: {seats}, reserves: {reserves}); "
            "widened to near trades: {names} ({near}{minutes})",
        ).filled(
            free=Words(*_counted(self.requirement.kind, free)),
            seats=self.requirement.seats,
            reserves=_reserves_counted(self.requirement.kind, reserves_wanted(self.requirement)),
            names=joined(names) if names else Words("相同专业方向", "same specialty"),
            near=Words(*_counted(self.requirement.kind, near)),
            minutes=_range_of(minutes),
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
        sentence = joined([said, whole], Words("：", "; "))
        if self.could_advise:
            people, each = _counted(self.requirement.kind, self.could_advise)
            remote = Words(f"另有 {people}在别处出动，可电话请教", f"{each} out elsewhere could be rung up")
            sentence = joined([sentence, remote], Words("；", "; "))
        return Shortfall(missing, causes, sentence)

    @cached_property
    def could_advise(self) -> int:
        """How many experts of the trade are kept away by nothing but being out: they can still be rung up."""
        case = self._ranked.case
        if not case.asks_experts:
            return 0
        return int(np.count_nonzero((self._ranked.bars == DEPLOYED_BIT) & (case.fits > Fit.NEAR)))

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
        return found_by(CAUTIONS, self._ranked.case)

    def _row(self, at: int) -> CandidateRow:
        case, scores = self._ranked.case, self._ranked.scores
        row = int(scores.rows[at])
        id_ = int(case.pool.ids[row])
        parts = scoring.parts(case, scores, at, self._weights)
        basis = basis_of(case, row, _known(scores.minutes[at]), case.travel_basis(row))
        cautions = _reasons(CAUTIONS, int(self._cautions[row]), case, row, blocks=False)
        if row in self._kept_for:
            cautions = (*cautions, _kept(self._kept_for[row]))
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
            cautions=cautions,
            distance_km=_known(scores.distances_km[at]),
            minutes=_known(scores.minutes[at]),
            travel_basis=case.travel_basis(row),
            basis=basis,
            is_picked=id_ in self.picks,
            is_reserve=id_ in self.reserves,
        )

    def _excluded(self, rows: Rows) -> list[Excluded]:
        case = self._ranked.case
        distances_km, minutes = scoring.travel(case, rows, self._turnout)
        return [
            Excluded(
                kind=case.pool.kind,
                id=int(case.pool.ids[row]),
                name=case.pool.names[row],
                reasons=_reasons(ALL_BARS, int(self._bars[row]), case, row, blocks=True),
                distance_km=_known(distances_km[at]),
                minutes=_known(minutes[at]),
            )
            for at, row in enumerate(rows.tolist())
        ]


def _kept(label: str) -> Reason:
    words = Words("统筹：先留给 {label}", "meant for {label} first").filled(label=Words.same(label))
    return Reason("kept_for_another", words)


def _range_of(minutes: Floats) -> Words:
    """Return "，61–140 分钟" for the shortest and the longest way; nothing where none is known."""
    known = minutes[~np.isnan(minutes)]
    if not len(known):
        return Words.same("")
    first, last = f"{known.min():.0f}", f"{known.max():.0f}"
    span = first if first == last else f"{first}–{last}"
    return Words(f"，{span} 分钟", f", {span} min")


def _reserves_counted(kind: InviteeKind, count: int) -> Words:
    """Return how many reserves, with the measure word that Chinese puts before them."""
    return Words(f"{count} {'支' if kind is InviteeKind.TEAM else '名'}", str(count))


def _counted(kind: InviteeKind, count: int) -> tuple[str, str]:
    if kind is InviteeKind.TEAM:
        return f"{count} 支队伍", f"{count} {'team' if count == 1 else 'teams'}"
    return f"{count} 人", f"{count} {'expert' if count == 1 else 'experts'}"


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
