"""The panel of a plan review, by programs."""

from __future__ import annotations

import pytest

from contracts.models import Interest, InterestKind
from coordination import answers, guidance, review_panels
from coordination.answers import Answer
from coordination.matching.panels import PanelRules
from coordination.models import Callout, GuidanceRequest, Recommendation
from coordination.paging import AnswerSource, Reply
from coordination.visits import GuidanceKind
from experts.models import Expert
from ground.access import Role
from ground.audit import Actor
from tests.factories import (
    ASKER,
    OFFICER,
    a_guidance_request,
    a_user,
    an_enterprise,
    an_expert,
    invitation_of,
)
from tests.moments import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def enterprise(db):
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def cast(db) -> dict[str, Expert]:
    return {
        "李工": an_expert("李工", employer="化工学院", is_senior=True),
        "王工": an_expert("王工", employer="化工学院"),
        "赵工": an_expert("赵工", employer="化工学院"),
        "钱工": an_expert("钱工", employer="安科院", region="130300"),
        "孙工": an_expert("孙工", employer="渤海化工", region="130100"),
    }


@pytest.fixture
def request_(enterprise, cast) -> GuidanceRequest:
    request = a_guidance_request(enterprise, kind=GuidanceKind.PLAN_REVIEW)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)
    return request


@pytest.fixture
def panels(request_) -> str:
    return f"guidance-requests/{request_.public_id}/panels/"


@pytest.fixture
def admin(caller):
    return caller(a_user("guanli", Role.ROSTER_ADMIN))


@pytest.fixture
def firm(caller, enterprise):
    return caller(a_user("firm", Role.ENTERPRISE, enterprise=enterprise))


def says(expert: Expert, reply: Reply) -> None:
    invitation = invitation_of(Callout.objects.get(), expert)
    answers.answer(invitation, Answer(reply, AnswerSource.LINK), by=Actor(None, "本人"), at=NOON)


def test_proposed_asked_as_proposed_and_read_again(admin, panels, cast):
    proposed = admin.post(panels, {"size": 3}).json()

    assert [one["name"] for one in proposed["members"]] == ["李工", "王工", "钱工"]
    assert [one["leads"] for one in proposed["members"]] == [True, False, False]
    assert proposed["members"][0]["score"] > 0 and proposed["members"][0]["reasons_for"]
    assert proposed["rules"] == {"size": 3, "per_employer": 2, "seniors": 1, "apart": []}
    assert not Recommendation.objects.exists()

    asked = admin.post(f"{panels}ask/", {"size": 3, "joining": proposed["joining"]})

    assert asked.status_code == 201, asked.json()
    assert [one["id"] for one in asked.json()["members"]] == proposed["joining"]
    assert [one["score"] for one in asked.json()["members"]] == [one["score"] for one in proposed["members"]]
    rows = Callout.objects.get().invitations.order_by("rank")
    assert [str(one.expert.public_id) for one in rows] == proposed["joining"]
    read = admin.get(panels).json()
    assert read["panels"] == [asked.json()]
    assert read["leader"] == str(cast["李工"].public_id)


def test_one_who_declined_is_replaced_and_the_others_stay(admin, panels, cast):
    admin.post(f"{panels}ask/", {"size": 3})
    says(cast["李工"], Reply.ACCEPT)
    says(cast["钱工"], Reply.DECLINE)

    proposed = admin.post(panels, {"size": 3}).json()

    assert [(one["name"], one["seated"]) for one in proposed["members"]] == [
        *(("李工", True), ("王工", True), ("孙工", False))
    ]
    assert proposed["joining"] == [str(cast["孙工"].public_id)]
    assert admin.post(f"{panels}ask/", {"size": 3, "joining": proposed["joining"]}).status_code == 201
    assert len(admin.get(panels).json()["panels"]) == 2


def test_where_there_is_no_panel_the_answer_says_why(admin, panels):
    proposed = admin.post(panels, {"size": 7})

    assert proposed.status_code == 200
    assert proposed.json()["members"] == [] and "只有 5 位可选" in proposed.json()["why"]
    refused = admin.post(f"{panels}ask/", {"size": 7})
    assert refused.status_code == 409 and "只有 5 位可选" in refused.json()["detail"]


def test_whoever_must_recuse_is_proposed_to_nobody(admin, panels, enterprise, cast):
    Interest.objects.create(expert=cast["王工"], enterprise=enterprise, kind=InterestKind.ADVISES)

    proposed = admin.post(panels, {"size": 3}).json()

    assert "王工" not in [one["name"] for one in proposed["members"]]
    assert "回避 1" in proposed["exclusion_words"]


def test_those_who_must_not_sit_together_do_not(admin, panels, cast):
    pair = [str(cast[name].public_id) for name in ("李工", "王工")]

    proposed = admin.post(panels, {"size": 3, "apart": [pair]}).json()

    assert [one["name"] for one in proposed["members"]] == ["李工", "赵工", "钱工"]
    assert sorted(proposed["rules"]["apart"][0]) == sorted(pair)


