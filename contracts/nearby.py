"""Which enterprises are nearest to a place: the boxes that are read of the tables; ranking is `ground.nearness`."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet, Value

from ground import nearness
from ground.models import Industry, lies_inside
from ground.nearness import Box, Near
from ground.places import Point


def ranked(
    enterprises: QuerySet,
    sites: QuerySet,
    point: Point,
    *,
    industry: Industry | None,
    count: int,
    within_km: float,
) -> list[Near]:
    """Return which of `enterprises` are nearest, each by the nearest of its seat (part 0) and its `sites`."""
    # Asked of each site that is found, for a box holds few of them. The trade is joined, so that where the
    # boxes are large and the trade is rare the database can begin with the enterprises.
    of_these = sites.filter(Exists(enterprises.filter(pk=OuterRef("enterprise")))).order_by()
    seats = enterprises.order_by().prefetch_related(None).annotate(part=Value(0))
    if industry is not None:
        seats, of_these = seats.filter(industry=industry), of_these.filter(enterprise__industry=industry)

    def spots_in(box: Box) -> Iterable[tuple[int, int, float, float]]:
        inside = lies_inside(box)
        found: QuerySet = seats.filter(inside).values_list("pk", "part", "latitude", "longitude")
        at_sites = of_these.filter(inside).values_list("enterprise_id", "pk", "latitude", "longitude")
        return found.union(at_sites, all=True)

    return nearness.nearest(spots_in, point, count=count, within_km=within_km)
