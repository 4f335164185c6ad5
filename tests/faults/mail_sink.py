"""A mail server in a process of its own that keeps every message it has taken, one JSON line each, on disk.

    python -m tests.faults.mail_sink PORT FILE [DELAY_SECONDS]

It outlives whatever sends to it, so a test can compare what was really accepted with what the sender
has written down.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from email import message_from_bytes
from email.header import decode_header, make_header

from aiosmtpd.controller import Controller


class Sink:
    def __init__(self, path: str, delay: float) -> None:
        self._path = path
        self._delay = delay

    async def handle_DATA(self, server, session, envelope) -> str:
        mail = message_from_bytes(envelope.content)
        line = {
            "to": envelope.rcpt_tos,
            "reference": mail["X-Muster-Reference"],
            "subject": str(make_header(decode_header(mail["Subject"]))),
            "pid": os.getpid(),
        }
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
        if self._delay:
            time.sleep(self._delay)  # the message is taken, the sender has not heard so yet
        return "250 taken"


def main(port: int, path: str, delay: float = 0) -> None:
    controller = Controller(Sink(path, delay), hostname="127.0.0.1", port=port)
    controller.start()
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    controller.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 0)
