"""What every rule of matching has: words in both languages, and a kind and situations that it is about."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from coordination.matching import (
    InviteeKind,
    Situation,
    Vocabulary,
)
from coordination.matching.fits import case_of
from coordination.matching.rule import Rule
from coordination.matching.rules import BARS, CAUTIONS, NEAR_NOT_NEEDED
from coordination.visits import GuidanceKind
from ground.terms import Words
from tests.rules_cast import (
    FIRM,
    LI,
    PLUGGING,
    RESCUE,
    TEAM,
    TIRED_AT_SEVEN,
    TODAY,
    day,
    li,
    mine_team,
)


def test_every_rule_says_itself_in_both_languages_and_has_a_code_of_its_own() -> None:
    rules = (*BARS, *CAUTIONS, NEAR_NOT_NEEDED)

    assert len({rule.code for rule in rules}) == len(rules)
    for rule in rules:
        assert all(rule.sentence) and all(rule.label), rule.code
        assert rule.situations and rule.about, rule.code
        assert set(rule.laws) <= set(Situation), rule.code
        assert re.search("[一-鿿]", rule.sentence.zh) and not re.search("[一-鿿]", rule.sentence.en), (
            rule.code
        )


@pytest.mark.parametrize("rule", [*BARS, *CAUTIONS], ids=lambda rule: rule.code)
@pytest.mark.parametrize("situation", Situation)
def test_a_rule_holds_for_nobody_in_a_situation_or_of_a_kind_that_it_is_not_about(
    rule: Rule, situation: Situation
) -> None:
    everything = {"interests": [(LI, FIRM, None, None, Words("任职", "employed there"))]}
    pools = (
        li(suspended_on=day(1, 1), practices=[], visits=[(LI, TODAY, TODAY, "ZD-1")], **everything),
        mine_team(state="resting", apparatus_shifts=[(TEAM, TIRED_AT_SEVEN)], capabilities=[]),
    )
    for pool in pools:
        need = replace(PLUGGING if pool.kind is InviteeKind.TEAM else RESCUE, situation=situation)
        case = case_of(pool, need, need.requirements[0], Vocabulary())
        if situation not in rule.situations or pool.kind not in rule.about:
            assert list(rule.finds(case)) == []


def test_every_kind_of_guidance_is_a_situation() -> None:
    assert {str(kind) for kind in GuidanceKind} <= {str(situation) for situation in Situation}
