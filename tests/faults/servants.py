"""The two processes that a lane leans on, as seen from it: the clean parent, and the provider."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Zygote:
    """The clean parent of the lane's processes, as seen from here."""

    def __init__(self, mutant: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote", *([mutant] if mutant else [])],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._heard = b""
        self._said: list[dict[str, Any]] = []
        self._alive: set[int] = set()
        self._names: dict[int, str] = {}
        self.cpu_ms: Counter[str] = Counter()

    def is_ready(self) -> None:
        self._next("ready")

    def fork(self, name: str, job: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"name": name, "job": job}).encode() + b"\n")
        self._process.stdin.flush()
        pid: int = self._next("forked")["forked"]
        self._alive.add(pid)
        self._names[pid] = name
        return pid

    def ended(self) -> list[int]:
        """Return the processes that have ended since this was asked last."""
        self._listen(0)
        gone = [one for one in self._said if "ended" in one]
        self._said = [one for one in self._said if "ended" not in one]
        for one in gone:
            self._alive.discard(one["ended"])
            self.cpu_ms[self._names.pop(one["ended"]).rstrip("-0123456789")] += one["cpu_ms"]
        return [one["ended"] for one in gone]

    def kill(self, *pids: int) -> None:
        """Kill these and wait until they are gone."""
        waited_for = set(pids) & self._alive
        for pid in waited_for:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while waited_for & self._alive:
            self._listen(20)
            self.ended()

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(10)

    def _next(self, what: str) -> dict[str, Any]:
        while True:
            for one in self._said:
                if what in one:
                    self._said.remove(one)
                    return one
            self._listen(60)

    def _listen(self, seconds: float) -> None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        if not ready:
            if seconds:
                raise TimeoutError("the zygote says nothing")
            return
        if not (more := os.read(self._process.stdout.fileno(), 65536)):
            raise RuntimeError("the zygote is gone")
        self._heard += more
        *lines, self._heard = self._heard.split(b"\n")
        self._said += [json.loads(line) for line in lines]


class Provider:
    """The simulated provider of the lane, in a process of its own, and what its log on disk says."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"provider-{time.monotonic_ns()}.jsonl"
        self._read_to = 0
        self._earlier: set[str] = set()
        self.schedules = 0
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "simulate_provider", "--json", "--log", str(self._path)],
            cwd=ROOT,
            # A simulator refuses to run beside a live installation, which the engine here plays.
            env={**os.environ, "MUSTER_MODE": "demo", "MUSTER_SECRET_KEY": ""},
            stdout=subprocess.PIPE,
        )
        self.address = ""

    def is_ready(self) -> None:
        assert self._process.stdout is not None
        self.address = json.loads(self._process.stdout.readline())["address"]

    def behave(self, **behaviour: Any) -> None:
        request = urllib.request.Request(
            f"{self.address}/control/behaviour",
            data=json.dumps(behaviour).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()

    def begin(self) -> None:
        """Forget what was before: also what is still to come of it."""
        self._earlier |= {entry["reference"] for entry in self.log() if "reference" in entry}
        self._read_to = self._path.stat().st_size if self._path.exists() else 0

    def log(self) -> list[dict[str, Any]]:
        """Return what it has written since `begin`."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            lines = file.read().split(b"\n")
        entries = [json.loads(line) for line in lines[:-1]]
        return [entry for entry in entries if entry.get("reference") not in self._earlier]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._path.unlink(missing_ok=True)
