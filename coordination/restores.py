"""A database that has gone back in time: noticed by the senders, and made safe before anything leaves.

A restored database is older than what the providers have done since: messages that it takes for unsent may
be out, people whom it does not know of may have been asked, answers may be missing. So nothing is sent from
it until `settle` was run (`manage.py after_restore`): every unsent message is looked for at each provider
that could have carried it; where one cannot tell, the message is put aside for the duty officer instead of
being sent blindly; running callouts are paused and told of.

That the database has gone back shows when it knows less of the attempts to send than this machine has seen.
Each machine keeps that in a file of its own, so a restore onto a new machine is not noticed by itself.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Max

from coordination import callouts, channels, deliveries
from coordination.channels import CannotLookUp, Channel, Message
from coordination.models import Callout, Delivery, SendIntent, Worker
from coordination.paging import UNSENT, CalloutStatus, DeliveryStatus
from ground import audit
from ground.audit import SYSTEM, Actor
from ground.dates import SHANGHAI
from ground.models import Installation

log = logging.getLogger(__name__)

ASIDE: Final = "恢复后待核：可能已发出，请电话确认"
SLOTS: Final = 16
RECENT: Final = 500
# No provider tells more than this of the past.
LONGEST_LOST: Final = timedelta(days=30)
_WRITING: Final = threading.Lock()


class Answer(Enum):
    """What all the channels together say of a message."""

    OUT = "out"
    NOT_OUT = "not out"
    NOBODY_KNOWS = "nobody knows"


@dataclass(frozen=True)
class Settled:
    """What `settle` has done: how many messages it found sent, left to be sent, put aside; whom it paused."""

    found: int
    unsent: int
    aside: int
    paused: tuple[Callout, ...]
    last_known_at: datetime


@dataclass(frozen=True)
class Mark:
    """How far a database had come: the last of its attempts to send, and how many of the latest had an outcome.

    Counted, not timed: a clock that goes back must stop nobody from sending. Neither number ever falls: what
    a second sender commits late, under a lower number, only adds to them.
    """

    installation: str
    restored_at: str
    attempts: int
    finished: int

    def is_behind(self, seen: Mark) -> bool:
        now, then = (
            (mark.restored_at, mark.attempts, mark.finished if mark.attempts == seen.attempts else 0)
            for mark in (self, seen)
        )
        return self.installation == seen.installation and now < then


def is_held(*, at: datetime) -> bool:
    """Say whether nothing may be sent from this database; the first to notice tells all the others by a row."""
    if Installation.objects.exclude(gone_back_at=None).exists():
        return True
    if not _has_gone_back():
        return False
    hold(at=at)
    audit.record("installation.gone_back", Installation.objects.get(), by=SYSTEM, at=at)
    log.error(
        "the database is older than what was sent from it: nothing is sent until manage.py after_restore"
    )
    return True


def remember() -> None:
    """Keep in this machine's file how far the database has come. Losing that only makes a restore harder to notice."""
    _has_gone_back()


def hold(*, at: datetime) -> None:
    """Let nothing be sent from this database until `settle` was run; every sender sees it within a second."""
    Installation.objects.filter(gone_back_at=None).update(gone_back_at=at)


def settle(*, by: Actor, at: datetime) -> Settled:
    """Find out what became of every unsent message, put aside what nobody can tell, pause every running callout.

    Done a second time it changes nothing more. No sender may run meanwhile that does not hold.
    """
    installation = Installation.objects.get()
    held_since = installation.gone_back_at or at
    hold(at=at)
    last_known_at = _last_known_at(held_since)
    paused = tuple(
        Callout.objects.filter(status=CalloutStatus.OPEN, paused=False).select_related(
            "incident", "guidance_request"
        )
    )
    for callout in paused:
        callouts.pause(callout, by=by, at=at)
    # What was written while nothing was sent has certainly not been sent.
    doubtful = Delivery.objects.filter(status__in=list(UNSENT), created_at__lte=held_since)
    unsent = list(doubtful.exclude(reason=ASIDE).order_by("id"))
    with ThreadPoolExecutor(SLOTS, thread_name_prefix="look-up") as pool:
        answers = list(
            pool.map(lambda one: _look_up(one, since=last_known_at, at=at), map(_prepared, unsent))
        )
    for delivery, (answer, channel, message_id) in zip(unsent, answers, strict=True):
        _write_down(delivery, answer, channel, message_id, at=at)
    count = [answer for answer, *_ in answers].count
    settled = Settled(
        count(Answer.OUT), count(Answer.NOT_OUT), count(Answer.NOBODY_KNOWS), paused, last_known_at
    )
    _tell(settled, at=at)
    Installation.objects.update(restored_at=at, gone_back_at=None)
    audit.record(
        "installation.after_restore",
        installation,
        by=by,
        at=at,
        found=settled.found,
        unsent=settled.unsent,
        aside=settled.aside,
        paused=len(paused),
    )
    remember()
    return settled


