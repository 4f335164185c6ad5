"""A database that was restored from a backup: noticed, and made safe before anything is sent again."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from coordination import callouts, deliveries, invariants, restores, sender, watch
from coordination.channels import CannotLookUp
from coordination.channels.base import Caps
from coordination.channels.shapes import LONGEST_TIME_OUT
from coordination.models import Delivery, SendIntent, Worker
from ground import audit, installation
from ground.models import Installation, Mode
from tests.factories import OFFICER, a_callout, a_duty_officer, an_expert, an_incident
from tests.fakes import RecordingChannel
from tests.moments import NOON

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=5)


class Blind(RecordingChannel):
    def look_up(self, message):
        raise CannotLookUp


@pytest.fixture
def channel(monkeypatch) -> RecordingChannel:
    return one_channel(monkeypatch, RecordingChannel())


def one_channel(monkeypatch, found: RecordingChannel) -> RecordingChannel:
    monkeypatch.setattr("coordination.channels.installed", lambda: [found])
    return found


@pytest.fixture
def blind(monkeypatch) -> RecordingChannel:
    return one_channel(monkeypatch, Blind())


@pytest.fixture
def mark(settings, tmp_path):
    """This machine's file of how far the database had come."""
    installation.begin(Mode.LIVE, sender_name="测试应急中心", at=NOON)
    settings.SENT_UP_TO = tmp_path / "sent_up_to"
    return settings.SENT_UP_TO


@pytest.fixture
def callout(mark, the_clock):
    return a_callout(an_incident(), asks=[an_expert("李工"), an_expert("王工")], seats=1)


def asks() -> list[Delivery]:
    return list(Delivery.objects.filter(purpose="ask").order_by("id"))


def go_back() -> None:
    """Lose the last attempts to send, as a backup from before them does."""
    SendIntent.objects.all().delete()
    Delivery.objects.update(
        status="pending", lease_no=0, sent_at=None, provider="", provider_message_id="", lease_until=None
    )


def test_what_was_sent_after_the_backup_is_not_sent_again(channel, callout, the_clock):
    sender.run_once()
    sent = len(channel.sent)
    assert sent
    go_back()
    the_clock.move(timedelta(minutes=5))

    sender.run_once()
    assert len(channel.sent) == sent, "held"
    settled = restores.settle(by=audit.SYSTEM, at=LATER)
    sender.run_once()

    assert settled.found == sent
    assert [one.reference for one in channel.sent] == list(
        dict.fromkeys(one.reference for one in channel.sent)
    )
    assert {one.status for one in asks() if one.lease_no} == {"sent"}
    assert [one for one in invariants.violations(LATER) if not one.invariant.is_promptness] == []


def test_a_sender_that_holds_says_so_to_people(channel, callout):
    sender.run_once()
    go_back()

    sender.run_once()
    found = watch.look(at=LATER)

    assert found is not None
    assert "database_restored" in [one.code for one in found]
    assert Installation.objects.get().gone_back_at == NOON


def test_what_a_provider_has_certainly_not_taken_goes_out_once_the_callout_is_resumed(channel, callout):
    restores.hold(at=NOON)
    sender.run_once()
    assert channel.sent == []

    settled = restores.settle(by=audit.SYSTEM, at=NOON + timedelta(seconds=5))
    sender.run_once()

    assert (settled.found, settled.aside) == (0, 0)
    assert channel.sent == []
    callouts.resume(callout, by=OFFICER, at=NOON)
    sender.run_once()
    assert channel.sent


def test_what_nobody_can_tell_is_put_aside_with_an_alarm_and_never_sent(blind, callout, the_clock):
    a_duty_officer()

    settled = restores.settle(by=audit.SYSTEM, at=LATER)
    the_clock.move(timedelta(minutes=6))
    sender.run_once()

    assert settled.aside == len(asks())
    assert [one.subject for one in blind.sent] == ["数据库已从备份恢复"]
    assert {(one.status, one.reason) for one in asks()} == {("unknown", restores.ASIDE)}

    # Once the callout is resumed, they end as whatever could not be sent in time.
    aside = {one.public_id for one in asks()}
    callouts.resume(callout, by=OFFICER, at=the_clock())
    for _ in range(3):
        the_clock.move(timedelta(hours=1))
        sender.run_once()
    assert {one.status for one in asks() if one.public_id in aside} <= {"failed", "cancelled"}
    assert not aside & {one.reference for one in blind.sent}


