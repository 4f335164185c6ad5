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


# --- an admin of one city -----------------------------------------------------------------------------


TANGSHAN, CAOFEIDIAN, QINHUANGDAO = "130200", "130209", "130300"


@pytest.fixture
def bound_client(client):
    """何平, who keeps the accounts of 唐山."""
    client.force_login(a_user("he", Role.SYSTEM_ADMIN, name="何平", region=TANGSHAN))
    return client


def granting(user: User, **grant: str) -> dict[str, str]:
    """Return the account's form with one more role."""
    held = list(user.grants.all())
    form = {
        **{"username": user.username, "name": user.name, "email": user.email, "is_active": "on"},
        **{"grants-TOTAL_FORMS": str(len(held) + 1), "grants-INITIAL_FORMS": str(len(held))},
        **{"contacts-TOTAL_FORMS": "0", "contacts-INITIAL_FORMS": "0"},
    }
    for at, one in enumerate(held):
        form |= {
            f"grants-{at}-id": str(one.pk),
            f"grants-{at}-user": str(user.pk),
            f"grants-{at}-role": one.role,
            f"grants-{at}-region": one.region_id or "",
        }
    return (
        form
        | {f"grants-{len(held)}-user": str(user.pk)}
        | {f"grants-{len(held)}-{name}": value for name, value in grant.items()}
    )


def test_a_role_can_be_bound_to_a_region_named_in_full(admin_client_of_gao):
    wang = a_user("wang", name="王宁")

    page = admin_client_of_gao.get(f"/admin/ground/user/{wang.pk}/change/").content.decode()
    admin_client_of_gao.post(
        f"/admin/ground/user/{wang.pk}/change/", granting(wang, role="duty_officer", region=CAOFEIDIAN)
    )

    assert "唐山市曹妃甸区" in page
    assert wang.grants.get().region_id == CAOFEIDIAN
    assert "值班员（曹妃甸区）" in admin_client_of_gao.get("/admin/ground/user/").content.decode()


def test_an_admin_of_one_city_sees_the_accounts_that_reach_no_further(bound_client):
    a_user("wang", Role.DUTY_OFFICER, name="王宁", region=CAOFEIDIAN)
    a_user("qin", Role.DUTY_OFFICER, name="秦岛", region=QINHUANGDAO)
    chen = a_user("chen", Role.DUTY_OFFICER, name="陈立")
    both = a_user("both", Role.DUTY_OFFICER, name="双城", region=TANGSHAN)
    both.grants.create(role=Role.LEADER)

    listed = bound_client.get("/admin/ground/user/").content.decode()

    assert "王宁" in listed
    assert "秦岛" not in listed and "陈立" not in listed and "双城" not in listed
    for path in ("change", "password"):
        answer = bound_client.post(
            f"/admin/ground/user/{chen.pk}/{path}/", {"password1": "x", "password2": "x"}
        )
        assert answer.status_code in (302, 403, 404)
    assert chen.check_password("muster-demo")


def test_nobody_gives_more_than_they_have(bound_client):
    wang = a_user("wang", name="王宁")
    himself = User.objects.get(username="he")

    for user in (wang, himself):
        for region in ("", QINHUANGDAO):
            answer = bound_client.post(
                f"/admin/ground/user/{user.pk}/change/", granting(user, role="leader", region=region)
            )
            assert "您的角色限于唐山市" in answer.content.decode()
    assert not wang.grants.exists()
    assert himself.grants.count() == 1

    bound_client.post(
        f"/admin/ground/user/{wang.pk}/change/", granting(wang, role="leader", region=CAOFEIDIAN)
    )
    assert wang.grants.get().region_id == CAOFEIDIAN


def test_an_admin_of_one_city_reads_no_audit_and_no_register_of_the_province(bound_client):
    an_enterprise()
    for path in ("auditentry", "apitoken", "specialty"):
        assert bound_client.get(f"/admin/ground/{path}/").status_code == 403, path
    for path in ("enterprise", "membership", "agreement", "interest"):
        assert bound_client.get(f"/admin/contracts/{path}/").status_code == 403, path
    assert bound_client.get("/admin/experts/expert/").status_code == 403
