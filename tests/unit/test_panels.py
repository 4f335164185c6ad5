"""A panel as a whole: odd, one 组长, a senior, few of one employer; held against every possible panel."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest

from coordination.matching import panels
from coordination.matching.panels import (
    HAS_CP_SAT,
    Member,
    NoPanel,
    Panel,
    PanelRules,
    Solver,
    WrongPanel,
    by_comparing,
    by_cp_sat,
    choose,
)

needs_or_tools = pytest.mark.skipif(
    not HAS_CP_SAT, reason="OR-Tools is not installed (optional extra `panels`)"
)
SOLVERS = [
    pytest.param(by_comparing, id="plain"),
    pytest.param(by_cp_sat, id="OR-Tools", marks=needs_or_tools),
]

COLLEGE, INSTITUTE, WORKS = "化工学院", "安科院", "渤海化工"
LI = Member(1, 90, COLLEGE)
WANG = Member(2, 85, COLLEGE)
ZHAO = Member(3, 80, COLLEGE)
QIAN = Member(4, 60, INSTITUTE, is_senior=True)
SUN = Member(5, 50, INSTITUTE, group_role="副组长")
ZHOU = Member(6, 40, WORKS, is_senior=True, group_role="组长")
CAST = [LI, WANG, ZHAO, QIAN, SUN, ZHOU]


def apart(*pairs: tuple[Member, Member]) -> frozenset[frozenset[int]]:
    return frozenset(frozenset({one.id, other.id}) for one, other in pairs)


def who(panel: Panel | NoPanel) -> list[int]:
    assert isinstance(panel, Panel), panel
    return list(panel.members)


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize(
    ("rules", "members"),
    [
        pytest.param(PanelRules(size=1), [QIAN], id="one person is senior, leader and panel"),
        pytest.param(PanelRules(size=1, seniors=0), [QIAN], id="whoever sits alone must be able to lead"),
        pytest.param(
            PanelRules(size=3), [QIAN, LI, WANG], id="a third from the college gives way to a senior"
        ),
        pytest.param(PanelRules(size=3, per_employer=1), [ZHOU, LI, QIAN], id="one of each employer"),
        pytest.param(
            PanelRules(size=3, per_employer=3, seniors=0),
            [QIAN, LI, WANG],
            id="somebody must be able to lead",
        ),
        pytest.param(PanelRules(size=3, seniors=2), [ZHOU, LI, QIAN], id="two seniors"),
        pytest.param(PanelRules(size=5), [ZHOU, LI, WANG, QIAN, SUN], id="five, and the 组长 leads"),
        pytest.param(
            PanelRules(size=3, apart=apart((LI, QIAN))), [QIAN, WANG, ZHAO], id="two who must sit apart"
        ),
    ],
)
def test_the_best_panel_that_may_sit_together(solve, rules, members):
    assert who(solve(CAST, rules)) == [one.id for one in members]


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize(
    ("candidates", "rules", "said"),
    [
        pytest.param([], PanelRules(size=3), "只有 0 位可选", id="nobody"),
        pytest.param([LI, QIAN], PanelRules(size=3), "只有 2 位可选", id="too few"),
        pytest.param([LI, WANG, ZHAO], PanelRules(size=3), "只凑得出 2 人", id="all of one employer"),
        pytest.param([LI, SUN, WANG], PanelRules(size=3), "需要 1 位正高级，只有 0 位", id="no senior"),
        pytest.param(
            [LI, WANG, ZHAO], PanelRules(size=3, per_employer=3, seniors=0), "任组长", id="no leader"
        ),
        pytest.param(
            [LI, WANG, QIAN],
            PanelRules(size=3, apart=apart((LI, QIAN))),
            "不能同时满足",
            id="nobody in place of two who must sit apart",
        ),
    ],
)
def test_where_there_is_no_panel_the_reason_is_said(solve, candidates, rules, said):
    none = solve(candidates, rules)

    assert isinstance(none, NoPanel) and none.is_certain
    assert said in none.words.zh and none.words.en


@pytest.mark.parametrize(
    ("role", "is_senior", "leads"),
    [("组长", False, 0), ("专家组组长", False, 0), ("副组长", True, 1), ("", True, 2), ("成员", False, 3)],
)
def test_who_may_lead(role, is_senior, leads):
    assert Member(1, 0, "", is_senior, role).leads == leads


@pytest.mark.parametrize(
    "rules",
    [
        {"size": 4},
        {"size": 0},
        {"size": -1},
        {"per_employer": 0},
        {"seniors": 6},
        {"apart": frozenset({frozenset({1})})},
    ],
    ids=str,
)
def test_rules_that_no_panel_can_have_are_refused(rules):
    with pytest.raises(WrongPanel):
        PanelRules(**rules)


def test_nobody_is_named_twice():
    with pytest.raises(ValueError):
        choose([LI, LI])


def test_people_without_a_known_employer_are_not_colleagues():
    strangers = [Member(number, 50, "", is_senior=True) for number in range(5)]

    assert len(who(choose(strangers, PanelRules(size=5, per_employer=1)))) == 5


# --- against every possible panel -------------------------------------------------------------------


def every_panel(candidates: list[Member], rules: PanelRules) -> list[tuple[Member, ...]]:
    return [panel for panel in itertools.combinations(candidates, rules.size) if is_lawful(panel, rules)]


def is_lawful(panel: tuple[Member, ...], rules: PanelRules) -> bool:
    employers = [one.employer for one in panel if one.employer]
    ids = {one.id for one in panel}
    return (
        all(employers.count(one) <= rules.per_employer for one in employers)
        and sum(one.is_senior for one in panel) >= rules.seniors
        and any(one.is_senior or one.group_role in ("组长", "副组长") for one in panel)
        and not any(pair <= ids for pair in rules.apart)
    )


def a_case(chance: random.Random) -> tuple[list[Member], PanelRules]:
    """A small pool with equal scores, shared employers and some who must sit apart."""
    candidates = [
        Member(
            number,
            chance.randrange(0, 12),
            chance.choice(["", "a", "b", "c", "d"]),
            chance.random() < 0.3,
            chance.choice(["", "", "", "组长", "副组长"]),
        )
        for number in range(chance.randrange(0, 13))
    ]
    pairs = [pair for pair in itertools.combinations(range(len(candidates)), 2) if chance.random() < 0.06]
    return candidates, PanelRules(
        size=chance.choice([1, 3, 5]),
        per_employer=chance.randrange(1, 4),
        seniors=chance.randrange(0, 2),
        apart=frozenset(map(frozenset, pairs)),
    )


@pytest.mark.parametrize(
    ("solve", "cases"),
    [
        pytest.param(by_comparing, 1500, id="plain"),
        pytest.param(by_cp_sat, 300, id="OR-Tools", marks=needs_or_tools),
    ],
)
def test_no_lawful_panel_is_better_than_the_one_chosen(solve, cases):
    found = 0
    for seed in range(cases):
        candidates, rules = a_case(random.Random(seed))
        lawful = every_panel(candidates, rules)

        chosen = solve(candidates, rules)

        if not lawful:
            assert isinstance(chosen, NoPanel), (seed, chosen)
            continue
        assert isinstance(chosen, Panel) and chosen.is_best, seed
        by_id = {one.id: one for one in candidates}
        panel = tuple(by_id[id_] for id_ in chosen.members)
        assert is_lawful(panel, rules), seed
        assert len(panel) == rules.size and panel[0].id == chosen.leader and panel[0].may_lead, seed
        best = max(sum(one.score for one in other) for other in lawful)
        assert chosen.score == sum(one.score for one in panel) == best, seed
        found += 1
    assert found > cases / 3


def test_of_equal_panels_the_same_is_chosen_in_any_order():
    for seed in range(200):
        chance = random.Random(seed)
        candidates, rules = a_case(chance)
        shuffled = candidates.copy()
        chance.shuffle(shuffled)

        assert choose(candidates, rules) == choose(shuffled, rules)


def test_of_equal_panels_the_one_with_the_best_single_members_is_chosen():
    candidates = [Member(1, 9, "", True), Member(2, 6), Member(3, 5), Member(4, 5), Member(5, 4)]

    # 9 + 6 + 4 and 9 + 5 + 5 are equal; with 2 and 3 apart, 9 + 6 + 5 goes to 2 and 4.
    assert who(choose(candidates, PanelRules(size=3, apart=frozenset({frozenset({2, 3})})))) == [1, 2, 4]
    both = frozenset({frozenset({2, 3}), frozenset({2, 4})})
    assert who(choose(candidates, PanelRules(size=3, apart=both))) == [1, 2, 5]


# --- large and tangled ------------------------------------------------------------------------------


def a_crowd(count: int, chance: random.Random) -> list[Member]:
    return [
        Member(
            number, chance.randrange(40, 100), f"单位{chance.randrange(count // 4)}", chance.random() < 0.2
        )
        for number in range(count)
    ]


def test_ten_thousand_candidates_cost_few_steps():
    crowd = a_crowd(10_000, random.Random(1))

    for size in (3, 5, 7, 9):
        assert len(who(by_comparing(crowd, PanelRules(size=size, seniors=size // 2), steps=5_000))) == size


# What would take a second is asked of so few steps.
TANGLED = 3


def test_a_tangled_question_without_or_tools_is_answered_with_what_to_do(monkeypatch):
    monkeypatch.setattr(panels, "HAS_CP_SAT", False)

    none = choose(CAST, PanelRules(size=3), steps=TANGLED)

    assert isinstance(none, NoPanel) and not none.is_certain
    assert "muster[panels]" in none.words.zh and "muster[panels]" in none.words.en


@needs_or_tools
def test_a_tangled_question_goes_to_or_tools():
    panel = choose(CAST, PanelRules(size=3), steps=TANGLED)

    assert isinstance(panel, Panel)
    assert (panel.solver, panel.members) == (Solver.CP_SAT, (QIAN.id, LI.id, WANG.id))


@needs_or_tools
def test_or_tools_says_when_it_was_not_given_the_time():
    none = by_cp_sat(a_crowd(400, random.Random(3)), PanelRules(size=9), within=timedelta(0))

    assert isinstance(none, NoPanel) and not none.is_certain


@needs_or_tools
def test_having_or_tools_changes_no_answer_that_was_there_without_it(monkeypatch):
    for seed in range(100):
        candidates, rules = a_case(random.Random(seed))
        monkeypatch.setattr(panels, "HAS_CP_SAT", True)
        with_it = choose(candidates, rules)
        monkeypatch.setattr(panels, "HAS_CP_SAT", False)

        assert choose(candidates, rules) == with_it
