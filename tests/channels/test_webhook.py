"""Webhooks: signed so that a receiver can trust them, and never a way into our own network."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from coordination.channels import (
    Accepted,
    Ambiguous,
    Callback,
    Forged,
    Message,
    Rejected,
    ReplyReceived,
    Unreadable,
)
from coordination.channels import exchange as exchange_module
from coordination.channels.exchange import addresses_of
from coordination.channels.guard import Guard, NotAllowed
from coordination.channels.options import Options, WrongOption
from coordination.channels.webhook import WebhookChannel
from coordination.simulation.server import Reply, Request, Reset, in_a_thread
from ground import clock
from tests.moments import NOON, minutes

REFERENCE = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
HOST = "dispatch.example.cn"
OPEN_ADDRESS = "203.0.114.7"


def a_channel(resolves_to: list[str] | None = None, **options: object) -> WebhookChannel:
    given = Options(1, {"kind": "webhook", "hosts": {HOST: SECRET}, **options})
    given.get("kind", "")
    channel = WebhookChannel.of(given)
    given.refuse_unknown()
    if resolves_to is not None:
        channel.resolve = lambda host, port: resolves_to
    return channel


def a_message(address: str = f"https://{HOST}/muster", at: datetime | None = NOON) -> Message:
    return Message(
        reference=REFERENCE,
        recipient="某救援队",
        address=address,
        subject="请出动救援",
        text="1接受，3不能参加。",
        link="https://muster.example/a/x/",
        fields={"place": "某厂"},
        at=at,
    )


class Receiver:
    def __init__(self) -> None:
        self.replies: list[Reply | type[Reset]] = []
        self.asked: list[Request] = []

    async def handle(self, request: Request) -> Reply:
        self.asked.append(request)
        reply = self.replies.pop(0) if self.replies else Reply(204)
        if not isinstance(reply, Reply):
            raise reply
        return reply


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def address(receiver):
    """The receiver, as it is called by name in an inner network that the administrator has opened."""
    with in_a_thread(receiver.handle) as address:
        yield address.replace("127.0.0.1", HOST) + "/muster"


def inside(**options: object) -> WebhookChannel:
    return a_channel(["127.0.0.1"], allow_networks="127.0.0.0/8", plain_http=True, **options)


# --- what it sends --------------------------------------------------------------------------------


def test_a_receiver_with_the_secret_can_trust_what_it_gets(receiver, address):
    assert inside().send(a_message(address, datetime.now(UTC))) == Accepted(str(REFERENCE))

    (asked,) = receiver.asked
    said = Webhook(SECRET).verify(asked.body, dict(asked.headers))
    assert said["type"] == "callout.ask"
    assert said["data"] == {
        "reference": str(REFERENCE),
        "recipient": "某救援队",
        "subject": "请出动救援",
        "text": "1接受，3不能参加。",
        "link": "https://muster.example/a/x/",
        "fields": {"place": "某厂"},
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(asked.body.replace(b"ask", b"xxx"), dict(asked.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(NEXT_SECRET).verify(asked.body, dict(asked.headers))


def test_sent_again_it_has_the_same_id_and_a_new_time(receiver, address):
    for late in (0, 1):
        inside().send(a_message(address, NOON + minutes(late)))
    first, again = (asked.headers for asked in receiver.asked)
    assert first["webhook-id"] == again["webhook-id"] == str(REFERENCE)
    assert int(again["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != again["webhook-signature"]


def test_while_a_secret_is_exchanged_both_are_right(receiver, address):
    inside(hosts={HOST: f"{SECRET} {NEXT_SECRET}"}).send(a_message(address, datetime.now(UTC)))
    for secret in (SECRET, NEXT_SECRET):
        assert Webhook(secret).verify(receiver.asked[0].body, dict(receiver.asked[0].headers))


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(200), Accepted),
        (Reply(410), True),
        (Reply(404), True),
        (Reply(401), False),
        (Reply(429), False),
        (Reply(503), False),
        (Reply(302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}), False),
        (Reply(307, headers={"Location": "https://dispatch.example.cn/elsewhere"}), False),
        (Reply(500), Ambiguous),
        (Reply(504), Ambiguous),
        (Reset, Ambiguous),
        (Reply(200, b"x" * 100, half=True), Ambiguous),
    ],
)
def test_every_answer_has_its_outcome(receiver, address, reply, outcome):
    receiver.replies = [reply]
    got = inside(time_out=2.0).send(a_message(address))
    if isinstance(outcome, bool):
        assert isinstance(got, Rejected)
        assert got.permanent is outcome
    else:
        assert isinstance(got, outcome)
    assert len(receiver.asked) == 1


# --- where it never goes --------------------------------------------------------------------------

BAD_ADDRESSES = [
    # this machine
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::", "::ffff:127.0.0.1", "::127.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::",
    # our own network
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::ffff:10.0.0.1",
    "::ffff:192.168.1.1", "fc00::1", "fd00::1", "fec0::1", "fe80::1", "fe80::1%lo", "2002:0a00:1::",
    # what a cloud answers to its own machines
    "169.254.169.254", "169.254.170.2", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254",
    "100.100.100.200", "168.63.129.16", "192.0.0.192",
    # carriers, tests, documentation, nobody, everybody
    "100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255", "192.0.0.8", "192.0.2.1", "198.51.100.1",
    "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "ff02::1",
    "2001:db8::1", "3fff::1", "2001::1", "2001:10::1", "100::1", "5f00::1",
]  # fmt: skip

GOOD_ADDRESSES = [
    "1.1.1.1",
    "110.242.68.4",
    "172.32.0.1",
    "100.128.0.1",
    "::ffff:1.1.1.1",
    "2400:3200::1",
    "2606:4700::1111",
]


def test_the_corpus_is_large_enough():
    assert len(set(BAD_ADDRESSES)) >= 40


@pytest.mark.parametrize("inner", BAD_ADDRESSES)
def test_a_name_that_stands_for_an_inner_address_is_never_called(inner, monkeypatch):
    def connect(*where: object, **how: object) -> socket.socket:
        raise AssertionError(f"connected to {where}")

    monkeypatch.setattr(socket, "create_connection", connect)
    outcome = a_channel([inner]).send(a_message())
    assert isinstance(outcome, Rejected)
    assert outcome.permanent


@pytest.mark.parametrize("inner", BAD_ADDRESSES)
def test_one_inner_address_among_good_ones_is_enough(inner, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *where, **how: pytest.fail("connected"))
    assert isinstance(a_channel([OPEN_ADDRESS, inner]).send(a_message()), Rejected)


@pytest.mark.parametrize("good", GOOD_ADDRESSES)
def test_an_address_in_the_open_may_be_called(good):
    Guard().admit(good)


@pytest.mark.parametrize(
    "url",
    [
        "http://dispatch.example.cn/",
        "ftp://dispatch.example.cn/",
        "file:///etc/passwd",
        "gopher://dispatch.example.cn/",
        "//dispatch.example.cn/",
        "dispatch.example.cn",
        "https:///muster",
        "https://",
        "https://user@dispatch.example.cn/",
        "https://user:password@dispatch.example.cn/",
        "https://dispatch.example.cn@169.254.169.254/",
        "https://dispatch.example.cn\\@169.254.169.254/",
        "https://169.254.169.254\\.dispatch.example.cn/",
        "https://dispatch.example.cn:99999/",
        "https://dispatch.example.cn:0/",
        "https://dispatch.example.cn:x/",
        "https://dispatch.example.cn/\r\nX-Evil: 1",
        "https://dispatch.example.cn/a b",
        "https://dispatch.example.cn\t/",
        "https://dispatch.example.cn。evil.example/",
        "https://ｄispatch.example.cn/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::1]/",
        "https://[::1",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://localhost/",
        "https://dispatch.example.cn.evil.example/",
        "https://evil-dispatch.example.cn/",
        "https://169.254.169.254/latest/meta-data/",
        "https://metadata.google.internal/",
    ],
)
def test_an_address_that_is_not_plain_or_not_on_the_list_is_refused_for_good(url, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *where, **how: pytest.fail("connected"))
    outcome = a_channel([OPEN_ADDRESS]).send(a_message(url))
    assert isinstance(outcome, Rejected)
    assert outcome.permanent


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1]", "localhost"]
)
def test_where_every_host_may_be_called_the_system_still_says_what_a_number_means(host, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *where, **how: pytest.fail("connected"))
    outcome = a_channel(hosts={"*": SECRET}).send(a_message(f"https://{host}/"))
    assert isinstance(outcome, Rejected)


def test_a_name_that_points_elsewhere_the_second_time_is_called_where_it_was_looked_at(
    receiver, address, monkeypatch
):
    answers = iter([["127.0.0.1"], ["169.254.169.254"], ["169.254.169.254"]])
    channel = inside()
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    channel.resolve = rebinding
    connected = []
    connect = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda where, *how: connected.append(where[0]) or connect(where, *how)
    )

    assert isinstance(channel.send(a_message(address)), Accepted)
    assert asked == [HOST]
    assert connected == ["127.0.0.1"]

    # The next message looks again, and finds the trap.
    assert isinstance(channel.send(a_message(address)), Rejected)
    assert connected == ["127.0.0.1"]


def test_only_the_network_that_was_opened_is_open():
    guard = Guard((ipaddress.ip_network("10.20.0.0/16"),))
    guard.admit("10.20.3.4")
    guard.admit("::ffff:10.20.3.4")
    for other in ("10.21.0.1", "127.0.0.1", "169.254.169.254", "64:ff9b::0a14:304"):
        with pytest.raises(NotAllowed):
            guard.admit(other)


# --- over TLS -------------------------------------------------------------------------------------


@contextlib.contextmanager
def over_tls(name: str, folder) -> Iterator[tuple[int, str]]:
    """A receiver with a certificate for `name`; yields its port and the file of its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - day).not_valid_after(datetime.now(UTC) + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    authority = folder / "authority.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = server.accept()
                with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as wire:
                    wire.recv(65_536)
                    wire.sendall(b"HTTP/1.1 204 Done\r\n\r\n")
                    # Closed before all was read, the connection would be reset and the answer lost.
                    while wire.recv(65_536):
                        pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], str(authority)
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def test_the_certificate_is_that_of_the_name_although_an_address_is_called(tmp_path, monkeypatch):
    channel = a_channel(["127.0.0.1"], allow_networks="127.0.0.0/8")
    with over_tls(HOST, tmp_path) as (port, authority):
        trusted = ssl.create_default_context(cafile=authority)
        monkeypatch.setattr(exchange_module, "_trusted", lambda: trusted)
        assert isinstance(channel.send(a_message(f"https://{HOST}:{port}/")), Accepted)


