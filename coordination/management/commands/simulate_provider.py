"""A provider that sends nothing to anybody, for training and tests; on this machine only, and not for a live one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from coordination.simulation.aliyun import AliyunSms, AliyunVoice
from coordination.simulation.faults import Behaviour, WrongBehaviour
from coordination.simulation.provider import Provider
from coordination.simulation.server import HOST, port_of, serve
from coordination.simulation.wecom import WeCom

GATEWAY = "gateway"
VENDORS: dict[str, Callable[[Path, Behaviour], Provider]] = {
    GATEWAY: Provider,
    "aliyun_sms": AliyunSms,
    "aliyun_voice": AliyunVoice,
    "wecom": WeCom,
}


class Command(BaseCommand):
    help = "Simulate an SMS provider and its phones until stopped. Prints its address once it listens."
    # It has no database, so that it can stand in for what is far away.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port",
            type=int,
            choices=range(65536),
            metavar="PORT",
            default=0,
            help="the port on 127.0.0.1; 0 takes a free one",
        )
        parser.add_argument(
            "--vendor",
            choices=sorted(VENDORS),
            default=GATEWAY,
            help="whom it stands in for; a vendor takes the key test-key (WeCom: ww-test) with test-secret, and is "
            "told the rest by POST to /control/console",
        )
        parser.add_argument(
            "--log", type=Path, help="its log; default: simulated_provider.jsonl in MUSTER_DATA_DIR"
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help='what it does, the value in JSON: hang=0.1, latency=0.3, memory="blind", habits=[{"answer": "1"}]; '
            "also while it runs, by POST to /control/behaviour",
        )
        parser.add_argument("--json", action="store_true", help="say where it listens as JSON")

    def handle(self, **options: Any) -> None:
        if settings.MUSTER_MODE == "live":
            raise CommandError(
                "正式运行的系统不能用模拟短信服务：它什么也发不出去。请在演示或测试环境里运行。\n"
                "A live installation cannot use a simulated provider: it sends nothing to anybody. "
                "Run it beside a demo or a test."
            )
        path = options["log"] or settings.MUSTER_DATA_DIR / "simulated_provider.jsonl"
        try:
            behaviour = Behaviour().changed(dict(map(_setting, options["set"])))
            provider = VENDORS[options["vendor"]](path, behaviour)
        except (WrongBehaviour, OSError) as wrong:
            raise CommandError(str(wrong)) from wrong
        with contextlib.closing(provider):
            try:
                asyncio.run(self._run(provider, options["port"], path, as_json=options["json"]))
            except OSError as taken:
                raise CommandError(f"127.0.0.1:{options['port']}: {taken}") from taken

    async def _run(self, provider: Provider, port: int, path: Path, *, as_json: bool) -> None:
        server = await serve(provider.handle, port=port)
        address = f"http://{HOST}:{port_of(server)}"
        if as_json:
            said = json.dumps({"address": address, "log": str(path)})
        else:
            said = f"simulate_provider: {address}{'/send' if type(provider) is Provider else ''}  log: {path}"
        self.stdout.write(said)
        self.stdout.flush()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        server.close()


def _setting(written: str) -> tuple[str, Any]:
    name, _, value = written.partition("=")
    try:
        return name, json.loads(value)
    except ValueError as wrong:
        raise CommandError(f"--set {written}: the value is no JSON ({wrong})") from wrong
