"""The kinds of incident: each points to industries and specialties that exist."""

from __future__ import annotations

import pytest

from ground.industries import BY_CODE, SPECIALTY_BY_CODE
from ground.kinds import KIND_CHOICES, KINDS, by_code


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_a_kind_asks_for_industries_and_specialties_that_exist(kind):
    assert kind.industry in BY_CODE
    assert set(kind.also) <= set(BY_CODE) - {kind.industry}
    assert set(kind.specialties) <= set(SPECIALTY_BY_CODE)


def test_kinds_have_codes_names_and_keys_of_their_own():
    hotkeys = [kind.hotkey for kind in KINDS if kind.hotkey]

    assert len({kind.code for kind in KINDS}) == len({kind.zh for kind in KINDS}) == len(KINDS)
    assert hotkeys == list("1234567890")
    assert KIND_CHOICES[-1] == ("other", "其他")
    assert max(len(kind.code) for kind in KINDS) <= 24


def test_a_gas_explosion_asks_coal_miners():
    kind = by_code("gas_explosion")

    assert (kind.zh, kind.industry) == ("瓦斯爆炸", "MK")
    assert "mine_rescue" in kind.specialties


def test_an_unknown_kind_is_not_guessed():
    with pytest.raises(KeyError):
        by_code("meteorite")
