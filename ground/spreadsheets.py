"""Workbooks in and out: read safely with every cell's address and type kept, find the table, write one.

Pure, except that reading starts a process (`ground.workbook_process`) in which a hostile file can do no harm.
What the columns mean, and which values are good, is left to whoever imports (`experts.roster_sheet`, …).
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from openpyxl.utils import get_column_letter, range_boundaries

from ground.mistakes import Mistake
from ground.terms import Term

MEGABYTE = 1024 * 1024
LARGEST_FILE_MB = 10
LARGEST_UNPACKED_MB = 50
MOST_ENTRIES = 200
# Sheets of repeated text pack well, so the ratio only counts once there is something to fear.
LARGEST_RATIO = 100
RATIO_MATTERS_FROM_MB = 5
MOST_CELLS = 200_000  # every high-risk enterprise of a province, fourteen columns
MOST_CHARACTERS = 8_000_000
MEMORY_MB = 256
CPU_SECONDS = 8  # about 30 µs a cell on a slow core
WALL_SECONDS = 30

PARSER = Path(__file__).with_name("workbook_process.py")


class WorkbookMistake(Mistake):
    """The file cannot be used; nothing of it has been."""


class NotAWorkbook(WorkbookMistake):
    """Not an .xlsx at all, or a broken one."""


class OtherFormat(WorkbookMistake):
    """A table, but in a format that is not accepted yet."""


class WorkbookTooLarge(WorkbookMistake):
    """Too large, too many cells, or made to unpack into something enormous."""


class UnsafeWorkbook(WorkbookMistake):
    """Carries macros or XML that only an attack would carry."""


class NoTable(WorkbookMistake):
    """No row looks like the header that was expected, or columns are missing from it."""


_SAVE_AS_ZH = "请用 Excel 或 WPS 打开，另存为“Excel 工作簿(*.xlsx)”后再传。"
_SAVE_AS_EN = "Open it in Excel and save it as an Excel workbook (*.xlsx)."


# --- what is read ---------------------------------------------------------------------------------


class CellKind(Term):
    """What Excel holds, which is not always what the eye sees: a phone may be a number."""

    TEXT = "text", "文本", "text"
    NUMBER = "number", "数字", "number"
    DATE = "date", "日期", "date"
    BOOLEAN = "boolean", "是否", "true or false"
    ERROR = "error", "错误值", "error value"
    BLANK = "blank", "空", "blank"


# What people write for "nothing".
BLANK_WORDS = frozenset(
    {"无", "/", "//", "\\", "-", "--", "—", "——", "暂无", "空", "n/a", "na", "none", "null"}
)
# Excel keeps fifteen digits of a number; an ID number typed as one has lost its last three for good.
DIGITS_KEPT_BY_EXCEL = 15
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: where it is, what Excel holds, and of what kind."""

    sheet: str
    row: int
    column: int
    kind: CellKind = CellKind.BLANK
    value: str | int | float | bool | datetime | None = None
    merged_into: str = ""  # the address of the merged cell that this value was taken from

    @property
    def address(self) -> str:
        """Return where it is, as Excel says it: B7."""
        return f"{get_column_letter(self.column)}{self.row}"

    @property
    def text(self) -> str:
        """Return what a person reads: trimmed, whole numbers without ".0", days without midnight."""
        match self.value:
            case None:
                return ""
            case bool():
                return "是" if self.value else "否"
            case float() if self.value.is_integer():
                return format(self.value, ".0f")
            case datetime():
                day, _, time = self.value.isoformat(sep=" ").partition(" ")
                return day if time == "00:00:00" else f"{day} {time}"
            case _:
                return _UNSEEN.sub("", str(self.value)).strip()

    @property
    def is_blank(self) -> bool:
        """Say whether it says nothing, also in words: 无, /, 暂无."""
        return not self.text or self.text.lower() in BLANK_WORDS

    @property
    def has_lost_digits(self) -> bool:
        """Say whether this is a number of more digits than Excel can keep: retype it, do not read it."""
        return (
            self.kind is CellKind.NUMBER and len(self.text.lstrip("-").split(".")[0]) > DIGITS_KEPT_BY_EXCEL
        )

    def parts(self) -> list[str]:
        """Return the values of a cell that holds several, split at 、 ， ； / and line breaks."""
        if self.is_blank:
            return []
        return [part.strip() for part in re.split(r"[、,，;；/|\n]+", self.text) if part.strip()]


