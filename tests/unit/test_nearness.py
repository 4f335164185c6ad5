"""Who is nearest, read box by box: the same as measuring everybody, wherever on earth."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
from geopy.distance import geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.nearness import MOST_READS, Box, Near, Spot, nearest
from ground.places import WGS84_ELLIPSOID, Point

SCENE = Point(39.27, 118.45)  # 曹妃甸
POLE, DATE_LINE = Point(89.95, 20.0), Point(52.0, 179.97)

anywhere = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))
reach_km = st.one_of(st.floats(0.001, 50), st.floats(50, 21_000))


class Table:
    """Spots that are read as a database would: by box, in an order of its own."""

    def __init__(self, spots: Iterable[Spot]) -> None:
        self.spots = list(spots)
        self.reads = 0

    def __call__(self, box: Box) -> list[Spot]:
        self.reads += 1
        return [one for one in self.spots if _holds(box, Point(one.latitude, one.longitude))]


def _holds(box: Box, point: Point) -> bool:
    return box.south <= point.latitude <= box.north and box.west <= point.longitude <= box.east


def _at(point: Point, bearing: float, km: float) -> Point:
    longitude, latitude, _ = WGS84_ELLIPSOID.fwd(point.longitude, point.latitude, bearing, km * 1000)
    return Point(latitude, longitude)


def measured(table: Table, point: Point, *, within_km: float) -> list[Near]:
    """Measure every spot with geopy: slow, and nothing to get wrong."""
    best: dict[int, tuple[float, int]] = {}
    for owner, part, latitude, longitude in table.spots:
        km = geodesic((point.latitude, point.longitude), (latitude, longitude)).km
        if km <= within_km:
            best[owner] = min(best.get(owner, (math.inf, 0)), (km, part))
    ranked = sorted((km, owner, part) for owner, (km, part) in best.items())
    return [Near(owner, part, km) for km, owner, part in ranked]


@given(anywhere, reach_km, st.floats(-180, 180), st.floats(0, 1))
def test_whatever_is_in_reach_lies_in_the_box(point, km, bearing, part):
    assert _holds(Box.around(point, km), _at(point, bearing, km * part))


@pytest.mark.parametrize("latitude", [0, -20, 39, 60, 85])
@pytest.mark.parametrize("km", [0.5, 10, 320, 550, 3000, 9000])
def test_the_whole_circle_lies_in_the_box(latitude, km):
    box = Box.around(Point(latitude, 10), km)

    for bearing in range(-180, 180):
        assert _holds(box, _at(Point(latitude, 10), bearing, km)), bearing


@pytest.mark.parametrize("km", [1, 10, 160, 320])
@pytest.mark.parametrize("bearing", [0, 90, 180, 270])
def test_the_box_is_little_larger_than_the_circle_in_it(km, bearing):
    box = Box.around(SCENE, km)

    assert _holds(box, _at(SCENE, bearing, km * 0.99))
    # Meridians draw together to the north, so a wide box is cut to the circle's northern half.
    assert not _holds(box, _at(SCENE, bearing, km * (1.01 + km / 10_000)))


@pytest.mark.parametrize(
    ("point", "west_east"),
    [
        pytest.param(POLE, (-180, 180), id="the pole is within reach: every meridian is"),
        pytest.param(DATE_LINE, (-180, 180), id="across the antimeridian the box goes round the earth"),
        pytest.param(Point(-90, 0), (-180, 180), id="at the south pole"),
    ],
)
def test_where_degrees_end_the_box_goes_round_the_earth(point, west_east):
    box = Box.around(point, 10)

    assert (box.west, box.east) == west_east


def test_everywhere_is_the_whole_earth():
    assert Box.around(SCENE, math.inf) == Box(-90, 90, -180, 180)


# --- the same as measuring everybody ----------------------------------------------------------------


@st.composite
def provinces(draw: st.DrawFn) -> tuple[Table, Point]:
    """Firms with their sites: gathered, many at one spot, just inside and outside the boxes, or far off."""
    here = draw(st.sampled_from([SCENE, Point(36.1, 113.5), Point(42.6, 119.8), POLE, DATE_LINE]))
    edges = [10 * 2**step * (1 + nudge) for step in range(6) for nudge in (-1e-7, 1e-7, 0.04, 0.35)]
    km = st.one_of(st.just(0.0), st.sampled_from(edges), st.floats(0, 30), st.floats(0, 2000))
    # East, north and the corners are where a box that is too small would lose somebody.
    bearing = st.one_of(st.sampled_from([0.0, 45.0, 90.0, 135.0, 270.0]), st.floats(-180, 180))
    spot = st.builds(lambda bearing, km: _at(here, bearing, km), bearing, km)
    towns = draw(st.lists(spot, min_size=1, max_size=4))
    places = draw(st.lists(st.one_of(spot, st.sampled_from(towns)), max_size=40))
    owners = draw(st.lists(st.integers(1, 25), min_size=len(places), max_size=len(places)))
    seats: set[int] = set()
    spots = []
    for part, (owner, place) in enumerate(zip(owners, places, strict=True), 1):
        is_site = owner in seats or draw(st.booleans())
        seats.add(owner)
        spots.append(Spot(owner, part if is_site else 0, place.latitude, place.longitude))
    return Table(draw(st.permutations(spots))), here


@settings(max_examples=400)
@given(
    provinces(),
    st.integers(1, 30),
    st.one_of(st.just(math.inf), st.floats(0.1, 30), st.sampled_from([10.001, 20.001, 320.01, 640])),
)
def test_nobody_nearer_is_missed(province, count, within_km):
    table, here = province

    found = nearest(table, here, count=count, within_km=within_km)

    everybody = measured(table, here, within_km=within_km)
    # By distance, not by name: two on one circle may come in either order, for geopy rounds otherwise.
    assert [one.km for one in found] == pytest.approx([one.km for one in everybody[:count]], abs=1e-6)
    known = {one.owner: one.km for one in everybody}
    assert {one.owner: one.km for one in found} == pytest.approx(
        {one.owner: known[one.owner] for one in found}, abs=1e-6
    )
    assert len({one.owner for one in found}) == len(found)
    assert table.reads <= MOST_READS


def test_somebody_in_a_corner_of_the_box_does_not_hide_one_beyond_its_edge():
    in_the_corner, beyond_the_edge = _at(SCENE, 45, 13.9), _at(SCENE, 0, 10.5)
    table = Table([Spot(1, 0, *_degrees(in_the_corner)), Spot(2, 0, *_degrees(beyond_the_edge))])

    (found,) = nearest(table, SCENE, count=1)

    assert found.owner == 2


def test_all_at_one_spot_come_by_their_keys_and_a_site_before_the_seat():
    table = Table([Spot(3, 0, *_degrees(SCENE)), Spot(3, 7, *_degrees(SCENE)), Spot(1, 0, *_degrees(SCENE))])

    assert nearest(table, SCENE, count=5) == [Near(1, 0, 0.0), Near(3, 7, 0.0)]


def test_it_stops_reading_when_enough_are_found_and_at_the_limit():
    table = Table([Spot(1, 0, *_degrees(_at(SCENE, 10, 3)))])

    nearest(table, SCENE, count=1)
    assert table.reads == 1
    nearest(table, SCENE, count=2, within_km=25)
    assert table.reads == 1 + 3  # 10, 20 and 25 km


@pytest.mark.parametrize(("count", "within_km"), [(0, 10), (1, 0), (1, -1), (1, math.nan)])
def test_nobody_can_be_asked_for_nobody(count, within_km):
    with pytest.raises(ValueError):
        nearest(Table([]), SCENE, count=count, within_km=within_km)


def _degrees(point: Point) -> tuple[float, float]:
    return point.latitude, point.longitude
