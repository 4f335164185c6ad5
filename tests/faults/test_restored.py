"""A backup taken while messages are being sent, restored after many more were: none of them is sent again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from coordination.simulation.disk_log import read
from tests.faults.centre import a_centre, wait_for
from tests.faults.outages import again_and_again
from tests.faults.production import SWEEP, kill, production
from tests.faults.production import wait_for as wait_until

NOTICED_WITHIN = 15


@pytest.mark.timeout(300)
def test_sqlite_with_a_provider_that_cannot_be_asked(tmp_path: Path):
    """VACUUM INTO under load; e-mail, of which nobody can tell afterwards whether it went out."""
    papers = tmp_path / "papers"
    folder = tmp_path / "centre"
    papers.mkdir()
    folder.mkdir()
    with a_centre(folder, papers, mail_takes=0.2) as centre:
        centre.serve("never", 0)
        declaring = threading.Thread(target=lambda: [centre.declare(seats=8) for _ in range(3)])
        declaring.start()
        wait_for(lambda: len(centre.mails) > 5, what="some messages to be out")
        with contextlib.closing(sqlite3.connect(folder / "muster.sqlite3", timeout=20)) as database:
            database.execute("VACUUM INTO ?", [str(papers / "backup.sqlite3")])
        declaring.join()
        unsent = (
            "SELECT count(*) FROM coordination_delivery WHERE status IN ('pending', 'leased', 'unknown')"
            " AND due_at <= datetime('now')"
        )
        wait_for(lambda: centre.rows(unsent) == [(0,)], what="all to be out")
        centre.stop(signal.SIGKILL)
        before = len(centre.mails)

        for leftover in ("muster.sqlite3-wal", "muster.sqlite3-shm"):
            (folder / leftover).unlink(missing_ok=True)
        shutil.copy(papers / "backup.sqlite3", folder / "muster.sqlite3")
        in_doubt = centre.rows(
            "SELECT count(*) FROM coordination_delivery WHERE status IN ('pending', 'leased')"
        )
        assert in_doubt[0][0] > 0, "the backup was taken under load"

        # Somebody starts the server without thinking of it.
        centre.serve("never", 0)
        held = "SELECT count(*) FROM ground_installation WHERE gone_back_at IS NOT NULL"
        wait_for(lambda: centre.rows(held) == [(1,)], what="the sender to notice")
        wait_for(
            lambda: "database_restored" in str(centre.rows("SELECT problems FROM coordination_watchreport")),
            what="the watch to say so",
        )
        assert len(centre.mails) == before
        centre.stop(signal.SIGTERM)

        said = centre.run("manage.py", "after_restore")
        assert "put aside: 0" not in said
        centre.serve("never", 0)
        wait_for(
            lambda: any("已从备份恢复" in one["subject"] for one in centre.mails),
            what="the officer to be told",
        )
        time.sleep(3)
        centre.stop(signal.SIGTERM)

        arrived = Counter((one["reference"], one["to"][0]) for one in centre.mails)
        assert [one for one, times in arrived.items() if times > 1] == []
        asked_twice = Counter((one["to"][0], one["subject"]) for one in centre.mails[before:])
        assert set(asked_twice) & {(one["to"][0], one["subject"]) for one in centre.mails[:before]} == set()
        assert "All is well" in centre.run("manage.py", "callout_fsck")
        print(f"\n{said}\nmessages {before} before, {len(centre.mails)} after; twice 0")


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    not os.environ.get("REDIS_URL"), reason="starts servers of its own, once: beside ./test's PostgreSQL"
)
def test_postgresql_with_a_provider_that_can_be_asked():
    """pg_basebackup with its WAL under load; the provider knows what it has taken."""
    with production() as one:
        one.start_sender(*SWEEP)
        one.start_sender(*SWEEP)
        one.provider_is(latency=1.5)
        one.declare_many(2, seats=12)
        backup = one.postgres.folder / "backup"
        with again_and_again(lambda: one.declare(seats=12), every=0.1):
            one.postgres.run(
                "pg_basebackup", "-h", one.postgres.folder, "-p", str(one.postgres.port), "-U", "postgres",
                "-D", backup, "-X", "stream", "-c", "fast",
            )  # fmt: skip
        one.provider_is(latency=0.1)
        one.declare_many(3, seats=8)
        one.settle()
        one.end_senders()
        kill(one.pages)
        taken_before = [entry for entry in read(one.provider_log) if entry["kind"] == "accepted"]

        one.postgres.stop()
        one.postgres.cluster.rename(one.postgres.folder / "lost")
        backup.rename(one.postgres.cluster)
        one.postgres.start()
        in_doubt = one.unsent()
        assert in_doubt > 0, "the backup was taken under load"
        assert "All is well" in one.run("manage.py", "callout_fsck")

        # Somebody starts a sender without thinking of it.
        one.start_sender(*SWEEP)
        held = "SELECT count(*) FROM ground_installation WHERE gone_back_at IS NOT NULL"
        wait_until(lambda: one.rows(held) == [(1,)], what="the sender to notice", within=NOTICED_WITHIN)
        time.sleep(3)
        assert len([entry for entry in read(one.provider_log) if entry["kind"] == "accepted"]) == len(
            taken_before
        )

        one.end_senders()
        said = one.run("manage.py", "after_restore")
        one.start_sender(*SWEEP)
        one.start_pages()
        one.settle()
        late = one.rows("SELECT id FROM coordination_callout WHERE status = 'open' AND NOT paused")
        assert late == []

        taken = [entry for entry in read(one.provider_log) if entry["kind"] == "accepted"]
        assert [
            ref for ref, times in Counter(entry["reference"] for entry in taken).items() if times > 1
        ] == []
        assert len(taken) == len(taken_before), "everything was out before the restore"
        known = {
            pk
            for (pk,) in one.rows("SELECT public_id::text FROM coordination_delivery WHERE status = 'sent'")
        }
        assert known <= {entry["reference"] for entry in taken}
        assert "All is well" in one.run("manage.py", "callout_fsck")
        print(
            f"\n{said}\nin doubt {in_doubt}; messages {len(taken_before)} before, {len(taken)} after; twice 0"
        )
