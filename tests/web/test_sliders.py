"""The officer moves three sliders and sees the ranking change; what was used is kept."""

from __future__ import annotations

import pytest
from django.test import Client

from coordination import weighting
from coordination.matching import Weights
from coordination.models import Invitation, Recommendation
from ground.audit import Actor
from incidents.models import Incident
from tests.factories import OFFICER, a_duty_officer, an_enterprise, an_expert, an_incident
from tests.moments import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

BEST_FIRST = {"w-expertise": "100", "w-travel": "0", "w-load": "0"}
SOONEST_FIRST = {"w-expertise": "0", "w-travel": "100", "w-load": "0"}
SELF = Actor(None, "本人")


@pytest.fixture
def officer(client: Client) -> Client:
    client.force_login(a_duty_officer())
    return client


@pytest.fixture
def incident() -> Incident:
    """In 曹妃甸; 李工, a chemist by trade, lives in 石家庄, 王工, a chemist besides, in 唐山."""
    an_expert("李工", region="130100")
    an_expert("王工", practises="YJ", also=("WH",), region="130200")
    return an_incident(an_enterprise("冀润冷链公司"))


def ranking(officer: Client, incident: Incident, **sliders: str) -> list[str]:
    page = officer.get(f"/incidents/{incident.public_id}/candidates/", sliders)
    return [row.name for row in page.context["candidates"].experts[0].rows]


def test_the_ranking_follows_the_sliders(officer, incident):
    assert ranking(officer, incident, **BEST_FIRST) == ["李工", "王工"]
    assert ranking(officer, incident, **SOONEST_FIRST) == ["王工", "李工"]


@pytest.mark.parametrize("said", ["", "abc", "-5", "101", "9" * 5000, "５"])
def test_a_slider_that_says_nothing_usable_stands_where_it_usually_does(officer, incident, said):
    assert ranking(officer, incident, **{**BEST_FIRST, "w-expertise": said, "w-travel": said}) == ranking(
        officer, incident
    )


def test_they_stay_where_they_were_put_without_javascript(officer, incident):
    sent = {
        "rematch": "1",
        "policy": "urgent",
        "r0-kind": "expert",
        "r0-industry": "WH",
        "r0-seats": "1",
        **SOONEST_FIRST,
    }

    page = officer.post(f"/incidents/{incident.public_id}/callouts/", sent, follow=True)

    assert page.context["sliders"]["travel"].value() == "100"
    assert [row.name for row in page.context["candidates"].experts[0].rows] == ["王工", "李工"]


def test_the_weights_used_are_kept_with_the_recommendation(officer, incident):
    shown = officer.get(f"/incidents/{incident.public_id}/candidates/", SOONEST_FIRST)
    table = shown.context["candidates"].experts[0]
    sent = {
        **{"policy": "urgent", "known": "0", "shown": "expert.onsite.WH...1"},
        **{"r0-kind": "expert", "r0-industry": "WH", "r0-seats": "1", **SOONEST_FIRST},
        "pick-expert": f"{table.key}:{table.rows[0].id}",
    }

    officer.post(f"/incidents/{incident.public_id}/callouts/", sent)

    assert Invitation.objects.exclude(asked_at=None).get().expert.name == "王工"
    kept = Recommendation.objects.get().outcome["weights"]
    assert (kept["expertise"], kept["travel"], kept["load"]) == (0, 100, 0)


# At a centre that has set weights of its own ------------------------------------------------------


@pytest.fixture
def soonest_first() -> None:
    of_the_centre = Weights(expertise=10, travel=85, load=5, freshness=0)
    weighting.set_weights(of_the_centre, reason="先看到场时间", known=0, by=OFFICER, at=NOON)


@pytest.mark.usefixtures("soonest_first")
def test_the_sliders_begin_where_the_centres_weights_stand(officer, incident):
    page = officer.get(f"/incidents/{incident.public_id}/candidates/")

    sliders = page.context["sliders"]
    assert [sliders[name].value() for name in ("expertise", "travel", "load")] == [10, 85, 5]
    assert [row.name for row in page.context["candidates"].experts[0].rows] == ["王工", "李工"]
    assert ranking(officer, incident, **BEST_FIRST) == ["李工", "王工"]


@pytest.mark.usefixtures("soonest_first")
def test_a_slider_that_says_nothing_usable_stands_where_the_centres_weights_do(officer, incident):
    assert ranking(officer, incident, **{"w-expertise": "abc", "w-travel": "", "w-load": "-1"}) == [
        "王工",
        "李工",
    ]


@pytest.mark.usefixtures("soonest_first")
def test_what_no_slider_moves_is_kept_as_the_centre_set_it(officer, incident):
    table = officer.get(f"/incidents/{incident.public_id}/candidates/").context["candidates"].experts[0]
    sent = {
        **{"policy": "urgent", "known": "0", "shown": "expert.onsite.WH...1"},
        **{"r0-kind": "expert", "r0-industry": "WH", "r0-seats": "1", **BEST_FIRST},
        "pick-expert": f"{table.key}:{table.rows[0].id}",
    }

    officer.post(f"/incidents/{incident.public_id}/callouts/", sent)

    kept = Recommendation.objects.get().outcome["weights"]
    assert (kept["expertise"], kept["travel"], kept["freshness"]) == (100, 0, 0)
    assert kept["version"] == f"{Weights().version}+1"