@pytest.mark.parametrize("named", ["other.example.cn", "127.0.0.1"])
def test_a_certificate_of_another_name_gets_nothing(named, tmp_path, monkeypatch):
    channel = a_channel(["127.0.0.1"], allow_networks="127.0.0.0/8")
    with over_tls(named, tmp_path) as (port, authority):
        trusted = ssl.create_default_context(cafile=authority)
        monkeypatch.setattr(exchange_module, "_trusted", lambda: trusted)
        outcome = channel.send(a_message(f"https://{HOST}:{port}/"))
    assert isinstance(outcome, Rejected)
    assert not outcome.permanent


# --- what comes back ------------------------------------------------------------------------------


@pytest.fixture
def noon(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON)


def signed(
    content: object, *, secret: str = SECRET, at: datetime = NOON, event_id: str = "msg_1"
) -> Callback:
    body = json.dumps(content)
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body),
    }
    return Callback("POST", {}, headers, body.encode())


def an_answer(**data: object) -> dict:
    return {"type": "callout.answered", "data": {"reference": str(REFERENCE), **data}}


def changed(callback: Callback, **headers: str) -> Callback:
    named = {**callback.headers, **{f"webhook-{name}": value for name, value in headers.items()}}
    return Callback(
        callback.method, {}, {name: value for name, value in named.items() if value}, callback.body
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"answer": "accept"}, "1"),
        ({"answer": "remote"}, "2"),
        ({"answer": "decline"}, "3"),
        ({"text": "20分钟到"}, "20分钟到"),
    ],
)
def test_a_receiver_answers_in_the_same_form(noon, data, text):
    assert a_channel().parse_reply(signed(an_answer(**data))) == [
        ReplyReceived(event_id="msg_1", address="", text=text, reference=REFERENCE)
    ]


