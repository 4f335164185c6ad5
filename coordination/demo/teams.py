"""The 40 rescue teams of the demo province.

Pure. The table names what there is; numbers of people and the exact spot of a base are drawn. Some belong to
an enterprise, which they serve without any agreement; one is out of service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.models import TeamKind, TeamLevel, TeamState, UnitSize
from coordination.demo import invention
from coordination.demo.firms import DemoFirm
from coordination.demo.invention import LABEL, Spot, spot

CAPABILITIES: dict[TeamKind, tuple[str, ...]] = {
    TeamKind.MINE: (
        *("underground_search", "underground_fire", "mine_ventilation", "drainage", "roof_support"),
        *("recon", "gas_protection", "first_aid"),
    ),
    TeamKind.HAZCHEM: (
        *("recon", "leak_sealing", "transfer", "decontamination", "foam", "dry_powder"),
        *("gas_protection", "cordon", "environment"),
    ),
    TeamKind.OIL_PIPELINE: ("pipeline_repair", "leak_sealing", "recon", "foam", "cordon"),
    TeamKind.TUNNEL: ("breaching", "lifting", "borehole", "drainage"),
    TeamKind.WATER: ("boats", "diving", "drone"),
    TeamKind.POWER: ("power_repair", "lifting", "communications"),
    TeamKind.FIRE: ("foam", "dry_powder", "breaching", "rope_rescue", "cordon", "decontamination"),
    TeamKind.MEDICAL: ("first_aid", "poisoning_care", "patient_transport"),
    TeamKind.SOCIAL: ("rope_rescue", "drone", "communications", "boats", "first_aid"),
}
SERVES: dict[TeamKind, tuple[str, ...]] = {
    TeamKind.MINE: ("MK", "FM"),
    TeamKind.HAZCHEM: ("WH", "YQ", "YH", "QG", "FZ", "JT"),
    TeamKind.OIL_PIPELINE: ("YQ", "WH"),
    TeamKind.TUNNEL: ("JZ", "JT", "FM"),
    TeamKind.WATER: ("JT",),
    TeamKind.POWER: ("DL",),
    TeamKind.FIRE: ("WH", "YJ", "YS", "JC", "JX", "QG", "FZ", "YC", "SM", "JZ", "DL"),
    TeamKind.MEDICAL: ("MK", "FM", "WH", "YJ", "JZ"),
    TeamKind.SOCIAL: ("SM", "JT", "JZ"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    kind: TeamKind
    level: TeamLevel
    home: str
    extra: tuple[str, ...] = ()


K, L = TeamKind, TeamLevel
STORY: Final = "曹妃甸危化品应急救援队"
TABLE: tuple[_Line, ...] = (
    _Line(STORY, K.HAZCHEM, L.CITY, "唐山市曹妃甸区"),
    _Line("冀东国家矿山应急救援演示队", K.MINE, L.NATIONAL, "唐山市开平区", ("borehole", "drone")),
    _Line("唐山古冶矿山救援队", K.MINE, L.CITY, "唐山市古冶区"),
    _Line("迁安矿山救援队", K.MINE, L.COUNTY, "唐山市迁安市"),
    _Line("邯郸峰峰矿山救援队", K.MINE, L.PROVINCIAL, "邯郸市峰峰矿区", ("borehole",)),
    _Line("武安矿山救援队", K.MINE, L.COUNTY, "邯郸市武安市"),
    _Line("邢台矿山救援队", K.MINE, L.CITY, "邢台市沙河市"),
    _Line("蔚县矿山救援队", K.MINE, L.COUNTY, "张家口市蔚县"),
    _Line("承德宽城矿山救援队", K.MINE, L.CITY, "承德市宽城满族自治县"),
    _Line("涞源矿山救援队", K.MINE, L.COUNTY, "保定市涞源县"),
    _Line("赤城矿山救援队", K.MINE, L.COUNTY, "张家口市赤城县"),
    _Line("沧州临港危化品救援队", K.HAZCHEM, L.PROVINCIAL, "沧州市黄骅市", ("drone",)),
    _Line("任丘石化应急救援队", K.HAZCHEM, L.CITY, "沧州市任丘市"),
    _Line("石家庄循环园危化品救援队", K.HAZCHEM, L.PROVINCIAL, "石家庄市藁城区"),
    _Line("唐山南堡化工园救援队", K.HAZCHEM, L.COUNTY, "唐山市丰南区"),
    _Line("邢台宁晋盐化工救援队", K.HAZCHEM, L.COUNTY, "邢台市宁晋县"),
    _Line("衡水武邑危化品救援队", K.HAZCHEM, L.COUNTY, "衡水市武邑县"),
    _Line("辛集危化品救援队", K.HAZCHEM, L.COUNTY, "石家庄市辛集市"),
    _Line("定州危化品救援队", K.HAZCHEM, L.COUNTY, "保定市定州市"),
    _Line("邯郸曲周危化品救援队", K.HAZCHEM, L.COUNTY, "邯郸市曲周县"),
    _Line("秦皇岛海港危化品救援队", K.HAZCHEM, L.CITY, "秦皇岛市海港区"),
    _Line("任丘油气管道抢修队", K.OIL_PIPELINE, L.PROVINCIAL, "沧州市任丘市", ("well_control",)),
    _Line("永清管道抢修中心", K.OIL_PIPELINE, L.CITY, "廊坊市永清县"),
    _Line("石家庄综合应急救援队", K.FIRE, L.PROVINCIAL, "石家庄市长安区", ("drone", "communications")),
    _Line("唐山综合应急救援队", K.FIRE, L.CITY, "唐山市路北区"),
    _Line("邯郸综合应急救援队", K.FIRE, L.CITY, "邯郸市丛台区"),
    _Line("保定综合应急救援队", K.FIRE, L.CITY, "保定市莲池区"),
    _Line("廊坊综合应急救援队", K.FIRE, L.CITY, "廊坊市广阳区"),
    _Line("冀中医疗应急队", K.MEDICAL, L.PROVINCIAL, "石家庄市桥西区"),
    _Line("唐山中毒救治医疗队", K.MEDICAL, L.CITY, "唐山市路南区"),
    _Line("太行隧道救援队", K.TUNNEL, L.PROVINCIAL, "石家庄市井陉县"),
    _Line("渤海水上救援队", K.WATER, L.CITY, "秦皇岛市山海关区"),
    _Line("冀北电力抢修队", K.POWER, L.PROVINCIAL, "张家口市宣化区"),
    _Line("燕山社会应急力量演示队", K.SOCIAL, L.SOCIAL, "承德市双桥区"),
)
# The teams of enterprises: trade of the owner, kind, level, how many.
OWNED: tuple[tuple[str, TeamKind, TeamLevel], ...] = (
    ("MK", K.MINE, L.ENTERPRISE_FULL),
    ("MK", K.MINE, L.ENTERPRISE_PART),
    ("YJ", K.FIRE, L.ENTERPRISE_FULL),
    ("WH", K.HAZCHEM, L.ENTERPRISE_FULL),
    ("WH", K.HAZCHEM, L.ENTERPRISE_PART),
    ("YQ", K.OIL_PIPELINE, L.ENTERPRISE_FULL),
)
OUT_OF_SERVICE = "廊坊综合应急救援队"
SIZES: dict[TeamLevel, tuple[int, int]] = {
    L.NATIONAL: (120, 30),
    L.PROVINCIAL: (70, 16),
    L.CITY: (42, 9),
    L.COUNTY: (26, 5),
    L.ENTERPRISE_FULL: (30, 6),
    L.ENTERPRISE_PART: (14, 2),
    L.SOCIAL: (35, 6),
}


@dataclass(frozen=True, slots=True)
class DemoTeam:
    name: str
    kind: TeamKind
    level: TeamLevel
    sponsor: str
    members: int
    vehicles: int
    state: TeamState
    capabilities: tuple[str, ...]
    industries: tuple[str, ...]
    leader: str
    mobile: str
    phone: str
    email: str
    spot: Spot
    owner: str = ""  # the USCC of the enterprise whose own team it is


def teams(seed: int, firms: list[DemoFirm]) -> list[DemoTeam]:
    """Return the teams; the team of the story and of the account `team` is the first."""
    rng = invention.dice(seed, "teams")
    lines: list[tuple[_Line, DemoFirm | None]] = [(line, None) for line in TABLE]
    owners: set[str] = set()
    for trade, kind, level in OWNED:
        firm = min(
            (firm for firm in firms[1:] if firm.industry == trade and firm.uscc not in owners),
            key=lambda firm: list(UnitSize).index(firm.unit_size),
        )
        owners.add(firm.uscc)
        name = f"{firm.short_name}{'专职' if level is L.ENTERPRISE_FULL else '兼职'}救援队"
        lines.append((_Line(name, kind, level, firm.spot.region.full_name), firm))
    made = []
    for number, (line, owner) in enumerate(lines, 1):
        base = owner.spot if owner else spot(rng, invention.region(line.home), within_degrees=0.04)
        members, vehicles = SIZES[line.level]
        made.append(
            DemoTeam(
                name=f"{line.name}{LABEL}",
                kind=line.kind,
                level=line.level,
                sponsor=owner.name if owner else f"{line.home[:2]}演示应急管理部门",
                members=members + rng.randint(-4, 6),
                vehicles=vehicles + rng.randint(0, 2),
                state=TeamState.OUT_OF_SERVICE if line.name == OUT_OF_SERVICE else TeamState.READY,
                capabilities=CAPABILITIES[line.kind] + line.extra,
                industries=SERVES[line.kind],
                leader="韩铁军" if line.name == STORY else invention.person(rng)[0],
                mobile=invention.mobile(2, number),
                phone=invention.landline(base.region.unit, 2000 + number),
                email=f"team{number:02d}@{invention.MAIL}",
                # Eleven kilometres from the firm of the story.
                spot=base
                if line.name != STORY
                else Spot(base.region, 39.2051, 118.3693, "唐山市曹妃甸区演示港路 6 号"),
                owner=owner.uscc if owner else "",
            )
        )
    return made
