"""What matching says, for an incident, a request or a bare need. Nothing is stored by asking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.bases import Document
from contracts.models import Capability, Enterprise, Site
from coordination import recommendations
from coordination.api.bodies import read_json
from coordination.api.faces import Face
from coordination.api.fields import (
    Body,
    CodeField,
    DayGiven,
    IdField,
    KindField,
    Placed,
    Query,
    TermField,
    asked_of,
    read,
    refuse_foreign_site,
)
from coordination.api.problems import invalid
from coordination.callouts import MOST_SEATS, RequirementSpec
from coordination.matching import Match, Situation
from coordination.models import GuidanceRequest
from coordination.paging import InviteeKind, Mode
from coordination.recommendations import Proposal, Subject
from ground.access import Permission
from ground.guards import Needs
from ground.languages import is_english
from ground.mistakes import Mistake
from ground.models import Industry, Specialty, User
from incidents.models import Incident

MOST_REQUIREMENTS = 20
ROWS = 50
EXCLUDED = 200


class SeatsField(serializers.IntegerField):
    """How many people or teams: at least one."""

    def to_internal_value(self, data: Any) -> int:
        seats = super().to_internal_value(data)
        if seats < 1:
            raise invalid(
                "每项岗位至少要 1 个席位。请填写人数，或删去这一项。",
                "Every requirement needs at least 1 seat. Give a number, or remove the line.",
            )
        if seats > MOST_SEATS:
            raise invalid(
                f"一项岗位最多 {MOST_SEATS} 个席位。请核对人数，或分成几项。",
                f"A requirement has at most {MOST_SEATS} seats. Check the number, or split the line.",
            )
        return seats


class RequirementBody(Body):
    """One line of what is needed."""

    kind = TermField(InviteeKind)
    mode = TermField(Mode, default=Mode.ONSITE)
    industry = CodeField(Industry, required=False, allow_null=True)
    specialty = CodeField(Specialty, required=False, allow_null=True)
    capability = CodeField(Capability, required=False, allow_null=True, help_text="Of a team.")
    certificate = serializers.CharField(required=False, max_length=60, help_text="Must be valid.")
    seats = SeatsField()
    critical = serializers.BooleanField(default=False)
    urgent = serializers.BooleanField(
        default=False, help_text="Experts who are there soon, rather than the best. Teams always are."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] is InviteeKind.EXPERT and attrs.get("capability"):
            raise serializers.ValidationError(
                {
                    "capability": invalid(
                        "能力是队伍的；对专家请用 industry 或 specialty。",
                        "A capability is a team's; for an expert use industry or specialty.",
                    ).detail
                }
            )
        if not any(attrs.get(name) for name in ("industry", "specialty", "capability")):
            raise invalid(
                "要什么样的人或队伍？请至少填写 industry、specialty、capability 中的一项。",
                "What kind of person or team? Give at least one of industry, specialty, capability.",
            )
        return attrs


class RequirementsField(serializers.ListField):
    """The lines of a need, at most 20."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=RequirementBody(), allow_empty=False, max_length=MOST_REQUIREMENTS, **options)


class RequirementsInQuery(serializers.CharField):
    """The same list as JSON text, for a GET."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            lines = read_json(str(data))
        except ValueError as wrong:
            raise invalid(
                "requirements 不是有效的 JSON。写法与 POST callouts/ 的 requirements 相同。",
                "requirements is no valid JSON. It is written as in POST callouts/.",
            ) from wrong
        field = RequirementsField()
        field.bind("requirements", self.parent)
        return field.run_validation(lines)


class CandidatesQuery(Query):
    requirements = RequirementsInQuery(
        required=False,
        help_text='JSON, such as [{"kind": "expert", "industry": "WH", "seats": 2}]; what is proposed, if left out.',
    )
    rows = serializers.IntegerField(default=ROWS, min_value=1, max_value=1000)
    excluded = serializers.IntegerField(default=EXCLUDED, min_value=0, max_value=20_000)


def _firms_to_match_for(user: User) -> QuerySet[Enterprise]:
    """Return those of which `user` may learn who has an interest in them; one's own firm is not among them."""
    return Enterprise.objects.open_to(user, Permission.MATCH)


def _sites_to_match_for(user: User) -> QuerySet[Site]:
    return Site.objects.filter(enterprise__in=_firms_to_match_for(user))


