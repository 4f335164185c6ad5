"""A callout from the first wave to the last seat, as the duty officer would tell it."""

from __future__ import annotations

import inspect

import pytest

from coordination import answers, callouts, channels, deployments, progress, sender
from coordination.answers import Answer, Result
from coordination.callouts import RequirementSpec
from coordination.models import Delivery, InboxMessage
from coordination.paging import AnswerSource, InviteeKind, Mode, Reply
from experts.models import Expert
from ground.audit import Actor
from ground.models import AuditEntry
from incidents.models import Incident
from tests.factories import (
    OFFICER,
    a_callout,
    a_duty_officer,
    a_guidance_request,
    a_team,
    an_expert,
    an_incident,
    industry,
    invitation_of,
    invitee,
    status_of,
)
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db

YES = Answer(Reply.ACCEPT, AnswerSource.LINK)
REMOTE = Answer(Reply.REMOTE, AnswerSource.LINK)
NO = Answer(Reply.DECLINE, AnswerSource.LINK, reason="人在外省")
SELF = Actor(None, "本人")


@pytest.fixture
def incident() -> Incident:
    return an_incident()


@pytest.fixture
def li() -> Expert:
    return an_expert("李工")


@pytest.fixture
def wang() -> Expert:
    return an_expert("王工")


@pytest.fixture
def zhao() -> Expert:
    return an_expert("赵工")


def says(callout, who, said, *, at):
    return answers.answer(invitation_of(callout, who), said, by=SELF, at=at)


def messages_to(who, purpose="ask"):
    return Delivery.objects.filter(invitation__expert=who, purpose=purpose)


def test_of_more_callouts_than_one_turn_takes_the_longest_due_comes_first(li, wang):
    early = a_callout(an_incident(), asks=[li], at=NOON)
    late = a_callout(an_incident(), asks=[wang], at=NOON + minutes(1))

    assert callouts.due(NOON + minutes(20)) == [early.pk, late.pk]
    assert callouts.due(NOON + minutes(20), limit=1) == [early.pk]


def test_experts_are_asked_in_turn_until_enough_accept(incident, li, wang, zhao):
    callout = a_callout(incident, asks=[li, wang, zhao], seats=1, at=NOON)
    assert status_of(callout, li) == "asked"
    assert status_of(callout, wang) == "listed"

    # Li does not answer; ten minutes later Wang is asked instead.
    callouts.advance(callout.pk, at=NOON + minutes(10))
    assert status_of(callout, li) == "lapsed"
    assert status_of(callout, wang) == "asked"

    assert says(callout, wang, YES, at=NOON + minutes(12)) is Result.SEATED
    callout.refresh_from_db()
    assert callout.status == "filled"
    assert status_of(callout, zhao) == "listed"
    assert not messages_to(zhao).exists()


def test_a_no_moves_on_at_once(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], at=NOON)

    says(callout, li, NO, at=NOON + minutes(1))

    assert status_of(callout, li) == "declined"
    assert status_of(callout, wang) == "asked"


def test_a_late_yes_is_a_yes_while_a_seat_is_free(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], at=NOON)
    callouts.advance(callout.pk, at=NOON + minutes(10))

    assert says(callout, li, YES, at=NOON + minutes(11)) is Result.SEATED
    assert status_of(callout, wang) == "stood_down"


def test_who_says_yes_when_the_seats_are_taken_is_kept_in_reserve(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], at=NOON)
    callouts.advance(callout.pk, at=NOON + minutes(10))
    says(callout, wang, YES, at=NOON + minutes(11))

    assert says(callout, li, YES, at=NOON + minutes(12)) is Result.RESERVE
    assert status_of(callout, li) == "reserve"


def test_who_was_asked_is_told_when_no_longer_needed(incident, li, wang, the_clock):
    callout = a_callout(incident, asks=[li, wang], seats=1, at=NOON)
    sender.run_once()
    callouts.advance(callout.pk, at=NOON + minutes(10))

    says(callout, wang, YES, at=NOON + minutes(11))

    assert status_of(callout, li) == "stood_down"
    assert "不必前往" in messages_to(li, "stand_down").get().text


