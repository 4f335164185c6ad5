"""From an address to a place: coordinates, what was found before, a provider of the installation's, the county.

The only module that talks to a geocoder. Providers are slow, metered and reached over the network, so they are
asked by commands, never while somebody waits for a page. How good a place is always goes with it.
"""

from __future__ import annotations

import re
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import redis
from django.conf import settings
from geopy.exc import GeocoderQueryError, GeocoderQuotaExceeded, GeopyError
from geopy.geocoders import BaiduV3
from geopy.geocoders.base import Geocoder
from geopy.location import Location

from ground import gazetteer
from ground.mistakes import Refused
from ground.models import GeocodedAddress, Precision
from ground.places import Datum, Point, parse_point, point_from

# The default of geopy, one second, is too short for these services.
ANSWER_WITHIN_SECONDS: Final = 8
CALLS_A_SECOND: Final = 2.0


@dataclass(frozen=True, slots=True)
class Located:
    """A place and how good it is; `source` is a provider's name, "coordinates" or "gazetteer"."""

    point: Point
    precision: Precision
    source: str


class QuotaSpent(Refused):
    """The provider takes no more today. What was not asked is not known, which is not the same as not found."""


class ProviderFailed(Refused):
    """The provider gave no answer that can be used."""


class Provider(Protocol):
    """A geocoder in one of the datums of Chinese maps."""

    name: str
    datum: Datum

    def find(self, address: str) -> tuple[float, float, str] | None:
        """Return latitude, longitude and how exactly it was found, in the provider's words; None if not at all.

        :raises geopy.exc.GeopyError: whatever else becomes of it.
        """


def locate(address: str, *, provider: Provider | None = None, at: datetime) -> Located | None:
    """Return where an address is: the best of what is known, None if nothing is.

    Without a provider nothing is asked over the network.

    :raises WrongCoordinates: if it is meant as coordinates and is none. :raises QuotaSpent: :raises ProviderFailed:
    """
    plain = normalised(address)
    if not plain:
        return None
    if re.search(r"\d", plain) and not re.search(r"[一-鿿]", plain):
        return Located(parse_point(plain), Precision.EXACT, "coordinates")
    if known := _known(plain):
        return known
    if provider and (found := _ask(provider, plain, at=at)):
        return found
    row = gazetteer.find(plain)
    if row is None or row.level == "province":
        return None
    precision = Precision.COUNTY if row.level == "county" else Precision.CITY
    return Located(row.point, precision, "gazetteer")


def normalised(address: str) -> str:
    """Return an address as it is compared: widths, blanks and brackets do not count."""
    return re.sub(r"\s+|[（(].*?[)）]", "", unicodedata.normalize("NFKC", address))[:200]


def installed() -> Provider | None:
    """Return the provider that the settings name, or None."""
    kind, _, key = settings.GEOCODER.partition(" ")
    providers: dict[str, Callable[[str], Provider]] = {
        "baidu": Baidu,
        "amap": partial(_Service, "amap", Datum.GCJ02, Amap),
        "tianditu": partial(_Service, "tianditu", Datum.CGCS2000, Tianditu),
    }
    return providers[kind](key) if kind in providers else None


def _known(plain: str) -> Located | None:
    row = GeocodedAddress.objects.filter(address=plain).first()
    if row is None:
        return None
    return Located(Point(row.latitude, row.longitude), Precision.ADDRESS, row.provider)


def _ask(provider: Provider, plain: str, *, at: datetime) -> Located | None:
    bucket.take()
    try:
        found = provider.find(plain)
    except GeocoderQuotaExceeded as spent:
        raise QuotaSpent(
            f"{provider.name} 今天的配额已用完，还没有查询的地址保持原样。请明天再试，或换一个服务商。",
            f"The quota of {provider.name} is spent; addresses that were not asked stay as they are. "
            "Try again tomorrow, or use another provider.",
        ) from spent
    except (GeopyError, KeyError, TypeError, ValueError) as error:
        raise ProviderFailed(
            f"{provider.name} 没有给出可用的答复（{type(error).__name__}）。请核对密钥和网络后再试。",
            f"{provider.name} gave no answer that can be used ({type(error).__name__}). Check key and network.",
        ) from error
    if found is None:
        return None
    latitude, longitude, level = found
    point = point_from(latitude, longitude, provider.datum)
    GeocodedAddress.objects.update_or_create(
        address=plain,
        defaults={
            "latitude": point.latitude,
            "longitude": point.longitude,
            "given_in": provider.datum.value,
            "provider": provider.name,
            "level": level[:40],
            "found_at": at,
        },
    )
    return Located(point, Precision.ADDRESS, provider.name)


