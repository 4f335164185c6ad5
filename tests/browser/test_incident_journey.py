"""One incident in a real browser, from the phone call to the last one on the scene, as the officer sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from coordination import sender
from coordination.models import Callout, InboxMessage
from incidents.models import Incident
from tests.browser.pictures import take
from tests.factories import a_duty_officer, a_team, an_agreement, an_enterprise, an_expert

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def cast(asgi_url) -> None:
    """Four experts and two teams around the firm; the nearest come first."""
    jirun = an_enterprise("冀润冷链公司", initials="jrllgs", region="130209")
    for name, region in (
        ("周明远", "130209"),
        ("林若溪", "130207"),
        ("沈国强", "130208"),
        ("郑海波", "130300"),
    ):
        an_expert(name, region=region, title="高级工程师")
    an_agreement(jirun, a_team("曹妃甸危化队", region="130209"))
    a_team("唐山综合队", region="130203")
    a_duty_officer("duty", "陈立")


def signed_in(page: Page, asgi_url: str, *, scripts: bool = True) -> Page:
    page.set_viewport_size(DESKTOP)
    page.goto(f"{asgi_url}/desk/")
    page.fill("input[name=username]", "duty")
    page.fill("input[name=password]", "muster-demo")
    page.press("input[name=password]", "Enter")
    expect(page.get_by_role("heading", name="值守台")).to_be_attached()
    if scripts:
        ready(page)
    return page


def type_place_and_kind(officer: Page, place: str) -> None:
    officer.locator("#id_place").fill(place)
    officer.keyboard.press("Escape")  # as it is typed: none of the suggestions
    officer.locator("label", has_text="危化品泄漏").click()


def ready(page: Page) -> None:
    """Wait until the page's scripts run: the clock in the bar shows the time."""
    expect(page.locator("[data-clock]")).not_to_be_empty()


