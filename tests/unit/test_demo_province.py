"""The demo province on paper: enough of everything, the same for the same seed, its terms never stale."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from contracts.capabilities import CAPABILITIES
from contracts.models import Party
from contracts.periods import BINDING, AgreementStatus, agreement_status
from contracts.uscc import is_valid
from coordination.demo import firms, people, promises, teams
from coordination.demo.invention import LABEL, UNITS
from coordination.demo.promises import DemoAgreement
from ground import gazetteer, phones
from ground.kinds import KINDS
from ground.spreadsheets import read_workbook
from tests.moments import TODAY

SEED = 1
FIRMS = firms.firms(SEED)
TEAMS = teams.teams(SEED, FIRMS)
EXPERTS = people.experts(SEED, TODAY)
AGREEMENTS = promises.agreements(SEED, TODAY, FIRMS, TEAMS)


def status(agreement: DemoAgreement, day: date) -> AgreementStatus:
    parties = {consent.party for consent in agreement.consents}
    return agreement_status(
        consented_by_both=parties == set(Party),
        any_consent=bool(parties),
        period=agreement.term,
        terminated_on=agreement.terminated_on,
        today=day,
    )


def test_there_are_as_many_as_promised() -> None:
    assert (len(EXPERTS), len(TEAMS), len(FIRMS), len(AGREEMENTS)) == (76, 40, 300, 180)


def test_the_same_seed_and_day_give_the_same_province() -> None:
    assert people.experts(SEED, TODAY) == EXPERTS
    assert teams.teams(SEED, firms.firms(SEED)) == TEAMS
    assert promises.agreements(SEED, TODAY, FIRMS, TEAMS) == AGREEMENTS


def test_another_seed_gives_another_province() -> None:
    assert firms.firms(2) != FIRMS
    assert people.experts(2, TODAY) != EXPERTS


def test_every_industry_has_its_quota_and_tobacco_one() -> None:
    assert Counter(one.industries[0] for one in EXPERTS) == people.QUOTAS
    assert [one for one in EXPERTS if "YC" in one.industries] == [
        one for one in EXPERTS if one.industries[0] == "YC"
    ]


def test_experts_and_enterprises_are_spread_over_the_13_units() -> None:
    homes = [gazetteer.find(one.region) for one in EXPERTS]

    assert {home.unit for home in homes if home} == set(UNITS)
    assert {firm.spot.region.unit for firm in FIRMS} == set(UNITS)


def test_two_or_three_specialties_each() -> None:
    assert {len(set(one.specialties)) for one in EXPERTS} <= {2, 3}


def test_nobody_is_named_twice_and_everything_is_labelled() -> None:
    assert len({one.name for one in EXPERTS}) == 76
    assert len({firm.name for firm in FIRMS}) == 300
    assert len({team.name for team in TEAMS}) == 40
    labelled = [one.employer for one in EXPERTS] + [one.name for one in [*FIRMS, *TEAMS]]
    assert [name for name in labelled if not name.endswith(LABEL)] == []


@pytest.mark.parametrize("seed", range(5))
def test_every_credit_code_is_well_formed_and_given_once(seed: int) -> None:
    codes = [firm.uscc for firm in firms.firms(seed)]

    assert all(is_valid(code) for code in codes)
    assert len(set(codes)) == 300


def test_every_number_can_be_dialled_and_is_given_once() -> None:
    numbers = [
        phones.normalise(number) for one in [*EXPERTS, *FIRMS, *TEAMS] for number in (one.mobile, one.phone)
    ]
    assert len(set(numbers)) == 2 * (76 + 300 + 40)


def test_no_message_could_leave_for_a_real_mailbox() -> None:
    assert all(one.email.endswith("@demo.invalid") for one in [*EXPERTS, *FIRMS, *TEAMS])


def test_every_capability_of_a_team_is_a_known_one() -> None:
    assert {code for team in TEAMS for code in team.capabilities} <= {one.code for one in CAPABILITIES}


@pytest.mark.parametrize("day", [TODAY, TODAY + timedelta(days=400), date(2028, 2, 29)])
def test_whatever_the_day_agreements_are_in_every_state(day: date) -> None:
    found = Counter(status(one, day) for one in promises.agreements(SEED, day, FIRMS, TEAMS))

    assert found[AgreementStatus.IN_FORCE] >= 90
    assert found[AgreementStatus.EXPIRING] >= 26
    assert found[AgreementStatus.EXPIRED] == 18
    assert found[AgreementStatus.TERMINATED] == 6
    assert found[AgreementStatus.AWAITING] == 8
    assert found[AgreementStatus.DRAFT] == 4


def test_some_agreements_name_the_kinds_of_incident_and_that_of_the_story_covers_its_own() -> None:
    named = [one for one in AGREEMENTS if one.incident_kinds]

    assert len(named) == 20
    assert {code for one in named for code in one.incident_kinds} <= {kind.code for kind in KINDS}
    assert AGREEMENTS[0].incident_kinds == ()


def test_an_agreements_number_is_given_once() -> None:
    assert len({one.number for one in AGREEMENTS}) == 180


def test_some_teams_are_promised_from_too_far_away() -> None:
    far = [one for one in AGREEMENTS if one.drive_minutes > 30 and status(one, TODAY) in BINDING]
    assert len(far) >= 12


def test_the_cold_store_of_the_story_has_a_team_within_half_an_hour() -> None:
    agreement = AGREEMENTS[0]

    assert agreement.firm.short_name == "冀润冷链"
    assert agreement.team.name.startswith("曹妃甸危化品应急救援队")
    assert status(agreement, TODAY) is AgreementStatus.IN_FORCE
    assert agreement.drive_minutes <= 30


def test_one_has_gone_yesterday_and_one_goes_in_twelve_days() -> None:
    left = Counter(one.term.days_left(TODAY) for one in EXPERTS)

    assert left[-1] == 1
    assert left[12] == 1
    assert sum(count for days, count in left.items() if days < 0) == 1


def test_some_are_away_today_and_one_is_suspended() -> None:
    away = [one for one in EXPERTS if one.leave and one.leave[0] <= 0 <= one.leave[1]]

    assert len(away) == 3
    assert len([one for one in EXPERTS if one.is_suspended]) == 1


def test_two_certificates_have_lapsed() -> None:
    lapsed = [one for one in EXPERTS for paper in one.certificates if paper.expires_on < TODAY]
    assert len(lapsed) == 2


def test_the_cold_store_has_an_adviser_and_the_author_of_its_plan_among_the_experts() -> None:
    of_story = [
        one.expert
        for one in promises.interests(SEED, TODAY, FIRMS, EXPERTS)
        if one.firm.short_name == firms.STORY
    ]
    assert of_story == ["胡建军", "董雪梅"]


def test_one_team_is_out_of_service() -> None:
    assert [team.name for team in TEAMS if team.state == "out_of_service"] == [f"廊坊综合应急救援队{LABEL}"]


def test_own_teams_stand_at_their_enterprise() -> None:
    own = [team for team in TEAMS if team.owner]

    assert len(own) == 6
    assert all(team.spot == next(firm for firm in FIRMS if firm.uscc == team.owner).spot for team in own)


def test_the_workbook_has_a_title_row_a_header_row_and_one_row_each() -> None:
    sheet = read_workbook(people.workbook(EXPERTS)).sheets[0]

    assert sheet.rows[1][1].text == people.TITLE
    assert [sheet.rows[2][column].text for column in (1, 2, 12)] == ["序号", "姓名", "行业"]
    assert len(sheet.rows) == 78
