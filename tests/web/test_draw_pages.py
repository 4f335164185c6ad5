"""The draw on the pages: who may press the button, what each sees before and after, the file."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from contracts.models import Enterprise
from coordination import draws
from coordination.models import Draw, GuidanceRequest, Recommendation
from coordination.visits import GuidanceKind
from experts.models import Absence
from ground.access import Role
from tests.factories import (
    OFFICER,
    a_user,
    an_accepted_request,
    an_enterprise,
    an_expert,
)
from tests.moments import NOON, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock", "experts")]


@pytest.fixture
def jirun() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def experts(db):
    return [an_expert(name) for name in ("周明远", "王工", "沈国强", "李工", "孙工", "吴工")]


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


def page(client: Client, request: GuidanceRequest) -> str:
    response = client.get(address(request))
    assert response.status_code == 200
    return response.content.decode()


def firms_page(client: Client, request: GuidanceRequest) -> str:
    response = client.get(f"/my-enterprise/guidance/{request.public_id}/")
    assert response.status_code == 200
    return response.content.decode()


def draw_of(request: GuidanceRequest) -> Draw:
    return draws.draw(request, by=OFFICER, at=NOON)


def test_before_the_draw_everybody_sees_the_commitment_and_nobody_the_seed(admin, auditor, firm, request_):
    sealed = request_.draws.get()

    for html in (page(admin, request_), page(auditor, request_), firms_page(firm, request_)):
        assert sealed.commitment in html
        assert sealed.seed not in html


def test_only_who_handles_requests_has_the_button(admin, auditor, firm, request_):
    button = f'action="{address(request_, "draw")}"'

    assert button in page(admin, request_)
    assert button not in page(auditor, request_)
    assert button not in firms_page(firm, request_)
    for client in (auditor, firm):
        assert client.post(address(request_, "draw")).status_code == 403
    assert not request_.draws.made().exists()


def test_the_admin_draws_and_all_see_seed_time_and_order(admin, auditor, firm, request_):
    assert admin.post(address(request_, "draw"), {"seats": "2", "known": "0"}).status_code == 302

    made = request_.draws.made().get()
    assert (len(made.drawn), len(made.reserve), made.drawn_by_label) == (2, 3, "赵敏")
    names = {one["id"]: one["name"] for one in made.candidates}
    in_order = [names[one] for one in (*made.drawn, *made.reserve)]
    for html in (page(admin, request_), page(auditor, request_)):
        drawn = html[html.index('id="draw"') :]
        assert sorted(in_order, key=drawn.index) == in_order
        assert made.seed in html and "2026-11-24 14:18:00" in html and "复算一致" in html
    html = firms_page(firm, request_)
    assert made.seed in html and all(id_ in html for id_ in names)


def test_the_enterprise_does_not_learn_who_else_is_on_the_roster(firm, request_, experts):
    draw_of(request_)

    html = firms_page(firm, request_)

    assert [one.name for one in experts if one.name in html] == []


def test_the_next_seed_stays_sealed_on_every_page_and_in_the_file(admin, firm, request_):
    made = draw_of(request_)
    sealed = request_.draws.sealed().get()

    shown = [
        page(admin, request_),
        firms_page(firm, request_),
        firm.get(f"/draws/{made.public_id}.json").content.decode(),
    ]

    assert not any(sealed.seed in one for one in shown)
    assert sealed.commitment in shown[0] and sealed.commitment in shown[1]
    for client in (admin, firm):
        assert client.get(f"/draws/{sealed.public_id}.json").status_code == 404


def test_a_further_draw_takes_a_reason_and_both_are_shown(admin, auditor, request_):
    first = draw_of(request_)

    refused = admin.post(address(request_, "draw"), {"known": "1", "reason": " "})
    assert refused.status_code == 409 and "写明原因" in refused.content.decode()
    assert (
        admin.post(address(request_, "draw"), {"known": "1", "reason": "抽中的专家出差"}).status_code == 302
    )

    second = request_.draws.made().last()
    html = page(auditor, request_)
    assert "抽中的专家出差" in html and first.seed in html and second.seed in html


def test_a_second_tap_draws_nothing(admin, request_):
    for status in (302, 409):
        assert admin.post(address(request_, "draw"), {"known": "0"}).status_code == status
    assert request_.draws.made().count() == 1


def test_those_drawn_are_asked_in_that_order_and_their_state_stands_beside_them(admin, request_):
    made = draw_of(request_)

    assert admin.post(address(request_, "ask-drawn")).status_code == 302

    callout = request_.callouts.get()
    asked = callout.invitations.order_by("rank").select_related("expert")
    assert [str(one.expert.public_id) for one in asked] == [*made.drawn, *made.reserve]
    assert Recommendation.objects.get().callout == callout
    html = page(admin, request_)
    assert address(request_, "ask-drawn") not in html and address(request_, "draw") not in html


def test_whoever_cannot_go_any_more_is_named(admin, request_):
    made = draw_of(request_)
    first = next(one["name"] for one in made.candidates if one["id"] == made.drawn[0])
    Absence.objects.create(
        expert_id=draws.Expert.objects.get(public_id=made.drawn[0]).pk, starts_on=TODAY, ends_on=TODAY
    )

    html = admin.post(address(request_, "ask-drawn"), follow=True).content.decode()

    assert f"已跳过：{first}" in html


def test_asking_before_the_draw_is_refused_in_words(admin, request_):
    response = admin.post(address(request_, "ask-drawn"))

    assert response.status_code == 422 and "请先随机抽取" in response.content.decode()


@pytest.mark.parametrize(
    "form",
    [{"seats": "0"}, {"seats": "x"}, {"seats": str(draws.MOST_SEATS + 1)}, {"known": "-1", "seats": "0"}],
)
def test_a_number_that_nobody_can_draw_is_refused(admin, request_, form):
    assert admin.post(address(request_, "draw"), form).status_code == 422


def test_as_many_can_be_drawn_on_the_page_as_over_the_api(admin, request_):
    assert f'max="{draws.MOST_SEATS}"' in page(admin, request_)
    sent = admin.post(address(request_, "draw"), {"seats": str(draws.MOST_SEATS), "known": "0"})

    assert sent.status_code == 302
    assert request_.draws.made().get().seats == draws.MOST_SEATS
    # A further draw may be for another number.
    admin.post(address(request_, "draw"), {"seats": "2", "known": "1", "reason": "只要两位"})
    assert len(request_.draws.made().last().drawn) == 2


def test_a_draw_that_was_widened_says_so_on_the_page(auditor, request_, experts):
    an_expert("相近", practises="YH")
    draws.draw(request_, seats=2, by=OFFICER, at=NOON)

    assert "已扩大到相近行业（1 人）" in page(auditor, request_)


def test_training_offers_no_draw(admin, jirun):
    request = accepted(jirun, kind=GuidanceKind.TRAINING)

    assert "随机抽取" not in page(admin, request)
    assert admin.post(address(request, "draw")).status_code == 409


def test_a_record_that_was_changed_says_so_on_the_page(auditor, request_):
    made = draw_of(request_)
    Draw.objects.filter(pk=made.pk).update(drawn=made.reserve[:1])

    html = page(auditor, request_)

    assert "不一致：记录与复算结果不符" in html and "复算一致" not in html


def test_the_file_holds_all_that_is_needed_and_no_names(auditor, firm, request_, experts):
    made = draw_of(request_)

    for client in (auditor, firm):
        response = client.get(f"/draws/{made.public_id}.json")
        written = json.loads(response.content)
        assert written == draws.record(made).to_dict()
        assert f'filename="{request_.number}-draw-1.json"' in response["Content-Disposition"]
        assert not any(one.name in response.content.decode() for one in experts)


def test_the_file_of_another_firm_does_not_exist(jirun, request_):
    made = draw_of(request_)
    other = signed_in(Role.ENTERPRISE, enterprise=an_enterprise("渤海化工"))

    assert other.get(f"/draws/{made.public_id}.json").status_code == 404
