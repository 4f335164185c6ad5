"""What people write back: clear and meant for one ask it is an answer; everything else answers nothing."""

from __future__ import annotations

import uuid
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from coordination import (
    callouts,
    channels,
    closing,
    contact_drills,
    guidance,
    receipts,
    replies,
    reply_texts,
    sender,
)
from coordination.channels import Caps, Receipt, ReplyReceived
from coordination.models import Delivery, Inbound
from coordination.paging import Medium, Mode, Purpose, Reply
from coordination.progress import CalloutOver
from coordination.replies import AlreadyHandled, NotTheirs
from ground.audit import Actor
from ground.models import ContactKind
from incidents.models import LogEntry
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
    status_of,
)
from tests.fakes import RecordingChannel
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
LI, WANG = "+8613900000001", "+8613900000002"


class TalkingPhone(RecordingChannel):
    """A channel of text messages that people can answer."""

    caps = Caps(takes_replies=True)
    carries = frozenset({ContactKind.MOBILE})


@pytest.fixture
def phone(monkeypatch, the_clock) -> TalkingPhone:
    talking = TalkingPhone(code="sms")
    monkeypatch.setattr(channels, "installed", lambda: [talking])
    return talking


@pytest.fixture
def li():
    return an_expert("李工", mobile=LI)


@pytest.fixture
def callout(phone, li):
    callout = a_callout(an_incident(title="氨泄漏"), asks=[li])
    sender.run_once()
    return callout


def hear(phone, text: str, *, of: str = LI, event: str = "", at=NOON, **named) -> Inbound | None:
    reply = ReplyReceived(event or str(uuid.uuid4()), of, text, **named)
    return replies.take(phone, reply, at=at)


def told(address: str = LI) -> list[str]:
    """What was written back to this address, in order."""
    rows = Delivery.objects.filter(purpose=Purpose.NOTICE, address=address).order_by("id")
    return list(rows.values_list("text", flat=True))


def to_check() -> list[str]:
    return [row.body["text"] for row in Inbound.objects.to_check()]


def code(callout, who) -> str:
    return reply_texts.code_of(invitation_of(callout, who).public_id)


# The ask --------------------------------------------------------------------------------------------


def test_the_ask_offers_the_digits_that_make_sense_for_the_seat(phone, li):
    wang, team = an_expert("王工", mobile=WANG), a_team("曹妃甸危化队")
    incident = an_incident()
    a_callout(incident, asks=[li])
    a_callout(incident, asks=[wang], mode=Mode.REMOTE)
    a_callout(incident, asks=[team])

    sender.run_once()

    ends = {message.recipient: message.text.rsplit("。", 1)[-1] for message in phone.sent}
    assert ends["李工"] == "回复1接受，2只能远程，3不能参加，或点链接答复："
    assert ends["王工"] == ends["曹妃甸危化队"] == "回复1接受，3不能参加，或点链接答复："


def test_a_channel_that_hears_nothing_offers_the_link_alone(phone, li):
    phone.caps = Caps()
    a_callout(an_incident(), asks=[li])

    sender.run_once()

    assert phone.sent[0].text.endswith("请点链接答复：")
    assert "1接受" not in phone.sent[0].text


# Clear answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("1", "accepted", "已登记您接受"),
        ("接受", "accepted", "已登记您接受"),
        ("3", "declined", "已登记您不能参加"),
        ("2", "reserve", "已登记您只能远程"),
    ],
)
def test_a_clear_reply_is_the_answer_and_is_confirmed(callout, li, phone, text, status, said):
    inbound = hear(phone, text)

    assert status_of(callout, li) == status
    assert invitation_of(callout, li).answer_source == "sms"
    assert inbound.result == "answered"
    (confirmation,) = told()
    assert said in confirmation
    assert "氨泄漏" in confirmation
    assert to_check() == []


def test_the_confirmation_goes_back_to_the_number_that_wrote_with_the_link(callout, li, phone):
    hear(phone, "1")

    sender.run_once()

    message = phone.sent[-1]
    assert (message.address, message.purpose) == (LI, Purpose.NOTICE)
    assert "/a/" in message.link


def test_who_finds_every_seat_taken_is_told_that_they_are_in_reserve(phone, li):
    wang = an_expert("王工", mobile=WANG)
    callout = a_callout(an_incident(), asks=[li, wang])
    sender.run_once()
    callouts.resume(callout, by=OFFICER, at=NOON)  # asks the next one although Li may still answer
    sender.run_once()

    hear(phone, "1", of=WANG)
    hear(phone, "1", of=LI)

    assert status_of(callout, li) == "reserve"
    assert "席位已满" in told(LI)[-1]


