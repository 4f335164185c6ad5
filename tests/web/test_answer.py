"""The answer page as a phone sees it: no script, no sign-in, taps that come twice, links that lead nowhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from contracts.models import Enterprise
from coordination import answers, callouts, deployments, guidance, links
from coordination.models import AnswerToken, Delivery, Invitation
from coordination.paging import AnswerSource, Mode
from coordination.visits import GuidanceKind
from experts.models import Expert
from ground.audit import Actor
from ground.models import AuditEntry
from incidents.models import Incident, LogEntry
from tests.factories import (
    ASKER,
    OFFICER,
    a_callout,
    a_guidance_request,
    a_round,
    a_team,
    an_enterprise,
    an_expert,
    an_incident,
    invitation_of,
)
from tests.moments import NOON, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]
SELF = Actor(None, "本人")
# Exactly what a browser without scripts would send, CSRF checks on.
PHONE = Client(enforce_csrf_checks=True)


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def jirun() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def incident(jirun) -> Incident:
    return an_incident(jirun)


@pytest.fixture
def zhou() -> Expert:
    return an_expert("周明远", region="130203")


@pytest.fixture
def wang() -> Expert:
    return an_expert("王工")


def address_of(invitation: Invitation) -> str:
    token = AnswerToken.objects.filter(invitation=invitation).latest("id")
    return "/a/" + links.address(token).rpartition("/a/")[2]


def link(callout, who) -> str:
    return address_of(invitation_of(callout, who))


def tap(url: str, **form):
    return PHONE.post(url, form)


def see(url: str) -> str:
    return PHONE.get(url).content.decode()


def everything() -> list[object]:
    """Everything that an answer could change."""
    return [
        list(Invitation.objects.order_by("pk").values()),
        list(Delivery.objects.order_by("pk").values("pk", "status")),
        LogEntry.objects.count(),
        AuditEntry.objects.count(),
        AnswerToken.objects.count(),
    ]


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_hundred_scanners_looking_at_the_link_change_nothing(incident, zhou, method):
    url = link(a_callout(incident, asks=[zhou]), zhou)
    before = everything()

    for number in range(100):
        response = getattr(PHONE, method)(
            url, headers={"user-agent": f"scanner/{number}", "purpose": "prefetch"}
        )
        assert response.status_code == 200

    assert everything() == before
    assert not response.cookies


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_do_nothing(incident, zhou, method):
    url = link(a_callout(incident, asks=[zhou]), zhou)
    before = everything()

    assert getattr(PHONE, method)(url).status_code == 405

    assert everything() == before


def test_the_page_keeps_its_address_to_itself(incident, zhou):
    response = PHONE.get(link(a_callout(incident, asks=[zhou]), zhou))

    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert "noindex" in response["X-Robots-Tag"]


def test_the_ask_says_what_where_until_when_and_whom_to_ring(incident, zhou, settings):
    settings.MUSTER_DUTY_PHONE = "0311-0000-1119"
    html = see(link(a_callout(incident, asks=[zhou]), zhou))

    for words in (
        "请您赴现场支援",
        "冀润冷链公司",
        "14:28",
        "0311-0000-1119",
        "真实事件",
        "不能参加",
        "周明远",
    ):
        assert words in html


def test_one_tap_accepts_and_leads_back_to_the_page(incident, zhou):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)

    response = tap(url, reply="accept", eta_minutes="31")

    assert (response.status_code, response["Location"]) == (303, url)
    invitation = invitation_of(callout, zhou)
    assert invitation.status == "accepted"
    assert invitation.answer_source == "link"
    assert "已接受，预计 14:49 到" in see(url)


def test_a_double_tap_is_one_answer(incident, zhou, the_clock):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    shown = re.search(r'name="shown_at" value="(\d+)"', see(url)).group(1)

    the_clock.move(timedelta(seconds=59))
    tap(url, reply="accept", eta_minutes="31", shown_at=shown)
    once = everything()
    the_clock.move(timedelta(seconds=2))
    assert tap(url, reply="accept", eta_minutes="31", shown_at=shown).status_code == 303

    assert everything() == once
    assert f"{invitation_of(callout, zhou).eta_at:%H:%M}" == "06:49"


def test_a_time_from_a_page_that_lay_open_is_counted_from_the_tap(incident, zhou, the_clock):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)

    the_clock.move(minutes(9))
    tap(url, reply="accept", eta_minutes="31", shown_at=str(int(NOON.timestamp())))

    assert invitation_of(callout, zhou).eta_at == NOON + minutes(40)


def test_another_time_may_be_given_in_minutes(incident, zhou):
    callout = a_callout(incident, asks=[zhou])

    tap(link(callout, zhou), reply="accept", eta_minutes="other", eta_other="80")

    assert invitation_of(callout, zhou).eta_at == NOON + minutes(80)


def test_a_team_says_how_many_come(incident):
    team = a_team("曹妃甸危化队")
    callout = a_callout(incident, asks=[team])
    url = link(callout, team)
    assert "出动人数" in see(url)

    tap(url, reply="accept", eta_minutes="20", crew="12", vehicles="2")

    invitation = invitation_of(callout, team)
    assert (invitation.status, invitation.crew, invitation.vehicles) == ("accepted", 12, 2)


def test_declining_takes_one_more_tap_and_moves_on_at_once(incident, zhou, wang):
    callout = a_callout(incident, asks=[zhou, wang])

    tap(link(callout, zhou), reply="decline", reason="人在外地", back_on="2026-12-01")

    invitation = invitation_of(callout, zhou)
    assert (invitation.status, invitation.reason, str(invitation.back_on)) == (
        "declined",
        "人在外地",
        "2026-12-01",
    )
    assert invitation_of(callout, wang).status == "asked"
    assert "已答复：不能参加" in see(link(callout, zhou))


def test_remote_to_an_on_site_ask_is_kept_in_reserve(incident, zhou):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)

    tap(url, reply="remote")

    assert invitation_of(callout, zhou).status == "reserve"
    assert "只能远程，列为候补" in see(url)


def test_a_remote_ask_has_no_time_of_arrival(incident, zhou):
    callout = a_callout(incident, asks=[zhou], mode=Mode.REMOTE)
    url = link(callout, zhou)
    html = see(url)
    assert "请您远程支援" in html
    assert "eta_minutes" not in html

    tap(url, reply="accept")

    assert "已答复：远程支援" in see(url)


def test_who_comes_too_late_is_told_that_there_are_enough(incident, zhou, wang):
    callout = a_callout(incident, asks=[zhou, wang])
    callouts.resume(callout, by=OFFICER, at=NOON)
    callouts.advance(callout.pk, at=NOON + minutes(10))
    zhous, wangs = link(callout, zhou), link(callout, wang)

    tap(wangs, reply="accept", eta_minutes="30")
    assert invitation_of(callout, zhou).status == "stood_down"
    assert "已撤回，您不必前往" in see(zhous)

    tap(zhous, reply="accept", eta_minutes="30")
    assert "人已够，您是候补" in see(zhous)


def test_a_late_yes_is_still_a_yes_while_a_seat_is_free(incident, zhou):
    callout = a_callout(incident, asks=[zhou])
    callouts.advance(callout.pk, at=NOON + minutes(10))
    url = link(callout, zhou)
    assert "现在接受仍然有效" in see(url)

    tap(url, reply="accept", eta_minutes="30")

    assert invitation_of(callout, zhou).status == "accepted"


def test_within_ten_minutes_the_answer_can_be_changed(incident, zhou, wang, the_clock):
    callout = a_callout(incident, asks=[zhou, wang])
    url = link(callout, zhou)
    tap(url, reply="accept", eta_minutes="31")
    assert "更改我的答复" in see(url)

    the_clock.move(minutes(9))
    tap(url, reply="decline", reason="身体原因")

    assert invitation_of(callout, zhou).status == "withdrawn"
    assert invitation_of(callout, wang).status == "asked"


def test_after_ten_minutes_the_page_says_whom_to_ring(incident, zhou, the_clock, settings):
    settings.MUSTER_DUTY_PHONE = "0311-0000-1119"
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    tap(url, reply="accept", eta_minutes="31")

    the_clock.move(minutes(10))
    response = tap(url, reply="decline")

    assert response.status_code == 409
    assert "请拨打值班电话 0311-0000-1119" in response.content.decode()
    assert "更改我的答复" not in see(url)
    assert invitation_of(callout, zhou).status == "accepted"


def test_somebody_on_the_way_may_withdraw_at_any_time(incident, zhou, wang, the_clock):
    callout = a_callout(incident, asks=[zhou, wang])
    url = link(callout, zhou)
    tap(url, reply="accept", eta_minutes="31")
    the_clock.move(minutes(25))

    for _tap in range(2):
        assert tap(url, step="withdraw").status_code == 303

    assert invitation_of(callout, zhou).status == "withdrawn"
    assert invitation_of(callout, wang).status == "asked"


def test_from_departure_to_report_on_one_page(incident, zhou, the_clock):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    tap(url, reply="accept", eta_minutes="31")

    for step, shown in (("depart", "已出发"), ("arrived", "已到场"), ("released", "已结束")):
        the_clock.move(minutes(20))
        for _tap in range(2):
            assert tap(url, step=step).status_code == 303
        assert shown in see(url)
    for _tap in range(2):
        assert tap(url, step="report", report="阀组已更换，建议复测。").status_code == 303

    deployment = invitation_of(callout, zhou).deployment
    assert deployment.report == "阀组已更换，建议复测。"
    assert [step.status for step in deployment.steps.all()] == [
        "committed",
        "en_route",
        "on_scene",
        "released",
        "reported",
    ]
    assert "报告已提交" in see(url)


def test_a_quarter_of_an_hour_later_tapped_twice_is_a_quarter_of_an_hour(incident, zhou):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    tap(url, reply="accept", eta_minutes="30")
    was = re.search(r'name="eta_was" value="(\d+)"', see(url)).group(1)

    for _tap in range(2):
        tap(url, step="delay15", eta_was=was)

    assert invitation_of(callout, zhou).eta_at == NOON + minutes(45)


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"reply": "maybe"}, 422, "没有看懂您的答复"),
        ({}, 422, "没有看懂您的答复"),
        ({"reply": "accept", "eta_minutes": "soon"}, 422, "应为 1 到 2880 的整数"),
        ({"reply": "accept", "eta_minutes": "-5"}, 422, "应为 1 到 2880 的整数"),
        ({"reply": "accept", "eta_minutes": "other"}, 422, "多少分钟后能到"),
        ({"reply": "accept", "crew": "9999"}, 422, "出动人数"),
        ({"reply": "decline", "back_on": "12月"}, 422, "不是日期"),
        ({"step": "fly"}, 422, "没有这个操作"),
        ({"step": "arrived"}, 409, "没有接受的任务"),
        ({"step": "report", "report": "x"}, 409, "没有接受的任务"),
    ],
    ids=[
        "an unknown reply",
        "nothing at all",
        "a time in words",
        "a time in the past",
        "another time left empty",
        "a crew of thousands",
        "a month for a day",
        "an unknown step",
        "arriving without accepting",
        "reporting without accepting",
    ],
)
def test_what_cannot_be_taken_is_said_on_the_page_and_changes_nothing(incident, zhou, form, status, sentence):
    callout = a_callout(incident, asks=[zhou])
    before = everything()

    response = tap(link(callout, zhou), **form)

    assert response.status_code == status
    assert sentence in response.content.decode()
    assert everything() == before


def test_leaving_before_arriving_and_an_empty_report_are_refused(incident, zhou):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    tap(url, reply="accept", eta_minutes="30")
    tap(url, step="arrived")

    assert tap(url, step="report", report="早了").status_code == 409
    assert tap(url, step="depart").status_code == 409
    tap(url, step="released")
    response = tap(url, step="report", report="  ")

    assert response.status_code == 422
    assert "报告是空的" in response.content.decode()


def test_the_other_invitations_link_answers_only_for_itself(incident, zhou, wang):
    callout = a_callout(incident, asks=[zhou, wang], seats=2)

    tap(link(callout, wang), reply="accept", eta_minutes="30")

    assert invitation_of(callout, zhou).status == "asked"
    assert invitation_of(callout, wang).status == "accepted"


@pytest.mark.parametrize(
    "token", ["x", "A" * 22, "%E5%BA%94", "0" * 500], ids=["short", "forged", "odd", "long"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forged_link_leads_nowhere_and_says_whom_to_ring(incident, zhou, token, method, settings):
    settings.MUSTER_DUTY_PHONE = "0311-0000-1119"
    a_callout(incident, asks=[zhou])
    before = everything()

    response = getattr(PHONE, method)(f"/a/{token}/", {"reply": "accept"})

    assert response.status_code == 404
    assert "0311-0000-1119" in response.content.decode()
    assert "冀润" not in response.content.decode()
    assert response["Referrer-Policy"] == "no-referrer"
    assert everything() == before


def test_an_expired_link_says_that_it_is_over(incident, zhou, the_clock):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    the_clock.move(links.VALID_FOR)

    for response in (PHONE.get(url), tap(url, reply="accept")):
        assert response.status_code == 410
        assert "本次通知已结束" in response.content.decode()
    assert invitation_of(callout, zhou).status == "asked"


def test_an_ended_callout_takes_no_answer(incident, zhou, wang):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    callouts.stop(callout, reason="误报", release_accepted=True, by=OFFICER, at=NOON)

    response = tap(url, reply="accept", eta_minutes="30")

    assert response.status_code == 409
    assert "本次通知已结束" in response.content.decode()
    assert "已撤回，您不必前往" in see(url)


def test_somebody_at_another_scene_is_told_why_they_cannot_accept(incident, zhou):
    first = a_callout(incident, asks=[zhou])
    second = a_callout(an_incident(an_enterprise("唐钢演示公司")), asks=[an_expert("孙工"), zhou])
    callouts.resume(second, by=OFFICER, at=NOON)
    invitation = invitation_of(second, zhou)
    links.issue(invitation, at=NOON)
    tap(link(first, zhou), reply="accept", eta_minutes="20")

    response = tap(address_of(invitation), reply="accept", eta_minutes="20")

    assert response.status_code == 409
    assert "正在另一起事件现场" in response.content.decode()


def test_who_keeps_guessing_is_slowed_down_but_a_true_link_still_works(incident, zhou):
    url = link(a_callout(incident, asks=[zhou]), zhou)

    answered = [PHONE.get(f"/a/guess{number}/").status_code for number in range(40)]

    assert answered[:30] == [404] * 30
    assert answered[30:] == [429] * 10
    assert PHONE.get(url).status_code == 200


def test_seen_is_said_by_the_page_and_counted_once(incident, zhou, the_clock):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    assert f'data-seen-url="{url}seen/"' in see(url)

    assert PHONE.get(f"{url}seen/").status_code == 405
    assert invitation_of(callout, zhou).first_seen_at is None
    for _look in range(2):
        assert PHONE.post(f"{url}seen/").status_code == 204
        the_clock.move(minutes(1))

    assert invitation_of(callout, zhou).first_seen_at == NOON


def test_telephone_numbers_of_the_scene_are_shown_only_to_who_has_accepted(incident, zhou, jirun):
    callout = a_callout(incident, asks=[zhou])
    url = link(callout, zhou)
    number = jirun.contacts.get().value[3:]
    assert number not in see(url)

    tap(url, reply="accept", eta_minutes="30")

    assert f"tel:{number}" in see(url)


def test_the_whole_page_is_small(incident, zhou, client):
    html = see(link(a_callout(incident, asks=[zhou]), zhou))
    parts = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', html))
    assert {"answer.css", "answer.js", "tokens.css", "icons.svg"} <= {
        part.rpartition("/")[2] for part in parts
    }

    size = len(html.encode()) + sum(len(client.get(part).content) for part in parts)

    assert size <= 60 * 1024


def a_guidance_callout(expert: Expert, **wish):
    request = a_guidance_request(kind=GuidanceKind.INSPECTION, **wish)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)
    return request, a_round(request, asks=[expert])


def test_a_guidance_invitation_speaks_of_days_not_of_minutes(zhou):
    request, callout = a_guidance_callout(zhou, wished_from=NOON.date() + timedelta(days=5))
    html = see(link(callout, zhou))

    for words in (
        "请您指导企业：隐患排查",
        "企业希望的时间",
        "11月29日",
        "11月26日 14:18",
        "接受，愿意到访",
        "需要回避",
    ):
        assert words in html
    for words in ("预计多久到场", "真实事件", "出动人数"):
        assert words not in html


def test_an_expert_visits_and_reports_through_the_link(zhou, the_clock):
    request, callout = a_guidance_callout(zhou)
    url = link(callout, zhou)
    tap(url, reply="accept", reason="12 月 3 日以后都可以")
    guidance.schedule(
        request,
        visit_from=NOON.date() + timedelta(days=7),
        visit_until=NOON.date() + timedelta(days=7),
        by=OFFICER,
        at=NOON,
    )
    assert "已接受，12月1日到访" in see(url)

    the_clock.move(timedelta(days=7))
    tap(url, step="arrived")
    request.refresh_from_db()
    assert request.status == "visited"
    for _tap in range(2):
        assert tap(url, step="report", report="缺氨气报警，已当场指导整改。").status_code == 303

    request.refresh_from_db()
    assert (request.status, request.report) == ("reported", "缺氨气报警，已当场指导整改。")


def test_when_the_expert_withdraws_from_a_visit_the_request_is_open_again(zhou):
    request, callout = a_guidance_callout(zhou)
    url = link(callout, zhou)
    tap(url, reply="accept")
    guidance.schedule(request, visit_from=NOON.date(), visit_until=NOON.date(), by=OFFICER, at=NOON)

    tap(url, step="withdraw")

    request.refresh_from_db()
    assert request.status == "sourcing"


def test_the_visit_can_be_saved_to_a_calendar(zhou):
    request, callout = a_guidance_callout(zhou)
    url = link(callout, zhou)
    tap(url, reply="accept")
    day = NOON.date() + timedelta(days=7)
    guidance.schedule(request, visit_from=day, visit_until=day, by=OFFICER, at=NOON)
    assert f"{url}calendar.ics" in see(url)

    entry = PHONE.get(f"{url}calendar.ics").content.decode()

    assert "DTSTART;VALUE=DATE:20261201" in entry and "DTEND;VALUE=DATE:20261202" in entry
    assert "TRANSP:TRANSPARENT" in entry


def test_an_answer_recorded_by_the_officer_shows_on_the_page(incident, zhou):
    callout = a_callout(incident, asks=[zhou])
    said = answers.Answer(answers.Reply.ACCEPT, AnswerSource.OFFICER, eta_at=NOON + minutes(40))
    answers.answer(invitation_of(callout, zhou), said, by=OFFICER, at=NOON)
    deployments.arrive(
        invitation_of(callout, zhou).deployment, by=OFFICER, source=AnswerSource.OFFICER, at=NOON
    )

    assert "已到场" in see(link(callout, zhou))
