"""What 64 clients see who answer at once is what a counter of the seats would have told them one by one."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from coordination import answers, progress
from coordination.answers import Answer
from coordination.models import Callout, Invitation, Seat
from coordination.paging import AnswerSource, Reply
from ground.audit import Actor
from tests.factories import a_callout, an_enterprise, an_expert, an_incident
from tests.model.histories import Operation, OutOfTune, is_linearizable
from tests.moments import NOON, minutes

ANSWERS_EACH = 3
SELF = Actor(None, "本人")


def operation(client: int, says: Any, came_to: Any, asked_at: int, answered_at: int) -> Operation:
    return Operation(client, says, came_to, asked_at, answered_at)


@pytest.mark.parametrize(
    ("seats", "history", "fits"),
    [
        pytest.param(1, [(1, "accept", "seated", 0, 1), (2, "accept", "reserve", 2, 3)], True, id="in turn"),
        pytest.param(
            1, [(1, "accept", "seated", 0, 1), (2, "accept", "seated", 2, 3)], False, id="one seat twice"
        ),
        pytest.param(
            1,
            [(1, "accept", "reserve", 0, 1), (2, "accept", "seated", 2, 3)],
            False,
            id="told that it is full before anybody came",
        ),
        pytest.param(
            1,
            [(1, "accept", "reserve", 0, 3), (2, "accept", "seated", 1, 2)],
            True,
            id="told that it is full while the other was taking it",
        ),
        pytest.param(
            1,
            [
                (1, "accept", "seated", 0, 9),
                (1, "withdraw", "withdrawn", 10, 12),
                (2, "accept", "seated", 11, 13),
            ],
            True,
            id="a seat that is just being given back",
        ),
        pytest.param(
            1,
            [
                (1, "accept", "seated", 0, 9),
                (1, "decline", "withdrawn", 12, 13),
                (2, "accept", "seated", 10, 11),
            ],
            False,
            id="a seat taken before it was given back",
        ),
        pytest.param(
            2,
            [
                (1, "accept", "seated", 0, 10),
                (2, "accept", "seated", 0, 10),
                (3, "accept", "reserve", 11, 12),
                (1, "withdraw", "withdrawn", 11, 20),
                (4, "accept", "seated", 13, 14),
                (5, "accept", "reserve", 15, 16),
            ],
            True,
            id="full, given back, taken, full again",
        ),
        pytest.param(
            2,
            [
                (1, "accept", "seated", 0, 10),
                (2, "accept", "seated", 0, 10),
                (1, "withdraw", "withdrawn", 11, 12),
                (3, "accept", "reserve", 13, 14),
            ],
            False,
            id="full although one was given back before",
        ),
    ],
)
def test_the_search_knows_what_a_counter_would_say(seats, history, fits):
    assert is_linearizable([operation(*one) for one in history], seats=seats) is fits


def test_the_search_agrees_with_trying_every_order():
    dice = random.Random(4)
    seen = {True: 0, False: 0}
    for _ in range(400):
        seats = dice.randint(1, 2)
        history = invented(dice, seats)
        fits = any_order_fits(history, seats)
        seen[fits] += 1
        assert is_linearizable(history, seats=seats) is fits
    assert min(seen.values()) > 40, seen


def invented(dice: random.Random, seats: int) -> list[Operation]:
    """Six operations of four clients at random moments, each client's own answers in tune."""
    history: list[Operation] = []
    until, seated = dict.fromkeys(range(4), 0), dict.fromkeys(range(4), False)
    for _ in range(6):
        client = dice.randrange(4)
        asked_at = until[client] + dice.randint(0, 4)
        until[client] = asked_at + dice.randint(1, 5)
        if seated[client]:
            says, came_to = "withdraw", "withdrawn"
            seated[client] = False
        else:
            says, came_to = "accept", dice.choice(["seated", "seated", "reserve"])
            seated[client] = came_to == "seated"
        history.append(operation(client, says, came_to, asked_at, until[client]))
        until[client] += 1
    return history


def any_order_fits(history: Sequence[Operation], seats: int) -> bool:
    def goes_on(left: list[Operation], free: int) -> bool:
        if not left:
            return True
        for one in left:
            if any(other.answered_at < one.asked_at for other in left):
                continue
            told = {"seated": free > 0, "reserve": free == 0, "withdrawn": True}[one.came_to]
            change = {"seated": -1, "reserve": 0, "withdrawn": 1}[one.came_to]
            if told and goes_on([other for other in left if other is not one], free + change):
                return True
        return False

    return goes_on(list(history), seats)


# --- the real thing -------------------------------------------------------------------------------


