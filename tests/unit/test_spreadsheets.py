"""Workbooks: cells keep their address and type, the header is found, and a hostile file hurts nobody."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground import spreadsheets
from ground.new_workbooks import NewColumn, NewSheet, write_workbook
from ground.spreadsheets import (
    Cell,
    CellKind,
    NoTable,
    NotAWorkbook,
    OtherFormat,
    UnsafeWorkbook,
    WorkbookMistake,
    WorkbookTooLarge,
    read_workbook,
    tables_in,
)

COLUMNS = {
    "name": ("姓名",),
    "phone": ("手机", "手机号", "手机号码", "联系电话"),
    "industry": ("行业", "所属行业"),
    "city": ("所在市县",),
    "starts_on": ("聘期起", "起"),
    "ends_on": ("聘期止", "止"),
}


def workbook(*rows, merged=(), sheet="花名册", more_sheets=()):
    """Return the bytes of a workbook as openpyxl writes it, not as we do."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    for reference in merged:
        page.merge_cells(reference)
    for name, visible in more_sheets:
        other = book.create_sheet(name)
        other.append(["说明"])
        other.sheet_state = "visible" if visible else "hidden"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def repacked(content, replace=None, add=None):
    """Return a workbook with entries replaced or added, for files that no program would write."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            if entry.filename not in (replace or {}):
                new.writestr(entry.filename, old.read(entry))
        for filename, data in {**(replace or {}), **(add or {})}.items():
            new.writestr(filename, data)
    return written.getvalue()


def content_types_with_shared_strings():
    with zipfile.ZipFile(io.BytesIO(workbook(["姓名"]))) as archive:
        types = archive.read("[Content_Types].xml").decode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    return types.replace(
        "</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    )


def sheet_xml(rows: str) -> str:
    return (
        '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )


def only_table(content, required=()):
    (table,) = tables_in(read_workbook(content), COLUMNS, required=required)
    return table


# --- cells ---


def test_every_cell_keeps_its_address_its_value_and_the_type_excel_gave_it():
    content = workbook(["李明", 13812341234, 3.5, True, datetime(2027, 3, 31), None, "=1+1", "#N/A"])

    (sheet,) = read_workbook(content).sheets
    cells = {cell.address: (cell.kind, cell.value) for cell in sheet.rows[1].values()}

    assert cells == {
        "A1": (CellKind.TEXT, "李明"),
        "B1": (CellKind.NUMBER, 13812341234),
        "C1": (CellKind.NUMBER, 3.5),
        "D1": (CellKind.BOOLEAN, True),
        "E1": (CellKind.DATE, datetime(2027, 3, 31)),
        "H1": (CellKind.ERROR, "#N/A"),
    }  # G1 was never computed by Excel, so it has no value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(13812341234.0, "13812341234", id="a float that is a whole number"),
        pytest.param(3.5, "3.5", id="a fraction"),
        pytest.param("\u3000李\u200b明\u00a0\n", "李明", id="spaces that cannot be seen"),
        pytest.param(datetime(2027, 3, 31), "2027-03-31", id="a day"),
        pytest.param(datetime(2027, 3, 31, 8, 30), "2027-03-31 08:30:00", id="a moment"),
        pytest.param(True, "是", id="yes"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_a_cell_reads_as_a_person_reads_it(value, text):
    assert Cell("花名册", 2, 1, CellKind.TEXT, value).text == text


@pytest.mark.parametrize("value", ["无", "/", "—", "暂无", "N/A", " ", None])
def test_words_for_nothing_are_blank(value):
    assert Cell("花名册", 2, 1, CellKind.TEXT, value).is_blank


def test_an_id_number_stored_as_a_number_is_known_to_have_lost_digits():
    as_number = Cell("花名册", 2, 1, CellKind.NUMBER, 130102197001011264)
    as_text = Cell("花名册", 2, 1, CellKind.TEXT, "130102197001011234")
    phone = Cell("花名册", 2, 1, CellKind.NUMBER, 13812341234)

    assert as_number.has_lost_digits
    assert not as_text.has_lost_digits
    assert not phone.has_lost_digits


def test_a_cell_of_several_values_is_split():
    assert Cell("花名册", 2, 1, CellKind.TEXT, "消防、特种设备；燃气\n法律").parts() == [
        "消防",
        "特种设备",
        "燃气",
        "法律",
    ]
    assert Cell("花名册", 2, 1, CellKind.TEXT, "无").parts() == []


def test_hidden_sheets_are_not_read():
    content = workbook(["姓名"], more_sheets=[("选项", False), ("填表说明", True)])

    assert [sheet.name for sheet in read_workbook(content).sheets] == ["花名册", "填表说明"]


# --- the table ---


def test_the_header_is_found_below_merged_title_rows():
    table = only_table(
        workbook(
            ["河北省应急专家花名册（演示）", None, None],
            ["填报单位：演示单位", None, None],
            ["姓名", "手机\n（必填）", "所属行业*"],
            ["李明", "13812341234", "煤矿"],
            merged=["A1:C1", "A2:C2"],
        )
    )

    assert table.header_row == 3
    assert table.columns == {"name": 1, "phone": 2, "industry": 3}
    (li,) = table.records
    assert (li["name"].text, li["phone"].address, li["industry"].text) == ("李明", "B4", "煤矿")


def test_a_header_of_two_rows_is_read_at_its_lower_row():
    table = only_table(
        workbook(
            ["姓名", "手机", "聘期", None],
            [None, None, "起", "止"],
            ["李明", "13812341234", "2024-04-01", "2027-03-31"],
            merged=["A1:A2", "B1:B2", "C1:D1"],
        )
    )

    assert table.header_row == 2
    assert table.columns == {"name": 1, "phone": 2, "starts_on": 3, "ends_on": 4}
    assert [record["name"].text for record in table.records] == ["李明"]


def test_a_value_merged_over_several_people_belongs_to_each():
    table = only_table(
        workbook(
            ["姓名", "所在市县"],
            ["李明", "石家庄市"],
            ["王强", None],
            ["赵敏", "唐山市"],
            merged=["B2:B3"],
        )
    )

    cities = {record["name"].text: record["city"] for record in table.records}
    assert {name: cell.text for name, cell in cities.items()} == {
        "李明": "石家庄市",
        "王强": "石家庄市",
        "赵敏": "唐山市",
    }
    assert (cities["王强"].address, cities["王强"].merged_into) == ("B3", "B2")


def test_blank_rows_rows_of_only_merged_cells_and_repeated_headers_are_no_records():
    table = only_table(
        workbook(
            ["姓名", "手机", "所在市县"],
            ["李明", "13812341234", "石家庄市"],
            [None, None, None],
            ["姓名", "手机", "所在市县"],
            ["王强", "13912341234", "唐山市"],
            merged=["C2:C3"],
        )
    )

    assert [(record.row, record["name"].text) for record in table.records] == [(2, "李明"), (5, "王强")]


def test_unknown_and_repeated_columns_are_told():
    table = only_table(workbook(["姓名", "手机", "爱好", "联系电话"], ["李明", "138", "棋", "139"]))

    assert [cell.text for cell in table.unknown] == ["爱好"]
    assert [cell.address for cell in table.repeated] == ["D1"]


def test_a_cell_that_is_not_there_is_blank_and_still_has_an_address():
    (li,) = only_table(workbook(["姓名", "手机"], ["李明", None])).records

    assert li["phone"].is_blank
    assert li["phone"].address == "B2"
    assert li["industry"].is_blank


def test_without_a_header_the_titles_that_were_looked_for_are_named():
    with pytest.raises(NoTable, match="没有找到表头行.*姓名、手机"):
        tables_in(read_workbook(workbook(["李明", "138"])), COLUMNS, required=["name", "phone"])


def test_a_missing_column_is_named_with_sheet_and_row():
    with pytest.raises(NoTable, match="工作表“花名册”第 2 行的表头缺少列：行业"):
        only_table(workbook(["花名册"], ["姓名", "手机"]), required=["name", "industry"])


# --- files that are no workbook ---


@pytest.mark.parametrize(
    ("content", "mistake", "says"),
    [
        pytest.param(b"", NotAWorkbook, "不是 Excel 工作簿", id="an empty file"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(100), NotAWorkbook, "不是 Excel 工作簿", id="a picture"),
        pytest.param(b"PK\x03\x04" + bytes(100), NotAWorkbook, "不是 Excel 工作簿", id="a broken archive"),
        pytest.param(b"\xd0\xcf\x11\xe0" + bytes(100), OtherFormat, r"旧版 \.xls", id="an old .xls"),
        pytest.param(
            b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"),
            OtherFormat,
            "打开密码",
            id="a password",
        ),
        pytest.param("姓名,手机\n李明,138".encode("gb18030"), OtherFormat, "CSV", id="a CSV in GBK"),
        pytest.param("\ufeff姓名,手机\n".encode(), OtherFormat, "CSV", id="a CSV in UTF-8"),
        pytest.param(b"<html><table><tr>", OtherFormat, "HTML", id="a web page called .xls"),
    ],
)
def test_what_is_no_workbook_is_named_with_the_way_out(content, mistake, says):
    with pytest.raises(mistake, match=says) as refused:
        read_workbook(content, name="C:/专家/花名册.xls")

    assert "花名册.xls" in refused.value.zh
    assert "Excel" in refused.value.en


def test_an_archive_that_holds_no_workbook_is_refused():
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a.txt", "a")

    with pytest.raises(NotAWorkbook):
        read_workbook(written.getvalue())


def test_a_sheet_that_is_broken_inside_is_refused():
    content = repacked(workbook(["姓名"]), replace={"xl/worksheets/sheet1.xml": "<worksheet><oops"})

    with pytest.raises(NotAWorkbook):
        read_workbook(content)


def test_a_workbook_with_macros_is_refused():
    with pytest.raises(UnsafeWorkbook, match="宏"):
        read_workbook(repacked(workbook(["姓名"]), add={"xl/vbaProject.bin": b"macro"}))


# --- bombs ---

LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("bomb", "mistake"),
    [
        pytest.param(
            lambda: repacked(workbook(["姓名"]), add={"xl/media/bomb.bin": bytes(60_000_000)}),
            WorkbookTooLarge,
            id="sixty megabytes of nothing",
        ),
        pytest.param(
            lambda: repacked(workbook(["姓名"]), add={"xl/media/bomb.bin": bytes(6_000_000)}),
            WorkbookTooLarge,
            id="packed a thousandfold",
        ),
        pytest.param(
            lambda: repacked(workbook(["姓名"]), add={f"xl/media/{n}.bin": b"" for n in range(201)}),
            WorkbookTooLarge,
            id="hundreds of entries",
        ),
        pytest.param(lambda: bytes(10 * 1024 * 1024 + 1), WorkbookTooLarge, id="a file too large to look at"),
        pytest.param(
            lambda: repacked(
                workbook(["姓名"]),
                replace={
                    "xl/worksheets/sheet1.xml": LAUGHS
                    + ']><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
                    '<row r="1"><c r="A1" t="inlineStr"><is><t>&i;</t></is></c></row></sheetData></worksheet>'
                },
            ),
            UnsafeWorkbook,
            id="a billion laughs",
        ),
        pytest.param(
            lambda: repacked(
                workbook(["姓名"]),
                replace={
                    "[Content_Types].xml": content_types_with_shared_strings(),
                    "xl/sharedStrings.xml": '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                    f"<si><t>{'长' * 32_000}</t></si></sst>",
                    "xl/worksheets/sheet1.xml": sheet_xml(
                        "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 2000))
                    ),
                },
            ),
            WorkbookTooLarge,
            id="one long string shared by thousands of cells",
        ),
    ],
)
def test_a_bomb_ends_in_a_sentence_quickly_and_in_little_memory(bomb, mistake):
    content = bomb()
    began = time.monotonic()

    with pytest.raises(mistake):
        read_workbook(content)

    assert time.monotonic() - began < 15


def many_strings(how_many):
    """Return a workbook of very many different short strings: small packed, slow and large to read."""
    strings = "".join(f"<si><t>{n * 7919 % 1_000_003:x}</t></si>" for n in range(how_many))
    return repacked(
        workbook(["姓名"]),
        replace={
            "[Content_Types].xml": content_types_with_shared_strings(),
            "xl/sharedStrings.xml": '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            f"{strings}</sst>",
        },
    )


def test_reading_that_takes_too_much_time_is_stopped(monkeypatch):
    monkeypatch.setattr(spreadsheets, "CPU_SECONDS", 1)

    with pytest.raises(WorkbookTooLarge, match="已停止读取"):
        read_workbook(many_strings(200_000))


def test_reading_that_takes_too_much_memory_is_stopped(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MEMORY_MB", 44)

    with pytest.raises(WorkbookTooLarge, match="已停止读取"):
        read_workbook(many_strings(200_000))


def test_a_table_of_too_many_cells_is_stopped(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MOST_CELLS", 10)

    with pytest.raises(WorkbookTooLarge):
        read_workbook(workbook(*[["李明", "138"]] * 6))


@pytest.mark.parametrize("last_row", [1_048_576, 99_999_999])
def test_a_row_that_claims_to_lie_far_below_does_not_keep_anybody_waiting(last_row):
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>姓名</t></is></c></row>'
        f'<row r="{last_row}"><c r="A{last_row}"><v>1</v></c></row>'
    )
    content = repacked(workbook(["姓名"]), replace={"xl/worksheets/sheet1.xml": sheet_xml(rows)})
    began = time.monotonic()

    (sheet,) = read_workbook(content).sheets

    assert sheet.rows[1][1].text == "姓名"
    assert time.monotonic() - began < 15


# --- writing ---


def written(*rows, columns=None):
    columns = columns or [NewColumn("姓名"), NewColumn("手机", is_text=True), NewColumn("聘期起")]
    return write_workbook([NewSheet("花名册", columns, rows, title="花名册（演示）", note="填报单位：演示")])


def test_what_is_written_reads_back_with_phones_as_text_and_days_as_days():
    table = only_table(written(["李明", 13812341234, date(2024, 4, 1)], ["王强", None, None]))

    li, wang = table.records
    assert table.header_row == 3
    assert (li["phone"].kind, li["phone"].text) == (CellKind.TEXT, "13812341234")
    assert li["starts_on"].value == datetime(2024, 4, 1)
    assert wang["phone"].is_blank


def test_a_written_sheet_can_be_used_at_once():
    columns = [
        NewColumn("姓名"),
        NewColumn("手机", is_text=True, hint="11 位"),
        NewColumn("行业", choices=["煤矿", "冶金"]),
    ]
    page = openpyxl.load_workbook(io.BytesIO(written(["李明", "138", "煤矿"], columns=columns)))["花名册"]

    assert page.freeze_panes == "A4"
    assert [str(merged) for merged in page.merged_cells.ranges] == ["A1:C1", "A2:C2"]
    assert page.column_dimensions["B"].number_format == "@"
    assert {(v.type, v.formula1, str(v.sqref)) for v in page.data_validations.dataValidation} == {
        (None, None, "B4:B1003"),
        ("list", "'选项'!$A$1:$A$2", "C4:C1003"),
    }
    assert page["A1"].font.bold


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            str.__add__,
            st.sampled_from(["=", "+", "-", "@", "\t", "\r", "＝", "{=", "'="]),
            st.text(max_size=20),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_no_text_ever_becomes_a_formula(texts):
    content = written(*[[text, text, text] for text in texts])

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    page = openpyxl.load_workbook(io.BytesIO(content))["花名册"]
    assert all(
        cell.data_type in ("s", "n") for row in page.iter_rows(min_row=4) for cell in row if cell.value
    )


def test_text_that_excel_cannot_hold_is_written_without_what_it_cannot_hold():
    (li,) = only_table(written(["李\x00\x0b明", "1" * 40_000, None])).records

    assert li["name"].text == "李明"
    assert len(li["phone"].text) == 32_767


def test_a_row_of_the_wrong_length_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="as many values"):
        written(["李明"])


def test_every_refusal_of_a_file_is_a_workbook_mistake():
    assert all(
        issubclass(mistake, WorkbookMistake)
        for mistake in (NotAWorkbook, OtherFormat, UnsafeWorkbook, WorkbookTooLarge, NoTable)
    )
