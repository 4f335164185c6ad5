"""From an address to a place: coordinates, what was found before, a provider of the installation's, the county.

The only module that talks to a geocoder. Providers are slow, metered and reached over the network, so they are
asked by commands, never while somebody waits for a page. How good a place is always goes with it.
"""

from __future__ import annotations

import json
import re
import threading
import time
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import redis
from django.conf import settings
from geopy.exc import (
    GeocoderAuthenticationFailure,
    GeocoderInsufficientPrivileges,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeocoderServiceError,
    GeopyError,
)
from geopy.geocoders import BaiduV3
from geopy.geocoders.base import Geocoder
from geopy.location import Location

from ground import gazetteer
from ground.gazetteer import RegionRow
from ground.mistakes import Refused
from ground.models import GeocodedAddress, Precision
from ground.places import Datum, Point, is_in_china, parse_point, point_from
from ground.terms import Term

# The default of geopy, one second, is too short for these services.
ANSWER_WITHIN_SECONDS: Final = 8
CALLS_A_SECOND: Final = 2.0
# A service that says "too fast" is asked again so often, after a pause; somebody else may be using the key.
TRIES: Final = 3
PAUSE_SECONDS: Final = 1.5
# What was not found, or only roughly, is asked for again after so long: maps grow.
ASKED_AGAIN_AFTER: Final = timedelta(days=90)
# Farther from its county's or city's seat than this, what was found is a namesake somewhere else.
FARTHEST_KM: Final = {"county": 120.0, "city": 250.0, "province": 700.0}


class Source(Term):
    COORDINATES = "coordinates", "填写的坐标", "coordinates as given"
    GAZETTEER = "gazetteer", "县市驻地", "county or city seat"
    BAIDU = "baidu", "百度地图", "Baidu Maps"
    AMAP = "amap", "高德地图", "AMap"
    TIANDITU = "tianditu", "天地图", "Tianditu"


@dataclass(frozen=True, slots=True)
class Located:
    """A place, how good it is and where it comes from."""

    point: Point
    precision: Precision
    source: Source


class ProviderFailed(Refused):
    """The provider gave no answer that can be used. What was not answered is not the same as not found."""


class KeyRefused(ProviderFailed):
    """The provider does not take the installation's key."""


class QuotaSpent(ProviderFailed):
    """The provider takes no more today."""


class Provider(Protocol):
    """A geocoder that answers in one of the datums of Chinese maps."""

    @property
    def source(self) -> Source: ...
    @property
    def datum(self) -> Datum: ...

    def find(self, address: str) -> tuple[float, float, str] | None:
        """Return latitude, longitude and how exactly it was found, in the provider's words; None if not at all.

        :raises geopy.exc.GeopyError: whatever else becomes of it.
        """


def locate(
    address: str, *, region: str = "", provider: Provider | None = None, at: datetime
) -> Located | None:
    """Return where an address is: the best of what is known, None if nothing is.

    `region` is the code of the county or city that it is said to be in. Without a provider nothing is asked
    over the network.

    :raises WrongCoordinates: if it is meant as coordinates and is none.
    :raises ProviderFailed: if the provider was asked in vain; QuotaSpent and KeyRefused hold for every address.
    """
    if _looks_like_coordinates(address):
        return Located(parse_point(address), Precision.EXACT, Source.COORDINATES)
    said = gazetteer.by_code(region) if region else None
    whole = normalised(address, said)
    area = said or gazetteer.find(whole)
    if whole:
        row = GeocodedAddress.objects.filter(address=whole).first()
        if provider and not _is_settled(row, provider, at):
            row = _ask(provider, whole, area, at=at)
        if row and (known := _located(row)):
            return known
    if area is None or area.level == "province":
        return None
    return Located(
        area.point, Precision.COUNTY if area.level == "county" else Precision.CITY, Source.GAZETTEER
    )


