"""Replies that a person has to look at: where the officer finds them, and what they make of them there."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from coordination import callouts, channels, guidance, replies, sender
from coordination.channels import Caps, ReplyReceived
from coordination.models import Inbound
from ground.access import Role
from ground.models import ContactKind
from tests.factories import (
    OFFICER,
    a_callout,
    a_duty_officer,
    a_guidance_request,
    a_round,
    a_user,
    an_enterprise,
    an_expert,
    an_incident,
    invitation_of,
    status_of,
)
from tests.fakes import RecordingChannel
from tests.moments import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]
LI, WANG = "+8613900000001", "+8613900000002"


@pytest.fixture
def phone(monkeypatch) -> RecordingChannel:
    talking = RecordingChannel(code="sms")
    talking.caps, talking.carries = Caps(takes_replies=True), frozenset({ContactKind.MOBILE})
    monkeypatch.setattr(channels, "installed", lambda: [talking])
    return talking


@pytest.fixture
def officer() -> Client:
    return signed_in(a_duty_officer())


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def li():
    return an_expert("李工", mobile=LI)


@pytest.fixture
def callout(phone, li):
    callout = a_callout(an_incident(title="氨泄漏"), asks=[li])
    sender.run_once()
    return callout


def hear(phone, text: str, *, of: str = LI) -> Inbound:
    inbound = replies.take(phone, ReplyReceived(str(uuid.uuid4()), of, text), at=NOON)
    assert inbound is not None
    return inbound


def page_of(client: Client, callout) -> str:
    return client.get(f"/incidents/{callout.incident.public_id}/").content.decode()


def shown(client: Client) -> str:
    return client.get("/replies/").content.decode()


def record(client: Client, inbound: Inbound, invitation, reply: str, **more) -> str:
    sent = {"invitation": invitation.public_id, "reply": reply, **more}
    return client.post(f"/replies/{inbound.public_id}/record/", sent, follow=True).content.decode()


def test_unclear_words_stand_on_the_incidents_page_with_what_they_may_mean(officer, callout, phone):
    hear(phone, "我这就过去")

    page = page_of(officer, callout)
    region = officer.get(f"/incidents/{callout.incident.public_id}/replies/").content.decode()

    for text in (page, region):
        assert "“我这就过去”" in text
        assert "看不出是接受还是不能参加" in text
        assert all(f'value="{reply}"' in text for reply in ("accept", "remote", "decline"))
        assert "139****0001" in text
    assert LI not in region


def test_without_replies_there_is_only_the_place_for_them(officer, callout):
    assert "待核的回复" not in page_of(officer, callout)
    assert 'id="replies"' in page_of(officer, callout)


def test_the_officer_records_what_the_words_mean_and_is_led_back(officer, callout, li, phone):
    inbound = hear(phone, "我这就过去")

    said = record(officer, inbound, invitation_of(callout, li), "accept", incident=callout.incident.public_id)

    assert status_of(callout, li) == "accepted"
    assert "李工：已占席位。" in said
    assert "氨泄漏" in said and "“我这就过去”" not in said


def test_what_needs_no_answer_is_taken_off_the_list(officer, callout, li, phone):
    inbound = hear(phone, "哈哈")

    said = officer.post(f"/replies/{inbound.public_id}/leave/", follow=True).content.decode()

    assert "已标为看过，不登记答复。" in said
    assert "“哈哈”" not in page_of(officer, callout)
    assert status_of(callout, li) == "asked"


def test_a_second_officer_is_told_that_it_is_done(officer, callout, li, phone):
    inbound = hear(phone, "我这就过去")
    officer.post(f"/replies/{inbound.public_id}/leave/")

    assert "已有人处理过了" in record(officer, inbound, invitation_of(callout, li), "accept")
    assert status_of(callout, li) == "asked"


@pytest.mark.parametrize("sent", [{}, {"reply": "accept"}, {"invitation": "x", "reply": "accept"}])
def test_a_form_without_an_answer_says_what_to_tap(officer, callout, phone, sent):
    inbound = hear(phone, "我这就过去")

    said = officer.post(f"/replies/{inbound.public_id}/record/", sent, follow=True).content.decode()

    assert "请在要登记的人旁边点" in said


def test_an_ambiguous_digit_stands_on_both_incidents_pages(officer, callout, li, phone):
    other = a_callout(an_incident(title="火灾"), asks=[li])
    sender.run_once()
    inbound = hear(phone, "1")

    assert "分不清答复的是哪项通知" in page_of(officer, callout)
    assert "分不清答复的是哪项通知" in page_of(officer, other)
    assert "氨泄漏" in shown(officer) and "火灾" in shown(officer)
    record(officer, inbound, invitation_of(other, li), "accept")
    assert status_of(other, li) == "accepted"
    assert "分不清答复的是哪项通知" not in page_of(officer, callout)


def test_replies_of_nobody_who_was_asked_stand_on_the_page_of_all(officer, callout, phone):
    an_expert("王工", mobile=WANG)
    hear(phone, "我也能去", of=WANG)
    hear(phone, "谁啊", of="13700000009")

    text = shown(officer)

    assert "王工" in text and "“我也能去”" in text
    assert "未知号码" in text and "“谁啊”" in text
    assert "“谁啊”" not in page_of(officer, callout)
    desk = officer.get("/desk/").content.decode()
    assert "2 条回复待核" in desk and 'href="/replies/"' in desk


def test_after_the_end_nothing_can_be_recorded_but_it_can_be_read(officer, callout, phone):
    callouts.stop(callout, reason="处置完毕", release_accepted=True, by=OFFICER, at=NOON)
    hear(phone, "我已经在路上了")

    page = page_of(officer, callout)

    assert "“我已经在路上了”" in page
    assert "reply-record" not in page and "/record/" not in page
    assert "/leave/" in page


def test_who_only_reads_sees_the_words_and_no_buttons(callout, phone):
    hear(phone, "我这就过去")

    page = page_of(signed_in(a_user("leader", Role.LEADER)), callout)

    assert "“我这就过去”" in page
    assert "/record/" not in page and "/leave/" not in page


def test_an_officer_of_another_region_neither_sees_nor_records_it(callout, li, phone):
    inbound = hear(phone, "我这就过去")
    elsewhere = signed_in(a_user("qin", Role.DUTY_OFFICER, region="130300"))

    assert "我这就过去" not in shown(elsewhere)
    for act in ("record", "leave"):
        assert elsewhere.post(f"/replies/{inbound.public_id}/{act}/").status_code == 404
    assert status_of(callout, li) == "asked"


def test_one_who_may_see_the_reply_cannot_answer_for_somebody_out_of_reach(phone, li):
    # Li is asked by an incident in 唐山 and by one in 秦皇岛; the officer of 秦皇岛 answers for the latter alone.
    here = a_callout(an_incident(), asks=[li])
    there = a_callout(an_incident(an_enterprise("秦港", region="130300")), asks=[li])
    sender.run_once()
    inbound = hear(phone, "我这就过去")
    elsewhere = signed_in(a_user("qin", Role.DUTY_OFFICER, region="130300"))

    assert "请在要登记的人旁边点" in record(elsewhere, inbound, invitation_of(here, li), "accept")
    assert status_of(here, li) == "asked"
    record(elsewhere, inbound, invitation_of(there, li), "accept")
    assert status_of(there, li) == "accepted"


def test_a_reply_about_a_guidance_request_is_the_roster_admins(officer, phone, li):
    request = a_guidance_request()
    guidance.submit(request, by=OFFICER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)
    callout = a_round(request, asks=[li])
    sender.run_once()
    inbound = hear(phone, "下周可以")
    admin = signed_in(a_user("roster", Role.ROSTER_ADMIN))

    assert "“下周可以”" in shown(admin)
    assert 'href="/replies/"' in admin.get("/guidance/").content.decode()
    assert "“下周可以”" not in shown(officer)
    record(admin, inbound, invitation_of(callout, li), "accept")
    assert status_of(callout, li) == "accepted"
