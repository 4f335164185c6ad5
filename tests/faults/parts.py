"""What the processes of a schedule do: send, answer, call out, take receipts. Run in a process of their own.

Everything goes through the operations that pages, gateways and the embedded server call. What the caller
of an operation was told stands in the ledger; a caller who was told nothing tries again.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults import crash_points, pace
from tests.faults.ledger import Ledger
from tests.faults.ledger import read as read_ledger

if TYPE_CHECKING:
    from coordination.channels import Channel, Event

# Seconds between what one of the people does and the next.
THINKS = (0.02, 0.1)


def warm_up() -> None:
    """Import what the parts need, in the process that they are forked from; opens nothing."""
    from django.conf import settings
    from django.db import connections
    from django.db.models.sql import compiler  # noqa: F401
    from django.db.utils import load_backend

    from coordination import answers, callouts, engine, receipts, replies, sender, tasks  # noqa: F401
    from tests import factories  # noqa: F401

    load_backend(settings.DATABASES["default"]["ENGINE"])
    opened = [one for one in connections.all(initialized_only=True) if one.connection is not None]
    assert not opened, "the zygote must not have a connection"
    assert threading.active_count() == 1, "the zygote must not have threads"


def live(job: dict[str, Any]) -> None:
    """Do what the job says until killed."""
    from django.conf import settings

    from coordination import arrivals

    folder = Path(job["folder"])
    ledger = Ledger(folder / "ledger.jsonl")
    logging.getLogger().addHandler(_Errors(ledger))
    settings.MUSTER_CHANNELS = job["channels"]
    pace.hurry(
        pace.SharedClock(folder / "clock"),
        speed=job["speed"],
        windows=job["windows"],
        stretch=job["stretch"],
    )
    # What comes in is fetched by a part of its own, which writes down what came of it; the judge goes by that.
    arrivals.due_pulls = lambda *, at: []
    death = job.get("death")
    if death:
        fate = crash_points.Fate(
            death["point"],
            death["visit"],
            lambda point: ledger.write("died", process=job["name"], point=point),
        )
        crash_points.install(fate)
    for part in job["parts"]:
        kind = part.partition("-")[0]
        run = {"sender": _send, "person": _answer, "officer": _call_out, "events": _take_events}[kind]
        if kind == "sender":
            run(job, ledger, part)  # has a thread of its own
        else:
            threading.Thread(target=_go, args=(run, job, ledger, part), name=part, daemon=True).start()
    threading.Event().wait()


class _Errors(logging.Handler):
    """What the product itself calls an error is one."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(logging.ERROR)
        self._ledger = ledger

    def emit(self, record: logging.LogRecord) -> None:
        # Without an exception it is the watch that tells people that something is late; so it should.
        if record.exc_info:
            self._ledger.write("error", text=record.getMessage(), why=repr(record.exc_info[1])[:500])


def _go(run: Callable[..., None], job: dict[str, Any], ledger: Ledger, part: str) -> None:
    try:
        run(job, ledger, part)
    except Exception as error:
        logging.getLogger(__name__).exception("%s of %s broke off", part, job["name"])
        ledger.write("error", text=f"{part} broke off", why=repr(error)[:500])


def _send(job: dict[str, Any], ledger: Ledger, part: str) -> None:
    from coordination.engine import AlreadyRunning, Engine

    while True:
        try:
            Engine().start()
            return
        except AlreadyRunning:
            time.sleep(0.005)  # the process that was killed is not gone yet


class _Told:
    """Writes into the ledger what a caller asked for, and what they were told."""

    def __init__(self, ledger: Ledger, **what: Any) -> None:
        self._ledger = ledger
        self._what = {"op": uuid.uuid4().hex[:12], **what}

    def ask(self, operation: Callable[[], Any]) -> str | None:
        """Return what came of it; None if that is not known, and the caller has to ask again."""
        from django.db import DatabaseError, InterfaceError, connections

        from ground.mistakes import Mistake

        self._ledger.write("begun", **self._what)
        try:
            came_of_it = str(operation() or "done")
        except Mistake as refused:
            came_of_it = f"refused: {type(refused).__name__}"
        except (DatabaseError, InterfaceError) as error:
            # A page that says 500; whether it was done is not known.
            self._ledger.write("error", text=f"{self._what['does']} broke off", why=repr(error)[:500])
            connections.close_all()
            return None
        self._ledger.write("done", result=came_of_it, **self._what)
        return came_of_it


