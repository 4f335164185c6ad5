"""The simulated phones of a demo, and a rescue team's own page."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from coordination import answers, sender
from coordination.answers import Answer
from coordination.models import AnswerToken
from coordination.paging import AnswerSource, Reply
from experts.models import Expert
from ground.access import Role
from ground.audit import Actor
from ground.dates import SHANGHAI
from tests.factories import a_callout, a_team, a_user, an_expert, an_incident, invitation_of
from tests.moments import minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.fixture
def officer() -> Client:
    client = Client()
    client.force_login(a_user("duty", Role.DUTY_OFFICER, name="陈立"))
    return client


@pytest.fixture
def zhou() -> Expert:
    return an_expert("周明远", mobile="+8613900000001")


def test_an_empty_inbox_says_what_to_do_next(officer):
    html = officer.get("/inbox/").content.decode()

    assert "还没有消息" in html
    assert "接报一起事件" in html


def test_each_phone_shows_its_messages_with_a_way_to_answer(officer, zhou):
    callout = a_callout(an_incident(), asks=[zhou])
    sender.run_once()

    html = officer.get("/inbox/").content.decode()

    assert "周明远" in html and "13900000001" in html
    path = re.search(r'href="(/a/[^"]+)"', html).group(1)
    assert "请您赴现场支援" in Client().get(path).content.decode()
    Client().post(path, {"reply": "accept", "eta_minutes": "30"})
    assert invitation_of(callout, zhou).status == "accepted"


def test_the_poll_brings_nothing_until_something_is_new(officer, zhou):
    callout = a_callout(an_incident(), asks=[zhou])
    sender.run_once()
    html = officer.get("/inbox/").content.decode()
    poll = re.search(r'hx-get="([^"]+)"', html).group(1)

    assert officer.get(poll, headers={"hx-request": "true"}).status_code == 204
    said = Answer(Reply.ACCEPT, AnswerSource.LINK)
    answers.answer(invitation_of(callout, zhou), said, by=Actor(None, "本人"), at=callout.started_at)

    fresh = officer.get(poll, headers={"hx-request": "true"})
    assert fresh.status_code == 200
    assert fresh.content.decode().lstrip().startswith('<section id="phones"')


def test_the_page_does_not_exist_in_a_live_installation(officer, settings):
    settings.MUSTER_MODE = "live"

    assert officer.get("/inbox/").status_code == 404
    assert "/inbox/" not in officer.get("/guidance/").content.decode()


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.TEAM, Role.AUDITOR, Role.LEADER])
def test_only_who_calls_people_out_reads_their_phones(role):
    client = Client()
    client.force_login(a_user("other", role))

    assert client.get("/inbox/").status_code == 403


def test_a_team_sees_what_it_is_asked_and_says_whether_it_can_go():
    team = a_team("曹妃甸危化队")
    client = Client()
    client.force_login(a_user("team", Role.TEAM, team=team))
    callout = a_callout(an_incident(), asks=[team])
    tokens = AnswerToken.objects.count()

    html = client.get("/my-team/").content.decode()

    path = re.search(r'href="(/a/[^"]+)"', html).group(1)
    assert "接受或婉拒" in html
    assert AnswerToken.objects.count() == tokens
    client.post(path, {"reply": "accept", "crew": "12", "vehicles": "2"})
    assert invitation_of(callout, team).status == "accepted"
    assert "登记进展" in client.get("/my-team/").content.decode()

    client.post("/my-team/state/", {"state": "resting"})
    team.refresh_from_db()
    assert team.state == "resting"


def test_a_team_says_when_its_shift_under_breathing_apparatus_ended_and_is_told_how_long_it_rests(the_clock):
    team = a_team("古冶矿山救援队")
    client = Client()
    client.force_login(a_user("team", Role.TEAM, team=team))

    client.post("/my-team/state/", {"apparatus_ended": "13:00"})  # it is 14:18

    assert "11-24 21:00 前不会派队" in client.get("/my-team/").content.decode()
    the_clock.move(minutes(7 * 60))
    assert "前不会派队" not in client.get("/my-team/").content.decode()


def test_a_time_that_has_not_come_today_was_yesterday():
    team = a_team("古冶矿山救援队")
    client = Client()
    client.force_login(a_user("team", Role.TEAM, team=team))

    client.post("/my-team/state/", {"apparatus_ended": "23:50"})

    team.refresh_from_db()
    assert f"{team.apparatus_shift_ended_at.astimezone(SHANGHAI):%m-%d %H:%M}" == "11-23 23:50"


@pytest.mark.parametrize("written", ["", "刚才", "25:00"])
def test_what_is_no_time_of_day_is_refused_in_words(written):
    team = a_team("古冶矿山救援队")
    client = Client()
    client.force_login(a_user("team", Role.TEAM, team=team))

    response = client.post("/my-team/state/", {"apparatus_ended": written})

    assert response.status_code == 422
    assert "例如 14:20" in response.content.decode()
    team.refresh_from_db()
    assert team.apparatus_shift_ended_at is None


@pytest.mark.parametrize("state", ["disbanded", "dispatched", "asleep", ""])
def test_a_team_cannot_give_itself_any_state(state):
    team = a_team("曹妃甸危化队")
    client = Client()
    client.force_login(a_user("team", Role.TEAM, team=team))

    response = client.post("/my-team/state/", {"state": state})

    assert response.status_code == 422
    assert "队伍状态只能改为：备勤、休整、检修停用" in response.content.decode()
    team.refresh_from_db()
    assert team.state == "ready"


def test_a_disbanded_team_stays_disbanded():
    team = a_team("曹妃甸危化队", state="disbanded")
    client = Client()
    client.force_login(a_user("team", Role.TEAM, team=team))

    assert client.post("/my-team/state/", {"state": "ready"}).status_code == 409
    team.refresh_from_db()
    assert team.state == "disbanded"


def test_a_team_page_is_the_teams_own():
    other = Client()
    other.force_login(a_user("duty", Role.DUTY_OFFICER))
    lost = Client()
    lost.force_login(a_user("lost", Role.TEAM))

    assert other.get("/my-team/").status_code == 403
    assert lost.get("/my-team/").status_code == 404
