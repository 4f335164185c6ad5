"""Writes the demo province into an empty database: all of it or nothing.

The experts enter by the same import as any other 花名册. Enterprises, teams and agreements are written in
bulk; what their operations would check (credit codes, terms, consents) holds by how they are made, and the
tests say so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from contracts.models import (
    Agreement,
    AgreementConsent,
    Capability,
    Enterprise,
    EnterpriseContact,
    Interest,
    Membership,
    RescueTeam,
    Site,
    TeamContact,
)
from coordination.demo import firms, invention, people, promises, teams
from coordination.demo.accounts import ACCOUNTS, PASSWORD
from coordination.demo.firms import DemoFirm
from coordination.demo.invention import Spot
from coordination.demo.people import DemoExpert
from coordination.demo.promises import DemoAgreement
from coordination.demo.teams import DemoTeam
from experts import roster, roster_sheet
from experts.models import Expert
from ground import accounts, audit, installation, phones, revisions
from ground.access import Role
from ground.mistakes import Refused
from ground.models import ContactKind, Mode, Precision, Region, User
from ground.spelling import pinyin_of

SEED = 1
SENDER_NAME = "演示应急指挥中心"
DUTY_PHONE = "0311-8600-0000"
PROVINCE = "130000"

Tell = Callable[[str], None]


class NotEmpty(Refused):
    """The database already holds something; the demo is only made from nothing."""


class NotInLive(Refused):
    """A live installation never holds demo data."""


@dataclass(frozen=True)
class Made:
    """How many of each there are now."""

    experts: int
    teams: int
    enterprises: int
    sites: int
    agreements: int
    interests: int
    accounts: int


def load(*, seed: int, day: date, mode: Mode, at: datetime, tell: Tell = lambda line: None) -> Made:
    """Make the demo province as it stands on `day`, and begin a demo installation.

    One transaction: a crash in the middle leaves the database empty, and the next start begins again.

    :raises NotInLive: if `mode` is not demo. :raises NotEmpty: if anything is there already.
    """
    if mode is not Mode.DEMO:
        raise NotInLive(
            "正式系统不能载入演示数据。要看演示，请另建一个数据库并以 MUSTER_MODE=demo 启动。",
            "A live installation takes no demo data. For the demo, start with MUSTER_MODE=demo on another "
            "database.",
        )
    with transaction.atomic():
        _refuse_if_not_empty()
        roster_of = people.experts(seed, day)
        firm_list = firms.firms(seed)
        team_list = teams.teams(seed, firm_list)
        agreement_list = promises.agreements(seed, day, firm_list, team_list)
        interest_list = promises.interests(seed, day, firm_list, roster_of)

        tell("企业 enterprises")
        enterprises = _write_enterprises(seed, firm_list)
        tell("救援队伍 teams")
        rescue_teams = _write_teams(seed, team_list, enterprises)
        tell("救援协议 agreements")
        _write_agreements(seed, agreement_list, enterprises, rescue_teams)
        tell("专家花名册 roster")
        experts = _import_experts(roster_of, day, at)
        Interest.objects.bulk_create(
            Interest(
                expert=experts[one.expert],
                enterprise=enterprises[one.firm.uscc],
                kind=one.kind,
                details=one.details,
                starts_on=one.starts_on,
                ends_on=one.ends_on,
            )
            for one in interest_list
        )
        tell("账号 accounts")
        _open_accounts(enterprises[firm_list[0].uscc], rescue_teams[team_list[0].name], at)
        for kept_in_memory in ("teams", "roster", "absences"):
            revisions.bump(kept_in_memory)
        # Last, so that whoever sees an installation sees all of it.
        begun = installation.begin(
            Mode.DEMO,
            sender_name=SENDER_NAME,
            duty_phone=DUTY_PHONE,
            region=Region.objects.get(pk=PROVINCE),
            at=at,
        )
        audit.record("demo.load", begun, by=audit.SYSTEM, at=at, seed=seed, day=day.isoformat())
    return Made(
        experts=len(experts),
        teams=len(rescue_teams),
        enterprises=len(enterprises),
        sites=sum(len(firm.sites) for firm in firm_list),
        agreements=len(agreement_list),
        interests=len(interest_list),
        accounts=len(ACCOUNTS),
    )


def _refuse_if_not_empty() -> None:
    if installation.current() or any(
        model.objects.exists() for model in (User, Expert, Enterprise, RescueTeam)
    ):
        raise NotEmpty(
            "数据库里已有数据，演示省份只能载入空库。请用 MUSTER_DATA_DIR 或 DATABASE_URL 指向一个空库。",
            "There is something in this database; the demo province goes into an empty one. Point "
            "MUSTER_DATA_DIR or DATABASE_URL at an empty one.",
        )


def _place(spot: Spot) -> dict[str, object]:
    return {
        "region_id": spot.region.code,
        "address": spot.address,
        "latitude": spot.latitude,
        "longitude": spot.longitude,
        "precision": Precision.EXACT,
    }


def _write_enterprises(seed: int, firm_list: list[DemoFirm]) -> dict[str, Enterprise]:
    """Return the enterprises by credit code."""
    rows = {}
    for firm in firm_list:
        pinyin, initials = pinyin_of(firm.name.removesuffix(invention.LABEL))
        rows[firm.uscc] = Enterprise(
            public_id=invention.public_id(seed, firm.uscc),
            uscc=firm.uscc,
            name=firm.name,
            short_name=firm.short_name,
            pinyin=pinyin,
            initials=initials,
            industry_id=firm.industry,
            unit_size=firm.unit_size,
            head=firm.head,
            **_place(firm.spot),
        )
    Enterprise.objects.bulk_create(rows.values())
    Site.objects.bulk_create(
        Site(
            public_id=invention.public_id(seed, f"{firm.uscc}/{site.name}"),
            enterprise=rows[firm.uscc],
            name=site.name,
            industry_id=site.industry,
            hazards=site.hazards,
            **_place(site.spot),
        )
        for firm in firm_list
        for site in firm.sites
    )
    EnterpriseContact.objects.bulk_create(
        EnterpriseContact(enterprise=rows[firm.uscc], name=name, kind=kind, value=value, rank=rank)
        for firm in firm_list
        for rank, (name, kind, value) in enumerate(
            (
                (f"{firm.safety_chief}（安全总监）", ContactKind.MOBILE, phones.normalise(firm.mobile)),
                ("24 小时值班", ContactKind.PHONE, phones.normalise(firm.phone)),
                ("安全部", ContactKind.EMAIL, firm.email),
            ),
            1,
        )
    )
    return rows


def _write_teams(
    seed: int, team_list: list[DemoTeam], enterprises: dict[str, Enterprise]
) -> dict[str, RescueTeam]:
    """Return the teams by name."""
    rows = {}
    for team in team_list:
        pinyin, initials = pinyin_of(team.name.removesuffix(invention.LABEL))
        rows[team.name] = RescueTeam(
            public_id=invention.public_id(seed, team.name),
            name=team.name,
            pinyin=pinyin,
            initials=initials,
            level=team.level,
            kind=team.kind,
            sponsor=team.sponsor,
            members=team.members,
            vehicles=team.vehicles,
            state=team.state,
            owner=enterprises[team.owner] if team.owner else None,
            **_place(team.spot),
        )
    RescueTeam.objects.bulk_create(rows.values())
    known = set(Capability.objects.values_list("pk", flat=True))
    able, serves = RescueTeam.capabilities.through, RescueTeam.industries.through
    able.objects.bulk_create(
        able(rescueteam_id=rows[team.name].pk, capability_id=code)
        for team in team_list
        for code in team.capabilities
        if code in known
    )
    serves.objects.bulk_create(
        serves(rescueteam_id=rows[team.name].pk, industry_id=code)
        for team in team_list
        for code in team.industries
    )
    TeamContact.objects.bulk_create(
        TeamContact(team=rows[team.name], name=name, kind=kind, value=value, rank=rank)
        for team in team_list
        for rank, (name, kind, value) in enumerate(
            (
                (f"{team.leader}（队长）", ContactKind.MOBILE, phones.normalise(team.mobile)),
                ("24 小时值班", ContactKind.PHONE, phones.normalise(team.phone)),
                ("值班室", ContactKind.EMAIL, team.email),
            ),
            1,
        )
    )
    return rows


def _write_agreements(
    seed: int,
    agreement_list: list[DemoAgreement],
    enterprises: dict[str, Enterprise],
    rescue_teams: dict[str, RescueTeam],
) -> None:
    rows = [
        Agreement(
            public_id=invention.public_id(seed, f"{one.firm.uscc}/{one.team.name}"),
            number=one.number,
            kind=one.kind,
            incident_kinds=list(one.incident_kinds),
            enterprise=enterprises[one.firm.uscc],
            team=rescue_teams[one.team.name],
            starts_on=one.term.starts_on,
            ends_on=one.term.ends_on,
            terminated_on=one.terminated_on,
            termination_reason=one.termination_reason,
            drive_minutes=one.drive_minutes,
            drive_time_source=one.drive_time_source,
            response_promise_minutes=one.promised_minutes,
        )
        for one in agreement_list
    ]
    Agreement.objects.bulk_create(rows)
    AgreementConsent.objects.bulk_create(
        AgreementConsent(
            agreement=row, party=consent.party, signatory=consent.signatory, at=_morning(consent.signed_on)
        )
        for row, one in zip(rows, agreement_list, strict=True)
        for consent in one.consents
    )
    sites = {(site.enterprise_id, site.name): site.pk for site in Site.objects.all()}
    covers = Agreement.sites.through
    covers.objects.bulk_create(
        covers(agreement_id=row.pk, site_id=sites[row.enterprise_id, name])
        for row, one in zip(rows, agreement_list, strict=True)
        for name in one.sites
    )


def _morning(day: date) -> datetime:
    """Return ten in the morning in Shanghai."""
    return datetime.combine(day, time(2), tzinfo=UTC)


def _import_experts(roster_of: list[DemoExpert], day: date, at: datetime) -> dict[str, Expert]:
    """Return the experts by name, after the import of their workbook and what no sheet carries."""
    plan = roster_sheet.parse(people.workbook(roster_of), today=day)
    roster_sheet.apply(plan, by=audit.SYSTEM, at=at)
    experts = {expert.name: expert for expert in Expert.objects.all()}
    for one in roster_of:
        expert = experts[one.name]
        if one.leave:
            first, last, reason = one.leave
            roster.add_absence(
                expert,
                starts_on=day + timedelta(days=first),
                ends_on=day + timedelta(days=last),
                reason=reason,
                by=audit.SYSTEM,
                at=at,
            )
    return experts


def _open_accounts(enterprise: Enterprise, team: RescueTeam, at: datetime) -> None:
    for account in ACCOUNTS:
        user = accounts.open_account(
            account.username,
            name=account.name,
            email=account.email,
            password=PASSWORD,
            roles=[account.role],
            by=audit.SYSTEM,
            at=at,
        )
        if account.role is Role.ENTERPRISE:
            Membership.objects.create(user=user, enterprise=enterprise)
        if account.role is Role.TEAM:
            Membership.objects.create(user=user, team=team)
