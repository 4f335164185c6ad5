"""The pages of the response plans without JavaScript, and the incident page that proposes from them."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from coordination.models import Callout, ResponsePlan
from coordination.plan_templates import template_for
from ground.access import Role
from incidents.models import Incident
from tests.factories import a_duty_officer, a_team, a_user, an_enterprise, an_expert, an_incident

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

LEAK = "/response-plans/hazchem_leak/"
EDIT = f"{LEAK}edit/"
RESET = f"{LEAK}reset/"


@pytest.fixture
def officer(client: Client) -> Client:
    client.force_login(a_duty_officer())
    return client


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return plain(answer.content.decode())


def plain(page: str) -> str:
    """Return the words of the page as somebody reads them, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def a_line(number: int, kind: str = "expert", **said: object) -> dict[str, object]:
    values = {"kind": kind, "from_level": "ordinary", "mode": "onsite", "industry": "incident", "seats": 1}
    return {f"l{number}-{name}": value for name, value in {**values, **said}.items()}


def known(version: int, *lines: dict[str, object]) -> dict[str, object]:
    sent: dict[str, object] = {"known": version}
    for line in lines:
        sent |= line
    return sent


def plan(kind: str = "hazchem_leak", industry: str | None = None) -> ResponsePlan:
    return ResponsePlan.objects.get(kind=kind, industry=industry)


# Reading ------------------------------------------------------------------------------------------


def test_the_list_says_how_many_each_kind_is_proposed_and_that_it_is_no_official_standard(officer):
    page = shown(officer, "/response-plans/")

    assert "瓦斯爆炸 全部行业 2 人 2 队 3 人 4 队 5 人 6 队 6 人 9 队 推荐模板" in page
    assert "中毒窒息 煤矿" in page
    assert "不是官方标准" in page
    assert "未编制预案的类型" in page and "触电" in page.split("未编制预案的类型")[1]


def test_a_plan_is_shown_level_by_level_with_its_label(officer):
    page = shown(officer, LEAK)

    assert "危化品泄漏 全部行业 推荐模板 第 1 版" in page
    assert "现场专家 · 事发行业 · 危化品处置 关键岗位 2 2 3 3" in page
    assert "现场专家 · 不限行业 · 环境监测 — 1 1 1" in page
    assert "合计 2 人 1 队 4 人 2 队 5 人 4 队 6 人 6 队" in page
    assert "不是官方标准" in page
    assert "没有修改过" in page


def test_a_plan_of_one_industry_is_a_page_of_its_own(officer):
    page = shown(officer, "/response-plans/poisoning/?industry=MK")

    assert "中毒窒息 煤矿 推荐模板" in page
    assert "救援队伍 · 事发行业 · 井下搜救 关键岗位 1 2 3 5" in page


def test_an_industry_without_a_plan_of_its_own_shows_the_one_that_holds_there(officer):
    page = shown(officer, "/response-plans/poisoning/?industry=QG")

    assert "“轻工”没有单独的预案" in page
    assert "现场专家 · 事发行业 · 有限空间" in page
    assert "编制预案" in page


def test_a_kind_without_a_plan_shows_what_is_usual(officer):
    page = shown(officer, "/response-plans/electrocution/")

    assert "这一类型还没有预案" in page
    assert "合计 2 人 1 队 2 人 1 队 2 人 1 队 2 人 1 队" in page


@pytest.mark.parametrize(
    "path",
    [
        "/response-plans/meteorite/",
        f"{LEAK}?industry=XX",
        "/response-plans/fall/reset/",
    ],
)
def test_what_does_not_exist_is_not_found(officer, path):
    assert officer.get(path).status_code == 404


def test_who_only_reads_sees_no_button(client):
    client.force_login(a_user("leader", Role.LEADER))

    page = client.get(LEAK).content.decode()

    assert "危化品泄漏" in page
    assert "/edit/" not in page and "/reset/" not in page


def test_who_is_bound_to_a_region_reads_the_plans_and_changes_none(client):
    client.force_login(a_user("tangshan", Role.DUTY_OFFICER, region="130200"))

    assert "/edit/" not in client.get(LEAK).content.decode()
    assert client.get(EDIT).status_code == 404
    assert client.post(EDIT, known(1, a_line(0))).status_code == 404
    assert plan().plan_lines() == template_for("hazchem_leak").lines


