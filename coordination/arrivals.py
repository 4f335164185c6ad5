"""What arrives from providers, called in by them or fetched by us: each event applied by itself.

One that cannot be applied holds up none of the others, and is tried again when it comes again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.db import InterfaceError, OperationalError

from coordination import events, receipts, replies
from coordination.announcements import announce
from coordination.channels import Callback, Channel, Event, Receipt
from coordination.inbound import InboundKind, InboundResult
from ground import audit, installation
from ground.audit import Actor

log = logging.getLogger(__name__)

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
