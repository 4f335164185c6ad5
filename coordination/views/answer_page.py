"""What the answer page shows to one invitee at one moment. It reads, and decides nothing.

The page is for a phone and for somebody who is not signed in, so it holds only what this invitee needs:
telephone numbers of the scene appear after an acceptance and not before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from django.utils.translation import gettext as _

from coordination import wording
from coordination.models import Deployment, GuidanceRequest, Invitation, Seat
from coordination.paging import (
    NOT_THERE_YET,
    CalloutStatus,
    DeploymentStatus,
    InvitationStatus,
    Mode,
    Reply,
)
from coordination.views.way_there import NavLink, Sketch, duration_words, navigation_links, sketch
from coordination.visits import GuidanceKind
from experts.models import Expert
from ground import installation, kinds
from ground.dates import SHANGHAI
from ground.languages import is_english, language
from ground.models import RUNG_UP
from ground.phones import as_written, masked
from ground.places import Point, TravelTimeBasis
from incidents.models import Incident

CHANGE_WITHIN: Final = timedelta(minutes=10)
# What is offered beside the computed time of arrival, in minutes.
_LADDER: Final = (15, 30, 45, 60, 90, 120, 180, 240, 360)
S = InvitationStatus
D = DeploymentStatus


@dataclass(frozen=True)
class EtaChoice:
    minutes: int
    at: datetime
    label: str
    is_default: bool


@dataclass(frozen=True)
class DeclineReason:
    value: str
    label: str


@dataclass(frozen=True)
class Companion:
    name: str
    line: str


@dataclass(frozen=True)
class SiteContact:
    name: str
    line: str
    phone: str  # as it is dialled
    shown: str  # as it is printed, half hidden: people look over shoulders


@dataclass(frozen=True)
class AnswerPage:
    invitation: Invitation
    at: datetime

    # --- who talks to whom -----------------------------------------------------------------------

    @property
    def server_now(self) -> datetime:
        return self.at

    @property
    def shown_at(self) -> int:
        """The minute for which the times of arrival on the page were computed, as a Unix time."""
        return int(_whole_minute(self.at).timestamp())

    @cached_property
    def _sender(self) -> installation.Sender:
        return installation.sender()

    @property
    def sender_name(self) -> str:
        return self._sender.name

    @property
    def duty_phone(self) -> str:
        return self._sender.duty_phone

    @property
    def addressee(self) -> str:
        who = self.invitation.invitee
        return _("%(name)s 专家") % {"name": who.name} if isinstance(who, Expert) else who.name

    # --- what it is about ------------------------------------------------------------------------

    @property
    def incident(self) -> Incident | None:
        return self.invitation.callout.incident

    @property
    def request(self) -> GuidanceRequest | None:
        return self.invitation.callout.guidance_request

    @property
    def is_guidance(self) -> bool:
        return self.request is not None

    @property
    def is_drill(self) -> bool:
        return bool(self.incident and self.incident.is_drill)

    @property
    def is_remote(self) -> bool:
        return self.invitation.is_remote

    @property
    def subject(self) -> str:
        """What happened or is asked for, without the firm's name, which stands below it."""
        if self.request:
            return GuidanceKind(self.request.kind).word(language())
        incident: Incident = self.incident  # type: ignore[assignment]  # a constraint: one of the two
        kind = kinds.by_code(incident.kind)
        firm = incident.enterprise.name if incident.enterprise else ""
        if incident.title == f"{firm}{kind.zh}":
            return kind.word(language())
        return incident.title.removeprefix(firm) or incident.title

    @property
    def title(self) -> str:
        what = {"what": self.subject}
        if self.state != "asked" and self.state != "lapsed":
            return self.subject if self.is_guidance else _("%(what)s支援") % what
        if self.is_guidance:
            return _("请您指导企业：%(what)s") % what
        if self.invitation.team_id:
            return _("请出动救援：%(what)s") % what
        if self.is_remote:
            return _("请您远程支援：%(what)s") % what
        return _("请您赴现场支援：%(what)s") % what

    @property
    def place_line(self) -> str:
        about = self.request or self.incident
        firm = about.enterprise.name if about and about.enterprise else ""
        site = about.site.name if about and about.site else ""
        return " ".join(filter(None, [firm, site])) or self.address

    @property
    def address(self) -> str:
        return wording.place(self.invitation.callout)

    @property
    def people_line(self) -> str:
        if not self.incident:
            return ""
        if is_english():
            counts = (
                (self.incident.deaths, "dead"),
                (self.incident.missing, "missing"),
                (self.incident.trapped, "trapped"),
                (self.incident.injured, "injured"),
            )
            return ", ".join(f"{count} {word}" for count, word in counts if count)
        return wording.people_line(self.incident)

    @property
    def response_level(self) -> str:
        return self.incident.response_level if self.incident else ""

    @property
    def safety_line(self) -> str:
        return self.incident.safety_notice if self.incident else ""

    @property
    def brief(self) -> str:
        return self.request.description if self.request else (self.incident.summary if self.incident else "")

    @property
    def visit_from(self) -> date | None:
        return self.request.visit_from if self.request else None

    @property
    def visit_until(self) -> date | None:
        return self.request.visit_until if self.request else None

    # --- the way there ---------------------------------------------------------------------------

    @property
    def target(self) -> Point | None:
        if self.request:
            site = self.request.site
            return (site.point if site else None) or self.request.enterprise.point
        return self.incident.point if self.incident else None

    @property
    def distance_km(self) -> float | None:
        return None if self.invitation.requirement.mode == Mode.REMOTE else self.invitation.distance_km

    @property
    def travel_minutes(self) -> int | None:
        minutes = self.invitation.travel_minutes
        if minutes is None or self.invitation.requirement.mode == Mode.REMOTE:
            return None
        return math.ceil(minutes)

    @property
    def travel_source(self) -> str:
        source = self.invitation.travel_source
        if source not in {basis.value for basis in TravelTimeBasis}:
            return ""
        return TravelTimeBasis(source).word(language())

    @property
    def travel_words(self) -> str:
        return duration_words(self.travel_minutes) if self.travel_minutes is not None else ""

    @cached_property
    def map(self) -> Sketch | None:
        home, there = self.invitation.invitee.point, self.target
        if home is None or there is None or self.invitation.requirement.mode == Mode.REMOTE:
            return None
        return sketch(home, there)

    @cached_property
    def nav_links(self) -> list[NavLink]:
        if self.target is None or self.invitation.requirement.mode == Mode.REMOTE:
            return []
        return navigation_links(self.target, self.place_line)

    # --- why you, and what you may answer ----------------------------------------------------------

    @property
    def reasons(self) -> list[str]:
        return _sentences(self.invitation.reasons.get("reasons_for", ()))

    @property
    def caution(self) -> list[str]:
        return _sentences(one.get("words", {}) for one in self.invitation.reasons.get("cautions", ()))

    @property
    def answer_by(self) -> datetime | None:
        return self.invitation.answer_by

    @property
    def answer_by_is_far(self) -> bool:
        """On another day: the hour alone would mislead, and seconds need no counting down."""
        until = self.answer_by
        return until is not None and until.astimezone(SHANGHAI).date() != self.at.astimezone(SHANGHAI).date()

    @cached_property
    def state(self) -> str:
        """Return asked, accepted, remote, declined, reserve, stood_down, lapsed or closed."""
        status = S(self.invitation.status)
        match status:
            case S.ACCEPTED:
                return "remote" if self.is_remote else "accepted"
            case S.DECLINED | S.WITHDRAWN:
                return "declined"
            case S.RESERVE | S.STOOD_DOWN:
                return status.value
            case _ if self.is_over:
                return "closed"
            case S.LAPSED:
                return "lapsed"
            case _:
                return "asked"

    @property
    def is_over(self) -> bool:
        return self.invitation.callout.status == CalloutStatus.CLOSED

    @cached_property
    def deployment(self) -> Deployment | None:
        if self.invitation.status != S.ACCEPTED:
            return None
        return Deployment.objects.filter(invitation=self.invitation).first()

    @property
    def eta_at(self) -> datetime | None:
        return self.invitation.eta_at

    @property
    def eta_was(self) -> int:
        """The time of arrival on the page as a Unix time, from which a delay counts: twice tapped is once late."""
        return int((self.invitation.eta_at or _whole_minute(self.at)).timestamp())

    @property
    def answered_at(self) -> datetime | None:
        return self.invitation.answered_at

    @cached_property
    def can_change(self) -> bool:
        """Say whether an answer that was given may still be changed here; later by telephone."""
        answered = self.invitation.answered_at
        if self.is_over or answered is None or self.at >= answered + CHANGE_WITHIN:
            return False
        if self.state not in ("accepted", "remote", "declined", "reserve"):
            return False
        deployment = self.deployment
        return deployment is None or deployment.status in NOT_THERE_YET

    @property
    def can_accept(self) -> bool:
        if self.is_over or self.state in ("stood_down", "reserve"):
            return False
        return self.state == "accepted" or self.has_free_seat or self.state == "asked"

    @cached_property
    def has_free_seat(self) -> bool:
        return Seat.objects.filter(requirement=self.invitation.requirement_id, invitation=None).exists()

    @property
    def can_remote(self) -> bool:
        return Reply.REMOTE in self.invitation.offered and self.state != "remote"

    @property
    def can_decline(self) -> bool:
        return self.state != "declined"

    @cached_property
    def eta_choices(self) -> list[EtaChoice]:
        if self.is_guidance or self.invitation.requirement.mode == Mode.REMOTE:
            return []
        computed = max(5, self.travel_minutes) if self.travel_minutes is not None else None
        first = computed or 60
        others = [step for step in _LADDER if step > first + 4][:2]
        start = _whole_minute(self.at)
        return [
            EtaChoice(
                minutes,
                start + timedelta(minutes=minutes),
                duration_words(minutes, about=minutes == computed),
                minutes == first,
            )
            for minutes in (first, *others)
        ]

    @property
    def eta_is_computed(self) -> bool:
        return self.travel_minutes is not None

    @property
    def decline_reasons(self) -> list[DeclineReason]:
        """Return what is usually in the way. The values are stored, in Chinese like every log line."""
        usual = [
            DeclineReason("人在外地", _("人在外地")),
            DeclineReason("身体原因", _("身体原因")),
            DeclineReason("工作走不开", _("工作走不开")),
        ]
        if self.is_guidance:
            return [DeclineReason("需要回避（与企业有利害关系）", _("需要回避")), *usual]
        if self.invitation.team_id:
            return [
                DeclineReason("队伍已派出", _("队伍已派出")),
                DeclineReason("车辆或装备检修", _("车辆装备检修")),
                DeclineReason("人员不足", _("人员不足")),
                DeclineReason("其他原因", _("其他原因")),
            ]
        return [*usual, DeclineReason("其他原因", _("其他原因"))]

    # --- after an acceptance -----------------------------------------------------------------------

    @cached_property
    def companions(self) -> list[Companion]:
        others = (
            self.invitation.callout.invitations.filter(status=S.ACCEPTED)
            .exclude(pk=self.invitation.pk)
            .select_related("expert", "team", "requirement", "deployment")
            .order_by("-team", "eta_at", "id")[:6]
        )
        return [Companion(other.invitee.name, _companion_line(other)) for other in others]

    @cached_property
    def site_contact(self) -> SiteContact | None:
        if self.request:
            name, phone = self.request.contact_name, self.request.contact_phone
            return SiteContact(name, "", as_written(phone), masked(phone)) if phone else None
        incident = self.incident
        if incident is None:
            return None
        if incident.caller_phone:
            return SiteContact(
                incident.caller_name or _("报告人"),
                _("报告人"),
                incident.caller_phone,
                masked(incident.caller_phone),
            )
        contact = (
            incident.enterprise.contacts.filter(kind__in=RUNG_UP).first() if incident.enterprise else None
        )
        if contact is None:
            return None
        return SiteContact(
            contact.name or _("企业联系人"), "", as_written(contact.value), masked(contact.value)
        )

    @cached_property
    def can_report(self) -> bool:
        """Say whether a report is awaited: after the return, or on a guidance visit as soon as they are there."""
        deployment = self.deployment
        if deployment is None:
            return False
        if deployment.status == D.RELEASED:
            return True
        if self.is_guidance and self.state == "remote":
            return deployment.status in (D.COMMITTED, D.EN_ROUTE, D.ON_SCENE)
        return self.is_guidance and deployment.status == D.ON_SCENE


def _whole_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _sentences(words: Iterable[Any]) -> list[str]:
    mine = "en" if is_english() else "zh"
    return [text for one in words if isinstance(one, dict) and (text := one.get(mine) or one.get("zh"))]


def _companion_line(other: Invitation) -> str:
    parts = []
    if other.crew:
        parts.append(_("%(crew)d 人 %(vehicles)d 车") % {"crew": other.crew, "vehicles": other.vehicles or 0})
    deployment: Deployment | None = getattr(other, "deployment", None)
    if deployment and deployment.status == D.ON_SCENE:
        parts.append(_("已到场"))
    elif other.is_remote:
        parts.append(_("远程"))
    elif other.eta_at:
        parts.append(_("%(at)s 到") % {"at": f"{other.eta_at.astimezone(SHANGHAI):%H:%M}"})
    return " · ".join(parts)