def test_a_message_that_never_left_is_cancelled_and_nobody_is_told_anything(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], seats=2, at=NOON)

    callouts.stop(callout, reason="误报撤销", release_accepted=True, by=OFFICER, at=NOON + minutes(1))

    assert messages_to(li).get().status == "cancelled"
    assert not messages_to(li, "stand_down").exists()


def test_answering_twice_takes_one_seat(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], seats=2, at=NOON)

    assert says(callout, li, YES, at=NOON + minutes(1)) is Result.SEATED
    assert says(callout, li, YES, at=NOON + minutes(2)) is Result.SEATED

    requirement = callout.requirements.get()
    assert requirement.seats.filter(invitation=None).count() == 1


@pytest.mark.parametrize(
    ("before", "again", "came_to"),
    [
        pytest.param([YES], YES, Result.RESERVE, id="a reserve's yes"),
        pytest.param([NO], NO, Result.DECLINED, id="a no"),
        pytest.param([NO, "stop"], NO, Result.DECLINED, id="a no after the end"),
        pytest.param(["free", YES, NO], NO, Result.WITHDRAWN, id="the no that gave a seat back"),
    ],
)
def test_the_same_answer_that_comes_again_changes_nothing(incident, li, wang, before, again, came_to):
    callout = a_callout(incident, asks=[li, wang], at=NOON)
    if "free" not in before:
        says(callout, li, YES, at=NOON)
    for said in before:
        if isinstance(said, Answer):
            says(callout, wang, said, at=NOON + minutes(1))
    if "stop" in before:
        callouts.stop(callout, reason="够了", release_accepted=False, by=OFFICER, at=NOON + minutes(2))
    log = list(incident.log.values_list("text", flat=True))

    assert says(callout, wang, again, at=NOON + minutes(3)) is came_to

    assert invitation_of(callout, wang).answered_at == NOON + minutes(1)
    assert list(incident.log.values_list("text", flat=True)) == log


def test_a_withdrawn_acceptance_reopens_the_seat_and_alarms_the_duty_officer(incident, li, wang):
    officer = a_duty_officer()
    callout = a_callout(incident, asks=[li, wang], at=NOON)
    says(callout, li, YES, at=NOON + minutes(1))

    assert says(callout, li, NO, at=NOON + minutes(5)) is Result.WITHDRAWN

    callout.refresh_from_db()
    assert callout.status == "open"
    assert status_of(callout, wang) == "asked"
    assert Delivery.objects.filter(user=officer, purpose="alarm", subject__contains="李工").exists()


def withdrawal_alarm() -> str:
    return Delivery.objects.filter(purpose="alarm", subject__startswith="接受后退出").get().text


def test_the_alarm_about_a_withdrawal_does_not_promise_what_an_ended_callout_cannot_do(incident, li, wang):
    a_duty_officer()
    callout = a_callout(incident, asks=[li, wang], at=NOON)
    says(callout, li, YES, at=NOON)
    callouts.stop(callout, reason="够了", release_accepted=False, by=OFFICER, at=NOON)

    says(callout, li, NO, at=NOON + minutes(5))

    assert "已继续补人" not in withdrawal_alarm()
    assert "请另发起一次" in withdrawal_alarm()


def test_nor_what_a_paused_one_will_not(incident, li, wang):
    a_duty_officer()
    callout = a_callout(incident, asks=[li, wang], seats=2, at=NOON)
    says(callout, li, YES, at=NOON)
    callouts.pause(callout, by=OFFICER, at=NOON)

    says(callout, li, NO, at=NOON + minutes(5))

    assert "尚未补人" in withdrawal_alarm()