def clients() -> int:
    # SQLite has one writer: more clients than this only wait longer in the same queue.
    return 64 if connection.vendor == "postgresql" else 12


def seats_wanted() -> int:
    return clients() // 4


def a_round(number: int) -> tuple[list[Operation], Callout]:
    """Let every client answer a callout some times, all at once; return what they saw."""
    at = NOON + minutes(number)
    enterprise = an_enterprise(f"第{number}家公司")
    people = [an_expert(f"专家{one}") for one in range(clients())]
    callout = a_callout(an_incident(enterprise, at=at), asks=people, seats=seats_wanted(), at=at)
    invitations = list(callout.invitations.order_by("rank").values_list("pk", flat=True))
    together = threading.Barrier(len(invitations))
    history: list[Operation] = []

    def answers_some_times(client: int) -> None:
        dice = random.Random(1000 * number + client)
        try:
            together.wait()
            came_to: str | None = None
            for _ in range(ANSWERS_EACH):
                says = dice.choice(["accept", "decline", "withdraw"] if came_to == "seated" else ["accept"])
                asked_at = time.monotonic_ns()
                came_to = says_it(invitations[client], says, at=at)
                if came_to is not None:
                    history.append(operation(client, says, came_to, asked_at, time.monotonic_ns()))
        finally:
            connections.close_all()

    # A pool of twenty connections would let only twenty of them into the database at once.
    options = connection.settings_dict["OPTIONS"]
    pool = options.pop("pool", None)
    threads = [threading.Thread(target=answers_some_times, args=(one,)) for one in range(len(invitations))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if pool is not None:
        options["pool"] = pool
    return history, callout


def says_it(invitation: int, says: str, *, at: Any) -> str | None:
    """Answer as the pages do; return what it came to, None if the database gave up and nothing was done."""
    row = Invitation.objects.get(pk=invitation)
    source = AnswerSource.LINK
    try:
        if says == "withdraw":
            answers.withdraw(row, reason="", source=source, by=SELF, at=at)
            return "withdrawn"
        reply = Reply.ACCEPT if says == "accept" else Reply.DECLINE
        return answers.answer(row, Answer(reply, source), by=SELF, at=at).value
    except answers.CannotAnswer:
        return "refused"
    except OperationalError:
        return None


def fits_a_counter(history: Sequence[Operation]) -> bool:
    try:
        return is_linearizable(history, seats=seats_wanted())
    except OutOfTune:
        return False


@pytest.mark.django_db(transaction=True)
def test_what_all_clients_saw_fits_a_counter_of_the_seats(capsys):
    begun = time.monotonic()
    history, callout = a_round(1)

    assert len(history) == clients() * ANSWERS_EACH
    assert fits_a_counter(history)
    took = sum(one.came_to == "seated" for one in history)
    gave = sum(one.came_to == "withdrawn" for one in history)
    seats = Seat.objects.filter(requirement__callout=callout)
    assert seats.count() == seats_wanted()
    assert seats.exclude(invitation=None).count() == callout.invitations.filter(status="accepted").count()
    with capsys.disabled():
        print(
            f"\n{clients()} clients, {len(history)} operations ({took} seated, {gave} gave back, "
            f"{most_at_once(history)} at once): linearizable, {time.monotonic() - begun:.0f} s"
        )


def most_at_once(history: Sequence[Operation]) -> int:
    """Return how many operations were under way at the busiest moment."""
    return max(
        sum(one.asked_at <= moment.asked_at < one.answered_at for one in history) for moment in history
    )


@contextmanager
def accepting_without_the_lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(progress, "lock", lambda pk: Callout.objects.get(pk=pk))
        yield


@contextmanager
def reading_free_seats_outside_the_lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    lock, seen = progress.lock, threading.local()

    def lock_after_looking(pk: int) -> Callout:
        free = Seat.objects.filter(requirement__callout=pk, invitation=None)
        seen.seat = free.select_related("requirement").first()
        return lock(pk)

    with monkeypatch.context() as patch:
        patch.setattr(progress, "lock", lock_after_looking)
        patch.setattr(answers, "_seat_for", lambda *of, **how: seen.seat)
        yield


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "bug",
    [
        pytest.param(accepting_without_the_lock, id="accepting without the lock"),
        pytest.param(reading_free_seats_outside_the_lock, id="reading the free seats outside the lock"),
    ],
)
def test_a_seat_given_away_twice_is_found(bug: Callable[..., Any], monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("one writer at a time: on SQLite the transaction itself is the lock")

    with bug(monkeypatch):
        found = any(not fits_a_counter(a_round(number)[0]) for number in range(1, 4))

    assert found
