"""The live stream: a page hears the names of what changed, only those it may read, and holds nothing."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest
from django.test import Client

from contracts.models import Enterprise
from coordination import announcements, live
from coordination.announcements import announce
from coordination.models import GuidanceRequest
from ground.access import Role
from tests.factories import a_callout, a_duty_officer, a_user, an_enterprise, an_expert, an_incident
from tests.moments import NOON

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def stream(url: str, client: Client | None, *topics: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    cookie = f"sessionid={client.cookies['sessionid'].value}" if client else ""
    with closing(connection):
        connection.request("GET", f"/live/?topics={','.join(topics)}", headers={"Cookie": cookie})
        yield connection.getresponse()


def next_event(answer: http.client.HTTPResponse) -> tuple[str, dict[str, object]]:
    name = ""
    while True:
        line = answer.readline().decode().strip()
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            return name, json.loads(line.removeprefix("data: "))


def changed(answer: http.client.HTTPResponse) -> object:
    """Return the names of the next change, passing over signs of life."""
    while True:
        name, body = next_event(answer)
        if name == "changed":
            return body["changed"]


def a_request(enterprise: Enterprise) -> GuidanceRequest:
    return GuidanceRequest.objects.create(
        number=f"ZD-{enterprise.pk}",
        enterprise=enterprise,
        industry=enterprise.industry,
        kind="inspection",
        contact_name="刘骏",
        contact_phone="+8613900000162",
        created_at=NOON,
    )


@pytest.fixture
def officer(client: Client) -> Client:
    client.force_login(a_duty_officer())
    return client


def test_it_says_hello_with_the_server_s_time_and_forbids_buffering(asgi_url, officer):
    with stream(asgi_url, officer, "desk") as answer:
        name, body = next_event(answer)

        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in answer.headers
        assert name == "hello" and "T" in str(body["at"])


def test_a_callout_that_starts_is_told_to_the_desk_and_to_its_incident(asgi_url, officer):
    incident = an_incident()
    with stream(asgi_url, officer, "desk", f"incident:{incident.public_id}") as answer:
        next_event(answer)

        a_callout(incident, asks=[an_expert("李工")])

        assert changed(answer) == ["desk", f"incident:{incident.public_id}"]


def test_many_announcements_of_one_moment_are_told_once(asgi_url, officer):
    with stream(asgi_url, officer, "desk") as answer:
        next_event(answer)

        for _ in range(500):
            announce("desk")
        assert changed(answer) == ["desk"]

        announce("desk")
        assert changed(answer) == ["desk"]


def test_topics_that_were_not_asked_for_are_not_told(asgi_url, officer):
    with stream(asgi_url, officer, "desk") as answer:
        next_event(answer)

        announce("incident:other")
        announce("desk")

        assert changed(answer) == ["desk"]


def test_without_a_change_a_sign_of_life_comes(asgi_url, officer, monkeypatch):
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.2)
    with stream(asgi_url, officer, "desk") as answer:
        next_event(answer)

        assert next_event(answer)[0] == "beat"


def test_installations_that_share_a_redis_server_do_not_hear_each_other(settings):
    settings.REDIS_URL = "redis://127.0.0.1:6379/3"
    ours = announcements.channel()
    settings.REDIS_URL = "redis://127.0.0.1:6379/4"

    assert announcements.channel() != ours


def test_the_stream_ends_after_a_while_so_that_rights_are_looked_at_again(asgi_url, officer, monkeypatch):
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 0.3)
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.1)
    with stream(asgi_url, officer, "desk") as answer:
        assert answer.read().decode().count("event: hello") == 1


def test_a_page_that_leaves_is_forgotten(asgi_url, officer, monkeypatch):
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.1)
    before = len(announcements._listeners)
    with stream(asgi_url, officer, "desk") as answer:
        next_event(answer)
        assert len(announcements._listeners) == before + 1
        answer.close()
    with stream(asgi_url, officer, "desk") as answer:
        for _ in range(5):  # half a second, in which the server notices
            next_event(answer)
        assert len(announcements._listeners) == before + 1


def test_nobody_signed_in_hears_nothing(asgi_url):
    with stream(asgi_url, None, "desk") as answer:
        assert answer.status == 403


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.TEAM, Role.ROSTER_ADMIN, Role.SYSTEM_ADMIN])
def test_incidents_are_told_only_to_those_who_may_read_them(asgi_url, client, role):
    client.force_login(a_user("other", role))
    with stream(asgi_url, client, "desk", "incident:1", "secrets") as answer:
        assert answer.status == 403


def test_an_enterprise_hears_of_its_own_request_and_of_no_other(asgi_url, client):
    ours, theirs = a_request(an_enterprise("我们的公司")), a_request(an_enterprise("别人的公司"))
    client.force_login(a_user("firm", Role.ENTERPRISE, enterprise=ours.enterprise))
    with stream(
        asgi_url,
        client,
        f"guidance:{theirs.public_id}",
        f"guidance:{ours.public_id}",
        "guidance",
        "guidance:x",
    ) as answer:
        next_event(answer)

        announce(f"guidance:{theirs.public_id}", "guidance", "guidance:x", f"guidance:{ours.public_id}")

        assert changed(answer) == [f"guidance:{ours.public_id}"]


def test_a_server_that_cannot_stream_says_so_and_the_page_polls(officer):
    assert officer.get("/live/?topics=desk").status_code == 204
