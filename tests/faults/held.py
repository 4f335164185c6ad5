"""A sender that stops itself (SIGSTOP) at a named moment, the n-th time it comes; whoever waits for it wakes it.

    python -m tests.faults.held MOMENT N LEASE_SECONDS WORDS...

WORDS are those of a `manage.py` command or of `celery`. The lease is shorter than the product's, and a
message stays fit to be sent for as much shorter, so that a test need not wait. The moments:
    before_the_wire     leased and intent written, nothing sent
    in_a_transaction    messages are being leased, their rows and their callout's are locked
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any


def main(moment: str, times: int, lease: float, words: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")
    from coordination.config import celery

    celery.app.loader.import_default_modules()  # as a worker does, before it forks
    from django.core.management import execute_from_command_line

    from coordination import deliveries, sender

    scale = timedelta(seconds=lease) / deliveries.LEASE
    deliveries.LEASE *= scale
    sender.FIT_FOR *= scale
    left = [times]

    def stop_before(call: Callable[..., Any]) -> Callable[..., Any]:
        def held(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
            return call(*args, **kwargs)

        return held

    match moment:
        case "before_the_wire":
            sender.send = stop_before(sender.send)
        case "in_a_transaction":
            deliveries._no_longer_wanted = stop_before(deliveries._no_longer_wanted)
        case "never":
            pass
        case _:
            sys.exit(f"no such moment: {moment}")
    if words[0] == "celery":
        sys.exit(celery.app.start(words[1:]))
    execute_from_command_line(["manage.py", *words])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