@dataclass(frozen=True)
class Sheet:
    """A visible sheet; `rows` maps row numbers to their cells by column, blank ones left out."""

    name: str
    rows: Mapping[int, Mapping[int, Cell]]


@dataclass(frozen=True)
class Workbook:
    sheets: tuple[Sheet, ...]


def read_workbook(content: bytes, *, name: str = "") -> Workbook:
    """Return the visible sheets of an .xlsx file.

    `name` is only used in messages. The file is parsed in a child process with limits on memory and
    time (256 MB, 8 s of CPU); formulas are not evaluated, the values that Excel saved are read.

    :raises WorkbookMistake: one of its kinds, saying what is wrong and how to mend it.
    """
    shown = f"“{Path(name).name}”" if name else ""
    _refuse_by_size_and_magic(content, shown)
    _refuse_by_packing(content, shown)
    return _assembled(_parsed_apart(content, shown))


def _refuse_by_size_and_magic(content: bytes, shown: str) -> None:
    if len(content) > LARGEST_FILE_MB * MEGABYTE:
        raise WorkbookTooLarge(
            f"文件{shown}有 {len(content) / MEGABYTE:.1f} MB，超过 {LARGEST_FILE_MB} MB 上限。"
            "请删去图片或分成几个文件。",
            f"The file {shown} has {len(content) / MEGABYTE:.1f} MB, more than {LARGEST_FILE_MB} MB. "
            "Remove pictures or split it.",
        )
    if content.startswith(b"PK\x03\x04"):
        return
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise _old_or_locked(content, shown)
    if looks_like := _table_in_text(content):
        raise OtherFormat(
            f"文件{shown}是 {looks_like} 文本，目前不能导入。{_SAVE_AS_ZH}",
            f"The file {shown} is {looks_like} text, which cannot be imported yet. {_SAVE_AS_EN}",
        )
    raise _not_a_workbook(shown)


def _old_or_locked(content: bytes, shown: str) -> OtherFormat:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return OtherFormat(
            f"文件{shown}设有打开密码，无法读取。请在 Excel 里取消密码后再传。",
            f"The file {shown} is protected by a password. Remove the password in Excel first.",
        )
    return OtherFormat(
        f"文件{shown}是旧版 .xls（或 .et）格式，目前不能导入。{_SAVE_AS_ZH}",
        f"The file {shown} is in the old .xls format, which cannot be imported yet. {_SAVE_AS_EN}",
    )


def _table_in_text(content: bytes) -> str:
    beginning = content[:4096]
    if beginning.lstrip().lower().startswith((b"<html", b"<!doctype", b"<table", b"<?xml")):
        return "HTML/XML"
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        try:
            # The cut may fall within a character, so the last few bytes do not count.
            text = content.decode(encoding) if len(content) <= 4096 else beginning[:-4].decode(encoding)
        except UnicodeDecodeError:
            continue
        first = text.splitlines()[0] if text.splitlines() else ""
        if text.isprintable() is False and re.search(r"[\x00-\x08\x0e-\x1f]", text):
            continue
        if "\t" in first or first.count(",") >= 1:
            return "CSV"
    return ""


def _not_a_workbook(shown: str) -> NotAWorkbook:
    return NotAWorkbook(
        f"文件{shown}不是 Excel 工作簿，或已损坏。{_SAVE_AS_ZH}",
        f"The file {shown} is not an Excel workbook, or it is broken. {_SAVE_AS_EN}",
    )


