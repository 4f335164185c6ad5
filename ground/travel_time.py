"""How long the drives are: by the installation's road file or routing service, else by the straight line.

A service may be slow, down or wrong in the middle of an incident. So whatever goes wrong here ends in the
estimate of `ground.places`, within a second, and every time says where it comes from.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol
from zipfile import BadZipFile

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from ground import places
from ground.places import Datum, Point, TravelTimeBasis, degrees_in

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

# So many are asked for at once at most: a service's own limit, and enough to find the nearest by road.
SHORTLIST: Final = 25
ANSWER_WITHIN_SECONDS: Final = 0.8
# After so many failures in a row a service is left alone for a while.
FAILURES_BEFORE_A_BREAK: Final = 3
BREAK_SECONDS: Final = 30.0
# Thousandths of a degree, some hundred metres: near enough for the same answer.
CELL_DIGITS: Final = 3
CELLS_KEPT: Final = 20_000
SLOWEST_MINUTES: Final = 48 * 60.0


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive: minutes on the road, without the turn-out, and where they come from."""

    minutes: float
    basis: TravelTimeBasis


class Unavailable(Exception):
    """The provider has no answer now; the estimate stands."""


class Provider(Protocol):
    @property
    def basis(self) -> TravelTimeBasis: ...

    def minutes(self, origins: Sequence[Point], destination: Point) -> Sequence[float | None]:
        """Return the minutes of each drive, None where it knows no way.

        :raises Unavailable: if it has no answer at all.
        """


def matrix(
    origins: Sequence[Point], destinations: Sequence[Point], provider: Provider | None = None
) -> list[list[Drive]]:
    """Return a row for each origin with its drive to each destination.

    By `provider`, or by the installation's own. What that does not know is estimated; nothing is raised.
    """
    provider = provider or installed()
    columns = [_to(destination, origins, provider) for destination in destinations]
    return [[column[at] for column in columns] for at in range(len(origins))]


def installed() -> Provider | None:
    """Return the provider that the settings name; None for the estimate alone."""
    kind, _, where = settings.TRAVEL_TIME.partition(" ")
    return _provider(kind, where)


@cache
def _provider(kind: str, where: str) -> Provider | None:
    match kind:
        case "graph":
            return RoadGraph(Path(where) if where else ROADS)
        case "osrm":
            return Remembering(OsrmTable(where))
        case "amap":
            return Remembering(AmapDistance(where))
        case _:
            return None


def estimated(origin: Point, destination: Point) -> Drive:
    minutes = places.drive_minutes(origin.km_to(destination), turnout_minutes=0)
    return Drive(minutes, TravelTimeBasis.STRAIGHT_LINE)


def _to(destination: Point, origins: Sequence[Point], provider: Provider | None) -> list[Drive]:
    drives = [estimated(origin, destination) for origin in origins]
    if provider is None:
        return drives
    for start in range(0, len(origins), SHORTLIST):
        some = origins[start : start + SHORTLIST]
        try:
            found = provider.minutes(some, destination)
        except Unavailable as why:
            log.warning("driving times are estimated: %s", why)
            break
        for at, minutes in enumerate(found, start):
            if minutes is not None and 0 <= minutes <= SLOWEST_MINUTES:
                drives[at] = Drive(float(minutes), provider.basis)
    return drives


# --- the road file --------------------------------------------------------------------------------

ROADS: Final = Path(__file__).parent / "data" / "hebei_roads_osm_odbl.npz"
# From a house to the main road, over the straight line.
ACCESS_CIRCUITY: Final = 1.3
# Farther from any road of the file than this, the file knows nothing of the place.
ACCESS_AT_MOST_KM: Final = 40.0


class RoadGraph:
    """Shortest ways over a file of main roads, read when first asked. The speeds are those of the estimate.

    The file has `latlon` (degrees), `a`, `b` (the ends of each road) and `km`.
    """

    basis = TravelTimeBasis.ROAD_GRAPH

    def __init__(self, file: Path = ROADS) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._roads: tuple[Floats, cKDTree, csr_matrix] | None = None

    def minutes(self, origins: Sequence[Point], destination: Point) -> list[float | None]:
        road_km = self.road_km(origins, destination)
        straight_km = np.array([origin.km_to(destination) for origin in origins])
        hours = road_km / places.km_per_hour(straight_km)
        return [60 * hour if math.isfinite(hour) else None for hour in hours]

    def road_km(self, origins: Sequence[Point], destination: Point) -> Floats:
        """Return the length of each way in kilometres; infinite where the file knows none.

        :raises Unavailable: if there is no such file, or it cannot be read.
        """
        nodes_km, tree, roads = self._read()
        everywhere = [destination, *origins]
        spots = places.geocentric_km([p.latitude for p in everywhere], [p.longitude for p in everywhere]).T
        off_road_km, nodes = tree.query(spots)
        access_km = ACCESS_CIRCUITY * off_road_km
        on_road_km = dijkstra(roads, directed=False, indices=int(nodes[0]))[nodes[1:]]
        ways: Floats = on_road_km + access_km[0] + access_km[1:]
        # Neighbours do not drive to the main road and back.
        across_km = ACCESS_CIRCUITY * np.array([origin.km_to(destination) for origin in origins])
        ways = np.where(across_km < access_km[0] + access_km[1:], across_km, ways)
        ways[np.maximum(off_road_km[0], off_road_km[1:]) > ACCESS_AT_MOST_KM] = np.inf
        return ways

    def _read(self) -> tuple[Floats, cKDTree, csr_matrix]:
        with self._lock:
            if self._roads is None:
                try:
                    with self._file.open("rb") as file, np.load(file, allow_pickle=False) as said:
                        latlon, a, b = said["latlon"].astype(np.float64), said["a"], said["b"]
                        km = said["km"].astype(np.float64)
                except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
                    raise Unavailable(f"the road file {self._file.name} cannot be read: {error}") from error
                nodes_km = places.geocentric_km(latlon[:, 0], latlon[:, 1]).T
                roads = csr_matrix((km, (a, b)), shape=(len(latlon), len(latlon)))
                self._roads = nodes_km, cKDTree(nodes_km), roads
            return self._roads


