"""Agreements: drafted, confirmed by both sides, renewed, ended; and which teams owe an enterprise help on a day.

Whether an agreement holds is never stored: `Agreement.status_on` derives it from the consents and the days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from contracts.bases import Basis
from contracts.models import (
    Agreement,
    AgreementConsent,
    AgreementKind,
    DriveTimeSource,
    Enterprise,
    Party,
    RescueTeam,
    Site,
    TeamState,
)
from contracts.periods import AgreementStatus, Period
from ground import audit, clock, kinds
from ground.audit import Actor
from ground.kinds import IncidentKind
from ground.mistakes import Mistake, Refused
from ground.numbering import next_number

NUMBER_KIND = "XY"


class WrongTerms(Mistake):
    """What was agreed cannot be written down like this."""


class NumberTaken(Mistake):
    """Another agreement has this number."""


class CannotConfirm(Refused):
    """The agreement has ended, so nobody can confirm it any more."""


class AlreadyConfirmed(Refused):
    """A side has confirmed, so the words can no longer change."""


class CannotTerminate(Refused):
    """There is nothing left to end."""


class CannotRenew(Refused):
    """It has been renewed before, or was never confirmed."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """A team that must come when this enterprise calls, and on the strength of what.

    No `sites` means all sites, no `kinds` all kinds of incident. `promised_minutes` is what the agreement
    promises; the team may be out of service all the same, which `can_turn_out` says.
    """

    team: RescueTeam
    basis: Basis
    agreement: Agreement | None = None
    sites: tuple[Site, ...] = ()
    kinds: tuple[IncidentKind, ...] = ()
    drive_minutes: int | None = None
    drive_time_source: DriveTimeSource | None = None
    promised_minutes: int | None = None

    @property
    def can_turn_out(self) -> bool:
        return self.team.state == TeamState.READY

    def covers(self, site: Site) -> bool:
        return not self.sites or site in self.sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What two sides agree on. `number` is left empty to be given one; no `sites` means all.

    `incident_kinds` are codes of `ground.kinds`; none means every kind of incident.
    """

    kind: AgreementKind
    starts_on: date
    ends_on: date
    sites: Sequence[Site] = ()
    incident_kinds: Sequence[str] = ()
    drive_minutes: int | None = None
    drive_time_source: DriveTimeSource | None = None
    response_promise_minutes: int | None = None
    number: str = ""


def teams_obliged_to(enterprise: Enterprise, *, on: date) -> list[Obligation]:
    """Return the teams that owe `enterprise` help on a day (Asia/Shanghai): its own first, then by drive.

    An agreement that has run out, was ended, or lacks a consent obliges nobody.
    """
    own = enterprise.own_teams.exclude(state=TeamState.DISBANDED)
    agreements = (
        Agreement.objects.in_force(on)
        .filter(enterprise=enterprise)
        .exclude(team__state=TeamState.DISBANDED)
        .select_related("team")
        .prefetch_related("sites")
    )
    promised = [_obligation(agreement) for agreement in agreements]
    promised.sort(key=lambda one: (one.drive_minutes is None, one.drive_minutes or 0, one.team.name))
    return [*(Obligation(team, Basis.OWN) for team in own), *promised]


def _obligation(agreement: Agreement) -> Obligation:
    source = agreement.drive_time_source
    return Obligation(
        team=agreement.team,
        basis=Basis.AGREEMENT,
        agreement=agreement,
        sites=tuple(agreement.sites.all()),
        kinds=agreement.kinds_in_scope,
        drive_minutes=agreement.drive_minutes,
        drive_time_source=DriveTimeSource(source) if source else None,
        promised_minutes=agreement.response_promise_minutes,
    )


def draft(
    enterprise: Enterprise,
    team: RescueTeam,
    terms: Terms,
    *,
    previous: Agreement | None = None,
    by: Actor,
    at: datetime,
) -> Agreement:
    """Write an agreement down; it binds nobody before both sides have confirmed.

    :raises WrongTerms: :raises NumberTaken: :raises contracts.periods.WrongPeriod:
    """
    _refuse_wrong_terms(enterprise, team, terms)
    with transaction.atomic():
        agreement = Agreement(enterprise=enterprise, team=team, previous=previous)
        _write(agreement, terms, at=at)
        audit.record(
            "agreement.draft", agreement, by=by, at=at, number=agreement.number, **_as_said(agreement)
        )
    return agreement


