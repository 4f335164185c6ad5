"""Two providers of one medium, and what each will put up with: planned for, so that it is not run into."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from coordination import channel_checks, channels, deliveries, receipts, sender, traffic
from coordination.channels import Accepted, Ambiguous, CannotLookUp, Caps, Limit, Receipt, Rejected
from coordination.models import Delivery, SendIntent
from coordination.paging import DeliveryStatus, Medium, Purpose
from coordination.views import desk
from ground.models import ContactKind
from incidents.models import Incident
from tests.factories import a_callout, an_expert, an_incident
from tests.fakes import recording
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
HERE = uuid.UUID(int=1)
BUSY = Rejected(permanent=False, reason="503 请稍后")
BROKEN_OFF = Ambiguous("连接中断")
DEAD_NUMBER = Rejected(permanent=True, reason="号码停机")


@pytest.fixture
def first():
    return recording("first", Medium.SMS, ContactKind.MOBILE)


@pytest.fixture
def second():
    return recording("second", Medium.SMS, ContactKind.MOBILE)


@pytest.fixture
def voice():
    return recording("voice", Medium.VOICE, ContactKind.MOBILE)


@pytest.fixture(autouse=True)
def _installed(first, second, voice, monkeypatch, the_clock):
    monkeypatch.setattr(channels, "installed", lambda: [first, second, voice])


@pytest.fixture
def incident():
    return an_incident()


def text_to(expert) -> Delivery:
    return Delivery.objects.get(invitation__expert=expert, purpose=Purpose.ASK, medium="sms")


def claimed_at(moment, slots=9):
    return [
        (one.message.recipient, one.channel) for one in deliveries.claim(slots=slots, holder=HERE, at=moment)
    ]


def asks_from(incident, *names, **how):
    experts = [an_expert(name) for name in names]
    a_callout(incident, asks=experts, seats=len(experts), **how)
    return experts


# Two providers ------------------------------------------------------------------------------------


def test_the_preferred_provider_is_used_while_it_works(first, second, incident):
    asks_from(incident, "李工", "王工")

    sender.run_once()

    assert (len(first.sent), len(second.sent)) == (2, 0)


def test_a_message_that_one_provider_cannot_take_now_goes_over_the_other(first, second, incident, the_clock):
    first.outcomes = [BUSY]
    (li,) = asks_from(incident, "李工")
    sender.run_once()

    the_clock.move(timedelta(seconds=3))
    sender.run_once()

    assert (len(first.sent), len(second.sent)) == (1, 1)
    assert (text_to(li).channel, text_to(li).provider, text_to(li).status) == ("second", "second", "sent")
    assert not text_to(li).maybe_duplicate, "the first has certainly not taken it"
    assert [one.channel for one in text_to(li).intents.all()] == ["first", "second"]


def test_after_three_failures_everybody_goes_over_the_other_until_the_first_has_rested(
    first, second, incident, the_clock
):
    first.outcomes = [BUSY] * 3
    asks_from(incident, "甲", "乙", "丙")
    sender.run_once()

    asks_from(an_incident(incident.enterprise), "丁", at=the_clock())
    assert claimed_at(the_clock()) == [("丁", "second")]

    # Half a minute later one message tries the first; the others do not wait for how that ends.
    later = NOON + timedelta(seconds=31)
    Delivery.objects.exclude(recipient="丁").update(status=DeliveryStatus.CANCELLED, reason="测试")
    asks_from(an_incident(incident.enterprise), "戊", "己", at=later)
    assert claimed_at(later) == [("戊", "first"), ("己", "second")]


def test_a_message_that_the_first_may_have_is_looked_for_there_and_only_then_sent_over_the_second(
    first, second, incident, the_clock
):
    first.outcomes = [BROKEN_OFF] * 3
    li, _, _ = asks_from(incident, "李工", "乙", "丙")
    sender.run_once()

    the_clock.move(timedelta(seconds=3))
    sender.run_once()

    assert len(first.sent) == 3
    assert len(second.sent) == 3
    assert all(message.text.startswith("（可能重复）") for message in second.sent)
    assert text_to(li).maybe_duplicate


def test_a_message_that_the_first_has_is_not_sent_over_the_second(first, second, incident, the_clock):
    first.outcomes = [BROKEN_OFF] * 3
    li, _, _ = asks_from(incident, "李工", "乙", "丙")
    sender.run_once()
    first.known[text_to(li).public_id] = "taken-after-all"

    the_clock.move(timedelta(seconds=3))
    sender.run_once()

    assert "李工" not in [message.recipient for message in second.sent]
    found = text_to(li)
    assert (found.provider, found.provider_message_id, found.status) == ("first", "taken-after-all", "sent")
    assert [(one.channel, one.outcome) for one in found.intents.all()] == [
        ("first", "accepted"),
        ("second", "not_sent"),
    ]


def test_a_crash_between_two_providers_is_looked_for_at_both(first, second, incident, monkeypatch):
    first.outcomes = [BROKEN_OFF] * 3
    li, _, _ = asks_from(incident, "李工", "乙", "丙")
    sender.run_once()
    deliveries.claim(slots=3, holder=HERE, at=NOON + timedelta(seconds=3))  # over the second, and dead

    after = NOON + timedelta(seconds=4) + deliveries.LEASE
    again = deliveries.claim(slots=3, holder=HERE, at=after)

    assert {one.look_up_at for one in again} == {("first", "second")}
    second.known[text_to(li).public_id] = "second-1"
    outcome = sender.send(next(one for one in again if one.message.recipient == "李工"))
    assert outcome == deliveries.Found("second", "second-1")


def test_where_the_first_cannot_tell_it_goes_out_again_marked(
    first, second, incident, the_clock, monkeypatch
):
    def cannot(message):
        raise CannotLookUp

    monkeypatch.setattr(first, "look_up", cannot)
    first.outcomes = [BROKEN_OFF] * 3
    asks_from(incident, "李工", "乙", "丙")
    sender.run_once()

    the_clock.move(timedelta(seconds=3))
    sender.run_once()

    assert len(second.sent) == 3
    assert all(message.subject.startswith("（可能重复）") for message in second.sent)


def test_asking_a_provider_in_vain_does_not_make_it_look_well(first, second, incident, the_clock):
    first.outcomes = [BROKEN_OFF] * 3
    li, _, _ = asks_from(incident, "李工", "乙", "丙")
    sender.run_once()
    for number in range(2, 40):
        SendIntent.objects.create(
            delivery=text_to(li), lease_no=number, channel="first", at=NOON + timedelta(seconds=1),
            outcome="not_sent", finished_at=NOON + timedelta(seconds=2),
        )  # fmt: skip
    Delivery.objects.update(status=DeliveryStatus.CANCELLED, reason="测试")

    asks_from(an_incident(incident.enterprise), "丁", at=NOON + timedelta(seconds=3))

    assert claimed_at(NOON + timedelta(seconds=3)) == [("丁", "second")]


def test_a_receipt_of_the_first_counts_though_the_message_moved_to_the_second(
    first, second, incident, the_clock
):
    first.outcomes = [BROKEN_OFF] * 3
    li, _, _ = asks_from(incident, "李工", "乙", "丙")
    sender.run_once()
    deliveries.claim(slots=3, holder=HERE, at=NOON + timedelta(seconds=3))

    receipts.take("first", Receipt("r-1", True, reference=text_to(li).public_id), at=NOON + minutes(0.1))

    assert text_to(li).status == "delivered"


def test_a_canary_goes_over_the_channel_that_it_is_to_try(first, second, incident):
    first.outcomes = [BUSY] * 3
    asks_from(incident, "甲", "乙", "丙")
    sender.run_once()
    Delivery.objects.create(
        purpose=Purpose.CANARY,
        recipient="通道自检",
        channel="first",
        medium="sms",
        address="+8613900000000",
        subject="自检",
        text="自检",
        created_at=NOON,
        due_at=NOON,
        expires_at=NOON + minutes(10),
    )

    assert claimed_at(NOON) == [("通道自检", "first")]


def test_a_channel_that_was_taken_out_leaves_its_messages_to_the_other(second, incident, monkeypatch):
    (li,) = asks_from(incident, "李工")
    monkeypatch.setattr(channels, "installed", lambda: [second])

    sender.run_once()

    assert text_to(li).provider == "second"


def test_two_messages_to_which_a_provider_gives_one_name_are_both_out(first, incident):
    first.outcomes = [Accepted("0"), Accepted("0")]
    li, wang = asks_from(incident, "李工", "王工")

    sender.run_once()

    assert {text_to(one).status for one in (li, wang)} == {"sent"}
    assert text_to(wang).provider_message_id != text_to(li).provider_message_id == "0"


# Limits -------------------------------------------------------------------------------------------


@pytest.fixture
def capped(first):
    first.caps = Caps(per_address=(Limit(1, minutes(1)),))
    return first


def ask_again(li, incident: Incident, *, at=NOON, **how):
    """Another incident asks the same person."""
    a_callout(an_incident(incident.enterprise, **how), asks=[li], at=at)


def test_a_second_message_within_the_minute_goes_over_the_other_provider(capped, second, incident):
    (li,) = asks_from(incident, "李工")
    ask_again(li, incident)

    assert claimed_at(NOON) == [("李工", "first"), ("李工", "second")]


def test_without_another_provider_it_waits_until_the_limit_allows_it(capped, voice, incident, monkeypatch):
    monkeypatch.setattr(channels, "installed", lambda: [capped, voice])
    (li,) = asks_from(incident, "李工")
    deliveries.claim(slots=1, holder=HERE, at=NOON)
    ask_again(li, incident, at=NOON)

    assert claimed_at(NOON + timedelta(seconds=20)) == []
    waiting = Delivery.objects.filter(medium="sms", status="pending").get()
    assert waiting.due_at == NOON + minutes(1)
    assert claimed_at(NOON + minutes(1)) == [("李工", "first")]


@pytest.mark.parametrize("period", [timedelta(days=1), minutes(20)], ids=["a day", "longer than the window"])
def test_a_limit_that_allows_nothing_in_time_makes_way_for_the_next_step(
    first, voice, incident, monkeypatch, period
):
    first.caps = Caps(per_address=(Limit(1, period),))
    monkeypatch.setattr(channels, "installed", lambda: [first, voice])
    (li,) = asks_from(incident, "李工")
    deliveries.claim(slots=1, holder=HERE, at=NOON)
    ask_again(li, incident)

    assert claimed_at(NOON) == []

    given_up = Delivery.objects.get(medium="sms", status="failed")
    assert given_up.reason == "这个号码已达通道限额"
    assert given_up.siblings.get(medium="voice").due_at == NOON


def test_what_was_refused_does_not_count_what_broke_off_does(capped, voice, incident, monkeypatch):
    monkeypatch.setattr(channels, "installed", lambda: [capped, voice])
    capped.outcomes = [DEAD_NUMBER, BROKEN_OFF]
    (li,) = asks_from(incident, "李工")
    (one,) = deliveries.claim(slots=1, holder=HERE, at=NOON)
    deliveries.record(one, sender.send(one), at=NOON)
    Delivery.objects.filter(medium="voice").delete()

    ask_again(li, incident)
    (one,) = deliveries.claim(slots=1, holder=HERE, at=NOON)
    deliveries.record(one, sender.send(one), at=NOON)

    ask_again(li, incident)
    Delivery.objects.filter(medium="voice").delete()
    assert claimed_at(NOON) == []


def test_a_message_is_not_in_its_own_way(capped, voice, incident, monkeypatch):
    monkeypatch.setattr(channels, "installed", lambda: [capped, voice])
    capped.outcomes = [BROKEN_OFF]
    asks_from(incident, "李工")
    sender.run_once()

    assert claimed_at(NOON + timedelta(seconds=3)) == [("李工", "first")]


def test_a_channel_takes_so_many_a_second_and_the_others_wait_their_turn(first, incident, monkeypatch):
    first.caps = Caps(per_second=2.0)
    monkeypatch.setattr(channels, "installed", lambda: [first])
    asks_from(incident, "甲", "乙", "丙", "丁", "戊")

    assert [name for name, _ in claimed_at(NOON)] == ["甲", "乙"]
    waiting = Delivery.objects.filter(status="pending", due_at__gt=NOON).order_by("due_at", "priority")
    assert [(one.recipient, (one.due_at - NOON).seconds) for one in waiting] == [
        ("丙", 1),
        ("丁", 1),
        ("戊", 2),
    ]
    assert [name for name, _ in claimed_at(NOON + timedelta(seconds=0.5))] == []
    assert [name for name, _ in claimed_at(NOON + timedelta(seconds=1))] == ["丙", "丁"]
    assert [name for name, _ in claimed_at(NOON + timedelta(seconds=2))] == ["戊"]


def test_drills_leave_of_a_limit_what_an_emergency_needs(first, incident, monkeypatch):
    first.caps = Caps(per_address=(Limit(5, timedelta(days=1)),))
    monkeypatch.setattr(channels, "installed", lambda: [first])
    (li,) = asks_from(an_incident(incident.enterprise, is_drill=True), "李工")
    for _ in range(4):
        ask_again(li, incident, is_drill=True)
    assert len(claimed_at(NOON)) == 3, "60 % of five"
    assert traffic.nearly_used_up(at=NOON) == {"first": 1}
    (checked,) = channel_checks.checked(at=NOON)
    assert "1 个号码已用掉通道限额的六成" in checked.findings[0].words.zh
    assert [one.near_the_limit for one in desk.health(NOON)["channels"]] == [1]

    ask_again(li, incident)
    ask_again(li, incident)
    assert len(claimed_at(NOON)) == 2


def test_a_batch_costs_no_query_more_for_every_message(
    first, second, incident, django_assert_max_num_queries
):
    first.caps = Caps(per_address=(Limit(1, minutes(1)),), per_second=100.0)
    asks_from(incident, *(f"专家{number}" for number in range(8)))

    with django_assert_max_num_queries(8 + 16):  # an update for each, and what is read once
        assert len(deliveries.claim(slots=8, holder=HERE, at=NOON)) == 8
    assert SendIntent.objects.count() == 8
