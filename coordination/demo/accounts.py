"""The accounts of a demo installation. They exist in no other: `manage.py init` begins a real centre."""

from __future__ import annotations

from dataclasses import dataclass

from ground.access import Role

PASSWORD = "muster-demo"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    username: str
    name: str
    role: Role

    @property
    def email(self) -> str:
        return f"{self.username}@demo.invalid"


ACCOUNTS: tuple[DemoAccount, ...] = (
    DemoAccount("duty", "陈立", Role.DUTY_OFFICER),
    DemoAccount("roster", "孙静怡", Role.ROSTER_ADMIN),
    DemoAccount("firm", "刘骏", Role.ENTERPRISE),
    DemoAccount("team", "韩铁军", Role.TEAM),
    DemoAccount("leader", "赵敏", Role.LEADER),
    DemoAccount("auditor", "魏然", Role.AUDITOR),
    DemoAccount("system", "高洁", Role.SYSTEM_ADMIN),
)
