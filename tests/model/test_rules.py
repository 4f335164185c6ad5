"""The rules of a callout through any story: nobody is asked out of turn, too early, or for a seat that is taken.

The callout here is values in memory, moved on by the pure rules alone, as `progress` does it with rows.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from coordination import paging
from coordination.paging import (
    ASKABLE,
    INVITATION_MOVES,
    POLICIES,
    Ask,
    Contact,
    Exhausted,
    Filled,
    InvitationStatus,
    InviteeKind,
    InviteMore,
    Medium,
    WaitUntil,
)
from tests.model.sizes import TIMEOUT, Counted, tell
from tests.moments import NOON

S = InvitationStatus
REQUIREMENTS = (1, 2)
MOMENTS = [
    timedelta(seconds=1),
    timedelta(minutes=4),
    timedelta(minutes=10),
    timedelta(hours=2),
    timedelta(days=2),
    # The database's clock is set back, or an hour ahead.
    timedelta(seconds=-30),
    timedelta(hours=1),
]
people = st.integers(0, 11)
requirements = st.sampled_from(REQUIREMENTS)


class CalloutOfValues(Counted):
    """One callout of two requirements: seats, invitations and the present moment."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOON
        self.seats = dict.fromkeys(REQUIREMENTS, 1)
        self.asks: dict[int, Ask] = {}
        self.per_seat = dict.fromkeys(REQUIREMENTS, 1.0)
        self.policy = POLICIES["urgent"]

    @initialize(
        policy=st.sampled_from(list(POLICIES)),
        severity=st.integers(0, 5),
        seats=st.tuples(st.integers(1, 3), st.integers(0, 3)),
        listed=st.lists(requirements, max_size=6),
    )
    def begin(self, policy: str, severity: int, seats: tuple[int, int], listed: list[int]) -> None:
        self.policy = POLICIES[policy]
        self.seats = dict(zip(REQUIREMENTS, seats, strict=True))
        self.happens_as_bad_as(severity)
        for requirement in listed:
            self.is_listed(requirement)

    @rule(requirement=requirements)
    def is_listed(self, requirement: int) -> None:
        if len(self.asks) < 12:
            number = len(self.asks)
            self.asks[number] = Ask(number, requirement, number, S.LISTED)

    @rule(severity=st.integers(0, 5))
    def happens_as_bad_as(self, severity: int) -> None:
        kinds = dict(zip(REQUIREMENTS, InviteeKind, strict=True))
        self.per_seat = {
            requirement: self.policy.asked_per_seat(kind, severity=severity)
            for requirement, kind in kinds.items()
        }

    @rule(who=people)
    def says_yes(self, who: int) -> None:
        if (ask := self.asks.get(who)) is None or ask.status not in paging.ACCEPTABLE:
            return
        free = self.free()[ask.requirement_id]
        self.move(who, S.ACCEPTED if free and ask.available else S.RESERVE)
        self.settle()

    @rule(who=people)
    def says_no(self, who: int) -> None:
        if (ask := self.asks.get(who)) is None:
            return
        if ask.status is S.ACCEPTED:
            self.move(who, S.WITHDRAWN)
        elif ask.status in paging.DECLINABLE:
            self.move(who, S.DECLINED)
        self.tick()

    @rule(who=people, reachable=st.booleans())
    def is_heard_of(self, who: int, reachable: bool) -> None:
        if who in self.asks:
            self.asks[who] = replace(self.asks[who], reachable=reachable)

    @rule(who=people, available=st.booleans())
    def is_engaged_elsewhere(self, who: int, available: bool) -> None:
        if who in self.asks:
            self.asks[who] = replace(self.asks[who], available=available)

    @rule(requirement=requirements, seats=st.integers(0, 4))
    def wants_other_seats(self, requirement: int, seats: int) -> None:
        self.seats[requirement] = max(seats, self.taken(requirement))
        self.settle()

    @rule(by=st.sampled_from(MOMENTS))
    def time_passes(self, by: timedelta) -> None:
        self.at += by

    @rule()
    def tick(self) -> None:
        """Take the step that is due, and the next if nobody can be reached, as `progress.go_on` does."""
        self.let_windows_close()
        step = self.step()
        self.follow(step)
        if isinstance(step, InviteMore):
            # Whoever ticks at the same moment, or again, has nobody left to ask.
            assert not isinstance(self.step(), InviteMore) or self.somebody_is_deaf()

    @precondition(lambda self: any(ask.status is S.ASKED for ask in self.asks.values()))
    @rule()
    def goes_ahead(self) -> None:
        self.let_windows_close()
        self.follow(self.step(ahead=True), ahead=True)

    # What the rules say, looked at from outside

    @invariant()
    def the_step_is_right(self) -> None:
        type(self).states += 1
        asks = tuple(self.asks.values())
        lapsed = set(paging.lapsed(asks, self.policy, at=self.at))
        for ask in asks:
            over = ask.asked_at is not None and ask.asked_at + self.policy.answer_within <= self.at
            assert (ask.invitation_id in lapsed) == (ask.status is S.ASKED and over)
        self.check(self.step(), ahead=False)
        self.check(self.step(ahead=True), ahead=True)

    @invariant()
    def the_order_of_the_rows_makes_no_difference(self) -> None:
        shuffled = list(self.now().values())
        random.Random(len(shuffled)).shuffle(shuffled)
        again = paging.next_step(self.free(), shuffled, self.policy, at=self.at, per_seat=self.per_seat)
        assert again == self.step()

    @invariant()
    def it_comes_to_an_end_though_nobody_ever_answers(self) -> None:
        asks, at, waves = dict(self.asks), self.at, 0
        while True:
            for who in paging.lapsed(tuple(asks.values()), self.policy, at=at):
                asks[who] = replace(asks[who], status=S.LAPSED)
            step = paging.next_step(
                self.free(), tuple(asks.values()), self.policy, at=at, per_seat=self.per_seat
            )
            if not isinstance(step, InviteMore | WaitUntil):
                return
            waves += 1
            assert waves <= 2 * len(asks) + 2, "a callout that asks and waits for ever"
            if isinstance(step, WaitUntil):
                assert step.moment > at
                at = step.moment
            else:
                for who in step.invitation_ids:
                    asks[who] = replace(asks[who], status=S.ASKED, asked_at=at)

    def check(self, step: paging.Step, *, ahead: bool) -> None:
        free = {requirement for requirement, seats in self.free().items() if seats}
        short = [ask for ask in self.now().values() if ask.requirement_id in free]
        waiting = [ask for ask in short if ask.status is S.ASKED]
        idle = [ask for ask in short if ask.status in ASKABLE and ask.available]
        match step:
            case Filled():
                assert not free
            case Exhausted(requirements):
                assert free and set(requirements) == free
                assert not idle and not waiting
            case WaitUntil(moment):
                ends = [ask.asked_at + self.policy.answer_within for ask in waiting if ask.asked_at]
                assert free and ends and moment == max(self.at, min(ends))
                assert not ahead or not idle
            case InviteMore(chosen):
                assert chosen and len(set(chosen)) == len(chosen)
                assert set(chosen) <= {ask.invitation_id for ask in idle}
                for requirement in free:
                    self.check_turn(requirement, [self.asks[who] for who in chosen], ahead=ahead)

    def check_turn(self, requirement: int, chosen: list[Ask], *, ahead: bool) -> None:
        """Of this requirement: not more than it may, and nobody before whose turn it was."""
        mine = [ask for ask in chosen if ask.requirement_id == requirement]
        free = self.free()[requirement]
        heard = 0 if ahead else self.heard(requirement)
        most = max(free, ceil(free * self.per_seat[requirement]))
        assert not mine or heard + len(mine) <= most
        passed_over = [
            ask
            for ask in self.asks.values()
            if ask.requirement_id == requirement
            and ask not in mine
            and ask.available
            and ask.status in ASKABLE
        ]
        again = [ask for ask in mine if ask.status is S.STOOD_DOWN]
        assert len(again) <= max(0, free - heard), "who was let go is asked for a free seat only"
        assert not mine or max(map(turn, mine)) < min(map(turn, passed_over), default=(len(ASKABLE), 0))

    # The callout itself

    def now(self) -> dict[int, Ask]:
        """Return the invitations with those lapsed whose window is over by now."""
        gone = set(paging.lapsed(tuple(self.asks.values()), self.policy, at=self.at))
        return {who: replace(ask, status=S.LAPSED) if who in gone else ask for who, ask in self.asks.items()}

    def step(self, *, ahead: bool = False) -> paging.Step:
        return paging.next_step(
            self.free(),
            tuple(self.now().values()),
            self.policy,
            at=self.at,
            ahead=ahead,
            per_seat=self.per_seat,
        )

    def follow(self, step: paging.Step, *, ahead: bool = False) -> None:
        self.check(step, ahead=ahead)
        if isinstance(step, InviteMore):
            for who in step.invitation_ids:
                self.move(who, S.ASKED, asked_at=self.at)

    def let_windows_close(self) -> None:
        for who in paging.lapsed(tuple(self.asks.values()), self.policy, at=self.at):
            assert self.asks[who].asked_at + self.policy.answer_within <= self.at
            self.move(who, S.LAPSED)

    def settle(self) -> None:
        for ask in list(self.asks.values()):
            if not self.free()[ask.requirement_id] and ask.status in (S.ASKED, S.LAPSED):
                self.move(ask.invitation_id, S.STOOD_DOWN)
        self.tick()

    def move(self, who: int, to: InvitationStatus, *, asked_at: datetime | None = None) -> None:
        ask = self.asks[who]
        assert to is ask.status or to in INVITATION_MOVES[ask.status], f"{ask.status} → {to}"
        self.asks[who] = replace(ask, status=to, asked_at=asked_at or ask.asked_at)

    def free(self) -> dict[int, int]:
        return {requirement: seats - self.taken(requirement) for requirement, seats in self.seats.items()}

    def taken(self, requirement: int) -> int:
        return sum(
            ask.requirement_id == requirement and ask.status is S.ACCEPTED for ask in self.asks.values()
        )

    def heard(self, requirement: int) -> int:
        return sum(
            ask.requirement_id == requirement and ask.status is S.ASKED and ask.reachable and ask.available
            for ask in self.now().values()
        )

    def somebody_is_deaf(self) -> bool:
        return any(ask.status is S.ASKED and not ask.reachable for ask in self.asks.values())


