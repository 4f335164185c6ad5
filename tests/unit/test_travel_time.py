"""Driving times: by the road file, by a routing service, and by the straight line whenever either fails."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from coordination.config import environment
from ground import gazetteer, travel_time
from ground.places import Point, TravelTimeBasis
from ground.travel_time import AmapDistance, OsrmTable, Remembering, RoadGraph, estimated, matrix

SHIJIAZHUANG, BAODING, TANGSHAN, QINHUANGDAO, LANGFANG = (
    gazetteer.by_code(code).point for code in ("130100", "130600", "130200", "130300", "131000")
)
STRAIGHT, ROADS, ROUTER = (
    TravelTimeBasis.STRAIGHT_LINE,
    TravelTimeBasis.ROAD_GRAPH,
    TravelTimeBasis.ROUTER,
)


# --- the road file --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "km"),
    [
        pytest.param(SHIJIAZHUANG, LANGFANG, 282, id="石家庄 to 廊坊, 254 km in a straight line"),
        pytest.param(SHIJIAZHUANG, BAODING, 141, id="石家庄 to 保定, 126"),
        pytest.param(TANGSHAN, QINHUANGDAO, 140, id="唐山 to 秦皇岛, 125"),
    ],
)
def test_the_road_file_gives_the_length_of_known_ways(here, there, km):
    assert RoadGraph().road_km([here], there)[0] == pytest.approx(km, rel=0.05)


def test_a_drive_by_road_is_never_shorter_than_the_straight_line():
    places = [row.point for row in gazetteer.rows() if row.level == "county"]

    for straight, by_road in zip(
        (one.km_to(TANGSHAN) for one in places), RoadGraph().road_km(places, TANGSHAN), strict=True
    ):
        assert by_road >= straight * 0.999


def test_next_door_is_not_by_way_of_the_main_road():
    here = Point(TANGSHAN.latitude + 0.005, TANGSHAN.longitude)

    assert RoadGraph().road_km([here], TANGSHAN)[0] < 1


def test_of_a_place_off_its_map_the_file_knows_nothing_and_the_line_is_estimated():
    ((drive,),) = matrix([Point(23.1, 113.3)], [TANGSHAN], RoadGraph())

    assert drive == estimated(Point(23.1, 113.3), TANGSHAN)


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04broken"])
def test_without_a_usable_file_everything_is_estimated(tmp_path: Path, content: bytes | None):
    file = tmp_path / "roads.npz"
    if content is not None:
        file.write_bytes(content)

    ((drive,),) = matrix([BAODING], [SHIJIAZHUANG], RoadGraph(file))

    assert drive.basis is STRAIGHT


@pytest.mark.parametrize(
    "roads",
    [
        pytest.param({"latlon": [[38.0, 114.0]], "a": [0], "b": [7], "km": [1.0]}, id="a road to nowhere"),
        pytest.param({"latlon": [38.0, 114.0], "a": [0], "b": [1], "km": [1.0]}, id="no pairs of degrees"),
        pytest.param({"latlon": [[38.0, 114.0]], "a": [0], "km": [1.0]}, id="roads with one end"),
        pytest.param(
            {"latlon": [[38, 114], [38, 115]], "a": [0], "b": [1], "km": [-1.0]}, id="a negative road"
        ),
        pytest.param({"latlon": [[np.nan, 114]], "a": [0], "b": [0], "km": [1.0]}, id="a place nowhere"),
    ],
)
def test_a_file_that_makes_no_sense_is_as_good_as_none(tmp_path: Path, roads: dict[str, Any]):
    np.savez(tmp_path / "roads.npz", **roads)

    ((drive,),) = matrix([BAODING], [SHIJIAZHUANG], RoadGraph(tmp_path / "roads.npz"))

    assert drive.basis is STRAIGHT


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_a_road_file_that_cannot_be_read_is_named_at_the_start(tmp_path: Path, settings, content):
    file = tmp_path / "roads.npz"
    if content is not None:
        file.write_bytes(content)
    settings.TRAVEL_TIME = f"graph {file}"

    (warning,) = travel_time.wrong_road_file()

    assert (warning.id, warning.is_serious()) == ("muster.road_file", False)
    assert str(file) in warning.msg and "直线估算" in warning.msg and "estimated" in warning.msg
    assert "graph 文件路径" in warning.hint and "estimate" in warning.hint


def test_manage_py_check_tells_of_it(tmp_path: Path, settings, capsys):
    settings.TRAVEL_TIME = f"graph {tmp_path / 'roads.npz'}"

    call_command("check")

    assert "muster.road_file" in capsys.readouterr().err


@pytest.mark.parametrize("said", ["graph", "estimate", "osrm http://127.0.0.1:5"])
def test_an_installation_without_a_broken_road_file_is_told_nothing(settings, said):
    settings.TRAVEL_TIME = said

    assert travel_time.wrong_road_file() == []


def test_a_fault_of_the_program_itself_costs_the_road_times_not_the_page(caplog):
    class Broken:
        basis = ROUTER

        def minutes(self, origins, destination):
            raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        ((drive,),) = matrix([BAODING], [SHIJIAZHUANG], Broken())

    assert drive.basis is STRAIGHT
    assert "ZeroDivisionError" in caplog.text


def test_without_a_provider_everything_is_estimated_and_says_so():
    drives = matrix([BAODING, TANGSHAN], [SHIJIAZHUANG, LANGFANG])

    assert [[drive.basis for drive in row] for row in drives] == [[STRAIGHT, STRAIGHT]] * 2
    assert drives[0][0] == estimated(BAODING, SHIJIAZHUANG)
    assert matrix([], [SHIJIAZHUANG]) == []


# --- a routing service ----------------------------------------------------------------------------


class Router:
    """A service on this machine that answers as it is told; `asked` is what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[str], tuple[int, Any]] = lambda path: (200, {"code": "Ok", "durations": []})
        router = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                router.asked.append(self.path)
                status, said = router.answer(self.path)
                body = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # who waited may have left
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def router() -> Iterator[Router]:
    one = Router()
    yield one
    one.server.shutdown()
    one.server.server_close()


