"""The panel for the review of a plan: proposed whole, asked as proposed, filled up when somebody declines."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from contracts.models import Enterprise, Interest, InterestKind
from coordination import answers, callouts, guidance, recommendations, replays, review_panels
from coordination.answers import Answer
from coordination.matching.panels import NoPanel, PanelRules, Solver
from coordination.models import Callout, GuidanceRequest, Recommendation
from coordination.paging import AnswerSource, InvitationStatus, Reply
from coordination.review_panels import Proposed
from coordination.visits import GuidanceKind
from experts.models import Expert
from ground.audit import Actor
from ground.models import AuditEntry
from tests.factories import (
    ASKER,
    OFFICER,
    a_guidance_request,
    an_accepted_request,
    an_enterprise,
    an_expert,
    invitation_of,
)
from tests.moments import NOON, TODAY, minutes

pytestmark = pytest.mark.django_db

ADMIN = Actor(None, "赵敏")
SELF = Actor(None, "本人")
LATER = NOON + minutes(5)
THREE = PanelRules(size=3)


@pytest.fixture
def jirun() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def cast() -> dict[str, Expert]:
    """Li, Wang and Zhao teach at the college; the others each come from somewhere else, farther and farther."""
    found = {
        "李工": an_expert("李工", employer="化工学院", is_senior=True),
        "王工": an_expert("王工", employer="化工学院"),
        "赵工": an_expert("赵工", employer="化工学院"),
        "钱工": an_expert("钱工", employer="安科院", region="130300"),
        "孙工": an_expert("孙工", employer="渤海化工", region="130100"),
        "周工": an_expert("周工", employer="设计院", region="130400", is_senior=True),
    }
    found["周工"].appointments.update(group_role="组长")
    return found


def accepted(
    enterprise: Enterprise, kind: GuidanceKind = GuidanceKind.PLAN_REVIEW, **wish
) -> GuidanceRequest:
    return an_accepted_request(enterprise, kind=kind, by=ADMIN, **wish)


def names(proposed: Proposed) -> list[str]:
    assert proposed.panel, proposed.made.answer
    by_id = Expert.objects.in_bulk(proposed.panel.members)
    return [by_id[id_].name for id_ in proposed.panel.members]


def joining(proposed: Proposed) -> list[str]:
    return [Expert.objects.get(pk=id_).name for id_ in proposed.joining]


def ask(request: GuidanceRequest, rules: PanelRules = THREE, **more) -> Callout:
    review_panels.ask(request, rules, by=ADMIN, at=LATER, **more)
    return request.callouts.live().get()


def says(callout: Callout, expert: Expert, reply: Reply) -> None:
    answers.answer(
        invitation_of(callout, expert), Answer(reply, AnswerSource.LINK), by=SELF, at=LATER + minutes(1)
    )


def asked_now(callout: Callout) -> list[str]:
    return [one.invitee.name for one in callout.invitations.filter(status="asked").order_by("rank")]


# --- who sits on it -----------------------------------------------------------------------------------


def test_the_nearest_sit_together_but_two_of_one_employer_at_most_and_a_senior_leads(jirun, cast):
    proposed = review_panels.propose(accepted(jirun), THREE, at=LATER)

    assert names(proposed) == ["李工", "王工", "钱工"]
    assert proposed.panel and proposed.panel.leader == cast["李工"].pk


def test_the_head_of_an_expert_group_leads(jirun, cast):
    assert names(review_panels.propose(accepted(jirun), PanelRules(size=5), at=LATER))[0] == "周工"


def test_a_role_of_a_term_that_is_over_leads_nobody(jirun, cast):
    request = accepted(jirun, wished_from=TODAY + timedelta(days=30), wished_until=TODAY + timedelta(days=30))
    zhou = cast["周工"]
    zhou.appointments.update(ends_on=TODAY + timedelta(days=29))
    zhou.appointments.create(starts_on=TODAY + timedelta(days=30), ends_on=date(2029, 1, 1))

    assert names(review_panels.propose(request, PanelRules(size=5), at=LATER))[0] == "李工"


def test_whoever_must_recuse_is_on_no_panel(jirun, cast):
    Interest.objects.create(expert=cast["李工"], enterprise=jirun, kind=InterestKind.ADVISES)

    proposed = review_panels.propose(accepted(jirun), PanelRules(size=5), at=LATER)

    assert "李工" not in names(proposed) and "王工" in names(proposed)
    assert "回避" in proposed.match.exclusion_words().zh


def test_those_who_must_not_sit_together_do_not(jirun, cast):
    apart = frozenset({frozenset({cast["李工"].pk, cast["王工"].pk})})

    proposed = review_panels.propose(accepted(jirun), PanelRules(size=3, apart=apart), at=LATER)

    assert not {"李工", "王工"} <= set(names(proposed))


def test_a_near_trade_sits_only_where_the_trade_is_used_up(jirun, cast):
    for number in range(3):
        an_expert(f"烟花{number}", practises="YH", employer=f"烟花厂{number}", is_senior=True)

    five = review_panels.propose(accepted(jirun), PanelRules(size=5), at=LATER)
    seven = review_panels.propose(accepted(jirun), PanelRules(size=7), at=LATER)

    assert not any(name.startswith("烟花") for name in names(five))
    # Of the college two at most, so five of the trade are left.
    assert sum(name.startswith("烟花") for name in names(seven)) == 2


def test_where_there_is_no_panel_it_is_said_why_and_nobody_is_asked(jirun, cast):
    request = accepted(jirun)
    nine = PanelRules(size=9)

    answer = review_panels.propose(request, nine, at=LATER).made.answer
    with pytest.raises(review_panels.NoSuchPanel, match="需要 9 人，只有 6 位可选"):
        ask(request, nine)

    assert isinstance(answer, NoPanel)
    assert not request.callouts.exists() and not Recommendation.objects.exists()


@pytest.mark.parametrize(("size", "meant"), [(-3, "3"), (1, "3"), (4, "5"), (11, "9")])
def test_no_review_has_a_panel_of_that_size(size, meant):
    with pytest.raises(review_panels.WrongSize, match="3、5、7、9") as wrong:
        review_panels.rules_for(size=size)

    assert wrong.value.suggestion == meant


# --- when ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [one for one in GuidanceKind if one is not GuidanceKind.PLAN_REVIEW])
def test_only_a_review_has_a_panel(jirun, cast, kind):
    request = accepted(jirun, kind)

    assert not review_panels.can_seat(request)
    with pytest.raises(review_panels.CannotSeat, match=kind.zh):
        review_panels.propose(request, THREE, at=LATER)


def test_nobody_is_seated_before_the_request_is_accepted(jirun, cast):
    request = a_guidance_request(jirun, kind=GuidanceKind.PLAN_REVIEW)
    guidance.submit(request, by=ASKER, at=NOON)

    with pytest.raises(review_panels.CannotSeat, match="已提交"):
        review_panels.propose(request, THREE, at=LATER)


def test_a_round_that_was_started_from_a_list_is_not_filled_up_as_a_panel(jirun, cast):
    request = accepted(jirun)
    proposal = recommendations.propose(request, recommendations.proposed_requirements(request), at=LATER)
    guidance.source(request, proposal, recommendations.invitees(proposal), by=ADMIN, at=LATER)

    assert not review_panels.can_seat(request)
    with pytest.raises(review_panels.CannotSeat, match="先结束本轮邀请"):
        review_panels.propose(request, THREE, at=LATER)


# --- asking -------------------------------------------------------------------------------------------


def test_exactly_those_are_asked_the_leader_first_and_no_reserve(jirun, cast):
    request = accepted(jirun)

    callout = ask(request)

    rows = callout.invitations.order_by("rank").select_related("expert")
    assert [one.expert.name for one in rows] == ["李工", "王工", "钱工"]
    assert {one.status for one in rows} == {InvitationStatus.ASKED}
    assert callout.requirements.get().seats.count() == 3
    assert request.status == "sourcing"
    assert review_panels.leader_of(request) == cast["李工"].pk


def test_the_panel_is_kept_with_its_rules_and_written_into_the_audit_trail(jirun, cast):
    request = accepted(jirun)

    callout = ask(request, PanelRules(size=3, per_employer=1, seniors=2))

    (panel,) = review_panels.kept(request)
    assert panel.recommendation.callout == callout
    assert (panel.rules.per_employer, panel.rules.seniors, panel.solver) == (1, 2, Solver.PLAIN)
    audited = AuditEntry.objects.get(action="guidance.panel")
    assert audited.details["leader"] == str(cast["周工"].public_id)
    assert len(audited.details["members"]) == audited.details["size"] == 3


def test_a_panel_other_than_the_one_shown_is_not_asked(jirun, cast):
    request = accepted(jirun)
    shown = review_panels.propose(request, THREE, at=LATER).joining
    cast["王工"].absences.create(starts_on=TODAY, ends_on=TODAY)

    with pytest.raises(review_panels.PanelHasChanged):
        ask(request, shown=shown)

    assert not request.callouts.exists()
    ask(request, shown=review_panels.propose(request, THREE, at=LATER).joining)


def test_a_second_tap_asks_nobody(jirun, cast):
    request = accepted(jirun)
    ask(request)

    with pytest.raises(review_panels.NobodyMissing):
        ask(request)

    assert request.callouts.count() == 1


# --- filling up ---------------------------------------------------------------------------------------


def test_when_one_declines_only_that_seat_is_filled_around_those_who_stay(jirun, cast):
    request = accepted(jirun)
    callout = ask(request)
    says(callout, cast["李工"], Reply.ACCEPT)
    says(callout, cast["钱工"], Reply.DECLINE)
    assert review_panels.can_seat(request)

    proposed = review_panels.propose(request, THREE, at=LATER + minutes(2))

    # Zhao is nearer than Sun, but a third from the college; Wang has not answered and stays.
    assert joining(proposed) == ["孙工"]
    assert names(proposed) == ["李工", "王工", "孙工"]
    ask(request)
    assert asked_now(callout) == ["王工", "孙工"]
    assert [one.seated for one in review_panels.kept(request)] == [
        frozenset(),
        frozenset({cast["李工"].pk, cast["王工"].pk}),
    ]


def test_the_leader_who_has_accepted_leads_on_when_the_head_of_a_group_joins(jirun, cast):
    request = accepted(jirun)
    callout = ask(request)
    says(callout, cast["李工"], Reply.ACCEPT)
    says(callout, cast["王工"], Reply.DECLINE)
    says(callout, cast["钱工"], Reply.DECLINE)

    proposed = review_panels.propose(request, PanelRules(size=3, seniors=2), at=LATER + minutes(2))

    assert names(proposed)[0] == "李工" and "周工" in names(proposed)


def test_when_the_leader_declines_there_is_none_until_the_panel_is_filled_up(jirun, cast):
    request = accepted(jirun)
    callout = ask(request)
    says(callout, cast["李工"], Reply.DECLINE)

    assert review_panels.leader_of(request) is None

    ask(request)
    assert review_panels.leader_of(request) == cast["周工"].pk


def test_a_member_who_withdraws_after_the_day_was_agreed_on_is_replaced(jirun, cast):
    request = accepted(jirun)
    callout = ask(request)
    for name in ("李工", "王工", "钱工"):
        says(callout, cast[name], Reply.ACCEPT)
    guidance.schedule(request, visit_from=TODAY, visit_until=TODAY, by=ADMIN, at=LATER)
    assert not review_panels.can_seat(request)

    says(callout, cast["钱工"], Reply.DECLINE)

    assert joining(review_panels.propose(request, THREE, at=LATER + minutes(2))) == ["孙工"]


def test_the_size_of_a_running_panel_stays(jirun, cast):
    request = accepted(jirun)
    callout = ask(request)
    says(callout, cast["钱工"], Reply.DECLINE)

    with pytest.raises(review_panels.WrongSize, match="不能改为 5 人"):
        review_panels.propose(request, PanelRules(size=5), at=LATER)


def test_after_the_round_was_ended_a_panel_is_chosen_anew(jirun, cast):
    request = accepted(jirun)
    callouts.stop(ask(request), reason="重新选派", release_accepted=True, by=ADMIN, at=LATER)

    assert review_panels.present(request) is None
    assert len(names(review_panels.propose(request, PanelRules(size=5), at=LATER))) == 5
    ask(request, PanelRules(size=5))
    assert len(review_panels.kept(request)) == 2


def test_filling_up_is_told_apart_from_what_those_who_stay_break_already(jirun, cast):
    request = accepted(jirun)
    callout = ask(request)
    says(callout, cast["钱工"], Reply.DECLINE)

    answer = review_panels.propose(request, PanelRules(size=3, per_employer=1), at=LATER).made.answer

    assert isinstance(answer, NoPanel) and "2 位来自化工学院" in answer.words.zh


def test_a_panel_is_not_filled_up_around_somebody_who_must_recuse_by_now(jirun, cast):
    request = accepted(jirun)
    callout = ask(request)
    says(callout, cast["李工"], Reply.ACCEPT)
    says(callout, cast["钱工"], Reply.DECLINE)
    Interest.objects.create(expert=cast["李工"], enterprise=jirun, kind=InterestKind.ADVISES)

    with pytest.raises(guidance.MustRecuse, match="李工与冀润冷链公司有利害关系.*请先登记其婉拒或退出"):
        review_panels.propose(request, THREE, at=LATER + minutes(2))

    says(callout, cast["李工"], Reply.DECLINE)
    assert "李工" not in names(review_panels.propose(request, THREE, at=LATER + minutes(2)))


def test_in_a_pause_a_seat_is_filled_once(jirun, cast):
    request = accepted(jirun)
    callout = ask(request)
    says(callout, cast["钱工"], Reply.DECLINE)
    callouts.pause(callout, by=ADMIN, at=LATER)
    ask(request)

    with pytest.raises(review_panels.NobodyMissing):
        ask(request)

    assert not review_panels.can_seat(request)
    callouts.resume(callout, by=ADMIN, at=LATER)
    assert asked_now(callout) == ["李工", "王工", "孙工"]


# --- worked out again ---------------------------------------------------------------------------------


def test_it_comes_out_the_same_after_the_roster_has_changed_altogether(jirun, cast, capsys):
    request = accepted(jirun)
    callout = ask(request)
    says(callout, cast["李工"], Reply.ACCEPT)
    says(callout, cast["钱工"], Reply.DECLINE)
    ask(request)

    Expert.objects.update(employer="同一单位", is_senior=False, suspended_on=TODAY)
    for one in cast.values():
        one.appointments.update(group_role="副组长")

    for panel in review_panels.kept(request):
        row = Recommendation.objects.get(pk=panel.recommendation.pk)
        assert replays.worked_out_again(row) == row.outcome
        call_command("replay_recommendation", str(row.public_id))
        assert "一致：复算结果与记录相同" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        pytest.param(lambda panel: panel.update(leader=panel["members"][1]), "不一致", id="another leader"),
        pytest.param(lambda panel: panel["rules"].update(seniors=3), "不一致", id="other rules"),
        pytest.param(lambda panel: panel["rules"].update(size=4), "已损坏", id="rules that cannot be"),
        pytest.param(lambda panel: panel.update(led_by=7), "已损坏", id="a leader who sits nowhere"),
        pytest.param(lambda panel: panel.pop("seated"), "已损坏", id="a part is gone"),
    ],
)
def test_what_was_tampered_with_is_found(jirun, cast, tamper, said):
    request = accepted(jirun)
    ask(request)
    row = Recommendation.objects.get()
    tamper(row.outcome["panel"])
    row.save(update_fields=["outcome"])

    with pytest.raises(CommandError, match=said):
        call_command("replay_recommendation", str(row.public_id))


def test_a_panel_that_or_tools_found_is_not_called_different_where_it_is_missing(jirun, cast, monkeypatch):
    ask(accepted(jirun))
    row = Recommendation.objects.get()
    row.outcome["panel"]["solver"] = Solver.CP_SAT
    row.save(update_fields=["outcome"])
    monkeypatch.setattr(replays, "HAS_CP_SAT", False)

    with pytest.raises(CommandError, match=r"muster\[panels\]"):
        call_command("replay_recommendation", str(row.public_id))


def test_a_recommendation_without_a_panel_is_kept_as_before(jirun, cast):
    request = accepted(jirun)
    proposal = recommendations.propose(request, recommendations.proposed_requirements(request), at=LATER)

    row = recommendations.keep(proposal, by=OFFICER, at=LATER)

    assert "panel" not in row.outcome
    assert replays.worked_out_again(Recommendation.objects.get(pk=row.pk)) == row.outcome
