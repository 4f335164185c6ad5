"""A roster admin of one city: who lives there is theirs to keep, by page and by workbook."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.test import Client

from experts import roster_sheet
from experts.models import Absence, Expert
from ground.access import Role
from ground.audit import Actor
from ground.models import AuditEntry
from tests.factories import a_callout, a_user, an_enterprise, an_expert, an_incident
from tests.moments import NOON, TODAY
from tests.rosters import a_person, workbook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

ADMIN = Actor(None, "省级管理员")
TANGSHAN, FENGNAN, QINHUANGDAO = "130200", "130207", "130300"


@pytest.fixture
def admin(client: Client) -> Client:
    """孙静怡, who keeps the roster of 唐山."""
    client.force_login(a_user("sun", Role.ROSTER_ADMIN, name="孙静怡", region=TANGSHAN))
    return client


@pytest.fixture
def li() -> Expert:
    return an_expert("李工", region=FENGNAN)


@pytest.fixture
def zhao() -> Expert:
    return an_expert("赵工", region=QINHUANGDAO)


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_its_counts_and_its_export_are_of_those_who_live_there(admin, li, zhao):
    page = admin.get("/experts/")
    exported = admin.post("/experts/export.xlsx", {"reason": "年度核对"})

    assert "李工" in page.content.decode() and "赵工" not in page.content.decode()
    assert page.context["everybody"] == 1
    assert max(count for _, count in page.context["tabs"]) == 1
    assert roster_sheet.parse(exported.content, today=TODAY).total == 1


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
