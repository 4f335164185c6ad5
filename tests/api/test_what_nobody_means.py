"""Bodies and queries that are valid JSON and nothing else: refused with a sentence, never a fault of ours."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from coordination.models import Callout
from incidents.models import Incident, LogEntry
from tests.factories import a_callout, a_duty_officer, an_enterprise, an_expert, an_incident, invitation_of

pytestmark = pytest.mark.django_db

HALF = "\ud800"  # half a character: valid in JSON, writable nowhere
NEED = {"kind": "expert", "industry": "WH", "seats": 1}


@pytest.fixture
def officer(caller, the_clock):
    return caller(a_duty_officer())


def raw(officer: Any, path: str, body: str | bytes) -> Any:
    return officer.client.post(
        f"/api/v1/{path}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {officer.key}"},
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps({"kind": HALF}), id="half a character in a code"),
        pytest.param(json.dumps({"kind": "fire", "summary": HALF}), id="half a character in a text"),
        pytest.param(json.dumps({HALF: 1}), id="half a character in a name"),
        pytest.param("[" * 100_000, id="a hundred thousand brackets"),
    ],
)
def test_what_cannot_be_written_down_is_no_json_for_us(officer, body):
    answer = raw(officer, "incidents/", body)

    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["detail"]
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        pytest.param("incidents/", {"kind": ["fire"]}, "kind", id="a list for the kind"),
        pytest.param("incidents/", {"kind": {"a": 1}}, "kind", id="an object for the kind"),
        pytest.param("incidents/", {"kind": "fire", "region": "\x00"}, "region", id="a NUL for a region"),
        pytest.param(
            "incidents/",
            {"kind": "fire", "occurred_at": "0001-01-01T00:00:00"},
            "occurred_at",
            id="the first day of the calendar",
        ),
        pytest.param(
            "incidents/",
            {"kind": "fire", "occurred_at": "0001-01-01T08:05:00+08:00"},
            "occurred_at",
            id="the first day of the calendar in Shanghai",
        ),
        pytest.param(
            "callouts/", {"requirements": [NEED], "policy": ["urgent"]}, "policy", id="a list for the policy"
        ),
        pytest.param(
            "matches/",
            {"requirements": [NEED], "starts_on": "9999-12-31"},
            "starts_on",
            id="the last day of the calendar",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_by_its_field(officer, path, body, field):
    answer = officer.post(path, body)

    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert not Incident.objects.exists()


@pytest.mark.parametrize("eta", ["1999-01-01T00:00:00+08:00", "2099-01-01T00:00:00+08:00"])
def test_nobody_arrives_in_another_century(officer, eta):
    wang = an_expert("王工")
    invitation = invitation_of(a_callout(an_incident(an_enterprise()), asks=[wang]), wang)

    answer = officer.post(f"invitations/{invitation.public_id}/answer/", {"reply": "accept", "eta": eta})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "eta"
    invitation.refresh_from_db()
    assert invitation.status == "asked"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param("experts/", {"industry": "\x00"}, id="a NUL for an industry"),
        pytest.param("experts/", {"available_at": "0001-01-01T00:00:00+14:00"}, id="before the calendar"),
        pytest.param("experts/", {"cursor": b64encode(b"p=%00").decode()}, id="a NUL in a cursor"),
        pytest.param("experts/", {"near": "38,1e999"}, id="an infinite longitude"),
        pytest.param("experts/", {"near": "nan,nan"}, id="a place that is no number"),
        pytest.param("enterprises/", {"near": "38,114", "within_km": "nan"}, id="as far as no number"),
        pytest.param("enterprises/", {"near": "38"}, id="half a place"),
    ],
)
def test_a_query_of_the_wrong_kind_is_refused(officer, path, query):
    answer = officer.get(path, **query)

    # SQLite can compare with a NUL and finds an empty page; PostgreSQL cannot.
    assert answer.status_code == 422 or ("cursor" in query and answer.status_code == 200)


def test_half_a_character_in_the_query_is_refused_too(officer):
    incident = an_incident()
    asked = json.dumps([{**NEED, "industry": HALF}])

    answer = officer.get(f"incidents/{incident.public_id}/candidates/", requirements=asked)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "requirements"


def test_a_refused_call_leaves_nothing_behind(officer):
    incident = an_incident()
    before = LogEntry.objects.count(), Callout.objects.count()

    raw(officer, f"incidents/{incident.public_id}/log/", json.dumps({"text": HALF}))
    raw(officer, "callouts/", json.dumps({"incident": str(incident.public_id), "requirements": [HALF]}))

    assert (LogEntry.objects.count(), Callout.objects.count()) == before


def test_three_megabytes_are_too_large(officer):
    answer = raw(officer, "incidents/", json.dumps({"kind": "fire", "summary": "烟" * 1_000_000}))

    assert answer.status_code == 413
    assert "2 MB" in answer.json()["detail"]
