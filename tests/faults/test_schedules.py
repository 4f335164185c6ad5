"""Schedules of kills, faults and answers: nothing is lost, nobody is seated too many, no answer is forgotten.

One seed is one schedule. `python -m tests.faults.campaign` runs them by the thousand and one by one; see
the README beside this file.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults import campaign, crash_points, mutation
from tests.faults.mutants import MUTANTS
from tests.faults.schedules import Schedule, schedule

SCHEDULES = int(os.environ.get("MUSTER_SCHEDULES", "60"))
DATABASE = "postgres" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"
SEEDS = sorted((Path(__file__).parent / "seeds").glob(f"{DATABASE}-*.json"))


@pytest.mark.timeout(120 + 15 * SCHEDULES)
def test_nothing_is_lost_whoever_is_killed_whenever():
    report = campaign.run([schedule(seed, DATABASE) for seed in range(1, SCHEDULES + 1)], lanes=2)

    print(f"\n{report.in_words()}\n{dict(report.kills.most_common())}")
    assert report.failed == [], report.in_words()
    assert report.figures["schedules"] == SCHEDULES
    assert report.figures["kills"] > 2 * SCHEDULES
    assert report.figures["taken"] > 0


@pytest.mark.skipif(not SEEDS, reason="no schedule has failed on this database yet")
@pytest.mark.timeout(120 + 45 * len(SEEDS))
def test_what_went_wrong_once_does_not_any_more():
    # Who is dealt which turn is the machine's affair, so each gets three.
    failed_once = [Schedule.read(file.read_text(encoding="utf-8")) for file in SEEDS]
    report = campaign.run([one for one in failed_once for _ in range(3)], lanes=2)

    assert report.failed == [], report.in_words()


@pytest.mark.timeout(300)
def test_the_judge_sees_a_seeded_bug():
    # An oracle that finds nothing has to be seen finding something.
    report = campaign.run(
        [schedule(seed, DATABASE) for seed in range(1, 11)],
        mutant="marked_before_it_is_sent",
        until_found=True,
    )

    assert any(finding.startswith("LOST") for finding in report.failed[0]["findings"])


def test_a_schedule_is_the_same_from_its_seed_and_from_its_file():
    for seed in range(1, 200):
        assert Schedule.read(schedule(seed, DATABASE).written()) == schedule(seed, DATABASE)


@pytest.mark.parametrize("point", crash_points.POINTS, ids=lambda point: f"{point.name} {point.what}")
def test_every_crash_point_is_a_place_in_the_program(point):
    holder, attribute = crash_points.resolve(point.what)
    assert callable(getattr(holder, attribute))


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_still_fits_the_program(name):
    for change in MUTANTS[name].changes:
        mutation.mutated(MUTANTS[name], change.module)
