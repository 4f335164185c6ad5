"""What a person typed or uploaded and we cannot use: where, what, how to mend it, in both languages.

Pure: the two sentences are kept as data, and whoever renders the answer chooses the language.
"""

from __future__ import annotations


class Mistake(ValueError):
    """Something a person gave us that has to be mended by that person.

    `zh` and `en` each say what is wrong and how to mend it. `suggestion` is the value that was
    probably meant, when there is one; it is offered, never applied.
    """

    def __init__(self, zh: str, en: str, *, suggestion: str = "") -> None:
        super().__init__(zh)
        self.zh = zh
        self.en = en
        self.suggestion = suggestion

    def sentence(self, language: str) -> str:
        """Return the sentence in `language` ("zh-hans", "en", …); Chinese unless English is asked for."""
        return self.en if language.startswith("en") else self.zh


class Refused(Mistake):
    """Something that cannot be done now, whatever is typed: the state of things does not allow it."""
