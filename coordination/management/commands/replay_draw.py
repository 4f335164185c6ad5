"""Do a draw again, from the database or from its file, and say whether it comes out the same."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from coordination import draws
from coordination.matching.draw import Record, WrongRecord
from coordination.models import Draw
from ground.terms import Words

# Ten thousand candidates make a file of one megabyte.
_LARGEST = 20_000_000


class Command(BaseCommand):
    help = "Do a draw again and say 一致 or 不一致. The exit code is 1 when it does not come out the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("draw", metavar="ID|FILE.json", help="the draw's id, or its downloaded file")
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")

    def handle(self, *, draw: str, as_json: bool, **options: Any) -> None:
        said, faults, where = _from_file(Path(draw)) if draw.endswith(".json") else _from_database(draw)
        if as_json:
            told = {
                "id": said.id,
                "request": said.request,
                "number": said.number,
                "consistent": not faults,
                "checked_against": where.en,
                "faults": [fault.to_dict() for fault in faults],
            }
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self._tell(said, faults, where)
        if faults:
            raise CommandError("不一致。 It does not come out the same.", returncode=1)

    def _tell(self, said: Record, faults: Sequence[Words], where: Words) -> None:
        self.stdout.write(f"{said.request} 第 {said.number} 次抽取 draw {said.number}  {said.drawn_at}")
        self.stdout.write(
            f"候选 {len(said.candidates)}  抽取 {said.seats}  候补 {said.reserves}  指纹 {said.fingerprint[:16]}…"
        )
        self.stdout.write(f"核对范围 Checked against: {where.zh} {where.en}")
        for fault in faults:
            self.stdout.write(f"  {fault.zh}\n  {fault.en}")
        if not faults:
            self.stdout.write("一致：复算结果与记录相同。 It comes out the same.")


def _from_database(asked: str) -> tuple[Record, Sequence[Words], Words]:
    try:
        row = Draw.objects.made().select_related("request").filter(public_id=UUID(asked)).first()
    except ValueError as wrong:
        raise CommandError(
            f"“{asked}”既不是抽取编号，也不是 .json 文件。请从抽取页面复制。 "
            f"“{asked}” is neither a draw's id nor a .json file. Copy it from the page of the draw."
        ) from wrong
    if row is None:
        raise CommandError(f"没有编号为 {asked} 的抽取。 There is no draw {asked}.")
    checked = Words("本系统的记录和审计日志", "the record kept here and the audit trail")
    return draws.record(row), draws.faults(row), checked


def _from_file(path: Path) -> tuple[Record, Sequence[Words], Words]:
    try:
        if path.stat().st_size > _LARGEST:
            raise CommandError(f"{path} 太大，不是抽取记录。 {path} is too large for the record of a draw.")
        said, fingerprint = Record.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as wrong:
        raise CommandError(f"找不到文件 {path}。 There is no file {path}.") from wrong
    except WrongRecord as wrong:
        raise CommandError(f"{wrong.zh} {wrong.en}") from wrong
    except (ValueError, RecursionError) as wrong:
        raise CommandError(f"{path} 不是有效的 JSON 文件。 {path} is no valid JSON file.") from wrong
    row = _kept(said)
    if row is None:
        checked = Words("只有文件自身（本系统没有这次抽取）", "the file alone (no such draw is kept here)")
    else:
        checked = Words("文件自身和本系统的记录", "the file itself and the record kept here")
    return said, draws.faults_of_file(said, fingerprint, row), checked


def _kept(said: Record) -> Draw | None:
    try:
        return draws.kept(said)
    except (OperationalError, ProgrammingError):
        return None  # whoever checks a file needs the program, not a database
