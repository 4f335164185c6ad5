"""What stands in the files for operators, held against the program: nothing there was run where it was written."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from coordination import invariants, watch

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
UNITS = sorted((ROOT / "docs" / "systemd").glob("*.service"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
README = (ROOT / "README.md").read_text()


def commands() -> list[list[str]]:
    found = [service["command"] for service in COMPOSE["services"].values() if "build" in service]
    for unit in UNITS:
        start = configparser.RawConfigParser(strict=False)
        start.read(unit)
        found.append(start["Service"]["ExecStart"].removeprefix("/srv/muster/.venv/bin/").split())
    return found


@pytest.mark.parametrize("command", commands(), ids=lambda words: " ".join(words)[:40])
def test_what_is_started_exists(command):
    if "manage.py" in command:
        assert command[command.index("manage.py") + 1] in get_commands()
    elif command[0] == "celery":
        assert command[1:4] == ["-A", "coordination.config.celery", "worker"]
        assert not {"-B", "--beat"} & set(command), "there is no beat"
    else:
        assert (command[0], command[-1]) == ("granian", "coordination.config.asgi:application")


def test_there_is_a_unit_for_every_kind_of_process():
    assert [unit.stem for unit in UNITS] == ["muster-pages", "muster-sweep", "muster-worker"]


def test_a_unit_is_never_given_up():
    for unit in UNITS:
        said = configparser.RawConfigParser(strict=False)
        said.read(unit)
        assert said["Service"]["Restart"] == "always"
        assert said["Unit"]["StartLimitIntervalSec"] == "0"


def test_every_setting_in_them_stands_in_the_readme():
    settings = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    settings |= set(COMPOSE["x-muster"]["environment"])
    assert {name for name in settings - {"POSTGRES_PASSWORD"} if f"`{name}`" not in README} == set()


def test_every_service_that_another_waits_for_exists():
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)


def test_the_doorbell_evicts_nothing():
    assert "noeviction" in COMPOSE["services"]["doorbell"]["command"]


def test_what_a_container_remembers_outlives_it():
    """A sender that has forgotten how far the database had come would not notice that it was restored."""
    (folder,) = re.findall(r"^ENV MUSTER_DATA_DIR=(\S+)", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    for service in COMPOSE["services"].values():
        if "build" in service:
            assert service["volumes"] == [f"muster:{folder}"]
    assert "muster" in COMPOSE["volumes"]


def test_the_file_says_that_it_was_not_run():
    assert "It was not run" in (ROOT / "compose.yaml").read_text()


def test_every_fault_that_the_watch_may_find_is_explained():
    assert {
        fault.value for fault in watch.Fault if f"| `{fault.value}` {fault.zh} |" not in OPERATIONS
    } == set()


def test_every_invariant_is_explained():
    assert {one.code for one in invariants.INVARIANTS if f"`{one.code}`" not in OPERATIONS} == set()


def test_what_is_said_of_the_watch_is_what_it_does():
    assert watch.STALE_AFTER.total_seconds() == 45
    assert watch.HEARTBEAT_LOST.total_seconds() == 30
    assert watch.SKEW_AT_MOST.total_seconds() == 2