@contextmanager
def phone_of(browser: Browser, who: str) -> Iterator[Page]:
    """The link in the newest message on somebody's phone, opened on a phone."""
    sender.run_once()
    message = InboxMessage.objects.filter(recipient=who).exclude(link="").first()
    assert message is not None, f"{who} has no message"
    context = browser.new_context(viewport=PHONE, locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    page.goto(message.link)
    yield page
    context.close()


def accept(browser: Browser, who: str) -> None:
    with phone_of(browser, who) as phone:
        phone.locator("button[name=reply][value=accept]").click()
        expect(phone.locator("body")).to_contain_text("已接受")


def decline(browser: Browser, who: str) -> None:
    with phone_of(browser, who) as phone:
        phone.locator("#decline summary").click()
        phone.locator("#decline button").first.click()
        expect(phone.locator("button[name=reply][value=decline]")).to_have_count(0)


def test_from_the_call_to_the_last_one_on_the_scene(page, browser, asgi_url, cast):
    officer = signed_in(page, asgi_url)
    take(officer, "desk-empty")

    # The phone rings: five keys' worth of typing, no mouse.
    officer.keyboard.press("i")
    officer.wait_for_url("**/incidents/new/")
    ready(officer)
    officer.locator("#id_place").fill("jrll")
    expect(officer.get_by_role("option", name="冀润冷链公司")).to_be_visible()
    officer.keyboard.press("Enter")
    expect(officer.locator("#id_place")).to_have_value("冀润冷链公司")
    officer.keyboard.press("2")
    officer.locator("#id_trapped").fill("2")
    officer.locator("#id_summary").fill("2# 机房阀组法兰垫片失效，液氨持续泄漏，机房内 2 人未撤出。")
    expect(officer.get_by_role("button", name="立案并通知 2 人 1 队")).to_be_visible()
    take(officer, "intake")
    officer.keyboard.press("Control+Enter")

    expect(officer.locator("h1")).to_have_text("冀润冷链公司危化品泄漏")
    board = officer.locator("#board")
    expect(board).to_contain_text("现场专家 0 / 2")
    expect(board).to_contain_text("救援队伍 0 / 1")
    expect(officer.locator("[data-live]")).to_have_attribute("data-state", "ok")
    assert page_fits(officer)
    take(officer, "incident-asked")

    # The team and the first expert come; the page shows it without being touched.
    accept(browser, "曹妃甸危化队")
    expect(board).to_contain_text("救援队伍 1 / 1")
    accept(browser, "周明远")
    expect(board).to_contain_text("现场专家 1 / 2")

    # The second cannot: the third is asked at once, nobody waits for a window to close.
    decline(browser, "林若溪")
    expect(board.locator("li", has_text="林若溪")).to_contain_text("婉拒")
    expect(board.locator("li", has_text="沈国强").first).to_contain_text("通知")
    take(officer, "incident-declined")
    accept(browser, "沈国强")
    expect(board).to_contain_text("席位已满")
    assert Callout.objects.get().status == "filled"
    take(officer, "incident-filled")

    # They ring up from the gate; the officer records each arrival.
    for who in ("曹妃甸危化队", "周明远", "沈国强"):
        with officer.expect_navigation():
            board.locator("li", has_text=who).get_by_role("button", name="登记到场").click()
        expect(board.locator("li", has_text=who).get_by_role("button", name="登记返回")).to_be_visible()
    expect(officer.locator("#head")).to_contain_text("2 / 2 人 · 1 / 1 队")
    take(officer, "incident-arrived")

    ready(officer)
    officer.locator("#say-text").fill("-5 企业电话：总阀已关")
    officer.keyboard.press("Enter")
    expect(officer.locator("#timeline")).to_contain_text("企业电话：总阀已关")

    officer.get_by_role("link", name="结束").click()
    expect(officer.get_by_role("heading", name="还有 3 个对象在外")).to_be_visible()
    officer.locator("#id_outcome").fill("泄漏已止，2 人获救，现场移交企业。")
    officer.get_by_role("button", name="结束事件").click()

    expect(officer.locator("#facts")).to_contain_text("泄漏已止")
    assert Incident.objects.get().status == "closed"
    take(officer, "incident-closed")
    officer.goto(f"{asgi_url}/incidents/?show=over")
    expect(officer.get_by_role("link", name="冀润冷链公司危化品泄漏")).to_be_visible()


def page_fits(page: Page) -> bool:
    """Say whether one screen of 1440 by 900 shows the page without scrolling."""
    return bool(
        page.evaluate(
            "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"
        )
    )


def test_ticks_survive_while_others_answer(page, browser, asgi_url, cast):
    officer = signed_in(page, asgi_url)
    officer.goto(f"{asgi_url}/incidents/new/")
    type_place_and_kind(officer, "冀润冷链公司")
    officer.locator("button[value=open]").click()
    expect(officer.locator("#candidates")).to_contain_text("首选")
    ready(officer)

    # One of the two proposed experts is unticked, the third ticked instead; the button counts along.
    rows = officer.locator("#panel-expert tbody tr")
    rows.filter(has_text="林若溪").locator("input").uncheck()
    rows.filter(has_text="沈国强").locator("input").check()
    officer.keyboard.press("Escape")
    incident = Incident.objects.get()
    officer.evaluate("htmx.trigger(document.getElementById('board'), 'live:refresh')")
    expect(officer.locator("#candidates .foot button")).to_contain_text("2 人 1 队")
    officer.locator("h1").click()
    officer.keyboard.press("n")

    expect(officer.locator("#board")).to_contain_text("现场专家 0 / 2")
    asked = set(
        incident.callouts.get()
        .invitations.filter(status="asked", expert__isnull=False)
        .values_list("expert__name", flat=True)
    )
    assert asked == {"周明远", "沈国强"}


def test_changing_what_is_needed_matches_again_on_the_spot(page, asgi_url, cast):
    officer = signed_in(page, asgi_url)
    officer.goto(f"{asgi_url}/incidents/new/")
    type_place_and_kind(officer, "唐山市曹妃甸区")
    officer.locator("button[value=open]").click()
    officer.wait_for_selector("#candidates")
    ready(officer)
    officer.locator(".need-editor summary").click()
    officer.locator("#id_r0-seats").fill("3")
    officer.locator("#id_r0-seats").blur()

    expect(officer.locator("#candidates .foot button")).to_contain_text("3 人 1 队")
    expect(officer.locator(".need-editor")).to_have_attribute("open", "")
    officer.locator("#candidates .foot button").click()
    expect(officer.locator("#board")).to_contain_text("现场专家 0 / 3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_officer_s_pages_break_no_rule_of_accessibility(browser, asgi_url, cast, scheme):
    context = browser.new_context(color_scheme=scheme, locale="zh-CN", timezone_id="Asia/Shanghai")
    officer = signed_in(context.new_page(), asgi_url)
    officer.goto(f"{asgi_url}/incidents/new/")
    ready(officer)
    officer.locator("#id_place").fill("jrll")
    expect(officer.get_by_role("option", name="冀润冷链公司")).to_be_visible()
    assert broken_rules(officer) == []

    officer.keyboard.press("Enter")
    officer.keyboard.press("2")
    expect(officer.get_by_role("button", name="立案并通知 2 人 1 队")).to_be_visible()
    officer.keyboard.press("Control+Enter")
    officer.wait_for_selector("#board")
    officer.locator("#board .more summary").first.click()
    assert broken_rules(officer) == []

    for path in ("correct/", "close/"):
        officer.goto(f"{asgi_url}/incidents/{Incident.objects.get().public_id}/{path}")
        assert broken_rules(officer) == []
    for path in ("/desk/", "/incidents/"):
        officer.goto(asgi_url + path)
        assert broken_rules(officer) == []
    context.close()


def broken_rules(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


@pytest.mark.parametrize("width", [390, 768])
def test_on_a_narrow_screen_nothing_is_wider_than_the_screen(page, asgi_url, cast, width):
    officer = signed_in(page, asgi_url)
    officer.goto(f"{asgi_url}/incidents/new/")
    type_place_and_kind(officer, "冀润冷链公司")
    officer.locator("button[value=call]").click()
    officer.wait_for_selector("#board")

    officer.set_viewport_size({"width": width, "height": 844})
    for path in (officer.url, f"{asgi_url}/desk/", f"{asgi_url}/incidents/new/", f"{asgi_url}/incidents/"):
        officer.goto(path)
        take(officer, f"narrow-{width}-{path.rstrip('/').rsplit('/', 1)[-1][:8]}", whole=True)
        assert officer.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_whole_report_is_made_and_sent_without_scripts(browser, asgi_url, cast):
    context = browser.new_context(java_script_enabled=False, viewport=DESKTOP, locale="zh-CN")
    officer = signed_in(context.new_page(), asgi_url, scripts=False)
    officer.goto(f"{asgi_url}/incidents/new/")
    officer.locator("#id_place").fill("jrll")
    officer.locator("label", has_text="危化品泄漏").click()
    officer.locator("button[value=call]").click()

    expect(officer.locator("#board")).to_contain_text("现场专家 0 / 2")
    expect(officer.locator("body")).to_contain_text("已立案并通知 2 人 1 队")
    take(officer, "incident-no-scripts")
    context.close()
