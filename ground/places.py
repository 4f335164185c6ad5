"""Where things are, how far apart, and how long a drive would take when no road data is at hand.

Pure. A `Point` is always WGS-84. Chinese map services speak GCJ-02 (高德, 腾讯) or BD-09 (百度), which lie
half a kilometre and more than a kilometre off; `Datum` names them, and `point_from` brings them home.
Finding a place by its address is left to `ground.geocoding`, driving times by road to `ground.travel_time`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import overload

import numpy as np
from geopy.distance import geodesic
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from ground.mistakes import Mistake
from ground.terms import Term

Floats = NDArray[np.float64]

WGS84_ELLIPSOID = Geod(ellps="WGS84")


class WrongCoordinates(Mistake):
    """A latitude and longitude that are no place on earth, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the earth in WGS-84 degrees, north and east positive.

    :raises WrongCoordinates: if out of range; when the two were swapped, the suggestion says so.
    """

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.latitude) and math.isfinite(self.longitude)):
            raise WrongCoordinates(
                "经纬度不是数字。请填写十进制度数，例如经度 114.478610、纬度 38.041390。",
                "The coordinates are not numbers. Give decimal degrees, for example longitude 114.478610, "
                "latitude 38.041390.",
            )
        if abs(self.latitude) > 90 or abs(self.longitude) > 180:
            raise _out_of_range(self.latitude, self.longitude)

    def km_to(self, other: Point) -> float:
        """Return the geodesic distance to `other`, in kilometres.

        Over the ground, not by road: Karney's method on the WGS-84 ellipsoid, from
        `geopy.distance.geodesic`. A drive is longer; use this to rank, not to promise a time.
        For many points at once use `distances_km`, about a hundred times cheaper per pair.
        """
        return float(geodesic((self.latitude, self.longitude), (other.latitude, other.longitude)).kilometers)

    def __str__(self) -> str:
        """Return "longitude,latitude", the order in which Chinese map services copy a place."""
        return f"{self.longitude:.6f},{self.latitude:.6f}"


def _out_of_range(latitude: float, longitude: float) -> WrongCoordinates:
    if is_in_china(longitude, latitude):
        meant = f"{latitude:g},{longitude:g}"
        return WrongCoordinates(
            f"经纬度填反了：纬度 {latitude:g} 超出 ±90。应为经度 {latitude:g}、纬度 {longitude:g}。",
            f"Latitude and longitude are swapped: latitude {latitude:g} is beyond ±90. "
            f"Longitude {latitude:g}, latitude {longitude:g} was probably meant.",
            suggestion=meant,
        )
    return WrongCoordinates(
        f"经纬度超出范围：纬度 {latitude:g} 应在 -90 至 90 之间，经度 {longitude:g} 应在 -180 至 180 之间。",
        f"The coordinates are out of range: latitude {latitude:g} must lie within ±90, "
        f"longitude {longitude:g} within ±180.",
    )


def is_in_china(latitude: float, longitude: float) -> bool:
    """Say whether a place may be in China: a box around it, so the edges reach into its neighbours."""
    return 3 <= latitude <= 54 and 73 <= longitude <= 136


def distances_km(
    latitudes: ArrayLike, longitudes: ArrayLike, to_latitudes: ArrayLike, to_longitudes: ArrayLike
) -> Floats:
    """Return geodesic distances in kilometres, element by element, with numpy's broadcasting.

    One incident against a roster: pass arrays first and two numbers after. A whole matrix: pass
    `latitudes[:, None]` against `to_latitudes[None, :]`. Same ellipsoid and same result as `Point.km_to`.
    """
    # pyproj does not broadcast, and it works in place on contiguous arrays; so it gets its own copies.
    arrays = np.broadcast_arrays(longitudes, latitudes, to_longitudes, to_latitudes)
    here_east, here_north, there_east, there_north = (np.array(a, dtype=np.float64).ravel() for a in arrays)
    _, _, metres = WGS84_ELLIPSOID.inv(here_east, here_north, there_east, there_north)
    kilometres: Floats = np.asarray(metres, dtype=np.float64).reshape(arrays[0].shape) / 1000
    return kilometres


# Half the sum of the ellipsoid's radii of curvature, roughly: it only bends chords into arcs.
BENDING_RADIUS_KM = 6371.0


def geocentric_km(latitudes: ArrayLike, longitudes: ArrayLike) -> Floats:
    """Return the places as kilometres from the centre of the earth, three rows (x, y, z); not a number where unknown.

    For `distances_from`: worked out once for many places that many questions ask about.
    """
    phi, lam = (
        np.radians(np.asarray(latitudes, dtype=np.float64)),
        np.radians(np.asarray(longitudes, dtype=np.float64)),
    )
    radius_km, squashed = WGS84_ELLIPSOID.a / 1000, 1 - WGS84_ELLIPSOID.es
    across_km = radius_km / np.sqrt(1 - WGS84_ELLIPSOID.es * np.sin(phi) ** 2)
    places: Floats = np.stack(
        [
            across_km * np.cos(phi) * np.cos(lam),
            across_km * np.cos(phi) * np.sin(lam),
            across_km * squashed * np.sin(phi),
        ]
    )
    return places


def distances_from(place: Point, places_km: Floats) -> Floats:
    """Return the distances of `places_km` (of `geocentric_km`) from a place, in kilometres.

    The straight line through the earth between two points of the ellipsoid, bent into an arc. Within a
    province (1,000 km) that is the geodesic to 0.003 %, for a hundredth of the work; see the tests.
    """
    here = geocentric_km([place.latitude], [place.longitude])
    x, y, z = places_km
    chords = np.sqrt((x - here[0, 0]) ** 2 + (y - here[1, 0]) ** 2 + (z - here[2, 0]) ** 2)
    arcs: Floats = 2 * BENDING_RADIUS_KM * np.arcsin(np.minimum(1, chords / (2 * BENDING_RADIUS_KM)))
    return arcs


# --- what people type -----------------------------------------------------------------------------

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_COORDINATE = re.compile(
    rf"(?P<before>东经|西经|北纬|南纬|经度|纬度|longitude|latitude|lng|lon|lat|[EWNS])?\s*[:=]?\s*"
    rf"(?P<degrees>{_NUMBER})\s*[°度]?"
    rf"(?:\s*(?P<minutes>\d+(?:\.\d+)?)\s*['′分])?(?:\s*(?P<seconds>\d+(?:\.\d+)?)\s*(?:\"|″|''|秒))?"
    # Only without a mark before: in "N 38 E 114" the E belongs to what follows.
    rf"(?(before)|\s*(?P<after>[EWNS](?![a-z]))?)",
    re.IGNORECASE,
)
_LONGITUDE_MARKS = {"东经", "西经", "经度", "longitude", "lng", "lon", "e", "w"}
_LATITUDE_MARKS = {"北纬", "南纬", "纬度", "latitude", "lat", "n", "s"}
_NEGATIVE_MARKS = {"西经", "南纬", "w", "s"}


def parse_point(text: str) -> Point:
    """Read "经度,纬度" or "纬度,经度", in decimal degrees or degrees, minutes and seconds, marked or not.

    Unmarked numbers are told apart by size: within China a longitude is never a latitude.

    :raises WrongCoordinates: if it is not two numbers, or if their order cannot be told.
    """
    # NFKC makes the full-width digits and commas of a Chinese keyboard plain; 、 it leaves alone. It also
    # takes ″ apart into two ′, which the pattern would read as minutes, so the marks are swapped first.
    plain = text.replace("″", '"').replace("”", '"').replace("’", "'").replace("′", "'")
    # Runs of blanks are squeezed: the pattern would try every way of dividing them, for minutes.
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", plain)).strip().strip("()[]")
    found = list(_COORDINATE.finditer(plain))
    left_over = re.sub(r"[\s,、;/]", "", _COORDINATE.sub("", plain))
    if len(found) != 2 or left_over:
        raise WrongCoordinates(
            f"“{text}”不是经纬度。请按“经度,纬度”填写，例如 114.478610,38.041390。",
            f"“{text}” is not a pair of coordinates. Write “longitude,latitude”, "
            "for example 114.478610,38.041390.",
        )
    (first, first_is), (second, second_is) = (_degrees(match) for match in found)
    if first_is and second_is and first_is == second_is:
        raise WrongCoordinates(
            f"“{text}”里两个都是{'经度' if first_is == 'longitude' else '纬度'}。请各填一个经度和一个纬度。",
            f"“{text}” gives two values of {first_is}. Give one longitude and one latitude.",
        )
    if first_is == "latitude" or second_is == "longitude":
        return Point(first, second)
    if first_is == "longitude" or second_is == "latitude":
        return Point(second, first)
    return _point_by_size(text, first, second)


def _degrees(match: re.Match[str]) -> tuple[float, str]:
    degrees = float(match["degrees"])
    part = float(match["minutes"] or 0) / 60 + float(match["seconds"] or 0) / 3600
    marks = {(match["before"] or "").lower(), (match["after"] or "").lower()}
    value = math.copysign(abs(degrees) + part, degrees)
    if marks & _NEGATIVE_MARKS:
        value = -abs(value)
    if marks & _LONGITUDE_MARKS:
        return value, "longitude"
    return value, "latitude" if marks & _LATITUDE_MARKS else ""


def _point_by_size(text: str, first: float, second: float) -> Point:
    if is_in_china(second, first):
        return Point(second, first)
    if is_in_china(first, second):
        return Point(first, second)
    if abs(first) > 90:
        return Point(second, first)
    if abs(second) > 90:
        return Point(first, second)
    raise WrongCoordinates(
        f"“{text}”不在中国境内，分不清哪个是经度。请写明，例如“东经 114.478610，北纬 38.041390”。",
        f"“{text}” is not in China, so it cannot be told which is the longitude. "
        "Mark them, for example “E 114.478610, N 38.041390”.",
    )


# --- the datums of Chinese maps -------------------------------------------------------------------


class Datum(Term):
    """The system a pair of degrees was taken in; kept with the place, for a mix-up costs a kilometre."""

    WGS84 = "wgs84", "WGS-84（GPS）", "WGS-84 (GPS)"
    CGCS2000 = "cgcs2000", "CGCS2000（天地图）", "CGCS2000 (Tianditu)"
    GCJ02 = "gcj02", "GCJ-02（高德、腾讯）", "GCJ-02 (AMap, Tencent)"
    BD09 = "bd09", "BD-09（百度）", "BD-09 (Baidu)"


# GCJ-02 is defined on the Krasovsky 1940 ellipsoid, whatever the maps are drawn on.
KRASOVSKY_RADIUS_M = 6378245.0
KRASOVSKY_E2 = 0.00669342162296594323
# Each round shrinks the error about a thousandfold; three leave less than 0.1 mm, the fourth is free.
INVERSE_ROUNDS = 4


def point_from(latitude: float, longitude: float, datum: Datum) -> Point:
    """Return the WGS-84 point of degrees taken in `datum`.

    Good to about a metre against AMap's own conversion in Hebei (3 m over China), which is the
    public formula's error; the inverse itself is exact to less than a millimetre.
    """
    match datum:
        case Datum.GCJ02:
            return _wgs84_of_gcj02(latitude, longitude)
        case Datum.BD09:
            return _wgs84_of_gcj02(*_gcj02_of_bd09(latitude, longitude))
        case _:
            # CGCS2000 and WGS-84 differ by centimetres.
            return Point(latitude, longitude)


def degrees_in(datum: Datum, point: Point) -> tuple[float, float]:
    """Return (latitude, longitude) of `point` as maps in `datum` would show it."""
    match datum:
        case Datum.GCJ02:
            return _gcj02_of_wgs84(point.latitude, point.longitude)
        case Datum.BD09:
            return _bd09_of_gcj02(*_gcj02_of_wgs84(point.latitude, point.longitude))
        case _:
            return point.latitude, point.longitude


def _gcj02_of_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    # Outside China the maps carry no offset. This box is the one their own code uses.
    if not (0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347):
        return latitude, longitude
    x, y = longitude - 105.0, latitude - 35.0
    ripple = (20 * math.sin(6 * x * math.pi) + 20 * math.sin(2 * x * math.pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + ripple
    north += (20 * math.sin(y * math.pi) + 40 * math.sin(y / 3 * math.pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * math.pi) + 320 * math.sin(y * math.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + ripple
    east += (20 * math.sin(x * math.pi) + 40 * math.sin(x / 3 * math.pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * math.pi) + 300 * math.sin(x / 30 * math.pi)) * 2 / 3
    # North and east are metres on that ellipsoid; these two turn them into degrees.
    phi = math.radians(latitude)
    w2 = 1 - KRASOVSKY_E2 * math.sin(phi) ** 2
    meridian_m = KRASOVSKY_RADIUS_M * (1 - KRASOVSKY_E2) / (w2 * math.sqrt(w2))
    parallel_m = KRASOVSKY_RADIUS_M / math.sqrt(w2) * math.cos(phi)
    return latitude + math.degrees(north / meridian_m), longitude + math.degrees(east / parallel_m)


def _wgs84_of_gcj02(latitude: float, longitude: float) -> Point:
    guess_latitude, guess_longitude = latitude, longitude
    for _ in range(INVERSE_ROUNDS):
        shown_latitude, shown_longitude = _gcj02_of_wgs84(guess_latitude, guess_longitude)
        guess_latitude += latitude - shown_latitude
        guess_longitude += longitude - shown_longitude
    return Point(guess_latitude, guess_longitude)


BD09_TWIST = math.pi * 3000 / 180


def _bd09_of_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    radius = math.hypot(longitude, latitude) + 2e-5 * math.sin(latitude * BD09_TWIST)
    angle = math.atan2(latitude, longitude) + 3e-6 * math.cos(longitude * BD09_TWIST)
    return radius * math.sin(angle) + 0.006, radius * math.cos(angle) + 0.0065


def _gcj02_of_bd09(latitude: float, longitude: float) -> tuple[float, float]:
    # The inverse formula in circulation is off by up to a metre; iterating the forward one is not.
    guess_latitude, guess_longitude = latitude - 0.006, longitude - 0.0065
    for _ in range(2 * INVERSE_ROUNDS):
        shown_latitude, shown_longitude = _bd09_of_gcj02(guess_latitude, guess_longitude)
        guess_latitude += latitude - shown_latitude
        guess_longitude += longitude - shown_longitude
    return guess_latitude, guess_longitude


# --- the drive, estimated -------------------------------------------------------------------------


class TravelTimeBasis(Term):
    """Where a travel time comes from; shown wherever a travel time is shown."""

    STRAIGHT_LINE = "straight_line", "直线估算", "straight-line estimate"
    ROAD_GRAPH = "road_graph", "路网估算", "road-network estimate"
    ROUTER = "router", "导航测算", "router"
    MEASURED = "measured", "实测", "measured"


# Circuity, road over straight line: fitted on 13,861 pairs of county seats of Hebei on the OpenStreetMap
# highway network (plain districts; the mountains of 张家口 and 承德 are up to a tenth longer).
CIRCUITY_FAR = 1.055
CIRCUITY_NEAR = 1.775
CIRCUITY_FADE = -0.535
# The fit begins at 3 km. Nearer it would grow without end (7 at 100 m), so it is held at its value there.
CIRCUITY_FITTED_FROM_KM = 3.0

# Speeds are assumptions, not measurements: streets, country roads, motorways. To be fitted again from
# logged departures and arrivals.
NEAR_KM_PER_HOUR = 32.0
FAR_KM_PER_HOUR = 75.0
HALFWAY_KM = 28.0
STEEPNESS = 3.0

TURNOUT_MINUTES = 10.0


@overload
def drive_minutes(distance_km: float, *, turnout_minutes: float = ...) -> float: ...
@overload
def drive_minutes(distance_km: Floats, *, turnout_minutes: float | Floats = ...) -> Floats: ...
def drive_minutes(
    distance_km: float | Floats, *, turnout_minutes: float | Floats = TURNOUT_MINUTES
) -> float | Floats:
    """Return the estimated minutes from the call until arrival over a straight line of `distance_km`.

    `TravelTimeBasis.STRAIGHT_LINE`: turn-out, then circuity times distance over a speed that rises
    smoothly from about 32 km/h in town to 50 at 25 km and 75 beyond. With speeds in bands the time
    would fall at the edge of a band; along this curve nearer is never slower. Circuity is a fit on
    Hebei's road network (median error 3 %, 10 % under 50 km); the speeds are assumptions.
    """
    straight_km = np.asarray(distance_km, dtype=np.float64)
    if np.any(straight_km < 0):
        raise ValueError("a distance cannot be negative")
    hours = road_km(straight_km) / km_per_hour(straight_km)
    minutes = turnout_minutes + 60 * hours
    return minutes if isinstance(distance_km, np.ndarray) else float(minutes)


def road_km(straight_km: Floats) -> Floats:
    """Return the likely length by road of straight lines."""
    fitted_km = np.maximum(straight_km, CIRCUITY_FITTED_FROM_KM)
    roads: Floats = straight_km * (CIRCUITY_FAR + CIRCUITY_NEAR * fitted_km**CIRCUITY_FADE)
    return roads


def km_per_hour(straight_km: Floats) -> Floats:
    """Return the assumed mean speed over drives of these straight-line lengths."""
    reach = (straight_km / HALFWAY_KM) ** STEEPNESS
    # reach / (1 + reach), written so that a very long line does not become infinity over infinity.
    speeds: Floats = NEAR_KM_PER_HOUR + (FAR_KM_PER_HOUR - NEAR_KM_PER_HOUR) * (1 - 1 / (1 + reach))
    return speeds
