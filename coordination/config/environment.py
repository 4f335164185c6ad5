"""Reads the settings from the environment, and says in words what is wrong with them.

The reader collects every problem before it complains, so that one start shows all of them.
"""

import contextlib
import os
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Django wants fifty characters; a key that was cut off has fewer than any that somebody chose.
SHORTEST_KEY = 20

# What ends a wait that would never end by itself; an address may say otherwise (?options=, ?keepalives_idle=).
PATIENCE = {
    # Whoever is stopped or cut off in a transaction holds locks on callouts and messages: the server ends it.
    "options": "-c idle_in_transaction_session_timeout=15s",
    # A server that is gone without a word, or a network that swallows everything, is given up after 15 seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}

T = TypeVar("T")
D = TypeVar("D")


class SettingsProblem(ImproperlyConfigured):
    """One or more settings are missing or make no sense; the text says which, and what to set."""


class Nonsense(ValueError):
    """A value cannot be understood; carries the sentence in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass
class Environment:
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    problems: list[str] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        return self.variables.get(name, "").strip() or default

    def read(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        """Return the parsed value of `name`, or `default` when it is not set or makes no sense (noted)."""
        value = self.text(name)
        if not value:
            return default
        try:
            return parse(value)
        except Nonsense as nonsense:
            self.complain(f"{name}：{nonsense.zh}", f"{name}: {nonsense.en}")
            return default

    def complain(self, zh: str, en: str) -> None:
        self.problems.append(f"{zh} / {en}")

    def stop_if_wrong(self) -> None:
        """Refuse to start when anything was wrong.

        :raises SettingsProblem: with one line for each problem.
        """
        if self.problems:
            raise SettingsProblem("\n".join(self.problems))


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise Nonsense(
                f"不能是“{value}”，请设为 {' 或 '.join(choices)}。",
                f"cannot be {value!r}; set it to {' or '.join(choices)}.",
            )
        return value

    return parse


def words(value: str) -> list[str]:
    return [word for word in value.replace(",", " ").split() if word]


def yes_or_no(value: str) -> bool:
    return one_of("1", "0", "yes", "no")(value.lower()) in ("1", "yes")


def whole_number(at_least: int, at_most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit() and at_least <= int(value) <= at_most):
            raise Nonsense(
                f"“{value}”不对，请填 {at_least} 到 {at_most} 之间的整数。",
                f"{value!r} will not do; give a whole number from {at_least} to {at_most}.",
            )
        return int(value)

    return parse


def web_address(value: str) -> str:
    """Return the address without its closing slash: `https://muster.example.cn`."""
    parts = _split(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Nonsense(
            f"“{value}”不是网址，请写成 https://域名 的样子。",
            f"{value!r} is no web address; write it like https://host.",
        )
    return value.rstrip("/")


def travel_time(value: str) -> str:
    """Return where driving times come from: estimate, graph [FILE], osrm ADDRESS or amap KEY."""
    kind, _, where = value.strip().partition(" ")
    if kind == "osrm":
        return f"osrm {web_address(where.strip())}"
    if kind == "amap" and where.strip().isalnum():
        return f"amap {where.strip()}"
    if kind == "graph" or value.strip() == "estimate":
        return value.strip()
    raise Nonsense(
        "只能是 estimate（直线估算）、graph（路网文件）、osrm 网址、amap 密钥 之一。",
        "must be one of: estimate, graph, osrm ADDRESS, amap KEY.",
    )


def geocoder(value: str) -> str:
    """Return the service that finds addresses, with the installation's key: baidu KEY, amap KEY, tianditu KEY."""
    kind, _, key = value.strip().partition(" ")
    if kind not in ("baidu", "amap", "tianditu") or not key.strip().isalnum():
        raise Nonsense(
            "应为服务商和密钥，例如 baidu 密钥、amap 密钥、tianditu 密钥；不用就不要设它。",
            "must be a provider and its key: baidu KEY, amap KEY or tianditu KEY; leave it out to do without.",
        )
    return f"{kind} {key.strip()}"


def redis_address(value: str) -> str:
    parts = _split(value)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise Nonsense(
            f"“{_masked(value)}”不是 Redis 地址，请写成 redis://主机:6379/0 的样子；不用 Redis 就不要设它。",
            f"{_masked(value)!r} is no Redis address; write it like redis://host:6379/0, "
            "or leave it out to do without Redis.",
        )
    return value


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    use_ssl: bool = False
    use_starttls: bool = False


def mail_server(value: str) -> MailServer:
    """Parse `smtp://user:password@host:port?starttls=1`, or `smtps://…` for TLS from the first byte."""
    parts = _split(value)
    options = parse_qs(parts.query)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or set(options) - {"starttls"}:
        raise Nonsense(
            f"“{_masked(value)}”不是发信服务器地址，请写成 smtp://用户:密码@主机:端口 或 smtps://… 的样子"
            "（STARTTLS 加 ?starttls=1）。",
            f"{_masked(value)!r} is no mail server; write it like smtp://user:password@host:port "
            "or smtps://… (for STARTTLS add ?starttls=1).",
        )
    use_ssl = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname,
        port=parts.port or (465 if use_ssl else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_ssl=use_ssl,
        use_starttls=not use_ssl and options.get("starttls", ["0"])[-1] in ("1", "yes", "true"),
    )


def channels_file(value: str, variables: Mapping[str, str] = os.environ) -> list[dict[str, Any]]:
    """Read the `[[channel]]` tables of a TOML file; "env:NAME" stands for what that variable holds."""
    try:
        # Some editors begin a file with a mark that is no part of it.
        content = tomllib.loads(Path(value).read_text(encoding="utf-8-sig"))
    except OSError as missing:
        raise Nonsense(f"读不到文件“{value}”。", f"the file {value!r} cannot be read.") from missing
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as garbled:
        raise Nonsense(
            f"文件“{value}”不是 UTF-8 的 TOML：{garbled}。",
            f"the file {value!r} is no TOML in UTF-8: {garbled}.",
        ) from garbled
    tables = content.get("channel")
    if (
        set(content) != {"channel"}
        or not isinstance(tables, list)
        or not tables
        or not all(isinstance(table, dict) for table in tables)
    ):
        raise Nonsense(
            f"文件“{value}”应只有 [[channel]] 段，至少一段。",
            f"the file {value!r} has to consist of [[channel]] tables, at least one.",
        )

    def filled(option: Any) -> Any:
        if isinstance(option, dict):
            return {name: filled(one) for name, one in option.items()}
        if not isinstance(option, str) or not option.startswith("env:"):
            return option
        if not (secret := variables.get(option.removeprefix("env:"), "")):
            raise Nonsense(
                f"文件“{value}”要用环境变量 {option.removeprefix('env:')}，它没有设置。",
                f"the file {value!r} asks for the variable {option.removeprefix('env:')}, which is not set.",
            )
        return secret

    return [filled(table) for table in tables]


def called_back_at(tables: list[dict[str, Any]]) -> list[str]:
    """Return the hosts in the addresses at which these channels are to be called back."""
    bases = [str(table["callback_base"]) for table in tables if table.get("callback_base")]
    return [str(host) for base in bases if (host := _split(base).hostname)]


def database(url: str, *, pool_size: int) -> dict[str, Any]:
    """Return Django's `DATABASES["default"]` for `sqlite:///path` or `postgres://user:password@host:port/name`.

    A PostgreSQL socket folder is given as `?host=/folder`.
    """
    parts = _split(url)
    name = unquote(parts.path)[1:]
    if parts.scheme == "sqlite" and name and not parts.netloc:
        return _sqlite(Path(name))
    if parts.scheme in ("postgres", "postgresql") and name:
        options = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", "") or parts.hostname or "",
            "PORT": str(parts.port or options.pop("port", "")),
            # Under ASGI a kept connection belongs to no thread for long and leaks: keep a pool instead.
            "CONN_MAX_AGE": 0,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                "connect_timeout": 5,
                "application_name": "muster",
                **PATIENCE,
                **options,
                **({"pool": _pool(pool_size)} if pool_size else {}),
            },
        }
    raise Nonsense(
        f"“{_masked(url)}”不是数据库地址，"
        "请写成 postgres://用户:密码@主机:5432/库名 或 sqlite:///文件路径 的样子。",
        f"{_masked(url)!r} is no database address; write it like postgres://user:password@host:5432/name "
        "or sqlite:///path.",
    )


