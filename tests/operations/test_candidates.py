"""Reading the candidates costs the same at any size, and never answers from yesterday's roster."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from contracts import readiness
from contracts.models import Agreement, Interest, InterestKind, Site, TeamKind, TeamLevel
from coordination import candidates, deployments, recommendations
from coordination.answers import Answer, answer
from coordination.callouts import RequirementSpec
from coordination.matching import Situation
from coordination.models import Delivery
from coordination.paging import AnswerSource, DeliveryStatus, InviteeKind, Reply
from experts.models import Absence, Expert
from ground.audit import Actor
from tests.factories import (
    OFFICER,
    a_callout,
    a_team,
    an_agreement,
    an_enterprise,
    an_expert,
    an_incident,
    industry,
    invitation_of,
)
from tests.moments import NOON, TODAY, minutes
from tests.roster_at_scale import many_experts

pytestmark = pytest.mark.django_db
SELF = Actor(None, "本人")


def proposal_for(incident):
    return recommendations.propose(incident, recommendations.proposed_requirements(incident), at=NOON)


def names_proposed(incident):
    return {row.name for row in proposal_for(incident).matching["1"].rows()}


def why_not(incident, name):
    return {
        reason.code
        for one in proposal_for(incident).matching["1"].excluded()
        if one.name == name
        for reason in one.reasons
    }


def cautions_about(name):
    rows = proposal_for(an_incident()).matching["1"].rows()
    return {caution.code for row in rows if row.name == name for caution in row.cautions}


def queries(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def test_a_question_costs_the_same_queries_at_76_and_at_10_000_experts():
    incident = an_incident()
    proposal_for(incident)  # the names of specialties and the teams are read once for good
    many_experts(76, day=TODAY)
    first_at_76, then_at_76 = (queries(lambda: proposal_for(incident)) for _ in range(2))

    many_experts(10_000 - 76, day=TODAY)
    first_at_10_000, then_at_10_000 = (queries(lambda: proposal_for(incident)) for _ in range(2))

    assert Expert.objects.count() == 10_000
    assert first_at_76 == first_at_10_000
    assert then_at_76 == then_at_10_000
    assert then_at_10_000 < first_at_10_000 <= 20


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL chooses by how full a table is")
def test_what_a_year_of_call_outs_says_of_people_is_read_from_an_index_alone():
    with CaptureQueriesContext(connection) as captured:
        candidates._contacts(NOON)
    (asked,) = captured.captured_queries

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked['sql']}")
        (plan,) = [row[3] for row in cursor.fetchall()]
    assert plan == "SCAN coordination_invitation USING COVERING INDEX contacts_of_invitees"


def test_a_leave_entered_now_counts_at_the_next_question():
    incident = an_incident()
    li = an_expert("李工")
    assert names_proposed(incident) == {"李工"}

    Absence.objects.create(expert=li, starts_on=TODAY, ends_on=TODAY)

    assert names_proposed(incident) == set()
    assert why_not(incident, "李工") == {"absent"}


def test_what_was_read_in_a_transaction_that_failed_is_not_remembered():
    incident = an_incident()
    an_expert("李工")

    with pytest.raises(RuntimeError), transaction.atomic():
        an_expert("王工")
        assert names_proposed(incident) == {"李工", "王工"}
        raise RuntimeError

    an_expert("赵工")
    assert names_proposed(incident) == {"李工", "赵工"}


def test_every_reason_against_somebody_is_given():
    incident = an_incident()
    li = an_expert("李工", term=(date(2020, 1, 1), date(2026, 11, 23)), suspended_on=TODAY)
    Absence.objects.create(expert=li, starts_on=TODAY, ends_on=TODAY)

    assert len(why_not(incident, "李工")) == 3


def test_who_is_deployed_is_left_out_with_the_incident_they_are_at():
    li = an_expert("李工")
    first = an_incident()
    callout = a_callout(first, asks=[li])
    answer(
        invitation_of(callout, li), Answer(Reply.ACCEPT, AnswerSource.LINK), by=Actor(None, "本人"), at=NOON
    )
    second = an_incident(first.enterprise)

    (excluded,) = proposal_for(second).matching["1"].excluded()

    assert first.number in "".join(reason.words.zh for reason in excluded.reasons)


def test_an_interest_is_disclosed_in_a_rescue_and_bars_a_plan_review():
    incident = an_incident()
    li = an_expert("李工")
    Interest.objects.create(expert=li, enterprise=incident.enterprise, kind=InterestKind.ADVISES)
    requirements = recommendations.proposed_requirements(incident)[:1]

    (rescue,) = proposal_for(incident).matching["1"].rows()
    review = recommendations.propose_for(
        Situation.PLAN_REVIEW,
        requirements,
        place=incident.point,
        enterprise_id=incident.enterprise_id,
        at=NOON,
    )

    assert any("受聘顾问" in caution.words.zh for caution in rescue.cautions)
    assert review.matching["1"].rows() == []
    (excluded,) = review.matching["1"].excluded()
    assert any(reason.law and reason.law.article.zh == "第二十二条" for reason in excluded.reasons)


def test_a_team_with_an_agreement_comes_with_its_basis():
    incident = an_incident()
    bound, free = a_team("协议队"), a_team("邻近队")
    an_agreement(incident.enterprise, bound)

    rows = {row.name: row for row in proposal_for(incident).matching["2"].rows()}

    assert rows["协议队"].basis.basis == "agreement"
    assert rows["邻近队"].basis.basis == "order"
    assert free.name in rows


def test_an_agreement_that_one_side_has_not_confirmed_obliges_nobody():
    incident = an_incident()
    an_agreement(incident.enterprise, a_team("未签队"), confirmed=False)

    (row,) = proposal_for(incident).matching["2"].rows()

    assert row.basis.basis == "order"


def test_a_no_of_yesterday_is_not_held_against_anybody():
    def cautions_after_a_no(name, *, at):
        expert = an_expert(name)
        callout = a_callout(an_incident(), asks=[expert], at=at)
        no = Answer(Reply.DECLINE, AnswerSource.LINK)
        answer(invitation_of(callout, expert), no, by=Actor(None, "本人"), at=at)
        rows = proposal_for(an_incident()).matching["1"].rows()
        return {caution.code for row in rows if row.name == name for caution in row.cautions}

    assert "refused_today" in cautions_after_a_no("李工", at=NOON - minutes(60))
    assert "refused_today" not in cautions_after_a_no("王工", at=NOON - minutes(24 * 60))


def messages_of(callout, one, status, *, at=NOON):
    deliveries = invitation_of(callout, one).deliveries
    deliveries.update(status=status, created_at=at)
    return deliveries


@pytest.mark.parametrize(
    ("status", "at", "unreached"),
    [
        pytest.param(DeliveryStatus.FAILED, NOON - minutes(60), True, id="failed an hour ago"),
        pytest.param(DeliveryStatus.FAILED, NOON - minutes(24 * 60), False, id="failed yesterday"),
        pytest.param(DeliveryStatus.DELIVERED, NOON - minutes(60), False, id="arrived"),
        pytest.param(DeliveryStatus.PENDING, NOON - minutes(1), False, id="still under way"),
    ],
)
def test_whom_no_message_reached_today_is_pointed_out(status, at, unreached):
    li = an_expert("李工")
    messages_of(a_callout(an_incident(), asks=[li], at=at), li, status, at=at)

    assert ("unreached_today" in cautions_about("李工")) is unreached


def test_one_message_that_arrived_is_enough_and_so_is_an_answer():
    li, wang = an_expert("李工"), an_expert("王工")
    to_li, to_wang = (a_callout(an_incident(), asks=[one], at=NOON - minutes(60)) for one in (li, wang))
    messages_of(to_li, li, DeliveryStatus.FAILED)
    messages_of(to_wang, wang, DeliveryStatus.FAILED)
    assert "unreached_today" in cautions_about("李工") & cautions_about("王工")

    last = Delivery.objects.filter(invitation__expert=li).last()
    Delivery.objects.filter(pk=last.pk).update(status=DeliveryStatus.DELIVERED)
    answer(
        invitation_of(to_wang, wang),
        Answer(Reply.DECLINE, AnswerSource.OFFICER),
        by=OFFICER,
        at=NOON - minutes(5),
    )

    assert "unreached_today" not in cautions_about("李工")
    assert cautions_about("王工") == {"refused_today"}


def went_to(incident, expert, *, at):
    callout = a_callout(incident, asks=[expert], at=at)
    answer(invitation_of(callout, expert), Answer(Reply.ACCEPT, AnswerSource.LINK), by=SELF, at=at)
    deployment = invitation_of(callout, expert).deployment
    for step in (deployments.arrive, deployments.release):
        step(deployment, by=SELF, source=AnswerSource.LINK, at=at + minutes(30))


def test_who_went_to_such_an_incident_before_scores_higher_and_it_is_said():
    an_expert("李工")
    wang, zhao = an_expert("王工"), an_expert("赵工")
    long_ago = NOON - timedelta(days=200)
    went_to(an_incident(at=long_ago), wang, at=long_ago)
    went_to(an_incident(at=long_ago, is_drill=True), zhao, at=long_ago)

    rows = {row.name: row for row in proposal_for(an_incident()).matching["1"].rows()}

    assert "曾 1 次出动处置危化品泄漏" in rows["王工"].parts[0].words.zh
    assert rows["王工"].parts[0].points > rows["李工"].parts[0].points
    # A drill is no incident, but it shows that Zhao could be reached.
    assert rows["赵工"].parts[0] == rows["李工"].parts[0]
    assert rows["赵工"].parts[3].words.zh == "200 天前答复过"
    assert rows["李工"].parts[3].words.zh == "近一年没有答复记录"


def test_an_agreement_for_another_site_obliges_nobody_at_this_one():
    firm = an_enterprise()
    main, farm = (
        firm.sites.get(),
        Site.objects.create(enterprise=firm, name="罐区", industry_id="WH", region=firm.region),
    )
    bound = an_agreement(firm, a_team("协议队"))
    bound.sites.set([farm])

    def team_at(site):
        (row,) = proposal_for(an_incident(firm, site=site)).matching["2"].rows()
        return row

    assert team_at(main).basis.basis == "order"
    assert "agreement_elsewhere" in {caution.code for caution in team_at(main).cautions}
    assert (team_at(farm).basis.basis, team_at(farm).basis.number) == ("agreement", bound.number)


def test_an_agreement_for_other_kinds_of_incident_obliges_nobody_to_this_one():
    firm = an_enterprise()
    bound = an_agreement(firm, a_team("协议队"))
    leak = an_incident(firm, kind="hazchem_leak")

    def team_if_the_agreement_is_for(*kinds):
        Agreement.objects.filter(pk=bound.pk).update(incident_kinds=list(kinds))
        (row,) = proposal_for(leak).matching["2"].rows()
        return row

    other = team_if_the_agreement_is_for("hazchem_fire", "dust_explosion")
    assert other.basis.basis == "order"
    assert "agreement_other_kind" in {caution.code for caution in other.cautions}
    mine = team_if_the_agreement_is_for("hazchem_fire", "hazchem_leak")
    assert (mine.basis.basis, mine.basis.number) == ("agreement", bound.number)


def test_a_measured_drive_stands_above_the_estimate_when_a_promise_is_checked():
    firm = an_enterprise()
    drive = {"drive_minutes": 20, "response_promise_minutes": 30}
    an_agreement(firm, a_team("实测队", region="130100"), drive_time_source="measured", **drive)
    an_agreement(firm, a_team("估算队", region="130100"), drive_time_source="estimated", **drive)

    rows = {row.name: row for row in proposal_for(an_incident(firm)).matching["2"].rows()}

    assert rows["实测队"].basis.in_time is True
    assert rows["实测队"].basis.timing.zh == "约 25 分钟（实测），在承诺之内"
    assert rows["估算队"].basis.in_time is False


def test_a_team_rests_eight_hours_after_breathing_apparatus_and_is_then_proposed_again():
    team = a_team("古冶矿山救援队", kind=TeamKind.MINE)
    team.capabilities.add("underground_search")
    incident = an_incident(kind="gas_explosion", enterprise=an_enterprise(practises="MK"))
    readiness.end_apparatus_shift(team, ended_at=NOON - minutes(60), by=OFFICER, at=NOON)

    def about(at):
        wanted = recommendations.proposed_requirements(incident)
        return recommendations.propose(incident, wanted, at=at).matching["2"].about(team.pk)

    (reason,) = about(NOON).reasons
    assert reason.code == "apparatus_rest"
    assert reason.law.article.zh == "第七百六十六条"
    assert "11-24 21:18 起可再出动" in reason.words.zh
    assert about(NOON + minutes(7 * 60)).name == "古冶矿山救援队"
    assert about(NOON + minutes(7 * 60)).is_picked


@pytest.mark.parametrize(
    ("level", "barred"),
    [
        pytest.param(TeamLevel.CITY, True, id="full-time"),
        pytest.param(TeamLevel.ENTERPRISE_FULL, True, id="full-time, an enterprise's"),
        pytest.param(TeamLevel.ENTERPRISE_PART, False, id="part-time"),
    ],
)
def test_a_standing_mine_rescue_team_is_not_booked_for_a_training(level, barred):
    team = a_team("古冶矿山救援队", kind=TeamKind.MINE, level=level)
    wanted = [RequirementSpec(InviteeKind.TEAM, 1, industry=industry("MK"))]

    proposal = recommendations.propose_for(Situation.TRAINING, wanted, place=team.point, at=NOON)

    said = proposal.matching["1"].about(team.pk)
    codes = {reason.code for reason in getattr(said, "reasons", ())}
    assert codes == ({"mine_team_for_rescue_only"} if barred else set())


def test_the_list_of_a_callout_follows_the_ranking_and_names_nobody_twice():
    incident = an_incident()
    for number in range(14):
        an_expert(f"专家{number}")

    listed = recommendations.invitees(proposal_for(incident))

    experts = [one.expert for one in listed if one.expert]
    assert len(experts) == len(set(experts)) == recommendations.LISTED
    assert experts[0].pk in proposal_for(incident).matching["1"].picks


def test_whom_the_officer_chose_against_a_bar_carries_the_reason():
    incident = an_incident()
    li = an_expert("李工")
    Absence.objects.create(expert=li, starts_on=TODAY, ends_on=TODAY)

    (chosen,) = recommendations.invitees(proposal_for(incident), {"1": [li.pk]})

    assert chosen.expert == li
    assert chosen.override_reason
    assert chosen.reasons["reasons"][0]["code"] == "absent"


def test_what_was_proposed_is_kept_as_it_was_shown():
    incident = an_incident()
    an_expert("李工")
    proposal = proposal_for(incident)

    kept = recommendations.keep(proposal, by=OFFICER, at=NOON)

    assert kept.outcome["matches"][0]["rows"][0]["name"] == "李工"
    assert kept.rules_version == proposal.matching.rules_version
    assert kept.need["situation"] == "rescue"


def test_people_shown_come_with_their_rows_in_one_query_a_kind():
    incident = an_incident()
    for number in range(8):
        an_expert(f"专家{number}")
    proposal = proposal_for(incident)
    ids = proposal.matching["1"].ids()

    with CaptureQueriesContext(connection) as captured:
        people = [proposal.invitee(InviteeKind.EXPERT, pk) for pk in ids]

    assert all(people)
    assert len(captured) == 2  # the experts, and their contacts
