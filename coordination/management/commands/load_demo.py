"""Make the demo province in an empty database. `manage.py up` runs it at the first start."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from coordination.demo import province
from coordination.demo.accounts import ACCOUNTS, PASSWORD
from ground import clock
from ground.mistakes import Mistake
from ground.models import Mode


class Command(BaseCommand):
    help = "Load the demo province: 76 experts, 40 teams, 300 enterprises, 180 agreements, all invented."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seed", type=int, default=province.SEED, help="another seed, another province (1)"
        )
        parser.add_argument("--day", type=_day, help="the day it is to stand on, as YYYY-MM-DD (today)")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, seed: int, day: date | None, as_json: bool, **options: Any) -> None:
        at = clock.now()
        started = time.monotonic()
        shows_progress = self.stdout.isatty() and not as_json

        def tell(line: str) -> None:
            if shows_progress:
                self.stdout.write(f"  … {line}")
                self.stdout.flush()

        try:
            made = province.load(
                seed=seed, day=day or clock.day_of(at), mode=Mode(settings.MUSTER_MODE), at=at, tell=tell
            )
        except Mistake as mistake:
            raise CommandError(f"{mistake.zh}\n{mistake.en}") from mistake
        if as_json:
            self.stdout.write(json.dumps(asdict(made)))
            return
        self.stdout.write(
            f"演示省份已生成（{time.monotonic() - started:.1f} 秒）：专家 {made.experts} 人，"
            f"队伍 {made.teams} 支，企业 {made.enterprises} 家（厂区 {made.sites} 处），"
            f"协议 {made.agreements} 份，利害关系 {made.interests} 条，"
            f"账号 {made.accounts} 个（{'、'.join(account.username for account in ACCOUNTS)}，口令 {PASSWORD}）。"
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}”不是日期，请写成 2026-11-24 的样子。") from None
