"""The page of the call sheet: for whoever calls people out in the whole province, and a file that no cache keeps."""

from __future__ import annotations

import pytest

from ground.access import Role
from tests.factories import a_duty_officer, a_user, an_expert

pytestmark = pytest.mark.django_db


def test_an_officer_gets_the_file(client, the_clock):
    an_expert("李工")
    client.force_login(a_duty_officer())
    assert "用途" in client.get("/call-sheet/").content.decode()
    answer = client.post("/call-sheet/", {"reason": "放值班室"})
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Cache-Control"] == "no-store"
    assert answer.content.startswith(b"%PDF")


def test_without_a_reason_it_is_said_and_no_file_made(client, the_clock):
    client.force_login(a_duty_officer())
    answer = client.post("/call-sheet/", {"reason": ""})
    assert answer.status_code == 422
    assert "请写明用途" in answer.content.decode()


def test_an_officer_of_one_city_has_none(client, the_clock):
    client.force_login(a_user("tangshan", Role.DUTY_OFFICER, region="130200"))
    assert client.get("/call-sheet/").status_code == 404
