"""An incident from the phone call to its end, and the log that nobody can quietly change."""

from __future__ import annotations

import pytest

from coordination import answers, callouts, closing, deployments, sender
from coordination.answers import Answer
from coordination.models import Delivery, Deployment
from coordination.paging import AnswerSource, Purpose, Reply
from ground.audit import Actor
from ground.models import Region
from ground.places import Point
from incidents import handling
from incidents.handling import Casualties, FirstReport
from incidents.lifecycle import IncidentStatus
from incidents.models import LogEntry
from tests.factories import (
    OFFICER,
    a_callout,
    an_enterprise,
    an_expert,
    an_incident,
    invitation_of,
    status_of,
)
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
YES = Answer(Reply.ACCEPT, AnswerSource.LINK)
SELF = Actor(None, "本人")


def lines(incident):
    return list(incident.log.order_by("seq").values_list("text", flat=True))


def test_two_facts_open_an_incident(the_clock):
    incident = handling.open_incident(
        FirstReport(kind="hazchem_leak", enterprise=an_enterprise("冀润冷链公司")), by=OFFICER, at=NOON
    )

    assert incident.number == "SJ-20261124-001"
    assert incident.title == "冀润冷链公司危化品泄漏"
    assert incident.industry_id == "WH"
    assert incident.point is not None
    assert lines(incident) == ["接报：冀润冷链公司危化品泄漏"]


def test_numbers_run_on_through_the_day_and_begin_anew_at_midnight_in_shanghai():
    enterprise = an_enterprise()
    before = NOON.replace(hour=15, minute=59)  # 23:59 in Shanghai
    after = NOON.replace(hour=16, minute=0)

    assert [an_incident(enterprise, at=at).number for at in (NOON, before, after)] == [
        "SJ-20261124-001",
        "SJ-20261124-002",
        "SJ-20261125-001",
    ]


def test_the_callers_own_point_goes_before_the_enterprises_address():
    incident = handling.open_incident(
        FirstReport(kind="fire", enterprise=an_enterprise(), point=Point(39.2731, 118.4602)),
        by=OFFICER,
        at=NOON,
    )

    assert (incident.latitude, incident.longitude, incident.precision) == (39.2731, 118.4602, "exact")


def test_a_county_is_place_enough_and_says_how_exact_it_is():
    incident = handling.open_incident(
        FirstReport(kind="fire", region=Region.objects.get(code="130209")), by=OFFICER, at=NOON
    )

    assert incident.precision == "county"
    assert incident.point is not None


def test_without_any_place_it_is_refused_with_what_to_do():
    with pytest.raises(handling.NoPlace, match="请填写企业，或地点"):
        handling.open_incident(FirstReport(kind="fire"), by=OFFICER, at=NOON)


def test_casualties_are_kept_apart():
    incident = an_incident(casualties=Casualties(trapped=2, injured=3, seriously_injured=1))

    assert (incident.trapped, incident.injured, incident.seriously_injured, incident.deaths) == (2, 3, 1, 0)


def test_a_line_may_be_written_later_than_it_happened():
    incident = an_incident()

    entry = handling.note(
        incident, "企业电话：总阀已关", by=OFFICER, at=NOON + minutes(9), happened_at=NOON + minutes(4)
    )

    assert entry.at == NOON + minutes(4)
    assert entry.recorded_at == NOON + minutes(9)


def test_a_changed_or_removed_line_of_the_log_is_found():
    incident = an_incident()
    for number in range(3):
        handling.note(incident, f"第{number}笔", by=OFFICER, at=NOON + minutes(number))
    assert handling.first_broken_line(incident) is None

    LogEntry.objects.filter(incident=incident, seq=2).update(text="改过的")
    assert handling.first_broken_line(incident).seq == 2

    LogEntry.objects.filter(incident=incident, seq=2).delete()
    assert handling.first_broken_line(incident).seq == 3


def test_what_the_lifecycle_forbids_is_refused():
    incident = an_incident()
    closing.close_incident(incident, outcome="处置完毕", by=OFFICER, at=NOON)

    with pytest.raises(handling.MoveNotAllowed):
        handling.move(incident, IncidentStatus.RESPONDING, by=OFFICER, at=NOON)
    with pytest.raises(handling.IncidentOver):
        handling.update_facts(incident, {"trapped": 1}, by=OFFICER, at=NOON)
    with pytest.raises(callouts.SubjectOver):
        a_callout(incident, asks=[an_expert("李工")])


def test_a_callout_takes_the_incident_into_response():
    incident = an_incident()

    a_callout(incident, asks=[an_expert("李工")])

    incident.refresh_from_db()
    assert incident.status == "responding"


