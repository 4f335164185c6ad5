"""The demo province in the database: through the import, all of it or nothing, and only where it belongs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from contracts.models import Agreement, Enterprise, Membership, RescueTeam
from contracts.periods import AgreementStatus
from coordination.demo import people, province
from coordination.demo.accounts import ACCOUNTS, PASSWORD
from experts import roster_sheet
from experts.models import Expert
from ground import clock, installation
from ground.access import Role
from ground.models import AuditEntry, Mode, User
from tests.factories import a_duty_officer
from tests.moments import NOON, TODAY

pytestmark = pytest.mark.django_db


def load(**settings):
    return province.load(**{"seed": 1, "day": TODAY, "mode": Mode.DEMO, "at": NOON, **settings})


def test_the_province_stands_after_one_load():
    made = load()

    assert (made.experts, made.teams, made.enterprises, made.agreements) == (76, 40, 300, 180)
    assert Expert.objects.count() == 76
    assert RescueTeam.objects.count() == 40
    assert Enterprise.objects.count() == 300
    assert Agreement.objects.count() == 180
    begun = installation.current()
    assert begun is not None
    assert begun.is_demo
    assert AuditEntry.objects.filter(action="demo.load", details__seed=1).count() == 1


def test_importing_the_workbook_again_changes_nothing():
    load()

    plan = roster_sheet.parse(people.workbook(people.experts(1, TODAY)), today=TODAY)

    assert (len(plan.creates), len(plan.updates), len(plan.errors)) == (0, 0, 0)


def test_who_is_appointed_today_and_who_is_not():
    load()

    serving = Expert.objects.serving_on(TODAY)

    assert serving.count() == 74  # one term ended yesterday, one is suspended
    assert not Expert.objects.appointed_on(TODAY + timedelta(days=13)).filter(name="俞建平").exists()
    assert serving.filter(absences__starts_on__lte=TODAY, absences__ends_on__gte=TODAY).count() == 3


def test_the_demo_accounts_may_sign_in_and_have_their_role(client):
    load()

    for account in ACCOUNTS:
        assert client.login(username=account.username, password=PASSWORD)
        assert User.objects.get(username=account.username).roles() == {account.role}
    assert Membership.objects.get(enterprise__isnull=False).user.username == "firm"
    assert Membership.objects.get(team__isnull=False).user.username == "team"
    assert {account.role for account in ACCOUNTS} == set(Role)


def test_the_register_shows_agreements_in_every_state():
    load()

    statuses = {one.status_on(TODAY) for one in Agreement.objects.prefetch_related("consents")}

    assert statuses == set(AgreementStatus)


def test_a_crash_in_the_middle_leaves_nothing(monkeypatch):
    def crash(*args, **kwargs):
        raise RuntimeError("pulled the plug")

    monkeypatch.setattr(province, "_open_accounts", crash)

    with pytest.raises(RuntimeError):
        load()

    assert not Enterprise.objects.exists()
    assert not Expert.objects.exists()
    assert installation.current() is None


def test_it_refuses_a_live_installation():
    with pytest.raises(province.NotInLive, match="正式系统不能载入演示数据"):
        load(mode=Mode.LIVE)


def test_it_refuses_a_database_that_holds_anything():
    a_duty_officer()

    with pytest.raises(province.NotEmpty, match="只能载入空库"):
        load()


def test_the_command_says_what_was_made_and_refuses_the_second_time(capsys, settings):
    settings.MUSTER_MODE = "demo"
    call_command("load_demo", day=clock.day_of(NOON), seed=3)
    assert "专家 76 人" in capsys.readouterr().out

    with pytest.raises(CommandError, match="数据库里已有数据"):
        call_command("load_demo")