class BareNeed(Placed):
    """A need without an incident or a request."""

    situation = TermField(Situation, default=Situation.RESCUE)
    requirements = RequirementsField()
    enterprise = IdField(_firms_to_match_for, required=False, help_text="For interests and agreements.")
    site = IdField(_sites_to_match_for, required=False, help_text="For agreements that cover some sites.")
    incident_kind = KindField(required=False, help_text="For those who know such incidents.")
    starts_on = DayGiven(required=False, help_text="Today, if left out.")
    ends_on = DayGiven(required=False)
    rows = serializers.IntegerField(default=ROWS, min_value=1, max_value=1000)
    excluded = serializers.IntegerField(default=EXCLUDED, min_value=0, max_value=20_000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        site, enterprise = attrs.get("site"), attrs.get("enterprise")
        if enterprise:
            refuse_foreign_site(site, enterprise)
        starts, ends = attrs.get("starts_on"), attrs.get("ends_on")
        if starts and ends and ends < starts:
            raise serializers.ValidationError(
                {
                    "ends_on": invalid(
                        f"结束日期 {ends} 早于开始日期 {starts}。请核对两个日期。",
                        f"The last day {ends} is before the first day {starts}. Check both.",
                    ).detail
                }
            )
        return attrs


# How a recommendation is shown. The words are in the caller's language.


class LawShown(serializers.Serializer):
    name = serializers.CharField()
    article = serializers.CharField()
    version = serializers.CharField()


class ReasonShown(serializers.Serializer):
    code = serializers.CharField()
    words = serializers.CharField()
    blocks = serializers.BooleanField()
    law = LawShown(allow_null=True)


class PartShown(serializers.Serializer):
    key = serializers.CharField()
    points = serializers.FloatField()
    of = serializers.FloatField()
    words = serializers.CharField()


class FootingShown(serializers.Serializer):
    """On what ground a team comes, who pays then, and which paper is sent, each with its article."""

    basis = serializers.CharField()
    name = serializers.CharField()
    words = serializers.CharField()
    law = LawShown(allow_null=True)
    number = serializers.CharField()
    promised_minutes = serializers.IntegerField(allow_null=True)
    in_time = serializers.BooleanField(allow_null=True, help_text="Whether the promise can be kept.")
    timing = serializers.CharField(allow_null=True)
    document = TermField(Document)
    document_name = serializers.CharField()
    document_words = serializers.CharField()
    document_law = LawShown(allow_null=True)
    payer = serializers.CharField()
    costs_words = serializers.CharField()
    costs_law = LawShown(allow_null=True)


class BasisShown(FootingShown):
    """`otherwise` is what is left when the first is not chosen: a favour beside an order."""

    otherwise = FootingShown(allow_null=True)


class ExcludedShown(serializers.Serializer):
    """One who must not go, or does not fit, with every reason."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    distance_km = serializers.FloatField(allow_null=True)
    minutes = serializers.FloatField(allow_null=True)
    reasons = ReasonShown(many=True)


class CandidateShown(serializers.Serializer):
    """One who may go. Kilometres are a straight line; minutes run from the call until arrival."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    fit = serializers.CharField()
    score = serializers.IntegerField()
    parts = PartShown(many=True)
    reasons_for = serializers.ListField(child=serializers.CharField())
    cautions = ReasonShown(many=True)
    distance_km = serializers.FloatField(allow_null=True)
    minutes = serializers.FloatField(allow_null=True)
    travel_basis = serializers.CharField()
    basis = BasisShown(allow_null=True)
    is_picked = serializers.BooleanField()
    is_reserve = serializers.BooleanField()


class CountShown(serializers.Serializer):
    code = serializers.CharField()
    label = serializers.CharField()
    count = serializers.IntegerField()


class ShortfallShown(serializers.Serializer):
    missing = serializers.IntegerField()
    causes = CountShown(many=True)
    words = serializers.CharField()


class AskedShown(serializers.Serializer):
    kind = TermField(InviteeKind)
    mode = TermField(Mode)
    industry = serializers.CharField(allow_null=True)
    specialty = serializers.CharField(allow_null=True)
    capability = serializers.CharField(allow_null=True)
    certificate = serializers.CharField(allow_null=True)
    seats = serializers.IntegerField()
    critical = serializers.BooleanField()
    urgent = serializers.BooleanField()


class MatchShown(serializers.Serializer):
    """What matching says to one requirement. The counts are whole even where the lists were cut."""

    position = serializers.IntegerField()
    requirement = AskedShown()
    considered = serializers.IntegerField()
    candidates = serializers.IntegerField()
    rows = CandidateShown(many=True)
    picks = serializers.ListField(child=serializers.UUIDField())
    reserves = serializers.ListField(child=serializers.UUIDField())
    widened = serializers.CharField(allow_null=True)
    excluded_count = serializers.IntegerField()
    unfit_count = serializers.IntegerField()
    exclusions = CountShown(many=True)
    exclusion_words = serializers.CharField()
    excluded = ExcludedShown(many=True)
    shortfall = ShortfallShown(allow_null=True)


class ProposalShown(serializers.Serializer):
    rules_version = serializers.CharField()
    weights_version = serializers.CharField(help_text="As matching-weights/ names it.")
    requirements = MatchShown(many=True)


def shown(proposal: Proposal, *, rows: int, excluded: int) -> dict[str, Any]:
    """Return a proposal as the API shows it: with opaque ids, in the caller's language."""
    said = [one.to_dict(rows, excluded) for one in proposal.matching]
    public = _public_ids(proposal, said)
    return {
        "rules_version": proposal.matching.rules_version,
        "weights_version": proposal.matching.weights.version,
        "requirements": [
            _with_ids(one, public[one.requirement.kind], told, position)
            for position, (one, told) in enumerate(zip(proposal.matching, said, strict=True), 1)
        ],
    }


def specs(lines: Iterable[dict[str, Any]]) -> list[RequirementSpec]:
    return [RequirementSpec(**line) for line in lines]


class CandidatesFace(Face):
    """What the candidates of an incident and of a request share."""

    def answer(self, subject: Subject) -> Response:
        asked = asked_of(self, CandidatesQuery)
        wanted = (
            specs(asked["requirements"])
            if "requirements" in asked
            else recommendations.proposed_requirements(subject)
        )
        proposal = recommendations.propose(subject, wanted, at=self.at)
        return Response(shown(proposal, rows=asked["rows"], excluded=asked["excluded"]))


class IncidentCandidates(CandidatesFace):
    """Whom to call to an incident, best first; and everybody who is left out, with every reason."""

    permission_classes = [Needs.any_of(Permission.READ_INCIDENTS), Needs.any_of(Permission.MATCH)]

    @extend_schema(parameters=[CandidatesQuery], responses=ProposalShown)
    def get(self, request: Request, public_id: str) -> Response:
        return self.answer(get_object_or_404(Incident.objects.open_to(self.user), public_id=public_id))


class GuidanceCandidates(CandidatesFace):
    """Whom to ask for a guidance request. An interest bars from a review, and only from a review."""

    permission_classes = [Needs.any_of(Permission.READ_GUIDANCE), Needs.any_of(Permission.MATCH)]

    @extend_schema(parameters=[CandidatesQuery], responses=ProposalShown)
    def get(self, request: Request, public_id: str) -> Response:
        # An enterprise reads its own request, but not who is on leave or has an interest in it.
        theirs = GuidanceRequest.objects.open_to(self.user, Permission.MATCH)
        request_ = get_object_or_404(theirs, public_id=public_id)
        if not request_.kind:
            raise Mistake(
                "申请还没有选服务类型，无法匹配。",
                "The request names no service yet, so nothing can be matched.",
            )
        return self.answer(request_)


class Matches(Face):
    """Matching for a bare need: nothing has to exist and nothing is stored.

    It names the whole pool, whoever lies where; so a role that is bound to a region and sends nobody is
    told of the candidates of its region's incidents and requests only.
    """

    permission_classes = [Needs.any_of(Permission.MATCH)]

    @extend_schema(request=BareNeed, responses=ProposalShown)
    def post(self, request: Request) -> Response:
        sends = self.user.may(Permission.CALL_OUT) or self.user.may(Permission.HANDLE_GUIDANCE)
        if not sends and not self.user.reach(Permission.MATCH).everywhere:
            raise PermissionDenied
        said = read(self, BareNeed, request.data)
        site = said.get("site")
        enterprise = said.get("enterprise") or (site.enterprise if site else None)
        place = said["point"] or (site.point if site else None) or (enterprise.point if enterprise else None)
        proposal = recommendations.propose_for(
            said["situation"],
            specs(said["requirements"]),
            place=place,
            enterprise_id=enterprise.pk if enterprise else None,
            site_id=site.pk if site else None,
            incident_kind=said.get("incident_kind"),
            period=(said.get("starts_on"), said.get("ends_on")),
            at=self.at,
        )
        return Response(shown(proposal, rows=said["rows"], excluded=said["excluded"]))


def _public_ids(proposal: Proposal, said: Sequence[dict[str, Any]]) -> dict[InviteeKind, dict[int, str]]:
    """Return the opaque ids of all who are named."""
    keys: dict[InviteeKind, set[int]] = {kind: set() for kind in InviteeKind}
    for one, told in zip(proposal.matching, said, strict=True):
        keys[one.requirement.kind].update(
            [*(row["id"] for row in (*told["rows"], *told["excluded"])), *one.picks, *one.reserves]
        )
    return {kind: proposal.public_ids(kind, keys[kind]) for kind in InviteeKind}


def _with_ids(one: Match, public: dict[int, str], told: dict[str, Any], position: int) -> dict[str, Any]:
    told["requirement"].pop("key")
    for row in (*told["rows"], *told["excluded"]):
        row.pop("kind")
        row["id"] = public[row["id"]]
    return _in_words(
        {
            "position": position,
            **told,
            "picks": [public[pk] for pk in told["picks"]],
            "reserves": [public[pk] for pk in told["reserves"]],
            "exclusion_words": one.exclusion_words().to_dict(),
        }
    )


def _in_words(value: Any) -> Any:
    """Return the same with every pair of zh and en replaced by the caller's one."""
    return _said(value, "en" if is_english() else "zh")


def _said(value: Any, language: str) -> Any:
    if isinstance(value, dict):
        if value.keys() == _BOTH:
            return value[language]
        return {
            name: _said(inner, language) if isinstance(inner, dict | list) else inner
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_said(inner, language) if isinstance(inner, dict | list) else inner for inner in value]
    return value


_BOTH = {"zh", "en"}
