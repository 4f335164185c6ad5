"""The panel of a plan review on the pages: proposed, asked as shown, filled up; who may see and do what."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Enterprise, Interest, InterestKind
from coordination import answers, review_panels
from coordination.answers import Answer
from coordination.matching.panels import PanelRules
from coordination.models import GuidanceRequest, Recommendation
from coordination.paging import AnswerSource, Reply
from coordination.visits import GuidanceKind
from experts.models import Absence, Expert
from ground.access import Role
from ground.audit import Actor
from tests.factories import (
    OFFICER,
    a_user,
    an_accepted_request,
    an_enterprise,
    an_expert,
    invitation_of,
)
from tests.moments import NOON, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock", "experts")]

THREE = {"size": "3", "per_employer": "2", "seniors": "1", "apart": ""}


@pytest.fixture
def jirun() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def experts(db) -> dict[str, Expert]:
    return {
        "李工": an_expert("李工", employer="化工学院", is_senior=True, title="教授"),
        "王工": an_expert("王工", employer="化工学院"),
        "赵工": an_expert("赵工", employer="化工学院"),
        "钱工": an_expert("钱工", employer="安科院", region="130300"),
        "孙工": an_expert("孙工", employer="渤海化工", region="130100"),
    }


def signed_in(*roles: Role, **tied) -> Client:
    client = Client()
    client.force_login(a_user("-".join(roles), *roles, **tied))
    return client


@pytest.fixture
def admin() -> Client:
    return signed_in(Role.ROSTER_ADMIN, name="赵敏")


@pytest.fixture
def auditor() -> Client:
    return signed_in(Role.AUDITOR)


@pytest.fixture
def firm(jirun) -> Client:
    return signed_in(Role.ENTERPRISE, enterprise=jirun)


@pytest.fixture
def request_(jirun) -> GuidanceRequest:
    return accepted(jirun)


def accepted(
    enterprise: Enterprise, kind: GuidanceKind = GuidanceKind.PLAN_REVIEW, **wish
) -> GuidanceRequest:
    return an_accepted_request(enterprise, kind=kind, **wish)


def address(request: GuidanceRequest, step: str = "") -> str:
    return f"/guidance/{request.public_id}/{step}{'/' if step else ''}"


def panel_part(html: str) -> str:
    """Return the panel's card alone."""
    start = html.index('id="panel"')
    return html[start : html.index("</section>", start)]


def proposed(client: Client, request: GuidanceRequest, **rules: str) -> str:
    response = client.get(address(request), THREE | rules)
    assert response.status_code == 200
    return panel_part(response.content.decode())


def names_in(html: str) -> list[str]:
    return re.findall(r'class="nm"><b>(\w+)</b>', html)


def to_ask(html: str) -> list[str]:
    return re.findall(r'name="expert" value="(\d+)"', html)


def says(request: GuidanceRequest, expert: Expert, reply: Reply) -> None:
    invitation = invitation_of(request.callouts.get(), expert)
    answers.answer(invitation, Answer(reply, AnswerSource.LINK), by=Actor(None, "本人"), at=NOON)


def test_the_admin_is_shown_a_panel_with_its_leader_and_the_reasons(admin, request_):
    html = proposed(admin, request_)

    assert names_in(html) == ["李工", "王工", "钱工"]
    first, second = html.split("<tr>")[2:4]
    assert "组长" in first and "组长" not in second
    assert "正高级 1 位 · 来自 2 个单位" in html and "危险化学品为主专业" in html
    assert not Recommendation.objects.exists()


def test_without_a_question_there_is_only_the_form(admin, request_):
    html = panel_part(admin.get(address(request_)).content.decode())

    assert "推荐专家组" in html and names_in(html) == []
    assert "不是法条" in html


def test_those_shown_are_asked_and_the_page_says_who_leads(admin, auditor, request_, experts):
    shown = to_ask(proposed(admin, request_))

    response = admin.post(address(request_, "ask-panel"), THREE | {"expert": shown}, follow=True)

    html = response.content.decode()
    assert "已邀请专家组 3 位，组长：李工。" in html
    asked = request_.callouts.get().invitations.order_by("rank")
    assert [str(one.expert_id) for one in asked] == shown
    for client in (admin, auditor):
        part = panel_part(client.get(address(request_)).content.decode())
        assert names_in(part) == ["李工", "王工", "钱工"] and "组长" in part.split("<tr>")[2]
    assert Recommendation.objects.get().outcome["panel"]["leader"] == experts["李工"].pk


def test_a_panel_that_has_changed_meanwhile_is_shown_not_asked(admin, request_, experts):
    shown = to_ask(proposed(admin, request_))
    Absence.objects.create(expert=experts["王工"], starts_on=TODAY, ends_on=TODAY)

    response = admin.post(address(request_, "ask-panel"), THREE | {"expert": shown})

    assert response.status_code == 409 and "情况有变" in response.content.decode()
    assert "王工" not in names_in(panel_part(response.content.decode()))
    assert not request_.callouts.exists()


def test_when_one_declines_the_open_seat_is_filled(admin, request_, experts):
    review_panels.ask(request_, PanelRules(size=3), by=OFFICER, at=NOON)
    says(request_, experts["李工"], Reply.ACCEPT)
    says(request_, experts["钱工"], Reply.DECLINE)

    before = panel_part(admin.get(address(request_)).content.decode())
    assert "2 / 3" in before and "还缺 1 位" in before and "补齐专家组" in before
    html = proposed(admin, request_)
    assert names_in(html) == ["李工", "王工", "孙工"]
    assert html.count("拟邀请") == 1
    assert to_ask(html) == [str(experts["孙工"].pk)]

    admin.post(address(request_, "ask-panel"), THREE | {"expert": to_ask(html)})
    assert "3 / 3" in panel_part(admin.get(address(request_)).content.decode())


