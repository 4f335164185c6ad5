"""An incident from the phone call to its end, by a program."""

from __future__ import annotations

import pytest

from coordination.models import Delivery
from ground.access import Role
from tests.factories import a_duty_officer, a_team, a_user, an_agreement, an_enterprise, an_expert
from tests.moments import minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(caller, the_clock):
    return caller(a_duty_officer())


def the_invitation(callout, name):
    return next(one for one in callout["invitations"] if one["invitee"]["name"] == name)


def test_an_incident_from_the_call_to_the_close(officer, the_clock):
    enterprise = an_enterprise("冀润冷链公司")
    for name in ("李工", "王工", "赵工", "孙工"):
        an_expert(name, region="130209")
    an_expert("钱工", practises="MK")
    a_team("曹妃甸危化队", region="130209")

    # The officer's program declares it with two facts.
    opened = officer.post(
        "incidents/", {"kind": "hazchem_leak", "enterprise": str(enterprise.public_id), "trapped": 2}
    )
    assert opened.status_code == 201
    incident = opened.json()
    assert incident["title"] == "冀润冷链公司危化品泄漏"
    assert incident["status"] == "reported"

    # Candidates with reasons, and everybody left out with theirs.
    found = officer.get(f"incidents/{incident['id']}/candidates/").json()
    experts, teams = found["requirements"]
    assert [row["name"] for row in experts["rows"]] == ["李工", "王工", "赵工", "孙工"]
    assert len(experts["picks"]) == 2 and len(teams["picks"]) == 1
    assert experts["rows"][0]["reasons_for"]
    miner = next(one for one in experts["excluded"] if one["name"] == "钱工")
    assert miner["reasons"][0]["words"]
    assert experts["shortfall"] is None

    # Three seats of two kinds are paged.
    started = officer.post(
        "callouts/",
        {
            "incident": incident["id"],
            "policy": "urgent",
            "requirements": [
                {"kind": "expert", "industry": "WH", "seats": 2, "critical": True},
                {"kind": "team", "industry": "WH", "seats": 1},
            ],
        },
        Idempotency_Key="first-callout",
    )
    assert started.status_code == 201, started.json()
    callout = started.json()
    assert [len(line["seats"]) for line in callout["requirements"]] == [2, 1]
    asked = [one["invitee"]["name"] for one in callout["invitations"] if one["status"] == "asked"]
    assert asked == ["李工", "王工", "曹妃甸危化队"]
    assert officer.get(f"incidents/{incident['id']}/").json()["status"] == "responding"

    # Li accepts, Wang declines: Zhao is asked at once.
    the_clock.move(minutes(1))
    li = the_invitation(callout, "李工")
    said = officer.post(
        f"invitations/{li['id']}/answer/",
        {"reply": "accept", "eta": "2026-11-24T15:00:00+08:00", "source": "officer"},
    )
    assert said.json()["result"] == "seated"
    wang = the_invitation(callout, "王工")
    said = officer.post(
        f"invitations/{wang['id']}/answer/", {"reply": "decline", "reason": "人在外省", "source": "officer"}
    )
    assert said.json()["result"] == "declined"
    callout = officer.get(f"callouts/{callout['id']}/").json()
    assert the_invitation(callout, "赵工")["status"] == "asked"

    # Zhao and the team accept; everything is filled.
    for name in ("赵工", "曹妃甸危化队"):
        answered = officer.post(
            f"invitations/{the_invitation(callout, name)['id']}/answer/",
            {"reply": "accept", "crew": 12, "vehicles": 2, "source": "officer"},
        )
        assert answered.json()["result"] == "seated"
    callout = officer.get(f"callouts/{callout['id']}/").json()
    assert callout["status"] == "filled"
    assert all(seat["invitation"] for line in callout["requirements"] for seat in line["seats"])
    waves = officer.get(f"callouts/{callout['id']}/waves/").json()
    assert [wave["number"] for wave in waves] == [1, 2]

    # Li departs, arrives, returns and reports.
    deployment = the_invitation(callout, "李工")["deployment"]
    for step, body in (
        ("depart", {}),
        ("arrive", {"latitude": 39.27, "longitude": 118.44}),
        ("release", {}),
        ("report", {"text": "已关阀堵漏，建议洗消。"}),
    ):
        the_clock.move(minutes(10))
        done = officer.post(f"deployments/{deployment}/{step}/", body)
        assert done.status_code == 200, done.json()
    assert done.json()["status"] == "reported"
    assert [one["status"] for one in done.json()["steps"]] == [
        "committed",
        "en_route",
        "on_scene",
        "released",
        "reported",
    ]

    # A note, then the end: those still out are released.
    assert (
        officer.post(f"incidents/{incident['id']}/log/", {"text": "现场指挥采纳堵漏方案"}).status_code == 201
    )
    closed = officer.post(f"incidents/{incident['id']}/close/", {"outcome": "泄漏已止住，无人员伤亡"})
    assert closed.status_code == 200, closed.json()
    assert closed.json()["status"] == "closed"
    assert officer.get(f"callouts/{callout['id']}/").json()["status"] == "closed"
    states = {one["invitee"]["name"]: one["status"] for one in officer.get("deployments/").json()["results"]}
    assert states == {"李工": "reported", "赵工": "released", "曹妃甸危化队": "released"}
    log = officer.get(f"incidents/{incident['id']}/log/", page_size=100).json()["results"]
    assert "李工 接受，预计 11月24日15:00 到（值班员代答）" in [line["text"] for line in log]
    assert [line["seq"] for line in log] == list(range(1, len(log) + 1))


