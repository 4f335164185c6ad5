"""The 16 industries in which experts practise, the specialties across them, and which are near to which.

Pure, and the source of the rows that a migration loads. No official list of the 16 was found; this one
follows the sectors of safety supervision (eight of 工贸, five high-risk, three under other ministries).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Industry:
    """One industry; `prefixes` are classes of GB/T 4754-2017 that it takes in, less `excluded`."""

    code: str
    zh: str
    en: str
    prefixes: tuple[str, ...]
    excluded: tuple[str, ...] = ()


# A class code cannot prove 危险化学品: that is a fact of licences. So the prefixes only suggest, and an
# admin decides. The standards' own exclusions under 机械 (C33-C40, C43) are not carried here.
INDUSTRIES: tuple[Industry, ...] = (
    Industry("MK", "煤矿", "coal mining", ("B06", "B1110")),
    Industry(
        "FM",
        "金属非金属矿山",
        "metal and non-metal mining",
        ("B08", "B09", "B10", "B1190", "B12", "M747"),
    ),
    Industry("YQ", "石油天然气开采", "oil and gas extraction", ("B07", "B1120", "G57")),
    Industry(
        "WH",
        "危险化学品",
        "hazardous chemicals",
        (
            *("C25", "C26", "C271"),  # of 医药 only C271 原料药
            *("F5162", "F5167", "F5169", "F5265", "F5266"),
            *("G5435", "G5941", "G5942", "G5949"),
        ),
        excluded=("C267",),
    ),
    Industry("YH", "烟花爆竹", "fireworks", ("C2671", "C2672")),
    Industry("YJ", "冶金", "metallurgy", ("C31",)),
    Industry("YS", "有色", "non-ferrous metals", ("C32",)),
    Industry(
        "JC",
        "建材",
        "building materials",
        ("C30",),
        excluded=("C305", "C3073", "C3074", "C3075", "C3076", "C3079"),
    ),
    Industry(
        "JX",
        "机械",
        "machinery",
        ("C33", "C34", "C35", "C36", "C37", "C38", "C39", "C40", "C43"),
    ),
    Industry(
        "QG",
        "轻工",
        "light industry",
        (
            *("C13", "C14", "C15", "C19", "C20", "C21", "C22", "C23", "C24"),
            "C29",  # in part; which part was not found, and a suggestion may be too wide
            *("C305", "C3073", "C3074", "C3075", "C3076", "C3079", "C41"),
        ),
    ),
    Industry("FZ", "纺织", "textiles", ("C17", "C18", "C28")),
    Industry("YC", "烟草", "tobacco", ("C16",)),
    Industry("SM", "商贸", "trade", ("F51", "F52", "G59", "H61", "H62"), excluded=("G594",)),
    Industry("JZ", "建筑施工", "construction", ("E47", "E48", "E49", "E50")),
    Industry("JT", "交通运输", "transport", ("G53", "G54", "G55", "G56", "G58")),
    Industry("DL", "电力", "electric power", ("D44",)),
)

BY_CODE: dict[str, Industry] = {industry.code: industry for industry in INDUSTRIES}

# Whom one may ask when an industry's own experts run out. Our own proposal, not a standard: pairs share
# processes, dangers or machines. Loaded into rows that an admin may edit.
NEAR: tuple[tuple[str, str], ...] = (
    ("MK", "FM"),  # underground work, roof, water, mine rescue
    ("FM", "JC"),  # quarries
    ("FM", "JZ"),  # tunnels, blasting
    ("FM", "YS"),  # ore dressing beside the smelter
    ("YQ", "WH"),  # hydrocarbons under pressure, pipelines
    ("WH", "YH"),  # explosives and oxidisers
    ("WH", "QG"),  # ammonia refrigeration, solvents, plastics
    ("WH", "FZ"),  # chemical fibre
    ("WH", "JT"),  # tankers
    ("YQ", "JT"),  # long-distance transport
    ("YJ", "YS"),  # molten metal
    ("YJ", "JX"),  # casting, hoisting, gas
    ("YJ", "JC"),  # kilns and furnaces
    ("YS", "JX"),  # light-metal dust, casting
    ("JX", "QG"),  # stamping, painting
    ("JX", "DL"),  # boilers, turbines, electrical work
    ("JC", "JZ"),  # silos, collapse
    ("QG", "FZ"),  # combustible dust, workshops full of people
    ("QG", "YC"),  # combustible dust
    ("QG", "SM"),  # warehouses, cold stores
    ("FZ", "YC"),  # combustible fibre
    ("YC", "SM"),  # warehouses
    ("SM", "JT"),  # logistics
    ("JZ", "JT"),  # bridges, metro works
    ("JZ", "DL"),  # works on power plants
)


def near_to(code: str) -> tuple[str, ...]:
    """Return the codes of the industries near to `code`, in table order; none for an unknown code."""
    near = {b for a, b in NEAR if a == code} | {a for a, b in NEAR if b == code}
    return tuple(industry.code for industry in INDUSTRIES if industry.code in near)


_CLASS = re.compile(r"([A-T])?(\d{2,4})")


def suggest(gbt4754_code: str) -> tuple[str, ...]:
    """Return the industries that a GB/T 4754-2017 class suggests, the closest fit first.

    The letter may be left out ("2614" or "C2614"). Several answers are possible (5435 is 危险化学品
    and 交通运输); none is an answer too, for many classes belong to no industry of ours.
    """
    match = _CLASS.fullmatch(gbt4754_code.strip().upper())
    if match is None:
        return ()
    letter, digits = match.groups()

    def covers(prefix: str) -> bool:
        return digits.startswith(prefix[1:]) and letter in (None, prefix[0])

    fits: list[tuple[int, str]] = []
    for industry in INDUSTRIES:
        lengths = [len(prefix) for prefix in industry.prefixes if covers(prefix)]
        if lengths and not any(covers(prefix) for prefix in industry.excluded):
            fits.append((-max(lengths), industry.code))
    return tuple(code for _, code in sorted(fits, key=lambda fit: fit[0]))


def find(text: str) -> Industry | None:
    """Return the industry that a person means by its code, its name or a common way of writing it."""
    wanted = re.sub(r"[\s（(].*$", "", text.strip())
    if wanted.upper() in BY_CODE:
        return BY_CODE[wanted.upper()]
    code = _CODE_OF_NAME.get(wanted.removesuffix("行业").removesuffix("类").removesuffix("专业"))
    return BY_CODE[code] if code else None


_SYNONYMS: dict[str, tuple[str, ...]] = {
    "MK": ("煤炭", "煤矿开采", "煤矿安全"),
    "FM": ("非煤矿山", "金属非金属", "金属与非金属矿山", "非煤"),
    "YQ": ("石油天然气", "石油", "油气", "油气管道", "陆上石油天然气开采", "油气开采"),
    "WH": ("危化品", "危化", "化工", "石油化工", "医药化工", "危险化学品和化工"),
    "YH": ("烟花", "民爆", "民用爆炸物品"),
    "YJ": ("钢铁", "黑色冶金", "冶金工业"),
    "YS": ("有色金属", "有色冶金"),
    "JC": ("建材工业", "建筑材料"),
    "JX": ("机械制造", "机电", "装备制造"),
    "QG": ("轻工业", "食品"),
    "FZ": ("纺织业", "印染"),
    "YC": ("烟草业",),
    "SM": ("商贸流通", "商业"),
    "JZ": ("建筑", "建筑业", "房屋建筑", "土木工程"),
    "JT": ("交通", "道路运输", "港口", "水上交通", "轨道交通"),
    "DL": ("电力能源", "新能源", "发电"),
}
_CODE_OF_NAME: dict[str, str] = {
    **{industry.zh: industry.code for industry in INDUSTRIES},
    **{name: code for code, names in _SYNONYMS.items() for name in names},
}


@dataclass(frozen=True, slots=True)
class Specialty:
    """A finer skill that is held across industries (专业方向)."""

    code: str
    zh: str
    en: str


SPECIALTIES: tuple[Specialty, ...] = (
    Specialty("fire", "消防", "firefighting"),
    Specialty("special_equipment", "特种设备", "special equipment"),
    Specialty("gas", "燃气", "town gas"),
    Specialty("dust_explosion", "粉尘防爆", "dust explosion"),
    Specialty("confined_space", "有限空间", "confined space"),
    Specialty("occupational_health", "职业卫生", "occupational health"),
    Specialty("environment", "环境监测", "environmental monitoring"),
    Specialty("medicine", "医疗", "medicine"),
    Specialty("meteorology", "气象", "meteorology"),
    Specialty("law", "法律", "law"),
    Specialty("leak_sealing", "带压堵漏", "leak sealing under pressure"),
    Specialty("hazchem_response", "危化品处置", "hazardous materials response"),
    Specialty("process_safety", "化工工艺安全", "process safety"),
    Specialty("ammonia", "液氨制冷", "ammonia refrigeration"),
    Specialty("pipeline", "油气管道抢修", "pipeline repair"),
    Specialty("well_control", "井控", "well control"),
    Specialty("mine_ventilation", "矿井通风与瓦斯", "mine ventilation and gas"),
    Specialty("mine_water", "矿山防治水", "mine water control"),
    Specialty("roof_control", "顶板与巷道支护", "roof control"),
    Specialty("mine_rescue", "矿山救援", "mine rescue"),
    Specialty("tailings", "尾矿库", "tailings ponds"),
    Specialty("blasting", "爆破与民爆", "blasting and explosives"),
    Specialty("furnace_gas", "冶金煤气", "metallurgical gas"),
    Specialty("molten_metal", "高温熔融金属", "molten metal"),
    Specialty("electrical", "电气安全", "electrical safety"),
    Specialty("hoisting", "起重吊装", "hoisting"),
    Specialty("structure", "结构与岩土", "structures and ground"),
    Specialty("hazmat_transport", "危险货物运输", "dangerous goods transport"),
    Specialty("water_rescue", "水上救援", "water rescue"),
    Specialty("communications", "应急通信", "emergency communications"),
    Specialty("plans_and_drills", "预案与演练", "plans and drills"),
)

SPECIALTY_BY_CODE: dict[str, Specialty] = {specialty.code: specialty for specialty in SPECIALTIES}


def find_specialty(text: str) -> Specialty | None:
    """Return the specialty of this code or Chinese name, if it is one."""
    wanted = text.strip()
    by_name = {specialty.zh: specialty for specialty in SPECIALTIES}
    return SPECIALTY_BY_CODE.get(wanted.lower()) or by_name.get(wanted)
