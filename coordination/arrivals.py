"""What arrives from providers, called in by them or fetched by us: each event applied by itself.

One that cannot be applied holds up none of the others, and is tried again when it comes again.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db import InterfaceError, OperationalError
from django.db.models import Q

from coordination import channels, events, receipts, replies
from coordination.announcements import announce
from coordination.channels import Callback, Channel, Event, Receipt, Sent
from coordination.inbound import InboundKind, InboundResult
from coordination.models import ChannelPull, Delivery
from coordination.paging import DeliveryStatus
from ground import audit, installation
from ground.audit import Actor

log = logging.getLogger(__name__)

PULL_EVERY: Final = timedelta(seconds=10)
# Longer than any channel's own time-out.
PULL_LEASE: Final = timedelta(seconds=60)
PULL_OVERLAP: Final = timedelta(minutes=5)
# One event that can never be applied must not have ever more fetched with it.
PULL_FURTHEST: Final = timedelta(days=1)
# By then a carrier has given up.
ASKED_ABOUT_FOR: Final = timedelta(days=3)
ASKED_ABOUT_AT_ONCE: Final = 100
_LONGEST_KEPT: Final = 4000
# A wrong setting makes every call look forged; one line a minute for each source says as much.
_AUDITED_EVERY_SECONDS: Final = 60


def take(channel: Channel, arrived: Iterable[Event], *, at: datetime) -> bool:
    """Apply what a channel has told us, each event in a transaction of its own; return whether all of it was."""
    all_taken = True
    for event in arrived:
        try:
            if isinstance(event, Receipt):
                receipts.take(channel.code, event, at=at)
            else:
                replies.take(channel, event, at=at)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("an event of channel %s could not be applied", channel.code)
            all_taken = False
    return all_taken


def due_pulls(*, at: datetime) -> list[Channel]:
    """Return the channels that are to be asked now for what has come in; each is given to one caller alone.

    Whoever gets one has `PULL_LEASE` to `pull`; after that it is due again, for a process that died.
    """
    due = []
    for channel in channels.installed():
        if type(channel).pull is Channel.pull and not channel.caps.tells_when_asked:
            continue  # it can only be called back
        ChannelPull.objects.get_or_create(channel=channel.code, defaults={"due_at": at})
        # Due farther ahead than any lease: the clock has gone back since.
        is_due = Q(due_at__lte=at) | Q(due_at__gt=at + PULL_LEASE)
        if ChannelPull.objects.filter(is_due, channel=channel.code).update(due_at=at + PULL_LEASE):
            due.append(channel)
    return due


def pull(channel: Channel, *, at: datetime) -> None:
    """Ask a channel for what has come in since the last time that all was fetched and applied.

    A little more than that: a provider's clock is not ours, and what comes twice changes nothing.
    """
    row = ChannelPull.objects.get(channel=channel.code)
    since = max(min(row.pulled_at or at, at) - PULL_OVERLAP, at - PULL_FURTHEST)
    problem = ""
    try:
        arrived = list(channel.pull(since=since))
        if channel.caps.tells_when_asked:
            arrived += channel.ask_about(_to_ask_about(channel, since=row.pulled_at, at=at))
    except Exception as failure:
        problem = f"{type(failure).__name__}: {failure}"[:200]
        log.warning("nothing could be fetched from channel %s: %s", channel.code, problem)
    else:
        if not take(channel, arrived, at=at):
            problem = "not all of it could be applied"
    ours = ChannelPull.objects.filter(channel=channel.code)
    ours.update(due_at=at + PULL_EVERY, problem=problem)
    if not problem:
        # Back only with the clock: another may have taken over while this one hung.
        ours.exclude(pulled_at__gte=at, pulled_at__lte=at + PULL_LEASE).update(pulled_at=at)


def _to_ask_about(channel: Channel, *, since: datetime | None, at: datetime) -> list[Sent]:
    """Return the messages whose turn it is: each is asked about the more seldom, the longer it has been out."""
    out = Delivery.objects.filter(
        provider=channel.code, status=DeliveryStatus.SENT, sent_at__gt=at - ASKED_ABOUT_FOR
    )
    rows = out.order_by("pk").values_list("public_id", "provider_message_id", "address", "sent_at")
    due = [
        Sent(reference, message_id, address, sent_at)
        for reference, message_id, address, sent_at in rows
        if sent_at and (since is None or _asks_at(at - sent_at) != _asks_at(since - sent_at))
    ]
    # Everybody in turn: those whose telephone is off for days must not stand before the others for ever.
    first = int(at.timestamp()) % len(due) if due else 0
    return [*due[first:], *due[:first]][:ASKED_ABOUT_AT_ONCE]


def _asks_at(age: timedelta) -> int:
    """Number the times of asking about a message by its age: ever a quarter of its age lies between two."""
    return round(math.log(max(age / PULL_EVERY, 0.1), 1.25))


def keep_unreadable(channel: Channel, callback: Callback, why: str, *, at: datetime) -> None:
    """Keep a call with replies that nobody could read: there may be an answer in it."""
    body = callback.body[:_LONGEST_KEPT].decode(errors="replace")
    said = {"text": events.plain(body or " ".join(callback.query.values()))[:_LONGEST_KEPT], "why": why[:200]}
    key = hashlib.sha256(repr((sorted(callback.query.items()), callback.body)).encode()).hexdigest()
    kept = events.first_time(
        channel.code, InboundKind.UNREADABLE, key, at=at, body=said, result=InboundResult.UNREADABLE
    )
    if kept is not None:
        announce("desk")


def report_forged(channel: Channel, callback: Callback, why: str, *, at: datetime) -> None:
    """Write down that somebody who knows the address of a channel's callbacks is not its provider."""
    log.warning("a forged callback for channel %s from %s: %s", channel.code, callback.remote, why)
    try:
        is_first = cache.add(f"forged:{channel.code}:{callback.remote}", 1, _AUDITED_EVERY_SECONDS)
    except Exception as error:  # the cache being away must not take the audit trail with it
        log.warning("forged callbacks are not counted: %s", error)
        is_first = True
    ours = installation.current()
    if is_first and ours is not None:
        by = Actor(None, callback.remote[:80] or "?")
        audit.record("callback.forged", ours, by=by, at=at, channel=channel.code, why=why[:200])
