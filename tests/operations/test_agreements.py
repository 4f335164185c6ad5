"""An agreement from the draft to its end, and whom it obliges on which side of midnight."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts import agreements
from contracts.agreements import Terms
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
from contracts.periods import AgreementStatus, WrongPeriod
from ground import clock
from ground.access import Role
from ground.audit import Actor
from ground.models import AuditEntry
from tests.factories import a_team, a_user, an_agreement, an_enterprise
from tests.moments import NOON, TODAY

pytestmark = pytest.mark.django_db

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
TWO_YEARS = Terms(kind=AgreementKind.RESCUE, starts_on=TODAY, ends_on=TODAY + timedelta(days=730))
# 2026-11-24 in Shanghai ends at 16:00 in Greenwich.
LAST_SECOND = datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 24, 16, 0, 0, tzinfo=UTC)


@pytest.fixture
def sun() -> Actor:
    return Actor.of(a_user("sun", Role.ROSTER_ADMIN, name="孙静怡"))


@pytest.fixture
def firm() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def team() -> RescueTeam:
    return a_team("曹妃甸危化队")


def obliged_at(firm: Enterprise, moment: datetime) -> list[str]:
    return [one.team.name for one in agreements.teams_obliged_to(firm, on=clock.day_of(moment))]


# --- whom it obliges ------------------------------------------------------------------------------


def test_an_agreement_binds_until_the_last_second_of_its_last_day(firm, team):
    an_agreement(firm, team, term=(date(2025, 1, 1), TODAY))

    assert obliged_at(firm, LAST_SECOND) == ["曹妃甸危化队"]
    assert obliged_at(firm, MIDNIGHT) == []


def test_an_agreement_binds_from_the_first_second_of_its_first_day(firm, team):
    an_agreement(firm, team, term=(TOMORROW, date(2028, 1, 1)))

    assert obliged_at(firm, LAST_SECOND) == []
    assert obliged_at(firm, MIDNIGHT) == ["曹妃甸危化队"]


def test_a_terminated_agreement_binds_until_the_second_before_its_day(firm, team, sun):
    agreement = an_agreement(firm, team)

    agreements.terminate(agreement, on=TOMORROW, reason="企业停产", by=sun, at=NOON)

    assert obliged_at(firm, LAST_SECOND) == ["曹妃甸危化队"]
    assert obliged_at(firm, MIDNIGHT) == []


@pytest.mark.parametrize("party", list(Party))
def test_one_sides_consent_alone_obliges_nobody(firm, team, sun, party):
    agreement = agreements.draft(firm, team, TWO_YEARS, by=sun, at=NOON)
    agreements.confirm(agreement, party, signatory="刘骏", by=sun, at=NOON)

    assert agreements.teams_obliged_to(firm, on=TODAY) == []


def test_the_own_team_comes_first_then_the_nearest(firm, sun):
    an_agreement(firm, a_team("远队"), drive_minutes=55, drive_time_source=DriveTimeSource.ESTIMATED)
    near = an_agreement(
        firm,
        a_team("近队"),
        drive_minutes=18,
        drive_time_source=DriveTimeSource.MEASURED,
        response_promise_minutes=25,
    )
    an_agreement(firm, a_team("未测队"))
    a_team("本厂队", owner=firm)

    own, first, second, third = agreements.teams_obliged_to(firm, on=TODAY)

    assert (own.team.name, own.basis, own.agreement) == ("本厂队", Basis.OWN, None)
    assert (first.team.name, first.basis, first.agreement) == ("近队", Basis.AGREEMENT, near)
    assert (first.drive_minutes, first.drive_time_source, first.promised_minutes) == (18, "measured", 25)
    assert (second.team.name, third.team.name) == ("远队", "未测队")


def test_a_team_out_of_service_is_still_obliged_but_cannot_turn_out(firm, team):
    an_agreement(firm, team)
    RescueTeam.objects.filter(pk=team.pk).update(state=TeamState.OUT_OF_SERVICE)

    (obligation,) = agreements.teams_obliged_to(firm, on=TODAY)

    assert not obligation.can_turn_out


def test_a_disbanded_team_is_obliged_to_nobody(firm, team):
    an_agreement(firm, team)
    a_team("本厂队", owner=firm, state=TeamState.DISBANDED)
    RescueTeam.objects.filter(pk=team.pk).update(state=TeamState.DISBANDED)

    assert agreements.teams_obliged_to(firm, on=TODAY) == []


def test_anothers_agreement_obliges_the_team_to_the_other_only(firm, team):
    an_agreement(an_enterprise("别家公司"), team)

    assert agreements.teams_obliged_to(firm, on=TODAY) == []


def test_an_agreement_for_one_site_does_not_cover_the_other(firm, team):
    plant = firm.sites.get()
    depot = Site.objects.create(enterprise=firm, name="仓库", industry=plant.industry)
    agreement = an_agreement(firm, team)
    agreement.sites.set([plant])

    (obligation,) = agreements.teams_obliged_to(firm, on=TODAY)

    assert obligation.covers(plant)
    assert not obligation.covers(depot)


def test_the_question_costs_the_same_for_one_agreement_and_for_ten(firm, django_assert_num_queries, team):
    an_agreement(firm, team)
    with django_assert_num_queries(3):
        agreements.teams_obliged_to(firm, on=TODAY)
    for number in range(9):
        an_agreement(firm, a_team(f"{number} 队"))
    with django_assert_num_queries(3):
        agreements.teams_obliged_to(firm, on=TODAY)


# --- from the draft to the end --------------------------------------------------------------------


def test_a_draft_awaits_both_sides_and_is_then_in_force(firm, team, sun):
    agreement = agreements.draft(firm, team, TWO_YEARS, by=sun, at=NOON)
    assert agreement.number == "XY-20261124-001"
    assert agreement.status_on(TODAY) is AgreementStatus.DRAFT

    agreements.confirm(agreement, Party.ENTERPRISE, signatory="刘骏", by=sun, at=NOON)
    assert agreement.status_on(TODAY) is AgreementStatus.AWAITING

    agreements.confirm(agreement, Party.TEAM, signatory="韩铁军", by=sun, at=NOON)
    assert agreement.status_on(TODAY) is AgreementStatus.IN_FORCE
    assert list(AuditEntry.objects.order_by("id").values_list("action", "actor_label")) == [
        ("agreement.draft", "孙静怡"),
        ("agreement.confirm", "孙静怡"),
        ("agreement.confirm", "孙静怡"),
    ]


def test_confirming_twice_keeps_the_first_signature(firm, team, sun):
    agreement = agreements.draft(firm, team, TWO_YEARS, by=sun, at=NOON)

    agreements.confirm(agreement, Party.TEAM, signatory="韩铁军", by=sun, at=NOON)
    agreements.confirm(agreement, Party.TEAM, signatory="别人", by=sun, at=NOON + timedelta(hours=1))

    assert AgreementConsent.objects.get().signatory == "韩铁军"


def test_what_is_over_cannot_be_confirmed_any_more(firm, team, sun):
    agreement = an_agreement(firm, team, term=(date(2024, 1, 1), YESTERDAY), confirmed=False)

    with pytest.raises(agreements.CannotConfirm, match="已过截止日"):
        agreements.confirm(agreement, Party.TEAM, signatory="韩铁军", by=sun, at=NOON)


def test_a_draft_may_be_revised_until_somebody_has_confirmed(firm, team, sun):
    agreement = agreements.draft(firm, team, TWO_YEARS, by=sun, at=NOON)
    shorter = Terms(kind=AgreementKind.MUTUAL, starts_on=TODAY, ends_on=TODAY + timedelta(days=100))

    agreements.revise(agreement, shorter, by=sun, at=NOON)
    agreement.refresh_from_db()
    assert (agreement.kind, agreement.ends_on) == (AgreementKind.MUTUAL, TODAY + timedelta(days=100))
    assert agreement.number == "XY-20261124-001"

    agreements.confirm(agreement, Party.TEAM, signatory="韩铁军", by=sun, at=NOON)
    with pytest.raises(agreements.AlreadyConfirmed, match="内容不能再改"):
        agreements.revise(agreement, TWO_YEARS, by=sun, at=NOON)


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        pytest.param({"drive_minutes": 20}, "行车时间和来源", id="minutes without their source"),
        pytest.param(
            {"drive_time_source": DriveTimeSource.MEASURED}, "行车时间和来源", id="a source without minutes"
        ),
    ],
)
def test_terms_that_cannot_be_written_down(firm, team, sun, terms, says):
    wrong = Terms(kind=AgreementKind.RESCUE, starts_on=TODAY, ends_on=TOMORROW, **terms)

    with pytest.raises(agreements.WrongTerms, match=says):
        agreements.draft(firm, team, wrong, by=sun, at=NOON)
    assert not Agreement.objects.exists()


def test_an_agreement_cannot_end_before_it_starts(firm, team, sun):
    with pytest.raises(WrongPeriod):
        agreements.draft(
            firm,
            team,
            Terms(kind=AgreementKind.RESCUE, starts_on=TODAY, ends_on=YESTERDAY),
            by=sun,
            at=NOON,
        )


def test_nobody_signs_with_their_own_team_or_with_one_that_is_gone(firm, sun):
    with pytest.raises(agreements.WrongTerms, match="自己的队伍"):
        agreements.draft(firm, a_team("本厂队", owner=firm), TWO_YEARS, by=sun, at=NOON)
    with pytest.raises(agreements.WrongTerms, match="已注销"):
        agreements.draft(firm, a_team("旧队", state=TeamState.DISBANDED), TWO_YEARS, by=sun, at=NOON)


def test_anothers_site_cannot_be_promised(firm, team, sun):
    foreign = an_enterprise("别家公司").sites.get()
    terms = Terms(kind=AgreementKind.RESCUE, starts_on=TODAY, ends_on=TOMORROW, sites=[foreign])

    with pytest.raises(agreements.WrongTerms, match="不属于冀润冷链公司"):
        agreements.draft(firm, team, terms, by=sun, at=NOON)


def test_kinds_of_incident_are_kept_in_the_order_of_the_list_and_renewed_with_the_rest(firm, team, sun):
    terms = replace(TWO_YEARS, incident_kinds=["hazchem_fire", "hazchem_leak", "hazchem_fire"])
    agreement = agreements.draft(firm, team, terms, by=sun, at=NOON)
    assert agreement.incident_kinds == ["hazchem_leak", "hazchem_fire"]
    assert [kind.zh for kind in agreement.kinds_in_scope] == ["危化品泄漏", "危化品火灾爆炸"]

    for party in Party:
        agreements.confirm(agreement, party, signatory="演示", by=sun, at=NOON)

    (obliged,) = agreements.teams_obliged_to(firm, on=TODAY)
    assert obliged.kinds == agreement.kinds_in_scope
    next_one = agreements.renew(agreement, until=date(2031, 12, 31), by=sun, at=NOON)
    assert next_one.incident_kinds == agreement.incident_kinds


def test_a_kind_of_incident_that_is_not_on_the_list_cannot_be_promised(firm, team, sun):
    terms = replace(TWO_YEARS, incident_kinds=["hazchem_leak", "地震"])

    with pytest.raises(agreements.WrongTerms, match="地震"):
        agreements.draft(firm, team, terms, by=sun, at=NOON)


def test_a_number_is_given_once(firm, team, sun):
    an_agreement(firm, team, number="XY-2026-7")
    terms = Terms(kind=AgreementKind.RESCUE, starts_on=TODAY, ends_on=TOMORROW, number="XY-2026-7")

    with pytest.raises(agreements.NumberTaken, match="XY-2026-7"):
        agreements.draft(firm, a_team("另一队"), terms, by=sun, at=NOON)


def test_an_agreement_is_not_ended_for_a_day_that_has_passed(firm, team, sun):
    agreement = an_agreement(firm, team)

    with pytest.raises(agreements.WrongTerms, match="已经过去"):
        agreements.terminate(agreement, on=YESTERDAY, reason="企业停产", by=sun, at=NOON)
    with pytest.raises(agreements.WrongTerms, match="终止原因为空"):
        agreements.terminate(agreement, on=TODAY, reason=" ", by=sun, at=NOON)


def test_what_has_ended_cannot_be_ended_again(firm, team, sun):
    agreement = an_agreement(firm, team)
    agreements.terminate(agreement, on=TODAY, reason="企业停产", by=sun, at=NOON)

    with pytest.raises(agreements.CannotTerminate):
        agreements.terminate(agreement, on=TOMORROW, reason="再终止", by=sun, at=NOON)


def test_a_renewal_follows_the_day_after_and_needs_both_again(firm, team, sun):
    agreement = an_agreement(
        firm,
        team,
        term=(date(2025, 1, 1), date(2026, 12, 31)),
        drive_minutes=18,
        drive_time_source=DriveTimeSource.MEASURED,
    )

    next_one = agreements.renew(agreement, until=date(2028, 12, 31), by=sun, at=NOON)

    assert (next_one.starts_on, next_one.ends_on) == (date(2027, 1, 1), date(2028, 12, 31))
    assert next_one.previous == agreement
    assert next_one.drive_minutes == 18
    assert next_one.status_on(TODAY) is AgreementStatus.DRAFT
    with pytest.raises(agreements.CannotRenew, match="不能重复续签"):
        agreements.renew(agreement, until=date(2028, 12, 31), by=sun, at=NOON)


def test_what_ran_out_long_ago_is_renewed_from_today(firm, team, sun):
    agreement = an_agreement(firm, team, term=(date(2023, 1, 1), date(2025, 12, 31)))

    next_one = agreements.renew(agreement, until=date(2028, 12, 31), by=sun, at=NOON)

    assert next_one.starts_on == TODAY


def test_what_was_never_confirmed_cannot_be_renewed(firm, team, sun):
    agreement = an_agreement(firm, team, confirmed=False)

    with pytest.raises(agreements.CannotRenew, match="草拟"):
        agreements.renew(agreement, until=date(2028, 12, 31), by=sun, at=NOON)
