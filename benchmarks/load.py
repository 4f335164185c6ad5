"""Questions to a server of its own at a steady rate, with availability written beside them; for `benchmarks.match`.

python -m benchmarks.load write SECONDS      (the writer, started by `run`)
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max, Min

from experts.models import Absence, Expert
from ground import clock, tokens
from ground.access import Role
from ground.models import RoleGrant, User
from ground.places import Point

SECONDS = 20
A_SECOND = 50
CLIENTS = 8
WORKERS = 2  # as many as there are cores where this was measured
READY_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Load:
    """What came of it. Times count from when a question was due, so a queue is counted too."""

    milliseconds: list[float]
    asked: int
    refused: int
    written: int
    seconds: float  # from the first question until the last answer

    @property
    def answered_a_second(self) -> float:
        return len(self.milliseconds) / self.seconds


def run(places: Sequence[Point], *, writing: bool) -> Load:
    """Ask `matches/` so often a second, of a uvicorn of `WORKERS` processes on the same database."""
    keys = [_key(number) for number in range(CLIENTS)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "coordination.config.asgi:application"]
        + [
            "--port",
            str(port),
            "--workers",
            str(WORKERS),
            "--timeout-worker-healthcheck",
            "120",
            "--log-level",
            "error",
            "--lifespan",
            "off",
        ],
        env={**os.environ, "MUSTER_BASE_URL": f"http://127.0.0.1:{port}"},
    )
    try:
        bodies = [_body(place) for place in places]
        _warm(port, keys[0], bodies[0])
        writer = None
        if writing:
            writer = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.load", "write", str(SECONDS)],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert writer.stdout is not None
            writer.stdout.readline()  # it says when it begins
        begun = time.perf_counter()
        taken, asked, refused = _ask(port, keys, bodies)
        seconds = time.perf_counter() - begun
        written = int(writer.communicate()[0]) if writer else 0
        return Load(taken, asked, refused, written, seconds)
    finally:
        server.terminate()
        server.wait(20)


def _key(number: int) -> str:
    """Return a key of an account of its own: one account may not ask so often."""
    user, is_new = User.objects.get_or_create(username=f"benchmark{number}")
    if is_new:
        RoleGrant.objects.create(user=user, role=Role.DUTY_OFFICER)
    key, _ = tokens.issue(user, name="benchmark", valid_for=timedelta(days=1), at=clock.now())
    return key


def _body(place: Point) -> str:
    ask = {"kind": "expert", "industry": "WH", "seats": 3}
    where = {"latitude": place.latitude, "longitude": place.longitude}
    return json.dumps({**where, "requirements": [ask], "rows": 20, "excluded": 20})


def _post(connection: http.client.HTTPConnection, key: str, body: str) -> int:
    connection.request(
        "POST",
        "/api/v1/matches/",
        body,
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200:
        sys.stderr.write(f"{answer.status} {said[:300]!r}\n")
    return answer.status


def _warm(port: int, key: str, body: str) -> None:
    patience_ends = time.monotonic() + READY_WITHIN_SECONDS
    while True:
        try:
            if _post(http.client.HTTPConnection("127.0.0.1", port, timeout=60), key, body) == 200:
                return
            raise SystemExit("the server does not answer matches/")
        except OSError:
            if time.monotonic() > patience_ends:
                raise
            time.sleep(0.1)


def _ask(port: int, keys: Sequence[str], bodies: Sequence[str]) -> tuple[list[float], int, int]:
    """Return the milliseconds of the answers, how many questions were due, and how many were refused."""
    wanted = SECONDS * A_SECOND
    begin = time.perf_counter() + 0.1
    taken: list[float] = []
    refused: list[int] = []
    turns = iter(range(wanted))
    turn_lock = threading.Lock()

    def client(key: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with turn_lock:
                turn = next(turns, None)
            due = begin + (turn or 0) / A_SECOND
            # Whoever is a minute of questions behind has lost the race; the rest counts as not answered.
            if turn is None or time.perf_counter() > begin + SECONDS + 2:
                return
            time.sleep(max(0.0, due - time.perf_counter()))
            if _post(connection, key, bodies[turn % len(bodies)]) == 200:
                taken.append((time.perf_counter() - due) * 1000)
            else:
                refused.append(turn)

    clients = [threading.Thread(target=client, args=(key,)) for key in keys]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    return taken, wanted, len(refused)


def write(seconds: int) -> int:
    """Give somebody a day of leave, or take it back, so often a second, as the pages do it: through the ORM."""
    dice = random.Random(3)
    day = clock.day_of(clock.now())
    span = Expert.objects.aggregate(Min("pk"), Max("pk"))
    given: list[Absence] = []
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    began = time.perf_counter()
    written = 0
    while (now := time.perf_counter() - began) < seconds:
        if written > now * A_SECOND:
            time.sleep(0.001)
            continue
        if len(given) > A_SECOND:
            given.pop(0).delete()
        else:
            person = dice.randint(span["pk__min"], span["pk__max"])
            given.append(Absence.objects.create(expert_id=person, starts_on=day, ends_on=day))
        written += 1
    for one in given:
        one.delete()
    return written


if __name__ == "__main__":
    print(write(int(sys.argv[2])))
