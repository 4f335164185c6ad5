"""Which accident level the figures suggest, by which limb of which law; apart from it, the response level.

Pure. The officer decides; this only proposes, and always twice: with what is confirmed, and as if all the
missing were dead. The trapped and the merely injured do not count: no law counts them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ground.laws import ACCIDENT_LEVELS, Law
from ground.terms import Term


class AccidentLevel(Term):
    """How much was lost (生产安全事故报告和调查处理条例 art. 3)."""

    ORDINARY = "ordinary", "一般 Ⅳ", "ordinary (IV)"
    MAJOR = "major", "较大 Ⅲ", "major (III)"
    SERIOUS = "serious", "重大 Ⅱ", "serious (II)"
    EXTREME = "extreme", "特别重大 Ⅰ", "extremely serious (I)"


def severity(level: AccidentLevel) -> int:
    """Return 1 for an ordinary accident up to 4 for the worst."""
    return list(AccidentLevel).index(level) + 1


class ResponseLevel(Term):
    """How much is set in motion: a decision by the plan (突发事件应对法 art. 71), not computed here."""

    FOURTH = "4", "四级", "level IV"
    THIRD = "3", "三级", "level III"
    SECOND = "2", "二级", "level II"
    FIRST = "1", "一级", "level I"


class Limb(Term):
    """The count that decided."""

    DEATHS = "deaths", "死亡", "deaths"
    SERIOUS_INJURIES = (
        "serious_injuries",
        "重伤（含急性工业中毒）",
        "serious injuries (incl. acute poisoning)",
    )
    LOSS = "loss", "直接经济损失", "direct economic loss"


# "以上" includes the number: the level begins at it. One limb is enough; the gravest decides.
BEGINS_AT: tuple[tuple[AccidentLevel, dict[Limb, int]], ...] = (
    (AccidentLevel.EXTREME, {Limb.DEATHS: 30, Limb.SERIOUS_INJURIES: 100, Limb.LOSS: 10_000}),
    (AccidentLevel.SERIOUS, {Limb.DEATHS: 10, Limb.SERIOUS_INJURIES: 50, Limb.LOSS: 5_000}),
    (AccidentLevel.MAJOR, {Limb.DEATHS: 3, Limb.SERIOUS_INJURIES: 10, Limb.LOSS: 1_000}),
)
_UNITS_ZH = {Limb.DEATHS: "人", Limb.SERIOUS_INJURIES: "人", Limb.LOSS: "万元"}
_UNITS_EN = {Limb.DEATHS: "", Limb.SERIOUS_INJURIES: "", Limb.LOSS: " ×10,000 yuan"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One computation: the level, and the limb that decided with its number.

    `limb` is None when nothing countable is known; the level is then 一般, the lowest.
    """

    level: AccidentLevel
    limb: Limb | None
    number: float
    begins_at: int | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Both readings and the rule they come from."""

    confirmed: Reading
    counting_missing: Reading
    source: Law = ACCIDENT_LEVELS

    @property
    def agree(self) -> bool:
        return self.confirmed.level == self.counting_missing.level

    @property
    def zh(self) -> str:
        if self.agree:
            return f"{self.confirmed.zh}；计入失联人员后等级不变。依据{self.source.whole.zh}"
        return f"已确认：{self.confirmed.zh}；失联按死亡计：{self.counting_missing.zh}。依据{self.source.whole.zh}"

    @property
    def en(self) -> str:
        if self.agree:
            return (
                f"{self.confirmed.en}; the same when the missing are counted. Source: {self.source.whole.en}"
            )
        return (
            f"Confirmed only: {self.confirmed.en}; counting the missing as deaths: "
            f"{self.counting_missing.en}. Source: {self.source.whole.en}"
        )


def suggest(
    *, deaths: int = 0, serious_injuries: int = 0, loss_wan: float | None = None, missing: int = 0
) -> Suggestion:
    """Return the level that the figures suggest, confirmed only and counting the missing as deaths.

    `loss_wan` is the direct economic loss in 万元 (10,000 yuan), None when nobody has estimated it.
    """
    if min(deaths, serious_injuries, missing, loss_wan or 0) < 0:
        raise ValueError("people and losses cannot be negative")
    loss = loss_wan or 0
    return Suggestion(
        confirmed=_read(deaths, serious_injuries, loss),
        counting_missing=_read(deaths + missing, serious_injuries, loss, missing=missing),
    )


def _read(deaths: int, serious_injuries: int, loss_wan: float, *, missing: int = 0) -> Reading:
    numbers = {Limb.DEATHS: deaths, Limb.SERIOUS_INJURIES: serious_injuries, Limb.LOSS: loss_wan}
    for level, thresholds in BEGINS_AT:
        for limb, begins_at in thresholds.items():
            if numbers[limb] >= begins_at:
                zh, en = _count(limb, numbers[limb], missing)
                return Reading(
                    level,
                    limb,
                    numbers[limb],
                    begins_at,
                    f"{level.zh}：{zh}，达到{begins_at}{_UNITS_ZH[limb]}以上",
                    f"{level.en}: {en}, at or above {begins_at}{_UNITS_EN[limb]}",
                )
    lowest = AccidentLevel.ORDINARY
    counted = [limb for limb, number in numbers.items() if number > 0]
    if not counted:
        return Reading(lowest, None, 0, None, f"{lowest.zh}：暂无伤亡和损失", f"{lowest.en}: no losses known")
    limb = counted[0]
    zh, en = _count(limb, numbers[limb], missing)
    next_begins_at = dict(BEGINS_AT)[AccidentLevel.MAJOR][limb]
    return Reading(
        lowest,
        limb,
        numbers[limb],
        None,
        f"{lowest.zh}：{zh}，不足{next_begins_at}{_UNITS_ZH[limb]}",
        f"{lowest.en}: {en}, below {next_begins_at}{_UNITS_EN[limb]}",
    )


def _count(limb: Limb, number: float, missing: int) -> tuple[str, str]:
    including_zh, including_en = "", ""
    if limb is Limb.DEATHS and missing:
        including_zh, including_en = f"（含失联{missing}人）", f" (incl. {missing} missing)"
    # 12 digits: plain "g" would write a million as 1e+06.
    return (
        f"{limb.zh}{number:.12g}{_UNITS_ZH[limb]}{including_zh}",
        f"{limb.en} {number:.12g}{_UNITS_EN[limb]}{including_en}",
    )
