"""How names, numbers and places are invented: the same for the same seed, and visibly not real."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid5

from ground import gazetteer
from ground.gazetteer import RegionRow

LABEL = "（演示）"
MAIL = "demo.invalid"
_NAMESPACE = UUID("5b0c6a5e-7f7d-4d0e-9d0c-6d7573746572")

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏"
    "苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金贾韦夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史贺陶顾毛郝龚邵"
    "万钱严赖覃武戴莫孔向汤"
)
MALE = (
    *("建国", "志强", "海涛", "永明", "立新", "文博", "振华", "晓东", "国栋", "学军", "德山", "玉田"),
    *("铁成", "向阳", "卫东", "长河", "守义", "景林", "瑞祥", "广平", "宏伟", "春生", "金柱", "世杰"),
    *("一鸣", "承志", "怀远", "云峰", "兆丰", "书恒", "连城", "克勤", "启明", "伯年", "少峰", "思远"),
)
FEMALE = (
    *("雪梅", "晓云", "丽华", "玉兰", "敏捷", "淑芬", "慧敏", "婉清", "雅琴", "红霞", "秀英", "佳宁"),
    *("若兰", "文静", "书婷", "月华"),
)
# Landline area codes by unit, and how many digits follow.
AREA_CODES = {
    "130100": ("0311", 8),
    "130181": ("0311", 8),
    "130200": ("0315", 7),
    "130300": ("0335", 7),
    "130400": ("0310", 7),
    "130500": ("0319", 7),
    "130600": ("0312", 7),
    "130682": ("0312", 7),
    "130700": ("0313", 7),
    "130800": ("0314", 7),
    "130900": ("0317", 7),
    "131000": ("0316", 7),
    "131100": ("0318", 7),
}
UNITS = tuple(AREA_CODES)


def dice(seed: int, what: str) -> random.Random:
    """Return dice of its own for each subject, so that more firms do not rename the people."""
    return random.Random(f"{seed}/{what}")


def public_id(seed: int, what: str) -> UUID:
    """Return the same public id for the same thing, so that a link into the demo outlives a new start."""
    return uuid5(_NAMESPACE, f"{seed}/{what}")


def person(rng: random.Random) -> tuple[str, str]:
    """Return a name and its gender, 男 or 女."""
    is_male = rng.random() < 0.8
    return rng.choice(SURNAMES) + rng.choice(MALE if is_male else FEMALE), "男" if is_male else "女"


class Crowd:
    """Names that are given once each, for a roster on which nobody is to look like a duplicate."""

    def __init__(self, rng: random.Random, taken: set[str]) -> None:
        self._rng = rng
        self._taken = set(taken)

    def next(self) -> tuple[str, str]:
        while True:
            name, gender = person(self._rng)
            if name not in self._taken:
                self._taken.add(name)
                return name, gender


def mobile(series: int, number: int) -> str:
    """Return a well-formed mobile that looks as invented as it is: 199 0001 0042."""
    return f"199{series:04d}{number:04d}"


def landline(unit: str, number: int) -> str:
    area, digits = AREA_CODES[unit]
    return f"{area}-{'8600' if digits == 8 else '860'}{number:04d}"


@cache
def counties(unit: str) -> tuple[RegionRow, ...]:
    """Return the counties of a city-level unit; 定州 and 辛集 are their own."""
    return tuple(row for row in gazetteer.rows() if row.unit == unit and row.level == "county")


def region(name: str) -> RegionRow:
    """Return the region of this name, which must be one that we ship."""
    found = gazetteer.find(name)
    if found is None:
        raise LookupError(name)
    return found


def short(row: RegionRow) -> str:
    """Return 曹妃甸 for 曹妃甸区, as it stands in the names of firms."""
    name = row.name
    for tail in ("满族蒙古族自治县", "满族自治县", "回族自治县"):
        name = name.removesuffix(tail)
    return name[:-1] if len(name) > 2 and name[-1] in "县市区" else name


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a county, some kilometres off its seat."""

    region: RegionRow
    latitude: float
    longitude: float
    address: str


def spot(rng: random.Random, row: RegionRow, *, within_degrees: float = 0.08) -> Spot:
    return Spot(
        row,
        round(row.latitude + rng.uniform(-within_degrees, within_degrees), 5),
        round(row.longitude + rng.uniform(-within_degrees, within_degrees), 5),
        f"{row.full_name}演示路 {rng.randint(1, 299)} 号",
    )
