"""The roster in the browser's eyes: the list, one expert, the import; who may, and what is never shown."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.urls import reverse

from experts import roster_sheet
from experts.models import Expert, ImportUpload
from experts.views.roster import XLSX
from ground.access import Role
from ground.models import AuditEntry
from tests.factories import a_callout, a_duty_officer, a_user, an_expert, an_incident
from tests.moments import TODAY, minutes
from tests.rosters import a_person, people, workbook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.fixture
def admin(client):
    """Sun Jingyi, who keeps the roster, at her browser."""
    client.force_login(a_user("sun", Role.ROSTER_ADMIN, name="孙静怡"))
    return client


@pytest.fixture
def zhou():
    return an_expert("周明远", mobile="+8613812341234", employer="冀东化工研究院", title="教授级高工")


def page(response):
    assert response.status_code == 200
    return response.content.decode()


def names(response):
    """The people of the list, in their order."""
    return re.findall(r'<th scope="row" class="nm"><a href="[^"]+">([^<]+)</a>', page(response))


def of(expert, name, *more):
    return reverse(name, args=[expert.public_id, *more])


# --- the list ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param("", ["单立冬", "周明远"], id="everybody, by pinyin"),
        pytest.param("q=zmy", ["周明远"], id="initials"),
        pytest.param("q=ZhouMing", ["周明远"], id="pinyin"),
        pytest.param("q=shan", ["单立冬"], id="a surname that is read otherwise"),
        pytest.param("q=化工研究院", ["周明远"], id="employer"),
        pytest.param("industry=YJ", ["单立冬"], id="industry"),
        pytest.param("region=130100", ["单立冬"], id="a county counts to its city"),
        pytest.param("tab=suspended", ["单立冬"], id="suspended"),
        pytest.param("tab=serving", ["周明远"], id="serving"),
        pytest.param("tab=ending", ["周明远"], id="the term ends within 30 days"),
        pytest.param("tab=nonsense&industry=nonsense&page=99", ["单立冬", "周明远"], id="nonsense"),
        pytest.param("sort=-name", ["周明远", "单立冬"], id="sorted the other way"),
        pytest.param("sort=term_ends_on", ["周明远", "单立冬"], id="by the end of the term"),
        pytest.param("q=nobody", [], id="nobody"),
    ],
)
def test_the_list_is_what_the_address_says(admin, asked, found):
    an_expert("周明远", employer="冀东化工研究院", term=(date(2023, 12, 1), date(2026, 12, 10)))
    an_expert("单立冬", practises="YJ", region="130102", suspended_on=TODAY)

    assert names(admin.get(f"/experts/?{asked}")) == found


def test_numbers_are_masked_and_the_count_is_said(admin, zhou):
    shown = page(admin.get("/experts/"))

    assert "138****1234" in shown and "13812341234" not in shown
    assert re.search(r'role="status">列表有 1 人', shown)


def test_htmx_takes_the_list_alone_with_the_export_of_what_it_shows(admin, zhou):
    part = page(admin.get("/experts/?q=zmy", headers={"HX-Request": "true"}))

    assert "<html" not in part and "周明远" in part
    assert 'action="/experts/export.xlsx?q=zmy"' in part


def test_the_list_takes_as_many_queries_for_three_as_for_thirty(
    admin, django_assert_num_queries, django_assert_max_num_queries
):
    for number in range(3):
        an_expert(f"专家{number}")
    admin.get("/experts/")
    with django_assert_max_num_queries(30) as few:
        admin.get("/experts/")
    for number in range(27):
        an_expert(f"又一位{number}")

    with django_assert_num_queries(len(few.captured_queries)):
        admin.get("/experts/")


# --- one expert -------------------------------------------------------------------------------------


def test_the_page_of_an_expert_shows_what_is_known_and_what_they_were_called_out_for(admin, zhou):
    a_callout(an_incident(), asks=[zhou])

    shown = page(admin.get(of(zhou, "expert")))

    assert "周明远" in shown and "危险化学品" in shown and "冀东化工研究院" in shown
    assert "通知 1 次，接受 0 次" in shown
    assert "13812341234" not in shown


def test_an_officer_sees_the_number_only_for_a_reason_which_is_written_down(client, zhou):
    client.force_login(a_duty_officer())

    refused = client.post(of(zhou, "expert-reveal"), {"reason": " "}, follow=True)
    shown = client.post(of(zhou, "expert-reveal"), {"reason": "短信失败，改为致电"})

    assert "必须写明原因" in page(refused) and "13812341234" not in page(refused)
    assert "13812341234" in page(shown)
    assert "no-store" in shown["Cache-Control"]
    entry = AuditEntry.objects.get(action="expert.contacts.reveal")
    assert (entry.actor_label, entry.details["reason"]) == ("陈立", "短信失败，改为致电")
    assert "修改联系方式" not in page(shown)


def test_contacts_are_kept_in_the_order_in_which_they_are_written(admin, zhou):
    admin.post(of(zhou, "expert-contacts"), {"contacts": "zhou@example.cn\n139 1111 2222\n0315-1234567"})

    assert [(one.kind, one.value) for one in zhou.contacts.all()] == [
        ("email", "zhou@example.cn"),
        ("mobile", "+8613911112222"),
        ("phone", "+863151234567"),
    ]


def test_an_id_in_wecom_is_typed_with_its_name_and_shown_so_again(admin, zhou):
    typed = "13911112222\n企业微信：ZhouMY\nhttps://dispatch.example.cn/muster"
    admin.post(of(zhou, "expert-contacts"), {"contacts": typed})
    kept = [(one.kind, one.value) for one in zhou.contacts.all()]
    assert kept[1:] == [("wecom", "ZhouMY"), ("webhook", "https://dispatch.example.cn/muster")]

    shown = page(admin.post(of(zhou, "expert-reveal"), {"reason": "核对"}))
    assert "企业微信：ZhouMY" in shown
    admin.post(of(zhou, "expert-contacts"), {"contacts": typed.replace("：", ":")})
    assert [(one.kind, one.value) for one in zhou.contacts.all()] == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param("1381234", "应为 11 位", id="half a number"),
        pytest.param("企业微信：周明远", "不是企业微信账号", id="a name instead of an id"),
        pytest.param("http://dispatch.example.cn", "https", id="a system without TLS"),
        pytest.param("zhou@", "不是邮箱地址", id="half an address"),
        pytest.param("", "必填", id="nothing"),
    ],
)
def test_a_wrong_contact_is_said_and_nothing_changes(admin, zhou, typed, words):
    shown = page(admin.post(of(zhou, "expert-contacts"), {"contacts": typed}))

    assert words in shown
    assert "+8613812341234" in [one.value for one in zhou.contacts.all()]


def edited(**fields):
    return {
        "name": "周明远",
        "employer": "冀东化工研究院",
        "title": "教授级高工",
        "primary": "WH",
        "offers": ["emergency", "review", "inspection", "training", "consulting"],
        "region": "唐山市",
        **fields,
    }


def test_basic_data_are_edited_and_the_history_says_what_changed(admin, zhou):
    admin.post(
        of(zhou, "expert-edit"),
        edited(employer="冀中安全研究院", secondary=["YJ"], point="118.2,39.6", born_on="1970年5月"),
    )

    zhou.refresh_from_db()
    assert (zhou.employer, zhou.born_on, zhou.precision) == ("冀中安全研究院", date(1970, 5, 1), "exact")
    assert {one.industry_id for one in zhou.practices.all()} == {"WH", "YJ"}
    history = page(admin.get(of(zhou, "expert")))
    assert "冀东化工研究院 → 冀中安全研究院" in history


def test_saving_without_a_change_changes_nothing(admin, zhou):
    admin.post(of(zhou, "expert-edit"), edited())

    assert not AuditEntry.objects.filter(action="expert.revise").exists()


def test_an_unknown_county_is_answered_with_the_full_names(admin, zhou):
    shown = page(admin.post(of(zhou, "expert-edit"), edited(region="桥西区")))

    assert "石家庄市桥西区" in shown and "张家口市桥西区" in shown


def test_a_new_expert_is_added_with_contact_and_term(admin):
    answer = admin.post(
        "/experts/new/",
        edited(
            name="何静", contacts="13911112222", starts_on="2026-12-01", ends_on="2029-11-30", number="演聘 1"
        ),
    )

    expert = Expert.objects.get(name="何静")
    assert answer.url == of(expert, "expert")
    assert expert.appointments.get().number == "演聘 1"


def test_a_new_expert_whose_term_ends_before_it_starts_is_refused(admin):
    shown = page(
        admin.post(
            "/experts/new/",
            edited(contacts="13911112222", starts_on="2026-12-01", ends_on="2026-11-30"),
        )
    )

    assert "早于开始日期" in shown
    assert not Expert.objects.exists()


def test_leave_suspension_renewal_and_dismissal_are_done_on_small_pages(admin, zhou):
    admin.post(of(zhou, "expert-absence"), {"starts_on": TODAY, "ends_on": "2026-11-30", "reason": "出差"})
    assert "请假至 2026-11-30" in page(admin.get(of(zhou, "expert")))
    admin.post(of(zhou, "expert-absence-remove", zhou.absences.get().pk))
    assert not zhou.absences.exists()

    admin.post(of(zhou, "expert-suspend"), {"reason": "考核不合格"})
    assert "考核不合格" in page(admin.get(of(zhou, "expert")))
    admin.post(of(zhou, "expert-resume"))
    assert not Expert.objects.suspended().exists()

    admin.post(of(zhou, "expert-renew"), {"until": "2030-12-31"})
    assert zhou.appointments.first().starts_on == date(2028, 1, 1)

    admin.post(of(zhou, "expert-dismiss"), {"on": TODAY, "reason": "本人申请"})
    assert zhou.appointments.first().end_reason == "本人申请"


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        pytest.param(
            "expert-absence",
            {"starts_on": "2026-12-02", "ends_on": "2026-12-01"},
            "早于",
            id="leave backwards",
        ),
        pytest.param("expert-suspend", {"reason": ""}, "必填", id="suspended without a reason"),
        pytest.param("expert-renew", {"until": "2027-06-30"}, "早于", id="renewed until before its end"),
        pytest.param(
            "expert-appoint",
            {"starts_on": "2027-01-01", "ends_on": "2029-12-31"},
            "重叠",
            id="appointed over a running term",
        ),
        pytest.param(
            "expert-dismiss", {"on": "2030-01-01", "reason": "x"}, "没有可以解聘", id="no term that day"
        ),
    ],
)
def test_what_cannot_be_done_is_said_on_the_form(admin, zhou, name, fields, words):
    shown = page(admin.post(of(zhou, name), fields))

    assert words in shown
    assert zhou.appointments.count() == 1 and not zhou.absences.exists()


# --- the import -------------------------------------------------------------------------------------


def uploaded(client, content, name="专家名册2026.xlsx"):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return client.post(
        "/experts/import/", {"file": SimpleUploadedFile(name, content, content_type=XLSX)}, follow=True
    )


def test_errors_are_listed_by_cell_and_there_is_no_button_to_import(admin):
    answer = uploaded(admin, workbook([a_person(1), a_person(2, 手机="1381234001")]))

    shown = page(answer)
    assert "<code>O5</code>" in shown and "应为 11 位，实为 10 位" in shown
    assert "表头在第 3 行" in shown
    assert "有错误时不会写入任何一行" in shown
    address = answer.redirect_chain[-1][0]
    admin.post(address)
    assert not Expert.objects.exists()
    errors = admin.get(f"{address}errors.xlsx")
    assert errors["Content-Type"] == XLSX and errors.content.startswith(b"PK")


def test_a_good_file_is_looked_at_then_imported_once(admin):
    answer = uploaded(admin, workbook(people(3)))
    address = answer.redirect_chain[-1][0]
    assert "导入 3 人" in page(answer)
    assert not Expert.objects.exists()

    done = admin.post(address, follow=True)
    admin.post(address)

    assert "导入完成" in page(done)
    assert Expert.objects.count() == 3
    assert AuditEntry.objects.filter(action="roster.import").count() == 1
    assert bytes(ImportUpload.objects.get().content) == b""
    assert "与名册完全一致" in page(uploaded(admin, workbook(people(3))))


def test_an_upload_is_its_owners_alone_and_is_gone_after_a_day(admin, client, the_clock):
    address = uploaded(admin, workbook(people(1))).redirect_chain[-1][0]
    client.force_login(a_user("another", Role.ROSTER_ADMIN))
    assert client.get(address).status_code == 404

    client.force_login(ImportUpload.objects.get().owner)
    the_clock.move(minutes(24 * 60))
    assert "已经删除" in page(client.get(address, follow=True))
    uploaded(client, workbook(people(1)))
    assert ImportUpload.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"%PDF-1.7", "不是 Excel 工作簿", id="no workbook"),
        pytest.param(b"", "0 字节", id="an empty file"),
        pytest.param(b"x" * (10 * 1024 * 1024 + 1), "超过 10 MB", id="too large"),
    ],
)
def test_a_file_that_cannot_be_used_gets_a_sentence(admin, content, words):
    assert words in page(uploaded(admin, content))


def test_nothing_chosen_gets_a_sentence(admin):
    assert "请先选择" not in page(admin.get("/experts/import/"))
    assert "请先选择" in page(admin.post("/experts/import/"))


# --- out --------------------------------------------------------------------------------------------


def test_the_export_is_what_the_list_shows_and_can_be_imported_without_a_change(admin, zhou):
    an_expert("何静", practises="YJ")

    answer = admin.post("/experts/export.xlsx?industry=WH", {"reason": "年度核对"})

    plan = roster_sheet.parse(answer.content, today=TODAY)
    assert plan.changes_nothing and plan.unchanged == 1
    assert AuditEntry.objects.get(action="roster.export").details == {"experts": 1, "reason": "年度核对"}


def test_without_a_purpose_nothing_is_exported(admin, zhou):
    assert "必须写明用途" in page(admin.post("/experts/export.xlsx", {"reason": ""}, follow=True))


def test_the_template_can_be_downloaded(admin):
    assert admin.get("/experts/template.xlsx").content.startswith(b"PK")


# --- who may ----------------------------------------------------------------------------------------

KEEPERS_ONLY = [
    "expert-new",
    "roster-template",
    "roster-import",
    "expert-edit",
    "expert-absence",
    "expert-suspend",
    "expert-appoint",
    "expert-renew",
    "expert-dismiss",
]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ROSTER_ADMIN])
def test_nobody_but_the_roster_admin_changes_the_roster(client, zhou, role):
    client.force_login(a_user("somebody", role))

    for name in KEEPERS_ONLY:
        about_one = name.startswith("expert-") and name != "expert-new"
        address = of(zhou, name) if about_one else reverse(name)
        assert client.get(address).status_code == 403, name
    assert client.post("/experts/export.xlsx", {"reason": "x"}).status_code == 403
    assert client.post(of(zhou, "expert-contacts"), {"contacts": "13911112222"}).status_code == 403
    assert client.post(of(zhou, "expert-resume")).status_code == 403


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.DUTY_OFFICER, 200),
        (Role.ROSTER_ADMIN, 200),
        (Role.LEADER, 200),
        (Role.AUDITOR, 200),
        (Role.ENTERPRISE, 403),
        (Role.TEAM, 403),
        (Role.SYSTEM_ADMIN, 403),
    ],
)
def test_who_reads_the_roster(client, zhou, role, status):
    client.force_login(a_user("somebody", role))

    assert client.get("/experts/").status_code == status
    assert client.get(of(zhou, "expert")).status_code == status


@pytest.mark.parametrize("role", [Role.LEADER, Role.AUDITOR])
def test_who_only_reads_sees_no_full_number(client, zhou, role):
    client.force_login(a_user("somebody", role))

    assert client.post(of(zhou, "expert-reveal"), {"reason": "x"}).status_code == 403
    assert "查看原因" not in page(client.get(of(zhou, "expert")))


def test_a_stranger_is_sent_to_sign_in(client, zhou):
    assert client.get("/experts/").url.startswith("/sign-in/")
    assert client.get(of(zhou, "expert")).url.startswith("/sign-in/")


def test_an_expert_that_is_none_answers_404(admin):
    assert admin.get("/experts/00000000-0000-0000-0000-000000000000/").status_code == 404


def test_the_pages_speak_english_without_a_fault(admin, zhou):
    for address in ("/experts/", of(zhou, "expert"), "/experts/import/"):
        assert admin.get(address, headers={"Accept-Language": "en"}).status_code == 200
    shown = page(
        admin.get(
            uploaded(admin, workbook([a_person(1, 手机="138")])).redirect_chain[-1][0],
            headers={"Accept-Language": "en"},
        )
    )
    assert "must have 11 digits" in shown
