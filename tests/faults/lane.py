"""One lane of a campaign: a database, a provider and a zygote, which run one schedule after the other.

    python -m tests.faults.lane FOLDER DATABASE [MUTANT]     one schedule in JSON a line in, one outcome a line out
    python -m tests.faults.lane FOLDER prepare               migrate DATABASE_URL's database and fill it with the cast

DATABASE_URL names the lane's own database. `campaign` starts lanes; nobody else has to.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.faults import pace
from tests.faults.ledger import Ledger
from tests.faults.ledger import read as read_ledger
from tests.faults.running import Run
from tests.faults.schedules import EXPERTS, OFFICERS, Schedule
from tests.faults.servants import Provider, Zygote

ROOT = Path(__file__).resolve().parents[2]
# A provider forgets nothing, so it is replaced now and then.
SCHEDULES_A_PROVIDER = 50


@dataclass
class Outcome:
    """What came of a schedule. `findings` are what must not be; an empty list is a pass."""

    seed: int
    findings: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    recovery_ms: int = 0
    took_ms: int = 0
    log: str = ""


def prepare() -> None:
    """Make the database's tables and the cast that all schedules share."""
    from django.core.management import call_command

    from contracts.models import Enterprise
    from ground import clock, installation
    from ground.models import ContactKind, Mode, UserContact
    from tests.factories import ExpertContact, a_duty_officer, an_enterprise, an_expert

    call_command("migrate", verbosity=0)
    at = clock.now()
    day = clock.day_of(at)
    installation.begin(Mode.LIVE, sender_name="测试应急中心", at=at)
    for number in range(OFFICERS):
        officer = a_duty_officer(f"officer{number}", f"值班员{number}")
        UserContact.objects.create(user=officer, kind=ContactKind.MOBILE, value=f"+8613600{number:06d}")
    for number in range(EXPERTS):
        expert = an_expert(f"专家{number}", term=(day - timedelta(days=100), day + timedelta(days=1000)))
        if number % 3 == 0:
            ExpertContact.objects.create(
                expert=expert, kind=ContactKind.MOBILE, value=f"+8613500{number:06d}", rank=3
            )
    an_enterprise()
    assert Enterprise.objects.count() == 1


class Lane:
    def __init__(self, folder: Path, database: str, mutant: str = "") -> None:
        from django.db import connection

        from tests.faults import oracle

        self.folder = folder
        self._database = database
        self._connection = connection
        self._judge = oracle.judge
        self.zygote = Zygote(mutant)
        self.provider = Provider(folder)
        self.hands = pace.SharedClock(folder / "clock")
        if database == "sqlite":
            self._file = Path(str(connection.settings_dict["NAME"]))
            self._template = folder / "template.sqlite3"
            connection.close()
            shutil.copy(self._file, self._template)
        else:
            self._emptied = self._tables_without_rows()
        from contracts.models import Enterprise
        from coordination import paging
        from experts.models import Expert
        from ground import clock

        self._machine_now = clock.now
        self._policies = dict(paging.POLICIES)
        self.experts = list(Expert.objects.order_by("pk").values_list("pk", flat=True))
        self.enterprise = Enterprise.objects.get()
        self.zygote.is_ready()
        self.provider.is_ready()

    def close(self) -> None:
        self.zygote.close()
        self.provider.close()

    def run(self, schedule: Schedule) -> Outcome:
        """Run one schedule from an empty database to the judgement."""
        began, cpu_began = time.monotonic(), time.process_time()
        self._reset(schedule)
        run = Run(self, schedule)
        outcome = Outcome(schedule.seed)
        try:
            run.with_faults()
            outcome.recovery_ms = run.until_all_is_done()
            found = self._judge(
                schedule,
                is_quiet=run.is_quiet,
                stretch=run.stretch,
                ledger=list(read_ledger(self.folder / "ledger.jsonl")),
                provider_log=self.provider.log(),
                started=run.started,
            )
            outcome.findings, outcome.figures = found.findings, found.figures
        finally:
            run.end()
        outcome.kills = run.kills()
        outcome.figures.update({f"cpu_ms_{name}": used for name, used in self.zygote.cpu_ms.items()})
        self.zygote.cpu_ms.clear()
        outcome.figures["cpu_ms_lane"] = round((time.process_time() - cpu_began) * 1000)
        outcome.figures["kills"] = sum(outcome.kills.values())
        outcome.took_ms = int((time.monotonic() - began) * 1000)
        if outcome.findings:
            outcome.log = (self.folder / "log").read_text(errors="replace")[-20000:]
        return outcome

    def stop_the_clock(self) -> None:
        """Let nothing become due any more."""
        from ground import clock

        self.hands.stop(clock.now())

    def _reset(self, schedule: Schedule) -> None:
        for name in ("ledger.jsonl", "log"):
            (self.folder / name).unlink(missing_ok=True)
        Ledger(self.folder / "ledger.jsonl").close()
        (self.folder / "log").touch()
        if self.provider.schedules >= SCHEDULES_A_PROVIDER:
            self.provider.close()
            self.provider = Provider(self.folder)
            self.provider.is_ready()
        self.provider.schedules += 1
        if self._database == "sqlite":
            self._connection.close()
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._file}{suffix}").unlink(missing_ok=True)
            shutil.copy(self._template, self._file)
        else:
            self._empty()
        from coordination import paging
        from ground import clock

        self.hands.reset(base=self._machine_now())
        # The judge goes by the same clock and the same windows.
        clock.now = self._machine_now
        paging.POLICIES.update(self._policies)  # type: ignore[attr-defined]
        pace.hurry(self.hands, speed=schedule.speed, windows=schedule.windows)
        self.provider.behave(
            **{
                "faults": {},
                "look_up_fails": 0.0,
                **schedule.provider,
                "memory": schedule.memory,
            }
        )
        self.provider.begin()

    def _empty(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            used = []
            for table in self._emptied:
                cursor.execute(f'DELETE FROM "{table}"')
                if cursor.rowcount:
                    used.append(table)
            cursor.execute("SET session_replication_role = origin")
            if used:
                # Else each schedule would walk over the dead rows of all before it.
                cursor.execute("VACUUM " + ", ".join(f'"{table}"' for table in used))

    def _tables_without_rows(self) -> list[str]:
        with self._connection.cursor() as cursor:
            tables = self._connection.introspection.table_names(cursor)
            empty = []
            for table in tables:
                cursor.execute(f'SELECT NOT EXISTS (SELECT FROM "{table}")')
                if cursor.fetchone()[0]:
                    empty.append(table)
        return empty


def main() -> None:
    folder, database, *mutant = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")
    import django

    django.setup()
    if database == "prepare":
        prepare()
        return
    lane = Lane(Path(folder), database, *mutant)
    try:
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            outcome = lane.run(Schedule.read(line))
            print(json.dumps(asdict(outcome), ensure_ascii=False), flush=True)
    finally:
        lane.close()


if __name__ == "__main__":
    main()
