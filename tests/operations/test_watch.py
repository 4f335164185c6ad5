"""The watch on a real database: what it finds, whom it tells, and what it puts right."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from coordination import callouts, channels, deliveries, messages, sender, watch
from coordination.channels import Caps, Limit, Message, Outcome, Rejected
from coordination.models import Callout, Delivery, WatchReport, Worker
from coordination.paging import DeliveryStatus, Purpose
from tests.factories import OFFICER, a_callout, a_duty_officer, an_enterprise, an_expert, an_incident
from tests.fakes import RecordingChannel
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer():
    return a_duty_officer()


@pytest.fixture
def forgotten(officer) -> Callout:
    """A callout of an hour ago that nobody has moved on."""
    return a_callout(an_incident(), asks=[an_expert("李工")], at=NOON - minutes(60))


def codes(at=NOON) -> list[str]:
    found = watch.look(at=at)
    assert found is not None
    return [one.code for one in found]


def alarms() -> list[str]:
    return list(Delivery.objects.filter(purpose=Purpose.ALARM).values_list("subject", flat=True))


LONG_AGO = NOON - minutes(600)


def a_worker(label: str, *, heartbeat_at, started_at=LONG_AGO) -> Worker:
    return Worker.objects.create(
        boot_id=uuid.uuid4(), label=label, started_at=started_at, heartbeat_at=heartbeat_at
    )


def test_nothing_is_wrong_while_everything_is_on_time(officer):
    a_callout(an_incident(), asks=[an_expert("李工")], at=NOON)
    assert codes(NOON + timedelta(seconds=20)) == []
    assert WatchReport.objects.get().clean_since == NOON + timedelta(seconds=20)


def test_what_is_late_is_found_and_the_duty_officer_is_told_once_in_half_an_hour(forgotten):
    assert codes() == ["callouts_overdue", "deliveries_overdue"]
    assert alarms() == ["系统告警：通知应答逾期", "系统告警：消息逾期未发"]

    assert "callouts_overdue" in codes(NOON + minutes(5))
    assert alarms().count("系统告警：通知应答逾期") == 1

    assert "callouts_overdue" in codes(NOON + minutes(31))
    assert alarms().count("系统告警：通知应答逾期") == 2


def test_only_one_of_many_watches_takes_a_turn(officer):
    assert watch.look(at=NOON) == []
    assert watch.look(at=NOON + timedelta(seconds=9)) is None
    assert watch.look(at=NOON + timedelta(seconds=10)) == []


def test_a_clock_that_went_back_does_not_stop_the_watch(officer):
    watch.look(at=NOON + minutes(60))
    assert watch.look(at=NOON) == []


def test_moments_that_lie_too_far_ahead_are_brought_back(forgotten):
    ahead = NOON + timedelta(days=400)
    Callout.objects.update(next_step_at=ahead)
    Delivery.objects.update(status=DeliveryStatus.LEASED, lease_until=ahead)

    assert "clock_jumped" in codes()

    assert Callout.objects.get().next_step_at == NOON
    assert Delivery.objects.filter(purpose=Purpose.ASK).get().lease_until == NOON + deliveries.LEASE


def test_a_paused_callout_is_not_brought_back(officer):
    callout = a_callout(an_incident(), asks=[an_expert("李工")], at=NOON)
    callouts.pause(callout, by=sender.audit.SYSTEM, at=NOON)
    paused_until = Callout.objects.get().next_step_at
    codes(NOON + timedelta(seconds=20))
    assert Callout.objects.get().next_step_at == paused_until


def test_a_worker_without_a_heartbeat_is_named_until_one_takes_its_place(officer):
    a_worker("node-1:77", heartbeat_at=NOON - minutes(1))
    a_worker("node-2:12", heartbeat_at=NOON)
    assert codes() == ["worker_dead"]

    a_worker("node-1:78", heartbeat_at=NOON + minutes(1), started_at=NOON)
    Worker.objects.filter(label="node-2:12").update(heartbeat_at=NOON + minutes(1))
    assert codes(NOON + minutes(1)) == []


def test_who_looks_at_a_page_is_told_that_nobody_watches(officer):
    assert [one.code for one in watch.reported(at=NOON)] == ["nobody_watches"]
    watch.look(at=NOON)
    assert watch.reported(at=NOON + timedelta(seconds=40)) == []
    assert [one.code for one in watch.reported(at=NOON + minutes(1))] == ["nobody_watches"]


def test_the_banner_stands_on_every_page_of_the_duty_officer(client, officer, the_clock):
    client.force_login(officer)
    assert "发送程序没有在运行" in client.get("/desk/").content.decode()
    watch.look(at=NOON)
    assert "系统故障" not in client.get("/desk/").content.decode()


def test_without_an_officer_who_can_be_alarmed_the_band_says_so(officer):
    assert codes() == []

    officer.contacts.all().delete()

    assert codes(NOON + minutes(1)) == ["nobody_to_alarm"]
    assert alarms() == [], "nobody would hear it"


def test_an_alarm_that_reached_no_officer_is_a_fault_by_itself(officer, monkeypatch, the_clock):
    provider = RecordingChannel(outcomes=[Rejected(permanent=True, reason="余额不足")])
    monkeypatch.setattr(channels, "installed", lambda: [provider])
    deliveries.alarm(subject="人选用尽：氨泄漏", text="还缺 1 个", at=NOON)
    assert codes() == [], "it may still get out"

    sender.run_once()

    found = watch.look(at=NOON + minutes(1))
    assert [one.code for one in found or []] == ["alarms_unheard"]
    assert alarms() == ["人选用尽：氨泄漏"], "one more would not be heard either"
    assert codes(NOON + deliveries.ALARM_VALID_FOR + minutes(1)) == []


def test_an_alarm_that_one_of_two_officers_got_is_no_fault(officer, monkeypatch, the_clock):
    a_duty_officer("zhouyi", "周一")
    provider = RecordingChannel(outcomes=[Rejected(permanent=True, reason="550 没有此人")])
    monkeypatch.setattr(channels, "installed", lambda: [provider])
    deliveries.alarm(subject="人选用尽：氨泄漏", text="还缺 1 个", at=NOON)

    sender.run_once()

    assert codes(NOON + minutes(1)) == []


class Explosive(RecordingChannel):
    """Has a bug that some messages set off."""

    def send(self, message: Message) -> Outcome:
        if "李工" in message.recipient:
            raise RuntimeError("cannot encode")
        return super().send(message)


def test_a_message_that_fails_again_and_again_is_put_aside_and_does_not_hold_up_others(
    officer, monkeypatch, the_clock
):
    provider = Explosive()
    monkeypatch.setattr(channels, "installed", lambda: [provider])
    a_callout(an_incident(), asks=[an_expert("李工"), an_expert("王工")], seats=1)
    for _ in range(16):
        sender.run_once()
        the_clock.move(timedelta(seconds=65))

    poisoned = Delivery.objects.filter(purpose=Purpose.ASK, recipient="李工").earliest("pk")
    assert (poisoned.status, poisoned.reason) == (DeliveryStatus.FAILED, deliveries.QUARANTINED)
    assert poisoned.intents.count() == deliveries.POISONOUS
    assert any(message.recipient == "王工" for message in provider.sent)
    watch.look(at=the_clock())
    assert "quarantined" in [one.code for one in watch.reported(at=the_clock())]


def test_a_message_that_cannot_even_be_written_is_put_aside_at_once(officer, monkeypatch, the_clock):
    provider = RecordingChannel()
    monkeypatch.setattr(channels, "installed", lambda: [provider])
    written = messages.message

    def fails_for_li(delivery: Delivery, *, at: datetime) -> Message:
        return written(delivery, at=at) if delivery.recipient != "李工" else 1 / 0

    monkeypatch.setattr(messages, "message", fails_for_li)
    a_callout(an_incident(), asks=[an_expert("李工")])
    a_callout(an_incident(), asks=[an_expert("王工")])

    sender.run_once()

    for delivery in Delivery.objects.filter(purpose=Purpose.ASK, recipient="李工"):
        assert (delivery.reason, delivery.intents.count()) == (deliveries.QUARANTINED, 0)
    assert [message.recipient for message in provider.sent] == ["王工"]
    assert any("未能送达：李工" in subject for subject in alarms())


def test_a_callout_that_cannot_move_on_stands_behind_the_others_and_is_spoken_of(
    officer, monkeypatch, the_clock
):
    stuck = a_callout(an_incident(), asks=[an_expert("李工")])
    Callout.objects.update(next_step_at=NOON)
    go_on = callouts.progress.go_on

    def fails_for_one(callout, **given):
        if callout.pk == stuck.pk:
            raise RuntimeError("a bug")
        go_on(callout, **given)

    monkeypatch.setattr(callouts.progress, "go_on", fails_for_one)
    for _ in range(3):
        sender.run_once()
        assert callouts.due(the_clock()) == []
        the_clock.move(timedelta(seconds=5))

    stuck.refresh_from_db()
    assert stuck.failed_steps == 3
    assert [subject for subject in alarms() if subject.startswith("自动通知出错")]

    monkeypatch.setattr(callouts.progress, "go_on", go_on)
    sender.run_once()
    stuck.refresh_from_db()
    assert stuck.failed_steps == 0


class _Counting(BaseHTTPRequestHandler):
    calls = 0

    def do_GET(self) -> None:
        type(self).calls += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


def test_the_outside_hears_only_that_all_is_well(officer, settings, the_clock):
    with HTTPServer(("127.0.0.1", 0), _Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.MUSTER_DEADMAN_URL = f"http://127.0.0.1:{server.server_port}"
        one = sender.Sender()
        one._report([watch.Problem("quarantined", "坏", "bad")])
        one._report([])
        one._pool.shutdown(wait=True)
        server.shutdown()
    assert _Counting.calls == 1


def test_an_outside_that_does_not_answer_harms_nothing():
    watch.ping("http://127.0.0.1:9/")


# A clock that goes back -----------------------------------------------------------------------------


@pytest.fixture
def phone(monkeypatch, the_clock) -> RecordingChannel:
    recording = RecordingChannel()
    monkeypatch.setattr(channels, "installed", lambda: [recording])
    return recording


def asked(phone: RecordingChannel) -> set[str]:
    return {message.recipient for message in phone.sent if message.purpose == Purpose.ASK}


def an_hour_earlier(the_clock) -> None:
    """The database's clock is set back by an hour, and somebody looks ten seconds later."""
    watch.look(at=the_clock())
    the_clock.move(-minutes(60))
    sender.run_once()


