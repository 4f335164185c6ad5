"""How good those who may go are: expertise, travel, load and freshness of contact, in points and in words.

Pure. Scores rank experts. Teams are ranked by their minutes and how often they went; their score is shown beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coordination.matching.facts import NOBODY, Rows
from coordination.matching.fits import Case, Fit
from coordination.matching.pool import Floats
from coordination.paging import InviteeKind, Mode
from ground import places
from ground.terms import Words, joined

Costs = NDArray[np.int64]

# What is left when an expert is not of the trade itself. Indexed by Fit.
FIT_SHARES = np.array([0.0, 0.45, 0.75, 1.0])
# Of the points for expertise: for the specialty that was asked for, for another that an incident of this
# kind calls for, and for having been sent to such incidents before (half of it once, most of it twice).
# A share counts only where the need asks for it; the trade has the rest.
SPECIALTY_SHARE = 0.2
SKILLS_SHARE = 0.1
EXPERIENCE_SHARE = 0.1

# Minutes from the call until wheels roll. Assumptions: a standing team leaves sooner than a person.
TURNOUT_MINUTES: Mapping[InviteeKind, float] = MappingProxyType(
    {InviteeKind.EXPERT: places.TURNOUT_MINUTES, InviteeKind.TEAM: 5.0}
)

# A cost is one hundredth of a point (experts) or of a minute (teams), in whole numbers, so that sums are
# exact and the same everywhere; behind an expert's, whole minutes decide between equals.
COSTS_A_UNIT = 100
TIE_MINUTES = 1000
UNKNOWN_MINUTES = 10_000.0  # later than anybody who has a place


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The points of a perfect candidate, by part, 100 in all.

    Freshness has its own; expertise, travel and load are any three numbers, which share the rest. Travel,
    load and freshness are worth half at `travel_half_at_minutes`, `load_half_at_callouts` and
    `freshness_half_at_days`. A team is ranked by its minutes, `fairness_minutes` longer for every call-out
    of the last 90 days.

    Whoever is needed now and is being asked for another incident is ranked as if they arrived
    `asked_elsewhere_minutes` later. So many minutes and not a tier behind all others: they may yet say no
    there, and a team ten minutes away must not be displaced by one three hours away. The figure is an
    assumption.
    """

    version: str = "2026.3"
    expertise: float = 50
    travel: float = 30
    load: float = 15
    freshness: float = 5
    travel_half_at_minutes: float = 120
    load_half_at_callouts: float = 4
    freshness_half_at_days: float = 90
    fairness_minutes: float = 2
    asked_elsewhere_minutes: float = 30

    @property
    def points(self) -> tuple[float, float, float, float]:
        """Return the points of expertise, travel, load and freshness; equal shares if none of the three counts."""
        freshness = min(100.0, max(0.0, self.freshness))
        given = [max(0.0, weight) for weight in (self.expertise, self.travel, self.load)]
        total = sum(given)
        left = 100 - freshness
        expertise, travel, load = (left * w / total for w in given) if total else (left / 3,) * 3
        return expertise, travel, load, freshness

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "expertise": self.expertise,
            "travel": self.travel,
            "load": self.load,
            "freshness": self.freshness,
            "travel_half_at_minutes": self.travel_half_at_minutes,
            "load_half_at_callouts": self.load_half_at_callouts,
            "freshness_half_at_days": self.freshness_half_at_days,
            "fairness_minutes": self.fairness_minutes,
            "asked_elsewhere_minutes": self.asked_elsewhere_minutes,
        }


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One part of a score: what it earned, of how much, and why in words."""

    key: str
    points: float
    of: float
    words: Words

    def to_dict(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "points": round(self.points, 1),
            "of": round(self.of, 1),
            "words": self.words.to_dict(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Columns over some rows of a pool. Kilometres and minutes are not a number where unknown.

    `minutes` are the true ones, which are shown; in the ranking somebody is `delays` minutes later.
    """

    rows: Rows
    distances_km: Floats
    minutes: Floats
    delays: Floats
    expertise: Floats
    travel: Floats
    load: Floats
    freshness: Floats

    def taken(self, order: Rows) -> Scores:
        """Return the same columns in another order."""
        return Scores(
            self.rows[order],
            self.distances_km[order],
            self.minutes[order],
            self.delays[order],
            self.expertise[order],
            self.travel[order],
            self.load[order],
            self.freshness[order],
        )

    @property
    def totals(self) -> Floats:
        total: Floats = self.expertise + self.travel + self.load + self.freshness
        return total


def travel(case: Case, rows: Rows, turnout: Mapping[InviteeKind, float]) -> tuple[Floats, Floats]:
    """Return kilometres and minutes until arrival of these rows, not a number where a place is unknown.

    Straight lines and the estimate of `places.drive_minutes`, or the need's own drives where it knows better.
    Nobody who helps remotely has to drive.
    """
    distances_km = np.full(len(rows), np.nan)
    minutes = np.full(len(rows), np.nan)
    place = case.need.place
    if place is not None:
        distances_km = places.distances_from(place, case.pool.places_km.take(rows, axis=1))
        minutes = places.drive_minutes(distances_km, turnout_minutes=turnout[case.pool.kind])
        for row, drive in case.drives.items():
            minutes[rows == row] = turnout[case.pool.kind] + drive.minutes
    if case.requirement.mode is Mode.REMOTE:
        minutes = np.zeros(len(rows))
    return distances_km, minutes


