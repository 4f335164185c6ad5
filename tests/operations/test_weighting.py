"""The weights that a centre sets for itself: versions that are only ever added, and that matching goes by."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from coordination import recommendations, replays, weighting
from coordination.callouts import RequirementSpec
from coordination.matching import Weights
from coordination.models import MatchingWeights, Recommendation
from coordination.models.weights import OnlyAdded
from coordination.paging import InviteeKind
from coordination.weighting import SomebodyWasQuicker, WrongWeights
from ground.access import Role
from ground.audit import Actor
from ground.models import AuditEntry
from tests.factories import (
    OFFICER,
    a_callout,
    a_guidance_request,
    a_team,
    a_user,
    an_enterprise,
    an_expert,
    an_incident,
    industry,
)
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db

DEFAULTS = Weights()
SOONEST_FIRST = Weights(expertise=10, travel=80, load=10)
BEST_FIRST = Weights(expertise=80, travel=10, load=10)


@pytest.fixture
def gao() -> Actor:
    return Actor.of(a_user("gao", Role.SYSTEM_ADMIN, name="高洁"))


def put(weights: Weights, by: Actor, *, known: int = 0, reason: str = "试行两个月后讨论确定") -> Weights:
    return weighting.set_weights(weights, reason=reason, known=known, by=by, at=NOON)


def values(weights: Weights) -> dict[str, float]:
    return {name: value for name, value in weights.to_dict().items() if name != "version"}


# Versions -----------------------------------------------------------------------------------------


def test_before_anybody_has_set_them_the_defaults_of_the_program_hold():
    assert weighting.in_force() == DEFAULTS


def test_what_gao_sets_is_in_force_under_a_version_that_names_the_scores_and_the_number(gao):
    put(SOONEST_FIRST, gao)

    now = weighting.in_force()
    assert now.version == f"{DEFAULTS.version}+1"
    assert values(now) == values(SOONEST_FIRST)


def test_a_version_says_who_set_it_when_and_why(gao):
    put(SOONEST_FIRST, gao, reason="  冬季道路结冰，先看到场时间 ")

    row = MatchingWeights.objects.get()
    assert (row.set_by, row.set_by_label, row.set_at) == (gao.user, "高洁", NOON)
    assert row.reason == "冬季道路结冰，先看到场时间"


def test_going_back_to_the_defaults_is_a_version_too(gao):
    put(SOONEST_FIRST, gao)

    back = put(DEFAULTS, gao, known=1)

    assert back.version == f"{DEFAULTS.version}+2"
    assert values(back) == values(DEFAULTS)
    assert [row.number for row in MatchingWeights.objects.all()] == [2, 1]


def test_every_version_leaves_an_audit_entry_with_the_values_before_and_after(gao):
    put(SOONEST_FIRST, gao)

    entry = AuditEntry.objects.get(action="matching_weights.set")
    assert entry.actor == gao.user
    assert entry.details["before"]["travel"] == 30
    assert entry.details["after"]["travel"] == 80
    assert entry.details["reason"] == "试行两个月后讨论确定"


def test_the_same_form_sent_twice_makes_one_version(gao):
    first = put(SOONEST_FIRST, gao)
    second = put(SOONEST_FIRST, gao)

    assert first == second
    assert MatchingWeights.objects.count() == AuditEntry.objects.count() == 1


def test_setting_what_is_in_force_adds_nothing(gao):
    assert put(DEFAULTS, gao) == DEFAULTS
    assert not MatchingWeights.objects.exists()


def test_of_two_admins_the_second_is_told_that_the_first_was_quicker(gao):
    put(SOONEST_FIRST, gao)

    with pytest.raises(SomebodyWasQuicker, match="您看到的是默认权重，现在是第 1 版"):
        put(BEST_FIRST, gao)

    assert values(weighting.in_force()) == values(SOONEST_FIRST)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(Weights(expertise=105), "专业：应为 0 到 100 之间 5 的倍数", id="more than all"),
        pytest.param(Weights(travel=-5), "到场快：应为 0 到 100 之间 5 的倍数", id="less than nothing"),
        pytest.param(Weights(load=13), "轮流：应为 0 到 100 之间 5 的倍数", id="where no slider can stand"),
        pytest.param(Weights(freshness=51), "最近有答复：应为 0 到 50 的整数", id="mostly freshness"),
        pytest.param(Weights(travel_half_at_minutes=0), "应为 10 到 720 的整数", id="half at once"),
        pytest.param(Weights(load_half_at_callouts=1.5), "应为 1 到 50 的整数", id="half a call-out"),
        pytest.param(Weights(freshness_half_at_days=float("nan")), "应为 1 到 365 的整数", id="no number"),
        pytest.param(Weights(fairness_minutes=61), "应为 0 到 60 的整数", id="an hour a call-out"),
        pytest.param(Weights(expertise=0, travel=0, load=0), "不能都是 0", id="nothing counts"),
    ],
)
def test_what_ranks_nobody_sensibly_is_refused_with_the_bounds(gao, wrong, said):
    with pytest.raises(WrongWeights, match=said):
        put(wrong, gao)

    assert not MatchingWeights.objects.exists()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        pytest.param("", "请写明为什么", id="none"),
        pytest.param(" 　\n", "请写明为什么", id="blank"),
        pytest.param("因" * 201, "最多 200 个字", id="too long"),
    ],
)
def test_nobody_sets_them_without_saying_why(gao, reason, said):
    with pytest.raises(WrongWeights, match=said):
        put(SOONEST_FIRST, gao, reason=reason)


def test_all_that_is_wrong_is_said_at_once(gao):
    with pytest.raises(WrongWeights) as refused:
        put(Weights(travel=-5, freshness=51), gao, reason="")

    assert all(word in refused.value.zh for word in ("到场快", "最近有答复", "原因"))


# The database keeps it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        *({"expertise": 105}, {"travel": 33}, {"load": 101}, {"freshness": 51}),
        *({"travel_half_at_minutes": 0}, {"load_half_at_callouts": 0}, {"freshness_half_at_days": 366}),
        *({"fairness_minutes": 61}, {"expertise": 0, "travel": 0, "load": 0}, {"reason": ""}, {"number": 0}),
    ],
    ids=str,
)
def test_what_is_out_of_bounds_cannot_be_stored(gao, column):
    put(SOONEST_FIRST, gao)
    row = MatchingWeights.objects.values().get()

    with pytest.raises(IntegrityError), transaction.atomic():
        MatchingWeights.objects.create(**{**row, "id": None, "number": 2, **column})


def test_two_versions_of_one_number_cannot_be(gao):
    put(SOONEST_FIRST, gao)
    row = MatchingWeights.objects.values().get()

    with pytest.raises(IntegrityError), transaction.atomic():
        MatchingWeights.objects.create(**{**row, "id": None})


def test_a_version_is_never_changed_or_removed(gao):
    put(SOONEST_FIRST, gao)
    row = MatchingWeights.objects.get()

    for attempt in (row.save, row.delete, MatchingWeights.objects.all().delete):
        with pytest.raises(OnlyAdded):
            attempt()
    with pytest.raises(OnlyAdded):
        MatchingWeights.objects.update(travel=10)

    assert MatchingWeights.objects.get().travel == 80


# Who reads and who sets ---------------------------------------------------------------------------


def test_they_are_read_from_every_region_and_set_for_the_whole_province_only(gao):
    put(SOONEST_FIRST, gao)
    of_tangshan = {role: a_user(f"{role}-tangshan", role, region="130200") for role in Role}

    def reads(role: Role) -> bool:
        return MatchingWeights.objects.readable_by(of_tangshan[role]).exists()

    assert {role for role in Role if reads(role)} == set(Role) - {Role.ENTERPRISE, Role.TEAM}
    assert not any(MatchingWeights.objects.open_to(user).exists() for user in of_tangshan.values())
    assert gao.user and MatchingWeights.objects.open_to(gao.user).exists()


# Matching goes by them ----------------------------------------------------------------------------


@pytest.fixture
def incident():
    """In 曹妃甸; 李工, a chemist by trade, lives in 石家庄, 王工, a chemist besides, in 唐山."""
    an_expert("李工", region="130100")
    an_expert("王工", practises="YJ", also=("WH",), region="130200")
    return an_incident(an_enterprise("冀润冷链公司"))


def a_chemist() -> list[RequirementSpec]:
    return [RequirementSpec(InviteeKind.EXPERT, 1, industry=industry())]


def ranking(subject, weights: Weights | None = None) -> list[str]:
    proposal = recommendations.propose(subject, a_chemist(), weights=weights, at=NOON)
    return [row.name for row in proposal.matching["1"].rows()]


def test_an_incident_is_matched_by_the_weights_in_force(gao, incident):
    put(BEST_FIRST, gao)
    assert ranking(incident) == ["李工", "王工"]

    put(SOONEST_FIRST, gao, known=1)
    assert ranking(incident) == ["王工", "李工"]


def test_so_are_a_guidance_request_and_a_bare_need(gao, incident):
    request = a_guidance_request(incident.enterprise)
    put(BEST_FIRST, gao)
    best = recommendations.propose(request, a_chemist(), at=NOON).matching
    put(SOONEST_FIRST, gao, known=1)
    soonest = recommendations.propose_for(
        best.need.situation, a_chemist(), place=incident.point, at=NOON
    ).matching

    assert (best.weights.version, soonest.weights.version) == (
        f"{DEFAULTS.version}+1",
        f"{DEFAULTS.version}+2",
    )


def test_weights_that_are_given_come_before_those_in_force(gao, incident):
    put(SOONEST_FIRST, gao)

    assert ranking(incident, BEST_FIRST) == ["李工", "王工"]


def test_what_was_used_is_kept_and_comes_out_the_same_after_the_centre_has_set_others(gao, incident):
    a_team("曹妃甸危化队")
    put(SOONEST_FIRST, gao)
    proposal = recommendations.propose(incident, a_chemist(), at=NOON)
    kept = recommendations.keep(proposal, by=OFFICER, at=NOON)

    weighting.set_weights(BEST_FIRST, reason="改回专业优先", known=1, by=gao, at=NOON + minutes(1))

    kept = Recommendation.objects.get(pk=kept.pk)
    assert kept.outcome["weights"]["version"] == f"{DEFAULTS.version}+1"
    assert kept.outcome["weights"]["travel"] == 80
    assert replays.worked_out_again(kept) == kept.outcome


def test_a_version_set_in_a_transaction_that_failed_is_not_remembered(gao, incident):
    put(BEST_FIRST, gao)
    with pytest.raises(RuntimeError), transaction.atomic():
        put(SOONEST_FIRST, gao, known=1)
        assert ranking(incident) == ["王工", "李工"]
        raise RuntimeError

    assert ranking(incident) == ["李工", "王工"]


def test_the_weights_in_force_cost_a_match_no_query(gao, incident):
    def queries(weights: Weights | None = None) -> int:
        with CaptureQueriesContext(connection) as captured:
            ranking(incident, weights)
        return len(captured)

    for known in range(5):
        put((SOONEST_FIRST, BEST_FIRST)[known % 2], gao, known=known)
    ranking(incident)

    assert queries() == queries(DEFAULTS)


def test_they_cost_one_query_where_nothing_else_is_asked(gao):
    put(SOONEST_FIRST, gao)
    weighting.in_force()

    with CaptureQueriesContext(connection) as captured:
        weighting.in_force()

    assert len(captured) == 1


def test_a_running_callout_goes_on_by_what_it_was_started_with(gao, incident):
    callout = a_callout(incident, asks=[an_expert("赵工")])
    before = list(callout.invitations.values_list("expert__name", "rank"))

    put(SOONEST_FIRST, gao)

    assert list(callout.invitations.values_list("expert__name", "rank")) == before
