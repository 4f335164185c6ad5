"""The enterprise's pages: what it sees of itself, asking for guidance, and nobody else's business."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from contracts.models import Enterprise
from coordination import answers, deployments, guidance
from coordination.answers import Answer
from coordination.models import GuidanceRequest
from coordination.paging import AnswerSource, Reply
from coordination.visits import GuidanceKind, GuidanceStatus
from ground.access import Role
from ground.audit import Actor
from tests.factories import (
    ASKER,
    OFFICER,
    a_guidance_request,
    a_round,
    a_team,
    a_user,
    an_agreement,
    an_enterprise,
    an_expert,
    invitation_of,
)
from tests.moments import NOON, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]
SELF = Actor(None, "周明远")


@pytest.fixture
def jirun() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def firm(jirun) -> Client:
    client = Client()
    client.force_login(a_user("firm", Role.ENTERPRISE, name="刘骏", enterprise=jirun))
    return client


def wish(enterprise: Enterprise, **changed) -> dict[str, str]:
    return {
        "kind": "inspection",
        "site": str(enterprise.sites.get().pk),
        "description": "液氨制冷机房年度隐患排查",
        "experts_wanted": "1",
        "contact_name": "刘骏",
        "contact_phone": "137 0000 0162",
        "action": "check",
        **changed,
    }


def test_the_first_line_says_whether_all_is_well(firm, jirun):
    an_agreement(jirun, a_team("曹妃甸危化队"))
    assert "履约正常" in firm.get("/my-enterprise/").content.decode()

    soon = (TODAY - timedelta(days=300), TODAY + timedelta(days=20))
    an_agreement(jirun, a_team("迁安矿山队"), term=soon)
    html = firm.get("/my-enterprise/").content.decode()

    assert "需处理 1 项" in html
    assert "与迁安矿山队的救援协议到期" in html and "还有 20 天" in html


def test_the_home_page_says_ring_first(firm):
    html = firm.get("/my-enterprise/").content.decode()

    assert "发生事故请先打电话" in html
    assert 'href="tel:119"' in html and 'href="tel:12350"' in html


def test_what_is_known_is_filled_in_already(firm, jirun):
    html = firm.get("/my-enterprise/guidance/new/").content.decode()

    contact = jirun.contacts.get()
    assert f'value="{contact.value[3:]}"' in html
    assert 'value="刘骏"' in html
    assert "checked" in html  # the only site
    assert html.count('name="kind"') == 6


def test_asking_takes_two_pages_and_no_script(firm, jirun):
    response = firm.post("/my-enterprise/guidance/new/", wish(jirun))
    request = GuidanceRequest.objects.get()
    assert request.status == "draft"
    assert response["Location"] == f"/my-enterprise/guidance/{request.public_id}/check/"
    page = firm.get(response["Location"]).content.decode()
    assert "液氨制冷机房年度隐患排查" in page and "137****0162" in page

    response = firm.post(response["Location"])

    request.refresh_from_db()
    assert request.status == "submitted"
    assert request.contact_phone == "+8613700000162"
    progress = firm.get(response["Location"]).content.decode()
    assert "等待受理" in progress and request.number in progress


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"kind": ""}, "服务类型：请选一种服务。"),
        ({"description": ""}, "需要解决的问题：请写一两句"),
        ({"contact_phone": "1381234"}, "联系电话："),
        ({"wished_from": "2026-12-03", "wished_until": "2026-12-01"}, "最晚的一天早于最早的一天"),
        ({"experts_wanted": "0"}, "专家人数："),
    ],
    ids=["no service", "no problem", "half a phone number", "days the wrong way round", "no expert"],
)
def test_a_mistake_is_named_and_what_was_typed_is_kept_as_a_draft(firm, jirun, changed, sentence):
    response = firm.post("/my-enterprise/guidance/new/", wish(jirun, **changed))

    assert response.status_code == 422
    html = response.content.decode()
    assert "data-error-summary" in html and sentence in html
    assert GuidanceRequest.objects.get().status == "draft"


def test_a_draft_can_be_left_and_gone_on_with(firm, jirun):
    firm.post("/my-enterprise/guidance/new/", wish(jirun, kind="", contact_phone="", action="leave"))
    draft = GuidanceRequest.objects.get()
    assert draft.number in firm.get("/my-enterprise/").content.decode()

    html = firm.get(f"/my-enterprise/guidance/new/?draft={draft.public_id}").content.decode()
    assert "液氨制冷机房年度隐患排查" in html
    firm.post("/my-enterprise/guidance/new/", wish(jirun, draft=str(draft.public_id), kind="drill"))

    assert GuidanceRequest.objects.get().kind == GuidanceKind.DRILL


def test_saving_in_passing_makes_one_draft_however_often_it_saves(firm, jirun):
    response = firm.post("/my-enterprise/guidance/new/", wish(jirun, action="autosave"))
    draft = GuidanceRequest.objects.get()
    html = response.content.decode()
    assert "已自动保存 14:18" in html and str(draft.public_id) in html

    firm.post(
        "/my-enterprise/guidance/new/",
        wish(jirun, action="autosave", draft=str(draft.public_id), description="再加一条"),
    )

    assert GuidanceRequest.objects.get().description == "再加一条"


def test_a_day_that_has_passed_is_refused_when_handing_in(firm, jirun):
    response = firm.post("/my-enterprise/guidance/new/", wish(jirun, wished_from="2026-11-01"))
    response = firm.post(response["Location"])

    assert response.status_code == 422
    assert "已经过去" in response.content.decode()
    assert GuidanceRequest.objects.get().status == "draft"


def test_another_firms_site_is_not_on_offer(firm, jirun):
    other = an_enterprise("唐钢演示公司")

    response = firm.post("/my-enterprise/guidance/new/", wish(jirun, site=str(other.sites.get().pk)))

    assert response.status_code == 422
    assert GuidanceRequest.objects.get().site is None


def test_another_firms_requests_do_not_exist(firm):
    foreign = a_guidance_request(an_enterprise("唐钢演示公司"))
    address = f"/my-enterprise/guidance/{foreign.public_id}"

    assert firm.get(f"{address}/").status_code == 404
    assert firm.get(f"{address}/check/").status_code == 404
    assert firm.post(f"{address}/check/").status_code == 404
    assert firm.post(f"{address}/cancel/").status_code == 404
    assert firm.post(f"{address}/rate/", {"rating": "5"}).status_code == 404
    assert firm.get(f"/my-enterprise/guidance/new/?draft={foreign.public_id}").status_code == 404
    assert firm.get(f"/my-enterprise/?enterprise={foreign.enterprise.public_id}").status_code == 404
    foreign.refresh_from_db()
    assert foreign.status == "draft"


@pytest.mark.parametrize("role", [Role.DUTY_OFFICER, Role.ROSTER_ADMIN, Role.AUDITOR, Role.TEAM, Role.LEADER])
def test_the_pages_are_for_enterprises_only(role):
    client = Client()
    client.force_login(a_user("other", role))

    assert client.get("/my-enterprise/").status_code == 403
    assert client.post("/my-enterprise/guidance/new/", {}).status_code == 403


def test_nobody_signed_in_is_sent_to_sign_in(client):
    assert client.get("/my-enterprise/")["Location"].startswith("/sign-in/")


def test_an_account_without_an_enterprise_finds_nothing():
    client = Client()
    client.force_login(a_user("lost", Role.ENTERPRISE))

    assert client.get("/my-enterprise/").status_code == 404


def reported(enterprise: Enterprise) -> GuidanceRequest:
    request = a_guidance_request(enterprise)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)
    zhou = an_expert("周明远", title="教授级高工")
    callout = a_round(request, asks=[zhou])
    answers.answer(invitation_of(callout, zhou), Answer(Reply.ACCEPT, AnswerSource.LINK), by=SELF, at=NOON)
    deployment = invitation_of(callout, zhou).deployment
    deployments.arrive(deployment, by=SELF, source=AnswerSource.LINK, at=NOON)
    deployments.release(deployment, by=SELF, source=AnswerSource.LINK, at=NOON)
    deployments.report(deployment, "缺氨气报警。", by=SELF, source=AnswerSource.LINK, at=NOON)
    guidance.catch_up(at=NOON)
    guidance.catch_up(at=NOON)
    request.refresh_from_db()
    return request


def test_the_expert_is_shown_with_what_is_private_half_hidden(firm, jirun):
    request = reported(jirun)

    html = firm.get(f"/my-enterprise/guidance/{request.public_id}/").content.decode()

    number = an_expert_phone(request)
    assert "周明远" in html and "教授级高工" in html and "缺氨气报警。" in html
    assert number not in html
    assert number[-4:] in html


def an_expert_phone(request: GuidanceRequest) -> str:
    invitation = request.callouts.get().invitations.get()
    return invitation.expert.contacts.get(rank=1).value[3:]


def test_the_service_is_rated_once(firm, jirun):
    request = reported(jirun)
    address = f"/my-enterprise/guidance/{request.public_id}/"
    assert "评价这次服务" in firm.get(address).content.decode()

    assert firm.post(f"{address}rate/", {"rating": "9"}).status_code == 422
    assert firm.post(f"{address}rate/", {"rating": "4", "comment": "很细"}).status_code == 302
    assert firm.post(f"{address}rate/", {"rating": "1"}).status_code == 409

    request.refresh_from_db()
    assert (request.status, request.rating, request.rating_comment) == ("rated", 4, "很细")


def test_a_request_can_be_cancelled_until_the_visit(firm, jirun):
    request = a_guidance_request(jirun)
    guidance.submit(request, by=ASKER, at=NOON)

    firm.post(f"/my-enterprise/guidance/{request.public_id}/cancel/", {"reason": "停产"})
    request.refresh_from_db()
    assert request.status == "cancelled"

    again = firm.post(f"/my-enterprise/guidance/{request.public_id}/cancel/", {"reason": "停产"})
    assert again.status_code == 409


@pytest.mark.parametrize("status", list(GuidanceStatus), ids=lambda status: status.en)
def test_looking_at_a_request_in_any_state_changes_nothing(firm, jirun, status):
    request = a_guidance_request(jirun)
    GuidanceRequest.objects.update(status=status, return_reason="缺图")
    before = GuidanceRequest.objects.values().get()

    assert firm.get(f"/my-enterprise/guidance/{request.public_id}/").status_code == 200
    assert firm.get("/my-enterprise/").status_code == 200
    assert firm.head(f"/my-enterprise/guidance/{request.public_id}/").status_code == 200

    assert GuidanceRequest.objects.values().get() == before
