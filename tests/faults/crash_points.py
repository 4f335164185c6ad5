"""The named moments at which a process kills itself (SIGKILL), and how they are reached without the product knowing.

What a process does before a commit is undone by its death, whatever it was doing; what counts is on which
side of a commit, and of the wire, it dies. So there is a point on either side of every commit of the
engine that has written something, found by the function whose transaction it is, and one at each step of
a send.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Point:
    """A moment: on this side of what. `part` is the kind of process that comes there."""

    name: str
    part: str
    when: str  # before, after, before_commit, after_commit
    what: str


def _around_commit(name: str, part: str, *functions: str) -> list[Point]:
    return [
        Point(f"{name}.{side}", part, f"{side}_commit", function)
        for function in functions
        for side in ("before", "after")
    ]


POINTS: tuple[Point, ...] = (
    # A message: leased and intended, asked about, on the wire, taken, written down.
    *_around_commit("claim", "sender", "coordination.deliveries.claim"),
    Point("look_up.before", "sender", "before", "coordination.channels.http_sms.HttpSmsChannel.look_up"),
    Point("look_up.after", "sender", "after", "coordination.channels.http_sms.HttpSmsChannel.look_up"),
    Point("wire.before", "sender", "before", "coordination.channels.http_sms.HttpSmsChannel.send"),
    Point("wire.sent", "sender", "after", "coordination.channels.exchange._Hurried.sendall"),
    Point("wire.accepted", "sender", "after", "coordination.channels.http_sms.HttpSmsChannel.send"),
    *_around_commit(
        "record", "sender", "coordination.deliveries.record", "coordination.deliveries.record_taken"
    ),
    *_around_commit("fail", "sender", "coordination.deliveries._fail"),
    # A callout moves on.
    *_around_commit("advance", "sender", "coordination.callouts.advance"),
    # What the loop does besides.
    Point("begin.after", "sender", "after", "coordination.sender.Sender._begin"),
    *_around_commit("catch_up", "sender", "coordination.receipts.catch_up"),
    *_around_commit("watch", "sender", "coordination.watch.look"),
    *_around_commit("seal", "sender", "ground.audit.seal"),
    # What people say: before the commit, and before they have our reply.
    *_around_commit("answer", "person", "coordination.answers.answer"),
    *_around_commit("withdraw", "person", "coordination.answers.withdraw"),
    # What the officer does.
    *_around_commit("start", "officer", "coordination.callouts.start"),
    *_around_commit(
        "change",
        "officer",
        "coordination.callouts.stop",
        "coordination.callouts.add_invitees",
        "coordination.callouts.change_seats",
        "coordination.callouts.pause",
        "coordination.callouts.resume",
        "coordination.callouts.tell_asked",
    ),
    # What the provider reports, and what people write back.
    *_around_commit("receipt", "events", "coordination.receipts.take"),
    *_around_commit("reply", "events", "coordination.replies.take"),
)

# A process may also die at whichever point it comes to.
ANY = "any"

NAMES: tuple[str, ...] = tuple(dict.fromkeys(point.name for point in POINTS))


def names_for(parts: tuple[str, ...]) -> list[str]:
    """Return the points that a process with these parts can come to."""
    return list(dict.fromkeys(point.name for point in POINTS if point.part in parts))


class Fate:
    """Ends this process the `visit`-th time it comes to `point`; tells `last_words` first."""

    def __init__(self, point: str, visit: int, last_words: Callable[[str], None]) -> None:
        self._point = point
        self._visit = visit
        self._visits = 0
        self._lock = threading.Lock()
        self._last_words = last_words

    def comes_to(self, point: str) -> None:
        if self._point not in (point, ANY):
            return
        with self._lock:
            self._visits += 1
            if self._visits >= self._visit:
                self._last_words(point)
                os.kill(os.getpid(), signal.SIGKILL)


def install(fate: Fate) -> None:
    """Wrap the functions of the points in this process."""
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

    around: dict[tuple[str, str], str] = {
        (point.what, point.when): point.name for point in POINTS if point.when.endswith("_commit")
    }
    commit = BaseDatabaseWrapper.commit
    execute, executemany = CursorWrapper.execute, CursorWrapper.executemany
    wrote = threading.local()

    def noting(run: Callable[..., Any]) -> Callable[..., Any]:
        def run_and_note(self: CursorWrapper, sql: str, *params: Any) -> Any:
            if self.db.in_atomic_block and sql[:6] in ("INSERT", "UPDATE", "DELETE"):
                wrote.anything = True
            return run(self, sql, *params)

        return run_and_note

    def mortal_commit(self: BaseDatabaseWrapper) -> None:
        whose = _whose_transaction() if getattr(wrote, "anything", False) else ""
        wrote.anything = False
        if name := around.get((whose, "before_commit")):
            fate.comes_to(name)
        commit(self)
        if name := around.get((whose, "after_commit")):
            fate.comes_to(name)

    CursorWrapper.execute = noting(execute)  # type: ignore[method-assign]
    CursorWrapper.executemany = noting(executemany)  # type: ignore[method-assign]
    BaseDatabaseWrapper.commit = mortal_commit  # type: ignore[method-assign]
    for point in POINTS:
        if point.when in ("before", "after"):
            _wrap(point, fate)


def _wrap(point: Point, fate: Fate) -> None:
    holder, attribute = resolve(point.what)
    call = getattr(holder, attribute)

    def mortal(*args: Any, **kwargs: Any) -> Any:
        if point.when == "before":
            fate.comes_to(point.name)
        came_back = call(*args, **kwargs)
        if point.when == "after":
            fate.comes_to(point.name)
        return came_back

    setattr(holder, attribute, mortal)


def resolve(what: str) -> tuple[Any, str]:
    """Return the object that holds what a point names, and the attribute; raises when there is no such thing."""
    import importlib

    parts = what.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            holder: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:-1]:
            holder = getattr(holder, attribute)
        getattr(holder, parts[-1])
        return holder, parts[-1]
    raise AttributeError(what)


def _whose_transaction() -> str:
    """Return the function of ours in which the transaction that is being committed was begun."""
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] in ("coordination", "ground", "incidents", "contracts", "experts"):
            return f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""
