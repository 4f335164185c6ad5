"""What stands around every page: navigation by what the user may do, the installation's name, the live feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coordination import watch
from coordination.models import Inbound
from ground import clock, gazetteer, installation
from ground.access import Permission, Role
from ground.languages import language
from ground.models import User
from incidents.models import Incident


@dataclass(frozen=True)
class NavItem:
    key: str
    label: str
    url: str
    current: bool
    count: int = 0
    hotkey: str = ""


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Context of `base.html`. The clock is the database's, so that countdowns on the page agree with it.

    Worked out once a request: a table on the page is a template of its own and asks for its context again.
    """
    if not hasattr(request, "chrome"):
        request.chrome = _around(request)  # type: ignore[attr-defined]  # our own name on Django's object
    # Kept on the request by this module alone.
    around: dict[str, Any] = request.chrome  # type: ignore[attr-defined]
    return around


def _around(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    sender = installation.sender()
    around: dict[str, Any] = {
        "installation": {
            "is_demo": settings.MUSTER_MODE == "demo",
            "mode": settings.MUSTER_MODE,
            "sender_name": sender.name,
            "duty_phone": sender.duty_phone,
        },
        "server_now": clock.now(),
    }
    if isinstance(user, User):
        if user.may(Permission.READ_INCIDENTS):
            around["faults"] = watch.reported(at=around["server_now"])
        around["nav"] = _nav(request, user)
        around["role_label"] = _("、").join(_roles(user))
    return around


def _roles(user: User) -> list[str]:
    """Return the roles in words, each with the region it is bound to: an empty desk of 唐山 is not an empty province."""
    said = []
    for role in Role:
        bound = sorted(region or "" for held, region in user.held() if held is role)
        for row in (gazetteer.by_code(region) for region in bound):
            word = role.word(language())
            said.append(
                pgettext("role", "%(role)s（%(region)s）") % {"role": word, "region": row.full_name}
                if row
                else word
            )
    return said


def _nav(request: HttpRequest, user: User) -> list[NavItem]:
    def item(key: str, label: str, name: str, *, count: int = 0, hotkey: str = "") -> NavItem:
        url = reverse(name)
        here = request.path == url if url == "/" else request.path.startswith(url)
        return NavItem(key, label, url, here, count, hotkey)

    items = []
    if user.may(Permission.READ_INCIDENTS):
        items.append(item("desk", _("值守台"), "desk", hotkey="g h"))
        items.append(
            item(
                "incidents",
                _("事件"),
                "incidents",
                count=Incident.objects.open_to(user).open().count(),
                hotkey="g e",
            )
        )
    if user.may(Permission.OWN_ENTERPRISE):
        items.append(item("my-enterprise", _("我的企业"), "my-enterprise"))
    if user.may(Permission.OWN_TEAM):
        items.append(item("my-team", _("我的队伍"), "my-team"))
    if user.may(Permission.READ_ROSTER):
        items.append(item("experts", _("专家名册"), "experts", hotkey="g x"))
    if user.may(Permission.READ_CONTRACTS):
        items.append(item("teams", _("救援队伍"), "teams", hotkey="g t"))
        items.append(item("enterprises", pgettext("list", "企业"), "enterprises"))
        items.append(item("agreements", pgettext("list", "救援协议"), "agreements"))
    if user.may(Permission.READ_GUIDANCE):
        items.append(item("guidance", _("指导申请"), "guidance"))
    if user.may(Permission.READ_INCIDENTS):
        items.append(item("response-plans", _("响应预案"), "response-plans"))
    if user.may(Permission.ADMINISTER):
        # Others are led there from the plans and from the sliders.
        items.append(item("matching-weights", _("匹配权重"), "matching-weights"))
        items.append(item("admin", _("系统管理"), "admin:index"))
    answers_for_others = user.may(Permission.CALL_OUT) or user.may(Permission.HANDLE_GUIDANCE)
    if answers_for_others and (unread := Inbound.objects.open_to(user).to_check().count()):
        items.append(item("replies", _("待核的回复"), "replies", count=unread))
    if settings.MUSTER_MODE == "demo" and answers_for_others:
        items.append(item("inbox", _("演示收件箱"), "inbox"))
    return items
