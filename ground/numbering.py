"""The numbers that stand on paper: SJ-20261118-003 is the third incident of that day."""

from __future__ import annotations

from datetime import datetime

from ground import clock
from ground.models import NumberSeries


def next_number(kind: str, *, at: datetime) -> str:
    """Return the next number of `kind` ("SJ", "ZD") for the day of `at`, without gaps.

    Call it inside the transaction that uses the number: the series stays locked until the commit.
    """
    prefix = f"{kind}-{clock.day_of(at):%Y%m%d}"
    series = NumberSeries.objects.locked(prefix)
    series.last += 1
    series.save(update_fields=["last"])
    return f"{prefix}-{series.last:03d}"
