"""What this database is: a demo or a real centre. Fixed at the first start, checked at every later one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from ground.mistakes import Refused
from ground.models import Installation, Mode, Region


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asks, and whom to ring back: what stands in every message and on every page."""

    name: str
    duty_phone: str


class WrongMode(Refused):
    """The database was begun in the other mode."""


class NotBegun(Refused):
    """A live installation is begun by `manage.py init`, not by starting it."""


def current() -> Installation | None:
    """Return the installation, None before the first start."""
    return Installation.objects.select_related("region").first()


def sender() -> Sender:
    """Return the sender that the environment sets, else the one given when the installation was begun."""
    begun = current()
    return Sender(
        settings.MUSTER_SENDER_NAME or (begun.sender_name if begun else ""),
        settings.MUSTER_DUTY_PHONE or (begun.duty_phone if begun else ""),
    )


def begin(
    mode: Mode, *, sender_name: str, duty_phone: str = "", region: Region | None = None, at: datetime
) -> Installation:
    """Fix what this database is.

    :raises WrongMode: if it was begun in the other mode.
    """
    already = current()
    if already is not None:
        check(mode)
        return already
    return Installation.objects.create(
        mode=mode, sender_name=sender_name, duty_phone=duty_phone, region=region, created_at=at
    )


def check(mode: Mode) -> Installation:
    """Return the installation if it is of `mode`.

    :raises NotBegun: if nothing has been begun. :raises WrongMode: if it is of the other mode.
    """
    already = current()
    if already is None:
        raise NotBegun(
            "这个数据库还没有初始化。正式系统请先运行 manage.py init。",
            "This database has not been set up. For a live installation run manage.py init first.",
        )
    if already.mode != mode:
        raise WrongMode(
            f"这个数据库是{Mode(already.mode).zh}数据库，不能以 MUSTER_MODE={mode.value} 启动。"
            f"请改回 MUSTER_MODE={already.mode}，或用 DATABASE_URL 指向另一个数据库。",
            f"This is a {Mode(already.mode).en} database and cannot be started with MUSTER_MODE={mode.value}. "
            f"Set MUSTER_MODE={already.mode}, or point DATABASE_URL at another database.",
        )
    return already
