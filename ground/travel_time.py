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
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.error import HTTPError
from zipfile import BadZipFile

import numpy as np
from django.conf import settings
from django.core import checks
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
LONGEST_ANSWER_BYTES: Final = 1_000_000
# After so many failures in a row a service is left alone for a while; after one for which we waited, at once.
FAILURES_BEFORE_A_BREAK: Final = 3
BREAK_SECONDS: Final = 30.0
# Thousandths of a degree, some hundred metres: near enough for the same answer.
CELL_DIGITS: Final = 3
CELLS_KEPT: Final = 20_000
# A service that knows the traffic says something else an hour later.
KEPT_SECONDS: Final = 15 * 60.0
SLOWEST_MINUTES: Final = 48 * 60.0


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive: minutes on the road, without the turn-out, and where they come from."""

    minutes: float
    basis: TravelTimeBasis


class Unavailable(Exception):
    """The provider has no answer now; the estimate stands."""


class TooSlow(Unavailable):
    """It kept us waiting until the time was up."""


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
    return _estimates([origin], destination)[0]


def _estimates(origins: Sequence[Point], destination: Point) -> list[Drive]:
    minutes = places.drive_minutes(_straight_km(origins, destination), turnout_minutes=0)
    return [Drive(float(one), TravelTimeBasis.STRAIGHT_LINE) for one in minutes]


def _straight_km(origins: Sequence[Point], destination: Point) -> Floats:
    return places.distances_km(
        [origin.latitude for origin in origins],
        [origin.longitude for origin in origins],
        destination.latitude,
        destination.longitude,
    )


def _to(destination: Point, origins: Sequence[Point], provider: Provider | None) -> list[Drive]:
    drives = _estimates(origins, destination) if origins else []
    if provider is None:
        return drives
    patience_ends = time.monotonic() + ANSWER_WITHIN_SECONDS
    for start in range(0, len(origins), SHORTLIST):
        try:
            if time.monotonic() > patience_ends:
                raise TooSlow(f"{len(origins) - start} of {len(origins)} drives were not asked for in time")
            found = provider.minutes(origins[start : start + SHORTLIST], destination)
        except Unavailable as why:
            log.warning("driving times are estimated: %s", why)
            break
        except Exception:
            # A fault of ours, but somebody is waiting for the page of an incident.
            log.exception("driving times are estimated: the provider broke")
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
        self.file = file
        self._lock = threading.Lock()
        self._roads: tuple[cKDTree, csr_matrix] | None = None

    def minutes(self, origins: Sequence[Point], destination: Point) -> list[float | None]:
        road_km = self.road_km(origins, destination)
        hours = road_km / places.km_per_hour(_straight_km(origins, destination))
        return [60 * hour if math.isfinite(hour) else None for hour in hours]

    def road_km(self, origins: Sequence[Point], destination: Point) -> Floats:
        """Return the length of each way in kilometres; infinite where the file knows none.

        :raises Unavailable: if there is no such file, or it cannot be read.
        """
        tree, roads = self.read()
        everywhere = [destination, *origins]
        spots = places.geocentric_km([p.latitude for p in everywhere], [p.longitude for p in everywhere]).T
        off_road_km, nodes = tree.query(spots)
        access_km = ACCESS_CIRCUITY * off_road_km
        on_road_km = dijkstra(roads, directed=False, indices=int(nodes[0]))[nodes[1:]]
        ways: Floats = on_road_km + access_km[0] + access_km[1:]
        # Neighbours do not drive to the main road and back.
        across_km = ACCESS_CIRCUITY * _straight_km(origins, destination)
        ways = np.where(across_km < access_km[0] + access_km[1:], across_km, ways)
        ways[np.maximum(off_road_km[0], off_road_km[1:]) > ACCESS_AT_MOST_KM] = np.inf
        return ways

    def read(self) -> tuple[cKDTree, csr_matrix]:
        """Return the places where roads meet and the roads between them; from memory after the first time.

        :raises Unavailable: if there is no such file, or it cannot be read.
        """
        with self._lock:
            if self._roads is None:
                try:
                    with self.file.open("rb") as file, np.load(file, allow_pickle=False) as said:
                        latlon, a, b = said["latlon"].astype(np.float64), said["a"], said["b"]
                        km = said["km"].astype(np.float64)
                    nodes_km = places.geocentric_km(latlon[:, 0], latlon[:, 1]).T
                    roads = csr_matrix((km, (a, b)), shape=(len(latlon), len(latlon)))
                    if not (np.isfinite(km) & (km >= 0)).all():
                        raise ValueError("a road of no length")
                    self._roads = cKDTree(nodes_km), roads
                except (
                    OSError,
                    ValueError,
                    LookupError,
                    TypeError,
                    EOFError,
                    BadZipFile,
                    zlib.error,
                ) as error:
                    raise Unavailable(f"the road file {self.file} cannot be read: {error}") from error
            return self._roads


def wrong_road_file(**_asked: Any) -> list[checks.CheckMessage]:
    """Say at the start that the road file is missing or damaged, instead of in the log of every match."""
    provider = installed()
    if not isinstance(provider, RoadGraph):
        return []
    try:
        provider.read()
    except Unavailable as why:
        return [
            checks.Warning(
                f"MUSTER_TRAVEL_TIME：路网文件 {provider.file} 不存在或读不出，行车时间一律改用直线估算。 / "
                f"MUSTER_TRAVEL_TIME: {why}; all driving times are estimated.",
                hint="请把文件放回原处，或写成 graph 文件路径；不用路网就改为 estimate。 / "
                "Put the file back or write graph FILE; to do without it, write estimate.",
                id="muster.road_file",
            )
        ]
    return []


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
        rows = _rows(said, "durations", len(origins))
        return [_minutes(row[0]) if isinstance(row, list) and row else None for row in rows]


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
        # Each row says which origin it is about, counted from one.
        numbers = {str(number): number - 1 for number in range(1, len(origins) + 1)}
        drives: list[float | None] = [None] * len(origins)
        for number, row in enumerate(_rows(said, "results", len(origins)), 1):
            if isinstance(row, dict) and str(row.get("origin_id", number)) in numbers:
                drives[numbers[str(row.get("origin_id", number))]] = _minutes(row.get("duration"))
        return drives


def _gcj02(place: Point) -> str:
    latitude, longitude = degrees_in(Datum.GCJ02, place)
    return f"{longitude:.6f},{latitude:.6f}"


def _minutes(seconds: Any) -> float | None:
    try:
        minutes = float(seconds) / 60
    except (TypeError, ValueError, OverflowError):
        return None
    return minutes if math.isfinite(minutes) else None


def _rows(said: dict[str, Any], name: str, count: int) -> list[Any]:
    rows = said.get(name)
    if not isinstance(rows, list) or len(rows) != count:
        raise Unavailable(f"the answer has no {count} rows of {name}")
    return rows


_waiting = ThreadPoolExecutor(4, thread_name_prefix="router")


def _asked(address: str) -> dict[str, Any]:
    """Return the JSON object at an address, or give up in time: the limit is for all of it, not for each byte."""
    patience_ends = time.monotonic() + ANSWER_WITHIN_SECONDS

    def fetch() -> Any:
        # The address is the administrator's own, checked to be http(s) when the program starts.
        try:
            answer = urllib.request.urlopen(address, timeout=ANSWER_WITHIN_SECONDS)
        except HTTPError as refused:
            refused.close()
            raise
        with answer:
            return json.loads(_whole(answer, patience_ends))

    # In a thread: to look a name up may take longer than any limit that a socket knows.
    fetching = _waiting.submit(fetch)
    try:
        said = fetching.result(timeout=ANSWER_WITHIN_SECONDS)
    except (OSError, ValueError, HTTPException, RecursionError) as error:
        fetching.cancel()
        if time.monotonic() >= patience_ends - 0.05:
            raise TooSlow(f"no answer within {ANSWER_WITHIN_SECONDS} s") from error
        raise Unavailable(f"no answer that can be used: {type(error).__name__}") from error
    if not isinstance(said, dict):
        raise Unavailable("the answer is no object")
    return said


def _whole(answer: HTTPResponse, patience_ends: float) -> bytes:
    """Return the body; a service that drips must not keep the thread, or nobody could be asked any more."""
    body = b""
    while part := answer.read1(65_536):
        body += part
        if len(body) > LONGEST_ANSWER_BYTES:
            raise ValueError("too long")
        if time.monotonic() > patience_ends:
            raise TimeoutError
    return body


class Remembering:
    """A service whose answers are remembered by the cell, and which is left alone for a while when it fails."""

    def __init__(self, service: Provider, now: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[tuple[float, ...], tuple[float | None, float]] = {}  # minutes, until when
        self._failures = 0
        self._rests_until = 0.0

    @property
    def basis(self) -> TravelTimeBasis:
        return self._service.basis

    def minutes(self, origins: Sequence[Point], destination: Point) -> list[float | None]:
        cells = [_cell(origin, destination) for origin in origins]
        known = self._recalled(cells)
        unknown = [at for at, cell in enumerate(cells) if cell not in known]
        if unknown:
            found = self._ask([origins[at] for at in unknown], destination)
            new = dict(zip((cells[at] for at in unknown), found, strict=True))
            self._remember(new)
            known |= new
        return [known[cell] for cell in cells]

    def _recalled(self, cells: Sequence[tuple[float, ...]]) -> dict[tuple[float, ...], float | None]:
        with self._lock:
            kept = {cell: self._known[cell] for cell in cells if cell in self._known}
        return {cell: minutes for cell, (minutes, until) in kept.items() if self._now() < until}

    def _ask(self, origins: Sequence[Point], destination: Point) -> Sequence[float | None]:
        with self._lock:
            if self._failures >= FAILURES_BEFORE_A_BREAK and self._now() < self._rests_until:
                raise Unavailable("the service failed again and again and is left alone for a while")
        try:
            found = self._service.minutes(origins, destination)
        except Unavailable as why:
            with self._lock:
                # Whoever let us wait once is not waited for again on the next line of the same page.
                self._failures += FAILURES_BEFORE_A_BREAK if isinstance(why, TooSlow) else 1
                self._rests_until = self._now() + BREAK_SECONDS
            raise
        with self._lock:
            self._failures = 0
        return found

    def _remember(self, found: dict[tuple[float, ...], float | None]) -> None:
        until = self._now() + KEPT_SECONDS
        with self._lock:
            if len(self._known) + len(found) > CELLS_KEPT:
                self._known.clear()
            self._known.update({cell: (minutes, until) for cell, minutes in found.items()})


def _cell(origin: Point, destination: Point) -> tuple[float, ...]:
    degrees = (origin.latitude, origin.longitude, destination.latitude, destination.longitude)
    return tuple(round(one, CELL_DIGITS) for one in degrees)