@pytest.mark.parametrize("role", [Role.ROSTER_ADMIN, Role.ENTERPRISE, Role.TEAM, Role.SYSTEM_ADMIN])
def test_others_are_not_let_in(client, role):
    client.force_login(a_user("other", role))

    assert [client.get(path).status_code for path in ("/response-plans/", LEAK, EDIT)] == [403] * 3


def test_the_list_costs_the_same_queries_for_one_plan_as_for_all(officer):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            officer.get("/response-plans/")
        return len(captured)

    queries()  # the first request after signing in also renews the session
    with_all = queries()
    ResponsePlan.objects.exclude(kind="hazchem_leak").delete()

    assert queries() == with_all <= 15


# Changing -----------------------------------------------------------------------------------------


def test_the_edit_page_shows_the_lines_and_some_empty_ones(officer):
    page = officer.get(EDIT).content.decode()

    lines = len(template_for("hazchem_leak").lines)
    assert page.count("<fieldset") >= lines + 3
    assert f'name="l{lines + 2}-kind"' in page
    assert '<option value="hazchem_response" selected>危化品处置</option>' in page


def test_what_the_edit_page_shows_saves_back_as_it_was(officer):
    page = officer.get(EDIT)
    form = page.context["form"]
    sent = known(1)
    for row in form.rows:
        for field in row:
            if field.value():
                sent[field.html_name] = field.value()

    answer = officer.post(EDIT, sent)

    assert answer.status_code == 302
    assert plan().plan_lines() == template_for("hazchem_leak").lines
    assert plan().version == 1


def test_an_officer_changes_a_plan_and_the_page_says_who_and_when(officer):
    answer = officer.post(
        EDIT,
        known(
            1,
            a_line(0, "team", critical="on"),
            a_line(1, "expert", seats=3, specialty="hazchem_response"),
            a_line(2, ""),
            a_line(3, "team", from_level="serious", industry="any", capability="decontamination", seats=2),
        ),
        follow=True,
    )

    page = plain(answer.content.decode())
    assert "现在是第 2 版" in page
    assert "由推荐模板修改 第 2 版" in page
    assert "合计 3 人 1 队 3 人 1 队 3 人 3 队 3 人 3 队" in page
    assert "陈立 · 修改 第 2 版" in page


def test_more_lines_can_be_had_without_saving(officer):
    answer = officer.post(EDIT, known(1, a_line(0, seats=0)) | {"more": "1"})

    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'name="l3-kind"' in page
    assert plan().version == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param([a_line(0), a_line(2, seats=0)], "第 3 行，席位：", id="no seat"),
        pytest.param([a_line(0), a_line(1, seats="很多")], "第 2 行，席位：", id="no number"),
        pytest.param([a_line(0, industry="XX")], "第 1 行，行业：", id="an industry that is none"),
        pytest.param([a_line(0), a_line(4, seats=2)], "第 5 行与第 1 行要的是同样的席位", id="a line twice"),
        pytest.param(
            [a_line(0, from_level="major")], "“一般”级别还没有席位", id="nothing at the lowest level"
        ),
        pytest.param([a_line(0, "team", specialty="fire")], "第 1 行是队伍，不能要求专业方向", id="mixed up"),
        pytest.param([], "“一般”级别还没有席位", id="nothing at all"),
    ],
)
def test_what_is_no_plan_is_refused_by_line_and_what_was_typed_stays(officer, lines, said):
    answer = officer.post(EDIT, known(1, *lines))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in plain(page)
    for line in lines:
        assert all(f'name="{name}"' in page for name in line)
    assert plan().version == 1


def test_of_two_officers_the_second_is_told_that_the_first_was_quicker(officer):
    officer.post(EDIT, known(1, a_line(0)))

    answer = officer.post(EDIT, known(1, a_line(0, "team")))

    assert answer.status_code == 422
    assert "刚被别人改过" in answer.content.decode()
    assert [line.kind for line in plan().plan_lines()] == ["expert"]


def test_a_page_that_lost_its_version_saves_nothing(officer):
    answer = officer.post(EDIT, a_line(0))

    assert answer.status_code == 422
    assert "页面不完整" in answer.content.decode()
    assert plan().version == 1


