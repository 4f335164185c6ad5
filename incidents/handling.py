"""What happens to an incident: opened, noted, corrected, moved on, closed.

Every operation locks the incident first and writes its line in the log in the same transaction.
Closing an incident together with its callouts is `coordination.closing`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import models, transaction

from contracts.models import Enterprise, Site
from ground import audit, kinds
from ground.audit import Actor
from ground.mistakes import Mistake, Refused
from ground.models import Industry, Precision, Region
from ground.numbering import next_number
from ground.places import Point
from incidents import lifecycle
from incidents.levels import AccidentLevel, ResponseLevel
from incidents.lifecycle import IncidentStatus
from incidents.models import Incident, LogEntry, LogKind


class NoPlace(Mistake):
    """Neither an enterprise nor a place was given."""


class IncidentOver(Refused):
    """The incident is closed or withdrawn, so nothing more happens to it."""


class MoveNotAllowed(Refused):
    """The lifecycle knows no such move."""


@dataclass(frozen=True)
class Casualties:
    """People, counted. `seriously_injured` are among the `injured`; acute poisoning counts as serious."""

    deaths: int = 0
    missing: int = 0
    trapped: int = 0
    injured: int = 0
    seriously_injured: int = 0


@dataclass(frozen=True)
class FirstReport:
    """What the caller says. Two facts are enough: the kind, and a place or an enterprise."""

    kind: str
    enterprise: Enterprise | None = None
    site: Site | None = None
    point: Point | None = None
    region: Region | None = None
    address: str = ""
    industry: Industry | None = None
    title: str = ""
    summary: str = ""
    substance: str = ""
    safety_notice: str = ""
    casualties: Casualties = Casualties()
    loss_wan: int | None = None
    caller_name: str = ""
    caller_phone: str = ""
    occurred_at: datetime | None = None
    is_drill: bool = False
    accident_level: AccidentLevel | None = None
    response_level: ResponseLevel | None = None


def open_incident(report: FirstReport, *, by: Actor, at: datetime) -> Incident:
    """Open an incident from a first report and write the first line of its log.

    :raises NoPlace: if neither a point, a region, a site nor an enterprise says where it is.
    """
    kind = kinds.by_code(report.kind)
    site = report.site or _only_site(report.enterprise)
    where = _place_of(report, site)
    industry = (
        report.industry
        or (site.industry if site else None)
        or (report.enterprise.industry if report.enterprise else None)
        or Industry.objects.get(code=kind.industry)
    )
    subject = report.enterprise.name if report.enterprise else (report.address or str(where["region"] or ""))
    with transaction.atomic():
        incident = Incident.objects.create(
            number=next_number("SJ", at=at),
            title=report.title or f"{subject}{kind.zh}",
            kind=kind.code,
            industry=industry,
            enterprise=report.enterprise,
            site=site,
            is_drill=report.is_drill,
            caller_name=report.caller_name,
            caller_phone=report.caller_phone,
            summary=report.summary,
            substance=report.substance,
            safety_notice=report.safety_notice,
            **vars(report.casualties),
            loss_wan=report.loss_wan,
            accident_level=report.accident_level or "",
            response_level=report.response_level or "",
            occurred_at=report.occurred_at,
            reported_at=at,
            opened_by=by.user,
            **where,
        )
        _write(incident, f"接报：{incident.title}", kind=LogKind.MILESTONE, by=by, happened_at=at, at=at)
        audit.record("incident.open", incident, by=by, at=at, number=incident.number)
    return incident


def note(
    incident: Incident,
    text: str,
    *,
    by: Actor,
    at: datetime,
    kind: LogKind = LogKind.HUMAN,
    happened_at: datetime | None = None,
    corrects: LogEntry | None = None,
) -> LogEntry:
    """Add a line to the log; `happened_at` may lie before `at`, when the line is written down later."""
    with transaction.atomic():
        Incident.objects.locked(incident.pk)
        return _write(
            incident, text, kind=kind, by=by, happened_at=happened_at or at, at=at, corrects=corrects
        )


def update_facts(incident: Incident, changes: Mapping[str, Any], *, by: Actor, at: datetime) -> list[str]:
    """Change facts of an open incident and log each change as old → new; return the names of what changed.

    `changes` maps field names of Incident to values. Whoever was asked on the old facts is told by
    `coordination.closing.correct_incident`, which calls this.

    :raises IncidentOver: if the incident is closed or withdrawn.
    """
    with transaction.atomic():
        locked = Incident.objects.locked(incident.pk)
        _refuse_if_over(locked)
        changed = [name for name, value in changes.items() if getattr(locked, name) != value]
        if not changed:
            return []
        lines = []
        for name in changed:
            old = _shown(locked, name)
            setattr(locked, name, changes[name])
            setattr(incident, name, changes[name])
            lines.append(f"{title_of(name)}：{old} → {_shown(locked, name)}")
        locked.save(update_fields=changed)
        _write(locked, "更正：" + "；".join(lines), kind=LogKind.MILESTONE, by=by, happened_at=at, at=at)
        audit.record("incident.update", locked, by=by, at=at, fields=changed)
    return changed


def move(incident: Incident, to: IncidentStatus, *, by: Actor, at: datetime, outcome: str = "") -> None:
    """Move an incident on in its lifecycle.

    :raises MoveNotAllowed: if the table of `incidents.lifecycle` has no such move.
    """
    with transaction.atomic():
        locked = Incident.objects.locked(incident.pk)
        current = IncidentStatus(locked.status)
        if current == to:
            return
        if not lifecycle.can_move(current, to):
            raise MoveNotAllowed(
                f"事件现在是“{current.zh}”，不能改为“{to.zh}”。",
                f"The incident is now “{current.en}” and cannot become “{to.en}”.",
            )
        locked.status = to
        if to in lifecycle.CLOSED_STATUSES:
            locked.closed_at = at
            locked.outcome = outcome
        locked.save(update_fields=["status", "closed_at", "outcome"])
        incident.status, incident.closed_at, incident.outcome = (
            locked.status,
            locked.closed_at,
            locked.outcome,
        )
        text = f"状态：{current.zh} → {to.zh}" + (f"。{outcome}" if outcome else "")
        _write(locked, text, kind=LogKind.MILESTONE, by=by, happened_at=at, at=at)
        audit.record("incident.move", locked, by=by, at=at, to=to.value)


def title_of(field: str) -> str:
    """Return what a column of Incident is called: "地址" for "address"."""
    column = Incident._meta.get_field(field)
    assert isinstance(column, models.Field)
    return str(column.verbose_name)


def first_broken_line(incident: Incident) -> LogEntry | None:
    """Return the first line that does not fit the incident's chain; None if the log is whole."""
    previous, expected = "", 1
    for entry in incident.log.order_by("seq"):
        if entry.seq != expected or entry.previous_hash != previous or entry.hash != _digest(entry):
            return entry
        previous, expected = entry.hash, expected + 1
    return None


