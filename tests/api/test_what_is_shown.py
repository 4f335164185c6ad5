"""What leaves the house: masked numbers, opaque ids, only one's own rows; filters and pages of lists."""

from __future__ import annotations

import json
import re

import pytest

from contracts.models import AgreementKind
from ground.access import Role
from ground.models import ContactKind
from tests.factories import (
    a_callout,
    a_duty_officer,
    a_team,
    a_user,
    an_agreement,
    an_enterprise,
    an_expert,
    an_incident,
)
from tests.moments import NOON

pytestmark = pytest.mark.django_db

# Numbers and addresses that no answer may contain in full.
CANARIES = ("13955550101", "13855550102", "13755550103", "13655550104", "li.canary@example.cn", "87650105")


@pytest.fixture
def props(the_clock):
    li = an_expert("李工", mobile="+8613955550101", email="li.canary@example.cn")
    team = a_team("曹妃甸危化队")
    team.contacts.filter(kind=ContactKind.MOBILE).update(value="+8613855550102")
    enterprise = an_enterprise("冀润冷链公司")
    enterprise.contacts.update(value="+8613755550103")
    incident = an_incident(enterprise, caller_name="张三", caller_phone="+8613655550104")
    callout = a_callout(incident, asks=[li])
    an_agreement(enterprise, team)
    return {"incident": incident, "callout": callout, "enterprise": enterprise, "team": team, "li": li}


READ = [
    *("industries/", "specialties/", "capabilities/", "regions/", "incident-kinds/", "response-plans/"),
    "matching-weights/",
    *("experts/", "experts/?near=39.6,118.2", "experts/{li}/"),
    *(
        "enterprises/",
        "enterprises/?near=39.6,118.2",
        "enterprises/{enterprise}/",
        "teams/",
        "teams/{team}/",
        "agreements/",
        "interests/",
    ),
    *("incidents/", "incidents/{incident}/", "incidents/{incident}/log/"),
    *("incidents/{incident}/candidates/", "incidents/{incident}/candidates/?requirements={all}"),
    *("callouts/", "callouts/{callout}/waves/", "invitations/", "deployments/", "guidance-requests/"),
]
ALL = json.dumps(
    [{"kind": "expert", "industry": "WH", "seats": 1}, {"kind": "team", "industry": "WH", "seats": 1}]
)


def filled(path, props):
    for name, one in props.items():
        path = path.replace(f"{{{name}}}", str(one.public_id))
    return path.replace("{all}", ALL)


def plain(answer):
    return answer.content.decode()


@pytest.mark.parametrize("path", READ)
def test_no_list_or_page_shows_a_full_number(caller, props, path):
    officer = caller(a_duty_officer())

    answer = officer.get(filled(path, props))

    assert answer.status_code == 200, plain(answer)
    assert not [canary for canary in CANARIES if canary in plain(answer)]


def test_only_an_officer_sees_full_numbers_and_only_in_a_callout(caller, props):
    path = f"callouts/{props['callout'].public_id}/"
    officer = caller(a_duty_officer())
    leader = caller(a_user("lingdao", Role.LEADER))

    assert "+8613955550101" in plain(officer.get(path))
    shown = plain(leader.get(path))
    assert "139****0101" in shown and "l****@example.cn" in shown
    assert "13955550101" not in shown


@pytest.mark.parametrize("path", READ)
def test_integer_keys_never_leave(caller, props, path):
    officer = caller(a_duty_officer())

    def keys(value):
        if isinstance(value, dict):
            for name, inner in value.items():
                if name in ("id", "pk") or name.endswith("_id"):
                    yield inner
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    for key in keys(officer.get(filled(path, props)).json()):
        assert re.fullmatch(r"[0-9a-f-]{36}", str(key))


# Own rows only


def test_an_enterprise_sees_itself_and_its_agreements_only(caller, props):
    other = an_enterprise("渤海化工")
    foreign = an_agreement(other, a_team("丰润危化队"))
    firm = caller(a_user("firm", Role.ENTERPRISE, enterprise=props["enterprise"]))

    assert [one["name"] for one in firm.get("enterprises/").json()["results"]] == ["冀润冷链公司"]
    assert firm.get(f"enterprises/{other.public_id}/").status_code == 404
    assert [one["team"]["name"] for one in firm.get("agreements/").json()["results"]] == ["曹妃甸危化队"]
    assert firm.get(f"agreements/{foreign.public_id}/").status_code == 404
    assert firm.get("agreements/", enterprise=str(other.public_id)).status_code == 422
    for path in ("experts/", "incidents/", "callouts/", "teams/", "interests/", "invitations/"):
        assert firm.get(path).status_code == 403


