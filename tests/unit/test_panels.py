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


# --- filling up a panel of which somebody has declined ------------------------------------------------


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize(
    ("seated", "candidates", "rules", "members"),
    [
        pytest.param(
            [QIAN, LI], [WANG, ZHAO], PanelRules(size=3), [QIAN, LI, WANG], id="the open seat, best first"
        ),
        pytest.param(
            [QIAN, LI],
            [WANG, SUN],
            PanelRules(size=3, per_employer=1),
            None,
            id="colleagues of those seated do not join them",
        ),
        pytest.param(
            [QIAN, LI],
            [WANG, Member(7, 10, WORKS)],
            PanelRules(size=3, per_employer=1),
            [QIAN, LI, Member(7, 10, WORKS)],
            id="the seated count for their employers",
        ),
        pytest.param(
            [LI, SUN], [WANG, QIAN], PanelRules(size=3), [SUN, LI, QIAN], id="a senior is still missing"
        ),
        pytest.param(
            [QIAN, LI],
            [WANG, ZHAO],
            PanelRules(size=3, apart=apart((LI, WANG))),
            [QIAN, LI, ZHAO],
            id="whoever must not sit with somebody seated is passed over",
        ),
        pytest.param([QIAN, LI, SUN], [ZHOU], PanelRules(size=3), [SUN, LI, QIAN], id="nobody is missing"),
    ],
)
def test_only_the_open_seats_are_filled(solve, seated, candidates, rules, members):
    panel = solve(candidates, rules, seated=seated)

    if members is None:
        assert isinstance(panel, NoPanel) and panel.is_certain
    else:
        assert who(panel) == [one.id for one in members]


@pytest.mark.parametrize("solve", SOLVERS)
def test_whoever_leads_already_leads_on(solve):
    assert who(solve([ZHOU], PanelRules(size=3), seated=[QIAN, LI])) == [ZHOU.id, LI.id, QIAN.id]
    assert who(solve([ZHOU], PanelRules(size=3), seated=[QIAN, LI], leader=QIAN.id)) == [
        *(QIAN.id, LI.id, ZHOU.id)
    ]


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize(
    ("seated", "candidates", "rules", "said"),
    [
        pytest.param([LI, WANG, QIAN], [], PanelRules(size=1), "多于专家组的 1 人", id="too many seated"),
        pytest.param(
            [LI, WANG],
            [QIAN],
            PanelRules(size=3, per_employer=1),
            "2 位来自化工学院",
            id="two colleagues seated",
        ),
        pytest.param(
            [LI, QIAN],
            [SUN],
            PanelRules(size=3, apart=apart((LI, QIAN))),
            "不能同组的两位",
            id="a pair seated",
        ),
        pytest.param([LI], [QIAN], PanelRules(size=3), "已定 1 人，另有 1 位可选", id="too few to join"),
        pytest.param(
            [LI, SUN],
            [QIAN, ZHOU],
            PanelRules(size=3, seniors=2),
            "还缺 2 位正高级，只剩 1 个空位",
            id="more seniors than seats",
        ),
    ],
)
def test_where_a_panel_cannot_be_filled_up_the_reason_is_said(solve, seated, candidates, rules, said):
    none = solve(candidates, rules, seated=seated)

    assert isinstance(none, NoPanel) and none.is_certain
    assert said in none.words.zh and none.words.en


def test_whoever_is_seated_is_no_candidate_and_whoever_leads_is_seated():
    with pytest.raises(ValueError):
        choose([LI, QIAN], seated=[LI])
    with pytest.raises(ValueError):
        choose([LI, QIAN], leader=LI.id)


@pytest.mark.parametrize("solve", SOLVERS)
def test_a_near_trade_sits_only_where_the_trade_is_used_up(solve):
    poor = [Member(11, 5), Member(12, 4, is_senior=True)]
    near = [Member(21, 99, is_senior=True, is_near=True), Member(22, 98, is_near=True)]

    assert who(solve([*poor, *near], PanelRules(size=3))) == [12, 11, 21]


# --- against every possible panel -------------------------------------------------------------------


def every_panel(
    candidates: list[Member], rules: PanelRules, seated: list[Member], leader: int | None
) -> list[tuple[Member, ...]]:
    others = max(0, rules.size - len(seated))
    return [
        panel
        for joined in itertools.combinations(candidates, others)
        if is_lawful(panel := (*seated, *joined), rules, leader)
    ]


def is_lawful(panel: tuple[Member, ...], rules: PanelRules, leader: int | None) -> bool:
    employers = [one.employer for one in panel if one.employer]
    ids = {one.id for one in panel}
    return (
        len(panel) == rules.size
        and all(employers.count(one) <= rules.per_employer for one in employers)
        and sum(one.is_senior for one in panel) >= rules.seniors
        and (leader in ids or any(one.is_senior or one.group_role in ("组长", "副组长") for one in panel))
        and not any(pair <= ids for pair in rules.apart)
    )


def a_case(chance: random.Random) -> tuple[list[Member], PanelRules]:
    """A small pool with equal scores, shared employers, some of near trades, some who must sit apart."""
    candidates = [
        Member(
            number,
            chance.randrange(0, 12),
            chance.choice(["", "a", "b", "c", "d"]),
            chance.random() < 0.3,
            chance.choice(["", "", "", "组长", "副组长"]),
            chance.random() < 0.25,
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


def some_seated(
    candidates: list[Member], rules: PanelRules, chance: random.Random
) -> tuple[list[Member], list[Member], int | None]:
    """Seat some of them, whether they may sit together or not; perhaps one of those leads already."""
    count = chance.choice([0, 1, 1, 2, 2, 3, 4, rules.size])
    seated = chance.sample(candidates, min(count, len(candidates)))
    leader = chance.choice(seated).id if seated and chance.random() < 0.3 else None
    return [one for one in candidates if one not in seated], seated, leader


@pytest.mark.parametrize(
    ("solve", "cases"),
    [
        pytest.param(by_comparing, 1500, id="plain"),
        pytest.param(by_cp_sat, 300, id="OR-Tools", marks=needs_or_tools),
    ],
)
@pytest.mark.parametrize("filling_up", [False, True], ids=["chosen anew", "filled up"])
def test_no_lawful_panel_is_better_than_the_one_chosen(solve, cases, filling_up):
    found = 0
    for seed in range(cases):
        chance = random.Random(seed)
        candidates, rules = a_case(chance)
        seated, leader = [], None
        if filling_up:
            candidates, seated, leader = some_seated(candidates, rules, chance)
        lawful = every_panel(candidates, rules, seated, leader)

        chosen = solve(candidates, rules, seated=seated, leader=leader)

        if not lawful:
            assert isinstance(chosen, NoPanel), (seed, chosen)
            continue
        assert isinstance(chosen, Panel) and chosen.is_best, seed
        by_id = {one.id: one for one in (*candidates, *seated)}
        panel = tuple(by_id[id_] for id_ in chosen.members)
        assert is_lawful(panel, rules, leader) and set(seated) <= set(panel), seed
        assert panel[0].id == chosen.leader and leader in (None, chosen.leader), seed
        assert leader is not None or panel[0].may_lead, seed
        best = max(map(goodness, lawful))
        assert goodness(panel) == best and chosen.score == best[1], seed
        found += 1
    assert found > cases / 4


def goodness(panel: tuple[Member, ...]) -> tuple[int, int]:
    return -sum(one.is_near for one in panel), sum(one.score for one in panel)


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
