"""The one sender loop: let callouts move on, claim as many messages as there are free slots, send, record.

One loop runs in each worker process, in `manage.py sweep` and in the embedded server's thread; any
number of them may run at once. Nothing here remembers anything: a loop that is killed loses nothing,
because whatever is due stands in a column and is found by the next turn of any other.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from coordination import (
    arrivals,
    callouts,
    channel_checks,
    channels,
    deliveries,
    guidance,
    receipts,
    restores,
    watch,
)
from coordination.ballast import BALLAST
from coordination.channels import Accepted, Ambiguous, CannotLookUp, Outcome, Rejected
from coordination.deliveries import Claimed, CouldNotAsk, Found
from coordination.models import Worker
from ground import audit, clock

log = logging.getLogger(__name__)

SLOTS: Final = 64
# A lost nudge costs at most this much, in seconds.
POLL: Final = 1.0
HOUSEKEEPING_EVERY: Final = 5.0
# When a hundred windows close at once, moving their callouts on takes seconds in which messages would wait.
ADVANCE_WITHIN: Final = 0.25
# So often a provider that offers to tell is asked in vain, about a minute long; then the message goes out
# again, marked: one too many beats one too few. Sooner where another provider would carry it.
ASKED_IN_VAIN_AT_MOST: Final = 4
BEFORE_ANOTHER_CARRIES_IT: Final = 2
# How often each loop looks whether the database is still the one that it has sent from.
HELD_LOOKED_AT_EVERY: Final = 1.0
# So long after its claim a message may go to the wire: what is left of the lease is for the call itself.
# Whoever was stopped, swapped out or kept waiting for longer leaves it to the next one, who asks first.
FIT_FOR: Final = deliveries.LEASE - timedelta(seconds=20)

WAKE: Final = threading.Event()
_running: set[uuid.UUID] = set()


class Sender:
    """A loop's working state: its name in the leases, its pool, and what is on the wire now."""

    def __init__(self, *, slots: int = SLOTS) -> None:
        self.boot_id = uuid.uuid4()
        self._slots = slots
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="send")
        self._on_the_wire: dict[Future[Outcome | Found | CouldNotAsk], Claimed] = {}
        self._fetching: list[Future[None]] = []
        self._housekept = 0.0
        self._held = False
        self._held_looked_at = -math.inf
        self._turned = time.monotonic()
        self._database: BaseDatabaseWrapper | None = None  # the loop's own, for whoever has to break it off

    def hangs_for(self) -> timedelta:
        """Return since when the loop has not come round."""
        return timedelta(seconds=time.monotonic() - self._turned)

    def break_off(self) -> None:
        """Break off the loop's connection, so that whatever waits for it fails and is tried again. For other threads."""
        wire = self._database.connection if self._database is not None else None
        if self._database is None or wire is None or self._database.vendor != "postgresql":
            return
        log.error("the sender's connection to the database does not answer and is broken off")
        # One that is gone by now needs no breaking off.
        with contextlib.suppress(Exception), socket.socket(fileno=os.dup(wire.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)

    def _begin(self, *, alone: bool) -> None:
        at = clock.now()
        self._register(at)
        if alone:
            deliveries.void_leases(of_others_than=self.boot_id, at=at)

    def _register(self, at: datetime) -> None:
        Worker.objects.create(
            boot_id=self.boot_id,
            label=f"{socket.gethostname()}:{os.getpid()}",
            started_at=at,
            heartbeat_at=at,
        )

    def _report(self, found: Sequence[watch.Problem]) -> None:
        for problem in found:
            log.error("%s: %s", problem.code, problem.en)
        if settings.MUSTER_DEADMAN_URL and not found:
            self._pool.submit(watch.ping, settings.MUSTER_DEADMAN_URL)

    def turn(self) -> None:
        """One turn: record what came back, let due callouts move on, fill the free slots. Never waits for a send."""
        self._record_finished()
        if not self._is_held():
            if _advance_due(within=ADVANCE_WITHIN):
                WAKE.set()  # the next turn goes on at once
            self._fill_slots()
        self._keep_house()

    def _fill_slots(self) -> None:
        self._fetching = [fetching for fetching in self._fetching if not fetching.done()]
        free = self._slots - len(self._on_the_wire) - len(self._fetching)
        fit_until = _fit_until()
        claimed_now = deliveries.claim(slots=free, holder=self.boot_id, at=clock.now())
        for claimed in claimed_now:
            sending = self._pool.submit(_send_in_pool, claimed, fit_until)
            self._on_the_wire[sending] = claimed
            sending.add_done_callback(lambda _sent: WAKE.set())
        if claimed_now:
            restores.remember()

    def _is_held(self) -> bool:
        if time.monotonic() - self._held_looked_at >= HELD_LOOKED_AT_EVERY:
            self._held = restores.is_held(at=clock.now())
            self._held_looked_at = time.monotonic()
        return self._held

    def run(self, stop: threading.Event, *, alone: bool = False) -> None:
        """Turn until `stop` is set; survives whatever a turn throws, and says so.

        With `alone`, no other process has this database: what dead loops had leased is void at once.
        """
        _running.add(self.boot_id)
        self._database = connections[DEFAULT_DB_ALIAS]
        begun = False
        try:
            while not stop.is_set():
                self._turned = time.monotonic()
                WAKE.clear()
                try:
                    if not begun:
                        self._begin(alone=alone)
                        begun = True
                    self.turn()
                except (DatabaseError, InterfaceError) as error:
                    connections.close_all()
                    self._held_looked_at = -math.inf  # it may come back as an older one
                    if BALLAST.give_up(error):
                        continue  # what is on the wire has room to be recorded now
                    log.exception("the sender could not work with the database; trying again")
                    stop.wait(POLL)
                except Exception:
                    log.exception("a turn of the sender failed; trying again")
                    stop.wait(POLL)
                WAKE.wait(POLL)
        finally:
            _running.discard(self.boot_id)
            self._pool.shutdown(wait=True)
            self._record_finished()
            restores.remember()
            Worker.objects.filter(boot_id=self.boot_id).delete()
            connections.close_all()

    def _record_finished(self) -> None:
        finished = [sending for sending in self._on_the_wire if sending.done()]
        taken = [
            (self._on_the_wire[sending], outcome)
            for sending in finished
            if sending.exception() is None and isinstance(outcome := sending.result(), Accepted)
        ]
        done = deliveries.record_taken(taken, at=clock.now()) if len(taken) > 1 else set()
        for sending in finished:
            claimed = self._on_the_wire[sending]
            if (claimed.delivery_id, claimed.lease_no) in done:
                del self._on_the_wire[sending]
                continue
            try:
                deliveries.record(claimed, sending.result(), at=clock.now())
            except (OperationalError, InterfaceError):
                raise  # the database is away: kept, and recorded at a later turn
            except Exception:
                # Not recorded: the lease runs out, and the provider is asked before anything is sent again.
                log.exception("the outcome of %s could not be recorded", claimed.message.reference)
            del self._on_the_wire[sending]

    def _keep_house(self) -> None:
        at = clock.now()
        # Below zero when the clock has gone back: then it is done now, not when the hour has come round again.
        if 0 <= at.timestamp() - self._housekept < HOUSEKEEPING_EVERY:
            return
        self._housekept = at.timestamp()
        if not Worker.objects.filter(boot_id=self.boot_id).update(heartbeat_at=at):
            self._register(at)  # thought dead, and cleared away
        jobs: list[Callable[[], object]] = [
            BALLAST.keep,
            lambda: receipts.catch_up(at=at),
            lambda: self._fetch(at),
            lambda: self._watch(at),
            audit.seal,
        ]
        if not self._held:  # what these write or give up may have been sent in the time that is missing
            jobs += [
                lambda: callouts.pass_over_engaged(at=at),
                lambda: deliveries.expire(at=at),
                lambda: channel_checks.send_daily(at=at),
                lambda: guidance.catch_up(at=at),
            ]
        for job in jobs:
            _by_itself(job)
        close_old_connections()

    def _watch(self, at: datetime) -> None:
        if (found := watch.look(at=at, skew=clock.skew())) is not None:
            self._report(found)

    def _fetch(self, at: datetime) -> None:
        for channel in arrivals.due_pulls(at=at):
            self._fetching.append(self._pool.submit(_pull_in_pool, channel))


def run_once() -> None:
    """Look at the database now: wake this process's loop, or do one turn here if it has none."""
    if _running:
        WAKE.set()
        return
    if restores.is_held(at=clock.now()):
        watch.look(at=clock.now())
        return
    callouts.pass_over_engaged(at=clock.now())
    _advance_due()
    holder = uuid.uuid4()
    fit_until = _fit_until()
    while claimed := deliveries.claim(slots=SLOTS, holder=holder, at=clock.now()):
        for one in claimed:
            deliveries.record(one, send(one, fit_until=fit_until), at=clock.now())
        restores.remember()
        fit_until = _fit_until()
    deliveries.expire(at=clock.now())
    receipts.catch_up(at=clock.now())
    watch.look(at=clock.now())
    guidance.catch_up(at=clock.now())
    audit.seal()


def _advance_due(*, within: float = math.inf) -> bool:
    """Let the due callouts move on, the longest due first; return whether the time was up before all had.

    One that fails must not hold up the others, and many of them not what is to be sent.
    """
    at = clock.now()
    ends = time.monotonic() + within
    waiting = callouts.due(at)
    for done, callout_id in enumerate(waiting, start=1):
        try:
            callouts.advance(callout_id, at=at)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("callout %s could not be moved on", callout_id)
            _by_itself(partial(callouts.set_aside, callout_id, at=at))
        # Looked at after each, not before: however slow the database is, one callout a turn moves on.
        if time.monotonic() > ends:
            return done < len(waiting)
    return False


def _by_itself(job: Callable[[], object]) -> None:
    """Do one of several things; its failure must not keep the others, nor any message, from going ahead."""
    try:
        job()
    except (OperationalError, InterfaceError):
        raise  # the database is away: nothing else would get any further
    except Exception:
        log.exception("one of a turn's jobs failed")


def _fit_until() -> float:
    """Return until when what is claimed from now on may go to the wire, on this machine's own stopwatch."""
    return time.monotonic() + FIT_FOR.total_seconds()


def send(claimed: Claimed, *, fit_until: float = math.inf) -> Outcome | Found | CouldNotAsk:
    """Hand one claimed message to its channel, asking first whether an earlier attempt got through.

    Not after `fit_until` (of `time.monotonic`): then the lease may be somebody else's when the call arrives.
    """
    code = claimed.channel
    try:
        if (earlier := _look_up(claimed)) is not None:
            return earlier
        channel = channels.by_code(code)
        if channel is None:
            return Rejected(permanent=True, reason=f"没有“{code}”这个通道")
        if time.monotonic() > fit_until:
            return Rejected(permanent=False, reason="发送程序曾停顿，本次未发出")
        return channel.send(claimed.message)
    except Exception as error:  # a channel's own bug must not stop the others' messages
        log.exception("channel %s failed on %s", code, claimed.message.reference)
        return Ambiguous(f"通道出错：{type(error).__name__}")


def _look_up(claimed: Claimed) -> Found | CouldNotAsk | None:
    """Return what the channels say that may have the message; None if none has it, or nobody will ever tell."""
    another_carries_it = claimed.channel not in claimed.look_up_at
    patience = BEFORE_ANOTHER_CARRIES_IT if another_carries_it else ASKED_IN_VAIN_AT_MOST
    could_not_ask = None
    for code in claimed.look_up_at:
        channel = channels.by_code(code)
        try:
            found = channel.look_up(claimed.message) if channel else None
        except CannotLookUp:
            # A provider that does not answer takes messages all the same: each try would be one more.
            if channel and channel.caps.looks_up and claimed.asked_in_vain < patience:
                could_not_ask = CouldNotAsk(code)
        else:
            if found is not None:
                return Found(code, found)
    return could_not_ask


def _pull_in_pool(channel: channels.Channel) -> None:
    """Fetch what has come in over a channel; what goes wrong is tried again when it is due again."""
    try:
        arrivals.pull(channel, at=clock.now())
    except Exception:
        log.exception("what came in over channel %s could not be fetched", channel.code)
    finally:
        connections.close_all()  # a pool thread must not keep its connection
        WAKE.set()


def _send_in_pool(claimed: Claimed, fit_until: float) -> Outcome | Found | CouldNotAsk:
    try:
        return send(claimed, fit_until=fit_until)
    finally:
        connections.close_all()  # the demo inbox is a table; a pool thread must not keep its connection
