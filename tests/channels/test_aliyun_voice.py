"""Calls by Aliyun: what is read out, which keys answer, and that a machine which takes a call has not answered."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from coordination.channels import (
    Accepted,
    Ambiguous,
    CannotLookUp,
    Forged,
    Receipt,
    Rejected,
    ReplyReceived,
    Unreadable,
)
from coordination.channels.aliyun_voice import AliyunVoiceChannel
from coordination.channels.options import WrongOption
from coordination.paging import Medium, Purpose
from coordination.simulation.aliyun import AliyunVoice
from tests.channels.vendors import (
    EVERY_FAULT,
    REFERENCE,
    SECRET,
    a_message,
    events,
    made,
    pushed,
    simulated,
    taken,
    tell,
    what_a_fault_comes_to,
)

pytestmark = pytest.mark.usefixtures("no_proxy")

TEMPLATES = {
    "TTS_1": "${who}，${where}发生${what}，请在${until}前按键答复，${digits}。",
    "TTS_2": "${who}，${what}。",
}
ASK = {
    "template": "TTS_1",
    "who": "{who}",
    "what": "{what}",
    "where": "{where}",
    "until": "{answer_by}",
    "digits": "{digits}",
}
OUT_ID = REFERENCE.hex[:15]


@pytest.fixture
def provider(tmp_path):
    return AliyunVoice(tmp_path / "aliyun.jsonl", templates=TEMPLATES)


@pytest.fixture
def host(provider):
    with simulated(provider) as host:
        yield host


def a_channel(host: str = "127.0.0.1:9", **options: object) -> AliyunVoiceChannel:
    return made(
        AliyunVoiceChannel.of,
        {
            "kind": "aliyun_voice",
            "access_key_id": "test-key",
            "access_key_secret": "test-secret",
            "caller": "031187654321",
            "key_heard": "TTS_9",
            "endpoint": host,
            "plain_http": True,
            "secret": SECRET,
            "ask": ASK,
            "any": {"template": "TTS_2", "who": "{who}", "what": "{what}"},
            **options,
        },
    )


def record(**said: str) -> list[dict[str, str]]:
    return [
        {"call_id": "1^1", "out_id": OUT_ID, "status_code": "200000", "end_time": "2026-11-24 14:20:00"}
        | said
    ]


# --- what it asks ---------------------------------------------------------------------------------


def test_an_ask_is_read_out_and_three_keys_answer(provider, host):
    outcome = a_channel(host).send(a_message())

    assert outcome == Accepted("m1^1")
    (asked,) = provider.requests
    assert json.loads(asked.pop("StartTtsParams"))["until"] == "11月18日14点30分"
    assert asked == {
        "Action": "IvrCall",
        "CalledNumber": "13812341234",
        "CalledShowNumber": "031187654321",
        "StartCode": "TTS_1",
        "PlayTimes": "3",
        "Timeout": "10000",
        "OutId": OUT_ID,
        **{f"MenuKeyMap.{n}.Key": str(n) for n in (1, 2, 3)},
        **{f"MenuKeyMap.{n}.Code": "TTS_9" for n in (1, 2, 3)},
    }


def test_what_asks_nothing_is_only_read_out(provider, host):
    a_channel(host).send(a_message(purpose=Purpose.STAND_DOWN))
    (asked,) = provider.requests
    assert (asked["Action"], asked["TtsCode"]) == ("SingleCallByTts", "TTS_2")


def test_a_landline_can_be_rung_up_too(provider, host):
    a_channel(host).send(a_message(address="+8631187654321"))
    assert provider.requests[0]["CalledNumber"] == "031187654321"


def test_no_more_of_our_reference_goes_along_than_there_is_room_for():
    assert len(OUT_ID.encode()) == 15


# --- what it makes of the answers -----------------------------------------------------------------


@EVERY_FAULT
def test_every_fault_of_the_provider_has_the_outcome_that_is_true(provider, host, fault, expected, is_taken):
    outcome = what_a_fault_comes_to(a_channel(host, time_out=1.0), a_message(), provider, host, fault)
    assert isinstance(outcome, expected)
    assert len(taken(provider)) == is_taken
    assert not isinstance(outcome, Rejected) or outcome.permanent == (fault == "refuse")


def test_a_call_cannot_be_asked_about_but_is_not_made_twice_in_a_minute(host):
    channel = a_channel(host, time_out=1.0)
    tell(host, "next", faults=["reset_after"])
    assert isinstance(channel.send(a_message()), Ambiguous)
    with pytest.raises(CannotLookUp):
        channel.look_up(a_message())

    again = channel.send(a_message())

    assert isinstance(again, Rejected) and not again.permanent
    assert "分钟级" in again.reason


def test_the_limits_of_the_vendor_are_known_beforehand():
    limits = {one.period: one.count for one in a_channel().caps.per_address}
    assert limits == {timedelta(minutes=1): 1, timedelta(hours=1): 5, timedelta(days=1): 20}
    assert (a_channel().medium, a_channel().caps.looks_up) == (Medium.VOICE, False)


# --- what comes back ------------------------------------------------------------------------------


def test_a_key_is_an_answer_to_the_call_in_which_it_was_pressed(provider, host):
    channel = a_channel(host)
    tell(host, "behaviour", habits=[{"answer": "1", "after": 0.0}])
    channel.send(a_message())
    (report,) = events(provider, "replies")

    (reply,) = channel.parse_reply(pushed(report))

    assert reply == ReplyReceived("m1^1:1", "", "1", reference=OUT_ID, message_id="m1^1")


def test_the_same_key_in_the_record_of_the_call_is_no_second_answer():
    receipt, key = a_channel().parse_receipt(pushed(record(dtmf="2")))
    (heard,) = a_channel().parse_reply(pushed(record(status_code="300000", dtmf="2")))
    assert key == heard
    assert isinstance(receipt, Receipt) and receipt.delivered


def test_what_else_happens_in_a_call_says_nothing():
    for status in ("200101", "200201", "200102", "200100"):
        assert a_channel().parse_reply(pushed(record(status_code=status))) == []


def test_that_a_call_was_taken_is_no_answer(provider, host):
    channel = a_channel(host)
    channel.send(a_message())
    (report,) = events(provider, "receipts")
    (receipt,) = channel.parse_receipt(pushed(report))
    assert (receipt.delivered, receipt.reference, receipt.message_id) == (True, OUT_ID, "m1^1")


def test_a_mailbox_that_takes_a_call_has_not_even_been_reached(provider, host):
    tell(host, "console", machines=["13812341234"])
    tell(host, "behaviour", habits=[{"answer": "1", "after": 0.0}])
    channel = a_channel(host)
    channel.send(a_message())
    (report,) = events(provider, "receipts")
    (receipt,) = channel.parse_receipt(pushed(report))
    assert (receipt.delivered, receipt.reason) == (False, "语音信箱或语音助手接听（200000）")
    assert not [one for one in provider._events if one["list"] == "replies"]


@pytest.mark.parametrize(
    ("said", "delivered", "reason"),
    [
        ({"status_code": "200001"}, True, ""),
        ({"status_code": "200008"}, True, ""),
        ({"status_code": "200003"}, False, "未接听（200003）"),
        ({"status_code": "200005", "early_media_code": "200010"}, False, "关机（200005）"),
        (
            {"status_code": "200000", "smart_status_code": "CALL_FORWARDING"},
            False,
            "转移到秘书台或助理（200000）",
        ),
        ({"status_code": "999999", "status_msg": "系统错误"}, False, "系统错误（999999）"),
    ],
)
def test_how_a_call_ended_is_said_in_words(said, delivered, reason):
    (receipt,) = a_channel().parse_receipt(pushed(record(**said)))
    assert isinstance(receipt, Receipt)
    assert (receipt.delivered, receipt.reason) == (delivered, reason)


def test_what_cannot_be_read_or_comes_from_elsewhere_is_not_taken():
    channel = a_channel(allow_from="203.0.113.0/24")
    with pytest.raises(Forged):
        channel.parse_receipt(pushed(record()))
    with pytest.raises(Unreadable):
        channel.parse_receipt(pushed([{"call_id": "1"}], remote="203.0.113.1"))


# --- its check and its options --------------------------------------------------------------------


def test_a_check_finds_out_whether_our_key_is_taken(host):
    assert all(one.ok for one in a_channel(host).check())
    (finding,) = a_channel(host, access_key_secret="wrong").check()
    assert not finding.ok and "SignatureDoesNotMatch" in finding.words.zh


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"caller": ""}, "caller"),
        ({"key_heard": ""}, "key_heard"),
        ({"play_times": 9}, "play_times"),
        ({"ask": {"template": "TTS_1"}}, "演练"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_option_is_refused_with_its_name(options, said):
    with pytest.raises(WrongOption, match=said):
        a_channel(**options)


def test_without_an_address_for_keys_none_are_offered():
    channel = a_channel(secret="", key_heard="")
    assert not channel.caps.takes_replies
    assert channel.send(a_message(UUID(int=1))).reason.startswith("连不上阿里云")
