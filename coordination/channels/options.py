"""The options of one channel, as they stand in the file that MUSTER_CHANNELS names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final, TypeVar

from ground.mistakes import Mistake

if TYPE_CHECKING:
    from coordination.channels.base import Channel

LONGEST_ADDRESS: Final = 120
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")

Value = TypeVar("Value", str, int, float, bool)


class WrongOption(Mistake):
    """An option is missing, unknown or of the wrong kind; says of which channel, and what to write."""


class Options:
    """Reads one `[[channel]]` table and remembers what was asked for, so that a misspelt name is noticed."""

    def __init__(self, number: int, given: Mapping[str, object]) -> None:
        self._given = given
        self._where = f"[[channel]] {number}（{given.get('code') or given.get('kind') or '?'}）"
        self._known: set[str] = {"code", "name", "name_en", "canary"}

    def get(self, name: str, default: Value) -> Value:
        """Return an option of the type of its default, which is what is meant when nothing is given."""
        self._known.add(name)
        value = self._given.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and isinstance(default, float):
            value = float(value)
        if type(value) is not type(default) or (isinstance(value, float) and not math.isfinite(value)):
            raise self.wrong(
                name, f"应为 {_TYPES[type(default)][0]}", f"has to be {_TYPES[type(default)][1]}"
            )
        return value

    def need(self, name: str) -> str:
        """Return a text that has to be there.

        :raises WrongOption: if it is missing or empty.
        """
        if not (value := self.get(name, "").strip()):
            raise self.wrong(name, "必须填写", "has to be given")
        return value

    def one_of(self, name: str, *choices: str) -> str:
        value = self.need(name)
        if value not in choices:
            raise self.wrong(
                name,
                f"不能是“{value}”，可选：{'、'.join(choices)}",
                f"cannot be “{value}”; choose one of: {', '.join(choices)}",
            )
        return value

    def table(self, name: str) -> Mapping[str, str]:
        """Return a table of texts, empty when nothing is given."""
        self._known.add(name)
        value = self._given.get(name, {})
        if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value.values()):
            raise self.wrong(name, '应为一组“名称 = "文字"”', "has to be a table of texts")
        return {str(key): str(one) for key, one in value.items()}

    def name(self, channel: Channel) -> None:
        """Give the channel what every table may say of it: its code, its names, the address of its self-check."""
        for option, attribute in (
            ("code", "code"),
            ("name", "zh"),
            ("name_en", "en"),
            ("canary", "canary"),
        ):
            if value := self.get(option, ""):
                setattr(channel, attribute, value)
        # It stands in the rows and in the callbacks' address; "none" stands there for no channel at all.
        if not _CODE.fullmatch(channel.code) or channel.code == "none":
            raise self.wrong(
                "code",
                f"“{channel.code}”不能用：最多 16 位，只用字母、数字、- 和 _，不能是 none",
                f"“{channel.code}” will not do: at most 16 letters, digits, - and _, and not none",
            )
        if len(channel.canary) > LONGEST_ADDRESS:
            raise self.wrong(
                "canary", f"最多 {LONGEST_ADDRESS} 个字符", f"has at most {LONGEST_ADDRESS} characters"
            )

    def is_proved(self) -> bool:
        """Say whether somebody has written down on which day a canary went through the real service here."""
        written = self.get("proved_on", "")
        if not written:
            return False
        try:
            date.fromisoformat(written)
        except ValueError:
            raise self.wrong(
                "proved_on", "应为日期，如 2026-12-01", "has to be a date such as 2026-12-01"
            ) from None
        return True

    def refuse_unknown(self) -> None:
        if unknown := sorted(set(self._given) - self._known):
            known = "、".join(sorted(self._known))
            raise self.wrong(
                unknown[0], f"没有这个选项，可用：{known}", f"is not an option; known are: {known}"
            )

    def wrong(self, name: str, zh: str, en: str) -> WrongOption:
        return WrongOption(f"{self._where} 的 {name}：{zh}。", f"{self._where}, {name}: {en}.")


_TYPES: Mapping[type, tuple[str, str]] = {
    str: ("文字", "a text"),
    int: ("整数", "a whole number"),
    float: ("数字", "a number"),
    bool: ("true 或 false", "true or false"),
}