def test_osrm_is_asked_for_seconds_to_the_place_and_gives_minutes(router):
    router.answer = lambda path: (200, {"code": "Ok", "durations": [[600], [5400.0]]})

    drives = matrix([BAODING, LANGFANG], [SHIJIAZHUANG], OsrmTable(router.address))

    assert [(drive.minutes, drive.basis) for (drive,) in drives] == [(10, ROUTER), (90, ROUTER)]
    (asked,) = router.asked
    assert asked.startswith("/table/v1/driving/114.478610,38.041390;115.462460,")
    assert asked.endswith("?sources=1;2&destinations=0&annotations=duration")


def test_amap_is_asked_and_answers_in_its_own_coordinates(router):
    router.answer = lambda path: (200, {"status": "1", "results": [{"duration": "5400"}]})

    ((drive,),) = matrix([BAODING], [SHIJIAZHUANG], AmapDistance("KEY", router.address))

    assert drive == travel_time.Drive(90, ROUTER)
    (asked,) = router.asked
    # GCJ-02 lies some five hundred metres east of WGS-84 here.
    longitude = float(asked.partition("destination=")[2].partition(",")[0])
    assert 0.004 < longitude - SHIJIAZHUANG.longitude < 0.008


@pytest.mark.parametrize(
    "said",
    [
        pytest.param((500, b"oops"), id="an error"),
        pytest.param((200, b"<html>down for maintenance</html>"), id="a page"),
        pytest.param((200, []), id="a list"),
        pytest.param((200, {"code": "InvalidQuery"}), id="a refusal"),
        pytest.param((200, {"code": "Ok"}), id="no rows"),
        pytest.param((200, {"code": "Ok", "durations": [[1], [2]]}), id="too many rows"),
        pytest.param((200, {"code": "Ok", "durations": [None]}), id="an empty row"),
        pytest.param((200, {"code": "Ok", "durations": [600]}), id="a number for a row"),
        pytest.param((200, {"code": "Ok", "durations": [{"seconds": 600}]}), id="an object for a row"),
        pytest.param((200, {"code": "Ok", "durations": [[10**400]]}), id="more than a number can hold"),
        pytest.param((200, b"[" * 100_000), id="brackets without end"),
        pytest.param((200, {"code": "Ok", "durations": [[None]]}), id="no way"),
        pytest.param((200, {"code": "Ok", "durations": [["soon"]]}), id="words"),
        pytest.param((200, b'{"code": "Ok", "durations": [[NaN]]}'), id="not a number"),
        pytest.param((200, {"code": "Ok", "durations": [[-60]]}), id="before it began"),
        pytest.param((200, {"code": "Ok", "durations": [[1e12]]}), id="in thirty thousand years"),
    ],
)
def test_whatever_else_it_answers_the_line_is_estimated(router, said):
    router.answer = lambda path: said

    ((drive,),) = matrix([BAODING], [SHIJIAZHUANG], OsrmTable(router.address))

    assert drive == estimated(BAODING, SHIJIAZHUANG)


