"""The rules of a callout: its states, its policies, and what is to be done next.

Pure. It decides who is asked when, how long an answer is waited for and over which channels; storing,
locking and sending are left to `callouts`, `deliveries` and `sender`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from ground.terms import Term


class CalloutStatus(Term):
    """`open` asks on; `filled` has every seat taken; `exhausted` has nobody left to ask; `closed` is over."""

    OPEN = "open", "通知中", "open"
    FILLED = "filled", "已满员", "filled"
    EXHAUSTED = "exhausted", "人选用尽", "exhausted"
    CLOSED = "closed", "已结束", "closed"


CALLOUT_MOVES: Mapping[CalloutStatus, frozenset[CalloutStatus]] = {
    CalloutStatus.OPEN: frozenset({CalloutStatus.FILLED, CalloutStatus.EXHAUSTED, CalloutStatus.CLOSED}),
    # A withdrawn acceptance or a raised number of seats re-opens a filled callout.
    CalloutStatus.FILLED: frozenset({CalloutStatus.OPEN, CalloutStatus.CLOSED}),
    CalloutStatus.EXHAUSTED: frozenset({CalloutStatus.OPEN, CalloutStatus.FILLED, CalloutStatus.CLOSED}),
    CalloutStatus.CLOSED: frozenset(),
}


class InvitationStatus(Term):
    """`listed` will be asked in turn; `reserve` said yes when no seat was free; the others are named by what happened."""

    LISTED = "listed", "拟派", "listed"
    ASKED = "asked", "待答", "asked"
    ACCEPTED = "accepted", "接受", "accepted"
    DECLINED = "declined", "婉拒", "declined"
    LAPSED = "lapsed", "超时", "lapsed"
    RESERVE = "reserve", "候补", "reserve"
    STOOD_DOWN = "stood_down", "撤回", "stood down"
    WITHDRAWN = "withdrawn", "退出", "withdrawn"


S = InvitationStatus
INVITATION_MOVES: Mapping[InvitationStatus, frozenset[InvitationStatus]] = {
    # Somebody on the list may ring up and say yes or no before being asked.
    S.LISTED: frozenset({S.ASKED, S.ACCEPTED, S.DECLINED, S.RESERVE, S.STOOD_DOWN}),
    S.ASKED: frozenset({S.ACCEPTED, S.DECLINED, S.LAPSED, S.RESERVE, S.STOOD_DOWN}),
    S.LAPSED: frozenset({S.ACCEPTED, S.DECLINED, S.RESERVE, S.STOOD_DOWN}),
    # A seat that becomes free again is offered to the reserves first, so they are asked once more.
    S.RESERVE: frozenset({S.ASKED, S.ACCEPTED, S.DECLINED, S.STOOD_DOWN}),
    S.ACCEPTED: frozenset({S.WITHDRAWN, S.STOOD_DOWN}),
    # A no may be taken back while the callout lives: the ask still stands between two people.
    S.DECLINED: frozenset({S.ACCEPTED, S.RESERVE, S.STOOD_DOWN}),
    # Who was stood down because the seats were taken is asked again when one becomes free.
    S.STOOD_DOWN: frozenset({S.ASKED, S.ACCEPTED, S.DECLINED, S.RESERVE}),
    S.WITHDRAWN: frozenset({S.ACCEPTED, S.RESERVE, S.STOOD_DOWN}),
}

# A late yes is still a yes while a seat is free, and a change of mind is one too.
ACCEPTABLE = frozenset(status for status, moves in INVITATION_MOVES.items() if S.ACCEPTED in moves)
DECLINABLE = frozenset(status for status, moves in INVITATION_MOVES.items() if S.DECLINED in moves)
# In this order people are asked: who said yes already, whose turn it is, who was let go.
ASKABLE = (S.RESERVE, S.LISTED, S.STOOD_DOWN)


class Mode(Term):
    ONSITE = "onsite", "现场", "on site"
    REMOTE = "remote", "远程", "remote"


class InviteeKind(Term):
    EXPERT = "expert", "专家", "expert"
    TEAM = "team", "救援队伍", "rescue team"


class Reply(Term):
    """What an invitee can answer; the digit is the same in SMS and voice: 1, 2, 3."""

    ACCEPT = "accept", "接受", "accept"
    REMOTE = "remote", "只能远程", "remote only"
    DECLINE = "decline", "不能参加", "decline"


class AnswerSource(Term):
    LINK = "link", "本人链接", "answer link"
    OFFICER = "officer", "值班员代答", "recorded by the duty officer"
    API = "api", "接口", "API"
    INBOX = "inbox", "演示收件箱", "demo inbox"
    SMS = "sms", "短信回复", "SMS reply"
    VOICE = "voice", "电话按键", "key on the telephone"
    APP = "app", "应用回复", "reply in the app"


class DeliveryStatus(Term):
    PENDING = "pending", "待发", "pending"
    LEASED = "leased", "发送中", "being sent"
    UNKNOWN = "unknown", "待核", "unknown"
    SENT = "sent", "已发", "sent"
    DELIVERED = "delivered", "已送达", "delivered"
    FAILED = "failed", "失败", "failed"
    CANCELLED = "cancelled", "已取消", "cancelled"


# What may still go to the wire. The states form a lattice: nothing moves backwards out of `sent`.
UNSENT = frozenset({DeliveryStatus.PENDING, DeliveryStatus.LEASED, DeliveryStatus.UNKNOWN})
# A provider has taken these; whether anybody has read them, only an answer tells.
ON_THE_WAY = frozenset({DeliveryStatus.SENT, DeliveryStatus.DELIVERED})
# Nobody will hear of these.
DEAD = frozenset({DeliveryStatus.FAILED, DeliveryStatus.CANCELLED})
# Of the messages of one ask the one that got furthest says how far the ask got.
FURTHEST_LAST = (
    DeliveryStatus.CANCELLED,
    DeliveryStatus.FAILED,
    DeliveryStatus.PENDING,
    DeliveryStatus.LEASED,
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.SENT,
    DeliveryStatus.DELIVERED,
)


class Purpose(Term):
    ASK = "ask", "通知", "ask"
    STAND_DOWN = "stand_down", "撤回", "stand-down"
    ALARM = "alarm", "告警", "alarm"
    NOTICE = "notice", "告知", "notice"
    REMINDER = "reminder", "提醒", "reminder"
    DRILL = "drill", "演练", "drill"
    CANARY = "canary", "自检", "canary"


class Medium(Term):
    """What a message is to whom it reaches. An installation may have several channels of one medium."""

    SMS = "sms", "短信", "SMS"
    VOICE = "voice", "语音电话", "voice call"
    APP = "app", "应用消息", "app message"
    EMAIL = "email", "邮件", "e-mail"
    WEBHOOK = "webhook", "系统接口", "webhook"
    INBOX = "inbox", "演示收件箱", "demo inbox"


class DeploymentStatus(Term):
    COMMITTED = "committed", "已接受", "committed"
    EN_ROUTE = "en_route", "途中", "en route"
    ON_SCENE = "on_scene", "到场", "on scene"
    RELEASED = "released", "已返回", "released"
    REPORTED = "reported", "已报告", "reported"
    STOOD_DOWN = "stood_down", "撤回", "stood down"


D = DeploymentStatus
DEPLOYMENT_MOVES: Mapping[DeploymentStatus, frozenset[DeploymentStatus]] = {
    # Nobody presses "depart" in a hurry, so an arrival without one is allowed.
    D.COMMITTED: frozenset({D.EN_ROUTE, D.ON_SCENE, D.RELEASED, D.STOOD_DOWN}),
    D.EN_ROUTE: frozenset({D.ON_SCENE, D.RELEASED, D.STOOD_DOWN}),
    D.ON_SCENE: frozenset({D.RELEASED}),
    D.RELEASED: frozenset({D.REPORTED}),
    D.REPORTED: frozenset(),
    D.STOOD_DOWN: frozenset(),
}
NOT_THERE_YET = frozenset({D.COMMITTED, D.EN_ROUTE})
OUT = NOT_THERE_YET | {D.ON_SCENE}  # cannot be sent anywhere else


@dataclass(frozen=True)
class ChannelStep:
    """One message more to somebody who has not answered: over this medium, so long after being asked.

    `contact` says to which of the contacts that the medium reaches: 1 the first, 2 the second number.
    """

    medium: Medium
    after: timedelta
    contact: int = 1


@dataclass(frozen=True)
class Policy:
    """How patiently a callout asks, and over which channels.

    `answer_within` is the window from being asked; a message that could not be sent within
    `message_valid_for` is not sent any more; a lower `priority` goes to the wire first. `steps` are for
    one invitee, the most important of those at the same moment first: an answer cancels what is left of
    them, a failure brings the next one forward.

    `per_seat` says how many are asked at once for each free seat, by who is asked and by severity (1 to 4):
    in a bad case more than there are seats. Who says yes when the seats are taken is kept in reserve.
    """

    code: str
    zh: str
    en: str
    answer_within: timedelta
    message_valid_for: timedelta
    priority: int
    steps: tuple[ChannelStep, ...]
    per_seat: Mapping[InviteeKind, tuple[float, float, float, float]]

    def asked_per_seat(self, kind: InviteeKind, *, severity: int) -> float:
        """Return how many are asked at once for a free seat; a severity out of range counts as the nearest."""
        return self.per_seat[kind][min(max(severity, 1), 4) - 1]


def _steps(*media: Medium, after: timedelta = timedelta(), contact: int = 1) -> tuple[ChannelStep, ...]:
    return tuple(ChannelStep(medium, after, contact) for medium in media)


_ONE = {kind: (1.0, 1.0, 1.0, 1.0) for kind in InviteeKind}

# An installation has some of these only. The demo inbox stands for every phone, so one message is enough there.
_WRITTEN = (Medium.SMS, Medium.APP, Medium.EMAIL, Medium.WEBHOOK, Medium.INBOX)

POLICIES: Mapping[str, Policy] = {
    policy.code: policy
    for policy in (
        Policy(
            "urgent",
            "紧急：10 分钟内答复",
            "urgent: answer within 10 minutes",
            answer_within=timedelta(minutes=10),
            message_valid_for=timedelta(minutes=30),
            priority=1,
            steps=(
                *_steps(*_WRITTEN),
                *_steps(Medium.VOICE, after=timedelta(minutes=2)),
                *_steps(Medium.SMS, Medium.VOICE, Medium.EMAIL, after=timedelta(minutes=4), contact=2),
                *_steps(Medium.SMS, Medium.VOICE, after=timedelta(minutes=6), contact=3),
            ),
            # A team that is stood down again has turned out for nothing, so these are over-asked later.
            per_seat={InviteeKind.EXPERT: (1.0, 1.5, 2.0, 2.0), InviteeKind.TEAM: (1.0, 1.0, 1.5, 2.0)},
        ),
        Policy(
            "standard",
            "普通：2 小时内答复",
            "standard: answer within 2 hours",
            answer_within=timedelta(hours=2),
            message_valid_for=timedelta(hours=6),
            priority=3,
            steps=(
                *_steps(*_WRITTEN),
                *_steps(Medium.VOICE, after=timedelta(minutes=30)),
                *_steps(Medium.SMS, Medium.VOICE, Medium.EMAIL, after=timedelta(minutes=60), contact=2),
                *_steps(Medium.SMS, Medium.VOICE, after=timedelta(minutes=90), contact=3),
            ),
            per_seat=_ONE | {InviteeKind.EXPERT: (1.0, 1.0, 1.5, 1.5)},
        ),
        Policy(
            "patient",
            "从容：2 天内答复",
            "patient: answer within 2 days",
            answer_within=timedelta(days=2),
            message_valid_for=timedelta(days=3),
            priority=5,
            steps=(
                *_steps(Medium.EMAIL, Medium.APP, Medium.WEBHOOK, Medium.INBOX),
                *_steps(Medium.SMS, after=timedelta(hours=4)),
                *_steps(Medium.SMS, Medium.EMAIL, after=timedelta(hours=24), contact=2),
                # The last resort, and the only one for who has nothing but a landline.
                *_steps(Medium.VOICE, after=timedelta(hours=36)),
            ),
            per_seat=_ONE,
        ),
    )
}


@dataclass(frozen=True)
class Contact:
    """One address of a person; `kind` is what it is to the channels (a mobile takes text messages and calls)."""

    kind: str
    address: str


@dataclass(frozen=True)
class Planned:
    """A message that is to go to a contact over a channel of `medium`, so long after being asked."""

    medium: Medium
    contact: Contact
    after: timedelta


def messages(
    contacts: Sequence[Contact], carried: Mapping[Medium, Collection[str]], policy: Policy
) -> tuple[Planned, ...]:
    """Return what one invitee is sent until they answer, in the order of sending; nothing if none reaches them.

    Each address gets at most one message over a medium. Where nothing would go out at once, for want of
    an address or of a channel, all of it moves forward until the first message does.

    :param contacts: the invitee's, the preferred first.
    :param carried: which kinds of contact each medium reaches in this installation.
    """
    found: dict[tuple[Medium, str], Planned] = {}
    for step in sorted(policy.steps, key=lambda step: step.after):
        kinds = carried.get(step.medium, ())
        reached = list({contact.address: contact for contact in contacts if contact.kind in kinds}.values())
        if len(reached) >= step.contact:
            contact = reached[step.contact - 1]
            found.setdefault((step.medium, contact.address), Planned(step.medium, contact, step.after))
    planned = tuple(found.values())
    sooner = planned[0].after if planned else timedelta()
    return tuple(replace(one, after=one.after - sooner) for one in planned)


def place_in_queue(policy: Policy, *, step: int, turn: int) -> int:
    """Return what orders messages at the wire; the lowest goes first.

    First what presses more, then everybody's first message before anybody's second, then by turn within
    the wave: so the first message of any callout goes before the second of another.
    """
    return policy.priority * 100_000 + min(step, 99) * 1_000 + min(turn, 999)


@dataclass(frozen=True)
class Ask:
    """One invitation as the rule sees it.

    `rank` is its turn; lower is asked earlier. `available` is false while the invitee cannot take this
    seat: engaged elsewhere, or offering only remote advice for a seat on site. `reachable` is false when
    no channel got through. Either way the ask stands, but nobody else is kept waiting for it. For as long
    as `held_for` the callout was paused since they were asked: that does not count against them.
    """

    invitation_id: int
    requirement_id: int
    rank: int
    status: InvitationStatus
    asked_at: datetime | None = None
    available: bool = True
    reachable: bool = True
    held_for: timedelta = timedelta()


@dataclass(frozen=True)
class InviteMore:
    """Ask these now, in this order."""

    invitation_ids: tuple[int, ...]


@dataclass(frozen=True)
class WaitUntil:
    """Nothing to do before this moment."""

    moment: datetime


@dataclass(frozen=True)
class Filled:
    """Every seat is taken."""


@dataclass(frozen=True)
class Exhausted:
    """Seats are free, nobody is left to ask and nobody's answer is waited for.

    `requirement_ids` are the requirements that are still short.
    """

    requirement_ids: tuple[int, ...]


Step = InviteMore | WaitUntil | Filled | Exhausted


def window_ends(ask: Ask, policy: Policy) -> datetime | None:
    """Return when the answering window of `ask` closes; None if it was not asked."""
    return ask.asked_at + policy.answer_within + ask.held_for if ask.asked_at else None


def lapsed(asks: Sequence[Ask], policy: Policy, *, at: datetime) -> tuple[int, ...]:
    """Return the invitations whose answering window has closed without an answer.

    The window runs from being asked, not from a confirmed sending: a gateway that never confirms
    must not keep a callout waiting. A ten-minute window is closed at ten minutes.
    """
    return tuple(
        ask.invitation_id
        for ask in asks
        if ask.status is InvitationStatus.ASKED
        and (end := window_ends(ask, policy)) is not None
        and end <= at
    )


def next_step(
    free_seats: Mapping[int, int],
    asks: Sequence[Ask],
    policy: Policy,
    *,
    at: datetime,
    ahead: bool = False,
    per_seat: Mapping[int, float] | None = None,
) -> Step:
    """Return what a callout is to do at `at`.

    :param free_seats: free seats by requirement id, requirements without one included.
    :param asks: every invitation of the callout; those whose window is over must already be `lapsed`.
    :param ahead: ask the next ones although answers are still waited for. Too many yeses end in reserve.
    :param per_seat: how many to have asked at once for each free seat, by requirement id; one if not given.
    """
    if not any(free_seats.values()):
        return Filled()

    waiting = [ask for ask in asks if ask.status is InvitationStatus.ASKED]
    wanted: list[Ask] = []
    for requirement_id, free in free_seats.items():
        if not free:
            continue
        outstanding = sum(
            ask.requirement_id == requirement_id and ask.reachable and ask.available for ask in waiting
        )
        outstanding = 0 if ahead else outstanding
        turn = sorted(
            (a for a in asks if a.requirement_id == requirement_id and a.available and a.status in ASKABLE),
            key=lambda ask: (ASKABLE.index(ask.status), ask.rank),
        )
        needed = max(0, free - outstanding)
        spare = max(0, _target(free, requirement_id, per_seat) - max(free, outstanding))
        # Who was told to stay at home is asked again for a seat that is free, not to have one more.
        others = [ask for ask in turn[needed:] if ask.status is not InvitationStatus.STOOD_DOWN]
        wanted += turn[:needed] + others[:spare]
    if wanted:
        return InviteMore(tuple(ask.invitation_id for ask in wanted))

    ends = [
        end for ask in waiting if free_seats.get(ask.requirement_id) and (end := window_ends(ask, policy))
    ]
    if ends:
        return WaitUntil(max(at, min(ends)))
    return Exhausted(tuple(requirement for requirement, free in free_seats.items() if free))


def next_wave(
    free_seats: Mapping[int, int],
    asks: Sequence[Ask],
    policy: Policy,
    *,
    at: datetime,
    per_seat: Mapping[int, float] | None = None,
) -> tuple[int, ...]:
    """Return whom the next wave would ask if none of those who are waited for said anything."""
    silent = [
        replace(ask, status=InvitationStatus.LAPSED) if ask.status is InvitationStatus.ASKED else ask
        for ask in asks
    ]
    step = next_step(free_seats, silent, policy, at=at, per_seat=per_seat)
    return step.invitation_ids if isinstance(step, InviteMore) else ()


def _target(free: int, requirement_id: int, per_seat: Mapping[int, float] | None) -> int:
    return ceil(free * (per_seat or {}).get(requirement_id, 1.0))
