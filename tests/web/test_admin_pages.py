"""The system admin's pages: for the system admin alone, whatever Django's own flags say."""

from __future__ import annotations

import pytest

from contracts.models import Membership
from ground import clock, tokens
from ground.access import Role
from ground.admin_site import site
from ground.models import ApiToken, AuditEntry, Specialty, User
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


def a_contact(kind: str, value: str) -> dict[str, str]:
    return {
        "username": "wang",
        "name": "王值班",
        "usable_password": "true",
        "password1": "a-Long-enough-1",
        "password2": "a-Long-enough-1",
        **{"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"},
        **{"contacts-TOTAL_FORMS": "1", "contacts-INITIAL_FORMS": "0"},
        **{"contacts-0-kind": kind, "contacts-0-value": value, "contacts-0-rank": "1"},
    }


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("mobile", "138 1234 1234", "+8613812341234"),
        ("phone", "0311-87654321", "+8631187654321"),
        ("email", "wang@example.cn", "wang@example.cn"),
        ("webhook", "https://dispatch.example.cn/muster", "https://dispatch.example.cn/muster"),
        ("wecom", " ZhangSan_1 ", "ZhangSan_1"),
    ],
)
def test_a_contact_is_kept_in_the_form_by_which_it_is_known_again(admin_client_of_gao, kind, typed, kept):
    assert admin_client_of_gao.post("/admin/ground/user/add/", a_contact(kind, typed)).status_code == 302
    assert User.objects.get(username="wang").contacts.get().value == kept


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        ("mobile", "1381234", "11 位"),
        ("email", "wang", "邮"),
        ("webhook", "dispatch.example.cn", "完整的网址"),
        ("webhook", "file:///etc/passwd", "完整的网址"),
        ("wecom", "张三", "企业微信账号"),
    ],
)
def test_a_contact_that_reaches_nobody_is_refused(admin_client_of_gao, kind, typed, said):
    refused = admin_client_of_gao.post("/admin/ground/user/add/", a_contact(kind, typed))
    assert said in refused.content.decode()
    assert not User.objects.filter(username="wang").exists()


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
# 桥西区, a name that 石家庄 has too.
QIAOXI = "130703"


@pytest.fixture
def bound_client(client):
    """何平, who keeps the accounts of 唐山."""
    client.force_login(a_user("he", Role.SYSTEM_ADMIN, name="何平", region=TANGSHAN))
    return client


def account_form(user: User, *new: dict[str, str], changed: dict[str, str] | None = None) -> dict[str, str]:
    """Return the account's form with `new` roles, its first one `changed`."""
    held = list(user.grants.all())
    form = {
        **{"username": user.username, "name": user.name, "email": user.email, "is_active": "on"},
        **{"grants-TOTAL_FORMS": str(len(held) + len(new)), "grants-INITIAL_FORMS": str(len(held))},
        **{"contacts-TOTAL_FORMS": "0", "contacts-INITIAL_FORMS": "0"},
    }
    rows = [{"id": str(one.pk), "role": one.role, "region": one.region_id or ""} for one in held]
    if changed:
        rows[0] |= changed
    for at, row in enumerate([*rows, *new]):
        form |= {f"grants-{at}-user": str(user.pk)}
        form |= {f"grants-{at}-{name}": value for name, value in row.items()}
    return form


def test_a_role_can_be_bound_to_a_region_named_in_full(admin_client_of_gao):
    wang = a_user("wang", name="王宁")

    page = admin_client_of_gao.get(f"/admin/ground/user/{wang.pk}/change/").content.decode()
    admin_client_of_gao.post(
        f"/admin/ground/user/{wang.pk}/change/",
        account_form(
            wang, {"role": "duty_officer", "region": CAOFEIDIAN}, {"role": "leader", "region": QIAOXI}
        ),
    )

    assert "唐山市曹妃甸区" in page and "留空即全省" in page
    listed = admin_client_of_gao.get("/admin/ground/user/").content.decode()
    assert "值班员（唐山市曹妃甸区）" in listed
    assert "领导（张家口市桥西区）" in listed
    # The trail of audit says where, too: "值班员" alone could be the whole province's.
    assert "值班员（唐山市曹妃甸区）" in str(AuditEntry.objects.get(action="admin.change").details)


def test_an_admin_of_one_city_sees_the_accounts_that_reach_no_further(bound_client):
    a_user("wang", Role.DUTY_OFFICER, name="王宁", region=CAOFEIDIAN)
    a_user("new", name="新来")
    a_user("qin", Role.DUTY_OFFICER, name="秦岛", region=QINHUANGDAO)
    a_user("chen", Role.DUTY_OFFICER, name="陈立")
    a_user("both", Role.DUTY_OFFICER, name="双城", region=TANGSHAN).grants.create(role=Role.LEADER)

    listed = bound_client.get("/admin/ground/user/").content.decode()
    suggested = bound_client.get(
        "/admin/autocomplete/?app_label=contracts&model_name=membership&field_name=user&term="
    ).json()

    assert "王宁" in listed and "新来" in listed
    assert "秦岛" not in listed and "陈立" not in listed and "双城" not in listed
    assert {row["text"] for row in suggested["results"]} == {"何平", "王宁", "新来"}


