"""Runs schedules by the thousand and says what came of them.

    python -m tests.faults.campaign --seed 17 --database sqlite
    python -m tests.faults.campaign --seeds 1-3000 --lanes 2 --database postgres --report report.json
    python -m tests.faults.campaign --file tests/faults/seeds/sqlite-17.json [--times 20]
    python -m tests.faults.campaign --seeds 1-50 --mutant NAME --until-found

Exit code 0: nothing was found. A schedule that failed is written to --keep (default: failed-schedules/
in the system's temporary folder) with what was found and the processes' log.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests import servers
from tests.faults.schedules import Schedule, schedule

ROOT = Path(__file__).resolve().parents[2]
SHOWN = (
    "schedules",
    "kills",
    "callouts",
    "messages",
    "calls",
    "taken",
    "answers_acknowledged",
    "receipts",
    "replies",
    "lost",
    "over_filled",
    "answers_lost",
    "duplicates_wrong",
    "duplicates",
)


@dataclass
class Report:
    """The sum over schedules; `failed` holds the outcomes with findings."""

    database: str
    mutant: str = ""
    figures: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    worst_recovery_ms: int = 0
    seconds: float = 0.0
    failed: list[dict[str, Any]] = field(default_factory=list)

    def add(self, outcome: dict[str, Any]) -> None:
        self.figures.update(outcome["figures"])
        self.figures["schedules"] += 1
        self.kills.update(outcome["kills"])
        self.worst_recovery_ms = max(self.worst_recovery_ms, outcome["recovery_ms"])
        if outcome["findings"]:
            self.failed.append(outcome)

    def in_words(self) -> str:
        figures = "  ".join(f"{name.replace('_', ' ')} {self.figures[name]}" for name in SHOWN)
        lines = [
            f"{self.database}{f' with mutant {self.mutant}' if self.mutant else ''}: {figures}  "
            f"worst recovery {self.worst_recovery_ms} ms  {self.seconds:.0f} s"
        ]
        for one in self.failed[:20]:
            lines += [f"  seed {one['seed']}: {finding}" for finding in one["findings"][:6]]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "database": self.database,
            "mutant": self.mutant,
            **{name: self.figures[name] for name in SHOWN},
            "figures": dict(self.figures),
            "kills_at": dict(self.kills.most_common()),
            "worst_recovery_ms": self.worst_recovery_ms,
            "seconds": round(self.seconds, 1),
            "failed": [{"seed": one["seed"], "findings": one["findings"]} for one in self.failed],
        }


def run(
    schedules: Sequence[Schedule],
    *,
    lanes: int = 1,
    mutant: str = "",
    until_found: bool = False,
    keep: Path | None = None,
) -> Report:
    """Run the schedules, all for the same database, and return what came of them."""
    database = schedules[0].database
    report = Report(database, mutant)
    with _lanes(database, min(lanes, len(schedules)), mutant) as running:
        began = time.monotonic()
        waiting = list(schedules)
        busy: dict[int, Schedule] = {}
        by_handle = {lane.stdout.fileno(): lane for lane in running}
        for handle, lane in by_handle.items():
            busy[handle] = waiting.pop(0)
            _hand_over(lane, busy[handle])
        while busy:
            ready, _, _ = select.select(list(busy), [], [])
            for handle in ready:
                line = by_handle[handle].stdout.readline()
                done = busy.pop(handle)
                if not line:
                    raise RuntimeError(f"the lane broke off in seed {done.seed}")
                outcome = json.loads(line)
                report.add(outcome)
                if outcome["findings"] and keep is not None:
                    _keep(keep, done, outcome)
                if waiting and not (until_found and report.failed):
                    busy[handle] = waiting.pop(0)
                    _hand_over(by_handle[handle], busy[handle])
        report.seconds = time.monotonic() - began
    return report


def _hand_over(lane: subprocess.Popen[str], one: Schedule) -> None:
    assert lane.stdin is not None
    lane.stdin.write(json.dumps(json.loads(one.written())) + "\n")
    lane.stdin.flush()


def _keep(folder: Path, one: Schedule, outcome: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{one.database}-{one.seed}"
    (folder / f"{name}.json").write_text(one.written() + "\n", encoding="utf-8")
    findings = "\n".join(outcome["findings"])
    (folder / f"{name}.log").write_text(f"{findings}\n\n{outcome['log']}", encoding="utf-8")


# --- lanes --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _lanes(database: str, count: int, mutant: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Start lanes, each with a database of its own that was filled once and copied."""
    with contextlib.ExitStack() as ends:
        folder = ends.enter_context(_folder())
        if database == "sqlite":
            urls = [f"sqlite:///{folder}/{number}/muster.sqlite3" for number in range(count)]
        else:
            server = os.environ.get("DATABASE_URL", "")
            if not server.startswith("postgres"):
                server = ends.enter_context(servers.postgres())
            urls = [_named(server, f"muster_faults_{os.getpid()}_{number}") for number in range(count)]
            ends.callback(_drop, server, urls)
        folders = [folder / str(number) for number in range(count)]
        for one in folders:
            one.mkdir()
        if database == "postgres":
            _sql(server, f'CREATE DATABASE "{_name(urls[0])}"')
        _run_lane(folders[0], urls[0], "prepare").wait_for()
        for number in range(1, count):
            if database == "sqlite":
                shutil.copy(folders[0] / "muster.sqlite3", folders[number] / "muster.sqlite3")
            else:
                _sql(server, f'CREATE DATABASE "{_name(urls[number])}" TEMPLATE "{_name(urls[0])}"')
        running = [_run_lane(one, url, database, mutant) for one, url in zip(folders, urls, strict=True)]
        for lane in running:
            ends.callback(lane.end)
        for lane in running:
            if not lane.process.stdout.readline():
                raise RuntimeError("a lane did not start")
        yield [lane.process for lane in running]


