"""The regions we ship (GB/T 2260), a point for each, found by code, name or the start of an address.

Pure and offline. Regions are data: another province is another file of the same columns. The point of a
region is its seat; a plant may lie tens of kilometres from it, so say "county" where you use it for a place.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ground.places import Point, distances_km

FILE = Path(__file__).parent / "data" / "hebei.csv"

# Codes that other systems give to counties which the province counts as cities.
ALIASES = {"139001": "130682", "139002": "130181"}  # 定州, 辛集

# From the largest down: 承德 means 承德市 rather than 承德县.
LEVELS = ("province", "city", "county")


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One region; `parent` is "" for the province, `unit` the city-level unit that statistics group by."""

    code: str
    name: str
    level: str
    parent: str
    parent_name: str
    unit: str
    latitude: float
    longitude: float

    @property
    def point(self) -> Point:
        """Return its seat, in WGS-84."""
        return Point(self.latitude, self.longitude)

    @property
    def full_name(self) -> str:
        """Return 石家庄市正定县 for a county, 石家庄市 for a city."""
        return f"{self.parent_name}{self.name}" if self.level == "county" else self.name


@cache
def rows() -> tuple[RegionRow, ...]:
    """Return every region, each after its parent."""
    with FILE.open(encoding="utf-8", newline="") as file:
        regions = [
            RegionRow(
                code=line["adcode"],
                name=line["name"],
                level=line["level"],
                parent="" if line["level"] == "province" else line["parent"],
                parent_name="" if line["level"] == "province" else line["parent_name"],
                unit=line["unit13"],
                latitude=float(line["lat"]),
                longitude=float(line["lon"]),
            )
            for line in csv.DictReader(file)
        ]
    return tuple(sorted(regions, key=lambda region: (LEVELS.index(region.level), region.code)))


@cache
def _by_code() -> dict[str, RegionRow]:
    return {region.code: region for region in rows()}


def by_code(code: str) -> RegionRow | None:
    """Return the region of this GB/T 2260 code, or of its alias."""
    return _by_code().get(ALIASES.get(code, code))


@cache
def within(code: str) -> frozenset[str]:
    """Return the codes of a region and of all that is administered by it.

    定州 and 辛集 answer to the province: 保定 and 石家庄, under which GB/T 2260 lists them, do not include them.
    """
    root = by_code(code)
    if root is None:
        return frozenset()
    if root.level == "province":
        return frozenset(region.code for region in rows())
    return frozenset(region.code for region in rows() if root.code in (region.code, region.unit))


def find(text: str) -> RegionRow | None:
    """Return the region meant by a code, a name with or without 市, 区, 县, or the start of an address.

    None when nothing fits, or when a name fits several (桥西区 is in 石家庄 and in 张家口): say the city too.
    """
    wanted = re.sub(r"[\s,·/-]", "", unicodedata.normalize("NFKC", text))
    if code := re.match(r"\d{6}", wanted):
        return by_code(code.group())
    if wanted in ("河北", "河北省"):
        return rows()[0]
    wanted = re.sub(r"^河北省?", "", wanted)
    forms = _forms()
    for length in range(len(wanted), 1, -1):
        if fitting := forms.get(wanted[:length]):
            return _only_one(fitting)
    return None


def _only_one(fitting: list[RegionRow]) -> RegionRow | None:
    highest = min(LEVELS.index(region.level) for region in fitting)
    best = [region for region in fitting if LEVELS.index(region.level) == highest]
    return best[0] if len(best) == 1 else None


@cache
def _forms() -> dict[str, list[RegionRow]]:
    forms: dict[str, list[RegionRow]] = defaultdict(list)
    for region in rows():
        for name in _names(region.name):
            forms[name].append(region)
            if region.level == "county":
                for city in _names(region.parent_name):
                    forms[city + name].append(region)
    return dict(forms)


def _names(name: str) -> set[str]:
    short = re.sub(r"(?:(?:满族|回族|蒙古族)+自治县|[省市区县])$", "", name)
    # A county of one character (沧县) keeps its 县: 沧 alone could be anything.
    return {name, short} if len(short) >= 2 else {name}


@cache
def _county_seats() -> tuple[tuple[RegionRow, ...], np.ndarray, np.ndarray]:
    counties = tuple(region for region in rows() if region.level == "county")
    latitudes = np.array([county.latitude for county in counties])
    return counties, latitudes, np.array([county.longitude for county in counties])


def nearest_county(place: Point, *, within_km: float = 60) -> RegionRow | None:
    """Return the county whose seat is nearest, or None beyond `within_km`.

    A guess to fill a form with, not a boundary: near a border the neighbour's seat may be nearer.
    """
    counties, latitudes, longitudes = _county_seats()
    distances = distances_km(latitudes, longitudes, place.latitude, place.longitude)
    nearest = int(distances.argmin())
    return counties[nearest] if distances[nearest] <= within_km else None
