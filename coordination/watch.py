"""The watch: looks every ten seconds whether anything is late, dead or wrong, and says so to people.

It runs in every sender loop, and one of them takes each turn. It decides nothing about callouts; what
it does itself is only to put moments right that a wrong clock has set too far ahead, and to clear away
the rows of dead workers. Nobody who looks at a page has to trust that it runs: a report that is old is
shown as a fault by itself.
"""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Final

from django.db import transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from coordination import channel_checks, deliveries, outgoing
from coordination.announcements import announce
from coordination.ballast import BALLAST
from coordination.models import Callout, Delivery, Invitation, WatchReport, Worker
from coordination.paging import (
    DEAD,
    POLICIES,
    UNSENT,
    CalloutStatus,
    DeliveryStatus,
    InvitationStatus,
    Purpose,
)
from ground.dates import SHANGHAI
from ground.models import Installation
from ground.terms import Term, Words, joined

log = logging.getLogger(__name__)

EVERY: Final = timedelta(seconds=10)
# A report that is older than this says that nobody is watching.
STALE_AFTER: Final = timedelta(seconds=45)
HEARTBEAT_LOST: Final = timedelta(seconds=30)
# So long a worker that is gone without a word is spoken of; then its row is cleared away.
DEAD_SHOWN_FOR: Final = timedelta(minutes=10)
PING_WITHIN_SECONDS: Final = 5
STEPS_KEPT: Final = 100
SKEW_AT_MOST: Final = timedelta(seconds=2)
ALARM_AGAIN_AFTER: Final = timedelta(minutes=30)
# Nothing of ours lies further ahead than the slowest policy's patience.
FARTHEST: Final = max(max(one.answer_within, one.message_valid_for) for one in POLICIES.values()) + timedelta(
    days=1
)


class Fault(Term):
    """What the watch may find wrong, the worst first. The values are the codes of docs/operations.md and never change."""

    NOBODY_WATCHES = "nobody_watches", "发送程序停止", "no sender runs"
    DATABASE_RESTORED = "database_restored", "数据库已恢复到旧状态", "the database was restored"
    DISK_FULL = "disk_full", "磁盘已满", "the disk is full"
    CALLOUTS_OVERDUE = "callouts_overdue", "通知应答逾期", "callouts are overdue"
    DELIVERIES_OVERDUE = "deliveries_overdue", "消息逾期未发", "messages are overdue"
    NOBODY_TO_ALARM = "nobody_to_alarm", "告警无人可收", "nobody can be alarmed"
    ALARMS_UNHEARD = "alarms_unheard", "告警没有送出", "alarms did not get out"
    QUARANTINED = "quarantined", "消息被隔离", "messages were put aside"
    FETCH_FAILED = "fetch_failed", "回复取不回来", "replies cannot be fetched"
    CANARY_FAILED = "canary_failed", "通道自检失败", "a self-check failed"
    WORKER_DEAD = "worker_dead", "发送程序没有心跳", "a sender shows no sign of life"
    CLOCK_SKEW = "clock_skew", "服务器时钟不准", "a server's clock is off"
    CLOCK_JUMPED = "clock_jumped", "数据库时钟倒退", "the database's clock went back"