def test_a_declined_leader_is_said(admin, request_, experts):
    review_panels.ask(request_, PanelRules(size=3), by=OFFICER, at=NOON)
    says(request_, experts["李工"], Reply.DECLINE)

    assert "组长待定" in panel_part(admin.get(address(request_)).content.decode())


def test_the_firm_sees_who_leads_once_they_have_accepted_and_nobody_before(firm, request_, experts):
    page = f"/my-enterprise/guidance/{request_.public_id}/"
    review_panels.ask(request_, PanelRules(size=3), by=OFFICER, at=NOON)
    before = firm.get(page).content.decode()
    assert [name for name in experts if name in before] == [] and "组长" not in before

    says(request_, experts["李工"], Reply.ACCEPT)

    html = firm.get(page).content.decode()
    assert "李工" in html and "组长" in html and "王工" not in html


def test_where_there_is_no_panel_it_is_said_why(admin, request_):
    html = proposed(admin, request_, size="7")

    assert "需要 7 人，只有 5 位可选" in html and to_ask(html) == []


def test_those_who_must_recuse_are_counted_beside_the_panel(admin, jirun, request_, experts):
    Interest.objects.create(expert=experts["王工"], enterprise=jirun, kind=InterestKind.ADVISES)

    html = proposed(admin, request_)

    assert "王工" not in names_in(html) and "回避 1" in html


def test_whoever_must_recuse_after_they_accepted_is_marked_and_can_be_let_go(admin, jirun, request_, experts):
    review_panels.ask(request_, PanelRules(size=3), by=OFFICER, at=NOON)
    for name in ("李工", "王工"):
        says(request_, experts[name], Reply.ACCEPT)
    Interest.objects.create(expert=experts["李工"], enterprise=jirun, kind=InterestKind.ADVISES)

    page = admin.get(address(request_)).content.decode()
    assert panel_part(page).count("应当回避：受聘") == 1 and page.count("登记退出") == 2

    invitation = invitation_of(request_.callouts.get(), experts["李工"])
    admin.post(
        reverse("guidance-answer", args=[request_.public_id, invitation.public_id]), {"reply": "decline"}
    )
    assert "李工" not in names_in(proposed(admin, request_))


def test_those_who_must_not_sit_together_are_named_by_the_admin(admin, request_):
    html = proposed(admin, request_, apart="李工、王工")

    assert not {"李工", "王工"} <= set(names_in(html))
    assert 'value="李工、王工"' in html


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param({"size": "4"}, "单数", id="an even size"),
        pytest.param({"size": "11"}, "3、5、7、9", id="too large"),
        pytest.param({"size": "五"}, "应为一个数字", id="no number"),
        pytest.param({"per_employer": "0"}, "至少可有 1 人", id="nobody of an employer"),
        pytest.param({"seniors": "4"}, "0 到 3 人", id="more seniors than members"),
        pytest.param({"seniors": "-1"}, "应为一个数字", id="less than none"),
        pytest.param({"apart": "李工、刘一"}, "名册里没有“刘一”", id="a name that is on no roster"),
    ],
)
def test_rules_that_cannot_be_are_refused_in_words(admin, request_, wrong, said):
    shown = admin.get(address(request_), THREE | wrong)
    sent = admin.post(address(request_, "ask-panel"), THREE | wrong | {"expert": "1"})

    for response in (shown, sent):
        assert response.status_code == 422 and said in response.content.decode()
    assert not request_.callouts.exists()


@pytest.mark.parametrize("form", [{}, THREE, THREE | {"expert": "x"}], ids=["nothing", "nobody", "no id"])
def test_asking_before_looking_is_refused(admin, request_, form):
    assert admin.post(address(request_, "ask-panel"), form).status_code == 422


def test_only_who_handles_requests_is_shown_a_proposal(auditor, firm, request_):
    html = auditor.get(address(request_), THREE).content.decode()

    assert 'id="panel"' not in html
    for client in (auditor, firm):
        assert client.post(address(request_, "ask-panel"), THREE).status_code == 403
    assert firm.get(address(request_), THREE).status_code == 403


def test_an_admin_of_another_city_finds_nothing(request_):
    elsewhere = signed_in(Role.ROSTER_ADMIN, region="130300")

    assert elsewhere.get(address(request_), THREE).status_code == 404
    assert elsewhere.post(address(request_, "ask-panel"), THREE).status_code == 404


def test_the_admin_of_the_firm_s_own_city_is_proposed_experts_of_the_whole_province(request_):
    here = signed_in(Role.ROSTER_ADMIN, region="130200")

    assert "钱工" in names_in(proposed(here, request_))


@pytest.mark.parametrize("kind", [GuidanceKind.INSPECTION, GuidanceKind.TRAINING])
def test_what_is_no_review_offers_no_panel(admin, jirun, kind):
    request = accepted(jirun, kind)

    assert 'id="panel"' not in admin.get(address(request), THREE).content.decode()
    assert admin.post(address(request, "ask-panel"), THREE | {"expert": "1"}).status_code == 409


def test_the_size_asked_for_by_the_firm_is_offered_first(admin, jirun):
    html = panel_part(admin.get(address(accepted(jirun, experts_wanted=4))).content.decode())

    assert "<option selected>5</option>" in html
