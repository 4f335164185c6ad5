"""Settings come from the environment; what is wrong with them is said in words, all at once."""

import stat

import pytest

from coordination.config import environment
from coordination.config.environment import Environment, MailServer, Nonsense, SettingsProblem


def test_every_problem_is_named_before_the_start_is_refused():
    env = Environment({"MUSTER_MODE": "liv", "REDIS_URL": "localhost"})
    env.read("MUSTER_MODE", environment.one_of("demo", "live"), "demo")
    env.read("REDIS_URL", environment.redis_address, "")

    with pytest.raises(SettingsProblem) as refusal:
        env.stop_if_wrong()

    first, second = str(refusal.value).splitlines()
    assert "MUSTER_MODE" in first and "请设为 demo 或 live" in first and "set it to demo or live" in first
    assert "REDIS_URL" in second and "redis://" in second


def test_a_blank_setting_is_as_good_as_none():
    env = Environment({"MUSTER_SESSION_MINUTES": "  "})

    assert env.read("MUSTER_SESSION_MINUTES", environment.whole_number(5, 1440), 60) == 60
    env.stop_if_wrong()


@pytest.mark.parametrize(
    ("url", "server"),
    [
        pytest.param("smtp://mail.example.cn", MailServer("mail.example.cn", 25), id="plain"),
        pytest.param(
            "smtp://duty:p%40ss@mail.example.cn:587?starttls=1",
            MailServer("mail.example.cn", 587, "duty", "p@ss", use_starttls=True),
            id="STARTTLS, with a password that has an @ in it",
        ),
        pytest.param(
            "smtps://mail.example.cn",
            MailServer("mail.example.cn", 465, use_ssl=True),
            id="TLS from the first byte",
        ),
    ],
)
def test_a_mail_server_is_read_from_its_address(url, server):
    assert environment.mail_server(url) == server


@pytest.mark.parametrize(
    "url",
    ["mail.example.cn", "http://mail", "smtp://", "smtp://m:port", "smtp://m?tls=1", "smtp://u:geheim@"],
)
def test_a_mail_address_that_makes_no_sense_is_refused_without_showing_the_password(url):
    with pytest.raises(Nonsense) as nonsense:
        environment.mail_server(url)

    assert "smtp://" in nonsense.value.zh
    assert "geheim" not in nonsense.value.zh + nonsense.value.en


def test_postgresql_keeps_a_pool_and_no_connection_of_its_own():
    database = environment.database(
        "postgres://muster:p%2Fw@db.example.cn:5433/muster?sslmode=require", pool_size=8
    )

    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.cn", "5433", "muster")
    assert database["PASSWORD"] == "p/w"
    assert database["CONN_MAX_AGE"] == 0
    assert database["OPTIONS"]["pool"]["max_size"] == 8
    assert database["OPTIONS"]["sslmode"] == "require"


def test_the_pool_does_not_stay_away_when_postgresql_is_back():
    """Its pause doubled with every failure: after a minute's outage pages failed for another minute."""
    options = environment.database("postgres://muster@db/muster", pool_size=8)["OPTIONS"]

    assert options["pool"]["reconnect_timeout"] == 1


def test_postgresql_ends_the_transaction_of_whoever_is_stopped_in_it():
    options = environment.database("postgres://muster@db/muster", pool_size=0)["OPTIONS"]

    assert "idle_in_transaction_session_timeout=15s" in options["options"]
    assert options["tcp_user_timeout"] == 15_000


def test_an_address_may_be_patient_in_its_own_way():
    url = "postgres://muster@db/muster?options=&keepalives_idle=60"
    options = environment.database(url, pool_size=0)["OPTIONS"]

    assert (options["options"], options["keepalives_idle"]) == ("", "60")


def test_postgresql_is_reached_by_a_socket_folder_too():
    database = environment.database("postgres://postgres@/muster?host=/run/postgresql", pool_size=0)

    assert database["HOST"] == "/run/postgresql"
    assert "pool" not in database["OPTIONS"]


def test_sqlite_begins_every_transaction_as_a_writer_and_survives_a_power_cut():
    options = environment.database("sqlite:////var/lib/muster/m.sqlite3", pool_size=0)["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]


@pytest.mark.parametrize("url", ["mysql://a/b", "postgres://host", "sqlite://", "sqlite://x/y", "muster.db"])
def test_a_database_address_that_makes_no_sense_is_refused(url):
    with pytest.raises(Nonsense, match="postgres://"):
        environment.database(url, pool_size=1)


@pytest.mark.parametrize("address", ["muster.example.cn", "ftp://x", "https://", "https://x/?a=1"])
def test_a_base_address_must_be_one_that_a_browser_opens(address):
    with pytest.raises(Nonsense, match="https://"):
        environment.web_address(address)


def test_the_closing_slash_of_the_base_address_is_dropped():
    assert environment.web_address("https://muster.example.cn/") == "https://muster.example.cn"


@pytest.mark.parametrize("number", ["4", "1441", "-5", "1.5", "ten", "６０"])
def test_a_number_out_of_range_is_refused(number):
    with pytest.raises(Nonsense, match="from 5 to 1440"):
        environment.whole_number(5, 1440)(number)


def test_the_demo_key_is_made_once_and_read_by_its_owner_only(tmp_path):
    file = tmp_path / "secret_key"

    key = environment.key_kept_in(file)

    assert len(key) >= 50
    assert environment.key_kept_in(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
