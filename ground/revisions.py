"""Knowing whether what is kept in memory is still what the database says.

Whoever writes stamps the body anew in the same transaction; whoever keeps a copy compares the stamp.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models.signals import m2m_changed, post_delete, post_save

from ground.models import Revision
from ground.repeated import Repeated


def bump(name: str) -> None:
    """Say that rows of `name` changed. Call it after bulk writes; single writes are seen by `watch`.

    The row stays locked until the commit, so bump late in a long transaction.
    """
    stamp = uuid.uuid4()
    if not Revision.objects.filter(name=name).update(stamp=stamp):
        Revision.objects.update_or_create(name=name, defaults={"stamp": stamp})


def current(*names: str) -> tuple[uuid.UUID | None, ...]:
    """Return the stamps now, in this order; None where nothing has changed yet. One query, whatever the number."""
    stamps = dict(_STAMPS.rows())
    return tuple(stamps.get(name) for name in names)


# All of them: there is one for each body of rows, so there are few.
_STAMPS = Repeated(lambda: Revision.objects.order_by().values_list("name", "stamp"))


def watch(name: str, *senders: type[models.Model]) -> None:
    """Bump `name` whenever a row of these models is saved, deleted or linked. For `AppConfig.ready`."""

    def changed(sender: Any, **kwargs: Any) -> None:
        bump(name)

    for sender in senders:
        for signal in (post_save, post_delete):
            signal.connect(
                changed, sender=sender, weak=False, dispatch_uid=f"revision-{name}-{sender.__name__}"
            )
    for sender in senders:
        for field in sender._meta.many_to_many:
            m2m_changed.connect(
                changed,
                sender=field.remote_field.through,
                weak=False,
                dispatch_uid=f"revision-{name}-{sender.__name__}-{field.name}",
            )
