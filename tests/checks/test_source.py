"""What the linters cannot say about the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ground", "experts", "contracts", "incidents", "coordination")


def modules() -> list[Path]:
    return sorted(
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    )


def hidden_timers(source: str) -> Iterator[int]:
    """Yield the lines that ask Celery to wait: a message that waits in Redis is lost with it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        waits = any(keyword.arg in ("eta", "countdown", "retry_backoff") for keyword in node.keywords)
        if waits or (called == "retry" and not isinstance(node.func, ast.Name)):
            yield node.lineno


def test_nothing_waits_in_the_message_queue():
    found = [
        f"{path.relative_to(ROOT)}:{line}" for path in modules() for line in hidden_timers(path.read_text())
    ]

    assert not found, "waiting is a column with a due moment, never eta, countdown or retry"


@pytest.mark.parametrize(
    "source",
    [
        "wake.apply_async(eta=moment)",
        "wake.apply_async(countdown=5)",
        "self.retry(exc=problem)",
        "@shared_task(retry_backoff=True)\ndef wake(): ...",
    ],
)
def test_the_search_for_hidden_timers_finds_them(source):
    assert list(hidden_timers(source))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "uv.lock.txt"])
def test_a_lock_has_a_hash_for_every_package_and_names_no_host(name):
    lock = (ROOT / name).read_text()
    packages = re.findall(r"^[a-z0-9][\w.-]*==\S+.*?(?=^[a-z0-9]|\Z)", lock, re.MULTILINE | re.DOTALL)

    assert packages
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in lock and "--index" not in lock and "--find-links" not in lock


def test_the_run_lock_is_part_of_the_development_lock():
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9][\w.-]*==\S+", (ROOT / name).read_text(), re.MULTILINE))

    assert versions("requirements.lock") <= versions("requirements-dev.lock")


def test_no_module_is_too_long_to_be_read_in_one_go():
    lengths = {path.relative_to(ROOT): path.read_text().count("\n") for path in modules()}

    assert {path: length for path, length in lengths.items() if length > 600} == {}


def test_no_folder_of_tests_is_left_out_of_the_run():
    script = (ROOT / "test").read_text()
    listed = {name for names in re.findall(r"only_existing ([a-z ]+)\)", script) for name in names.split()}

    assert {
        path.parent.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/**/test_*.py")
    } <= listed


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_setting_stands_in_the_readme(readme):
    settings = (ROOT / "coordination" / "config" / "settings.py").read_text()
    read = set(re.findall(r'env\.(?:read|text)\(\s*"(\w+)"', settings))

    assert len(read) > 10
    assert {name for name in read if f"`{name}`" not in (ROOT / readme).read_text()} == set()
