"""The page of the weights of matching: read by whoever sees matching, set by the system admin, with a reason."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from coordination import weighting
from coordination.matching import Weights
from coordination.models import MatchingWeights
from coordination.weight_settings import SETTINGS, values_of
from ground.access import Role
from tests.factories import OFFICER, a_duty_officer, a_user, an_incident
from tests.moments import NOON, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]

PAGE = "/matching-weights/"
EDIT = f"{PAGE}edit/"
DEFAULTS = Weights()
SOONEST_FIRST = Weights(expertise=10, travel=80, load=10)


@pytest.fixture
def gao(client: Client) -> Client:
    client.force_login(a_user("gao", Role.SYSTEM_ADMIN, name="高洁"))
    return client


@pytest.fixture
def officer() -> Client:
    browser = Client()
    browser.force_login(a_duty_officer())
    return browser


def plain(page: str) -> str:
    """Return the words of the page as somebody reads them, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def shown(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return plain(answer.content.decode())


def typed(weights: Weights = SOONEST_FIRST, *, known: int = 0, **said: object) -> dict[str, object]:
    return {**values_of(weights), "known": known, "reason": "冬季道路结冰，先看到场时间", **said}


def put(weights: Weights, *, known: int = 0, reason: str = "试行") -> None:
    weighting.set_weights(weights, reason=reason, known=known, by=OFFICER, at=NOON + minutes(known))


# Reading ------------------------------------------------------------------------------------------


def test_before_anybody_has_set_them_the_page_shows_the_defaults_and_what_each_does(officer):
    page = shown(officer)

    assert "默认权重，本单位没有另行设定" in page
    assert "多久能到现场，越快越好。 30 份" in page
    assert "30 份 满分 30 分" in page
    assert "还没有设定过" in page
    assert all(setting.meaning.zh in page for setting in SETTINGS)


def test_afterwards_it_says_which_version_holds_who_set_it_when_why_and_what_changed(officer):
    put(SOONEST_FIRST, reason="冬季道路结冰")
    put(DEFAULTS, known=1, reason="开春恢复")

    page = shown(officer)

    assert f"{DEFAULTS.version}+2 陈立 于 2026-11-24 14:19 设定" in page
    assert f"{DEFAULTS.version}+1 2026-11-24 14:18 陈立 冬季道路结冰 专业 50 → 10" in page
    assert "到场快 30 → 80" in page
    assert "开春恢复 专业 10 → 50" in page


def test_the_example_ranks_invented_people_by_the_weights_in_force(officer):
    before = shown(officer)
    put(SOONEST_FIRST)
    after = shown(officer)

    assert before.index("专家甲") < before.index("专家丙")
    assert after.index("专家丙") < after.index("专家甲")


@pytest.mark.parametrize("role", [Role.ROSTER_ADMIN, Role.LEADER, Role.AUDITOR])
def test_who_only_reads_finds_no_way_to_set_them(client, role):
    client.force_login(a_user("reader", role))
    put(SOONEST_FIRST)

    assert EDIT not in client.get(PAGE).content.decode()
    assert client.get(EDIT).status_code == 403
    assert client.post(EDIT, typed(DEFAULTS, known=1)).status_code == 403
    assert MatchingWeights.objects.count() == 1


def test_an_admin_of_one_city_reads_them_and_sets_none(client):
    client.force_login(a_user("tangshan", Role.SYSTEM_ADMIN, region="130200"))

    assert EDIT not in client.get(PAGE).content.decode()
    assert client.get(EDIT).status_code == 404
    assert client.post(EDIT, typed()).status_code == 404
    assert not MatchingWeights.objects.exists()


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.TEAM])
def test_others_are_not_let_in(client, role):
    client.force_login(a_user("other", role))

    assert [client.get(path).status_code for path in (PAGE, EDIT)] == [403, 403]


def test_the_admin_finds_them_from_where_the_work_begins(gao):
    assert f'href="{PAGE}"' in gao.get("/", follow=True).content.decode()
    assert 'href="/admin/"' in gao.get(PAGE).content.decode()


def test_the_duty_desk_finds_them_from_the_plans_and_from_the_sliders(officer):
    incident = an_incident()

    assert f'href="{PAGE}"' in officer.get("/response-plans/").content.decode()
    assert f'href="{PAGE}"' in officer.get(f"/incidents/{incident.public_id}/").content.decode()


# Setting ------------------------------------------------------------------------------------------


