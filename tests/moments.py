"""The moments and days that tests stand on; nothing in a test reads a clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

# A Tuesday afternoon in Shanghai: 2026-11-24 14:18.
NOON = datetime(2026, 11, 24, 6, 18, tzinfo=UTC)
TODAY = date(2026, 11, 24)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
