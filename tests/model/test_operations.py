"""The operations on a real database, in any order that people, workers, providers and clocks can think of."""

from __future__ import annotations

import logging

import pytest
from django.db import connection

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
