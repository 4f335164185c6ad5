"""What every test stands on: a database of its own and cheap passwords."""

import os
import threading
import time
from collections.abc import Iterator

import hypothesis
import pytest
import uvicorn
from django.conf import settings as django_settings
from django.db import connections

from tests.fakes import StoppedClock
from tests.moments import NOON

# How long an example takes says how busy the machine is, nothing of the code.
hypothesis.settings.register_profile(
    "muster", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("muster")


def pytest_configure(config: pytest.Config) -> None:
    # Argon2 is slow on purpose; the tests sign in a thousand times.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # A test's database begins anew each time; nobody has restored it.
    django_settings.SENT_UP_TO = None
    # Each worker a Redis database of its own: a test that clears its cache must not clear its neighbour's,
    # and an open page must not hear what the neighbour announces.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if django_settings.REDIS_URL and worker:
        server = django_settings.REDIS_URL.rpartition("/")[0]
        django_settings.REDIS_URL = f"{server}/{int(worker.removeprefix('gw')) + 1}"
        django_settings.CACHES["default"]["LOCATION"] = django_settings.REDIS_URL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the rows that migrations loaded (industries, regions) come back after a test that commits.

    Such a test ends with every table emptied, and its neighbours would find no industries.
    """
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker and marker.kwargs.get("transaction"):
            # pytest-django reads a marker's own word when it makes the database, nothing added later.
            marker.kwargs["serialized_rollback"] = True
        elif "transactional_db" in getattr(item, "fixturenames", []):
            item.fixturenames.append("django_db_serialized_rollback")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Put the SQLite test database in a file: threads cannot share one that is only in memory."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        database.setdefault("TEST", {})["NAME"] = str(file)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Let every connection of this process know what the migrations loaded.

    Playwright's event loop gives its tests a connection of their own, made after the database was, and
    one that does not know it would leave every browser test but the first without industries.
    """
    connection = connections["default"]
    if hasattr(connection, "_test_serialized_contents"):
        type(connection)._test_serialized_contents = connection._test_serialized_contents


@pytest.fixture(scope="session")
def _asgi_server() -> Iterator[str]:
    # Imported late: the application reads the settings when it is made.
    from coordination.config.asgi import application

    server = uvicorn.Server(
        uvicorn.Config(
            application,
            port=0,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)


@pytest.fixture
def asgi_url(_asgi_server: str, transactional_db: None, settings) -> str:
    """The address of the real server, in a thread of this process and on the test's database.

    Django's own `live_server` speaks WSGI and would hang on the endless stream of the live pages.
    """
    settings.MUSTER_BASE_URL = _asgi_server
    return _asgi_server


@pytest.fixture
def the_clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    """The database's clock, stopped at NOON until the test moves it."""
    stopped = StoppedClock(NOON)
    monkeypatch.setattr("ground.clock.now", stopped)
    return stopped


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write this run's counts where ./test adds them up."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ  # the one that starts the workers counts for all
    if (tally := os.environ.get("MUSTER_TALLY")) and not is_worker:
        count = {name: len(terminalreporter.stats.get(name, [])) for name in ("passed", "skipped")}
        failed = len(terminalreporter.stats.get("failed", [])) + len(terminalreporter.stats.get("error", []))
        with open(tally, "a") as lines:
            lines.write(f"{count['passed']} {failed} {count['skipped']}\n")
