"""What people read, in Chinese and in English: closed lists of words with their stored values, and sentences.

Pure: the Chinese and English stand side by side, so that a rule, a model's `choices`, the API
and a template all show the same word. Which language is shown is decided by whoever renders.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Self


class Term(StrEnum):
    """One stored value with its Chinese and its English word.

    Members are written `OPEN = "open", "进行中", "open"`.
    """

    zh: str
    en: str

    # The defaults are never used: they let a type checker accept `Term("open")`, which finds a member.
    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        member.en = en
        return member

    @property
    def written(self) -> tuple[str, str, str]:
        """Return value and words as a member is written with them, for another list that has this member too."""
        return self.value, self.zh, self.en

    def word(self, language: str) -> str:
        """Return the word in `language` ("zh-hans", "en", …); Chinese unless English is asked for."""
        return self.en if language.startswith("en") else self.zh

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return (value, Chinese word) pairs in the order of definition, for a model or form field."""
        return [(member.value, member.zh) for member in cls]


class Words(NamedTuple):
    """The same thing said in Chinese and in English."""

    zh: str
    en: str

    def word(self, language: str) -> str:
        """Return the words in `language` ("zh-hans", "en", …); Chinese unless English is asked for."""
        return self.en if language.startswith("en") else self.zh

    def filled(self, **values: object) -> Words:
        """Return the words with their blanks filled; values that are `Words` are taken by language."""
        return Words(
            self.zh.format(**{name: _in(value, "zh") for name, value in values.items()}),
            self.en.format(**{name: _in(value, "en") for name, value in values.items()}),
        )

    @classmethod
    def same(cls, text: str) -> Words:
        """Return words that are alike in both languages: a name, a number, what a person typed."""
        return cls(text, text)

    def to_dict(self) -> dict[str, str]:
        return {"zh": self.zh, "en": self.en}


def _in(value: object, language: str) -> str:
    if isinstance(value, Words):
        return value.word(language)
    return value.isoformat() if isinstance(value, date) else str(value)


COMMA = Words("、", ", ")


def joined(parts: Sequence[Words], separator: Words = COMMA) -> Words:
    """Return the words one after the other."""
    return Words(separator.zh.join(part.zh for part in parts), separator.en.join(part.en for part in parts))