def score(
    case: Case, rows: Rows, weights: Weights, turnout: Mapping[InviteeKind, float] = TURNOUT_MINUTES
) -> Scores:
    """Return the columns of the score for these rows."""
    expertise_points, travel_points, load_points, freshness_points = weights.points
    distances_km, minutes = travel(case, rows, turnout)
    delays = _delays(case, rows, weights)
    near = np.where(np.isnan(minutes), 0.0, 0.5 ** ((minutes + delays) / weights.travel_half_at_minutes))
    callouts = case.pool.callouts[rows].astype(np.float64)
    rested: Floats = weights.load_half_at_callouts / (weights.load_half_at_callouts + callouts)
    return Scores(
        rows,
        distances_km,
        minutes,
        delays,
        expertise=_expertise(case, rows) * expertise_points,
        travel=near * travel_points,
        load=rested * load_points,
        freshness=_freshness(case, rows, weights) * freshness_points,
    )


def _delays(case: Case, rows: Rows, weights: Weights) -> Floats:
    """Return by how many minutes each row counts as later than it would be there; see `Weights`.

    A drill delays nobody: it takes nobody from those who are in need. Neither does an answer that is
    waited for today delay a visit of next week.
    """
    asked = case.asked_elsewhere if case.need.starts_now else NOBODY
    if not len(asked):
        return np.zeros(len(rows))
    delays = np.zeros(len(case.pool))
    delays[asked] = max(0.0, weights.asked_elsewhere_minutes)
    return delays[rows]


def _expertise(case: Case, rows: Rows) -> Floats:
    """Return how good the trade is, from 0 to 1, with the specialties and the experience that the need asks for."""
    shares: list[tuple[float, Floats]] = []
    if case.requirement.specialty and case.requirement.industry:
        shares.append((SPECIALTY_SHARE, _marked(case, (case.requirement.specialty,))[rows]))
    if case.asks_experts and (skills := _skills(case)):
        shares.append((SKILLS_SHARE, _marked(case, skills)[rows]))
    if case.need.incident_kind:
        shares.append((EXPERIENCE_SHARE, 1 - 0.5 ** _times(case)[rows].astype(np.float64)))
    trade: Floats = FIT_SHARES[case.fits[rows]]
    if not shares:
        return trade
    expertise: Floats = (1 - sum(share for share, _ in shares)) * trade
    for share, held in shares:
        expertise = expertise + share * held
    return expertise


def _times(case: Case) -> Rows:
    """Return how often each row of the pool was sent to an incident of this kind."""
    nothing = np.zeros(len(case.pool), dtype=np.int64)
    return case.pool.experience.get(case.need.incident_kind or "", nothing)


def _skills(case: Case) -> tuple[str, ...]:
    """Return the specialties for this kind of incident, without the one that is asked for by itself."""
    skills = case.vocabulary.skills_for(case.need.incident_kind)
    return tuple(code for code in skills if code != case.requirement.specialty)


def _marked(case: Case, specialties: Sequence[str]) -> Floats:
    marked = np.zeros(len(case.pool))
    for code in specialties:
        marked[case.pool.specialties.rows(code)] = 1
    return marked


def _freshness(case: Case, rows: Rows, weights: Weights) -> Floats:
    """Return how lately these answered, from 1 for today to 0 for never."""
    answered_on = case.pool.last_answers[rows]
    known = np.flatnonzero(answered_on)
    days = np.maximum(case.need.today - answered_on[known], 0)
    fresh = np.zeros(len(rows))
    fresh[known] = 0.5 ** (days / weights.freshness_half_at_days)
    return fresh


def arrivals(scores: Scores) -> Costs:
    """Return how late each row counts as being there, in hundredths of a minute."""
    minutes = np.where(np.isnan(scores.minutes), UNKNOWN_MINUTES, scores.minutes)
    hundredths: Costs = np.rint((minutes + scores.delays) * COSTS_A_UNIT).astype(np.int64)
    return hundredths


def costs_of(case: Case, scores: Scores, weights: Weights) -> Costs:
    """Return what seating each row costs: minutes and fairness for teams, missing points for experts."""
    if case.pool.kind is InviteeKind.TEAM:
        fairness = max(0, round(weights.fairness_minutes * COSTS_A_UNIT))
        return arrivals(scores) + fairness * case.pool.callouts[scores.rows]
    # Behind the longest way room is left for the delay, or two whose places are unknown would be as late.
    longest = TIE_MINUTES - 1 - min(max(0.0, weights.asked_elsewhere_minutes), TIE_MINUTES - 1)
    minutes = np.where(np.isnan(scores.minutes), UNKNOWN_MINUTES, scores.minutes)
    ties = np.minimum(np.minimum(minutes, longest) + scores.delays, TIE_MINUTES - 1)
    missing = np.rint((100 - scores.totals) * COSTS_A_UNIT).astype(np.int64)
    costs: Costs = missing * TIE_MINUTES + ties.astype(np.int64)
    return costs


