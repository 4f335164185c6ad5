"""The browser: a Chromium of the system, in Chinese, on a server with the test's database."""

import os
import shutil
from typing import Any

import pytest

# Playwright keeps an event loop in this thread; Django would refuse the ORM because of it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM_NAMES = ("chromium", "chromium-headless-shell", "google-chrome-stable", "google-chrome")
HOW_TO_INSTALL = (
    "no Chromium found; install it with: "
    "sudo apt-get install -y --no-install-recommends chromium-headless-shell fonts-noto-cjk libatomic1"
)


def find_chromium() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="session", autouse=True)
def chromium() -> str:
    """The path of the browser; without one its tests are skipped, or fail where a browser is required."""
    path = find_chromium()
    if path is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(HOW_TO_INSTALL)
        pytest.skip(HOW_TO_INSTALL)
    return path


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: str) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": chromium,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
        ],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}


@pytest.fixture(scope="session")
def base_url() -> str:
    """Each test takes `asgi_url`; pytest-playwright's own option is not used."""
    return ""
