"""The way to a place, for somebody who has to go there: a sketch of it, links that open a map, and how long it takes.

Drawn and written without asking anybody: the answer page has to work on a phone with hardly any network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ground.places import Datum, Point, degrees_in

_BOX: Final = (358.0, 126.0)  # the sketch's view box
_ROOM: Final = (214.0, 50.0)  # and the part of it in which the two places lie, so that their names fit


@dataclass(frozen=True)
class NavLink:
    label: str
    url: str


@dataclass(frozen=True)
class Sketch:
    """The two places in the view box of the drawing; not to scale with anything but themselves."""

    from_x: int
    from_y: int
    to_x: int
    to_y: int


def duration_words(minutes: int, *, about: bool = False) -> str:
    """Return "约 31 分", "1 小时", "2.5 小时"; hours only where they come out even."""
    if minutes < 60 or minutes % 30:
        if minutes > 120:
            words = _("%(hours)d 小时 %(minutes)d 分") % {"hours": minutes // 60, "minutes": minutes % 60}
        else:
            words = ngettext("%(minutes)d 分", "%(minutes)d 分", minutes) % {"minutes": minutes}
    else:
        words = _("%(hours)s 小时") % {"hours": f"{minutes / 60:g}"}
    return _("约 %(time)s") % {"time": words} if about else words


def sketch(home: Point, there: Point) -> Sketch | None:
    """Lay two places into the drawing, north up; None when they are the same place."""
    east = (there.longitude - home.longitude) * math.cos(math.radians(home.latitude))
    south = home.latitude - there.latitude
    if math.hypot(east, south) < 0.002:
        return None
    scale = min(
        _ROOM[0] / abs(east) if east else math.inf,
        _ROOM[1] / abs(south) if south else math.inf,
    )
    across, down = east * scale / 2, south * scale / 2
    middle_x, middle_y = _BOX[0] / 2, _BOX[1] / 2
    return Sketch(
        round(middle_x - across), round(middle_y - down), round(middle_x + across), round(middle_y + down)
    )


def navigation_links(there: Point, name: str) -> list[NavLink]:
    """Return links that open a map on the phone, each with the place in that map's own coordinates."""
    latitude, longitude = (round(degree, 6) for degree in degrees_in(Datum.GCJ02, there))
    name = name[:40]
    amap = {"to": f"{longitude},{latitude},{name}", "mode": "car", "src": "muster", "callnative": "1"}
    baidu = {
        "destination": f"latlng:{latitude},{longitude}|name:{name}",
        "coord_type": "gcj02",
        "mode": "driving",
        "region": "河北",  # not translated: for the map service
        "output": "html",
        "src": "muster",
    }
    tencent = {"type": "drive", "to": name, "tocoord": f"{latitude},{longitude}", "referer": "muster"}
    own = f"{round(there.latitude, 6)},{round(there.longitude, 6)}"
    return [
        NavLink(_("高德"), f"https://uri.amap.com/navigation?{urlencode(amap)}"),
        NavLink(_("百度"), f"https://api.map.baidu.com/direction?{urlencode(baidu)}"),
        NavLink(_("腾讯"), f"https://apis.map.qq.com/uri/v1/routeplan?{urlencode(tencent)}"),
        NavLink(_("地图"), f"geo:{own}?q={own}({quote(name)})"),
    ]
