"""Judges a schedule when it is over: the database against the provider's log and against what callers were told.

Whatever is found is a sentence with the rows in it. The invariants that the product itself checks
(`callout_fsck`) are asked first; here stands what only somebody who has seen the outside can know.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from coordination import deliveries, invariants, outgoing
from coordination.models import (
    Callout,
    Delivery,
    Inbound,
    Invitation,
    Requirement,
    Seat,
    SendIntent,
)
from coordination.models.deliveries import SendOutcome
from coordination.paging import (
    ON_THE_WAY,
    OUT,
    UNSENT,
    CalloutStatus,
    DeliveryStatus,
    InvitationStatus,
    Mode,
    Purpose,
)
from ground import clock
from incidents.models import LogEntry
from tests.faults.schedules import Schedule

# A deadlock, a time-out of a lock: the caller sees an error page. Nothing here may cause one.
LISTED_ERRORS = 10


@dataclass
class Found:
    """What is wrong, and the figures of the schedule."""

    findings: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)


@dataclass
class _Evidence:
    schedule: Schedule
    at: datetime
    ledger: Sequence[Mapping[str, Any]]
    calls: Counter[str]
    texts: Mapping[str, list[str]]  # of what the provider has taken, by our reference
    refused: set[str]
    unsure: set[str]  # references of which the provider could not say whether it has them
    deliveries: Mapping[int, Delivery]
    intents: Mapping[int, list[SendIntent]]
    invitations: Mapping[int, Invitation]
    callouts: Mapping[int, Callout]
    operations: list[_Operation]

    def taken(self, delivery: Delivery) -> int:
        return len(self.texts.get(str(delivery.public_id), ()))

    def asks(self, invitation: Invitation) -> list[Delivery]:
        return [
            one
            for one in self.deliveries.values()
            if one.invitation_id == invitation.pk and one.purpose == Purpose.ASK
        ]


@dataclass(frozen=True)
class _Operation:
    """Something that somebody asked for: from when until when, and what they were told (None: nothing)."""

    who: str
    does: str
    about: int | None
    address: str
    began: float
    ended: float | None
    result: str | None


def judge(
    schedule: Schedule,
    *,
    is_quiet: bool,
    stretch: float,
    ledger: Sequence[Mapping[str, Any]],
    provider_log: Sequence[Mapping[str, Any]],
    started: int,
) -> Found:
    """Return what is wrong now that everybody is gone and the clock stands still."""
    evidence = _evidence(schedule, ledger, provider_log)
    findings = [
        *_not_done(evidence, is_quiet),
        *_broken_invariants(evidence, stretch),
        *_lost(evidence),
        *_unlicensed(evidence),
        *_twice(evidence),
        *_over_filled(evidence),
        *_answers_lost(evidence),
        *_callouts_forgotten(evidence),
        *_lapsed_early(evidence),
        *_receipts_lost(evidence),
        *_errors(evidence),
    ]
    figures = _figures(evidence, findings)
    figures["processes"] = started
    return Found(findings, figures)


def _evidence(
    schedule: Schedule, ledger: Sequence[Mapping[str, Any]], log: Sequence[Mapping[str, Any]]
) -> _Evidence:
    texts: dict[str, list[str]] = defaultdict(list)
    intents: dict[int, list[SendIntent]] = defaultdict(list)
    for entry in log:
        if entry["kind"] == "accepted":
            texts[entry["reference"]].append(entry["text"])
    for intent in SendIntent.objects.order_by("lease_no"):
        intents[intent.delivery_id].append(intent)
    return _Evidence(
        schedule=schedule,
        at=clock.now(),
        ledger=ledger,
        calls=Counter(entry["reference"] for entry in log if entry["kind"] == "call"),
        texts=texts,
        refused={e["reference"] for e in log if e["kind"] == "call" and e["fault"] == "refuse"},
        unsure={e["reference"] for e in log if e["kind"] == "look_up" and e["found"] == "failed"},
        deliveries=Delivery.objects.select_related("invitation").in_bulk(),
        intents=intents,
        invitations=Invitation.objects.select_related("expert", "callout", "requirement").in_bulk(),
        callouts=Callout.objects.in_bulk(),
        operations=list(_operations(ledger)),
    )


def _operations(ledger: Sequence[Mapping[str, Any]]) -> Iterator[_Operation]:
    done = {entry["op"]: entry for entry in ledger if entry["kind"] == "done"}
    for entry in ledger:
        if entry["kind"] == "begun":
            end = done.get(entry["op"])
            yield _Operation(
                who=entry["who"],
                does=entry["does"],
                about=entry.get("invitation", entry.get("callout")),
                address=entry.get("address", ""),
                began=entry["at"],
                ended=end["at"] if end else None,
                result=end["result"] if end else None,
            )


# --- liveness -----------------------------------------------------------------------------------------


def _not_done(e: _Evidence, is_quiet: bool) -> Iterator[str]:
    if not is_quiet:
        late = [
            f"{one.public_id} {one.status}"
            for one in e.deliveries.values()
            if one.status in UNSENT and one.due_at <= e.at
        ]
        steps = [f"callout {one.pk}" for one in Callout.objects.due(e.at)]
        yield f"LOST not finished by a healthy sender: {(late + steps)[:5]}"
    wanted = len(e.schedule.callouts)
    acknowledged = sum(
        one.does == "start" and one.result is not None and not one.result.startswith("refused")
        for one in e.operations
    )
    if len(e.callouts) != wanted or acknowledged != wanted:
        yield f"LOST {wanted} callouts planned, {acknowledged} acknowledged, {len(e.callouts)} there"


def _broken_invariants(e: _Evidence, stretch: float) -> Iterator[str]:
    # Moments are read before a lock is waited for, and a wait of ours is a hundred of the product's.
    invariants.SLACK = timedelta(seconds=e.schedule.speed * stretch)  # type: ignore[misc]
    for violation in invariants.violations(e.at):
        if violation.invariant.code == "I10.expiry":
            continue  # asked more exactly below, by the intents
        yield f"{violation.invariant.code} {violation.invariant.words.en}: {violation.places[:3]}"
    for one in e.deliveries.values():
        if late := [intent for intent in e.intents[one.pk] if intent.at >= one.expires_at]:
            yield f"I10 {one.public_id} was to be sent {late[0].at - one.expires_at} after it had expired"


# --- messages -----------------------------------------------------------------------------------------


def _lost(e: _Evidence) -> Iterator[str]:
    for one in e.deliveries.values():
        if one.status in ON_THE_WAY and not e.taken(one):
            yield f"LOST {one.public_id} is {one.status}, the provider never had it"
        if one.status == DeliveryStatus.FAILED:
            if not _has_cause(e, one):
                yield f"LOST {one.public_id} has failed without a cause: {one.reason}"
            elif not _was_followed_up(e, one):
                yield f"LOST {one.public_id} has failed ({one.reason}), and nothing came of it: {_beside(e, one)}"
    for invitation in e.invitations.values():
        if invitation.asked_at is None:
            continue
        asks = e.asks(invitation)
        if not asks:
            yield f"LOST invitation {invitation.public_id} was asked without a message"
        elif invitation.status == InvitationStatus.ASKED and all(
            one.status == DeliveryStatus.CANCELLED for one in asks
        ):
            yield f"LOST invitation {invitation.public_id} is waited for, its messages are cancelled"
        if invitation.status == InvitationStatus.STOOD_DOWN and any(e.taken(one) for one in asks):
            told = [
                one
                for one in e.deliveries.values()
                if one.invitation_id == invitation.pk and one.purpose == Purpose.STAND_DOWN
            ]
            if not told:
                yield f"LOST invitation {invitation.public_id} was stood down and not told"


def _has_cause(e: _Evidence, one: Delivery) -> bool:
    intents = e.intents[one.pk]
    unclear = sum(intent.outcome in ("", SendOutcome.AMBIGUOUS) for intent in intents)
    return (
        str(one.public_id) in e.refused
        or one.reason == outgoing.NO_CONTACT
        or one.expires_at <= e.at
        or unclear >= deliveries.POISONOUS
        or Inbound.objects.filter(delivery=one, body__delivered=False).exists()
    )


def _was_followed_up(e: _Evidence, one: Delivery) -> bool:
    """Say whether a failure led to another message, to an alarm, or to nothing because nothing hangs on it."""
    if one.invitation is None:
        return True
    invitation = e.invitations[one.invitation.pk]
    later = any(
        other.invitation_id == one.invitation_id
        and other.purpose == one.purpose
        and (
            other.attempt > one.attempt
            or other.status not in (DeliveryStatus.FAILED, DeliveryStatus.CANCELLED)
        )
        for other in e.deliveries.values()
        if other.pk != one.pk
    )
    alarmed = any(
        other.purpose == Purpose.ALARM
        and other.callout_id == one.callout_id
        and one.recipient in other.subject + other.text
        for other in e.deliveries.values()
    )
    has_answered = one.purpose == Purpose.ASK and invitation.status in (
        InvitationStatus.ACCEPTED,
        InvitationStatus.DECLINED,
        InvitationStatus.WITHDRAWN,
        InvitationStatus.RESERVE,
        InvitationStatus.STOOD_DOWN,
    )
    return later or alarmed or has_answered


def _beside(e: _Evidence, one: Delivery) -> str:
    """Say what else the same recipient was to be sent."""
    others = [
        f"{other.purpose} {other.attempt} {other.status} {other.reason}"
        for other in e.deliveries.values()
        if other.invitation_id == one.invitation_id
    ]
    status = e.invitations[one.invitation_id].status if one.invitation_id else "a user"
    return f"{one.purpose} {one.attempt} to somebody {status}, {others}"


def _unlicensed(e: _Evidence) -> Iterator[str]:
    known = {str(one.public_id): one for one in e.deliveries.values()}
    for reference, calls in e.calls.items():
        if reference not in known:
            yield f"UNLICENSED {calls} calls for {reference}, which the database does not know"
        elif calls > len(e.intents[known[reference].pk]):
            yield f"UNLICENSED {calls} calls for {reference}, {len(e.intents[known[reference].pk])} intents"


def _twice(e: _Evidence) -> Iterator[str]:
    for one in e.deliveries.values():
        reference = str(one.public_id)
        extra = e.texts.get(reference, [])[1:]
        if not extra:
            continue
        unclear = _unclear_when_sent_again(e.intents[one.pk])
        if e.schedule.memory == "idempotent" or (
            e.schedule.memory == "look_up" and reference not in e.unsure
        ):
            yield f"TWICE {reference} was taken {1 + len(extra)} times by a provider that can be asked"
        elif len(extra) > unclear:
            yield f"TWICE {reference} was taken {1 + len(extra)} times, {unclear} outcomes were unclear"
        elif not all(text.startswith(deliveries.MAYBE_DUPLICATE) for text in extra):
            yield f"TWICE {reference} went out again without saying so"
        elif not one.maybe_duplicate:
            yield f"TWICE {reference} went out again, and its row does not say so"


def _unclear_when_sent_again(intents: Sequence[SendIntent]) -> int:
    """Count the attempts of which nobody knew the end, or not yet: a sender that is slow outlives its lease."""
    return sum(
        one.outcome in ("", SendOutcome.AMBIGUOUS)
        or one.finished_at is None
        or any(later.lease_no > one.lease_no and later.at <= one.finished_at for later in intents)
        for one in intents
    )


# --- seats and answers --------------------------------------------------------------------------------


def _over_filled(e: _Evidence) -> Iterator[str]:
    for requirement in Requirement.objects.annotate(all_seats=Count("seats")):
        accepted = [
            one
            for one in e.invitations.values()
            if one.status == InvitationStatus.ACCEPTED and one.requirement_id == requirement.pk
        ]
        if len(accepted) > requirement.all_seats:
            yield f"OVER-FILLED requirement {requirement.pk}: {len(accepted)} for {requirement.all_seats}"
    seated = Counter(Seat.objects.exclude(invitation=None).values_list("invitation", flat=True))
    on_site = Seat.objects.filter(requirement__mode=Mode.ONSITE, requirement__callout__incident__isnull=False)
    out = on_site.filter(invitation__deployment__status__in=list(OUT))
    places = Counter(out.values_list("invitation__expert", flat=True))
    for expert, count in places.items():
        if count > 1:
            yield f"OVER-FILLED expert {expert} is in {count} places"
    for invitation, count in seated.items():
        if count > 1:
            yield f"OVER-FILLED invitation {invitation} has {count} seats"


_STANDS = {
    "seated": InvitationStatus.ACCEPTED,
    "declined": InvitationStatus.DECLINED,
    "withdrawn": InvitationStatus.WITHDRAWN,
}


def _answers_lost(e: _Evidence) -> Iterator[str]:
    """Find answers that were acknowledged, that nothing later could have changed, and that do not stand."""
    for one in e.operations:
        if not one.who.startswith("person") or one.result not in _STANDS:
            continue
        invitation = e.invitations[one.about or 0]
        if any(_may_have_changed(other, one, invitation) for other in e.operations):
            continue
        if invitation.status != _STANDS[one.result]:
            yield (
                f"ANSWER LOST invitation {invitation.public_id}: {one.who} was told {one.result}, "
                f"it is {invitation.status}"
            )


def _may_have_changed(other: _Operation, one: _Operation, invitation: Invitation) -> bool:
    if other is one or (other.ended is not None and other.ended < one.began):
        return False
    if other.who == "officer":
        stops = other.does == "stop_all" or (other.does == "stop" and one.result != "seated")
        return stops
    if other.does == "reply":
        return other.address in {contact.value for contact in invitation.invitee.contacts.all()}
    return other.about == invitation.pk and other.does != one.does


# --- callouts -----------------------------------------------------------------------------------------


def _callouts_forgotten(e: _Evidence) -> Iterator[str]:
    for callout in e.callouts.values():
        rows = [one for one in e.invitations.values() if one.callout_id == callout.pk]
        waiting = [one for one in rows if one.status == InvitationStatus.ASKED]
        where = f"callout {callout.pk} ({callout.status})"
        match CalloutStatus(callout.status):
            case CalloutStatus.OPEN if not callout.paused:
                if not waiting:
                    yield f"LOST {where} waits for nobody"
                elif e.schedule.to_the_end:
                    yield f"LOST {where} is not at its end although every window has passed"
            case CalloutStatus.EXHAUSTED:
                if waiting:
                    yield f"LOST {where} still waits for {[one.pk for one in waiting]}"
                alarms = [
                    one
                    for one in e.deliveries.values()
                    if one.callout_id == callout.pk
                    and one.purpose == Purpose.ALARM
                    and one.subject.startswith("人选用尽")
                ]
                if not alarms:
                    yield f"LOST {where} and nobody was told"
            case CalloutStatus.FILLED | CalloutStatus.CLOSED:
                if waiting:
                    yield f"LOST {where} still waits for {[one.pk for one in waiting]}"
            case _:
                pass


def _lapsed_early(e: _Evidence) -> Iterator[str]:
    """Find whom we stopped waiting for before their window had closed; the log says when that was."""
    lapses = defaultdict(list)
    for line in LogEntry.objects.filter(text__contains=" 超时未答复"):
        lapses[line.incident_id, line.text.partition(" 超时未答复")[0]].append(line.at)
    for one in e.invitations.values():
        if one.status != InvitationStatus.LAPSED or one.asked_at is None:
            continue
        ends = one.asked_at + one.callout.policy.answer_within + one.held_for
        moments = lapses[one.callout.incident_id, one.invitee.name]
        if not moments:
            yield f"LOST invitation {one.public_id} lapsed without a line in the log"
        elif max(moments) < ends:
            yield f"EARLY invitation {one.public_id} lapsed {ends - max(moments)} before its time"


# --- receipts -----------------------------------------------------------------------------------------


def _receipts_lost(e: _Evidence) -> Iterator[str]:
    by_reference = {str(one.public_id): one for one in e.deliveries.values()}
    kept = Counter(Inbound.objects.values_list("event_id", flat=True))
    for event, count in kept.items():
        if count > 1:
            yield f"TWICE {event} was taken {count} times"
    for entry in e.ledger:
        if entry["kind"] != "done" or entry.get("does") not in ("receipt", "reply"):
            continue
        if f"{entry['does']}:{entry['event']}" not in kept:
            yield f"ANSWER LOST {entry['does']} {entry['event']} was acknowledged and is not there"
        one = by_reference.get(entry.get("reference", ""))
        if one and entry["delivered"] and one.delivered_at is None:
            yield f"ANSWER LOST receipt {entry['event']} says delivered, the message does not"


# --- what the product itself calls an error ------------------------------------------------------------


def _errors(e: _Evidence) -> Iterator[str]:
    said = Counter(f"{entry['text']}: {entry['why']}"[:300] for entry in e.ledger if entry["kind"] == "error")
    for text, count in said.most_common(LISTED_ERRORS):
        yield f"ERROR {count}× {text}"


def _figures(e: _Evidence, findings: Sequence[str]) -> dict[str, int]:
    taken = sum(len(texts) for texts in e.texts.values())
    return {
        "callouts": len(e.callouts),
        "messages": len(e.deliveries),
        "calls": sum(e.calls.values()),
        "taken": taken,
        "duplicates": sum(max(0, len(texts) - 1) for texts in e.texts.values()),
        "answers_acknowledged": sum(
            one.who.startswith("person") and one.result is not None and not one.result.startswith("refused")
            for one in e.operations
        ),
        "receipts": sum(one.does == "receipt" and one.result is not None for one in e.operations),
        "replies": sum(one.does == "reply" and one.result is not None for one in e.operations),
        "lost": sum(finding.startswith("LOST") for finding in findings),
        "over_filled": sum(finding.startswith("OVER-FILLED") for finding in findings),
        "answers_lost": sum(finding.startswith("ANSWER LOST") for finding in findings),
        "duplicates_wrong": sum(finding.startswith("TWICE") for finding in findings),
        "never_left_in_time": sum(
            one.status == InvitationStatus.LAPSED and not any(e.taken(ask) for ask in e.asks(one))
            for one in e.invitations.values()
        ),
        "filled": sum(one.status == CalloutStatus.FILLED for one in e.callouts.values()),
        "exhausted": sum(one.status == CalloutStatus.EXHAUSTED for one in e.callouts.values()),
    }
