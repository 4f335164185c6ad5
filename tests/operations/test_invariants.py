"""What must hold in the database of callouts: found when it is broken, silent when it is not."""

from __future__ import annotations

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command

from coordination import answers, callouts, channels, deliveries, invariants, sender, watch
from coordination.answers import Answer
from coordination.channels import Rejected
from coordination.models import Callout, Delivery, Invitation, Seat, SendIntent
from coordination.paging import AnswerSource, CalloutStatus, DeliveryStatus, InvitationStatus, Reply
from experts.models import Expert
from ground.audit import SYSTEM
from ground.models import AuditEntry
from incidents.models import LogEntry
from tests.factories import OFFICER, a_callout, a_duty_officer, an_expert, an_incident, invitation_of
from tests.fakes import RecordingChannel
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db

YES = Answer(Reply.ACCEPT, AnswerSource.LINK)


@pytest.fixture
def callout(the_clock) -> Callout:
    """Two seats: 李工 has accepted, 王工 and 赵工 were asked, 钱工 is on the list; every message is out."""
    a_duty_officer()
    li, wang, zhao, qian = (an_expert(name) for name in ("李工", "王工", "赵工", "钱工"))
    callout = a_callout(an_incident(), asks=[li, wang, zhao, qian], seats=2)
    sender.run_once()
    answers.answer(invitation_of(callout, li), YES, by=SYSTEM, at=NOON + minutes(1))
    answers.answer(
        invitation_of(callout, wang),
        Answer(Reply.DECLINE, AnswerSource.LINK),
        by=SYSTEM,
        at=NOON + minutes(1),
    )
    the_clock.move(minutes(1))
    sender.run_once()
    callout.refresh_from_db()
    return callout


def found() -> dict[str, int]:
    return {one.invariant.code: one.count for one in invariants.violations(NOON + minutes(2))}


def wrong(at: datetime) -> list[str]:
    return [one.invariant.code for one in invariants.violations(at) if not one.invariant.is_promptness]


def test_nothing_is_found_while_all_is_well(callout):
    assert found() == {}


def test_moments_of_a_clock_that_has_gone_back_since_accuse_nobody(callout, the_clock):
    # The database's clock is an hour ahead for a minute, in which Zhao is asked; then the callout ends.
    for minute in (2, 62, 3):
        the_clock.moment = NOON + minutes(minute)
        watch.look(at=the_clock())
        if minute == 62:
            zhao = SendIntent.objects.filter(delivery__recipient="赵工")
            zhao.update(at=the_clock())
            Delivery.objects.filter(intents__in=zhao).update(sent_at=the_clock())
    answers.answer(invitation_of(callout, Expert.objects.get(name="赵工")), YES, by=SYSTEM, at=the_clock())
    callouts.stop(callout, reason="误报", release_accepted=False, by=OFFICER, at=NOON + minutes(4))

    assert wrong(NOON + minutes(5)) == []

    # What came after the clock was right again is held against it as ever.
    SendIntent.objects.filter(delivery__recipient="赵工").update(at=NOON + minutes(70))
    Delivery.objects.filter(recipient="赵工").update(sent_at=NOON + minutes(70))
    assert wrong(NOON + minutes(75)) == ["I4.end", "I10.expiry"]


def test_nothing_is_found_after_the_end_of_a_callout(callout):
    callouts.stop(callout, reason="误报", release_accepted=True, by=OFFICER, at=NOON + minutes(2))
    sender.run_once()
    assert found() == {}


def test_nothing_is_found_when_somebody_cannot_be_reached_and_the_officer_was_told(callout, monkeypatch):
    zhou = an_expert("周工")
    provider = RecordingChannel(outcomes=[Rejected(permanent=True, reason="空号")])
    monkeypatch.setattr(channels, "installed", lambda: [provider])
    a_callout(an_incident(), asks=[zhou], at=NOON + minutes(1))
    sender.run_once()
    assert found() == {}


def accepted(callout: Callout) -> Invitation:
    return callout.invitations.get(status=InvitationStatus.ACCEPTED)


def asked(callout: Callout) -> Invitation:
    return callout.invitations.filter(status=InvitationStatus.ASKED).first()


def lose_the_message(callout: Callout) -> None:
    asked(callout).deliveries.all().delete()


def fail_without_an_alarm(callout: Callout) -> None:
    asked(callout).deliveries.update(status=DeliveryStatus.FAILED, reason="空号")


def fail_without_a_reason(callout: Callout) -> None:
    Delivery.objects.filter(pk=accepted(callout).deliveries.first().pk).update(status=DeliveryStatus.FAILED)


