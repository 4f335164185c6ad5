"""Industries: what a class of GB/T 4754 suggests, which are near, and how people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground import industries
from ground.industries import INDUSTRIES, SPECIALTIES, find, find_specialty, near_to, suggest

CODES = [industry.code for industry in INDUSTRIES]


def test_there_are_sixteen_industries_with_codes_and_names_of_their_own():
    assert " ".join(CODES) == "MK FM YQ WH YH YJ YS JC JX QG FZ YC SM JZ JT DL"
    assert len({industry.zh for industry in INDUSTRIES}) == 16
    assert len({industry.en for industry in INDUSTRIES}) == 16


@pytest.mark.parametrize(
    ("gbt4754_code", "codes"),
    [
        pytest.param("B0610", ("MK",), id="a colliery"),
        pytest.param("B1110", ("MK",), id="services to coal mining"),
        pytest.param("B1120", ("YQ",), id="services to oil extraction"),
        pytest.param("B0810", ("FM",), id="an iron mine"),
        pytest.param("M7471", ("FM",), id="geological exploration"),
        pytest.param("G5720", ("YQ",), id="a pipeline"),
        pytest.param("C2511", ("WH",), id="a refinery"),
        pytest.param("2614", ("WH",), id="organic chemicals, without the letter"),
        pytest.param("c2614", ("WH",), id="organic chemicals, in lower case"),
        pytest.param("C2672", ("YH",), id="fireworks are not hazardous chemicals here"),
        pytest.param("C2710", ("WH",), id="raw pharmaceuticals"),
        pytest.param("C2720", (), id="finished medicines belong to none"),
        pytest.param("C3110", ("YJ",), id="iron making"),
        pytest.param("C3216", ("YS",), id="aluminium"),
        pytest.param("C3011", ("JC",), id="cement"),
        pytest.param("C3054", ("QG",), id="household glass is light industry"),
        pytest.param("C3073", ("QG",), id="art ceramics are light industry"),
        pytest.param("C3071", ("JC",), id="building ceramics are building materials"),
        pytest.param("C1610", ("YC",), id="tobacco"),
        pytest.param("F5162", ("WH", "SM"), id="petroleum wholesale: the closer fit first"),
        pytest.param("F5135", ("SM",), id="cultural goods wholesale"),
        pytest.param("G5942", ("WH",), id="a hazardous chemicals store is not trade"),
        pytest.param("G5435", ("WH", "JT"), id="dangerous goods by road: both"),
        pytest.param("G5431", ("JT",), id="ordinary goods by road"),
        pytest.param("D4411", ("DL",), id="a power station"),
        pytest.param("D4511", (), id="town gas is left to local choice"),
        pytest.param("E48", ("JZ",), id="a two-digit division"),
        pytest.param("A2614", (), id="a letter that contradicts the digits"),
        pytest.param("", (), id="nothing"),
        pytest.param("化工", (), id="a word"),
    ],
)
def test_a_class_suggests_industries(gbt4754_code, codes):
    assert suggest(gbt4754_code) == codes


@given(st.from_regex(r"[A-T]?[0-9]{2,4}", fullmatch=True))
def test_every_class_gets_known_industries_or_none(gbt4754_code):
    assert set(suggest(gbt4754_code)) <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_nearness_is_mutual_and_never_to_oneself(code):
    near = near_to(code)

    assert near, f"{code} would have nobody to turn to"
    assert code not in near
    assert set(near) <= set(CODES)
    assert all(code in near_to(other) for other in near)


def test_no_pair_is_named_twice():
    assert len({frozenset(pair) for pair in industries.NEAR}) == len(industries.NEAR)


def test_an_unknown_industry_is_near_to_none():
    assert near_to("XX") == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("WH", "WH"),
        ("wh", "WH"),
        ("危险化学品", "WH"),
        ("危险化学品(含化工、医药化工)", "WH"),
        ("危险化学品（含化工）", "WH"),
        (" 危化品 ", "WH"),
        ("化工行业", "WH"),
        ("非煤矿山", "FM"),
        ("有色金属", "YS"),
        ("建筑施工", "JZ"),
    ],
)
def test_an_industry_is_found_however_it_is_written(text, code):
    assert find(text).code == code


@pytest.mark.parametrize("text", ["", "航天", "XX", "煤"])
def test_an_unknown_industry_is_not_guessed(text):
    assert find(text) is None


def test_specialties_have_codes_and_names_of_their_own():
    assert len({specialty.code for specialty in SPECIALTIES}) == len(SPECIALTIES)
    assert len({specialty.zh for specialty in SPECIALTIES}) == len(SPECIALTIES)
    assert find_specialty("带压堵漏") == find_specialty("leak_sealing")
    assert find_specialty("占卜") is None
