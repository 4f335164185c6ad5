"""How long the models are told stories: a few seconds in the run of all tests, as long as wanted in a campaign.

`MUSTER_MODEL_STATES` and `MUSTER_MODEL_SECONDS` say for how long; README.md beside this file has the commands.
"""

from __future__ import annotations

import os
import time
from typing import Final

import hypothesis
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

WANTED: Final = int(os.environ.get("MUSTER_MODEL_STATES", "0"))
SECONDS: Final = int(os.environ.get("MUSTER_MODEL_SECONDS", "0"))
IS_CAMPAIGN: Final = bool(WANTED or SECONDS)
# An hour of stories is no test that hangs; nought is without end to pytest-timeout.
TIMEOUT: Final = 0 if IS_CAMPAIGN else 300


class Counted(RuleBasedStateMachine):
    """A machine that counts, over all its stories, how many it was told and how many states it has looked at.

    `written` counts those before which something was written, where that can be told.
    """

    stories = 0
    states = 0
    written = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).stories += 1


def tell(machine: type[Counted], *, stories: int, steps: int) -> None:
    """Tell `machine` so many stories of so many steps; in a campaign more and longer ones until it has seen enough."""
    machine.stories = machine.states = machine.written = 0
    if IS_CAMPAIGN:
        # Each time hypothesis begins with the simplest story that there is, and each has a beginning and an end.
        stories, steps = max(stories, 100), 2 * steps
    begun = time.monotonic()
    while True:
        settings = hypothesis.settings(
            max_examples=stories,
            stateful_step_count=steps,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        run_state_machine_as_test(machine, settings=settings)
        seconds = time.monotonic() - begun
        if machine.states >= WANTED and seconds >= SECONDS:
            break
    written = f" ({machine.written} after a write)" if machine.written else ""
    print(
        f"{machine.__name__}: {machine.stories} stories, {machine.states} states{written}, nothing broken, "
        f"{seconds:.0f} s ({machine.states / seconds:.0f} states/s)"
    )
