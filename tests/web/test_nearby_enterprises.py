"""Enterprises near the scene, for the officer who has to warn them or ask them for help."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contracts.models import Enterprise, Site
from ground.access import Role
from ground.models import ContactKind, Precision
from incidents.models import Incident
from tests.factories import a_duty_officer, a_team, a_user, an_enterprise, an_incident

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

TANGSHAN, CAOFEIDIAN, QINHUANGDAO = "130200", "130209", "130300"


@pytest.fixture
def officer(client: Client) -> Client:
    client.force_login(a_duty_officer())
    return client


@pytest.fixture
def incident() -> Incident:
    return an_incident(an_enterprise("冀润冷链公司", region=CAOFEIDIAN))


def a_neighbour(
    name: str, incident: Incident, *, km: float, hazards: str = "", **columns: object
) -> Enterprise:
    """An enterprise so many kilometres to the north of the scene."""
    assert incident.latitude is not None
    columns.setdefault("region", CAOFEIDIAN)
    neighbour = an_enterprise(
        name, latitude=incident.latitude + km / 111.03, longitude=incident.longitude, **columns
    )
    neighbour.sites.update(hazards=hazards, precision=neighbour.precision)
    return neighbour


def shown(client: Client, incident: Incident, query: str = "", **headers: str) -> str:
    answer = client.get(f"/incidents/{incident.public_id}/nearby/{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_nearest_come_first_with_distance_hazards_and_a_masked_number(officer, incident):
    a_neighbour("渤海化工", incident, km=12)
    near = a_neighbour("港区液化气站", incident, km=3.2, hazards="液化石油气 200 t")
    near.contacts.filter(kind=ContactKind.MOBILE).update(value="+8613755550103", name="马站长")

    page = shown(officer, incident)

    assert page.index("港区液化气站") < page.index("渤海化工")
    assert "<b>3.2</b> km" in page and "液化石油气 200 t" in page
    assert "马站长" in page and "137****0103" in page and "13755550103" not in page
    assert f'href="/enterprises/{near.public_id}/"' in page


def test_the_enterprise_of_the_incident_is_not_its_own_neighbour(officer, incident):
    page = shown(officer, incident)

    assert "20 km 内没有登记的其他企业" in page
    assert f"/enterprises/{incident.enterprise.public_id}/" not in page


def test_the_incident_page_leads_there_and_htmx_gets_the_list_alone(officer, incident):
    a_neighbour("渤海化工", incident, km=12)
    address = f"/incidents/{incident.public_id}/nearby/"

    page = officer.get(f"/incidents/{incident.public_id}/").content.decode()
    assert f'<a href="{address}">' in page and f'hx-get="{address}"' in page
    assert "渤海化工" not in page

    assert "<html" in shown(officer, incident)
    alone = shown(officer, incident, **{"HX-Request": "true"})
    assert "<html" not in alone and "渤海化工" in alone


def test_one_looks_farther_or_only_at_one_s_own_trade(officer, incident):
    a_neighbour("渤海化工", incident, km=12)
    a_neighbour("开滦煤矿", incident, km=4, practises="MK")
    a_neighbour("远洋化工", incident, km=30)

    def names(query: str) -> list[str]:
        page = shown(officer, incident, query)
        return [name for name in ("开滦煤矿", "渤海化工", "远洋化工") if name in page]

    assert names("") == ["开滦煤矿", "渤海化工"]
    assert names("?within=5") == ["开滦煤矿"]
    assert names("?within=50") == ["开滦煤矿", "渤海化工", "远洋化工"]
    assert names("?within=50&trade=same") == ["渤海化工", "远洋化工"]
    assert names("?within=nan&trade=x") == names("")


def test_a_place_that_is_only_roughly_known_says_so(officer, incident):
    a_neighbour("渤海化工", incident, km=6, precision=Precision.COUNTY)
    Incident.objects.filter(pk=incident.pk).update(precision=Precision.CITY)

    page = shown(officer, incident)

    assert "约，县级" in page
    assert "事发地点只精确到市级，距离为大概" in page


def test_without_a_place_it_says_what_to_do(officer, incident):
    Incident.objects.filter(pk=incident.pk).update(latitude=None, longitude=None)

    assert "事件没有坐标，无法列出附近企业" in shown(officer, incident)


def test_a_firm_with_a_team_of_its_own_can_help(officer, incident):
    a_team("渤海化工消防队", owner=a_neighbour("渤海化工", incident, km=12))

    assert "自有队伍" in shown(officer, incident)


def test_a_firm_is_as_near_as_its_tank_farm(officer, incident):
    group = a_neighbour("冀东集团", incident, km=90)
    Site.objects.create(
        enterprise=group,
        name="液氨罐区",
        industry=group.industry,
        latitude=incident.latitude,
        longitude=incident.longitude,
    )

    page = shown(officer, incident)

    assert "冀东集团" in page and "液氨罐区" in page and "<b>0.0</b> km" in page


def test_no_more_than_twenty_are_listed_and_it_says_so(officer, incident):
    for number in range(21):
        a_neighbour(f"化工{number:02d}厂", incident, km=1 + number / 10)

    page = shown(officer, incident)

    assert "只列最近的 20 家" in page and "化工19厂" in page and "化工20厂" not in page


def test_an_officer_of_one_city_sees_its_own_and_is_told_so(client, incident):
    a_neighbour("唐山化工", incident, km=9)
    a_neighbour("秦皇岛化工", incident, km=2, region=QINHUANGDAO)
    client.force_login(a_user("wangning", Role.DUTY_OFFICER, region=TANGSHAN))

    page = shown(client, incident)

    assert "唐山化工" in page and "秦皇岛化工" not in page
    assert "只含您所辖地区的企业" in page


def test_the_list_takes_the_same_queries_however_many_are_near(officer, incident):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(officer, incident)
        return len(captured)

    a_neighbour("渤海化工", incident, km=3)
    queries()  # the first page of a session asks more
    one = queries()
    for number in range(15):
        a_neighbour(f"化工{number:02d}厂", incident, km=1 + number / 10)

    assert queries() == one
