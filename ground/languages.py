"""The language in which somebody reads this page, and the words of rules, rows and mistakes in it.

Rules and reference tables carry both languages as data; pages, the API and templates choose here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import get_language

from ground.mistakes import Mistake
from ground.terms import Term


def language() -> str:
    """Return "zh-hans" or "en"; Chinese where none has been chosen, as in a command."""
    return get_language() or "zh-hans"


def is_english() -> bool:
    return language().startswith("en")


def sentence(mistake: Mistake) -> str:
    """Return what is wrong and how to mend it."""
    return mistake.sentence(language())


def name_of(row: Any) -> str:
    """Return the name of an industry, specialty, capability or region; where a row has no English name, its own."""
    english = getattr(row, "name_en", "") if is_english() else ""
    return str(english or row.name)


def term_choices(terms: Iterable[Term]) -> list[tuple[str, str]]:
    """Return (value, word) pairs for a form's field."""
    return [(term.value, term.word(language())) for term in terms]


def row_choices(rows: Iterable[Any]) -> list[tuple[str, str]]:
    """Return (code, name) pairs for a form's field, of rows that have a code."""
    return [(row.code, name_of(row)) for row in rows]
