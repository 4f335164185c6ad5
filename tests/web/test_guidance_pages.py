"""The centre's side of guidance: accept, choose experts with reasons, agree on days, record, close."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from contracts.models import Enterprise, Interest, InterestKind
from coordination import guidance, recommendations
from coordination.models import GuidanceRequest, Recommendation
from coordination.visits import GuidanceKind, GuidanceStatus
from experts.models import Absence, Expert
from ground.access import Role
from tests.factories import (
    ASKER,
    OFFICER,
    a_guidance_request,
    a_user,
    an_enterprise,
    an_expert,
    invitation_of,
)
from tests.moments import NOON, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.fixture
def jirun() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(a_user("roster", Role.ROSTER_ADMIN, name="赵敏"))
    return client


@pytest.fixture
def zhou() -> Expert:
    return an_expert("周明远")


@pytest.fixture
def wang() -> Expert:
    return an_expert("王工")


def submitted(enterprise: Enterprise, **wish) -> GuidanceRequest:
    request = a_guidance_request(enterprise, **wish)
    guidance.submit(request, by=ASKER, at=NOON)
    return request


def accepted(enterprise: Enterprise, **wish) -> GuidanceRequest:
    request = submitted(enterprise, **wish)
    guidance.accept(request, by=OFFICER, at=NOON)
    return request


def address(request: GuidanceRequest, step: str = "") -> str:
    return f"/guidance/{request.public_id}/{step}{'/' if step else ''}"


def status_of(request: GuidanceRequest) -> str:
    request.refresh_from_db()
    return request.status


def test_the_list_begins_with_what_waits_to_be_accepted(admin, jirun):
    waiting = submitted(jirun)
    a_draft = a_guidance_request(an_enterprise("唐钢演示公司"))

    html = admin.get("/guidance/").content.decode()

    assert waiting.number in html and "请受理，或退回请企业补充" in html
    assert a_draft.number not in html
    assert a_draft.number not in admin.get("/guidance/?tab=all").content.decode()


def test_the_list_is_searched_by_number_and_firm(admin, jirun):
    ours, other = submitted(jirun), submitted(an_enterprise("唐钢演示公司"))

    html = admin.get("/guidance/?tab=all&q=冀润").content.decode()

    assert ours.number in html and other.number not in html
    assert "没有符合条件的申请" in admin.get("/guidance/?tab=all&q=不存在").content.decode()


def test_a_draft_does_not_exist_for_the_centre(admin, jirun):
    assert admin.get(address(a_guidance_request(jirun))).status_code == 404


def test_a_request_is_accepted_or_returned_with_a_reason(admin, jirun):
    first, second = submitted(jirun), submitted(jirun)

    assert admin.post(address(first, "accept")).status_code == 302
    assert status_of(first) == "accepted"
    assert admin.post(address(first, "accept")).status_code == 409

    assert admin.post(address(second, "return"), {"reason": " "}).status_code == 422
    admin.post(address(second, "return"), {"reason": "请补充工艺流程"})
    assert status_of(second) == "returned"


def test_candidates_come_with_reasons_and_exclusions_with_theirs(admin, jirun, zhou, wang):
    Absence.objects.create(expert=wang, starts_on=TODAY, ends_on=TODAY + timedelta(days=30))
    html = admin.get(address(accepted(jirun))).content.decode()

    assert f'name="expert" value="{zhou.pk}" checked' in html
    assert f'name="expert" value="{wang.pk}"' not in html
    assert "王工" in html and "请假" in html


def test_a_plan_review_shows_who_must_recuse_and_by_which_article(admin, jirun, zhou, wang):
    Interest.objects.create(expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES)
    request = accepted(jirun, kind=GuidanceKind.PLAN_REVIEW)

    html = admin.get(address(request)).content.decode()
    assert f'name="expert" value="{zhou.pk}"' not in html
    assert "周明远" in html and "生产安全事故应急预案管理办法" in html and "第二十二条" in html

    # Ticked all the same, by a page that was tampered with or grew old.
    response = admin.post(address(request, "callout"), {"expert": [zhou.pk]})
    assert response.status_code == 422
    assert status_of(request) == "accepted"


def test_the_ticked_experts_are_asked_in_the_order_of_the_ranking_and_the_proposal_is_kept(
    admin, jirun, zhou, wang
):
    request = accepted(jirun)
    proposal = recommendations.propose(request, recommendations.proposed_requirements(request), at=NOON)
    first, second = proposal.matching["1"].ids()[:2]

    response = admin.post(address(request, "callout"), {"expert": [second, first], "seats": "1"})

    assert response.status_code == 302
    callout = request.callouts.get()
    assert [one.expert_id for one in callout.invitations.order_by("rank")] == [first, second]
    assert [one.status for one in callout.invitations.order_by("rank")] == ["asked", "listed"]
    assert Recommendation.objects.get().callout == callout
    assert status_of(request) == "sourcing"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "还没有勾选专家"),
        ({"expert": ["x"]}, "还没有勾选专家"),
        ({"expert": ["999999"]}, "请看下面的最新名单再选"),
        ({"expert": "ZHOU", "seats": "0"}, "专家人数应为 1 到 20"),
    ],
    ids=["nobody ticked", "no number", "somebody unknown", "no seats"],
)
def test_a_choice_that_makes_no_sense_is_said_and_asks_nobody(admin, jirun, zhou, form, sentence):
    request = accepted(jirun)
    if form.get("expert") == "ZHOU":
        form = {**form, "expert": [zhou.pk]}

    response = admin.post(address(request, "callout"), form)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not request.callouts.exists()


def test_an_answer_by_telephone_is_recorded_for_the_expert(admin, jirun, zhou):
    request = accepted(jirun)
    admin.post(address(request, "callout"), {"expert": [zhou.pk]})
    invitation = invitation_of(request.callouts.get(), zhou)

    admin.post(address(request, f"invitations/{invitation.public_id}/answer"), {"reply": "accept"})

    invitation.refresh_from_db()
    assert (invitation.status, invitation.answer_source) == ("accepted", "officer")
    assert invitation.answered_by.username == "roster"


def test_from_acceptance_to_closing_by_the_centre_alone(admin, jirun, zhou):
    request = accepted(jirun)
    admin.post(address(request, "callout"), {"expert": [zhou.pk]})
    invitation = invitation_of(request.callouts.get(), zhou)
    early = admin.post(address(request, "schedule"), {"visit_from": "2026-12-01"})
    assert early.status_code == 409
    assert "还没有专家接受" in early.content.decode()

    admin.post(address(request, f"invitations/{invitation.public_id}/answer"), {"reply": "accept"})
    assert admin.post(address(request, "schedule"), {"visit_from": "soon"}).status_code == 422
    assert admin.post(address(request, "schedule"), {"visit_from": "2026-11-01"}).status_code == 422
    admin.post(address(request, "schedule"), {"visit_from": "2026-12-01"})
    assert status_of(request) == "scheduled"
    admin.post(address(request, "visited"))
    assert admin.post(address(request, "report"), {"report": " "}).status_code == 422
    admin.post(
        address(request, "report"), {"report": "总体可控", "findings": "报警器未校验｜送检\n\n通道被占用"}
    )
    admin.post(address(request, "close"))

    assert status_of(request) == "closed"
    assert [(one.text, one.advice) for one in request.findings.all()] == [
        ("报警器未校验", "送检"),
        ("通道被占用", ""),
    ]


def test_a_round_can_be_ended_and_others_asked(admin, jirun, zhou, wang):
    request = accepted(jirun)
    admin.post(address(request, "callout"), {"expert": [zhou.pk]})

    admin.post(address(request, "stop"))
    admin.post(address(request, "callout"), {"expert": [wang.pk]})

    assert request.callouts.count() == 2
    assert invitation_of(request.callouts.first(), wang).status == "asked"


def test_an_unknown_step_leads_nowhere(admin, jirun):
    assert admin.post(address(accepted(jirun), "rated")).status_code == 404


@pytest.mark.parametrize("role", [Role.DUTY_OFFICER, Role.LEADER, Role.AUDITOR])
def test_others_read_and_change_nothing(role, jirun):
    reader = Client()
    reader.force_login(a_user("reader", role))
    request = submitted(jirun)

    html = reader.get(address(request)).content.decode()

    assert request.number in html
    assert "受理这份申请" not in html
    assert reader.post(address(request, "accept")).status_code == 403
    assert status_of(request) == "submitted"


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.TEAM, Role.SYSTEM_ADMIN])
def test_the_pages_are_closed_to_who_does_not_work_in_the_centre(role, jirun):
    client = Client()
    client.force_login(a_user("other", role))

    assert client.get("/guidance/").status_code == 403
    assert client.get(address(submitted(jirun))).status_code == 403


@pytest.mark.parametrize(
    "status", [one for one in GuidanceStatus if one != GuidanceStatus.DRAFT], ids=lambda status: status.en
)
def test_looking_in_any_state_changes_nothing(admin, jirun, zhou, status):
    request = submitted(jirun)
    GuidanceRequest.objects.update(status=status)
    before = GuidanceRequest.objects.values().get()

    assert admin.get(address(request)).status_code == 200
    assert admin.get("/guidance/?tab=all").status_code == 200

    assert GuidanceRequest.objects.values().get() == before
