"""What of the weights of matching a centre may set: each value's name, what it does in words, and its bounds.

Pure. The weights themselves and their defaults stand in `matching`; which ones are in force, in `weighting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from coordination.matching import Weights
from ground.terms import Words

LONGEST_REASON: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value of `Weights`: a whole number from `least` to `most`, in steps of `step`."""

    name: str
    label: Words
    meaning: Words
    unit: Words
    least: int
    most: int
    step: int = 1

    def of(self, weights: Weights) -> float:
        value: float = getattr(weights, self.name)
        return value

    @property
    def title(self) -> Words:
        return Words("{label}（{unit}）", "{label} ({unit})").filled(label=self.label, unit=self.unit)

    @property
    def allowed(self) -> range:
        return range(self.least, self.most + 1, self.step)

    @property
    def bounds(self) -> Words:
        """Return which numbers may be set, as part of a sentence."""
        if self.step == 1:
            return Words(
                f"{self.least} 到 {self.most} 的整数", f"a whole number from {self.least} to {self.most}"
            )
        return Words(
            f"{self.least} 到 {self.most} 之间 {self.step} 的倍数",
            f"a multiple of {self.step} from {self.least} to {self.most}",
        )

    @property
    def refusal(self) -> Words:
        return Words("应为 {bounds}，请改正。", "It must be {bounds}; correct it.").filled(bounds=self.bounds)


_SHARE: Final = Words("份", "parts")
_POINTS: Final = Words("分", "points")
_MINUTES: Final = Words("分钟", "minutes")
_TIMES: Final = Words("次", "call-outs")
_DAYS: Final = Words("天", "days")

# The officer's sliders move from the first three, in steps of five, so these stand where a slider can stand.
SHARES: Final = (
    Setting(
        name="expertise",
        label=Words("专业", "Expertise"),
        meaning=Words(
            "行业对不对口，有没有要求的专业方向，去没去过同类事件。",
            "Whether the trade fits, the specialty is there, and such incidents are known from before.",
        ),
        unit=_SHARE,
        least=0,
        most=100,
        step=5,
    ),
    Setting(
        name="travel",
        label=Words("到场快", "Arrival"),
        meaning=Words("多久能到现场，越快越好。", "How soon they can be there; the sooner, the better."),
        unit=_SHARE,
        least=0,
        most=100,
        step=5,
    ),
    Setting(
        name="load",
        label=Words("轮流", "Taking turns"),
        meaning=Words(
            "近 90 天出动少的排在前面，不总请同几个人。",
            "Those called out less in the last 90 days come first, so that it is not always the same few.",
        ),
        unit=_SHARE,
        least=0,
        most=100,
        step=5,
    ),
)
OTHERS: Final = (
    Setting(
        name="freshness",
        label=Words("最近有答复", "Answered lately"),
        meaning=Words(
            "最近答复过的，更可能联系得上。满分 100 分里固定占这么多，其余由上面三项按比例分。",
            "Who answered lately can more likely be reached. It has so many of the 100 points; the three above "
            "share the rest in proportion.",
        ),
        unit=_POINTS,
        least=0,
        most=50,
    ),
    Setting(
        name="travel_half_at_minutes",
        label=Words("多久到场只得一半分", "Half the points for arrival at"),
        meaning=Words(
            "要这么久才到的，“到场快”只得一半；再多一倍时间，得四分之一。",
            "Who needs so long has half the points for arrival; who needs twice as long, a quarter.",
        ),
        unit=_MINUTES,
        least=10,
        most=720,
    ),
    Setting(
        name="load_half_at_callouts",
        label=Words("出动多少次只得一半分", "Half the points for taking turns at"),
        meaning=Words(
            "近 90 天出动过这么多次的，“轮流”只得一半。",
            "Who was called out so often in the last 90 days has half the points for taking turns.",
        ),
        unit=_TIMES,
        least=1,
        most=50,
    ),
    Setting(
        name="freshness_half_at_days",
        label=Words("多久前答复只得一半分", "Half the points for an answer after"),
        meaning=Words(
            "最近一次答复在这么多天前的，“最近有答复”只得一半。",
            "Whose last answer is so many days old has half the points for answering lately.",
        ),
        unit=_DAYS,
        least=1,
        most=365,
    ),
    Setting(
        name="fairness_minutes",
        label=Words("队伍每出动一次算晚到", "A team counts as later for each call-out by"),
        meaning=Words(
            "队伍按到场时间排。近 90 天每出动一次，算作晚到这么多分钟；0 就只看到场时间。",
            "Teams go by when they arrive. Each call-out of the last 90 days counts as so many minutes later; at 0 "
            "only the arrival counts.",
        ),
        unit=_MINUTES,
        least=0,
        most=60,
    ),
    Setting(
        name="asked_elsewhere_minutes",
        label=Words(
            "正被另一起事件通知的算晚到", "Who is being asked for another incident counts as later by"
        ),
        meaning=Words(
            "另一起事件正在等其答复的专家和队伍，排序时算作晚到这么多分钟，只是往后排，不排除；0 就只提示。",
            "Experts and teams from whom another incident waits for an answer are ranked as if they came so many "
            "minutes later; that puts them back and keeps nobody out. At 0 it is only pointed out.",
        ),
        unit=_MINUTES,
        least=0,
        most=120,
    ),
)
SETTINGS: Final = (*SHARES, *OTHERS)
BY_NAME: Final[Mapping[str, Setting]] = MappingProxyType({one.name: one for one in SETTINGS})

NOTHING_COUNTS: Final = Words(
    "专业、到场快、轮流不能都是 0，否则无从排序。请至少给一项分量。",
    "Expertise, arrival and taking turns cannot all be 0, for then nothing ranks. Give weight to one of them.",
)


def values_of(weights: Weights) -> dict[str, int]:
    """Return what a centre may set of these weights, which must be without `faults`."""
    return {one.name: int(one.of(weights)) for one in SETTINGS}


def faults(weights: Weights) -> tuple[Words, ...]:
    """Return what of these weights no centre may set, and what to do about it; () if nothing is wrong."""
    found = [
        Words("{label}：{refusal}", "{label}: {refusal}").filled(label=one.label, refusal=one.refusal)
        for one in SETTINGS
        if one.of(weights) not in one.allowed
    ]
    if not any(one.of(weights) for one in SHARES):
        found.append(NOTHING_COUNTS)
    return tuple(found)


def changes(before: Weights, after: Weights) -> tuple[tuple[Setting, float, float], ...]:
    """Return what differs: the setting, what it was, what it is."""
    return tuple((one, one.of(before), one.of(after)) for one in SETTINGS if one.of(before) != one.of(after))