def test_a_false_alarm_stands_everybody_down(officer):
    an_expert("李工")
    incident = officer.post("incidents/", {"kind": "hazchem_leak", "region": "130200"}).json()
    wanted = [{"kind": "expert", "industry": "WH", "seats": 1}]
    callout = officer.post("callouts/", {"incident": incident["id"], "requirements": wanted}).json()

    withdrawn = officer.post(f"incidents/{incident['id']}/withdraw/", {"reason": "系消防演习"})

    assert withdrawn.json()["status"] == "withdrawn"
    callout = officer.get(f"callouts/{callout['id']}/").json()
    assert callout["status"] == "closed"
    assert the_invitation(callout, "李工")["status"] == "stood_down"


def test_a_corrected_place_is_told_to_those_who_were_asked(officer):
    an_expert("李工")
    incident = officer.post("incidents/", {"kind": "hazchem_leak", "region": "130200"}).json()
    wanted = [{"kind": "expert", "industry": "WH", "seats": 1}]
    officer.post("callouts/", {"incident": incident["id"], "requirements": wanted})

    corrected = officer.patch(
        f"incidents/{incident['id']}/", {"latitude": 39.27, "longitude": 118.44, "address": "港区三号路"}
    )

    assert corrected.status_code == 200, corrected.json()
    assert corrected.json()["told"] == 1
    assert corrected.json()["precision"] == "exact"
    assert Delivery.objects.filter(purpose="notice", text__contains="港区三号路").exists()


def test_the_people_named_are_asked_in_the_order_given(officer):
    for name in ("李工", "王工", "赵工"):
        an_expert(name)
    incident = officer.post("incidents/", {"kind": "hazchem_leak", "region": "130200"}).json()
    rows = officer.get(f"incidents/{incident['id']}/candidates/").json()["requirements"][0]["rows"]
    ids = {row["name"]: row["id"] for row in rows}

    callout = officer.post(
        "callouts/",
        {
            "incident": incident["id"],
            "requirements": [{"kind": "expert", "industry": "WH", "seats": 1}],
            "invitees": [
                {"requirement": 1, "expert": ids["赵工"]},
                {"requirement": 1, "expert": ids["李工"]},
            ],
        },
    ).json()
    assert [one["invitee"]["name"] for one in callout["invitations"]] == ["赵工", "李工"]

    # Wang is put on the list later, and everybody declines until it is his turn.
    added = officer.post(
        f"callouts/{callout['id']}/waves/", {"invitees": [{"requirement": 1, "expert": ids["王工"]}]}
    )
    assert [one["invitee"]["name"] for one in added.json()["invitations"]] == ["赵工", "李工", "王工"]


def test_seats_are_changed_and_the_callout_is_stopped(officer):
    for name in ("李工", "王工"):
        an_expert(name)
    incident = officer.post("incidents/", {"kind": "hazchem_leak", "region": "130200"}).json()
    wanted = [{"kind": "expert", "industry": "WH", "seats": 1}]
    callout = officer.post("callouts/", {"incident": incident["id"], "requirements": wanted}).json()

    more = officer.patch(f"callouts/{callout['id']}/requirements/1/", {"seats": 2})
    assert [one["status"] for one in more.json()["invitations"]] == ["asked", "asked"]

    stopped = officer.post(f"callouts/{callout['id']}/stop/", {"reason": "人员已足"})
    assert stopped.json()["status"] == "closed"