def test_a_team_sees_itself_only(caller, props):
    foreign = a_team("丰润危化队")
    team = caller(a_user("dui", Role.TEAM, team=props["team"]))

    assert [one["name"] for one in team.get("teams/").json()["results"]] == ["曹妃甸危化队"]
    assert team.get(f"teams/{foreign.public_id}/").status_code == 404
    assert [one["enterprise"]["name"] for one in team.get("agreements/").json()["results"]] == [
        "冀润冷链公司"
    ]
    assert team.get("incidents/").status_code == 403
    assert team.get("invitations/").json()["results"] == []


# Lists


def names(answer):
    return [one["name"] for one in answer.json()["results"]]


@pytest.fixture
def roster(the_clock):
    an_expert("甲一", region="130200", also=("JX",))
    an_expert("乙二", region="130100")
    an_expert("丙三", practises="MK", region="130300")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({"industry": "WH"}, {"甲一", "乙二"}, id="by industry"),
        pytest.param({"industry": "JX"}, {"甲一"}, id="by a secondary industry"),
        pytest.param({"region": "130000"}, {"甲一", "乙二", "丙三"}, id="by province"),
        pytest.param({"region": "130100"}, {"乙二"}, id="by city"),
        pytest.param({"q": "丙"}, {"丙三"}, id="by part of the name"),
        pytest.param({"available_at": "2026-11-24"}, {"甲一", "乙二", "丙三"}, id="in their term"),
        pytest.param({"available_at": "2028-01-01"}, set(), id="after their term"),
        pytest.param(
            {"available_at": "2027-12-31T23:30:00+08:00"}, {"甲一", "乙二", "丙三"}, id="on its last day"
        ),
        pytest.param({"near": "39.63,118.18", "within_km": "30"}, {"甲一"}, id="nearby"),
        pytest.param({"near": "39.63,118.18", "industry": "MK"}, {"丙三"}, id="near and of a trade"),
    ],
)
def test_experts_are_found(caller, roster, query, expected):
    assert set(names(caller(a_duty_officer()).get("experts/", **query))) == expected


def test_somebody_out_on_an_incident_is_not_available(caller, the_clock):
    from coordination import answers
    from coordination.answers import Answer
    from coordination.paging import AnswerSource, Reply
    from tests.factories import OFFICER, invitation_of

    li = an_expert("李工")
    invitation = invitation_of(a_callout(an_incident(), asks=[li]), li)
    officer = caller(a_duty_officer())
    assert names(officer.get("experts/", available_at="2026-11-24")) == ["李工"]

    answers.answer(invitation, Answer(Reply.ACCEPT, AnswerSource.LINK), by=OFFICER, at=NOON)

    assert names(officer.get("experts/", available_at="2026-11-24")) == []


def test_the_nearest_come_first_with_their_distance(caller, roster):
    rows = caller(a_duty_officer()).get("experts/", near="39.63,118.18").json()["results"]

    assert [row["name"] for row in rows] == ["甲一", "丙三", "乙二"]
    assert rows[0]["distance_km"] < rows[1]["distance_km"] < rows[2]["distance_km"]


@pytest.mark.parametrize("query", [{}, {"near": "39.63,118.18"}], ids=["by name", "by distance"])
def test_pages_follow_each_other_by_cursor(caller, roster, query):
    officer = caller(a_duty_officer())
    whole = names(officer.get("experts/", **query))

    first = officer.get("experts/", page_size=2, **query).json()
    assert first["previous"] is None
    second = officer.client.get(first["next"], headers={"Authorization": f"Bearer {officer.key}"})

    assert [one["name"] for one in first["results"]] + names(second) == whole
    assert second.json()["next"] is None