def test_the_log_says_that_the_answer_came_as_a_text_message(callout, li, phone):
    hear(phone, "1")

    assert LogEntry.objects.filter(text__contains="李工 接受（短信回复）").exists()


def test_the_same_event_again_changes_nothing(callout, li, phone):
    hear(phone, "1", event="mo-1")

    assert hear(phone, "1", event="mo-1") is None
    assert hear(phone, "3", event="mo-1") is None
    assert status_of(callout, li) == "accepted"
    assert len(told()) == 1


def test_a_reply_that_has_the_number_of_a_receipt_is_no_repeat(callout, li, phone):
    ask = Delivery.objects.get(invitation__expert=li, purpose=Purpose.ASK)
    receipts.take("sms", Receipt("7", delivered=True, reference=ask.public_id), at=NOON)

    assert hear(phone, "1", event="7") is not None
    assert status_of(callout, li) == "accepted"


def test_the_same_answer_sent_twice_is_confirmed_once(callout, li, phone):
    hear(phone, "1")
    again = hear(phone, "1")

    assert again.result == "repeated"
    assert len(told()) == 1


def test_a_change_of_mind_is_taken_and_confirmed(callout, li, phone):
    hear(phone, "1")
    hear(phone, "3")
    hear(phone, "3")

    assert status_of(callout, li) == "withdrawn"
    assert "已登记您退出" in told()[-1]
    assert len(told()) == 2


def test_a_late_yes_is_still_a_yes_while_a_seat_is_free(callout, li, phone):
    callouts.advance(callout.pk, at=NOON + minutes(10))
    assert status_of(callout, li) == "lapsed"

    hear(phone, "1", at=NOON + minutes(11))

    assert status_of(callout, li) == "accepted"


@pytest.mark.parametrize("number", ["13900000001", "8613900000001", "+86 139 0000 0001", "008613900000001"])
def test_a_number_is_the_same_however_the_provider_writes_it(callout, li, phone, number):
    hear(phone, "1", of=number)

    assert status_of(callout, li) == "accepted"


def test_a_reply_about_guidance_moves_the_request_along(phone, li):
    request = a_guidance_request(an_enterprise())
    guidance.submit(request, by=OFFICER, at=NOON)
    guidance.accept(request, by=OFFICER, at=NOON)
    callout = a_round(request, asks=[li])
    sender.run_once()

    hear(phone, "1")

    assert status_of(callout, li) == "accepted"


# What is not clear answers nothing ------------------------------------------------------------------


@pytest.mark.parametrize("text", ["我在外地，让王工去吧", "11", "1？", "1不行", "可以吗", "4", "收到"])
def test_what_is_not_clear_answers_nothing_and_is_kept_for_the_officer(callout, li, phone, text):
    inbound = hear(phone, text)

    assert status_of(callout, li) == "asked"
    assert inbound.result == "unclear"
    assert inbound.invitation == invitation_of(callout, li)
    assert to_check() == [text]
    assert told() == []
    assert LogEntry.objects.filter(text=f"李工 短信回复（待核）：{text}").exists()


def test_a_received_says_that_the_ask_was_read_an_automatic_reply_does_not(callout, li, phone):
    hear(phone, "您好，我正在开车，稍后回复您。")
    assert invitation_of(callout, li).first_seen_at is None

    hear(phone, "收到", at=NOON + minutes(1))
    assert invitation_of(callout, li).first_seen_at == NOON + minutes(1)


def test_a_thank_you_after_the_answer_needs_nobody(callout, li, phone):
    hear(phone, "1")
    hear(phone, "谢谢")

    assert to_check() == []


def test_a_digit_that_was_not_offered_is_no_answer(phone, li):
    callout = a_callout(an_incident(), asks=[li], mode=Mode.REMOTE)
    sender.run_once()

    inbound = hear(phone, "2")

    assert inbound.result == "not_offered"
    assert status_of(callout, li) == "asked"
    assert to_check() == ["2"]


def test_a_digit_answers_nothing_that_was_sent_without_digits(phone, li):
    phone.caps = Caps()
    callout = a_callout(an_incident(), asks=[li])
    sender.run_once()

    assert hear(phone, "1").result == "not_offered"
    assert status_of(callout, li) == "asked"


def test_an_ask_that_has_not_left_yet_cannot_be_answered(phone, li):
    callout = a_callout(an_incident(), asks=[li])

    assert hear(phone, "1").result == "unasked"
    assert status_of(callout, li) == "asked"


