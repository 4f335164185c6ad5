"""A panel for the review of a plan: the best experts who may sit together, an odd number, one of them 组长.

Pure and exact. Who may go at all, and how well each fits, is up to `ranking`; here stand the rules about
the panel as a whole. Whoever is seated already stays and counts, so that a panel of which somebody has
declined is filled up instead of chosen anew.

A search in plain Python answers all but the most tangled questions, in milliseconds; for those OR-Tools is
asked, when the optional extra `panels` is installed. So whether it is installed can only turn "cannot tell"
into an answer, never change one.
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
    """One who may sit on the panel. `group_role` is that of the appointment; an unknown employer is nobody's.

    Whoever is of a near trade (`is_near`) sits only where the trade itself is used up.
    """

    id: int
    score: int
    employer: str = ""
    is_senior: bool = False
    group_role: str = ""
    is_near: bool = False

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
    """The panel with the fewest of near trades, and of those the one with the highest sum of scores.

    `members` are the leader, then the others, best first; who was seated before is among them.
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
    candidates: Collection[Member],
    rules: PanelRules | None = None,
    *,
    seated: Collection[Member] = (),
    leader: int | None = None,
    steps: int = STEPS,
) -> Panel | NoPanel:
    """Return the best panel with all who are `seated` on it, the same in whatever order they are given.

    Of panels with equal sums it is the one with the best single members, then the lower ids. A `leader`
    among the seated leads on, even if somebody joins who would have been preferred.

    :raises ValueError: if somebody is named twice, or the leader is not seated.
    """
    rules = rules or PanelRules()
    try:
        return by_comparing(candidates, rules, seated=seated, leader=leader, steps=steps)
    except _Tangled:
        if HAS_CP_SAT:
            return by_cp_sat(candidates, rules, seated=seated, leader=leader)
        return NoPanel(
            Words(
                "不能同组的太多，逐一比较算不完。请安装可选组件 panels（pip install 'muster[panels]'），或减少候选人。",
                "Too many must not sit together for comparing one by one. Install the optional extra "
                "(pip install 'muster[panels]'), or give fewer candidates.",
            ),
            is_certain=False,
        )


def by_comparing(
    candidates: Collection[Member],
    rules: PanelRules,
    *,
    seated: Collection[Member] = (),
    leader: int | None = None,
    steps: int = STEPS,
) -> Panel | NoPanel:
    """Search all panels, leaving out early what cannot become the best; see `choose`.

    :raises _Tangled: after so many steps without an end.
    """
    held = _held(candidates, seated, leader)
    if against := _against(held, rules):
        return NoPanel(against)
    pool = _that_matter(_best_first(candidates), rules, held)
    worth = _worths(pool, rules)
    # The most that the next so many can add, from each place on: nobody later is worth more.
    sums = [0, *accumulate(worth[one.id] for one in pool)]
    enemies = _enemies(pool, rules)
    best: list[Member] | None = None
    best_worth = 0
    of_employer = Counter(one.employer for one in held)

    def look(start: int, chosen: list[Member], worth_so_far: int, seniors: int, leaders: int) -> None:
        nonlocal best, best_worth, steps
        open_seats = rules.size - len(chosen)
        if not open_seats:
            if leaders and seniors >= rules.seniors:
                best, best_worth = chosen.copy(), worth_so_far
            return
        if rules.seniors - seniors > open_seats:
            return
        for at in range(start, len(pool) - open_seats + 1):
            steps -= 1
            if steps < 0:
                raise _Tangled
            # A later panel of the same worth is not better: this order meets the best members first.
            if best is not None and worth_so_far + sums[at + open_seats] - sums[at] <= best_worth:
                return
            one = pool[at]
            if one.employer and of_employer[one.employer] == rules.per_employer:
                continue
            if any(other.id in enemies[one.id] for other in chosen):
                continue
            of_employer[one.employer] += 1
            chosen.append(one)
            look(
                at + 1, chosen, worth_so_far + worth[one.id], seniors + one.is_senior, leaders + one.may_lead
            )
            chosen.pop()
            of_employer[one.employer] -= 1

    look(0, held.copy(), 0, sum(one.is_senior for one in held), _leaders(held, leader))
    return _panel(best, leader) if best is not None else NoPanel(_why_none(candidates, rules, held, leader))


