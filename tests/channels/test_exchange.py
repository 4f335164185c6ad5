"""One HTTP exchange: what came back, or whether the request had left when it failed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from coordination.channels.exchange import Broken, NotSent, exchange


@contextlib.contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A peer of its own making: `talk` is run with each connection."""
    server = socket.create_server(("127.0.0.1", 0))
    threads = []

    def run() -> None:
        while True:
            try:
                wire, _ = server.accept()
            except OSError:
                return

            def served(wire: socket.socket = wire) -> None:
                with wire, contextlib.suppress(OSError):
                    talk(wire)

            threads.append(threading.Thread(target=served, daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=run, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        accepting.join(5)
        for thread in threads:
            thread.join(5)


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    def talk(wire: socket.socket) -> None:
        wire.recv(65_536)
        wire.sendall(answer)
        # Closed before all was read, the connection would be reset and the answer lost.
        wire.shutdown(socket.SHUT_WR)
        while wire.recv(65_536):
            pass

    return talk


def test_an_answer_comes_back_whatever_its_status():
    answer = b"HTTP/1.1 503 Busy\r\nX-Why: Queue\r\nContent-Length: 5\r\n\r\nlater"
    with listening(answering(answer)) as address:
        said = exchange("POST", f"{address}/send?a=1", within=3, body=b"x")
    assert (said.status, said.body, said.headers["x-why"]) == (503, b"later", "Queue")


def test_a_redirect_is_an_answer_and_is_not_followed():
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with listening(answering(answer)) as address:
        assert exchange("GET", address, within=3).status == 302


def test_where_nobody_listens_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotSent):
        exchange("GET", f"http://127.0.0.1:{port}/", within=3)


def test_a_name_that_nobody_knows_was_not_sent_to():
    def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(NotSent, match="not known"):
        exchange("GET", "http://gateway.example/", within=3, resolve=nobody)


def test_a_resolver_that_hangs_takes_no_longer_than_it_may():
    def slow(host: str, port: int) -> list[str]:
        time.sleep(2)
        return ["127.0.0.1"]

    begun = time.monotonic()
    with pytest.raises(NotSent):
        exchange("GET", "http://gateway.example/", within=0.3, resolve=slow)
    assert time.monotonic() - begun < 1


def test_where_the_time_is_up_before_it_has_begun_nothing_was_sent():
    # A machine that was asleep, or has too much to do.
    with pytest.raises(NotSent):
        exchange("GET", "http://127.0.0.1:1/", within=0)


def test_the_next_address_is_tried_when_the_first_is_dead():
    with listening(answering(b"HTTP/1.1 204 Done\r\n\r\n")) as address:
        said = exchange(
            "GET",
            address.replace("127.0.0.1", "gateway.example"),
            within=5,
            resolve=lambda host, port: ["127.0.0.3", "127.0.0.1"],
        )
    assert said.status == 204


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="it closes without a word"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", id="it breaks off"),
        pytest.param(b"220 mail.example ESMTP\r\n", id="it speaks something else"),
    ],
)
def test_without_a_whole_answer_nobody_can_say(answer):
    with listening(answering(answer)) as address, pytest.raises(Broken):
        exchange("POST", address, within=3, body=b"x")


@pytest.mark.parametrize(
    "part", [pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 50, id="its head"),
             pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b"x" * 50, id="its body")]
)  # fmt: skip
def test_one_that_drips_is_left_when_the_time_is_up(part):
    def drip(wire: socket.socket) -> None:
        wire.recv(65_536)
        for byte in part:
            wire.sendall(bytes([byte]))
            time.sleep(0.05)

    begun = time.monotonic()
    with listening(drip) as address, pytest.raises(Broken):
        exchange("GET", address, within=0.5)
    assert time.monotonic() - begun < 2


def test_an_endless_answer_is_cut_off():
    def endless(wire: socket.socket) -> None:
        wire.recv(65_536)
        wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            wire.sendall(b"x" * 65_536)

    with listening(endless) as address:
        assert len(exchange("GET", address, within=5, at_most=100_000).body) == 100_000


def test_an_address_that_is_not_admitted_is_never_connected_to():
    def refuse(address: str) -> None:
        raise NotSent("not this one")

    reached = threading.Event()
    with listening(lambda wire: reached.set()) as address, pytest.raises(NotSent, match="not this one"):
        exchange("GET", address, within=3, admit=refuse)
    assert not reached.is_set()


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://gateway.example/", {}),
        ("http:///send", {}),
        ("http://127.0.0.1:99999/", {}),
        ("http://127.0.0.1/a b", {}),
        ("http://127.0.0.1/", {"X-Key": "two\r\nlines"}),
    ],
)
def test_what_cannot_be_written_is_not_sent(url, headers):
    with pytest.raises(NotSent):
        exchange("GET", url, within=3, headers=headers)
