"""Seeds every bug of `mutants.py` in turn and says whether it was noticed.

    python -m tests.faults.mutants_caught [NAME...] [--schedules 50]

A bug that names a test is caught when that test, which passes without it, fails with it; any other when
one of the schedules finds something. Exit code 0: all were caught.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests import servers
from tests.faults import campaign
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.schedules import schedule

ROOT = Path(__file__).resolve().parents[2]


def caught(mutant: Mutant, *, schedules: int) -> tuple[bool, str]:
    """Return whether the bug was noticed, and by what."""
    if mutant.caught_by == "schedules":
        report = campaign.run(
            [schedule(seed, mutant.database) for seed in range(1, schedules + 1)],
            mutant=mutant.name,
            until_found=True,
        )
        count = report.figures["schedules"]
        first = report.failed[0]["findings"][0] if report.failed else "nothing found"
        return bool(report.failed), f"schedule {count}: {first[:100]}"
    ran = _run([mutant.caught_by], database=mutant.database, mutant=mutant.name)
    # 1: a test has failed. Anything else says that the test could not be run.
    return ran.returncode == 1, mutant.caught_by if ran.returncode in (0, 1) else ran.stdout[-300:]


def _run(tests: Sequence[str], *, database: str, mutant: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-x", "-p", "tests.faults.mutation", *tests]
    command += ["-p", "no:cacheprovider", "--no-header"]
    environment = {**os.environ, "MUSTER_MUTANT": mutant, "PYTHONPATH": str(ROOT)}
    if database == "sqlite":
        environment.pop("DATABASE_URL", None)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def _refuse_what_fails_anyway(mutants: Sequence[Mutant]) -> None:
    """Run the named tests without any bug: one that fails, or is skipped, says nothing about a bug."""
    for database in ("sqlite", "postgres"):
        named = sorted({one.caught_by for one in mutants if one.database == database} - {"schedules"})
        if not named:
            continue
        ran = _run(named, database=database)
        if ran.returncode or " skipped" in ran.stdout:
            sys.exit(f"on {database}, without any bug:\n{ran.stdout[-2000:]}")
        print(f"without any bug, {database}: {ran.stdout.strip().rpartition(chr(10))[2]}", flush=True)


def main() -> int:
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("names", nargs="*")
    read.add_argument("--schedules", type=int, default=50)
    asked = read.parse_args()
    missed = []
    with servers.postgres() as address:
        os.environ.setdefault("DATABASE_URL", address)
        mutants = [one for one in MUTANTS.values() if not asked.names or one.name in asked.names]
        _refuse_what_fails_anyway(mutants)
        for mutant in mutants:
            found, how = caught(mutant, schedules=asked.schedules)
            print(f"{'caught' if found else 'MISSED':<11} {mutant.name}: {how}", flush=True)
            if not found:
                missed.append(mutant.name)
    print(f"{len(mutants) - len(missed)} of {len(mutants)} caught", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
