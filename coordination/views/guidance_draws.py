"""What the pages show of the draws of a guidance request, and a draw's file.

The centre sees names. The enterprise sees the same draw by the opaque ids, which is all that doing it again
needs; who was not drawn is the roster's business. Nobody sees a seed before it has been drawn with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from coordination import draws
from coordination.matching.chances import chances
from coordination.matching.draw import Candidate, Record, SeedSource, lot
from coordination.models import Draw, GuidanceRequest, Invitation
from ground.access import Permission
from ground.guards import needs, user_of
from ground.terms import Words


@dataclass(frozen=True)
class Lot:
    """One candidate of a draw. `place` is 1 for the first drawn, 0 for somebody who was not."""

    id: str
    name: str
    load: int
    is_near: bool
    chance_percent: float
    lot: float
    place: int
    is_reserve: bool
    invitation: Invitation | None = None


@dataclass(frozen=True)
class DrawShown:
    row: Draw
    record: Record
    source: SeedSource
    drawn: Sequence[Lot]
    lots: Sequence[Lot]  # all of them, the highest first
    faults: Sequence[Words]


@dataclass(frozen=True)
class Seal:
    """What may be told of a seed that has not been drawn with."""

    commitment: str
    at: datetime
    source: SeedSource


@require_safe
@needs(Permission.READ_GUIDANCE, Permission.OWN_ENTERPRISE)
def download(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Return a draw as a file that anybody can do again: `manage.py replay_draw FILE.json`."""
    readable = Draw.objects.readable_by(user_of(request)).select_related("request")
    record = draws.record(get_object_or_404(readable, public_id=public_id))
    name = f"{record.request}-draw-{record.number}.json"
    return JsonResponse(
        record.to_dict(),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def of_request(asked: GuidanceRequest) -> list[DrawShown]:
    """Return the draws of a request, the latest first, each done again while it is shown."""
    rows = list(asked.draws.made().select_related("request", "drawn_by").order_by("-number"))
    if not rows:
        return []
    invitations = {
        str(one.expert.public_id): one
        for one in Invitation.objects.filter(callout__guidance_request=asked, expert__isnull=False)
        .select_related("expert", "deployment")
        .order_by("callout", "rank")
        if one.expert
    }
    return [_shown(row, invitations) for row in rows]


def seal_of(asked: GuidanceRequest) -> Seal | None:
    """Return the seal of the next draw; None if the request has none or is none to be drawn for."""
    row = asked.draws.sealed().first() if asked.kind in draws.DRAWN_FOR else None
    return Seal(row.commitment, row.sealed_at, SeedSource(row.seed_source)) if row else None


def _shown(row: Draw, invitations: Mapping[str, Invitation]) -> DrawShown:
    record = draws.record(row)
    names: dict[str, Any] = {one["id"]: one["name"] for one in row.candidates}
    chance_of = chances(record.candidates, seats=record.seats)
    in_order = [*record.drawn.seats, *record.drawn.reserves]
    place_of = {id_: place for place, id_ in enumerate(in_order, 1)}

    def shown(one: Candidate) -> Lot:
        return Lot(
            id=one.id,
            name=names[one.id],
            load=one.load,
            is_near=one.is_near,
            chance_percent=100 * chance_of[one.id],
            lot=lot(row.seed, one),
            place=place_of.get(one.id, 0),
            is_reserve=one.id in record.drawn.reserves,
            invitation=invitations.get(one.id),
        )

    lots = sorted(map(shown, record.candidates), key=lambda one: (one.is_near, -one.lot, one.id))
    by_id = {one.id: one for one in lots}
    return DrawShown(
        row=row,
        record=record,
        source=SeedSource(row.seed_source),
        drawn=[by_id[id_] for id_ in in_order if id_ in by_id],
        lots=lots,
        faults=draws.faults(row),
    )