@pytest.fixture
def register(the_clock):
    an_enterprise("甲化工", region="130200")
    an_enterprise("乙化工", region="130100")
    an_enterprise("丙煤矿", practises="MK", region="130300")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, ["甲化工", "丙煤矿", "乙化工"], id="all, the nearest first"),
        pytest.param({"within_km": "30"}, ["甲化工"], id="nearby"),
        pytest.param({"industry": "WH"}, ["甲化工", "乙化工"], id="of a trade"),
        pytest.param({"region": "130300"}, ["丙煤矿"], id="in a region"),
        pytest.param({"q": "化工", "within_km": "1000"}, ["甲化工", "乙化工"], id="by part of the name"),
    ],
)
def test_enterprises_are_found_by_distance(caller, register, query, expected):
    answer = caller(a_duty_officer()).get("enterprises/", near="39.63,118.18", **query)

    assert names(answer) == expected
    km = [row["distance_km"] for row in answer.json()["results"]]
    assert km == sorted(km) and km[0] is not None


def test_without_a_place_to_measure_from_there_is_no_distance(caller, register):
    rows = caller(a_duty_officer()).get("enterprises/").json()["results"]

    assert {row["distance_km"] for row in rows} == {None}


def test_pages_by_distance_follow_each_other_and_lead_back(caller, register):
    officer = caller(a_duty_officer())
    whole = names(officer.get("enterprises/", near="39.63,118.18"))

    def page(address):
        return officer.client.get(address, headers={"Authorization": f"Bearer {officer.key}"}).json()

    first = officer.get("enterprises/", near="39.63,118.18", page_size=2).json()
    second = page(first["next"])

    assert [one["name"] for one in first["results"] + second["results"]] == whole
    assert first["previous"] is None and second["next"] is None
    assert page(second["previous"])["results"] == first["results"]


def test_an_agreements_status_is_of_today(caller, the_clock):
    from datetime import date

    enterprise, team = an_enterprise(), a_team("曹妃甸危化队")
    an_agreement(enterprise, team, number="XY-1", term=(date(2026, 1, 1), date(2028, 1, 1)))
    an_agreement(enterprise, team, number="XY-2", term=(date(2026, 1, 1), date(2026, 12, 31)))
    an_agreement(enterprise, team, number="XY-3", term=(date(2025, 1, 1), date(2025, 12, 31)))
    an_agreement(
        *(enterprise, team),
        number="XY-4",
        confirmed=False,
        kind=AgreementKind.MUTUAL,
        incident_kinds=["hazchem_leak"],
    )
    officer = caller(a_duty_officer())

    rows = officer.get("agreements/").json()["results"]
    assert {row["number"]: row["incident_kinds"] for row in rows} == {
        **dict.fromkeys(("XY-1", "XY-2", "XY-3"), []),
        "XY-4": ["hazchem_leak"],
    }
    assert {row["number"]: row["status"] for row in rows} == {
        "XY-1": "in_force",
        "XY-2": "expiring",
        "XY-3": "expired",
        "XY-4": "draft",
    }
    expiring = officer.get("agreements/", status="expiring").json()["results"]
    assert [row["number"] for row in expiring] == ["XY-2"]


@pytest.mark.parametrize(("language", "word"), [("zh-hans", "危险化学品"), ("en", "hazardous chemicals")])
def test_names_are_in_the_callers_language(caller, language, word):
    officer = caller(a_duty_officer(), language)

    assert word in [row["name"] for row in officer.get("industries/").json()["results"]]


def test_the_number_of_queries_does_not_grow_with_the_roster(caller, django_assert_max_num_queries):
    for number in range(12):
        an_expert(f"专家{number}")
    officer = caller(a_duty_officer())

    with django_assert_max_num_queries(16):
        assert len(officer.get("experts/").json()["results"]) == 12


# The document


def test_the_documentation_is_served_locally_and_lists_every_route(client, db):
    page = client.get("/api/docs/")
    schema = client.get("/api/schema/", headers={"Accept": "application/json"}).json()

    assert page.status_code == 200
    assert "http" not in "".join(re.findall(r'(?:src|href)="([^"]*)"', page.content.decode()))
    assert "/api/v1/incidents/{public_id}/candidates/" in schema["paths"]
    every = [operation for path in schema["paths"].values() for operation in path.values()]
    assert all("default" in operation["responses"] for operation in every)