@pytest.mark.parametrize("late", [timedelta(minutes=-4.9), timedelta(0), timedelta(minutes=4.9)])
def test_five_minutes_are_forgiven(noon, late):
    assert a_channel().parse_reply(signed(an_answer(answer="accept"), at=NOON + late))


GOOD = signed(an_answer(answer="accept"))


@pytest.mark.parametrize(
    "callback",
    [
        pytest.param(Callback("POST", {}, {}, GOOD.body), id="without a signature"),
        pytest.param(changed(GOOD, signature=""), id="without that header"),
        pytest.param(changed(GOOD, id=""), id="without an id"),
        pytest.param(changed(GOOD, timestamp=""), id="without a time"),
        pytest.param(changed(GOOD, timestamp="nan"), id="with a time that is none"),
        pytest.param(changed(GOOD, timestamp="9" * 30), id="with a time that never comes"),
        pytest.param(changed(GOOD, id="msg_2"), id="under another id"),
        pytest.param(changed(GOOD, timestamp=str(int(NOON.timestamp()) + 1)), id="at another time"),
        pytest.param(changed(GOOD, signature="v1,AAAA"), id="with another signature"),
        pytest.param(changed(GOOD, signature="v1,"), id="with an empty signature"),
        pytest.param(changed(GOOD, signature="v1,é"), id="with letters that are none"),
        pytest.param(changed(GOOD, signature=f"v1a{GOOD.headers['webhook-signature'][2:]}"), id="of another version"),
        pytest.param(Callback("POST", {}, GOOD.headers, GOOD.body.replace(b"accept", b"remote")), id="changed on the way"),
        pytest.param(Callback("POST", {}, GOOD.headers, b"\xff" + GOOD.body), id="no text"),
        pytest.param(signed(an_answer(answer="accept"), event_id=""), id="signed under no id at all"),
        pytest.param(signed(an_answer(answer="accept"), secret=NEXT_SECRET), id="by somebody else"),
        pytest.param(signed(an_answer(answer="accept"), at=NOON - timedelta(minutes=6)), id="six minutes ago"),
        pytest.param(signed(an_answer(answer="accept"), at=NOON + timedelta(minutes=6)), id="in six minutes"),
    ],
)  # fmt: skip
def test_what_no_receiver_signed_just_now_is_forged(noon, callback):
    assert a_channel().parse_reply(GOOD)
    with pytest.raises(Forged):
        a_channel().parse_reply(callback)


