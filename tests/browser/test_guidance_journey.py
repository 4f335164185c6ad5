"""The journey of guidance in a real browser: an enterprise asks, an expert comes, reports and is rated."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from contracts.models import Interest, InterestKind
from coordination import sender
from coordination.models import GuidanceRequest
from experts.models import Expert
from ground import clock
from ground.access import Role
from tests.browser.pictures import take
from tests.factories import a_team, a_user, an_agreement, an_enterprise, an_expert

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(asgi_url) -> dict[str, Expert]:
    """A firm with an agreement, the roster admin, two experts who may come and one who must not."""
    today = clock.day_of(clock.now())
    jirun = an_enterprise("冀润冷链公司")
    an_agreement(
        jirun,
        a_team("曹妃甸危化队"),
        term=(today - timedelta(days=300), today + timedelta(days=40)),
    )
    a_user("firm", Role.ENTERPRISE, name="刘骏", enterprise=jirun)
    a_user("roster", Role.ROSTER_ADMIN, name="赵敏")
    term = (today - timedelta(days=100), today + timedelta(days=500))
    zhou = an_expert("周明远", title="教授级高工", term=term)
    wang = an_expert("王海", region="130100", title="高级工程师", term=term)
    tied = an_expert("胡建军", title="高级工程师", term=term)
    Interest.objects.create(expert=tied, enterprise=jirun, kind=InterestKind.ADVISES)
    return {"zhou": zhou, "wang": wang, "tied": tied}


@pytest.fixture
def desks(browser: Browser, browser_context_args, asgi_url):
    """Open a browser of one's own for each person, signed in through the form."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(username: str, **options: object) -> Page:
        context = browser.new_context(**{**browser_context_args, **options})
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{asgi_url}/sign-in/")
        page.get_by_label("用户名").fill(username)
        page.get_by_label("密码", exact=True).fill("muster-demo")
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
        return page

    yield open_
    for context in opened:
        context.close()
    # The browser itself says so when a form is answered with 422; nothing else may be wrong.
    assert [line for line in complaints if "422" not in line] == []


