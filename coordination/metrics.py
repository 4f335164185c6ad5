"""Figures for Prometheus, read from the rows when they are asked for: nothing is counted in memory, so that
any process gives the same answer and a restart loses nothing. No name and no address is among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, F, Min
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coordination import watch
from coordination.models import Callout, Delivery, Invitation, SendIntent, WatchReport, Worker
from coordination.models.deliveries import SendOutcome
from coordination.paging import UNSENT, CalloutStatus, DeliveryStatus, Purpose

# Quantiles are over what happened within these.
LATELY: Final = timedelta(hours=24)
OUTCOMES_WITHIN: Final = timedelta(minutes=15)
QUANTILES: Final = (0.5, 0.9, 0.99)
AT_MOST: Final = 10_000


def text(*, at: datetime) -> bytes:
    """Return all figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows(at))
    return generate_latest(registry)


class _Rows(Collector):
    def __init__(self, at: datetime) -> None:
        self._at = at

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield self._oldest_due()
        yield self._callouts()
        yield self._deliveries()
        yield self._outcomes()
        yield _quantiles(
            "muster_first_send_seconds",
            "From the start of a callout until its first message was handed over, last 24 h.",
            self._first_sends(),
        )
        yield _quantiles(
            "muster_answer_seconds", "From being asked until the answer, last 24 h.", self._answers()
        )
        workers = GaugeMetricFamily("muster_workers_alive", "Sender loops with a heartbeat.")
        workers.add_metric(
            [], Worker.objects.filter(heartbeat_at__gt=self._at - watch.HEARTBEAT_LOST).count()
        )
        yield workers
        yield from self._watch()

    def _oldest_due(self) -> Metric:
        gauge = GaugeMetricFamily(
            "muster_oldest_due_seconds", "How long the longest overdue row has waited.", labels=["row"]
        )
        steps = Callout.objects.due(self._at).aggregate(first=Min("next_step_at"))["first"]
        messages = Delivery.objects.due(self._at).aggregate(first=Min("due_at"))["first"]
        for row, since in (("callout", steps), ("delivery", messages)):
            gauge.add_metric([row], (self._at - since).total_seconds() if since else 0)
        return gauge

    def _callouts(self) -> Metric:
        gauge = GaugeMetricFamily("muster_callouts", "Callouts that are not over.", labels=["status"])
        counts = dict(Callout.objects.live().order_by().values_list("status").annotate(Count("pk")))
        for status in CalloutStatus:
            if status is not CalloutStatus.CLOSED:
                gauge.add_metric([status.value], counts.get(status, 0))
        return gauge

    def _deliveries(self) -> Metric:
        gauge = GaugeMetricFamily(
            "muster_deliveries_unsent", "Messages not handed over yet.", labels=["status"]
        )
        unsent = Delivery.objects.filter(status__in=list(UNSENT)).order_by()
        counts = dict(unsent.values_list("status").annotate(Count("pk")))
        for status in sorted(UNSENT):
            gauge.add_metric([status.value], counts.get(status, 0))
        return gauge

    def _outcomes(self) -> Metric:
        gauge = GaugeMetricFamily(
            "muster_send_outcomes", "Attempts of the last 15 min.", labels=["channel", "outcome"]
        )
        lately = SendIntent.objects.filter(finished_at__gt=self._at - OUTCOMES_WITHIN).exclude(outcome="")
        counts: dict[tuple[str, str], int] = {
            (channel, outcome): count
            for channel, outcome, count in lately.order_by()
            .values_list("channel", "outcome")
            .annotate(Count("pk"))
        }
        for channel in sorted({channel for channel, _ in counts}):
            for outcome in SendOutcome.values:
                gauge.add_metric([channel, outcome], counts.get((channel, outcome), 0))
        return gauge

    def _first_sends(self) -> list[float]:
        rows = (
            Delivery.objects.filter(
                purpose=Purpose.ASK,
                sent_at__isnull=False,
                callout__started_at__gt=self._at - LATELY,
                status__in=[DeliveryStatus.SENT, DeliveryStatus.DELIVERED],
            )
            .order_by()
            .values("callout", "callout__started_at")
            .annotate(first=Min("sent_at"))
            .values_list("callout__started_at", "first")[:AT_MOST]
        )
        return [(first - started).total_seconds() for started, first in rows]

    def _answers(self) -> list[float]:
        rows = Invitation.objects.filter(
            asked_at__gt=self._at - LATELY, answered_at__gte=F("asked_at")
        ).values_list("asked_at", "answered_at")[:AT_MOST]
        return [(answered - asked).total_seconds() for asked, answered in rows if asked and answered]

    def _watch(self) -> Iterator[Metric]:
        report = WatchReport.objects.filter(pk=1).first()
        age = GaugeMetricFamily("muster_watch_age_seconds", "Since the watch looked last; -1 before it has.")
        age.add_metric([], (self._at - report.looked_at).total_seconds() if report else -1)
        yield age
        found = GaugeMetricFamily(
            "muster_watch_problem", "1 for each thing that is wrong now.", labels=["code"]
        )
        for problem in watch.reported(at=self._at):
            found.add_metric([problem.code], 1)
        yield found


def _quantiles(name: str, words: str, seconds: Sequence[float]) -> Metric:
    gauge = GaugeMetricFamily(name, words, labels=["quantile"])
    ordered = sorted(seconds)
    if ordered:
        for quantile in QUANTILES:
            gauge.add_metric([str(quantile)], ordered[min(len(ordered) - 1, int(quantile * len(ordered)))])
    return gauge
