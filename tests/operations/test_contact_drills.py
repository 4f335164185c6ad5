"""The contact drill: everybody is written to once, who answers can be reached, who does not is rung up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coordination import candidates, channels, contact_drills, links, replies, sender
from coordination.channels import Message, Outcome, Rejected, ReplyReceived
from coordination.contact_drills import NobodyToAsk, Standing, StillRunning, WrongWindow
from coordination.matching import InviteeKind, Need, Requirement, Situation, match
from coordination.models import ContactCheck, Delivery
from coordination.paging import AnswerSource, DeliveryStatus, Purpose
from experts import roster
from tests.factories import OFFICER, a_callout, a_team, an_expert, an_incident
from tests.fakes import RecordingChannel
from tests.moments import NOON, TODAY, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(monkeypatch, the_clock) -> RecordingChannel:
    gateway = RecordingChannel()
    monkeypatch.setattr(channels, "installed", lambda: [gateway])
    return gateway


@pytest.fixture
def li(gateway):
    return an_expert("李工", mobile="+8613900000001", email="li@example.cn")


def check_of(person) -> ContactCheck:
    return ContactCheck.objects.get(expert=person)


def standing_of(drill, name: str, *, at) -> Standing:
    return next(line.standing for line in contact_drills.result(drill, at=at) if str(line.check) == name)


def test_everybody_in_office_and_every_team_in_service_is_written_to_once(li):
    suspended = an_expert("周工")
    roster.suspend(suspended, on=TODAY, reason="核查", by=OFFICER, at=NOON)
    a_team("丰润队")
    a_team("停用队", state="out_of_service")

    contact_drills.start(by=OFFICER, at=NOON)

    messages = Delivery.objects.filter(purpose=Purpose.DRILL)
    assert sorted(messages.values_list("recipient", flat=True)) == ["丰润队", "李工"]


def test_the_message_says_that_it_is_no_real_incident_and_carries_a_link_of_its_own(li, gateway):
    contact_drills.start(by=OFFICER, at=NOON)
    sender.run_once()
    (message,) = gateway.sent
    assert "不是真实事件，无需出动" in message.text
    assert links.check_of(message.link.rstrip("/").rsplit("/", 1)[-1], at=NOON) == check_of(li)


def test_the_link_of_an_ask_opens_no_drill_and_the_other_way_round(li, gateway):
    a_callout(an_incident(), asks=[li])
    contact_drills.start(by=OFFICER, at=NOON)
    sender.run_once()
    asked, drilled = sorted(gateway.sent, key=lambda message: message.purpose is Purpose.DRILL)
    with pytest.raises(links.UnknownToken):
        links.check_of(asked.link.rstrip("/").rsplit("/", 1)[-1], at=NOON)
    with pytest.raises(links.UnknownToken):
        links.invitation_of(drilled.link.rstrip("/").rsplit("/", 1)[-1], at=NOON)


def test_a_real_ask_goes_before_a_drill(li, gateway):
    contact_drills.start(by=OFFICER, at=NOON)
    a_callout(an_incident(), asks=[an_expert("王工")])
    sender.run_once()
    assert [message.purpose for message in gateway.sent][-1] is Purpose.DRILL


def test_how_it_stands_with_each_is_told(li):
    drill = contact_drills.start(by=OFFICER, at=NOON)
    assert standing_of(drill, "李工", at=NOON) is Standing.WAITING
    assert standing_of(drill, "李工", at=NOON + timedelta(hours=2)) is Standing.SILENT

    contact_drills.confirm(check_of(li), source=AnswerSource.LINK, at=NOON + minutes(3))
    assert standing_of(drill, "李工", at=NOON + timedelta(hours=2)) is Standing.ANSWERED


def test_a_late_answer_still_says_that_somebody_can_be_reached(li):
    drill = contact_drills.start(by=OFFICER, at=NOON)
    contact_drills.confirm(check_of(li), source=AnswerSource.LINK, at=NOON + timedelta(hours=3))
    assert standing_of(drill, "李工", at=NOON + timedelta(hours=4)) is Standing.LATE


def test_the_first_answer_counts_and_a_second_changes_nothing(li):
    contact_drills.start(by=OFFICER, at=NOON)
    for later in (1, 2):
        contact_drills.confirm(check_of(li), source=AnswerSource.LINK, at=NOON + minutes(later))
    assert check_of(li).answered_at == NOON + minutes(1)


class Dead(RecordingChannel):
    def send(self, message: Message) -> Outcome:
        return Rejected(permanent=True, reason="空号")


def test_whom_no_message_reaches_is_told_from_who_is_silent(monkeypatch, the_clock):
    monkeypatch.setattr(channels, "installed", lambda: [Dead()])
    an_expert("李工")
    drill = contact_drills.start(by=OFFICER, at=NOON)
    for _ in range(4):
        sender.run_once()
    assert standing_of(drill, "李工", at=NOON) is Standing.UNREACHED


def test_one_who_cannot_be_reached_does_not_keep_another_s_message_back(monkeypatch, the_clock):
    gateway = RecordingChannel(outcomes=[Rejected(permanent=True, reason="空号")] * 2)
    monkeypatch.setattr(channels, "installed", lambda: [gateway])
    an_expert("李工", mobile="+8613900000001", email="li@example.cn")
    an_expert("王工", mobile="+8613900000002", email="wang@example.cn")
    contact_drills.start(by=OFFICER, at=NOON)
    for _ in range(3):
        sender.run_once()
    sent = Delivery.objects.filter(status=DeliveryStatus.SENT)
    assert sorted(sent.values_list("recipient", flat=True)) == ["李工", "王工"]


def test_a_reply_by_text_message_is_an_answer_whatever_it_says(li, gateway):
    drill = contact_drills.start(by=OFFICER, at=NOON)
    sender.run_once()
    replies.take(gateway, ReplyReceived("r-1", "+8613900000001", "好的，收到了"), at=NOON + minutes(5))
    assert standing_of(drill, "李工", at=NOON + minutes(6)) is Standing.ANSWERED


def test_while_an_ask_waits_a_reply_is_about_that(li, gateway):
    contact_drills.start(by=OFFICER, at=NOON)
    a_callout(an_incident(), asks=[li])
    sender.run_once()
    replies.take(gateway, ReplyReceived("r-1", "+8613900000001", "什么事？"), at=NOON + minutes(5))
    assert check_of(li).answered_at is None


def test_who_answered_is_fresher_in_matching(li):
    need = Need(
        situation=Situation.RESCUE,
        requirements=(Requirement(key="1", kind=InviteeKind.EXPERT, industry="WH"),),
        at=NOON + minutes(10),
        on=TODAY,
    )

    def freshness() -> str:
        experts, teams = candidates.pools(need)
        (row,) = match(need, experts=experts, teams=teams)["1"].rows()
        return next(part.words.zh for part in row.parts if part.key == "freshness")

    contact_drills.start(by=OFFICER, at=NOON)
    assert freshness() == "近一年没有答复记录"
    contact_drills.confirm(check_of(li), source=AnswerSource.LINK, at=NOON + minutes(5))
    assert freshness() == "今天答复过"


def test_a_second_drill_waits_for_the_end_of_the_first(li):
    contact_drills.start(by=OFFICER, at=NOON)
    with pytest.raises(StillRunning):
        contact_drills.start(by=OFFICER, at=NOON + minutes(119))
    contact_drills.start(by=OFFICER, at=NOON + minutes(120))


def test_a_window_that_is_not_offered_and_an_empty_roster_are_refused(li):
    with pytest.raises(WrongWindow):
        contact_drills.start(answer_within=minutes(1), by=OFFICER, at=NOON)
    li.appointments.all().delete()
    with pytest.raises(NobodyToAsk):
        contact_drills.start(by=OFFICER, at=NOON)
