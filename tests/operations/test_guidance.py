"""A guidance request from the question to the rating, as the roster admin would tell it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts.models import Enterprise, Interest, InterestKind
from contracts.periods import WrongPeriod
from coordination import answers, callouts, deployments, guidance
from coordination.answers import Answer
from coordination.guidance import FoundThing
from coordination.models import Delivery, GuidanceRequest
from coordination.paging import AnswerSource, Purpose, Reply
from coordination.visits import GUIDANCE_MOVES, GuidanceKind, GuidanceStatus
from experts.models import Expert
from ground.access import Role
from ground.audit import Actor
from ground.models import AuditEntry
from tests.factories import (
    ASKER,
    a_guidance_request,
    a_round,
    a_user,
    an_enterprise,
    an_expert,
    invitation_of,
    invitee,
    proposed,
)
from tests.moments import NOON, TODAY, minutes

pytestmark = pytest.mark.django_db

ADMIN = Actor(None, "赵敏")
SELF = Actor(None, "周明远")
LINK = AnswerSource.LINK
YES = Answer(Reply.ACCEPT, LINK)
NO = Answer(Reply.DECLINE, LINK)
NEXT_WEEK = date(2026, 12, 1)


@pytest.fixture
def jirun() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def zhou() -> Expert:
    return an_expert("周明远")


@pytest.fixture
def wang() -> Expert:
    return an_expert("王工")


def in_state(status: GuidanceStatus, enterprise: Enterprise | None = None) -> GuidanceRequest:
    """A request that has simply been put into `status`, to see what is refused from there."""
    request = a_guidance_request(enterprise)
    request.status = status
    request.save(update_fields=["status"])
    return request


def accepted(enterprise: Enterprise | None = None, **wish) -> GuidanceRequest:
    request = a_guidance_request(enterprise, **wish)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.accept(request, by=ADMIN, at=NOON)
    return request


def ask(request: GuidanceRequest, *experts: Expert, seats: int = 1):
    return a_round(request, asks=experts, seats=seats)


def says_yes(callout, expert):
    answers.answer(invitation_of(callout, expert), YES, by=SELF, at=NOON)
    return invitation_of(callout, expert).deployment


def status_of(request: GuidanceRequest) -> str:
    request.refresh_from_db()
    return request.status


def test_from_the_question_to_the_rating(jirun, zhou, wang):
    request = accepted(jirun)
    callout = ask(request, zhou, wang)
    assert status_of(request) == "sourcing"
    assert callout.policy_code == "patient"

    # Zhou declines after a day, Wang is asked at once and accepts.
    answers.answer(
        invitation_of(callout, zhou), Answer(Reply.DECLINE, LINK), by=SELF, at=NOON + timedelta(days=1)
    )
    deployment = says_yes(callout, wang)
    guidance.follow(request, by=SELF, at=NOON)
    assert status_of(request) == "sourcing"

    guidance.schedule(request, visit_from=NEXT_WEEK, visit_until=NEXT_WEEK, by=ADMIN, at=NOON)
    assert status_of(request) == "scheduled"

    # Wang arrives, goes home and reports through the link.
    there = NOON + timedelta(days=7)
    deployments.arrive(deployment, by=SELF, source=LINK, at=there)
    guidance.follow(request, by=SELF, at=there)
    assert status_of(request) == "visited"
    deployments.release(deployment, by=SELF, source=LINK, at=there)
    deployments.report(deployment, "制冷机房缺少氨气报警。", by=SELF, source=LINK, at=there)
    guidance.follow(request, by=SELF, at=there)
    assert status_of(request) == "reported"
    assert request.report == "制冷机房缺少氨气报警。"

    guidance.rate(request, 5, comment="讲得很细", by=ASKER, at=there)
    guidance.close(request, by=ADMIN, at=there)
    assert status_of(request) == "closed"
    callout.refresh_from_db()
    assert callout.status == "closed"


STEPS = {
    GuidanceStatus.SUBMITTED: lambda request: guidance.submit(request, by=ASKER, at=NOON),
    GuidanceStatus.ACCEPTED: lambda request: guidance.accept(request, by=ADMIN, at=NOON),
    GuidanceStatus.RETURNED: lambda request: guidance.return_to_enterprise(
        request, reason="缺工艺说明", by=ADMIN, at=NOON
    ),
    GuidanceStatus.CANCELLED: lambda request: guidance.cancel(request, reason="停产", by=ASKER, at=NOON),
    GuidanceStatus.SOURCING: lambda request: ask(request, an_expert("孙工")),
    GuidanceStatus.VISITED: lambda request: guidance.visited(request, by=ADMIN, at=NOON),
    GuidanceStatus.REPORTED: lambda request: guidance.report(request, "已排查", by=ADMIN, at=NOON),
    GuidanceStatus.RATED: lambda request: guidance.rate(request, 4, by=ASKER, at=NOON),
    GuidanceStatus.CLOSED: lambda request: guidance.close(request, by=ADMIN, at=NOON),
}
# A second round of asking while the request is still looking for experts is no move of its own.
AGAIN = {(GuidanceStatus.SOURCING, GuidanceStatus.SOURCING)}


@pytest.mark.parametrize("step", list(STEPS), ids=lambda to: f"to {to.en}")
@pytest.mark.parametrize("now", list(GuidanceStatus), ids=lambda status: f"from {status.en}")
def test_every_step_is_taken_or_refused_as_the_table_says(now, step):
    request = in_state(now)

    if step in GUIDANCE_MOVES[now] or (now, step) in AGAIN:
        STEPS[step](request)
        assert status_of(request) == step
    else:
        before = AuditEntry.objects.count()
        with pytest.raises(guidance.NotNow) as refusal:
            STEPS[step](request)
        assert status_of(request) == now
        assert AuditEntry.objects.count() == before
        assert now.zh in refusal.value.zh and now.en in refusal.value.en


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ({"kind": None}, "服务类型"),
        ({"description": " "}, "需要解决的问题"),
        ({"contact_name": ""}, "联系人"),
        ({"contact_phone": ""}, "联系电话"),
        ({"wished_from": TODAY - timedelta(days=3)}, "已经过去"),
    ],
    ids=["no service", "no problem described", "no contact", "no phone", "a day that has passed"],
)
def test_an_incomplete_request_stays_a_draft_and_says_what_is_missing(missing, named):
    request = a_guidance_request(**missing)

    with pytest.raises(guidance.Incomplete) as mistake:
        guidance.submit(request, by=ASKER, at=NOON)

    assert named in mistake.value.zh
    assert status_of(request) == "draft"


def test_a_returned_request_can_be_mended_and_submitted_again(jirun):
    request = a_guidance_request(jirun)
    guidance.submit(request, by=ASKER, at=NOON)
    guidance.return_to_enterprise(request, reason="请说明储量", by=ADMIN, at=NOON)

    guidance.save(
        request,
        guidance.Wish(GuidanceKind.TRAINING, None, "液氨 18 吨", contact_name="刘骏", contact_phone="12350"),
        by=ASKER,
        at=NOON,
    )
    guidance.submit(request, by=ASKER, at=NOON)

    assert status_of(request) == "submitted"
    assert request.kind == GuidanceKind.TRAINING


def test_a_submitted_request_is_no_longer_edited():
    request = a_guidance_request()
    guidance.submit(request, by=ASKER, at=NOON)

    with pytest.raises(guidance.NotNow):
        guidance.save(request, guidance.Wish(GuidanceKind.DRILL), by=ASKER, at=NOON)

    assert status_of(request) == "submitted"
    assert request.kind == GuidanceKind.INSPECTION


def test_a_plan_review_is_never_sent_to_somebody_with_an_interest(jirun, zhou):
    Interest.objects.create(expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES)
    request = accepted(jirun, kind=GuidanceKind.PLAN_REVIEW)

    with pytest.raises(guidance.MustRecuse) as refusal:
        ask(request, zhou)

    assert "周明远" in refusal.value.zh and "第二十二条" in refusal.value.zh
    assert status_of(request) == "accepted"
    assert not request.callouts.exists()


def test_adding_to_a_running_plan_review_is_held_to_the_same_rule(jirun, zhou, wang):
    Interest.objects.create(expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES)
    request = accepted(jirun, kind=GuidanceKind.PLAN_REVIEW)
    callout = ask(request, wang)

    with pytest.raises(guidance.MustRecuse):
        guidance.ask_more(request, callout, proposed(request), [invitee(zhou)], by=ADMIN, at=NOON)

    assert callout.invitations.count() == 1


def test_a_visit_is_not_agreed_on_with_somebody_whose_tie_came_up_after_they_accepted(jirun, zhou):
    request = accepted(jirun, kind=GuidanceKind.PLAN_REVIEW)
    callout = ask(request, zhou)
    says_yes(callout, zhou)
    tie = Interest.objects.create(
        expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES, starts_on=TODAY + timedelta(days=3)
    )
    before, after = tie.starts_on - timedelta(days=1), tie.starts_on

    with pytest.raises(guidance.MustRecuse, match="周明远"):
        guidance.schedule(request, visit_from=after, visit_until=after, by=ADMIN, at=NOON)
    assert status_of(request) == "sourcing"

    guidance.schedule(request, visit_from=before, visit_until=before, by=ADMIN, at=NOON)
    assert status_of(request) == "scheduled"


def test_whose_tie_comes_up_while_they_are_on_the_list_is_passed_over(jirun, zhou, wang):
    qian = an_expert("钱工")
    callout = ask(accepted(jirun, kind=GuidanceKind.PLAN_REVIEW), zhou, wang, qian)
    Interest.objects.create(expert=wang, enterprise=jirun, kind=InterestKind.ADVISES)

    answers.answer(invitation_of(callout, zhou), NO, by=SELF, at=NOON)

    assert [invitation_of(callout, one).status for one in (wang, qian)] == ["listed", "asked"]


def test_whose_tie_comes_up_after_being_asked_is_let_go_and_the_next_one_asked(jirun, zhou, wang):
    callout = ask(accepted(jirun, kind=GuidanceKind.PLAN_REVIEW), zhou, wang)
    Interest.objects.create(expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES)

    with pytest.raises(guidance.MustRecuse, match="本次不能接受"):
        says_yes(callout, zhou)
    guidance.catch_up(at=NOON)

    assert [invitation_of(callout, one).status for one in (zhou, wang)] == ["stood_down", "asked"]
    with pytest.raises(guidance.MustRecuse):
        says_yes(callout, zhou)


def test_whose_tie_comes_up_after_accepting_stays_and_the_roster_admin_is_told_once(jirun, zhou, wang):
    a_user("sun", Role.ROSTER_ADMIN)
    callout = ask(accepted(jirun, kind=GuidanceKind.PLAN_REVIEW), zhou, wang)
    says_yes(callout, zhou)
    Interest.objects.create(expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES)

    guidance.catch_up(at=NOON)
    guidance.catch_up(at=NOON)

    assert invitation_of(callout, zhou).status == "accepted"
    (alarm,) = Delivery.objects.filter(purpose=Purpose.ALARM)
    assert alarm.subject == "应当回避：周明远"


def test_a_tie_is_no_bar_to_an_inspection_that_is_running(jirun, zhou, wang):
    callout = ask(accepted(jirun, kind=GuidanceKind.INSPECTION), zhou, wang)
    Interest.objects.create(expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES)

    guidance.catch_up(at=NOON)
    says_yes(callout, zhou)

    assert invitation_of(callout, zhou).status == "accepted"


def test_a_wish_that_has_passed_does_not_bring_back_a_tie_that_has_ended(jirun, zhou):
    Interest.objects.create(
        expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES, ends_on=TODAY - timedelta(days=1)
    )
    request = accepted(jirun, kind=GuidanceKind.PLAN_REVIEW)
    request.wished_from = TODAY - timedelta(days=5)
    request.save(update_fields=["wished_from"])

    ask(request, zhou)

    assert status_of(request) == "sourcing"


def test_an_interest_that_has_ended_bars_nobody(jirun, zhou):
    Interest.objects.create(
        expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES, ends_on=TODAY - timedelta(days=1)
    )
    request = accepted(jirun, kind=GuidanceKind.PLAN_REVIEW)

    ask(request, zhou)

    assert status_of(request) == "sourcing"


def test_an_inspection_may_be_done_by_somebody_with_a_disclosed_interest(jirun, zhou):
    Interest.objects.create(expert=zhou, enterprise=jirun, kind=InterestKind.ADVISES)
    request = accepted(jirun, kind=GuidanceKind.INSPECTION)

    ask(request, zhou)

    assert status_of(request) == "sourcing"


def test_no_visit_is_agreed_on_before_an_expert_has_accepted(zhou):
    request = accepted()
    ask(request, zhou)

    with pytest.raises(guidance.NobodyAccepted):
        guidance.schedule(request, visit_from=NEXT_WEEK, visit_until=NEXT_WEEK, by=ADMIN, at=NOON)

    assert status_of(request) == "sourcing"


@pytest.mark.parametrize(
    ("first", "last", "mistake"),
    [
        (NEXT_WEEK, NEXT_WEEK - timedelta(days=1), WrongPeriod),
        (TODAY - timedelta(days=2), TODAY - timedelta(days=1), guidance.Incomplete),
    ],
    ids=["the last day before the first", "days that have passed"],
)
def test_nonsensical_visit_days_are_refused(zhou, first, last, mistake):
    request = accepted()
    says_yes(ask(request, zhou), zhou)

    with pytest.raises(mistake):
        guidance.schedule(request, visit_from=first, visit_until=last, by=ADMIN, at=NOON)

    assert status_of(request) == "sourcing"


def test_agreed_days_are_told_to_the_expert_and_the_enterprise_once(jirun, zhou):
    firm = a_user("firm", Role.ENTERPRISE, enterprise=jirun)
    request = accepted(jirun)
    says_yes(ask(request, zhou), zhou)

    for _tap in range(2):
        guidance.schedule(request, visit_from=NEXT_WEEK, visit_until=NEXT_WEEK, by=ADMIN, at=NOON)

    told = Delivery.objects.filter(text__contains="12月1日", purpose="notice")
    assert sorted(told.values_list("recipient", flat=True)) == sorted(["周明远", firm.name])


def test_when_the_expert_withdraws_the_request_looks_for_another(zhou, wang):
    request = accepted()
    callout = ask(request, zhou, wang)
    says_yes(callout, zhou)
    guidance.schedule(request, visit_from=NEXT_WEEK, visit_until=NEXT_WEEK, by=ADMIN, at=NOON)

    answers.withdraw(invitation_of(callout, zhou), reason="住院", source=LINK, by=SELF, at=NOON)
    guidance.follow(request, by=SELF, at=NOON)

    assert status_of(request) == "sourcing"
    assert invitation_of(callout, wang).status == "asked"


def test_an_arrival_without_agreed_days_is_a_visit_on_that_day(zhou):
    request = accepted()
    deployment = says_yes(ask(request, zhou), zhou)

    deployments.arrive(deployment, by=SELF, source=LINK, at=NOON)
    guidance.follow(request, by=SELF, at=NOON)

    assert status_of(request) == "visited"
    assert (request.visit_from, request.visit_until) == (TODAY, TODAY)


def test_the_report_is_there_when_the_last_expert_has_reported(zhou, wang):
    request = accepted(experts_wanted=2)
    callout = ask(request, zhou, wang, seats=2)
    for expert in (zhou, wang):
        deployments.arrive(says_yes(callout, expert), by=SELF, source=LINK, at=NOON)
    guidance.follow(request, by=SELF, at=NOON)

    for expert, state in ((zhou, "visited"), (wang, "reported")):
        deployment = invitation_of(callout, expert).deployment
        deployments.release(deployment, by=SELF, source=LINK, at=NOON)
        deployments.report(deployment, f"{expert.name}的意见", by=SELF, source=LINK, at=NOON)
        guidance.follow(request, by=SELF, at=NOON)
        assert status_of(request) == state

    assert "周明远的意见" in request.report and "王工的意见" in request.report


def test_news_that_no_page_saw_is_caught_up_with_once(zhou):
    request = accepted()
    deployment = says_yes(ask(request, zhou), zhou)
    deployments.arrive(deployment, by=SELF, source=LINK, at=NOON)

    assert guidance.catch_up(at=NOON) == 1
    assert guidance.catch_up(at=NOON) == 0

    assert status_of(request) == "visited"


def test_a_visit_recorded_by_the_admin_stands_for_the_expert_too(zhou):
    request = accepted()
    deployment = says_yes(ask(request, zhou), zhou)
    guidance.schedule(request, visit_from=TODAY, visit_until=TODAY, by=ADMIN, at=NOON)

    guidance.visited(request, by=ADMIN, at=NOON + minutes(60))
    found = [FoundThing("氨气报警器未校验", "送检", TODAY + timedelta(days=30))]
    guidance.report(request, "总体可控", findings=found, by=ADMIN, at=NOON + minutes(90))

    deployment.refresh_from_db()
    assert deployment.status == "released"
    assert status_of(request) == "reported"
    assert [one.text for one in request.findings.all()] == ["氨气报警器未校验"]


def test_cancelling_stands_the_experts_down_and_tells_them(zhou, wang):
    request = accepted()
    callout = ask(request, zhou, wang)
    says_yes(callout, zhou)

    guidance.cancel(request, reason="停产检修", by=ASKER, at=NOON)

    assert status_of(request) == "cancelled"
    assert invitation_of(callout, zhou).status == "stood_down"
    assert Delivery.objects.filter(invitation__expert=zhou, purpose="stand_down").exists()


def test_after_a_round_without_success_another_can_be_started(zhou, wang):
    request = accepted()
    first = ask(request, zhou)
    with pytest.raises(guidance.NotNow):
        ask(request, wang)

    callouts.stop(first, reason="无人可去", release_accepted=False, by=ADMIN, at=NOON)
    ask(request, wang)

    assert status_of(request) == "sourcing"
    assert request.callouts.count() == 2


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_a_rating_outside_one_to_five_is_refused(stars):
    request = in_state(GuidanceStatus.REPORTED)

    with pytest.raises(guidance.Incomplete):
        guidance.rate(request, stars, by=ASKER, at=NOON)

    assert status_of(request) == "reported"


def test_the_admins_hear_of_a_new_request():
    admin = a_user("roster", Role.ROSTER_ADMIN, name="赵敏")
    request = a_guidance_request()

    guidance.submit(request, by=ASKER, at=NOON)

    assert Delivery.objects.get(user=admin).subject == "新的指导申请：冀润冷链公司"
