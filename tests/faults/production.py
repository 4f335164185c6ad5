"""A production installation in processes of its own: PostgreSQL, Valkey, pages, senders, a simulated provider.

Between them lie proxies, so that any network between any two can be spoiled, and everything can be killed,
frozen and started again. What the provider has taken stands in its own log, and what the pages have
promised stands with the clients; `verdict` holds the database against both.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from coordination.simulation.disk_log import read
from tests.faults.tcp_proxy import TcpProxy, tcp_proxy
from tests.servers import PostgresServer, ValkeyServer, postgres_server, valkey_server

ROOT = Path(__file__).resolve().parents[2]
MARK = "（可能重复）"
PATIENCE_SECONDS = 90.0
LATENCY_SECONDS = 0.1
CELERY = ("-m", "celery", "-A", "coordination.config.celery", "worker", "-c", "1", "-l", "warning")
SWEEP = ("manage.py", "sweep")


@dataclass(frozen=True)
class Verdict:
    """What the database, the provider's log and the clients say together. All but the first two have to be 0."""

    messages: int
    marked: int  # sent again, and said so
    unsent: int
    lost: int  # recorded as sent, unknown to the provider; or somebody is asked and has no message
    given_up: int  # failed for another reason than that there is no way
    twice: int  # taken twice by the provider
    unlicensed: int  # calls without an intent of their own
    overfilled: int
    forgotten: int  # acknowledged to a client, and not in the database
    broken: str  # what callout_fsck says, empty if all is well

    @property
    def is_clean(self) -> bool:
        bad = (self.unsent, self.lost, self.given_up, self.twice, self.unlicensed, self.overfilled)
        return not any(bad) and not self.forgotten and not self.broken


