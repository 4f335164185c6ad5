"""Write the roster as a 花名册 that can be imported again without a change. It holds full phone numbers."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from experts import roster_sheet
from experts.management.commands.load_roster import COMMAND_LINE
from experts.models import Expert
from ground import clock


class Command(BaseCommand):
    help = "Write all experts to an .xlsx 花名册, with full phone numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.xlsx")
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")

    def handle(self, *, file: str, as_json: bool, **options: Any) -> None:
        experts = Expert.objects.all()
        content = roster_sheet.hand_out(experts, reason="export_roster", by=COMMAND_LINE, at=clock.now())
        try:
            Path(file).write_bytes(content)
        except OSError as problem:
            raise CommandError(
                f"不能写入 {file}：{problem.strerror}。 Cannot write {file}: {problem.strerror}."
            ) from problem
        if as_json:
            self.stdout.write(json.dumps({"file": file, "experts": experts.count()}, ensure_ascii=False))
        else:
            self.stdout.write(f"已写入 {experts.count()} 人 experts → {file}")