def test_one_right_signature_among_several_is_enough(noon):
    callback = changed(GOOD, signature=f"v1,AAAA v1a,x {GOOD.headers['webhook-signature']}")
    assert a_channel().parse_reply(callback)
    assert a_channel(hosts={HOST: NEXT_SECRET, "other.example.cn": SECRET}).parse_reply(GOOD)


@pytest.mark.parametrize(
    "content",
    [[], {}, {"data": None}, {"data": {}}, {"data": {"reference": "x"}}, {"data": [1]}, "x", 1, None,
     an_answer(answer="maybe")],
)  # fmt: skip
def test_what_is_signed_but_no_answer_is_unreadable(noon, content):
    with pytest.raises(Unreadable):
        a_channel().parse_reply(signed(content))


# --- its options ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"hosts": {}}, "hosts"),
        ({"hosts": {HOST: "secret"}}, f"hosts.{HOST}"),
        ({"hosts": {HOST: "whsec_"}}, f"hosts.{HOST}"),
        ({"hosts": {HOST: ""}}, f"hosts.{HOST}"),
        ({"hosts": {HOST: f"{SECRET} short"}}, f"hosts.{HOST}"),
        ({"allow_networks": "10.20"}, "allow_networks"),
        ({"time_out": 30.0}, "time_out"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, named):
    with pytest.raises(WrongOption) as refused:
        a_channel(**options)
    assert f"的 {named}：" in refused.value.zh


def test_it_takes_replies_when_it_has_an_address_for_them():
    assert a_channel(secret="x" * 16).caps.takes_replies
    assert not a_channel().caps.takes_replies
    assert WebhookChannel().resolve is addresses_of