def by_cp_sat(
    candidates: Collection[Member],
    rules: PanelRules,
    *,
    seated: Collection[Member] = (),
    leader: int | None = None,
    within: timedelta = WITHIN,
) -> Panel | NoPanel:
    """Ask OR-Tools; see `choose`. Of panels with equal sums it gives any, but always the same.

    :raises ModuleNotFoundError: if the optional extra is not installed.
    """
    # Two seconds and a hundred megabytes: not for every process that only knows this module.
    cp_model: Any = import_module("ortools.sat.python.cp_model")
    held = _held(candidates, seated, leader)
    if against := _against(held, rules):
        return NoPanel(against)
    pool = _that_matter(_best_first(candidates), rules, held)
    worth = _worths(pool, rules)
    model = cp_model.CpModel()
    sits = {one.id: model.new_bool_var(str(one.id)) for one in pool}
    # Those who are seated are on every panel, so a variable each, fixed, keeps the rules below whole.
    sits |= {one.id: model.new_constant(1) for one in held}
    everyone = [*held, *pool]
    model.add(sum(sits.values()) == rules.size)
    for employer in {one.employer for one in everyone if one.employer}:
        of_it = [sits[one.id] for one in everyone if one.employer == employer]
        model.add(sum(of_it) <= rules.per_employer)
    model.add(sum(sits[one.id] for one in everyone if one.is_senior) >= rules.seniors)
    if not _leaders(held, leader):
        model.add(sum(sits[one.id] for one in pool if one.may_lead) >= 1)
    for pair in sorted(map(sorted, rules.apart)):
        if all(id_ in sits for id_ in pair):
            model.add(sum(sits[id_] for id_ in pair) <= 1)
    model.maximize(sum(worth[one.id] * sits[one.id] for one in pool))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = within.total_seconds()
    solver.parameters.num_workers = 1  # with several the same question can have different answers
    solver.parameters.random_seed = 0
    status = solver.solve(model)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        chosen = [*held, *(one for one in pool if solver.boolean_value(sits[one.id]))]
        return _panel(chosen, leader, solver=Solver.CP_SAT, is_best=status == cp_model.OPTIMAL)
    if status == cp_model.INFEASIBLE:
        return NoPanel(_why_none(candidates, rules, held, leader))
    return NoPanel(
        Words("在时限内没有找到专家组，请减少候选人。", "No panel was found in time; give fewer candidates."),
        is_certain=False,
    )


def _held(candidates: Collection[Member], seated: Collection[Member], leader: int | None) -> list[Member]:
    everyone = [one.id for one in (*seated, *candidates)]
    if len(set(everyone)) < len(everyone):
        raise ValueError("a candidate for a panel is named twice")
    if leader is not None and leader not in {one.id for one in seated}:
        raise ValueError("the leader of a panel is not seated on it")
    return _best_first(seated)


def _best_first(members: Collection[Member]) -> list[Member]:
    return sorted(members, key=lambda one: (one.is_near, -one.score, one.id))


def _worths(pool: Sequence[Member], rules: PanelRules) -> dict[int, int]:
    """Return what a seat is worth with each: one more of the trade outweighs any difference of scores."""
    scores = [one.score for one in pool]
    of_trade = 1 + rules.size * (max(scores) - min(scores)) if scores else 0
    return {one.id: one.score + (0 if one.is_near else of_trade) for one in pool}


def _leaders(held: Sequence[Member], leader: int | None) -> int:
    return sum(one.may_lead or one.id == leader for one in held)


def _against(held: Sequence[Member], rules: PanelRules) -> Words | None:
    """Return which rule those who are seated break already; whoever joins cannot mend that."""
    if len(held) > rules.size:
        return Words(
            "已定 {count} 人，多于专家组的 {size} 人。",
            "{count} are on the panel already, more than its {size} members.",
        ).filled(count=len(held), size=rules.size)
    for employer, count in Counter(one.employer for one in held if one.employer).items():
        if count > rules.per_employer:
            return Words(
                "已定的人里有 {count} 位来自{employer}，多于 {most} 人。请放宽同一单位的人数，或请其中一位退出。",
                "{count} of those on the panel are of {employer}, more than {most}. "
                "Allow more of one employer, or ask one of them to withdraw.",
            ).filled(count=count, employer=employer, most=rules.per_employer)
    ids = {one.id for one in held}
    if any(pair <= ids for pair in rules.apart):
        return Words(
            "已定的人里有不能同组的两位。请请其中一位退出，或取消这条要求。",
            "Two of those on the panel must not sit together. Ask one of them to withdraw, or drop that rule.",
        )
    return None


