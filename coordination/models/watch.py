"""What the watch saw last."""

from __future__ import annotations

from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class WatchReport(models.Model):
    """The one row (`pk` 1) in which the watch of all processes writes down what it saw.

    `looked_at` is also the turn: whoever moves it on by a conditional update is the one who looks.
    """

    looked_at = models.DateTimeField()
    problems = models.JSONField(default=list)  # of `watch.Problem`, as dicts
    clean_since = models.DateTimeField(null=True)
    # When the database's clock went back: pairs of moments, to and from which, the newest last. The time
    # between them was lived through twice.
    steps_back = models.JSONField(default=list, encoder=DjangoJSONEncoder)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_watch_report")]

    def lived_twice(self) -> list[tuple[datetime, datetime]]:
        return [
            (datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in self.steps_back
        ]

    def __str__(self) -> str:
        return f"{self.looked_at:%H:%M:%S} {len(self.problems)}"
