"""The register of enterprises: taken down, changed, with their sites.

The credit code is checked where it is written, and names are spelt for the search.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from contracts import uscc
from contracts.models import Enterprise, Site, UnitSize
from ground import audit
from ground.audit import Actor
from ground.geocoding import Located
from ground.mistakes import Mistake
from ground.models import Industry, Precision, Region
from ground.places import Point
from ground.spelling import pinyin_of


class NameMissing(Mistake):
    """Nothing can be registered without a name."""


class AlreadyRegistered(Mistake):
    """The code or the name is that of an enterprise that is on the register already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where something is. Without a `point`, the seat of the `region` stands for it, and says so."""

    region: Region | None = None
    address: str = ""
    point: Point | None = None

    def columns(self) -> dict[str, object]:
        seat = Point(self.region.latitude, self.region.longitude) if self.region else None
        place = self.point or seat
        return {
            "region": self.region,
            "address": self.address.strip(),
            "latitude": place.latitude if place else None,
            "longitude": place.longitude if place else None,
            "precision": self._precision(),
        }

    def _precision(self) -> str:
        if self.point:
            return Precision.EXACT
        if self.region is None:
            return ""
        return Precision.COUNTY if self.region.level == "county" else Precision.CITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What the register says of an enterprise; `uscc` may stay empty while it is still 待补."""

    name: str
    industry: Industry
    uscc: str = ""
    short_name: str = ""
    unit_size: UnitSize | None = None
    head: str = ""
    where: Whereabouts = Whereabouts()


def register(particulars: Particulars, *, by: Actor, at: datetime) -> Enterprise:
    """Put an enterprise on the register.

    :raises contracts.uscc.WrongUscc: :raises NameMissing: :raises AlreadyRegistered:
    """
    columns = _columns(particulars)
    with transaction.atomic():
        _refuse_registered(columns, but=None)
        enterprise = Enterprise.objects.create(**columns)
        audit.record(
            "enterprise.register", enterprise, by=by, at=at, name=enterprise.name, uscc=enterprise.uscc
        )
    return enterprise


def change(enterprise: Enterprise, particulars: Particulars, *, by: Actor, at: datetime) -> list[str]:
    """Change what the register says; return the names of the columns that changed.

    :raises contracts.uscc.WrongUscc: :raises NameMissing: :raises AlreadyRegistered:
    """
    columns = _columns(particulars)
    with transaction.atomic():
        locked = Enterprise.objects.select_for_update().get(pk=enterprise.pk)
        _refuse_registered(columns, but=locked)
        changed = [name for name, value in columns.items() if getattr(locked, name) != value]
        before = {name: str(getattr(locked, name) or "") for name in changed}
        for name in changed:
            setattr(locked, name, columns[name])
        if changed:
            locked.save(update_fields=changed)
            after = {name: str(columns[name] or "") for name in changed}
            audit.record("enterprise.change", locked, by=by, at=at, before=before, after=after)
    return changed


def place(enterprise: Enterprise, located: Located, *, by: Actor, at: datetime) -> bool:
    """Put an enterprise where its address was found; return whether that is better than what was known.

    A place that somebody gave is never moved.
    """
    if located.precision != Precision.ADDRESS:
        return False
    with transaction.atomic():
        locked = Enterprise.objects.select_for_update().get(pk=enterprise.pk)
        moved = (locked.address, locked.region_id) != (enterprise.address, enterprise.region_id)
        if locked.precision == Precision.EXACT or moved:
            return False
        before = [locked.latitude, locked.longitude]
        locked.latitude, locked.longitude = located.point.latitude, located.point.longitude
        locked.precision = located.precision
        locked.save(update_fields=["latitude", "longitude", "precision"])
        audit.record(
            "enterprise.place",
            locked,
            by=by,
            at=at,
            before=before,
            after=[locked.latitude, locked.longitude],
            source=located.source,
        )
    return True


def add_site(
    enterprise: Enterprise,
    *,
    name: str,
    industry: Industry,
    hazards: str = "",
    where: Whereabouts,
    by: Actor,
    at: datetime,
) -> Site:
    """Add a place where the enterprise works.

    :raises NameMissing: :raises AlreadyRegistered: if it has a site of this name.
    """
    if not name.strip():
        raise NameMissing("厂区名称为空。请填写，例如“主厂区”。", "Give the site a name.")
    with transaction.atomic():
        Enterprise.objects.select_for_update().get(pk=enterprise.pk)
        if enterprise.sites.filter(name=name.strip()).exists():
            raise AlreadyRegistered(
                f"{enterprise.name}已有名为“{name.strip()}”的厂区。请换一个名称。",
                f"{enterprise.name} has a site named “{name.strip()}” already. Choose another name.",
            )
        site = Site.objects.create(
            enterprise=enterprise,
            name=name.strip(),
            industry=industry,
            hazards=hazards.strip(),
            **where.columns(),
        )
        audit.record("enterprise.site.add", enterprise, by=by, at=at, site=site.name)
    return site


def _columns(particulars: Particulars) -> dict[str, object]:
    name = particulars.name.strip()
    if not name:
        raise NameMissing("企业名称为空。请按营业执照填写全称。", "Give the full name as on the licence.")
    pinyin, initials = pinyin_of(name)
    return {
        "name": name,
        "uscc": uscc.normalise(particulars.uscc) if particulars.uscc.strip() else "",
        "short_name": particulars.short_name.strip(),
        "pinyin": pinyin[: Enterprise._meta.get_field("pinyin").max_length],
        "initials": initials[: Enterprise._meta.get_field("initials").max_length],
        "industry": particulars.industry,
        "unit_size": particulars.unit_size or "",
        "head": particulars.head.strip(),
        **particulars.where.columns(),
    }


def _refuse_registered(columns: dict[str, object], *, but: Enterprise | None) -> None:
    others = Enterprise.objects.exclude(pk=but.pk) if but else Enterprise.objects.all()
    code, name = columns["uscc"], columns["name"]
    if code and (known := others.filter(uscc=code).first()):
        raise AlreadyRegistered(
            f"统一社会信用代码 {code} 已登记为“{known.name}”。请核对代码，或打开该企业修改；"
            "若打不开，请当地的名册管理员修改。",
            f"The code {code} is registered for “{known.name}”. Check the code, or open that enterprise; "
            "if you cannot open it, ask the roster admin of its region.",
        )
    if others.filter(name=name).exists():
        raise AlreadyRegistered(
            f"“{name}”已在企业名录中。请打开该企业修改，不要重复登记；若打不开，请当地的名册管理员修改。",
            f"“{name}” is on the register already. Open it instead of registering it twice; "
            "if you cannot open it, ask the roster admin of its region.",
        )
