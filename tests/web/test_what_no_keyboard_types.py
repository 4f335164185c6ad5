"""Characters that no keyboard types and digits that no hand would: refused with a page, never a fault of ours."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from coordination import links
from ground.access import Role
from incidents.models import LogEntry
from tests.factories import (
    a_callout,
    a_duty_officer,
    a_guidance_request,
    a_user,
    an_enterprise,
    an_expert,
    an_incident,
    invitation_of,
)
from tests.moments import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

ENDLESS = "9" * 5000  # int() refuses more than 4300 digits


@pytest.fixture
def officer(client: Client) -> Client:
    client.force_login(a_duty_officer())
    return client


@pytest.mark.parametrize("name", ["incidents", "guidance", "experts", "agreements", "intake-suggest"])
def test_a_nul_in_the_address_is_passed_over(officer, name):
    assert officer.get(reverse(name), {"q": "\x00"}).status_code == 200


def test_a_nul_in_a_reason_is_refused_and_nothing_is_cancelled(client):
    firm = an_enterprise()
    request = a_guidance_request(firm)
    client.force_login(a_user("liujun", Role.ENTERPRISE, enterprise=firm))

    response = client.post(reverse("my-guidance-cancel", args=[request.public_id]), {"reason": "不\x00需要"})

    assert response.status_code == 400
    request.refresh_from_db()
    assert request.status == "draft"


def test_a_nul_from_a_phone_is_refused_and_the_ask_stays_open():
    zhou = an_expert("周明远")
    invitation = invitation_of(a_callout(an_incident(), asks=[zhou]), zhou)
    url = links.address(links.issue(invitation, at=NOON)).partition("8000")[2]

    response = Client().post(url, {"reply": "decline", "reason": "在外地\x00"})

    assert response.status_code == 400
    invitation.refresh_from_db()
    assert invitation.status == "asked"


@pytest.mark.parametrize("field", ["crew", "vehicles", "eta_minutes"])
def test_endless_digits_from_a_phone_are_refused_with_the_field(field):
    zhou = an_expert("周明远")
    invitation = invitation_of(a_callout(an_incident(), asks=[zhou]), zhou)
    url = links.address(links.issue(invitation, at=NOON)).partition("8000")[2]

    response = Client().post(url, {"reply": "accept", field: ENDLESS})

    assert response.status_code == 422
    assert "的整数" in response.content.decode()
    invitation.refresh_from_db()
    assert invitation.status == "asked"


def test_endless_digits_beside_the_intake_count_as_nothing(officer):
    assert officer.get(reverse("intake-preview"), {"deaths": ENDLESS}).status_code == 200


def test_an_endless_tick_is_nobody(officer):
    zhou = an_expert("周明远")
    callout = a_callout(an_incident(), asks=[zhou])
    lines = LogEntry.objects.count()

    response = officer.post(
        reverse("callout-add", args=[callout.public_id]), {"pick-expert": f"1:{ENDLESS}"}, follow=True
    )

    assert "没有勾选任何人" in response.content.decode()
    assert LogEntry.objects.count() == lines


def test_endless_digits_for_the_number_of_experts_are_refused(client):
    firm = an_enterprise()
    request = a_guidance_request(firm)
    client.force_login(a_user("zhaomin", Role.ROSTER_ADMIN))
    request.status = "accepted"
    request.save(update_fields=["status"])

    for sent in ({"seats": ENDLESS, "expert": "1"}, {"expert": ENDLESS}):
        response = client.post(reverse("guidance-step", args=[request.public_id, "callout"]), sent)
        assert response.status_code == 422


@pytest.mark.parametrize("step", ["appoint", "renew"])
def test_the_last_day_of_the_calendar_is_no_term(client, step):
    li = an_expert("李工")
    client.force_login(a_user("zhaomin", Role.ROSTER_ADMIN))
    terms = li.appointments.count()

    response = client.post(
        reverse(f"expert-{step}", args=[li.public_id]),
        {"starts_on": "2028-01-01", "ends_on": "9999-12-31", "until": "9999-12-31"},
    )

    assert "年份 9999 不合理" in response.content.decode()
    assert li.appointments.count() == terms


def test_the_last_day_of_the_calendar_is_no_day_for_a_visit(client):
    firm = an_enterprise()
    client.force_login(a_user("liujun", Role.ENTERPRISE, enterprise=firm))

    response = client.post(
        reverse("guidance-new"), {"kind": "inspection", "wished_from": "9999-12-31", "action": "check"}
    )

    assert response.status_code == 422
    assert "年份 9999 不合理" in response.content.decode()