def _that_matter(ranked: Sequence[Member], rules: PanelRules, held: Sequence[Member]) -> list[Member]:
    """Leave out who can be in no best panel, so that ten thousand candidates cost as much as thirty.

    Of each kind (senior, may lead, neither) as many as seats are open, at most as many of one employer as
    it has places left, are enough: in a panel with somebody further down, one of them is not in it and has
    a free place at their employer, and is at least as good. Whoever is named in a pair stays, unless the
    other one is seated; so a swap never brings two together.
    """
    open_seats = rules.size - len(held)
    seated = {one.id for one in held}
    barred = frozenset().union(*(pair for pair in rules.apart if pair & seated))
    paired = frozenset().union(*rules.apart)
    of_employer = Counter(one.employer for one in held)
    counts: Counter[object] = Counter()
    found = []
    for one in ranked:
        kind = (one.is_senior, one.may_lead)
        if one.id in barred:
            continue
        if one.id not in paired:
            if counts[kind] == open_seats:
                continue
            if one.employer and counts[kind, one.employer] == rules.per_employer - of_employer[one.employer]:
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


def _panel(
    chosen: Sequence[Member], leader: int | None, *, solver: Solver = Solver.PLAIN, is_best: bool = True
) -> Panel:
    ranked = _best_first(chosen)
    # Whoever leads already leads on.
    first = min(ranked, key=lambda one: (one.id != leader, one.leads, one.is_near, -one.score, one.id))
    others = [one.id for one in ranked if one is not first]
    return Panel(first.id, (first.id, *others), sum(one.score for one in ranked), solver, is_best)


def _why_none(
    candidates: Collection[Member], rules: PanelRules, held: Sequence[Member], leader: int | None
) -> Words:
    """Return the first rule that cannot be met by itself, or that they cannot be met together."""
    everyone = [*held, *candidates]
    of_employer = Counter(one.employer for one in everyone if one.employer)
    beyond = sum(max(0, count - rules.per_employer) for count in of_employer.values())
    seniors = sum(one.is_senior for one in everyone)
    seniors_missing = rules.seniors - sum(one.is_senior for one in held)
    if len(everyone) < rules.size and held:
        return Words(
            "需要 {size} 人，已定 {held} 人，另有 {count} 位可选。",
            "The panel has {size} members; {held} are on it, {count} more can be chosen.",
        ).filled(size=rules.size, held=len(held), count=len(candidates))
    if len(everyone) < rules.size:
        return Words(
            "需要 {size} 人，只有 {count} 位可选。",
            "The panel has {size} members; only {count} can be chosen.",
        ).filled(size=rules.size, count=len(candidates))
    if len(everyone) - beyond < rules.size:
        return Words(
            "需要 {size} 人；同一单位至多 {most} 人，只凑得出 {count} 人。",
            "The panel has {size} members; with at most {most} of one employer there are {count}.",
        ).filled(size=rules.size, most=rules.per_employer, count=len(everyone) - beyond)
    if seniors < rules.seniors:
        return Words(
            "需要 {wanted} 位正高级，只有 {count} 位。", "{wanted} seniors are needed; there are {count}."
        ).filled(wanted=rules.seniors, count=seniors)
    if seniors_missing > rules.size - len(held):
        return Words(
            "还缺 {missing} 位正高级，只剩 {count} 个空位。",
            "{missing} more seniors are needed; {count} seats are open.",
        ).filled(missing=seniors_missing, count=rules.size - len(held))
    if not _leaders(everyone, leader):
        return Words(
            "没有可以任组长的专家（组长、副组长或正高级）。",
            "Nobody can lead (head or deputy head of an expert group, or a senior).",
        )
    return Words(
        "单位限制、正高级、组长和不能同组的要求不能同时满足。",
        "The rules on employers, seniors, the leader and who must sit apart cannot all be met.",
    )
