"""What a message says, in named parts, for providers that send nothing but templates they have approved."""

from __future__ import annotations

import pytest

from coordination import callouts, channels, closing, deliveries, guidance, sender, wording
from coordination.channels import Ambiguous, Caps, Rejected
from coordination.channels.base import FIELDS
from coordination.models import Delivery
from coordination.paging import Mode, Purpose
from incidents.handling import Casualties
from tests.factories import (
    OFFICER,
    a_callout,
    a_duty_officer,
    a_guidance_request,
    a_round,
    a_team,
    an_enterprise,
    an_expert,
    an_incident,
    invitation_of,
)
from tests.fakes import RecordingChannel
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def phone(monkeypatch, the_clock, settings) -> RecordingChannel:
    settings.MUSTER_SENDER_NAME, settings.MUSTER_DUTY_PHONE = "省应急管理厅", "0311-87654321"
    recording = RecordingChannel()
    recording.caps = Caps(takes_replies=True)
    monkeypatch.setattr(channels, "installed", lambda: [recording])
    return recording


@pytest.fixture
def li():
    return an_expert("李工", mobile="+8613900000001", email="")


def sent(phone: RecordingChannel, purpose: Purpose = Purpose.ASK) -> dict[str, str]:
    """The parts of the last message of this purpose."""
    sender.run_once()
    return dict([one for one in phone.sent if one.purpose == purpose][-1].fields)


def test_an_ask_says_all_of_it_in_parts(phone, li):
    incident = an_incident(title="氨泄漏", address="开发区化工路1号", casualties=Casualties(trapped=2))
    callout = a_callout(incident, asks=[li])

    said = sent(phone)

    link = phone.sent[-1].link
    assert said == {
        "who": "李工",
        "what": "氨泄漏",
        "when": wording.moment(NOON),
        "where": "开发区化工路1号",
        "people": "2人被困",
        "asked": "请您赴现场支援",
        "answer_by": wording.moment(NOON + minutes(10)),
        "digits": "1接受，2只能远程，3不能参加",
        "sender": "省应急管理厅",
        "phone": "0311-87654321",
        "text": phone.sent[-1].text,
        "link": link,
        "link_token": link.split("/a/")[1].strip("/"),
    }
    assert set(said) <= set(FIELDS)
    kept = [str(one.fields) for one in Delivery.objects.filter(callout=callout)]
    assert not any(said["link_token"] in one for one in kept)


def test_how_far_it_is_stands_in_an_ask_to_the_scene(phone, li):
    invitation = invitation_of(a_callout(an_incident(), asks=[li]), li)
    invitation.distance_km, invitation.travel_minutes = 32.4, 41.2

    said = wording.ask_fields(invitation)

    assert (said["distance_km"], said["travel_minutes"]) == ("32", "41")
    invitation.requirement.mode = Mode.REMOTE
    assert "distance_km" not in wording.ask_fields(invitation)


def test_a_channel_that_hears_no_reply_is_given_no_digits(phone, li):
    phone.caps = Caps(takes_replies=False)
    a_callout(an_incident(), asks=[li])
    assert "digits" not in sent(phone)


def test_a_drill_is_known_as_one_by_who_and_by_what(phone, li):
    a_callout(an_incident(title="氨泄漏", is_drill=True), asks=[li])
    said = sent(phone)
    assert (said["who"], said["what"]) == ("【演练】李工", "【演练】氨泄漏")


def test_what_may_be_the_second_copy_says_so_to_whom(phone, li, the_clock):
    phone.outcomes = [Ambiguous("断了")]
    a_callout(an_incident(), asks=[li])
    sender.run_once()
    the_clock.move(minutes(1))
    assert sent(phone)["who"] == "李工（可能重复）"


def test_a_team_is_asked_to_turn_out(phone):
    a_callout(an_incident(), asks=[a_team("救援队")])
    assert sent(phone)["asked"] == "请出动救援"


def test_an_ask_for_guidance_says_the_enterprise_and_the_days(phone, li):
    request = a_guidance_request(an_enterprise("东方化工", address="化工路1号"), wished_from=NOON.date())
    guidance.submit(request, by=OFFICER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)
    a_round(request, asks=[li])
    said = sent(phone)
    assert said["asked"] == "请您指导企业"
    assert said["what"].startswith("东方化工")
    assert (said["when"], said["people"]) == (wording.span(NOON.date()), "")
    assert said["where"] == request.site.address


def test_a_stand_down_and_a_correction_say_why(phone, li):
    incident = an_incident(title="氨泄漏")
    callout = a_callout(incident, asks=[li])
    sender.run_once()

    callouts.tell_asked(callout, "地址改为化工路2号", at=NOON)
    said = sent(phone, Purpose.NOTICE)
    assert (said["why"], said["what"]) == ("地址改为化工路2号", "氨泄漏")

    closing.withdraw_incident(incident, reason="误报", by=OFFICER, at=NOON)
    said = sent(phone, Purpose.STAND_DOWN)
    assert said["why"] == "误报撤销"
    assert said["link_token"]


def test_an_alarm_says_its_subject_and_its_text(phone, li):
    a_duty_officer()
    deliveries.alarm(subject="人选用尽", text="请补充人选。", at=NOON)
    assert sent(phone, Purpose.ALARM) == {
        "who": "陈立",
        "what": "人选用尽",
        "text": "请补充人选。",
        "link": "",
        "link_token": "",
    }


def test_what_goes_another_way_says_the_same(phone):
    wang = an_expert("王工", mobile="+8613900000002", email="wang@example.cn")
    callout = a_callout(an_incident(title="氨泄漏"), asks=[wang])
    sender.run_once()
    phone.outcomes = [Rejected(permanent=True, reason="空号")]

    callouts.stop(callout, reason="误报", release_accepted=True, by=OFFICER, at=NOON)
    said = sent(phone, Purpose.STAND_DOWN)

    assert {one.address for one in phone.sent if one.purpose == Purpose.STAND_DOWN} == {
        "+8613900000002",
        "wang@example.cn",
    }
    assert (said["what"], said["why"]) == ("氨泄漏", "误报")
