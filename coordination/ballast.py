"""A file of 64 MB beside the SQLite database that is given up when the disk is full.

What is on the wire at that moment can then still be recorded, and the alarm that the disk is full can be
written and sent. Only the embedded server keeps one: it is alone with its database. PostgreSQL stops
taking writes by itself, on a disk of its own.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

SIZE: Final = 64 * 1024 * 1024
# The file is made anew only where more than itself is free: else it would be what fills the disk.
LEFT_FREE: Final = SIZE
_SAYS_FULL: Final = ("database or disk is full", "disk i/o error")


class Ballast:
    """The file beside one database. Does nothing until told which; safe from any thread."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._lock = threading.Lock()

    @property
    def is_spent(self) -> bool:
        """Whether it was given up, or could not be made, and the disk has no room for it yet."""
        return self._file is not None and not self._file.exists()

    def keep_beside(self, database: Path) -> None:
        """Have one beside this database from now on."""
        self._file = database.with_name("ballast")
        self.keep()

    def leave(self) -> None:
        """Stop keeping one; the file stays for the next start."""
        self._file = None

    def keep(self) -> bool:
        """Make the file if it is missing and there is room; return whether it is there. Harmless at any time."""
        file = self._file
        if file is None:
            return False
        with self._lock:
            try:
                if not file.exists() and shutil.disk_usage(file.parent).free >= SIZE + LEFT_FREE:
                    _fill(file)
            except OSError as error:
                log.warning("no ballast beside the database: %s", error)
            return file.exists()

    def give_up(self, error: Exception) -> bool:
        """Delete the file if `error` says that the disk is full; return whether that has made room."""
        file = self._file
        if file is None or not any(words in str(error).lower() for words in _SAYS_FULL):
            return False
        with self._lock:
            try:
                file.unlink()
            except OSError:
                return False
        log.error("the disk of the database is full: %s was given up, and there is no more of it", file)
        return True


BALLAST: Final = Ballast()


def _fill(file: Path) -> None:
    """Write the file whole or not at all. Its blocks have to be taken, or it would free none."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as handle:
            os.posix_fallocate(handle.fileno(), 0, SIZE)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
