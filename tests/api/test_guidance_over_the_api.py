"""A guidance request from the enterprise's question to its rating, by programs."""

from __future__ import annotations

import pytest

from contracts.models import Interest, InterestKind
from ground.access import Role
from tests.factories import a_user, an_enterprise, an_expert
from tests.moments import minutes

pytestmark = pytest.mark.django_db

WISH = {
    "kind": "plan_review",
    "description": "液氨储罐区应急预案评审",
    "wished_from": "2026-12-01",
    "wished_until": "2026-12-05",
    "contact_name": "刘骏",
    "contact_phone": "138 1234 1234",
}


@pytest.fixture
def enterprise(db):
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def firm(caller, enterprise, the_clock):
    return caller(a_user("firm", Role.ENTERPRISE, enterprise=enterprise))


@pytest.fixture
def admin(caller, the_clock):
    return caller(a_user("guanli", Role.ROSTER_ADMIN))


def test_guidance_from_the_question_to_the_rating(firm, admin, enterprise, the_clock):
    li, tied = an_expert("李工"), an_expert("孙工")
    Interest.objects.create(expert=tied, enterprise=enterprise, kind=InterestKind.ADVISES)

    # The enterprise asks; the centre accepts.
    asked = firm.post("guidance-requests/", WISH, Idempotency_Key="ask-1")
    assert asked.status_code == 201, asked.json()
    request = f"guidance-requests/{asked.json()['id']}"
    assert asked.json()["status"] == "submitted"
    assert admin.post(f"{request}/accept/").json()["status"] == "accepted"

    # Whoever has an interest is barred from a review, with the article.
    found = admin.get(f"{request}/candidates/").json()["requirements"][0]
    assert [row["name"] for row in found["rows"]] == ["李工"]
    barred = next(one for one in found["excluded"] if one["name"] == "孙工")
    assert any(reason["law"] and "第二十二条" in reason["law"]["article"] for reason in barred["reasons"])

    # A callout with patience; Li accepts.
    started = admin.post(
        "callouts/",
        {
            "guidance_request": asked.json()["id"],
            "requirements": [{"kind": "expert", "industry": "WH", "seats": 1}],
        },
    )
    assert started.status_code == 201, started.json()
    assert started.json()["policy"] == "patient"
    invitation = started.json()["invitations"][0]
    assert invitation["invitee"]["name"] == li.name
    the_clock.move(minutes(60))
    said = admin.post(f"invitations/{invitation['id']}/answer/", {"reply": "accept", "source": "officer"})
    assert said.json()["result"] == "seated"

    # The days are agreed on, the visit happens, the report comes.
    scheduled = admin.post(f"{request}/schedule/", {"visit_from": "2026-12-02"})
    assert scheduled.json()["status"] == "scheduled", scheduled.json()
    assert admin.post(f"{request}/visited/").json()["status"] == "visited"
    reported = admin.post(
        f"{request}/report/",
        {"text": "预案总体可行。", "findings": [{"text": "缺少夜间演练", "advice": "每季度一次"}]},
    )
    assert reported.json()["status"] == "reported", reported.json()
    assert reported.json()["findings"][0]["number"] == 1

    # The enterprise rates; the centre files it.
    rated = firm.post(f"{request}/rating/", {"stars": 5, "comment": "很有帮助"})
    assert rated.json()["status"] == "rated", rated.json()
    assert admin.post(f"{request}/close/").json()["status"] == "closed"


def test_a_returned_request_is_completed_and_handed_in_again(firm, admin):
    asked = firm.post("guidance-requests/", WISH).json()
    request = f"guidance-requests/{asked['id']}"

    returned = admin.post(f"{request}/return/", {"reason": "请写明储罐数量"})
    assert returned.json()["status"] == "returned"
    changed = firm.patch(f"{request}/", {"description": "4 个液氨储罐的应急预案评审"})
    assert changed.json()["description"].startswith("4 个")
    assert changed.json()["kind"] == "plan_review"
    assert firm.post(f"{request}/submit/").json()["status"] == "submitted"


def test_a_draft_is_the_enterprises_own(firm, admin):
    draft = firm.post("guidance-requests/", {"submit": False}).json()

    assert draft["status"] == "draft"
    assert admin.get(f"guidance-requests/{draft['id']}/").status_code == 404
    unfinished = firm.post(f"guidance-requests/{draft['id']}/submit/")
    assert unfinished.status_code == 422
    assert "还缺：服务类型" in unfinished.json()["detail"]


def test_another_enterprises_request_does_not_exist(firm, caller):
    other = caller(a_user("other", Role.ENTERPRISE, enterprise=an_enterprise("渤海化工")))
    asked = firm.post("guidance-requests/", WISH).json()

    assert other.get(f"guidance-requests/{asked['id']}/").status_code == 404
    assert other.post(f"guidance-requests/{asked['id']}/cancel/", {"reason": "不要了"}).status_code == 404
    assert other.get("guidance-requests/").json()["results"] == []


def test_the_law_bars_a_chosen_expert_with_an_interest(firm, admin, enterprise):
    tied = an_expert("孙工")
    Interest.objects.create(expert=tied, enterprise=enterprise, kind=InterestKind.ADVISES)
    asked = firm.post("guidance-requests/", WISH).json()
    admin.post(f"guidance-requests/{asked['id']}/accept/")

    refused = admin.post(
        "callouts/",
        {
            "guidance_request": asked["id"],
            "requirements": [{"kind": "expert", "industry": "WH", "seats": 1}],
            "invitees": [{"requirement": 1, "expert": str(tied.public_id)}],
        },
    )

    assert refused.status_code == 409
    assert "应当回避" in refused.json()["detail"]
