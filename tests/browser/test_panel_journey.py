"""The panel of a plan review in a real browser: looked at, asked, filled up when somebody declines."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.models import Enterprise, Interest, InterestKind
from coordination import answers, guidance
from coordination.answers import Answer
from coordination.models import GuidanceRequest
from coordination.paging import AnswerSource, Reply
from coordination.visits import GuidanceKind
from experts.models import Expert
from ground import clock
from ground.access import Role
from ground.audit import Actor
from tests.browser.pictures import take
from tests.factories import (
    ASKER,
    OFFICER,
    a_guidance_request,
    a_user,
    an_enterprise,
    an_expert,
    invitation_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def jirun(asgi_url) -> Enterprise:
    a_user("roster", Role.ROSTER_ADMIN, name="赵敏")
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def cast(jirun) -> dict[str, Expert]:
    today = clock.day_of(clock.now())
    term = (today - timedelta(days=100), today + timedelta(days=500))
    found = {
        name: an_expert(name, employer=employer, title=title, is_senior=senior, region=region, term=term)
        for name, employer, title, senior, region in (
            ("周明远", "河北科技大学化工学院", "教授", True, "130200"),
            ("王海", "河北科技大学化工学院", "副教授", False, "130200"),
            ("郭立新", "河北科技大学化工学院", "副教授", False, "130200"),
            ("李建国", "河北省安全生产科学研究院", "正高级工程师", True, "130300"),
            ("孙丽", "渤海化工集团", "高级工程师", False, "130100"),
            ("胡建军", "唐山三友化工", "高级工程师", False, "130200"),
        )
    }
    found["李建国"].appointments.update(group_role="副组长")
    Interest.objects.create(expert=found["胡建军"], enterprise=jirun, kind=InterestKind.ADVISES)
    return found


@pytest.fixture
def request_(jirun, cast) -> GuidanceRequest:
    at = clock.now()
    request = a_guidance_request(
        jirun, kind=GuidanceKind.PLAN_REVIEW, description="液氨泄漏专项预案三年到期，请评审。", at=at
    )
    guidance.submit(request, by=ASKER, at=at)
    guidance.accept(request, by=OFFICER, at=at)
    return request


@pytest.fixture
def admin(browser: Browser, browser_context_args, asgi_url, jirun):
    context = browser.new_context(**{**browser_context_args, "viewport": {"width": 1440, "height": 900}})
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{asgi_url}/sign-in/")
    page.get_by_label("用户名").fill("roster")
    page.get_by_label("密码", exact=True).fill("muster-demo")
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
    yield page
    context.close()
    assert complaints == []


def pictures(page: Page, name: str) -> None:
    """Take the page as it is seen at a desk and on a phone, by day and by night; nothing may be wider than it."""
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, width)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            take(page, f"{name}-{width}-{scheme}", whole=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def says(request: GuidanceRequest, expert: Expert, reply: Reply) -> None:
    invitation = invitation_of(request.callouts.get(), expert)
    answers.answer(invitation, Answer(reply, AnswerSource.LINK), by=Actor(None, expert.name), at=clock.now())


def test_a_panel_is_looked_at_asked_and_filled_up(admin, request_, cast, asgi_url):
    admin.goto(f"{asgi_url}/guidance/{request_.public_id}/")
    card = admin.get_by_role("region", name="评审专家组")
    pictures(admin, "panel-form")

    # Four must not be a size, so the list does not offer it; too many seniors are refused in words.
    card.get_by_label("人数").select_option("3")
    card.get_by_label("正高级至少").fill("3")
    card.get_by_role("button", name="推荐专家组").click()
    expect(card.get_by_role("alert")).to_contain_text("需要 3 位正高级，只有 2 位")
    pictures(admin, "panel-none")

    card.get_by_label("正高级至少").fill("1")
    card.get_by_role("button", name="推荐专家组").click()
    expect(card.get_by_role("row", name="李建国")).to_contain_text("组长")
    expect(card).not_to_contain_text("胡建军")
    pictures(admin, "panel-proposed")

    card.get_by_role("button", name="邀请这 3 位").click()
    expect(admin.get_by_text("已邀请专家组 3 位，组长：李建国。")).to_be_visible()
    pictures(admin, "panel-asked")

    # One accepts, one declines: the page follows, and the open seat is filled.
    says(request_, cast["李建国"], Reply.ACCEPT)
    says(request_, cast["王海"], Reply.DECLINE)
    expect(card).to_contain_text("还缺 1 位")
    card.get_by_role("button", name="补齐专家组").click()
    expect(card.get_by_role("button", name="邀请这 1 位")).to_be_visible()
    pictures(admin, "panel-filling")
    card.get_by_role("button", name="邀请这 1 位").click()
    expect(card).to_contain_text("3 / 3")
    expect(card.get_by_role("row", name="郭立新")).to_be_visible()
