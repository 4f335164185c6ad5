"""Whether every way of reaching people works: looked at by command, tried every morning."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from coordination import channel_checks, channels, sender, watch
from coordination.channels import Finding, Rejected
from coordination.models import Delivery
from coordination.paging import DeliveryStatus, Purpose
from ground.terms import Words
from tests.factories import a_duty_officer
from tests.fakes import RecordingChannel
from tests.moments import NOON

pytestmark = pytest.mark.django_db

# NOON is 14:18 in Shanghai.
EIGHT = NOON - timedelta(hours=6, minutes=18)
HALF_PAST = NOON - timedelta(hours=5, minutes=48)


@pytest.fixture
def gateway(monkeypatch, the_clock) -> RecordingChannel:
    gateway = RecordingChannel(code="sms-1", zh="短信一")
    gateway.canary = "+8613900000000"
    monkeypatch.setattr(channels, "installed", lambda: [gateway])
    return gateway


def canaries() -> list[Delivery]:
    return list(Delivery.objects.filter(purpose=Purpose.CANARY))


def told() -> dict:
    out = StringIO()
    call_command("check_channels", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_canary_goes_out_every_morning_once(gateway):
    assert channel_checks.send_daily(at=EIGHT) == 0
    assert channel_checks.send_daily(at=HALF_PAST) == 1
    assert channel_checks.send_daily(at=NOON) == 0
    assert channel_checks.send_daily(at=HALF_PAST + timedelta(days=1)) == 1


def test_a_channel_without_an_address_for_it_sends_none(gateway):
    gateway.canary = ""
    assert channel_checks.send_daily(at=NOON) == 0


def test_the_canary_is_a_message_like_any_other(gateway):
    call_command("check_channels", "--send", stdout=StringIO())
    sender.run_once()
    (message,) = gateway.sent
    assert message.address == "+8613900000000"
    assert "通道自检" in message.text
    assert canaries()[0].status == DeliveryStatus.SENT
    assert told()["channels"][0]["canary"]["status"] == "sent"


def test_a_canary_that_does_not_go_out_is_a_fault_until_the_next_one_does(gateway):
    a_duty_officer()
    gateway.outcomes = [Rejected(permanent=True, reason="余额不足")]
    channel_checks.send_canary(gateway, at=NOON)
    sender.run_once()
    (problem,) = watch.look(at=NOON + timedelta(seconds=20)) or []
    assert (problem.code, "sms-1" in problem.zh) == ("canary_failed", True)
    with pytest.raises(SystemExit):
        call_command("check_channels", stdout=StringIO())

    channel_checks.send_canary(gateway, at=NOON + timedelta(minutes=1))
    sender.run_once()
    found = watch.look(at=NOON + timedelta(minutes=2)) or []
    assert "canary_failed" not in [one.code for one in found]


def test_what_a_channel_finds_out_about_itself_is_shown_and_fails_the_command(gateway, monkeypatch):
    monkeypatch.setattr(
        RecordingChannel, "check", lambda self: [Finding(False, Words("密钥被拒", "the key was refused"))]
    )
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("check_channels", stdout=out)
    assert "✗ sms-1" in out.getvalue()
    assert "密钥被拒" in out.getvalue()


def test_a_channel_that_breaks_while_it_looks_at_itself_is_a_finding(gateway, monkeypatch):
    monkeypatch.setattr(RecordingChannel, "check", lambda self: 1 / 0)
    (one,) = channel_checks.checked(at=NOON)
    assert not one.ok
    assert "ZeroDivisionError" in one.findings[0].words.zh


def test_what_was_never_run_against_the_real_service_says_so(gateway):
    gateway.is_proved = False
    out = StringIO()
    call_command("check_channels", stdout=out)
    assert "未与真实服务核对" in out.getvalue()


def test_a_mail_server_that_does_not_answer_is_named(settings):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    (finding,) = channels.EmailChannel().check()
    assert not finding.ok
    assert "MUSTER_SMTP_URL" in finding.words.zh
