"""Begin a live installation: its first admin, its region, its name. Once, on an empty database."""

from __future__ import annotations

import getpass
import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ground import accounts, audit, clock, gazetteer, installation, phones
from ground.access import Role
from ground.mistakes import Mistake, Refused
from ground.models import Mode, Region

ADMIN_PASSWORD = "MUSTER_ADMIN_PASSWORD"
DUTY_PASSWORD = "MUSTER_DUTY_PASSWORD"


class AlreadyBegun(Refused):
    """The database is a centre already."""


class Command(BaseCommand):
    help = (
        "Begin a live installation (MUSTER_MODE=live). Asks for what no option gives; with --no-input it asks "
        f"nothing. Passwords come from {ADMIN_PASSWORD} and {DUTY_PASSWORD}, or are typed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", help="username of the first system admin")
        parser.add_argument("--name", help="that person's name")
        parser.add_argument("--email", help="that person's e-mail")
        parser.add_argument(
            "--region", help="the centre's region: a GB/T 2260 code or a name, such as 130000"
        )
        parser.add_argument("--sender-name", help="the centre's name, as messages and pages show it")
        parser.add_argument("--duty-phone", help="the duty desk's telephone, as messages show it")
        parser.add_argument("--duty-username", help="open a duty officer's account too, with this username")
        parser.add_argument("--duty-name", help="the duty officer's name")
        parser.add_argument("--duty-email", help="the duty officer's e-mail, for alarms")
        parser.add_argument("--no-input", action="store_false", dest="asks", help="never ask, fail instead")

    def handle(self, **options: Any) -> None:
        self.options = options
        try:
            self._refuse()
            self._begin()
        except Mistake as mistake:
            raise CommandError(f"{mistake.zh}\n{mistake.en}") from mistake

    def _refuse(self) -> None:
        if settings.MUSTER_MODE != "live":
            raise Refused(
                "init 用来建立正式系统，请先设置 MUSTER_MODE=live。演示系统不用 init，直接启动即可。",
                "init begins a live installation: set MUSTER_MODE=live first. A demo needs no init, just start it.",
            )
        if (begun := installation.current()) is not None:
            raise AlreadyBegun(
                f"这个数据库已初始化为“{begun.sender_name}”（{Mode(begun.mode).zh}），不能再次初始化。",
                f"This database has been set up already, as “{begun.sender_name}” ({Mode(begun.mode).en}).",
            )

    def _begin(self) -> None:
        sender_name = self._answer("sender_name", "对外名称 sender name", settings.MUSTER_SENDER_NAME)
        duty_phone = self._answer("duty_phone", "值班电话 duty phone", settings.MUSTER_DUTY_PHONE)
        phones.normalise(duty_phone)
        region = self._region()
        username = self._answer("username", "系统管理员用户名 username of the system admin")
        name = self._answer("name", "系统管理员姓名 name of the system admin")
        email = self._answer("email", "系统管理员邮箱 e-mail of the system admin", may_be_empty=True)
        password = self._password(ADMIN_PASSWORD, username)
        duty_username = self._answer(
            "duty_username", "值班员用户名，可不填 username of a duty officer, or none", may_be_empty=True
        )
        at = clock.now()
        # All or nothing: a centre without an admin could not be entered, and could not be begun again.
        with transaction.atomic():
            accounts.open_account(
                username,
                name=name,
                email=email,
                password=password,
                roles=[Role.SYSTEM_ADMIN],
                by=audit.SYSTEM,
                at=at,
            )
            if duty_username:
                accounts.open_account(
                    duty_username,
                    name=self._answer("duty_name", "值班员姓名 name of the duty officer"),
                    email=self._answer(
                        "duty_email", "值班员邮箱 e-mail of the duty officer", may_be_empty=True
                    ),
                    password=self._password(DUTY_PASSWORD, duty_username),
                    roles=[Role.DUTY_OFFICER],
                    by=audit.SYSTEM,
                    at=at,
                )
            begun = installation.begin(
                Mode.LIVE, sender_name=sender_name, duty_phone=duty_phone, region=region, at=at
            )
            audit.record("installation.begin", begun, by=audit.SYSTEM, at=at, region=region.code)
        self.stdout.write(
            f"“{sender_name}”已建立（{region.name}）。请用 {username} 登录，在“系统管理”里开通其他账号。\n"
            f"“{sender_name}” has been set up. Sign in as {username} and open the other accounts under /admin/."
        )

    def _region(self) -> Region:
        text = self._answer("region", "所在地区代码 region code (130000)")
        row = gazetteer.find(text)
        region = Region.objects.filter(pk=row.code if row else text).first()
        if region is None:
            raise Mistake(
                f"没有“{text}”这个地区。请填 6 位区划代码，例如 130000（河北省）、130200（唐山市）。",
                f"There is no region “{text}”. Give its six-digit code, for example 130000 or 130200.",
            )
        return region

    def _answer(self, option: str, question: str, default: str = "", *, may_be_empty: bool = False) -> str:
        given = self.options.get(option)
        if given is None and self.options["asks"]:
            given = input(f"{question}{f' [{default}]' if default else ''}: ")
        answer = (given or "").strip() or default
        if not answer and not may_be_empty:
            flag = f"--{option.replace('_', '-')}"
            raise Mistake(f"缺少 {flag}（{question}）。", f"{flag} is missing ({question}).")
        return answer

    def _password(self, variable: str, username: str) -> str:
        if password := os.environ.get(variable, ""):
            return password
        if not self.options["asks"]:
            raise Mistake(
                f"缺少 {username} 的密码。请设置环境变量 {variable}。",
                f"The password of {username} is missing. Set {variable}.",
            )
        password = getpass.getpass(f"{username} 的密码 password: ")
        if password != getpass.getpass("再输一次 again: "):
            raise Mistake("两次输入的密码不一致，请重来。", "The two passwords differ. Start again.")
        return password