def parts(case: Case, scores: Scores, at: int, weights: Weights) -> tuple[ScorePart, ...]:
    """Return the parts of the score at a position of `scores`, in words; the first is about expertise."""
    row = int(scores.rows[at])
    expertise_points, travel_points, load_points, freshness_points = weights.points
    return (
        ScorePart("expertise", float(scores.expertise[at]), expertise_points, expertise_words(case, row)),
        ScorePart(
            "travel",
            float(scores.travel[at]),
            travel_points,
            travel_words(case, row, float(scores.minutes[at]), float(scores.delays[at])),
        ),
        ScorePart("load", float(scores.load[at]), load_points, load_words(int(case.pool.callouts[row]))),
        ScorePart("freshness", float(scores.freshness[at]), freshness_points, freshness_words(case, row)),
    )


def expertise_words(case: Case, row: int) -> Words:
    ask, vocabulary = case.requirement, case.vocabulary
    said: list[Words] = []
    if case.pool.kind is InviteeKind.TEAM:
        if ask.capability:
            said.append(
                Words("具备能力：{name}", "able: {name}").filled(name=vocabulary.capability(ask.capability))
            )
        if ask.industry and case.pool.primary.has(row, ask.industry):
            said.append(
                Words("服务行业：{name}", "serves {name}").filled(name=vocabulary.industry(ask.industry))
            )
    elif ask.industry:
        fit = Fit(case.fits[row])
        if fit is Fit.PRIMARY:
            said.append(
                Words("{name}为主专业", "mainly {name}").filled(name=vocabulary.industry(ask.industry))
            )
        elif fit is Fit.SECONDARY:
            said.append(Words("{name}为兼专业", "also {name}").filled(name=vocabulary.industry(ask.industry)))
    if not case.requirement.industry and not said or case.fits[row] == Fit.NEAR:
        mine = [vocabulary.industry(code) for code in case.pool.primary.codes(row)]
        near = Words("相近行业：{name}", "near trade: {name}")
        plain = Words("主专业：{name}", "trade: {name}")
        if mine:
            said.append((near if case.fits[row] == Fit.NEAR else plain).filled(name=joined(mine)))
    if ask.specialty and case.pool.specialties.has(row, ask.specialty):
        name = vocabulary.specialty(ask.specialty)
        said.append(Words("专业方向：{name}", "specialty: {name}").filled(name=name))
    said += _kind_words(case, row)
    return joined(said, Words("，", ", ")) if said else Words("未要求专业", "no trade asked")


def _kind_words(case: Case, row: int) -> list[Words]:
    """Say what somebody knows of this kind of incident: by specialty, and by having been there."""
    if not case.need.incident_kind:
        return []
    kind = case.vocabulary.incident_kind(case.need.incident_kind)
    said = []
    skills = [code for code in _skills(case) if case.pool.specialties.has(row, code)]
    if case.asks_experts and skills:
        names = joined([case.vocabulary.specialty(code) for code in skills])
        said.append(Words("对口{kind}：{names}", "for {kind}: {names}").filled(kind=kind, names=names))
    if times := int(_times(case)[row]):
        often = "once" if times == 1 else f"{times} times"
        words = Words(f"曾 {times} 次出动处置{{kind}}", f"went to such an incident {often} before")
        said.append(words.filled(kind=kind))
    return said


def travel_words(case: Case, row: int, minutes: float, delay: float = 0) -> Words:
    """Say how long the way takes, and by how much later it is counted."""
    way = _way_words(case, row, minutes)
    if not delay:
        return way
    counted = Words(
        f"正被另一起事件通知，排序时按晚 {delay:.0f} 分钟计",
        f"being asked for another incident, ranked as {delay:.0f} min later",
    )
    return joined([way, counted], Words("；", "; "))


def _way_words(case: Case, row: int, minutes: float) -> Words:
    if case.requirement.mode is Mode.REMOTE:
        return Words("远程，无需到场", "remote, no travel")
    if case.need.place is None:
        return Words("地点未定，未计路程", "no place given, travel not counted")
    if np.isnan(minutes):
        return Words("位置未登记，未计路程", "place not registered, travel not counted")
    basis = case.travel_basis(row)
    return Words(f"约 {minutes:.0f} 分钟（{basis.zh}）", f"about {minutes:.0f} min ({basis.en})")


def load_words(callouts: int) -> Words:
    if not callouts:
        return Words("近 90 天未出动", "not called out in 90 days")
    times = "once" if callouts == 1 else f"{callouts} times"
    return Words(f"近 90 天出动 {callouts} 次", f"called out {times} in 90 days")


def freshness_words(case: Case, row: int) -> Words:
    answered_on = int(case.pool.last_answers[row])
    if not answered_on:
        return Words("近一年没有答复记录", "no answer in a year")
    days = case.need.today - answered_on
    if days <= 0:
        return Words("今天答复过", "answered today")
    ago = "yesterday" if days == 1 else f"{days} days ago"
    return Words(f"{days} 天前答复过", f"last answered {ago}")
