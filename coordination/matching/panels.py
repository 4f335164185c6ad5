"""A panel for the review of a plan: the best experts who may sit together, an odd number, one of them 组长.

Pure and exact. Who may go at all, and how well each fits, is up to `ranking`; here stand the rules about
the panel as a whole. A search in plain Python answers all but the most tangled questions, in milliseconds;
for those OR-Tools is asked, when the optional extra `panels` is installed. So whether it is installed can
only turn "cannot tell" into an answer, never change one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from itertools import accumulate
from typing import Any, Final

from ground.mistakes import Mistake
from ground.terms import Term, Words

HAS_CP_SAT: Final = find_spec("ortools") is not None
# Half a second's work; what is usual takes some hundred steps.
STEPS: Final = 1_000_000
WITHIN: Final = timedelta(seconds=1)


class WrongPanel(Mistake):
    """Rules that no panel can have."""


class Solver(Term):
    PLAIN = "plain", "逐一比较", "by comparing"
    CP_SAT = "cp_sat", "OR-Tools CP-SAT", "OR-Tools CP-SAT"


@dataclass(frozen=True, slots=True)
class Member:
    """One who may sit on the panel. `group_role` is that of the appointment; an unknown employer is nobody's."""

    id: int
    score: int
    employer: str = ""
    is_senior: bool = False
    group_role: str = ""

    @property
    def leads(self) -> int:
        """Return how well this member can lead: 0 组长, 1 副组长, 2 a senior (正高级); 3 may not."""
        if self.group_role.endswith("副组长"):
            return 1
        if self.group_role.endswith("组长"):
            return 0
        return 2 if self.is_senior else 3

    @property
    def may_lead(self) -> bool:
        return self.leads < 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelRules:
    """What must hold for the panel as a whole. `apart` are pairs of ids who must not sit together.

    :raises WrongPanel: if the size is even, or something is asked for that no panel of the size has.
    """

    size: int = 5
    per_employer: int = 2
    seniors: int = 1
    apart: frozenset[frozenset[int]] = frozenset()

    def __post_init__(self) -> None:
        if self.size < 1 or self.size % 2 == 0:
            raise WrongPanel(
                f"专家组人数应为单数，现为 {self.size}。请改为 {max(1, self.size + 1)}。",
                f"A panel has an odd number of members, not {self.size}. Make it {max(1, self.size + 1)}.",
                suggestion=str(max(1, self.size + 1)),
            )
        if self.per_employer < 1 or not 0 <= self.seniors <= self.size:
            raise WrongPanel(
                f"同一单位至少可有 1 人，正高级为 0 到 {self.size} 人。请改正。",
                f"At least 1 of an employer, and 0 to {self.size} seniors. Mend it.",
            )
        if any(len(pair) != 2 for pair in self.apart):
            raise WrongPanel(
                "不能同组的应是两位不同的专家。", "Those who must not sit together are two different experts."
            )


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel with the highest sum of scores: the leader, then the others, best first.

    `is_best` is false only when OR-Tools ran out of time before it could prove it.
    """

    leader: int
    members: tuple[int, ...]
    score: int
    solver: Solver = Solver.PLAIN
    is_best: bool = True


@dataclass(frozen=True, slots=True)
class NoPanel:
    """No panel, and why. `is_certain` is false when there may be one that was not found."""

    words: Words
    is_certain: bool = True


class _Tangled(Exception):
    """The search has taken too many steps."""


def choose(
    candidates: Collection[Member], rules: PanelRules | None = None, *, steps: int = STEPS
) -> Panel | NoPanel:
    """Return the best panel, the same in whatever order the candidates are given.

    Of panels with equal sums it is the one with the best single members, then the lower ids.

    :raises ValueError: if somebody is named twice.
    """
    rules = rules or PanelRules()
    try:
        return by_comparing(candidates, rules, steps=steps)
    except _Tangled:
        if HAS_CP_SAT:
            return by_cp_sat(candidates, rules)
        return NoPanel(
            Words(
                "不能同组的太多，逐一比较算不完。请安装可选组件 panels（pip install 'muster[panels]'），或减少候选人。",
                "Too many must not sit together for comparing one by one. Install the optional extra "
                "(pip install 'muster[panels]'), or give fewer candidates.",
            ),
            is_certain=False,
        )


def by_comparing(candidates: Collection[Member], rules: PanelRules, *, steps: int = STEPS) -> Panel | NoPanel:
    """Search all panels, leaving out early what cannot become the best; see `choose`.

    :raises _Tangled: after so many steps without an end.
    """
    pool = _that_matter(_best_first(candidates), rules)
    # The most that the next so many can add, from each place on: nobody later has a higher score.
    sums = [0, *accumulate(one.score for one in pool)]
    enemies = _enemies(pool, rules)
    best: list[Member] = []
    best_score: int | None = None
    of_employer: Counter[str] = Counter()

    def look(start: int, chosen: list[Member], score: int, seniors: int, leaders: int) -> None:
        nonlocal best, best_score, steps
        open_seats = rules.size - len(chosen)
        if not open_seats:
            if leaders and seniors >= rules.seniors:
                best, best_score = chosen.copy(), score
            return
        if rules.seniors - seniors > open_seats:
            return
        for at in range(start, len(pool) - open_seats + 1):
            steps -= 1
            if steps < 0:
                raise _Tangled
            # A later panel of the same sum is not better: this order meets the best members first.
            if best_score is not None and score + sums[at + open_seats] - sums[at] <= best_score:
                return
            one = pool[at]
            if one.employer and of_employer[one.employer] == rules.per_employer:
                continue
            if any(other.id in enemies[one.id] for other in chosen):
                continue
            of_employer[one.employer] += 1
            chosen.append(one)
            look(at + 1, chosen, score + one.score, seniors + one.is_senior, leaders + one.may_lead)
            chosen.pop()
            of_employer[one.employer] -= 1

    look(0, [], 0, 0, 0)
    return _panel(best) if best else NoPanel(_why_none(candidates, rules))


def by_cp_sat(
    candidates: Collection[Member], rules: PanelRules, *, within: timedelta = WITHIN
) -> Panel | NoPanel:
    """Ask OR-Tools; see `choose`. Of panels with equal sums it gives any, but always the same.

    :raises ModuleNotFoundError: if the optional extra is not installed.
    """
    # Two seconds and a hundred megabytes: not for every process that only knows this module.
    cp_model: Any = import_module("ortools.sat.python.cp_model")
    pool = _that_matter(_best_first(candidates), rules)
    model = cp_model.CpModel()
    sits = {one.id: model.new_bool_var(str(one.id)) for one in pool}
    model.add(sum(sits.values()) == rules.size)
    for employer in {one.employer for one in pool if one.employer}:
        of_it = [sits[one.id] for one in pool if one.employer == employer]
        model.add(sum(of_it) <= rules.per_employer)
    model.add(sum(sits[one.id] for one in pool if one.is_senior) >= rules.seniors)
    model.add(sum(sits[one.id] for one in pool if one.may_lead) >= 1)
    for pair in sorted(map(sorted, rules.apart)):
        if all(id_ in sits for id_ in pair):
            model.add(sum(sits[id_] for id_ in pair) <= 1)
    model.maximize(sum(one.score * sits[one.id] for one in pool))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = within.total_seconds()
    solver.parameters.num_workers = 1  # with several the same question can have different answers
    solver.parameters.random_seed = 0
    status = solver.solve(model)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        chosen = [one for one in pool if solver.boolean_value(sits[one.id])]
        return _panel(chosen, solver=Solver.CP_SAT, is_best=status == cp_model.OPTIMAL)
    if status == cp_model.INFEASIBLE:
        return NoPanel(_why_none(candidates, rules))
    return NoPanel(
        Words("在时限内没有找到专家组，请减少候选人。", "No panel was found in time; give fewer candidates."),
        is_certain=False,
    )


def _best_first(candidates: Collection[Member]) -> list[Member]:
    if len({one.id for one in candidates}) < len(candidates):
        raise ValueError("a candidate for a panel is named twice")
    return sorted(candidates, key=lambda one: (-one.score, one.id))


def _that_matter(ranked: Sequence[Member], rules: PanelRules) -> list[Member]:
    """Leave out who can be in no best panel, so that ten thousand candidates cost as much as thirty.

    Of each kind (senior, may lead, neither) the first `size`, at most `per_employer` of one employer, are
    enough: in a panel with somebody further down, one of them is not in it and has a free place at their
    employer, and is at least as good. Whoever is named in a pair stays; so a swap never brings two together.
    """
    paired = frozenset().union(*rules.apart)
    counts: Counter[object] = Counter()
    found = []
    for one in ranked:
        kind = (one.is_senior, one.may_lead)
        if one.id not in paired:
            if counts[kind] == rules.size:
                continue
            if one.employer and counts[kind, one.employer] == rules.per_employer:
                continue
            counts[kind] += 1
            counts[kind, one.employer] += 1
        found.append(one)
    return found


def _enemies(pool: Sequence[Member], rules: PanelRules) -> dict[int, set[int]]:
    enemies: dict[int, set[int]] = {one.id: set() for one in pool}
    for pair in rules.apart:
        for one in pair & enemies.keys():
            enemies[one] |= pair - {one}
    return enemies


def _panel(chosen: Sequence[Member], *, solver: Solver = Solver.PLAIN, is_best: bool = True) -> Panel:
    ranked = _best_first(chosen)
    leader = min(ranked, key=lambda one: (one.leads, -one.score, one.id))
    others = [one.id for one in ranked if one is not leader]
    return Panel(leader.id, (leader.id, *others), sum(one.score for one in ranked), solver, is_best)


def _why_none(candidates: Collection[Member], rules: PanelRules) -> Words:
    """Return the first rule that cannot be met by itself, or that they cannot be met together."""
    of_employer = Counter(one.employer for one in candidates if one.employer)
    beyond = sum(max(0, count - rules.per_employer) for count in of_employer.values())
    seniors = sum(one.is_senior for one in candidates)
    if len(candidates) < rules.size:
        return Words(
            "需要 {size} 人，只有 {count} 位可选。",
            "The panel has {size} members; only {count} can be chosen.",
        ).filled(size=rules.size, count=len(candidates))
    if len(candidates) - beyond < rules.size:
        return Words(
            "需要 {size} 人；同一单位至多 {most} 人，只凑得出 {count} 人。",
            "The panel has {size} members; with at most {most} of one employer there are {count}.",
        ).filled(size=rules.size, most=rules.per_employer, count=len(candidates) - beyond)
    if seniors < rules.seniors:
        return Words(
            "需要 {wanted} 位正高级，只有 {count} 位。", "{wanted} seniors are needed; there are {count}."
        ).filled(wanted=rules.seniors, count=seniors)
    if not any(one.may_lead for one in candidates):
        return Words(
            "没有可以任组长的专家（组长、副组长或正高级）。",
            "Nobody can lead (head or deputy head of an expert group, or a senior).",
        )
    return Words(
        "单位限制、正高级、组长和不能同组的要求不能同时满足。",
        "The rules on employers, seniors, the leader and who must sit apart cannot all be met.",
    )