def send_without_an_intent(callout: Callout) -> None:
    SendIntent.objects.filter(delivery__invitation=accepted(callout)).delete()


def give_the_seat_to_who_declined(callout: Callout) -> None:
    declined = callout.invitations.get(status=InvitationStatus.DECLINED)
    Seat.objects.filter(requirement__callout=callout, invitation=None).update(invitation=declined)


def take_the_seat_away(callout: Callout) -> None:
    Seat.objects.filter(invitation=accepted(callout)).update(invitation=None)


def send_somebody_to_a_second_site(callout: Callout) -> None:
    Invitation.objects.filter(pk=accepted(callout).pk).update(exclusive=False)
    there = a_callout(an_incident(), asks=[accepted(callout).expert], at=NOON + minutes(1))
    sender.run_once()
    answers.answer(there.invitations.get(), YES, by=SYSTEM, at=NOON + minutes(1))


def call_it_filled(callout: Callout) -> None:
    Callout.objects.filter(pk=callout.pk).update(status=CalloutStatus.FILLED, next_step_at=None)


def ask_who_has_answered(callout: Callout) -> None:
    SendIntent.objects.filter(delivery__invitation=accepted(callout)).update(at=NOON + minutes(2))


def ask_after_the_end(callout: Callout) -> None:
    callouts.stop(callout, reason="误报", release_accepted=False, by=OFFICER, at=NOON + minutes(2))
    SendIntent.objects.filter(delivery__callout=callout, delivery__purpose="ask").update(at=NOON + minutes(3))


def forget_when_it_was_sent(callout: Callout) -> None:
    accepted(callout).deliveries.update(sent_at=None)


def lapse_too_early(callout: Callout) -> None:
    Invitation.objects.filter(pk=asked(callout).pk).update(status=InvitationStatus.LAPSED)


def lose_the_audit_entry(callout: Callout) -> None:
    AuditEntry.objects.filter(action="invitation.accept").delete()


def change_the_audit_trail(callout: Callout) -> None:
    AuditEntry.objects.filter(action="callout.start").update(actor_label="别人")


def change_the_log(callout: Callout) -> None:
    LogEntry.objects.filter(incident=callout.incident).update(text="改过")


def send_after_expiry(callout: Callout) -> None:
    accepted(callout).deliveries.update(sent_at=NOON + minutes(60))


def forget_the_callout(callout: Callout) -> None:
    Callout.objects.filter(pk=callout.pk).update(next_step_at=NOON + minutes(1))


def forget_the_message(callout: Callout) -> None:
    deliveries.alarm(subject="告警", text="告警", at=NOON)
    Delivery.objects.filter(subject="告警").update(due_at=NOON - minutes(5))


@pytest.mark.parametrize(
    ("break_it", "codes"),
    [
        (lose_the_message, {"I1.message"}),
        (fail_without_an_alarm, {"I1.unheard"}),
        (fail_without_a_reason, {"I1.reason"}),
        (send_without_an_intent, {"I2.intent"}),
        (give_the_seat_to_who_declined, {"I3.seats", "I3.filled"}),
        (take_the_seat_away, {"I3.accepted"}),
        (send_somebody_to_a_second_site, {"I3.places"}),
        (call_it_filled, {"I3.filled"}),
        (ask_who_has_answered, {"I4.end"}),
        (ask_after_the_end, {"I4.end"}),
        (forget_when_it_was_sent, {"I6.record"}),
        (lapse_too_early, {"I8.window"}),
        (lose_the_audit_entry, {"I9.audit", "I9.chain"}),
        (change_the_audit_trail, {"I9.chain"}),
        (change_the_log, {"I9.chain"}),
        (send_after_expiry, {"I10.expiry"}),
        (forget_the_callout, {"L.callouts"}),
        (forget_the_message, {"L.deliveries"}),
    ],
    ids=lambda given: getattr(given, "__name__", "").replace("_", " ") or None,
)
def test_what_is_broken_is_found(callout, break_it, codes):
    break_it(callout)
    assert set(found()) == codes


def test_the_command_names_what_is_broken_and_fails(callout):
    take_the_seat_away(callout)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("callout_fsck", "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert not said["clean"]
    assert [one["code"] for one in said["broken"]] == ["I3.accepted"]
    assert str(accepted(callout).public_id) in said["broken"][0]["places"][0]


def test_the_command_is_content_with_what_is_only_late_unless_asked(callout):
    forget_the_message(callout)
    call_command("callout_fsck", stdout=StringIO())
    with pytest.raises(SystemExit):
        call_command("callout_fsck", "--prompt", stdout=StringIO())
