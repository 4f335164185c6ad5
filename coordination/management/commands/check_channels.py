"""Whether every way of reaching people works, in one table; with --send a message to ourselves goes over each."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from coordination import channel_checks
from coordination.channel_checks import Checked
from coordination.paging import DeliveryStatus
from ground import clock
from ground.dates import SHANGHAI

NOT_PROVED = "未与真实服务核对 not checked against the real service"


class Command(BaseCommand):
    help = (
        "Ask every channel whether its provider answers and takes our credentials. The exit code is 1 when "
        "one does not. --send writes a canary over each channel that has an address for it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--send", action="store_true", help="write a canary message over every channel")
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")

    def handle(self, *, send: bool, as_json: bool, **options: Any) -> None:
        found = channel_checks.checked(at=clock.now())
        written = [
            one.channel.code
            for one in found
            if send and channel_checks.send_canary(one.channel, at=clock.now()) is not None
        ]
        if as_json:
            told = {"channels": [_told(one) for one in found], "canaries": written}
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            for one in found:
                self._tell(one)
            if send:
                self.stdout.write(
                    f"自检消息已写入：{'、'.join(written)}。结果稍后再运行本命令查看。 "
                    "The canaries are written; run this again to see how they went."
                    if written
                    else "没有通道设了自检地址（canary）。 No channel has an address for a canary."
                )
        if not all(one.ok for one in found):
            sys.exit(1)

    def _tell(self, one: Checked) -> None:
        channel = one.channel
        proved = "" if channel.is_proved else f"  ▲ {NOT_PROVED}"
        self.stdout.write(f"{'✓' if one.ok else '✗'} {channel.code}  {channel.zh} {channel.en}{proved}")
        for finding in one.findings:
            self.stdout.write(f"    {'✓' if finding.ok else '✗'} {finding.words.zh}  {finding.words.en}")
        if one.last_sent_at:
            self.stdout.write(
                f"    最近发出 last sent {one.last_sent_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
            )
        if one.canary:
            status = DeliveryStatus(one.canary.status)
            why = f"：{one.canary.reason}" if one.canary.reason else ""
            when = f"{one.canary.created_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
            self.stdout.write(f"    自检 canary {when} {status.zh} {status.en}{why}")
        elif not channel.canary:
            self.stdout.write("    没有自检地址（canary） no address for a canary")


def _told(one: Checked) -> dict[str, Any]:
    return {
        "code": one.channel.code,
        "name": one.channel.zh,
        "medium": one.channel.medium.value,
        "ok": one.ok,
        "proved": one.channel.is_proved,
        "findings": [
            {"ok": finding.ok, "zh": finding.words.zh, "en": finding.words.en} for finding in one.findings
        ],
        "last_sent_at": one.last_sent_at.isoformat() if one.last_sent_at else None,
        "canary": {
            "at": one.canary.created_at.isoformat(),
            "status": one.canary.status,
            "reason": one.canary.reason,
        }
        if one.canary
        else None,
    }
