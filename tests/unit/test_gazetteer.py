"""The gazetteer: a region by its code, its name, or the start of an address, without a network."""

from __future__ import annotations

from collections import Counter

import pytest

from ground import gazetteer
from ground.places import Point


def test_hebei_has_its_regions_each_after_its_parent():
    rows = gazetteer.rows()
    seen: set[str] = set()

    assert Counter(row.level for row in rows) == {"province": 1, "city": 11, "county": 167}
    assert len({row.unit for row in rows if row.unit}) == 13
    for row in rows:
        assert row.parent in seen or row.level == "province"
        seen.add(row.code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("130123", "130123", id="a code"),
        pytest.param("130123000000", "130123", id="a code of twelve digits"),
        pytest.param("139001", "130682", id="the other code of 定州"),
        pytest.param("139002", "130181", id="the other code of 辛集"),
        pytest.param("石家庄市", "130100", id="a city"),
        pytest.param("石家庄", "130100", id="a city without 市"),
        pytest.param("正定县", "130123", id="a county"),
        pytest.param("正定", "130123", id="a county without 县"),
        pytest.param("定州", "130682", id="定州"),
        pytest.param("保定市定州市", "130682", id="定州 under 保定"),
        pytest.param("曹妃甸区", "130209", id="a district"),
        pytest.param("唐山曹妃甸", "130209", id="a district after its city, both short"),
        pytest.param("河北省唐山市曹妃甸区", "130209", id="with the province"),
        pytest.param("河北 唐山 曹妃甸", "130209", id="with spaces"),
        pytest.param("石家庄市桥西区", "130104", id="桥西 in 石家庄"),
        pytest.param("张家口桥西", "130703", id="桥西 in 张家口"),
        pytest.param("承德", "130800", id="the city before the county of the same name"),
        pytest.param("承德县", "130821", id="the county when it is named"),
        pytest.param("沧县", "130921", id="a county of one character"),
        pytest.param("青龙", "130321", id="an autonomous county by its short name"),
        pytest.param("石家庄市桥西区中山西路108号", "130104", id="an address"),
        pytest.param("廊坊市演示化工有限公司", "131000", id="a firm named after its city"),
        pytest.param("河北", "130000", id="the province"),
    ],
)
def test_a_region_is_found_by(text, code):
    assert gazetteer.find(text).code == code


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("桥西区", id="a district of two cities"),
        pytest.param("新华", id="another of two"),
        pytest.param("郑州市", id="a city of another province"),
        pytest.param("110101", id="a code of another province"),
        pytest.param("沧", id="one character"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_not_there_or_not_clear_is_not_guessed(text):
    assert gazetteer.find(text) is None


@pytest.mark.parametrize("row", gazetteer.rows(), ids=lambda row: row.code)
def test_every_region_is_found_by_its_own_full_name_and_code(row):
    assert gazetteer.find(row.full_name) == row
    assert gazetteer.find(row.code) == row


def test_a_place_is_near_the_county_whose_seat_is_nearest():
    assert gazetteer.nearest_county(Point(38.146, 114.57)).name == "正定县"
    assert gazetteer.nearest_county(Point(31.23, 121.47)) is None
