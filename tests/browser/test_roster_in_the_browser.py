"""The roster admin's morning: a sheet with mistakes, mended, imported, and somebody found by three letters."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from experts.models import Expert
from ground.access import Role
from tests.factories import a_user
from tests.rosters import people, workbook

pytestmark = pytest.mark.django_db(transaction=True)


def upload(page: Page, url: str, content: bytes) -> None:
    page.goto(f"{url}/experts/import/")
    page.get_by_label("花名册文件").set_input_files(
        {"name": "名册.xlsx", "mimeType": "application/octet-stream", "buffer": content}
    )
    page.get_by_role("button", name="上传并核对").click()


def test_a_sheet_is_refused_by_cell_mended_and_imported_and_somebody_is_found(page: Page, asgi_url: str):
    a_user("sun", Role.ROSTER_ADMIN, name="孙静怡")
    page.goto(f"{asgi_url}/sign-in/?next=/experts/")
    page.get_by_label("用户名").fill("sun")
    page.get_by_label("密码").fill("muster-demo")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_text("名册还是空的")).to_be_visible()

    rows = people(76)
    wrong = [dict(row) for row in rows]
    wrong[13]["手机"], wrong[28]["聘期止"] = "1381234001", "2027.13.1"
    upload(page, asgi_url, workbook(wrong))
    expect(page.get_by_role("row", name="O17")).to_contain_text("应为 11 位，实为 10 位")
    expect(page.get_by_role("row", name="S32")).to_contain_text("没有 13 月")
    expect(page.get_by_role("button", name="导入 76 人")).to_be_disabled()
    assert Expert.objects.count() == 0

    upload(page, asgi_url, workbook(rows))
    page.get_by_role("button", name="导入 76 人").click()
    expect(page.get_by_role("heading", name="导入完成")).to_be_visible()

    # Somebody is found while the letters are typed; the address keeps them.
    page.get_by_role("link", name="查看名册").click()
    page.get_by_role("searchbox").press_sequentially("李演七"[:2])
    expect(page.get_by_role("link", name="李演七")).to_be_visible()
    expect(page.get_by_role("link", name="钱演丁")).to_have_count(0)
    assert "q=" in page.url
    page.get_by_role("link", name="李演七").click()
    expect(page.get_by_role("heading", name="李演七", level=1)).to_be_visible()
    expect(page.get_by_text("138****0003")).to_be_visible()
