"""Whether every way of reaching people works: asked of the providers, and tried with a message to ourselves.

A channel that nobody has used since last week may be dead; the daily canary finds that out before the
night in which it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from django.db.models import Max, Q

from coordination import channels, traffic
from coordination.channels import Channel, Finding
from coordination.models import ChannelPull, Delivery
from coordination.paging import DeliveryStatus, Purpose
from ground import installation
from ground.dates import SHANGHAI
from ground.terms import Words

# Before the day shift takes over, and after the night has had its peace.
DAILY_AT: Final = time(8, 30)
VALID_FOR: Final = timedelta(minutes=10)
PRIORITY: Final = 950_000  # behind everything that people wait for
# A provider that is away for a moment is no news; replies that are late by more than this are.
FETCHED_WITHIN: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class Checked:
    """One channel, what it found out about itself, and its last messages."""

    channel: Channel
    findings: Sequence[Finding]
    last_sent_at: datetime | None
    canary: Delivery | None

    @property
    def ok(self) -> bool:
        """Say whether nothing speaks against it. A canary that is still on its way does not."""
        is_failed = self.canary is not None and self.canary.status == DeliveryStatus.FAILED
        return all(finding.ok for finding in self.findings) and not is_failed


def checked(*, at: datetime) -> list[Checked]:
    """Ask every channel of this installation to look at itself. Talks to the providers, sends nothing."""
    near_their_limit = traffic.nearly_used_up(at=at)
    not_fetched = dict(ChannelPull.objects.exclude(problem="").values_list("channel", "problem"))
    sent = dict(Delivery.objects.order_by().values_list("channel").annotate(Max("sent_at")))
    return [
        Checked(
            channel,
            [
                *_findings(channel),
                *_not_fetched(not_fetched.get(channel.code, "")),
                *_near_the_limit(near_their_limit.get(channel.code, 0)),
            ],
            sent.get(channel.code),
            _last_canary(channel.code),
        )
        for channel in channels.installed()
    ]


def send_canary(channel: Channel, *, at: datetime) -> Delivery | None:
    """Write a message over this channel to the centre itself; None if it has no address for that."""
    if not channel.canary:
        return None
    name = installation.sender().name
    return Delivery.objects.create(
        purpose=Purpose.CANARY,
        recipient="通道自检",
        channel=channel.code,
        address=channel.canary,
        subject=f"{name}通道自检",
        text=f"{name}：{channel.zh}通道自检，{at.astimezone(SHANGHAI):%m月%d日 %H:%M}。收到即正常，无需回复。",
        priority=PRIORITY,
        created_at=at,
        due_at=at,
        expires_at=at + VALID_FOR,
    )


def send_daily(*, at: datetime) -> int:
    """Write today's canaries once it is time; return how many. Any number of processes may call it."""
    local = at.astimezone(SHANGHAI)
    if local.time() < DAILY_AT:
        return 0
    since = local.replace(hour=DAILY_AT.hour, minute=DAILY_AT.minute, second=0, microsecond=0)
    done = set(
        Delivery.objects.filter(purpose=Purpose.CANARY, created_at__gte=since).values_list(
            "channel", flat=True
        )
    )
    # Two processes at the same moment may write two: a canary too many tells no lie.
    return sum(
        send_canary(channel, at=at) is not None
        for channel in channels.installed()
        if channel.code not in done
    )


def failed(*, at: datetime) -> tuple[str, ...]:
    """Return the codes of the channels whose last canary of a day ago or less did not go out."""
    lately = Delivery.objects.filter(purpose=Purpose.CANARY, created_at__gt=at - timedelta(days=1))
    last = {delivery.channel: delivery for delivery in lately.order_by("pk")}
    return tuple(sorted(code for code, one in last.items() if one.status == DeliveryStatus.FAILED))


def unfetched(*, at: datetime) -> tuple[str, ...]:
    """Return the codes of the channels from which nothing has been fetched for some minutes, for it fails."""
    late = Q(pulled_at=None) | Q(pulled_at__lt=at - FETCHED_WITHIN)
    failing = ChannelPull.objects.exclude(problem="").filter(late).values_list("channel", flat=True)
    return tuple(sorted({one.code for one in channels.installed()} & set(failing)))


def _last_canary(code: str) -> Delivery | None:
    return Delivery.objects.filter(purpose=Purpose.CANARY, channel=code).order_by("pk").last()


def _near_the_limit(addresses: int) -> list[Finding]:
    if not addresses:
        return []
    return [
        Finding(
            False,
            Words(
                f"{addresses} 个号码已用掉通道限额的六成，演练不再发给它们，余下的留给真实事件",
                f"{addresses} numbers have used 60 % of what the channel allows; drills stop there, the rest is "
                "kept for real incidents",
            ),
        )
    ]


def _not_fetched(problem: str) -> list[Finding]:
    if not problem:
        return []
    return [
        Finding(
            False,
            Words(f"回执和回复取不回来：{problem}", f"receipts and replies cannot be fetched: {problem}"),
        )
    ]


def _findings(channel: Channel) -> Sequence[Finding]:
    try:
        return channel.check()
    except Exception as error:  # a channel that breaks while it looks at itself is a finding too
        return [
            Finding(
                False,
                Words(f"检查出错：{type(error).__name__} {error}"[:200], f"the check failed: {error}"[:200]),
            )
        ]
