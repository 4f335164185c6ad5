"""kill -9 of the embedded server at the worst moments: nothing is lost, and what may be doubled says so.

A real server process, a real mail server in another, one SQLite file, and a client that repeats its call
with the same Idempotency-Key until it has an answer, as a client must. Each round's server first clears up
what the killed one before it left behind.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# The whole campaign of fifty is MUSTER_KILLS=50; twelve go through every moment three times.
KILLS = int(os.environ.get("MUSTER_KILLS", "12"))
MOMENTS = ("declared", "claimed", "accepted", "recorded")
PATIENCE_SECONDS = 40
ROOT = Path(__file__).resolve().parents[2]
MARK = "（可能重复）"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Centre:
    """A live installation on one SQLite file, with its mail server."""

    folder: Path
    port: int = field(default_factory=free_port)
    mail_port: int = field(default_factory=free_port)
    token: str = ""
    server: subprocess.Popen | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(("DATABASE", "REDIS"))},
            "PYTHONPATH": str(ROOT),
            "MUSTER_MODE": "live",
            "MUSTER_DATA_DIR": str(self.folder),
            "MUSTER_SECRET_KEY": "k" * 60,
            "MUSTER_BASE_URL": "https://muster.example.cn",
            "MUSTER_ALLOWED_HOSTS": "127.0.0.1",
            "MUSTER_BEHIND_PROXY": "yes",
            "MUSTER_SENDER_NAME": "测试应急中心",
            "MUSTER_DUTY_PHONE": "0311-00000000",
            "MUSTER_SMTP_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "MUSTER_MAIL_FROM": "muster@example.cn",
        }

    @property
    def mails(self) -> list[dict]:
        kept = self.folder / "mails.jsonl"
        return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip()

    def serve(self, moment: str, times: int) -> None:
        with (self.folder / "server.log").open("a") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.mortal_server", moment, str(times), str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def call(self, method: str, path: str, body: dict | None = None, *, key: str = "") -> dict | None:
        """One API call; None when the server was not there to answer it."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "X-Forwarded-Proto": "https",
                **({"Idempotency-Key": key} if key else {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()[:500]}") from error
        except OSError:
            return None

    def rows(self, question: str) -> list[tuple]:
        with closing(sqlite3.connect(f"file:{self.folder / 'muster.sqlite3'}?mode=ro", uri=True)) as database:
            return database.execute(question).fetchall()

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()[-3000:]


@pytest.fixture
def centre(tmp_path: Path):
    centre = Centre(tmp_path)
    centre.run("manage.py", "migrate", "-v0")
    centre.token = centre.run("-m", "tests.faults.live_centre")
    mail_server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.faults.mail_sink",
            str(centre.mail_port),
            str(tmp_path / "mails.jsonl"),
            "0.05",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert mail_server.stdout is not None
    assert mail_server.stdout.readline().strip() == b"ready"
    yield centre
    for process in (centre.server, mail_server):
        if process and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
    mail_server.stdout.close()


def wait_for(condition, *, what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s for: {what}"
        time.sleep(0.05)


def insist(centre: Centre, path: str, body: dict, *, key: str, on_death) -> dict:
    """Repeat a call with the same key, over the server's deaths, until it is answered."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if (answer := centre.call("POST", path, body, key=key)) is not None:
            return answer
        if centre.server is not None and centre.server.poll() is not None:
            on_death()
        time.sleep(0.1)
    raise AssertionError(f"no answer from {path}: {(centre.folder / 'server.log').read_text()[-3000:]}")


@pytest.mark.timeout(60 + 15 * KILLS)
def test_nothing_is_lost_however_often_the_server_is_killed(centre):
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
        incident = insist(
            centre,
            "incidents/",
            {"kind": "hazchem_leak", "latitude": 39.27, "longitude": 118.46},
            key=secrets.token_hex(8),
            on_death=next_server,
        )
        callout = insist(
            centre,
            "callouts/",
            {
                "incident": incident["id"],
                "requirements": [{"kind": "expert", "mode": "remote", "industry": "WH", "seats": 4}],
                "policy": "urgent",
            },
            key=secrets.token_hex(8),
            on_death=next_server,
        )
        acked.append(callout["id"].replace("-", ""))
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