def test_an_unknown_number_is_kept_and_listed(callout, li, phone):
    inbound = hear(phone, "1", of="13700000009")

    assert inbound.result == "stranger"
    assert status_of(callout, li) == "asked"
    assert to_check() == ["1"]
    assert told("+8613700000009") == []


def test_another_person_on_the_roster_cannot_answer_for_somebody(callout, li, phone):
    an_expert("王工", mobile=WANG)

    assert hear(phone, "1", of=WANG).result == "unasked"
    assert status_of(callout, li) == "asked"


# A yes needs a question -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["好的", "是", "OK", "好的，谢谢领导", "没问题"])
def test_a_polite_word_after_a_no_does_not_take_it_back(callout, li, phone, text):
    hear(phone, "3")

    assert hear(phone, text, at=NOON + minutes(1)).result == "heard"

    assert status_of(callout, li) == "declined"
    assert len(told()) == 1


def test_a_digit_after_a_no_takes_it_back(callout, li, phone):
    hear(phone, "3")
    hear(phone, "1", at=NOON + minutes(1))
    assert status_of(callout, li) == "accepted"


def test_a_polite_word_after_a_stand_down_takes_no_seat_that_has_become_free(phone, li):
    wang = an_expert("王工", mobile=WANG)
    callout = a_callout(an_incident(), asks=[li, wang])
    callouts.resume(callout, by=OFFICER, at=NOON)
    sender.run_once()
    hear(phone, "1", of=WANG)
    sender.run_once()
    assert status_of(callout, li) == "stood_down"
    hear(phone, "3", of=WANG)

    # Li is asked once more, but has not heard of it yet.
    assert hear(phone, "好的", at=NOON + minutes(1)).result == "unclear"

    assert status_of(callout, li) == "asked"
    sender.run_once()
    hear(phone, "好的", at=NOON + minutes(2))
    assert status_of(callout, li) == "accepted"


def test_a_polite_word_is_a_yes_while_the_ask_is_the_last_that_was_sent(callout, li, phone):
    assert hear(phone, "好的").result == "answered"
    assert status_of(callout, li) == "accepted"


def test_a_polite_word_after_another_message_is_left_to_a_person_while_an_ask_is_open(phone, li, the_clock):
    first = a_callout(an_incident(title="氨泄漏"), asks=[li])
    second = a_callout(an_incident(title="火灾"), asks=[li])
    sender.run_once()
    callouts.stop(first, reason="误报", release_accepted=True, by=OFFICER, at=the_clock.move(minutes(1)))
    sender.run_once()

    assert hear(phone, "好的", at=NOON + minutes(2)).result == "unclear"

    assert status_of(second, li) == "asked"
    assert to_check() == ["好的"]


def test_what_somebody_writes_while_a_contact_drill_runs_shows_that_it_reached_them(callout, li, phone):
    hear(phone, "1")
    drill = contact_drills.start(by=OFFICER, at=NOON + minutes(20))
    sender.run_once()

    hear(phone, "好的", at=NOON + minutes(21))

    assert drill.checks.get(expert=li).answered_at == NOON + minutes(21)
    assert status_of(callout, li) == "accepted"


# Several asks at once -------------------------------------------------------------------------------


@pytest.fixture
def two(phone, li):
    """Li is asked by two incidents at once."""
    both = [a_callout(an_incident(title=title), asks=[li]) for title in ("氨泄漏", "火灾")]
    sender.run_once()
    return both


def test_a_digit_that_fits_two_open_asks_answers_neither_and_asks_back(two, li, phone):
    inbound = hear(phone, "1")

    assert inbound.result == "ambiguous"
    assert [status_of(callout, li) for callout in two] == ["asked", "asked"]
    (question,) = told()
    for callout, title in zip(two, ("氨泄漏", "火灾"), strict=True):
        assert title in question
        assert f"“1 {code(callout, li)}”" in question
    assert to_check() == ["1"]


def test_the_question_is_asked_once_however_often_the_digit_comes(two, li, phone):
    for text in ("1", "1", "3", "好的"):
        hear(phone, text)

    assert len(told()) == 1


def test_the_code_says_which_ask_is_meant_and_settles_what_was_unclear(two, li, phone):
    first, second = two
    hear(phone, "1")

    hear(phone, f"1 {code(second, li)}")

    assert [status_of(callout, li) for callout in two] == ["asked", "accepted"]
    assert to_check() == []
    hear(phone, f"3{code(first, li)}")
    assert status_of(first, li) == "declined"


def test_the_message_replied_to_says_which_ask_is_meant(two, li, phone):
    first, second = two
    ask = second.deliveries.get(purpose=Purpose.ASK)

    hear(phone, "1", reference=ask.public_id)

    assert [status_of(callout, li) for callout in two] == ["asked", "accepted"]