def test_a_bare_need_is_matched_and_nothing_is_stored(officer, django_assert_num_queries):
    for name in ("李工", "王工"):
        an_expert(name)

    answer = officer.post(
        "matches/",
        {
            "situation": "rescue",
            "latitude": 39.63,
            "longitude": 118.18,
            "requirements": [{"kind": "expert", "industry": "WH", "seats": 3}],
        },
    )

    assert answer.status_code == 200, answer.json()
    said = answer.json()["requirements"][0]
    assert [row["name"] for row in said["rows"]] == ["李工", "王工"]
    assert said["shortfall"]["missing"] == 1
    assert officer.get("incidents/").json()["results"] == []


def test_a_second_question_about_the_same_people_asks_the_database_eight_times(
    officer, django_assert_num_queries
):
    for name in ("李工", "王工"):
        an_expert(name)
    need = {"requirements": [{"kind": "expert", "industry": "WH", "seats": 1}]}
    first = officer.post("matches/", need).json()

    # The key with its account, the industry, what has changed, what other incidents lack, and who is tied up,
    # was asked, was not reached, has agreed a visit; and the clock, which stands still here.
    with django_assert_num_queries(8):
        assert officer.post("matches/", need).json() == first


def test_somebody_who_is_struck_off_the_roster_is_not_named_again(officer):
    li, wang = (an_expert(name) for name in ("李工", "王工"))
    need = {"requirements": [{"kind": "expert", "industry": "WH", "seats": 1}]}

    def named() -> dict[str, str]:
        (said,) = officer.post("matches/", need).json()["requirements"]
        return {row["name"]: row["id"] for row in said["rows"]}

    assert named() == {"李工": str(li.public_id), "王工": str(wang.public_id)}
    li.delete()
    zhao = an_expert("赵工")

    assert named() == {"王工": str(wang.public_id), "赵工": str(zhao.public_id)}


def test_a_bare_need_says_on_what_basis_each_team_comes_who_pays_and_which_paper_follows(officer):
    firm = an_enterprise()
    an_agreement(firm, a_team("曹妃甸危化队"), number="XY-1", response_promise_minutes=240)
    a_team("丰润危化队")
    site = firm.sites.get()

    answer = officer.post(
        "matches/",
        {
            "site": str(site.public_id),
            "incident_kind": "hazchem_leak",
            "requirements": [{"kind": "team", "industry": "WH", "seats": 1}],
        },
    )

    assert answer.status_code == 200, answer.json()
    basis = {row["name"]: row["basis"] for row in answer.json()["requirements"][0]["rows"]}
    bound, free = basis["曹妃甸危化队"], basis["丰润危化队"]
    assert (bound["basis"], bound["number"], bound["in_time"]) == ("agreement", "XY-1", True)
    assert (bound["document"], bound["costs_law"]) == ("request", None)
    assert (free["basis"], free["document"]) == ("order", "order")
    assert free["costs_law"]["article"] == "第十九条"
    assert free["otherwise"]["basis"] == "favour"


def test_a_site_of_another_enterprise_is_refused_in_words(officer):
    firm, other = an_enterprise(), an_enterprise("演示化工厂")

    answer = officer.post(
        "matches/",
        {
            "enterprise": str(firm.public_id),
            "site": str(other.sites.get().public_id),
            "requirements": [{"kind": "team", "industry": "WH", "seats": 1}],
        },
    )

    assert answer.status_code == 422
    assert "不属于冀润冷链公司" in str(answer.json())


def test_a_team_answers_for_itself_and_for_nobody_else(officer, caller):
    ours, theirs = a_team("曹妃甸危化队"), a_team("丰润危化队")
    team = caller(a_user("dui", Role.TEAM, team=ours))
    incident = officer.post("incidents/", {"kind": "hazchem_leak", "region": "130200"}).json()
    wanted = [{"kind": "team", "industry": "WH", "seats": 2}]
    callout = officer.post("callouts/", {"incident": incident["id"], "requirements": wanted}).json()
    foreign = the_invitation(callout, theirs.name)["id"]

    own = team.get("invitations/").json()["results"]
    assert [one["invitee"]["name"] for one in own] == ["曹妃甸危化队"]

    said = team.post(f"invitations/{own[0]['id']}/answer/", {"reply": "accept", "crew": 8, "vehicles": 2})
    assert said.json()["result"] == "seated"
    assert said.json()["invitation"]["source"] == "api"
    assert team.post(f"invitations/{foreign}/answer/", {"reply": "accept"}).status_code == 404
    as_officer = team.post(f"invitations/{own[0]['id']}/answer/", {"reply": "decline", "source": "officer"})
    assert as_officer.status_code == 403