@pytest.mark.parametrize("region", [None, QINHUANGDAO])
def test_an_account_that_reaches_further_can_neither_be_changed_nor_taken_over(bound_client, region):
    chen = a_user("chen", Role.DUTY_OFFICER, name="陈立", region=region)
    secret = "a-Long-enough-1"

    bound_client.post(
        f"/admin/ground/user/{chen.pk}/change/", account_form(chen, changed={"region": TANGSHAN})
    )
    bound_client.post(
        f"/admin/ground/user/{chen.pk}/password/",
        {"usable_password": "true", "password1": secret, "password2": secret},
    )

    chen.refresh_from_db()
    assert chen.check_password("muster-demo")
    assert chen.grants.get().region_id == region


def test_the_password_of_an_account_in_the_city_is_set_there(bound_client):
    wang = a_user("wang", Role.DUTY_OFFICER, name="王宁", region=CAOFEIDIAN)
    secret = "a-Long-enough-1"

    bound_client.post(
        f"/admin/ground/user/{wang.pk}/password/",
        {"usable_password": "true", "password1": secret, "password2": secret},
    )

    wang.refresh_from_db()
    assert wang.check_password(secret)


BEYOND = [
    pytest.param("", "必须写明所辖的市县", id="the whole province"),
    pytest.param(QINHUANGDAO, "不能登记在秦皇岛市", id="another city"),
]


@pytest.mark.parametrize("region, said", BEYOND)
@pytest.mark.parametrize("whose", ["another's", "their own"])
def test_nobody_gives_a_role_that_reaches_further_than_their_own(bound_client, whose, region, said):
    user = User.objects.get(username="he") if whose == "their own" else a_user("wang", name="王宁")
    held = user.grants.count()

    answer = bound_client.post(
        f"/admin/ground/user/{user.pk}/change/",
        account_form(user, {"role": "system_admin", "region": region}),
    )

    assert f"您的角色限于唐山市，{said}" in answer.content.decode()
    assert user.grants.count() == held


@pytest.mark.parametrize("region, said", BEYOND)
@pytest.mark.parametrize("whose", ["another's", "their own"])
def test_nobody_widens_a_role_that_is_held_already(bound_client, whose, region, said):
    other = a_user("wang", Role.DUTY_OFFICER, name="王宁", region=CAOFEIDIAN)
    user = User.objects.get(username="he") if whose == "their own" else other
    held = user.grants.get()

    answer = bound_client.post(
        f"/admin/ground/user/{user.pk}/change/", account_form(user, changed={"region": region})
    )

    assert said in answer.content.decode()
    assert user.grants.get().region_id == held.region_id


@pytest.mark.parametrize("region, said", BEYOND)
def test_nobody_opens_an_account_that_reaches_further_than_their_own(bound_client, region, said):
    answer = bound_client.post(
        "/admin/ground/user/add/",
        {
            **{"username": "wang", "name": "王宁", "email": "wang@example.cn", "usable_password": "true"},
            **{"password1": "a-Long-enough-1", "password2": "a-Long-enough-1"},
            **{"grants-TOTAL_FORMS": "1", "grants-INITIAL_FORMS": "0"},
            **{"grants-0-role": "duty_officer", "grants-0-region": region},
            **{"contacts-TOTAL_FORMS": "0", "contacts-INITIAL_FORMS": "0"},
        },
    )

    assert said in answer.content.decode()
    assert not User.objects.filter(username="wang").exists()


def test_a_role_of_somebody_else_cannot_be_changed_through_the_form_of_one_s_own(bound_client):
    chen = a_user("chen", Role.DUTY_OFFICER, name="陈立")
    himself = User.objects.get(username="he")

    bound_client.post(
        f"/admin/ground/user/{himself.pk}/change/",
        account_form(himself, changed={"id": str(chen.grants.get().pk), "region": TANGSHAN}),
    )

    assert chen.grants.get().region_id is None
    assert himself.grants.get().region_id == TANGSHAN


def test_an_admin_of_one_city_gives_roles_in_it_and_is_offered_no_others(bound_client):
    wang = a_user("wang", name="王宁")

    page = bound_client.get(f"/admin/ground/user/{wang.pk}/change/").content.decode()
    bound_client.post(
        f"/admin/ground/user/{wang.pk}/change/", account_form(wang, {"role": "leader", "region": CAOFEIDIAN})
    )

    assert "唐山市曹妃甸区" in page
    assert "秦皇岛市" not in page and "全省" not in page
    assert wang.grants.get().region_id == CAOFEIDIAN


