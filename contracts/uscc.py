"""统一社会信用代码 (USCC): the 18 characters by which an enterprise is known, GB 32100-2015.

Pure. Whether the enterprise exists is another question; this finds what was typed wrong.
"""

from __future__ import annotations

import unicodedata

from ground.mistakes import Mistake

# I, O, S, V, Z are left out by the standard, for they look like 1, 0, 5, U, 2.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
LOOKALIKES = {"I": "1", "O": "0", "S": "5", "V": "U", "Z": "2"}


class WrongUscc(Mistake):
    """Not a 统一社会信用代码."""


def check_character(first17: str) -> str:
    """Return the eighteenth character that belongs to the first seventeen."""
    total = sum(
        ALPHABET.index(character) * weight for character, weight in zip(first17, WEIGHTS, strict=True)
    )
    # The outer modulo: two widely copied versions lack it, look up ALPHABET[31] when the sum is a multiple
    # of 31, and refuse codes that are good.
    return ALPHABET[(31 - total % 31) % 31]


def normalise(typed: object) -> str:
    """Return the code in capitals without spaces, having checked its characters and its check character.

    :raises WrongUscc: naming what is wrong; the suggestion is offered where one character explains it.
    """
    text = str(typed or "").strip()
    code = "".join(unicodedata.normalize("NFKC", text).upper().split()).replace("-", "")
    if isinstance(typed, int | float):
        raise WrongUscc(
            f"统一社会信用代码“{text}”被存成了数字，末几位可能已丢失。请把该列设为“文本”格式后重新填写。",
            f"The code “{text}” was stored as a number and may have lost its last digits. "
            "Format the column as text and type it again.",
        )
    if len(code) != 18:
        raise WrongUscc(
            f"统一社会信用代码“{text}”应为 18 位，实为 {len(code)} 位。请核对营业执照。",
            f"The code “{text}” must have 18 characters and has {len(code)}. Check the business licence.",
        )
    if strange := [character for character in code if character not in ALPHABET]:
        raise _strange_characters(text, code, strange)
    expected = check_character(code[:17])
    if code[17] != expected:
        raise WrongUscc(
            f"统一社会信用代码“{text}”校验不通过：前 17 位对应的末位应为 {expected}，实为 {code[17]}。"
            "可能有一位抄错，请核对营业执照。",
            f"The code “{text}” fails its check: its first 17 characters call for {expected} at the end, "
            f"not {code[17]}. One character may be miscopied; check the business licence.",
        )
    return code


def _strange_characters(text: str, code: str, strange: list[str]) -> WrongUscc:
    meant = "".join(LOOKALIKES.get(character, character) for character in code)
    suggestion = meant if is_valid(meant) else ""
    hint_zh = f"可能是 {suggestion}。" if suggestion else "请核对营业执照。"
    hint_en = f"Perhaps {suggestion}." if suggestion else "Check the business licence."
    letters = "、".join(dict.fromkeys(strange))
    return WrongUscc(
        f"统一社会信用代码“{text}”里不会有“{letters}”（代码不用 I、O、S、V、Z）。{hint_zh}",
        f"The code “{text}” cannot contain “{letters}” (I, O, S, V and Z are not used). {hint_en}",
        suggestion=suggestion,
    )


def is_valid(code: str) -> bool:
    """Say whether a code is well formed, in capitals and without spaces."""
    return (
        len(code) == 18
        and all(character in ALPHABET for character in code)
        and code[17] == check_character(code[:17])
    )


def make_uscc(prefix17: str) -> str:
    """Return a well-formed code from its first seventeen characters; for invented enterprises."""
    return prefix17 + check_character(prefix17)
