"""A start with wrong settings ends with sentences, not with a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def start(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**own, **settings}, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["manage.py", "check"], id="a command of Django"),
        pytest.param(["manage.py", "up"], id="our own"),
        pytest.param(["-c", "import coordination.config.asgi"], id="a server"),
        pytest.param(["-c", "import coordination.config.wsgi"], id="a WSGI server"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(command):
    ended = start(*command, MUSTER_MODE="production")

    assert ended.returncode != 0
    assert ended.stderr == (
        "MUSTER_MODE：不能是“production”，请设为 demo 或 live。"
        " / MUSTER_MODE: cannot be 'production'; set it to demo or live.\n"
    )


def test_a_live_installation_names_all_that_it_lacks_at_once(tmp_path):
    ended = start(
        "manage.py", "check", MUSTER_MODE="live", MUSTER_DATA_DIR=str(tmp_path), MUSTER_SMTP_URL="smtp://m"
    )

    assert ended.returncode == 2
    named = [line.partition("：")[0] for line in ended.stderr.splitlines()]
    assert named == ["MUSTER_SECRET_KEY", "MUSTER_BASE_URL", "MUSTER_MAIL_FROM"]
    assert list(tmp_path.iterdir()) == []


# Of a method that there is not: how far it came shows without a database.
CALLS_BACK = """
import django
django.setup()
from django.test import Client
for address in ("callbacks/nobody/secret/replies/", "sign-in/"):
    print(Client().put("/" + address, HTTP_HOST="127.0.0.1:8000").status_code)
"""


def test_a_live_installation_hears_a_gateway_that_calls_in_plain_http_from_its_own_network(tmp_path):
    """As docs/gateways.md has it for Kannel. Answered with a redirect, all that people had replied was lost."""
    channels = tmp_path / "channels.toml"
    channels.write_text(
        '[[channel]]\nkind = "http_sms"\nurl = "http://127.0.0.1:13013/"\n'
        'secret = "secret-of-the-callbacks"\ncallback_base = "http://127.0.0.1:8000"\n'
    )

    ended = start(
        "-c",
        CALLS_BACK,
        DJANGO_SETTINGS_MODULE="coordination.config.settings",
        MUSTER_MODE="live",
        MUSTER_DATA_DIR=str(tmp_path),
        MUSTER_SECRET_KEY="k" * 50,
        MUSTER_BASE_URL="https://muster.example.cn",
        MUSTER_CHANNELS=str(channels),
    )

    assert ended.stdout.split() == ["405", "301"], ended.stderr


def test_a_data_folder_that_is_not_there_is_named(tmp_path):
    ended = start("manage.py", "check", MUSTER_DATA_DIR=str(tmp_path / "gone"))

    assert ended.returncode == 2
    assert "MUSTER_DATA_DIR" in ended.stderr and str(tmp_path / "gone") in ended.stderr