# What every city shares may be read; rows of the province are narrowed to the city, as the tests below ask.
OPEN_TO_A_CITY = {
    *("ground.user", "ground.region", "ground.industry", "ground.specialty", "ground.apitoken"),
    *("contracts.membership", "contracts.capability", "contracts.enterprise", "contracts.rescueteam"),
}


def test_an_admin_of_one_city_opens_these_tables_and_no_other(bound_client):
    opened = {
        model._meta.label_lower
        for model in site._registry
        if bound_client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/").status_code == 200
    }

    assert opened == OPEN_TO_A_CITY


def test_what_every_city_shares_is_not_changed_from_one_of_them(bound_client):
    specialty = Specialty.objects.create(code="tank-fire", name="储罐火灾", name_en="tank fires")

    for path in ("add/", f"{specialty.pk}/change/"):
        answer = bound_client.post(
            f"/admin/ground/specialty/{path}", {"name": "改名", "code": "x", "name_en": "x"}
        )
        assert answer.status_code == 403

    specialty.refresh_from_db()
    assert specialty.name == "储罐火灾"


def test_an_admin_of_one_city_sees_its_firms_and_teams_and_the_keys_of_its_accounts(bound_client):
    an_enterprise("冀润冷链公司", region=CAOFEIDIAN)
    far = an_enterprise("渤海化工", region=QINHUANGDAO)
    a_team("唐山危化队", region=TANGSHAN)
    a_team("秦皇岛危化队", region=QINHUANGDAO)
    for name, region in (("唐山接口", TANGSHAN), ("秦皇岛接口", QINHUANGDAO), ("全省接口", None)):
        tokens.issue(a_user(name, Role.DUTY_OFFICER, region=region), name=name, valid_for=minutes(5), at=NOON)

    firms, teams, keys = (
        bound_client.get(f"/admin/{path}/").content.decode()
        for path in ("contracts/enterprise", "contracts/rescueteam", "ground/apitoken")
    )

    assert "冀润冷链公司" in firms and "渤海化工" not in firms
    assert "唐山危化队" in teams and "秦皇岛危化队" not in teams
    assert "唐山接口" in keys and "秦皇岛接口" not in keys and "全省接口" not in keys
    assert bound_client.get(f"/admin/contracts/enterprise/{far.pk}/change/").status_code == 302


def test_an_admin_of_one_city_ties_its_accounts_to_its_firms(bound_client):
    firm = an_enterprise("冀润冷链公司", region=CAOFEIDIAN)
    liu = a_user("liu", Role.ENTERPRISE, name="刘骏", region=CAOFEIDIAN)

    bound_client.post("/admin/contracts/membership/add/", {"user": liu.pk, "enterprise": firm.pk, "team": ""})

    assert Membership.objects.get(user=liu).enterprise == firm


def test_an_admin_of_one_city_ties_nobody_to_a_firm_or_team_elsewhere(bound_client):
    liu = a_user("liu", Role.ENTERPRISE, name="刘骏", region=CAOFEIDIAN)
    firm, team = an_enterprise("渤海化工", region=QINHUANGDAO), a_team("秦皇岛危化队", region=QINHUANGDAO)

    for party in ({"enterprise": firm.pk, "team": ""}, {"enterprise": "", "team": team.pk}):
        answer = bound_client.post("/admin/contracts/membership/add/", {"user": liu.pk, **party})
        assert "您的角色限于唐山市，不能登记在秦皇岛市" in answer.content.decode()

    assert not Membership.objects.exists()


def test_an_admin_of_one_city_ties_no_account_of_elsewhere_and_sees_none_tied(bound_client):
    here, there = (
        an_enterprise("冀润冷链公司", region=CAOFEIDIAN),
        an_enterprise("渤海化工", region=QINHUANGDAO),
    )
    a_user("qin", Role.ENTERPRISE, name="秦岛", enterprise=here)
    a_user("wang", Role.ENTERPRISE, name="王宁", enterprise=there, region=TANGSHAN)
    chen = a_user("chen", Role.ENTERPRISE, name="陈立")

    answer = bound_client.post(
        "/admin/contracts/membership/add/", {"user": chen.pk, "enterprise": here.pk, "team": ""}
    )
    listed = bound_client.get("/admin/contracts/membership/").content.decode()

    assert "它的角色超出您所辖的市县" in answer.content.decode()
    assert not chen.memberships.exists()
    assert "秦岛" not in listed and "王宁" not in listed
    for tie in Membership.objects.all():
        assert (
            bound_client.post(f"/admin/contracts/membership/{tie.pk}/delete/", {"post": "yes"}).status_code
            == 302
        )
    assert Membership.objects.count() == 2
