"""A call whose answer was lost can be repeated: nobody is paged twice."""

from __future__ import annotations

import pytest

from coordination.models import Callout, Delivery, IdempotentAnswer
from incidents.models import Incident
from tests.factories import a_duty_officer, an_expert, an_incident
from tests.moments import minutes

pytestmark = pytest.mark.django_db

FIRE = {"kind": "fire", "region": "130200"}
WANTED = [{"kind": "expert", "industry": "WH", "seats": 1}]


@pytest.fixture
def officer(caller, the_clock):
    return caller(a_duty_officer())


def test_the_same_call_is_given_the_first_answer_and_pages_nobody_again(officer, the_clock):
    an_expert("李工"), an_expert("王工")
    body = {"incident": str(an_incident().public_id), "requirements": WANTED}

    first = officer.post("callouts/", body, Idempotency_Key="k1")
    the_clock.move(minutes(3))
    again = officer.post("callouts/", body, Idempotency_Key="k1")

    assert again.status_code == 201
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert Callout.objects.count() == 1
    assert Delivery.objects.filter(purpose="ask").count() == 1


def test_the_same_key_for_something_else_is_refused(officer):
    opened = officer.post("incidents/", FIRE, Idempotency_Key="k1").json()

    other = officer.post("incidents/", {**FIRE, "summary": "另一件"}, Idempotency_Key="k1")
    elsewhere = officer.post(f"incidents/{opened['id']}/log/", FIRE, Idempotency_Key="k1")

    assert other.status_code == 422
    assert "已用于另一个请求" in other.json()["detail"]
    assert elsewhere.json()["detail"] == other.json()["detail"]
    assert Incident.objects.count() == 1


def test_a_refused_call_leaves_its_key_free(officer):
    refused = officer.post("incidents/", {"kind": "fire"}, Idempotency_Key="k1")
    mended = officer.post("incidents/", FIRE, Idempotency_Key="k1")

    assert refused.status_code == 422
    assert mended.status_code == 201


def test_a_crash_in_the_middle_leaves_neither_the_work_nor_the_key(officer, monkeypatch):
    from coordination.api import incidents

    officer.client.raise_request_exception = False
    with monkeypatch.context() as crashing:

        def crash(*args, **kwargs):
            raise RuntimeError("the process died after the work and before the answer")

        crashing.setattr(incidents.IncidentFace, "as_now", crash)
        assert officer.post("incidents/", FIRE, Idempotency_Key="k1").status_code == 500

    assert not Incident.objects.exists()
    assert not IdempotentAnswer.objects.exists()
    assert officer.post("incidents/", FIRE, Idempotency_Key="k1").status_code == 201


def test_a_key_belongs_to_its_caller(officer, caller):
    other = caller(a_duty_officer("wangfang", "王芳"))

    assert officer.post("incidents/", FIRE, Idempotency_Key="k1").status_code == 201
    assert other.post("incidents/", FIRE, Idempotency_Key="k1").status_code == 201
    assert Incident.objects.count() == 2


def test_the_order_of_a_bodys_names_does_not_matter(officer):
    officer.post("incidents/", {"kind": "fire", "region": "130200"}, Idempotency_Key="k1")
    again = officer.post("incidents/", {"region": "130200", "kind": "fire"}, Idempotency_Key="k1")

    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 81, "钥匙"])
def test_a_key_that_cannot_be_one_is_refused(officer, key):
    answer = officer.post("incidents/", FIRE, Idempotency_Key=key)

    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]


def test_old_answers_are_forgotten(officer, the_clock):
    officer.post("incidents/", FIRE, Idempotency_Key="k1")
    the_clock.move(minutes(60 * 24 * 3))
    officer.post("incidents/", FIRE, Idempotency_Key="k2")

    assert list(IdempotentAnswer.objects.values_list("key", flat=True)) == ["k2"]


def test_what_is_kept_for_a_repeated_call_holds_no_full_number(officer):
    an_expert("李工", mobile="+8613955550101")
    body = {"incident": str(an_incident().public_id), "requirements": WANTED}

    officer.post("callouts/", body, Idempotency_Key="k1")

    kept = str(IdempotentAnswer.objects.get().answer)
    assert "139****0101" in kept
    assert "13955550101" not in kept
