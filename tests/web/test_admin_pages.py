"""The system admin's pages: for the system admin alone, whatever Django's own flags say."""

from __future__ import annotations

import pytest

from contracts.models import Membership
from ground import clock, tokens
from ground.access import Role
from ground.models import ApiToken, AuditEntry, User
from tests.factories import a_team, a_user, an_agreement, an_enterprise
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def gao():
    return a_user("gao", Role.SYSTEM_ADMIN, name="高洁")


@pytest.fixture
def admin_client_of_gao(client, gao):
    client.force_login(gao)
    return client


def test_a_stranger_is_sent_to_the_one_sign_in_page(client):
    first = client.get("/admin/")
    second = client.get(first.url)

    assert second.url == "/sign-in/?next=/admin/"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM_ADMIN])
def test_nobody_else_comes_in(client, role):
    client.force_login(a_user("somebody", role))

    assert client.get("/admin/", follow=True).status_code == 403


def test_being_staff_and_superuser_by_djangos_flags_opens_nothing(client):
    User.objects.filter(pk=a_user("boss").pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(username="boss"))

    assert client.get("/admin/", follow=True).status_code == 403


def test_every_page_of_the_admin_opens(admin_client_of_gao):
    firm = an_enterprise()
    an_agreement(firm, a_team("曹妃甸危化队"))
    tokens.issue(a_user("api"), name="试", valid_for=minutes(5), at=NOON)

    for path in (
        *("ground/user/", "ground/region/", "ground/industry/", "ground/specialty/", "ground/apitoken/"),
        *("ground/auditentry/", "contracts/membership/", "contracts/capability/", "contracts/enterprise/"),
        *("contracts/rescueteam/", "contracts/agreement/", "contracts/interest/"),
        *("ground/user/add/", "contracts/membership/add/", f"contracts/enterprise/{firm.pk}/change/"),
    ):
        assert admin_client_of_gao.get(f"/admin/{path}").status_code == 200, path


def test_a_new_account_gets_its_role_and_both_are_in_the_audit(admin_client_of_gao, gao):
    made = admin_client_of_gao.post(
        "/admin/ground/user/add/",
        {
            "username": "wang",
            "name": "王值班",
            "email": "wang@example.cn",
            "usable_password": "true",
            "password1": "a-Long-enough-1",
            "password2": "a-Long-enough-1",
            "grants-TOTAL_FORMS": "1",
            "grants-INITIAL_FORMS": "0",
            "grants-0-role": "duty_officer",
            "grants-0-region": "",
            "contacts-TOTAL_FORMS": "0",
            "contacts-INITIAL_FORMS": "0",
        },
    )

    assert made.status_code == 302
    wang = User.objects.get(username="wang")
    assert wang.roles() == {Role.DUTY_OFFICER}
    assert wang.check_password("a-Long-enough-1")
    assert AuditEntry.objects.get(action="admin.add", object_type="ground.user").actor == gao


def test_an_account_cannot_be_deleted(admin_client_of_gao):
    li = a_user("li", Role.DUTY_OFFICER)

    assert admin_client_of_gao.post(f"/admin/ground/user/{li.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_tokens_hash_is_shown_to_nobody(admin_client_of_gao):
    tokens.issue(a_user("api"), name="试", valid_for=minutes(5), at=NOON)
    token = ApiToken.objects.get()

    page = admin_client_of_gao.get(f"/admin/ground/apitoken/{token.pk}/change/").content.decode()

    assert "试" in page
    assert token.digest not in page


def test_the_registers_are_shown_but_not_changed_here(admin_client_of_gao):
    firm = an_enterprise()

    changed = admin_client_of_gao.post(
        f"/admin/contracts/enterprise/{firm.pk}/change/", {"name": "另一个名字"}
    )

    assert changed.status_code == 403


def test_a_membership_is_given_here(admin_client_of_gao):
    firm = an_enterprise()
    liu = a_user("liu", Role.ENTERPRISE, name="刘骏")

    admin_client_of_gao.post(
        "/admin/contracts/membership/add/", {"user": liu.pk, "enterprise": firm.pk, "team": ""}
    )

    assert Membership.objects.get(user=liu).enterprise == firm
    assert AuditEntry.objects.filter(action="admin.add", at__lte=clock.now()).count() == 1