def test_a_false_alarm_is_called_off_also_when_somebody_is_home_again_and_has_reported(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], seats=2, at=NOON)
    for who in (li, wang):
        says(callout, who, YES, at=NOON)
    for step in (deployments.arrive, deployments.release):
        step(invitation_of(callout, li).deployment, by=SELF, source=AnswerSource.LINK, at=NOON)
    done = invitation_of(callout, li).deployment
    deployments.report(done, "已处置", by=SELF, source=AnswerSource.LINK, at=NOON)

    callouts.stop(callout, reason="误报撤销", release_accepted=True, by=OFFICER, at=NOON + minutes(60))

    callout.refresh_from_db()
    assert callout.status == "closed"
    assert [status_of(callout, one) for one in (li, wang)] == ["accepted", "stood_down"]
    assert not messages_to(li, "stand_down").exists()


def test_a_reserve_is_asked_before_those_still_on_the_list(incident, li, wang, zhao):
    callout = a_callout(incident, asks=[li, wang, zhao], at=NOON)
    callouts.advance(callout.pk, at=NOON + minutes(10))
    says(callout, wang, YES, at=NOON + minutes(11))
    says(callout, li, YES, at=NOON + minutes(12))
    assert status_of(callout, li) == "reserve"

    says(callout, wang, NO, at=NOON + minutes(20))

    assert status_of(callout, li) == "asked"
    assert status_of(callout, zhao) == "listed"
    assert messages_to(li).count() == 2


def test_when_nobody_is_left_to_ask_the_duty_officer_is_alarmed(incident, li):
    officer = a_duty_officer()
    callout = a_callout(incident, asks=[li], at=NOON)

    says(callout, li, NO, at=NOON + minutes(1))

    callout.refresh_from_db()
    assert callout.status == "exhausted"
    alarm = Delivery.objects.get(user=officer, purpose="alarm")
    assert "还缺 1 个" in alarm.text


def test_an_exhausted_callout_opens_again_when_people_are_added(incident, li, wang):
    callout = a_callout(incident, asks=[li], at=NOON)
    says(callout, li, NO, at=NOON + minutes(1))

    callouts.add_invitees(callout, [invitee(wang)], by=OFFICER, at=NOON + minutes(2))

    callout.refresh_from_db()
    assert callout.status == "open"
    assert status_of(callout, wang) == "asked"


def test_remote_only_never_fills_a_seat_on_site(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], at=NOON)

    assert says(callout, li, REMOTE, at=NOON + minutes(1)) is Result.RESERVE

    assert callout.requirements.get().seats.filter(invitation=None).count() == 1
    assert status_of(callout, wang) == "asked"


def test_a_seat_given_up_for_help_from_afar_is_offered_to_the_next(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], seats=1)
    says(callout, li, YES, at=NOON + minutes(1))
    callout.refresh_from_db()
    assert callout.status == "filled"

    result = says(callout, li, REMOTE, at=NOON + minutes(2))

    callout.refresh_from_db()
    assert result is Result.RESERVE
    assert callout.status == "open"
    assert status_of(callout, wang) == "asked"


def test_remote_only_takes_a_free_remote_seat(incident, li):
    callout = callouts.start(
        incident,
        [
            RequirementSpec(InviteeKind.EXPERT, 1, industry=industry()),
            RequirementSpec(InviteeKind.EXPERT, 1, mode=Mode.REMOTE, industry=industry()),
        ],
        [invitee(li, 0)],
        policy="urgent",
        by=OFFICER,
        at=NOON,
    )

    assert says(callout, li, REMOTE, at=NOON + minutes(1)) is Result.SEATED

    onsite, remote = callout.requirements.all()
    assert onsite.seats.get().invitation is None
    assert remote.seats.get().invitation.expert == li


def test_somebody_on_site_elsewhere_is_passed_over_and_cannot_accept(incident, li, wang):
    elsewhere = a_callout(an_incident(incident.enterprise), asks=[li], at=NOON)
    says(elsewhere, li, YES, at=NOON + minutes(1))

    callout = a_callout(incident, asks=[li, wang], at=NOON + minutes(2))

    assert status_of(callout, li) == "listed"
    assert status_of(callout, wang) == "asked"
    with pytest.raises(answers.AlreadyEngaged):
        says(callout, li, YES, at=NOON + minutes(3))
    assert status_of(callout, li) == "listed"


