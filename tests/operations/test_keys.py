"""The key of a program: whose it is, what that account may do, and when it is good no more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ground import tokens
from ground.access import Permission, Role
from ground.models import ApiToken, RoleGrant, User
from tests.factories import a_user
from tests.moments import NOON

pytestmark = pytest.mark.django_db

TANGSHAN = "130200"


@pytest.fixture
def program() -> User:
    """An account of two roles: it reads the roster everywhere and keeps it in Tangshan."""
    user = a_user("program", Role.LEADER)
    RoleGrant.objects.create(user=user, role=Role.ROSTER_ADMIN, region_id=TANGSHAN)
    return user


@pytest.fixture
def key(program) -> str:
    return tokens.issue(program, name="试", valid_for=timedelta(minutes=5), at=NOON)[0]


def test_the_account_comes_with_all_its_roles_in_one_query(program, key, django_assert_num_queries):
    with django_assert_num_queries(1):
        user = tokens.user_of(key, at=NOON)
        assert user is not None
        assert user.held() == {(Role.LEADER, None), (Role.ROSTER_ADMIN, TANGSHAN)}
        assert user.reach(Permission.READ_ROSTER).everywhere
        assert TANGSHAN in (user.reach(Permission.EDIT_ROSTER).regions or ())

    assert (user, user.username, user.public_id) == (program, program.username, program.public_id)
    assert user.date_joined == program.date_joined


def test_an_account_without_a_role_is_known_and_may_do_nothing():
    nobody = User.objects.create(username="nobody")
    key, _ = tokens.issue(nobody, name="试", valid_for=timedelta(minutes=5), at=NOON)

    user = tokens.user_of(key, at=NOON)

    assert user == nobody
    assert user.held() == frozenset()
    assert not any(user.may(permission) for permission in Permission)


def test_a_role_taken_back_is_gone_with_the_next_call(program, key):
    tokens.user_of(key, at=NOON)
    program.grants.filter(role=Role.ROSTER_ADMIN).delete()

    user = tokens.user_of(key, at=NOON)

    assert user.held() == {(Role.LEADER, None)}


def test_a_key_is_good_until_it_expires(key):
    assert tokens.user_of(key, at=NOON + timedelta(minutes=4))
    assert tokens.user_of(key, at=NOON + timedelta(minutes=5)) is None


def test_a_key_that_was_revoked_or_whose_account_was_closed_opens_nothing(program, key):
    ApiToken.objects.update(revoked_at=NOON)
    assert tokens.user_of(key, at=NOON) is None
    ApiToken.objects.update(revoked_at=None)
    assert tokens.user_of(key, at=NOON)
    User.objects.filter(pk=program.pk).update(is_active=False)
    assert tokens.user_of(key, at=NOON) is None


def test_another_key_is_nobody_s(key):
    assert tokens.user_of(f"{key}x", at=NOON) is None
    assert tokens.user_of("", at=NOON) is None
