"""The one clock: the database's.

Machines disagree about the time; the database is the one that all of them ask. Every moment that is
stored or compared comes from here, passed down as `at`. Nothing else in the product reads a clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db import connection

from ground.dates import SHANGHAI


def now() -> datetime:
    """Return the database server's present moment, aware, in UTC, to the microsecond (SQLite: millisecond)."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT clock_timestamp()")
            moment: datetime = cursor.fetchone()[0]
            return moment.astimezone(UTC)
        cursor.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)


def skew() -> timedelta:
    """Return how far this machine's clock is ahead of the database's. Nothing is decided by it; it is shown."""
    before = datetime.now(UTC)
    database = now()
    after = datetime.now(UTC)
    if before <= database <= after:
        return timedelta(0)
    return before - database if database < before else after - database


def day_of(moment: datetime) -> date:
    """Return the calendar day of `moment` in Asia/Shanghai, by which terms and agreements run."""
    return moment.astimezone(SHANGHAI).date()
