"""Dates as people write them in a sheet: 2027-03-31, 2027/3/31, 2024年3月, 2024.3.5, 20270331, or a serial.

Pure. A month without a day means its first day where something begins, its last where something ends; the
caller says which. Nothing is guessed: a year of two digits or a thirteenth month is refused.
"""

from __future__ import annotations

import calendar
import math
import re
import unicodedata
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ground.mistakes import Mistake

# By which days are counted here: terms, agreements, the numbers on paper. China has one time zone.
SHANGHAI = ZoneInfo("Asia/Shanghai")


class WrongDate(Mistake):
    """What was written is no date."""


# Excel counts days from here; the 30th and not the 31st makes up for its leap day of 1900, which never was.
EXCEL_EPOCH = date(1899, 12, 30)
# Serials of 1950 to 2099. Outside, a bare number is more likely a year or something else altogether.
EARLIEST_SERIAL, LATEST_SERIAL = 18264, 73050
# A year outside is a slip of the finger; and the calendar itself ends a day after 9999-12-31.
YEARS = range(1900, 2200)

_YEAR_MONTH_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})(?:\s*[-/.月]\s*(\d{1,2}))?\s*[日号月]?")
_EIGHT_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MIDNIGHT = re.compile(r"[T ]+0{1,2}:00(:00)?(\.0+)?$")


def parse_date(written: object, *, month_end: bool = False) -> date:
    """Return the day that was written or that Excel holds.

    With `month_end`, a month without a day is its last day ("聘期至 2027年3月" runs through the 31st).

    :raises WrongDate: with an example of how to write it.
    """
    if isinstance(written, datetime):
        return written.date()
    if isinstance(written, date):
        return written
    if isinstance(written, int | float) and not isinstance(written, bool):
        return _from_number(written, month_end=month_end)
    text = _squeezed(unicodedata.normalize("NFKC", str(written or ""))).lstrip("'")
    text = _MIDNIGHT.sub("", text)
    match = _YEAR_MONTH_DAY.fullmatch(text) or _EIGHT_DIGITS.fullmatch(text)
    if match is None:
        if re.fullmatch(r"\d{5}(\.0)?", text):
            return _from_number(float(text), month_end=month_end)
        raise _wrong(written)
    year, month, day = (int(part) if part else None for part in match.groups())
    if year is None or month is None:
        raise _wrong(written)
    refuse_odd_year(year, written)
    if not 1 <= month <= 12:
        raise _wrong(written, f"没有 {month} 月")
    last_day = calendar.monthrange(year, month)[1]
    if day is None:
        day = last_day if month_end else 1
    if not 1 <= day <= last_day:
        raise _wrong(written, f"{year} 年 {month} 月只有 {last_day} 天")
    return date(year, month, day)


def refuse_odd_year(year: int, written: object) -> None:
    """:raises WrongDate: if nobody can mean this year."""
    if year not in YEARS:
        raise _wrong(written, f"年份 {year} 不合理")


def _from_number(number: float, *, month_end: bool) -> date:
    if not math.isfinite(number):
        raise _wrong(number)
    if EARLIEST_SERIAL <= number <= LATEST_SERIAL:
        return EXCEL_EPOCH + timedelta(days=int(number))
    if number == int(number) and _EIGHT_DIGITS.fullmatch(str(int(number))):
        return parse_date(str(int(number)))
    # 2024.3 typed into a plain cell is a number too; but 2024.1 may have been 2024.10.
    if 1900 <= number < 2200 and number != int(number) and f"{number:.2f}"[-1] != "0":
        return parse_date(f"{number:.2f}", month_end=month_end)
    raise _wrong(f"{number:g}")


def _squeezed(text: str) -> str:
    """Return the text with single blanks: the patterns try every way of dividing a run of thousands."""
    return re.sub(r"\s+", " ", text).strip()


def _wrong(written: object, because: str = "") -> WrongDate:
    reason_zh = f"（{because}）" if because else ""
    return WrongDate(
        f"“{written or ''}”不是有效日期{reason_zh}。请按 2027-03-31 的样子填写。",
        f"“{written or ''}” is not a valid date. Write it like 2027-03-31.",
    )


_SPAN = re.compile(r"\s*(?:至|到|~|～|—+|–|--|\s-\s)\s*")


def parse_span(written: object) -> tuple[date, date]:
    """Return the first and the last day of "2024-03-01至2027-02-28", "2024年3月—2027年2月" and the like.

    :raises WrongDate: if it is not two dates, or if they are in the wrong order.
    """
    # ~ and — are split on before NFKC, which would turn ～ into ~ and leave the rest.
    text = _squeezed(str(written or ""))
    parts = [part for part in _SPAN.split(text) if part]
    if len(parts) == 1 and text.count("-") == 1 and re.search(r"[.年月/]", text):
        parts = text.split("-")
    if len(parts) != 2:
        raise WrongDate(
            f"“{text}”不是起止日期。请按 2024-04-01至2027-03-31 的样子填写。",
            f"“{text}” is not a first and a last day. Write it like 2024-04-01至2027-03-31.",
        )
    starts_on, ends_on = parse_date(parts[0]), parse_date(parts[1], month_end=True)
    if ends_on < starts_on:
        raise WrongDate(
            f"“{text}”结束日期早于开始日期。请核对两个日期。",
            f"“{text}” ends before it starts. Check both dates.",
        )
    return starts_on, ends_on
