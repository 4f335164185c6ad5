"""One schedule on its way: started, killed and started again, finished by the healthy, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.faults.ledger import read as read_ledger
from tests.faults.schedules import Process, Schedule

if TYPE_CHECKING:
    from tests.faults.lane import Lane

# So long a healthy sender may take to finish, in seconds of ours: a lease, a time-out, and a busy machine.
PATIENCE_SECONDS = 8.0
# On a machine that is busy with something else, all times that a schedule allows are stretched so much.
CORES = os.cpu_count() or 1
PEOPLE_GO_ON_SECONDS = 0.15
TIME_OUT_SECONDS = 0.15
SETTLES_SECONDS = 0.05


class Run:
    """One schedule on its way."""

    def __init__(self, lane: Lane, schedule: Schedule) -> None:
        self._lane = lane
        self._schedule = schedule
        self._zygote = lane.zygote
        self._running: dict[str, int] = {}
        self._lives: dict[str, int] = {}
        self._dies_at: dict[str, float] = {}
        self._killed_from_outside = 0
        self.stretch = max(1.0, os.getloadavg()[0] / CORES)
        self._patience = PATIENCE_SECONDS * self.stretch
        self._incidents = self._open_incidents()
        self.started = 0
        self.is_quiet = False

    def with_faults(self) -> None:
        """Let the processes run, die and be started again as the schedule says; then end them all."""
        schedule = self._schedule
        self._began = time.monotonic()
        self._since = time.time() - 0.001
        patience_ends = self._began + self._patience
        for process in schedule.processes:
            self._start(process)
        while self._deaths_ahead() and time.monotonic() < patience_ends:
            ended = set(self._zygote.ended())
            for process in schedule.processes:
                if self._running.get(process.name) in ended:
                    self._start(process)
                elif time.monotonic() > self._dies_at.get(process.name, patience_ends):
                    self._kill(process.name)
            time.sleep(0.004)
        self._kill_all()

    def _deaths_ahead(self) -> bool:
        return any(self._lives[one.name] <= len(one.deaths) for one in self._schedule.processes)

    def until_all_is_done(self) -> int:
        """Let healthy processes finish; return how long it took them to catch up, in milliseconds."""
        schedule = self._schedule
        self._lane.provider.behave(faults={}, look_up_fails=0.0, latency=0.0)
        began = time.monotonic()
        sender, *others = _healthy(schedule)
        for process in (sender, *others):
            self._start(process)
        while not self._officer_is_done() and time.monotonic() < began + self._patience:
            time.sleep(0.02)
        time.sleep(max(0.0, began + PEOPLE_GO_ON_SECONDS - time.monotonic()))
        if schedule.database == "sqlite":
            # Who serves the pages also sends: it is replaced by one that only sends.
            self._kill_all()
            self._start(Process("last", ("sender",)))
        else:
            self._zygote.kill(*(self._running.pop(process.name) for process in others))
        caught_up = self._wait_until_quiet()
        while schedule.to_the_end and self.is_quiet and self._let_the_next_moment_come():
            self._wait_until_quiet()
        self._lane.stop_the_clock()
        self._kill_all()
        return int((caught_up - began) * 1000)

    def end(self) -> None:
        self._kill_all()
        self._zygote.ended()

    def _kill_all(self) -> None:
        self._zygote.kill(*self._running.values())
        self._running.clear()

    def kills(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for entry in read_ledger(self._lane.folder / "ledger.jsonl"):
            if entry["kind"] == "died":
                counted[entry["point"]] = counted.get(entry["point"], 0) + 1
        if self._killed_from_outside:
            counted["from outside"] = self._killed_from_outside
        return counted

    # --- the processes -------------------------------------------------------------------------

    def _start(self, process: Process) -> None:
        schedule = self._schedule
        life = self._lives.get(process.name, 0)
        self._lives[process.name] = life + 1
        channel: dict[str, Any] = {
            "kind": "http_sms",
            "code": "sms",
            "url": f"{self._lane.provider.address}/send",
            "time_out": TIME_OUT_SECONDS * self.stretch,
            "pull_url": f"{self._lane.provider.address}/events?since={{since_epoch}}",
        }
        if schedule.memory != "blind":
            channel |= {
                "look_up_url": f"{self._lane.provider.address}/messages?reference={{reference}}",
                "look_up_settles": SETTLES_SECONDS * self.stretch,
            }
        death = process.deaths[life] if life < len(process.deaths) else None
        self._running[process.name] = self._zygote.fork(
            process.name,
            {
                "name": process.name,
                "parts": process.parts,
                "life": life,
                "death": asdict(death) if death and death.point else None,
                "seed": schedule.seed,
                "stretch": self.stretch,
                "speed": schedule.speed,
                "windows": schedule.windows,
                "folder": str(self._lane.folder),
                "log": str(self._lane.folder / "log"),
                "channels": [channel],
                "provider": self._lane.provider.address,
                "provider_since": self._since,
                "began": self._began,
                "experts": self._lane.experts,
                "incidents": self._incidents,
                "callouts": [asdict(one) for one in schedule.callouts],
                "changes": [asdict(one) for one in schedule.changes],
            },
        )
        self.started += 1
        self._dies_at.pop(process.name, None)
        if death:
            self._dies_at[process.name] = time.monotonic() + death.at_latest_ms / 1000 * self.stretch

    def _kill(self, name: str) -> None:
        if (pid := self._running.get(name)) is not None:
            self._dies_at.pop(name, None)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._killed_from_outside += 1

    # --- what they are to do, and whether it is done ---------------------------------------------

    def _open_incidents(self) -> list[int]:
        from ground import clock
        from tests.factories import an_incident

        at = clock.now()
        count = 1 + max(one.incident for one in self._schedule.callouts)
        return [an_incident(self._lane.enterprise, at=at).pk for _ in range(count)]

    def _officer_is_done(self) -> bool:
        wanted = len(self._schedule.callouts) + len(self._schedule.changes)
        done = {
            tuple(entry["task"])
            for entry in read_ledger(self._lane.folder / "ledger.jsonl")
            if entry["kind"] == "done" and entry.get("who") == "officer"
        }
        return len(done) == wanted

    def _wait_until_quiet(self) -> float:
        """Wait until nothing that is due is left; return when that was."""
        from ground import clock

        patience_ends = time.monotonic() + self._patience
        self.is_quiet = False
        while not self.is_quiet and time.monotonic() < patience_ends:
            self.is_quiet = not self._is_due(clock.now())
            if not self.is_quiet:
                time.sleep(0.02)
        return time.monotonic()

    def _is_due(self, at: datetime) -> bool:
        from coordination.models import Callout, Delivery
        from coordination.paging import UNSENT, DeliveryStatus

        on_the_way = Delivery.objects.filter(status__in=[DeliveryStatus.LEASED, DeliveryStatus.UNKNOWN])
        due = Delivery.objects.filter(status__in=list(UNSENT), due_at__lte=at)
        return on_the_way.exists() or due.exists() or Callout.objects.due(at).exists()

    def _let_the_next_moment_come(self) -> bool:
        """Move the clock on to the next thing that becomes due; return False when there is none."""
        from django.db.models import Min

        from coordination.models import Callout, Delivery
        from coordination.paging import UNSENT, CalloutStatus
        from ground import clock

        moments = [
            Callout.objects.filter(status=CalloutStatus.OPEN, paused=False).aggregate(
                moment=Min("next_step_at")
            )["moment"],
            Delivery.objects.filter(status__in=list(UNSENT)).aggregate(moment=Min("due_at"))["moment"],
        ]
        if not (known := [moment for moment in moments if moment is not None]):
            return False
        wait = min(known) - clock.now()
        if wait > timedelta(0):
            self._lane.hands.move_on(wait + timedelta(milliseconds=1))
        return True


def _healthy(schedule: Schedule) -> list[Process]:
    """Return who finishes once the faults are over: a sender, and for a while the people and the officer."""
    if schedule.database == "sqlite":
        return [Process("healthy", schedule.processes[0].parts)]
    return [
        Process("healthy-sender", ("sender",)),
        Process("healthy-desk", ("officer", "events")),
        Process("healthy-people", ("person-1", "person-2", "person-3")),
    ]