# --- people -----------------------------------------------------------------------------------------


def _answer(job: dict[str, Any], ledger: Ledger, part: str) -> None:
    """Answer like somebody with a link, and like somebody who taps twice."""
    from django.db import DatabaseError

    from coordination.models import Invitation

    roll = random.Random(f"{job['seed']}:{job['name']}:{part}:{job['life']}")
    said: list[tuple[int, str]] = []
    while True:
        time.sleep(roll.uniform(*THINKS) * job["stretch"])
        try:
            asked = list(
                Invitation.objects.exclude(asked_at=None).order_by("pk").values_list("pk", flat=True)
            )
        except DatabaseError:
            continue
        if not asked:
            continue
        if said and roll.random() < 0.25:
            invitation, does = roll.choice(said[-3:])
        else:
            invitation = roll.choice(asked)
            does = roll.choices(["accept", "decline", "remote", "withdraw"], weights=[55, 20, 10, 8], k=1)[0]
            said.append((invitation, does))
        _say(ledger, part, invitation, does)


def _say(ledger: Ledger, part: str, invitation_id: int, does: str) -> None:
    from coordination import answers, tasks
    from coordination.answers import Answer
    from coordination.models import Invitation
    from coordination.paging import AnswerSource, Reply
    from ground import clock
    from ground.audit import Actor

    def operation() -> str:
        at = clock.now()
        invitation = Invitation.objects.select_related("expert", "team", "callout", "requirement").get(
            pk=invitation_id
        )
        by = Actor(None, invitation.invitee.name)
        if does == "withdraw":
            answers.withdraw(invitation, reason="临时有事", source=AnswerSource.LINK, by=by, at=at)
            result = "withdrawn"
        else:
            result = answers.answer(invitation, Answer(Reply(does), AnswerSource.LINK), by=by, at=at).value
        tasks.nudge()
        return result

    _Told(ledger, who=part, does=does, invitation=invitation_id).ask(operation)


# --- the officer ------------------------------------------------------------------------------------


def _call_out(job: dict[str, Any], ledger: Ledger, part: str) -> None:
    """Start the callouts and change them, each until it is acknowledged, as a page that is sent again does."""
    folder = Path(job["folder"])
    acknowledged = {
        tuple(entry["task"])
        for entry in read_ledger(folder / "ledger.jsonl")
        if entry["kind"] == "done" and entry.get("who") == "officer"
    }
    tasks: list[tuple[int, str, int]] = [
        (one["at_ms"], "start", number) for number, one in enumerate(job["callouts"])
    ] + [(one["at_ms"], "change", number) for number, one in enumerate(job["changes"])]
    for at_ms, what, number in sorted(tasks, key=lambda task: (task[0], task[1] == "change")):
        if (what, number) in acknowledged:
            continue
        time.sleep(max(0.0, job["began"] + at_ms / 1000 - time.monotonic()))
        operation = _start if what == "start" else _change
        does = "start" if what == "start" else job["changes"][number]["what"]
        callout = number if what == "start" else job["changes"][number]["callout"]
        told = _Told(ledger, who="officer", does=does, task=[what, number], callout=callout)
        while told.ask(lambda operation=operation, number=number: operation(job, number)) is None:
            time.sleep(0.01)