def revise(agreement: Agreement, terms: Terms, *, by: Actor, at: datetime) -> None:
    """Change a draft that nobody has confirmed yet.

    :raises AlreadyConfirmed: :raises WrongTerms: :raises NumberTaken: :raises contracts.periods.WrongPeriod:
    """
    _refuse_wrong_terms(agreement.enterprise, agreement.team, terms)
    with transaction.atomic():
        locked = _locked(agreement)
        if locked.consents.exists() or locked.terminated_on:
            raise AlreadyConfirmed(
                f"协议 {locked.number} 已有一方确认或已终止，内容不能再改。请另拟一份新协议。",
                f"Agreement {locked.number} has been confirmed by a side or ended; it cannot be changed. "
                "Draft a new one.",
            )
        before = _as_said(locked)
        _write(locked, terms, at=at)
        audit.record("agreement.revise", locked, by=by, at=at, before=before, after=_as_said(locked))


def confirm(
    agreement: Agreement, party: Party, *, signatory: str, by: Actor, at: datetime
) -> AgreementConsent:
    """Record that one side has confirmed; a second time changes nothing.

    :raises CannotConfirm: if the agreement has ended or its term is over.
    """
    if not signatory.strip():
        raise WrongTerms(
            "签署人为空。请填写代表该方签署的人的姓名。",
            "The signatory is empty. Give the name of the person who signed for this side.",
        )
    with transaction.atomic():
        locked = _locked(agreement)
        if consent := locked.consents.filter(party=party).first():
            return consent
        today = clock.day_of(at)
        if locked.terminated_on is not None or locked.ends_on < today:
            raise CannotConfirm(
                f"协议 {locked.number} 已终止或已过截止日 {locked.ends_on}，不能再确认。请另拟一份新协议。",
                f"Agreement {locked.number} was ended or its term was over on {locked.ends_on}. Draft a new one.",
            )
        consent = AgreementConsent.objects.create(
            agreement=locked, party=party, by=by.user, signatory=signatory.strip(), at=at
        )
        audit.record("agreement.confirm", locked, by=by, at=at, party=party, signatory=consent.signatory)
    return consent


def terminate(agreement: Agreement, *, on: date, reason: str, by: Actor, at: datetime) -> None:
    """End an agreement from the day `on`: the day before, the team is still obliged.

    :raises WrongTerms: if the day has passed or nothing is said why.
    :raises CannotTerminate: if it has ended already.
    """
    if not reason.strip():
        raise WrongTerms("终止原因为空。请写明为什么终止。", "Say why the agreement is ended.")
    today = clock.day_of(at)
    if on < today:
        # Yesterday's obligation is a fact that an investigation may ask for; it is not undone today.
        raise WrongTerms(
            f"终止日 {on} 已经过去。请填今天 {today} 或以后的日期。",
            f"{on} has passed. Give today, {today}, or a later day.",
        )
    with transaction.atomic():
        locked = _locked(agreement)
        if locked.terminated_on is not None or locked.ends_on < today:
            raise CannotTerminate(
                f"协议 {locked.number} 已经终止或到期，无需再终止。",
                f"Agreement {locked.number} has ended already.",
            )
        locked.terminated_on, locked.termination_reason = on, reason.strip()
        locked.save(update_fields=["terminated_on", "termination_reason"])
        audit.record(
            "agreement.terminate", locked, by=by, at=at, on=str(on), reason=locked.termination_reason
        )


