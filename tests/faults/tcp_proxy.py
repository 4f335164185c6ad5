"""A small TCP proxy that spoils a network: slow, silent, one-way, half open, broken off after so many bytes, gone.

    with tcp_proxy("127.0.0.1", 5432) as way:
        … connect to way.port …
        way.weather = Weather(up=False, down=False)   # a black hole: nobody hears anything, nobody is told
        way.weather = FINE                            # what was held back arrives late, as TCP repeats it
        way.cut()                                     # resets every connection; new ones are refused until mend()

It runs in a thread of the caller's process. `python -m tests.faults.tcp_proxy HOST PORT` runs one by hand; it
reads a weather in JSON from each line of its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
import sys
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
CHUNK = 65536


@dataclass(frozen=True)
class Weather:
    """What happens to bytes from now on, also on the connections that there are. Times in seconds.

    `up` is from who connects to the server, `down` the way back; a way that is closed holds its bytes back.
    `reset_after` so many bytes of an answer, counted for each connection, both sides are reset.
    """

    latency: float = 0.0
    jitter: float = 0.0
    up: bool = True
    down: bool = True
    reset_after: int | None = None


FINE = Weather()


class _Line:
    """One connection and its two ways."""

    def __init__(self, proxy: TcpProxy, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.proxy, self.near, self.far = proxy, near, far
        self.answered = 0
        self.is_half_open = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self.proxy.passage(down=down)
                weather = self.proxy.weather
                if weather.latency or weather.jitter:
                    await asyncio.sleep(weather.latency + random.random() * weather.jitter)
                if down and weather.reset_after is not None:
                    left = max(weather.reset_after - self.answered, 0)
                    if len(chunk) >= left:
                        writer.write(chunk[:left])
                        await writer.drain()
                        self.reset()
                        return
                self.answered += len(chunk) * down
                writer.write(chunk)
                await writer.drain()
            await self.proxy.passage(down=down)  # an end is told as late as everything else
        if not self.is_half_open:
            writer.close()

    def forget_far_side(self) -> None:
        """The server's side is gone, and who connected is never told."""
        self.is_half_open = True
        _reset(self.far)

    def reset(self) -> None:
        _reset(self.near)
        _reset(self.far)


class TcpProxy:
    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._loop = asyncio.new_event_loop()
        self._lines: set[_Line] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._weather = FINE
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy", daemon=True)
        self._thread.start()
        self.port = 0
        self._do(self._listen())

    @property
    def weather(self) -> Weather:
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._do(self._set(weather))

    @property
    def connections(self) -> int:
        return len(self._lines)

    def cut(self) -> None:
        """Reset every connection and refuse new ones until `mend`."""
        self._do(self._cut())

    def mend(self) -> None:
        self._do(self._listen())

    def reset(self) -> None:
        """Reset every connection; new ones are welcome."""
        self._do(self._for_each_line(_Line.reset))

    def lead_to(self, port: int) -> None:
        """Lead whoever connects from now on to another server, as an address that has moved does."""
        self._to = (self._to[0], port)

    def half_open(self) -> None:
        """Drop the servers' sides of the connections there are; the others hear nothing, ever. New ones work."""
        self._do(self._for_each_line(_Line.forget_far_side))

    def close(self) -> None:
        self._do(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def passage(self, *, down: bool) -> None:
        """Return once this way is open."""
        while not (self._weather.down if down else self._weather.up):
            await self._changed.wait()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _set(self, weather: Weather) -> None:
        self._weather = weather
        self._changed.set()
        self._changed = asyncio.Event()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._take, HOST, self.port, backlog=512)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._for_each_line(_Line.reset)
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _for_each_line(self, do: Any) -> None:
        for line in list(self._lines):
            do(line)

    async def _take(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        line = None
        try:
            await self.passage(down=False)
            far_reader, far = await asyncio.open_connection(*self._to)
            line = _Line(self, near, far)
            self._lines.add(line)
            await asyncio.gather(line.carry(reader, far, down=False), line.carry(far_reader, near, down=True))
            while line.is_half_open and await reader.read(CHUNK):
                pass  # swallowed
        except OSError:
            _reset(near)  # as the system refuses where nobody listens
        except asyncio.CancelledError:
            pass  # cut; a cancelled callback would only be complained about
        finally:
            near.close()
            if line is not None:
                line.far.close()
                self._lines.discard(line)
            self._running.discard(task)


def _reset(writer: asyncio.StreamWriter) -> None:
    if (wire := writer.get_extra_info("socket")) is not None and wire.fileno() >= 0:
        # Closed with nothing to linger for: the other side sees a reset, not an end.
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


@contextlib.contextmanager
def tcp_proxy(host: str, port: int) -> Iterator[TcpProxy]:
    proxy = TcpProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()


if __name__ == "__main__":
    with tcp_proxy(sys.argv[1], int(sys.argv[2])) as by_hand:
        print(f"{HOST}:{by_hand.port}", flush=True)
        for line_in in sys.stdin:
            by_hand.weather = Weather(**json.loads(line_in or "{}"))
