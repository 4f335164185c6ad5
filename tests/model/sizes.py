"""How long the models are told stories: a few seconds in the run of all tests, as long as wanted in a campaign.

    MUSTER_MODEL_STATES=200000 python -m pytest -s tests/model

looks at so many states in each of the two machines and says what it has counted.
"""

from __future__ import annotations

import os
import time
from typing import Final

import hypothesis
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

WANTED: Final = int(os.environ.get("MUSTER_MODEL_STATES", "0"))
# An hour of stories is no test that hangs; nought is without end to pytest-timeout.
TIMEOUT: Final = 0 if WANTED else 300


class Counted(RuleBasedStateMachine):
    """A machine that counts, over all its stories, how many it was told and how many states it has looked at."""

    stories = 0
    states = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).stories += 1


def tell(machine: type[Counted], *, stories: int, steps: int) -> None:
    """Tell `machine` so many stories of so many steps at most, and in a campaign more until it has seen enough."""
    machine.stories = machine.states = 0
    begun = time.monotonic()
    while True:
        settings = hypothesis.settings(
            max_examples=stories,
            stateful_step_count=steps,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        run_state_machine_as_test(machine, settings=settings)
        if machine.states >= WANTED:
            break
    seconds = time.monotonic() - begun
    print(
        f"{machine.__name__}: {machine.stories} stories, {machine.states} states, nothing broken, "
        f"{seconds:.0f} s ({machine.states / seconds:.0f} states/s)"
    )
