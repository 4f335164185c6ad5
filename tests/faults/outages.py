"""Outages of everything that senders and pages stand on, one after the other, on one production installation.

    python -m tests.faults.outages [NAME...]      at full length, and print the figures

After each outage everything that was promised must have gone out, once, and the database must be whole.
CI runs a short selection (`test_outages.py`).
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from tests.faults.production import (
    CELERY,
    SWEEP,
    Production,
    Verdict,
    answers,
    free_port,
    production,
    wait_for,
)
from tests.faults.tcp_proxy import FINE, Weather
from tests.servers import PostgresServer

LEASE_SECONDS = 45.0
IS_HELD = "SELECT count(*) FROM ground_installation WHERE gone_back_at IS NOT NULL"


@dataclass(frozen=True)
class Scale:
    """How long things stay away, in seconds, and how much is going on meanwhile."""

    pause: float
    callouts: int
    lease: float = LEASE_SECONDS


FULL = Scale(pause=60, callouts=20)
SHORT = Scale(pause=5, callouts=6, lease=5)


@dataclass
class Seen:
    """What an outage looked like: how long declaring took during it, and how soon sending went on after it."""

    declared: Sequence[float] = ()
    first_send: float | None = None
    all_out: float | None = None
    told: str = ""


Outage = Callable[[Production, Scale], Seen]
OUTAGES: dict[str, Outage] = {}


def outage(happen: Outage) -> Outage:
    OUTAGES[happen.__name__] = happen
    return happen


@outage
def nothing_wrong(one: Production, scale: Scale) -> Seen:
    """For comparison."""
    return Seen([one.declare() for _ in range(scale.callouts)], all_out=one.settle())


# --- Redis ---------------------------------------------------------------------------------------


@outage
def redis_killed(one: Production, scale: Scale) -> Seen:
    one.valkey.kill()
    seen = Seen([one.declare() for _ in range(scale.callouts)])
    seen.all_out = one.settle()
    one.valkey.start()
    one.declare()
    return seen


@outage
def redis_flushed(one: Production, scale: Scale) -> Seen:
    server = redis.Redis(host="127.0.0.1", port=one.valkey.port)
    with again_and_again(server.flushall, every=0.02):
        return Seen(one.declare_many(scale.callouts), all_out=one.settle())


@outage
def redis_frozen(one: Production, scale: Scale) -> Seen:
    """It takes connections and answers nobody: worse than being away."""
    one.valkey.freeze()
    try:
        seen = declare_for(one, scale)
        seen.all_out = one.settle()
    finally:
        one.valkey.thaw()
    return seen


@outage
def redis_full(one: Production, scale: Scale) -> Seen:
    server = redis.Redis(host="127.0.0.1", port=one.valkey.port)
    server.config_set("maxmemory", "100kb")
    try:
        with contextlib.suppress(redis.RedisError):
            while True:
                server.rpush("filler", "x" * 10_000)
        seen = Seen([one.declare() for _ in range(scale.callouts)])
        seen.all_out = one.settle()
    finally:
        server.config_set("maxmemory", "0")
        server.delete("filler")
    return seen


@outage
def redis_cut(one: Production, scale: Scale) -> Seen:
    one.redis_way.cut()
    try:
        seen = Seen([one.declare() for _ in range(scale.callouts)])
        seen.all_out = one.settle()
    finally:
        one.redis_way.mend()
    return seen


@outage
def redis_black_hole(one: Production, scale: Scale) -> Seen:
    one.redis_way.weather = Weather(up=False, down=False)
    try:
        seen = declare_for(one, scale)
        seen.all_out = one.settle()
    finally:
        one.redis_way.weather = FINE
    return seen


# --- senders -------------------------------------------------------------------------------------


@outage
def five_senders(one: Production, scale: Scale) -> Seen:
    """There is no beat to be doubled: every sender does everything, and so do five of them at once."""
    for words in (SWEEP, SWEEP, CELERY):
        one.start_sender(*words)
    with one.people_answer() as answered:
        seen = Seen(one.declare_many(scale.callouts), all_out=one.settle())
        time.sleep(2)
        one.settle()
    seen.told = f"{answered.total()} answers"
    one.end_senders()
    return seen


@outage
def no_sender(one: Production, scale: Scale) -> Seen:
    one.end_senders()
    before = len(one.rows("SELECT id FROM coordination_sendintent"))
    seen = Seen([one.declare() for _ in range(scale.callouts)])
    time.sleep(scale.pause / 5)
    assert len(one.rows("SELECT id FROM coordination_sendintent")) == before
    started = time.time()
    one.start_sender()
    seen.first_send = one.first_call_after(started)
    seen.all_out = one.settle()
    return seen


@outage
def sender_stopped_before_the_wire(one: Production, scale: Scale) -> Seen:
    """A zombie: its lease runs out while it is stopped, another one sends, then it wakes up with the message in hand."""
    return _stopped(one, scale, "before_the_wire", pause=scale.lease * 60 / LEASE_SECONDS)


@outage
def sender_stopped_in_a_transaction(one: Production, scale: Scale) -> Seen:
    """It holds locks that everybody else waits for, until the database ends its session."""
    return _stopped(one, scale, "in_a_transaction", pause=60 if scale is FULL else 20)


def _stopped(one: Production, scale: Scale, moment: str, *, pause: float) -> Seen:
    one.end_senders()
    held = one.start_sender("-m", "tests.faults.held", moment, "3", str(scale.lease), "sweep")
    one.declare_many(2)
    wait_for(lambda: state_of(held.pid) == "T", what="the sender to be stopped")
    stopped = time.time()
    one.start_sender("-m", "tests.faults.held", "never", "0", str(scale.lease), "sweep")
    seen = Seen([one.declare() for _ in range(2)])
    seen.first_send = one.first_call_after(stopped)
    seen.all_out = one.settle()
    time.sleep(max(0.0, stopped + pause - time.time()))
    one.thaw_senders()
    time.sleep(3)
    one.settle()
    one.end_senders()
    return seen


# --- PostgreSQL ----------------------------------------------------------------------------------


@outage
def postgres_restarted_fast(one: Production, scale: Scale) -> Seen:
    return _restarted(one, scale, lambda: one.postgres.stop(PostgresServer.FAST))


@outage
def postgres_restarted_immediate(one: Production, scale: Scale) -> Seen:
    return _restarted(one, scale, lambda: one.postgres.stop(PostgresServer.IMMEDIATE))


@outage
def postgres_killed(one: Production, scale: Scale) -> Seen:
    return _restarted(one, scale, one.postgres.kill)


def _restarted(one: Production, scale: Scale, end: Callable[[], None]) -> Seen:
    with much_to_send(one, scale):
        end()
        with in_the_background(lambda: one.declare_many(2)):
            time.sleep(1)
            one.postgres.start()
            back = time.time()
            seen = Seen(first_send=one.first_call_after(back))
    seen.all_out = one.settle()
    return seen


@outage
def postgres_away(one: Production, scale: Scale) -> Seen:
    """Long enough that whoever tries again ever more seldom would be late when it is back."""
    one.start_sender(*SWEEP)
    with much_to_send(one, scale):
        one.postgres.stop(PostgresServer.FAST)
        ends = time.monotonic() + scale.pause
        while time.monotonic() < ends:
            answers(one.port, "/readyz")
        one.postgres.start()
        back = time.time()
        wait_for(lambda: answers(one.port, "/readyz"), what="the pages to be ready")
        seen = Seen(told=f"pages ready after {time.time() - back:.1f} s")
        with in_the_background(lambda: one.declare_many(2)):
            seen.first_send = one.first_call_after(back)
    seen.all_out = one.settle()
    return seen


@outage
def sessions_terminated(one: Production, scale: Scale) -> Seen:
    def terminate() -> None:
        one.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'muster'")

    with one.people_answer() as answered:
        seen = stormy(one, scale, terminate)
    seen.told = f"{answered.total()} answers"
    return seen


@outage
def sessions_exhausted(one: Production, scale: Scale) -> Seen:
    """Somebody else has taken every connection that the server gives."""
    folder, port = str(one.postgres.folder), one.postgres.port
    if not one.rows("SELECT 1 FROM pg_roles WHERE rolname = 'guest'"):
        one.rows("CREATE ROLE guest LOGIN")
    with much_to_send(one, scale), contextlib.ExitStack() as taken:
        one.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'muster'")
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                taken.enter_context(psycopg.connect(host=folder, port=port, dbname="muster", user="guest"))
        time.sleep(scale.pause / 5)
        taken.close()
        seen = Seen(first_send=sending_goes_on(one))
    seen.all_out = one.settle()
    return seen


# --- networks ------------------------------------------------------------------------------------


@outage
def database_cut(one: Production, scale: Scale) -> Seen:
    with much_to_send(one, scale):
        for way in (one.database_way, one.pages_way):
            way.cut()
        time.sleep(scale.pause / 5)
        for way in (one.database_way, one.pages_way):
            way.mend()
        seen = Seen(first_send=sending_goes_on(one))
    seen.all_out = one.settle()
    return seen


@outage
def database_flaps(one: Production, scale: Scale) -> Seen:
    def flap() -> None:
        one.database_way.reset()
        one.pages_way.reset()

    with one.people_answer():
        return stormy(one, scale, flap)


@outage
def database_black_hole(one: Production, scale: Scale) -> Seen:
    with much_to_send(one, scale):
        one.database_way.weather = one.pages_way.weather = Weather(up=False, down=False)
        time.sleep(scale.pause / 2)
        one.database_way.weather = one.pages_way.weather = FINE
        seen = Seen(first_send=sending_goes_on(one))
    seen.all_out = one.settle()
    return seen


@outage
def database_half_open(one: Production, scale: Scale) -> Seen:
    """A router has forgotten the senders' connections, and tells nobody."""
    with much_to_send(one, scale):
        one.database_way.half_open()
        seen = Seen(first_send=sending_goes_on(one))
    seen.all_out = one.settle()
    return seen


