"""What providers call: nothing is there without the secret, and what is there is taken once."""

from __future__ import annotations

import json
import logging
import re
from urllib.parse import urlencode

import pytest
from django.test import Client

from coordination import channels, receipts, sender
from coordination.channels import Accepted
from coordination.channels.http_sms import HttpSmsChannel
from coordination.channels.options import Options
from coordination.models import Delivery, Inbound
from coordination.paging import Purpose
from ground import installation
from ground.models import AuditEntry, Mode
from tests.factories import a_callout, an_expert, an_incident, status_of
from tests.moments import NOON

pytestmark = pytest.mark.django_db
SECRET = "s3cret-of-the-gateway"
LI = "+8613900000001"


def a_gateway(**options: object) -> HttpSmsChannel:
    given = {"url": "http://gateway.example/send", "code": "sms", "secret": SECRET, **options}
    return HttpSmsChannel.of(Options(1, given))


@pytest.fixture
def install(monkeypatch, the_clock):
    def install(*gateways: HttpSmsChannel) -> None:
        for gateway in gateways:
            monkeypatch.setattr(gateway, "send", lambda message: Accepted(f"m-{message.reference}"))
        monkeypatch.setattr(channels, "installed", lambda: list(gateways))

    install(a_gateway())
    return install


@pytest.fixture
def li(install):
    return an_expert("李工", mobile=LI)


@pytest.fixture
def callout(li):
    callout = a_callout(an_incident(), asks=[li])
    sender.run_once()
    return callout


@pytest.fixture
def provider() -> Client:
    return Client(enforce_csrf_checks=True)


def ask_of(callout) -> Delivery:
    return callout.deliveries.filter(purpose=Purpose.ASK).earliest("pk")


def page(answer) -> str:
    """The page without what differs each time it is made, its own address included."""
    return re.sub(r'nonce="[^"]+"|(content|value)="(\w{64}|/[^"]*)"', "", answer.content.decode())


def form(provider: Client, address: str, said: dict[str, object]):
    return provider.post(address, urlencode(said), content_type="application/x-www-form-urlencoded")


def at(what: str, *, code: str = "sms", secret: str = SECRET) -> str:
    return f"/callbacks/{code}/{secret}/{what}/"


def post(provider: Client, address: str, said: object, **headers):
    return provider.post(address, json.dumps(said), content_type="application/json", **headers)


def a_receipt(callout, event: str = "r1", status: str = "delivered") -> dict[str, object]:
    return {"event_id": event, "reference": str(ask_of(callout).public_id), "status": status}


def a_reply(text: str = "1", event: str = "mo1") -> dict[str, str]:
    return {"event_id": event, "from": "13900000001", "text": text}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_reply_in_gbk_is_understood(install, provider, callout, li, method):
    install(a_gateway(charset="gb18030"))
    written = urlencode({"event_id": "mo1", "from": "13900000001", "text": "不能参加"}, encoding="gb18030")

    if method == "get":
        said = provider.get(f"{at('replies')}?{written}")
    else:
        said = provider.post(at("replies"), written, content_type="application/x-www-form-urlencoded")

    assert said.status_code == 200
    assert status_of(callout, li) == "declined"


def test_a_receipt_is_taken_once_and_answered_well_every_time(callout, provider):
    answers = [post(provider, at("receipts"), a_receipt(callout)) for _ in range(3)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"OK")] * 3
    assert ask_of(callout).status == "delivered"
    assert Inbound.objects.count() == 1


def test_a_reply_is_the_answer(callout, li, provider):
    answer = post(provider, at("replies"), a_reply())

    assert answer.status_code == 200
    assert status_of(callout, li) == "accepted"


def test_a_gateway_may_call_with_everything_in_the_address(callout, li, provider):
    provider.get(at("receipts"), a_receipt(callout))
    provider.get(at("replies"), a_reply())

    assert ask_of(callout).status == "delivered"
    assert status_of(callout, li) == "accepted"


def test_a_gateway_may_send_a_form_even_with_what_no_keyboard_types(callout, li, provider):
    form(provider, at("receipts"), a_receipt(callout))
    answer = form(provider, at("replies"), a_reply("1\x00"))

    assert answer.status_code == 200
    assert ask_of(callout).status == "delivered"
    assert status_of(callout, li) == "accepted"


def test_the_provider_hears_what_it_wants_to_hear(callout, provider, install):
    gateway = a_gateway()
    gateway.callback_answer = '{"code":0}'
    install(gateway)

    answer = post(provider, at("receipts"), a_receipt(callout))

    assert answer.json() == {"code": 0}


def test_it_needs_no_session_and_begins_none(callout, provider):
    answer = post(provider, at("replies"), a_reply())

    assert not answer.cookies
    assert answer["Cache-Control"] == "no-store"


