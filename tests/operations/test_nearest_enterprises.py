"""Which enterprises are nearest to a place: the same as measuring all of them, in a few reads of the index."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from geopy.distance import geodesic

from contracts.models import Enterprise, Nearby, Site
from ground import nearness
from ground.access import Permission, Role
from ground.models import Precision, Region, lies_inside
from ground.nearness import Box
from ground.places import Point
from tests.factories import a_user, an_enterprise, industry
from tests.register_at_scale import many_enterprises

pytestmark = pytest.mark.django_db

SCENE = Point(39.27, 118.45)
TANGSHAN, QINHUANGDAO = "130200", "130300"


def at(km_north: float, **columns: object) -> dict[str, object]:
    return {"latitude": SCENE.latitude + km_north / 111, "longitude": SCENE.longitude, **columns}


def names(found: list[Nearby]) -> list[str]:
    return [one.enterprise.name for one in found]


def measured(enterprises: list[Enterprise], point: Point) -> dict[int, float]:
    """Measure every place of every enterprise with geopy."""
    spots = [(one.pk, one.latitude, one.longitude) for one in enterprises]
    spots += Site.objects.filter(enterprise__in=enterprises).values_list(
        "enterprise_id", "latitude", "longitude"
    )
    best: dict[int, float] = {}
    for owner, latitude, longitude in spots:
        if latitude is None:
            continue
        km = geodesic((point.latitude, point.longitude), (latitude, longitude)).km
        best[owner] = min(km, best.get(owner, km))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_a_province_is_searched_as_if_everybody_were_measured(seed):
    many_enterprises(250, seed=seed)
    Enterprise.objects.filter(pk__in=list(Enterprise.objects.values_list("pk", flat=True)[:5])).update(
        latitude=None, longitude=None
    )
    dice = random.Random(seed)
    counties = list(Region.objects.filter(level="county"))

    for _ in range(6):
        county = dice.choice(counties)
        point = Point(county.latitude + dice.uniform(-0.2, 0.2), county.longitude + dice.uniform(-0.2, 0.2))
        trade = dice.choice([None, industry("MK"), industry("YC")])
        count, within_km = dice.choice([1, 5, 40, 300]), dice.choice([15.0, 60.0, 500.0, float("inf")])
        mine = list(Enterprise.objects.filter(industry=trade) if trade else Enterprise.objects.all())

        found = Enterprise.objects.nearest_to(point, industry=trade, count=count, within_km=within_km)

        best = {pk: km for pk, km in measured(mine, point).items() if km <= within_km}
        assert [one.distance_km for one in found] == pytest.approx(sorted(best.values())[:count], abs=1e-6)
        assert {one.enterprise.pk: one.distance_km for one in found} == pytest.approx(
            {one.enterprise.pk: best[one.enterprise.pk] for one in found}, abs=1e-6
        )


def test_a_firm_is_as_near_as_the_nearest_of_its_seat_and_its_sites():
    far_seat = an_enterprise("冀东集团", **at(60))
    Site.objects.create(
        enterprise=far_seat,
        name="液氨罐区",
        industry=far_seat.industry,
        precision=Precision.EXACT,
        **at(2),
    )
    an_enterprise("渤海化工", **at(5)).sites.all().delete()

    found = Enterprise.objects.nearest_to(SCENE, count=5, within_km=20)

    assert names(found) == ["冀东集团", "渤海化工"]
    assert [one.site and one.site.name for one in found] == ["液氨罐区", None]
    assert [round(one.distance_km) for one in found] == [2, 5]
    assert [one.precision for one in found] == [Precision.EXACT, None]


def test_of_one_trade_and_no_farther_than_asked():
    an_enterprise("近处化工", **at(3))
    an_enterprise("近处煤矿", practises="MK", **at(1))
    an_enterprise("远处化工", **at(30))

    assert names(Enterprise.objects.nearest_to(SCENE, industry=industry("WH"), count=9, within_km=20)) == [
        "近处化工"
    ]
    assert names(Enterprise.objects.nearest_to(SCENE, industry=industry("WH"), count=9)) == [
        "近处化工",
        "远处化工",
    ]


def test_a_role_bound_to_a_region_finds_its_own():
    an_enterprise("唐山化工", region=TANGSHAN, **at(9))
    an_enterprise("秦皇岛化工", region=QINHUANGDAO, **at(2))
    with_a_site_here = an_enterprise("秦港集团", region=QINHUANGDAO, **at(50))
    Site.objects.create(
        enterprise=with_a_site_here, name="唐山库", industry=industry(), region_id=TANGSHAN, **at(4)
    )
    wang = a_user("wangning", Role.DUTY_OFFICER, region=TANGSHAN)

    theirs = Enterprise.objects.open_to(wang, Permission.READ_CONTRACTS)

    assert names(theirs.nearest_to(SCENE, count=9, within_km=20)) == ["秦港集团", "唐山化工"]


def test_what_was_asked_for_before_is_still_fetched_with_them():
    an_enterprise("冀润冷链公司", **at(1))
    shown = Enterprise.objects.select_related("industry", "region").prefetch_related("contacts")

    (found,) = shown.nearest_to(SCENE, count=1)

    with CaptureQueriesContext(connection) as queries:
        assert found.enterprise.industry.name and found.enterprise.region and found.enterprise.contacts.all()
    assert not queries.captured_queries


def test_one_without_a_known_place_is_nowhere():
    an_enterprise("待补公司", latitude=None, longitude=None)

    assert Enterprise.objects.nearest_to(SCENE, count=5) == []


@pytest.mark.parametrize(
    ("count", "within_km", "most"),
    [
        pytest.param(1, 20.0, 1 + 2, id="enough in the first box"),
        pytest.param(9, 20.0, 2 + 2, id="10 and 20 km"),
        pytest.param(9, float("inf"), nearness.MOST_READS + 2, id="as far as there is"),
    ],
)
def test_it_takes_a_few_queries_however_far_it_has_to_look(count, within_km, most):
    an_enterprise("冀润冷链公司", **at(1))

    with CaptureQueriesContext(connection) as queries:
        Enterprise.objects.nearest_to(SCENE, count=count, within_km=within_km)

    assert len(queries) == most


@pytest.mark.parametrize("trade", [None, "WH"])
def test_the_boxes_are_read_by_the_indexes(trade):
    many_enterprises(2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    seats = Enterprise.objects.filter(lies_inside(Box.around(SCENE, 10))).order_by().values("latitude")
    sites = Site.objects.filter(lies_inside(Box.around(SCENE, 10))).order_by().values("latitude")

    assert "enterprise_by_place" in (seats.filter(industry=trade) if trade else seats).explain()
    assert "site_by_place" in sites.explain()
