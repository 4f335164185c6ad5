"""What matching says to people: words in both languages, the law behind them, a reason for or against.

Pure. The words are data beside the rules; which language is shown is decided by whoever renders.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple


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


def joined(parts: list[Words], separator: Words = COMMA) -> Words:
    """Return the words one after the other."""
    return Words(separator.zh.join(part.zh for part in parts), separator.en.join(part.en for part in parts))


@dataclass(frozen=True, slots=True)
class Law:
    """An article that was read in the text of the law itself; nothing else is shown as law."""

    name: Words
    article: Words
    version: Words

    @property
    def words(self) -> Words:
        return Words(f"《{self.name.zh}》{self.article.zh}", f"{self.name.en}, {self.article.en}")

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name.to_dict(),
            "article": self.article.to_dict(),
            "version": self.version.to_dict(),
        }


PLAN_REVIEW_RECUSAL = Law(
    Words("生产安全事故应急预案管理办法", "Measures for the Administration of Work Safety Emergency Plans"),
    Words("第二十二条", "article 22"),
    Words("2019 年修正", "as amended in 2019"),
)
INVESTIGATION_RECUSAL = Law(
    Words(
        "生产安全事故报告和调查处理条例",
        "Regulations on the Reporting, Investigation and Handling of Work Safety Accidents",
    ),
    Words("第二十三条", "article 23"),
    Words("2007 年施行", "in force since 2007"),
)
DUTY_TO_JOIN = Law(
    Words("生产安全事故应急条例", "Regulations on Work Safety Emergency Response"),
    Words("第十九条", "article 19"),
    Words("2019 年施行", "in force since 2019"),
)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason about one candidate. `code` is stable and stored; one that `blocks` keeps out."""

    code: str
    words: Words
    blocks: bool = False
    law: Law | None = None

    def to_dict(self) -> dict[str, Any]:
        law = self.law.to_dict() if self.law else None
        return {"code": self.code, "words": self.words.to_dict(), "blocks": self.blocks, "law": law}
