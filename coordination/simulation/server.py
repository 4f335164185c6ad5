"""The smallest HTTP server that can misbehave: on this machine only, and able to hang or break off at will."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

# Nobody outside may send through a simulator, or take it for the real one.
HOST: Final = "127.0.0.1"
MARK: Final = "X-Muster-Simulator"
LONGEST_BODY: Final = 10_000_000


@dataclass(frozen=True)
class Request:
    """What was asked. Names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def content(self) -> Mapping[str, Any]:
        """Return the fields of the request, from its query and from a body in JSON or as a form."""
        fields: dict[str, Any] = dict(self.query)
        if "json" in self.headers.get("content-type", ""):
            said = json.loads(self.body or b"{}")
            fields |= said if isinstance(said, dict) else {"": said}
        elif self.body:
            fields |= dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))
        return fields


@dataclass(frozen=True)
class Reply:
    """What is answered. `half` breaks off in the middle of the body."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json; charset=utf-8"
    half: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, content: Any, status: int = 200) -> Reply:
        return cls(status, json.dumps(content, ensure_ascii=False).encode())


class Reset(Exception):
    """The connection is to be broken off instead of answered."""


Handler = Callable[[Request], Awaitable[Reply]]


async def serve(handler: Handler, *, port: int = 0) -> asyncio.Server:
    """Serve until cancelled; with port 0 one that is free."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                reply = await handler(request)
                writer.write(_written(reply))
                await writer.drain()
                if reply.half or request.headers.get("connection", "").lower() == "close":
                    break
        except Reset:
            _break_off(writer)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever it was has gone, or speaks no HTTP
        except asyncio.CancelledError:
            pass  # the end, with a connection still open
        finally:
            writer.close()

    return await asyncio.start_server(talk, HOST, port, backlog=1024)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


@contextlib.contextmanager
def in_a_thread(handler: Handler) -> Iterator[str]:
    """Serve beside the caller, on a free port; yields the address."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(serve(handler))
    thread = threading.Thread(target=loop.run_forever, name="simulation", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{port_of(server)}"
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    if not (first := await reader.readline()):
        return None
    method, target, _version = first.decode("ascii").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := (await reader.readline()).strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= LONGEST_BODY:
        raise ValueError("a body of that length is not read")
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(method, unquote(parts.path), query, headers, await reader.readexactly(length))


def _written(reply: Reply) -> bytes:
    phrase = HTTPStatus(reply.status).phrase
    headers = {
        "Content-Type": reply.kind,
        "Content-Length": str(len(reply.body)),
        MARK: "1",
        **reply.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    body = reply.body[: len(reply.body) // 2] if reply.half else reply.body
    return f"HTTP/1.1 {reply.status} {phrase}\r\n{head}\r\n".encode("latin-1") + body


def _break_off(writer: asyncio.StreamWriter) -> None:
    wire: socket.socket = writer.get_extra_info("socket")
    # Closed with nothing to linger for: the other side sees a reset, not an end.
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
