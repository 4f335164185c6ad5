"""A live installation on one SQLite file: the embedded server, its mail server in another process, a client.

The client repeats its call with the same Idempotency-Key until it has an answer, as a client must.
"""

from __future__ import annotations

import contextlib
import http.client
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
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 40
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Centre:
    """`folder` holds the database; `papers`, which may be on another disk, what the test keeps for itself."""

    folder: Path
    papers: Path
    port: int = field(default_factory=free_port)
    mail_port: int = field(default_factory=free_port)
    token: str = ""
    server: subprocess.Popen[bytes] | None = None

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
        kept = self.papers / "mails.jsonl"
        return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip()

    def serve(self, moment: str, times: int) -> None:
        with (self.papers / "server.log").open("a") as log:
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
        except (OSError, http.client.HTTPException):  # killed before its answer, or in the middle of it
            return None

    def rows(self, question: str) -> list[tuple]:
        with closing(sqlite3.connect(f"file:{self.folder / 'muster.sqlite3'}?mode=ro", uri=True)) as database:
            return database.execute(question).fetchall()

    @property
    def log(self) -> str:
        return (self.papers / "server.log").read_text()[-3000:]

    def declare(self, *, seats: int = 4, on_death: Callable[[], None] = lambda: None) -> str:
        """Start a callout for a new incident; return its id as the database writes it."""
        incident = insist(
            self,
            "incidents/",
            {"kind": "hazchem_leak", "latitude": 39.27, "longitude": 118.46},
            key=secrets.token_hex(8),
            on_death=on_death,
        )
        callout = insist(
            self,
            "callouts/",
            {
                "incident": incident["id"],
                "requirements": [{"kind": "expert", "mode": "remote", "industry": "WH", "seats": seats}],
                "policy": "urgent",
            },
            key=secrets.token_hex(8),
            on_death=on_death,
        )
        return callout["id"].replace("-", "")

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(how)
            self.server.wait()


@contextlib.contextmanager
def a_centre(folder: Path, papers: Path | None = None, *, mail_takes: float = 0.05) -> Iterator[Centre]:
    """Set one up, its database migrated and filled, its mail server running, its own server not yet."""
    centre = Centre(folder, papers or folder)
    centre.run("manage.py", "migrate", "-v0")
    centre.token = centre.run("-m", "tests.faults.live_centre")
    mail_server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.faults.mail_sink",
            str(centre.mail_port),
            str(centre.papers / "mails.jsonl"),
            str(mail_takes),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        assert mail_server.stdout is not None
        assert mail_server.stdout.readline().strip() == b"ready"
        yield centre
    finally:
        centre.stop()
        mail_server.kill()
        mail_server.wait()
        mail_server.stdout.close()


def wait_for(condition: Callable[[], object], *, what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s for: {what}"
        time.sleep(0.05)


def insist(
    centre: Centre, path: str, body: dict, *, key: str, on_death: Callable[[], None] = lambda: None
) -> dict:
    """Repeat a call with the same key, over the server's deaths, until it is answered."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if (answer := centre.call("POST", path, body, key=key)) is not None:
            return answer
        if centre.server is not None and centre.server.poll() is not None:
            on_death()
        time.sleep(0.1)
    raise AssertionError(f"no answer from {path}: {centre.log}")
