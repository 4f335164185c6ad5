"""The embedded main job: migrate, set up the demo on the first start, serve pages and send messages."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from coordination.demo.accounts import ACCOUNTS, PASSWORD
from coordination.engine import Engine
from ground import catalogues, installation
from ground.mistakes import Refused
from ground.models import Mode
from ground.request_size import limited


class Command(BaseCommand):
    help = (
        "Serve Muster in one process: pages, API and the sender. The first start sets up the demo province."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument(
            "--port",
            type=int,
            choices=range(1, 65536),
            metavar="PORT",
            default=8000,
            help="port to listen on (8000)",
        )

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        catalogues.compile_stale(settings.LOCALE_PATHS)
        call_command("migrate", verbosity=0, interactive=False)
        engine = Engine()
        try:
            mode = self._set_up()
            engine.start()
        except Refused as refused:
            raise CommandError(f"{refused.zh}\n{refused.en}") from refused
        self._greet(host, port, demo=mode is Mode.DEMO)
        if "MUSTER_BASE_URL" not in os.environ:
            # The answer links in the demo inbox must lead to where we listen, whatever the port.
            settings.MUSTER_BASE_URL = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        connection.close()
        server = uvicorn.Server(
            uvicorn.Config(
                limited(get_asgi_application()),
                host=host,
                port=port,
                log_level="warning",
                lifespan="off",
                timeout_graceful_shutdown=3,
            )
        )
        try:
            # uvicorn raises Ctrl+C once more after it has shut down; by then it has been obeyed.
            with contextlib.suppress(KeyboardInterrupt):
                server.run()
        finally:
            engine.stop()
        if not server.started:
            sys.exit(1)

    def _set_up(self) -> Mode:
        mode = Mode(settings.MUSTER_MODE)
        if mode is Mode.DEMO and installation.current() is None:
            self.stdout.write("第一次启动：正在生成演示省份…  First start: making the demo province…")
            call_command("load_demo", stdout=self.stdout)
        installation.check(mode)
        return mode

    def _greet(self, host: str, port: int, *, demo: bool) -> None:
        self.stdout.write(f"\n  集结 Muster  http://{host}:{port}/\n")
        if demo:
            self.stdout.write(f"  演示账号（口令都是 {PASSWORD}） Demo accounts (password {PASSWORD}):")
            for account in ACCOUNTS:
                self.stdout.write(f"    {account.username:<10} {account.role.zh} {account.role.en}")
        self.stdout.write("  Ctrl+C 停止 to stop\n")
        self.stdout.flush()