def test_closing_releases_everybody_and_tells_them(the_clock):
    li, wang = an_expert("李工"), an_expert("王工")
    incident = an_incident()
    callout = a_callout(incident, asks=[li, wang], seats=2)
    answers.answer(invitation_of(callout, li), YES, by=SELF, at=NOON)
    deployment = Deployment.objects.get(invitation__expert=li)
    deployments.arrive(deployment, by=SELF, source=AnswerSource.LINK, at=NOON + minutes(30))
    sender.run_once()

    closing.close_incident(incident, outcome="泄漏已堵住", by=OFFICER, at=NOON + minutes(90))

    deployment.refresh_from_db()
    assert deployment.status == "released"
    assert not invitation_of(callout, li).exclusive
    assert status_of(callout, wang) == "stood_down"
    assert Delivery.objects.filter(
        invitation__expert=li, purpose=Purpose.NOTICE, text__contains="处置结束"
    ).exists()
    assert Delivery.objects.filter(invitation__expert=wang, purpose=Purpose.STAND_DOWN).exists()


def test_a_false_alarm_stands_everybody_down_and_tells_them(the_clock):
    li, wang = an_expert("李工"), an_expert("王工")
    incident = an_incident()
    callout = a_callout(incident, asks=[li, wang], seats=2)
    answers.answer(invitation_of(callout, li), YES, by=SELF, at=NOON)
    sender.run_once()

    closing.withdraw_incident(incident, reason="企业演练误报", by=OFFICER, at=NOON + minutes(5))

    incident.refresh_from_db()
    assert incident.status == "withdrawn"
    for who in (li, wang):
        assert status_of(callout, who) == "stood_down"
        told = Delivery.objects.get(invitation__expert=who, purpose=Purpose.STAND_DOWN)
        assert "误报撤销" in told.text
    assert Deployment.objects.get(invitation__expert=li).status == "stood_down"


def test_a_corrected_place_is_told_to_those_asked_and_not_to_those_who_said_no(the_clock):
    li, wang = an_expert("李工"), an_expert("王工")
    incident = an_incident()
    callout = a_callout(incident, asks=[li, wang], seats=2)
    answers.answer(invitation_of(callout, wang), Answer(Reply.DECLINE, AnswerSource.LINK), by=SELF, at=NOON)

    told = closing.correct_incident(incident, {"address": "丰南区黑沿子镇"}, by=OFFICER, at=NOON + minutes(3))

    assert told == 1
    notice = Delivery.objects.get(purpose=Purpose.NOTICE)
    assert notice.invitation.expert == li
    assert "丰南区黑沿子镇" in notice.text
    assert any(line.startswith("更正：地址：") for line in lines(incident))


def test_a_corrected_count_is_logged_and_troubles_nobody(the_clock):
    incident = an_incident()
    a_callout(incident, asks=[an_expert("李工")])

    assert closing.correct_incident(incident, {"trapped": 3}, by=OFFICER, at=NOON) == 0

    assert "更正：被困：0 → 3" in lines(incident)
    assert not Delivery.objects.filter(purpose=Purpose.NOTICE).exists()


def test_who_is_on_the_scene_cannot_withdraw_but_can_be_released():
    li = an_expert("李工")
    callout = a_callout(an_incident(), asks=[li])
    invitation = invitation_of(callout, li)
    answers.answer(invitation, YES, by=SELF, at=NOON)
    deployment = Deployment.objects.get()
    deployments.arrive(deployment, by=SELF, source=AnswerSource.LINK, at=NOON)

    with pytest.raises(answers.CannotAnswer, match="已经到场或返回"):
        answers.withdraw(invitation, reason="", source=AnswerSource.LINK, by=SELF, at=NOON)

    deployments.release(deployment, by=SELF, source=AnswerSource.LINK, at=NOON + minutes(60))
    deployments.report(
        deployment, "已堵漏，建议复查法兰", by=SELF, source=AnswerSource.LINK, at=NOON + minutes(90)
    )
    deployment.refresh_from_db()
    assert deployment.status == "reported"
    assert [step.status for step in deployment.steps.all()] == [
        "committed",
        "on_scene",
        "released",
        "reported",
    ]


def test_steps_follow_one_another_and_a_repeated_tap_is_one_step():
    li = an_expert("李工")
    callout = a_callout(an_incident(), asks=[li])
    answers.answer(invitation_of(callout, li), YES, by=SELF, at=NOON)
    deployment = Deployment.objects.get()

    for _tap in range(2):
        deployments.depart(deployment, by=SELF, source=AnswerSource.LINK, at=NOON)
    assert deployment.steps.filter(status="en_route").count() == 1

    with pytest.raises(deployments.StepNotAllowed):
        deployments.report(deployment, "太早", by=SELF, source=AnswerSource.LINK, at=NOON)
    with pytest.raises(deployments.NothingReported):
        deployments.report(deployment, "  ", by=SELF, source=AnswerSource.LINK, at=NOON)


def test_after_the_release_one_can_be_called_to_the_next_incident():
    li = an_expert("李工")
    enterprise = an_enterprise()
    first = a_callout(an_incident(enterprise), asks=[li])
    answers.answer(invitation_of(first, li), YES, by=SELF, at=NOON)
    deployments.release(
        Deployment.objects.get(), by=OFFICER, source=AnswerSource.OFFICER, at=NOON + minutes(30)
    )

    second = a_callout(an_incident(enterprise), asks=[li], at=NOON + minutes(40))

    assert (
        answers.answer(invitation_of(second, li), YES, by=SELF, at=NOON + minutes(41))
        is answers.Result.SEATED
    )
