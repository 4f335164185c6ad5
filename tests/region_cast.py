"""Two cities and who works there: 唐山, to which the rights of these people are bound, and 秦皇岛, to which they are not."""

from __future__ import annotations

from django.test import Client

from contracts.models import Enterprise
from ground.access import Role
from ground.models import User
from tests.factories import a_user, an_enterprise

TANGSHAN, QINHUANGDAO = "130200", "130300"
# Two districts of 唐山.
FENGNAN, CAOFEIDIAN = "130207", "130209"


def officer_of_tangshan() -> User:
    """王宁, who has the duty there."""
    return a_user("wangning", Role.DUTY_OFFICER, name="王宁", region=TANGSHAN)


def admin_of_tangshan() -> User:
    """孙静怡, who keeps the roster and the registers there."""
    return a_user("sun", Role.ROSTER_ADMIN, name="孙静怡", region=TANGSHAN)


def firm_in_tangshan() -> Enterprise:
    return an_enterprise("冀润冷链公司", region=CAOFEIDIAN)


def firm_in_qinhuangdao() -> Enterprise:
    return an_enterprise("渤海化工", region=QINHUANGDAO)


def shown(client: Client, path: str) -> str:
    """Return the page that is there."""
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()
