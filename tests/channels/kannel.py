"""A Kannel of our own with the two fake message centres that come with it: one takes, one sends.

Kannel and its fake SMSC are packages of Debian. Where they are missing they are installed when we may, else
the one line to type is told.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

PACKAGES = ("kannel", "kannel-extras")
FAKE_SMSC = Path("/usr/lib/kannel/test/fakesmsc")
BY_HAND = f"sudo apt-get install -y --no-install-recommends {' '.join(PACKAGES)}"
READY_WITHIN_SECONDS = 20.0


def installed_or_skipped() -> None:
    """Return once Kannel is there; skip the test where it cannot be."""
    if _is_there():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(BY_HAND)
    # Two workers of one run must not both install it.
    with open(Path(tempfile.gettempdir()) / "muster-kannel.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_there():
            return
        for command in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *PACKAGES)):
            done = subprocess.run(
                ["apt-get", *command],
                capture_output=True,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
            if done.returncode:
                pytest.skip(f"{BY_HAND}   ({done.stderr.decode(errors='replace').strip()[-200:]})")
    if not _is_there():
        pytest.skip(BY_HAND)


def _is_there() -> bool:
    return bool(shutil.which("bearerbox") and shutil.which("smsbox") and FAKE_SMSC.exists())


@dataclass
class Kannel:
    """`send_url` is where messages are handed in; `taken` what the telephone network got; a phone can answer."""

    send_url: str
    folder: Path
    answers_port: int

    def taken(self) -> list[tuple[str, str]]:
        """Return whom each message was for and what it said, its parts put together."""
        whole: dict[tuple[str, bytes], dict[int, bytes]] = {}
        for to, header, data in re.findall(
            r"Got message \d+: <\S+ (\S+) (?:udh (\S+) )?(?:data|ucs2|text) ([^>]*)>",
            _log(self.folder / "phones.log"),
        ):
            part = unquote_to_bytes(header)
            name, number = (part[3:5], part[5]) if header else (b"", 1)
            whole.setdefault((to, name), {})[number] = unquote_to_bytes(data.replace("+", "%20"))
        return [
            (to, b"".join(parts[number] for number in sorted(parts)).decode("utf-16-be", errors="replace"))
            for (to, _), parts in whole.items()
        ]

    @contextlib.contextmanager
    def phone_sends(self, sender: str, text: str) -> Iterator[None]:
        """Let a phone write; the fake message centre hangs up at the end."""
        message = f"{sender} 10690000 text {text}"
        with _running([str(FAKE_SMSC), "-H", "127.0.0.1", "-r", str(self.answers_port), "-m", "1", message],
                      self.folder / "answer.log"):  # fmt: skip
            yield


@contextlib.contextmanager
def running(folder: Path, *, password: str, replies_to: str) -> Iterator[Kannel]:
    admin, box, takes, answers, send = _free_ports(5)
    configuration = folder / "kannel.conf"
    configuration.write_text(
        f"""
group = core
admin-port = {admin}
admin-interface = "127.0.0.1"
admin-password = {password}
smsbox-port = {box}
smsbox-interface = "127.0.0.1"
box-allow-ip = "127.0.0.1"
log-level = 0

group = smsc
smsc = fake
smsc-id = takes
port = {takes}
connect-allow-ip = 127.0.0.1

group = smsc
smsc = fake
smsc-id = answers
port = {answers}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-interface = "127.0.0.1"
log-level = 0
global-sender = 10690000

group = sendsms-user
username = muster
password = {password}
user-allow-ip = "127.0.0.1"
concatenation = true
max-messages = 10
forced-smsc = takes

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "{replies_to}?id=%I&from=%p&text=%b"
"""
    )
    with contextlib.ExitStack() as programs:

        def start(name: str, *command: str, port: int) -> None:
            programs.enter_context(_running(list(command), folder / f"{name}.log"))
            _wait_for(port, folder / f"{name}.log")

        start("bearerbox", "bearerbox", str(configuration), port=takes)
        start("smsbox", "smsbox", str(configuration), port=send)
        phones = [str(FAKE_SMSC), "-H", "127.0.0.1", "-r", str(takes), "-m", "0", "1 2 text none"]
        programs.enter_context(_running(phones, folder / "phones.log"))
        _until(lambda: _log(folder / "bearerbox.log").count("Fakesmsc client connected") >= 1)
        yield Kannel(f"http://127.0.0.1:{send}/cgi-bin/sendsms", folder, answers)


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        program = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        program.terminate()
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def _log(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _wait_for(port: int, log: Path) -> None:
    patience_ends = time.monotonic() + READY_WITHIN_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < patience_ends, _log(log)[-2000:]
        time.sleep(0.1)


def _until(condition) -> None:
    patience_ends = time.monotonic() + READY_WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < patience_ends
        time.sleep(0.05)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        servers = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]
