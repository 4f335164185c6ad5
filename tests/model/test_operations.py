"""The operations on a real database, in any order that people, workers, providers and clocks can think of."""

from __future__ import annotations

import logging

import pytest
from django.db import connection

from coordination.models import Invitation
from tests.fakes import StoppedClock
from tests.model.centre import a_centre
from tests.model.operations import Operations
from tests.model.sizes import TIMEOUT, tell

pytestmark = pytest.mark.django_db


@pytest.mark.timeout(TIMEOUT)
def test_nothing_is_lost_asked_twice_or_overfilled_in_any_story(
    the_clock: StoppedClock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.CRITICAL, logger="coordination")  # channels break by the hundred
    Operations.centre = a_centre(the_clock)

    # PostgreSQL is asked over a socket, so the same time is enough for half of them.
    tell(Operations, stories=10 if connection.vendor == "sqlite" else 5, steps=30)


def test_the_model_sees_somebody_sent_to_two_sites(the_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch):
    save = Invitation.save

    def save_without_a_hold(invitation: Invitation, **how: object) -> None:
        invitation.exclusive = False
        save(invitation, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Invitation, "save", save_without_a_hold)
    Operations.centre = a_centre(the_clock)
    story = Operations()
    try:
        story.a_callout_to_begin_with(asked=[("expert", 1)], order=list(range(6)), number=2, twice=True)
        with pytest.raises(AssertionError, match="one person on two sites"):
            story.one_who_is_asked_in_two_places_says_yes_to_both(k=0, backwards=False)
    finally:
        story.teardown()
