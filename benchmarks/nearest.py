"""Ways to find the nearest available experts of one trade, written as one would write them elsewhere.

Each takes a place and gives the keys of the twenty nearest, the nearest first. The ORM asks who is available
for every question; the indexes (KD-tree, GEO key, cube) hold those of the trade who are available when they
are filled, and would have to be filled again whenever somebody's leave or term changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date

import numpy as np
import redis
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from geopy.distance import geodesic
from scipy.spatial import cKDTree

from experts.models import Absence, Appointment, Expert, Practice
from ground import places
from ground.places import Point

WANTED = 20
FIRST_BOX_KM = 25
FARTHEST_KM = 3000
KM_A_DEGREE = 111.0
GEO_KEY = "benchmark:experts"
EXTENSIONS = ("cube", "btree_gist")

Finder = Callable[[Point], list[int]]


def available(industry: str, day: date) -> QuerySet[Expert]:
    """Return who is of the trade, appointed and not on leave on the day."""
    mine = OuterRef("pk")
    return Expert.objects.filter(
        Exists(Practice.objects.filter(expert=mine, industry=industry)),
        Exists(Appointment.objects.filter(expert=mine, starts_on__lte=day, ends_on__gte=day)),
        ~Exists(Absence.objects.filter(expert=mine, starts_on__lte=day, ends_on__gte=day)),
        latitude__isnull=False,
    )


class Truth:
    """Who is of the trade and available, with places, to measure everybody by the geodesic."""

    def __init__(self, industry: str, day: date) -> None:
        lines = list(available(industry, day).order_by("pk").values_list("pk", "latitude", "longitude"))
        self.ids = np.array([pk for pk, _, _ in lines], dtype=np.int64)
        self.latitudes = np.array([latitude for _, latitude, _ in lines], dtype=np.float64)
        self.longitudes = np.array([longitude for _, _, longitude in lines], dtype=np.float64)

    def km(self, place: Point) -> np.ndarray:
        return places.distances_km(self.latitudes, self.longitudes, place.latitude, place.longitude)

    def agrees(self, place: Point, found: list[int]) -> tuple[bool, float]:
        """Return whether these are the nearest, and how many km the worst is beyond the last of the nearest."""
        km = self.km(place)
        nearest = np.argsort(km, kind="stable")[:WANTED]
        if len(found) != len(nearest) or len(set(found)) != len(found):
            return False, float("inf")
        at = np.searchsorted(self.ids, found).clip(max=len(self.ids) - 1)
        if (self.ids[at] != found).any():
            return False, float("inf")
        beyond = float(km[at].max() - km[nearest[-1]]) if len(nearest) else 0.0
        return set(found) == set(self.ids[nearest].tolist()), max(0.0, beyond)


def naive(industry: str, day: date) -> Finder:
    def find(place: Point) -> list[int]:
        return [pk for _, pk in _measured(available(industry, day), place)[:WANTED]]

    return find


def box(industry: str, day: date) -> Finder:
    def find(place: Point) -> list[int]:
        half_km = FIRST_BOX_KM
        while True:
            high = half_km / KM_A_DEGREE
            wide = high / np.cos(np.radians(place.latitude))
            ranked = _measured(
                available(industry, day).filter(
                    latitude__range=(place.latitude - high, place.latitude + high),
                    longitude__range=(place.longitude - wide, place.longitude + wide),
                ),
                place,
            )
            # A degree has 110.6 to 111.7 km: whoever is nearer than 98 % of the half is in the box.
            inside = [pk for km, pk in ranked if km <= 0.98 * half_km]
            if len(inside) >= WANTED or half_km > FARTHEST_KM:
                return [pk for _, pk in ranked[:WANTED]]
            half_km *= 2

    return find


def _measured(people: QuerySet[Expert], place: Point) -> list[tuple[float, int]]:
    here = (place.latitude, place.longitude)
    return sorted((geodesic(here, (one.latitude, one.longitude)).km, one.pk) for one in people)


def tree(truth: Truth) -> Finder:
    spots = cKDTree(places.geocentric_km(truth.latitudes, truth.longitudes).T)
    wanted = min(WANTED, len(truth.ids))

    def find(place: Point) -> list[int]:
        _, at = spots.query(places.geocentric_km([place.latitude], [place.longitude])[:, 0], k=wanted)
        return [int(one) for one in truth.ids[np.atleast_1d(at)]]

    return find


def cube(truth: Truth) -> Finder | str:
    """Return a finder in PostgreSQL by cube KNN on geocentric places, or why there is none."""
    if connection.vendor != "postgresql":
        return "no PostgreSQL"
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_available_extensions WHERE name = ANY(%s)", [list(EXTENSIONS)])
        if len(cursor.fetchall()) < len(EXTENSIONS):
            return "the server has no extension cube"
        for name in EXTENSIONS:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
        cursor.execute("DROP TABLE IF EXISTS benchmark_spot")
        cursor.execute("CREATE TABLE benchmark_spot (id bigint, spot cube)")
        spots = places.geocentric_km(truth.latitudes, truth.longitudes).T.tolist()
        for start in range(0, len(spots), 5000):
            lines = list(zip(truth.ids.tolist(), spots, strict=True))[start : start + 5000]
            cursor.executemany("INSERT INTO benchmark_spot VALUES (%s, cube(%s::float8[]))", lines)
        cursor.execute("CREATE INDEX ON benchmark_spot USING gist (spot)")
        cursor.execute("ANALYZE benchmark_spot")

    def find(place: Point) -> list[int]:
        here = places.geocentric_km([place.latitude], [place.longitude])[:, 0].tolist()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM benchmark_spot ORDER BY spot <-> cube(%s::float8[]) LIMIT %s", [here, WANTED]
            )
            return [pk for (pk,) in cursor.fetchall()]

    return find


def geosearch(truth: Truth) -> Finder | str:
    """Return a finder by GEOSEARCH, or why there is none.

    The server measures on a sphere, so it is asked for twice as many, and these are measured again.
    """
    if not (address := os.environ.get("REDIS_URL")):
        return "no REDIS_URL"
    server = redis.Redis.from_url(address, decode_responses=True)
    server.delete(GEO_KEY)
    at = {int(pk): row for row, pk in enumerate(truth.ids)}
    for start in range(0, len(truth.ids), 5000):
        lines = zip(truth.longitudes, truth.latitudes, truth.ids, strict=True)
        values = [value for line in list(lines)[start : start + 5000] for value in line]
        server.geoadd(GEO_KEY, [value.item() for value in values])

    def find(place: Point) -> list[int]:
        within_km = FIRST_BOX_KM
        while True:
            found = server.geosearch(
                GEO_KEY,
                longitude=place.longitude,
                latitude=place.latitude,
                radius=within_km,
                unit="km",
                sort="ASC",
                count=2 * WANTED,
            )
            if len(found) == 2 * WANTED or within_km > FARTHEST_KM:
                break
            within_km *= 2
        rows = np.array([at[int(pk)] for pk in found])
        km = places.distances_km(
            truth.latitudes[rows], truth.longitudes[rows], place.latitude, place.longitude
        )
        return [int(pk) for pk in truth.ids[rows[np.argsort(km, kind="stable")[:WANTED]]]]

    return find
