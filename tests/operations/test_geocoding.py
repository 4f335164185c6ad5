"""From an address to a place: the best of what is known, how good it is, and what a provider's failures do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.management import CommandError, call_command
from geopy.exc import GeocoderQuotaExceeded

from contracts.models import Enterprise
from coordination.config import environment
from ground import geocoding
from ground.geocoding import Amap, Baidu, Located, Tianditu, locate
from ground.models import AuditEntry, GeocodedAddress, Precision
from ground.places import Datum, Point, WrongCoordinates, degrees_in
from tests.factories import an_enterprise
from tests.moments import NOON

pytestmark = pytest.mark.django_db

# A gate in 曹妃甸, and how 百度 and 高德 write it.
GATE = Point(39.2123, 118.4567)
ADDRESS = "唐山市曹妃甸区新城大街88号"


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    monkeypatch.setattr(geocoding, "bucket", geocoding.Bucket(a_second=10_000))


class Known:
    """A provider that finds the gate, or fails."""

    name, datum = "known", Datum.BD09

    def __init__(self, *, fails: Exception | None = None, finds: bool = True) -> None:
        self.fails, self.finds, self.asked = fails, finds, []

    def find(self, address: str) -> tuple[float, float, str] | None:
        self.asked.append(address)
        if self.fails:
            raise self.fails
        return (*degrees_in(self.datum, GATE), "门址") if self.finds else None


def metres(found: Located | None, place: Point) -> float:
    assert found is not None
    return found.point.km_to(place) * 1000


def test_coordinates_need_nobody():
    found = locate("118.4567, 39.2123", at=NOON)

    assert found == Located(GATE, Precision.EXACT, "coordinates")
    with pytest.raises(WrongCoordinates):
        locate("118.4567, 239.2", at=NOON)


def test_a_provider_is_asked_once_and_its_datum_is_brought_home():
    provider = Known()

    first = locate(ADDRESS, provider=provider, at=NOON)
    again = locate("唐山市 曹妃甸区 新城大街８８号（东门）", provider=provider, at=NOON)

    assert metres(first, GATE) < 1
    assert (first.precision, first.source) == (Precision.ADDRESS, "known")
    assert again == first and len(provider.asked) == 1
    assert GeocodedAddress.objects.get().given_in == "bd09"


def test_without_a_provider_the_county_stands_for_the_address_and_says_so():
    found = locate(ADDRESS, at=NOON)

    assert (found.precision, found.source) == (Precision.COUNTY, "gazetteer")
    assert locate("唐山市", at=NOON).precision == Precision.CITY
    assert locate("河北省", at=NOON) is None
    assert locate("不知何处", at=NOON) is None
    assert locate("", at=NOON) is None


def test_what_a_provider_does_not_find_falls_back_to_the_county():
    assert locate(ADDRESS, provider=Known(finds=False), at=NOON).source == "gazetteer"


def test_a_spent_quota_is_said_and_never_taken_for_not_found():
    with pytest.raises(geocoding.QuotaSpent, match="配额已用完"):
        locate(ADDRESS, provider=Known(fails=GeocoderQuotaExceeded("over")), at=NOON)
    assert not GeocodedAddress.objects.exists()


@pytest.mark.parametrize("failure", [KeyError("location"), ValueError("no number"), TypeError("None")])
def test_an_answer_of_another_shape_is_said(failure):
    with pytest.raises(geocoding.ProviderFailed):
        locate(ADDRESS, provider=Known(fails=failure), at=NOON)


# --- the small geocoders, over a real socket ----------------------------------------------------------


@pytest.fixture
def service() -> Iterator[Any]:
    class Handler(BaseHTTPRequestHandler):
        said: dict[str, Any] = {}
        asked: list[str] = []

        def do_GET(self) -> None:
            Handler.asked.append(unquote(self.path))
            body = json.dumps(Handler.said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    Handler.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.domain = f"127.0.0.1:{server.server_address[1]}"
    yield Handler
    server.shutdown()
    server.server_close()


def test_amap_gives_the_first_place_it_names(service):
    service.said = {"status": "1", "geocodes": [{"location": "118.461,39.213", "level": "门址"}]}

    found = Amap("KEY", domain=service.domain, scheme="http").geocode(ADDRESS)

    assert (found.latitude, found.longitude, found.address) == (39.213, 118.461, "门址")
    assert "曹妃甸" in service.asked[0] and "key=KEY" in service.asked[0]


@pytest.mark.parametrize("infocode", ["10003", "10044", "10019"])
def test_amap_s_spent_quota_is_a_spent_quota(service, infocode):
    service.said = {"status": "0", "info": "DAILY_QUERY_OVER_LIMIT", "infocode": infocode}

    with pytest.raises(GeocoderQuotaExceeded):
        Amap("KEY", domain=service.domain, scheme="http").geocode(ADDRESS)


def test_tianditu_gives_its_place_and_nothing_for_nothing(service):
    tianditu = Tianditu("KEY", domain=service.domain, scheme="http")

    service.said = {"status": "0", "location": {"lon": "118.4567", "lat": 39.2123, "level": "门址"}}
    found = tianditu.geocode(ADDRESS)
    service.said = {"status": "101", "msg": "无结果"}

    assert (found.latitude, found.longitude) == (39.2123, 118.4567)
    assert tianditu.geocode(ADDRESS) is None


def test_baidu_by_geopy_s_own_class_is_taken_as_bd09():
    assert Baidu("KEY").datum is Datum.BD09


# --- the command ----------------------------------------------------------------------------------


def at_the_seat(name: str, address: str = "新城大街 88 号") -> Enterprise:
    firm = an_enterprise(name, address=address)
    Enterprise.objects.filter(pk=firm.pk).update(precision=Precision.COUNTY)
    return firm


def test_enterprises_at_a_county_s_seat_are_put_where_their_address_is(monkeypatch, capsys):
    provider = Known()
    monkeypatch.setattr(geocoding, "installed", lambda: provider)
    firm = at_the_seat("冀润冷链公司")
    given = an_enterprise("渤海化工", precision=Precision.EXACT)

    call_command("geocode_enterprises")

    firm.refresh_from_db()
    assert Point(firm.latitude, firm.longitude).km_to(GATE) < 0.001
    assert firm.precision == Precision.ADDRESS
    assert provider.asked == ["唐山市曹妃甸区新城大街88号"]
    assert Enterprise.objects.get(pk=given.pk).latitude == given.latitude
    assert AuditEntry.objects.get(action="enterprise.place").details["source"] == "known"
    assert "查询 1，定位 1" in capsys.readouterr().out


def test_it_stops_at_a_spent_quota_and_says_so(monkeypatch):
    monkeypatch.setattr(geocoding, "installed", lambda: Known(fails=GeocoderQuotaExceeded("over")))
    at_the_seat("冀润冷链公司")

    with pytest.raises(CommandError, match="配额已用完"):
        call_command("geocode_enterprises")


def test_without_a_geocoder_it_says_what_to_set():
    with pytest.raises(CommandError, match="MUSTER_GEOCODER"):
        call_command("geocode_enterprises")


@pytest.mark.parametrize("said", ["baidu", "google KEY", "amap a-b", ""])
def test_a_nonsensical_setting_is_refused(said):
    with pytest.raises(environment.Nonsense):
        environment.geocoder(said)


@pytest.mark.parametrize("kind", ["baidu", "amap", "tianditu"])
def test_each_provider_can_be_set(settings, kind):
    settings.GEOCODER = environment.geocoder(f"{kind} 0a1b2c")

    assert geocoding.installed().name == kind
