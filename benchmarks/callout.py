"""How soon a call-out reaches people, beside one Celery task a message, over a provider that takes 300 ms.

    python -m tests.servers python -m benchmarks.callout [MESSAGES ...]     (1000 and 10000 when none is given)
    python -m benchmarks.callout embedded                                   (76 experts on SQLite, one process)

Incidents of 50 seats are opened for 50 experts each, so that as many messages are due at once; two `manage.py
sweep` processes, held back until all is written, then send them. Every time is the provider's: from letting
the senders go until it has taken the message. "First" is the first message of each incident: nobody's first
waits for another incident's fiftieth. "76" is one incident that asks 76 experts.

Beside it the plain way: as many Celery tasks, one a message, `acks_late`, two worker processes of as many
threads as a sender has slots; once undisturbed, and once with 40 kill -9 of the workers. Its losses are the
messages that the provider never got. The visibility timeout is 10 s, so that the plain way need not wait
for an hour to find its own.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management import call_command

from benchmarks import plain_celery
from coordination import callouts
from coordination.callouts import Invitee, RequirementSpec
from coordination.config import environment
from coordination.models import Callout, Delivery
from coordination.paging import InviteeKind
from coordination.paging import Mode as How
from experts.models import Expert
from ground import clock, installation
from ground.audit import SYSTEM
from ground.models import Industry, Mode
from tests.factories import an_expert, an_incident

PROVIDER_SECONDS = 0.3
SEATS = 50
SENDERS = 2
EXPERTS = 76
KILLS = 40
PATIENCE_SECONDS = 240
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Provider:
    """The simulated provider, and what it has taken."""

    address: str
    log: Path

    def taken(self) -> list[dict[str, Any]]:
        with self.log.open(encoding="utf-8") as lines:
            said = [json.loads(line) for line in lines if line.endswith("\n")]
        return [line for line in said if line["kind"] == "accepted"]


def main(words: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="muster-benchmark-") as name:
        folder = Path(name)
        with _provider(folder) as provider:
            _configure(folder, provider)
            if list(words) == ["embedded"]:
                _embedded(provider)
                return
            print(
                f"{SENDERS} senders, provider {1000 * PROVIDER_SECONDS:.0f} ms; milliseconds as the provider saw them"
            )
            for messages in [int(word) for word in words] or [1000, 10_000]:
                _ours(messages, provider)
            _one_incident(provider, senders=SENDERS)
            _plain(1000, provider, kills=0)
            _plain(1000, provider, kills=KILLS)


# --- ours -----------------------------------------------------------------------------------------


def _ours(messages: int, provider: Provider) -> None:
    before = len(provider.taken())
    with _senders_held_back(SENDERS) as let_go:
        incident_of: dict[str, int] = {}
        for _ in range(messages // SEATS):
            callout = _declare(SEATS)
            for reference in Delivery.objects.filter(callout=callout, attempt=1).values_list(
                "public_id", flat=True
            ):
                incident_of[str(reference)] = callout.pk
        begun = let_go()
        taken = _wait_for(provider, before + len(incident_of))[before:]
    first: dict[int, float] = {}
    for one in taken:
        incident = incident_of.get(str(one["reference"]))
        if incident is not None:
            first[incident] = min(first.get(incident, float("inf")), one["at"] - begun)
    everybody = [one["at"] - begun for one in taken]
    lost = len(incident_of) - len({one["reference"] for one in taken} & set(incident_of))
    _say(f"ours: {messages} in flight, first of each of {messages // SEATS}", list(first.values()))
    _say(f"ours: {messages} in flight, all", everybody, f"{lost} lost, {_repeated(taken)} twice")


def _one_incident(provider: Provider, *, senders: int) -> None:
    before = len(provider.taken())
    with _senders_held_back(senders) as let_go:
        _declare(EXPERTS)
        begun = let_go()
        taken = _wait_for(provider, before + EXPERTS)[before:]
    _say(f"ours: {EXPERTS} experts at once", [one["at"] - begun for one in taken])


def _embedded(provider: Provider) -> None:
    print(f"embedded: SQLite, one process, provider {1000 * PROVIDER_SECONDS:.0f} ms")
    _one_incident(provider, senders=1)


def _declare(seats: int) -> Callout:
    at = clock.now()
    incident = an_incident(at=at)
    spec = RequirementSpec(InviteeKind.EXPERT, seats, mode=How.REMOTE, industry=Industry.objects.get(pk="WH"))
    experts = list(Expert.objects.order_by("pk")[:seats])
    return callouts.start(
        incident, [spec], [Invitee(0, expert=one) for one in experts], policy="urgent", by=SYSTEM, at=at
    )


@contextmanager
def _senders_held_back(count: int) -> Iterator[Any]:
    """Start the senders and stop them (SIGSTOP) until what is yielded is called; it returns the moment."""
    processes = [
        subprocess.Popen([sys.executable, "manage.py", "sweep"], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        time.sleep(1)  # each has made its first turn
        for process in processes:
            process.send_signal(signal.SIGSTOP)

        def let_go() -> float:
            moment = time.time()
            for process in processes:
                process.send_signal(signal.SIGCONT)
            return moment

        yield let_go
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in processes:
            process.wait(30)
            if process.stdout:
                process.stdout.close()


def _wait_for(provider: Provider, count: int) -> list[dict[str, Any]]:
    end = time.monotonic() + PATIENCE_SECONDS
    while len(taken := provider.taken()) < count and time.monotonic() < end:
        time.sleep(0.2)
    return taken


def _repeated(taken: Sequence[dict[str, Any]]) -> int:
    return len(taken) - len({one["reference"] for one in taken})


def _say(what: str, seconds: Sequence[float], more: str = "") -> None:
    if not seconds:
        print(f"{what:<52} nothing arrived")
        return
    p50, p99 = np.percentile(seconds, [50, 99])
    print(
        f"{what:<52} p50 {1000 * p50:>7.0f}  p99 {1000 * p99:>7.0f}  last {1000 * max(seconds):>7.0f}  {more}"
    )


# --- the plain way --------------------------------------------------------------------------------


def _plain(messages: int, provider: Provider, *, kills: int) -> None:
    """One Celery task a message. With `kills`, a worker is killed and started again so often meanwhile."""
    if not os.environ.get("REDIS_URL"):
        print("the plain way needs REDIS_URL: run under `python -m tests.servers`")
        return
    before = len(provider.taken())
    plain_celery.app.control.purge()
    surroundings = {**os.environ, "MUSTER_BENCHMARK_PROVIDER": provider.address}
    dice = random.Random(messages + kills)

    def worker() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "benchmarks.plain_celery", "worker", "--loglevel=ERROR"]
            + ["--pool=threads", "--concurrency=32", "--without-gossip", "--without-mingle"],
            cwd=ROOT,
            env=surroundings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    workers = [worker() for _ in range(SENDERS)]
    try:
        time.sleep(5)
        begun = time.time()
        references = [f"plain-{kills}-{number}" for number in range(messages)]
        for reference in references:
            plain_celery.send.delay(reference)
        for _ in range(kills):
            time.sleep(dice.uniform(0.05, 0.3))
            number = dice.randrange(SENDERS)
            os.killpg(workers[number].pid, signal.SIGKILL)
            workers[number].wait()
            workers[number] = worker()
        # What is in flight of a killed worker comes back after the visibility timeout, at the earliest.
        end = time.monotonic() + (60 if kills else PATIENCE_SECONDS)
        while time.monotonic() < end:
            taken = provider.taken()[before:]
            if len({one["reference"] for one in taken}) == messages:
                break
            time.sleep(0.5)
        taken = provider.taken()[before:]
    finally:
        for one in workers:
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()
    arrived = {one["reference"] for one in taken}
    what = f"one Celery task a message: {messages}" + (f", {kills} kill -9" if kills else "")
    _say(
        what,
        [one["at"] - begun for one in taken],
        f"{messages - len(arrived)} not there after a minute, {_repeated(taken)} twice",
    )


# --- what it stands on ----------------------------------------------------------------------------


@contextmanager
def _provider(folder: Path) -> Iterator[Provider]:
    log = folder / "provider.jsonl"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "simulate_provider", "--json", "--log", str(log)]
        + ["--set", f"latency={PROVIDER_SECONDS}", "--set", "receipts=false"],
        cwd=ROOT,
        env={**os.environ, "MUSTER_MODE": "demo"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Provider(json.loads(process.stdout.readline())["address"], log)
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout:
            process.stdout.close()


def _configure(folder: Path, provider: Provider) -> None:
    """Make a live installation that sends over the provider, with enough experts; for this and its children."""
    channels = folder / "channels.toml"
    channels.write_text(
        f'[[channel]]\nkind = "http_sms"\nurl = "{provider.address}/send"\n'
        f'look_up_url = "{provider.address}/messages?reference={{reference}}"\n',
        encoding="utf-8",
    )
    os.environ |= {
        "MUSTER_MODE": "live",
        "MUSTER_CHANNELS": str(channels),
        "MUSTER_SECRET_KEY": settings.SECRET_KEY + "benchmark" * 6,
        "MUSTER_BASE_URL": "https://muster.example.cn",
        "MUSTER_SENDER_NAME": "演示应急指挥中心",
        "MUSTER_DUTY_PHONE": "0311-0000-0000",
    }
    # This process was set up as a demo when the package was imported; its children start as live ones.
    settings.MUSTER_MODE = "live"
    settings.MUSTER_CHANNELS = environment.channels_file(str(channels))
    settings.SECRET_KEY = os.environ["MUSTER_SECRET_KEY"]
    call_command("migrate", verbosity=0)
    at = clock.now()
    if installation.current() is None:
        installation.begin(Mode.LIVE, sender_name="演示应急指挥中心", at=at)
        for number in range(EXPERTS):
            an_expert(f"演示专家{number}", mobile=f"+86139{number:08d}")


if __name__ == "__main__":
    main(sys.argv[1:])
