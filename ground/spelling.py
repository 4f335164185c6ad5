"""How Chinese names are spelt in pinyin, so that "zhoumingyuan" and "zmy" find 周明远.

Pure. Without tones and spaces, in lower case; Latin letters and digits stay, other marks are dropped.
"""

from __future__ import annotations

import unicodedata

from pypinyin import Style, lazy_pinyin

# Characters that are read otherwise when they are a surname. The two-character ones are looked for first.
SURNAMES: dict[str, tuple[str, ...]] = {
    "尉迟": ("yu", "chi"),
    "万俟": ("mo", "qi"),
    "长孙": ("zhang", "sun"),
    "单于": ("chan", "yu"),
    "澹台": ("tan", "tai"),
    "单": ("shan",),
    "仇": ("qiu",),
    "解": ("xie",),
    "曾": ("zeng",),
    "查": ("zha",),
    "区": ("ou",),
    "盖": ("ge",),
    "翟": ("zhai",),
    "缪": ("miao",),
    "乐": ("yue",),
    "朴": ("piao",),
    "员": ("yun",),
    "折": ("she",),
    "种": ("chong",),
    "秘": ("bi",),
    "繁": ("po",),
    "覃": ("qin",),
    "黑": ("he",),
    "召": ("shao",),
    "洗": ("xian",),
    "尉": ("wei",),
}
_NOT_CHINESE = "\0"


def pinyin_of(text: str, *, is_person: bool = False) -> tuple[str, str]:
    """Return ("zhoumingyuan", "zmy") for 周明远, ("abchuagong", "abchg") for ABC化工.

    With `is_person` the surname is read as a surname: 单 is shan, 仇 is qiu, 曾 is zeng.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    surname = ""
    if is_person:
        surname = next((plain[:length] for length in (2, 1) if plain[:length] in SURNAMES), "")
    spelt = lazy_pinyin(plain[len(surname) :], style=Style.NORMAL, errors=lambda other: _NOT_CHINESE + other)
    syllables = [*SURNAMES.get(surname, ()), *(part for part in spelt if part)]
    whole = "".join(_typed(syllable) for syllable in syllables)
    # All of a Latin word is typed in a search, only the first letter of a syllable.
    initials = "".join(
        _typed(part) if part.startswith(_NOT_CHINESE) else _typed(part)[:1] for part in syllables
    )
    return whole, initials


def _typed(part: str) -> str:
    return "".join(character for character in part.lower() if character.isalnum())
