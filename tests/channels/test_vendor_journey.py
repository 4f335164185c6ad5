"""From an incident over a vendor's simulator and back: the message, its receipt, the answer, the seat."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from coordination import arrivals, channels, sender
from coordination.channels import Accepted, Channel
from coordination.models import Delivery
from coordination.paging import Purpose
from coordination.simulation.aliyun import AliyunSms, AliyunVoice
from tests.channels import test_aliyun_sms, test_aliyun_voice
from tests.channels.vendors import SECRET, a_message, events, just_now, simulated, tell
from tests.factories import a_callout, an_expert, an_incident, status_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_proxy", "the_clock")]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def vendor():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def li():
    return an_expert("李工", mobile="+8613812341234")


def push(vendor: Client, channel: Channel, provider, kind: str) -> None:
    """Call in what the simulator has pushed, twice, as a vendor may."""
    for report in events(provider, kind) * 2:
        answer = vendor.post(
            f"/callbacks/{channel.code}/{SECRET}/{kind}/",
            json.dumps(report),
            content_type="application/json",
        )
        assert answer.status_code == 200
        assert isinstance(answer.json()["code"], int)


def the_ask() -> Delivery:
    return Delivery.objects.filter(purpose=Purpose.ASK).earliest("attempt")


def test_an_sms_of_an_approved_template_is_delivered_and_answered(tmp_path, monkeypatch, vendor, li):
    provider = AliyunSms(tmp_path / "sms.jsonl", templates=test_aliyun_sms.TEMPLATES)
    with simulated(provider) as host:
        any_other = {"template": "SMS_2", "who": "{who}", "what": "{what}", "why": "{why}"}
        channel = test_aliyun_sms.a_channel(host, secret=SECRET, any=any_other)
        monkeypatch.setattr(channels, "installed", lambda: [channel])
        tell(host, "behaviour", habits=[{"text": "请在", "answer": "1", "after": 0.0}])
        callout = a_callout(an_incident(title="氨泄漏", address="化工路1号"), asks=[li])

        sender.run_once()
        assert the_ask().status == "sent"
        push(vendor, channel, provider, "receipts")
        assert the_ask().status == "delivered"
        assert status_of(callout, li) == "asked"
        push(vendor, channel, provider, "replies")

    assert status_of(callout, li) == "accepted"
    callout.refresh_from_db()
    assert callout.status == "filled"


def test_a_closed_network_asks_what_became_of_an_sms(tmp_path, monkeypatch, li, the_clock):
    provider = AliyunSms(tmp_path / "sms.jsonl", templates=test_aliyun_sms.TEMPLATES)
    the_clock.moment = just_now()
    with simulated(provider) as host:
        channel = test_aliyun_sms.a_channel(host)
        monkeypatch.setattr(channels, "installed", lambda: [channel])
        a_callout(an_incident(title="氨泄漏", address="化工路1号"), asks=[li], at=the_clock())
        sender.run_once()
        events(provider, "receipts")  # the carrier has reported, to nobody

        for due in arrivals.due_pulls(at=the_clock()):
            arrivals.pull(due, at=the_clock())

    assert the_ask().status == "delivered"


def test_a_key_pressed_in_a_call_fills_the_seat(tmp_path, monkeypatch, vendor, li):
    provider = AliyunVoice(tmp_path / "voice.jsonl", templates=test_aliyun_voice.TEMPLATES)
    with simulated(provider) as host:
        channel = test_aliyun_voice.a_channel(host)
        monkeypatch.setattr(channels, "installed", lambda: [channel])
        tell(host, "behaviour", habits=[{"text": "按键答复", "answer": "1", "after": 0.0}])
        callout = a_callout(an_incident(title="氨泄漏", address="化工路1号"), asks=[li])

        sender.run_once()
        push(vendor, channel, provider, "receipts")
        assert status_of(callout, li) == "asked"  # that the call was taken is no answer
        push(vendor, channel, provider, "replies")

    assert status_of(callout, li) == "accepted"


def test_a_mailbox_that_takes_the_call_leaves_the_ask_open_and_the_next_way_due(
    tmp_path, monkeypatch, vendor, li
):
    provider = AliyunVoice(tmp_path / "voice.jsonl", templates=test_aliyun_voice.TEMPLATES)
    with simulated(provider) as host:
        channel = test_aliyun_voice.a_channel(host)
        monkeypatch.setattr(channels, "installed", lambda: [channel])
        tell(host, "console", machines=["13812341234"])
        callout = a_callout(an_incident(title="氨泄漏"), asks=[li])

        sender.run_once()
        push(vendor, channel, provider, "receipts")

    assert (the_ask().status, the_ask().reason) == ("failed", "语音信箱或语音助手接听（200000）")
    assert status_of(callout, li) == "asked"


def test_a_vendor_can_be_simulated_by_hand(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "simulate_provider", "--json", "--vendor", "aliyun_sms"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"MUSTER_MODE": "demo", "MUSTER_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        host = json.loads(process.stdout.readline())["address"].removeprefix("http://")
        tell(host, "console", templates=test_aliyun_sms.TEMPLATES)
        assert test_aliyun_sms.a_channel(host).send(a_message()) == Accepted("m1^0")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
