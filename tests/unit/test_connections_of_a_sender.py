"""A sender has connections of its own, and no pool."""

from __future__ import annotations

from celery.signals import worker_init

from coordination import engine, tasks


def test_a_worker_has_no_pool_that_celery_could_close_under_its_sender(settings, monkeypatch):
    """Celery closes a pool around every task; the sender's loop in the same process then found it closed."""
    options = {"pool": {"min_size": 1}, "connect_timeout": 5}
    monkeypatch.setitem(settings.DATABASES, "default", {"OPTIONS": options})

    engine.do_without_a_pool()

    assert options == {"connect_timeout": 5}
    assert tasks._prepare in [receiver() for _, receiver in worker_init.receivers]
