"""A recommendation that was used is kept with all it was made from, and comes out the same years later."""

from __future__ import annotations

import zlib
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from contracts.models import Interest, InterestKind
from coordination import recommendations, replays
from coordination.answers import Answer, answer
from coordination.callouts import RequirementSpec
from coordination.matching import Weights
from coordination.models import GuidanceRequest, Recommendation, RecommendationInputs
from coordination.paging import AnswerSource, InviteeKind, Reply
from experts.models import Expert
from ground.audit import Actor
from tests.factories import (
    OFFICER,
    a_callout,
    a_guidance_request,
    a_team,
    an_agreement,
    an_enterprise,
    an_expert,
    an_incident,
    industry,
)
from tests.moments import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

SELF = Actor(None, "本人")


def kept_for(subject, *, weights: Weights | None = None) -> Recommendation:
    specs = [RequirementSpec(InviteeKind.EXPERT, 2, industry=industry())]
    if not isinstance(subject, GuidanceRequest):
        specs.append(RequirementSpec(InviteeKind.TEAM, 1, industry=industry()))
    proposal = recommendations.propose(subject, specs, weights=weights, at=NOON)
    made = recommendations.keep(proposal, by=OFFICER, at=NOON)
    return Recommendation.objects.get(pk=made.pk)


@pytest.fixture
def incident():
    """An incident with candidates of every sort, and another one that looks for people too."""
    firm = an_enterprise("冀润冷链公司")
    near, busy, away = (an_expert(name) for name in ("李工", "王工", "赵工"))
    away.absences.create(starts_on=date(2026, 11, 1), ends_on=date(2026, 12, 1), reason="出国")
    an_expert("钱工", latitude=None, longitude=None)
    an_expert("孙工", practises="YQ", also=("WH",), region="130100")
    Interest.objects.create(expert=near, enterprise=firm, kind=InterestKind.ADVISES, details="年度顾问")
    an_agreement(
        firm,
        a_team("曹妃甸危化队"),
        response_promise_minutes=30,
        incident_kinds=["hazchem_leak", "hazchem_fire"],
    )
    a_team("检修中的队", state="out_of_service")
    other = an_incident(an_enterprise("渤海化工", region="130300"))
    callout = a_callout(other, asks=[busy], seats=2)
    answer(callout.invitations.get(), Answer(Reply.ACCEPT, AnswerSource.LINK), by=SELF, at=NOON)
    return an_incident(firm)


def test_it_comes_out_the_same_word_for_word(incident):
    kept = kept_for(incident, weights=Weights(expertise=10, travel=80, load=10))

    assert kept.outcome["others"], "the other incident's open seat is part of it"
    assert replays.worked_out_again(kept) == kept.outcome


def test_it_does_so_after_the_roster_has_changed_altogether(incident):
    kept = kept_for(incident)

    Expert.objects.update(name="改名", latitude=36.0, suspended_on=date(2026, 11, 1))
    incident.enterprise.agreements.all().delete()

    assert replays.worked_out_again(kept) == kept.outcome


def test_a_guidance_request_too(incident):
    an_expert("周工")

    kept = kept_for(a_guidance_request())

    assert replays.worked_out_again(kept) == kept.outcome


def test_the_command_says_so(incident, capsys):
    call_command("replay_recommendation", str(kept_for(incident).public_id))

    assert "一致：复算结果与记录相同" in capsys.readouterr().out


def test_what_was_tampered_with_is_found_and_named(incident, capsys):
    kept = kept_for(incident)
    kept.outcome["matches"][0]["picks"] = kept.outcome["matches"][0]["picks"][::-1]
    kept.save(update_fields=["outcome"])

    with pytest.raises(CommandError, match="不一致"):
        call_command("replay_recommendation", str(kept.public_id))
    assert "matches.0.picks" in capsys.readouterr().out


def test_other_rules_or_missing_inputs_are_said(incident):
    old, bare = kept_for(incident), kept_for(incident)
    Recommendation.objects.filter(pk=old.pk).update(rules_version="2020.1")
    RecommendationInputs.objects.filter(recommendation=bare).delete()

    with pytest.raises(CommandError, match="2020.1"):
        call_command("replay_recommendation", str(old.public_id))
    with pytest.raises(CommandError, match="没有保存输入"):
        call_command("replay_recommendation", str(bare.public_id))
    with pytest.raises(CommandError, match="没有 id"):
        call_command("replay_recommendation", "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"not compressed", id="not compressed"),
        pytest.param(zlib.compress(b"\xff"), id="no text"),
        pytest.param(zlib.compress(b"[]"), id="something else"),
        pytest.param(zlib.compress(b"{}"), id="empty"),
    ],
)
def test_damaged_inputs_are_said_in_a_sentence(incident, content):
    kept = kept_for(incident)
    RecommendationInputs.objects.filter(recommendation=kept).update(content=content)

    with pytest.raises(CommandError, match="已损坏或被改动"):
        call_command("replay_recommendation", str(kept.public_id))


@pytest.mark.parametrize("gone", ["need", "others", "weights"])
def test_so_is_a_record_of_which_a_part_is_gone(incident, gone):
    kept = kept_for(incident)
    del kept.outcome[gone]
    kept.save(update_fields=["outcome"])

    with pytest.raises(CommandError, match="已损坏或被改动"):
        call_command("replay_recommendation", str(kept.public_id))
