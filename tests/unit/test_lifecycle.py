"""The life of an incident: which moves there are."""

from __future__ import annotations

import itertools

import pytest

from incidents.lifecycle import CLOSED_STATUSES, MOVES, OPEN_STATUSES, IncidentStatus, can_move

S = IncidentStatus

ALLOWED = [
    pytest.param(S.REPORTED, S.VERIFIED, id="a report is checked and true"),
    pytest.param(S.REPORTED, S.RESPONDING, id="people are called before anybody has checked"),
    pytest.param(S.REPORTED, S.CONTROLLED, id="it was over when reported, but for the guarding"),
    pytest.param(S.REPORTED, S.CLOSED, id="it was over when reported"),
    pytest.param(S.REPORTED, S.WITHDRAWN, id="a false alarm"),
    pytest.param(S.VERIFIED, S.RESPONDING, id="a true report is answered"),
    pytest.param(S.VERIFIED, S.CONTROLLED, id="the site mastered it alone"),
    pytest.param(S.VERIFIED, S.CLOSED, id="the site finished it alone"),
    pytest.param(S.VERIFIED, S.WITHDRAWN, id="what seemed true was not"),
    pytest.param(S.RESPONDING, S.CONTROLLED, id="it grows no longer"),
    pytest.param(S.RESPONDING, S.CLOSED, id="a small one ends at once"),
    pytest.param(S.RESPONDING, S.WITHDRAWN, id="the first to arrive finds nothing"),
    pytest.param(S.CONTROLLED, S.RESPONDING, id="it flares up again"),
    pytest.param(S.CONTROLLED, S.CLOSED, id="over"),
]


@pytest.mark.parametrize(("current", "to"), ALLOWED)
def test_an_incident_may_move_on(current, to):
    assert can_move(current, to)


def test_no_other_move_is_allowed():
    allowed = {case.values for case in ALLOWED}

    for current, to in itertools.product(S, S):
        assert can_move(current, to) == ((current, to) in allowed), (current, to)


def test_what_is_over_stays_over():
    assert {S.CLOSED, S.WITHDRAWN} == CLOSED_STATUSES
    assert all(not MOVES[status] for status in CLOSED_STATUSES)


def test_from_every_open_state_an_incident_can_be_closed():
    assert all(can_move(status, S.CLOSED) for status in OPEN_STATUSES)
