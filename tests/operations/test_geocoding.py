"""From an address to a place: the best of what is known, how good it is, and what a provider's failures do."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from geopy.exc import GeocoderAuthenticationFailure, GeocoderQuotaExceeded, GeocoderRateLimited

from contracts.models import Enterprise
from coordination.config import environment
from ground import gazetteer, geocoding
from ground.geocoding import (
    Amap,
    Baidu,
    Bucket,
    KeyRefused,
    Located,
    ProviderFailed,
    QuotaSpent,
    Service,
    Source,
    Tianditu,
    locate,
)
from ground.models import AuditEntry, GeocodedAddress, Precision
from ground.places import Datum, Point, WrongCoordinates, degrees_in
from tests.factories import an_enterprise
from tests.moments import NOON

pytestmark = pytest.mark.django_db

# A gate in 曹妃甸, and its address.
GATE = Point(39.2123, 118.4567)
ADDRESS = "唐山市曹妃甸区新城大街88号"
CAOFEIDIAN = "130209"


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    monkeypatch.setattr(geocoding, "bucket", Bucket(a_second=10_000))
    monkeypatch.setattr(geocoding, "PAUSE_SECONDS", 0.001)


class Known:
    """A provider that finds the gate; or something else, nothing, or fails."""

    source, datum = Source.BAIDU, Datum.BD09

    def __init__(
        self, *, at: Point | None = GATE, level: str = "门址", fails: Exception | None = None, times: int = 99
    ) -> None:
        self.at, self.level, self.fails, self.times = at, level, fails, times
        self.asked: list[str] = []

    def find(self, address: str) -> tuple[float, float, str] | None:
        self.asked.append(address)
        if self.fails and len(self.asked) <= self.times:
            raise self.fails
        return (*degrees_in(self.datum, self.at), self.level) if self.at else None


def metres(found: Located | None, place: Point) -> float:
    assert found is not None
    return found.point.km_to(place) * 1000


# --- the ladder -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "118.4567, 39.2123",
        "118.4567 39.2123",
        "（118.4567，39.2123）",
        "北纬39.2123 东经118.4567",
        "E 118.4567, N 39.2123",
    ],
)
def test_coordinates_need_nobody(typed):
    provider = Known()

    assert locate(typed, provider=provider, at=NOON) == Located(GATE, Precision.EXACT, Source.COORDINATES)
    assert provider.asked == []


def test_coordinates_that_are_none_are_refused_not_looked_up():
    with pytest.raises(WrongCoordinates):
        locate("118.4567, 239.2", at=NOON)


@pytest.mark.parametrize("address", ["新城大街88-12号", "G4 K100", "88 Xincheng Road", "130209"])
def test_numbers_in_an_address_do_not_make_it_coordinates(address):
    assert locate(address, region=CAOFEIDIAN, at=NOON).source is Source.GAZETTEER


def test_a_provider_is_asked_once_and_its_datum_is_brought_home():
    provider = Known()

    first = locate(ADDRESS, provider=provider, at=NOON)
    again = locate("唐山市 曹妃甸区 新城大街８８号（东门）", provider=provider, at=NOON)

    assert metres(first, GATE) < 1
    assert (first.precision, first.source) == (Precision.ADDRESS, Source.BAIDU)
    assert again == first and len(provider.asked) == 1
    assert GeocodedAddress.objects.get().given_in == "bd09"


def test_what_was_found_before_serves_without_a_provider():
    locate(ADDRESS, provider=Known(), at=NOON)

    assert locate(ADDRESS, at=NOON).source is Source.BAIDU


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        pytest.param("新城大街88号", ADDRESS, id="without a region"),
        pytest.param("曹妃甸区新城大街88号", ADDRESS, id="without the city"),
        pytest.param(ADDRESS, ADDRESS, id="whole"),
    ],
)
def test_the_region_that_an_address_is_in_is_asked_with_it(typed, asked):
    provider = Known()

    locate(typed, region=CAOFEIDIAN, provider=provider, at=NOON)

    assert provider.asked == [asked]


def test_without_a_provider_the_county_stands_for_the_address_and_says_so():
    found = locate(ADDRESS, at=NOON)

    assert (found.precision, found.source) == (Precision.COUNTY, Source.GAZETTEER)
    assert locate("某路1号", region="130200", at=NOON).precision is Precision.CITY
    assert locate("唐山市", at=NOON).precision is Precision.CITY
    assert locate("河北省", at=NOON) is None
    assert locate("不知何处", at=NOON) is None
    assert locate("", at=NOON) is None


# --- how good it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "precision"),
    [
        pytest.param("门牌号", Precision.ADDRESS, id="a house"),
        pytest.param("兴趣点", Precision.ADDRESS, id="a known site"),
        pytest.param("道路", Precision.COUNTY, id="a road, which may be ten kilometres long"),
        pytest.param("村庄", Precision.COUNTY, id="a village"),
        pytest.param("区县", Precision.COUNTY, id="only the county"),
        pytest.param("未知", Precision.COUNTY, id="it cannot say how exactly"),
        pytest.param("", Precision.COUNTY, id="it does not say how exactly"),
        pytest.param("城市", Precision.CITY, id="only the city"),
    ],
)
def test_a_rough_answer_is_never_told_as_an_address(level, precision):
    assert locate(ADDRESS, provider=Known(level=level), at=NOON).precision is precision


def test_a_province_is_worse_than_the_county_that_the_address_names():
    found = locate(ADDRESS, provider=Known(level="省"), at=NOON)

    assert (found.precision, found.source) == (Precision.COUNTY, Source.GAZETTEER)


def test_a_namesake_in_another_part_of_the_country_is_not_taken():
    xincheng_street_in_zhangjiakou = Point(40.82, 114.88)

    found = locate(ADDRESS, provider=Known(at=xincheng_street_in_zhangjiakou), at=NOON)

    assert found.source is Source.GAZETTEER
    assert metres(found, gazetteer.by_code(CAOFEIDIAN).point) == 0


# --- not found ------------------------------------------------------------------------------------


def test_what_a_provider_does_not_find_falls_back_to_the_county_and_is_not_asked_again_for_a_season():
    provider = Known(at=None)

    assert locate(ADDRESS, provider=provider, at=NOON).source is Source.GAZETTEER
    assert locate(ADDRESS, provider=provider, at=NOON + timedelta(days=89)).source is Source.GAZETTEER
    assert len(provider.asked) == 1

    provider.at = GATE
    assert locate(ADDRESS, provider=provider, at=NOON + timedelta(days=91)).source is Source.BAIDU


def test_another_provider_is_asked_for_what_the_first_did_not_find():
    locate(ADDRESS, provider=Known(at=None), at=NOON)
    amap = Known()
    amap.source, amap.datum = Source.AMAP, Datum.GCJ02

    found = locate(ADDRESS, provider=amap, at=NOON)

    assert found.source is Source.AMAP
    assert metres(found, GATE) < 1


# --- failures -------------------------------------------------------------------------------------


def test_a_spent_quota_is_said_and_never_taken_for_not_found():
    with pytest.raises(QuotaSpent, match="百度地图今天的配额已用完"):
        locate(ADDRESS, provider=Known(fails=GeocoderQuotaExceeded("over")), at=NOON)
    assert not GeocodedAddress.objects.exists()


def test_a_spent_quota_is_not_asked_again():
    provider = Known(fails=GeocoderQuotaExceeded("over"))

    with pytest.raises(QuotaSpent):
        locate(ADDRESS, provider=provider, at=NOON)
    assert len(provider.asked) == 1


def test_too_fast_is_no_spent_quota_and_is_tried_again():
    provider = Known(fails=GeocoderRateLimited("slow down"), times=2)

    assert locate(ADDRESS, provider=provider, at=NOON).source is Source.BAIDU
    assert len(provider.asked) == 3


def test_too_fast_again_and_again_is_said():
    with pytest.raises(ProviderFailed, match="请求太快") as failed:
        locate(ADDRESS, provider=Known(fails=GeocoderRateLimited("slow down")), at=NOON)
    assert not isinstance(failed.value, QuotaSpent)


@pytest.mark.parametrize(
    "failure",
    [KeyError("location"), ValueError("no number"), TypeError("None"), AttributeError("split"), IndexError()],
)
def test_an_answer_of_another_shape_is_said(failure):
    with pytest.raises(ProviderFailed):
        locate(ADDRESS, provider=Known(fails=failure), at=NOON)


# --- the geocoders, over a real socket ------------------------------------------------------------


class Fake:
    """A service on this machine that says what it is told to; `asked` are the questions."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.status, self.said = 200, b""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.asked.append(parse_qs(urlsplit(self.path).query))
                self.send_response(fake.status)
                self.send_header("Content-Length", str(len(fake.said)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(fake.said)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.domain = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def says(self, said: Any, status: int = 200) -> None:
        self.status = status
        self.said = said if isinstance(said, bytes) else json.dumps(said).encode()


@pytest.fixture
def fake() -> Iterator[Fake]:
    one = Fake()
    yield one
    one.server.shutdown()
    one.server.server_close()


def baidu(fake: Fake) -> Service:
    return Service(Source.BAIDU, Datum.BD09, Baidu("KEY", domain=fake.domain, scheme="http"))


def amap(fake: Fake) -> Service:
    return Service(Source.AMAP, Datum.GCJ02, Amap("KEY", domain=fake.domain, scheme="http"))


def tianditu(fake: Fake) -> Service:
    return Service(Source.TIANDITU, Datum.CGCS2000, Tianditu("KEY", domain=fake.domain, scheme="http"))


ALL = [baidu, amap, tianditu]


def said_by(make: Callable[[Fake], Service], latitude: Any, longitude: Any, level: str) -> dict[str, Any]:
    return {
        baidu: {"status": 0, "result": {"location": {"lng": longitude, "lat": latitude}, "level": level}},
        amap: {
            "status": "1",
            "infocode": "10000",
            "geocodes": [{"location": f"{longitude},{latitude}", "level": level}],
        },
        tianditu: {
            "status": "0",
            "msg": "ok",
            "location": {"lon": str(longitude), "lat": latitude, "level": level},
        },
    }[make]


@pytest.mark.parametrize("make", ALL)
def test_each_service_s_answer_is_brought_home_from_its_own_datum(fake, make):
    service = make(fake)
    fake.says(said_by(make, *degrees_in(service.datum, GATE), "门址"))

    found = locate(ADDRESS, provider=service, at=NOON)

    assert metres(found, GATE) < 1
    assert (found.precision, found.source) == (Precision.ADDRESS, service.source)
    (asked,) = fake.asked
    assert ADDRESS in next(iter(asked.get("address") or asked["ds"]))
    assert "KEY" in str(asked)


@pytest.mark.parametrize("make", ALL)
def test_a_quotation_mark_in_an_address_breaks_no_question(fake, make):
    fake.says(said_by(make, *degrees_in(make(fake).datum, GATE), "门址"))

    locate('唐山市曹妃甸区"新城"大街', provider=make(fake), at=NOON)

    if make is tianditu:
        assert json.loads(fake.asked[0]["ds"][0]) == {"keyWord": '唐山市曹妃甸区"新城"大街'}
    else:
        assert fake.asked[0]["address"] == ['唐山市曹妃甸区"新城"大街']


NOT_FOUND = [
    pytest.param(baidu, {"status": 0, "result": []}, id="百度: nothing"),
    pytest.param(baidu, {"status": 1, "msg": "Internal Service Error:无相关结果"}, id="百度: by its error"),
    pytest.param(amap, {"status": "1", "infocode": "10000", "geocodes": []}, id="高德: nothing"),
    pytest.param(
        amap, {"status": "0", "info": "ENGINE_RESPONSE_DATA_ERROR", "infocode": "30001"}, id="高德: no sense"
    ),
    pytest.param(tianditu, {"status": "101", "msg": "无结果"}, id="天地图: nothing"),
    pytest.param(tianditu, {"status": "0", "msg": "ok"}, id="天地图: no place"),
]


@pytest.mark.parametrize(("make", "said"), NOT_FOUND)
def test_not_found_is_not_found(fake, make, said):
    fake.says(said)

    assert locate(ADDRESS, provider=make(fake), at=NOON).source is Source.GAZETTEER
    assert GeocodedAddress.objects.get().latitude is None


def refused(code: str) -> dict[str, str]:
    return {"status": "0", "info": "REFUSED", "infocode": code}


REFUSALS = [
    pytest.param(baidu, {"status": 4, "msg": "quota"}, QuotaSpent, id="百度: the day's quota"),
    pytest.param(baidu, {"status": 302, "msg": "天配额超限"}, QuotaSpent, id="百度: the day's quota, again"),
    pytest.param(baidu, {"status": 401, "msg": "并发"}, ProviderFailed, id="百度: too fast"),
    pytest.param(baidu, {"status": 5, "msg": "ak"}, KeyRefused, id="百度: no such key"),
    pytest.param(baidu, {"status": 210, "msg": "IP"}, KeyRefused, id="百度: another address"),
    pytest.param(baidu, {"status": 9, "msg": "denied"}, ProviderFailed, id="百度: a status not listed"),
    pytest.param(amap, refused("10003"), QuotaSpent, id="高德: the day's quota"),
    pytest.param(amap, refused("10044"), QuotaSpent, id="高德: the account's quota"),
    pytest.param(amap, refused("10021"), ProviderFailed, id="高德: too fast"),
    pytest.param(amap, refused("10001"), KeyRefused, id="高德: no such key"),
    pytest.param(amap, refused("10009"), KeyRefused, id="高德: a key of another kind"),
    pytest.param(amap, refused("20000"), ProviderFailed, id="高德: a code not listed"),
    pytest.param(tianditu, {"code": 301, "msg": "超出每日配额"}, QuotaSpent, id="天地图: quota"),
    pytest.param(
        tianditu, {"code": 301012, "msg": "权限类型错误"}, KeyRefused, id="天地图: a key of another kind"
    ),
    pytest.param(tianditu, {"status": "429", "msg": "too fast"}, ProviderFailed, id="天地图: too fast"),
    pytest.param(tianditu, {"status": "404", "msg": "出错"}, ProviderFailed, id="天地图: an error"),
]


@pytest.mark.parametrize(("make", "said", "mistake"), REFUSALS)
def test_each_refusal_is_told_for_what_it_is(fake, make, said, mistake):
    fake.says(said)

    with pytest.raises(ProviderFailed) as failed:
        locate(ADDRESS, provider=make(fake), at=NOON)

    assert type(failed.value) is mistake
    assert not GeocodedAddress.objects.exists()


NONSENSE = [
    pytest.param(make, status, said, id=f"{make.__name__}: {name}")
    for make in ALL
    for status, said, name in [
        (500, b"oops", "an error"),
        (200, b"<html>down for maintenance</html>", "a page"),
        (200, [], "a list"),
        (200, None, "null"),
        (200, {}, "nothing in it"),
        (200, said_by(make, 390.0, 390.0, "门址"), "no place on earth"),
        (200, said_by(make, float("nan"), float("nan"), "门址"), "not a number"),
        (200, said_by(make, "north", "east", "门址"), "words"),
        (200, said_by(make, None, None, "门址"), "nulls"),
    ]
] + [
    pytest.param(amap, 200, {"status": "1", "geocodes": [{"location": []}]}, id="amap: a place of nothing"),
]


@pytest.mark.filterwarnings("ignore:Latitude normalization:UserWarning")  # geopy warns, then refuses
@pytest.mark.parametrize(("make", "status", "said"), NONSENSE)
def test_an_answer_that_is_none_is_said_and_nothing_is_kept(fake, make, status, said):
    fake.says(said, status)

    with pytest.raises(ProviderFailed):
        locate(ADDRESS, provider=make(fake), at=NOON)
    assert not GeocodedAddress.objects.exists()


@pytest.mark.parametrize("make", ALL)
def test_nobody_there_is_said(fake, make):
    service = make(fake)
    fake.server.shutdown()
    fake.server.server_close()

    with pytest.raises(ProviderFailed, match="核对网络"):
        locate(ADDRESS, provider=service, at=NOON)


# --- not too fast ---------------------------------------------------------------------------------


def test_calls_keep_their_distance():
    bucket = Bucket(a_second=20)
    begun = geocoding.time.monotonic()

    for _ in range(4):
        bucket.take()

    assert geocoding.time.monotonic() - begun >= 0.145


@pytest.mark.skipif(not django_settings.REDIS_URL, reason="without Redis there is one process")
def test_two_processes_keep_their_distance_from_each_other():
    one, other = Bucket(a_second=20), Bucket(a_second=20)
    begun = geocoding.time.monotonic()

    for bucket in (one, other, one, other):
        bucket.take()

    assert geocoding.time.monotonic() - begun >= 0.145


def test_without_an_answer_from_redis_each_process_keeps_its_own(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    bucket = Bucket(a_second=20)
    begun = geocoding.time.monotonic()

    for _ in range(2):
        bucket.take()

    assert geocoding.time.monotonic() - begun >= 0.045


# --- the command ----------------------------------------------------------------------------------


def at_the_seat(name: str, address: str = "新城大街 88 号") -> Enterprise:
    firm = an_enterprise(name, address=address)
    Enterprise.objects.filter(pk=firm.pk).update(precision=Precision.COUNTY)
    return firm


@pytest.fixture
def provider(monkeypatch) -> Known:
    one = Known()
    monkeypatch.setattr(geocoding, "installed", lambda: one)
    return one


def test_enterprises_at_a_county_s_seat_are_put_where_their_address_is(provider, capsys):
    firm = at_the_seat("冀润冷链公司")
    given = an_enterprise("渤海化工", precision=Precision.EXACT)

    call_command("geocode_enterprises")

    firm.refresh_from_db()
    assert Point(firm.latitude, firm.longitude).km_to(GATE) < 0.001
    assert firm.precision == Precision.ADDRESS
    assert provider.asked == [ADDRESS]
    assert Enterprise.objects.get(pk=given.pk).latitude == given.latitude
    assert AuditEntry.objects.get(action="enterprise.place").details["source"] == "baidu"
    assert "查询 1，定位 1" in capsys.readouterr().out


def test_an_enterprise_of_which_only_the_road_is_found_stays_at_the_seat_and_is_listed(provider, capsys):
    provider.level = "道路"
    firm = at_the_seat("冀润冷链公司")

    call_command("geocode_enterprises")

    assert Enterprise.objects.get(pk=firm.pk).precision == Precision.COUNTY
    assert "定位 0，未找到 1" in capsys.readouterr().out


def test_a_second_run_goes_on_where_the_first_reached_its_limit(provider):
    provider.at = None
    for number in (1, 2, 3):
        at_the_seat(f"冀润冷链{number}公司", address=f"新城大街{number}号")

    for _ in range(3):
        call_command("geocode_enterprises", limit=1)

    assert [address[-2] for address in provider.asked] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("failure", "calls", "says"),
    [
        pytest.param(GeocoderQuotaExceeded("over"), 1, "配额已用完", id="the quota is spent"),
        pytest.param(GeocoderAuthenticationFailure("no"), 1, "不接受密钥", id="the key is refused"),
        pytest.param(OSError("unreachable"), 3, "没有给出可用的答复", id="three failures in a row"),
    ],
)
def test_it_stops_when_going_on_is_no_use_and_says_why(provider, failure, calls, says, capsys):
    provider.fails = failure
    for number in range(5):
        at_the_seat(f"冀润冷链{number}公司", address=f"新城大街{number}号")

    with pytest.raises(CommandError, match=says):
        call_command("geocode_enterprises")

    assert len(provider.asked) == calls
    assert f"未找到 0，出错 {calls}" in capsys.readouterr().out


def test_without_a_geocoder_it_says_what_to_set():
    with pytest.raises(CommandError, match="MUSTER_GEOCODER"):
        call_command("geocode_enterprises")


# --- the setting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["baidu", "google KEY", "amap a-b", ""])
def test_a_nonsensical_setting_is_refused(said):
    with pytest.raises(environment.Nonsense):
        environment.geocoder(said)


@pytest.mark.parametrize(
    ("kind", "datum"), [("baidu", Datum.BD09), ("amap", Datum.GCJ02), ("tianditu", Datum.CGCS2000)]
)
def test_each_provider_can_be_set_and_is_taken_in_its_datum(settings, kind, datum):
    settings.GEOCODER = environment.geocoder(f"{kind} 0a1b2c")

    assert (geocoding.installed().source, geocoding.installed().datum) == (kind, datum)
