"""The registers on the screen: found, filtered, drafted, confirmed, and shown only to whom they concern."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from contracts import enterprises as register
from contracts.models import (
    Agreement,
    DriveTimeSource,
    Enterprise,
    Interest,
    InterestKind,
    Party,
    Site,
    TeamState,
)
from contracts.periods import AgreementStatus
from coordination.demo import province
from ground.access import Role
from ground.audit import Actor
from ground.models import AuditEntry, Mode
from tests.factories import a_team, a_user, an_agreement, an_enterprise, an_expert, industry
from tests.moments import NOON, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture
def duty(client):
    client.force_login(a_user("chenli", Role.DUTY_OFFICER, name="陈立"))
    return client


@pytest.fixture
def roster_admin(client):
    client.force_login(a_user("sun", Role.ROSTER_ADMIN, name="孙静怡"))
    return client


@pytest.fixture
def firm():
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def team():
    return a_team("曹妃甸危化队")


def text_of(response) -> str:
    """Return what a person reads in the page itself: without tags, with single spaces."""
    page = response.content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<main") :]))


# --- the lists ------------------------------------------------------------------------------------


@pytest.fixture
def demo():
    province.load(seed=1, day=TODAY, mode=Mode.DEMO, at=NOON)


def test_the_database_selects_by_the_status_that_the_rule_gives(demo):
    for day in (TODAY, TODAY + timedelta(days=200), TODAY - timedelta(days=200)):
        rows = list(Agreement.objects.prefetch_related("consents"))
        for status in AgreementStatus:
            selected = set(Agreement.objects.with_status(status, on=day).values_list("pk", flat=True))
            assert selected == {row.pk for row in rows if row.status_on(day) is status}, (day, status)


@pytest.mark.parametrize(
    ("path", "says"),
    [("/enterprises/", "300 家"), ("/teams/", "40 支"), ("/agreements/", "180 份")],
)
def test_a_list_of_fifty_rows_costs_a_fixed_number_of_queries(
    demo, duty, django_assert_max_num_queries, path, says
):
    with django_assert_max_num_queries(24):
        page = duty.get(path)

    assert says in text_of(page)


def test_a_list_goes_on_overleaf(demo, duty):
    assert "第 51–100 / 300" in text_of(duty.get("/enterprises/?page=2"))
    assert "第 1–18 / 18" in text_of(duty.get("/agreements/?tab=expired"))


def test_htmx_gets_the_list_alone(duty, firm):
    part = duty.get("/enterprises/?q=冀润", headers={"hx-request": "true"})

    assert b"<main" not in part.content
    assert "冀润冷链公司" in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_an_enterprise_is_found_by_its_initials_its_industry_and_its_unit(duty):
    by = Actor(None, "孙静怡")
    register.register(register.Particulars(name="冀润冷链公司", industry=industry("WH")), by=by, at=NOON)
    an_enterprise("武安矿业公司", practises="FM", region="130481")

    assert "冀润冷链公司" in text_of(duty.get("/enterprises/?q=jrll"))
    assert "冀润冷链公司" not in text_of(duty.get("/enterprises/?industry=FM"))
    in_handan = text_of(duty.get("/enterprises/?region=130400"))
    assert "武安矿业公司" in in_handan
    assert "冀润冷链公司" not in in_handan


def test_an_enterprise_shows_in_the_list_what_holds_today(duty, firm, team):
    an_agreement(firm, team)
    an_agreement(an_enterprise("到期公司"), team, term=(date(2024, 1, 1), YESTERDAY))
    an_enterprise("无约公司")
    a_team("本厂队", owner=an_enterprise("自救公司"))

    page = text_of(duty.get("/enterprises/"))

    assert re.search(r"冀润冷链公司 .{0,60} ✓ 生效", page)
    assert re.search(r"到期公司 .{0,60} ✕ 到期", page)
    assert re.search(r"无约公司 .{0,60} 没有协议", page)
    assert re.search(r"自救公司 .{0,60} 自有队伍 1", page)


def test_teams_are_found_by_kind_and_state(duty, team):
    a_team("停用队", state=TeamState.OUT_OF_SERVICE)

    assert "停用队" not in text_of(duty.get("/teams/?state=ready"))
    assert "曹妃甸危化队" not in text_of(duty.get("/teams/?state=out_of_service"))
    assert "没有符合条件的记录" in text_of(duty.get("/teams/?kind=water"))


def test_the_tabs_count_what_the_search_found(duty, firm, team):
    an_agreement(firm, team)
    an_agreement(firm, a_team("二队"), term=(date(2024, 1, 1), YESTERDAY))
    an_agreement(an_enterprise("别家公司"), a_team("三队"), term=(date(2024, 1, 1), YESTERDAY))

    page = text_of(duty.get("/agreements/?q=冀润"))

    assert "全部 2 生效 1 将到期 0 到期 1" in page


def test_an_agreement_near_its_end_says_how_many_days_are_left(duty, firm, team):
    an_agreement(firm, team, term=(date(2025, 1, 1), TODAY + timedelta(days=12)))
    an_agreement(firm, a_team("二队"), term=(date(2025, 1, 1), TODAY))

    page = text_of(duty.get("/agreements/?tab=expiring"))

    assert "剩 12 天" in page
    assert "今天到期" in page


@pytest.mark.parametrize("path", ["/enterprises/", "/teams/", "/agreements/"])
@pytest.mark.parametrize(
    "query", ["tab=nothing", "page=999", "page=x", "sort=password", "region=000000", "industry=XX", "q=%00"]
)
def test_nonsense_in_the_address_is_passed_over(duty, firm, team, path, query):
    an_agreement(firm, team)

    assert duty.get(f"{path}?{query}").status_code == 200


# --- one enterprise, one team ---------------------------------------------------------------------


def test_an_enterprise_shows_who_must_come_today_and_by_which_article(duty, firm, team):
    an_agreement(firm, team, drive_minutes=26, drive_time_source=DriveTimeSource.ESTIMATED)
    a_team("本厂队", owner=firm)

    page = text_of(duty.get(f"/enterprises/{firm.public_id}/"))

    assert "依据《生产安全事故应急条例》第十九条" in page
    assert page.index("本厂队") < page.index("曹妃甸危化队")
    assert "行车 26 分（估算）" in page


def test_an_enterprise_whom_nobody_owes_help_is_told_what_is_left(duty, firm, team):
    an_agreement(firm, team, term=(date(2024, 1, 1), YESTERDAY))

    page = text_of(duty.get(f"/enterprises/{firm.public_id}/"))

    assert "今天没有必须应召的队伍" in page
    assert "由政府下达救援命令" in page


@pytest.mark.parametrize(("trade", "warns"), [("MK", True), ("WH", False)])
def test_the_half_hour_of_the_coal_mine_rule_is_cited_for_coal_mines_only(duty, team, trade, warns):
    firm = an_enterprise("某企业", practises=trade)
    agreement = an_agreement(firm, team, drive_minutes=48, drive_time_source=DriveTimeSource.MEASURED)

    page = text_of(duty.get(f"/agreements/{agreement.public_id}/"))

    assert "48 分 实测" in page
    assert ("第七百三十三条" in page) is warns


def test_a_teams_page_shows_what_it_can_do_and_to_whom_it_has_promised(duty, firm, team):
    team.capabilities.set(["leak_sealing"])
    an_agreement(firm, team)

    page = text_of(duty.get(f"/teams/{team.public_id}/"))

    assert "堵漏" in page
    assert "备勤" in page
    assert "冀润冷链公司" in page


def test_teams_are_found_by_what_they_can_do(duty, team):
    team.capabilities.set(["leak_sealing"])
    a_team("另一队")

    page = text_of(duty.get("/teams/?capability=leak_sealing"))

    assert "曹妃甸危化队" in page
    assert "另一队" not in page


def test_agreements_are_found_by_their_drive(duty, firm, team):
    an_agreement(firm, team, drive_minutes=31, drive_time_source=DriveTimeSource.MEASURED)
    an_agreement(firm, a_team("近队"), drive_minutes=30, drive_time_source=DriveTimeSource.MEASURED)
    an_agreement(firm, a_team("未测队"))

    for drive, name in (("far", "曹妃甸危化队"), ("near", "近队"), ("unknown", "未测队")):
        page = text_of(duty.get(f"/agreements/?drive={drive}"))
        assert [one for one in ("曹妃甸危化队", "近队", "未测队") if one in page] == [name]


def test_interests_in_an_enterprise_are_shown(duty, firm):
    hu = an_expert("胡建军")
    Interest.objects.create(expert=hu, enterprise=firm, kind=InterestKind.ADVISES, details="在聘安全顾问")

    assert "胡建军 受聘顾问 在聘安全顾问" in text_of(duty.get(f"/enterprises/{firm.public_id}/"))


def test_numbers_are_shown_in_full_for_a_reason_that_the_audit_keeps(duty, firm, team):
    for path, owner in ((f"/enterprises/{firm.public_id}/", firm), (f"/teams/{team.public_id}/", team)):
        number = owner.contacts.filter(kind="mobile").get().value.removeprefix("+86")

        refused = duty.post(f"{path}contacts/", {"reason": " "}, follow=True)
        assert number not in text_of(refused)
        assert "请写明查看原因" in refused.content.decode()

        shown = duty.post(f"{path}contacts/", {"reason": "事件 SJ-1 联系"})
        assert number in text_of(shown)
        assert shown["Cache-Control"] == "no-store"
    kept = AuditEntry.objects.filter(action="contacts.reveal").values_list("actor_label", "details")
    assert list(kept) == [("陈立", {"reason": "事件 SJ-1 联系"})] * 2


def test_a_leader_cannot_see_numbers_in_full(client, firm):
    client.force_login(a_user("zhao", Role.LEADER, name="赵敏"))

    assert client.post(f"/enterprises/{firm.public_id}/contacts/", {"reason": "看看"}).status_code == 403
    assert "查看原因" not in client.get(f"/enterprises/{firm.public_id}/").content.decode()


def test_numbers_are_masked(duty, firm, team):
    for path, owner in ((f"/enterprises/{firm.public_id}/", firm), (f"/teams/{team.public_id}/", team)):
        number = owner.contacts.filter(kind="mobile").get().value.removeprefix("+86")
        page = text_of(duty.get(path))
        assert number not in page
        assert f"{number[:3]}****{number[-4:]}" in page


# --- an agreement on the screen -------------------------------------------------------------------


TERMS = {"kind": "rescue", "starts_on": "2026-11-24", "ends_on": "2028-11-23"}


def test_from_the_draft_to_an_agreement_in_force(roster_admin, firm, team):
    drafted = roster_admin.post("/agreements/new/", {"enterprise": "冀润", "team": "曹妃甸危化队", **TERMS})
    agreement = Agreement.objects.get()
    assert drafted.url == f"/agreements/{agreement.public_id}/"
    assert agreement.number == "XY-20261124-001"

    for party, who in ((Party.ENTERPRISE, "刘骏"), (Party.TEAM, "韩铁军")):
        roster_admin.post(f"{drafted.url}confirm/", {"party": party.value, "signatory": who})

    assert agreement.status_on(TODAY) is AgreementStatus.IN_FORCE
    page = text_of(roster_admin.get(drafted.url))
    assert "生效" in page
    assert "刘骏" in page
    assert "韩铁军" in page


@pytest.mark.parametrize(
    ("said", "says"),
    [
        pytest.param({"ends_on": "2025-11-23"}, "早于开始日期", id="it would end before it starts"),
        pytest.param({"enterprise": "没有的公司"}, "找不到“没有的公司”", id="an unknown enterprise"),
        pytest.param({"team": "队"}, "对应多个", id="words that fit several teams"),
        pytest.param({"drive_minutes": "20"}, "行车时间和来源要一起填写", id="a drive without its source"),
        pytest.param({"starts_on": ""}, "起始日", id="no first day"),
    ],
)
def test_what_was_wrong_stands_in_the_form_and_nothing_is_drafted(roster_admin, firm, team, said, says):
    a_team("另一队")

    wrong = roster_admin.post(
        "/agreements/new/", {"enterprise": firm.name, "team": team.name, **TERMS, **said}
    )

    assert wrong.status_code == 422
    assert says in text_of(wrong)
    assert not Agreement.objects.exists()


def test_an_agreement_is_ended_with_a_day_and_a_reason(roster_admin, firm, team):
    agreement = an_agreement(firm, team)
    page = f"/agreements/{agreement.public_id}/terminate/"

    late = roster_admin.post(page, {"on": "2026-11-23", "reason": "企业停产"})
    assert late.status_code == 422
    assert "已经过去" in text_of(late)

    roster_admin.post(page, {"on": "2026-11-24", "reason": "企业停产"})
    shown = text_of(roster_admin.get(f"/agreements/{agreement.public_id}/"))
    assert "2026-11-24 企业停产" in shown
    assert "终止" in shown


def test_a_renewal_leads_to_the_new_draft_and_happens_once(roster_admin, firm, team):
    agreement = an_agreement(firm, team, term=(date(2025, 1, 1), date(2026, 12, 31)))
    page = f"/agreements/{agreement.public_id}/renew/"

    renewed = roster_admin.post(page, {"until": "2028-12-31"})

    assert agreement.number in text_of(roster_admin.get(renewed.url))
    assert "不能重复续签" in text_of(roster_admin.post(page, {"until": "2028-12-31"}))


def test_a_drive_left_empty_is_estimated_and_says_so(roster_admin, firm, team):
    roster_admin.post("/agreements/new/", {"enterprise": firm.name, "team": team.name, **TERMS})

    agreement = Agreement.objects.get()
    assert agreement.drive_minutes
    assert agreement.drive_time_source == DriveTimeSource.ESTIMATED
    assert "估算" in text_of(roster_admin.get(f"/agreements/{agreement.public_id}/"))


def test_one_of_two_sites_may_be_promised(roster_admin, firm, team):
    Site.objects.create(enterprise=firm, name="仓库", industry=firm.industry)
    depot = firm.sites.get(name="仓库")
    page = f"/agreements/new/?enterprise={firm.name}"
    assert "仓库" in text_of(roster_admin.get(page))

    said = {"enterprise": firm.name, "team": team.name, **TERMS, "sites": [str(depot.public_id)]}
    roster_admin.post(page, said)

    assert list(Agreement.objects.get().sites.all()) == [depot]


def test_an_agreement_may_be_for_some_kinds_of_incident_only(roster_admin, firm, team):
    said = {"enterprise": firm.name, "team": team.name, **TERMS}
    roster_admin.post("/agreements/new/", {**said, "incident_kinds": ["hazchem_fire", "hazchem_leak"]})

    agreement = Agreement.objects.get()
    assert "危化品泄漏、危化品火灾爆炸" in text_of(roster_admin.get(f"/agreements/{agreement.public_id}/"))
    # The form that changes it begins with what is written, and taking all away means every kind.
    edit = f"/agreements/{agreement.public_id}/edit/"
    assert roster_admin.get(edit).content.decode().count("checked") == 2
    roster_admin.post(edit, TERMS)
    assert "全部类型" in text_of(roster_admin.get(f"/agreements/{agreement.public_id}/"))


def test_the_enterprise_s_page_says_for_what_a_team_must_come(roster_admin, firm, team):
    an_agreement(firm, team, incident_kinds=["hazchem_leak"])

    assert "只限 危化品泄漏" in text_of(roster_admin.get(f"/enterprises/{firm.public_id}/"))


def test_a_draft_is_changed_until_somebody_confirms(roster_admin, firm, team):
    agreement = an_agreement(firm, team, confirmed=False)
    page = f"/agreements/{agreement.public_id}/edit/"
    assert agreement.number in roster_admin.get(page).content.decode()

    assert roster_admin.post(page, {**TERMS, "kind": "mutual"}).status_code == 302
    agreement.refresh_from_db()
    assert (agreement.kind, agreement.ends_on) == ("mutual", date(2028, 11, 23))

    roster_admin.post(f"/agreements/{agreement.public_id}/confirm/", {"party": "team", "signatory": "韩铁军"})
    assert "内容不能再改" in text_of(roster_admin.post(page, TERMS))


def test_only_the_side_that_is_missing_is_offered(roster_admin, firm, team):
    agreement = an_agreement(firm, team, confirmed=False)
    page = f"/agreements/{agreement.public_id}/confirm/"
    roster_admin.post(page, {"party": "team", "signatory": "韩铁军"})

    again = roster_admin.get(page).content.decode()

    assert 'value="enterprise"' in again
    assert 'value="team"' not in again


# --- the register of enterprises ------------------------------------------------------------------

CODE = "91350100M000100Y43"


def test_an_enterprise_is_registered_and_found(roster_admin):
    made = roster_admin.post(
        "/enterprises/new/",
        {
            "name": "海润冷链有限公司",
            "uscc": CODE,
            "industry": "WH",
            "unit_size": "small",
            "region": "唐山市曹妃甸区",
            "point": "118.4602,39.2731",
        },
    )

    firm = Enterprise.objects.get()
    assert made.url == f"/enterprises/{firm.public_id}/"
    assert (firm.region_id, firm.latitude, firm.precision) == ("130209", 39.2731, "exact")
    assert "海润冷链有限公司" in text_of(roster_admin.get("/enterprises/?q=hrll"))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        pytest.param({"uscc": "91350100M000100Y44"}, "末位应为 3", id="a miscopied code"),
        pytest.param({"region": "桥西区"}, "有几个同名", id="a county that two cities have"),
        pytest.param({"point": "唐山"}, "不是经纬度", id="coordinates that are none"),
        pytest.param({"name": ""}, "企业名称", id="no name"),
    ],
)
def test_what_is_wrong_with_an_enterprise_stands_in_the_form(roster_admin, said, says):
    wrong = roster_admin.post("/enterprises/new/", {"name": "海润冷链有限公司", "industry": "WH", **said})

    assert wrong.status_code == 422
    assert says in text_of(wrong)
    assert not Enterprise.objects.exists()


def test_an_enterprise_is_changed_and_given_a_site(roster_admin, firm):
    page = f"/enterprises/{firm.public_id}/"
    roster_admin.post(f"{page}edit/", {"name": "冀润冷链公司", "industry": "QG", "region": "130209"})
    roster_admin.post(f"{page}sites/new/", {"name": "仓库", "industry": "QG", "region": "130209"})

    firm.refresh_from_db()
    assert firm.industry_id == "QG"
    assert "仓库" in text_of(roster_admin.get(page))


def test_saving_an_enterprise_unchanged_moves_nothing(roster_admin, firm):
    Enterprise.objects.filter(pk=firm.pk).update(precision="exact", initials="jrllgs", pinyin="jirunlenglian")
    form = roster_admin.get(f"/enterprises/{firm.public_id}/edit/").context["form"]

    roster_admin.post(f"/enterprises/{firm.public_id}/edit/", form.initial)

    moved = Enterprise.objects.get()
    assert (moved.latitude, moved.longitude) == pytest.approx((firm.latitude, firm.longitude), abs=1e-6)
    assert (moved.name, moved.address, moved.region_id) == (firm.name, firm.address, firm.region_id)


# --- who may what ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.TEAM, Role.SYSTEM_ADMIN])
def test_an_enterprise_a_team_and_the_system_admin_see_no_register(client, firm, team, role):
    tie = {"enterprise": firm} if role is Role.ENTERPRISE else {"team": team} if role is Role.TEAM else {}
    client.force_login(a_user("somebody", role, **tie))
    foreign = an_agreement(an_enterprise("别家公司"), team)

    for path in (
        *("/enterprises/", "/teams/", "/agreements/", "/agreements/new/"),
        f"/enterprises/{foreign.enterprise.public_id}/",
        f"/agreements/{foreign.public_id}/",
        f"/agreements/{foreign.public_id}/confirm/",
    ):
        assert client.get(path).status_code in (403, 404), path


@pytest.mark.parametrize("role", [Role.DUTY_OFFICER, Role.LEADER, Role.AUDITOR])
def test_who_reads_the_registers_does_not_change_them(client, firm, team, role):
    agreement = an_agreement(firm, team, confirmed=False)
    client.force_login(a_user("reader", role))

    page = client.get(f"/agreements/{agreement.public_id}/")
    assert page.status_code == 200
    assert "登记确认" not in text_of(page)
    for deed in ("confirm", "terminate", "renew", "edit"):
        assert client.post(f"/agreements/{agreement.public_id}/{deed}/", {}).status_code == 403, deed
    for path in ("/agreements/new/", "/enterprises/new/", f"/enterprises/{firm.public_id}/edit/"):
        assert client.get(path).status_code == 403, path


def test_a_stranger_is_sent_to_sign_in(client, firm):
    for path in ("/enterprises/", f"/enterprises/{firm.public_id}/", "/teams/", "/agreements/"):
        assert client.get(path).url == f"/sign-in/?next={path}"


def test_the_lists_speak_english_too(duty, team):
    assert "hazardous chemicals" in text_of(duty.get("/teams/", headers={"accept-language": "en"}))