def _pool(size: int) -> dict[str, Any]:
    # It would double its pause after each failure, up to minutes, and be as late when the server is back.
    return {"min_size": 1, "max_size": size, "timeout": 10, "reconnect_timeout": 1}


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # A deferred transaction that reads first and writes later fails with "database is locked"
            # instead of waiting; FULL because a promise must outlive a power cut.
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


def sqlite_in(folder: Path) -> dict[str, Any]:
    return _sqlite(folder / "muster.sqlite3")


def key_kept_in(file: Path) -> str:
    """Return the random key kept in `file`, made on the first call and readable by the owner only."""
    try:
        if not file.exists():
            _write_once(file, secrets.token_urlsafe(50))
        key = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "UTF-8"
        raise Nonsense(
            f"无法读写 {file}（{why}），请让程序能读写这个目录和文件，或用 MUSTER_DATA_DIR 换一个目录。",
            f"cannot read or write {file} ({why}); make the folder and the file readable and writable, "
            "or name another folder.",
        ) from problem
    if len(key) < SHORTEST_KEY:
        raise Nonsense(
            f"{file} 里的密钥不完整。请从备份恢复它；没有备份就删掉它，会生成新的（已发出的答复链接随之失效）。",
            f"the key in {file} is not whole. Restore it from a backup, or delete it: a new one is made "
            "(the answer links that were sent no longer work then).",
        )
    return key


def _write_once(file: Path, key: str) -> None:
    """Write the file whole or not at all; of two processes that start together the first one's stays."""
    whole = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(key)
            handle.flush()
            os.fsync(handle.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(whole, file)
    finally:
        whole.unlink(missing_ok=True)


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number raises here, not later
    except ValueError:
        return urlsplit("")
    return parts


def _masked(url: str) -> str:
    """Return the address without its password, fit for a log."""
    head, at, tail = url.rpartition("@")
    return f"{head.split('://')[0]}://…@{tail}" if at else url