_SAID: Final[Mapping[Fault, Words]] = {
    Fault.NOBODY_WATCHES: Words(
        "发送程序没有在运行{since}，消息不会发出。请启动 ./run、manage.py sweep 或 Celery worker；急事请直接打电话。",
        "No sender is running{since}, so no message leaves. Start ./run, manage.py sweep or a Celery worker; "
        "ring people up meanwhile.",
    ),
    Fault.DATABASE_RESTORED: Words(
        "数据库比已发出的消息旧，应是从备份恢复的。为免重复通知，已停止发送。请电话通知，并运行 manage.py after_restore。",
        "The database is older than what was sent from it: it must have been restored. Nothing is sent, so that "
        "nobody is asked twice. Ring people up, and run manage.py after_restore.",
    ),
    Fault.DISK_FULL: Words(
        "数据库所在的磁盘已满，备用的 64 MB 已放出。请马上腾出空间，否则发起、答复和发送都会停下。",
        "The database's disk is full and the spare 64 MB are in use. Make room now, or calling out, answering and "
        "sending will stop.",
    ),
    Fault.CALLOUTS_OVERDUE: Words(
        "{count} 个通知应答逾期未推进，最早的已逾期 {minutes} 分钟。请人工电话通知，并检查发送程序。",
        "{count} callouts are overdue, the oldest by {minutes} min. Ring people up, and look at the sender.",
    ),
    Fault.DELIVERIES_OVERDUE: Words(
        "{count} 条消息逾期未发出，最早的已逾期 {minutes} 分钟。请人工电话通知，并检查通道和发送程序。",
        "{count} messages are overdue, the oldest by {minutes} min. Ring people up, and look at the channels and "
        "the sender.",
    ),
    Fault.NOBODY_TO_ALARM: Words(
        "没有一个值班员账号能收到告警。请在系统管理里给值班员账号填写手机或邮箱。",
        "No duty officer can be alarmed. Give the accounts of the duty officers a mobile or an e-mail address.",
    ),
    Fault.ALARMS_UNHEARD: Words(
        "{count} 条告警没有送到任何值班员。请到值守台查看各事件，并检查值班员账号的联系方式和通道。",
        "{count} alarms reached no duty officer. Look through the incidents at the desk, and check the officers' "
        "contacts and the channels.",
    ),
    Fault.QUARANTINED: Words(
        "{count} 条消息多次发送都出错，已隔离不再发。请电话通知，并把日志交给维护人员。",
        "{count} messages failed again and again and were put aside. Ring these people up, and give the log to "
        "whoever maintains the system.",
    ),
    Fault.FETCH_FAILED: Words(
        "通道 {names} 的回执和回复取不回来，对方回复了短信也看不到。请电话核实，并运行 manage.py check_channels 查看原因。",
        "Receipts and replies cannot be fetched over {names}: people may have answered. Ring them up, and run "
        "manage.py check_channels to see why.",
    ),
    Fault.CANARY_FAILED: Words(
        "通道 {names} 的自检消息没有发出。请运行 manage.py check_channels 查看原因。",
        "The self-check over {names} did not go out. Run manage.py check_channels to see why.",
    ),
    Fault.WORKER_DEAD: Words(
        "发送程序 {names} 没有心跳，其余 {live} 个在运行。请检查那台机器。",
        "The sender {names} shows no sign of life; {live} others run. Look at that machine.",
    ),
    Fault.CLOCK_SKEW: Words(
        "服务器时钟与数据库相差 {seconds} 秒。时限以数据库为准；请校准时钟。",
        "The server's clock is {seconds} s off the database's, which counts. Set the clock right.",
    ),
    Fault.CLOCK_JUMPED: Words(
        "数据库时钟曾倒退，{count} 个过远的时刻已改正。请校准数据库服务器的时钟。",
        "The database's clock went back; {count} moments too far ahead were put right. Set its clock.",
    ),
}
# Of these an alarm would be one more that nobody hears, or is not sent before they are over; the band, and the
# dead-man address falling silent, tell.
_NOT_ALARMED: Final = frozenset({Fault.DATABASE_RESTORED, Fault.NOBODY_TO_ALARM, Fault.ALARMS_UNHEARD})


@dataclass(frozen=True)
class Facts:
    """What a look at the database finds. Moments are None where nothing is overdue."""

    at: datetime
    has_gone_back: bool = False
    disk_is_full: bool = False
    overdue_callouts: int = 0
    callouts_due_since: datetime | None = None
    overdue_deliveries: int = 0
    deliveries_due_since: datetime | None = None
    somebody_to_alarm: bool = True
    unheard_alarms: int = 0
    quarantined: int = 0
    unfetched: tuple[str, ...] = ()
    failed_canaries: tuple[str, ...] = ()
    dead_workers: tuple[str, ...] = ()
    live_workers: int = 1
    skew: timedelta = timedelta(0)
    clocks_put_right: int = 0


@dataclass(frozen=True)
class Problem:
    """One thing that a person has to know of, in words; `code` is that of a `Fault`."""

    code: str
    zh: str
    en: str