@outage
def provider_cut(one: Production, scale: Scale) -> Seen:
    with much_to_send(one, scale):
        one.provider_way.cut()
        time.sleep(scale.pause / 2)
        one.provider_way.mend()
        seen = Seen(first_send=sending_goes_on(one))
    seen.all_out = one.settle(within=200)
    return seen


@outage
def provider_black_hole(one: Production, scale: Scale) -> Seen:
    """What was sent may have arrived or not: nobody answers, and nobody can be asked."""
    with much_to_send(one, scale):
        one.provider_way.weather = Weather(down=False)
        time.sleep(scale.pause)
        one.provider_way.weather = FINE
        seen = Seen(first_send=sending_goes_on(one))
    seen.all_out = one.settle(within=200)
    return seen


@outage
def provider_breaks_off(one: Production, scale: Scale) -> Seen:
    """Every answer breaks off in its head; the message was taken."""
    one.provider_way.weather = Weather(reset_after=30)
    seen = Seen(one.declare_many(scale.callouts // 2))
    time.sleep(2)
    one.provider_way.weather = FINE
    seen.all_out = one.settle(within=200)
    return seen


# --- another server ------------------------------------------------------------------------------


@outage
def standby_takes_over(one: Production, scale: Scale) -> Seen:
    """It has everything that was acknowledged. The address moves for the pages; the senders know both servers."""
    with a_standby(one) as standby:
        both = (
            "postgres://postgres@/muster?host=127.0.0.1,127.0.0.1"
            f"&port={one.postgres.port},{standby.port}&target_session_attrs=read-write"
        )
        one.end_senders()
        one.start_sender(*SWEEP, DATABASE_URL=both)
        one.start_sender(*SWEEP, DATABASE_URL=both)
        one.set_up(one.postgres, "synchronous_standby_names", "*")
        state = "SELECT sync_state FROM pg_stat_replication"
        wait_for(lambda: one.rows(state) == [("sync",)], what="the standby to be waited for")
        with much_to_send(one, scale):
            one.declare_many(2)
            moved = take_over(one, standby)
            seen = Seen(first_send=sending_goes_on(one, since=moved))
    seen.all_out = one.settle()
    one.end_senders()
    assert one.rows(IS_HELD) == [(0,)], "nothing was lost"
    return seen


@outage
def standby_that_was_behind_takes_over(one: Production, scale: Scale) -> Seen:
    """What left after it had stopped following would leave once more; nothing leaves until `after_restore`."""
    with a_standby(one) as standby:
        with much_to_send(one, scale):
            one.set_up(standby, "primary_conninfo", "")  # it follows no longer
            time.sleep(3)
            moved = take_over(one, standby)
        wait_for(lambda: one.rows(IS_HELD) == [(1,)], what="the senders to notice", within=30)
        noticed = time.time() - moved
        said = one.run("manage.py", "after_restore")
        one.settle()
    found = next(line for line in said.splitlines() if "found at a provider" in line)
    return Seen(told=f"held after {noticed:.1f} s;{found}")


# --- how an outage is made -----------------------------------------------------------------------


@contextlib.contextmanager
def much_to_send(one: Production, scale: Scale) -> Iterator[None]:
    """Have more messages due than fit on the wire at once, and some of them on it."""
    one.provider_is(latency=1.0)
    one.freeze_senders()
    one.declare_many(max(scale.callouts, 13), seats=12)  # two senders have 128 slots
    one.thaw_senders()
    time.sleep(0.3)
    try:
        yield
    finally:
        one.provider_is(latency=0.1)


@contextlib.contextmanager
def a_standby(one: Production) -> Iterator[PostgresServer]:
    """Have one that follows the server; afterwards it is the server."""
    standby = one.postgres.make_standby(f"standby-{one.postgres.port}", port=free_port())
    standby.start()
    following = "SELECT state FROM pg_stat_replication"
    wait_for(lambda: one.rows(following) == [("streaming",)], what="the standby to follow")
    yield standby


def take_over(one: Production, standby: PostgresServer) -> float:
    """Lose the server, promote the standby and move the address; return when that was done."""
    one.postgres.kill()
    standby.promote()
    one.replace_postgres(standby)
    return time.time()


def stormy(one: Production, scale: Scale, strike: Callable[[], None]) -> Seen:
    """Strike every second for a while, people declaring all the time."""
    with in_the_background(lambda: one.declare_many(scale.callouts)):
        with again_and_again(strike, every=1.0):
            time.sleep(scale.pause / 3)
        over = time.time()
    one.declare()
    return Seen(first_send=one.first_call_after(over), all_out=one.settle())


def sending_goes_on(one: Production, *, since: float = 0.0) -> float:
    """Return how soon, from now on, the provider is called; people go on declaring meanwhile."""
    now = since or time.time()
    with in_the_background(lambda: one.declare_many(2)):
        return one.first_call_after(now, within=120)


def declare_for(one: Production, scale: Scale) -> Seen:
    """Declare as many callouts, spread over the pause."""
    took = []
    ends = time.monotonic() + scale.pause
    for number in range(scale.callouts):
        took.append(one.declare())
        left = ends - time.monotonic()
        time.sleep(max(0.0, left / (scale.callouts - number)))
    return Seen(took)


@contextlib.contextmanager
def again_and_again(do: Callable[[], object], *, every: float) -> Iterator[None]:
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(every):
            do()

    with in_the_background(loop):
        try:
            yield
        finally:
            stop.set()


@contextlib.contextmanager
def in_the_background(do: Callable[[], object]) -> Iterator[None]:
    """Do it beside the block, and wait for it afterwards."""
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            do()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(120)
    if failed:
        raise failed[0]


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


# --- the table -----------------------------------------------------------------------------------


@dataclass
class Campaign:
    """Outages in a row on one installation; each has to leave it as it was."""

    one: Production
    scale: Scale
    lines: list[tuple[str, Seen, Verdict]] = field(default_factory=list)

    def go_through(self, name: str) -> tuple[Seen, Verdict]:
        self._have_two_senders()
        seen = OUTAGES[name](self.one, self.scale)
        self._have_two_senders()
        self.one.settle(within=200)
        verdict = self.one.verdict()
        self.lines.append((name, seen, verdict))
        # Else their windows would close in the middle of a later outage.
        self.one.stop_all()
        return seen, verdict

    def _have_two_senders(self) -> None:
        while len(self.one.senders) < 2:
            self.one.start_sender()

    def table(self) -> str:
        """All but the times are counted from the start of the campaign."""
        head = ("outage", "declare s", "first send s", "all out s", "messages", "marked", "lost", "given up",
                "twice", "over-filled", "fsck", "")  # fmt: skip
        rows = [
            (
                name,
                f"{max(seen.declared):.2f}" if seen.declared else "",
                "" if seen.first_send is None else f"{seen.first_send:.2f}",
                "" if seen.all_out is None else f"{seen.all_out:.2f}",
                str(verdict.messages),
                str(verdict.marked),
                str(verdict.lost + verdict.unsent + verdict.forgotten),
                str(verdict.given_up),
                str(verdict.twice + verdict.unlicensed),
                str(verdict.overfilled),
                "broken" if verdict.broken else "clean",
                seen.told,
            )
            for name, seen, verdict in self.lines
        ]
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in [head, *rows])


def main(names: Sequence[str]) -> int:
    failed = []
    with production() as one:
        campaign = Campaign(one, FULL)
        for name in names or OUTAGES:
            try:
                _, verdict = campaign.go_through(name)
            except AssertionError as wrong:
                failed.append(f"{name}: {wrong}")
                one.end_senders()
                continue
            print(f"{name}: {'clean' if verdict.is_clean else verdict}", flush=True)
            if not verdict.is_clean:
                failed.append(name)
        print(campaign.table())
    if failed:
        print("failed: " + "; ".join(failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
