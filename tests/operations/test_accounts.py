"""An account is opened with its roles, and the trail says which and where."""

from __future__ import annotations

import pytest

from ground import accounts, audit
from ground.access import Permission, Role
from ground.models import AuditEntry, Region, User
from tests.moments import NOON

pytestmark = pytest.mark.django_db


def opened(**where: Region) -> User:
    return accounts.open_account(
        "wang",
        name="王宁",
        password="a-Long-enough-1",
        roles=[Role.DUTY_OFFICER],
        by=audit.SYSTEM,
        at=NOON,
        **where,
    )


def test_a_role_is_bound_to_the_region_that_is_given_and_the_audit_says_so():
    wang = opened(region=Region.objects.get(pk="130200"))

    assert wang.held() == {(Role.DUTY_OFFICER, "130200")}
    assert AuditEntry.objects.get(action="account.open").details["region"] == "130200"


def test_without_a_region_a_role_holds_everywhere():
    wang = opened()

    assert wang.reach(Permission.CALL_OUT).everywhere
    assert AuditEntry.objects.get(action="account.open").details["region"] is None
