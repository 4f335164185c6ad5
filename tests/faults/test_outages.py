"""A short selection of `outages.py` for every run; MUSTER_OUTAGES=all goes through all of them at full length.

Figures are printed as a table (pytest -s). Times are asserted generously: the machine is shared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults.outages import FULL, OUTAGES, SHORT, Campaign
from tests.faults.production import production

IS_WHOLE = os.environ.get("MUSTER_OUTAGES") == "all"
NAMES = (
    list(OUTAGES)
    if IS_WHOLE
    else [
        "redis_killed",
        "sender_stopped_before_the_wire",
        "postgres_killed",
        "provider_black_hole",
    ]
)

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not IS_WHOLE and not os.environ.get("REDIS_URL"),
        reason="starts servers of its own, once: beside ./test's PostgreSQL and Valkey",
    ),
]


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with production() as one:
        found = Campaign(one, FULL if IS_WHOLE else SHORT)
        yield found
        print(f"\n{found.table()}")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_or_sent_twice(campaign, name):
    seen, verdict = campaign.go_through(name)

    assert verdict.is_clean, verdict
    if name.startswith("redis"):
        assert max(seen.declared) < 3, "declaring waits for nobody"
    if name.startswith("postgres"):
        assert seen.first_send is not None and seen.first_send < 10, "2 s on a machine of one's own"
