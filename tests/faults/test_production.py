"""Production: PostgreSQL and a Redis-compatible server, the senders in Celery worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from coordination import tasks
from coordination.models import Delivery, InboxMessage, Worker
from ground import clock
from tests.factories import a_callout, an_enterprise, an_expert, an_incident

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not os.environ.get("REDIS_URL"),
        reason="Celery needs a broker: runs with ./test's PostgreSQL and Valkey",
    ),
]


@pytest.fixture
def start_worker():
    """Start Celery workers on the test's database; each is killed at the end if it still runs."""
    url = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))
    running: list[subprocess.Popen] = []

    def start(redis_url: str = settings.REDIS_URL) -> subprocess.Popen:
        worker = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "coordination.config.celery",
                "worker",
                "-c",
                "1",
                "-l",
                "warning",
            ],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database, "REDIS_URL": redis_url},
            start_new_session=True,
        )
        running.append(worker)
        return worker

    yield start
    for worker in running:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def wait_for(condition, *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def page(*names: str) -> None:
    at = clock.now()
    experts = [an_expert(name, term=(clock.day_of(at), clock.day_of(at))) for name in names]
    a_callout(an_incident(an_enterprise(), at=at), asks=experts, seats=len(experts), at=at)
    tasks.nudge()


def all_out() -> bool:
    return not Delivery.objects.exclude(status="sent").exists()


def test_a_worker_sends_what_a_page_has_written(start_worker):
    start_worker()
    page("李工", "王工")

    wait_for(all_out)

    assert set(InboxMessage.objects.values_list("recipient", flat=True)) == {"李工", "王工"}


def test_a_killed_worker_leaves_nothing_unsent_for_the_next(start_worker):
    first = start_worker()
    wait_for(lambda: Worker.objects.exists())
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    page("李工")

    start_worker()

    wait_for(all_out)
    assert InboxMessage.objects.count() == 1


def test_everything_goes_out_while_the_broker_is_away(start_worker):
    # Nobody listens on this port: the worker cannot reach its broker, its loop can reach the database.
    away = "redis://127.0.0.1:1/0"
    start_worker(away)

    page("李工")

    wait_for(all_out)
