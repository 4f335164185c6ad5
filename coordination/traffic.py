"""What the channels have carried lately, read from the intents: how well each works, what its limits still allow.

Rows only, nothing in memory, so that every process sees the same. A look costs at most one query for
health, and none where each medium has one channel; one for limits, and none where no channel has any.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Count, Q

from coordination import channels, routing
from coordination.channels import Channel
from coordination.models import Delivery, SendIntent
from coordination.models.deliveries import NOT_TAKEN, SendOutcome
from coordination.paging import Purpose
from coordination.routing import Attempt, Health, Went

# Two senders read the clock one after the other, and write in the other order.
_ANOTHERS_MOMENT: Final = timedelta(seconds=10)
_LAST: Final = 20  # attempts of a channel that say how well it works
_WENT: Final = {
    SendOutcome.ACCEPTED: Went.WELL,
    SendOutcome.AMBIGUOUS: Went.BADLY,
    SendOutcome.DEFERRED: Went.BADLY,
    SendOutcome.REJECTED: Went.REFUSED,
    "": Went.ON_THE_WIRE,
}


@dataclass
class Traffic:
    """A look at the rows for one batch of messages; whatever is given a way afterwards counts at once."""

    at: datetime
    installed: Sequence[Channel]
    health: dict[str, Health]
    _used: dict[tuple[str, str], list[tuple[datetime, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _calls: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def way(self, delivery: Delivery, *, failed_over: str = "") -> tuple[str, datetime]:
        """Return over which channel a message goes and from when; it counts if that is now.

        The one that it is meant for as long as that works and allows it, else another of its medium.

        :param failed_over: the channel that refused it last; another one is tried before.
        """
        ways = sorted(
            self._ways(delivery), key=lambda one: (one.code == failed_over, one.code != delivery.channel)
        )
        if not ways:
            return delivery.channel, self.at
        fits = {channel.code: self._fits_from(channel, delivery) for channel in ways}
        ready = [code for code, moment in fits.items() if moment <= self.at]
        if not ready:
            soonest = min(fits, key=lambda code: fits[code])
            self._calls[soonest].append(fits[soonest])  # whoever comes after it goes after it
            return soonest, fits[soonest]
        code = routing.choose(ready, self.health)
        if self.health.get(code, routing.WELL).is_on_trial:
            self.health[code] = routing.RESTING  # one message is enough to try it
        self._used[code, delivery.address].append((self.at, delivery.pk))
        self._calls[code].append(self.at)
        return code, self.at

    def count(self, limited: Iterable[Channel], addresses: Iterable[str]) -> None:
        """Read what these channels have sent, as far back as their limits reach."""
        asked = Q()
        for channel in limited:
            if channel.caps.per_address:
                since = self.at - max(limit.period for limit in channel.caps.per_address)
                asked |= Q(channel=channel.code, at__gt=since, delivery__address__in=list(addresses))
            if channel.caps.per_second:
                since = self.at - routing.rate(channel.caps.per_second).period
                asked |= Q(channel=channel.code, at__gt=since)
        # What lies ahead was written before the clock went back, and would be held against everybody until then.
        rows = SendIntent.objects.filter(asked, at__lte=self.at + _ANOTHERS_MOMENT).order_by("at")
        for code, address, delivery, moment, outcome in rows.values_list(
            "channel", "delivery__address", "delivery", "at", "outcome"
        ):
            self._calls[code].append(moment)
            if outcome not in NOT_TAKEN:
                self._used[code, address].append((moment, delivery))

    def _ways(self, delivery: Delivery) -> list[Channel]:
        """Return the channels by which this message may go, the preferred first."""
        own = next((one for one in self.installed if one.code == delivery.channel), None)
        if delivery.purpose == Purpose.CANARY or not delivery.medium:
            return [own] if own else []
        return [
            one
            for one in self.installed
            if one.medium == delivery.medium and (own is None or own.carries <= one.carries)
        ]

    def _fits_from(self, channel: Channel, delivery: Delivery) -> datetime:
        limits = channel.caps.per_address
        if _is_drill(delivery):
            limits = routing.left_by_drills(limits)
        # Its own earlier attempts do not stand in its way: it is still the one message.
        used = [moment for moment, pk in self._used[channel.code, delivery.address] if pk != delivery.pk]
        moment = routing.fits_from(limits, used, at=self.at)
        if channel.caps.per_second:
            per_second = routing.rate(channel.caps.per_second)
            moment = routing.fits_from([per_second], self._calls[channel.code], at=moment)
        return moment


def look(deliveries: Sequence[Delivery], *, at: datetime) -> Traffic:
    """Look at what hangs on these messages. Within a transaction: others who look wait where a limit counts."""
    installed = channels.installed()
    concerned = {one.medium for one in deliveries}
    ways = [one for one in installed if one.medium in concerned]
    several = [one.code for one in ways if sum(other.medium == one.medium for other in ways) > 1]
    traffic = Traffic(at, installed, _health(several, at=at))
    limited = [one for one in installed if one.caps.per_address or one.caps.per_second]
    codes = {one.channel for one in deliveries}
    limited = [one for one in limited if one.medium in concerned or one.code in codes]
    if limited:
        _one_at_a_time(one.code for one in limited)
        traffic.count(limited, {one.address for one in deliveries})
    return traffic


def nearly_used_up(*, at: datetime) -> dict[str, int]:
    """Return by channel how many addresses have used so much of a limit that drills stop there."""
    found: dict[str, int] = {}
    for channel in channels.installed():
        full: set[str] = set()
        for limit in channel.caps.per_address:
            if limit.count < routing.SHARED_FROM:
                continue
            taken = SendIntent.objects.filter(channel=channel.code, at__gt=at - limit.period)
            counts = taken.exclude(outcome__in=NOT_TAKEN).order_by().values("delivery__address")
            (drills,) = routing.left_by_drills([limit])
            full |= set(
                counts.annotate(times=Count("pk"))
                .filter(times__gte=drills.count)
                .values_list("delivery__address", flat=True)
            )
        if full:
            found[channel.code] = len(full)
    return found


def _health(codes: Sequence[str], *, at: datetime) -> dict[str, Health]:
    if not codes:
        return {}
    # Asking in vain leaves an intent as well: were it one of the last, a provider that is away would look well.
    lately = SendIntent.objects.filter(at__gt=at - routing.LOOKED_BACK).exclude(outcome=SendOutcome.NOT_SENT)
    last = Q()
    for code in codes:
        last |= Q(pk__in=lately.filter(channel=code).order_by("-at").values("pk")[:_LAST])
    attempts: dict[str, list[Attempt]] = {code: [] for code in codes}
    for code, moment, outcome in SendIntent.objects.filter(last).values_list("channel", "at", "outcome"):
        attempts[code].append(Attempt(moment, _WENT[outcome]))
    return {code: routing.health(found, at=at) for code, found in attempts.items()}


def _one_at_a_time(codes: Iterable[str]) -> None:
    """Let whoever counts the same channel wait until this transaction ends, so that two do not count the same.

    SQLite lets only one transaction write anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for code in sorted(codes):
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"muster:{code}"])


def _is_drill(delivery: Delivery) -> bool:
    callout = delivery.callout
    incident = callout.incident if callout else None
    return delivery.purpose == Purpose.DRILL or bool(incident and incident.is_drill)
