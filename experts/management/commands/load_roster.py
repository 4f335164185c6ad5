"""Import a 花名册: all of it or, if one cell is wrong, nothing."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from experts import roster_sheet
from experts.roster_sheet import Plan, Receipt
from ground import clock
from ground.audit import Actor
from ground.mistakes import Mistake

COMMAND_LINE = Actor(None, "命令行")


class Command(BaseCommand):
    help = "Import experts from an .xlsx 花名册. With errors nothing is written and the exit code is 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.xlsx")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")

    def handle(self, *, file: str, dry_run: bool, as_json: bool, **options: Any) -> None:
        path = Path(file)
        if not path.is_file():
            raise CommandError(f"找不到文件 {file}。 There is no file {file}.")
        self._shows_progress = self.stderr.isatty() and not as_json
        self._progress("正在核对… Checking…")
        at = clock.now()
        plan = roster_sheet.parse(path, today=clock.day_of(at))
        receipt = None
        if not plan.errors and not dry_run:
            try:
                receipt = roster_sheet.apply(plan, by=COMMAND_LINE, at=at, progress=self._written)
            except Mistake as mistake:
                raise CommandError(f"{mistake.zh} {mistake.en}") from mistake
        self._progress("")
        if as_json:
            self.stdout.write(json.dumps(_as_json(plan, receipt), ensure_ascii=False, indent=2))
        else:
            self._tell(plan, receipt)
        if plan.errors:
            raise CommandError(
                f"有 {len(plan.errors)} 处错误，一行都没有写入。 {len(plan.errors)} errors; nothing was written.",
                returncode=1,
            )

    def _written(self, done: int, total: int) -> None:
        self._progress(f"正在写入 Writing {done}/{total}")

    def _progress(self, line: str) -> None:
        if self._shows_progress:
            self.stderr.write(f"\r\x1b[K{line}", ending="")
            self.stderr.flush()

    def _tell(self, plan: Plan, receipt: Receipt | None) -> None:
        for notice in plan.notices:
            self.stdout.write(f"  {notice.zh} {notice.en}")
        for error in plan.errors:
            where = f"{error.sheet}!{error.cell} {error.column}" if error.cell else plan.file_name
            value = f" “{error.value}”" if error.value else ""
            self.stdout.write(f"{where}{value}\n    {error.problem_zh}{error.suggestion_zh}")
            self.stdout.write(f"    {error.problem_en} {error.suggestion_en}")
        for update in plan.updates:
            changed = "；".join(f"{c.field} {c.before or '—'} → {c.after or '—'}" for c in update.changes)
            self.stdout.write(f"  {update.row.profile.name}: {changed}")
        counts = f"新增 {len(plan.creates)}  更新 {len(plan.updates)}  无变化 {plan.unchanged}  错误 {len(plan.errors)}"
        done = "已导入 Imported" if receipt else "未写入 Not written"
        self.stdout.write(f"{done}: {counts}")


def _as_json(plan: Plan, receipt: Receipt | None) -> dict[str, Any]:
    return {
        "file": plan.file_name,
        "applied": receipt is not None,
        "creates": len(plan.creates),
        "updates": len(plan.updates),
        "unchanged": plan.unchanged,
        "errors": [error.as_json() for error in plan.errors],
        "notices": [notice.to_dict() for notice in plan.notices],
        "changes": [
            {
                "name": update.row.profile.name,
                "row": update.row.place,
                "changes": [[change.field, change.before, change.after] for change in update.changes],
            }
            for update in plan.updates
        ],
    }
