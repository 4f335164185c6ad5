"""What a provider wants to be told and how it answers, as an installation's options describe it.

A template is a text with blanks, `{reference}`; a path is how to find something in what came, `data.0.id`;
conditions are paths with what has to be found there. All are read, and refused, when the program starts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from coordination.channels.base import Limit
from coordination.channels.options import Options
from ground import phones

# The path of all that came, as text.
WHOLE: Final = "."
# A lease holds for 45 seconds, and within it we may have to ask before we send.
LONGEST_TIME_OUT: Final = 20.0
# One message in a quarter of an hour; more than any provider takes.
SLOWEST: Final = 0.001
FASTEST: Final = 10_000.0
_PERIODS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BLANK: Final = re.compile(r"\{([a-z0-9_]+)\}")


class Template:
    """A text with blanks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.blanks = frozenset(_BLANK.findall(text))

    @classmethod
    def of(cls, options: Options, name: str, text: str, blanks: Iterable[str]) -> Template:
        template = cls(text)
        if unknown := sorted(template.blanks - set(blanks)):
            known = "、".join(f"{{{blank}}}" for blank in blanks)
            raise options.wrong(
                name,
                f"没有 {{{unknown[0]}}} 可填，可用：{known}",
                f"has no use for {{{unknown[0]}}}; known are: {known}",
            )
        return template

    def filled(self, values: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
        return _BLANK.sub(lambda blank: escape(values[blank[1]]), self._text)


def in_json(value: str) -> str:
    """Return a text as it stands between the quotes of a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


class Said:
    """What a provider said, to be looked into by path."""

    def __init__(self, text: str, content: Any = None) -> None:
        self.text = text
        self._content = content

    @classmethod
    def in_json(cls, text: str) -> Said:
        """Read an answer; what is no JSON has no paths but the whole."""
        try:
            return cls(text, json.loads(text))
        except (ValueError, RecursionError):
            return cls(text)

    def at(self, path: str) -> str | None:
        """Return what stands at a path as text, None where nothing does."""
        if path == WHOLE:
            return self.text
        value = self._value(path)
        match value:
            case None:
                return None
            case str():
                return value
            case _:
                return json.dumps(value, ensure_ascii=False)

    def parts(self, path: str) -> list[Said]:
        """Return each of the list at a path, or the one thing that stands there; an empty path means all that came."""
        value = self._value(path) if path else self._content
        if isinstance(value, list):
            return [Said(json.dumps(one, ensure_ascii=False), one) for one in value]
        return [Said(self.text, value)] if value is not None or not path else []

    def _value(self, path: str) -> Any:
        value = self._content
        for step in path.split("."):
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            else:
                return None
        return value


@dataclass(frozen=True)
class Pattern:
    """A regular expression, looked for anywhere in a text; the empty one is found in every text."""

    expression: re.Pattern[str]

    @classmethod
    def of(cls, options: Options, name: str, written: str) -> Pattern:
        try:
            return cls(re.compile(written))
        except re.error as wrong:
            raise options.wrong(
                name,
                f"“{written}”不是正则表达式（{wrong}）",
                f"“{written}” is not a regular expression ({wrong})",
            ) from wrong

    def is_in(self, text: str | None) -> bool:
        return text is not None and self.expression.search(text) is not None

    def taken_from(self, text: str | None) -> str | None:
        """Return what the first group, or the whole expression, finds; None for nothing."""
        if text is None or (found := self.expression.search(text)) is None:
            return None
        return found[1] if found.re.groups else found[0]


@dataclass(frozen=True)
class Conditions:
    """Paths with what has to be found at each; none at all hold never."""

    wanted: Mapping[str, Pattern]

    @classmethod
    def of(cls, options: Options, name: str, default: Mapping[str, str] | None = None) -> Conditions:
        given = options.table(name) or default or {}
        return cls({path: Pattern.of(options, f"{name}.{path}", written) for path, written in given.items()})

    def hold(self, said: Said) -> bool:
        return bool(self.wanted) and all(
            pattern.is_in(said.at(path)) for path, pattern in self.wanted.items()
        )


@dataclass(frozen=True)
class Statuses:
    """HTTP statuses as they are written in the options: "200-299, 304"."""

    ranges: tuple[range, ...]

    @classmethod
    def of(cls, options: Options, name: str, default: str) -> Statuses:
        written = options.get(name, default)
        ranges = []
        for part in filter(None, (part.strip() for part in written.split(","))):
            if not (found := re.fullmatch(r"([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?", part)):
                raise options.wrong(
                    name, f"“{part}”不是 HTTP 状态码，写成“200-299, 304”的样子",
                    f"“{part}” is not an HTTP status; write it like “200-299, 304”",
                )  # fmt: skip
            ranges.append(range(int(found[1]), int(found[2] or found[1]) + 1))
            if not ranges[-1]:
                raise options.wrong(name, f"“{part}”应由小到大", f"“{part}” has to go upwards")
        return cls(tuple(ranges))

    def __contains__(self, status: int) -> bool:
        return any(status in one for one in self.ranges)


def time_out(options: Options) -> float:
    """Read how long one call may take, in seconds."""
    seconds = options.get("time_out", 10.0)
    if not 0 < seconds <= LONGEST_TIME_OUT:
        raise options.wrong(
            "time_out",
            f"应为 0 到 {LONGEST_TIME_OUT:.0f} 秒",
            f"has to be more than 0 and at most {LONGEST_TIME_OUT:.0f} seconds",
        )
    return seconds


def web_address(options: Options, name: str, address: str) -> None:
    """Refuse what nobody can call.

    :raises WrongOption:
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        usable = False
    if not usable or any(one.isspace() for one in address):
        raise options.wrong(name, "应是 http(s) 地址", "has to be an http(s) address")


def per_second(options: Options) -> float | None:
    """Read how many messages a second the provider puts up with, None for no limit."""
    many = options.get("per_second", 0.0)
    if many and not SLOWEST <= many <= FASTEST:
        raise options.wrong(
            "per_second",
            f"应为 {SLOWEST} 到 {FASTEST:.0f}，不限就不要写",
            f"has to be from {SLOWEST} to {FASTEST:.0f}; leave it out for no limit",
        )
    return many or None


def limits(options: Options, name: str, default: str = "") -> tuple[Limit, ...]:
    """Read "1/m, 5/h, 50/d": so many a minute, an hour, a day, to one number."""
    found = []
    for part in filter(None, (part.strip() for part in options.get(name, default).split(","))):
        if not (said := re.fullmatch(r"(\d+)/([smhd])", part)):
            raise options.wrong(name, "写成“1/m, 5/h, 50/d”的样子", "write it like “1/m, 5/h, 50/d”")
        found.append(Limit(int(said[1]), timedelta(seconds=_PERIODS[said[2]])))
    return tuple(found)


def secret(options: Options) -> str:
    """Read the secret part of the address for callbacks, empty for none."""
    written = options.get("secret", "")
    if written and not re.fullmatch(r"[A-Za-z0-9_-]{16,}", written):
        raise options.wrong(
            "secret", "至少 16 位，只用字母、数字、- 和 _", "needs 16 or more letters, digits, - and _"
        )
    return written


def look_up_settles(options: Options, default: float, *, time_out: float) -> float:
    """Read after how many seconds a message that is not found is asked about once more; 0 for not at all."""
    seconds = options.get("look_up_settles", default)
    if not 0 <= seconds < time_out:
        raise options.wrong("look_up_settles", "应小于 time_out", "has to be less than time_out")
    return seconds


def dialled(phone: str, form: str) -> str:
    """Return a kept number as a gateway wants it; a short code stays as it is."""
    return ADDRESS_FORMS[form](phone) if phone.startswith("+") else phone


def _national(phone: str) -> str:
    written = phones.as_written(phone)
    return f"00{phone[1:]}" if written.startswith("+") else re.sub(r"\D", "", written)


ADDRESS_FORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "e164": lambda phone: phone,
    "digits": lambda phone: phone[1:],
    "international": lambda phone: f"00{phone[1:]}",
    "national": _national,
}
