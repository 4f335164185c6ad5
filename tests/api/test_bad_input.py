"""What cannot be used is refused: the status says whose turn it is, the sentence how to mend it; nothing is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from coordination import closing
from coordination.models import Callout
from ground import tokens
from ground.access import Role
from incidents.models import Incident, LogEntry
from tests.api.conftest import Caller
from tests.factories import (
    OFFICER,
    a_callout,
    a_duty_officer,
    a_user,
    an_enterprise,
    an_expert,
    an_incident,
    invitation_of,
)
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db

NOWHERE = "00000000-0000-4000-8000-000000000000"


def one_requirement(**changes: Any) -> list[dict[str, Any]]:
    return [{"kind": "expert", "industry": "WH", "seats": 1, **changes}]


# method, path, body, status, field, and what the sentence says in Chinese and in English
CASES = [
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "latitude": 114.51, "longitude": 38.04}),
        *(422, "latitude", "经纬度填反了", "swapped", "38.04,114.51"),
        id="latitude and longitude are swapped",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "latitude": 87.6, "longitude": 43.8}),
        *(422, "latitude", "看来经纬度填反了", "swapped", "43.8,87.6"),
        id="swapped, though both are in range",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "latitude": 95, "longitude": 200}),
        *(422, "latitude", "超出范围", "out of range", ""),
        id="coordinates that are nowhere",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "latitude": 38.04}),
        *(422, "longitude", "成对填写", "come in pairs", ""),
        id="half of a place",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire"}),
        *(422, "", "还不知道在哪里", "not known where", ""),
        id="no place at all",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "危化品泄漏", "region": "130200"}),
        *(422, "kind", "没有“危化品泄漏”这种事件类型", "no kind of incident", "hazchem_leak"),
        id="a kind by its name instead of its code",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "region": "130200", "industry": "煤矿"}),
        *(422, "industry", "没有代码为“煤矿”的行业", "no industry with the code", "MK"),
        id="an unknown industry",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "region": "999999"}),
        *(422, "region", "没有代码为“999999”的地区", "no region with the code", ""),
        id="an unknown region",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "region": "130200", "caller_phone": "1381234"}),
        *(422, "caller_phone", "应为 11 位", "must have 11 digits", ""),
        id="half a phone number",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "region": "130200", "sumary": "起火"}),
        *(422, "sumary", "没有“sumary”这一项", "There is no “sumary”", "summary"),
        id="a misspelt name",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "region": "130200", "injured": 1, "seriously_injured": 2}),
        *(422, "seriously_injured", "多于受伤", "are more than", ""),
        id="more seriously injured than injured",
    ),
    pytest.param(
        *(
            "post",
            "incidents/",
            {"kind": "fire", "region": "130200", "occurred_at": "2026-12-24T14:00:00+08:00"},
        ),
        *(422, "occurred_at", "在将来", "in the future", ""),
        id="it happened tomorrow",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "enterprise": NOWHERE}),
        *(422, "enterprise", "没有 id 为", "nothing with the id", ""),
        id="an enterprise that does not exist",
    ),
    pytest.param(
        *("post", "incidents/", {"kind": "fire", "enterprise": "17"}),
        *(422, "enterprise", "不是一个 id", "is no id", ""),
        id="an integer for an id",
    ),
    pytest.param(
        *("post", "callouts/", {"incident": "{open}", "requirements": one_requirement(seats=0)}),
        *(422, "requirements[0].seats", "至少要 1 个席位", "at least 1 seat", ""),
        id="a callout without a seat",
    ),
    pytest.param(
        *("post", "callouts/", {"incident": "{open}", "requirements": one_requirement(seats=1_000_000)}),
        *(422, "requirements[0].seats", "最多 100 个席位", "at most 100 seats", ""),
        id="a million seats",
    ),
    pytest.param(
        *("post", "callouts/", {"incident": "{open}", "requirements": []}),
        *(422, "requirements", "至少要有一项", "at least one item", ""),
        id="a callout for nobody",
    ),
    pytest.param(
        *("post", "callouts/", {"incident": "{open}"}),
        *(422, "requirements", "缺少这一项", "missing", ""),
        id="a callout that does not say whom",
    ),
    pytest.param(
        *("post", "callouts/", {"incident": "{open}", "requirements": one_requirement(industry="HG")}),
        *(422, "requirements[0].industry", "没有代码为“HG”的行业", "no industry with the code", ""),
        id="a requirement of an unknown industry",
    ),
    pytest.param(
        *("post", "callouts/", {"incident": "{open}", "requirements": one_requirement(), "policy": "soon"}),
        *(422, "policy", "没有“soon”这种通知策略", "no policy “soon”", ""),
        id="an unknown policy",
    ),
    pytest.param(
        *("post", "callouts/", {"incident": "{closed}", "requirements": one_requirement()}),
        *(409, None, "已结束，不能再发起通知应答", "is over, so no callout", ""),
        id="a callout for a closed incident",
    ),
    pytest.param(
        *("patch", "incidents/{closed}/", {"summary": "补充"}),
        *(409, None, "已结束，不能再更改", "is over and can no longer", ""),
        id="a correction of a closed incident",
    ),
    pytest.param(
        *("post", "incidents/{closed}/withdraw/", {"reason": "误报"}),
        *(409, None, "不能改为", "cannot become", ""),
        id="withdrawing a closed incident",
    ),
    pytest.param(
        *("post", "invitations/{invitation}/answer/", {"reply": "yes", "source": "officer"}),
        *(422, "reply", "没有“yes”这个取值", "is not one of", ""),
        id="a reply that nobody can give",
    ),
    pytest.param(
        *("post", "invitations/{invitation}/answer/", {"reply": "accept", "source": "link"}),
        *(422, "source", "来源只能是", "comes from officer or api", ""),
        id="an answer that pretends to come from the invitee's own link",
    ),
    pytest.param(
        *("get", "experts/?near=114.51,38.04", None),
        *(422, "near", "经纬度填反了", "swapped", "38.04,114.51"),
        id="near, swapped",
    ),
    pytest.param(
        *("get", "experts/?within_km=50", None),
        *(422, "near", "离哪里多远", "how far from where", ""),
        id="a distance from nowhere",
    ),
    pytest.param(
        *("get", "enterprises/?near=114.51,38.04", None),
        *(422, "near", "经纬度填反了", "swapped", "38.04,114.51"),
        id="enterprises near, swapped",
    ),
    pytest.param(
        *("get", "enterprises/?near=38.04,114.51&within_km=0", None),
        *(422, "within_km", "距离要大于 0 公里", "more than 0 km", ""),
        id="enterprises within nothing",
    ),
    pytest.param(
        *("get", "enterprises/?within_km=50", None),
        *(422, "near", "离哪里多远", "how far from where", ""),
        id="enterprises within a distance from nowhere",
    ),
    pytest.param(
        *("get", "experts/?industy=WH", None),
        *(422, "industy", "没有“industy”这一项", "There is no “industy”", "industry"),
        id="a misspelt filter",
    ),
    pytest.param(
        *("get", "experts/?cursor=xyz", None),
        *(422, "", "cursor 不是本列表给出的", "not given out by this list", ""),
        id="a made-up cursor",
    ),
    pytest.param(
        *("get", "incidents/?cursor=cD1hYmM=", None),
        *(422, "", "cursor 不是本列表给出的", "not given out by this list", ""),
        id="a cursor of another list",
    ),
    pytest.param(
        *("get", "incidents/{open}/candidates/?requirements=[", None),
        *(422, "requirements", "不是有效的 JSON", "no valid JSON", ""),
        id="requirements that are no JSON",
    ),
    pytest.param(
        *("get", f"incidents/{NOWHERE}/", None),
        *(404, None, "没有这样的地址或记录", "no such address or record", ""),
        id="an incident that does not exist",
    ),
    pytest.param(
        *("get", "incidents/17/", None),
        *(404, None, "没有这样的地址或记录", "no such address or record", ""),
        id="an incident by its integer key",
    ),
    pytest.param(
        *("get", "nothing/here/", None),
        *(404, None, "没有这样的地址或记录", "no such address or record", ""),
        id="an address that the API does not have",
    ),
    pytest.param(
        *("post", "experts/", {"name": "李工"}),
        *(405, None, "Allow", "Allow", ""),
        id="a method that is not there",
    ),
]


@pytest.fixture
def props(the_clock):
    an_expert("李工")
    closed = an_incident(an_enterprise("渤海化工"))
    closing.close_incident(closed, outcome="处置完毕", by=OFFICER, at=NOON)
    open_one = an_incident(an_enterprise("冀润冷链公司"))
    asked = an_expert("王工")
    invitation = invitation_of(a_callout(open_one, asks=[asked]), asked)
    return {
        "open": str(open_one.public_id),
        "closed": str(closed.public_id),
        "invitation": str(invitation.public_id),
    }


def filled(value: Any, props: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, said in props.items():
            value = value.replace(f"{{{name}}}", said)
        return value
    if isinstance(value, dict):
        return {name: filled(inner, props) for name, inner in value.items()}
    return value


def written() -> tuple[int, int, int]:
    return Incident.objects.count(), Callout.objects.count(), LogEntry.objects.count()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize(("method", "path", "body", "status", "field", "zh", "en", "suggestion"), CASES)
def test_it_is_refused_with_a_sentence(
    caller, props, language, method, path, body, status, field, zh, en, suggestion
):
    officer = caller(a_duty_officer(), language)
    before = written()
    path, body = filled(path, props), filled(body, props)

    answer = officer.get(path) if method == "get" else getattr(officer, method)(path, body)

    assert answer.status_code == status
    assert written() == before
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    said = problem["detail"]
    if field is not None:
        error = next(one for one in problem["errors"] if one["field"] == field)
        said = error["problem"]
        assert error["suggestion"] == suggestion
    assert (en if language == "en" else zh) in said


def test_closing_what_is_closed_changes_nothing(caller, props):
    before = written()

    again = caller(a_duty_officer()).post(f"incidents/{props['closed']}/close/", {"outcome": "再次结束"})

    assert again.json()["outcome"] == "处置完毕"
    assert written() == before


def test_all_that_is_wrong_is_named_at_once(caller, props):
    officer = caller(a_duty_officer())

    answer = officer.post("incidents/", {"kind": "?", "industry": "??", "deaths": -1, "placee": 1})

    assert {one["field"] for one in answer.json()["errors"]} == {"kind", "industry", "deaths", "placee"}


def test_a_body_that_is_no_json_is_unreadable(caller):
    officer = caller(a_duty_officer())

    answer = officer.client.post(
        "/api/v1/incidents/",
        "{kind: fire",
        content_type="application/json",
        headers={"Authorization": f"Bearer {officer.key}"},
    )

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:muster:problem:unreadable"


@pytest.mark.parametrize("body", ["[]", "null", "3", '"x"'])
def test_a_body_that_is_no_object_is_refused(caller, body):
    officer = caller(a_duty_officer())

    answer = officer.client.post(
        "/api/v1/incidents/",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {officer.key}"},
    )

    assert answer.status_code == 422


def test_a_form_instead_of_json_is_the_wrong_type(caller):
    officer = caller(a_duty_officer())

    answer = officer.client.post(
        "/api/v1/incidents/", {"kind": "fire"}, headers={"Authorization": f"Bearer {officer.key}"}
    )

    assert answer.status_code == 415
    assert answer["Content-Type"] == "application/problem+json"


# Who calls


def test_without_a_key_one_is_told_how_to_come_in(caller):
    answer = caller().get("incidents/")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="muster"'
    assert "Bearer muster_" in answer.json()["detail"]


def test_a_forged_key_is_refused(caller):
    answer = Caller(key="muster_" + "x" * 43, language="en").get("incidents/")

    assert answer.status_code == 401
    assert "was revoked" in answer.json()["detail"]


def test_an_expired_key_is_refused(the_clock, db):
    key, _token = tokens.issue(a_duty_officer(), name="旧", valid_for=timedelta(minutes=5), at=NOON)
    assert Caller(key).get("incidents/").status_code == 200

    the_clock.move(minutes(5))

    assert Caller(key).get("incidents/").status_code == 401


def test_the_key_of_a_disabled_account_is_refused(caller):
    user = a_duty_officer()
    officer = caller(user)
    user.is_active = False
    user.save()

    assert officer.get("incidents/").status_code == 401


def test_somebody_signed_in_needs_the_csrf_token(db, the_clock):
    client = Client(enforce_csrf_checks=True)
    client.force_login(a_duty_officer())
    body = {"kind": "fire", "region": "130200"}

    assert client.get("/api/v1/incidents/").status_code == 200
    refused = client.post("/api/v1/incidents/", body, content_type="application/json")
    assert refused.status_code == 403
    assert "X-CSRFToken" in refused.json()["detail"]

    client.get("/incidents/new/")  # a page with a form hands the token out
    csrf = client.cookies["csrftoken"].value
    accepted = client.post(
        "/api/v1/incidents/", body, content_type="application/json", headers={"X-CSRFToken": csrf}
    )
    assert accepted.status_code == 201


def test_an_auditor_reads_and_writes_nothing(caller, props):
    auditor = caller(a_user("shenji", Role.AUDITOR))
    before = written()

    assert auditor.get("incidents/").status_code == 200
    for path in (
        "incidents/",
        f"incidents/{props['open']}/close/",
        f"incidents/{props['open']}/log/",
        "callouts/",
        f"invitations/{props['invitation']}/answer/",
    ):
        assert auditor.post(path, {}).status_code == 403
    assert auditor.patch(f"incidents/{props['open']}/", {"summary": "改"}).status_code == 403
    assert written() == before


def test_a_runaway_program_is_told_to_wait(caller, monkeypatch):
    cache.clear()
    monkeypatch.setattr("coordination.api.faces.ByCaller.rate", "3/min")
    officer = caller(a_duty_officer())
    for _ in range(3):
        assert officer.get("industries/").status_code == 200

    answer = officer.get("industries/")

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert answer.json()["title"] == "请求太频繁"


def test_a_fault_of_ours_is_a_problem_too(caller, monkeypatch):
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("incidents.handling.open_incident", broken)
    officer = caller(a_duty_officer())
    officer.client.raise_request_exception = False

    answer = officer.post("incidents/", {"kind": "fire", "region": "130200"})

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert "broken" not in answer.content.decode()


def test_unknown_ids_are_not_told_apart_from_foreign_ones(caller, props):
    officer = caller(a_duty_officer())
    team = caller(a_user("dui", Role.TEAM))

    foreign = team.get(f"invitations/{props['invitation']}/")
    unknown = team.get(f"invitations/{uuid4()}/")

    assert officer.get(f"invitations/{props['invitation']}/").status_code == 200
    assert (foreign.status_code, foreign.json()) == (unknown.status_code, unknown.json())
    assert foreign.status_code == 404
