"""A fair draw: who goes, by lot, such that nobody can steer it and anybody can do it again by hand.

Pure, and with nothing but SHA-256 and whole numbers, so that it comes out the same on every machine, in
every version of Python, and with `sha256sum` and a calculator:

1. For each candidate take SHA-256 of the text `seed|id` (UTF-8) as a whole number h; u = h ÷ 2^256 lies
   between 0 and 1.
2. The candidate's lot is u multiplied by itself once for each call-out of the last 90 days:
   u^(1 + call-outs).
3. The highest lot comes first. The first so many are drawn, the next so many are reserves. Those of a near
   trade come after all those of the trade, whatever their lots.

So the chance to come first is in proportion to 1 ÷ (1 + call-outs): drawing by the highest u^(1/weight) is
drawing by weight without putting back. The lots are compared as the fractions that they are, never rounded.

Where the candidates come from is up to `draws`; how likely each was, to `chances`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ground.mistakes import Mistake
from ground.terms import Term, Words

ALGORITHM: Final = "muster-lots-1"
_BITS: Final = 256


class SeedSource(Term):
    """When the seed was made. A commitment is only worth something if it was shown before the draw."""

    AT_ACCEPTANCE = "at_acceptance", "受理申请时生成并封存", "made and sealed when the request was accepted"
    AT_LAST_DRAW = "at_last_draw", "上一次抽取时生成并封存", "made and sealed at the draw before"
    AT_DRAW = "at_draw", "抽取时当场生成，未曾封存", "made at the draw itself, not sealed before"


class WrongRecord(Mistake):
    """What was given is not the record of a draw."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One who may be drawn: `load` is how often they were called out in the last 90 days."""

    id: str
    load: int
    is_near: bool = False  # of a near trade: drawn only once the trade itself is used up

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "load": self.load, "near": self.is_near}


@dataclass(frozen=True, slots=True)
class Drawn:
    """Who was drawn and who stands by, each in the order in which they are asked."""

    seats: tuple[str, ...]
    reserves: tuple[str, ...]


def draw(candidates: Iterable[Candidate], *, seats: int, reserves: int, seed: str) -> Drawn:
    """Draw by lot, in whatever order the candidates are given; fewer than asked for if there are fewer.

    :raises ValueError: if somebody is named twice, or a count is negative.
    """
    lots = list(candidates)
    if len({one.id for one in lots}) < len(lots):
        raise ValueError("a candidate is named twice in a draw")
    if min(seats, reserves, *(one.load for one in lots), 0) < 0:
        raise ValueError("seats, reserves and loads are not negative")
    heaviest = max((one.load for one in lots), default=0)

    def turn(one: Candidate) -> tuple[bool, int, str]:
        # All lots over the same denominator, 2^(256 × (1 + heaviest)), so that whole numbers compare them.
        # Equal ones have not been seen and would go by id.
        lot = hashed(seed, one.id) ** (1 + one.load) << _BITS * (heaviest - one.load)
        return one.is_near, -lot, one.id

    order = [one.id for one in sorted(lots, key=turn)]
    return Drawn(tuple(order[:seats]), tuple(order[seats : seats + reserves]))


def hashed(seed: str, id_: str) -> int:
    """Return the candidate's whole number h, below 2^256."""
    return int(_sha256(f"{seed}|{id_}"), 16)


def lot(seed: str, one: Candidate) -> float:
    """Return the candidate's lot, from 0 to 1, as it is shown; only the draw itself compares them exactly."""
    return float((hashed(seed, one.id) / 2**_BITS) ** (1 + one.load))


