"""A large invented register of enterprises, for the tests and benchmarks that ask what happens at fourteen thousand."""

from __future__ import annotations

import random

from contracts.models import Enterprise, Site
from ground.industries import INDUSTRIES
from ground.models import Industry, Precision, Region

# The commonest trade has sixteen times as many firms as the rarest; in a province it is more.
WEIGHTS = [len(INDUSTRIES) / place for place in range(1, len(INDUSTRIES) + 1)]
# As a register is in its first years: of some firms no more is known than the county.
SHARE_KNOWN_BY_COUNTY = 0.2
SHARE_WITH_MORE_SITES = 0.3


def many_enterprises(count: int, *, seed: int = 7) -> list[Enterprise]:
    """Write `count` enterprises, gathered in three towns of each county, with one site or several."""
    dice = random.Random(f"{seed}-{count}")
    counties = list(Region.objects.filter(level="county"))
    towns = {one.pk: [_near(one, dice, 0.15) for _ in range(3)] for one in counties}
    trades = dice.choices([Industry.objects.get(pk=one.code) for one in INDUSTRIES], WEIGHTS, k=count)
    made = []
    for number, trade in enumerate(trades):
        county = dice.choice(counties)
        known = dice.random() >= SHARE_KNOWN_BY_COUNTY
        town = dice.choice(towns[county.pk])
        latitude, longitude = (
            (town[0] + dice.gauss(0, 0.01), town[1] + dice.gauss(0, 0.01))
            if known
            else (county.latitude, county.longitude)
        )
        made.append(
            Enterprise(
                name=f"{county.name}演示{number}有限责任公司",
                pinyin=f"yan shi {number:06d} you xian ze ren gong si",
                initials=f"ys{number}yxzrgs",
                industry=trade,
                region=county,
                address=f"{county.name}工业园区纬三路 {number} 号",
                latitude=latitude,
                longitude=longitude,
                precision=Precision.EXACT if known else Precision.COUNTY,
            )
        )
    made = Enterprise.objects.bulk_create(made)
    Site.objects.bulk_create(
        Site(
            enterprise=one,
            name=name,
            industry=one.industry,
            hazards="液氨 18 t",
            region=one.region,
            address=one.address,
            latitude=latitude,
            longitude=longitude,
            precision=one.precision,
        )
        for one in made
        for name, latitude, longitude in _sites(one, counties, dice)
    )
    return made


def _sites(one: Enterprise, counties: list[Region], dice: random.Random) -> list[tuple[str, float, float]]:
    """Return the main site, where the firm is; some firms have others, a few of them in another county."""
    assert one.latitude is not None and one.longitude is not None
    sites = [("主厂区", one.latitude, one.longitude)]
    if dice.random() < SHARE_WITH_MORE_SITES:
        sites.append(("二厂区", one.latitude + dice.gauss(0, 0.02), one.longitude + dice.gauss(0, 0.02)))
        if dice.random() < 0.2:
            sites.append(("仓储区", *_near(dice.choice(counties), dice, 0.1)))
    return sites


def _near(region: Region, dice: random.Random, degrees: float) -> tuple[float, float]:
    return region.latitude + dice.uniform(-degrees, degrees), region.longitude + dice.uniform(
        -degrees, degrees
    )
