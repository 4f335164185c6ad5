"""What a callout does next, situation by situation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coordination.paging import (
    CALLOUT_MOVES,
    DEPLOYMENT_MOVES,
    INVITATION_MOVES,
    POLICIES,
    Ask,
    CalloutStatus,
    Contact,
    DeploymentStatus,
    Exhausted,
    Filled,
    InvitationStatus,
    InviteeKind,
    InviteMore,
    Medium,
    WaitUntil,
    lapsed,
    messages,
    next_step,
    next_wave,
    place_in_queue,
)
from tests.moments import NOON, minutes

URGENT = POLICIES["urgent"]
LI, WANG, ZHAO, QIAN, SUN = 1, 2, 3, 4, 5
EXPERTS, TEAMS = 10, 20


def listed(who: int, rank: int = 0, requirement: int = EXPERTS, **more: bool) -> Ask:
    return Ask(who, requirement, rank or who, InvitationStatus.LISTED, **more)


def asked(who: int, *, ago: timedelta, requirement: int = EXPERTS, **more: bool) -> Ask:
    return Ask(who, requirement, who, InvitationStatus.ASKED, NOON - ago, **more)


def stands(who: int, status: InvitationStatus, requirement: int = EXPERTS, **more: bool) -> Ask:
    return Ask(who, requirement, who, status, NOON - minutes(5), **more)


@pytest.mark.parametrize(
    ("free", "asks", "step"),
    [
        pytest.param({EXPERTS: 0}, [], Filled(), id="no free seat is a filled callout"),
        pytest.param(
            {EXPERTS: 0, TEAMS: 0}, [listed(LI)], Filled(), id="nobody is asked once every seat is taken"
        ),
        pytest.param(
            {EXPERTS: 1},
            [listed(LI), listed(WANG)],
            InviteMore((LI,)),
            id="as many are asked as seats are free",
        ),
        pytest.param(
            {EXPERTS: 2},
            [listed(WANG, 2), listed(LI, 1), listed(ZHAO, 3)],
            InviteMore((LI, WANG)),
            id="they are asked in the order of their rank",
        ),
        pytest.param(
            {EXPERTS: 2},
            [asked(LI, ago=minutes(1)), listed(WANG), listed(ZHAO)],
            InviteMore((WANG,)),
            id="who is still inside the window counts against the free seats",
        ),
        pytest.param(
            {EXPERTS: 1},
            [asked(LI, ago=minutes(1)), listed(WANG)],
            WaitUntil(NOON + minutes(9)),
            id="with somebody asked for every seat, wait until the first window ends",
        ),
        pytest.param(
            {EXPERTS: 2},
            [asked(LI, ago=minutes(4)), asked(WANG, ago=minutes(1))],
            WaitUntil(NOON + minutes(6)),
            id="of two windows the earlier one is waited for",
        ),
        pytest.param(
            {EXPERTS: 1},
            [asked(LI, ago=minutes(1), reachable=False), listed(WANG)],
            InviteMore((WANG,)),
            id="nobody waits for who cannot be reached",
        ),
        pytest.param(
            {EXPERTS: 1},
            [asked(LI, ago=minutes(1), available=False), listed(WANG)],
            InviteMore((WANG,)),
            id="who has been engaged elsewhere since being asked holds up nobody",
        ),
        pytest.param(
            {EXPERTS: 1},
            [asked(LI, ago=minutes(1), available=False)],
            WaitUntil(NOON + minutes(9)),
            id="with nobody left who could be asked, who was asked before being engaged may still get free",
        ),
        pytest.param(
            {EXPERTS: 1},
            [listed(LI, available=False), listed(WANG)],
            InviteMore((WANG,)),
            id="who is engaged elsewhere is passed over",
        ),
        pytest.param(
            {EXPERTS: 1},
            [listed(LI), stands(WANG, InvitationStatus.RESERVE)],
            InviteMore((WANG,)),
            id="a reserve is asked before the list",
        ),
        pytest.param(
            {EXPERTS: 1},
            [stands(LI, InvitationStatus.STOOD_DOWN), listed(WANG)],
            InviteMore((WANG,)),
            id="the list is asked before who was let go",
        ),
        pytest.param(
            {EXPERTS: 1},
            [stands(LI, InvitationStatus.STOOD_DOWN)],
            InviteMore((LI,)),
            id="who was let go is asked again when nobody else is left",
        ),
        pytest.param(
            {EXPERTS: 1},
            [stands(LI, InvitationStatus.DECLINED), stands(WANG, InvitationStatus.LAPSED)],
            Exhausted((EXPERTS,)),
            id="with everybody heard or silent the callout is exhausted",
        ),
        pytest.param({EXPERTS: 1}, [], Exhausted((EXPERTS,)), id="an empty list is exhausted at once"),
        pytest.param(
            {EXPERTS: 0, TEAMS: 1},
            [listed(LI), listed(WANG, requirement=TEAMS)],
            InviteMore((WANG,)),
            id="only the requirement that is short asks on",
        ),
        pytest.param(
            {EXPERTS: 1, TEAMS: 1},
            [stands(LI, InvitationStatus.DECLINED), asked(WANG, ago=minutes(1), requirement=TEAMS)],
            WaitUntil(NOON + minutes(9)),
            id="while somebody may still say yes nothing is exhausted",
        ),
    ],
)
def test_next_step(free, asks, step):
    assert next_step(free, asks, URGENT, at=NOON) == step


FIVE = [listed(who) for who in (LI, WANG, ZHAO, QIAN, SUN)]


@pytest.mark.parametrize(
    ("free", "asks", "per_seat", "step"),
    [
        pytest.param({EXPERTS: 2}, FIVE, 2.0, InviteMore((LI, WANG, ZHAO, QIAN)), id="two for each seat"),
        pytest.param({EXPERTS: 1}, FIVE, 1.5, InviteMore((LI, WANG)), id="half a person is one more"),
        pytest.param({EXPERTS: 2}, FIVE, 0.0, InviteMore((LI, WANG)), id="never fewer than there are seats"),
        pytest.param({EXPERTS: 3}, FIVE[:2], 2.0, InviteMore((LI, WANG)), id="no more than there are people"),
        pytest.param(
            {EXPERTS: 2},
            [
                asked(LI, ago=minutes(1)),
                asked(WANG, ago=minutes(1)),
                stands(ZHAO, InvitationStatus.DECLINED),
                *FIVE[3:],
            ],
            1.5,
            InviteMore((QIAN,)),
            id="a no is made up for, so that as many are asked as before",
        ),
        pytest.param(
            {EXPERTS: 1},
            [
                stands(LI, InvitationStatus.ACCEPTED),
                *(asked(who, ago=minutes(1)) for who in (WANG, ZHAO, QIAN)),
                listed(SUN),
            ],
            2.0,
            WaitUntil(NOON + minutes(9)),
            id="with one seat taken fewer are needed, so nobody more is asked",
        ),
        pytest.param(
            {EXPERTS: 1},
            [stands(LI, InvitationStatus.RESERVE), *FIVE[1:]],
            2.0,
            InviteMore((LI, WANG)),
            id="a reserve may be wrong by now, so one more is asked with them",
        ),
        pytest.param(
            {EXPERTS: 1},
            [stands(LI, InvitationStatus.STOOD_DOWN), stands(WANG, InvitationStatus.STOOD_DOWN)],
            2.0,
            InviteMore((LI,)),
            id="who was told to stay at home is asked for a free seat only",
        ),
        pytest.param({EXPERTS: 0}, FIVE, 2.0, Filled(), id="nobody is asked once every seat is taken"),
    ],
)
def test_in_a_bad_case_more_are_asked_than_there_are_seats(free, asks, per_seat, step):
    assert next_step(free, asks, URGENT, at=NOON, per_seat={EXPERTS: per_seat}) == step


def test_each_requirement_has_its_own_measure():
    asks = [listed(LI), listed(WANG), listed(ZHAO, requirement=TEAMS), listed(QIAN, requirement=TEAMS)]

    step = next_step({EXPERTS: 1, TEAMS: 1}, asks, URGENT, at=NOON, per_seat={EXPERTS: 2.0})

    assert step == InviteMore((LI, WANG, ZHAO))


@pytest.mark.parametrize(
    ("asks", "following"),
    [
        pytest.param(
            [asked(LI, ago=minutes(1)), *FIVE[1:]], (WANG, ZHAO), id="as many as the seats call for"
        ),
        pytest.param([asked(LI, ago=minutes(1))], (), id="nobody is left"),
    ],
)
def test_whom_the_next_wave_asks_if_nobody_answers(asks, following):
    assert next_wave({EXPERTS: 1}, asks, URGENT, at=NOON, per_seat={EXPERTS: 2.0}) == following


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.code)
@pytest.mark.parametrize("kind", InviteeKind)
def test_the_worse_it_is_the_more_are_asked_and_at_least_one_a_seat(policy, kind):
    by_severity = [policy.asked_per_seat(kind, severity=severity) for severity in (-1, 0, 1, 2, 3, 4, 9)]

    assert by_severity == sorted(by_severity)
    assert by_severity[0] == by_severity[2] >= 1
    assert by_severity[-1] == by_severity[-2]


@pytest.mark.parametrize(
    ("ago", "gone"),
    [
        pytest.param(minutes(9), (), id="at nine minutes a ten-minute window is open"),
        pytest.param(minutes(10), (LI,), id="a ten-minute window is closed at ten minutes"),
        pytest.param(minutes(600), (LI,), id="and stays closed"),
    ],
)
def test_the_window_runs_from_being_asked(ago, gone):
    assert lapsed([asked(LI, ago=ago)], URGENT, at=NOON) == gone


def test_only_an_open_ask_can_lapse():
    asks = [stands(LI, status) for status in InvitationStatus if status is not InvitationStatus.ASKED]

    assert lapsed(asks, URGENT, at=NOON + timedelta(days=1)) == ()


def test_every_state_has_its_moves_and_ends_are_ends():
    assert set(CALLOUT_MOVES) == set(CalloutStatus)
    assert set(INVITATION_MOVES) == set(InvitationStatus)
    assert set(DEPLOYMENT_MOVES) == set(DeploymentStatus)
    assert CALLOUT_MOVES[CalloutStatus.CLOSED] == frozenset()
    assert DEPLOYMENT_MOVES[DeploymentStatus.REPORTED] == frozenset()


def test_policies_grow_more_patient_and_less_pressing():
    urgent, standard, patient = (POLICIES[code] for code in ("urgent", "standard", "patient"))

    assert urgent.answer_within < standard.answer_within < patient.answer_within
    assert urgent.priority < standard.priority < patient.priority
    assert all(policy.message_valid_for >= policy.answer_within for policy in POLICIES.values())


MOBILE, OTHER = Contact("mobile", "+8613900000001"), Contact("mobile", "+8613900000002")
DESK, MAIL = Contact("phone", "+863110000001"), Contact("email", "li@example.cn")
SMS = {Medium.SMS: ["mobile"]}
VOICE = {Medium.VOICE: ["mobile", "phone"]}
EMAIL = {Medium.EMAIL: ["email"]}
INBOX = {Medium.INBOX: ["mobile", "phone", "email"]}


def plan(contacts, carried, policy="urgent"):
    planned = messages(contacts, carried, POLICIES[policy])
    return [(one.medium.value, one.contact.address[-4:], one.after.total_seconds() / 60) for one in planned]


@pytest.mark.parametrize(
    ("contacts", "carried", "policy", "planned"),
    [
        pytest.param(
            [MOBILE, MAIL],
            SMS | VOICE | EMAIL,
            "urgent",
            [("sms", "0001", 0), ("email", "e.cn", 0), ("voice", "0001", 2)],
            id="in writing at once, by voice after two minutes",
        ),
        pytest.param(
            [MOBILE, OTHER],
            SMS | VOICE,
            "urgent",
            [("sms", "0001", 0), ("voice", "0001", 2), ("sms", "0002", 4), ("voice", "0002", 4)],
            id="the second number after four",
        ),
        pytest.param(
            [MOBILE, DESK],
            SMS | VOICE,
            "urgent",
            [("sms", "0001", 0), ("voice", "0001", 2), ("voice", "0001", 4)],
            id="a landline is a second number for calls only",
        ),
        pytest.param([MOBILE, MAIL], SMS, "urgent", [("sms", "0001", 0)], id="only over what is installed"),
        pytest.param(
            [DESK],
            SMS | VOICE,
            "urgent",
            [("voice", "0001", 0)],
            id="who can only be rung up is rung up at once",
        ),
        pytest.param(
            [MOBILE],
            SMS | VOICE,
            "patient",
            [("sms", "0001", 0), ("voice", "0001", 32 * 60)],
            id="without an e-mail address the text message goes at once and the rest keeps its distance",
        ),
        pytest.param(
            [MAIL, MOBILE],
            SMS | VOICE | EMAIL,
            "patient",
            [("email", "e.cn", 0), ("sms", "0001", 4 * 60), ("voice", "0001", 36 * 60)],
            id="with patience one after the other",
        ),
        pytest.param(
            [MOBILE, MOBILE],
            SMS,
            "urgent",
            [("sms", "0001", 0)],
            id="a number that stands there twice gets one message",
        ),
        pytest.param(
            [MOBILE, OTHER, MAIL],
            INBOX,
            "urgent",
            [("inbox", "0001", 0)],
            id="in the demo inbox one message says it all",
        ),
        pytest.param([MAIL], SMS | VOICE, "urgent", [], id="no channel reaches an e-mail address"),
        pytest.param([], SMS | VOICE | EMAIL, "urgent", [], id="nobody is reached without a contact"),
    ],
)
def test_what_one_invitee_is_sent(contacts, carried, policy, planned):
    assert plan(contacts, carried, policy) == planned


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.code)
def test_a_policy_uses_every_medium_and_ends_within_its_window(policy):
    assert {step.medium for step in policy.steps if step.contact == 1} == set(Medium)
    assert all(step.after < policy.answer_within for step in policy.steps)
    assert len(set(policy.steps)) == len(policy.steps)


def test_everybodys_first_message_goes_before_anybodys_second():
    patient = POLICIES["patient"]

    def urgent(step, turn):
        return place_in_queue(URGENT, step=step, turn=turn)

    assert urgent(0, 0) < urgent(0, 5) < urgent(1, 0) < urgent(2, 0)
    assert urgent(0, 5_000) < urgent(1, 0), "a long list stays within its step"
    assert urgent(20, 5_000) < place_in_queue(patient, step=0, turn=0)
