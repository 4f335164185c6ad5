"""A small centre for the model: whom it may call, its telephones that fail in every way, and a clock that jumps."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from contracts.models import Interest, InterestKind, RescueTeam
from coordination import recommendations
from coordination.callouts import RequirementSpec
from coordination.channels import Accepted, Ambiguous, CannotLookUp, Caps, Channel, Message, Outcome, Rejected
from coordination.models import GuidanceRequest
from coordination.paging import InviteeKind, Medium
from coordination.recommendations import Proposal
from coordination.visits import GuidanceKind, GuidanceStatus
from experts.models import Expert, ExpertContact
from ground.access import Role
from ground.models import ContactKind
from incidents.handling import Casualties
from incidents.models import Incident
from tests.factories import (
    a_duty_officer,
    a_guidance_request,
    a_team,
    a_user,
    an_enterprise,
    an_expert,
    an_incident,
    industry,
)
from tests.fakes import StoppedClock
from tests.moments import NOON

MOBILE, PHONE, EMAIL = ContactKind.MOBILE, ContactKind.PHONE, ContactKind.EMAIL


class Mood(enum.Enum):
    """What a provider does with the next message."""

    TAKES = "takes it"
    REFUSES = "refuses it for good"
    IS_BUSY = "refuses it for now"
    HANGS_WITH_IT = "takes it and never says so"
    HANGS_WITHOUT_IT = "says nothing and has not taken it"
    BREAKS = "takes it, and our own channel breaks on the answer"


@dataclass(frozen=True)
class Call:
    """One message that came in at a provider and was taken; `turn` counts the calls of the whole story."""

    turn: int
    message_id: str


class Provider(Channel):
    """Takes messages without looking whether it has them already; the log is what a phone company would say."""

    zh, en = "供应商", "provider"

    def __init__(self, code: str, medium: Medium, *carries: ContactKind, looks_up: bool) -> None:
        self.code = code
        self.medium = medium  # type: ignore[misc]  # of the class otherwise
        self.carries = frozenset(carries)  # type: ignore[misc]
        self.looks_up = looks_up
        self.caps = Caps(takes_replies=medium is Medium.SMS, looks_up=looks_up, sends_receipts=True)
        self.forget()

    def forget(self) -> None:
        self.mood = Mood.TAKES
        self.is_mute = False  # cannot be asked now
        self.calls = 0
        self.taken: dict[UUID, list[Call]] = defaultdict(list)

    def send(self, message: Message) -> Outcome:
        self.calls += 1
        if self.mood in (Mood.TAKES, Mood.HANGS_WITH_IT, Mood.BREAKS):
            self.taken[message.reference].append(Call(self.calls, f"{self.code}-{self.calls}"))
        match self.mood:
            case Mood.TAKES:
                return Accepted(self.taken[message.reference][-1].message_id)
            case Mood.REFUSES:
                return Rejected(permanent=True, reason="空号")
            case Mood.IS_BUSY:
                return Rejected(permanent=False, reason="流控")
            case Mood.BREAKS:
                raise ValueError("an answer that nobody expected")
            case _:
                return Ambiguous("连接中断")

    def look_up(self, message: Message) -> str | None:
        if not self.looks_up or self.is_mute:
            raise CannotLookUp
        calls = self.taken.get(message.reference)
        return calls[0].message_id if calls else None


@dataclass
class Centre:
    """The rows that every story begins with. Everything a story adds is taken back after it."""

    clock: StoppedClock
    providers: dict[str, Provider]
    incidents: list[Incident]
    review: GuidanceRequest
    proposal: Proposal
    experts: list[Expert]
    teams: list[RescueTeam]
    barred: Expert
    installed: list[Provider] = field(default_factory=list)


def a_centre(clock: StoppedClock) -> Centre:
    """Six experts with all sorts of contacts, two teams, two incidents and a review from which one has to recuse."""
    a_duty_officer()
    a_user("zhaomin", Role.ROSTER_ADMIN, name="赵敏")
    firm = an_enterprise()
    experts = [
        _reached_by(an_expert("李工"), MOBILE, EMAIL),
        _reached_by(an_expert("王工"), MOBILE, MOBILE, EMAIL, EMAIL),
        _reached_by(an_expert("赵工"), EMAIL),
        _reached_by(an_expert("钱工"), PHONE),
        _reached_by(an_expert("孙工")),
        _reached_by(an_expert("周工"), MOBILE, PHONE, EMAIL),
    ]
    barred = experts[0]
    Interest.objects.create(expert=barred, enterprise=firm, kind=InterestKind.ADVISES)
    review = a_guidance_request(firm, kind=GuidanceKind.PLAN_REVIEW)
    review.status = GuidanceStatus.ACCEPTED
    review.save()
    lines = [RequirementSpec(InviteeKind.EXPERT, 2, industry=industry())]
    providers = [
        Provider("sms", Medium.SMS, MOBILE, looks_up=True),
        Provider("voice", Medium.VOICE, MOBILE, PHONE, looks_up=True),
        Provider("mail", Medium.EMAIL, EMAIL, looks_up=False),
    ]
    return Centre(
        clock=clock,
        providers={one.code: one for one in providers},
        incidents=[
            an_incident(firm),
            an_incident(firm, kind="fire", casualties=Casualties(deaths=4, trapped=12)),
        ],
        review=review,
        proposal=recommendations.propose(review, lines, at=NOON),
        experts=experts,
        teams=[a_team("甲队"), a_team("乙队")],
        barred=barred,
    )


def _reached_by(expert: Expert, *kinds: ContactKind) -> Expert:
    expert.contacts.all().delete()
    ExpertContact.objects.bulk_create(
        ExpertContact(expert=expert, kind=kind, value=_value(expert, kind, rank), rank=rank)
        for rank, kind in enumerate(kinds, 1)
    )
    return expert


def _value(expert: Expert, kind: ContactKind, rank: int) -> str:
    return f"e{expert.pk}.{rank}@example.cn" if kind is EMAIL else f"+8613{rank}{expert.pk:08d}"
