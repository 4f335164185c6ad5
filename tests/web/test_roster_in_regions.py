"""A roster admin of one city: who lives there is theirs to keep, by page and by workbook."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.test import Client

from experts import roster_sheet
from experts.models import Absence, Expert
from ground import gazetteer
from ground.access import Reach, Role
from ground.audit import Actor
from ground.models import AuditEntry
from tests.factories import a_callout, a_user, an_enterprise, an_expert, an_incident
from tests.moments import NOON, TODAY
from tests.region_cast import FENGNAN, QINHUANGDAO, TANGSHAN, admin_of_tangshan, shown
from tests.rosters import HEADER, a_person, workbook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

ADMIN = Actor(None, "省级管理员")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(admin_of_tangshan())
    return client


@pytest.fixture
def li() -> Expert:
    return an_expert("李工", region=FENGNAN)


@pytest.fixture
def zhao() -> Expert:
    return an_expert("赵工", region=QINHUANGDAO)


def test_the_list_its_counts_and_its_export_are_of_those_who_live_there(admin, li, zhao):
    page = admin.get("/experts/")
    exported = admin.post("/experts/export.xlsx", {"reason": "年度核对"})

    assert "李工" in page.content.decode() and "赵工" not in page.content.decode()
    assert page.context["everybody"] == 1
    assert max(count for _, count in page.context["tabs"]) == 1
    assert roster_sheet.parse(exported.content, today=TODAY).total == 1


def test_the_list_is_narrowed_only_by_cities_that_one_may_read(admin, client):
    offered = [code for code, _ in admin.get("/experts/").context["filter"].form.fields["region"].choices]
    assert offered == ["", TANGSHAN]

    client.force_login(a_user("zheng", Role.ROSTER_ADMIN))
    everywhere = client.get("/experts/").context["filter"].form.fields["region"].choices
    assert len(list(everywhere)) == 14


def test_who_lists_more_than_they_keep_is_told_that_the_export_holds_less(client, li, zhao):
    both = a_user("sun", Role.ROSTER_ADMIN, region=TANGSHAN)
    both.grants.create(role=Role.DUTY_OFFICER)
    client.force_login(both)

    page = shown(client, "/experts/")
    exported = client.post("/experts/export.xlsx", {"reason": "年度核对"})

    assert "赵工" in page and "只含您维护的地区" in page
    assert roster_sheet.parse(exported.content, today=TODAY).total == 1


def test_who_keeps_all_that_they_list_is_told_no_such_thing(admin, li):
    assert "只含您维护的地区" not in shown(admin, "/experts/")


def test_a_bound_list_takes_as_many_queries_as_an_unbound_one(
    admin, client, li, django_assert_num_queries, django_assert_max_num_queries
):
    admin.get("/experts/")
    with django_assert_max_num_queries(30) as bound:
        admin.get("/experts/")
    taken = len(bound.captured_queries)
    client.force_login(a_user("zheng", Role.ROSTER_ADMIN))
    client.get("/experts/")

    with django_assert_num_queries(taken):
        client.get("/experts/")


def test_a_city_without_experts_is_told_how_to_begin(admin, zhao):
    assert "名册还是空的" in shown(admin, "/experts/")
    assert "没有符合条件的专家" in shown(admin, "/experts/?industry=WH")


def test_somebody_of_another_city_does_not_exist(admin, zhao):
    absence = Absence.objects.create(expert=zhao, starts_on=TODAY, ends_on=TODAY)
    base = f"/experts/{zhao.public_id}"

    assert admin.get(f"{base}/").status_code == 404
    for deed in ("edit", "absences", "suspend", "resume", "appoint", "renew", "dismiss", "contacts"):
        assert admin.post(f"{base}/{deed}/").status_code == 404, deed
    assert admin.post(f"{base}/contacts/reveal/", {"reason": "核对"}).status_code == 404
    assert admin.post(f"{base}/absences/{absence.pk}/remove/").status_code == 404
    assert Absence.objects.filter(pk=absence.pk).exists()


def test_who_reads_everywhere_but_keeps_one_city_is_offered_no_buttons_elsewhere(client, li, zhao):
    both = a_user("sun", Role.ROSTER_ADMIN, region=TANGSHAN)
    both.grants.create(role=Role.AUDITOR)
    client.force_login(both)

    assert f"/experts/{li.public_id}/edit/" in shown(client, f"/experts/{li.public_id}/")
    page = shown(client, f"/experts/{zhao.public_id}/")
    assert f"/experts/{zhao.public_id}/edit/" not in page
    assert f"/experts/{zhao.public_id}/contacts/reveal/" not in page


def test_what_somebody_was_called_out_for_elsewhere_is_not_named_on_their_page(client, li):
    incident = an_incident(an_enterprise("渤海化工", region=QINHUANGDAO))
    a_callout(incident, asks=[li])
    client.force_login(a_user("wangning", Role.DUTY_OFFICER, region=TANGSHAN))

    page = shown(client, f"/experts/{li.public_id}/")

    assert "渤海化工" not in page and incident.number not in page


def new_person(**said: str) -> dict[str, object]:
    return {
        **{"name": "钱工", "employer": "演示单位", "primary": "WH", "contacts": "13812345678"},
        **{"starts_on": "2026-01-01", "ends_on": "2028-12-31", "region": "唐山市丰南区"},
        **said,
    }


def test_a_new_expert_must_live_there(admin):
    elsewhere = admin.post("/experts/new/", new_person(region="秦皇岛市海港区"))
    nowhere = admin.post("/experts/new/", new_person(region=""))

    assert "您的角色限于唐山市，不能登记在秦皇岛市海港区" in elsewhere.content.decode()
    assert "必须写明所辖的市县" in nowhere.content.decode()
    assert not Expert.objects.exists()

    assert admin.post("/experts/new/", new_person()).status_code == 302
    assert Expert.objects.get().region_id == FENGNAN


def test_nobody_can_be_moved_out_of_the_city_that_keeps_them(admin, li):
    form = {"name": "李工", "employer": "演示单位", "primary": "WH", "region": "秦皇岛市"}

    answer = admin.post(f"/experts/{li.public_id}/edit/", form)

    assert "不能登记在秦皇岛市" in answer.content.decode()
    assert Expert.objects.get(pk=li.pk).region_id == FENGNAN


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("/experts/new/", {"number": "秦聘 7"}, id="a new expert"),
        pytest.param("/experts/{li}/renew/", {"until": "2029-12-31", "number": "秦聘 7"}, id="a renewal"),
        pytest.param(
            "/experts/{li}/appoint/",
            {"starts_on": "2028-01-01", "ends_on": "2029-12-31", "number": "秦聘 7"},
            id="a new term",
        ),
    ],
)
def test_whose_letter_has_the_number_elsewhere_is_not_told(admin, li, zhao, path, said):
    zhao.appointments.update(number="秦聘 7")
    address = path.format(li=li.public_id)

    answer = admin.post(address, new_person(**said) if "new" in address.split("/") else said).content.decode()

    assert "这个聘书编号已登记在其他地区" in answer
    assert "赵工" not in answer


def test_whose_letter_has_the_number_in_ones_own_city_is_told(admin, li):
    li.appointments.update(number="唐聘 7")

    answer = admin.post("/experts/new/", new_person(number="唐聘 7"))

    assert "已是李工的" in answer.content.decode()


def uploaded(admin: Client, *rows: dict[str, object]) -> str:
    file = BytesIO(workbook(rows))
    file.name = "花名册.xlsx"
    return admin.post("/experts/import/", {"file": file})["Location"]


def test_a_row_about_somebody_of_another_city_is_an_error_of_its_cell_and_nothing_is_imported(admin):
    preview = uploaded(admin, a_person(1, 所在市县="唐山市丰南区"), a_person(2, 所在市县="秦皇岛市"))

    plan = admin.get(preview).context["plan"]
    admin.post(preview)

    (error,) = plan.errors
    assert (error.column, error.value) == ("所在市县", "秦皇岛市")
    assert "唐山市" in error.problem_zh
    assert not Expert.objects.exists()


def test_a_row_cannot_change_or_fetch_somebody_who_lives_elsewhere(admin):
    province = roster_sheet.parse(workbook([a_person(2, 所在市县="秦皇岛市")]), today=TODAY)
    roster_sheet.apply(province, by=ADMIN, at=NOON)

    preview = uploaded(admin, a_person(2, 所在市县="唐山市丰南区", 职称="教授级高工"))
    admin.post(preview)

    assert len(admin.get(preview).context["plan"].errors) == 1
    assert Expert.objects.get().region_id == QINHUANGDAO


@pytest.fixture
def qian() -> Expert:
    """钱望海 of 秦皇岛, whose term was ended: nobody in 唐山 is to learn anything about them."""
    qian = an_expert("钱望海", region=QINHUANGDAO, mobile="+8613811110000", employer="港务演示公司")
    qian.appointments.update(number="秦聘 7", ended_on=TODAY)
    return qian


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({"姓名": "钱望海", "手机": "13811110000"}, id="name and mobile"),
        pytest.param({"姓名": "孙别人", "手机": "13811110000"}, id="the mobile under another name"),
        pytest.param({"姓名": "钱望海", "聘书编号": "秦聘 7"}, id="name and letter"),
        pytest.param({"姓名": "孙别人", "聘书编号": "秦聘 7"}, id="the letter under another name"),
        pytest.param({"姓名": "钱望海", "工作单位": "港务演示公司"}, id="name and employer"),
    ],
)
def test_an_import_tells_of_somebody_elsewhere_only_that_they_are_elsewhere(admin, qian, cells):
    preview = uploaded(admin, a_person(1, 所在市县="唐山市丰南区", **cells))

    (error,) = admin.get(preview).context["plan"].errors

    assert (error.cell, error.column, error.value) == ("N4", "所在市县", "唐山市丰南区")
    assert "登记在其他地区" in error.problem_zh
    assert "请省级管理员办理" in error.suggestion_zh
    told = " ".join(error.as_json().values())
    secrets = {"钱望海", "港务", "秦皇岛", "138****0000", str(TODAY), "2025-01-01"} - set(cells.values())
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.parametrize(
    ("sign", "mine", "anothers"),
    [
        pytest.param({"手机": "13811110000"}, "钱望海", "孙别人", id="mobile"),
        pytest.param({"聘书编号": "秦聘 7"}, "钱望海", "孙别人", id="letter"),
    ],
)
def test_whether_a_guessed_name_was_right_is_not_told(admin, qian, sign, mine, anothers):
    def told(name: str) -> object:
        preview = uploaded(admin, a_person(1, 姓名=name, 所在市县="唐山市丰南区", **sign))
        return admin.get(preview).context["plan"].errors

    assert told(mine) == told(anothers) != ()


def test_of_namesakes_at_one_employer_those_elsewhere_are_not_counted(admin, qian):
    an_expert("钱望海", region=QINHUANGDAO, employer="港务演示公司")
    an_expert("钱望海", region=FENGNAN, employer="港务演示公司")

    preview = uploaded(admin, a_person(1, 姓名="钱望海", 工作单位="港务演示公司", 所在市县="唐山市丰南区"))
    (error,) = admin.get(preview).context["plan"].errors

    assert "不止一位" in error.problem_zh and "3" not in error.problem_zh


def test_the_one_meant_in_ones_own_city_is_found_in_spite_of_a_namesake_elsewhere(admin, qian):
    an_expert("钱望海", region=FENGNAN, employer="港务演示公司", mobile="+8613822220000")

    preview = uploaded(
        admin,
        a_person(1, 姓名="钱望海", 工作单位="港务演示公司", 手机="13822220000", 所在市县="唐山市丰南区"),
    )

    assert [len(admin.get(preview).context["plan"].updates)] == [1]


def test_somebody_of_ones_own_city_cannot_be_given_a_mobile_that_is_somebodys_elsewhere(admin, qian):
    li = an_expert("李工", region=FENGNAN)
    li.appointments.update(number="唐聘 7")

    preview = uploaded(
        admin, a_person(1, 姓名="李工", 聘书编号="唐聘 7", 手机="13811110000", 所在市县="唐山市丰南区")
    )
    (error,) = admin.get(preview).context["plan"].errors

    assert "手机号相同" in error.problem_zh and "登记在其他地区" in error.problem_zh
    assert "钱望海" not in " ".join(error.as_json().values())


def test_an_admin_of_the_province_is_told_whose_mobile_it_is(client, qian):
    client.force_login(a_user("zheng", Role.ROSTER_ADMIN))

    preview = uploaded(client, a_person(1, 手机="13811110000"))
    (error,) = client.get(preview).context["plan"].errors

    assert "钱望海（港务演示公司" in error.problem_zh


def test_somebody_new_without_a_place_is_an_error_of_that_cell(admin):
    preview = uploaded(admin, a_person(1, 所在市县=None))
    admin.post(preview)

    (error,) = admin.get(preview).context["plan"].errors
    assert error.cell == "N4" and "必须写明所辖的市县" in error.problem_zh
    assert not Expert.objects.exists()


def test_where_the_sheet_has_no_column_for_the_place_the_name_is_pointed_at(admin):
    file = BytesIO(workbook([a_person(1)], header=[title for title in HEADER if title != "所在市县"]))
    file.name = "花名册.xlsx"
    preview = admin.post("/experts/import/", {"file": file})["Location"]

    (error,) = admin.get(preview).context["plan"].errors

    assert error.cell == "B4" and "必须写明所辖的市县" in error.problem_zh


def test_a_place_that_cannot_be_read_is_one_error_not_two(admin):
    preview = uploaded(admin, a_person(1, 所在市县="桥西区"))

    (error,) = admin.get(preview).context["plan"].errors

    assert "同名的地区" in error.problem_zh


def test_a_row_may_not_take_somebody_out_of_the_city(admin):
    own = roster_sheet.parse(workbook([a_person(1, 所在市县="唐山市丰南区")]), today=TODAY)
    roster_sheet.apply(own, by=ADMIN, at=NOON)

    preview = uploaded(admin, a_person(1, 所在市县="秦皇岛市"))
    admin.post(preview)

    assert [error.column for error in admin.get(preview).context["plan"].errors] == ["所在市县"]
    assert Expert.objects.get().region_id == FENGNAN


def test_somebody_who_moves_away_between_the_look_and_the_button_is_not_changed(admin):
    own = roster_sheet.parse(workbook([a_person(1, 所在市县="唐山市丰南区")]), today=TODAY)
    roster_sheet.apply(own, by=ADMIN, at=NOON)
    preview = uploaded(admin, a_person(1, 所在市县="唐山市丰南区", 职称="教授级高工"))
    assert len(admin.get(preview).context["plan"].updates) == 1

    Expert.objects.update(region=QINHUANGDAO)
    admin.post(preview)

    assert Expert.objects.get().title != "教授级高工"


def test_a_plan_made_for_one_city_writes_nothing_to_somebody_who_has_left_it():
    row = a_person(1, 所在市县="唐山市丰南区")
    roster_sheet.apply(roster_sheet.parse(workbook([row]), today=TODAY), by=ADMIN, at=NOON)
    here = Reach(gazetteer.within(TANGSHAN))
    mended = workbook([{**row, "所在市县": None, "职称": "教授级高工"}])
    plan = roster_sheet.parse(mended, today=TODAY, reach=here)
    assert len(plan.updates) == 1

    Expert.objects.update(region=QINHUANGDAO)
    with pytest.raises(roster_sheet.PlanIsStale):
        roster_sheet.apply(plan, by=ADMIN, at=NOON)

    assert Expert.objects.get().title != "教授级高工"


def test_a_right_that_was_taken_away_between_upload_and_import_is_gone(admin):
    preview = uploaded(admin, a_person(1, 所在市县="唐山市丰南区"))
    admin.get("/experts/").wsgi_request.user.grants.update(region=QINHUANGDAO)

    admin.post(preview)

    assert not Expert.objects.exists()
    assert not AuditEntry.objects.filter(action="roster.import").exists()


def test_of_their_own_city_everything_is_imported(admin):
    preview = uploaded(admin, a_person(1, 所在市县="唐山市"), a_person(2, 所在市县="唐山市丰南区"))

    admin.post(preview)

    assert Expert.objects.count() == 2
