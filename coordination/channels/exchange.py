"""One HTTP exchange with a provider, in a session of its own: a time limit for all of it, no redirects, no retries.

What we have to know of a failure is when it came. Before the first byte of the request left, the message has
certainly not been taken (`NotSent`); afterwards nobody can say (`Broken`).
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit

LONGEST_ANSWER_BYTES: Final = 200_000
# Of several addresses behind a name the first may be dead; the next must still get its turn.
CONNECT_WITHIN: Final = 4.0

# The addresses behind a name, as texts; raises OSError when there are none.
Resolve = Callable[[str, int], Sequence[str]]


class NotSent(Exception):
    """Nothing of the request has left this machine."""


class Broken(Exception):
    """The request was on its way or there, but no whole answer came back."""


@dataclass(frozen=True)
class Response:
    """What came back. Names of headers are in lower case; a body that is too long is cut off."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def text(self, charset: str = "utf-8") -> str:
        return self.body.decode(charset, errors="replace")


def addresses_of(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def exchange(
    method: str,
    url: str,
    *,
    within: float,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    at_most: int = LONGEST_ANSWER_BYTES,
    admit: Callable[[str], None] | None = None,
    resolve: Resolve = addresses_of,
) -> Response:
    """Send one request and return the answer, whatever its status.

    `within` is in seconds, for everything from the name to the last byte. `admit` is shown every address
    behind the name before any of them is connected to, and raises `NotSent` for one that must not be.

    :raises NotSent: :raises Broken:
    """
    patience_ends = time.monotonic() + within
    parts = urlsplit(url)
    try:
        with closing(_connected(parts, patience_ends, admit, resolve)) as wire:
            return _asked(wire, parts, method, headers or {}, body, at_most, patience_ends)
    except (ValueError, TimeoutError) as wrong:
        # What breaks off once the request is on its way is `Broken` by now; a time-out that comes here came before.
        raise NotSent(f"{type(wrong).__name__}: {wrong}") from wrong


def _connected(
    parts: SplitResult, patience_ends: float, admit: Callable[[str], None] | None, resolve: Resolve
) -> socket.socket:
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotSent("not an http(s) address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _resolved(parts.hostname, port, patience_ends, resolve)
    for address in addresses if admit else ():
        admit(address)  # type: ignore[misc]  # the loop is empty without one
    failure: Exception = NotSent("no address")
    for address in addresses:
        try:
            wire = socket.create_connection((address, port), min(CONNECT_WITHIN, _left(patience_ends)))
        except OSError as error:
            failure = error
            continue
        try:
            # Interrupted here, the request has not begun: it is sent through the finished session only.
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if parts.scheme == "https":
                wire.settimeout(_left(patience_ends))
                wire = _trusted().wrap_socket(wire, server_hostname=parts.hostname)
            return wire
        except OSError as error:
            wire.close()
            failure = error
    raise NotSent(_said(failure)) from failure


def _resolved(host: str, port: int, patience_ends: float, resolve: Resolve) -> Sequence[str]:
    """Return the addresses behind a name, in time: a resolver may take longer than any limit a socket knows."""
    found: list[Sequence[str]] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            found.append(resolve(host, port))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    # A thread for each: a pool of them would be left without any in a process that forks after its first use.
    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(_left(patience_ends))
    if not found or not found[0]:
        raise NotSent(f"{host}: {_said(failed[0]) if failed else 'the name could not be resolved in time'}")
    return found[0]


def _asked(
    wire: socket.socket,
    parts: SplitResult,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    at_most: int,
    patience_ends: float,
) -> Response:
    session = HTTPConnection(cast(str, parts.hostname), parts.port)
    hurried = _Hurried(wire, patience_ends)
    session.sock = cast(socket.socket, hurried)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = {"Host": parts.netloc.rpartition("@")[2], "Connection": "close", **headers}
    try:
        session.request(method, target, body=body or None, headers=named)
        answer = session.getresponse()
        said = answer.read(at_most)
        if len(said) < at_most and answer.length:
            raise IncompleteRead(said, answer.length)  # which http.client says only when asked for everything
    except (OSError, HTTPException, ValueError) as error:
        # ValueError: a header or an address that cannot be written; nothing has left then.
        raise (Broken if hurried.has_sent else NotSent)(_said(error)) from error
    return Response(answer.status, said, {name.lower(): value for name, value in answer.getheaders()})


class _Hurried:
    """A socket whose every step gets what is left of the time for all of them, so one that drips holds nobody."""

    def __init__(self, wire: socket.socket, patience_ends: float) -> None:
        self._wire = wire
        self._patience_ends = patience_ends
        self.has_sent = False

    def sendall(self, content: bytes) -> None:
        self._wire.settimeout(_left(self._patience_ends))
        self.has_sent = True
        self._wire.sendall(content)

    def recv_into(self, buffer: memoryview) -> int:
        self._wire.settimeout(_left(self._patience_ends))
        return self._wire.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        """The session is done with it; `exchange` closes it."""


class _Incoming(io.RawIOBase):
    def __init__(self, wire: _Hurried) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # all that a reader hands over
        return self._wire.recv_into(buffer)


def _left(patience_ends: float) -> float:
    if (left := patience_ends - time.monotonic()) <= 0:
        raise TimeoutError("the time was up")
    return left


@cache
def _trusted() -> ssl.SSLContext:
    # Reading the system's authorities takes longer than a session does.
    return ssl.create_default_context()


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:150]
