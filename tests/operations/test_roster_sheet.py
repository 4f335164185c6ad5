"""The 花名册 in and out: every error with its cell, nothing half imported, the same file twice changes nothing."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import openpyxl
import pytest

from experts import roster, roster_sheet
from experts.models import Appointment, Expert
from experts.profile import Profile
from ground.audit import Actor
from ground.models import AuditEntry, ContactKind
from tests.factories import an_expert
from tests.moments import NOON, TODAY, minutes
from tests.rosters import HEADER, a_person, people, workbook

pytestmark = pytest.mark.django_db
ADMIN = Actor(None, "王管理")


def parse(*rows, header=HEADER):
    return roster_sheet.parse(workbook(rows, header=header), today=TODAY, name="名册.xlsx")


def imported(*rows, header=HEADER):
    plan = parse(*rows, header=header)
    assert plan.errors == ()
    return roster_sheet.apply(plan, by=ADMIN, at=NOON)


def told(plan):
    """What a person sees of the errors: cell, and the words of problem and suggestion."""
    return [(error.cell, error.problem_zh + error.suggestion_zh) for error in plan.errors]


def find(name):
    return Expert.objects.whole().get(name=name)


# --- the 76 of the province -------------------------------------------------------------------------


def a_workbook_with_five_errors():
    rows = people(76)
    rows[13]["手机"] = "1381234001"  # row 17, column O
    rows[28]["聘期止"] = "2027.13.1"  # row 32, column S
    rows[36]["身份证号"] = 130203199001011234  # row 40, column Y: Excel keeps fifteen digits
    rows[47]["行业"] = "危险化工品"  # row 51, column L
    rows[59]["姓名"], rows[59]["工作单位"] = rows[2]["姓名"], rows[2]["工作单位"]  # row 63 repeats row 6
    return rows


def test_five_errors_are_all_named_with_their_cells_and_nothing_is_written():
    plan = roster_sheet.parse(
        workbook(a_workbook_with_five_errors(), header=(*HEADER, "身份证号")), today=TODAY
    )

    assert [(error.sheet, error.cell, error.column) for error in plan.errors] == [
        ("花名册", "O17", "手机"),
        ("花名册", "S32", "聘期止"),
        ("花名册", "Y40", "身份证号"),
        ("花名册", "L51", "行业"),
        ("花名册", "B63", "姓名"),
    ]
    words = [error.problem_zh + error.suggestion_zh for error in plan.errors]
    assert "应为 11 位，实为 10 位" in words[0]
    assert "没有 13 月" in words[1] and "2027-03-31" in words[1]
    assert "存成了数字" in words[2] and "文本" in words[2]
    assert "危险化学品" in words[3]
    assert "B6" in words[4] and "重复" in words[4]
    assert all(error.problem_en and error.suggestion_en for error in plan.errors)
    assert (len(plan.creates), len(plan.updates), plan.unchanged) == (71, 0, 0)
    with pytest.raises(roster_sheet.PlanHasErrors):
        roster_sheet.apply(plan, by=ADMIN, at=NOON)
    assert not Expert.objects.exists()
    assert not AuditEntry.objects.exists()


def test_mended_it_is_imported_and_the_same_file_again_changes_nothing():
    mended = workbook(people(76))

    receipt = roster_sheet.apply(roster_sheet.parse(mended, today=TODAY), by=ADMIN, at=NOON)
    again = roster_sheet.parse(mended, today=TODAY)

    assert receipt == roster_sheet.Receipt(created=76, updated=0, unchanged=0)
    assert Expert.objects.serving_on(TODAY).count() == 76
    assert again.changes_nothing and again.unchanged == 76
    assert roster_sheet.apply(again, by=ADMIN, at=NOON) == roster_sheet.Receipt(0, 0, 76)


def test_exported_and_imported_again_nothing_changes():
    imported(*people(76))
    found = Expert.objects.order_by("pk")[10]
    roster.set_contacts(
        found,
        [
            (ContactKind.MOBILE, "+8613911112222"),
            (ContactKind.MOBILE, "+8613911113333"),
            (ContactKind.PHONE, "+8631187650001"),
        ],
        by=ADMIN,
        at=NOON,
    )
    roster.suspend(Expert.objects.order_by("pk")[20], on=TODAY, reason="演示", by=ADMIN, at=NOON)

    exported = roster_sheet.export(Expert.objects.all(), today=TODAY)
    plan = roster_sheet.parse(exported, today=TODAY)

    assert plan.errors == ()
    assert [(update.row.profile.name, update.changes) for update in plan.updates] == []
    assert plan.creates == () and plan.unchanged == 76


# --- what a row says --------------------------------------------------------------------------------


def test_a_row_becomes_an_expert_with_all_that_it_says():
    imported(
        a_person(
            1,
            姓名="单　雄",
            行业="危化、冶金；机械",
            专业方向="消防，带压堵漏",
            所在市县="唐山市丰南区",
            手机="１３８００００１１１１、13900002222",
            办公电话="0315-1234567",
            聘期起="2025年4月",
            聘期止="2028年3月",
            身份证号="130203199001011234",
        ),
        header=(*HEADER, "身份证号"),
    )

    expert = find("单雄")
    assert (expert.pinyin, expert.initials) == ("shanxiong", "sx")
    assert [(p.industry_id, p.rank) for p in expert.practices.order_by("pk")] == [
        ("WH", "primary"),
        ("YJ", "secondary"),
        ("JX", "secondary"),
    ]
    assert {one.name for one in expert.specialties.all()} == {"消防", "带压堵漏"}
    assert (expert.region.name, expert.precision) == ("丰南区", "county")
    assert [(c.kind, c.value) for c in expert.contacts.all()] == [
        ("mobile", "+8613800001111"),
        ("mobile", "+8613900002222"),
        ("email", "expert1@example.cn"),
        ("phone", "+863151234567"),
    ]
    appointment = expert.appointments.get()
    assert (appointment.starts_on, appointment.ends_on) == (date(2025, 4, 1), date(2028, 3, 31))
    assert appointment.number == "演聘〔2025〕001号"
    assert (expert.position, expert.political_status) == ("", "")


@pytest.mark.parametrize(
    ("cells", "cell", "words"),
    [
        pytest.param({"姓名": None}, "B4", "没有姓名", id="no name"),
        pytest.param({"工作单位": "无"}, "K4", "没有工作单位", id="no employer, in words"),
        pytest.param(
            {"手机": None, "办公电话": None, "邮箱": None}, "O4", "没有联系方式", id="no way of reaching them"
        ),
        pytest.param({"行业": "/"}, "L4", "没有行业", id="a new expert without an industry"),
        pytest.param({"聘期起": None, "聘期止": None}, "R4", "没有聘期", id="a new expert without a term"),
        pytest.param(
            {"聘期起": "2025-04-01", "聘期止": "2025-03-01"}, "S4", "早于", id="ends before it starts"
        ),
        pytest.param({"聘期止": None}, "S4", "另一个日期", id="half a term"),
        pytest.param({"聘期起": 20251301}, "R4", "不是有效日期", id="a thirteenth month as a number"),
        pytest.param({"行业": "宇航"}, "L4", "不在目录里", id="an industry that is none"),
        pytest.param({"行业": "化学品"}, "L4", "危险化学品", id="an industry that is nearly one"),
        pytest.param({"专业方向": "消防、堵漏"}, "M4", "带压堵漏", id="a specialty that is nearly one"),
        pytest.param({"所在市县": "桥西区"}, "N4", "石家庄市桥西区", id="a county of two cities"),
        pytest.param({"所在市县": "河北省"}, "N4", "只写到省", id="only the province"),
        pytest.param({"手机": 1.38e10 + 0.5}, "O4", "电话", id="a mobile with half a digit"),
        pytest.param({"手机": "1.38E+10"}, "O4", "科学计数", id="a mobile whose digits are lost"),
        pytest.param({"手机": "13800000001、1380000"}, "O4", "实为 7 位", id="the second of two mobiles"),
        pytest.param({"邮箱": "a@b"}, "Q4", "不是邮箱", id="no e-mail address"),
        pytest.param({"性别": "先生"}, "C4", "男", id="a gender in other words"),
        pytest.param({"状态": "不详"}, "W4", "停聘", id="a standing that is none"),
        pytest.param({"出生年月": "2027-01"}, "D4", "年龄", id="born in the future"),
        pytest.param({"工作单位": "演" * 81}, "K4", "最多 80 个", id="an employer longer than the column"),
        pytest.param(
            {"聘书编号": 1234567890123456789}, "T4", "存成了数字", id="a letter's number as a number"
        ),
        pytest.param({"备注": "#REF!"}, "X4", "Excel 错误值", id="an error of Excel's"),
    ],
)
def test_a_wrong_cell_is_named_with_what_to_do(cells, cell, words):
    plan = parse(a_person(1, **cells))

    assert [where for where, _ in told(plan)] == [cell]
    assert words in told(plan)[0][1]
    assert plan.errors[0].problem_en


def test_two_errors_in_a_row_are_both_named():
    plan = parse(a_person(1, 手机="138", 聘期止="2027.13.1"))

    assert [cell for cell, _ in told(plan)] == ["O4", "S4"]


@pytest.mark.parametrize(
    "mobile",
    [
        pytest.param(13800000001, id="a whole number"),
        pytest.param(13800000001.0, id="a float without loss"),
        pytest.param("+86 138-0000-0001", id="country code and dashes"),
        pytest.param("１３８０００００００１", id="a full-width digit"),
    ],
)
def test_a_mobile_is_taken_however_excel_holds_it(mobile):
    imported(a_person(1, 手机=mobile, 办公电话=None, 邮箱=None))

    assert [c.value for c in Expert.objects.get().contacts.all()] == ["+8613800000001"]


@pytest.mark.parametrize(
    ("header", "row", "mobile", "phone"),
    [
        pytest.param(
            ("姓名", "单位", "联系电话", "行业", "聘期"),
            {"联系电话": "13800000001"},
            "+8613800000001",
            None,
            id="电话 alone is the mobile",
        ),
        pytest.param(
            ("姓名", "单位", "电话", "手机号码", "行业", "聘期"),
            {"电话": "0311-87654321", "手机号码": "13800000001"},
            "+8613800000001",
            "+8631187654321",
            id="电话 beside 手机 is the landline",
        ),
    ],
)
def test_headers_are_understood_by_other_names(header, row, mobile, phone):
    imported(
        {"姓名": "周明远", "单位": "演示公司", "行业": "化工", "聘期": "2025-04-01至2028-03-31", **row},
        header=header,
    )

    contacts = {c.kind: c.value for c in find("周明远").contacts.all()}
    assert contacts == {kind: value for kind, value in (("mobile", mobile), ("phone", phone)) if value}


def test_a_column_that_is_not_known_is_mentioned_and_an_id_number_is_not_kept():
    plan = parse(a_person(1, 血型="O", 身份证号="130203199001011234"), header=(*HEADER, "血型", "身份证号"))

    assert plan.errors == ()
    assert any("血型" in notice.zh for notice in plan.notices)
    assert any("不保存" in notice.zh for notice in plan.notices)


def test_coordinates_of_amap_are_brought_home_and_certificates_are_read_one_for_one():
    header = (*HEADER, "经纬度", "坐标系", "资格证书", "证书编号", "证书有效期至")
    imported(
        a_person(
            1,
            经纬度="114.500000,38.040000",
            坐标系="高德",
            资格证书="注册安全工程师；一级消防工程师",
            证书编号="无；F-2",
            证书有效期至="2027年3月；长期",
        ),
        header=header,
    )

    expert = Expert.objects.get()
    assert expert.precision == "exact"
    assert 300 < expert.point.km_to(type(expert.point)(38.04, 114.5)) * 1000 < 800
    assert [(c.name, c.number, c.expires_on) for c in expert.certificates.order_by("pk")] == [
        ("注册安全工程师", "", date(2027, 3, 31)),
        ("一级消防工程师", "F-2", None),
    ]
    exported = roster_sheet.export(Expert.objects.all(), today=TODAY)
    assert roster_sheet.parse(exported, today=TODAY).changes_nothing


# --- against the roster -----------------------------------------------------------------------------


def changes(plan):
    return [
        (change.field, change.before, change.after) for update in plan.updates for change in update.changes
    ]


def test_somebody_known_by_the_mobile_is_updated_and_the_preview_says_what_changes():
    imported(a_person(1))

    plan = parse(a_person(1, 工作单位="演示新公司", 职称="教授级高工", 聘期止="2029-03-31"))

    assert changes(plan) == [
        ("title", "高级工程师", "教授级高工"),
        ("employer", "演示单位1公司", "演示新公司"),
        ("term", "2025-04-01 至 2028-03-31", "2025-04-01 至 2029-03-31"),
    ]
    roster_sheet.apply(plan, by=ADMIN, at=NOON)
    assert Expert.objects.get().is_senior
    assert AuditEntry.objects.filter(action="expert.revise").get().details["source"] == "名册.xlsx 花名册!4"


def test_a_new_mobile_of_somebody_known_by_name_and_employer_is_an_update_with_masked_numbers():
    imported(a_person(1, 聘书编号=None))

    plan = parse(a_person(1, 聘书编号=None, 手机="13911112222"))

    assert changes(plan) == [("mobile", "138****0001", "139****2222")]


def test_two_people_of_one_name_with_other_employers_and_mobiles_are_two():
    imported(a_person(1, 姓名="周明远"))

    plan = parse(a_person(2, 姓名="周明远"))

    assert len(plan.creates) == 1 and plan.updates == ()


def test_a_new_term_is_a_renewal_and_the_old_one_stays():
    imported(a_person(1))

    imported(a_person(1, 聘期起="2028-04-01", 聘期止="2031-03-31", 聘书编号="演聘〔2028〕001号"))

    assert Appointment.objects.filter(expert__name=a_person(1)["姓名"]).count() == 2


@pytest.mark.parametrize(
    ("said", "suspended", "dismissed"),
    [
        pytest.param("停聘", True, False, id="suspended"),
        pytest.param("解聘", False, True, id="dismissed"),
        pytest.param("在聘", False, False, id="as before"),
        pytest.param(None, False, False, id="nothing said"),
    ],
)
def test_the_standing_in_the_sheet_is_taken_up(said, suspended, dismissed):
    imported(a_person(1))

    imported(a_person(1, 状态=said))

    expert = Expert.objects.get()
    assert (expert.suspended_on is not None) is suspended
    assert (expert.appointments.get().ended_on is not None) is dismissed
    assert parse(a_person(1, 状态=said)).changes_nothing


def test_a_dismissed_expert_is_not_appointed_again_by_a_word():
    imported(a_person(1))
    imported(a_person(1, 状态="解聘"))

    assert "已于" in told(parse(a_person(1)))[0][1]


def test_an_empty_cell_and_a_missing_column_leave_what_is_known():
    imported(a_person(1))
    before = roster_sheet.export(Expert.objects.all(), today=TODAY)

    imported(
        {"姓名": a_person(1)["姓名"], "工作单位": a_person(1)["工作单位"], "手机": None, "职务": None},
        header=("姓名", "工作单位", "手机", "职务"),
    )

    assert roster_sheet.parse(before, today=TODAY).changes_nothing


@pytest.mark.parametrize(
    ("rows", "cell", "words"),
    [
        pytest.param([a_person(1), a_person(1)], "B5", "B4", id="the same person twice"),
        pytest.param(
            [a_person(1), a_person(2, 手机="13800000001")], "O5", "138****0001", id="the same mobile twice"
        ),
        pytest.param(
            [a_person(1), a_person(2, 聘书编号="演聘〔2025〕001号")],
            "T5",
            "聘书编号",
            id="the same letter twice",
        ),
        pytest.param([a_person(9, 手机="13911110000")], "O4", "李在册", id="somebody else's mobile"),
        pytest.param(
            [a_person(9, 聘书编号="演聘〔2024〕777号")], "T4", "李在册", id="somebody else's letter"
        ),
        pytest.param(
            [a_person(9, 姓名="王同名", 工作单位="演示矿业公司")],
            "B4",
            "2 位同名",
            id="two of that name at that employer",
        ),
    ],
)
def test_duplicates_are_named(rows, cell, words):
    li = an_expert("李在册", mobile="+8613911110000")
    li.appointments.update(number="演聘〔2024〕777号")
    an_expert("王同名", employer="演示矿业公司")
    an_expert("王同名", employer="演示矿业公司")

    plan = parse(*rows)

    assert [where for where, _ in told(plan)] == [cell]
    assert words in told(plan)[0][1]


def test_a_plan_is_refused_when_the_roster_has_moved_on_meanwhile():
    imported(a_person(1))
    plan = parse(a_person(1, 职称="教授级高工"), a_person(2))
    roster.revise(Expert.objects.get(), Profile(columns={"title": "教授"}), by=ADMIN, at=NOON + minutes(1))

    with pytest.raises(roster_sheet.PlanIsStale):
        roster_sheet.apply(plan, by=ADMIN, at=NOON + minutes(2))

    assert Expert.objects.get().title == "教授"


def test_nothing_stays_written_when_the_last_row_fails(monkeypatch):
    imported(a_person(2))
    plan = parse(a_person(1), a_person(2, 职称="教授"))

    def broken(*args, **kwargs):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(roster, "revise", broken)
    with pytest.raises(RuntimeError):
        roster_sheet.apply(plan, by=ADMIN, at=NOON)

    assert Expert.objects.count() == 1


# --- files that are no roster -----------------------------------------------------------------------


def a_bomb():
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    return written.getvalue()


def an_empty_workbook():
    written = io.BytesIO()
    openpyxl.Workbook().save(written)
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"%PDF-1.7 no table at all", "不是 Excel 工作簿", id="not a workbook"),
        pytest.param(b"\xd0\xcf\x11\xe0 an old one", "旧版", id="an old .xls"),
        pytest.param(a_bomb(), "过大", id="a zip bomb"),
        pytest.param(an_empty_workbook(), "没有找到表头行", id="an empty workbook"),
        pytest.param(
            workbook([{"姓名": "甲", "行业": "煤矿"}], header=("姓名", "行业")),
            "缺少列：工作单位、手机",
            id="columns missing",
        ),
        pytest.param(workbook([]), "没有一行数据", id="a header and nothing below"),
    ],
)
def test_a_file_that_is_no_roster_gets_one_sentence_and_nothing_is_written(content, words):
    plan = roster_sheet.parse(content, today=TODAY, name="名册.xlsx")

    assert len(plan.errors) == 1
    assert words in plan.errors[0].problem_zh + plan.errors[0].suggestion_zh
    assert plan.errors[0].suggestion_zh and plan.errors[0].problem_en
    assert not Expert.objects.exists()


def test_the_template_is_read_as_a_roster_without_rows():
    plan = roster_sheet.parse(roster_sheet.template(), today=TODAY)

    assert "没有一行数据" in plan.errors[0].problem_zh
