"""Everything that people, workers and providers do to callouts, in any order, with deaths and clocks that jump.

After every operation the rows are held against those before it (`seen`), every answer against what it had to
come to, every message that is claimed against the callout it belongs to, and the providers' own logs against
what was sent; and `coordination.invariants` finds nothing.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from unittest import mock

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from coordination import (
    answers,
    callouts,
    channels,
    closing,
    deliveries,
    deployments,
    guidance,
    invariants,
    receipts,
    replies,
    sender,
    watch,
)
from coordination.answers import Answer, Result
from coordination.callouts import RequirementSpec
from coordination.channels import Ambiguous, Outcome, Receipt, Rejected, ReplyReceived
from coordination.deliveries import MAYBE_DUPLICATE, Claimed
from coordination.inbound import InboundResult
from coordination.models import Callout, Deployment, GuidanceRequest, Inbound, Invitation, Requirement
from coordination.paging import (
    OUT,
    POLICIES,
    AnswerSource,
    CalloutStatus,
    DeliveryStatus,
    DeploymentStatus,
    InvitationStatus,
    InviteeKind,
    Mode,
    Purpose,
    Reply,
)
from ground import audit
from ground.audit import Actor
from ground.mistakes import Mistake, Refused
from incidents.models import Incident
from tests.factories import OFFICER, industry, invitee
from tests.model import seen
from tests.model.centre import Call, Centre, Mood
from tests.model.dying import Died, Fate, mortal
from tests.model.seen import Seen, everything
from tests.model.sizes import Counted
from tests.model.tables import Tables
from tests.moments import NOON

C, D, P, S = CalloutStatus, DeliveryStatus, DeploymentStatus, InvitationStatus
SELF = Actor(None, "本人")
UNSENT = (D.PENDING, D.LEASED, D.UNKNOWN)
CERTAIN: Final = (S.ACCEPTED, S.DECLINED, S.WITHDRAWN)
LIVE_CALLOUTS_AT_MOST = 3
# By how much a moment in a row may be late before an invariant that compares moments cannot be asked any more.
RECORDED_WITHIN = timedelta(minutes=2)

which = st.integers(0, 40)
lines = st.lists(
    st.tuples(st.sampled_from(["expert", "remote", "team"]), st.integers(1, 3)), min_size=1, max_size=2
)
order = st.permutations(range(6))


@dataclass(eq=False)
class Flight:
    """A claimed message in the hands of a worker, before or after the call."""

    claimed: Claimed
    claimed_at: datetime
    turn: int  # of the provider's log when it was claimed
    outcome: Outcome | None = None


class Operations(Counted):
    """The centre's database, driven by whatever may happen next."""

    centre: ClassVar[Centre]
    tables: ClassVar[Tables] = Tables()

    def __init__(self) -> None:
        super().__init__()
        self._story = transaction.atomic()
        self._story.__enter__()
        centre = self.centre
        centre.clock.moment = NOON
        centre.installed = list(centre.providers.values())
        for provider in centre.installed:
            provider.forget()
        self.fate = Fate()
        self._mortal = mortal(self.fate)
        self._mortal.__enter__()
        self._channels = mock.patch.object(channels, "installed", lambda: list(centre.installed))
        self._channels.start()
        self.tables.forget()
        self._listening = self.tables.listening()
        self._listening.__enter__()
        self.latest = NOON
        self.worker = uuid.UUID(int=1)
        self.flights: list[Flight] = []
        self.leases: set[tuple[int, int]] = set()
        self.receipts: list[tuple[str, Receipt]] = []
        self.replies = 0
        self.said: dict[int, tuple[Answer, Result]] = {}  # what was said last, and what it came to
        self.stands: dict[int, InvitationStatus] = {}
        self.wanted: dict[int, int] = {}  # seats
        self.stamps_lie = False
        self.died = False
        self.is_sound = True  # false from the first thing that is found: one finding a story
        self.is_looked_at = False
        self.seen = Seen.now(self.tables)
        self.writes_seen = self.tables.writes

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self.all_goes_out_in_the_end()
        finally:
            self._listening.__exit__(None, None, None)
            self._channels.stop()
            self._mortal.__exit__(None, None, None)
            transaction.set_rollback(True)
            self._story.__exit__(None, None, None)

    # Callouts

    @initialize(asked=lines, order=order, number=st.integers(1, 6), twice=st.booleans())
    def a_callout_to_begin_with(
        self, asked: list[tuple[str, int]], order: list[int], number: int, twice: bool
    ) -> None:
        """For one incident or, where nobody talks to each other, for both of them with the same list."""
        for incident in range(1 + twice):
            self.starts(incident, asked, order, number, "urgent")

    @precondition(lambda self: self.may_start)
    @rule(
        incident=st.integers(0, 1),
        asked=lines,
        order=order,
        number=st.integers(0, 6),
        policy=st.sampled_from(list(POLICIES)),
    )
    def starts(
        self, incident: int, asked: list[tuple[str, int]], order: list[int], number: int, policy: str
    ) -> None:
        subject = self.incident(incident)
        specs = [_spec(kind, seats) for kind, seats in asked]
        whom = self._invitees([spec.kind for spec in specs], order, number)
        self.do(lambda: callouts.start(subject, specs, whom, policy=policy, by=OFFICER, at=self.at))

    @precondition(lambda self: self.may_start)
    @rule(order=order, number=st.integers(1, 4))
    def a_review_is_sourced(self, order: list[int], number: int) -> None:
        whom = self._invitees([InviteeKind.EXPERT], order, number)
        review = GuidanceRequest.objects.get(pk=self.centre.review.pk)
        said = self.do(lambda: guidance.source(review, self.centre.proposal, whom, by=OFFICER, at=self.at))
        barred = any(one.expert == self.centre.barred for one in whom)
        assert not barred or said is None or isinstance(said, Refused)

    @rule(k=which, order=order, number=st.integers(1, 3))
    def invitees_are_added(self, k: int, order: list[int], number: int) -> None:
        if (callout := self.callout(k)) is None:
            return
        kinds = [InviteeKind(row.kind) for row in callout.requirements.all()]
        if callout.guidance_request:
            whom = self._invitees([InviteeKind.EXPERT], order, number)
            self.do(
                lambda: guidance.ask_more(
                    callout.guidance_request, callout, self.centre.proposal, whom, by=OFFICER, at=self.at
                )
            )
        else:
            whom = self._invitees(kinds, order, number)
            self.do(lambda: callouts.add_invitees(callout, whom, by=OFFICER, at=self.at))

    @rule(k=which, seats=st.integers(0, 4))
    def seats_are_changed(self, k: int, seats: int) -> None:
        if (requirement := self.pick(self.wanted, k)) is None:
            return
        row = Requirement.objects.get(pk=requirement)
        taken = len(self.seen.seats.get(requirement, [])) - self.seen.free(requirement)
        wanted = self.wanted.pop(requirement)
        said = self.do(lambda: callouts.change_seats(row, seats, by=OFFICER, at=self.at))
        assert self.died or self.wanted[requirement] == (seats if said is None else wanted)
        assert not isinstance(said, callouts.SeatsTaken) or seats < taken

    @rule(k=which, resumes=st.booleans())
    def is_paused_or_resumed(self, k: int, resumes: bool) -> None:
        if callout := self.callout(k):
            operation = callouts.resume if resumes else callouts.pause
            self.do(lambda: operation(callout, by=OFFICER, at=self.at))

    @rule(k=which, release=st.booleans())
    def is_stopped(self, k: int, release: bool) -> None:
        if callout := self.callout(k):
            if release:
                self._may_let_go(lambda row: row["callout_id"] == callout.pk)
            self.do(
                lambda: callouts.stop(
                    callout, reason="够了", release_accepted=release, by=OFFICER, at=self.at
                )
            )

    @rule(incident=st.integers(0, 1), how=st.sampled_from(["corrected", "corrected", "closed", "withdrawn"]))
    def the_incident_is(self, incident: int, how: str) -> None:
        subject = self.incident(incident)
        match how:
            case "closed":
                self.do(lambda: closing.close_incident(subject, outcome="处置完毕", by=OFFICER, at=self.at))
            case "withdrawn":
                mine = [pk for pk, row in self.seen.callouts.items() if row["incident_id"] == subject.pk]
                self._may_let_go(lambda row: row["callout_id"] in mine)
                self.do(lambda: closing.withdraw_incident(subject, reason="误报", by=OFFICER, at=self.at))
            case _:
                news = {"address": f"新址 {self.at}", "trapped": subject.trapped + 1}
                self.do(lambda: closing.correct_incident(subject, news, by=OFFICER, at=self.at))

    @rule(k=which)
    def cannot_be_moved_on(self, k: int) -> None:
        if callout := self.callout(k):
            self.do(lambda: callouts.set_aside(callout.pk, at=self.at))

    @rule(k=which)
    def a_stray_nudge_comes(self, k: int) -> None:
        """Nothing that is not due happens, however often a worker looks."""
        if (callout := self.callout(k)) is None:
            return
        is_due = callout.status == C.OPEN and callout.next_step_at <= self.at
        before = None if is_due else everything(self.tables)
        self.do(lambda: callouts.advance(callout.pk, at=self.at), a_moment_later=False)
        assert before is None or everything(self.tables) == before

    @precondition(lambda self: any(self._is_due(row) for row in self.seen.callouts.values()))
    @rule()
    def what_is_due_moves_on(self) -> None:
        self.do(sender._advance_due)
        if not self.fate.is_sealed and not self.died:
            before = everything(self.tables)
            self.do(sender._advance_due, a_moment_later=False)
            assert everything(self.tables) == before, "a second look at the same moment did something"

    @rule(k=which)
    def a_window_closes(self, k: int) -> None:
        """Of one who is waited for; whoever looks first does what is due then."""
        if (pk := self.pick(self._with_status(S.ASKED), k)) is None:
            return
        asked = self.seen.invitations[pk]
        window = POLICIES[self.seen.callouts[asked["callout_id"]]["policy_code"]].answer_within
        self._pass(max(timedelta(milliseconds=1), asked["asked_at"] + window - self.at))
        self.what_is_due_moves_on()

    # Answers

    @rule(k=which, reply=st.sampled_from(Reply), source=st.sampled_from(AnswerSource))
    def somebody_answers(self, k: int, reply: Reply, source: AnswerSource) -> None:
        if (pk := self.pick(self.seen.invitations, k)) is not None:
            self.answer(pk, Answer(reply, source))

    @rule(k=which, reply=st.sampled_from([Reply.ACCEPT, Reply.ACCEPT, Reply.DECLINE]))
    def one_who_was_asked_answers(self, k: int, reply: Reply) -> None:
        if (pk := self.pick(self._with_status(S.ASKED), k)) is not None:
            self.answer(pk, Answer(reply, AnswerSource.LINK))

    @rule(k=which, backwards=st.booleans())
    def one_who_is_asked_in_two_places_says_yes_to_both(self, k: int, backwards: bool) -> None:
        """They are in one place only, whichever yes comes first."""
        asked = defaultdict(list)
        for pk, row in self._with_status(S.ASKED, S.LAPSED, S.RESERVE).items():
            if self.seen.is_on_site(row["requirement_id"]):
                asked[seen.who(row)].append(pk)
        if (both := self.pick({who: pks for who, pks in asked.items() if len(pks) > 1}, k)) is not None:
            for pk in reversed(asked[both]) if backwards else asked[both]:
                self.answer(pk, Answer(Reply.ACCEPT, AnswerSource.LINK))

    @rule(k=which)
    def the_same_answer_comes_again(self, k: int) -> None:
        """From a second tap, a repeated SMS, a client that never saw our answer."""
        good = {
            pk for pk, (said, came_to) in self.said.items() if _expected(self.seen, pk, said.reply) is came_to
        }
        if (pk := self.pick(good, k)) is None or self.fate.is_sealed:
            return
        before = everything(self.tables)
        self.answer(pk, self.said[pk][0])
        assert everything(self.tables) == before, "the same answer again has changed something"

    @rule(k=which)
    def one_who_accepted_withdraws(self, k: int) -> None:
        if (pk := self.pick(self._with_status(S.ACCEPTED), k)) is None:
            return
        before = self.seen
        self._forget(pk)
        said = self.do(
            lambda: answers.withdraw(
                Invitation.objects.get(pk=pk),
                reason="车坏了",
                source=AnswerSource.OFFICER,
                by=OFFICER,
                at=self.at,
            )
        )
        if not self.died:
            assert (said is None) == _may_leave(before, pk), said
            if said is None:
                self.stands[pk] = S.WITHDRAWN

    @precondition(lambda self: self.seen.deployments)
    @rule(k=which, to=st.sampled_from(["depart", "arrive", "release", "report"]))
    def a_deployment_goes_on(self, k: int, to: str) -> None:
        if (pk := self.pick(self.seen.deployments, k)) is None:
            return
        row = Deployment.objects.get(pk=pk)
        who: dict[str, Any] = {"by": SELF, "source": AnswerSource.LINK, "at": self.at}
        steps: dict[str, Callable[[], object]] = {
            "depart": lambda: deployments.depart(row, **who),
            "arrive": lambda: deployments.arrive(row, **who),
            "release": lambda: deployments.release(row, **who),
            "report": lambda: deployments.report(row, "已处置", **who),
        }
        self.do(steps[to])

    def answer(self, pk: int, said: Answer) -> None:
        before, expected = self.seen, _expected(self.seen, pk, said.reply)
        self._forget(pk)
        came_to = self.do(lambda: answers.answer(Invitation.objects.get(pk=pk), said, by=SELF, at=self.at))
        if self.died:
            return
        if isinstance(came_to, Refused):
            assert isinstance(expected, type) and isinstance(came_to, expected), (expected, came_to)
            if (was := S(before.invitations[pk]["status"])) in CERTAIN:
                self.stands[pk] = was
            return
        assert came_to is expected, (expected, came_to)
        self.said[pk] = (said, came_to)
        assert _came_to(self.seen, pk) is came_to
        if (status := S(self.seen.invitations[pk]["status"])) in CERTAIN:
            self.stands[pk] = status
        if request := Callout.objects.get(invitations=pk).guidance_request:
            self.do(lambda: guidance.follow(request, by=SELF, at=self.at))

    # Workers

    @rule(
        slots=st.integers(1, 12),
        moods=st.lists(st.sampled_from([Mood.TAKES, Mood.TAKES, Mood.TAKES, *Mood]), min_size=1, max_size=4),
    )
    def a_worker_takes_a_turn(self, slots: int, moods: list[Mood]) -> None:
        """From the claim to the record, as nearly all of them do."""
        before = len(self.flights)
        self.a_worker_claims(slots)
        for number, flight in enumerate(self.flights[before:]):
            self._send(flight, moods[number % len(moods)])
            self._record(flight)

    @rule(slots=st.integers(1, 6))
    def a_worker_claims(self, slots: int) -> None:
        self._pass(timedelta(milliseconds=1))
        before = self.seen
        claimed = self.do(
            lambda: deliveries.claim(slots=slots, holder=self.worker, at=self.at), a_moment_later=False
        )
        if self.died:
            return
        assert len(claimed) <= slots
        for one in claimed:
            self._check_claim(one, before)
            provider = self.centre.providers.get(one.channel)
            self.flights.append(Flight(one, self.at, provider.calls if provider else 0))

    def _check_claim(self, one: Claimed, before: Seen) -> None:
        lease = (one.delivery_id, one.lease_no)
        assert lease not in self.leases, "one lease to two workers"
        self.leases.add(lease)
        was, row = before.messages[one.delivery_id], self.seen.messages[one.delivery_id]
        assert row["status"] == D.LEASED and row["lease_until"] > self.at
        assert was["status"] in UNSENT and was["due_at"] <= self.at < was["expires_at"]
        assert was["lease_until"] is None or was["lease_until"] < self.at, "leased before the lease was over"
        if was["purpose"] == Purpose.ASK:
            invitation = self.seen.invitations[was["invitation_id"]]
            assert invitation["status"] == S.ASKED, "a message to who is not asked any more"
            callout = self.seen.callouts[invitation["callout_id"]]
            assert callout["status"] != C.CLOSED
            assert not callout["paused"], "a message while nobody is to be asked further"
        if self.centre.providers[one.channel].taken.get(one.message.reference):
            assert one.look_up_first, "sent again without asking whether it is out"
            assert one.message.text.startswith(MAYBE_DUPLICATE)

    @precondition(lambda self: any(flight.outcome is None for flight in self.flights))
    @rule(k=which, mood=st.sampled_from(Mood), is_mute=st.booleans())
    def the_message_goes_over_the_wire(self, k: int, mood: Mood, is_mute: bool) -> None:
        waiting = [flight for flight in self.flights if flight.outcome is None]
        self._send(waiting[k % len(waiting)], mood, is_mute=is_mute and mood is not Mood.TAKES)

    def _send(self, flight: Flight, mood: Mood, *, is_mute: bool = False) -> None:
        one = flight.claimed
        provider = self.centre.providers[one.channel]
        provider.mood, provider.is_mute = mood, is_mute
        row, reference = self.seen.messages[one.delivery_id], one.message.reference
        known = list(provider.taken.get(reference, ()))
        flight.outcome = sender.send(one)
        again = provider.taken.get(reference, [])[len(known) :]
        assert len(again) <= 1
        if not (known and again):
            return
        overslept = (
            row["lease_no"] != one.lease_no or row["status"] != D.LEASED or row["lease_until"] <= self.at
        )
        assert overslept or not provider.looks_up or is_mute, (
            "sent twice although the provider could be asked"
        )
        claimed_since = any(call.turn <= flight.turn for call in known)
        assert not claimed_since or one.message.text.startswith(MAYBE_DUPLICATE), "not marked 可能重复"

    @precondition(lambda self: any(flight.outcome for flight in self.flights))
    @rule(k=which, again=st.booleans())
    def the_outcome_is_recorded(self, k: int, again: bool) -> None:
        done = [flight for flight in self.flights if flight.outcome]
        flight = done[k % len(done)]
        self._record(flight)
        if again and not self.died and not self.fate.is_sealed:
            before = Seen.now(self.tables)
            self.do(lambda: deliveries.record(flight.claimed, flight.outcome, at=self.at))
            assert Seen.now(self.tables) == before, "the same outcome twice has changed something"

    def _record(self, flight: Flight) -> None:
        self.flights.remove(flight)
        if self.at - flight.claimed_at > RECORDED_WITHIN:
            self.stamps_lie = True
        was = self.seen.messages[flight.claimed.delivery_id]
        self.do(lambda: deliveries.record(flight.claimed, flight.outcome, at=self.at))
        now = self.seen.messages[flight.claimed.delivery_id]
        if not self.died and was["status"] == D.LEASED and was["lease_no"] == flight.claimed.lease_no:
            match flight.outcome:
                case Ambiguous():
                    assert now["status"] == D.UNKNOWN, "given up although it may not be out"
                case Rejected(permanent=permanent):
                    assert now["status"] == (D.FAILED if permanent else D.PENDING)
                case _:
                    assert now["status"] == D.SENT

    @precondition(lambda self: self.flights)
    @rule(k=which)
    def a_worker_is_killed(self, k: int) -> None:
        self.flights.pop(k % len(self.flights))

    @precondition(lambda self: any(row["status"] == D.LEASED for row in self.seen.messages.values()))
    @rule()
    def the_one_process_is_started_again(self) -> None:
        self.flights.clear()
        self.worker = uuid.UUID(int=self.worker.int + 1)
        self.do(lambda: deliveries.void_leases(of_others_than=self.worker, at=self.at))

    @rule(commits_left=st.integers(1, 3), commits_it=st.booleans())
    def the_next_operation_dies(self, commits_left: int, commits_it: bool) -> None:
        self.fate.seal(commits_left=commits_left, commits_it=commits_it)

    # What providers report

    @rule(
        k=which,
        delivered=st.booleans(),
        sequence=st.integers(0, 3),
        by_reference=st.booleans(),
        is_true=st.booleans(),
    )
    def a_receipt_comes(
        self, k: int, delivered: bool, sequence: int, by_reference: bool, is_true: bool
    ) -> None:
        out = [row for row in self.seen.messages.values() if not is_true or self._calls(row)]
        if not out:
            return
        row = out[k % len(out)]
        calls = self._calls(row)
        self.receipts.append(
            (
                row["channel"],
                Receipt(
                    f"r{len(self.receipts)}",
                    delivered,
                    "" if delivered else "关机",
                    reference=row["public_id"] if by_reference or not calls else None,
                    message_id=calls[0].message_id if calls else "",
                    sequence=sequence,
                ),
            )
        )
        self._take(*self.receipts[-1])

    @precondition(lambda self: self.receipts)
    @rule(k=which)
    def a_receipt_comes_again(self, k: int) -> None:
        if self.fate.is_sealed:
            return
        channel, receipt = self.receipts[k % len(self.receipts)]
        if not Inbound.objects.filter(event_id__endswith=receipt.event_id).exists():
            return self._take(channel, receipt)  # the first time we died over it
        before = everything(self.tables)
        self._take(channel, receipt)
        assert everything(self.tables) == before, "the same receipt again has changed something"

    def _take(self, channel: str, receipt: Receipt) -> None:
        before = self.seen
        taken = self.do(lambda: receipts.take(channel, receipt, at=self.at))
        if taken is None or taken.delivery_id is None:
            return
        was, now = before.messages[taken.delivery_id], self.seen.messages[taken.delivery_id]
        if not was["lease_no"]:
            assert was == now, "a receipt for what was never sent has changed it"
            return
        if receipt.delivered:
            assert now["delivered_at"] and now["status"] in (D.DELIVERED, D.CANCELLED)
        else:
            assert now["status"] in (D.FAILED, D.DELIVERED, D.CANCELLED)

    @rule(
        k=which,
        text=st.sampled_from(["1", "2", "3", "能参加", "不能参加", "收到", "可以吗？"]),
        by_reference=st.booleans(),
        again=st.booleans(),
    )
    def somebody_writes_back(self, k: int, text: str, by_reference: bool, again: bool) -> None:
        out = [row for row in self.seen.messages.values() if row["channel"] == "sms" and self._calls(row)]
        if not out:
            return
        row = out[k % len(out)]
        self.replies += 1
        reply = ReplyReceived(
            f"m{self.replies}", row["address"], text, reference=row["public_id"] if by_reference else None
        )
        self._hear(reply)
        if again and not self.died:
            before = everything(self.tables)
            self._hear(reply)
            assert everything(self.tables) == before, "the same reply again has changed something"

    def _hear(self, reply: ReplyReceived) -> None:
        before, stood, said = self.seen, dict(self.stands), dict(self.said)
        theirs = {row["invitation_id"] for row in before.messages.values() if row["address"] == reply.address}
        for pk in theirs:
            self._forget(pk)
        inbound = self.do(
            lambda: replies.take(self.centre.providers["sms"], reply, at=self.at), a_moment_later=False
        )
        if self.died:
            return
        answered = inbound.invitation_id if inbound and inbound.result == InboundResult.ANSWERED else None
        for pk in theirs - {answered}:
            if pk in stood:
                self.stands[pk] = stood[pk]
            if pk in said:
                self.said[pk] = said[pk]
        if answered is not None:
            assert before.invitations[answered]["asked_at"], "an answer of somebody who was not asked"
            meant = Reply(self.seen.invitations[answered]["reply"])
            assert _expected(before, answered, meant) is _came_to(self.seen, answered)
            if (status := S(self.seen.invitations[answered]["status"])) in CERTAIN:
                self.stands[answered] = status

    def _calls(self, row: dict[str, Any]) -> list[Call]:
        """Return how often a message came in at its provider."""
        provider = self.centre.providers.get(row["channel"])
        return provider.taken.get(row["public_id"], []) if provider else []

    @rule(what=st.sampled_from(["expire", "look", "catch_up", "seal", "follow"]))
    def the_house_is_kept(self, what: str) -> None:
        chores: dict[str, Callable[[], object]] = {
            "expire": lambda: deliveries.expire(at=self.at),
            "look": lambda: watch.look(at=self.at),
            "catch_up": lambda: receipts.catch_up(at=self.at),
            "seal": lambda: audit.seal(),
            "follow": lambda: guidance.catch_up(at=self.at),
        }
        self.do(chores[what])

    @rule(code=st.sampled_from(["voice", "mail"]))
    def a_channel_is_taken_out_or_put_back(self, code: str) -> None:
        provider = self.centre.providers[code]
        if provider in self.centre.installed:
            self.centre.installed.remove(provider)
        else:
            self.centre.installed.append(provider)

    # The clock

    @rule(seconds=st.sampled_from([1, 5, 30, 46, 61, 120]))
    def a_little_time_passes(self, seconds: int) -> None:
        self._pass(timedelta(seconds=seconds))

    @rule(minutes=st.sampled_from([4, 10, 31, 120, 60 * 24]))
    def time_passes(self, minutes: int) -> None:
        self._pass(timedelta(minutes=minutes))

    @rule(seconds=st.sampled_from([-30, -30, 3600]))
    def the_databases_clock_jumps(self, seconds: int) -> None:
        self.stamps_lie = True
        self._pass(timedelta(seconds=seconds))

    # What holds

    @invariant()
    def nothing_is_broken(self) -> None:
        if not self.is_looked_at:  # after a step without an operation; otherwise it was looked at already
            self._look()
        self.is_looked_at = False

    def _look(self) -> None:
        type(self).states += 1
        if self.tables.writes > self.writes_seen:
            type(self).written += 1
            self.writes_seen = self.tables.writes
        self.is_sound = False
        cannot_be_asked = {"I4.end", "I10.expiry"} if self.stamps_lie else set()
        # What has been found unbroken stays so while time passes; a thing that is late is asked for in the end.
        for one in invariants.INVARIANTS:
            if not one.is_promptness and one.code not in cannot_be_asked:
                broken = self.tables.read(
                    one.code, lambda one=one: list(one.broken(self.latest)), may_be_the_same=True
                )
                assert not broken, f"{one.code} {one.words.en}: {broken}"
        self.is_sound = self.is_looked_at = True

    def all_goes_out_in_the_end(self) -> None:
        """The last faults are over, one healthy worker is left: whatever was due goes out, nothing is stuck."""
        self.flights.clear()
        self.fate.seal(commits_left=0, commits_it=False)
        for _ in range(3):
            self._pass(timedelta(seconds=61))
            self.what_is_due_moves_on()
            while True:
                self.a_worker_claims(32)
                if not self.flights:
                    break
                for flight in list(self.flights):
                    self._send(flight, Mood.TAKES)
                    self._record(flight)
            self.do(lambda: deliveries.expire(at=self.at))
            self.do(lambda: receipts.catch_up(at=self.at))
        assert not [
            place for one in invariants.INVARIANTS if one.is_promptness for place in one.broken(self.at)
        ]
        stuck = [
            row
            for row in self.seen.messages.values()
            if row["status"] in UNSENT
            and row["due_at"] <= self.at
            and (row["lease_until"] is None or row["lease_until"] < self.at)
        ]
        assert not stuck, "a message that is due and does not leave"
        assert not callouts.due(self.at)

    # How a step is taken

    @property
    def at(self) -> datetime:
        return self.centre.clock.moment

    def do(self, operation: Callable[[], Any], *, a_moment_later: bool = True) -> Any:
        """Run one operation, then hold the rows against those before it; return what it said, or refused with."""
        if a_moment_later:
            self._pass(timedelta(milliseconds=1))
        before = everything(self.tables) if self.fate.is_sealed and self.fate.commits_left == 1 else None
        undone = before is not None and not self.fate.commits_it
        self.died = self.is_sound = self.is_looked_at = False
        try:
            said = operation()
        except Mistake as refused:
            said = refused
        except Died:
            self.died, said = True, None
            assert not undone or everything(self.tables) == before, "half an operation was left behind"
        self.fate.seal(commits_left=0, commits_it=False)
        self._compare()
        self._look()
        return said

    def _compare(self) -> None:
        before, self.seen = self.seen, Seen.now(self.tables)
        seen.check(before, self.seen)
        for pk, status in self.stands.items():
            row = self.seen.invitations[pk]
            assert row["status"] == status, f"the answer of {pk} does not stand: {status} → {row['status']}"
            if status is S.ACCEPTED:
                assert pk in self.seen.seats[row["requirement_id"]] or row["reply"] == Reply.REMOTE
        if self.died:
            self.wanted = {}
        for requirement, holders in self.seen.seats.items():
            assert self.wanted.setdefault(requirement, len(holders)) == len(holders)
        for row in self.seen.messages.values():
            if row["status"] == D.SENT:
                taken = any(one.taken.get(row["public_id"]) for one in self.centre.providers.values())
                assert taken, "marked as sent, and no provider has it"
        recused = [
            row
            for row in self.seen.invitations.values()
            if row["expert_id"] == self.centre.barred.pk
            and self.seen.callouts[row["callout_id"]]["guidance_request_id"]
        ]
        assert not recused, "asked although they have to recuse"

    def _pass(self, by: timedelta) -> None:
        self.latest = max(self.latest, self.centre.clock.move(by))

    def _may_let_go(self, those: Callable[[dict[str, Any]], bool]) -> None:
        for pk, row in self.seen.invitations.items():
            if those(row) and self.stands.get(pk) is S.ACCEPTED:
                self._forget(pk)

    def _is_due(self, callout: dict[str, Any]) -> bool:
        return callout["status"] == C.OPEN and callout["next_step_at"] <= self.at

    @property
    def may_start(self) -> bool:
        live = sum(row["status"] != C.CLOSED for row in self.seen.callouts.values())
        return live < LIVE_CALLOUTS_AT_MOST and len(self.seen.callouts) < 2 * LIVE_CALLOUTS_AT_MOST

    def _with_status(self, *status: InvitationStatus) -> dict[int, dict[str, Any]]:
        return {pk: row for pk, row in self.seen.invitations.items() if row["status"] in status}

    def _forget(self, pk: int) -> None:
        self.stands.pop(pk, None)
        self.said.pop(pk, None)

    def pick(self, rows: Any, k: int) -> Any:
        """Return the k-th key, counted round; None if there is none."""
        keys = sorted(rows)
        return keys[k % len(keys)] if keys else None

    def incident(self, number: int) -> Incident:
        """Return it as it stands now: an object that was kept would remember another story."""
        return Incident.objects.get(pk=self.centre.incidents[number].pk)

    def callout(self, k: int) -> Callout | None:
        pk = self.pick(self.seen.callouts, k)
        return Callout.objects.get(pk=pk) if pk is not None else None

    def _invitees(self, kinds: list[InviteeKind], order: list[int], number: int) -> list[callouts.Invitee]:
        found = []
        for requirement, kind in enumerate(kinds):
            people = self.centre.experts if kind is InviteeKind.EXPERT else self.centre.teams
            mine = [people[place] for place in order if place < len(people)]
            found += [invitee(one, requirement) for one in mine[:number]]
        return found


