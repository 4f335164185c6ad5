"""Parses one workbook in a process of its own, so that a bomb hurts nobody but itself.

Run as a script by `ground.spreadsheets`: the workbook comes in on stdin, one line of JSON a row goes out, and
a last line says that it is whole or what stopped it. Imports nothing of ours: it must start fast and small.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import re
import resource
import sys
import warnings
import zipfile
from typing import Any

MEGABYTE = 1024 * 1024
OUT_OF_MEMORY = 3
LAST_ROW = 1_048_576  # of Excel; a row that claims to lie below would be padded up to


def main(memory_mb: int, cpu_seconds: int, cell_limit: int, character_limit: int) -> None:
    # Before anything is read, and from inside: preexec_fn is not safe in a server with threads.
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * MEGABYTE, memory_mb * MEGABYTE))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # openpyxl would import both if it could; neither is needed and numpy alone would eat the memory limit.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # None makes the import fail
    sys.modules["lxml"] = None  # type: ignore[assignment]  # and lxml is not covered by defusedxml
    try:
        parse(sys.stdin.buffer.read(), cell_limit, character_limit)
    except Exception as problem:  # whatever a broken file makes the parser raise, it is a broken file
        answer({"stopped": reason(problem), "because": repr(problem)[:200]})


def reason(problem: BaseException) -> str:
    """Return what stopped the reading; openpyxl wraps what it meets, so the causes are asked too."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, TooMuch):
            return str(cause)
        if isinstance(cause, MemoryError):
            return "memory"
        if type(cause).__module__.startswith("defusedxml"):
            return "unsafe"
        cause = cause.__cause__ or cause.__context__
    return "broken"


class TooMuch(Exception):
    """A limit was passed; its text names which."""


def answer(line: Any) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=True) + "\n")


def parse(content: bytes, cell_limit: int, character_limit: int) -> None:
    import openpyxl  # noqa: PLC0415 - only after the limits are set and numpy is out of the way

    if not openpyxl.DEFUSEDXML:
        raise RuntimeError("openpyxl does not guard against XML bombs by itself: install defusedxml")
    warnings.simplefilter("ignore")  # openpyxl warns of styles and dates it cannot keep; we keep none
    archive = zipfile.ZipFile(io.BytesIO(content))
    workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    cells = characters = 0
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":
            continue
        # A file may claim a million rows by sixteen thousand columns, and openpyxl would pad them all.
        sheet.reset_dimensions()
        answer({"sheet": sheet.title, "merged": merged_in(archive, sheet._worksheet_path)})
        for number, row in enumerate(sheet.iter_rows(max_row=LAST_ROW), 1):
            kept = []
            for cell in row:
                if cell.value is None or cell.value == "":
                    continue
                kind, value = described(cell)
                kept.append((cell.column, kind, value))
                characters += len(value) if isinstance(value, str) else 8
            cells += len(kept)
            if cells > cell_limit:
                raise TooMuch("cells")
            # One long string may be shared by every cell: small in the file, enormous read out.
            if characters > character_limit:
                raise TooMuch("characters")
            if kept:
                answer({"row": number, "cells": kept})
    answer({"whole": True})


def described(cell: Any) -> tuple[str, Any]:
    """Return the kind and the value of a cell, the value as JSON can carry it."""
    value = cell.value
    if cell.data_type == "e":
        return "error", str(value)
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, datetime.datetime):
        return "date", value.isoformat()
    if isinstance(value, int | float):
        return "number", value
    return "text", str(value)


def merged_in(archive: zipfile.ZipFile, path: str) -> list[str]:
    """Return the merged ranges of a sheet, which openpyxl does not tell when it only reads."""
    content = archive.read(path.lstrip("/"))
    found = re.findall(rb'<(?:\w+:)?mergeCell ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"', content)
    return [reference.decode() for reference in found[:5000]]


if __name__ == "__main__":
    try:
        main(*(int(argument) for argument in sys.argv[1:5]))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # there may not be enough left even to say so
