"""The clean parent: has imported everything and opened nothing, and forks the processes of a schedule.

    python -m tests.faults.zygote [MUTANT]

A process that is forked from one with threads or open SQLite files breaks the database by itself, so
this one has neither. It is told what to do by JSON lines on its standard input:

    {"name": …, "job": {…}}     ->  {"forked": pid, "name": …}, later {"ended": pid, "cpu_ms": …}

and ends, with all it has forked, when that is closed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import selectors
import signal
import sys
from typing import Any

from tests.faults import mutation


def main(mutant: str) -> None:
    if mutant:
        mutation.install(mutant)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")
    import django

    django.setup()
    from tests.faults import parts

    parts.warm_up()
    gc.collect()
    gc.freeze()
    _serve(parts.live)


def _serve(live) -> None:
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _say(ready=True)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    children: set[int] = set()
    heard = b""
    while True:
        for key, _ in selector.select():
            if key.fd == woken:
                os.read(woken, 4096)
                continue
            if not (more := os.read(0, 65536)):
                for child in children:
                    os.kill(child, signal.SIGKILL)
                return
            heard += more
            *lines, heard = heard.split(b"\n")
            for line in lines:
                asked = json.loads(line)
                child = os.fork()
                if not child:
                    _be_born(live, asked["job"], (woken, wake))
                children.add(child)
                _say(forked=child, name=asked["name"])
        for child, cpu_ms in _ended():
            children.discard(child)
            _say(ended=child, cpu_ms=cpu_ms)


def _be_born(live, job: dict[str, Any], inherited: tuple[int, int]) -> None:
    """Become the process that the job describes; never returns."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: die with the zygote
        nothing = os.open(os.devnull, os.O_RDWR)
        log = os.open(job["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(ours, theirs)
        for one in (*inherited, nothing, log):
            os.close(one)
        live(job)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)  # nothing that a schedule starts ends by itself


def _ended():
    while True:
        try:
            child, _status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not child:
            return
        yield child, round((used.ru_utime + used.ru_stime) * 1000)


def _say(**what: Any) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