def _spec(kind: str, seats: int) -> RequirementSpec:
    if kind == "team":
        return RequirementSpec(InviteeKind.TEAM, seats)
    mode = Mode.REMOTE if kind == "remote" else Mode.ONSITE
    return RequirementSpec(InviteeKind.EXPERT, seats, mode=mode, industry=industry())


def _expected(before: Seen, pk: int, reply: Reply) -> Result | type[Refused] | None:
    """Return what an answer has to come to: the rules of `answers` in a form that locks and writes nothing."""
    mine = before.invitations[pk]
    status, callout = S(mine["status"]), before.callouts[mine["callout_id"]]
    if status is S.ACCEPTED and reply == mine["reply"]:
        return Result.SEATED
    if status is S.ACCEPTED and reply is Reply.DECLINE:
        return Result.WITHDRAWN if _may_leave(before, pk) else answers.CannotAnswer
    if status in (S.DECLINED, S.WITHDRAWN) and reply is Reply.DECLINE:
        return _came_to(before, pk)
    if callout["status"] == C.CLOSED:
        return answers.CalloutOver
    if reply is Reply.DECLINE:
        return Result.DECLINED
    if status is S.ACCEPTED and not _may_leave(before, pk):
        return answers.CannotAnswer
    own = before.requirements[mine["requirement_id"]]
    if reply is Reply.ACCEPT or own["mode"] == Mode.REMOTE:
        seats = [mine["requirement_id"]]
    else:
        seats = [
            requirement
            for requirement, row in before.requirements.items()
            if (row["callout_id"], row["kind"], row["mode"]) == (mine["callout_id"], own["kind"], Mode.REMOTE)
        ]
    own_seat = [requirement for requirement in seats if pk in before.seats.get(requirement, [])]
    free = own_seat or [requirement for requirement in seats if before.free(requirement)]
    if not free:
        return Result.RESERVE
    if before.is_on_site(free[0]) and before.is_engaged_elsewhere(pk):
        return answers.AlreadyEngaged
    return Result.SEATED


def _came_to(after: Seen, pk: int) -> Result | None:
    """Return what the status of an invitation says that its answer came to."""
    return {
        S.ACCEPTED: Result.SEATED,
        S.RESERVE: Result.RESERVE,
        S.DECLINED: Result.DECLINED,
        S.WITHDRAWN: Result.WITHDRAWN,
    }.get(S(after.invitations[pk]["status"]))


def _may_leave(before: Seen, pk: int) -> bool:
    there = [row["status"] for row in before.deployments.values() if row["invitation_id"] == pk]
    return all(
        P(status) is P.STOOD_DOWN or (P(status) in OUT and P(status) is not P.ON_SCENE) for status in there
    )
