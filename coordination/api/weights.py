"""The weights of matching, to read. They are set on their page, where somebody sees what they come to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordination.api.faces import Face
from coordination.matching import Weights
from coordination.models import MatchingWeights
from coordination.models.weights import READS
from coordination.weight_settings import values_of
from ground.guards import Needs


class PointsShown(serializers.Serializer):
    """The points of a perfect expert, by part; 100 in all."""

    expertise = serializers.FloatField()
    travel = serializers.FloatField()
    load = serializers.FloatField()
    freshness = serializers.FloatField()


class WeightsShown(serializers.Serializer):
    """The weights in force. `number` is 0 and nobody has set them while the defaults hold."""

    version = serializers.CharField(
        help_text="As it is kept with a recommendation: the scores', then the centre's."
    )
    number = serializers.IntegerField()
    set_at = serializers.DateTimeField(allow_null=True)
    set_by = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    expertise = serializers.IntegerField(
        help_text="Of these three only the proportion matters. The officer may move them."
    )
    travel = serializers.IntegerField()
    load = serializers.IntegerField()
    freshness = serializers.IntegerField(help_text="Points of 100; the three share the rest.")
    travel_half_at_minutes = serializers.IntegerField(help_text="Half the points for arrival.")
    load_half_at_callouts = serializers.IntegerField(
        help_text="Half the points for taking turns; in 90 days."
    )
    freshness_half_at_days = serializers.IntegerField(help_text="Half the points for an answer so old.")
    fairness_minutes = serializers.IntegerField(
        help_text="So much later a team counts for each call-out of the last 90 days."
    )
    asked_elsewhere_minutes = serializers.IntegerField(
        help_text="So much later those count from whom another incident waits for an answer."
    )
    points = PointsShown()


class MatchingWeightsInForce(Face):
    """By what experts and teams are ranked, unless the officer moves the sliders."""

    permission_classes = [Needs.any_of(*READS)]

    @extend_schema(responses=WeightsShown)
    def get(self, request: Request) -> Response:
        row = MatchingWeights.objects.readable_by(self.user).latest_version()
        weights = row.weights() if row else Weights()
        return Response(WeightsShown(_told(row, weights)).data)


def _told(row: MatchingWeights | None, weights: Weights) -> dict[str, Any]:
    parts = ("expertise", "travel", "load", "freshness")
    return {
        "version": weights.version,
        "number": row.number if row else 0,
        "set_at": row.set_at if row else None,
        "set_by": row.set_by_label if row else None,
        "reason": row.reason if row else None,
        **values_of(weights),
        "points": {part: round(points, 1) for part, points in zip(parts, weights.points, strict=True)},
    }
