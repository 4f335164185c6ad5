"""A program with the key of an account that is bound to a region."""

from __future__ import annotations

import json

import pytest

from contracts.models import Interest, InterestKind
from coordination import draws, guidance
from coordination.models import Callout, GuidanceRequest
from experts.models import Absence, Expert
from ground.access import Role
from ground.models import User
from incidents.models import Incident
from tests.factories import (
    ASKER,
    a_callout,
    a_guidance_request,
    a_team,
    a_user,
    an_agreement,
    an_expert,
    an_incident,
)
from tests.moments import NOON, TODAY
from tests.region_cast import (
    QINHUANGDAO,
    TANGSHAN,
    firm_in_qinhuangdao,
    firm_in_tangshan,
    officer_of_tangshan,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

LEAK = [{"kind": "expert", "industry": "WH", "seats": 1}]


@pytest.fixture
def wang() -> User:
    return officer_of_tangshan()


@pytest.fixture
def here() -> Incident:
    return an_incident(firm_in_tangshan())


@pytest.fixture
def there() -> Incident:
    return an_incident(firm_in_qinhuangdao())


def test_the_lists_hold_what_lies_in_the_region(caller, wang, here, there):
    an_expert("李工", region=TANGSHAN)
    an_expert("赵工", region=QINHUANGDAO)
    a_team("唐山危化队", region=TANGSHAN)
    a_team("秦皇岛危化队", region=QINHUANGDAO)
    api = caller(wang)

    def names(path: str, field: str = "name") -> list[str]:
        return [row[field] for row in api.get(path).json()["results"]]

    assert names("incidents/", "number") == [here.number]
    assert names("experts/") == ["李工"]
    assert names("enterprises/") == ["冀润冷链公司"]
    assert names("enterprises/?near=39.27,118.45") == ["冀润冷链公司"]
    assert names("teams/") == ["唐山危化队"]


def test_an_agreement_is_open_to_either_side_s_region(caller, wang, here, there):
    outside = a_team("秦皇岛危化队", region=QINHUANGDAO)
    ours = an_agreement(here.enterprise, outside)
    an_agreement(there.enterprise, outside)

    found = caller(wang).get("agreements/").json()["results"]

    assert [row["number"] for row in found] == [ours.number]


def test_somebody_of_another_region_can_be_called_out_to_one_s_own_incident(caller, wang, here):
    zhao = an_expert("赵工", region=QINHUANGDAO)

    answer = caller(wang).post(
        "callouts/",
        {
            "incident": str(here.public_id),
            "requirements": LEAK,
            "invitees": [{"requirement": 1, "expert": str(zhao.public_id)}],
        },
    )

    assert answer.status_code == 201
    assert Callout.objects.get().invitations.get().expert == zhao


def test_a_callout_elsewhere_does_not_exist(caller, wang, there):
    callout = a_callout(there, asks=[an_expert("李工")])
    api = caller(wang)

    assert api.get(f"callouts/{callout.public_id}/").status_code == 404
    assert api.post(f"callouts/{callout.public_id}/stop/", {"reason": "x"}).status_code == 404
    started = api.post("callouts/", {"incident": str(there.public_id), "requirements": LEAK})
    assert started.status_code == 422
    assert Callout.objects.count() == 1


def test_where_one_only_reads_a_change_is_refused(caller, wang, there):
    wang.grants.create(role=Role.LEADER)
    callout = a_callout(there, asks=[an_expert("李工")])
    invitation = callout.invitations.get()
    api = caller(wang)

    assert api.get(f"incidents/{there.public_id}/").status_code == 200
    assert api.get(f"callouts/{callout.public_id}/").status_code == 200
    for path, body in [
        (f"incidents/{there.public_id}/close/", {"outcome": "处置完毕"}),
        (f"incidents/{there.public_id}/log/", {"text": "…"}),
        (f"callouts/{callout.public_id}/stop/", {"reason": "x"}),
        (f"invitations/{invitation.public_id}/answer/", {"reply": "accept"}),
        ("callouts/", {"incident": str(there.public_id), "requirements": LEAK}),
    ]:
        assert api.post(path, body).status_code == 403, path
    assert Incident.objects.get(pk=there.pk).is_open


def test_a_request_is_handled_by_the_admin_of_the_enterprise_s_region(caller, here, there):
    requests = [_submitted(one.enterprise) for one in (here, there)]
    api = caller(a_user("zhoumin", Role.ROSTER_ADMIN, region=TANGSHAN))

    answers = [api.post(f"guidance-requests/{one.public_id}/accept/").status_code for one in requests]

    assert answers == [200, 404]
    assert [row["id"] for row in api.get("guidance-requests/").json()["results"]] == [
        str(requests[0].public_id)
    ]


def test_a_request_that_one_only_reads_is_not_handled(caller, there):
    request = _submitted(there.enterprise)
    both = a_user("zhoumin", Role.ROSTER_ADMIN, region=TANGSHAN)
    both.grants.create(role=Role.AUDITOR)
    api = caller(both)

    assert api.get(f"guidance-requests/{request.public_id}/").status_code == 200
    assert api.post(f"guidance-requests/{request.public_id}/accept/").status_code == 403
    assert api.post(f"guidance-requests/{request.public_id}/cancel/", {"reason": "不办"}).status_code == 403


def test_a_number_is_told_in_full_only_where_that_right_holds(caller, here, there):
    """钱伟 leads in the whole province and has the duty in 唐山."""
    qian = a_user("qianwei", Role.DUTY_OFFICER, region=TANGSHAN)
    qian.grants.create(role=Role.LEADER)
    callouts = [
        a_callout(here, asks=[an_expert("李工", mobile="+8613911110001")]),
        a_callout(there, asks=[an_expert("赵工", mobile="+8613922220002")]),
    ]
    api = caller(qian)

    mine, theirs = [api.get(f"callouts/{one.public_id}/").content.decode() for one in callouts]

    assert "13911110001" in mine
    assert "赵工" in theirs and "13922220002" not in theirs


def test_the_right_to_read_requests_elsewhere_names_nobody_in_the_draw_of_one_s_own_firm(caller, there):
    an_expert("李工")
    request = _submitted(there.enterprise)
    guidance.accept(request, by=ASKER, at=NOON)
    draws.draw(request, by=ASKER, at=NOON)
    qian = a_user("qianwei", Role.ENTERPRISE, enterprise=there.enterprise)
    qian.grants.create(role=Role.ROSTER_ADMIN, region_id=TANGSHAN)

    shown = caller(qian).get(f"guidance-requests/{request.public_id}/draw/")

    assert [one["name"] for one in shown.json()["draws"][0]["candidates"]] == [None]


# Who learns who can be sent, and why somebody cannot: their leave, their ties


@pytest.fixture
def li_on_leave(here, there) -> Expert:
    """李工 of 秦皇岛, on leave, adviser to the firm there."""
    li = an_expert("李工", region=QINHUANGDAO)
    Absence.objects.create(expert=li, starts_on=TODAY, ends_on=TODAY, reason="住院")
    Interest.objects.create(expert=li, enterprise=there.enterprise, kind=InterestKind.ADVISES)
    return li


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.TEAM])
def test_an_enterprise_and_a_team_never_learn_who_can_be_sent_or_why_not(caller, there, li_on_leave, role):
    own = {"enterprise": there.enterprise} if role is Role.ENTERPRISE else {"team": a_team("秦皇岛危化队")}
    request = _submitted(there.enterprise)
    api = caller(a_user("liujun", role, **own))

    answers = [
        api.get(f"guidance-requests/{request.public_id}/candidates/"),
        api.get(f"incidents/{there.public_id}/candidates/"),
        api.post("matches/", {"requirements": LEAK, "enterprise": str(there.enterprise.public_id)}),
    ]

    assert [one.status_code for one in answers] == [403, 403, 403]


