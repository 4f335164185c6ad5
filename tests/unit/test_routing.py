"""Over which channel a message goes and when, situation by situation."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.routing import (
    Attempt,
    Health,
    Limit,
    Went,
    choose,
    fits_from,
    health,
    left_by_drills,
    rate,
)
from tests.moments import NOON, minutes

WELL, BADLY, REFUSED, ON_THE_WIRE = Went.WELL, Went.BADLY, Went.REFUSED, Went.ON_THE_WIRE


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def tried(*attempts: tuple[float, Went]) -> list[Attempt]:
    """Attempts by how many seconds ago they were."""
    return [Attempt(NOON - seconds(ago), went) for ago, went in attempts]


@pytest.mark.parametrize(
    ("attempts", "rests", "is_on_trial"),
    [
        pytest.param([], False, False, id="nothing is known"),
        pytest.param([(1, BADLY), (2, BADLY)], False, False, id="two failures are bad luck"),
        pytest.param([(1, BADLY), (2, BADLY), (3, BADLY)], True, False, id="three in a row and it rests"),
        pytest.param(
            [(1, BADLY), (2, BADLY), (3, WELL), (4, BADLY)], False, False, id="a success ends the row"
        ),
        pytest.param(
            [(31, BADLY), (32, BADLY), (33, BADLY)], False, True, id="after half a minute one may try it"
        ),
        pytest.param(
            [(1, ON_THE_WIRE), (31, BADLY), (32, BADLY), (33, BADLY)],
            True,
            False,
            id="while one tries it the others wait",
        ),
        pytest.param(
            [(61, ON_THE_WIRE), (71, BADLY), (72, BADLY), (73, BADLY)],
            False,
            True,
            id="who tried it and died is succeeded",
        ),
        pytest.param(
            [(1, BADLY), (31, BADLY), (32, BADLY), (33, BADLY)],
            True,
            False,
            id="a trial that fails: rest again",
        ),
        pytest.param(
            [(1, WELL), (31, BADLY), (32, BADLY), (33, BADLY)],
            False,
            False,
            id="a trial that works: well again",
        ),
        pytest.param(
            [(301, BADLY), (302, BADLY), (303, BADLY)], False, False, id="five minutes ago is long ago"
        ),
        pytest.param([(one, REFUSED) for one in range(1, 9)], False, False, id="eight dead numbers may be"),
        pytest.param(
            [(one, REFUSED) for one in range(1, 10)],
            True,
            False,
            id="nine and no success is no number's fault",
        ),
    ],
)
def test_when_a_channel_is_left_alone(attempts, rests, is_on_trial):
    found = health(tried(*attempts), at=NOON)

    assert (found.rests, found.is_on_trial) == (rests, is_on_trial)
    assert health(reversed(tried(*attempts)), at=NOON) == found, "in whatever order they are read"


FINE, POOR, RESTING = Health(0.9), Health(0.3), Health(0.9, rests=True)
TRIAL = Health(0.1, is_on_trial=True)


@pytest.mark.parametrize(
    ("known", "chosen"),
    [
        pytest.param({}, "first", id="the preferred one"),
        pytest.param(
            {"first": FINE, "second": Health(1.0)}, "first", id="the preferred one though not the best"
        ),
        pytest.param({"first": POOR, "second": FINE}, "second", id="not one that mostly fails"),
        pytest.param({"first": POOR, "second": Health(0.2)}, "first", id="the better of two poor ones"),
        pytest.param({"first": RESTING}, "second", id="not one that rests"),
        pytest.param({"first": RESTING, "second": POOR}, "second", id="a poor one before one that rests"),
        pytest.param({"first": TRIAL, "second": FINE}, "first", id="the preferred one gets its trial"),
        pytest.param(
            {"first": FINE, "second": TRIAL}, "first", id="the other one gets none while it is not needed"
        ),
        pytest.param(
            {"first": Health(0.2, rests=True), "second": RESTING}, "second", id="all rest: the best of them"
        ),
    ],
)
def test_which_channel_is_chosen(known, chosen):
    assert choose(["first", "second"], known) == chosen


A_MINUTE, AN_HOUR = Limit(1, minutes(1)), Limit(5, minutes(60))


@pytest.mark.parametrize(
    ("limits", "used", "wait"),
    [
        pytest.param([], [1, 2], 0, id="no limit"),
        pytest.param([A_MINUTE], [], 0, id="nothing was sent"),
        pytest.param([A_MINUTE], [60], 0, id="a minute ago is not within the minute"),
        pytest.param([A_MINUTE], [20], 40, id="wait for the rest of the minute"),
        pytest.param([Limit(2, minutes(1))], [10, 30], 30, id="wait until the first of two has gone by"),
        pytest.param(
            [AN_HOUR], [600 * one for one in range(1, 6)], 600, id="the fifth of the hour was the last"
        ),
        pytest.param([A_MINUTE, AN_HOUR], [0, 1000, 2000, 3000, 3550], 60, id="the longer of two waits"),
        pytest.param([Limit(0, minutes(1))], [20], 40, id="a limit of nothing is one of one"),
    ],
)
def test_when_one_more_fits(limits, used, wait):
    moments = [NOON - seconds(ago) for ago in used]

    assert fits_from(limits, moments, at=NOON) == NOON + seconds(wait)


@given(
    st.lists(st.builds(Limit, st.integers(1, 5), st.timedeltas(seconds(1), minutes(90))), max_size=3),
    st.lists(st.timedeltas(minutes(-200), minutes(10)), max_size=30),
)
def test_who_waits_as_told_keeps_to_every_limit(limits, moments):
    used: list[datetime] = [NOON + one for one in moments]

    moment = fits_from(limits, used, at=NOON)

    assert moment >= NOON
    for limit in limits:
        assert sum(one > moment - limit.period for one in used) < limit.count or limit.count == 0


def test_drills_leave_room_for_an_emergency():
    assert left_by_drills([Limit(50, minutes(1440)), A_MINUTE]) == (Limit(30, minutes(1440)), A_MINUTE)


@pytest.mark.parametrize(
    ("per_second", "limit"),
    [(10.0, Limit(10, seconds(1))), (0.5, Limit(1, seconds(2))), (2.5, Limit(2, seconds(0.8)))],
)
def test_a_rate_is_a_limit(per_second, limit):
    assert rate(per_second) == limit
