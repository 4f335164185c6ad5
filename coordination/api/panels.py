"""The panels of a plan review: those that were asked, what would be proposed, and asking it.

Names, employers and scores go only to those who may read the request as the centre does; an enterprise reads
who sits on its own panel by opaque ids. Nobody is told of more experts than sit on the panel.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from coordination import review_panels, tasks
from coordination.api.faces import ToWrite
from coordination.api.fields import Body, IdField, any_of, read
from coordination.api.guidance import READS, GuidanceFace
from coordination.api.idempotency import KEY_PARAMETER, idempotent
from coordination.api.problems import invalid, invalid_by
from coordination.matching import CandidateRow
from coordination.matching.panels import NoPanel, PanelRules, WrongPanel
from coordination.models import GuidanceRequest
from coordination.review_panels import USUAL, Kept, Proposed, WrongSize
from experts.models import Expert
from ground.access import Permission
from ground.languages import language

P = Permission
MOST_PAIRS = 20


class PairField(serializers.ListField):
    """Two experts who must not sit together."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=IdField(any_of(Expert)), min_length=2, max_length=2, **options)


class PanelRulesBody(Body):
    """What must hold for the panel as a whole."""

    size = serializers.IntegerField(help_text="3, 5, 7 or 9; of a running panel the size that it has.")
    per_employer = serializers.IntegerField(
        default=USUAL.per_employer, max_value=99, help_text="At most so many of one employer."
    )
    seniors = serializers.IntegerField(
        default=USUAL.seniors, max_value=99, help_text="At least so many seniors."
    )
    apart = serializers.ListField(
        child=PairField(),
        required=False,
        max_length=MOST_PAIRS,
        help_text="Pairs of experts who must not sit together.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        pairs = attrs.get("apart", [])
        if any(one == other for one, other in pairs):
            raise serializers.ValidationError(
                {
                    "apart": invalid(
                        "不能同组的应是两位不同的专家。请改正。",
                        "Those who must not sit together are two different experts. Mend it.",
                    ).detail
                }
            )
        apart = frozenset(frozenset(one.pk for one in pair) for pair in pairs)
        try:
            attrs["rules"] = review_panels.rules_for(
                size=attrs["size"],
                per_employer=attrs["per_employer"],
                seniors=attrs["seniors"],
                apart=apart,
            )
        except WrongSize as wrong:
            raise serializers.ValidationError({"size": invalid_by(wrong).detail}) from wrong
        except WrongPanel as wrong:
            raise invalid_by(wrong) from wrong
        return attrs


class AskPanelBody(PanelRulesBody):
    """The same rules, and who was proposed."""

    joining = serializers.ListField(
        child=IdField(any_of(Expert)),
        required=False,
        max_length=max(review_panels.SIZES),
        help_text="As proposed; if others would be asked now, nobody is.",
    )


class RulesShown(serializers.Serializer):
    size = serializers.IntegerField()
    per_employer = serializers.IntegerField()
    seniors = serializers.IntegerField()
    apart = serializers.ListField(child=serializers.ListField(child=serializers.UUIDField()))


class PanelMemberShown(serializers.Serializer):
    """One member. `seated`: on the panel before, so not to be asked. Null is what the caller is not told."""

    id = serializers.UUIDField()
    leads = serializers.BooleanField(help_text="The one who leads the panel.")
    seated = serializers.BooleanField()
    name = serializers.CharField(allow_null=True)
    employer = serializers.CharField(allow_null=True)
    is_senior = serializers.BooleanField(allow_null=True)
    score = serializers.IntegerField(allow_null=True)
    reasons_for = serializers.ListField(child=serializers.CharField())


class PanelProposedShown(serializers.Serializer):
    """The best panel, the leader first; or, with `members` empty, why there is none."""

    rules = RulesShown()
    members = PanelMemberShown(many=True)
    joining = serializers.ListField(child=serializers.UUIDField(), help_text="In the order of asking.")
    solver = serializers.CharField(allow_null=True)
    is_best = serializers.BooleanField(help_text="False where it could not be proved in time.")
    why = serializers.CharField(allow_null=True)
    exclusion_words = serializers.CharField()


class PanelKeptShown(serializers.Serializer):
    """A panel that was asked; the recommendation of this id can be worked out again."""

    id = serializers.UUIDField()
    callout = serializers.UUIDField(allow_null=True)
    made_at = serializers.DateTimeField()
    rules = RulesShown()
    members = PanelMemberShown(many=True)
    solver = serializers.CharField()
    is_best = serializers.BooleanField()


class PanelsShown(serializers.Serializer):
    leader = serializers.UUIDField(allow_null=True, help_text="Who leads now; null once they have declined.")
    panels = PanelKeptShown(many=True)


class PanelFace(GuidanceFace):
    """What the views of a request's panels share."""

    permission_classes = [READS, ToWrite.any_of(P.HANDLE_GUIDANCE)]

    def theirs(self) -> QuerySet[GuidanceRequest]:
        return GuidanceRequest.objects.open_to(self.user, P.HANDLE_GUIDANCE)

    def kept_shown(self, asked: GuidanceRequest, kept: Kept) -> dict[str, Any]:
        # The right to read other requests, of another city, names nobody in this one.
        told = GuidanceRequest.objects.open_to(self.user).filter(pk=asked.pk).exists()
        row = kept.recommendation
        experts = _experts(kept.members, kept.rules)
        scores = {one["id"]: one["score"] for match in row.outcome["matches"] for one in match["rows"]}
        return {
            "id": row.public_id,
            "callout": row.callout.public_id if row.callout else None,
            "made_at": row.made_at,
            "rules": _rules(kept.rules, experts) if told else _rules(kept.rules, {}),
            "members": [
                {
                    **_member(experts[id_], leads=id_ == kept.leader, seated=id_ in kept.seated, told=told),
                    "score": scores.get(id_) if told else None,
                }
                for id_ in kept.members
            ],
            "solver": kept.solver,
            "is_best": kept.is_best,
        }


class GuidancePanels(PanelFace):
    """The panels of a request that asks for the review of a plan."""

    @extend_schema(responses=PanelsShown)
    def get(self, request: Request, public_id: str) -> Response:
        """Return who leads and every panel that was asked, the first one first."""
        found = self.found()
        leader = review_panels.leader_of(found)
        expert = Expert.objects.filter(pk=leader).first() if leader else None
        panels = [self.kept_shown(found, one) for one in review_panels.kept(found)]
        return Response({"leader": expert.public_id if expert else None, "panels": panels})

    @extend_schema(request=PanelRulesBody, responses=PanelProposedShown)
    def post(self, request: Request, public_id: str) -> Response:
        """Propose the best panel; of a running one whoever has accepted or still has to answer stays.

        Nothing is stored. Whoever is `joining` is then asked with POST panels/ask/.
        """
        found = self.found_to_change()
        rules = read(self, PanelRulesBody, request.data)["rules"]
        return Response(_proposed(review_panels.propose(found, rules, at=self.at)))


class AskPanel(PanelFace):
    """Ask a panel."""

    @extend_schema(request=AskPanelBody, responses={201: PanelKeptShown}, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        """Ask those of the best panel who have not been asked, the leader first, and keep why."""
        found = self.found_to_change()
        said = read(self, AskPanelBody, request.data)
        shown = [one.pk for one in said["joining"]] if "joining" in said else None
        kept = review_panels.ask(found, said["rules"], shown=shown, by=self.by, at=self.at)
        tasks.nudge()
        return Response(self.kept_shown(found, kept), status=status.HTTP_201_CREATED)


def _proposed(proposed: Proposed) -> dict[str, Any]:
    panel, answer, rules = proposed.panel, proposed.made.answer, proposed.made.asked.rules
    members = panel.members if panel else ()
    leader = panel.leader if panel else None
    experts = _experts(members, rules)
    held = {one.expert_id for one in proposed.held}
    told = []
    for id_ in members:
        row = proposed.match.about(id_) if id_ not in held else None
        said = _member(experts[id_], leads=id_ == leader, seated=id_ in held, told=True)
        if isinstance(row, CandidateRow):
            said |= {
                "score": row.score,
                "reasons_for": [words.word(language()) for words in row.reasons_for],
            }
        told.append(said)
    return {
        "rules": _rules(rules, experts),
        "members": told,
        "joining": [experts[id_].public_id for id_ in proposed.joining],
        "solver": str(panel.solver) if panel else None,
        "is_best": panel.is_best if panel else False,
        "why": answer.words.word(language()) if isinstance(answer, NoPanel) else None,
        "exclusion_words": proposed.match.exclusion_words().word(language()),
    }


def _experts(members: tuple[int, ...], rules: PanelRules) -> dict[int, Expert]:
    return Expert.objects.in_bulk({*members, *frozenset().union(*rules.apart)})


def _rules(rules: PanelRules, experts: dict[int, Expert]) -> dict[str, Any]:
    """Return the rules as they are shown: whoever must not sit together only where the experts are told."""
    pairs = sorted(sorted(pair) for pair in rules.apart)
    return {
        "size": rules.size,
        "per_employer": rules.per_employer,
        "seniors": rules.seniors,
        "apart": [
            [experts[id_].public_id for id_ in pair] for pair in pairs if all(id_ in experts for id_ in pair)
        ],
    }


def _member(expert: Expert, *, leads: bool, seated: bool, told: bool) -> dict[str, Any]:
    return {
        "id": expert.public_id,
        "leads": leads,
        "seated": seated,
        "name": expert.name if told else None,
        "employer": expert.employer if told else None,
        "is_senior": expert.is_senior if told else None,
        "score": None,
        "reasons_for": [],
    }
