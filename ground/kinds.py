"""The kinds of incident an officer may choose at intake, and whom each kind usually needs.

Pure. Our own list for a quick choice by one key, not the national classification (GB/T 35561), whose
table has not been seen. Industry and specialties are proposals for matching; the officer may change them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IncidentKind:
    """One kind: `industry` is asked for by default, `also` are suggested beside it."""

    code: str
    zh: str
    en: str
    industry: str
    also: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    hotkey: str = ""

    def word(self, language: str) -> str:
        """Return the name in `language` ("zh-hans", "en", …); Chinese unless English is asked for."""
        return self.en if language.startswith("en") else self.zh


# In the order of the keys: first the three that leave the least time, then by how often they are called in.
KINDS: tuple[IncidentKind, ...] = (
    IncidentKind(
        "gas_explosion", "瓦斯爆炸", "mine gas explosion", "MK", (), ("mine_ventilation", "mine_rescue"), "1"
    ),
    IncidentKind(
        "hazchem_leak",
        *("危化品泄漏", "hazardous chemical leak", "WH"),
        ("JT",),
        ("hazchem_response", "leak_sealing", "environment"),
        "2",
    ),
    IncidentKind(
        "hazchem_fire",
        *("危化品火灾爆炸", "hazardous chemical fire or explosion", "WH"),
        ("YQ",),
        ("fire", "process_safety", "hazchem_response"),
        "3",
    ),
    IncidentKind(
        "roof_fall", "冒顶（顶板）", "roof fall", "MK", ("FM",), ("roof_control", "mine_rescue"), "4"
    ),
    IncidentKind(
        "water_inrush", "透水（水害）", "water inrush", "MK", ("FM",), ("mine_water", "mine_rescue"), "5"
    ),
    IncidentKind(
        "poisoning",
        *("中毒窒息", "poisoning or asphyxiation", "WH"),
        ("QG", "YJ"),
        ("confined_space", "medicine", "occupational_health"),
        "6",
    ),
    IncidentKind(
        "molten_metal",
        *("高温熔融物爆炸（冶金）", "molten metal explosion", "YJ"),
        ("YS",),
        ("molten_metal", "fire"),
        "7",
    ),
    IncidentKind(
        "furnace_gas", "煤气中毒", "furnace gas poisoning", "YJ", (), ("furnace_gas", "medicine"), "8"
    ),
    IncidentKind(
        "dust_explosion", "粉尘爆炸", "dust explosion", "JX", ("QG", "YS"), ("dust_explosion", "fire"), "9"
    ),
    IncidentKind(
        "hazmat_transport",
        *("危化品运输（罐车）", "dangerous goods transport", "WH"),
        ("JT",),
        ("hazmat_transport", "leak_sealing", "hazchem_response"),
        "0",
    ),
    IncidentKind("fire", "火灾", "fire", "SM", ("QG", "FZ"), ("fire",)),
    IncidentKind("collapse", "坍塌", "collapse", "JZ", ("JC",), ("structure", "hoisting")),
    IncidentKind("fireworks", "烟花爆竹爆炸", "fireworks explosion", "YH", (), ("blasting", "fire")),
    IncidentKind("tailings", "尾矿库险情", "tailings pond failure", "FM", (), ("tailings", "environment")),
    IncidentKind(
        "pipeline_leak", "油气管道泄漏", "pipeline leak", "YQ", ("WH",), ("pipeline", "leak_sealing")
    ),
    IncidentKind("mine_fire", "矿井火灾", "mine fire", "MK", ("FM",), ("mine_ventilation", "mine_rescue")),
    IncidentKind("blowout", "井喷", "well blowout", "YQ", (), ("well_control", "fire")),
    IncidentKind(
        "ammonia_leak",
        *("液氨泄漏（制冷）", "ammonia leak (refrigeration)", "QG"),
        ("WH",),
        ("ammonia", "hazchem_response"),
    ),
    IncidentKind(
        "special_equipment",
        *("特种设备事故", "special equipment failure", "JX"),
        (),
        ("special_equipment", "hoisting"),
    ),
    IncidentKind("electrocution", "触电", "electrocution", "DL", ("JX",), ("electrical", "medicine")),
    IncidentKind("machinery", "机械伤害", "machinery injury", "JX", ("QG",), ("medicine",)),
    IncidentKind("fall", "高处坠落", "fall from height", "JZ", ("DL",), ("medicine",)),
    IncidentKind("other", "其他", "other", "SM"),
)

_BY_CODE = {kind.code: kind for kind in KINDS}

KIND_CHOICES: list[tuple[str, str]] = [(kind.code, kind.zh) for kind in KINDS]


def among(codes: Iterable[str]) -> tuple[IncidentKind, ...]:
    """Return the kinds of these codes in the order of `KINDS`, whatever the order of the codes."""
    asked = set(codes)
    return tuple(kind for kind in KINDS if kind.code in asked)


def by_code(code: str) -> IncidentKind:
    """Return the kind of this code.

    :raises KeyError: if there is none; forms and the API offer only the codes of `KINDS`.
    """
    return _BY_CODE[code]