def test_a_reference_to_what_somebody_else_was_sent_is_not_believed(two, li, phone):
    wang = an_expert("王工", mobile=WANG)
    theirs = a_callout(an_incident(), asks=[wang])
    sender.run_once()
    ask = theirs.deliveries.get(purpose=Purpose.ASK)

    assert hear(phone, "1", reference=ask.public_id).result == "ambiguous"
    assert status_of(theirs, wang) == "asked"


def test_a_code_of_an_ask_to_somebody_else_is_just_a_number(callout, phone):
    wang = an_expert("王工", mobile=WANG)
    theirs = a_callout(an_incident(), asks=[wang])
    sender.run_once()

    assert hear(phone, f"1 {code(theirs, wang)}").result == "unclear"
    assert status_of(theirs, wang) == "asked"


def test_two_people_behind_one_telephone_are_told_apart(phone):
    twins = [an_expert("李工", mobile=LI), an_expert("小李", mobile=LI)]
    callout = a_callout(an_incident(), asks=twins, seats=2)
    sender.run_once()

    assert hear(phone, "1").result == "ambiguous"
    assert "李工" in told()[0]
    assert "小李" in told()[0]
    hear(phone, f"1 {code(callout, twins[1])}")
    assert [status_of(callout, one) for one in twins] == ["asked", "accepted"]


def test_who_answered_one_ask_means_the_other_next(two, li, phone):
    first, second = two
    hear(phone, f"3 {code(first, li)}")

    hear(phone, "1")

    assert [status_of(callout, li) for callout in two] == ["declined", "accepted"]


def test_who_is_engaged_elsewhere_is_told_so_once_and_the_officer_sees_it(two, li, phone):
    first, second = two
    hear(phone, f"1 {code(first, li)}")

    again = [hear(phone, "1"), hear(phone, "1")]

    assert [inbound.result for inbound in again] == ["refused", "refused"]
    assert status_of(second, li) == "asked"
    assert sum("未能登记您的答复" in text for text in told()) == 1
    assert to_check() == ["1", "1"]


def test_an_ask_that_is_over_is_not_in_the_way(two, li, phone):
    first, second = two
    callouts.stop(first, reason="误报", release_accepted=True, by=OFFICER, at=NOON)

    hear(phone, "1")

    assert status_of(second, li) == "accepted"


class AnyTexts(TestCase):
    """Li is asked by up to three incidents; whatever comes, a reply answers one ask at most, and never by a guess."""

    @settings(max_examples=25)
    @given(
        asks=st.integers(1, 3),
        texts=st.lists(
            st.tuples(
                st.sampled_from(["1", "3", "好的", "收到", "11", "1？", "不能参加", "我在路上"]),
                st.sampled_from(["", "first", "second", "wrong"]),
            ),
            max_size=5,
        ),
    )
    def test_one_reply_answers_one_ask_at_most(self, asks, texts):
        talking = TalkingPhone(code="sms")
        with (
            patch.object(channels, "installed", lambda: [talking]),
            patch("ground.clock.now", lambda: NOON),
            transaction.atomic(),
        ):
            li = an_expert("李工", mobile=LI)
            running = [a_callout(an_incident(), asks=[li]) for _ in range(asks)]
            sender.run_once()
            codes = {"": "", "wrong": "0999"} | {
                name: code(callout, li) for name, callout in zip(("first", "second"), running, strict=False)
            }
            for text, named in texts:
                before = [status_of(callout, li) for callout in running]
                inbound = hear(talking, f"{text} {codes.get(named, '0999')}")
                after = [status_of(callout, li) for callout in running]
                changed = [number for number in range(asks) if before[number] != after[number]]
                assert len(changed) <= 1
                if changed:
                    assert inbound.result == "answered"
                    assert named in (("first", "second")[changed[0] : changed[0] + 1] or "") or (
                        named == "" and (before.count("asked") == 1 or asks == 1)
                    )
            transaction.set_rollback(True)


# When it is over ------------------------------------------------------------------------------------


def test_who_accepts_after_the_end_is_told_once_that_it_is_over(callout, li, phone):
    callouts.stop(callout, reason="处置完毕", release_accepted=True, by=OFFICER, at=NOON)

    results = [hear(phone, "1", at=NOON + minutes(1)).result for _ in range(2)]

    assert results == ["over", "over"]
    assert [text for text in told() if "已结束" in text] != []
    assert sum("已结束" in text for text in told()) == 1
    assert to_check() == []


