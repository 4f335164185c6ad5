"""Writes a workbook that people can print, edit and send back: title, header, text where text is meant.

Pure. Every string goes out as a string, so nothing that somebody typed into a name becomes a formula in
another person's Excel.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.datavalidation import DataValidation

from ground.dates import SHANGHAI

LONGEST_TEXT = 32_767  # Excel's own limit for a cell
LONGEST_SHEET_NAME = 31
A4_PAPER = 9  # as the file format counts paper
CHOICES_SHEET = "选项"
# A template is filled in below its last row, so formats and drop-downs reach further than the data.
ROOM_FOR_ROWS = 1000
LIKE_A_FORMULA = tuple("=+-@\t\r＝＋－＠")

_LINE = Side(style="thin", color="BFBFBF")
_GRID = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)


@dataclass(frozen=True, slots=True)
class NewColumn:
    """One column: `is_text` for phones, codes and ID numbers, which Excel would otherwise compute with."""

    title: str
    width: float = 0  # in characters; 0 takes it from the title
    is_text: bool = False
    choices: Sequence[str] = ()
    hint: str = ""  # shown when a cell of the column is selected


@dataclass(frozen=True)
class NewSheet:
    """A sheet to be written: `rows` hold one value a column; None is left empty."""

    name: str
    columns: Sequence[NewColumn]
    rows: Sequence[Sequence[object]]
    title: str = ""
    note: str = ""  # a line under the title: who filled it in, when, for whom


def write_workbook(sheets: Sequence[NewSheet]) -> bytes:
    """Return the bytes of an .xlsx with these sheets; `ground.spreadsheets.read_workbook` reads it back."""
    for sheet in sheets:
        if any(len(row) != len(sheet.columns) for row in sheet.rows):
            raise ValueError(f"a row of “{sheet.name}” has not as many values as there are columns")
    workbook = Workbook(write_only=True)
    choices: list[Sequence[str]] = []
    for sheet in sheets:
        _write(workbook, sheet, choices)
    if choices:
        hidden = workbook.create_sheet(CHOICES_SHEET)
        hidden.sheet_state = "hidden"
        for row in range(max(len(column) for column in choices)):
            hidden.append(
                [
                    _cell(hidden, column[row] if row < len(column) else None, is_text=True)
                    for column in choices
                ]
            )
    written = io.BytesIO()
    workbook.save(written)
    return written.getvalue()


def _write(workbook: Workbook, sheet: NewSheet, choices: list[Sequence[str]]) -> None:
    worksheet = workbook.create_sheet(sheet.name[:LONGEST_SHEET_NAME])
    above = [line for line in (sheet.title, sheet.note) if line]
    header_row = len(above) + 1
    worksheet.freeze_panes = f"A{header_row + 1}"
    worksheet.page_setup.orientation = "landscape"
    worksheet.page_setup.paperSize = A4_PAPER
    worksheet.page_setup.fitToHeight = 0
    worksheet.sheet_properties.pageSetUpPr.fitToPage = True
    worksheet.print_title_rows = f"{header_row}:{header_row}"
    for number, column in enumerate(sheet.columns, 1):
        dimension = worksheet.column_dimensions[get_column_letter(number)]
        dimension.width = column.width or max(8, _width(column.title) + 4)
        if column.is_text:
            dimension.number_format = "@"
        _validate(worksheet, column, number, header_row, choices)
    for number, line in enumerate(above, 1):
        if len(sheet.columns) > 1:
            worksheet.merged_cells.ranges.add(
                CellRange(min_row=number, max_row=number, min_col=1, max_col=len(sheet.columns))
            )
        cell = _cell(worksheet, line, is_text=False)
        cell.font = Font(bold=number == 1, size=16 if number == 1 else 11)
        cell.alignment = Alignment(horizontal="center" if number == 1 else "left", vertical="center")
        worksheet.append([cell])
    worksheet.append([_header_cell(worksheet, column.title) for column in sheet.columns])
    for row in sheet.rows:
        worksheet.append(
            [
                _cell(worksheet, value, is_text=column.is_text, border=_GRID)
                for column, value in zip(sheet.columns, row, strict=True)
            ]
        )


def _validate(
    worksheet: Any, column: NewColumn, number: int, header_row: int, choices: list[Sequence[str]]
) -> None:
    if not (column.choices or column.hint):
        return
    validation = DataValidation(allow_blank=True)
    if column.choices:
        choices.append(column.choices)
        # A list written into the cell may hold 255 characters; one on a sheet as many as it likes.
        letter = get_column_letter(len(choices))
        validation.type = "list"
        validation.formula1 = f"'{CHOICES_SHEET}'!${letter}$1:${letter}${len(column.choices)}"
        # A warning, not a stop: cells may hold several values, and the import says what it cannot read.
        validation.errorStyle = "warning"
        validation.errorTitle = column.title[:32]
        validation.error = "不在下拉选项中，导入时可能无法识别。"
        validation.showErrorMessage = True
    if column.hint:
        validation.promptTitle = column.title[:32]
        validation.prompt = column.hint[:255]
        validation.showInputMessage = True
    letter = get_column_letter(number)
    validation.add(f"{letter}{header_row + 1}:{letter}{header_row + ROOM_FOR_ROWS}")
    worksheet.data_validations.append(validation)


def _header_cell(worksheet: Any, title: str) -> Any:
    cell = _cell(worksheet, title, is_text=False, border=_GRID)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", start_color="E8EEF5")
    cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    return cell


def _cell(worksheet: Any, value: object, *, is_text: bool, border: Border | None = None) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(SHANGHAI).replace(tzinfo=None)  # Excel knows no time zones
    known = value is None or isinstance(value, bool | int | float | date)
    if is_text and value is not None or not known:
        value = ILLEGAL_CHARACTERS_RE.sub("", str(value))[:LONGEST_TEXT]
    cell = WriteOnlyCell(worksheet, value=value)
    if isinstance(value, str):
        # openpyxl makes a formula of any string that begins with =; a name is never one.
        cell.data_type = "s"
        cell.number_format = "@" if is_text else "General"
        # So that Excel keeps it a string when somebody edits the cell.
        cell.quotePrefix = value.startswith(LIKE_A_FORMULA)
    elif isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm"
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"
    if border is not None:
        cell.border = border
    return cell


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
