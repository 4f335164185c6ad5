"""Accident levels by Decree 493 art. 3: "以上" includes the number, "以下" does not, one limb is enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.levels import AccidentLevel, Limb, ResponseLevel, suggest

ORDINARY, MAJOR, SERIOUS, EXTREME = AccidentLevel

counts = st.integers(0, 200)
losses = st.none() | st.floats(0, 50_000)


@pytest.mark.parametrize(
    ("figures", "level", "limb"),
    [
        pytest.param({}, ORDINARY, None, id="nothing known yet"),
        pytest.param({"deaths": 1}, ORDINARY, Limb.DEATHS, id="1 death"),
        pytest.param({"deaths": 2}, ORDINARY, Limb.DEATHS, id="2 deaths"),
        pytest.param({"deaths": 3}, MAJOR, Limb.DEATHS, id="3 deaths"),
        pytest.param({"deaths": 9}, MAJOR, Limb.DEATHS, id="9 deaths"),
        pytest.param({"deaths": 10}, SERIOUS, Limb.DEATHS, id="10 deaths"),
        pytest.param({"deaths": 29}, SERIOUS, Limb.DEATHS, id="29 deaths"),
        pytest.param({"deaths": 30}, EXTREME, Limb.DEATHS, id="30 deaths"),
        pytest.param({"serious_injuries": 9}, ORDINARY, Limb.SERIOUS_INJURIES, id="9 seriously injured"),
        pytest.param({"serious_injuries": 10}, MAJOR, Limb.SERIOUS_INJURIES, id="10 seriously injured"),
        pytest.param({"serious_injuries": 49}, MAJOR, Limb.SERIOUS_INJURIES, id="49 seriously injured"),
        pytest.param({"serious_injuries": 50}, SERIOUS, Limb.SERIOUS_INJURIES, id="50 seriously injured"),
        pytest.param({"serious_injuries": 99}, SERIOUS, Limb.SERIOUS_INJURIES, id="99 seriously injured"),
        pytest.param({"serious_injuries": 100}, EXTREME, Limb.SERIOUS_INJURIES, id="100 seriously injured"),
        pytest.param({"loss_wan": 999.99}, ORDINARY, Limb.LOSS, id="just under 10 million yuan"),
        pytest.param({"loss_wan": 1000}, MAJOR, Limb.LOSS, id="10 million yuan"),
        pytest.param({"loss_wan": 4999.99}, MAJOR, Limb.LOSS, id="just under 50 million yuan"),
        pytest.param({"loss_wan": 5000}, SERIOUS, Limb.LOSS, id="50 million yuan"),
        pytest.param({"loss_wan": 9999.99}, SERIOUS, Limb.LOSS, id="just under 100 million yuan"),
        pytest.param({"loss_wan": 10000}, EXTREME, Limb.LOSS, id="100 million yuan"),
        pytest.param(
            {"deaths": 2, "serious_injuries": 12, "loss_wan": 300},
            MAJOR,
            Limb.SERIOUS_INJURIES,
            id="one limb suffices",
        ),
        pytest.param({"deaths": 3, "loss_wan": 6000}, SERIOUS, Limb.LOSS, id="the gravest limb decides"),
        pytest.param(
            {"deaths": 3, "serious_injuries": 10}, MAJOR, Limb.DEATHS, id="deaths named first of equals"
        ),
        pytest.param({"loss_wan": None}, ORDINARY, None, id="a loss nobody has estimated"),
    ],
)
def test_the_figures_suggest_a_level_and_name_the_limb(figures, level, limb):
    reading = suggest(**figures).confirmed

    assert (reading.level, reading.limb) == (level, limb)


def test_the_missing_count_only_in_the_second_reading():
    suggestion = suggest(deaths=2, missing=1)

    assert suggestion.confirmed.level is ORDINARY
    assert suggestion.counting_missing.level is MAJOR
    assert not suggestion.agree
    assert suggestion.zh == (
        "已确认：一般 Ⅳ：死亡2人，不足3人；失联按死亡计：较大 Ⅲ：死亡3人（含失联1人），达到3人以上。"
        "依据《生产安全事故报告和调查处理条例》第三条（国务院令第493号，2007-06-01起施行）"
    )


def test_when_both_readings_agree_one_sentence_says_so():
    suggestion = suggest(deaths=1, missing=1, serious_injuries=2)

    assert suggestion.agree
    assert "计入失联人员后等级不变" in suggestion.zh
    assert "the same when the missing are counted" in suggestion.en


def test_the_source_is_named_as_data():
    source = suggest().source

    assert (source.name.zh, source.article.zh) == ("生产安全事故报告和调查处理条例", "第三条")
    assert source.version.zh == "国务院令第493号，2007-06-01起施行"


def test_an_english_sentence_names_the_law_in_english():
    assert suggest().en.endswith("article 3 (State Council Decree 493, in force since 2007-06-01)")


def test_a_great_loss_is_written_out_in_full():
    assert "2000000万元" in suggest(loss_wan=2_000_000).confirmed.zh


@given(counts, counts, losses, counts)
def test_counting_the_missing_never_lowers_the_level(deaths, injuries, loss, missing):
    order = list(AccidentLevel)
    suggestion = suggest(deaths=deaths, serious_injuries=injuries, loss_wan=loss, missing=missing)

    assert order.index(suggestion.counting_missing.level) >= order.index(suggestion.confirmed.level)


@pytest.mark.parametrize("figure", ["deaths", "serious_injuries", "loss_wan", "missing"])
def test_negative_figures_are_a_mistake_of_the_caller(figure):
    with pytest.raises(ValueError, match="negative"):
        suggest(**{figure: -1})


def test_response_levels_are_another_list():
    assert [level.zh for level in ResponseLevel] == ["四级", "三级", "二级", "一级"]
    assert not set(ResponseLevel) & set(AccidentLevel)