def test_a_second_provider_of_the_same_medium_is_asked_too(monkeypatch, callout):
    first, second = RecordingChannel(code="first"), RecordingChannel(code="second")
    monkeypatch.setattr("coordination.channels.installed", lambda: [first, second])
    Delivery.objects.update(channel="first", medium=first.medium)
    asked = asks()[0]
    second.known[asked.public_id] = "second-7"

    settled = restores.settle(by=audit.SYSTEM, at=LATER)

    asked.refresh_from_db()
    assert settled.found == 1
    assert (asked.status, asked.provider, asked.provider_message_id) == ("sent", "second", "second-7")


def test_nobody_can_tell_what_a_channel_has_that_is_gone_from_the_settings(channel, callout):
    Delivery.objects.update(channel="gone")

    assert restores.settle(by=audit.SYSTEM, at=LATER).aside == len(asks())


def test_running_callouts_are_paused_and_told_of(channel, callout):
    settled = restores.settle(by=audit.SYSTEM, at=LATER)

    callout.refresh_from_db()
    assert callout.paused
    assert [one.pk for one in settled.paused] == [callout.pk]
    assert restores.settle(by=audit.SYSTEM, at=LATER).paused == ()


def test_whatever_was_written_while_nothing_was_sent_is_not_doubted(blind, callout):
    Delivery.objects.all().delete()
    restores.hold(at=NOON)
    a_callout(an_incident(), asks=[an_expert("赵工")], at=LATER)

    settled = restores.settle(by=audit.SYSTEM, at=LATER + timedelta(minutes=1))

    assert (settled.unsent, settled.aside) == (0, 0)
    assert blind.sent == []


def test_a_day_of_the_lost_time_each_is_asked_about(channel, callout, monkeypatch):
    days = []

    class ByDay(RecordingChannel):
        caps = Caps(looks_up=True)

        def look_up(self, message):
            days.append(message.first_tried_at.date())

    one_channel(monkeypatch, ByDay())
    restores.settle(by=audit.SYSTEM, at=NOON + timedelta(days=2))

    assert sorted(set(days)) == [(NOON + timedelta(days=one)).date() for one in range(3)]


def test_a_backup_from_while_everything_was_on_the_wire_is_noticed(channel, callout):
    """It knows every attempt; what it does not know is how they ended."""
    sender.run_once()
    SendIntent.objects.update(outcome="", finished_at=None)

    assert restores.is_held(at=LATER)


def test_a_database_that_has_only_come_further_is_the_same(channel, callout, mark):
    sender.run_once()
    seen = json.loads(mark.read_text())
    SendIntent.objects.create(delivery=asks()[0], lease_no=9, channel="recording", at=NOON)

    assert not restores.is_held(at=LATER)
    assert json.loads(mark.read_text())["attempts"] > seen["attempts"]


def test_a_second_sender_that_commits_late_does_not_make_a_database_look_older(channel, callout, mark):
    """It took its numbers first and committed last: one attempt more, and none the higher, that has no outcome yet."""
    sender.run_once()
    last = SendIntent.objects.order_by("-pk").first()
    SendIntent.objects.create(
        pk=last.pk + 2, delivery=last.delivery, lease_no=98, channel="recording", at=NOON
    )
    assert not restores.is_held(at=LATER)

    SendIntent.objects.create(
        pk=last.pk + 1, delivery=last.delivery, lease_no=99, channel="recording", at=NOON
    )

    assert not restores.is_held(at=LATER)


