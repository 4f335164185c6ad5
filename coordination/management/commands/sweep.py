"""The worker loop without Celery: as many as wanted, on any machine, beside or instead of Celery workers."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from coordination import sender
from coordination.engine import Engine, do_without_a_pool
from ground import installation
from ground.mistakes import Refused
from ground.models import Mode


class Command(BaseCommand):
    help = "Let callouts move on and send what is due, until stopped. With --once, one turn."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one turn, then exit")

    def handle(self, *, once: bool, **options: Any) -> None:
        do_without_a_pool()
        try:
            installation.check(Mode(settings.MUSTER_MODE))
            if once:
                sender.run_once()
                return
            engine = Engine()
            engine.start()
        except Refused as refused:
            raise CommandError(f"{refused.zh}\n{refused.en}") from refused
        stop = threading.Event()

        def end(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        self.stdout.write("sweep: running")
        stop.wait()
        engine.stop()