def problems(facts: Facts) -> list[Problem]:
    """Return what is wrong, the worst first; an empty list is a clean look. Pure."""
    found: list[tuple[Fault, dict[str, object]]] = []
    if facts.has_gone_back:
        found.append((Fault.DATABASE_RESTORED, {}))
    if facts.disk_is_full:
        found.append((Fault.DISK_FULL, {}))
    if facts.overdue_callouts:
        minutes = _minutes(facts.at, facts.callouts_due_since)
        found.append((Fault.CALLOUTS_OVERDUE, {"count": facts.overdue_callouts, "minutes": minutes}))
    if facts.overdue_deliveries:
        minutes = _minutes(facts.at, facts.deliveries_due_since)
        found.append((Fault.DELIVERIES_OVERDUE, {"count": facts.overdue_deliveries, "minutes": minutes}))
    if not facts.somebody_to_alarm:
        found.append((Fault.NOBODY_TO_ALARM, {}))
    if facts.unheard_alarms:
        found.append((Fault.ALARMS_UNHEARD, {"count": facts.unheard_alarms}))
    if facts.quarantined:
        found.append((Fault.QUARANTINED, {"count": facts.quarantined}))
    if facts.unfetched:
        found.append((Fault.FETCH_FAILED, {"names": _named(facts.unfetched)}))
    if facts.failed_canaries:
        found.append((Fault.CANARY_FAILED, {"names": _named(facts.failed_canaries)}))
    if facts.dead_workers:
        names = _named(facts.dead_workers)
        found.append((Fault.WORKER_DEAD, {"names": names, "live": facts.live_workers}))
    if abs(facts.skew) > SKEW_AT_MOST:
        found.append((Fault.CLOCK_SKEW, {"seconds": f"{facts.skew.total_seconds():.0f}"}))
    if facts.clocks_put_right:
        found.append((Fault.CLOCK_JUMPED, {"count": facts.clocks_put_right}))
    return [_problem(fault, **values) for fault, values in found]


def _problem(fault: Fault, **values: object) -> Problem:
    words = _SAID[fault].filled(**values)
    return Problem(fault.value, words.zh, words.en)


def _named(names: Sequence[str]) -> Words:
    return joined([Words.same(name) for name in names])


def _minutes(at: datetime, since: datetime | None) -> int:
    return max(1, round((at - since) / timedelta(minutes=1))) if since else 1


def look(*, at: datetime, skew: timedelta = timedelta(0)) -> list[Problem] | None:
    """Look, write the report, alarm the duty officers about what is new; None if it is not due yet.

    Any number of processes may call it at any time: one takes the turn. Looking twice is harmless.
    """
    with transaction.atomic():
        report, is_first = WatchReport.objects.get_or_create(pk=1, defaults={"looked_at": at})
        due = WatchReport.objects.filter(pk=1).filter(
            # A report from the future is of a clock that has gone back since.
            Q(looked_at__lte=at - EVERY) | Q(looked_at__gt=at + EVERY)
        )
        if not is_first and not due.update(looked_at=at):
            return None
        was_at = report.looked_at
        gone_back = max(was_at - at, timedelta(0))
        report.refresh_from_db()
        if gone_back > EVERY:
            report.steps_back = [*report.steps_back, (at, was_at)][-STEPS_KEPT:]
        found = problems(_facts(at, skew, gone_back))
        _alarm(found, at=at)
        if {one.code for one in found} != {one["code"] for one in report.problems}:
            announce("desk")
        report.problems = [asdict(one) for one in found]
        report.clean_since = (report.clean_since or at) if not found else None
        report.save(update_fields=["problems", "clean_since", "steps_back"])
    return found


def reported(*, at: datetime) -> list[Problem]:
    """Return what people have to be shown now: what the last look found, or that nobody looks."""
    report = WatchReport.objects.filter(pk=1).first()
    if report is None and Worker.objects.filter(heartbeat_at__gt=at - HEARTBEAT_LOST).exists():
        return []  # the first one has begun just now
    if report is None or at - report.looked_at > STALE_AFTER:
        return [_problem(Fault.NOBODY_WATCHES, since=_last_seen(report))]
    return [Problem(**one) for one in report.problems]


def _last_seen(report: WatchReport | None) -> Words:
    if report is None:
        return Words("", "")
    moment = f"{report.looked_at.astimezone(SHANGHAI):%H:%M:%S}"
    return Words(f"（最近一次 {moment}）", f" (the last was seen at {moment})")


def ping(address: str) -> None:
    """Tell the outside that all is well; when this stops coming, somebody out there raises the alarm."""
    try:
        with urllib.request.urlopen(address, timeout=PING_WITHIN_SECONDS):
            pass
    except (OSError, ValueError, HTTPException) as error:
        log.warning("the dead-man address did not answer: %s", error)