@dataclass
class Production:
    folder: Path
    postgres: PostgresServer
    valkey: ValkeyServer
    database_way: TcpProxy  # of the senders and commands
    pages_way: TcpProxy  # of the pages, to the database
    redis_way: TcpProxy
    provider_way: TcpProxy
    provider_port: int
    provider_log: Path
    port: int
    stack: contextlib.ExitStack  # what is to be taken away at the end
    token: str = ""
    acked: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    senders: list[subprocess.Popen[bytes]] = field(default_factory=list)
    pages: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("DATABASE", "REDIS", "MUSTER", "PYTEST"))
            },
            "PYTHONPATH": str(ROOT),
            "MUSTER_MODE": "live",
            "MUSTER_DATA_DIR": str(self.folder),
            "MUSTER_SECRET_KEY": "k" * 60,
            "MUSTER_BASE_URL": "https://muster.example.cn",
            "MUSTER_ALLOWED_HOSTS": "127.0.0.1",
            "MUSTER_BEHIND_PROXY": "yes",
            "MUSTER_SENDER_NAME": "测试应急中心",
            "MUSTER_DUTY_PHONE": "0311-00000000",
            "MUSTER_CHANNELS": str(self.folder / "channels.toml"),
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{self.database_way.port}/muster",
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_way.port}/0",
        }

    def run(self, *words: str, fails: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert fails or done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip() if done.returncode == 0 else done.stdout + done.stderr[-3000:]

    def start(self, *words: str, name: str = "sender", **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=self.environment | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_pages(self) -> None:
        self.pages = self.start(
            "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", "1", "--workers-kill-timeout", "3", "--log-level", "warning",
            "coordination.config.asgi:application", name="pages",
            DATABASE_URL=f"postgres://postgres@127.0.0.1:{self.pages_way.port}/muster",
        )  # fmt: skip
        wait_for(lambda: answers(self.port), what="the pages to answer")

    def start_sender(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start one more sender, and return once it has registered."""
        before = self.rows("SELECT count(*) FROM coordination_worker")
        sender = self.start(*(words or CELERY), **environment)
        self.senders.append(sender)
        wait_for(
            lambda: self.rows("SELECT count(*) FROM coordination_worker") != before, what="a sender to start"
        )
        return sender

    def freeze_senders(self) -> None:
        for sender in self.senders:
            os.killpg(sender.pid, signal.SIGSTOP)

    def thaw_senders(self) -> None:
        for sender in self.senders:
            os.killpg(sender.pid, signal.SIGCONT)

    def end_senders(self) -> None:
        for sender in self.senders:
            kill(sender)
        self.senders.clear()

    # --- what clients do -------------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None, *, key: str = "", within: float = 30) -> Any:
        """One API call; None when it was not answered, or only with an error of the server's."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "X-Forwarded-Proto": "https",
            **({"Idempotency-Key": key} if key else {}),
        }
        status, said = http_call(
            self.port, method, f"/api/v1/{path}", json.dumps(body).encode(), headers, within=within
        )
        if status == 0 or status >= 500:
            return None
        assert 200 <= status < 300, f"{path}: {status} {said[:500]!r}"
        return json.loads(said)

    def provider_is(self, **behaviour: Any) -> None:
        """Change what the provider does, past the proxy."""
        status, said = http_call(
            self.provider_port,
            "POST",
            "/control/behaviour",
            json.dumps(behaviour).encode(),
            {"Content-Type": "application/json"},
            within=10,
        )
        assert status == 200, said

    def insist(self, path: str, body: Any) -> tuple[Any, float]:
        """Repeat a call with the same key until it is answered; return the answer and how long its own call took."""
        key = secrets.token_hex(8)
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            before = time.monotonic()
            if (answer := self.call("POST", path, body, key=key)) is not None:
                return answer, time.monotonic() - before
            time.sleep(0.1)
        raise AssertionError(f"no answer from {path}: {self.log('pages')}")

    def declare(self, *, seats: int = 6) -> float:
        """Start a callout for a new incident; return how long the call took, in seconds."""
        incident, _ = self.insist(
            "incidents/", {"kind": "hazchem_leak", "latitude": 39.27, "longitude": 118.46}
        )
        callout, seconds = self.insist(
            "callouts/",
            {
                "incident": incident["id"],
                "requirements": [{"kind": "expert", "mode": "remote", "industry": "WH", "seats": seats}],
                "policy": "urgent",
            },
        )
        self.acked.append(callout["id"])
        return seconds

    def declare_many(self, count: int, *, seats: int = 6, at_once: int = 4) -> list[float]:
        with ThreadPoolExecutor(at_once) as clients:
            return list(clients.map(lambda _: self.declare(seats=seats), range(count)))

    def stop_all(self) -> None:
        """End every callout."""
        for (pk,) in self.rows("SELECT public_id FROM coordination_callout WHERE status <> 'closed'"):
            self.insist(f"callouts/{pk}/stop/", {"reason": "演练结束", "release_accepted": True})
        self.settle()

    @contextlib.contextmanager
    def people_answer(self, *, seed: int = 1) -> Iterator[Counter[str]]:
        """Let whoever gets a message tap its link: most accept, some decline, everybody taps twice at once."""
        stop = threading.Event()
        done: Counter[str] = Counter()
        phones = threading.Thread(target=self._answer, args=(stop, done, random.Random(seed)), daemon=True)
        phones.start()
        try:
            yield done
        finally:
            stop.set()
            phones.join(PATIENCE_SECONDS)

    def _answer(self, stop: threading.Event, done: Counter[str], dice: random.Random) -> None:
        seen = len(list(read(self.provider_log)))
        with ThreadPoolExecutor(8) as people:
            while not stop.is_set():
                entries = list(read(self.provider_log))
                for entry in entries[seen:]:
                    link = re.search(r"/a/([\w-]+)/", entry.get("text", ""))
                    if entry["kind"] != "accepted" or link is None:
                        continue
                    reply = dice.choices(["accept", "decline", ""], [6, 3, 1])[0]
                    for _ in range(2 if reply else 0):
                        people.submit(self._tap, link[1], reply, done)
                seen = len(entries)
                stop.wait(0.1)

    def _tap(self, token: str, reply: str, done: Counter[str]) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-Proto": "https"}
        body = urlencode({"reply": reply}).encode()
        for _ in range(40):  # a person taps again when the page does not come
            status, _said = http_call(self.port, "POST", f"/a/{token}/", body, headers, within=20)
            if status == 303:
                done[reply] += 1
                if reply == "accept":
                    self.accepted.add(token)
                return
            if 0 < status < 500:
                done[f"{reply} {status}"] += 1
                return
            time.sleep(0.25)

    # --- what is to be seen ----------------------------------------------------------------------

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Ask the database directly, past every proxy."""
        with psycopg.connect(
            host=str(self.postgres.folder), port=self.postgres.port, user="postgres", dbname="muster"
        ) as connection:
            answer = connection.execute(question)
            return answer.fetchall() if answer.description else []

    def set_up(self, server: PostgresServer, name: str, value: str) -> None:
        """Change a setting of a running database server."""
        with psycopg.connect(
            host=str(server.folder), port=server.port, user="postgres", dbname="muster", autocommit=True
        ) as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")

    def replace_postgres(self, server: PostgresServer) -> None:
        """Have another server in the place of the one there was."""
        self.postgres = server
        self.stack.callback(server.stop)
        for way in (self.database_way, self.pages_way):
            way.lead_to(server.port)
            way.reset()

    def unsent(self, *, for_seconds: int = 0) -> int:
        """Count what should have left so long ago, and what was tried and waits. A next step may be due any moment."""
        return int(
            self.rows(
                "SELECT count(*) FROM coordination_delivery WHERE status IN ('pending', 'leased', 'unknown')"
                f" AND (lease_no > 0 OR due_at <= now() - interval '{for_seconds} seconds')"
                " AND due_at < now() + interval '100 days'"  # what a pause holds lies further ahead
            )[0][0]
        )

    def stuck(self) -> str:
        """Say what waits, and which sessions are in the middle of something."""
        waiting = self.rows(
            "SELECT d.id, d.purpose, d.status, d.reason, d.lease_no, d.lease_until - now(), c.status, i.status"
            " FROM coordination_delivery d LEFT JOIN coordination_callout c ON c.id = d.callout_id"
            " LEFT JOIN coordination_invitation i ON i.id = d.invitation_id"
            " WHERE d.status IN ('pending', 'leased', 'unknown') AND d.due_at <= now() LIMIT 5"
        )
        sessions = self.rows(
            "SELECT pid, client_port, state, wait_event_type, wait_event, now() - xact_start, left(query, 300)"
            " FROM pg_stat_activity WHERE application_name = 'muster'"
        )
        return "\n".join(map(str, [*waiting, *sessions]))

    def settle(self, *, within: float = PATIENCE_SECONDS) -> float:
        """Wait until everything that is due is out; return how long that took."""
        before = time.monotonic()
        wait_for(
            lambda: self.unsent() == 0,
            what=lambda: f"messages to leave: {self.stuck()}\n{self.log('sender')}",
            within=within,
        )
        return time.monotonic() - before

    def first_call_after(self, moment: float, *, within: float = 60) -> float:
        """Wait for the provider's first call after a moment of the wall clock; return the seconds in between."""
        found: list[float] = []

        def look() -> bool:
            found[:] = [
                one["at"] for one in read(self.provider_log) if one["kind"] == "call" and one["at"] > moment
            ]
            return bool(found)

        wait_for(look, what=lambda: f"a call at the provider; {self.log('sender')}", within=within)
        return min(found) - moment

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def verdict(self) -> Verdict:
        deliveries = self.rows(
            "SELECT public_id::text, status, reason, lease_no FROM coordination_delivery WHERE channel <> 'none'"
        )
        taken: Counter[str] = Counter()
        calls: Counter[str] = Counter()
        marked = 0
        for entry in read(self.provider_log):
            if entry["kind"] == "accepted":
                taken[entry["reference"]] += 1
                marked += entry["text"].startswith(MARK)
            elif entry["kind"] == "call":
                calls[entry["reference"]] += 1
        intents = Counter(
            dict(
                self.rows(
                    "SELECT d.public_id::text, count(*) FROM coordination_sendintent i"
                    " JOIN coordination_delivery d ON d.id = i.delivery_id GROUP BY 1"
                )
            )
        )
        silent = self.rows(
            "SELECT count(*) FROM coordination_invitation i WHERE i.asked_at IS NOT NULL AND NOT EXISTS"
            " (SELECT 1 FROM coordination_delivery d WHERE d.invitation_id = i.id)"
        )[0][0]
        overfilled = self.rows(
            "SELECT count(*) FROM (SELECT r.id FROM coordination_requirement r"
            " JOIN coordination_invitation i ON i.requirement_id = r.id AND i.status = 'accepted' GROUP BY r.id"
            " HAVING count(*) > (SELECT count(*) FROM coordination_seat s WHERE s.requirement_id = r.id)) x"
        )[0][0]
        stored = {str(one) for (one,) in self.rows("SELECT public_id FROM coordination_callout")}
        answered = {
            digest
            for (digest,) in self.rows(
                "SELECT t.digest FROM coordination_answertoken t JOIN coordination_invitation i"
                " ON i.id = t.invitation_id WHERE i.reply = 'accept'"
            )
        }
        unheard = [one for one in self.accepted if sha256(one.encode()).hexdigest() not in answered]
        fsck = self.run("manage.py", "callout_fsck", fails=True)
        return Verdict(
            messages=len(deliveries),
            marked=marked,
            unsent=self.unsent(for_seconds=5),
            lost=silent
            + sum(status in ("sent", "delivered") and not taken[pk] for pk, status, *_ in deliveries),
            given_up=sum(status == "failed" for _, status, *_ in deliveries),
            twice=sum(count > 1 for count in taken.values()),
            unlicensed=sum(count > intents[pk] for pk, count in calls.items()),
            overfilled=overfilled,
            forgotten=len(set(self.acked) - stored) + len(unheard),
            broken="" if "All is well" in fsck else fsck,
        )


@contextlib.contextmanager
def production() -> Iterator[Production]:
    """Set one up with forty experts and a duty officer; nothing of it is left afterwards."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-production-")))
        postgres = stack.enter_context(postgres_server(durable=True, port=free_port()))
        valkey = stack.enter_context(valkey_server(options=("--maxmemory-policy", "noeviction")))
        provider_log = folder / "provider.jsonl"
        provider, provider_port = _provider(folder, provider_log)
        stack.callback(kill, provider)
        one = Production(
            folder=folder,
            postgres=postgres,
            valkey=valkey,
            database_way=stack.enter_context(tcp_proxy("127.0.0.1", postgres.port)),
            pages_way=stack.enter_context(tcp_proxy("127.0.0.1", postgres.port)),
            redis_way=stack.enter_context(tcp_proxy("127.0.0.1", valkey.port)),
            provider_way=stack.enter_context(tcp_proxy("127.0.0.1", provider_port)),
            provider_port=provider_port,
            provider_log=provider_log,
            port=free_port(),
            stack=stack,
        )
        (folder / "channels.toml").write_text(
            f"""
            [[channel]]
            kind = "http_sms"
            code = "sms"
            url = "http://127.0.0.1:{one.provider_way.port}/send"
            look_up_url = "http://127.0.0.1:{one.provider_way.port}/messages?reference={{reference}}"
            time_out = 2.0
            """
        )
        with psycopg.connect(
            host=str(postgres.folder), port=postgres.port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute("CREATE DATABASE muster")
        one.run("manage.py", "migrate", "-v0")
        one.token = one.run("-m", "tests.faults.live_centre")
        one.start_pages()
        stack.callback(lambda: kill(one.pages))
        stack.callback(one.end_senders)
        yield one


def _provider(folder: Path, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE", "REDIS", "MUSTER"))}
    provider = subprocess.Popen(
        [
            sys.executable, "manage.py", "simulate_provider", "--json", "--log", str(log),
            "--set", f"latency={LATENCY_SECONDS}",
        ],
        cwd=ROOT,
        env={**environment, "MUSTER_DATA_DIR": str(folder)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert provider.stdout is not None
    with provider.stdout as said:
        address = json.loads(said.readline())["address"]
    return provider, int(address.rpartition(":")[2])


def http_call(
    port: int, method: str, path: str, body: bytes, headers: dict[str, str], *, within: float
) -> tuple[int, bytes]:
    """Return the status and the body; the status is 0 when no whole answer came."""
    session = http.client.HTTPConnection("127.0.0.1", port, timeout=within)
    try:
        session.request(method, path, body, headers)
        answer = session.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        session.close()


def wait_for(
    condition: Callable[[], Any], *, what: str | Callable[[], str], within: float = PATIENCE_SECONDS
) -> None:
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {within} s for {what if isinstance(what, str) else what()}")
        time.sleep(0.05)


def answers(port: int, path: str = "/healthz") -> bool:
    status, _ = http_call(port, "GET", path, b"", {"X-Forwarded-Proto": "https"}, within=2)
    return status == 200


def kill(process: subprocess.Popen[bytes] | None) -> None:
    """End a process and all its children; each was started in a session of its own."""
    if process is not None and process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
