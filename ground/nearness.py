"""Who is nearest to a place, where all that can be asked of a table is what lies in a box of degrees.

Pure. The box is drawn around a circle, and both grow until enough are found within the circle: whoever is
nearer lies in the box too, so nobody is missed. Reading the table is left to the caller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ground.places import WGS84_ELLIPSOID, Point, distances_km

START_KM = 10.0
# Beyond, what is left of a province is read at once: doubling on would read nearly the same again and again.
WIDEST_KM = 320.0
MOST_READS = 7


@dataclass(frozen=True, slots=True)
class Box:
    """Everything between two parallels and two meridians, in degrees, the edges included."""

    south: float
    north: float
    west: float = -180.0
    east: float = 180.0

    @classmethod
    def around(cls, point: Point, km: float) -> Box:
        """Return a box that holds whatever is at most `km` from `point`; little more than the smallest.

        Where a pole or the antimeridian is within reach the box goes round the earth.
        """
        # On a sphere as large as the ellipsoid is high, with latitudes as the ellipsoid's own circles
        # have them ("reduced"), no path is longer than on the ellipsoid: what is in reach here is in reach there.
        squash = 1 - WGS84_ELLIPSOID.f
        reach = km * 1000 / WGS84_ELLIPSOID.b * (1 + 1e-9)  # a hair more, for what rounding takes
        reduced = math.atan(squash * math.tan(math.radians(point.latitude)))
        top, bottom = reduced + reach, reduced - reach
        north = math.degrees(math.atan(math.tan(top) / squash)) if top < math.pi / 2 else 90.0
        south = math.degrees(math.atan(math.tan(bottom) / squash)) if bottom > -math.pi / 2 else -90.0
        if north == 90.0 or south == -90.0:
            return cls(south, north)
        wide = math.degrees(math.asin(math.sin(reach) / math.cos(reduced)))
        west, east = point.longitude - wide, point.longitude + wide
        return cls(south, north, west, east) if west >= -180 and east <= 180 else cls(south, north)


class Spot(NamedTuple):
    """One place of somebody's: whose, and which of theirs; 0 is the one that belongs to no part of them."""

    owner: int
    part: int
    latitude: float
    longitude: float


class Near(NamedTuple):
    """Somebody, by which place of theirs is the nearest, and how far that is."""

    owner: int
    part: int
    km: float


def nearest(
    spots_in: Callable[[Box], Iterable[tuple[int, int, float, float]]],
    point: Point,
    *,
    count: int,
    within_km: float = math.inf,
) -> list[Near]:
    """Return the `count` owners of whom a place is nearest to `point` and at most `within_km` away, nearest first.

    Kilometres are the geodesic's. `spots_in` gives the spots in a box; it is called `MOST_READS` times at most.
    Two at the same distance come by their keys, a part of somebody before the whole.
    """
    if count < 1 or not within_km > 0:
        raise ValueError("ask for at least one, within more than 0 km")
    found: list[Near] = []
    for km in _widening(within_km):
        found = _ranked(spots_in(Box.around(point, km)), point, km)
        if len(found) >= count:
            break
    return found[:count]


def _widening(within_km: float) -> Iterator[float]:
    km = START_KM
    while km < within_km and km <= WIDEST_KM:
        yield km
        km *= 2
    yield within_km


def _ranked(spots: Iterable[tuple[int, int, float, float]], point: Point, within_km: float) -> list[Near]:
    """Return the owners with a place within `within_km`, nearest first; the corners of the box are left out."""
    read = list(spots)
    if not read:
        return []
    owners, parts, latitudes, longitudes = (np.array(column) for column in zip(*read, strict=True))
    km = distances_km(latitudes, longitudes, point.latitude, point.longitude)
    inside = np.flatnonzero(km <= within_km)
    order = inside[np.lexsort((parts[inside], parts[inside] == 0, owners[inside], km[inside]))]
    _, firsts = np.unique(owners[order], return_index=True)
    return [Near(int(owners[at]), int(parts[at]), float(km[at])) for at in order[np.sort(firsts)]]