def normalised(address: str, region: RegionRow | None = None) -> str:
    """Return an address as it is asked for and compared: without blanks and brackets, its city and county before it."""
    plain = re.sub(r"\s+|[（(].*?[)）]", "", unicodedata.normalize("NFKC", address))
    if plain and region:
        if region.name not in plain:
            plain = region.full_name + plain
        elif region.level == "county" and plain.startswith(region.name):
            # 桥西区 alone may be in 石家庄 or in 张家口.
            plain = region.parent_name + plain
    return plain[:200]


_COORDINATES = re.compile(
    r"(?:东经|西经|北纬|南纬|经度|纬度|longitude|latitude|lng|lon|lat|[EWNS度分秒\d\s.,、;/:=+\-°'\"′″’”()\[\]])+",
    re.IGNORECASE,
)


def _looks_like_coordinates(address: str) -> bool:
    plain = unicodedata.normalize("NFKC", address)
    return bool(_COORDINATES.fullmatch(plain)) and len(re.findall(r"[\d.]+", plain)) > 1


# --- what was found before ------------------------------------------------------------------------

# What is larger than a site. A road or a village may be ten kilometres long, so it is told as no better than
# the county; and so is what a provider gives no word for.
COARSE: Final = frozenset(
    ["", "未知", "UNKNOWN", "区县", "区", "县", "开发区", "乡镇", "乡", "镇", "街道", "村庄", "村", "行政村"]
    + ["道路", "路", "商圈", "热点商圈", "行政区划"]
)
CITIES: Final = frozenset(["城市", "市", "地级市"])
USELESS: Final = frozenset(["国家", "省", "省份", "直辖市"])


def _is_settled(row: GeocodedAddress | None, provider: Provider, at: datetime) -> bool:
    """Say whether asking this provider would only cost a call."""
    if row is None:
        return False
    known = _located(row)
    if known and known.precision is Precision.ADDRESS:
        return True
    return row.provider == provider.source and at - row.found_at < ASKED_AGAIN_AFTER


def _located(row: GeocodedAddress) -> Located | None:
    if row.latitude is None or row.longitude is None or row.level in USELESS:
        return None
    if row.level in CITIES:
        precision = Precision.CITY
    else:
        precision = Precision.COUNTY if row.level in COARSE else Precision.ADDRESS
    return Located(Point(row.latitude, row.longitude), precision, Source(row.provider))


def _ask(provider: Provider, whole: str, area: RegionRow | None, *, at: datetime) -> GeocodedAddress:
    """Ask the provider, and keep what it says, also that it does not know."""
    found = _found(provider, whole)
    point, level = found or (None, "")
    if point and area and point.km_to(area.point) > FARTHEST_KM[area.level]:
        point = None
    row, _ = GeocodedAddress.objects.update_or_create(
        address=whole,
        defaults={
            "latitude": point.latitude if point else None,
            "longitude": point.longitude if point else None,
            "given_in": provider.datum.value,
            "provider": provider.source.value,
            "level": level[:40],
            "found_at": at,
        },
    )
    return row


