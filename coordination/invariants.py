"""What must hold in the database of callouts at every moment, whatever was killed, repeated or late.

Reads only. Each invariant finds the rows that break it; nothing found is the proof. `callout_fsck` shows
them, and the fault harness asks them after every schedule. The watch looks every few seconds at the two
that are about promptness only: the others cost more than that is worth.
What no row can show afterwards (one provider call a lease, fairness between incidents, scopes) is
held by constraints and by tests instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, F, OuterRef, Q, Value

from coordination.models import Callout, Delivery, Invitation, Seat, SendIntent, WatchReport
from coordination.paging import (
    ON_THE_WAY,
    OUT,
    POLICIES,
    CalloutStatus,
    DeliveryStatus,
    InvitationStatus,
    Mode,
    Purpose,
)
from ground import audit
from ground.models import AuditEntry
from ground.terms import Words
from incidents import handling
from incidents.models import Incident

# Moments are read before their transaction has its locks; two that are closer say nothing about their order.
SLACK: Final = timedelta(seconds=10)
# So much earlier or later than the watch says may a clock have gone back: it looks now and then only.
BETWEEN_LOOKS: Final = timedelta(seconds=30)
# Beyond this many nobody reads on; the count goes on.
NAMED: Final = 20


@dataclass(frozen=True)
class Invariant:
    """One sentence that must hold. `code` is that of the list in docs/operations.md and never changes.

    `broken` yields the rows that break it, each in words that lead to it. `is_promptness` tells a thing
    that may be true for a moment under load or after a fault from one that must never be.
    """

    code: str
    words: Words
    broken: Callable[[datetime], Iterator[str]]
    is_promptness: bool = False


@dataclass(frozen=True)
class Violation:
    """An invariant that is broken: how often, and the first places."""

    invariant: Invariant
    count: int
    places: tuple[str, ...]


def violations(at: datetime) -> list[Violation]:
    """Return what is broken at `at`; an empty list is a clean database."""
    found = []
    for invariant in INVARIANTS:
        places: list[str] = []
        count = 0
        for place in invariant.broken(at):
            count += 1
            if len(places) < NAMED:
                places.append(place)
        if count:
            found.append(Violation(invariant, count, tuple(places)))
    return found


def _callouts(wrong: Q) -> Iterator[str]:
    rows = Callout.objects.annotate(
        free=Count("requirements__seats", filter=Q(requirements__seats__invitation=None))
    )
    for public_id, status in rows.filter(wrong).values_list("public_id", "status").order_by("pk"):
        yield f"callout {public_id} {status}"


def _invitations(wrong: Q) -> Iterator[str]:
    asks = Delivery.objects.filter(invitation=OuterRef("pk"), purpose=Purpose.ASK)
    rows = Invitation.objects.annotate(
        has_ask=Exists(asks), is_seated=Exists(Seat.objects.filter(invitation=OuterRef("pk")))
    )
    for public_id, status in rows.filter(wrong).values_list("public_id", "status").order_by("pk"):
        yield f"invitation {public_id} {status}"


def _deliveries(wrong: Q) -> Iterator[str]:
    rows = Delivery.objects.annotate(
        was_tried=Exists(SendIntent.objects.filter(delivery=OuterRef("pk"))),
        intents_written=Count("intents"),
    )
    for public_id, status in rows.filter(wrong).values_list("public_id", "status").order_by("pk"):
        yield f"delivery {public_id} {status}"


def _unheard(at: datetime) -> Iterator[str]:
    """Find those who are waited for although every message failed, and no duty officer was told."""
    asks = Delivery.objects.filter(invitation=OuterRef("pk"), purpose=Purpose.ASK)
    alarms = Delivery.objects.filter(callout=OuterRef("callout"), purpose=Purpose.ALARM)
    rows = Invitation.objects.filter(
        Exists(asks),
        ~Exists(asks.exclude(status=DeliveryStatus.FAILED)),
        ~Exists(alarms),
        status=InvitationStatus.ASKED,
        callout__status=CalloutStatus.OPEN,
    )
    for public_id in rows.values_list("public_id", flat=True).order_by("pk"):
        yield f"invitation {public_id}"


def _asked_after_the_end(at: datetime) -> Iterator[str]:
    """Find asks that went to the wire after the callout was over or its invitee had answered."""
    late = SendIntent.objects.filter(delivery__purpose=Purpose.ASK).filter(
        Q(at__gt=F("delivery__callout__closed_at") + SLACK)
        & ~_lived_twice("delivery__callout__closed_at", "at")
        | Q(
            # Who was asked again after an answer is waited for anew.
            delivery__invitation__status__in=[InvitationStatus.ACCEPTED, InvitationStatus.DECLINED],
            delivery__invitation__answered_at__gte=F("delivery__invitation__asked_at"),
            at__gt=F("delivery__invitation__answered_at") + SLACK,
        )
        & ~_lived_twice("delivery__invitation__answered_at", "at")
    )
    for public_id, lease_no in late.values_list("delivery__public_id", "lease_no").order_by("pk"):
        yield f"delivery {public_id} lease {lease_no}"


def _sent_after_expiry(at: datetime) -> Iterator[str]:
    return _deliveries(
        Q(status__in=list(ON_THE_WAY), sent_at__gt=F("expires_at") + timedelta(minutes=2))
        & ~_lived_twice("expires_at", "sent_at")
    )


def _lived_twice(earlier: str, later: str) -> Q:
    """Match rows whose two moments both lie in a time through which a clock that went back has gone twice.

    By such moments nobody can say any more which of the two came first.
    """
    matched = Q(pk__in=[])
    report = WatchReport.objects.filter(pk=1).first()
    for since, until in report.lived_twice() if report else ():
        matched |= Q(**{f"{earlier}__gte": since - BETWEEN_LOOKS, f"{later}__lte": until + BETWEEN_LOOKS})
    return matched


def _seats_of_others(at: datetime) -> Iterator[str]:
    wrong = Seat.objects.exclude(invitation=None).exclude(
        invitation__status=InvitationStatus.ACCEPTED,
        requirement__callout=F("invitation__callout"),
    )
    for number, public_id in wrong.values_list("number", "invitation__public_id").order_by("pk"):
        yield f"seat {number} of invitation {public_id}"


def _in_two_places(at: datetime) -> Iterator[str]:
    """Find who is out, or about to be, on two sites; by seats and deployments, whatever `exclusive` says."""
    on_site = Seat.objects.filter(
        requirement__mode=Mode.ONSITE,
        requirement__callout__incident__isnull=False,
        invitation__deployment__status__in=list(OUT),
    ).order_by()
    for kind in ("expert", "team"):
        who = f"invitation__{kind}__public_id"
        counted = on_site.exclude(**{f"invitation__{kind}": None}).values(who).annotate(places=Count("pk"))
        for row in counted.filter(places__gt=1).order_by(who):
            yield f"{kind} {row[who]} in {row['places']} places"


def _lapsed_early(at: datetime) -> Iterator[str]:
    for code, policy in POLICIES.items():
        early = Invitation.objects.filter(
            status=InvitationStatus.LAPSED,
            callout__policy_code=code,
            asked_at__gt=Value(at - policy.answer_within + SLACK) - F("held_for"),
        )
        for public_id in early.values_list("public_id", flat=True).order_by("pk"):
            yield f"invitation {public_id}"


def _without_audit(at: datetime) -> Iterator[str]:
    """Find callouts and acceptances of which the audit trail does not say who did it."""
    for action, ids in (
        ("callout.start", Callout.objects.values_list("public_id", flat=True)),
        (
            "invitation.accept",
            Invitation.objects.filter(status=InvitationStatus.ACCEPTED).values_list("public_id", flat=True),
        ),
    ):
        said = set(AuditEntry.objects.filter(action=action).values_list("object_id", flat=True))
        for public_id in ids.iterator():
            if str(public_id) not in said:
                yield f"{action} {public_id}"


def _broken_chains(at: datetime) -> Iterator[str]:
    if (entry := audit.first_broken()) is not None:
        yield f"audit {entry.seq}"
    for incident in Incident.objects.order_by("pk").iterator():
        if (line := handling.first_broken_line(incident)) is not None:
            yield f"log {incident.number} {line.seq}"


def _overdue_callouts(at: datetime) -> Iterator[str]:
    for public_id, status in Callout.objects.overdue(at).values_list("public_id", "status").order_by("pk"):
        yield f"callout {public_id} {status}"


def _overdue_deliveries(at: datetime) -> Iterator[str]:
    for public_id, status in Delivery.objects.overdue(at).values_list("public_id", "status").order_by("pk"):
        yield f"delivery {public_id} {status}"


def _always(find: Callable[[Q], Iterator[str]], wrong: Q) -> Callable[[datetime], Iterator[str]]:
    return lambda _at: find(wrong)


INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "I1.next_step",
        Words("通知中的通知应答都有下一步时间", "every open callout has a next moment"),
        _always(_callouts, Q(status=CalloutStatus.OPEN, next_step_at=None)),
    ),
    Invariant(
        "I1.message",
        Words("待答的对象都有一条通知", "everybody who is asked has a message"),
        _always(_invitations, Q(status=InvitationStatus.ASKED, has_ask=False)),
    ),
    Invariant(
        "I1.unheard",
        Words(
            "通知全部失败的对象，值班员已收到告警",
            "a duty officer was told of everybody whose messages all failed",
        ),
        _unheard,
    ),
    Invariant(
        "I1.reason",
        Words("失败和取消的消息都写明原因", "every failed or cancelled message says why"),
        _always(_deliveries, Q(status__in=[DeliveryStatus.FAILED, DeliveryStatus.CANCELLED], reason="")),
    ),
    Invariant(
        "I2.intent",
        Words(
            "发出的消息都先写了发送意图，每次租约至多一条",
            "nothing was sent without an intent, one a lease at most",
        ),
        _always(
            _deliveries,
            Q(status__in=list(ON_THE_WAY), was_tried=False) | Q(intents_written__gt=F("lease_no")),
        ),
    ),
    Invariant(
        "I3.seats",
        Words(
            "每个席位都属于本次通知应答中已接受的对象",
            "every taken seat is held by somebody who accepted, of the same callout",
        ),
        _seats_of_others,
    ),
    Invariant(
        "I3.accepted",
        Words("已接受的对象都有席位", "everybody who accepted has a seat"),
        _always(_invitations, Q(status=InvitationStatus.ACCEPTED, is_seated=False)),
    ),
    Invariant(
        "I3.places",
        Words("没有人同时占用两处现场席位", "nobody is on two sites at once"),
        _in_two_places,
    ),
    Invariant(
        "I3.filled",
        Words(
            "已满员的没有空席位，通知中的还有空席位", "what is filled has no free seat, what is open has one"
        ),
        _always(
            _callouts,
            Q(status=CalloutStatus.FILLED, free__gt=0) | Q(status=CalloutStatus.OPEN, free=0),
        ),
    ),
    Invariant(
        "I4.end",
        Words("结束或答复之后不再发通知", "nobody is asked after the end or after an answer"),
        _asked_after_the_end,
    ),
    Invariant(
        "I6.record",
        Words("已发的消息有发出时间和通道编号", "what was sent has its moment and the channel's id"),
        _always(
            _deliveries,
            Q(status=DeliveryStatus.SENT) & (Q(sent_at=None) | Q(provider_message_id=""))
            | Q(status=DeliveryStatus.DELIVERED, delivered_at=None),
        ),
    ),
    Invariant(
        "I8.window",
        Words("答复时限未到，不算超时", "nobody lapses before the window has closed"),
        _lapsed_early,
    ),
    Invariant(
        "I9.audit",
        Words("发起和接受都有审计记录", "every callout and every acceptance stands in the audit trail"),
        _without_audit,
    ),
    Invariant(
        "I9.chain",
        Words("审计记录和事件日志未被改动", "the audit trail and the incidents' logs are whole"),
        _broken_chains,
    ),
    Invariant(
        "I10.expiry",
        Words("过了有效时间的消息没有发出", "nothing was sent after it had expired"),
        _sent_after_expiry,
    ),
    Invariant(
        "L.callouts",
        Words("没有逾期 30 秒仍未推进的通知应答", "no callout is more than 30 s overdue"),
        _overdue_callouts,
        is_promptness=True,
    ),
    Invariant(
        "L.deliveries",
        Words("没有逾期 60 秒仍未发出的消息", "no message is more than 60 s overdue"),
        _overdue_deliveries,
        is_promptness=True,
    ),
)
