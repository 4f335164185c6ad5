"""A 花名册 as somebody else's Excel wrote it: merged title, a line of notes, then the header. All invented."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import openpyxl

HEADER = (
    *(
        "序号",
        "姓名",
        "性别",
        "出生年月",
        "民族",
        "政治面貌",
        "学历",
        "毕业院校及专业",
        "职称",
        "职务",
        "工作单位",
    ),
    *("行业", "专业方向", "所在市县", "手机", "办公电话", "邮箱", "聘期起", "聘期止", "聘书编号", "类别"),
    *("专家组职务", "状态", "备注"),
)
# The first person stands in this row: a title, a note and the header are above.
FIRST_ROW = 4
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张"
_CITIES = ("石家庄市", "唐山市丰南区", "秦皇岛市", "邯郸市", "保定市", "张家口市桥西区", "定州市", "辛集市")
_INDUSTRIES = ("危险化学品", "煤矿", "冶金", "建材、冶金", "金属非金属矿山(含尾矿库、地质勘探)", "机械")


def a_person(number: int, **cells: Any) -> dict[str, Any]:
    """Return the cells of an invented expert by the titles of the header."""
    return {
        "序号": number,
        "姓名": f"{_SURNAMES[number % len(_SURNAMES)]}演{chr(0x4E00 + number)}",
        "性别": "女" if number % 4 == 0 else "男",
        "出生年月": f"19{60 + number % 30}-0{1 + number % 9}",
        "民族": "汉族",
        "政治面貌": "无" if number % 5 else "中共党员",
        "学历": "本科",
        "毕业院校及专业": "演示大学 安全工程",
        "职称": "正高级工程师" if number % 3 == 0 else "高级工程师",
        "职务": "/",
        "工作单位": f"演示单位{number % 20}公司",
        "行业": _INDUSTRIES[number % len(_INDUSTRIES)],
        "专业方向": "消防、有限空间" if number % 2 else "粉尘防爆",
        "所在市县": _CITIES[number % len(_CITIES)],
        "手机": f"1380000{number:04d}",
        "办公电话": f"0311-8765{number:04d}" if number % 2 else "—",
        "邮箱": f"expert{number}@example.cn",
        "聘期起": "2025.4.1",
        "聘期止": "2028年3月",
        "聘书编号": f"演聘〔2025〕{number:03d}号",
        "类别": "监管业务类" if number % 2 else "综合决策类",
        "专家组职务": "组长" if number == 1 else "成员",
        "状态": "在聘",
        "备注": "演示",
        **cells,
    }


def people(count: int = 76) -> list[dict[str, Any]]:
    return [a_person(number) for number in range(1, count + 1)]


def workbook(
    rows: Iterable[Mapping[str, Any]],
    *,
    header: Iterable[str] = HEADER,
    title: str = "演示省专家花名册（2026）",
) -> bytes:
    """Return the bytes of an .xlsx, as openpyxl writes it and not as we do."""
    header = list(header)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "花名册"
    sheet.append([title])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(header))
    sheet.append(["填报单位：演示应急管理厅"])
    sheet.append(header)
    for row in rows:
        sheet.append([row.get(column) for column in header])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
