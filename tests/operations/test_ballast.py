"""The ballast file beside an embedded installation's database: given up on a full disk, made anew when there is room."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections import namedtuple

import pytest
from django.db import OperationalError

from coordination import ballast, sender, watch
from coordination.ballast import Ballast
from tests.moments import NOON

FULL = OperationalError("database or disk is full")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(ballast, "SIZE", 8192)
    monkeypatch.setattr(ballast, "LEFT_FREE", 8192)


@pytest.fixture
def kept(small, tmp_path) -> Ballast:
    found = Ballast()
    found.keep_beside(tmp_path / "muster.sqlite3")
    return found


def free(monkeypatch, size: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 0, size))


def test_it_takes_real_room(kept, tmp_path):
    file = tmp_path / "ballast"

    assert file.stat().st_size == 8192
    assert file.stat().st_blocks * 512 >= 8192, "a file with holes would free nothing"


def test_it_is_given_up_when_the_disk_is_full_and_only_then(kept, tmp_path):
    assert not kept.give_up(OperationalError("database is locked"))
    assert not kept.is_spent

    assert kept.give_up(FULL)

    assert kept.is_spent
    assert not (tmp_path / "ballast").exists()
    assert not kept.give_up(FULL), "there is no more of it"


def test_it_is_made_anew_when_there_is_room_again(kept, monkeypatch):
    kept.give_up(FULL)

    free(monkeypatch, 3 * 4096)
    assert not kept.keep(), "it must not be what fills the disk"
    free(monkeypatch, 4 * 4096)
    assert kept.keep()

    assert not kept.is_spent


def test_half_a_file_is_none(small, tmp_path, monkeypatch):
    def no_room(*_what):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ballast.os, "posix_fallocate", no_room)
    found = Ballast()
    found.keep_beside(tmp_path / "muster.sqlite3")

    assert found.is_spent
    assert list(tmp_path.iterdir()) == []


def test_production_keeps_none(tmp_path):
    found = Ballast()

    assert not found.keep()
    assert not found.is_spent
    assert not found.give_up(FULL)


def test_sqlite_says_it_in_these_words(tmp_path):
    database = sqlite3.connect(tmp_path / "x.sqlite3")
    database.execute("PRAGMA max_page_count = 4")
    with pytest.raises(sqlite3.OperationalError) as error:
        database.execute("CREATE TABLE t AS SELECT zeroblob(100000)")
    database.close()

    assert str(error.value) in ballast._SAYS_FULL


@pytest.mark.django_db(transaction=True)
def test_the_sender_gives_it_up_and_goes_on_at_once(kept, monkeypatch):
    monkeypatch.setattr(sender, "BALLAST", kept)
    loop, stop, turns = sender.Sender(), threading.Event(), []

    def turn() -> None:
        turns.append(kept.is_spent)
        if len(turns) == 1:
            raise FULL
        stop.set()
        sender.WAKE.set()

    monkeypatch.setattr(loop, "turn", turn)
    monkeypatch.setattr(stop, "wait", lambda seconds: pytest.fail("there is room to be used"))
    loop.run(stop)

    assert turns == [False, True]


def test_a_full_disk_is_said_first():
    found = watch.problems(watch.Facts(at=NOON, disk_is_full=True, overdue_deliveries=3))

    assert found[0].code == "disk_full"
    assert "64 MB" in found[0].zh
