"""The Celery application. It carries nudges only: what must happen stands in the database."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")

app = Celery("muster")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _do_without_a_pool(**_signal: Any) -> None:
    """Give every thread of a worker its own connection.

    Celery closes a pool before and after each task, under the feet of the sender's loop beside it.
    """
    for database in settings.DATABASES.values():
        database.get("OPTIONS", {}).pop("pool", None)
