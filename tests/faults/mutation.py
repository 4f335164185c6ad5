"""Puts a seeded bug into a module of the product while it is being imported; the files stay as they are.

As a pytest plugin (`-p tests.faults.mutation`) it seeds the bug that MUSTER_MUTANT names.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tests.faults.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]


class DoesNotFit(Exception):
    """The text that a mutant changes is not there exactly once any more."""


def install(name: str) -> None:
    """Seed the mutant's bug into this process; its modules must not have been imported yet."""
    mutant = MUTANTS[name]
    for change in mutant.changes:
        if change.module in sys.modules:
            raise RuntimeError(f"{change.module} has been imported already")
    sys.meta_path.insert(0, _Seeder(mutant))


def source_of(module: str) -> str:
    path = ROOT / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf-8")


def mutated(mutant: Mutant, module: str) -> str:
    """Return the module's source with the bug in it.

    :raises DoesNotFit: when the source has moved on.
    """
    source = source_of(module)
    for change in mutant.changes:
        if change.module == module:
            if source.count(change.old) != 1:
                raise DoesNotFit(
                    f"mutant {mutant.name}: {change.old!r} stands {source.count(change.old)} times in "
                    f"{module}; bring tests/faults/mutants.py up to date"
                )
            source = source.replace(change.old, change.new)
    return source


class _Seeder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._modules = {change.module for change in mutant.changes}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self._modules:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None and spec.origin is not None
        spec.loader = _Loader(name, spec.origin, mutated(self._mutant, name))
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str):
        return compile(self._source, self.path, "exec")


if seeded := os.environ.get("MUSTER_MUTANT"):
    install(seeded)
