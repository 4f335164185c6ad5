"""The figures for Prometheus: to whoever has the token, and as the rows say."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError

from coordination import answers, sender, watch
from coordination.answers import Answer
from coordination.paging import AnswerSource, Reply
from ground.audit import SYSTEM
from tests.factories import a_callout, a_duty_officer, an_expert, an_incident, invitation_of
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def token(settings):
    settings.MUSTER_METRICS_TOKEN = "scrape-me"


def figures(client, **headers) -> dict[str, float]:
    answer = client.get("/metrics", headers={"Authorization": "Bearer scrape-me", **headers})
    assert answer.status_code == 200
    lines = [line.rsplit(" ", 1) for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_nobody_reads_them_without_the_token(client, settings):
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404
    settings.MUSTER_METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_they_tell_how_long_people_waited(client, the_clock):
    a_duty_officer()
    li = an_expert("李工")
    callout = a_callout(an_incident(), asks=[li, an_expert("王工")], seats=2)
    the_clock.move(minutes(0.1))
    sender.run_once()
    answers.answer(
        invitation_of(callout, li), Answer(Reply.ACCEPT, AnswerSource.LINK), by=SYSTEM, at=NOON + minutes(2)
    )
    the_clock.move(minutes(2))

    said = figures(client)

    assert said['muster_first_send_seconds{quantile="0.5"}'] == 6
    assert said['muster_answer_seconds{quantile="0.9"}'] == 120
    assert said['muster_callouts{status="open"}'] == 1
    assert said['muster_send_outcomes{channel="inbox",outcome="accepted"}'] == 2
    assert said['muster_oldest_due_seconds{row="delivery"}'] == 0


def test_they_tell_what_is_overdue_and_what_the_watch_saw(client, the_clock):
    a_duty_officer()
    a_callout(an_incident(), asks=[an_expert("李工")])
    the_clock.move(minutes(15))
    watch.look(at=the_clock())

    said = figures(client)

    assert said['muster_oldest_due_seconds{row="callout"}'] == 5 * 60
    assert said['muster_oldest_due_seconds{row="delivery"}'] == 15 * 60
    assert said['muster_watch_problem{code="deliveries_overdue"}'] == 1
    assert said["muster_watch_age_seconds"] == 0


def test_no_name_and_no_address_is_among_them(client, the_clock):
    a_callout(an_incident(), asks=[an_expert("李工", mobile="+8613900000001")])
    answer = client.get("/metrics", headers={"Authorization": "Bearer scrape-me"}).content.decode()
    assert "李工" not in answer
    assert "139" not in answer


def test_readiness_says_what_the_watch_sees(client, the_clock):
    a_duty_officer()
    assert client.get("/readyz").json() == {"status": "ok", "watch": ["nobody_watches"]}
    watch.look(at=NOON)
    assert client.get("/readyz").json() == {"status": "ok", "watch": []}


@pytest.mark.parametrize("wrong", [OperationalError, InterfaceError])
def test_without_its_database_a_server_is_not_ready_and_says_so(client, monkeypatch, wrong):
    def gone():
        raise wrong("the connection is closed")

    monkeypatch.setattr("ground.clock.now", gone)

    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