def _found(provider: Provider, whole: str) -> tuple[Point, str] | None:
    name = provider.source
    try:
        found = _in_turn(provider, whole)
        if found is None:
            return None
        point = point_from(found[0], found[1], provider.datum)
        if not is_in_china(point.latitude, point.longitude):
            # geopy reads a place of nulls as zero degrees north and east.
            raise ValueError(f"{point} is not in China")
        return point, found[2]
    except GeocoderRateLimited as fast:
        raise ProviderFailed(
            f"{name.zh}说请求太快。请过几分钟再试，并确认没有别的程序在用同一个密钥。",
            f"{name.en} says that it is asked too fast. Try again in some minutes, and make sure that nobody "
            "else uses the key.",
        ) from fast
    except GeocoderQuotaExceeded as spent:
        raise QuotaSpent(
            f"{name.zh}今天的配额已用完，还没有查询的地址保持原样。请明天再试，或换一个服务商。",
            f"The quota of {name.en} is spent; addresses that were not asked for stay as they are. "
            "Try again tomorrow, or use another provider.",
        ) from spent
    except (GeocoderAuthenticationFailure, GeocoderInsufficientPrivileges) as refused:
        raise KeyRefused(
            f"{name.zh}不接受密钥（{refused}）。请核对 MUSTER_GEOCODER 里的密钥，它须开通“Web 服务”，"
            "并允许本机的网络地址。",
            f"{name.en} refuses the key ({refused}). Check the key in MUSTER_GEOCODER: it must be for the web "
            "service and allow this machine's address.",
        ) from refused
    except (
        GeopyError,
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
        ArithmeticError,
        OSError,
    ) as error:
        # Whatever shape the answer had: geopy's own reading of it raises all of these.
        raise ProviderFailed(
            f"{name.zh}没有给出可用的答复（{type(error).__name__}）。请核对网络后再试。",
            f"{name.en} gave no answer that can be used ({type(error).__name__}). Check the network, try again.",
        ) from error


def _in_turn(provider: Provider, whole: str) -> tuple[float, float, str] | None:
    # Not by geopy's RateLimiter: it makes None of a spent quota, and knows of no other process.
    for _ in range(TRIES - 1):
        bucket.take()
        try:
            return provider.find(whole)
        except GeocoderRateLimited:
            time.sleep(PAUSE_SECONDS)
    bucket.take()
    return provider.find(whole)


# --- providers ------------------------------------------------------------------------------------
# Written from the vendors' documentation and not checked against the services themselves.


class Baidu(BaiduV3):  # type: ignore[misc]  # geopy has no types
    """百度, by geopy's own class. It answers in BD-09 and cannot be told otherwise."""

    def __init__(self, key: str, *, domain: str = "api.map.baidu.com", scheme: str | None = None) -> None:
        super().__init__(key, scheme=scheme, timeout=ANSWER_WITHIN_SECONDS)
        self.api = f"{self.scheme}://{domain}{self.api_path}"

    def _parse_json(self, page: dict[str, Any], exactly_one: bool = True) -> Location | None:
        status, why = page.get("status"), str(page.get("msg") or page.get("message"))
        if status == 1 and "无相关结果" in why:
            # What it does not find, it calls an error of its own.
            return None
        # These two geopy takes for a spent quota and for a wrong question.
        if status in (401, 402):
            raise GeocoderRateLimited(why)
        if status == 5:
            raise GeocoderAuthenticationFailure(why)
        found: Location | None = super()._parse_json(page, exactly_one)
        return found


class Amap(Geocoder):  # type: ignore[misc]
    """高德, in GCJ-02."""

    SPENT = frozenset({"10003", "10010", "10044", "10045"})
    TOO_FAST = frozenset({"10004", "10014", "10019", "10020", "10021", "10029"})
    KEY = frozenset(
        {"10001", "10002", "10005", "10006", "10007", "10008", "10009", "10011", "10012", "10013"}
    )

    def __init__(self, key: str, *, domain: str = "restapi.amap.com", scheme: str | None = None) -> None:
        super().__init__(scheme=scheme, timeout=ANSWER_WITHIN_SECONDS)
        self._base = f"{self.scheme}://{domain}/v3/geocode/geo"
        self._key = key

    def geocode(self, query: str) -> Location | None:
        asked = urlencode({"key": self._key, "address": query})
        return self._call_geocoder(f"{self._base}?{asked}", self._parsed)

    def _parsed(self, said: dict[str, Any]) -> Location | None:
        code, why = str(said.get("infocode")), str(said.get("info"))
        if said.get("status") != "1":
            if code.startswith("3"):
                # The engine makes nothing of this address; the next one may be better.
                return None
            for codes, error in (
                (self.SPENT, GeocoderQuotaExceeded),
                (self.TOO_FAST, GeocoderRateLimited),
                (self.KEY, GeocoderAuthenticationFailure),
            ):
                if code in codes:
                    raise error(f"{why} {code}")
            raise GeocoderServiceError(f"{why} {code}")
        if not said["geocodes"]:
            return None
        first = said["geocodes"][0]
        longitude, latitude = (float(part) for part in first["location"].split(","))
        return Location(str(first.get("level") or ""), (latitude, longitude), first)


