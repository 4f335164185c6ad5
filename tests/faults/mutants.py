"""Seeded bugs: what the engine must not become. Each is caught by the schedules or by a test that is named.

A change is a text that stands exactly once in a module, and what it is replaced by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A bug. `caught_by` is "schedules" or a test's node id; `database` is where it is looked for."""

    name: str
    what: str
    changes: tuple[Change, ...]
    caught_by: str = "schedules"
    database: str = "sqlite"


def _of(*mutants: Mutant) -> Mapping[str, Mutant]:
    return {mutant.name: mutant for mutant in mutants}


DELIVERIES = "coordination.deliveries"
OUTGOING = "coordination.outgoing"
CALLOUTS = "coordination.callouts"
ANSWERS = "coordination.answers"
PROGRESS = "coordination.progress"
SENDER = "coordination.sender"
PAGING = "coordination.paging"
RECEIPTS = "coordination.receipts"
EVENTS = "coordination.events"

_SENT = "tests/operations/test_deliveries.py::"
_CALLED = "tests/operations/test_callouts.py::"
_REPORTED = "tests/operations/test_receipts.py::"
_STEPS = "tests/operations/test_channel_steps.py::"
_ANSWERED = "tests/operations/test_replies.py::"
_IN_THE_MIDDLE = "tests/concurrency/test_in_the_middle.py::"

