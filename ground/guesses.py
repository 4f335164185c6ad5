"""What somebody probably meant: the known words nearest to what was typed. Pure; it is offered, never applied."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(wanted: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """Return the known words that were probably meant: those within one another, the alike, else any in common."""
    words = list(dict.fromkeys(known))
    within = [word for word in words if wanted and (wanted in word or word in wanted)]
    alike = difflib.get_close_matches(wanted, words, n=count, cutoff=0.5)
    if likely := list(dict.fromkeys([*within, *alike])):
        return likely[:count]
    shared = {word: len(set(word) & set(wanted)) for word in words}
    return sorted(filter(shared.get, words), key=lambda word: -shared[word])[:count]
