"""接报 without JavaScript: what is typed is understood, or the form says how to mend it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Site
from coordination.models import Callout, Recommendation
from ground.access import Role
from ground.models import Region
from incidents.models import Incident
from tests.factories import a_duty_officer, a_team, a_user, an_enterprise, an_expert, an_incident

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

INTAKE = "/incidents/new/"


@pytest.fixture
def officer(client: Client) -> Client:
    client.force_login(a_duty_officer())
    return client


def report(officer: Client, **typed: object):
    return officer.post(INTAKE, {"kind": "hazchem_leak", "then": "open", **typed})


def test_a_place_and_a_kind_are_enough(officer):
    answer = report(officer, place="唐山市曹妃甸区唐海镇新城大街 88 号")

    incident = Incident.objects.get()
    assert answer.headers["Location"] == reverse("incident", args=[incident.public_id])
    assert incident.region == Region.objects.get(name="曹妃甸区")
    assert incident.address == "唐山市曹妃甸区唐海镇新城大街 88 号"
    assert not Callout.objects.exists()


def test_the_enterprise_is_found_by_its_pinyin_initials_and_brings_its_place(officer):
    firm = an_enterprise("冀润冷链公司", initials="jrllgs")

    report(officer, place="jrll")

    incident = Incident.objects.get()
    assert incident.enterprise == firm
    assert incident.site == firm.sites.get()
    assert incident.title == "冀润冷链公司危化品泄漏"


def test_coordinates_are_taken_and_the_county_is_guessed(officer):
    report(officer, place="118.460200，39.273100")

    incident = Incident.objects.get()
    assert (incident.latitude, incident.longitude) == (39.2731, 118.4602)
    assert incident.region is not None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        pytest.param({"place": ""}, "请填写企业或地点", id="no place"),
        pytest.param({"place": "39.2731,218.4602"}, "超出", id="a longitude beyond the earth"),
        pytest.param({"place": "没有这个地方"}, "找不到“没有这个地方”", id="neither enterprise nor region"),
        pytest.param({"place": "唐山", "kind": ""}, "请选择事件类型", id="no kind"),
        pytest.param({"place": "唐山", "kind": "ufo"}, "ufo", id="a kind that does not exist"),
        pytest.param({"place": "唐山", "caller_phone": "1390000"}, "来电号码", id="half a phone number"),
        pytest.param(
            {"place": "唐山", "injured": "1", "seriously_injured": "2"}, "多于受伤", id="more grave than hurt"
        ),
        pytest.param({"place": "唐山", "deaths": "-1"}, "死亡", id="fewer than nobody dead"),
    ],
)
def test_what_cannot_be_used_is_said_in_the_form_and_nothing_is_opened(officer, typed, said):
    answer = report(officer, **typed)

    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Incident.objects.exists()


def test_a_name_that_several_firms_share_is_offered_as_a_choice(officer):
    first, second = an_enterprise("华北化工一厂"), an_enterprise("华北化工二厂")

    answer = report(officer, place="华北化工")
    assert f"enterprise:{first.public_id}" in answer.content.decode()
    assert f"enterprise:{second.public_id}" in answer.content.decode()

    report(officer, place="华北化工", place_choice=f"enterprise:{second.public_id}")
    assert Incident.objects.get().enterprise == second


def test_a_firm_with_two_sites_lets_the_site_be_chosen(officer):
    firm = an_enterprise("双厂化工")
    Site.objects.create(
        enterprise=firm, name="北厂区", industry_id="WH", region=firm.region, address="北路 1 号"
    )

    report(officer, place="双厂化工 北厂区", place_key=f"site:{firm.sites.get(name='北厂区').public_id}")

    assert Incident.objects.get().site.name == "北厂区"


def test_open_and_call_out_asks_whom_matching_proposes_and_keeps_the_proposal(officer):
    an_expert("李工"), an_expert("王工"), an_expert("赵工")
    a_team("曹妃甸危化队")

    report(officer, place="唐山市曹妃甸区", then="call")

    callout = Callout.objects.get()
    assert callout.invitations.filter(status="asked").count() == 3
    assert callout.invitations.count() == 4  # the fourth waits on the list
    assert Recommendation.objects.get().callout == callout


def test_without_anybody_to_ask_the_incident_is_opened_and_the_officer_is_told(officer):
    answer = officer.post(INTAKE, {"place": "唐山", "kind": "fire", "then": "call"}, follow=True)

    assert Incident.objects.count() == 1
    assert not Callout.objects.exists()
    assert "没有可用的人选" in answer.content.decode()


def test_the_panel_beside_says_the_level_twice_and_the_size_of_the_wave(officer):
    an_expert("李工"), an_expert("王工")
    a_team("曹妃甸危化队")

    panel = officer.post(
        "/incidents/new/preview/",
        {"place": "唐山市曹妃甸区", "kind": "hazchem_leak", "deaths": "2", "missing": "1"},
    ).content.decode()

    assert "一般 Ⅳ：死亡2人，不足3人" in panel
    assert "较大 Ⅲ：死亡3人（含失联1人），达到3人以上" in panel
    assert "国务院令第493号" in panel
    assert "立案并通知 2 人 1 队" in panel
    assert not Incident.objects.exists()


def test_the_panel_warns_of_an_incident_close_by(officer):
    an_incident(an_enterprise("冀润冷链公司"))

    panel = officer.post("/incidents/new/preview/", {"place": "唐山市曹妃甸区"}).content.decode()

    assert "冀润冷链公司危化品泄漏" in panel


def test_suggestions_know_initials_names_and_regions(officer):
    an_enterprise("冀润冷链公司", initials="jrllgs")

    assert "冀润冷链公司" in officer.get("/incidents/suggest/?q=jrll").content.decode()
    assert "曹妃甸区" in officer.get("/incidents/suggest/?q=曹妃甸").content.decode()
    assert "没有匹配" in officer.get("/incidents/suggest/?q=火星").content.decode()


@pytest.mark.parametrize("role", [Role.LEADER, Role.AUDITOR, Role.ROSTER_ADMIN, Role.ENTERPRISE])
def test_only_a_duty_officer_takes_reports(client, role):
    client.force_login(a_user("other", role))

    assert client.get(INTAKE).status_code == 403
    assert client.post(INTAKE, {"place": "唐山", "kind": "fire"}).status_code == 403
    assert not Incident.objects.exists()