def test_others_than_were_proposed_are_not_asked(admin, panels, cast):
    refused = admin.post(f"{panels}ask/", {"size": 3, "joining": [str(cast["孙工"].public_id)]})

    assert refused.status_code == 409 and "情况有变" in refused.json()["detail"]
    assert not Callout.objects.exists()


def test_the_same_key_asks_once(admin, panels):
    first = admin.post(f"{panels}ask/", {"size": 3}, Idempotency_Key="panel-1")
    again = admin.post(f"{panels}ask/", {"size": 3}, Idempotency_Key="panel-1")

    assert first.json() == again.json() and again.status_code == 201
    assert Callout.objects.count() == 1
    assert admin.post(f"{panels}ask/", {"size": 3}).status_code == 409


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({}, "缺少这一项", id="no size"),
        pytest.param({"size": 4}, "单数", id="an even size"),
        pytest.param({"size": 0}, "3、5、7、9", id="nobody"),
        pytest.param({"size": -3}, "3、5、7、9", id="less than nobody"),
        pytest.param({"size": 11}, "3、5、7、9", id="too large"),
        pytest.param({"size": "五"}, "", id="no number"),
        pytest.param({"size": 3, "per_employer": 0}, "至少可有 1 人", id="nobody of an employer"),
        pytest.param({"size": 3, "seniors": 4}, "0 到 3 人", id="more seniors than members"),
        pytest.param({"size": 3, "seniors": -1}, "0 到 3 人", id="less than no senior"),
        pytest.param({"size": 3, "senior": 1}, "seniors", id="a misspelt name"),
        pytest.param({"size": 3, "apart": [[NOWHERE, NOWHERE]]}, "没有 id 为", id="an unknown expert"),
        pytest.param({"size": 3, "apart": [["{li}", "{li}"]]}, "两位不同", id="apart from oneself"),
        pytest.param({"size": 3, "apart": [["{li}"]]}, "", id="half a pair"),
        pytest.param({"size": 3, "apart": "李工"}, "", id="no list"),
    ],
)
def test_rules_that_cannot_be_are_refused_in_words(admin, panels, cast, body, said):
    if "apart" in body and isinstance(body["apart"], list):
        li = str(cast["李工"].public_id)
        body = body | {"apart": [[li if one == "{li}" else one for one in pair] for pair in body["apart"]]}

    for path in (panels, f"{panels}ask/"):
        refused = admin.post(path, body)
        assert refused.status_code == 422, refused.json()
        assert said in str(refused.json()), refused.json()
    assert not Callout.objects.exists()


def test_what_is_no_review_has_no_panel(admin, enterprise, cast):
    request = a_guidance_request(enterprise, kind=GuidanceKind.INSPECTION)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)

    refused = admin.post(f"guidance-requests/{request.public_id}/panels/", {"size": 3})

    assert refused.status_code == 409 and "预案评审" in refused.json()["detail"]


def test_the_enterprise_reads_its_panel_without_names_and_proposes_none(firm, request_, panels, cast):
    apart = frozenset({frozenset({cast["孙工"].pk, cast["王工"].pk})})
    review_panels.ask(request_, PanelRules(size=3, apart=apart), by=OFFICER, at=NOON)

    read = firm.get(panels)

    (panel,) = read.json()["panels"]
    assert {one["name"] for one in panel["members"]} == {None}
    assert {one["employer"] for one in panel["members"]} == {None}
    assert panel["rules"]["apart"] == [], "who must sit apart is the centre's business"
    told = read.content.decode()
    assert [one.name for one in cast.values() if one.name in told] == []
    on_it = {one["id"] for one in panel["members"]}
    others = [one for one in cast.values() if str(one.public_id) not in on_it]
    assert len(others) == 2 and not any(str(one.public_id) in told for one in others)
    for path in (panels, f"{panels}ask/"):
        assert firm.post(path, {"size": 3}).status_code == 403


def test_another_enterprise_finds_no_panel(caller, panels):
    other = caller(a_user("other", Role.ENTERPRISE, enterprise=an_enterprise("渤海化工")))

    assert other.get(panels).status_code == 404


def test_an_admin_of_another_city_finds_nothing_and_one_who_only_reads_proposes_nothing(caller, panels):
    elsewhere = a_user("qinhuangdao", Role.ROSTER_ADMIN, region="130300")
    assert caller(elsewhere).post(panels, {"size": 3}).status_code == 404
    assert caller(elsewhere).get(panels).status_code == 404

    elsewhere.grants.create(role=Role.AUDITOR)
    for path in (panels, f"{panels}ask/"):
        assert caller(elsewhere).post(path, {"size": 3}).status_code == 403


def test_the_right_to_read_requests_elsewhere_names_nobody_in_the_panel_of_one_s_own_firm(
    caller, enterprise, request_, panels
):
    review_panels.ask(request_, PanelRules(size=3), by=OFFICER, at=NOON)
    qian = a_user("qianwei", Role.ENTERPRISE, enterprise=enterprise)
    qian.grants.create(role=Role.ROSTER_ADMIN, region_id="130300")

    (panel,) = caller(qian).get(panels).json()["panels"]

    assert {one["name"] for one in panel["members"]} == {None}