def test_a_right_elsewhere_does_not_show_the_candidates_of_one_s_own_firm(caller, there, li_on_leave):
    """刘骏 asks for 渤海化工 of 秦皇岛 and is the roster admin of 唐山."""
    request = _submitted(there.enterprise)
    liu = a_user("liujun", Role.ENTERPRISE, enterprise=there.enterprise)
    liu.grants.create(role=Role.ROSTER_ADMIN, region_id=TANGSHAN)
    api = caller(liu)

    assert api.get(f"guidance-requests/{request.public_id}/").status_code == 200
    assert api.get(f"guidance-requests/{request.public_id}/candidates/").status_code == 404
    review = {"situation": "plan_review", "requirements": LEAK}
    for named in (
        {"enterprise": str(there.enterprise.public_id)},
        {"site": str(there.enterprise.sites.get().public_id)},
    ):
        refused = api.post("matches/", review | named)
        assert refused.status_code == 422 and "李工" not in refused.content.decode()


def test_whoever_sends_people_sees_the_one_pool_of_the_province(caller, here, li_on_leave):
    zhao = an_expert("赵工", region=QINHUANGDAO)
    officer = caller(a_user("wangning", Role.DUTY_OFFICER, region=TANGSHAN))
    admin = caller(a_user("zhoumin", Role.ROSTER_ADMIN, region=TANGSHAN))
    request = _submitted(here.enterprise)

    for answer in (
        officer.get(f"incidents/{here.public_id}/candidates/", requirements=json.dumps(LEAK)),
        admin.get(f"guidance-requests/{request.public_id}/candidates/"),
        officer.post("matches/", {"requirements": LEAK}),
        admin.post("matches/", {"requirements": LEAK}),
    ):
        (one,) = answer.json()["requirements"]
        assert [row["name"] for row in one["rows"]] == [zhao.name]
        assert [row["name"] for row in one["excluded"]] == ["李工"]


@pytest.mark.parametrize("role", [Role.LEADER, Role.AUDITOR])
def test_whoever_only_reads_in_a_region_sees_the_candidates_of_its_records_alone(caller, here, there, role):
    an_expert("赵工", region=QINHUANGDAO)
    api = caller(a_user("qianwei", role, region=TANGSHAN))

    assert "赵工" in api.get(f"incidents/{here.public_id}/candidates/").content.decode()
    assert api.get(f"incidents/{there.public_id}/candidates/").status_code == 404
    assert api.post("matches/", {"requirements": LEAK}).status_code == 403
    province = caller(a_user("sunli", role))
    assert province.post("matches/", {"requirements": LEAK}).status_code == 200


def _submitted(enterprise) -> GuidanceRequest:
    request = a_guidance_request(enterprise)
    guidance.submit(request, by=ASKER, at=NOON)
    return request
