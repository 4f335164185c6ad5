"""The 300 enterprises of the demo province with their sites and contacts.

Pure. One of them is the firm of the story and of the account `firm`; the others are drawn, mines, chemicals
and metallurgy where they are at home in the province.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from contracts.models import UnitSize
from contracts.uscc import make_uscc
from coordination.demo import invention
from coordination.demo.invention import LABEL, Spot, spot
from ground.gazetteer import RegionRow

HOW_MANY: dict[str, int] = {
    **{"MK": 30, "FM": 48, "YQ": 8, "WH": 76, "YH": 4, "YJ": 44, "YS": 10, "JC": 20},
    **{"JX": 16, "QG": 14, "FZ": 6, "YC": 2, "SM": 6, "JZ": 6, "JT": 5, "DL": 5},
}
# Where a trade is at home; the others are spread over all counties.
HOMES: dict[str, tuple[str, ...]] = {
    "MK": ("唐山市开平区", "唐山市古冶区", "邯郸市峰峰矿区", "邯郸市武安市", "邢台市内丘县", "张家口市蔚县"),
    "FM": (
        *("唐山市迁安市", "唐山市迁西县", "唐山市遵化市", "承德市宽城满族自治县", "承德市滦平县"),
        *("邯郸市武安市", "邯郸市涉县", "保定市涞源县", "张家口市赤城县", "秦皇岛市青龙满族自治县"),
        *("石家庄市灵寿县", "邢台市沙河市"),
    ),
    "YQ": ("沧州市任丘市", "唐山市曹妃甸区", "廊坊市霸州市", "廊坊市永清县"),
    "WH": (
        *("沧州市黄骅市", "沧州市任丘市", "沧州市沧县", "石家庄市藁城区", "石家庄市栾城区", "石家庄市晋州市"),
        *("唐山市曹妃甸区", "唐山市丰南区", "唐山市古冶区", "邢台市宁晋县", "衡水市武邑县", "衡水市深州市"),
        *("石家庄市辛集市", "保定市定州市", "邯郸市曲周县", "保定市清苑区", "廊坊市大城县", "秦皇岛市海港区"),
    ),
    "YJ": (
        *("唐山市迁安市", "唐山市丰南区", "唐山市曹妃甸区", "唐山市滦州市", "邯郸市武安市", "邯郸市永年区"),
        *("承德市双滦区", "秦皇岛市昌黎县", "石家庄市辛集市", "张家口市宣化区", "邢台市信都区"),
    ),
    "YC": ("石家庄市桥西区", "保定市竞秀区"),
}
# Parks and mining districts, where firms gather; the teams stand there too.
BUSY = frozenset(
    {
        *("唐山市开平区", "唐山市古冶区", "邯郸市峰峰矿区", "邯郸市武安市", "张家口市蔚县", "唐山市迁安市"),
        *("承德市宽城满族自治县", "保定市涞源县", "邢台市沙河市", "张家口市赤城县", "沧州市任丘市"),
        *("廊坊市永清县", "沧州市黄骅市", "石家庄市藁城区", "唐山市曹妃甸区", "唐山市丰南区", "邢台市宁晋县"),
        *("衡水市武邑县", "石家庄市辛集市", "保定市定州市", "邯郸市曲周县", "秦皇岛市海港区"),
    }
)
FIRST = "冀燕润恒瑞泰广鑫永宏盛华德安兆景凌启卓辰"
SECOND = "磊通源丰泽林远达川峰锐诚和兴旺腾岳岭航海"
SORTS: dict[str, tuple[str, ...]] = {
    "MK": ("煤业", "矿业"),
    "FM": ("矿业", "铁矿", "石灰石矿"),
    "YQ": ("油气", "管道"),
    "WH": ("化工", "精细化工", "气体", "化学"),
    "YH": ("烟花", "民爆器材"),
    "YJ": ("钢铁", "铸管", "特钢"),
    "YS": ("铝业", "铜业"),
    "JC": ("水泥", "玻璃", "建材"),
    "JX": ("机械", "重工", "铸造"),
    "QG": ("食品", "冷链", "纸业"),
    "FZ": ("纺织", "印染"),
    "YC": ("烟草加工", "烟草物流"),
    "SM": ("商贸", "物流"),
    "JZ": ("建设", "路桥"),
    "JT": ("危货运输", "港务"),
    "DL": ("热电", "新能源"),
}
HAZARDS: dict[str, tuple[str, ...]] = {
    "MK": ("瓦斯、煤尘、水害", "顶板、水害", "瓦斯、自然发火"),
    "FM": ("冒顶、透水", "边坡、爆破", "尾矿库、透水"),
    "YQ": ("天然气、高压管道", "原油、硫化氢"),
    "WH": ("液氯、盐酸", "甲醇、苯", "液化石油气", "硝酸、硝铵", "环氧乙烷", "硫化氢、硫酸"),
    "YH": ("烟火药、黑火药", "工业炸药、雷管"),
    "YJ": ("煤气、高温熔融金属", "煤气、起重伤害"),
    "YS": ("高温熔融金属、铝粉", "煤气、酸雾"),
    "JC": ("煤粉、有限空间", "高温窑炉、天然气"),
    "JX": ("粉尘、起重伤害", "熔融金属、有限空间"),
    "QG": ("液氨制冷", "有限空间、粉尘"),
    "FZ": ("可燃粉尘", "有限空间、染料"),
    "YC": ("可燃粉尘、火灾",),
    "SM": ("火灾、人员密集",),
    "JZ": ("高处坠落、坍塌", "隧道涌水、爆破"),
    "JT": ("危险货物、交通事故", "港口危险货物"),
    "DL": ("高压电气、液氨", "高处坠落、储能电池"),
}
SITES: dict[str, tuple[str, ...]] = {
    "MK": ("一号井", "二号井", "选煤厂"),
    "FM": ("采矿场", "选矿厂", "尾矿库"),
    "YJ": ("炼铁厂", "炼钢厂", "轧钢厂"),
    "WH": ("生产厂区", "罐区", "仓储区"),
}
STORY: Final = "冀润冷链"


@dataclass(frozen=True, slots=True)
class DemoSite:
    name: str
    industry: str
    hazards: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class DemoFirm:
    """An enterprise; it stands where its first site is."""

    name: str
    short_name: str
    uscc: str
    industry: str
    unit_size: UnitSize
    head: str
    safety_chief: str
    mobile: str
    phone: str
    email: str
    sites: tuple[DemoSite, ...]

    @property
    def spot(self) -> Spot:
        return self.sites[0].spot


def firms(seed: int) -> list[DemoFirm]:
    """Return the enterprises; the firm of the story is the first."""
    rng = invention.dice(seed, "firms")
    everywhere = [county for unit in invention.UNITS for county in invention.counties(unit)]
    made = [_story()]
    names = {made[0].name}
    trades = [code for code, count in HOW_MANY.items() for _ in range(count)]
    trades.remove("WH")
    for number, trade in enumerate(trades, 2):
        homes = HOMES.get(trade)
        if homes:
            weights = [8 if home in BUSY else 1 for home in homes]
            home = invention.region(rng.choices(homes, weights)[0])
        else:
            home = rng.choice(everywhere)
        made.append(_drawn(rng, number, trade, home, names))
    return made


def _story() -> DemoFirm:
    caofeidian = invention.region("唐山市曹妃甸区")
    address = "唐山市曹妃甸区唐海镇演示大街 88 号"
    return DemoFirm(
        name=f"曹妃甸区冀润冷链有限公司{LABEL}",
        short_name=STORY,
        uscc=make_uscc("91130209MADEM0001"),
        industry="WH",
        unit_size=UnitSize.SMALL,
        head="刘建设",
        safety_chief="刘骏",
        mobile=invention.mobile(3, 1),
        phone=invention.landline("130200", 1001),
        email=f"firm001@{invention.MAIL}",
        sites=(
            DemoSite(
                "2# 制冷机房",
                "WH",
                "液氨 18 t（临界量 10 t，重大危险源四级）",
                Spot(caofeidian, 39.2731, 118.4602, address),
            ),
            DemoSite(
                "冷库与分拣中心", "QG", "液氨管道、聚氨酯保温", Spot(caofeidian, 39.2748, 118.4641, address)
            ),
        ),
    )


def _drawn(rng: random.Random, number: int, trade: str, home: RegionRow, names: set[str]) -> DemoFirm:
    while True:
        word = rng.choice(FIRST) + rng.choice(SECOND)
        short_name = word + rng.choice(SORTS[trade])
        name = f"{invention.short(home)}{short_name}有限公司{LABEL}"
        if name not in names:
            names.add(name)
            break
    site_names = SITES.get(trade, ("主厂区", "二厂区", "仓库"))
    count = rng.choice((1, 2, 2, 3)) if trade in SITES else rng.choice((1, 1, 1, 2))
    return DemoFirm(
        name=name,
        short_name=short_name,
        uscc=make_uscc(f"91{home.code}MADEM{number:04d}"),
        industry=trade,
        unit_size=_size(rng, trade),
        head=invention.person(rng)[0],
        safety_chief=invention.person(rng)[0],
        mobile=invention.mobile(3, number),
        phone=invention.landline(home.unit, 1000 + number),
        email=f"firm{number:03d}@{invention.MAIL}",
        sites=tuple(
            DemoSite(site_name, trade, rng.choice(HAZARDS[trade]), spot(rng, home, within_degrees=0.06))
            for site_name in site_names[:count]
        ),
    )


def _size(rng: random.Random, trade: str) -> UnitSize:
    weights = (3, 4, 3, 0) if trade in ("MK", "YJ") else (1, 3, 5, 2)
    return rng.choices(tuple(UnitSize), weights)[0]