def _facts(at: datetime, skew: timedelta, gone_back: timedelta) -> Facts:
    put_right = _put_clocks_right(at) + (_follow_the_clock(at, gone_back) if gone_back > EVERY else 0)
    callouts = Callout.objects.overdue(at)
    messages = Delivery.objects.overdue(at)
    dead, live = _workers(at)
    lately = Delivery.objects.filter(created_at__gte=at - deliveries.ALARM_VALID_FOR)
    return Facts(
        at=at,
        has_gone_back=Installation.objects.exclude(gone_back_at=None).exists(),
        disk_is_full=BALLAST.is_spent,
        overdue_callouts=callouts.count(),
        callouts_due_since=callouts.aggregate(first=Min("next_step_at"))["first"],
        overdue_deliveries=messages.count(),
        deliveries_due_since=messages.aggregate(first=Min("due_at"))["first"],
        somebody_to_alarm=outgoing.somebody_to_alarm(),
        unheard_alarms=_unheard(lately.filter(purpose=Purpose.ALARM)),
        quarantined=lately.filter(status=DeliveryStatus.FAILED, reason=deliveries.QUARANTINED).count(),
        unfetched=channel_checks.unfetched(at=at),
        failed_canaries=channel_checks.failed(at=at),
        dead_workers=dead,
        live_workers=live,
        skew=skew,
        clocks_put_right=put_right,
    )


def _unheard(alarms: QuerySet[Delivery]) -> int:
    """Count the alarms of which no message to any officer got out or still may."""
    messages = alarms.order_by().values("subject", "created_at")
    return messages.annotate(hopeful=Count("pk", filter=~Q(status__in=list(DEAD)))).filter(hopeful=0).count()


def _workers(at: datetime) -> tuple[tuple[str, ...], int]:
    """Return the labels of those that died and were not replaced on their machine, and how many live."""
    Worker.objects.filter(heartbeat_at__lt=at - DEAD_SHOWN_FOR).delete()
    rows = list(Worker.objects.values_list("label", "heartbeat_at", "started_at"))
    live = [(label, started) for label, heartbeat, started in rows if at - heartbeat <= HEARTBEAT_LOST]
    dead = [
        label
        for label, heartbeat, _ in rows
        if at - heartbeat > HEARTBEAT_LOST
        and not any(_machine(label) == _machine(other) and started >= heartbeat for other, started in live)
    ]
    return tuple(sorted(dead)), len(live)


def _machine(label: str) -> str:
    return label.rpartition(":")[0]


def _put_clocks_right(at: datetime) -> int:
    """Bring back what lies farther ahead than anything of ours can: the clock was ahead when it was written."""
    late_leases = Delivery.objects.filter(
        status=DeliveryStatus.LEASED, lease_until__gt=at + 2 * deliveries.LEASE
    ).update(lease_until=at + deliveries.LEASE)
    # What a pause holds lies far ahead on purpose.
    not_held = Delivery.objects.exclude(purpose=Purpose.ASK, callout__paused=True)
    late_messages = not_held.filter(status__in=list(UNSENT), due_at__gt=at + FARTHEST).update(due_at=at)
    late_steps = Callout.objects.filter(
        status=CalloutStatus.OPEN, paused=False, next_step_at__gt=at + FARTHEST
    ).update(next_step_at=at)
    return late_leases + late_messages + late_steps


def _follow_the_clock(at: datetime, gone_back: timedelta) -> int:
    """Move what was written before the clock went back along with it: nobody waits until the hour has come again."""
    ahead = at + EVERY
    asked = Invitation.objects.filter(
        callout=OuterRef("pk"), status=InvitationStatus.ASKED, asked_at__gt=ahead
    )
    steps = Callout.objects.filter(
        Q(started_at__gt=ahead) | Exists(asked),
        status=CalloutStatus.OPEN,
        paused=False,
        next_step_at__gt=at,
    ).update(next_step_at=F("next_step_at") - gone_back)
    # A pause goes on for as long as it would have; what it holds moves with the messages.
    Callout.objects.filter(paused=True, paused_at__gt=ahead).update(paused_at=F("paused_at") - gone_back)
    Invitation.objects.filter(status=InvitationStatus.ASKED, asked_at__gt=ahead).update(
        asked_at=F("asked_at") - gone_back
    )
    messages = Delivery.objects.filter(status__in=list(UNSENT), created_at__gt=ahead, due_at__gt=at).update(
        due_at=F("due_at") - gone_back
    )
    leases = Delivery.objects.filter(
        status=DeliveryStatus.LEASED, lease_until__gt=at + deliveries.LEASE
    ).update(lease_until=at + deliveries.LEASE)
    return steps + messages + leases


def _alarm(found: Sequence[Problem], *, at: datetime) -> None:
    """Alarm the duty officers; what goes on is said again every half hour."""
    for problem in found:
        fault = Fault(problem.code)
        subject = f"系统告警：{fault.zh}"
        if fault in _NOT_ALARMED:
            continue
        if not Delivery.objects.filter(subject=subject, created_at__gt=at - ALARM_AGAIN_AFTER).exists():
            deliveries.alarm(subject=subject, text=f"{problem.zh}故障代码 {fault.value}。", at=at)
