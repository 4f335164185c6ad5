"""The answer page on a phone of 390 by 844, with and without scripts, by day and by night."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from coordination import callouts, guidance, links
from coordination.callouts import Invitee, RequirementSpec
from coordination.models import AnswerToken, Callout
from coordination.paging import InviteeKind
from coordination.visits import GuidanceKind
from experts.models import Expert
from ground import clock
from incidents.handling import Casualties
from incidents.levels import ResponseLevel
from tests.browser.pictures import take
from tests.factories import (
    ASKER,
    OFFICER,
    a_guidance_request,
    a_round,
    a_team,
    an_enterprise,
    an_expert,
    an_incident,
    industry,
    invitation_of,
)

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


@pytest.fixture
def zhou(asgi_url) -> Expert:
    return an_expert("周明远", region="130203")


@pytest.fixture
def asked(asgi_url, zhou, settings) -> Callout:
    """An ammonia leak for which Zhou has just been asked, as the mock shows it."""
    settings.MUSTER_SENDER_NAME, settings.MUSTER_DUTY_PHONE = "省应急救援中心", "0311-0000-1119"
    jirun = an_enterprise("冀润冷链公司", region="130209")
    site = jirun.sites.get()
    site.name = "2# 制冷机房"
    site.save()
    at = clock.now()
    incident = an_incident(
        jirun,
        at=at,
        title="冀润冷链公司液氨泄漏",
        summary="2# 机房阀组法兰垫片失效，液氨持续泄漏。总阀已关，机房内 2 人未撤出。存量 18 t，重大危险源四级。",
        safety_notice="毒性气体，东南风 3 级。请到厂区东南门（上风向）集合，勿从西北侧进入。",
        casualties=Casualties(trapped=2, injured=3),
        response_level=ResponseLevel.THIRD,
        caller_name="刘骏",
        caller_phone="13900000162",
    )
    team = a_team("曹妃甸危化队", region="130209")
    reasons = {
        "reasons_for": [
            {"zh": "处置过 3 起涉氨事故", "en": "dealt with 3 ammonia accidents"},
            {"zh": "危化品专业，现场专家中距离较近", "en": "hazardous chemicals, among the nearest"},
        ],
        "cautions": [],
    }
    return callouts.start(
        incident,
        [
            RequirementSpec(InviteeKind.EXPERT, 1, industry=industry()),
            RequirementSpec(InviteeKind.TEAM, 1, industry=industry()),
        ],
        [
            Invitee(
                0,
                expert=zhou,
                distance_km=23.4,
                travel_minutes=30.6,
                travel_source="straight_line",
                reasons=reasons,
            ),
            Invitee(1, team=team, distance_km=8, travel_minutes=20, travel_source="straight_line"),
        ],
        policy="urgent",
        by=OFFICER,
        at=at,
    )


@pytest.fixture
def phone(browser: Browser, browser_context_args, asgi_url):
    """Open phones; each is a context of its own, closed when the test ends."""
    opened = []

    def open_(**options: object) -> Page:
        context = browser.new_context(**{**browser_context_args, **PHONE, **options})
        opened.append(context)
        return context.new_page()

    yield open_
    for context in opened:
        context.close()


Phone = Callable[..., Page]


def link(callout: Callout, who) -> str:
    return links.address(AnswerToken.objects.get(invitation=invitation_of(callout, who)))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_one_tap_accepts_and_the_steps_follow(phone: Phone, asked, zhou, theme, script):
    page = phone(color_scheme=theme, java_script_enabled=script)
    name = f"answer-{theme}-{'js' if script else 'nojs'}"

    page.goto(link(asked, zhou))
    expect(page.get_by_role("heading", name="请您赴现场支援：液氨泄漏")).to_be_visible()
    expect(page.get_by_role("button", name="接受")).to_be_in_viewport()
    take(page, name)
    take(page, f"{name}-whole", whole=True)
    page.get_by_role("button", name="接受").tap()

    expect(page.get_by_role("status")).to_contain_text("已接受，预计")
    take(page, f"{name}-accepted")
    take(page, f"{name}-accepted-whole", whole=True)
    invitation = invitation_of(asked, zhou)
    assert invitation.status == "accepted"
    assert 30 < (invitation.eta_at - invitation.asked_at).total_seconds() / 60 < 33

    page.get_by_role("button", name="我已出发").tap()
    page.get_by_role("button", name="我已到场").tap()
    expect(page.get_by_role("status")).to_contain_text("已到场")
    page.get_by_role("button", name="任务结束，我已返回").tap()
    page.get_by_label("处置意见").fill("阀组已更换，建议复测。")
    take(page, f"{name}-report")
    page.get_by_role("button", name="提交报告").tap()
    expect(page.get_by_text("报告已提交")).to_be_visible()
    assert invitation_of(asked, zhou).deployment.status == "reported"


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_two_taps_decline_with_a_reason(phone: Phone, asked, zhou, script):
    page = phone(java_script_enabled=script)

    page.goto(link(asked, zhou))
    page.get_by_text("不能参加", exact=True).tap()
    take(page, f"answer-decline-{'js' if script else 'nojs'}")
    page.get_by_role("button", name="人在外地").tap()

    expect(page.get_by_role("status")).to_contain_text("已答复：不能参加")
    take(page, f"answer-declined-{'js' if script else 'nojs'}")
    assert invitation_of(asked, zhou).reason == "人在外地"


def test_another_time_of_arrival_stands_on_the_button_before_it_is_sent(phone: Phone, asked, zhou):
    page = phone(java_script_enabled=False)
    page.goto(link(asked, zhou))
    big = page.get_by_role("button", name="接受")
    first = big.inner_text()

    page.locator("label.l3").tap()
    assert big.inner_text() != first
    page.get_by_text("其他", exact=True).tap()
    page.get_by_label("多少分钟后到").fill("80")
    take(page, "answer-other-time")
    big.tap()

    expect(page.get_by_role("status")).to_contain_text("已接受")
    invitation = invitation_of(asked, zhou)
    assert 79 <= (invitation.eta_at - invitation.asked_at).total_seconds() / 60 <= 82


def test_a_team_gives_crew_and_vehicles(phone: Phone, asked):
    team = asked.invitations.exclude(team=None).get().team
    page = phone()
    page.goto(link(asked, team))
    take(page, "answer-team", whole=True)

    page.get_by_label("出动人数").fill("12")
    page.get_by_label("车辆数").fill("2")
    page.get_by_role("button", name="接受").tap()

    expect(page.get_by_role("status")).to_contain_text("已接受")
    invitation = invitation_of(asked, team)
    assert (invitation.crew, invitation.vehicles) == (12, 2)


def test_the_page_says_that_it_was_seen_and_a_preview_cannot(phone: Phone, asked, zhou):
    phone(java_script_enabled=False).goto(link(asked, zhou))
    assert invitation_of(asked, zhou).first_seen_at is None

    page = phone()
    with page.expect_response(lambda response: response.url.endswith("/seen/")) as told:
        page.goto(link(asked, zhou))

    assert told.value.status == 204
    assert invitation_of(asked, zhou).first_seen_at is not None


@pytest.mark.parametrize("width", [320, 390, 430])
def test_nothing_is_cut_off_at_the_side_and_every_button_is_large_enough(phone: Phone, asked, zhou, width):
    page = phone(viewport={"width": width, "height": 844})
    page.goto(link(asked, zhou))

    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    boxes = [
        box.bounding_box()
        for box in page.locator("button:visible, .act label:visible, summary:visible").all()
    ]

    assert overflow <= 0
    assert boxes and all(box["height"] >= 46 for box in boxes)


def test_what_the_page_runs_and_fetches_keeps_its_own_rules(phone: Phone, asked, zhou, asgi_url):
    said, fetched = [], []
    page = phone()
    page.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: fetched.append(request.url))

    page.goto(link(asked, zhou), wait_until="networkidle")

    assert said == []
    assert all(url.startswith((asgi_url, "data:")) for url in fetched)


def test_a_guidance_invitation_is_answered_in_days(phone: Phone, asgi_url, zhou):
    request = a_guidance_request(an_enterprise("冀润冷链公司"), kind=GuidanceKind.INSPECTION, at=clock.now())
    guidance.submit(request, by=ASKER, at=clock.now())
    guidance.accept(request, by=OFFICER, at=clock.now())
    callout = a_round(request, asks=[zhou], at=clock.now())
    page = phone()
    page.goto(link(callout, zhou))
    take(page, "answer-guidance", whole=True)

    page.get_by_label("您方便的日期").fill("下周三以后")
    page.get_by_role("button", name="接受，愿意到访").tap()

    expect(page.get_by_role("status")).to_contain_text("已接受")
    take(page, "answer-guidance-accepted", whole=True)
    assert invitation_of(callout, zhou).reason == "下周三以后"


def test_a_forged_link_says_whom_to_ring(phone: Phone, asgi_url, settings):
    settings.MUSTER_DUTY_PHONE = "0311-0000-1119"
    page = phone()

    response = page.goto(f"{asgi_url}/a/not-a-link/")

    assert response.status == 404
    expect(page.get_by_role("link", name="联系值班室")).to_have_attribute("href", "tel:031100001119")
    take(page, "answer-unknown")
