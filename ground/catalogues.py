"""Compiles the message catalogues with Babel, so that no installation needs the gettext programs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

log = logging.getLogger(__name__)


def compile_stale(locale_folders: Iterable[Path]) -> list[Path]:
    """Compile every catalogue that changed since it was compiled last; return the files written.

    Safe to run in several processes at once. A folder that cannot be written to is left as it is: an
    image or a wheel brings its catalogues compiled.
    """
    written = []
    for folder in map(Path, locale_folders):
        for source in sorted(folder.glob("*/LC_MESSAGES/django.po")):
            # The text in the code is the Chinese one. Where English is the installation's language,
            # Django would take English for every text without a Chinese entry, so Chinese gets entries.
            chinese = folder / "zh_Hans" / "LC_MESSAGES" / "django.mo"
            for target, catalogue_of in ((source.with_suffix(".mo"), _read), (chinese, _source_words)):
                if _is_current(target, source):
                    continue
                try:
                    _write(target, catalogue_of(source), stamp_ns=source.stat().st_mtime_ns)
                except OSError as problem:
                    log.warning("cannot write the catalogue %s: %s", target, problem)
                else:
                    written.append(target)
    return written


def _is_current(target: Path, source: Path) -> bool:
    return target.exists() and target.stat().st_mtime_ns == source.stat().st_mtime_ns


def _read(source: Path) -> Catalog:
    with source.open("rb") as file:
        return read_po(file)


def _source_words(source: Path) -> Catalog:
    chinese = Catalog(locale="zh_Hans")
    for message in _read(source):
        if message.id:
            # Chinese has one plural form, the text of the singular.
            own = message.id[:1] if isinstance(message.id, tuple | list) else message.id
            chinese.add(message.id, own, context=message.context)
    return chinese


def _write(target: Path, catalogue: Catalog, *, stamp_ns: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(f".{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        write_mo(file, catalogue)
    # The compiled file carries the moment of its source: a checkout may set any moment, even an older one.
    os.utime(unfinished, ns=(stamp_ns, stamp_ns))
    unfinished.replace(target)
