"""kill -9 of the embedded server at the worst moments: nothing is lost, and what may be doubled says so.

A real server process, a real mail server in another, one SQLite file, and a client that repeats its call
with the same Idempotency-Key until it has an answer, as a client must. Each round's server first clears up
what the killed one before it left behind.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.centre import Centre, a_centre, wait_for

# The whole campaign of fifty is MUSTER_KILLS=50; twelve go through every moment three times.
KILLS = int(os.environ.get("MUSTER_KILLS", "12"))
MOMENTS = ("declared", "claimed", "accepted", "recorded")
MARK = "（可能重复）"


@pytest.fixture
def centre(tmp_path: Path):
    with a_centre(tmp_path) as centre:
        yield centre


@pytest.mark.timeout(60 + 15 * KILLS)
def test_nothing_is_lost_however_often_the_server_is_killed(centre: Centre):
    kills = Counter()
    moment = "never"

    def next_server() -> None:
        nonlocal moment
        if centre.server is not None:
            centre.server.wait()
            assert centre.server.returncode == -signal.SIGKILL, centre.log
            kills[moment] += 1
        moment = MOMENTS[kills.total() % len(MOMENTS)] if kills.total() < KILLS else "never"
        centre.serve(moment, times=1 + kills.total() // len(MOMENTS) % 3)

    next_server()
    acked = []
    while kills.total() < KILLS:
        acked.append(centre.declare(on_death=next_server))
        deadline = time.monotonic() + 3
        while centre.server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if centre.server.poll() is not None:
            next_server()

    unsent = "SELECT count(*) FROM coordination_delivery WHERE status IN ('pending', 'leased', 'unknown')"
    wait_for(lambda: centre.rows(unsent) == [(0,)], what="every message to leave")

    stored = {row[0] for row in centre.rows("SELECT public_id FROM coordination_callout")}
    assert set(acked) == stored, "every callout that was acknowledged is there, and no other"
    deliveries = centre.rows("SELECT public_id, status, reason FROM coordination_delivery")
    arrived = Counter(mail["reference"].replace("-", "") for mail in centre.mails)
    lost = [reference for reference, status, _ in deliveries if status == "sent" and not arrived[reference]]
    assert lost == []
    assert {status for _, status, _ in deliveries} <= {"sent", "cancelled"}
    asked = "SELECT count(*) FROM coordination_invitation WHERE asked_at IS NOT NULL"
    assert centre.rows(asked)[0][0] >= 4 * len(acked)
    silent = (
        "SELECT count(*) FROM coordination_invitation i WHERE i.asked_at IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM coordination_delivery d WHERE d.invitation_id = i.id)"
    )
    assert centre.rows(silent) == [(0,)]

    repeated = {reference for reference, times in arrived.items() if times > 1}
    for reference in repeated:
        subjects = [m["subject"] for m in centre.mails if m["reference"].replace("-", "") == reference]
        assert all(subject.startswith(MARK) for subject in subjects[1:]), subjects
    print(
        f"\nkills {dict(kills)}; callouts {len(acked)}; messages {len(deliveries)}; "
        f"arrived {arrived.total()}; lost {len(lost)}; repeated and marked {len(repeated)}"
    )
