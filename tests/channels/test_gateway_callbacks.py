"""What a gateway calls back with: receipts and replies, in the form that was agreed, from where it may come."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.channels import Callback, Forged, Receipt, ReplyReceived, Unreadable
from coordination.channels.http_sms import HttpSmsChannel
from coordination.channels.options import Options, WrongOption
from coordination.simulation.server import Reply, in_a_thread
from tests.moments import NOON

REFERENCE = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
KANNEL = {
    "receipt": {"status": "status", "event_id": ""},
    "receipt_delivered": "^1$",
    "receipt_failed": "^(2|16)$",
    "reply": {"event_id": "id", "address": "from", "text": "text"},
}


def a_channel(**options: object) -> HttpSmsChannel:
    return HttpSmsChannel.of(Options(1, {"url": "http://gateway.example/send", **options}))


def posted(content: object, remote: str = "192.0.2.7") -> Callback:
    return Callback("POST", {}, {"content-type": "application/json"}, json.dumps(content).encode(), remote)


def got(**query: str) -> Callback:
    return Callback("GET", query, {}, b"", "192.0.2.7")


def test_a_receipt_in_the_default_shape():
    said = {"event_id": "r1", "reference": str(REFERENCE), "message_id": "m1", "status": "failed", "reason": "关机",
            "sequence": 3}  # fmt: skip
    assert a_channel().parse_receipt(posted(said)) == [Receipt("r1", False, "关机", REFERENCE, "m1", 3)]


def test_a_reply_in_the_default_shape_has_its_number_as_we_keep_it():
    said = {"event_id": "p1", "from": "13812341234", "text": " 1 "}
    assert a_channel().parse_reply(posted(said)) == [ReplyReceived("p1", "+8613812341234", "1")]


def test_a_sequence_that_is_no_number_counts_for_nothing():
    for written in ("9" * 5000, "-1", "x", "１２", None, [3]):
        said = {"event_id": "r1", "message_id": "m1", "status": "failed", "sequence": written}
        assert a_channel().parse_receipt(posted(said))[0].sequence == 0


def test_a_list_brings_several_and_one_that_cannot_be_read_does_not_stop_the_others():
    reports = [{"event_id": "r1", "message_id": "m1", "status": "delivered"}, {"event_id": "r2"}, "?",
               {"event_id": "r3", "message_id": "m3", "status": "failed"}]  # fmt: skip
    channel = a_channel(receipt={"list": "reports"})
    assert [one.event_id for one in channel.parse_receipt(posted({"reports": reports}))] == ["r1", "r3"]
    assert [one.event_id for one in a_channel().parse_receipt(posted(reports))] == ["r1", "r3"]


def test_kannel_says_it_in_the_query():
    channel = a_channel(**KANNEL)
    (receipt,) = channel.parse_receipt(got(reference=str(REFERENCE), status="1"))
    assert (receipt.reference, receipt.delivered) == (REFERENCE, True)
    (receipt,) = channel.parse_receipt(got(reference=str(REFERENCE), status="16", reason="NACK/11"))
    assert (receipt.delivered, receipt.reason) == (False, "NACK/11")
    assert channel.parse_reply(got(id="7c1", text="3", **{"from": "+8613812341234"})) == [
        ReplyReceived("7c1", "+8613812341234", "3")
    ]


@pytest.mark.parametrize("status", ["4", "8"])
def test_what_is_only_on_its_way_is_no_news(status):
    assert a_channel(**KANNEL).parse_receipt(got(reference=str(REFERENCE), status=status)) == []


def test_a_receipt_without_a_name_has_the_same_one_each_time_it_comes():
    channel = a_channel(**KANNEL)
    first, again, other = (
        channel.parse_receipt(got(reference=str(REFERENCE), status=status))[0].event_id for status in "112"
    )
    assert first == again != other


def test_our_own_address_may_carry_the_reference_beside_what_a_body_says():
    callback = Callback(
        "POST", {"reference": REFERENCE.hex}, {}, b'{"status": "delivered", "event_id": "r1"}'
    )
    assert a_channel().parse_receipt(callback)[0].reference == REFERENCE


def test_a_form_is_read_in_the_character_set_of_the_gateway():
    body = b"event_id=p1&from=13812341234&text=%C4%DC%C0%B4"
    callback = Callback("POST", {}, {"content-type": "application/x-www-form-urlencoded"}, body)
    assert a_channel(charset="gbk").parse_reply(callback)[0].text == "能来"


def test_what_stands_in_the_address_is_read_in_the_character_set_of_the_gateway_as_well():
    raw = "event_id=p1&from=13912345678&text=%C4%DC%C0%B4"
    callback = Callback("GET", {"text": "����"}, {}, b"", raw_query=raw)
    (reply,) = a_channel(charset="gb18030").parse_reply(callback)
    assert (reply.text, reply.address) == ("能来", "+8613912345678")


def test_a_gateway_may_call_in_another_character_set_than_it_is_asked_in():
    channel = a_channel(callback_charset="gb18030")
    body = b"event_id=p1&from=13912345678&text=%C4%DC%C0%B4"
    assert channel.parse_reply(Callback("POST", {}, {}, body))[0].text == "能来"
    raw = "event_id=p1&from=13912345678&text=%E8%83%BD%E6%9D%A5"
    assert (
        a_channel(charset="gbk", callback_charset="utf-8")
        .parse_reply(Callback("GET", {}, {}, b"", raw_query=raw))[0]
        .text
        == "能来"
    )


@pytest.mark.parametrize(
    ("remote", "may"),
    [("192.0.2.7", True), ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("2001:db8::7", True), ("192.0.2.8", False),
     ("11.0.0.1", False), ("::1", False), ("", False), ("nonsense", False)],
)  # fmt: skip
def test_callbacks_come_from_where_they_may(remote, may):
    channel = a_channel(allow_from="192.0.2.7, 10.0.0.0/8, 2001:db8::/32")
    said = {"event_id": "r1", "message_id": "m1", "status": "delivered", "from": "1"}
    if may:
        assert channel.parse_receipt(posted(said, remote))
        assert channel.parse_reply(posted(said, remote))
        return
    with pytest.raises(Forged):
        channel.parse_receipt(posted(said, remote))
    with pytest.raises(Forged):
        channel.parse_reply(posted(said, remote))


@pytest.mark.parametrize(
    "callback",
    [
        pytest.param(got(), id="nothing"),
        pytest.param(got(status="delivered", event_id="r1"), id="of no message"),
        pytest.param(posted({"message_id": "m1", "event_id": "r1"}), id="without a status"),
        pytest.param(Callback("POST", {}, {}, b'{"status": '), id="half a JSON"),
        pytest.param(Callback("POST", {}, {}, b"[" * 100_000), id="a JSON that is all brackets"),
    ],
)
def test_what_is_no_receipt_is_unreadable(callback):
    with pytest.raises(Unreadable):
        a_channel().parse_receipt(callback)


@pytest.mark.parametrize("said", [{"text": "1", "event_id": "p1"}, {"text": "1", "from": "13812341234"}])
def test_a_reply_without_sender_or_name_is_unreadable(said):
    with pytest.raises(Unreadable):
        a_channel().parse_reply(posted(said))


@given(st.binary(max_size=300), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4))
def test_whatever_comes_is_read_or_said_to_be_unreadable(body, query):
    channel = a_channel()
    for parse in (channel.parse_receipt, channel.parse_reply):
        try:
            parse(Callback("POST", query, {}, body))
        except Unreadable:
            continue


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["event_id", "status", "from", "text", "message_id", "reference", "sequence"]),
                        inner, max_size=7)))  # fmt: skip
def test_json_of_any_form_is_read_or_said_to_be_unreadable(content):
    channel = a_channel()
    for parse in (channel.parse_receipt, channel.parse_reply):
        try:
            parse(posted(content))
        except Unreadable:
            continue


def test_a_gateway_hears_the_word_that_it_waits_for():
    assert a_channel(callback_answer="SUCCESS").callback_answer == "SUCCESS"
    assert a_channel().callback_answer == "OK"


# --- fetched ----------------------------------------------------------------------------------------


def test_without_an_address_nothing_is_fetched():
    assert a_channel().pull(since=NOON) == ()


def test_receipts_and_replies_are_fetched_by_who_cannot_be_called():
    asked = []

    async def handle(request):
        asked.append(request)
        return Reply.json(
            {"receipts": [{"event_id": "r1", "message_id": "m1", "status": "delivered"}],
             "replies": [{"event_id": "p1", "from": "13812341234", "text": "1"}]}
        )  # fmt: skip

    with in_a_thread(handle) as address:
        channel = a_channel(pull_url=f"{address}/events?since={{since_epoch}}")
        assert channel.caps.takes_replies
        assert channel.pull(since=NOON) == [
            Receipt("r1", True, "", None, "m1"), ReplyReceived("p1", "+8613812341234", "1")
        ]  # fmt: skip
    assert asked[0].query["since"] == f"{NOON.timestamp():.3f}"


def test_when_nothing_can_be_fetched_it_says_so():
    with pytest.raises(Unreadable):
        a_channel(pull_url="http://127.0.0.1:9/").pull(since=NOON)

    async def broken(request):
        return Reply(500)

    with in_a_thread(broken) as address, pytest.raises(Unreadable, match="500"):
        a_channel(pull_url=address).pull(since=NOON)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"allow_from": "gateway.example"}, "allow_from"),
        ({"allow_from": "10.0.0.1/8"}, "allow_from"),
        ({"receipt": {"state": "status"}}, "receipt.state"),
        ({"reply": {"sender": "from"}}, "reply.sender"),
        ({"receipt_failed": "("}, "receipt_failed"),
        ({"pull_url": "/events"}, "pull_url"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, named):
    with pytest.raises(WrongOption) as refused:
        a_channel(**options)
    assert f"的 {named}：" in refused.value.zh
