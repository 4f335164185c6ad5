"""The pages that anybody may open, in a real browser."""

import pytest
from playwright.sync_api import Page


@pytest.mark.parametrize("path", ["/", "/api/docs/", "/no-such-page/"])
def test_a_page_fetches_nothing_from_outside_and_breaks_no_rule_of_its_own(page: Page, asgi_url, path):
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(asgi_url + path, wait_until="networkidle")

    assert asked and all(url.startswith((asgi_url, "data:")) for url in asked)
    # The browser itself says so when a page answers 404; a broken security policy would be said as well.
    assert [line for line in said if "404" not in line] == []


def test_a_visitor_with_a_chinese_browser_is_asked_in_chinese_to_sign_in(page: Page, asgi_url):
    page.goto(asgi_url)

    assert page.locator("html").get_attribute("lang") == "zh-hans"
    assert page.get_by_role("button", name="登录").is_visible()
