"""The embedded server on a disk that fills up under it: what is on the wire is recorded, and people are told."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.centre import Centre, a_centre, wait_for

SIZE_MB = 220  # 64 of ballast, as much again to be free, the database, and room for a filler


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "muster-test", folder], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk of its own can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def centre(disk: Path, tmp_path: Path) -> Iterator[Centre]:
    papers = tmp_path / "papers"
    papers.mkdir()
    with a_centre(disk, papers, mail_takes=0.3) as centre:
        yield centre


def fill(disk: Path) -> None:
    with contextlib.suppress(OSError), open(disk / "filler", "ab", buffering=0) as filler:
        while True:
            filler.write(b"\0" * 4096)


def problems(centre: Centre) -> str:
    return str(centre.rows("SELECT problems FROM coordination_watchreport")[0][0])


def test_a_full_disk_loses_nothing_and_is_said(centre, disk):
    ballast = disk / "ballast"
    centre.serve("never", 0)
    acked = [centre.declare() for _ in range(2)]
    assert ballast.stat().st_size == 64 * 1024 * 1024

    # Filled again and again, as a log does that nobody stops; messages are on the wire meanwhile.
    ends = time.monotonic() + 30
    while ballast.exists() and time.monotonic() < ends:
        fill(disk)
        time.sleep(0.2)
    assert not ballast.exists(), "given up"
    left = os.statvfs(disk)
    assert left.f_bavail * left.f_frsize > 32 * 1024 * 1024

    acked.append(centre.declare())
    unsent = (
        "SELECT count(*) FROM coordination_delivery WHERE status IN ('pending', 'leased', 'unknown')"
        " AND due_at <= strftime('%Y-%m-%d %H:%M:%f', 'now')"
    )
    wait_for(lambda: centre.rows(unsent) == [(0,)], what="every message to leave")
    wait_for(lambda: "disk_full" in problems(centre), what="the watch to say so")
    wait_for(
        lambda: any("磁盘已满" in mail["subject"] for mail in centre.mails),
        what="the duty officer to be told",
    )

    (disk / "filler").unlink()
    wait_for(ballast.exists, what="the ballast to be made anew")
    wait_for(lambda: "disk_full" not in problems(centre), what="the alarm to end")

    centre.stop(signal.SIGTERM)
    stored = {row[0] for row in centre.rows("SELECT public_id FROM coordination_callout")}
    assert set(acked) == stored
    arrived = Counter(mail["reference"].replace("-", "") for mail in centre.mails)
    sent = [
        row[0] for row in centre.rows("SELECT public_id FROM coordination_delivery WHERE status = 'sent'")
    ]
    assert [one for one in sent if not arrived[one]] == []
    assert [one for one, times in arrived.items() if times > 1] == []
    with contextlib.closing(sqlite3.connect(disk / "muster.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert "All is well" in centre.run("manage.py", "callout_fsck")
