"""The cast and the props: named people and firms, made with as little ceremony as a test can bear.

Everything takes the day or moment it stands on; nothing reads a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from contracts.models import (
    Agreement,
    AgreementConsent,
    AgreementKind,
    Capability,
    Enterprise,
    EnterpriseContact,
    Membership,
    Party,
    RescueTeam,
    Site,
    TeamContact,
    TeamKind,
    TeamLevel,
)
from coordination import callouts, guidance, recommendations
from coordination.callouts import Invitee, RequirementSpec
from coordination.guidance import Wish
from coordination.models import Callout, GuidanceRequest, Invitation
from coordination.paging import InviteeKind
from coordination.recommendations import Proposal
from coordination.visits import GuidanceKind
from experts.models import (
    Appointment,
    Expert,
    ExpertContact,
    Practice,
    PracticeRank,
    TaskCategory,
    TaskOffer,
)
from ground.access import Role
from ground.audit import Actor
from ground.models import ContactKind, Industry, Region, RoleGrant, User, UserContact
from incidents import handling
from incidents.handling import FirstReport
from incidents.models import Incident
from tests.moments import NOON

OFFICER = Actor(None, "陈立")
ASKER = Actor(None, "刘骏")


def industry(code: str = "WH") -> Industry:
    return Industry.objects.get(code=code)


def an_expert(
    name: str,
    *,
    practises: str = "WH",
    also: tuple[str, ...] = (),
    region: str = "130200",
    mobile: str = "",
    email: str = "",
    term: tuple[date, date] = (date(2025, 1, 1), date(2027, 12, 31)),
    offers: tuple[TaskCategory, ...] = tuple(TaskCategory),
    **columns: Any,
) -> Expert:
    """An appointed expert, at the seat of their region, reachable by a mobile and an e-mail of their own."""
    place = Region.objects.get(code=region)
    columns.setdefault("latitude", place.latitude)
    columns.setdefault("longitude", place.longitude)
    columns.setdefault("employer", "演示单位")
    expert = Expert.objects.create(name=name, region=place, **columns)
    Practice.objects.create(expert=expert, industry_id=practises, rank=PracticeRank.PRIMARY)
    for code in also:
        Practice.objects.create(expert=expert, industry_id=code, rank=PracticeRank.SECONDARY)
    TaskOffer.objects.bulk_create(TaskOffer(expert=expert, category=category) for category in offers)
    Appointment.objects.create(expert=expert, starts_on=term[0], ends_on=term[1])
    ExpertContact.objects.create(
        expert=expert, kind=ContactKind.MOBILE, value=mobile or f"+86139{expert.pk:08d}", rank=1
    )
    ExpertContact.objects.create(
        expert=expert, kind=ContactKind.EMAIL, value=email or f"expert{expert.pk}@example.cn", rank=2
    )
    return expert


def a_team(
    name: str, *, region: str = "130200", kind: TeamKind = TeamKind.HAZCHEM, **columns: Any
) -> RescueTeam:
    place = Region.objects.get(code=region)
    columns.setdefault("latitude", place.latitude)
    columns.setdefault("longitude", place.longitude)
    columns.setdefault("level", TeamLevel.CITY)
    columns.setdefault("members", 30)
    columns.setdefault("vehicles", 5)
    team = RescueTeam.objects.create(name=name, region=place, kind=kind, **columns)
    team.industries.set([industry("MK" if kind == TeamKind.MINE else "WH")])
    TeamContact.objects.create(team=team, kind=ContactKind.MOBILE, value=f"+86138{team.pk:08d}", rank=1)
    TeamContact.objects.create(team=team, kind=ContactKind.EMAIL, value=f"team{team.pk}@example.cn", rank=2)
    return team


def a_capability(code: str, name: str) -> Capability:
    return Capability.objects.get_or_create(code=code, defaults={"name": name, "name_en": code})[0]


def an_enterprise(
    name: str = "冀润冷链公司", *, practises: str = "WH", region: str = "130209", **columns: Any
) -> Enterprise:
    """An enterprise with one site at the seat of its region."""
    place = Region.objects.get(code=region)
    columns.setdefault("latitude", place.latitude)
    columns.setdefault("longitude", place.longitude)
    columns.setdefault("address", f"{place.name}新城大街 88 号")
    enterprise = Enterprise.objects.create(name=name, industry_id=practises, region=place, **columns)
    Site.objects.create(
        enterprise=enterprise,
        name="主厂区",
        industry_id=practises,
        region=place,
        address=enterprise.address,
        latitude=enterprise.latitude,
        longitude=enterprise.longitude,
    )
    EnterpriseContact.objects.create(
        enterprise=enterprise, kind=ContactKind.MOBILE, value=f"+86137{enterprise.pk:08d}", name="刘骏"
    )
    return enterprise


def an_agreement(
    enterprise: Enterprise,
    team: RescueTeam,
    *,
    term: tuple[date, date] = (date(2026, 1, 1), date(2027, 12, 31)),
    confirmed: bool = True,
    **columns: Any,
) -> Agreement:
    agreement = Agreement.objects.create(
        number=columns.pop("number", f"XY-{enterprise.pk}-{team.pk}"),
        kind=columns.pop("kind", AgreementKind.RESCUE),
        enterprise=enterprise,
        team=team,
        starts_on=term[0],
        ends_on=term[1],
        **columns,
    )
    if confirmed:
        for party in Party:
            AgreementConsent.objects.create(agreement=agreement, party=party, signatory="演示", at=NOON)
    return agreement


def a_user(
    username: str,
    *roles: Role,
    name: str = "",
    enterprise: Enterprise | None = None,
    team: RescueTeam | None = None,
    region: str | None = None,
    password: str = "muster-demo",
) -> User:
    """An account with these roles (in one region, if given), tied to an enterprise or team, reachable by e-mail."""
    user = User.objects.create_user(username, f"{username}@example.cn", password, name=name or username)
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role, region_id=region) for role in roles)
    UserContact.objects.create(user=user, kind=ContactKind.EMAIL, value=f"{username}@example.cn")
    if enterprise or team:
        Membership.objects.create(user=user, enterprise=enterprise, team=team)
    return user


def a_duty_officer(username: str = "chenli", name: str = "陈立") -> User:
    return a_user(username, Role.DUTY_OFFICER, name=name)


def an_incident(
    enterprise: Enterprise | None = None, *, kind: str = "hazchem_leak", at: datetime = NOON, **report: Any
) -> Incident:
    return handling.open_incident(
        FirstReport(kind=kind, enterprise=enterprise or an_enterprise(), **report), by=OFFICER, at=at
    )


def a_callout(
    subject: Incident | GuidanceRequest,
    *,
    asks: list[Expert | RescueTeam],
    seats: int = 1,
    policy: str = "urgent",
    at: datetime = NOON,
    **requirement: Any,
) -> Callout:
    """A callout with one requirement of `seats`, asking these in this order."""
    kind = InviteeKind.TEAM if asks and isinstance(asks[0], RescueTeam) else InviteeKind.EXPERT
    if kind is InviteeKind.EXPERT:
        requirement.setdefault("industry", industry())
    return callouts.start(
        subject,
        [RequirementSpec(kind, seats, **requirement)],
        [invitee(one) for one in asks],
        policy=policy,
        by=OFFICER,
        at=at,
    )


def proposed(request: GuidanceRequest, *, seats: int = 1, at: datetime = NOON) -> Proposal:
    """What matching proposes for this request."""
    spec = RequirementSpec(InviteeKind.EXPERT, seats, industry=industry())
    return recommendations.propose(request, [spec], at=at)


def a_round(
    request: GuidanceRequest, *, asks: Sequence[Expert], seats: int = 1, at: datetime = NOON
) -> Callout:
    """The callout of an accepted request, asking these in this order, whatever matching says of them."""
    proposal = proposed(request, seats=seats, at=at)
    return guidance.source(request, proposal, [invitee(one) for one in asks], by=OFFICER, at=at)


def invitee(one: Expert | RescueTeam, requirement: int = 0) -> Invitee:
    if isinstance(one, Expert):
        return Invitee(requirement, expert=one)
    return Invitee(requirement, team=one)


def invitation_of(callout: Callout, one: Expert | RescueTeam) -> Invitation:
    key = {"expert": one} if isinstance(one, Expert) else {"team": one}
    return callout.invitations.get(**key)


def status_of(callout: Callout, one: Expert | RescueTeam) -> str:
    return invitation_of(callout, one).status


def a_guidance_request(
    enterprise: Enterprise | None = None,
    *,
    kind: GuidanceKind = GuidanceKind.INSPECTION,
    at: datetime = NOON,
    by: Actor = ASKER,
    **wish: Any,
) -> GuidanceRequest:
    """A complete draft by the enterprise's own user."""
    enterprise = enterprise or an_enterprise()
    wish.setdefault("site", enterprise.sites.first())
    wish.setdefault("description", "液氨制冷机房年度隐患排查")
    wish.setdefault("contact_name", "刘骏")
    wish.setdefault("contact_phone", "+8613700000162")
    return guidance.draft(enterprise, Wish(kind=kind, **wish), by=by, at=at)


def an_accepted_request(
    enterprise: Enterprise | None = None,
    *,
    kind: GuidanceKind = GuidanceKind.INSPECTION,
    by: Actor = OFFICER,
    **wish: Any,
) -> GuidanceRequest:
    """A request for which experts can be chosen now."""
    request = a_guidance_request(enterprise, kind=kind, **wish)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.accept(request, by=by, at=NOON)
    return request
