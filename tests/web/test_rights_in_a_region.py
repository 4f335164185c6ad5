"""An officer of one city: what happened there is theirs, the pool of experts is the whole province's."""

from __future__ import annotations

import pytest
from django.test import Client

from coordination import guidance, live
from coordination.models import Callout
from ground.access import Role
from ground.audit import Actor
from ground.models import Region, User
from incidents import handling
from incidents.handling import FirstReport
from incidents.models import Incident
from tests.factories import (
    ASKER,
    a_callout,
    a_guidance_request,
    a_team,
    a_user,
    an_enterprise,
    an_expert,
    an_incident,
)
from tests.moments import NOON
from tests.region_cast import (
    CAOFEIDIAN,
    QINHUANGDAO,
    TANGSHAN,
    firm_in_qinhuangdao,
    firm_in_tangshan,
    officer_of_tangshan,
    shown,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.fixture
def wang() -> User:
    return officer_of_tangshan()


@pytest.fixture
def officer(client: Client, wang: User) -> Client:
    client.force_login(wang)
    return client


@pytest.fixture
def here() -> Incident:
    return an_incident(firm_in_tangshan())


@pytest.fixture
def there() -> Incident:
    return an_incident(firm_in_qinhuangdao())


@pytest.mark.parametrize("path", ["/desk/", "/desk/active/", "/desk/side/", "/incidents/"])
def test_the_lists_hold_the_incidents_of_the_city_and_its_districts_only(officer, here, there, path):
    page = shown(officer, path)

    assert here.title in page
    assert there.title not in page


def test_the_count_beside_the_navigation_is_of_what_they_may_open(officer, here, there):
    page = officer.get("/incidents/")

    assert [item.count for item in page.context["nav"] if item.key == "incidents"] == [1]
    assert page.context["counts"] == {"open": 1, "over": 0}


def test_every_page_says_which_region_one_sees(officer):
    assert "值班员（唐山市）" in shown(officer, "/desk/")


def test_a_callout_elsewhere_that_runs_out_of_people_is_nobody_s_task_here(officer, there):
    a_callout(there, asks=[an_expert("李工")])
    Callout.objects.update(status="exhausted")

    assert officer.get("/desk/").context["tasks"] == []


def test_an_incident_close_by_that_they_may_not_open_is_not_shown_beside_the_intake(officer, there):
    asked = {"place": "渤海化工", "kind": "hazchem_leak"}

    assert officer.get("/incidents/new/preview/", asked).context["near"] == []


def test_a_new_request_of_another_city_is_not_in_the_queue(officer, there):
    request = a_guidance_request(there.enterprise)
    guidance.submit(request, by=ASKER, at=NOON)

    assert officer.get("/desk/").context["new_requests"] == 0
    assert request.number not in shown(officer, "/guidance/?tab=all")
    assert officer.get("/guidance/").context["tabs"][0]["count"] == 0
    assert officer.get(f"/guidance/{request.public_id}/").status_code == 404


def test_a_request_is_read_everywhere_and_handled_at_home(client, there):
    request = a_guidance_request(there.enterprise)
    guidance.submit(request, by=ASKER, at=NOON)
    both = a_user("zhoumin", Role.ROSTER_ADMIN, region=TANGSHAN)
    both.grants.create(role=Role.AUDITOR)
    client.force_login(both)

    page = shown(client, f"/guidance/{request.public_id}/")

    assert request.number in page
    assert f"/guidance/{request.public_id}/accept/" not in page
    assert client.post(f"/guidance/{request.public_id}/accept/").status_code == 404


def test_experts_and_teams_come_from_the_whole_province_without_a_link_to_what_they_may_not_open(
    officer, here
):
    near, far = an_expert("李工", region=TANGSHAN), an_expert("赵工", region=QINHUANGDAO)
    a_team("唐山危化队", region=TANGSHAN)
    a_team("秦皇岛危化队", region=QINHUANGDAO)

    page = shown(officer, f"/incidents/{here.public_id}/")

    assert "赵工" in page and "秦皇岛危化队" in page
    assert f"/experts/{near.public_id}/" in page
    assert f"/experts/{far.public_id}/" not in page
    assert page.count('href="/teams/') == page.count('href="/teams/"') + 1


def test_an_expert_from_elsewhere_can_be_called_out(officer, here):
    far = an_expert("赵工", region=QINHUANGDAO)

    a_callout(here, asks=[far])

    assert "赵工" in shown(officer, f"/incidents/{here.public_id}/board/")


def test_a_call_about_another_city_is_taken_and_stays_with_whoever_took_it(officer, wang):
    far = an_enterprise("渤海化工", region=QINHUANGDAO)

    officer.post("/incidents/new/", {"place": far.name, "kind": "hazchem_leak"})

    incident = Incident.objects.get()
    assert shown(officer, f"/incidents/{incident.public_id}/")
    assert officer.post(f"/incidents/{incident.public_id}/note/", {"text": "已转告秦皇岛"}).status_code == 302
    assert incident.log.filter(text__contains="已转告秦皇岛").exists()


def test_an_incident_whose_place_is_corrected_does_not_slip_out_of_the_hands_that_hold_it(officer, wang):
    incident = handling.open_incident(
        FirstReport(kind="hazchem_leak", region=Region.objects.get(pk=CAOFEIDIAN)),
        by=Actor.of(wang),
        at=NOON,
    )
    Incident.objects.filter(pk=incident.pk).update(region=QINHUANGDAO)

    assert incident.title in shown(officer, "/desk/")


def test_a_colleague_of_the_same_city_does_not_see_what_was_opened_for_another(client, wang, there):
    Incident.objects.filter(pk=there.pk).update(opened_by=wang)
    client.force_login(a_user("liuyang", Role.DUTY_OFFICER, region=TANGSHAN))

    assert client.get(f"/incidents/{there.public_id}/").status_code == 404


def test_reading_everywhere_does_not_make_one_handle_everywhere(client, there):
    both = a_user("sunjie", Role.DUTY_OFFICER, region=TANGSHAN)
    both.grants.create(role=Role.LEADER)
    client.force_login(both)

    page = shown(client, f"/incidents/{there.public_id}/")

    assert there.title in page
    assert f"/incidents/{there.public_id}/callouts/" not in page
    assert f"/incidents/{there.public_id}/close/" not in page
    for action in ("note", "move", "levels", "correct", "close", "withdraw", "callouts"):
        assert client.post(f"/incidents/{there.public_id}/{action}/").status_code == 404, action


def test_the_open_page_hears_only_of_incidents_it_may_show(wang, here, there):
    assert live._may_follow(wang, f"incident:{here.public_id}")
    assert not live._may_follow(wang, f"incident:{there.public_id}")


def test_without_a_region_everything_is_seen_as_before(client, here, there):
    client.force_login(a_user("chenli", Role.DUTY_OFFICER))

    page = shown(client, "/desk/")

    assert here.title in page and there.title in page


def test_an_incident_without_a_region_is_the_province_s(officer, client, here):
    Incident.objects.filter(pk=here.pk).update(region=None)

    assert officer.get(f"/incidents/{here.public_id}/").status_code == 404


def test_a_number_is_dialled_only_where_that_right_holds(client, there):
    qian = a_user("qianwei", Role.DUTY_OFFICER, region=TANGSHAN)
    qian.grants.create(role=Role.LEADER)
    a_callout(there, asks=[an_expert("赵工", mobile="+8613922220002")])
    client.force_login(qian)

    page = shown(client, f"/incidents/{there.public_id}/")

    assert "赵工" in page and "13922220002" not in page