def _has_gone_back() -> bool:
    """Compare the database with this machine's file, which is written forward unless the database is behind it.

    The file first, then the database: what other senders of this machine write down in between is not held
    against it. Nobody waits for a lock, as whoever has it may be stopped.
    """
    file: Path | None = settings.SENT_UP_TO
    if file is None:
        return False
    seen = _read(file)
    now = _mark()
    if now is None or now == seen:
        return False
    if seen is not None and now.is_behind(seen):
        return True
    _write(file, now)
    return False


def _mark() -> Mark | None:
    installation = Installation.objects.first()
    if installation is None:
        return None
    attempts = SendIntent.objects.aggregate(last=Max("pk"))["last"] or 0
    # Over fixed numbers: of two looks that see the same last attempt, the later cannot see fewer ends.
    latest = SendIntent.objects.filter(pk__gt=attempts - RECENT, pk__lte=attempts)
    finished = latest.exclude(finished_at=None).count()
    restored_at = installation.restored_at.isoformat() if installation.restored_at else ""
    return Mark(installation.created_at.isoformat(), restored_at, attempts, finished)


def _write(file: Path, mark: Mark) -> None:
    """Write the file whole. It may say too little (after a power cut, or of two writers), never too much."""
    # Containers that share a folder may all have the process number 1.
    part = file.with_name(f"{file.name}.{socket.gethostname()}.{os.getpid()}")
    try:
        with _WRITING:
            part.write_text(json.dumps(asdict(mark)))
            part.replace(file)
    except OSError as error:  # a full or read-only disk must not keep anybody from sending
        log.warning("%s cannot be kept: %s", file, error)


def _read(file: Path) -> Mark | None:
    try:
        return Mark(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _last_known_at(at: datetime) -> datetime:
    """Return the last moment of which this database knows anything."""
    known = (
        SendIntent.objects.aggregate(last=Max("at"))["last"],
        Delivery.objects.filter(created_at__lte=at).aggregate(last=Max("created_at"))["last"],
        Worker.objects.aggregate(last=Max("heartbeat_at"))["last"],
    )
    return max([one for one in known if one is not None and one <= at], default=at)


def _prepared(delivery: Delivery) -> tuple[Message, list[Channel]]:
    ways = [
        channel
        for channel in channels.installed()
        if channel.code == delivery.channel or channel.medium == delivery.medium
    ]
    own = [channel for channel in ways if channel.code == delivery.channel]
    message = Message(
        reference=delivery.public_id,
        recipient=delivery.recipient,
        address=delivery.address,
        subject=delivery.subject,
        text=delivery.text,
    )
    # Where its own channel is gone from the settings, nobody can be asked who may have it.
    return message, ways if own else []


def _look_up(
    asked: tuple[Message, list[Channel]], *, since: datetime, at: datetime
) -> tuple[Answer, str, str]:
    message, ways = asked
    try:
        for channel in ways:
            for day in _days(since, at):
                found = channel.look_up(replace(message, first_tried_at=day))
                if found is not None:
                    return Answer.OUT, channel.code, found
        return (Answer.NOT_OUT if ways else Answer.NOBODY_KNOWS), "", ""
    except CannotLookUp:
        return Answer.NOBODY_KNOWS, "", ""
    except Exception:  # a channel's own bug must not stop the others' look-ups
        log.exception("message %s could not be looked up", message.reference)
        return Answer.NOBODY_KNOWS, "", ""
    finally:
        connections.close_all()  # the demo inbox is a table; a pool thread must not keep its connection


def _days(since: datetime, at: datetime) -> Iterable[datetime]:
    """Yield a moment on each day that was lost: some providers look for a message on one day only."""
    moment = max(since, at - LONGEST_LOST)
    while moment < at:
        yield moment
        moment += timedelta(days=1)
    yield at


def _write_down(delivery: Delivery, answer: Answer, channel: str, message_id: str, *, at: datetime) -> None:
    if answer is Answer.NOT_OUT:
        return
    if answer is Answer.OUT:
        deliveries.write_in(delivery.pk, channel, message_id, at=at)
        return
    with transaction.atomic():
        row = Delivery.objects.select_for_update(of=("self",), no_key=True).get(pk=delivery.pk)
        if row.status in UNSENT:
            # Never due again; when it expires it fails with an alarm, as whatever could not be sent.
            row.status, row.reason = DeliveryStatus.UNKNOWN, ASIDE
            row.due_at, row.lease_until = row.expires_at, None
            row.save(update_fields=["status", "reason", "due_at", "lease_until"])


def _tell(settled: Settled, *, at: datetime) -> None:
    if not (settled.aside or settled.paused):
        return
    numbers = "、".join(
        (callout.incident or callout.guidance_request).number  # type: ignore[union-attr]  # it has one of them
        for callout in settled.paused
    )
    deliveries.alarm(
        subject="数据库已从备份恢复",
        text=f"数据库已从备份恢复，{settled.last_known_at.astimezone(SHANGHAI):%m-%d %H:%M} 之后的记录可能缺失。"
        f"{settled.aside} 条消息不知是否已发出，已标为待核，请电话确认。"
        + (f"已暂停的通知应答：{numbers}。请逐个核对后继续或结束。" if numbers else ""),
        at=at,
    )
