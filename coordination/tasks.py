"""Celery is the doorbell: a task carries nothing and only says "look at the database now"."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_process_init, worker_process_shutdown
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from coordination import sender
from coordination.engine import Engine, do_without_a_pool
from ground.breaker import REDIS

log = logging.getLogger(__name__)

_engine = Engine()


@shared_task
def wake() -> None:
    """Look at the database now instead of at the next poll; carries nothing, so losing it costs one poll."""
    sender.run_once()


def nudge() -> None:
    """Have what this transaction wrote looked at as soon as it is committed. Losing it costs one poll."""
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    if not settings.REDIS_URL:
        sender.WAKE.set()
        return
    if REDIS.is_open:
        return
    try:
        wake.apply_async(retry=False)
    except OperationalError as error:
        REDIS.trip()
        log.warning("the broker did not answer; the next poll will find it: %s", error)


@worker_init.connect
def _prepare(**_signal: Any) -> None:
    do_without_a_pool()


@worker_process_init.connect
def _begin(**_signal: Any) -> None:
    """Run a sender loop in every worker process: with the broker gone, everything still goes out."""
    _engine.start()


@worker_process_shutdown.connect
def _end(**_signal: Any) -> None:
    _engine.stop()