# --- providers ------------------------------------------------------------------------------------
# Written from the vendors' documentation and not checked against the services themselves.


class Baidu:
    """百度, by geopy's own class. It answers in BD-09 and cannot be told otherwise."""

    name = "baidu"
    datum = Datum.BD09

    def __init__(self, key: str, geocoder: Geocoder | None = None) -> None:
        self._geocoder = geocoder or BaiduV3(key, timeout=ANSWER_WITHIN_SECONDS)

    def find(self, address: str) -> tuple[float, float, str] | None:
        found = self._geocoder.geocode(address)
        return (found.latitude, found.longitude, str(found.address)) if found else None


class Amap(Geocoder):  # type: ignore[misc]  # geopy has no types
    """高德."""

    def __init__(self, key: str, *, domain: str = "restapi.amap.com", scheme: str | None = None) -> None:
        super().__init__(scheme=scheme, timeout=ANSWER_WITHIN_SECONDS)
        self._base = f"{self.scheme}://{domain}/v3/geocode/geo"
        self._key = key

    def geocode(self, query: str) -> Location | None:
        asked = urlencode({"key": self._key, "address": query})
        return self._call_geocoder(f"{self._base}?{asked}", self._parsed)

    @staticmethod
    def _parsed(said: dict[str, Any]) -> Location | None:
        if said.get("status") != "1":
            # 10003 and 10044 are the quota of the day, 10019 to 10021 calls that come too fast.
            spent = str(said.get("infocode")) in {"10003", "10044", "10019", "10020", "10021"}
            raise (GeocoderQuotaExceeded if spent else GeocoderQueryError)(str(said.get("info")))
        if not said["geocodes"]:
            return None
        first = said["geocodes"][0]
        longitude, latitude = (float(part) for part in first["location"].split(","))
        return Location(str(first.get("level") or ""), (latitude, longitude), first)


class Tianditu(Geocoder):  # type: ignore[misc]  # geopy has no types
    """天地图; in CGCS2000, which is WGS-84 to the centimetre."""

    def __init__(self, key: str, *, domain: str = "api.tianditu.gov.cn", scheme: str | None = None) -> None:
        super().__init__(scheme=scheme, timeout=ANSWER_WITHIN_SECONDS)
        self._base = f"{self.scheme}://{domain}/geocoder"
        self._key = key

    def geocode(self, query: str) -> Location | None:
        asked = urlencode({"ds": f'{{"keyWord":"{query}"}}', "tk": self._key})
        return self._call_geocoder(f"{self._base}?{asked}", self._parsed)

    @staticmethod
    def _parsed(said: dict[str, Any]) -> Location | None:
        if str(said.get("status")) == "101":  # nothing found
            return None
        if str(said.get("status")) != "0":
            spent = "quota" in str(said.get("msg", "")).lower() or "配额" in str(said.get("msg", ""))
            raise (GeocoderQuotaExceeded if spent else GeocoderQueryError)(str(said.get("msg")))
        place = said["location"]
        return Location(str(place.get("level") or ""), (float(place["lat"]), float(place["lon"])), place)


class _Service:
    """One of the geocoders above with its name and datum."""

    def __init__(self, name: str, datum: Datum, make: Callable[[str], Geocoder], key: str) -> None:
        self.name = name
        self.datum = datum
        self._geocoder = make(key)

    def find(self, address: str) -> tuple[float, float, str] | None:
        found = self._geocoder.geocode(address)
        return (found.latitude, found.longitude, str(found.address)) if found else None


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
        try:
            server = redis.Redis.from_url(settings.REDIS_URL, **settings.REDIS_OPTIONS)
            with server:
                while not server.set("muster:geocoding:turn", 1, px=round(1000 * self._apart), nx=True):
                    time.sleep(self._apart / 4)
        except redis.RedisError:
            return False
        return True


bucket = Bucket()