def renew(agreement: Agreement, *, until: date, by: Actor, at: datetime) -> Agreement:
    """Draft the agreement that follows this one, on the same terms, from the day after it (or from today).

    Both sides have to confirm it anew.

    :raises CannotRenew: if it was renewed before, ended early, or never confirmed by both.
    """
    today = clock.day_of(at)
    with transaction.atomic():
        locked = _locked(agreement)
        if Agreement.objects.filter(previous=locked).exists():
            raise CannotRenew(
                f"协议 {locked.number} 已有续签的协议，不能重复续签。",
                f"Agreement {locked.number} has been renewed already.",
            )
        status = locked.status_on(today)
        if status in (AgreementStatus.TERMINATED, AgreementStatus.DRAFT, AgreementStatus.AWAITING):
            raise CannotRenew(
                f"协议 {locked.number} 目前是“{status.zh}”，不能续签。请另拟一份新协议。",
                f"Agreement {locked.number} is now {status.en} and cannot be renewed. Draft a new one.",
            )
        terms = Terms(
            kind=AgreementKind(locked.kind),
            starts_on=max(locked.ends_on + timedelta(days=1), today),
            ends_on=until,
            sites=tuple(locked.sites.all()),
            incident_kinds=tuple(locked.incident_kinds),
            drive_minutes=locked.drive_minutes,
            drive_time_source=(
                DriveTimeSource(locked.drive_time_source) if locked.drive_time_source else None
            ),
            response_promise_minutes=locked.response_promise_minutes,
        )
        return draft(locked.enterprise, locked.team, terms, previous=locked, by=by, at=at)


def _locked(agreement: Agreement) -> Agreement:
    return (
        Agreement.objects.select_for_update(of=("self",))
        .select_related("enterprise", "team")
        .get(pk=agreement.pk)
    )


def _refuse_wrong_terms(enterprise: Enterprise, team: RescueTeam, terms: Terms) -> None:
    Period(terms.starts_on, terms.ends_on)
    if team.owner_id == enterprise.pk:
        raise WrongTerms(
            f"{team.name}是{enterprise.name}自己的队伍，无需协议。",
            f"{team.name} is {enterprise.name}'s own team and needs no agreement.",
        )
    if team.state == TeamState.DISBANDED:
        raise WrongTerms(
            f"{team.name}已注销，不能签订协议。请另选队伍。",
            f"{team.name} has been disbanded. Choose another team.",
        )
    if strange := [site.name for site in terms.sites if site.enterprise_id != enterprise.pk]:
        raise WrongTerms(
            f"厂区“{'、'.join(strange)}”不属于{enterprise.name}。请只选该企业的厂区。",
            f"“{', '.join(strange)}” is not a site of {enterprise.name}. Choose its own sites only.",
        )
    known = {kind.code for kind in kinds.KINDS}
    if unheard := [code for code in terms.incident_kinds if code not in known]:
        raise WrongTerms(
            f"没有“{'、'.join(unheard)}”这种事故类型。请从列表里选，一个都不选即全部类型。",
            f"There is no kind of incident “{', '.join(unheard)}”. Choose from the list; none means all.",
        )
    if (terms.drive_minutes is None) != (terms.drive_time_source is None):
        raise WrongTerms(
            "行车时间和来源要一起填写：几分钟，是实测还是估算。",
            "Give the driving time together with its source: how many minutes, measured or estimated.",
        )


def _write(agreement: Agreement, terms: Terms, *, at: datetime) -> None:
    number = terms.number.strip() or agreement.number or next_number(NUMBER_KIND, at=at)
    if Agreement.objects.filter(number=number).exclude(pk=agreement.pk).exists():
        raise NumberTaken(
            f"协议编号“{number}”已被另一份协议使用。请换一个，或留空由系统编号。",
            f"Another agreement has the number “{number}”. Give another, or none to be given one.",
        )
    agreement.number = number
    agreement.kind = terms.kind
    agreement.incident_kinds = [kind.code for kind in kinds.among(terms.incident_kinds)]
    agreement.starts_on, agreement.ends_on = terms.starts_on, terms.ends_on
    agreement.drive_minutes = terms.drive_minutes
    agreement.drive_time_source = terms.drive_time_source or ""
    agreement.response_promise_minutes = terms.response_promise_minutes
    agreement.save()
    agreement.sites.set(terms.sites)


def _as_said(agreement: Agreement) -> dict[str, object]:
    return {
        "kind": agreement.kind,
        "term": f"{agreement.starts_on}–{agreement.ends_on}",
        "sites": [site.name for site in agreement.sites.all()],
        "incident_kinds": agreement.incident_kinds,
        "drive_minutes": agreement.drive_minutes,
        "drive_time_source": agreement.drive_time_source,
        "response_promise_minutes": agreement.response_promise_minutes,
    }
