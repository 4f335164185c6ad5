"""What a centre may set of the weights, and the invented people that show what it comes to."""

from __future__ import annotations

from dataclasses import fields

import pytest

from coordination import weight_examples
from coordination.matching import Weights
from coordination.weight_settings import SETTINGS, changes, faults, values_of


def test_every_number_of_the_weights_may_be_set():
    assert {one.name for one in SETTINGS} == {one.name for one in fields(Weights)} - {"version"}


def test_the_defaults_may_be_set():
    assert faults(Weights()) == ()
    assert Weights(**values_of(Weights())) == Weights()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_each_may_be_set_from_its_least_to_its_most_and_no_further(setting):
    def wrong(value: float) -> bool:
        return bool(faults(Weights(**{setting.name: value})))

    assert not wrong(setting.least) and not wrong(setting.most)
    assert wrong(setting.least - setting.step) and wrong(setting.most + setting.step)
    assert wrong(setting.least + setting.step / 2)


def test_a_change_names_what_it_was_and_what_it_is():
    changed = changes(Weights(), Weights(travel=80, fairness_minutes=0))

    assert [(one.name, was, now) for one, was, now in changed] == [
        ("travel", 30, 80),
        ("fairness_minutes", 2, 0),
    ]


def names(standings):
    return [one.name.zh for one in standings]


def test_in_the_example_whoever_is_soonest_there_comes_first_when_only_that_counts():
    only_arrival = Weights(expertise=0, travel=100, load=0, freshness=0)

    assert names(weight_examples.experts(only_arrival)) == ["专家丙", "专家乙", "专家戊", "专家丁", "专家甲"]


def test_and_those_who_went_least_when_only_turns_count():
    only_turns = Weights(expertise=0, travel=0, load=100, freshness=0)

    assert names(weight_examples.experts(only_turns))[-1] == "专家乙"


def test_a_team_that_went_five_times_falls_behind_a_fresh_one_a_few_minutes_later():
    assert names(weight_examples.teams(Weights(fairness_minutes=0))) == ["甲队", "乙队", "丙队", "丁队"]
    assert names(weight_examples.teams(Weights(fairness_minutes=2))) == ["乙队", "甲队", "丙队", "丁队"]


def test_the_nearest_team_comes_first_unless_it_counts_that_another_incident_is_asking_it():
    assert names(weight_examples.teams(Weights(asked_elsewhere_minutes=0)))[0] == "丁队"
    assert names(weight_examples.teams(Weights(asked_elsewhere_minutes=30)))[-1] == "丁队"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_the_example_shows_a_difference_for_every_setting(setting):
    """Scores for what ranks experts, the order for what ranks teams."""

    def seen(value: int) -> object:
        weights = Weights(**{setting.name: value})
        return weight_examples.experts(weights), names(weight_examples.teams(weights))

    assert seen(setting.least) != seen(setting.most)


def test_who_has_moved_up_is_told_apart_from_who_has_moved_down():
    now = weight_examples.experts(Weights(expertise=10, travel=80, load=10))
    before = weight_examples.experts(Weights())

    moved = {one.now.name.zh: one.up for one in weight_examples.moved(now, before)}

    assert moved["专家丙"] > 0 > moved["专家甲"]
    assert sum(moved.values()) == 0