def _refuse_by_packing(content: bytes, shown: str) -> None:
    """Judge the archive by its directory alone: nothing is unpacked before it is known to be small."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RecursionError):
        raise _not_a_workbook(shown) from None
    names = {entry.filename for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries) or "[Content_Types].xml" not in names:
        raise _not_a_workbook(shown)
    if any(filename.lower().endswith("vbaproject.bin") for filename in names):
        raise UnsafeWorkbook(
            f"文件{shown}含有宏，不能导入。请另存为不含宏的“Excel 工作簿(*.xlsx)”后再传。",
            f"The file {shown} contains macros. Save it as a workbook without macros (*.xlsx).",
        )
    unpacked = sum(entry.file_size for entry in entries)
    ratio = unpacked / max(len(content), 1)
    if (
        len(entries) > MOST_ENTRIES
        or unpacked > LARGEST_UNPACKED_MB * MEGABYTE
        or (unpacked > RATIO_MATTERS_FROM_MB * MEGABYTE and ratio > LARGEST_RATIO)
    ):
        raise _too_large_inside(shown)


def _too_large_inside(shown: str) -> WorkbookTooLarge:
    return WorkbookTooLarge(
        f"文件{shown}解开后过大或过于复杂，已停止读取。请只保留要导入的表，删去空行空列的格式和图片后再传。",
        f"The file {shown} is too large or too complex inside, so reading was stopped. "
        "Keep only the table to import, and clear formats from empty rows and columns.",
    )


def _parsed_apart(content: bytes, shown: str) -> list[dict[str, Any]]:
    limits = (MEMORY_MB, CPU_SECONDS, MOST_CELLS, MOST_CHARACTERS)
    try:
        finished = subprocess.run(
            [sys.executable, "-P", str(PARSER), *map(str, limits)],
            input=content,
            capture_output=True,
            timeout=WALL_SECONDS,
            # The child gets no secret of ours: a hostile file should find an empty house.
            env={
                **{key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ},
                "PYTHONIOENCODING": "utf-8",
            },
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_large_inside(shown) from None
    lines = finished.stdout.splitlines()
    last = _json_or_nothing(lines[-1]) if lines else {}
    if last.get("whole"):
        return [json.loads(line) for line in lines[:-1]]
    match last.get("stopped"):
        case "broken":
            raise _not_a_workbook(shown)
        case "unsafe":
            raise UnsafeWorkbook(
                f"文件{shown}含有不安全的内容（XML 实体），已拒绝。请用 Excel 重新另存为 *.xlsx 后再传。",
                f"The file {shown} contains unsafe XML entities and was refused. Save it again with Excel.",
            )
        case None if finished.returncode == 1 and not lines:
            # It did not even begin: our fault, not the file's.
            raise RuntimeError(finished.stderr.decode(errors="replace")[-2000:])
        case _:
            raise _too_large_inside(shown)


def _json_or_nothing(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _assembled(lines: list[dict[str, Any]]) -> Workbook:
    sheets: list[Sheet] = []
    rows: dict[int, dict[int, Cell]] = {}
    for line in lines:
        if "sheet" in line:
            name, rows = line["sheet"], {}
            sheets.append(Sheet(name, rows))
            merges: list[str] = line["merged"]
            # Filled in below as the rows come; a merged cell's value always comes before those it covers.
            covered = _covered_below(merges)
            continue
        number = line["row"]
        rows[number] = {
            column: Cell(name, number, column, CellKind(kind), _value(kind, value))
            for column, kind, value in line["cells"]
        }
        for column, anchor_row in covered.pop(number, ()):
            _fill(rows, number, column, anchor_row)
    return Workbook(tuple(sheets))


def _value(kind: str, value: Any) -> str | int | float | bool | datetime:
    if kind == CellKind.DATE:
        return datetime.fromisoformat(value)
    kept: str | int | float | bool = value
    return kept


def _covered_below(merges: Iterable[str]) -> dict[int, list[tuple[int, int]]]:
    """Return, by row, the (column, row of the value) of cells that a merge downwards covers.

    Only downwards: a city merged over the people who live there means them all, while a title merged
    to the right means itself.
    """
    covered: dict[int, list[tuple[int, int]]] = {}
    for reference in merges:
        left, top, _, bottom = range_boundaries(reference)
        for row in range(top + 1, min(bottom, top + 1000) + 1):
            covered.setdefault(row, []).append((left, top))
    return covered


def _fill(rows: dict[int, dict[int, Cell]], row: int, column: int, anchor_row: int) -> None:
    anchor = rows.get(anchor_row, {}).get(column)
    if anchor and column not in rows[row]:
        rows[row][column] = Cell(anchor.sheet, row, column, anchor.kind, anchor.value, anchor.address)


# --- the table in it ------------------------------------------------------------------------------

HEADER_WITHIN_ROWS = 15


@dataclass(frozen=True)
class Record:
    """One row of a table, its cells by the names that the importer uses."""

    sheet: str
    row: int
    columns: Mapping[str, int]
    cells: Mapping[int, Cell]

    def __getitem__(self, name: str) -> Cell:
        """Return the cell of a column; a blank one where the sheet has no such column or value."""
        column = self.columns.get(name, 0)
        return self.cells.get(column) or Cell(self.sheet, self.row, max(column, 1))


@dataclass(frozen=True)
class Table:
    """A header row and the rows below it.

    `columns` maps known names to column numbers, `titles` to what the header says. `unknown` are
    titles that nothing was made of, so that the importer can say so. `repeated` are cells whose
    column had been found further left.
    """

    sheet: str
    header_row: int
    columns: Mapping[str, int]
    titles: Mapping[str, str]
    unknown: tuple[Cell, ...]
    repeated: tuple[Cell, ...]
    rows: Mapping[int, Mapping[int, Cell]] = field(repr=False)

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Return the rows that say something in a known column, without headers repeated for printing."""
        return tuple(self._records())

    def _records(self) -> Iterator[Record]:
        header = self.rows[self.header_row]
        for number in sorted(self.rows):
            if number <= self.header_row:
                continue
            record = Record(self.sheet, number, self.columns, self.rows[number])
            said = [
                record[name] for name in self.columns if record[name].text and not record[name].merged_into
            ]
            if said and not all(cell.text == header[cell.column].text for cell in said):
                yield record


