"""Periods and what an agreement is on a day, above all at the edges of days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.periods import BINDING, AgreementStatus, Period, WrongPeriod, agreement_status

YEAR_2026 = Period(date(2026, 1, 1), date(2026, 12, 31))

days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
periods = st.tuples(days, days).map(lambda pair: Period(min(pair), max(pair)))


@pytest.mark.parametrize(
    ("day", "covered"),
    [
        pytest.param(date(2025, 12, 31), False, id="the day before"),
        pytest.param(date(2026, 1, 1), True, id="the first day"),
        pytest.param(date(2026, 12, 31), True, id="the last day"),
        pytest.param(date(2027, 1, 1), False, id="the day after"),
    ],
)
def test_both_ends_belong_to_a_period(day, covered):
    assert YEAR_2026.covers(day) is covered


def test_a_period_of_one_day_has_one_day():
    day = Period(date(2026, 3, 5), date(2026, 3, 5))

    assert day.days == 1
    assert day.covers(date(2026, 3, 5))


def test_a_period_that_ends_before_it_starts_is_refused():
    with pytest.raises(WrongPeriod, match="2026-03-04 早于开始日期 2026-03-05"):
        Period(date(2026, 3, 5), date(2026, 3, 4))


@pytest.mark.parametrize(
    ("other", "common"),
    [
        pytest.param(Period(date(2026, 12, 31), date(2027, 5, 1)), 1, id="they share one day"),
        pytest.param(Period(date(2027, 1, 1), date(2027, 5, 1)), 0, id="one follows the other"),
        pytest.param(Period(date(2026, 6, 1), date(2026, 6, 30)), 30, id="one lies within the other"),
        pytest.param(YEAR_2026, 365, id="they are the same"),
    ],
)
def test_periods_have_days_in_common(other, common):
    overlap = YEAR_2026.overlap(other)

    assert (overlap.days if overlap else 0) == common
    assert YEAR_2026.overlaps(other) is bool(common)


@given(periods, periods, days)
def test_a_day_is_in_the_overlap_exactly_if_it_is_in_both(one, other, day):
    overlap = one.overlap(other)

    assert (overlap is not None and overlap.covers(day)) == (one.covers(day) and other.covers(day))
    assert one.overlaps(other) == other.overlaps(one)


@pytest.mark.parametrize(
    ("day", "left"),
    [(date(2026, 12, 31), 0), (date(2026, 12, 30), 1), (date(2027, 1, 1), -1), (date(2026, 1, 1), 364)],
)
def test_days_left_are_counted_after_the_day(day, left):
    assert YEAR_2026.days_left(day) == left


def status(today, *, both=True, one=True, terminated_on=None):
    return agreement_status(
        consented_by_both=both,
        any_consent=one,
        period=YEAR_2026,
        terminated_on=terminated_on,
        today=today,
    )


@pytest.mark.parametrize(
    ("today", "consent", "expected"),
    [
        pytest.param(date(2026, 6, 1), {"both": False, "one": False}, "draft", id="nobody has confirmed"),
        pytest.param(date(2026, 6, 1), {"both": False}, "awaiting", id="one side has confirmed"),
        pytest.param(date(2027, 6, 1), {"both": False}, "awaiting", id="never confirmed, however late"),
        pytest.param(date(2025, 12, 31), {}, "upcoming", id="confirmed, the day before it starts"),
        pytest.param(date(2026, 1, 1), {}, "in_force", id="its first day"),
        pytest.param(date(2026, 10, 1), {}, "in_force", id="91 days left"),
        pytest.param(date(2026, 10, 2), {}, "expiring", id="90 days left"),
        pytest.param(date(2026, 12, 31), {}, "expiring", id="its last day"),
        pytest.param(date(2027, 1, 1), {}, "expired", id="the day after its last"),
        pytest.param(
            date(2026, 6, 1),
            {"terminated_on": date(2026, 6, 2)},
            "in_force",
            id="ends tomorrow by termination",
        ),
        pytest.param(
            date(2026, 6, 2), {"terminated_on": date(2026, 6, 2)}, "terminated", id="the day of termination"
        ),
        pytest.param(
            date(2027, 6, 2),
            {"terminated_on": date(2026, 6, 2)},
            "terminated",
            id="terminated stays terminated",
        ),
        pytest.param(
            date(2026, 6, 2),
            {"both": False, "terminated_on": date(2026, 6, 1)},
            "terminated",
            id="given up before both confirmed",
        ),
    ],
)
def test_an_agreement_is(today, consent, expected):
    assert status(today, **consent) == expected


def test_a_short_agreement_is_expiring_from_its_first_day():
    month = Period(date(2026, 6, 1), date(2026, 6, 30))

    assert (
        agreement_status(
            consented_by_both=True,
            any_consent=True,
            period=month,
            terminated_on=None,
            today=date(2026, 6, 1),
        )
        is AgreementStatus.EXPIRING
    )


@given(st.integers(-800, 800), st.none() | st.integers(-800, 800))
def test_a_confirmed_agreement_binds_exactly_on_its_days_until_terminated(offset, termination):
    today = date(2026, 6, 1) + timedelta(days=offset)
    terminated_on = None if termination is None else date(2026, 6, 1) + timedelta(days=termination)

    binds = status(today, terminated_on=terminated_on) in BINDING

    assert binds == (YEAR_2026.covers(today) and (terminated_on is None or today < terminated_on))