def test_an_ask_that_was_due_does_not_wait_until_the_hour_has_come_again(officer, phone, the_clock):
    a_callout(an_incident(), asks=[an_expert("李工")])
    an_hour_earlier(the_clock)

    sender.run_once()

    assert asked(phone) == {"李工"}


def test_a_window_closes_as_long_after_being_asked_as_it_should(officer, phone, the_clock):
    a_callout(an_incident(), asks=[an_expert("李工"), an_expert("王工")])
    sender.run_once()
    an_hour_earlier(the_clock)

    the_clock.move(minutes(9))
    sender.run_once()
    assert asked(phone) == {"李工"}
    the_clock.move(minutes(2))
    sender.run_once()

    assert asked(phone) == {"李工", "王工"}


def test_what_went_out_before_is_not_held_against_anybody_until_then(officer, phone, the_clock):
    phone.caps = Caps(per_second=2.0, per_address=(Limit(1, minutes(1)),))
    a_callout(an_incident(), asks=[an_expert("李工"), an_expert("王工")], seats=2)
    sender.run_once()
    an_hour_earlier(the_clock)

    a_callout(an_incident(an_enterprise("别的公司")), asks=[an_expert("赵工")], at=the_clock())
    sender.run_once()

    assert "赵工" in asked(phone)


def test_a_pause_is_no_wait_and_stays(officer, phone, the_clock):
    callout = a_callout(an_incident(), asks=[an_expert("李工")])
    callouts.pause(callout, by=OFFICER, at=NOON)
    paused_until = Callout.objects.get().next_step_at
    an_hour_earlier(the_clock)

    assert Callout.objects.get().next_step_at == paused_until