def test_gao_sets_a_new_version_and_the_page_says_so(gao):
    page = plain(gao.post(EDIT, typed(), follow=True).content.decode())

    assert f"匹配权重已设定为 {DEFAULTS.version}+1" in page
    assert "高洁 冬季道路结冰，先看到场时间" in page
    assert weighting.in_force().travel == 80


def test_what_the_form_shows_saves_back_as_it_was(gao):
    put(SOONEST_FIRST)
    form = gao.get(EDIT).context["form"]
    sent = {field.html_name: field.value() for field in form if field.value() is not None}

    page = gao.post(EDIT, {**sent, "reason": "照旧"}, follow=True).content.decode()

    assert "没有新的版本" in page
    assert MatchingWeights.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "error"),
    [
        pytest.param(
            {"expertise": "105"}, "专业（份）：应为 0 到 100 之间 5 的倍数，请改正。", id="too much"
        ),
        pytest.param({"travel": "33"}, "到场快（份）：应为 0 到 100 之间 5 的倍数", id="between the steps"),
        pytest.param({"load": "很多"}, "轮流（份）：应为 0 到 100 之间 5 的倍数", id="no number"),
        pytest.param({"freshness": ""}, "最近有答复（分）：应为 0 到 50 的整数", id="nothing"),
        pytest.param({"travel_half_at_minutes": "0"}, "应为 10 到 720 的整数", id="too little"),
        pytest.param({"fairness_minutes": "9" * 5000}, "应为 0 到 60 的整数", id="no end of digits"),
        pytest.param({"fairness_minutes": "9" * 400}, "应为 0 到 60 的整数", id="more than a float holds"),
        pytest.param({"expertise": 0, "travel": 0, "load": 0}, "不能都是 0", id="nothing counts"),
        pytest.param({"reason": "  "}, "为什么这样设：请写明为什么这样设", id="no reason"),
        pytest.param({"reason": "因" * 201}, "为什么这样设：", id="a long reason"),
        pytest.param({"known": ""}, "页面不完整", id="no version"),
        pytest.param({"known": "-1"}, "页面不完整", id="no such version"),
    ],
)
def test_what_cannot_be_set_is_refused_where_it_stands_and_what_was_typed_stays(gao, said, error):
    answer = gao.post(EDIT, typed() | said)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert error in plain(page)
    assert 'value="80"' in page or "travel" in said
    assert not MatchingWeights.objects.exists()


def test_of_two_admins_the_second_is_told_that_the_first_was_quicker(gao):
    put(SOONEST_FIRST)

    answer = gao.post(EDIT, typed(Weights(expertise=80)))

    assert answer.status_code == 422
    assert "别人刚刚设定过匹配权重" in answer.content.decode()
    assert MatchingWeights.objects.count() == 1


def test_a_double_tap_sets_one_version(gao):
    first, second = (gao.post(EDIT, typed()) for _ in range(2))

    assert first.status_code == second.status_code == 302
    assert MatchingWeights.objects.count() == 1


def test_gao_sees_the_ranking_before_saving_and_without_a_reason_yet(gao):
    answer = gao.post(EDIT, typed(preview="1", reason=""))

    page = plain(answer.content.decode())
    assert answer.status_code == 200
    assert "还没有保存" in page
    assert page.index("专家丙") < page.index("专家甲")
    assert "位，提前" in page and "位，推后" in page
    assert 'name="travel" value="80"' in answer.content.decode()
    assert not MatchingWeights.objects.exists()


def test_a_preview_of_what_cannot_be_set_says_what_is_wrong(gao):
    answer = gao.post(EDIT, typed(preview="1", travel="33"))

    assert answer.status_code == 422
    assert "到场快（份）：应为" in plain(answer.content.decode())


def test_an_older_version_or_the_defaults_can_be_taken_as_a_draft(gao):
    put(SOONEST_FIRST)
    put(Weights(freshness=20), known=1)

    def travel(query: str) -> object:
        return gao.get(f"{EDIT}{query}").context["form"]["travel"].value()

    assert (travel(""), travel("?version=1"), travel("?version=0")) == ("30", "80", "30")
    assert gao.get(f"{EDIT}?version=0").context["form"]["freshness"].value() == "5"
    assert gao.get(f"{EDIT}?version=1").context["form"]["known"].value() == 2


@pytest.mark.parametrize("version", ["7", "-1", "abc", "", "9" * 40, "１"])
def test_a_version_that_never_was_is_not_found(gao, version):
    assert gao.get(f"{EDIT}?version={version}").status_code == 404


def test_nobody_sees_a_real_name_in_the_example(gao):
    an_incident()

    page = shown(gao, EDIT)

    assert "虚构" in shown(gao)
    assert "冀润" not in page
