"""What happened outside of the database, one JSON line each, kept whoever is killed.

A line is one `write` to a file that is opened for appending: it is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Ledger:
    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, kind: str, **entry: Any) -> None:
        line = json.dumps(
            {"kind": kind, "at": time.monotonic(), "pid": os.getpid(), **entry}, ensure_ascii=False
        )
        os.write(self._file, f"{line}\n".encode())

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
