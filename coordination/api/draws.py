"""The draws of a guidance request: what is sealed, what was drawn, and a further draw.

A draw is shown so that it can be done again; the names of the candidates only to those who may read all
requests. A seed is told by the draw that used it, never before.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from coordination import draws
from coordination.api.faces import ToWrite
from coordination.api.fields import Body, read
from coordination.api.guidance import READS, GuidanceFace
from coordination.api.idempotency import KEY_PARAMETER, idempotent
from coordination.matching.chances import chances
from coordination.models import Draw, GuidanceRequest
from ground.access import Permission
from ground.languages import language

P = Permission


class DrawBody(Body):
    """How many to draw, and for a further draw why."""

    seats = serializers.IntegerField(
        required=False, min_value=1, max_value=draws.MOST_SEATS, help_text="As the request asks, if left out."
    )
    reason = serializers.CharField(
        required=False, max_length=200, help_text="Needed when experts were drawn before."
    )
    known = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="How many draws you had seen: if somebody has drawn since, nothing is drawn now.",
    )


class LotShown(serializers.Serializer):
    """One candidate. `load` is how often they were called out in the 90 days before; `near`: of a near trade."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)
    load = serializers.IntegerField()
    near = serializers.BooleanField()
    chance = serializers.FloatField(help_text="To be among those drawn, from 0 to 1.")


class DrawShown(serializers.Serializer):
    """One draw, as in its file, with names and chances besides."""

    id = serializers.UUIDField()
    request = serializers.CharField()
    number = serializers.IntegerField()
    algorithm = serializers.CharField()
    seed = serializers.CharField()
    commitment = serializers.CharField()
    seed_source = serializers.CharField()
    sealed_at = serializers.DateTimeField()
    seats = serializers.IntegerField()
    reserves = serializers.IntegerField()
    candidates = LotShown(many=True)
    drawn = serializers.ListField(child=serializers.UUIDField(), help_text="In the order of asking.")
    reserve = serializers.ListField(child=serializers.UUIDField(), help_text="In the order of asking.")
    drawn_at = serializers.DateTimeField()
    drawn_by = serializers.CharField()
    reason = serializers.CharField()
    fingerprint = serializers.CharField()
    widened = serializers.CharField(
        allow_null=True, help_text="Why candidates of near trades are in the draw; null when none are."
    )


class SealShown(serializers.Serializer):
    """The SHA-256 of the seed of the next draw."""

    commitment = serializers.CharField()
    seed_source = serializers.CharField()
    sealed_at = serializers.DateTimeField()


class DrawsShown(serializers.Serializer):
    next = SealShown(allow_null=True)
    draws = DrawShown(many=True)


class GuidanceDraw(GuidanceFace):
    """The draws of a request, and the seal of the next one."""

    permission_classes = [READS, ToWrite.any_of(P.HANDLE_GUIDANCE)]

    @extend_schema(responses=DrawsShown)
    def get(self, request: Request, public_id: str) -> Response:
        """Return what is sealed and every draw that was made, the first one first."""
        found = self.found()
        sealed = found.draws.sealed().first()
        seal = (
            {
                "commitment": sealed.commitment,
                "seed_source": sealed.seed_source,
                "sealed_at": sealed.sealed_at,
            }
            if sealed
            else None
        )
        rows = found.draws.made().select_related("request")
        return Response({"next": seal, "draws": [self._shown(found, row) for row in rows]})

    @extend_schema(request=DrawBody, responses={201: DrawShown}, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        """Draw among all who may go. Those drawn are then asked with POST callouts/, in the order drawn."""
        found = self.found_to_change()
        said = read(self, DrawBody, request.data)
        made = draws.draw(found, **said, by=self.by, at=self.at)
        return Response(self._shown(found, made), status=status.HTTP_201_CREATED)

    def theirs(self) -> QuerySet[GuidanceRequest]:
        return GuidanceRequest.objects.open_to(self.user, P.HANDLE_GUIDANCE)

    def _shown(self, asked: GuidanceRequest, row: Draw) -> dict[str, Any]:
        # The right to read other requests, of another city, names nobody in this one.
        names_told = GuidanceRequest.objects.open_to(self.user).filter(pk=asked.pk).exists()
        record = draws.record(row)
        chance_of = chances(record.candidates, seats=record.seats)
        names = {one["id"]: one["name"] for one in row.candidates} if names_told else {}
        told = record.to_dict()
        told["widened"] = record.widened.word(language()) if record.widened else None
        for one in told["candidates"]:
            one["name"] = names.get(one["id"])
            one["chance"] = chance_of[one["id"]]
        return told