def commitment(seed: str) -> str:
    """Return what can be shown of a seed before the draw: it fixes the seed and does not tell it."""
    return _sha256(seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A draw as it is written down and handed out: enough to do it again, and nobody's name."""

    id: str
    request: str
    number: int
    algorithm: str
    seed: str
    commitment: str
    seed_source: str
    sealed_at: str
    seats: int
    reserves: int
    candidates: tuple[Candidate, ...]
    drawn: Drawn
    drawn_at: str
    drawn_by: str
    reason: str

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 over all of the record: whoever changes a character changes it."""
        return _sha256(json.dumps(self._content(), ensure_ascii=False, sort_keys=True, separators=(",", ":")))

    @property
    def widened(self) -> Words | None:
        """Say that near trades are in the draw, and why; None when the trade alone was large enough."""
        near = sum(one.is_near for one in self.candidates)
        if not near:
            return None
        return Words(
            "本行业可抽 {of_trade} 人，不够，已扩大到相近行业（{near} 人）；本行业抽完才轮到他们",
            "{of_trade} of the trade may be drawn, not enough; widened to near trades ({near}), "
            "whose turn comes once the trade is used up",
        ).filled(of_trade=len(self.candidates) - near, near=near)

    def to_dict(self) -> dict[str, Any]:
        return {**self._content(), "fingerprint": self.fingerprint}

    def _content(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in (*_TEXTS, *_COUNTS)},
            "candidates": [one.to_dict() for one in sorted(self.candidates, key=lambda one: one.id)],
            "drawn": list(self.drawn.seats),
            "reserve": list(self.drawn.reserves),
        }

    def faults(self) -> tuple[Words, ...]:
        """Do the draw again; return in which way the record disagrees with itself, nothing if it does not."""
        if self.algorithm != ALGORITHM:
            return (
                Words(
                    "算法“{algorithm}”不是本版本的“{ours}”，不能复算。请用当时的版本核对。",
                    "The algorithm “{algorithm}” is not this version's “{ours}”; check with the version of then.",
                ).filled(algorithm=self.algorithm, ours=ALGORITHM),
            )
        found = []
        if commitment(self.seed) != self.commitment:
            found.append(
                Words("种子与封存的承诺值不符。", "The seed is not the one that was committed to beforehand.")
            )
        again = draw(self.candidates, seats=self.seats, reserves=self.reserves, seed=self.seed)
        for said, now, what in (
            (self.drawn.seats, again.seats, Words("抽中名单", "drawn")),
            (self.drawn.reserves, again.reserves, Words("候补名单", "reserves")),
        ):
            if said != now:
                found.append(
                    Words(
                        "{what}与复算不符：记录为 {said}，复算为 {now}。",
                        "{what}: the record says {said}, doing it again gives {now}.",
                    ).filled(what=what, said=_listed(said), now=_listed(now))
                )
        return tuple(found)

    @classmethod
    def from_dict(cls, written: object) -> tuple[Record, str]:
        """Read a record; return it with the fingerprint that it carries.

        :raises WrongRecord: naming the first thing that is missing or of the wrong kind.
        """
        if not isinstance(written, Mapping):
            raise _wrong("整个文件", "the file", "一个 JSON 对象", "a JSON object")
        values: dict[str, Any] = {name: _text(written, name) for name in _TEXTS}
        values |= {name: _count(written, name) for name in _COUNTS}
        candidates = tuple(_candidate(one, at) for at, one in enumerate(_listing(written, "candidates")))
        if len({one.id for one in candidates}) < len(candidates):
            raise _wrong("candidates", "candidates", "互不重复的候选人", "candidates named once each")
        if len(candidates) * max((one.load for one in candidates), default=0) > _MOST_IN_ALL:
            raise _wrong(
                "candidates", "candidates", "为数更少的候选人或次数", "fewer candidates or call-outs"
            )
        drawn = Drawn(_ids(written, "drawn"), _ids(written, "reserve"))
        return cls(**values, candidates=candidates, drawn=drawn), _text(written, "fingerprint")


_TEXTS: Final = (
    *("id", "request", "algorithm", "seed", "commitment", "seed_source", "sealed_at"),
    *("drawn_at", "drawn_by", "reason"),
)
_COUNTS: Final = ("number", "seats", "reserves")
# A lot is multiplied so many times by itself; a file from elsewhere must not keep us busy for an hour.
_MOST: Final = 10_000
# All lots are held over the same denominator; these are some three hundred megabytes.
_MOST_IN_ALL: Final = 10_000_000


def _text(written: Mapping[Any, Any], name: str) -> str:
    value = written.get(name)
    if not isinstance(value, str) or not _is_whole(value):
        raise _wrong(name, name, "一段文字", "a text")
    return value


def _is_whole(text: str) -> bool:
    """Say whether a text can be hashed: JSON may hold half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _count(written: Mapping[Any, Any], name: str, where: str = "") -> int:
    value = written.get(name)
    if type(value) is not int or not 0 <= value <= _MOST:
        raise _wrong(
            where or name, where or name, f"0 到 {_MOST} 的整数", f"a whole number from 0 to {_MOST}"
        )
    return value


def _listing(written: Mapping[Any, Any], name: str) -> Sequence[Any]:
    value = written.get(name)
    if not isinstance(value, list):
        raise _wrong(name, name, "一个列表", "a list")
    return value


def _ids(written: Mapping[Any, Any], name: str) -> tuple[str, ...]:
    found = _listing(written, name)
    if not all(isinstance(one, str) and _is_whole(one) for one in found):
        raise _wrong(name, name, "候选人编号的列表", "a list of candidates' ids")
    return tuple(found)


def _candidate(written: Any, at: int) -> Candidate:
    where = f"candidates[{at}]"
    if not isinstance(written, Mapping) or not isinstance(written.get("near"), bool):
        raise _wrong(where, where, "一个含 id、load、near 的对象", "an object with id, load and near")
    return Candidate(_text(written, "id"), _count(written, "load", f"{where}.load"), written["near"])


def _wrong(where_zh: str, where_en: str, wanted_zh: str, wanted_en: str) -> WrongRecord:
    return WrongRecord(
        f"这不是抽取记录：{where_zh} 应为{wanted_zh}。请使用从抽取页面下载的文件，不要改动。",
        f"This is no record of a draw: {where_en} must be {wanted_en}. Use the file as downloaded, unchanged.",
    )


def _listed(ids: Sequence[str]) -> Words:
    return Words("、".join(ids) or "无", ", ".join(ids) or "nobody")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
