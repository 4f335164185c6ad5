"""The proxy that spoils the network in the other tests does what it says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.tcp_proxy import FINE, TcpProxy, Weather, tcp_proxy


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it is sent."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(wire: socket.socket) -> None:
        with wire:
            try:
                while said := wire.recv(4096):
                    wire.sendall(said)
            except OSError:
                pass

    def serve() -> None:
        while True:
            try:
                wire, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(wire,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.fixture
def way(echo: int) -> Iterator[TcpProxy]:
    with tcp_proxy("127.0.0.1", echo) as proxy:
        yield proxy


def connected(way: TcpProxy) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", way.port), timeout=5)
    wire.sendall(b"hello")
    assert wire.recv(5) == b"hello"
    return wire


def test_latency_counts_both_ways(way):
    with connected(way) as wire:
        way.weather = Weather(latency=0.1)
        before = time.monotonic()
        wire.sendall(b"late")
        assert wire.recv(4) == b"late"
        assert 0.2 <= time.monotonic() - before < 2


def test_a_black_hole_says_nothing_and_gives_back_what_it_held(way):
    with connected(way) as wire:
        way.weather = Weather(up=False, down=False)
        wire.sendall(b"held")
        wire.settimeout(0.2)
        with pytest.raises(TimeoutError):
            wire.recv(4)
        way.weather = FINE
        wire.settimeout(5)
        assert wire.recv(4) == b"held"


def test_a_cut_resets_who_is_there_and_refuses_who_comes(way):
    with connected(way) as wire:
        way.cut()
        with pytest.raises(ConnectionError):
            wire.recv(1)
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", way.port), timeout=5)
    way.mend()
    connected(way).close()


def test_half_open_is_never_told(way):
    with connected(way) as wire:
        way.half_open()
        wire.sendall(b"anybody?")
        wire.settimeout(0.3)
        with pytest.raises(TimeoutError):
            wire.recv(1)
        connected(way).close()


def test_an_answer_breaks_off_after_so_many_bytes(way):
    with connected(way) as wire:
        way.weather = Weather(reset_after=5 + 3)
        wire.sendall(b"abcdef")
        got = b""
        with pytest.raises(ConnectionResetError):
            while said := wire.recv(16):
                got += said
        assert got in (b"abc", b"")  # a reset may overtake what was sent before it