def test_amap_s_rows_go_by_the_origin_they_name_and_one_may_have_failed(router):
    rows = [
        {"origin_id": "2", "duration": "5400"},
        {"origin_id": "1", "duration": "600"},
        {"origin_id": "3", "info": "OVER_DIRECTION_RANGE", "code": "3"},
    ]
    router.answer = lambda path: (200, {"status": "1", "results": rows})

    drives = matrix([BAODING, LANGFANG, TANGSHAN], [SHIJIAZHUANG], AmapDistance("KEY", router.address))

    assert [drive.minutes for (drive,) in drives[:2]] == [10, 90]
    assert drives[2][0] == estimated(TANGSHAN, SHIJIAZHUANG)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON, st.sampled_from([OsrmTable("http://127.0.0.1:9"), AmapDistance("KEY")]))
def test_no_answer_whatever_breaks_the_reading_of_it(row, other, service):
    said = {"code": "Ok", "durations": [row, other], "status": "1", "results": [row, other]}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(travel_time, "_asked", lambda address: said)

        found = service.minutes([BAODING, LANGFANG], SHIJIAZHUANG)

    assert len(found) == 2
    assert all(minutes is None or isinstance(minutes, float) for minutes in found)


@contextlib.contextmanager
def a_socket_that_says(*parts: bytes, pause: float = 0) -> Iterator[str]:
    """A service below HTTP: it reads the question and says these bytes; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            connection.recv(65_536)
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)

    answering = threading.Thread(target=answer, daemon=True)
    answering.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    answering.join(5)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"220 mail.example.cn ESMTP\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", id="cut off"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="broken pieces"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", id="headers without end"),
    ],
)
def test_what_is_no_http_ends_in_the_estimate_too(said):
    with a_socket_that_says(said) as address:
        ((drive,),) = matrix([BAODING], [SHIJIAZHUANG], OsrmTable(address))

    assert drive.basis is STRAIGHT


def test_a_service_that_drips_is_given_up_as_a_whole_and_keeps_no_thread():
    begun = time.monotonic()

    with a_socket_that_says(b"HTTP/1.1 200 OK\r\n\r\n", *[b" "] * 20, pause=0.1) as address:
        with pytest.raises(travel_time.TooSlow):
            OsrmTable(address).minutes([BAODING], SHIJIAZHUANG)
        waited = time.monotonic() - begun

    assert waited < 1.6  # two seconds of drops; the limit is 0.8, the rest is for a busy machine
    assert travel_time._waiting.submit(lambda: True).result(timeout=1)


def test_nobody_waits_longer_than_a_second_for_a_slow_service(router):
    router.answer = lambda path: (time.sleep(3), (200, {}))[1]
    begun = time.monotonic()

    ((drive,),) = matrix([BAODING], [SHIJIAZHUANG], OsrmTable(router.address))

    assert drive.basis is STRAIGHT
    # Generous for a busy machine; the service itself takes three seconds.
    assert time.monotonic() - begun < 2.5


def test_nobody_there_is_as_good_as_no_answer():
    ((drive,),) = matrix([BAODING], [SHIJIAZHUANG], OsrmTable("http://127.0.0.1:9"))

    assert drive.basis is STRAIGHT


def test_more_than_a_service_takes_are_asked_in_turns(router):
    router.answer = lambda path: (
        200,
        {"code": "Ok", "durations": [[60]] * (path.partition("?")[0].count(";"))},
    )
    many = [Point(38 + number / 100, 114) for number in range(60)]

    drives = matrix(many, [SHIJIAZHUANG], OsrmTable(router.address))

    assert {drive.minutes for (drive,) in drives} == {1}
    assert len(router.asked) == 3


# --- remembered, and left alone -------------------------------------------------------------------


class Service:
    """Answers seven minutes, or fails; counts the calls."""

    basis = ROUTER

    def __init__(self) -> None:
        self.calls = 0
        self.fails: travel_time.Unavailable | None = None

    def minutes(self, origins, destination):
        self.calls += 1
        if self.fails:
            raise self.fails
        return [7.0 for _ in origins]


def test_the_same_way_is_asked_once():
    service = Service()
    remembering = Remembering(service)

    for _ in range(3):
        assert matrix([BAODING], [SHIJIAZHUANG], remembering)[0][0].minutes == 7
    matrix([BAODING, LANGFANG], [SHIJIAZHUANG], remembering)

    assert service.calls == 2


def test_a_service_that_fails_three_times_is_left_alone_for_half_a_minute_and_then_tried_again():
    service, now = Service(), [0.0]
    service.fails = travel_time.Unavailable("down")
    remembering = Remembering(service, now=lambda: now[0])

    for _ in range(10):
        assert matrix([BAODING], [SHIJIAZHUANG], remembering)[0][0].basis is STRAIGHT
    assert service.calls == 3

    now[0], service.fails = 31.0, None
    assert matrix([BAODING], [SHIJIAZHUANG], remembering)[0][0].basis is ROUTER


def test_a_service_that_let_us_wait_is_not_waited_for_again_on_the_same_page():
    service = Service()
    service.fails = travel_time.TooSlow("no answer within 0.8 s")
    remembering = Remembering(service, now=lambda: 0.0)

    drives = matrix([BAODING], [SHIJIAZHUANG, LANGFANG, TANGSHAN], remembering)

    assert {drive.basis for row in drives for drive in row} == {STRAIGHT}
    assert service.calls == 1


def test_a_quarter_of_an_hour_later_the_traffic_is_asked_for_anew():
    service, now = Service(), [0.0]
    remembering = Remembering(service, now=lambda: now[0])

    for minute in (0, 14, 16):
        now[0] = minute * 60
        matrix([BAODING], [SHIJIAZHUANG], remembering)

    assert service.calls == 2


def test_a_shortlist_longer_than_a_service_takes_is_not_asked_for_beyond_the_time(router, monkeypatch):
    monkeypatch.setattr(travel_time, "ANSWER_WITHIN_SECONDS", 0.3)
    router.answer = lambda path: (
        time.sleep(0.2),
        (200, {"code": "Ok", "durations": [[60]] * path.partition("?")[0].count(";")}),
    )[1]
    many = [Point(38 + number / 200, 114) for number in range(200)]

    drives = matrix(many, [SHIJIAZHUANG], OsrmTable(router.address))

    assert len(router.asked) <= 3
    assert drives[-1][0].basis is STRAIGHT


# --- the setting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said", ["estimate", "graph", "graph /srv/roads.npz", "osrm http://127.0.0.1:5000", "amap 0a1b2c"]
)
def test_the_setting_is_taken(said):
    assert environment.travel_time(said) == said


@pytest.mark.parametrize("said", ["", "osrm", "osrm 127.0.0.1", "osrm ftp://x", "amap", "amap a b", "google"])
def test_a_nonsensical_setting_is_refused_with_what_there_is(said):
    with pytest.raises(environment.Nonsense):
        environment.travel_time(said)


@pytest.mark.parametrize(
    ("said", "kind"),
    [("estimate", type(None)), ("graph", RoadGraph), ("osrm http://127.0.0.1:5", Remembering)],
)
def test_the_installation_s_provider_is_the_one_that_was_set(settings, said, kind):
    settings.TRAVEL_TIME = said

    assert isinstance(travel_time.installed(), kind)
