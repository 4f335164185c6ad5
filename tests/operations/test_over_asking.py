"""In a bad case more people are asked than there are seats, and never more are seated."""

from __future__ import annotations

import pytest

from coordination import answers, callouts, closing
from coordination.answers import Answer, Result
from coordination.paging import AnswerSource, Reply
from coordination.views.board import boards_of
from incidents.handling import Casualties
from incidents.levels import AccidentLevel
from tests.factories import (
    OFFICER,
    a_callout,
    a_guidance_request,
    a_team,
    an_expert,
    an_incident,
    invitation_of,
)
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db
YES = Answer(Reply.ACCEPT, AnswerSource.LINK)
NO = Answer(Reply.DECLINE, AnswerSource.LINK)


@pytest.fixture
def six():
    return [an_expert(f"专家{number}") for number in range(1, 7)]


def statuses(callout) -> list[str]:
    return list(callout.invitations.order_by("rank").values_list("status", flat=True))


def says(callout, who, said):
    return answers.answer(invitation_of(callout, who), said, by=OFFICER, at=NOON + minutes(1))


def an_accident(**casualties: int):
    return an_incident(casualties=Casualties(**casualties))


@pytest.mark.parametrize(
    ("figures", "asked"),
    [
        pytest.param({}, 2, id="an ordinary accident: one a seat"),
        pytest.param({"deaths": 3}, 3, id="a major one: half as many again"),
        pytest.param({"deaths": 10}, 4, id="a serious one: two a seat"),
        pytest.param({"missing": 10}, 4, id="ten missing may still be found"),
    ],
)
def test_how_many_are_asked_at_once_follows_from_how_bad_it_is(six, figures, asked):
    callout = a_callout(an_accident(**figures), asks=six, seats=2)

    assert statuses(callout).count("asked") == asked


def test_teams_are_over_asked_only_when_it_is_very_bad():
    teams = [a_team(f"{number}号队") for number in range(1, 5)]
    major = a_callout(an_accident(deaths=3), asks=teams, seats=2)
    serious = a_callout(an_accident(deaths=10), asks=teams, seats=2)

    assert statuses(major).count("asked") == 2
    assert statuses(serious).count("asked") == 3


def test_nobody_is_over_asked_for_a_guidance_request(six):
    callout = a_callout(a_guidance_request(), asks=six, seats=2, policy="patient")

    assert statuses(callout).count("asked") == 2


def test_of_four_yeses_two_are_seated_and_two_are_told_that_they_are_in_reserve(six):
    callout = a_callout(an_accident(deaths=10), asks=six, seats=2)

    said = [says(callout, one, YES) for one in six[:4]]

    assert said == [Result.SEATED, Result.SEATED, Result.RESERVE, Result.RESERVE]
    assert statuses(callout) == ["accepted", "accepted", "reserve", "reserve", "listed", "listed"]
    assert callout.requirements.get().seats.filter(invitation=None).count() == 0


def test_a_no_is_made_up_for_at_once_until_the_seats_are_taken(six):
    callout = a_callout(an_accident(deaths=10), asks=six, seats=2)

    says(callout, six[0], NO)
    assert statuses(callout) == ["declined", "asked", "asked", "asked", "asked", "listed"]

    says(callout, six[1], YES)
    says(callout, six[2], NO)
    assert statuses(callout) == ["declined", "accepted", "declined", "asked", "asked", "listed"]


def raise_to(incident, level: AccidentLevel, *, minute: float = 2) -> None:
    closing.correct_incident(incident, {"accident_level": level}, by=OFFICER, at=NOON + minutes(minute))


def test_a_level_raised_meanwhile_counts_at_once(six):
    incident = an_incident()
    callout = a_callout(incident, asks=six, seats=2)
    assert statuses(callout).count("asked") == 2

    raise_to(incident, AccidentLevel.SERIOUS)

    assert statuses(callout) == ["asked"] * 4 + ["listed"] * 2
    callout.refresh_from_db()
    assert (callout.wave, callout.next_step_at) == (2, NOON + minutes(10)), "the first windows still count"


def test_more_dead_than_was_thought_counts_at_once_too(six):
    incident = an_incident()
    callout = a_callout(incident, asks=six, seats=2)

    closing.correct_incident(incident, {"deaths": 10}, by=OFFICER, at=NOON + minutes(2))

    assert statuses(callout).count("asked") == 4


def test_the_next_wave_is_as_large_as_it_is_bad_by_then(six):
    incident = an_incident()
    callout = a_callout(incident, asks=six, seats=1)
    raise_to(incident, AccidentLevel.SERIOUS)
    (board,) = boards_of(incident)
    assert board.next_wave == 2, "shown before it happens"

    callouts.advance(callout.pk, at=NOON + minutes(10))

    assert statuses(callout) == ["lapsed", "asked", "asked", "listed", "listed", "listed"]


@pytest.mark.parametrize(
    "after",
    [AccidentLevel.ORDINARY, AccidentLevel.SERIOUS],
    ids=["a level that was lowered", "one that was only confirmed"],
)
def test_nobody_more_is_asked_by(six, after):
    incident = an_accident(deaths=10)
    callout = a_callout(incident, asks=six, seats=2)

    raise_to(incident, after)

    assert statuses(callout) == ["asked"] * 4 + ["listed"] * 2


def test_a_level_raised_during_a_pause_counts_when_it_ends(six):
    incident = an_incident()
    callout = a_callout(incident, asks=six, seats=2)
    callouts.pause(callout, by=OFFICER, at=NOON + minutes(1))

    raise_to(incident, AccidentLevel.SERIOUS)
    assert statuses(callout).count("asked") == 2

    callouts.resume(callout, by=OFFICER, at=NOON + minutes(3))
    assert statuses(callout).count("asked") == 4
