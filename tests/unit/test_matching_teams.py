"""Matching a need to named teams, alone and together with people: who leaves first, and in which words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordination.matching import (
    InviteeKind,
    Pool,
    Requirement,
    match,
)
from tests.matching_cast import (
    CHEMIST,
    LI,
    WANG,
    km_north,
    rescue,
    roster,
)


def test_reserves_are_counted_as_teams_are_where_teams_are_asked_for() -> None:
    teams = Pool.of_teams(
        [(LI, "危化队", *km_north(30), "ready", None), (WANG, "烟花队", *km_north(10), "ready", None)],
        industries=[(LI, "WH"), (WANG, "YH")],
    )
    ask = Requirement(key="team", kind=InviteeKind.TEAM, industry="WH")

    widened = match(rescue(ask), teams=teams)["team"].widened_words()

    assert widened and widened.zh.startswith("本行业可用 1 支队伍，不够 1 席和 3 支候补，已扩大到相近行业")


def test_two_kinds_of_seats_are_filled_from_two_lists() -> None:
    teams = Pool.of_teams(
        [(LI, "演示一队", *km_north(60), "ready", None), (WANG, "演示二队", *km_north(25), "ready", None)],
        capabilities=[(LI, "plugging"), (WANG, "plugging")],
    )
    asks = (replace(CHEMIST, seats=2), Requirement(key="team", kind=InviteeKind.TEAM, capability="plugging"))

    matching = match(rescue(*asks), experts=roster({LI: ("李", "WH", 5), WANG: ("王", "WH", 9)}), teams=teams)

    assert matching.picks == {"chemist": (LI, WANG), "team": (WANG,)}
    assert matching.reserves == {"chemist": (), "team": (LI,)}
    row = matching["team"].picked_rows()[0]
    assert (row.kind, row.name) == (InviteeKind.TEAM, "演示二队")
    assert row.parts[0].words.zh == "具备能力：plugging"


def test_a_team_is_ranked_by_its_minutes_whatever_trades_it_is_registered_for() -> None:
    teams = Pool.of_teams(
        [(LI, "演示一队", *km_north(60), "ready", None), (WANG, "演示二队", *km_north(25), "ready", None)],
        industries=[(LI, "WH")],
        capabilities=[(LI, "plugging"), (WANG, "plugging")],
    )
    ask = Requirement(key="team", kind=InviteeKind.TEAM, capability="plugging", industry="WH")

    assert match(rescue(ask), teams=teams)["team"].ids() == [WANG, LI]


def test_of_teams_about_as_near_those_who_went_often_come_later_but_the_nearest_is_sent() -> None:
    teams = Pool.of_teams(
        [(LI, "演示一队", *km_north(22), "ready", None), (WANG, "演示二队", *km_north(20), "ready", None)],
        callouts=[(WANG, 9)],
    )
    ask = Requirement(key="team", kind=InviteeKind.TEAM)

    matched = match(rescue(ask), teams=teams)["team"]
    two = match(rescue(replace(ask, seats=2)), teams=teams)["team"]

    # Where people wait, who arrives first goes; fairness only decides where nobody arrives later for it.
    assert matched.ids() == [LI, WANG]
    assert matched.picks == (WANG,)
    assert two.picks == (LI, WANG)


def test_a_team_leaves_sooner_than_an_expert() -> None:
    teams = Pool.of_teams([(LI, "演示一队", *km_north(30), "ready", None)])
    asks = (CHEMIST, Requirement(key="team", kind=InviteeKind.TEAM))

    matching = match(rescue(*asks), experts=roster({LI: ("李", "WH", 30)}), teams=teams)

    expert, team = (matching[key].rows()[0].minutes for key in ("chemist", "team"))
    assert expert is not None and team is not None
    assert expert - team == pytest.approx(5)