def test_free_words_after_the_end_are_still_read_by_somebody(callout, li, phone):
    callouts.stop(callout, reason="处置完毕", release_accepted=True, by=OFFICER, at=NOON)

    hear(phone, "我已经在路上了，还要去吗", at=NOON + minutes(1))

    assert to_check() == ["我已经在路上了，还要去吗"]


# Keys on the telephone ------------------------------------------------------------------------------


@pytest.fixture
def call(monkeypatch, phone):
    """A second channel, which rings people up."""

    class Call(TalkingPhone):
        medium = Medium.VOICE

    calling = Call(code="voice")
    monkeypatch.setattr(channels, "installed", lambda: [calling, phone])
    return calling


def rung_up(callout, the_clock) -> Delivery:
    sender.run_once()
    the_clock.move(minutes(2))  # who has not answered the text message by then is rung up
    sender.run_once()
    return callout.deliveries.get(purpose=Purpose.ASK, channel="voice")


def test_a_pressed_key_is_the_answer_to_that_call_and_confirmed_in_writing(call, phone, li, the_clock):
    callout = a_callout(an_incident(), asks=[li])
    ask = rung_up(callout, the_clock)
    assert call.sent[0].text.endswith("请按键：1接受，2只能远程，3不能参加。")

    inbound = hear(call, "1", of="", reference=ask.public_id)

    assert status_of(callout, li) == "accepted"
    assert invitation_of(callout, li).answer_source == "voice"
    assert inbound.address == LI
    assert Delivery.objects.get(purpose=Purpose.NOTICE).channel == "sms"


def test_a_machine_that_takes_the_call_answers_nothing_and_bothers_nobody(call, phone, li, the_clock):
    callout = a_callout(an_incident(), asks=[li])
    ask = rung_up(callout, the_clock)

    hear(call, "", reference=ask.public_id)
    hear(call, " ", of="")

    assert status_of(callout, li) == "asked"
    assert to_check() == []


# What a person makes of it --------------------------------------------------------------------------


@pytest.fixture
def chen():
    return Actor.of(a_duty_officer())


def test_the_officer_records_what_the_words_mean(callout, li, phone, chen):
    inbound = hear(phone, "我这就过去")

    replies.record(inbound, invitation_of(callout, li), Reply.ACCEPT, by=chen, at=NOON)

    assert status_of(callout, li) == "accepted"
    assert invitation_of(callout, li).answered_by == chen.user
    inbound.refresh_from_db()
    assert (inbound.handled_as, inbound.handled_by) == ("accept", chen.user)
    assert to_check() == []


def test_two_officers_do_not_both_handle_a_reply(callout, li, phone, chen):
    inbound = hear(phone, "我这就过去")
    replies.leave(inbound, by=chen, at=NOON)

    with pytest.raises(AlreadyHandled):
        replies.record(inbound, invitation_of(callout, li), Reply.ACCEPT, by=chen, at=NOON)
    with pytest.raises(AlreadyHandled):
        replies.leave(inbound, by=chen, at=NOON)

    assert status_of(callout, li) == "asked"


def test_what_the_program_took_itself_is_not_handled_again(callout, li, phone, chen):
    inbound = hear(phone, "1")

    with pytest.raises(AlreadyHandled):
        replies.record(inbound, invitation_of(callout, li), Reply.DECLINE, by=chen, at=NOON)


def test_a_reply_answers_only_for_whom_was_asked_at_that_number(callout, phone, chen):
    wang = an_expert("王工", mobile=WANG)
    theirs = a_callout(an_incident(), asks=[wang])
    sender.run_once()
    inbound = hear(phone, "我这就过去")

    with pytest.raises(NotTheirs):
        replies.record(inbound, invitation_of(theirs, wang), Reply.ACCEPT, by=chen, at=NOON)


def test_left_alone_it_answers_nothing(callout, li, phone, chen):
    replies.leave(hear(phone, "哈哈"), by=chen, at=NOON)

    assert to_check() == []
    assert status_of(callout, li) == "asked"


def test_an_incident_that_is_closed_takes_no_answer_from_a_reply(callout, li, phone, chen):
    inbound = hear(phone, "我这就过去")
    closing.close_incident(callout.incident, outcome="处置完毕", by=OFFICER, at=NOON)

    with pytest.raises(CalloutOver):
        replies.record(inbound, invitation_of(callout, li), Reply.ACCEPT, by=chen, at=NOON)

    assert to_check() == ["我这就过去"]


def test_whatever_the_text_it_is_kept_as_far_as_a_database_keeps_it(callout, li, phone):
    inbound = hear(phone, "1\x00\ud800" + "长" * 5000, event="e\x00")

    assert inbound.result == "unclear"
    assert len(Inbound.objects.get(pk=inbound.pk).body["text"]) == 1000