def test_from_the_question_to_the_rating(desks, people, asgi_url):
    # The enterprise asks for a plan review.
    firm = desks("firm", viewport={"width": 1280, "height": 900})
    expect(firm.get_by_text("需处理 1 项")).to_be_visible()
    take(firm, "my-enterprise", whole=True)
    firm.get_by_role("link", name="申请专家指导").first.click()
    firm.get_by_role("button", name="继续").click()
    expect(firm.get_by_role("alert")).to_contain_text("请选一种服务")
    take(firm, "ask-errors", whole=True)
    firm.get_by_role("radio", name="预案评审").check()
    firm.get_by_label("需要解决的问题").fill("液氨泄漏专项预案三年到期，请评审。")
    take(firm, "ask", whole=True)
    firm.get_by_role("button", name="继续").click()
    expect(firm.get_by_role("heading", name="核对并提交")).to_be_visible()
    take(firm, "ask-check")
    firm.get_by_role("button", name="提交申请").click()
    expect(firm.get_by_text("等待受理")).to_be_visible()
    request = GuidanceRequest.objects.get()
    assert request.status == "submitted"

    # The roster admin accepts, and sees who must recuse.
    admin = desks("roster", viewport={"width": 1440, "height": 900})
    admin.goto(f"{asgi_url}/guidance/")
    take(admin, "guidance-list")
    admin.get_by_role("link", name=request.number).click()
    take(admin, "guidance-submitted")
    admin.get_by_role("button", name="受理这份申请").click()
    expect(admin.get_by_role("row", name="周明远")).to_be_visible()
    admin.get_by_text("看原因").click()
    expect(admin.get_by_role("row", name="胡建军")).to_contain_text("第二十二条")
    take(admin, "guidance-candidates", whole=True)

    # Both who may come are on the list; the first is asked.
    admin.get_by_role("button", name="邀请已勾选的专家").click()
    expect(admin.get_by_role("heading", name="邀请与答复")).to_be_visible()
    sender.run_once()
    first = request.callouts.get().invitations.order_by("rank").first().invitee.name

    # Somebody plays the expert through the demo inbox: the message comes without a reload.
    inbox = desks("roster", viewport={"width": 1280, "height": 900})
    inbox.goto(f"{asgi_url}/inbox/")
    with inbox.expect_popup() as popup:
        inbox.get_by_role("link", name=f"以{first}身份打开").click()
    phone = popup.value
    phone.set_viewport_size({"width": 390, "height": 844})
    phone.get_by_role("button", name="接受，愿意到访").click()
    expect(phone.get_by_role("status")).to_contain_text("已接受")
    expect(inbox.get_by_role("article", name=first).get_by_text("接受", exact=True)).to_be_visible()
    take(inbox, "inbox")

    # A day is agreed on; the firm's page follows without a reload.
    admin.reload()
    tomorrow = clock.day_of(clock.now()) + timedelta(days=1)
    admin.get_by_role("textbox", name="到访日期").fill(tomorrow.isoformat())
    take(admin, "guidance-schedule", whole=True)
    admin.get_by_role("button", name="确定日期").click()
    expect(admin.get_by_text("等专家到访")).to_be_visible()
    expect(firm.get_by_text("到访，请安排熟悉现场的人员配合")).to_be_visible()
    take(firm, "progress-scheduled", whole=True)

    # The expert comes and reports on the same page.
    phone.reload()
    phone.get_by_role("button", name="我已到访").click()
    phone.get_by_label("指导报告").fill("预案要素完整，应补充氨气监测联动。建议通过。")
    take(phone, "answer-guidance-report")
    phone.get_by_role("button", name="提交报告").click()
    expect(phone.get_by_text("报告已提交")).to_be_visible()

    # The firm reads it and rates the service.
    expect(firm.get_by_text("应补充氨气监测联动")).to_be_visible()
    take(firm, "progress-reported", whole=True)
    firm.get_by_role("radio", name="5 很满意").check()
    firm.get_by_label("想说的话").fill("讲得很细")
    firm.get_by_role("button", name="提交评价").click()
    expect(firm.get_by_text("已办完，感谢您的评价")).to_be_visible()

    # The centre files it.
    admin.reload()
    admin.get_by_role("button", name="办结归档").click()
    expect(admin.get_by_text("已办结").first).to_be_visible()
    take(admin, "guidance-closed", whole=True)
    request.refresh_from_db()
    assert (request.status, request.rating) == ("closed", 5)


def test_a_draft_saves_itself_and_survives_a_closed_browser(desks, people, asgi_url):
    firm = desks("firm", viewport={"width": 390, "height": 844})
    firm.goto(f"{asgi_url}/my-enterprise/guidance/new/")
    firm.get_by_role("radio", name="隐患排查").check()
    firm.get_by_label("需要解决的问题").fill("冷库年度排查")
    firm.get_by_label("需要解决的问题").blur()
    expect(firm.get_by_text("已自动保存")).to_be_visible()
    take(firm, "ask-phone", whole=True)
    firm.context.close()

    again = desks("firm", viewport={"width": 390, "height": 844})
    take(again, "my-enterprise-phone", whole=True)
    again.get_by_role("link", name=GuidanceRequest.objects.get().number).click()

    expect(again.get_by_label("需要解决的问题")).to_have_value("冷库年度排查")
    assert GuidanceRequest.objects.count() == 1


def test_an_empty_inbox_fills_without_a_reload(desks, people, asgi_url):
    inbox = desks("roster")
    inbox.goto(f"{asgi_url}/inbox/")
    expect(inbox.get_by_text("还没有消息")).to_be_visible()
    take(inbox, "inbox-empty")
    firm = desks("firm")
    firm.goto(f"{asgi_url}/my-enterprise/guidance/new/")
    firm.get_by_role("radio", name="宣传培训").check()
    firm.get_by_label("需要解决的问题").fill("全员培训")
    firm.get_by_role("button", name="继续").click()
    firm.get_by_role("button", name="提交申请").click()
    expect(firm.get_by_text("等待受理")).to_be_visible()

    sender.run_once()

    expect(inbox.get_by_text("新的指导申请：冀润冷链公司")).to_be_visible()
