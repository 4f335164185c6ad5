"""A real gateway: Kannel with its fake message centre, spoken to with the options that docs/gateways.md shows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from coordination import channels, sender
from coordination.channels import Accepted, Ambiguous, Message, Rejected
from coordination.config import environment
from coordination.models import Delivery, Inbound
from coordination.paging import Purpose
from ground import clock
from tests.channels import kannel
from tests.factories import a_callout, an_expert, an_incident, status_of

LI = "+8613900000001"
PASSWORD = "password-of-kannel"
SECRET = "secret-of-the-callbacks"
EXAMPLE = re.search(
    r"```toml\n(.*?)```", (Path(__file__).resolve().parents[2] / "docs/gateways.md").read_text(), re.DOTALL
)[1]

# The first time it is fetched from Debian's servers.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def gateway(tmp_path, settings, asgi_url):
    """Kannel, and a live installation that has the channel of the documentation."""
    kannel.installed_or_skipped()
    replies_to = f"{asgi_url}/callbacks/kannel/{SECRET}/replies/"
    with kannel.running(tmp_path, password=PASSWORD, replies_to=replies_to) as running:
        file = tmp_path / "channels.toml"
        file.write_text(
            EXAMPLE.replace("http://127.0.0.1:13013/cgi-bin/sendsms", running.send_url).replace(
                "http://127.0.0.1:8000", asgi_url
            )
        )
        settings.MUSTER_MODE = "live"
        settings.MUSTER_CHANNELS = environment.channels_file(
            str(file), {"KANNEL_PASSWORD": PASSWORD, "KANNEL_CALLBACK_SECRET": SECRET}
        )
        yield running


def until(condition: Callable[[], object], *, what: str, within: float = 20.0) -> None:
    patience_ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < patience_ends, what
        time.sleep(0.1)


def a_message(**changes: object) -> Message:
    message = Message(reference=uuid4(), recipient="李工", address=LI, subject="", text="1接受，3不能参加。")
    return replace(message, **changes)


def test_an_expert_is_paged_answers_1_and_has_the_seat(gateway):
    at = clock.now()
    day = clock.day_of(at)
    li = an_expert("李工", mobile=LI, term=(day - timedelta(days=100), day + timedelta(days=1000)))
    callout = a_callout(an_incident(at=at), asks=[li], at=at)

    sender.run_once()
    ask = Delivery.objects.get(invitation__expert=li, purpose=Purpose.ASK)
    assert ask.status in ("sent", "delivered")

    # It has reached the telephone network whole, in Chinese, with the link.
    until(lambda: gateway.taken(), what="the message centre got nothing")
    ((to, text),) = gateway.taken()
    assert to == LI
    assert "李工：" in text
    assert "1接受" in text
    assert "/a/" in text

    # The network says so, by our own reference.
    until(lambda: Delivery.objects.get(pk=ask.pk).status == "delivered", what="no receipt came")
    assert status_of(callout, li) == "asked"

    # Li answers from the phone.
    with gateway.phone_sends(LI, "1"):
        until(lambda: status_of(callout, li) == "accepted", what="the answer did not arrive")
    callout.refresh_from_db()
    assert callout.status == "filled"
    assert Inbound.objects.filter(kind="reply").count() == 1


def test_what_kannel_refuses_was_not_sent(gateway, settings):
    (channel,) = channels.installed()
    assert isinstance(channel.send(a_message()), Accepted)
    nobody = channel.send(a_message(address=""))
    assert isinstance(nobody, Rejected)
    assert nobody.permanent

    settings.MUSTER_CHANNELS[0]["fields"]["password"] = "wrong"
    (channel,) = channels.installed()
    stranger = channel.send(a_message())
    assert isinstance(stranger, Rejected)
    assert not stranger.permanent
    assert not isinstance(stranger, Ambiguous)