class Tianditu(Geocoder):  # type: ignore[misc]
    """天地图, in CGCS2000, which is WGS-84 to the centimetre."""

    def __init__(self, key: str, *, domain: str = "api.tianditu.gov.cn", scheme: str | None = None) -> None:
        super().__init__(scheme=scheme, timeout=ANSWER_WITHIN_SECONDS)
        self._base = f"{self.scheme}://{domain}/geocoder"
        self._key = key

    def geocode(self, query: str) -> Location | None:
        asked = urlencode({"ds": json.dumps({"keyWord": query}, ensure_ascii=False), "tk": self._key})
        return self._call_geocoder(f"{self._base}?{asked}", self._parsed)

    @staticmethod
    def _parsed(said: dict[str, Any]) -> Location | None:
        status = str(said.get("status", said.get("code")))
        why = f"{said.get('msg')} {status}"
        if status == "101" or (status == "0" and not said.get("location")):
            return None
        if status != "0":
            # There is no list of its codes; the words say which kind it is.
            for signs, error in (
                (("配额", "超限", "上限", "quota"), GeocoderQuotaExceeded),
                (("429", "频", "too fast", "too many"), GeocoderRateLimited),
                (("权限", "key", "密钥"), GeocoderAuthenticationFailure),
            ):
                if any(sign in why.lower() for sign in signs):
                    raise error(why)
            raise GeocoderServiceError(why)
        place = said["location"]
        return Location(str(place.get("level") or ""), (float(place["lat"]), float(place["lon"])), place)


@dataclass(frozen=True, slots=True)
class Service:
    """One of the geocoders above under its name, with the datum that it answers in."""

    source: Source
    datum: Datum
    geocoder: Geocoder

    def find(self, address: str) -> tuple[float, float, str] | None:
        found = self.geocoder.geocode(address)
        # The `address` of what was found is where the classes above, as geopy's own, put the level.
        return (found.latitude, found.longitude, str(found.address or "")) if found else None


def installed() -> Provider | None:
    """Return the provider that the settings name, or None."""
    kind, _, key = settings.GEOCODER.partition(" ")
    match kind:
        case "baidu":
            return Service(Source.BAIDU, Datum.BD09, Baidu(key))
        case "amap":
            return Service(Source.AMAP, Datum.GCJ02, Amap(key))
        case "tianditu":
            return Service(Source.TIANDITU, Datum.CGCS2000, Tianditu(key))
        case _:
            return None


# --- not too fast ---------------------------------------------------------------------------------


class Bucket:
    """So many calls a second over all processes when there is Redis, otherwise over this one."""

    def __init__(self, a_second: float = CALLS_A_SECOND) -> None:
        self._apart = 1 / a_second
        self._lock = threading.Lock()
        self._next = 0.0

    def take(self) -> None:
        """Wait for one's turn."""
        if settings.REDIS_URL and self._taken_together():
            return
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._apart
        time.sleep(max(0.0, turn - now))

    def _taken_together(self) -> bool:
        """Wait for a turn that no other process has; False if Redis does not answer."""
        apart_ms = max(1, round(1000 * self._apart))
        try:
            with redis.Redis.from_url(settings.REDIS_URL, **settings.REDIS_OPTIONS) as server:
                while not server.set("muster:geocoding:turn", 1, px=apart_ms, nx=True):
                    time.sleep(self._apart / 4)
        except redis.RedisError:
            return False
        return True


bucket = Bucket()