def _refuse_if_over(incident: Incident) -> None:
    if not incident.is_open:
        raise IncidentOver(
            f"事件 {incident.number} 已结束，不能再更改。如需补充，请在时间线里记一笔。",
            f"Incident {incident.number} is over and can no longer be changed. To add something, write a log line.",
        )


def _only_site(enterprise: Enterprise | None) -> Site | None:
    sites = list(enterprise.sites.all()[:2]) if enterprise else []
    return sites[0] if len(sites) == 1 else None


def _place_of(report: FirstReport, site: Site | None) -> dict[str, Any]:
    """Return the place columns of the incident: the caller's own point first, then site, enterprise, region."""
    if report.point:
        return {
            "latitude": report.point.latitude,
            "longitude": report.point.longitude,
            "precision": Precision.EXACT,
            "region": report.region or (report.enterprise.region if report.enterprise else None),
            "address": report.address or (site.address if site else ""),
        }
    for known in (site, report.enterprise):
        if known and known.point:
            return {
                "latitude": known.latitude,
                "longitude": known.longitude,
                "precision": known.precision or Precision.ADDRESS,
                "region": known.region,
                "address": report.address or known.address,
            }
    region = report.region or (report.enterprise.region if report.enterprise else None)
    if region is None:
        raise NoPlace(
            "还不知道在哪里：请填写企业，或地点（市县、地址、“经度,纬度”均可）。",
            "It is not known where: give the enterprise, or a place (county, address or “longitude,latitude”).",
        )
    return {
        "latitude": region.latitude,
        "longitude": region.longitude,
        "precision": Precision.COUNTY if region.level == "county" else Precision.CITY,
        "region": region,
        "address": report.address,
    }


def _shown(incident: Incident, name: str) -> str:
    display = getattr(incident, f"get_{name}_display", None)
    value = display() if display else getattr(incident, name)
    return "未填" if value in (None, "") else str(value)


def _write(
    incident: Incident,
    text: str,
    *,
    kind: LogKind,
    by: Actor,
    happened_at: datetime,
    at: datetime,
    corrects: LogEntry | None = None,
) -> LogEntry:
    """Append a line; the caller holds the incident's lock, so the chain has one writer."""
    last = incident.log.order_by("-seq").values_list("seq", "hash").first() or (0, "")
    entry = LogEntry(
        incident=incident,
        seq=last[0] + 1,
        kind=kind,
        at=happened_at,
        recorded_at=at,
        text=text,
        actor=by.user,
        actor_label=by.label,
        corrects=corrects,
        previous_hash=last[1],
    )
    entry.hash = _digest(entry)
    entry.save()
    return entry


def _digest(entry: LogEntry) -> str:
    content = [
        entry.incident_id,
        entry.seq,
        entry.kind,
        entry.at.astimezone(UTC).isoformat(),
        entry.recorded_at.astimezone(UTC).isoformat(),
        entry.text,
        entry.actor_id,
        entry.actor_label,
        entry.corrects_id,
        entry.previous_hash,
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