def test_advice_from_afar_ties_nobody_up(incident, li):
    remote = a_callout(incident, asks=[li], mode=Mode.REMOTE, at=NOON)
    says(remote, li, YES, at=NOON + minutes(1))

    onsite = a_callout(an_incident(incident.enterprise), asks=[li], at=NOON + minutes(2))

    assert status_of(onsite, li) == "asked"
    assert says(onsite, li, YES, at=NOON + minutes(3)) is Result.SEATED


def test_a_promised_visit_keeps_nobody_from_an_incident(incident, li):
    visit = a_callout(a_guidance_request(), asks=[li], policy="patient", at=NOON)
    says(visit, li, YES, at=NOON + minutes(1))

    rescue = a_callout(incident, asks=[li], at=NOON + minutes(2))

    assert status_of(rescue, li) == "asked"
    assert says(rescue, li, YES, at=NOON + minutes(3)) is Result.SEATED


def test_who_accepts_elsewhere_holds_up_nobody_where_they_were_asked_as_well(the_clock, incident, li, wang):
    elsewhere = a_callout(an_incident(), asks=[li], at=NOON)
    here = a_callout(incident, asks=[li, wang], at=NOON)

    says(elsewhere, li, YES, at=NOON + minutes(1))
    the_clock.move(minutes(1))
    sender.run_once()

    assert status_of(here, wang) == "asked", "not only when the window closes at ten minutes"
    assert status_of(here, li) == "asked", "what they were asked still stands"
    # A second look finds nothing more to do.
    sender.run_once()
    here.refresh_from_db()
    assert (here.wave, here.next_step_at) == (2, NOON + minutes(10))


def test_who_advises_from_afar_is_still_waited_for_elsewhere(the_clock, incident, li, wang):
    advice = a_callout(an_incident(), asks=[li], mode=Mode.REMOTE, at=NOON)
    here = a_callout(incident, asks=[li, wang], at=NOON)

    says(advice, li, YES, at=NOON + minutes(1))
    the_clock.move(minutes(1))
    sender.run_once()

    assert status_of(here, wang) == "listed"


def test_a_paused_callout_asks_nobody_until_it_is_resumed(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], at=NOON)
    callouts.pause(callout, by=OFFICER, at=NOON + minutes(1))

    # Neither the end of Li's window nor Li's no moves it on.
    callouts.advance(callout.pk, at=NOON + minutes(30))
    says(callout, li, NO, at=NOON + minutes(31))
    assert status_of(callout, wang) == "listed"

    callouts.resume(callout, by=OFFICER, at=NOON + minutes(40))
    assert status_of(callout, wang) == "asked"


def test_seats_can_be_raised_and_lowered_while_it_runs(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], seats=1, at=NOON)
    requirement = callout.requirements.get()
    says(callout, li, YES, at=NOON + minutes(1))

    callouts.change_seats(requirement, 2, by=OFFICER, at=NOON + minutes(2))
    assert status_of(callout, wang) == "asked"

    callouts.change_seats(requirement, 1, by=OFFICER, at=NOON + minutes(3))
    callout.refresh_from_db()
    assert callout.status == "filled"
    assert status_of(callout, wang) == "stood_down"


def test_the_last_seat_cannot_be_taken_away(incident, li):
    callout = a_callout(incident, asks=[li], seats=1, at=NOON)

    with pytest.raises(callouts.NoSeats):
        callouts.change_seats(callout.requirements.get(), 0, by=OFFICER, at=NOON + minutes(4))


def test_seats_cannot_go_below_those_who_accepted(incident, li, wang):
    callout = a_callout(incident, asks=[li, wang], seats=2, at=NOON)
    for who in (li, wang):
        says(callout, who, YES, at=NOON + minutes(1))

    with pytest.raises(callouts.SeatsTaken):
        callouts.change_seats(callout.requirements.get(), 1, by=OFFICER, at=NOON + minutes(2))


