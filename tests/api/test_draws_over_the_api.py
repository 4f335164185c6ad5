"""Drawing experts for a request, by programs."""

from __future__ import annotations

import pytest

from coordination import draws, guidance
from coordination.matching.draw import commitment
from coordination.visits import GuidanceKind
from ground.access import Role
from tests.factories import ASKER, OFFICER, a_guidance_request, a_user, an_enterprise, an_expert
from tests.moments import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.fixture
def enterprise(db):
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def drawing(enterprise) -> str:
    for number in range(1, 7):
        an_expert(f"专家{number}")
    request = a_guidance_request(enterprise, kind=GuidanceKind.PLAN_REVIEW)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)
    return f"guidance-requests/{request.public_id}/draw/"


@pytest.fixture
def admin(caller):
    return caller(a_user("guanli", Role.ROSTER_ADMIN))


@pytest.fixture
def firm(caller, enterprise):
    return caller(a_user("firm", Role.ENTERPRISE, enterprise=enterprise))


def test_sealed_drawn_and_asked_in_the_order_drawn(admin, drawing):
    before = admin.get(drawing).json()
    assert before["draws"] == [] and before["next"]["seed_source"] == "at_acceptance"

    drawn = admin.post(drawing, {"seats": 2})

    assert drawn.status_code == 201, drawn.json()
    made = drawn.json()
    assert commitment(made["seed"]) == made["commitment"] == before["next"]["commitment"]
    assert (len(made["drawn"]), len(made["reserve"]), len(made["candidates"])) == (2, 3, 6)
    assert sum(one["chance"] for one in made["candidates"]) == pytest.approx(2, abs=1e-4)

    started = admin.post(
        "callouts/",
        {
            "guidance_request": drawing.split("/")[1],
            "requirements": [{"kind": "expert", "industry": "WH", "seats": 2}],
            "invitees": [{"requirement": 1, "expert": one} for one in [*made["drawn"], *made["reserve"]]],
        },
    )
    assert started.status_code == 201, started.json()
    asked = [one["invitee"]["id"] for one in started.json()["invitations"]]
    assert asked == [*made["drawn"], *made["reserve"]]


def test_a_further_draw_needs_a_reason(admin, drawing):
    first = admin.post(drawing).json()

    refused = admin.post(drawing)
    assert refused.status_code == 409 and "写明原因" in refused.json()["detail"]
    assert admin.post(drawing, {"reason": "抽中的专家出差"}).json()["number"] == 2
    assert admin.get(drawing).json()["draws"][0] == first


def test_a_program_that_has_not_seen_the_last_draw_is_told_of_it(admin, drawing):
    admin.post(drawing, {"known": 0})

    refused = admin.post(drawing, {"known": 0, "reason": "再抽一次"})

    assert refused.status_code == 409 and "刚刚抽取过" in refused.json()["detail"]
    assert admin.post(drawing, {"known": 1, "reason": "再抽一次"}).status_code == 201


def test_a_draw_that_was_widened_says_so_in_the_caller_s_language(caller, admin, enterprise):
    an_expert("专家一"), an_expert("专家二", practises="YH")
    request = a_guidance_request(enterprise)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)
    drawing = f"guidance-requests/{request.public_id}/draw/"

    assert "已扩大到相近行业（1 人）" in admin.post(drawing).json()["widened"]
    english = caller(a_user("reader", Role.AUDITOR), "en")
    assert "widened to near trades (1)" in english.get(drawing).json()["draws"][0]["widened"]


def test_the_same_key_draws_once(admin, drawing):
    first = admin.post(drawing, Idempotency_Key="draw-1")
    again = admin.post(drawing, Idempotency_Key="draw-1")

    assert first.json() == again.json()
    assert len(admin.get(drawing).json()["draws"]) == 1


def test_the_enterprise_reads_the_draw_without_names_and_no_seed_before_it(admin, firm, drawing):
    assert set(firm.get(drawing).json()["next"]) == {"commitment", "seed_source", "sealed_at"}
    assert firm.post(drawing).status_code == 403

    made = admin.post(drawing).json()
    read = firm.get(drawing).json()

    assert read["draws"][0]["seed"] == made["seed"]
    assert {one["name"] for one in read["draws"][0]["candidates"]} == {None}
    assert "专家" not in str(read["draws"][0]["candidates"])


def test_another_enterprise_finds_no_draw(caller, drawing):
    other = caller(a_user("other", Role.ENTERPRISE, enterprise=an_enterprise("渤海化工")))

    assert other.get(drawing).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"seats": 0}, {"seats": draws.MOST_SEATS + 1}, {"seat": 1}, {"reason": "长" * 201}, {"known": -1}],
)
def test_what_cannot_be_drawn_is_refused(admin, drawing, body):
    assert admin.post(drawing, body).status_code == 422
