"""A form sent twice, or by two officers at once: one incident, one callout, nobody is paged twice."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from coordination.models import Callout, Invitation
from incidents.models import Incident
from tests.factories import a_duty_officer, an_enterprise, an_expert, an_incident

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.fixture
def officer(client: Client) -> Client:
    client.force_login(a_duty_officer())
    return client


def hidden(html: str, name: str) -> str:
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', html)
    assert tag, f"no field {name}"
    # The page always carries the field; without it the test fails here, as it should.
    return re.search(r'value="([^"]*)"', tag[0]).group(1)  # type: ignore[union-attr]


def test_a_double_tap_on_the_intake_opens_one_incident_and_pages_once(officer):
    li = an_expert("李工")
    an_enterprise("冀润冷链公司")
    once = hidden(officer.get("/incidents/new/").content.decode(), "once")
    typed = {"place": "冀润冷链公司", "kind": "hazchem_leak", "then": "call", "once": once}

    first = officer.post("/incidents/new/", typed)
    second = officer.post("/incidents/new/", typed)

    assert Incident.objects.count() == 1
    assert first["Location"] == second["Location"]
    assert Invitation.objects.filter(expert=li).count() == 1


def test_two_forms_are_two_incidents(officer):
    an_enterprise("冀润冷链公司")
    for _ in range(2):
        once = hidden(officer.get("/incidents/new/").content.decode(), "once")
        officer.post("/incidents/new/", {"place": "冀润冷链公司", "kind": "hazchem_leak", "once": once})

    assert Incident.objects.count() == 2


def test_a_form_that_was_refused_can_be_mended_and_sent_again(officer):
    an_enterprise("冀润冷链公司")
    once = hidden(officer.get("/incidents/new/").content.decode(), "once")

    refused = officer.post("/incidents/new/", {"place": "没有这家", "kind": "fire", "once": once})
    assert hidden(refused.content.decode(), "once") == once
    officer.post("/incidents/new/", {"place": "冀润冷链公司", "kind": "fire", "once": once})

    assert Incident.objects.count() == 1


def test_a_second_tap_on_notify_pages_nobody_again(officer):
    li = an_expert("李工")
    incident = an_incident()
    html = officer.get(f"/incidents/{incident.public_id}/").content.decode()
    typed = {
        "known": hidden(html, "known"),
        "shown": "expert.onsite.WH...1",
        "r0-kind": "expert",
        "r0-mode": "onsite",
        "r0-industry": "WH",
        "r0-seats": "1",
        "pick-expert": f"1:{li.pk}",
        "policy": "urgent",
    }
    start = f"/incidents/{incident.public_id}/callouts/"

    officer.post(start, typed)
    again = officer.post(start, typed, follow=True)

    assert "刚才已为" in again.content.decode()
    assert Callout.objects.count() == 1
    assert Invitation.objects.filter(expert=li).count() == 1


def test_a_second_callout_on_purpose_is_started(officer):
    li, wang = an_expert("李工"), an_expert("王工")
    incident = an_incident()
    start = f"/incidents/{incident.public_id}/callouts/"
    for who in (li, wang):
        html = officer.get(f"/incidents/{incident.public_id}/", {"new": "1"}).content.decode()
        officer.post(
            start,
            {
                "known": hidden(html, "known"),
                "shown": "expert.onsite.WH...1",
                "r0-kind": "expert",
                "r0-mode": "onsite",
                "r0-industry": "WH",
                "r0-seats": "1",
                "pick-expert": f"1:{who.pk}",
                "policy": "urgent",
            },
        )

    assert Callout.objects.count() == 2