def test_somebody_without_a_contact_is_not_waited_for_and_the_officer_hears_of_it(incident, li, wang):
    officer = a_duty_officer()
    li.contacts.all().delete()

    callout = a_callout(incident, asks=[li, wang], at=NOON)

    assert messages_to(li).get().reason == "没有可用的联系方式"
    assert status_of(callout, wang) == "asked"
    assert Delivery.objects.filter(user=officer, subject__contains="李工").exists()


@pytest.mark.parametrize("seats", [0, -1])
def test_a_callout_without_a_seat_is_refused(incident, li, seats):
    with pytest.raises(callouts.NoSeats):
        a_callout(incident, asks=[li], seats=seats)


def test_teams_answer_with_people_and_vehicles(incident):
    team = a_team("曹妃甸危化队")
    callout = a_callout(incident, asks=[team], at=NOON)
    said = Answer(Reply.ACCEPT, AnswerSource.LINK, crew=12, vehicles=2, eta_at=NOON + minutes(20))

    says(callout, team, said, at=NOON + minutes(2))

    last = incident.log.filter(text__contains="12 人 2 车").get()
    assert "曹妃甸危化队 接受" in last.text


def test_in_a_demo_installation_every_message_ends_in_the_inbox(incident, li, the_clock):
    a_callout(incident, asks=[li], at=NOON)
    sender.run_once()

    message = InboxMessage.objects.get()
    assert message.recipient == "李工"
    assert "/a/" in message.link


def test_a_callout_that_cannot_move_on_holds_up_no_other(incident, li, wang, the_clock, monkeypatch):
    broken = a_callout(incident, asks=[li], at=NOON)
    other = a_callout(an_incident(incident.enterprise), asks=[wang], at=NOON)
    go_on = callouts.advance

    def advance(callout_id, *, at):
        if callout_id == broken.pk:
            raise RuntimeError("一行坏数据")
        go_on(callout_id, at=at)

    monkeypatch.setattr(callouts, "advance", advance)
    the_clock.move(minutes(10))
    sender.run_once()

    assert status_of(other, wang) == "lapsed"


def test_who_accepted_can_withdraw_after_the_callout_has_ended(incident, li):
    callout = a_callout(incident, asks=[li], at=NOON)
    says(callout, li, YES, at=NOON)
    callouts.stop(callout, reason="够了", release_accepted=False, by=OFFICER, at=NOON)

    assert says(callout, li, NO, at=NOON + minutes(3)) is Result.WITHDRAWN
    callout.refresh_from_db()
    assert callout.status == "closed"


def test_a_second_callout_for_the_same_incident_asks_nobody_again(incident, li, wang):
    a_callout(incident, asks=[li], at=NOON)

    second = a_callout(incident, asks=[li, wang], at=NOON + minutes(1))

    assert [one.expert for one in second.invitations.all()] == [wang]
    assert messages_to(li).count() == 1


def test_who_held_a_callout_up_and_who_let_it_go_on_stands_in_the_audit(incident, li):
    callout = a_callout(incident, asks=[li], at=NOON)

    callouts.pause(callout, by=OFFICER, at=NOON + minutes(1))
    callouts.resume(callout, by=OFFICER, at=NOON + minutes(2))

    done = AuditEntry.objects.filter(object_id=str(callout.public_id)).order_by("at")
    assert list(done.values_list("action", "actor_label")) == [
        ("callout.start", "陈立"),
        ("callout.pause", "陈立"),
        ("callout.resume", "陈立"),
    ]


def test_many_in_a_row_who_cannot_be_reached_are_passed_over_step_by_step(incident, monkeypatch):
    """Each step once began inside the one before it, so that a long list of bad numbers broke the callout."""
    monkeypatch.setattr(channels, "installed", lambda: [])
    everybody = [an_expert(f"专家{number}") for number in range(40)]
    steps: list[int] = []
    take = progress._takes_another_step

    def deep(*given, **named):
        steps.append(len(inspect.stack(0)))
        return take(*given, **named)

    monkeypatch.setattr(progress, "_takes_another_step", deep)

    callout = a_callout(incident, asks=everybody, seats=1)

    assert callout.invitations.filter(asked_at=None).count() == 0
    assert len(steps) > 10
    assert len(set(steps)) == 1