def _start(job: dict[str, Any], number: int) -> str:
    from coordination import callouts, tasks
    from coordination.callouts import Invitee, RequirementSpec, SomebodyWasQuicker
    from coordination.paging import InviteeKind, Mode
    from experts.models import Expert
    from ground import clock
    from incidents.models import Incident
    from tests.factories import OFFICER, industry

    planned = job["callouts"][number]
    experts = Expert.objects.in_bulk([job["experts"][one] for one in planned["asks"]])
    before = [one for one in job["callouts"][:number] if one["incident"] == planned["incident"]]
    try:
        callouts.start(
            Incident.objects.get(pk=job["incidents"][planned["incident"]]),
            [
                RequirementSpec(
                    InviteeKind.EXPERT, planned["seats"], Mode(planned["mode"]), industry=industry()
                )
            ],
            [Invitee(0, expert=experts[job["experts"][one]]) for one in planned["asks"]],
            policy=planned["policy"],
            known=len(before),
            by=OFFICER,
            at=clock.now(),
        )
    except SomebodyWasQuicker:
        return "was there"  # started by the call that was not answered
    tasks.nudge()
    return "started"


def _change(job: dict[str, Any], number: int) -> str:
    from coordination import callouts, tasks
    from coordination.callouts import Invitee
    from coordination.models import Callout
    from experts.models import Expert
    from ground import clock
    from tests.factories import OFFICER

    change = job["changes"][number]
    incident = job["incidents"][job["callouts"][change["callout"]]["incident"]]
    earlier = [
        one["incident"] == job["callouts"][change["callout"]]["incident"]
        for one in job["callouts"][: change["callout"]]
    ]
    found = list(Callout.objects.filter(incident=incident).order_by("pk"))[sum(earlier) :]
    if not found:
        return "not there yet"
    callout, at = found[0], clock.now()
    match change["what"]:
        case "stop" | "stop_all":
            callouts.stop(
                callout,
                reason="不再需要",
                release_accepted=change["what"] == "stop_all",
                by=OFFICER,
                at=at,
            )
        case "seats":
            requirement = callout.requirements.get()
            callouts.change_seats(requirement, change["number"], by=OFFICER, at=at)
        case "add":
            more = Expert.objects.filter(pk__in=job["experts"]).order_by("pk")[: change["number"] * 3]
            callouts.add_invitees(callout, [Invitee(0, expert=one) for one in more], by=OFFICER, at=at)
        case "pause":
            callouts.pause(callout, by=OFFICER, at=at)
        case "resume" | "ahead":
            callouts.resume(callout, by=OFFICER, at=at)
        case "tell":
            callouts.tell_asked(callout, "集合地点改为东门", at=at)
    tasks.nudge()
    return "changed"


# --- what comes in from outside ------------------------------------------------------------------------


def _take_events(job: dict[str, Any], ledger: Ledger, part: str) -> None:
    """Take what the provider reports and what its phones write back: in any order, and often more than once."""
    from coordination import channels
    from coordination.channels import Unreadable

    roll = random.Random(f"{job['seed']}:{job['name']}:{part}:{job['life']}")
    since = datetime.fromtimestamp(job["provider_since"], tz=UTC)
    channel = channels.by_code("sms")
    assert channel is not None
    taken: list[Event] = []
    while True:
        time.sleep(0.05 * job["stretch"])
        try:
            events = channel.pull(since=since)
        except Unreadable:
            continue
        fresh = [event for event in events if event not in taken]
        again = roll.sample(taken, min(len(taken), roll.choice([0, 0, 1, 2])))
        batch = fresh + again
        roll.shuffle(batch)
        taken += fresh
        for event in batch:
            if _take(ledger, channel, event) is None and event in taken:
                taken.remove(event)


def _take(ledger: Ledger, channel: Channel, event: Event) -> str | None:
    from coordination import receipts, replies, tasks
    from coordination.channels import Receipt
    from ground import clock

    if isinstance(event, Receipt):
        told = _Told(
            ledger, who="provider", does="receipt", event=event.event_id, reference=str(event.reference),
            delivered=event.delivered,
        )  # fmt: skip
        return told.ask(lambda: "taken" if receipts.take("sms", event, at=clock.now()) else "repeat")
    told = _Told(
        ledger, who="phone", does="reply", event=event.event_id, address=event.address, text=event.text
    )

    def operation() -> str:
        inbound = replies.take(channel, event, at=clock.now())
        tasks.nudge()
        return str(inbound.result) if inbound else "repeat"

    return told.ask(operation)
