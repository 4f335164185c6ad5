"""Signing in: the demo's accounts, and what happens to somebody who guesses."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from ground import sign_in_limits
from ground.access import Role
from ground.models import AuditEntry
from tests.factories import a_user

pytestmark = pytest.mark.django_db
WRONG = "not-the-password"


@pytest.fixture(autouse=True)
def a_fresh_cache():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def chen():
    return a_user("chenli", Role.DUTY_OFFICER, name="陈立", password="correct-horse")


def sign_in(client, password, *, username="chenli", address="10.0.0.7"):
    return client.post("/sign-in/", {"username": username, "password": password}, REMOTE_ADDR=address)


def test_the_right_password_leads_home_and_is_recorded(client, chen):
    response = sign_in(client, "correct-horse")

    assert response.url == "/"
    entry = AuditEntry.objects.get(action="account.sign_in")
    assert (entry.actor, entry.details["address"]) == (chen, "10.0.0.7")


def test_the_demo_accounts_stand_beside_the_form_in_demo_mode_only(client, settings):
    settings.MUSTER_MODE = "demo"
    assert b"muster-demo" in client.get("/sign-in/").content

    settings.MUSTER_MODE = "live"
    assert b"muster-demo" not in client.get("/sign-in/").content


def test_five_wrong_passwords_lock_the_name_and_say_for_how_long(client, chen):
    for _ in range(4):
        assert "锁定" not in sign_in(client, WRONG).content.decode()

    assert "已锁定。请 1 分钟后再试" in sign_in(client, WRONG).content.decode()
    assert AuditEntry.objects.filter(action="account.lock", object_id=str(chen.public_id)).count() == 1

    # Not even the right one opens it now.
    assert "已锁定" in sign_in(client, "correct-horse").content.decode()


def test_somebody_elsewhere_is_not_locked_out(client, chen):
    for _ in range(5):
        sign_in(client, WRONG, address="203.0.113.9")

    assert sign_in(client, "correct-horse", address="10.0.0.7").status_code == 302


def test_the_right_password_forgives_the_wrong_ones(client, chen):
    for _ in range(4):
        sign_in(client, WRONG)
    sign_in(client, "correct-horse")
    client.logout()

    assert "锁定" not in sign_in(client, WRONG).content.decode()


def test_a_name_that_nobody_has_is_locked_like_any_other(client):
    for _ in range(5):
        response = sign_in(client, WRONG, username="nobody")

    assert "已锁定" in response.content.decode()


def test_each_round_of_five_locks_twice_as_long_up_to_half_an_hour():
    locks = [sign_in_limits.failed("chenli", "10.0.0.7") for _ in range(40)]

    minutes = [lock.total_seconds() / 60 for lock in locks if lock]
    assert minutes == [1, 2, 4, 8, 16, 30, 30, 30]
