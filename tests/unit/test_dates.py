"""Dates the way they stand in real sheets."""

from __future__ import annotations

import contextlib
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.dates import EXCEL_EPOCH, WrongDate, parse_date, parse_span

END_OF_MARCH = date(2027, 3, 31)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        pytest.param("2027-03-31", END_OF_MARCH, id="with dashes"),
        pytest.param("2027/3/31", END_OF_MARCH, id="with slashes"),
        pytest.param("2027.3.31", END_OF_MARCH, id="with dots"),
        pytest.param("2027年3月31日", END_OF_MARCH, id="in Chinese"),
        pytest.param("2027年03月31号", END_OF_MARCH, id="in spoken Chinese"),
        pytest.param(" ２０２７．３．３１ ", END_OF_MARCH, id="full-width"),
        pytest.param("20270331", END_OF_MARCH, id="eight digits"),
        pytest.param(20270331, END_OF_MARCH, id="eight digits as a number"),
        pytest.param(46477, END_OF_MARCH, id="an Excel serial"),
        pytest.param(46477.75, END_OF_MARCH, id="an Excel serial with a time"),
        pytest.param("46477", END_OF_MARCH, id="an Excel serial that became text"),
        pytest.param("2027-03-31 00:00:00", END_OF_MARCH, id="a midnight that became text"),
        pytest.param(datetime(2027, 3, 31, 8, 30), END_OF_MARCH, id="a moment"),
        pytest.param(date(2027, 3, 31), END_OF_MARCH, id="a date"),
        pytest.param("2024年3月", date(2024, 3, 1), id="a month begins on its first"),
        pytest.param("2024.3", date(2024, 3, 1), id="a month with a dot"),
        pytest.param(2024.12, date(2024, 12, 1), id="a month that became a number"),
        pytest.param("2024-02-29", date(2024, 2, 29), id="a leap day"),
    ],
)
def test_a_date_is_read_however_it_is_written(written, day):
    assert parse_date(written) == day


@pytest.mark.parametrize(
    ("written", "day"),
    [("2027年3月", END_OF_MARCH), ("2028.2", date(2028, 2, 29)), ("2027-03-15", date(2027, 3, 15))],
)
def test_where_something_ends_a_month_is_its_last_day(written, day):
    assert parse_date(written, month_end=True) == day


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        pytest.param("2027.13.1", "没有 13 月", id="a thirteenth month"),
        pytest.param("2027-02-29", "只有 28 天", id="no leap year"),
        pytest.param("2027-4-31", "只有 30 天", id="a short month"),
        pytest.param("2027-0-1", "没有 0 月", id="month zero"),
        pytest.param("27-3-31", "不是有效日期", id="a year of two digits"),
        pytest.param("2027", "不是有效日期", id="only a year"),
        pytest.param(2027, "不是有效日期", id="only a year, as a number"),
        pytest.param(2024.1, "不是有效日期", id="January or October, nobody can say"),
        pytest.param("长期", "不是有效日期", id="a word"),
        pytest.param("", "不是有效日期", id="nothing"),
        pytest.param(None, "不是有效日期", id="an empty cell"),
        pytest.param(True, "不是有效日期", id="a ticked box"),
        pytest.param("3月31日", "不是有效日期", id="no year"),
    ],
)
def test_what_is_no_date_is_refused_with_an_example(written, reason):
    with pytest.raises(WrongDate, match=reason) as refused:
        parse_date(written)

    assert "2027-03-31" in refused.value.zh
    assert "2027-03-31" in refused.value.en


@pytest.mark.parametrize(
    "written",
    [
        "2024-04-01至2027-03-31",
        "2024-04-01 到 2027-03-31",
        "2024年4月—2027年3月",
        "2024.4-2027.3",
        "2024/4/1-2027/3/31",
        "2024.4.1～2027.3.31",
        "2024-04-01 - 2027-03-31",
        "2024年4月1日--2027年3月31日",
    ],
)
def test_a_term_is_read_however_it_is_written(written):
    assert parse_span(written) == (date(2024, 4, 1), END_OF_MARCH)


@pytest.mark.parametrize(
    "written", ["", None, "2024-04-01", "三年", "2027-03-31至2024-04-01", "2024.13至2027.3"]
)
def test_what_is_no_term_is_refused(written):
    with pytest.raises(WrongDate):
        parse_span(written)


@given(st.dates(date(1950, 1, 1), date(2099, 12, 31)))
def test_every_way_of_writing_a_day_reads_back_as_that_day(day):
    assert parse_date(day.isoformat()) == day
    assert parse_date(f"{day.year}.{day.month}.{day.day}") == day
    assert parse_date(f"{day.year}年{day.month}月{day.day}日") == day
    assert parse_date((day - EXCEL_EPOCH).days) == day


@given(st.one_of(st.text(max_size=20), st.floats(), st.integers()))
def test_anything_is_a_date_or_refused_and_never_crashes(written):
    with contextlib.suppress(WrongDate):
        assert isinstance(parse_date(written), date)


@pytest.mark.parametrize("read", [parse_date, parse_span])
def test_thousands_of_blanks_in_a_date_are_refused_at_once(read):
    with pytest.raises(WrongDate):
        read("2024" + " " * 30_000 + "x")
