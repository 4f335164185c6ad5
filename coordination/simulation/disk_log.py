"""A log that is on the disk before anybody is told: one JSON object a line, appended only."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries; a last line that a kill has cut is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                return
            yield json.loads(line)


class DiskLog:
    """Entries that wait at the same time share one flush of the disk."""

    def __init__(self, path: Path) -> None:
        _drop_half_a_line(path)
        self._file = path.open("a", encoding="utf-8")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="disk-log")
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, kind: str, **entry: Any) -> None:
        """Return once the entry is on the disk."""
        # A provider has a clock of its own; only how long things took is read from it.
        line = json.dumps({"kind": kind, "at": time.time(), **entry}, ensure_ascii=False)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((f"{line}\n", done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await asyncio.shield(done)

    def close(self) -> None:
        self._writing.shutdown(wait=True)
        self._file.close()

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            lines = "".join(line for line, _ in batch)
            await asyncio.get_running_loop().run_in_executor(self._writing, self._append, lines)
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    def _append(self, lines: str) -> None:
        self._file.write(lines)
        self._file.flush()
        os.fsync(self._file.fileno())


def _drop_half_a_line(path: Path) -> None:
    """Cut off what a kill has left of a last line; nobody was told about it."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
