"""The SMS gateway channel: what it asks, and what it makes of every way to answer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from coordination import channels
from coordination.channels import Accepted, Ambiguous, CannotLookUp, Message, Rejected
from coordination.channels.http_sms import HttpSmsChannel
from coordination.channels.options import Options, WrongOption
from coordination.channels.shapes import LONGEST_TIME_OUT, dialled
from coordination.deliveries import LEASE
from coordination.simulation.server import Reply, Request, Reset, in_a_thread
from tests.moments import NOON

REFERENCE = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
SECRET = "a-secret-of-20-letters"


def a_channel(**options: object) -> HttpSmsChannel:
    given = Options(1, {"kind": "http_sms", "url": "http://gateway.example/send", **options})
    given.get("kind", "")
    channel = HttpSmsChannel.of(given)
    given.refuse_unknown()
    return channel


def a_message(text: str = "王工：请答复。", link: str = "", address: str = "+8613812341234") -> Message:
    return Message(
        reference=REFERENCE,
        recipient="王工",
        address=address,
        subject="请您赴现场支援",
        text=text,
        link=link,
        first_tried_at=NOON,
    )


@dataclass
class Gateway:
    """Answers as it is told and keeps what it was asked."""

    replies: list[Reply | type[Reset]] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    async def handle(self, request: Request) -> Reply:
        self.asked.append(request)
        reply = self.replies.pop(0) if self.replies else Reply.json({"status": "accepted", "id": "m1"})
        if not isinstance(reply, Reply):
            raise reply
        return reply

    @contextlib.contextmanager
    def open(self) -> Iterator[str]:
        with in_a_thread(self.handle) as address:
            yield address


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def address(gateway):
    with gateway.open() as address:
        yield address


# --- what it asks ---------------------------------------------------------------------------------


def test_without_options_it_sends_the_shape_of_the_simulator(gateway, address, settings):
    settings.MUSTER_BASE_URL = "https://muster.example/"
    channel = a_channel(url=f"{address}/send", secret=SECRET)

    assert channel.send(a_message("请答复：", "https://m.example/a/x/")) == Accepted("m1")

    (asked,) = gateway.asked
    assert (asked.method, asked.path) == ("POST", "/send")
    assert json.loads(asked.body) == {
        "reference": str(REFERENCE),
        "to": "+8613812341234",
        "text": "请答复：https://m.example/a/x/",
        "receipt_url": f"https://muster.example/callbacks/http_sms/{SECRET}/receipts/",
    }


def test_a_form_is_written_in_the_character_set_of_the_gateway(gateway, address):
    channel = a_channel(
        url=f"{address}/sms",
        encoding="form",
        charset="gbk",
        fields={"mobile": "{address}", "content": "{text}"},
        address_form="national",
        accepted_if={".": "^0$"},
    )
    gateway.replies = [Reply(body=b"0", kind="text/plain")]

    assert isinstance(channel.send(a_message("集结")), Accepted)
    assert gateway.asked[0].body == b"mobile=13812341234&content=%BC%AF%BD%E1"


def test_a_query_is_added_to_what_stands_in_the_address(gateway, address):
    channel = a_channel(
        url=f"{address}/send?user=muster",
        method="GET",
        encoding="query",
        fields={"to": "{address}", "text": "{text}"},
        accepted_if={".": "^0:"},
    )
    gateway.replies = [Reply(202, b"0: Accepted for delivery", "text/plain")]

    assert channel.send(a_message("是&否")) == Accepted(str(REFERENCE))
    assert gateway.asked[0].query == {"user": "muster", "to": "+8613812341234", "text": "是&否"}


def test_a_body_of_its_own_is_filled_without_breaking_its_quotes(gateway, address):
    channel = a_channel(
        url=address,
        body='{"messages": [{"to": ["{address}"], "id": "{reference_hex}", "text": "{text}"}]}',
        headers={"Authorization": "App key"},
        accepted_if={"messages.0.status": "^OK$"},
        message_id="messages.0.id",
    )
    gateway.replies = [Reply.json({"messages": [{"status": "OK", "id": 77}]})]

    assert channel.send(a_message('他说"来"\n\\')) == Accepted("77")
    (one,) = json.loads(gateway.asked[0].body)["messages"]
    assert one == {"to": ["+8613812341234"], "id": REFERENCE.hex, "text": '他说"来"\n\\'}
    assert gateway.asked[0].headers["authorization"] == "App key"


@pytest.mark.parametrize(
    ("form", "kept", "asked_for"),
    [
        ("e164", "+8613812341234", "+8613812341234"),
        ("digits", "+8613812341234", "8613812341234"),
        ("international", "+8613812341234", "008613812341234"),
        ("national", "+8613812341234", "13812341234"),
        ("national", "+8631187654321", "031187654321"),
        ("national", "+14155552671", "0014155552671"),
        ("national", "12350", "12350"),
    ],
)
def test_a_number_is_written_as_the_gateway_wants_it(form, kept, asked_for):
    assert dialled(kept, form) == asked_for


def test_a_text_that_is_too_long_keeps_its_link_and_how_to_answer(gateway, address):
    channel = a_channel(url=address, parts_at_most=2)
    assert channel.caps.text_at_most == 134
    text = "王工：" + "某厂发生火灾。" * 40 + "1接受，2只能远程，3不能参加。点链接答复："
    link = "https://muster.example/a/AAAAAAAAAAAAAAAAAAAAAA/"

    channel.send(a_message(text, link))

    sent = json.loads(gateway.asked[0].body)["text"]
    assert len(sent) <= 134
    assert sent.startswith("王工：某厂发生火灾")
    assert sent.endswith(f"1接受，2只能远程，3不能参加。点链接答复：{link}")


# --- what it makes of the answer ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        pytest.param(Reply.json({"status": "accepted", "id": "m1"}), Accepted("m1"), id="taken"),
        pytest.param(Reply.json({"status": "accepted"}, 202), Accepted(str(REFERENCE)), id="taken, without a name"),
        pytest.param(
            Reply.json({"status": "rejected", "reason": "空号"}),
            Rejected(True, "短信网关拒绝（200）：空号"),
            id="an error inside of a 200 is a failure",
        ),
        pytest.param(
            Reply.json({"status": "busy", "reason": "流控"}),
            Rejected(False, "短信网关拒绝（200）：流控"),
            id="too busy now, inside of a 200",
        ),
        pytest.param(Reply(400, b"bad number"), Rejected(True, "短信网关拒绝（400）：bad number"), id="no such number"),
        pytest.param(Reply(401, b"who?"), Rejected(False, "短信网关拒绝（401）：who?"), id="a wrong password"),
        pytest.param(Reply(429, b""), Rejected(False, "短信网关拒绝（429）："), id="too many"),
        pytest.param(Reply(503, b""), Rejected(False, "短信网关拒绝（503）："), id="closed for now"),
        pytest.param(
            Reply(302, b"", headers={"Location": "http://169.254.169.254/"}),
            Rejected(False, "短信网关拒绝（302）："),
            id="a redirect is not followed",
        ),
        pytest.param(
            Reply(500, b"oops"), Ambiguous("短信网关的回答看不懂（500）：oops"), id="broken inside, perhaps after taking it"
        ),
        pytest.param(
            Reply.json({"status": "accepted", "reason": "x"}, 500),
            Ambiguous("短信网关的回答看不懂（500）：x"),
            id="broken inside, although it says that it took it",
        ),
        pytest.param(Reply(504, b""), Ambiguous("短信网关的回答看不懂（504）："), id="a proxy that got no answer"),
        pytest.param(
            Reply(200, b"<p>", "text/html"), Ambiguous("短信网关的回答看不懂（200）：<p>"), id="something else altogether"
        ),
        pytest.param(Reply.json([1]), Ambiguous("短信网关的回答看不懂（200）：[1]"), id="JSON of another form"),
    ],
)  # fmt: skip
def test_every_answer_has_its_outcome(gateway, address, reply, outcome):
    gateway.replies = [reply]
    assert a_channel(url=address).send(a_message()) == outcome


def test_an_answer_that_breaks_off_leaves_it_open(gateway, address):
    gateway.replies = [Reply(body=b'{"status": "accepted"}', half=True)]
    assert isinstance(a_channel(url=address).send(a_message()), Ambiguous)


def test_a_reset_after_asking_leaves_it_open(gateway, address):
    gateway.replies = [Reset]
    assert isinstance(a_channel(url=address).send(a_message()), Ambiguous)


def test_a_gateway_that_is_not_there_has_certainly_not_taken_it():
    outcome = a_channel(url="http://127.0.0.1:9/send").send(a_message())
    assert isinstance(outcome, Rejected)
    assert not outcome.permanent


def test_a_pattern_takes_the_name_out_of_a_text(gateway, address):
    channel = a_channel(url=address, accepted_if={".": "^OK"}, message_id_pattern=r"^OK: (\w+)")
    gateway.replies = [Reply(body=b"OK: abc123", kind="text/plain")]
    assert channel.send(a_message()) == Accepted("abc123")


def test_to_ask_and_then_to_send_ends_before_the_lease_does():
    assert LEASE.total_seconds() > 2 * LONGEST_TIME_OUT


# --- asking about an earlier attempt --------------------------------------------------------------


def test_without_an_address_to_ask_at_nobody_can_tell():
    with pytest.raises(CannotLookUp):
        a_channel().look_up(a_message())


def test_it_asks_by_our_own_reference_and_the_day(gateway, address):
    channel = a_channel(
        url=address, look_up_url=f"{address}/messages?ref={{reference}}&to={{address}}&day={{first_tried_on}}"
    )
    gateway.replies = [Reply.json({"id": "m9"})]

    assert channel.look_up(a_message()) == "m9"
    assert gateway.asked[0].query == {"ref": str(REFERENCE), "to": "+8613812341234", "day": "20261124"}


def test_only_a_clear_no_is_a_no(gateway, address):
    channel = a_channel(
        url=address, look_up_url=f"{address}/?r={{reference}}", look_up_unknown_if={"code": "^NOT_FOUND$"}
    )
    gateway.replies = [Reply(404), Reply.json({"code": "NOT_FOUND"})]
    assert channel.look_up(a_message()) is None
    assert channel.look_up(a_message()) is None

    for unclear in (Reply(500), Reply(200, b"<html>"), Reply.json({"id": None}), Reset):
        gateway.replies = [unclear]
        with pytest.raises(CannotLookUp):
            channel.look_up(a_message())


def test_a_gateway_that_learns_late_is_asked_again_after_a_moment(gateway, address):
    channel = a_channel(url=address, look_up_url=f"{address}/?r={{reference}}", look_up_settles=0.05)
    gateway.replies = [Reply(404), Reply.json({"id": "m9"})]
    assert channel.look_up(a_message()) == "m9"


# --- the check, and the options -------------------------------------------------------------------


def test_the_check_names_a_simulator(address):
    findings = a_channel(url=f"{address}/send", check_url=f"{address}/balance").check()
    assert [finding.ok for finding in findings] == [False, True]
    assert "模拟" in findings[0].words.zh


def test_the_check_says_when_nobody_answers():
    (finding,) = a_channel(url="http://127.0.0.1:9/send").check()
    assert not finding.ok


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"url": ""}, "url"),
        ({"url": "gateway.example/send"}, "url"),
        ({"encoding": "xml"}, "encoding"),
        ({"charset": "latin-1"}, "charset"),
        ({"charset": "nonsense"}, "charset"),
        ({"callback_charset": "latin-1"}, "callback_charset"),
        ({"time_out": 44.0}, "time_out"),
        ({"address_form": "local"}, "address_form"),
        ({"secret": "short"}, "secret"),
        ({"fields": {"to": "{adress}"}, "accepted_if": {".": ""}}, "fields.to"),
        ({"fields": {"to": "{address}"}}, "accepted_if"),
        ({"body": '{"to": {address}}', "accepted_if": {".": ""}}, "body"),
        ({"body": "{}", "fields": {"to": "1"}, "accepted_if": {".": ""}}, "body"),
        ({"fields": {"dlr": "{receipt_url}"}, "accepted_if": {".": ""}}, "secret"),
        ({"accepted_if": {"code": "("}}, "accepted_if.code"),
        ({"temporary_status": "5xx"}, "temporary_status"),
        ({"per_address": "one a minute"}, "per_address"),
        ({"look_up_settles": 10.0}, "look_up_settles"),
        ({"parts_at_most": -1}, "parts_at_most"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, named):
    with pytest.raises(WrongOption) as refused:
        a_channel(**options)
    assert f"的 {named}：" in refused.value.zh


def test_what_it_can_do_comes_from_its_options():
    channel = a_channel(
        secret=SECRET, look_up_url="http://gateway.example/q?r={reference}", per_address="1/m, 50/d", per_second=20
    )  # fmt: skip
    caps = channel.caps
    assert (caps.looks_up, caps.sends_receipts, caps.takes_replies) == (True, True, True)
    assert [(limit.count, limit.period.total_seconds()) for limit in caps.per_address] == [
        (1, 60),
        (50, 86400),
    ]
    assert caps.per_second == 20
    assert channel.secret == SECRET
    assert not a_channel().caps.takes_replies


def test_it_is_installed_by_the_file_of_channels(settings):
    settings.MUSTER_MODE = "live"
    settings.MUSTER_CHANNELS = [{"kind": "http_sms", "code": "sms-1", "url": "http://gateway.example/send"}]
    (channel,) = channels.installed()
    assert (channel.code, channel.zh) == ("sms-1", "短信")
