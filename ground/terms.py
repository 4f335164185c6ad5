"""A closed list of words, each with the value that is stored and the words that people read.

Pure: the Chinese and English stand beside the value, so that a rule, a model's `choices`, the API
and a template all show the same word. Which language is shown is decided by whoever renders.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


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

    def word(self, language: str) -> str:
        """Return the word in `language` ("zh-hans", "en", …); Chinese unless English is asked for."""
        return self.en if language.startswith("en") else self.zh

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return (value, Chinese word) pairs in the order of definition, for a model or form field."""
        return [(member.value, member.zh) for member in cls]