def turn(ask: Ask) -> tuple[int, int]:
    return (ASKABLE.index(ask.status), ask.rank)


@pytest.mark.timeout(TIMEOUT)
def test_nothing_goes_wrong_in_any_story_of_a_callout():
    tell(CalloutOfValues, stories=80, steps=40)


contacts = st.lists(
    st.builds(Contact, st.sampled_from(["mobile", "phone", "email"]), st.sampled_from(["a", "b", "c", "d"])),
    max_size=5,
)
carried = st.dictionaries(
    st.sampled_from(list(Medium)), st.sets(st.sampled_from(["mobile", "phone", "email"]))
)


@given(contacts=contacts, carried=carried, policy=st.sampled_from(list(POLICIES.values())))
def test_what_an_invitee_is_sent_is_bounded_in_order_and_begins_at_once(contacts, carried, policy):
    planned = paging.messages(contacts, carried, policy)

    assert len(planned) <= len(policy.steps)
    assert len({(one.medium, one.contact.address) for one in planned}) == len(planned)
    assert all(one.contact in contacts and one.contact.kind in carried[one.medium] for one in planned)
    assert [one.after for one in planned] == sorted(one.after for one in planned)
    assert all(one.after < policy.answer_within for one in planned)
    assert not planned or planned[0].after == timedelta(0)
    somehow = {step.medium for step in policy.steps if step.contact == 1}
    reached = any(contact.kind in carried.get(medium, ()) for contact in contacts for medium in somehow)
    assert bool(planned) == reached, "nobody whom a channel reaches is left without a message"
