"""How a response plan adds up by level, what is no plan, and that the plans that ship can be used."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.capabilities import CAPABILITIES
from coordination.paging import InviteeKind, Mode
from coordination.plan_templates import DISCLAIMER, TEMPLATES, source_of, template_for
from coordination.response_plans import (
    MOST_ASKS,
    MOST_LINES,
    MOST_SEATS,
    PlanLine,
    Trade,
    compose,
    faults,
    in_order,
    seats_for,
    usual,
)
from ground import kinds
from ground.industries import BY_CODE, SPECIALTY_BY_CODE
from incidents.levels import AccidentLevel

ORDINARY, MAJOR, SERIOUS, EXTREME = AccidentLevel
ABLE = {capability.code for capability in CAPABILITIES}


def experts(seats=1, of=Trade.OF_INCIDENT, *, skilled="", since=ORDINARY, **more):
    return PlanLine(
        kind=InviteeKind.EXPERT, seats=seats, industry=of, specialty=skilled, from_level=since, **more
    )


def teams(seats=1, of=Trade.OF_INCIDENT, *, able="", since=ORDINARY, **more):
    return PlanLine(
        kind=InviteeKind.TEAM, seats=seats, industry=of, capability=able, from_level=since, **more
    )


def said(lines):
    """Return what a plan comes to as an officer would read it out: how many, of whom."""
    return [
        f"{line.seats} {'remote ' if line.mode is Mode.REMOTE else ''}{line.kind}"
        f" {line.industry}{f' {line.specialty}' if line.specialty else ''}"
        f"{f' {line.capability}' if line.capability else ''}{'!' if line.critical else ''}"
        for line in lines
    ]


@pytest.mark.parametrize(
    ("lines", "level", "industry", "expected"),
    [
        pytest.param(
            [experts(2), teams(1)],
            ORDINARY,
            "WH",
            ["2 expert WH", "1 team WH"],
            id="what begins at the lowest level is asked of the incident's own industry",
        ),
        pytest.param(
            [experts(2), teams(1)],
            EXTREME,
            "WH",
            ["2 expert WH", "1 team WH"],
            id="a plan that adds nothing asks the same at every level",
        ),
        pytest.param(
            [experts(2), experts(1, skilled="environment", since=MAJOR)],
            ORDINARY,
            "WH",
            ["2 expert WH"],
            id="what begins at 较大 is not asked at 一般",
        ),
        pytest.param(
            [experts(2), experts(1, skilled="environment", since=MAJOR)],
            MAJOR,
            "WH",
            ["2 expert WH", "1 expert WH environment"],
            id="what begins at 较大 is asked at 较大",
        ),
        pytest.param(
            [experts(2), experts(1, skilled="environment", since=MAJOR)],
            EXTREME,
            "WH",
            ["2 expert WH", "1 expert WH environment"],
            id="what begins at 较大 is still asked at 特别重大",
        ),
        pytest.param(
            [teams(1), teams(1, since=SERIOUS), teams(2, since=EXTREME)],
            EXTREME,
            "MK",
            ["4 team MK"],
            id="the same ask of several levels is one line with the sum of its seats",
        ),
        pytest.param(
            [teams(1), teams(1, since=SERIOUS), teams(2, since=EXTREME)],
            SERIOUS,
            "MK",
            ["2 team MK"],
            id="a level adds up those before it and no more",
        ),
        pytest.param(
            [experts(2), experts(1, "WH")],
            ORDINARY,
            "WH",
            ["2 expert WH"],
            id="the chemist that the plan names is one of the two chemists in a chemical plant",
        ),
        pytest.param(
            [experts(2), experts(1, "WH")],
            ORDINARY,
            "JT",
            ["2 expert JT", "1 expert WH"],
            id="elsewhere the chemist comes beside the two of the trade",
        ),
        pytest.param(
            [experts(1), experts(3, "WH")],
            ORDINARY,
            "WH",
            ["3 expert WH"],
            id="of two lines for the same seats the larger number counts",
        ),
        pytest.param(
            [experts(2), experts(1, "WH", since=MAJOR)],
            MAJOR,
            "WH",
            ["3 expert WH"],
            id="one that a graver level adds comes on top, whichever way it is written",
        ),
        pytest.param(
            [experts(1, skilled="leak_sealing"), experts(1, skilled="environment")],
            ORDINARY,
            "WH",
            ["1 expert WH leak_sealing", "1 expert WH environment"],
            id="another specialty is another seat",
        ),
        pytest.param(
            [experts(1), experts(1, mode=Mode.REMOTE)],
            ORDINARY,
            "WH",
            ["1 expert WH", "1 remote expert WH"],
            id="advice from afar is another seat than coming",
        ),
        pytest.param(
            [teams(1, able="foam"), teams(1, Trade.ANY, able="foam")],
            ORDINARY,
            "WH",
            ["1 team WH foam", "1 team any foam"],
            id="a team of any trade is another seat than one of the trade",
        ),
        pytest.param(
            [experts(1, critical=True), experts(1, since=MAJOR)],
            MAJOR,
            "WH",
            ["2 expert WH!"],
            id="a line is critical when any of what it is made of is",
        ),
        pytest.param(
            [teams(1, since=MAJOR, able="foam"), experts(1), teams(1)],
            MAJOR,
            "WH",
            ["1 team WH foam", "1 expert WH", "1 team WH"],
            id="the lines stay in the plan's order",
        ),
        pytest.param(
            [experts(2), experts(1, "WH")],
            ORDINARY,
            None,
            ["2 expert incident", "1 expert WH"],
            id="before the industry is known the plan reads as it is written",
        ),
        pytest.param([], EXTREME, "WH", [], id="an empty plan asks for nobody"),
    ],
)
def test_a_plan_adds_up_by_level(lines, level, industry, expected):
    assert said(compose(lines, level, industry=industry)) == expected


def test_an_expert_who_is_wanted_soon_is_another_seat_than_the_best_one():
    both = compose([experts(1), experts(1, urgent=True)], ORDINARY, industry="WH")

    assert [(line.seats, line.urgent) for line in both] == [(1, False), (1, True)]


lines_at_random = st.lists(
    st.builds(
        PlanLine,
        kind=st.sampled_from(InviteeKind),
        seats=st.integers(1, 4),
        from_level=st.sampled_from(AccidentLevel),
        mode=st.sampled_from(Mode),
        industry=st.sampled_from([*Trade, "WH", "JT"]),
        specialty=st.sampled_from(["", "fire"]),
        capability=st.sampled_from(["", "foam"]),
        critical=st.booleans(),
        urgent=st.booleans(),
    ),
    max_size=12,
)


@given(lines_at_random, st.sampled_from([None, "WH", "MK"]))
def test_a_graver_level_never_asks_for_less(lines, industry):
    by_level = [compose(lines, level, industry=industry) for level in AccidentLevel]

    for lower, higher in pairwise(by_level):
        more = {line.ask: line for line in higher}
        assert all(more[line.ask].seats >= line.seats for line in lower)
        assert all(more[line.ask].critical for line in lower if line.critical)


@given(lines_at_random, st.sampled_from(AccidentLevel), st.sampled_from([None, "WH", "MK"]))
def test_no_seat_is_asked_for_in_two_lines(lines, level, industry):
    asks = [line.ask for line in compose(lines, level, industry=industry)]

    assert len(asks) == len(set(asks))


@given(lines_at_random, st.sampled_from(AccidentLevel), st.sampled_from(["WH", "MK"]))
def test_what_is_composed_composes_to_itself(lines, level, industry):
    once = compose(lines, level, industry=industry)

    assert compose(once, level, industry=industry) == once


# What is no plan ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        pytest.param(
            [experts(1), experts(0, skilled="fire")], "第 2 行的席位数是 0，应为 1 到 20", id="no seat"
        ),
        pytest.param([experts(MOST_SEATS + 1)], "第 1 行的席位数是 21", id="more seats than anybody fills"),
        pytest.param([teams(1, mode=Mode.REMOTE)], "第 1 行要求队伍远程参加", id="a team from afar"),
        pytest.param(
            [replace(teams(1), specialty="fire")], "第 1 行是队伍，不能要求专业方向", id="a team's specialty"
        ),
        pytest.param(
            [replace(experts(1), capability="foam")],
            "第 1 行是专家，不能要求救援能力",
            id="an expert's capability",
        ),
        pytest.param([experts(1, Trade.ANY)], "等于谁都可以", id="anybody at all"),
        pytest.param([experts(1, since=MAJOR)], "“一般”级别还没有席位", id="nothing at the lowest level"),
        pytest.param([], "“一般”级别还没有席位", id="nothing at all"),
        pytest.param(
            [experts(1), teams(1), experts(2)], "第 3 行与第 1 行要的是同样的席位", id="a line twice"
        ),
        pytest.param(
            [experts(1, skilled=code) for code in list(SPECIALTY_BY_CODE)[: MOST_ASKS + 1]],
            "最多 7 种岗位、24 行，现在有 8 种",
            id="more kinds of seats than the callout's form has lines",
        ),
        pytest.param(
            [
                experts(1, skilled=code, since=level)
                for code in list(SPECIALTY_BY_CODE)[:MOST_ASKS]
                for level in AccidentLevel
            ],
            f"最多 7 种岗位、24 行，现在有 7 种、{MOST_ASKS * 4} 行",
            id="more lines than anybody reads",
        ),
    ],
)
def test_what_is_no_plan_is_refused_with_the_line_and_the_way_out(lines, sentence):
    found = faults(lines)

    assert any(sentence in words.zh for words in found), [words.zh for words in found]
    assert all(words.en for words in found)
    assert MOST_LINES == 24


def test_a_line_is_named_by_the_number_that_it_has_on_the_page():
    (wrong,) = faults([experts(1), experts(0, skilled="fire")], [1, 5])

    assert wrong.zh.startswith("第 5 行")


# What ships ---------------------------------------------------------------------------------------

IDS = [f"{template.kind}{template.industry}" for template in TEMPLATES]


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_a_template_refers_only_to_what_exists(template):
    kinds.by_code(template.kind)

    assert template.industry in {"", *BY_CODE}
    for line in template.lines:
        assert line.industry in {*Trade, *BY_CODE}
        assert line.specialty in {"", *SPECIALTY_BY_CODE}
        assert line.capability in {"", *ABLE}


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_a_template_is_a_plan_in_its_order_with_somebody_critical_of_either_sort(template):
    assert faults(template.lines) == ()
    assert in_order(template.lines) == template.lines
    critical = {line.kind for line in compose(template.lines, ORDINARY) if line.critical}
    assert critical == set(InviteeKind)


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
@pytest.mark.parametrize("industry", list(BY_CODE))
def test_a_template_asks_for_more_at_every_graver_level_in_any_industry(template, industry):
    totals = [
        sum(line.seats for line in compose(template.lines, level, industry=industry))
        for level in AccidentLevel
    ]

    assert all(lower < higher for lower, higher in pairwise(totals)), totals


@pytest.mark.parametrize(
    "kind",
    [
        *("gas_explosion", "roof_fall", "water_inrush", "hazchem_leak", "hazchem_fire", "poisoning"),
        *("molten_metal", "furnace_gas", "dust_explosion", "hazmat_transport", "collapse", "fireworks"),
        *("tailings", "pipeline_leak"),
    ],
)
def test_a_common_kind_has_a_template(kind):
    assert template_for(kind) is not None


def test_an_ordinary_leak_is_proposed_what_was_proposed_before_there_were_plans():
    leak = template_for("hazchem_leak")
    assert leak is not None

    assert compose(leak.lines, ORDINARY) == usual(kinds.by_code("hazchem_leak"))
    assert said(compose(leak.lines, ORDINARY, industry="WH")) == [
        "2 expert WH hazchem_response!",
        "1 team WH!",
    ]


def test_an_extreme_gas_explosion_calls_experts_and_teams_by_the_dozen():
    explosion = template_for("gas_explosion")
    assert explosion is not None
    lines = compose(explosion.lines, EXTREME, industry="MK")

    assert (seats_for(InviteeKind.EXPERT, lines), seats_for(InviteeKind.TEAM, lines)) == (6, 9)


def test_bad_air_below_ground_is_work_for_mine_rescue_teams():
    for industry in ("MK", "FM"):
        template = template_for("poisoning", industry)
        assert template is not None
        assert {line.capability for line in template.lines if line.critical} == {"", "underground_search"}


def test_templates_are_named_once_and_labelled_as_no_official_standard():
    assert len({(one.kind, one.industry) for one in TEMPLATES}) == len(TEMPLATES)
    assert source_of("hazchem_leak", is_changed=False).zh == "推荐模板"
    assert source_of("hazchem_leak", is_changed=True).zh == "由推荐模板修改"
    assert source_of("electrocution", is_changed=True).zh == "本单位编制"
    assert "不是官方标准" in DISCLAIMER.zh and "not an official standard" in DISCLAIMER.en
