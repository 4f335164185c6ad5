"""The embedded server with a death wish: kills itself (SIGKILL) at a named moment, the n-th time it comes.

    python -m tests.faults.mortal_server MOMENT N PORT

Everything else is `manage.py up`. The moments lie around the commits and the wire:
    claimed    leased and intent written, nothing sent
    accepted   the mail server has said 250, nothing recorded
    recorded   the outcome is committed
    declared   a callout is committed, its caller has no answer yet and no message has left
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any


def main(moment: str, times: int, port: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from coordination import deliveries, tasks
    from coordination.channels.email import EmailChannel

    left = [times]
    lock = threading.Lock()

    def die_after(call: Callable[..., Any], *, only_if: Callable[[Any], bool] = bool) -> Callable[..., Any]:
        def mortal(*args: Any, **kwargs: Any) -> Any:
            came_back = call(*args, **kwargs)
            if only_if(came_back):
                with lock:
                    left[0] -= 1
                    if left[0] == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
            return came_back

        return mortal

    def always(_came_back: Any) -> bool:
        return True

    match moment:
        case "claimed":
            deliveries.claim = die_after(deliveries.claim)
        case "accepted":
            EmailChannel.send = die_after(EmailChannel.send, only_if=always)
        case "recorded":
            deliveries.record = die_after(deliveries.record, only_if=always)
        case "declared":
            tasks._ring = die_after(tasks._ring, only_if=always)
        case "never":
            pass
        case _:
            sys.exit(f"no such moment: {moment}")
    call_command("up", port=port)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