# --- routing services -----------------------------------------------------------------------------


class OsrmTable:
    """The table service of an OSRM server: `address` is that of the server, such as http://127.0.0.1:5000."""

    basis = TravelTimeBasis.ROUTER

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    def minutes(self, origins: Sequence[Point], destination: Point) -> list[float | None]:
        spots = ";".join(f"{p.longitude:.6f},{p.latitude:.6f}" for p in (destination, *origins))
        sources = ";".join(str(number) for number in range(1, len(origins) + 1))
        said = _asked(
            f"{self._address}/table/v1/driving/{spots}?sources={sources}&destinations=0&annotations=duration"
        )
        if said.get("code") != "Ok":
            raise Unavailable(f"the router says {said.get('code')!r}")
        return [_minutes(row[0]) for row in _rows(said, "durations", len(origins))]


class AmapDistance:
    """高德's distance service, with a key of the installation's. It speaks GCJ-02; the way there and back is ours.

    Written from the vendor's documentation and not checked against the service itself.
    """

    basis = TravelTimeBasis.ROUTER

    def __init__(self, key: str, address: str = "https://restapi.amap.com") -> None:
        self._key = key
        self._address = address

    def minutes(self, origins: Sequence[Point], destination: Point) -> list[float | None]:
        said = _asked(
            f"{self._address}/v3/distance?key={self._key}&type=1"
            f"&origins={'|'.join(_gcj02(one) for one in origins)}&destination={_gcj02(destination)}"
        )
        if said.get("status") != "1":
            raise Unavailable(f"the service says {said.get('info')!r}")
        return [_minutes(row.get("duration")) for row in _rows(said, "results", len(origins))]


def _gcj02(place: Point) -> str:
    latitude, longitude = degrees_in(Datum.GCJ02, place)
    return f"{longitude:.6f},{latitude:.6f}"


def _minutes(seconds: Any) -> float | None:
    try:
        minutes = float(seconds) / 60
    except (TypeError, ValueError):
        return None
    return minutes if math.isfinite(minutes) else None


def _rows(said: dict[str, Any], name: str, count: int) -> list[Any]:
    rows = said.get(name)
    if not isinstance(rows, list) or len(rows) != count or not all(rows):
        raise Unavailable(f"the answer has no {count} rows of {name}")
    return rows


_waiting = ThreadPoolExecutor(4, thread_name_prefix="router")


def _asked(address: str) -> dict[str, Any]:
    """Return the JSON object at an address, or give up in time: the limit is for all of it, not for each byte."""

    def fetch() -> Any:
        # The address is the administrator's own, checked to be http(s) when the program starts.
        with urllib.request.urlopen(address, timeout=ANSWER_WITHIN_SECONDS) as answer:
            return json.loads(answer.read(1_000_000))

    try:
        said = _waiting.submit(fetch).result(timeout=ANSWER_WITHIN_SECONDS)
    except TimeoutError as slow:
        raise Unavailable(f"no answer within {ANSWER_WITHIN_SECONDS} s") from slow
    except (OSError, ValueError) as error:
        raise Unavailable(f"no answer that can be used: {type(error).__name__}") from error
    if not isinstance(said, dict):
        raise Unavailable("the answer is no object")
    return said


class Remembering:
    """A service whose answers are remembered by the cell, and which is left alone for a while when it fails."""

    def __init__(self, service: Provider, now: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[tuple[float, ...], float | None] = {}
        self._failures = 0
        self._rests_until = 0.0

    @property
    def basis(self) -> TravelTimeBasis:
        return self._service.basis

    def minutes(self, origins: Sequence[Point], destination: Point) -> list[float | None]:
        cells = [_cell(origin, destination) for origin in origins]
        unknown = [at for at, cell in enumerate(cells) if cell not in self._known]
        if unknown:
            self._remember(
                [cells[at] for at in unknown], self._ask([origins[at] for at in unknown], destination)
            )
        return [self._known.get(cell) for cell in cells]

    def _ask(self, origins: Sequence[Point], destination: Point) -> Sequence[float | None]:
        with self._lock:
            if self._failures >= FAILURES_BEFORE_A_BREAK and self._now() < self._rests_until:
                raise Unavailable("the service failed again and again and is left alone for a while")
        try:
            found = self._service.minutes(origins, destination)
        except Unavailable:
            with self._lock:
                self._failures += 1
                self._rests_until = self._now() + BREAK_SECONDS
            raise
        with self._lock:
            self._failures = 0
        return found

    def _remember(self, cells: Sequence[tuple[float, ...]], found: Sequence[float | None]) -> None:
        with self._lock:
            if len(self._known) + len(cells) > CELLS_KEPT:
                self._known.clear()
            self._known.update(zip(cells, found, strict=True))


def _cell(origin: Point, destination: Point) -> tuple[float, ...]:
    degrees = (origin.latitude, origin.longitude, destination.latitude, destination.longitude)
    return tuple(round(one, CELL_DIGITS) for one in degrees)