def test_what_another_sender_writes_down_while_one_looks_does_not_make_the_database_look_older(
    channel, callout, mark, monkeypatch
):
    sender.run_once()
    look = restores._mark

    def meanwhile_another_goes_on():
        now = look()
        SendIntent.objects.create(delivery=asks()[0], lease_no=99, channel="recording", at=NOON)
        restores._write(mark, look())
        return now

    monkeypatch.setattr(restores, "_mark", meanwhile_another_goes_on)

    assert not restores.is_held(at=LATER)


def test_another_database_is_no_restored_one(channel, callout, mark):
    sender.run_once()
    SendIntent.objects.all().delete()
    Installation.objects.update(created_at=LATER)

    assert not restores.is_held(at=LATER)


def test_an_older_backup_than_the_one_settled_last_is_noticed_too(channel, callout, mark):
    restores.settle(by=audit.SYSTEM, at=LATER)
    Installation.objects.update(restored_at=None)

    assert restores.is_held(at=LATER)


@pytest.mark.parametrize("text", ["", "x", '{"attempts": 3}'])
def test_a_file_that_says_nothing_holds_nobody_up(channel, callout, mark, text):
    mark.write_text(text)

    assert not restores.is_held(at=NOON)
    assert json.loads(mark.read_text())["attempts"] == 0


def test_a_folder_that_cannot_be_written_holds_nobody_up(callout, settings, tmp_path):
    settings.SENT_UP_TO = tmp_path / "nowhere" / "sent_up_to"

    assert not restores.is_held(at=NOON)


def test_the_command_says_what_it_did(channel, callout, settings, monkeypatch):
    settings.MUSTER_MODE = "live"
    monkeypatch.setattr("coordination.management.commands.after_restore.HOLDS_WITHIN_SECONDS", 0)
    out = io.StringIO()

    call_command("after_restore", "--restored", stdout=out)

    assert "certainly not sent" in out.getvalue()
    assert str(callout.incident) in out.getvalue()
    assert Installation.objects.get().gone_back_at is None


def test_the_command_waits_for_what_a_running_sender_has_on_the_wire(channel, callout, settings, monkeypatch):
    settings.MUSTER_MODE = "live"
    waited: list[float] = []
    command = "coordination.management.commands.after_restore"
    monkeypatch.setattr(f"{command}.time.sleep", waited.append)

    call_command("after_restore", "--restored", stdout=io.StringIO())
    assert sum(waited) < LONGEST_TIME_OUT

    Worker.objects.create(boot_id=uuid.uuid4(), label="a", started_at=NOON, heartbeat_at=LATER)
    call_command("after_restore", "--restored", stdout=io.StringIO())
    assert sum(waited) > LONGEST_TIME_OUT


def test_the_command_leaves_a_database_alone_that_was_not_restored(blind, callout, settings):
    settings.MUSTER_MODE = "live"

    with pytest.raises(CommandError, match="--restored"):
        call_command("after_restore")

    assert {one.status for one in asks()} == {"pending"}
    assert Installation.objects.get().gone_back_at is None


def test_how_an_attempt_ended_is_kept_though_a_standby_that_was_behind_has_lost_the_attempt(channel, callout):
    (claimed,) = deliveries.claim(slots=1, holder=uuid.uuid4(), at=NOON)
    go_back()

    deliveries.record(claimed, sender.send(claimed), at=LATER)

    delivery = Delivery.objects.get(pk=claimed.delivery_id)
    assert (delivery.status, delivery.lease_no) == ("sent", 1)
    assert [one.outcome for one in delivery.intents.all()] == ["accepted"]
    assert [one for one in invariants.violations(LATER) if not one.invariant.is_promptness] == []


def test_how_an_attempt_ended_is_not_written_to_another_message_that_has_its_number_by_now(channel, callout):
    (claimed,) = deliveries.claim(slots=1, holder=uuid.uuid4(), at=NOON)
    outcome = sender.send(claimed)
    go_back()
    Delivery.objects.filter(pk=claimed.delivery_id).update(public_id=uuid.uuid4())

    deliveries.record(claimed, outcome, at=LATER)
    deliveries.record_taken([(claimed, outcome)], at=LATER)

    assert Delivery.objects.get(pk=claimed.delivery_id).status == "pending"