@dataclass
class _Lane:
    process: subprocess.Popen[str]

    def wait_for(self) -> None:
        self.process.communicate()
        if self.process.returncode:
            raise RuntimeError("the database could not be prepared")

    def end(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def _run_lane(folder: Path, url: str, *words: str) -> _Lane:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("REDIS", "MUSTER"))},
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": url,
        "MUSTER_DATABASE_POOL": "0",
        "MUSTER_MODE": "live",
        "MUSTER_DATA_DIR": str(folder),
        "MUSTER_SECRET_KEY": "k" * 60,
        "MUSTER_BASE_URL": "https://muster.example.cn",
        "MUSTER_ALLOWED_HOSTS": "127.0.0.1",
        "MUSTER_BEHIND_PROXY": "yes",
        "MUSTER_SENDER_NAME": "测试应急中心",
        "MUSTER_DUTY_PHONE": "0311-00000000",
        "MUSTER_SMTP_URL": "smtp://127.0.0.1:1",
        "MUSTER_MAIL_FROM": "muster@example.cn",
    }
    return _Lane(
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.lane", str(folder), *filter(None, words)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # In memory where there is such a place: a kill takes nothing from the page cache, so waiting for a disk
    # would only make the schedules rarer.
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="muster-faults-", dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _named(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def _name(url: str) -> str:
    return urlsplit(url).path.strip("/")


def _sql(server: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(server.replace("postgres://", "postgresql://", 1), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def _drop(server: str, urls: Sequence[str]) -> None:
    with contextlib.suppress(Exception):
        _sql(server, *(f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)' for url in urls))


def main() -> int:
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("--seed", type=int)
    read.add_argument("--seeds", help="from-to, both included")
    read.add_argument("--file", type=Path, nargs="*", default=[])
    read.add_argument("--times", type=int, default=1, help="run each so many times")
    read.add_argument("--database", choices=["postgres", "sqlite"], default="sqlite")
    read.add_argument("--lanes", type=int, default=1)
    read.add_argument("--mutant", default="")
    read.add_argument("--until-found", action="store_true")
    read.add_argument("--without-faults", action="store_true")
    read.add_argument("--report", type=Path)
    read.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "failed-schedules")
    read.add_argument("--show", action="store_true", help="print the schedule and do not run it")
    asked = read.parse_args()
    schedules = [Schedule.read(file.read_text(encoding="utf-8")) for file in asked.file]
    if asked.seed is not None:
        schedules.append(schedule(asked.seed, asked.database))
    if asked.seeds:
        first, _, last = asked.seeds.partition("-")
        schedules += [schedule(seed, asked.database) for seed in range(int(first), int(last or first) + 1)]
    if not schedules:
        read.error("give --seed, --seeds or --file")
    if asked.without_faults:
        schedules = [one.without_faults() for one in schedules]
    if asked.show:
        for one in schedules:
            print(one.written())
        return 0
    failed = False
    for database in sorted({one.database for one in schedules}):
        report = run(
            [one for one in schedules if one.database == database for _ in range(asked.times)],
            lanes=asked.lanes,
            mutant=asked.mutant,
            until_found=asked.until_found,
            keep=asked.keep,
        )
        print(report.in_words())
        if asked.report:
            asked.report.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n")
        failed = failed or bool(report.failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