MUTANTS = _of(
    # The three famous behaviours.
    Mutant(
        "accept_without_the_row_lock",
        "an answer does not lock its callout and subject first",
        (
            Change(
                ANSWERS,
                "        callout = progress.lock(invitation.callout_id)\n"
                "        invitation.refresh_from_db()\n"
                "        status = InvitationStatus(invitation.status)\n",
                "        callout = Callout.objects.get(pk=invitation.callout_id)\n"
                "        invitation.refresh_from_db()\n"
                "        status = InvitationStatus(invitation.status)\n",
            ),
        ),
        caught_by=f"{_IN_THE_MIDDLE}test_who_says_yes_while_the_last_seat_is_being_taken_is_kept_in_reserve",
        database="postgres",
    ),
    Mutant(
        "marked_before_it_is_sent",
        "a message counts as sent when it is claimed",
        (
            Change(
                DELIVERIES,
                "        SendIntent.objects.bulk_create(\n",
                "        for one in claimed:\n"
                "            Delivery.objects.filter(pk=one.delivery_id).update(\n"
                "                status=DeliveryStatus.SENT, sent_at=at, provider_message_id=str(one.delivery_id)\n"
                "            )\n"
                "        SendIntent.objects.bulk_create(\n",
            ),
        ),
    ),
    Mutant(
        "expired_send_failed_for_good",
        "a send whose lease has run out is failed instead of looked up and sent again",
        (
            Change(
                DELIVERIES,
                "            if len(broken_off) >= POISONOUS:\n",
                '            if any(one.outcome == "" for one in tried):\n'
                '                delivery.status, delivery.reason = DeliveryStatus.FAILED, "发送超时"\n'
                "                delivery.lease_until = None\n"
                "                delivery.save()\n"
                "                continue\n"
                "            if len(broken_off) >= POISONOUS:\n",
            ),
        ),
    ),
    # Messages.
    Mutant(
        "no_intent_before_the_wire",
        "nothing is written down before the wire",
        (Change(DELIVERIES, "            for one in claimed\n", "            for one in claimed[:0]\n"),),
    ),
    Mutant(
        "no_look_up_before_sending_again",
        "what may be out already is sent again without asking the provider",
        (Change(DELIVERIES, "                    look_up_at=may_have_it,\n", ""),),
        caught_by=f"{_SENT}test_after_an_unclear_end_the_provider_is_asked_before_sending_again",
    ),
    Mutant(
        "not_marked_as_maybe_twice",
        "a message that goes out again does not say so",
        (
            Change(
                DELIVERIES,
                "            delivery.maybe_duplicate = delivery.maybe_duplicate or bool(broken_off)\n",
                "",
            ),
        ),
        caught_by=f"{_SENT}test_where_nobody_can_tell_it_goes_out_again_and_says_that_it_may_be_a_repeat",
    ),
    Mutant(
        "leases_never_run_out",
        "a lease is as long as a day, so what a dead sender had is nobody's",
        (Change(DELIVERIES, "LEASE: Final = timedelta(seconds=45)", "LEASE: Final = timedelta(days=1)"),),
        database="postgres",
    ),
    Mutant(
        "due_whatever_the_lease",
        "a message under somebody's lease is due for everybody",
        (
            Change(
                "coordination.models.deliveries",
                "            Q(lease_until=None) | Q(lease_until__lt=at),\n"
                "            status__in=list(UNSENT),\n",
                "            status__in=list(UNSENT),\n",
            ),
        ),
        caught_by=f"{_SENT}test_a_sender_that_died_with_a_lease_is_succeeded_when_the_lease_runs_out",
    ),
    Mutant(
        "leases_of_the_dead_not_voided",
        "a restarted embedded server waits for its own dead leases",
        (Change(DELIVERIES, "lease_until=at - timedelta(microseconds=1)", "lease_holder=None"),),
        caught_by=f"{_SENT}test_a_restarted_embedded_server_does_not_wait_for_its_own_dead_leases",
    ),
    Mutant(
        "late_success_not_recorded",
        "an acceptance counts only under the lease that it happened under",
        (
            Change(
                DELIVERIES,
                "                _finish_intent(delivery, claimed, SendOutcome.ACCEPTED, message_id, at=at)\n"
                "                _is_out(",
                "                if not mine:\n"
                "                    return\n"
                "                _finish_intent(delivery, claimed, SendOutcome.ACCEPTED, message_id, at=at)\n"
                "                _is_out(",
            ),
        ),
        caught_by=f"{_SENT}test_a_success_that_comes_late_is_still_the_success",
    ),
    Mutant(
        "no_last_look_before_the_wire",
        "whoever has answered in the meantime is still written to",
        (
            Change(
                DELIVERIES,
                "            if (reason := _no_longer_wanted(delivery)) is None:\n".replace("    ", "", 1),
                "        if (reason := None) is None:\n",
            ),
        ),
        caught_by=f"{_SENT}test_the_last_look_before_the_wire_stops_what_was_overtaken",
    ),
    Mutant(
        "ambiguous_taken_for_refused",
        "a broken connection counts as a message that has certainly not been taken",
        (
            Change(
                DELIVERIES,
                "_finish_intent(delivery, claimed, SendOutcome.AMBIGUOUS, reason, at=at)",
                "_finish_intent(delivery, claimed, SendOutcome.DEFERRED, reason, at=at)",
            ),
        ),
        caught_by=f"{_SENT}test_after_an_unclear_end_the_provider_is_asked_before_sending_again",
    ),
    Mutant(
        "refused_for_now_is_refused_for_good",
        "a busy provider ends a message",
        (
            Change(
                DELIVERIES,
                "                if outcome.permanent:\n                    delivery.status = DeliveryStatus.FAILED",
                "                if True:\n                    delivery.status = DeliveryStatus.FAILED",
            ),
        ),
        caught_by=f"{_SENT}test_a_temporary_refusal_is_tried_again_after_a_while",
    ),  # fmt: skip
    Mutant(
        "failure_leads_nowhere",
        "nothing follows a message that has failed",
        (
            Change(
                OUTGOING,
                "    later = delivery.siblings.filter(status=DeliveryStatus.PENDING, lease_no=0, due_at__gt=at)\n",
                "    if delivery.pk:\n        return\n"
                "    later = delivery.siblings.filter(status=DeliveryStatus.PENDING, lease_no=0, due_at__gt=at)\n",
            ),
        ),
        caught_by=f"{_SENT}test_when_no_contact_works_the_officer_is_alarmed_and_the_next_is_asked",
    ),
    Mutant(
        "expiry_is_silent",
        "what could not leave in time fails without an alarm",
        (
            Change(
                DELIVERIES,
                '        delivery.save(update_fields=["status", "reason", "lease_until"])\n'
                "        after_failure(delivery, at=at)\n",
                '        delivery.save(update_fields=["status", "reason", "lease_until"])\n',
            ),
        ),
        caught_by=f"{_SENT}test_a_message_that_could_not_leave_in_time_fails_aloud",
    ),
    Mutant(
        "a_bug_in_a_channel_stops_the_loop",
        "an exception in a channel is not caught",
        (
            Change(
                SENDER,
                "    except Exception as error:  # a channel's own bug",
                "    except ZeroDivisionError as error:  # a channel's own bug",
            ),
        ),
        caught_by=f"{_SENT}test_a_channel_that_raises_stops_nobody_elses_message",
    ),
    Mutant(
        "first_come_first_sent",
        "messages go in the order in which they were due, whatever presses",
        (Change(PAGING, "    return policy.priority * 100_000 +", "    return 0 * policy.priority +"),),
        caught_by=f"{_SENT}test_an_urgent_message_goes_before_a_patient_one_that_was_due_earlier",
    ),
    # Callouts.
    Mutant(
        "advance_without_the_lock",
        "two loops move the same callout on at once",
        (
            Change(
                CALLOUTS,
                "        callout = progress.lock(callout_id)\n"
                "        if callout.status == CalloutStatus.OPEN and callout.next_step_at and",
                "        callout = Callout.objects.get(pk=callout_id)\n"
                "        if callout.status == CalloutStatus.OPEN and callout.next_step_at and",
            ),
        ),
        caught_by=f"{_IN_THE_MIDDLE}test_a_step_that_falls_due_while_a_yes_is_written_down_does_not_undo_it",
        database="postgres",
    ),
    Mutant(
        "exhausted_in_silence",
        "a callout that has nobody left to ask tells nobody",
        (
            Change(
                PROGRESS,
                "    note(callout, f\"人选用尽：{'；'.join(lines)}\", by=SYSTEM, at=at)\n",
                "    if lines:\n        return\n",
            ),
        ),
        caught_by=f"{_CALLED}test_when_nobody_is_left_to_ask_the_duty_officer_is_alarmed",
    ),
    Mutant(
        "withdrawal_does_not_reopen",
        "a seat that was given back stays empty",
        (
            Change(
                PROGRESS,
                "        callout.status = CalloutStatus.OPEN\n        if not callout.paused:\n",
                "        if not callout.paused:\n",
            ),
        ),
        caught_by=f"{_CALLED}test_a_withdrawn_acceptance_reopens_the_seat_and_alarms_the_duty_officer",
    ),
    Mutant(
        "a_late_yes_is_refused",
        "who answers after the window has closed cannot take a seat that is free",
        (
            Change(
                PAGING,
                "    S.LAPSED: frozenset({S.ACCEPTED, S.DECLINED,",
                "    S.LAPSED: frozenset({S.DECLINED,",
            ),
        ),
        caught_by=f"{_CALLED}test_a_late_yes_is_a_yes_while_a_seat_is_free",
    ),
    Mutant(
        "let_go_without_a_word",
        "who is not needed any more is not told",
        (
            Change(
                PROGRESS,
                "    if reached:\n        tell_stood_down(",
                "    if not reached:\n        tell_stood_down(",
            ),
        ),
        caught_by=f"{_CALLED}test_who_was_asked_is_told_when_no_longer_needed",
    ),  # fmt: skip
    Mutant(
        "a_no_waits_for_the_window",
        "a no does not move the callout on",
        (
            Change(
                ANSWERS,
                "    # A no moves on at once: nobody waits for the window to close.\n"
                "    progress.settle(callout, at=at)\n",
                "",
            ),
        ),
        caught_by=f"{_CALLED}test_a_no_moves_on_at_once",
    ),
    Mutant(
        "in_two_places_at_once",
        "a seat on site ties nobody up",
        (
            Change(
                ANSWERS,
                "    invitation.exclusive = callout.incident_id is not None and seat.requirement.mode == Mode.ONSITE\n",
                "    invitation.exclusive = False\n",
            ),
        ),
        caught_by=f"{_CALLED}test_somebody_on_site_elsewhere_is_passed_over_and_cannot_accept",
    ),
    Mutant(
        "a_seat_on_site_filled_from_afar",
        "a remote yes takes a seat on site",
        (
            Change(
                ANSWERS,
                "    if said.reply is Reply.ACCEPT or own.mode == Mode.REMOTE:\n",
                "    if said.reply is not None:\n",
            ),
        ),
        caught_by=f"{_CALLED}test_remote_only_never_fills_a_seat_on_site",
    ),
    Mutant(
        "a_given_up_seat_stays_empty",
        "who changes from on site to remote leaves a filled callout with an empty seat",
        (
            Change(
                ANSWERS,
                "        progress.reopen_if_short(callout, at=at)\n        return result\n",
                "        return result\n",
            ),
        ),
        caught_by=f"{_CALLED}test_a_seat_given_up_for_help_from_afar_is_offered_to_the_next",
    ),
    Mutant(
        "the_window_closes_too_soon",
        "a window closes before its time",
        (
            Change(
                PAGING,
                "    return ask.asked_at + policy.answer_within + ask.held_for if",
                "    return ask.asked_at + policy.answer_within / 2 + ask.held_for if",
            ),
        ),
        caught_by="tests/unit/test_paging.py::test_the_window_runs_from_being_asked",
    ),
    # What comes in.
    Mutant(
        "failed_outweighs_delivered",
        "a receipt of failure takes back that a message was delivered",
        (
            Change(
                DELIVERIES,
                "        elif was not in (DeliveryStatus.DELIVERED, DeliveryStatus.CANCELLED):\n",
                "        elif was is not DeliveryStatus.CANCELLED:\n",
            ),
        ),
        caught_by=f"{_REPORTED}test_after_delivered_nothing_is_taken_back",
    ),
    Mutant(
        "events_of_two_kinds_share_a_number",
        "a reply that has the number of a receipt is taken for a repeat",
        (
            Change(
                EVENTS,
                '    key = f"{kind.value}:{plain(event_id)}"\n',
                "    key = plain(event_id)\n",
            ),
        ),
        caught_by=f"{_ANSWERED}test_a_reply_that_has_the_number_of_a_receipt_is_no_repeat",
    ),
    Mutant(
        "an_early_receipt_is_dropped",
        "a receipt that overtakes the recording is never applied",
        (
            Change(
                RECEIPTS,
                "                if inbound.result == InboundResult.UNKNOWN:\n",
                "                if inbound.result is None:\n",
            ),
        ),
        caught_by=f"{_REPORTED}test_a_receipt_for_an_id_that_is_not_recorded_yet_waits_for_it",
    ),
    Mutant(
        "claim_without_row_locks",
        "senders do not lock the messages that they claim",
        (
            Change(
                DELIVERIES,
                "            FOR UPDATE OF d SKIP LOCKED\n",
                "",
            ),
        ),
        caught_by=f"{_IN_THE_MIDDLE}test_a_sender_takes_the_next_messages_while_another_is_still_claiming",
        database="postgres",
    ),
    Mutant(
        "the_newest_callout_moves_on_first",
        "where more are due than one turn takes, the callout that is longest due waits for ever",
        (
            Change(
                "coordination.models.callouts",
                'next_step_at__lte=at).order_by("next_step_at", "id")',
                'next_step_at__lte=at).order_by("-id")',
            ),
        ),
        caught_by=f"{_CALLED}test_of_more_callouts_than_one_turn_takes_the_longest_due_comes_first",
    ),
)