def test_a_plan_for_one_industry_begins_with_the_one_for_any_and_can_be_withdrawn(officer):
    query = "?industry=QG"
    assert "hazchem_response" in officer.get(f"{EDIT}{query}").content.decode()

    saved = officer.post(f"{EDIT}{query}", known(0, a_line(0, seats=4)), follow=True)
    assert "危化品泄漏 轻工 本单位编制 第 1 版" in plain(saved.content.decode())
    assert "撤销后" in officer.get(f"{RESET}{query}").content.decode()

    officer.post(f"{RESET}{query}", {"known": 1})

    assert not ResponsePlan.objects.filter(kind="hazchem_leak", industry="QG").exists()
    assert plan().plan_lines() == template_for("hazchem_leak").lines


def test_a_changed_plan_is_put_back_after_being_asked_once_more(officer):
    officer.post(EDIT, known(1, a_line(0)))
    assert "本单位做的修改会被推荐模板代替" in officer.get(RESET).content.decode()
    assert plan().version == 2

    back = officer.post(RESET, {"known": 2}, follow=True)

    assert "已恢复为推荐模板" in back.content.decode()
    assert plan().plan_lines() == template_for("hazchem_leak").lines
    assert "恢复为推荐模板 第 3 版" in plain(back.content.decode())


def test_the_plans_stand_in_the_navigation_of_who_reads_them(officer, client):
    assert "响应预案" in officer.get("/desk/").content.decode()


# The incident page --------------------------------------------------------------------------------


def page_of(client: Client, incident: Incident) -> str:
    return shown(client, f"/incidents/{incident.public_id}/")


def test_the_incident_page_proposes_from_the_plan_and_says_so(officer):
    incident = an_incident(an_enterprise("开滦东矿", practises="MK"), kind="gas_explosion")

    page = page_of(officer, incident)

    assert "按响应预案（一般 Ⅳ） 推荐模板" in page
    assert "矿井通风与瓦斯 现场专家 × 2" in page
    assert "井下搜救 现场救援队伍 × 2" in page


def test_a_graver_level_chosen_by_the_officer_proposes_more(officer):
    incident = an_incident(an_enterprise("开滦东矿", practises="MK"), kind="gas_explosion")
    levels = f"/incidents/{incident.public_id}/levels/"
    officer.post(levels, {"accident_level": "serious", "response_level": ""})

    page = page_of(officer, incident)

    assert "按响应预案（重大 Ⅱ）" in page
    assert "井下搜救 现场救援队伍 × 5" in page
    assert "医疗 远程专家 × 1" in page


def test_a_kind_without_a_plan_is_proposed_what_is_usual_and_the_page_says_so(officer):
    incident = an_incident(an_enterprise("唐山重机", practises="JX"), kind="machinery")

    assert "没有响应预案，按通用提议" in page_of(officer, incident)


def test_lines_that_the_officer_changed_are_no_longer_called_the_plans(officer):
    incident = an_incident()
    changed = f"/incidents/{incident.public_id}/?r0-kind=expert&r0-mode=onsite&r0-industry=WH&r0-seats=5"

    assert "按响应预案" not in shown(officer, changed)


def test_the_first_report_calls_whom_the_plan_asks_for_at_the_level_of_its_figures(officer):
    for number in range(5):
        an_expert(f"专家{number}")
    for number in range(3):
        a_team(f"危化队{number}").capabilities.add("leak_sealing")
    report = {"place": "唐山市曹妃甸区", "kind": "hazchem_leak", "deaths": "2", "missing": "1"}

    # 较大 asks for two experts of response, one of sealing, one of the environment, and two teams. Of experts
    # half as many again are asked at once: three for the first two seats; no more is known for the others.
    panel = officer.post("/incidents/new/preview/", report).content.decode()
    assert "立案并通知 4 人 2 队" in panel
    done = officer.post("/incidents/new/", {**report, "then": "call"}, follow=True).content.decode()
    assert "已立案并通知 4 人 2 队" in done

    asked = Callout.objects.get().requirements
    assert [(one.kind, one.seats.count()) for one in asked.all()] == [
        *[("expert", 2), ("team", 1), ("expert", 1), ("expert", 1), ("team", 1)],
    ]


def test_a_level_chosen_in_the_first_report_counts_in_the_panel_too(officer):
    for number in range(5):
        an_expert(f"专家{number}")
    report = {"place": "唐山市曹妃甸区", "kind": "hazchem_leak", "accident_level": "serious"}

    panel = officer.post("/incidents/new/preview/", report).content.decode()

    # At this level two experts are asked for each seat, and there are no more than five.
    assert "立案并通知 5 人 0 队" in panel
    assert "每席同时问 2 名专家" in panel
