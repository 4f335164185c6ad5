"""The one box that takes an enterprise, a place or coordinates, as callers say it.

Reads what was typed into exactly one place, or into the choices that it may mean. The suggestions under
the box and the form without JavaScript come from here, so both understand the same. Every enterprise of the
province is known here, whatever region an officer's role is bound to: the call comes in where it comes in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from contracts.models import Enterprise, Site
from ground import gazetteer
from ground.mistakes import Mistake
from ground.models import Region
from ground.places import Point, parse_point

SUGGESTED = 8
LONGEST = 200  # of what is typed, in characters: no place takes more to say

# Digits, degree marks and the words of directions only: this is meant as coordinates, right or wrong.
_MEANT_AS_COORDINATES = re.compile(
    r"[\s\d.,，、;:°度分秒′″'\"+\-/()（）EWNSewns东西南北经纬]*", re.IGNORECASE
)


class UnknownPlace(Mistake):
    """What was typed is no enterprise, no region and no coordinates that we know."""


@dataclass(frozen=True)
class Place:
    """Where it is. One of the four says it best; `address` is what was typed, when that says more."""

    enterprise: Enterprise | None = None
    site: Site | None = None
    point: Point | None = None
    region: Region | None = None
    address: str = ""

    @property
    def key(self) -> str:
        """Return what a form sends back to name this place."""
        if self.site:
            return f"site:{self.site.public_id}"
        if self.enterprise:
            return f"enterprise:{self.enterprise.public_id}"
        if self.point:
            return f"point:{self.point}"
        return f"region:{self.region.pk}" if self.region else ""

    @property
    def label(self) -> str:
        """Return the name that stands in the box once it is chosen."""
        if self.enterprise:
            return f"{self.enterprise.name} {self.site.name}" if self.site else self.enterprise.name
        if self.point:
            return str(self.point)
        return self.address or (self.region.name if self.region else "")

    @property
    def line(self) -> str:
        """Return the line under the name: the address, or the region."""
        if self.site and self.site.address:
            return self.site.address
        if self.enterprise and self.enterprise.address:
            return self.enterprise.address
        return self.region.name if self.region else ""

    @property
    def where(self) -> Point | None:
        """Return the best known point, for matching."""
        for known in (self.site, self.enterprise):
            if known and known.point:
                return known.point
        if self.point:
            return self.point
        return Point(self.region.latitude, self.region.longitude) if self.region else None


def by_key(key: str) -> Place | None:
    """Return the place that a form names; None if it names none."""
    kind, _, value = key.partition(":")
    if kind == "region":
        region = Region.objects.filter(pk=value).first()
        return Place(region=region) if region else None
    if kind == "point":
        try:
            return _at(parse_point(value))
        except Mistake:
            return None
    try:
        public_id = UUID(value)
    except ValueError:
        return None
    if kind == "site":
        site = Site.objects.select_related("enterprise__region").filter(public_id=public_id).first()
        return Place(enterprise=site.enterprise, site=site, region=site.enterprise.region) if site else None
    if kind == "enterprise":
        enterprise = Enterprise.objects.select_related("region").filter(public_id=public_id).first()
        return Place(enterprise=enterprise, region=enterprise.region) if enterprise else None
    return None


def suggestions(typed: str) -> list[Place]:
    """Return what the words may mean, best first: coordinates, enterprises with their sites, a region."""
    typed = typed.strip()[:LONGEST]
    if len(typed) < 2:
        return []
    if _is_coordinates(typed):
        try:
            return [_at(parse_point(typed))]
        except Mistake:
            return []
    places = _enterprises(typed)
    row = gazetteer.find(typed)
    if row and (region := Region.objects.filter(pk=row.code).first()):
        # Nothing but a region's name: that region. More than that: an address in it, after the enterprises.
        bare = typed in (row.full_name, row.name, row.name.rstrip("市县区"), row.code)
        places.insert(0 if bare else len(places), Place(region=region, address="" if bare else typed))
    return places[:SUGGESTED]


def resolve(typed: str) -> list[Place]:
    """Return the one place that is meant, or several to choose from.

    :raises Mistake: if the coordinates are wrong, or nothing fits; the sentence says how to mend it.
    """
    typed = typed.strip()
    if _is_coordinates(typed):
        return [_at(parse_point(typed))]
    found = suggestions(typed)
    exact = [
        place
        for place in found
        if place.enterprise
        and not place.site
        and typed in (place.enterprise.name, place.enterprise.short_name, place.enterprise.uscc)
    ]
    if len(exact) == 1:
        return exact
    if not found:
        raise UnknownPlace(
            f"找不到“{typed}”：不是已登记的企业，也不是市县或地址。请写企业简称或拼音首字母、以市县开头的地址，"
            "或“经度,纬度”。",
            f"“{typed}” is no registered enterprise, region or address. Write the enterprise's short name or "
            "pinyin initials, an address that begins with the city or county, or “longitude,latitude”.",
        )
    return found


def _is_coordinates(typed: str) -> bool:
    return any(sign.isdigit() for sign in typed) and _MEANT_AS_COORDINATES.fullmatch(typed) is not None


def _at(point: Point) -> Place:
    county = gazetteer.nearest_county(point)
    return Place(point=point, region=Region.objects.filter(pk=county.code).first() if county else None)


def _enterprises(typed: str) -> list[Place]:
    known = Enterprise.objects.select_related("region").prefetch_related("sites")
    found = list(known.found_by(typed)[:SUGGESTED])
    bare = typed.lower().replace(" ", "")
    if len(found) < SUGGESTED and len(bare) >= 3 and bare.isascii() and bare.isalpha():
        # Names begin with a place, and callers leave it out: jrll is meant for cfdqjrll, 曹妃甸区冀润冷链.
        more = known.filter(initials__contains=bare).exclude(pk__in=[one.pk for one in found])
        found += more[: SUGGESTED - len(found)]
    places = []
    for enterprise in found:
        places.append(Place(enterprise=enterprise, region=enterprise.region))
        sites = list(enterprise.sites.all())
        if len(sites) > 1:
            places += [Place(enterprise=enterprise, site=site, region=enterprise.region) for site in sites]
    return places
