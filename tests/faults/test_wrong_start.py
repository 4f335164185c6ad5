"""Starts that cannot work say in words what to mend, and leave no traceback to puzzle over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def manage(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
    }
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**environment, "MUSTER_DATA_DIR": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="cut off before a byte was written"),
        pytest.param(b"abc", id="cut off"),
        pytest.param(b"\xff\xfe" * 30, id="no text"),
    ],
)
def test_a_key_file_that_is_not_whole_stops_the_start_with_a_sentence(tmp_path, content):
    (tmp_path / "secret_key").write_bytes(content)

    start = manage(tmp_path, "check")

    assert start.returncode == 2
    assert "secret_key" in start.stderr
    assert "Traceback" not in start.stderr
    assert (tmp_path / "secret_key").read_bytes() == content


def test_the_key_is_written_whole_and_for_its_owner_only(tmp_path):
    assert manage(tmp_path, "check").returncode == 0

    (file,) = tmp_path.iterdir()
    assert len(file.read_text()) > 50
    assert file.stat().st_mode & 0o077 == 0


def test_a_database_that_is_none_is_said_in_words(tmp_path):
    (tmp_path / "muster.sqlite3").write_text("花名册\n" * 100)

    start = manage(tmp_path, "migrate")

    assert start.returncode == 2
    assert "请检查 DATABASE_URL" in start.stderr
    assert "Traceback" not in start.stderr


def test_a_database_that_cannot_be_reached_is_said_in_words(tmp_path):
    start = manage(tmp_path, "migrate", DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/muster.sqlite3")

    assert start.returncode == 2
    assert "请检查 DATABASE_URL" in start.stderr