def tables_in(
    workbook: Workbook, columns: Mapping[str, Sequence[str]], *, required: Collection[str] = ()
) -> tuple[Table, ...]:
    """Return the table of every sheet that has one: titles and notes above the header are passed over.

    `columns` maps a name to the titles it may have; the first is the one used in messages. Brackets,
    spaces, line breaks and asterisks in titles do not matter.

    :raises NoTable: if no sheet has a header, or if one lacks a required column.
    """
    by_title = {plain_title(title): name for name, titles in columns.items() for title in titles}
    tables = [table for sheet in workbook.sheets if (table := _table_of(sheet, by_title))]
    if not tables:
        wanted = "、".join(titles[0] for name, titles in columns.items() if name in required or not required)
        raise NoTable(
            f"没有找到表头行：前 {HEADER_WITHIN_ROWS} 行里没有一行含有“{wanted}”等列名。"
            "请使用模板，或补上列名。",
            f"No header row was found: none of the first {HEADER_WITHIN_ROWS} rows has the titles {wanted}. "
            "Use the template, or add the titles.",
        )
    for table in tables:
        if missing := [
            columns[name][0] for name in columns if name in required and name not in table.columns
        ]:
            listed = "、".join(missing)
            raise NoTable(
                f"工作表“{table.sheet}”第 {table.header_row} 行的表头缺少列：{listed}。请补上这些列后再传。",
                f"The header in row {table.header_row} of sheet “{table.sheet}” lacks: {listed}. Add them.",
            )
    return tuple(tables)


def plain_title(title: str) -> str:
    """Return a title without what does not matter in one: brackets and what they hold, spaces, asterisks."""
    text = unicodedata.normalize("NFKC", title)
    text = re.sub(r"\(.*?\)|【.*?】|\[.*?\]", "", text)
    return re.sub(r"[\s*:、/·.]", "", text).lower()


def _table_of(sheet: Sheet, by_title: Mapping[str, str]) -> Table | None:
    candidates = [number for number in sorted(sheet.rows) if number <= HEADER_WITHIN_ROWS]

    def known(number: int) -> set[str]:
        plain = (plain_title(cell.text) for cell in sheet.rows[number].values())
        return {by_title[title] for title in plain if title in by_title}

    best = max(candidates, key=lambda number: len(known(number)), default=None)
    if best is None or len(known(best)) < 2:
        return None
    # A header of two rows: 聘期 above 起 and 止, the other titles merged downwards into the second.
    below = best + 1
    if (
        below in sheet.rows
        and any(cell.merged_into for cell in sheet.rows[below].values())
        and len(known(below)) >= len(known(best))
    ):
        best = below
    found: dict[str, int] = {}
    titles: dict[str, str] = {}
    unknown: list[Cell] = []
    repeated: list[Cell] = []
    for column, cell in sorted(sheet.rows[best].items()):
        name = by_title.get(plain_title(cell.text))
        if name is None:
            unknown.append(cell)
        elif name in found:
            repeated.append(cell)
        else:
            found[name], titles[name] = column, cell.text
    return Table(sheet.name, best, found, titles, tuple(unknown), tuple(repeated), sheet.rows)
