"""The response plans kept: what they propose, changed, put back, withdrawn; and that nothing is lost on the way."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from coordination import callouts, planning, recommendations
from coordination.callouts import Invitee
from coordination.models import ResponsePlan, ResponsePlanLine
from coordination.paging import InviteeKind, Mode
from coordination.plan_templates import TEMPLATES, template_for
from coordination.planning import NothingToRestore, ShipsWithTemplate, SomebodyWasQuicker, WrongPlan
from coordination.response_plans import PlanLine, Trade, usual
from ground import kinds
from ground.access import Permission, Role
from ground.audit import Actor
from ground.models import AuditEntry
from incidents.levels import AccidentLevel
from tests.factories import a_duty_officer, a_user, an_enterprise, an_expert, an_incident
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db

ORDINARY, MAJOR, SERIOUS, EXTREME = AccidentLevel
THREE_EXPERTS = PlanLine(kind=InviteeKind.EXPERT, seats=3, specialty="hazchem_response", critical=True)
ONE_TEAM = PlanLine(kind=InviteeKind.TEAM, critical=True)


@pytest.fixture
def chen() -> Actor:
    return Actor.of(a_duty_officer())


def plan(kind="hazchem_leak", code="") -> ResponsePlan:
    return ResponsePlan.objects.get(kind=kind, industry=code or None)


def asked(incident):
    return [
        (str(spec.kind), spec.seats, spec.industry and spec.industry.pk, spec.specialty and spec.specialty.pk)
        for spec in recommendations.proposed_requirements(incident)
    ]


def counting(incident, **figures):
    """Return the incident with figures that came in after the first report."""
    for name, number in figures.items():
        setattr(incident, name, number)
    return incident


# What they propose --------------------------------------------------------------------------------


def test_an_ordinary_leak_is_proposed_two_experts_and_a_team_of_its_industry():
    assert asked(an_incident()) == [("expert", 2, "WH", "hazchem_response"), ("team", 1, "WH", None)]


def test_while_no_level_is_chosen_the_missing_count_as_dead():
    # One dead and two missing suggest 较大.
    incident = counting(an_incident(), deaths=1, missing=2)

    assert asked(incident)[2] == ("expert", 1, "WH", "leak_sealing")


def test_the_officers_level_decides_whatever_the_figures_say():
    incident = counting(an_incident(), deaths=12, accident_level=ORDINARY)

    assert len(asked(incident)) == 2


def test_each_graver_level_is_proposed_more():
    incident = an_incident()
    totals = []
    for level in AccidentLevel:
        incident.accident_level = level
        totals.append(sum(seats for _kind, seats, *_rest in asked(incident)))

    assert totals == [3, 6, 9, 12]


def test_a_tanker_of_a_haulier_is_proposed_a_chemist_and_somebody_who_knows_tankers():
    incident = an_incident(an_enterprise("快捷运输公司", practises="JT"), kind="hazmat_transport")

    assert [line[2:] for line in asked(incident)[:2]] == [
        ("WH", "hazchem_response"),
        ("JT", "hazmat_transport"),
    ]


def test_bad_air_in_a_mine_follows_the_plan_for_mines_and_elsewhere_the_plan_for_any_industry():
    in_a_mine = an_incident(an_enterprise("开滦东矿", practises="MK"), kind="poisoning")
    in_a_brewery = an_incident(an_enterprise("燕赵酒业", practises="QG"), kind="poisoning")

    assert ("expert", 1, "MK", "mine_ventilation") in asked(in_a_mine)
    assert ("expert", 1, "QG", "confined_space") in asked(in_a_brewery)


def test_a_kind_without_a_plan_keeps_two_experts_and_a_team():
    incident = counting(an_incident(an_enterprise("唐山重机", practises="JX"), kind="machinery"), deaths=40)

    assert asked(incident) == [("expert", 2, "JX", "medicine"), ("team", 1, "JX", None)]


def test_a_remote_seat_stays_a_remote_seat():
    incident = an_incident(an_enterprise("钢城炼铁", practises="YJ"), kind="furnace_gas")

    modes = {spec.specialty.pk: spec.mode for spec in recommendations.proposed_requirements(incident)[:2]}

    assert modes == {"furnace_gas": Mode.ONSITE, "medicine": Mode.REMOTE}


def test_a_proposal_costs_one_query_at_every_level():
    incident = an_incident()

    costs = []
    for level in (MAJOR, EXTREME):
        incident.accident_level = level
        with CaptureQueriesContext(connection) as captured:
            recommendations.proposed_requirements(incident)
        costs.append(len(captured))

    assert costs == [1, 1]


def test_the_log_names_the_skill_of_every_line_that_is_called_out(chen):
    incident = counting(an_incident(an_enterprise("钢城炼铁", practises="YJ"), kind="furnace_gas"))

    callouts.start(
        incident,
        recommendations.proposed_requirements(incident),
        [Invitee(0, expert=an_expert("李工", practises="YJ"))],
        policy="urgent",
        by=chen,
        at=NOON,
    )

    (line,) = incident.log.filter(text__startswith="发起通知应答")
    assert line.text == (
        "发起通知应答：冶金（冶金煤气）现场专家 2 名、医疗远程专家 1 名、"
        "冶金（气防）现场救援队伍 1 支、中毒与烧伤救治现场救援队伍 1 支"
    )


# Shipping -----------------------------------------------------------------------------------------


def test_every_template_has_been_loaded_as_it_is_written():
    for template in TEMPLATES:
        assert plan(template.kind, template.industry).plan_lines() == template.lines


def test_loading_again_adds_what_is_missing_and_leaves_what_was_edited(chen):
    planning.change("hazchem_leak", [THREE_EXPERTS, ONE_TEAM], known=1, by=chen, at=NOON)
    plan("tailings").delete()

    import_module("coordination.migrations.0005_plan_templates").load(apps, None)

    assert plan("hazchem_leak").plan_lines() == (THREE_EXPERTS, ONE_TEAM)
    assert plan("tailings").plan_lines() == template_for("tailings").lines
    assert ResponsePlan.objects.count() == len(TEMPLATES)


# Changing -----------------------------------------------------------------------------------------


def test_a_changed_plan_is_what_the_next_incident_is_proposed(chen):
    planning.change("hazchem_leak", [ONE_TEAM, THREE_EXPERTS], known=1, by=chen, at=NOON)

    assert asked(an_incident()) == [("expert", 3, "WH", "hazchem_response"), ("team", 1, "WH", None)]
    assert (plan().version, plan().changed_at, plan().changed_by) == (2, NOON, chen.user)


def test_a_change_is_in_the_audit_with_the_lines_before_and_after(chen):
    planning.change("hazchem_leak", [THREE_EXPERTS, ONE_TEAM], known=1, by=chen, at=NOON)

    entry = AuditEntry.objects.get(action="response_plan.change")
    assert entry.actor == chen.user
    assert (entry.details["kind"], entry.details["version"]) == ("hazchem_leak", 2)
    assert [line["seats"] for line in entry.details["after"]] == [3, 1]
    assert len(entry.details["before"]) == len(template_for("hazchem_leak").lines)


def test_saving_what_is_there_already_changes_nothing(chen):
    planning.change("hazchem_leak", template_for("hazchem_leak").lines, known=1, by=chen, at=NOON)

    assert (plan().version, plan().changed_at) == (1, None)
    assert not AuditEntry.objects.filter(action="response_plan.change").exists()


def test_who_saw_an_older_version_is_told_and_nothing_is_saved(chen):
    planning.change("hazchem_leak", [THREE_EXPERTS, ONE_TEAM], known=1, by=chen, at=NOON)

    with pytest.raises(SomebodyWasQuicker, match="您看到的是第 1 版，现在是第 2 版"):
        planning.change("hazchem_leak", [ONE_TEAM], known=1, by=chen, at=NOON)

    assert plan().plan_lines() == (THREE_EXPERTS, ONE_TEAM)


def test_what_is_no_plan_is_refused_and_the_plan_stays(chen):
    with pytest.raises(WrongPlan, match="第 1 行的席位数是 0"):
        planning.change("hazchem_leak", [replace(ONE_TEAM, seats=0)], known=1, by=chen, at=NOON)

    assert plan().plan_lines() == template_for("hazchem_leak").lines


def test_a_plan_can_be_made_for_a_kind_that_has_none_and_withdrawn_again(chen):
    lines = [*usual(kinds.by_code("machinery")), replace(ONE_TEAM, from_level=MAJOR)]
    planning.change("machinery", lines, known=0, by=chen, at=NOON)
    incident = counting(an_incident(an_enterprise("唐山重机", practises="JX"), kind="machinery"), deaths=3)
    assert ("team", 2, "JX", None) in asked(incident)

    planning.withdraw("machinery", known=1, by=chen, at=NOON + minutes(5))

    assert ("team", 1, "JX", None) in asked(incident)
    assert AuditEntry.objects.filter(action="response_plan.withdraw").count() == 1


def test_a_plan_for_one_industry_leaves_the_others_with_the_plan_for_any(chen):
    planning.change("hazchem_leak", [THREE_EXPERTS, ONE_TEAM], industry="QG", known=0, by=chen, at=NOON)

    in_a_brewery = an_incident(an_enterprise("燕赵酒业", practises="QG"))
    assert asked(in_a_brewery)[0] == ("expert", 3, "QG", "hazchem_response")
    assert asked(an_incident())[0] == ("expert", 2, "WH", "hazchem_response")


def test_two_who_make_the_same_plan_do_not_make_two(chen):
    planning.change("machinery", [ONE_TEAM], known=0, by=chen, at=NOON)

    with pytest.raises(SomebodyWasQuicker):
        planning.change("machinery", [THREE_EXPERTS], known=0, by=chen, at=NOON)
    # And where both looked before either wrote, the database says who was first.
    for code in (None, "WH"):
        ResponsePlan.objects.get_or_create(kind="fall", industry_id=code)
        with pytest.raises(IntegrityError), transaction.atomic():
            ResponsePlan.objects.create(kind="fall", industry_id=code)


# Putting back -------------------------------------------------------------------------------------


def test_a_plan_put_back_is_the_template_again_and_counts_on(chen):
    planning.change("hazchem_leak", [THREE_EXPERTS, ONE_TEAM], known=1, by=chen, at=NOON)

    planning.reset("hazchem_leak", known=2, by=chen, at=NOON + minutes(5))

    assert plan().plan_lines() == template_for("hazchem_leak").lines
    assert (plan().version, plan().changed_at, plan().changed_by) == (3, None, None)
    assert AuditEntry.objects.get(action="response_plan.reset").details["before"][0]["seats"] == 3


def test_only_what_ships_with_a_template_can_be_put_back_and_only_the_others_withdrawn(chen):
    planning.change("machinery", [ONE_TEAM], known=0, by=chen, at=NOON)

    with pytest.raises(NothingToRestore, match="没有推荐模板"):
        planning.reset("machinery", known=1, by=chen, at=NOON)
    with pytest.raises(ShipsWithTemplate, match="不能撤销"):
        planning.withdraw("hazchem_leak", known=1, by=chen, at=NOON)
    with pytest.raises(NothingToRestore, match="不存在"):
        planning.withdraw("fall", known=1, by=chen, at=NOON)


def test_neither_is_done_to_a_version_that_nobody_looked_at(chen):
    planning.change("machinery", [ONE_TEAM], known=0, by=chen, at=NOON)

    with pytest.raises(SomebodyWasQuicker):
        planning.withdraw("machinery", known=7, by=chen, at=NOON)
    with pytest.raises(SomebodyWasQuicker):
        planning.reset("hazchem_leak", known=7, by=chen, at=NOON)


# Rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"seats": 0}, id="no seat"),
        pytest.param({"of_incident": True, "industry_id": "WH"}, id="two industries"),
        pytest.param({"capability_id": "foam"}, id="an expert's capability"),
        pytest.param({"kind": "team", "specialty_id": "fire"}, id="a team's specialty"),
        pytest.param({"kind": "team", "mode": "remote"}, id="a team from afar"),
        pytest.param({"position": 1}, id="a place taken twice"),
    ],
)
def test_the_database_keeps_no_line_that_asks_for_nobody(wrong):
    columns = {
        "position": 99,
        **replace(THREE_EXPERTS, specialty="").columns(),
        "of_incident": False,
        **wrong,
    }

    with pytest.raises(IntegrityError), transaction.atomic():
        ResponsePlanLine.objects.create(plan=plan(), **columns)


def test_a_line_comes_back_from_its_row_as_it_was_written():
    for trade in (Trade.OF_INCIDENT, Trade.ANY, "JT"):
        line = replace(THREE_EXPERTS, industry=trade, mode=Mode.REMOTE, from_level=EXTREME, urgent=True)
        row = ResponsePlanLine.objects.create(plan=plan(), position=99, **line.columns())
        assert ResponsePlanLine.objects.get(pk=row.pk).plan_line() == line
        row.delete()


def test_plans_are_read_from_every_region_and_changed_from_none():
    officer, here = a_duty_officer(), a_user("tangshan", Role.DUTY_OFFICER, region="130200")
    admin = a_user("roster", Role.ROSTER_ADMIN)
    plans = ResponsePlan.objects

    assert plans.open_to(officer).count() == plans.open_to(here).count() == len(TEMPLATES)
    assert plans.open_to(officer, Permission.HANDLE_INCIDENTS).count() == len(TEMPLATES)
    assert not plans.open_to(here, Permission.HANDLE_INCIDENTS).exists()
    assert not plans.open_to(admin).exists()
