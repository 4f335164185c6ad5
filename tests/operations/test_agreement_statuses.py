"""What the database selects by status is what the rule says of each agreement, on every kind of day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.models import Agreement, AgreementConsent, Party
from contracts.periods import AgreementStatus
from tests.factories import a_team, an_agreement, an_enterprise
from tests.moments import NOON, TODAY

pytestmark = pytest.mark.django_db


def days(count: int) -> timedelta:
    return timedelta(days=count)


@pytest.fixture
def every_kind_of_agreement():
    enterprise, team = an_enterprise(), a_team("演示队")
    terms = [(-500, end) for end in (-400, -1, 0, 1, 89, 90, 91, 400)] + [(0, 0), (0, 90), (1, 91), (2, 400)]
    number = 0
    for consents in ((), (Party.TEAM,), tuple(Party)):
        for start, end in terms:
            for terminated in (None, -1, 0, 1):
                number += 1
                agreement = an_agreement(
                    enterprise,
                    team,
                    number=f"XY-{number}",
                    term=(TODAY + days(start), TODAY + days(end)),
                    confirmed=False,
                    terminated_on=None if terminated is None else TODAY + days(terminated),
                )
                for party in consents:
                    AgreementConsent.objects.create(
                        agreement=agreement, party=party, signatory="演示", at=NOON
                    )


@pytest.mark.parametrize("status", AgreementStatus)
def test_the_database_and_the_rule_agree(every_kind_of_agreement, status):
    selected = set(Agreement.objects.with_status(status, on=TODAY))
    by_rule = {one for one in Agreement.objects.all() if one.status_on(TODAY) is status}

    assert selected == by_rule
    assert by_rule, "the table has one of each status"


def test_every_agreement_has_exactly_one_status(every_kind_of_agreement):
    counted = sum(Agreement.objects.with_status(one, on=TODAY).count() for one in AgreementStatus)

    assert counted == Agreement.objects.count()