# Without the secret ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "secret"),
    [
        pytest.param("sms", "wrong-secret-of-the-gateway", id="a wrong secret"),
        pytest.param("sms", SECRET[:-1], id="most of the secret"),
        pytest.param("sms", SECRET + "x", id="more than the secret"),
        pytest.param("sms", "密", id="no plain letters"),
        pytest.param("nobody", SECRET, id="no such channel"),
        pytest.param("mute", "-" * 32, id="a channel that is not called back"),
        pytest.param("other", SECRET, id="another channel's secret"),
    ],
)
@pytest.mark.parametrize("what", ["receipts", "replies"])
def test_without_the_secret_there_is_nothing_here(callout, li, provider, install, code, secret, what):
    install(
        a_gateway(), a_gateway(code="mute", secret=""), a_gateway(code="other", secret="another-secret-1234")
    )
    said = a_receipt(callout, status="failed") | a_reply()
    nowhere = provider.get("/there/is/nothing/here/")

    for answer in (post(provider, at(what, code=code, secret=secret), said),
                   provider.get(at(what, code=code, secret=secret), said)):  # fmt: skip
        assert answer.status_code == 404
        assert page(answer) == page(nowhere)
    assert (ask_of(callout).status, status_of(callout, li)) == ("sent", "asked")
    assert Inbound.objects.count() == 0


def test_in_a_demo_nobody_calls_back(provider, settings):
    assert settings.MUSTER_MODE == "demo"
    assert provider.get(at("receipts", code="inbox", secret="-" * 32)).status_code == 404
    assert provider.get("/callbacks/inbox//receipts/").status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "head"])
def test_nothing_else_can_be_done_there(callout, provider, method):
    assert getattr(provider, method)(at("receipts")).status_code == 405


def test_no_secret_comes_into_the_log(callout, provider, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    post(provider, at("replies"), {"nothing": "known"})
    post(provider, at("receipts"), "x" * 300_000)
    monkeypatch.setattr(receipts, "take", _breaks)
    post(provider, at("receipts"), a_receipt(callout))

    assert SECRET not in caplog.text
    assert LI not in caplog.text


def _breaks(*_arguments, **_named):
    raise RuntimeError("broken")


# What cannot be taken -------------------------------------------------------------------------------


def test_from_a_foreign_network_there_is_nothing_here_and_the_audit_trail_says_who_tried(
    callout, li, provider, install
):
    installation.begin(Mode.DEMO, sender_name="演示", at=NOON)
    install(a_gateway(allow_from="192.0.2.0/24"))

    for _ in range(3):
        answer = post(provider, at("replies"), a_reply(), REMOTE_ADDR="203.0.113.9")
        assert answer.status_code == 404

    assert status_of(callout, li) == "asked"
    (entry,) = AuditEntry.objects.filter(action="callback.forged")
    assert (entry.actor_label, entry.details["channel"]) == ("203.0.113.9", "sms")
    assert post(provider, at("replies"), a_reply(), REMOTE_ADDR="192.0.2.7").status_code == 200
    assert status_of(callout, li) == "accepted"


def test_behind_our_proxy_the_address_that_it_saw_counts(callout, provider, install, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    install(a_gateway(allow_from="192.0.2.0/24"))
    invented = "192.0.2.7, 203.0.113.9"

    answer = post(
        provider, at("receipts"), a_receipt(callout), REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=invented
    )

    assert answer.status_code == 404


def test_an_unreadable_reply_is_refused_and_kept_once_for_a_person(callout, provider):
    answers = [post(provider, at("replies"), {"what": "1，我是李工"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [400, 400]
    (kept,) = Inbound.objects.to_check()
    assert (kept.kind, kept.provider) == ("unreadable", "sms")
    assert "李工" in json.loads(kept.body["text"])["what"]


def test_an_unreadable_receipt_is_refused_and_nobody_is_bothered(callout, provider):
    assert post(provider, at("receipts"), {"what": 1}).status_code == 400
    assert Inbound.objects.count() == 0


def test_too_long_a_call_is_refused(callout, provider):
    assert post(provider, at("receipts"), "x" * 300_000).status_code == 413


def test_one_event_that_cannot_be_applied_stops_no_other_and_is_called_for_again(
    callout, provider, install, monkeypatch
):
    install(a_gateway(receipt={"list": "reports"}))
    take = receipts.take

    def broken_for_the_first(channel, receipt, **named):
        if receipt.event_id == "r1":
            raise RuntimeError("broken")
        return take(channel, receipt, **named)

    monkeypatch.setattr(receipts, "take", broken_for_the_first)
    said = {"reports": [a_receipt(callout, "r1", "failed"), a_receipt(callout, "r2")]}
    assert post(provider, at("receipts"), said).status_code == 500
    assert ask_of(callout).status == "delivered"

    monkeypatch.setattr(receipts, "take", take)
    assert post(provider, at("receipts"), said).status_code == 200
    assert ask_of(callout).status == "delivered"
    assert Inbound.objects.count() == 2


def test_a_channels_own_fault_is_called_for_again_and_the_reply_is_kept(callout, provider, install):
    gateway = a_gateway()
    gateway.parse_reply = _breaks
    install(gateway)

    assert post(provider, at("replies"), a_reply()).status_code == 500
    assert Inbound.objects.to_check().count() == 1
