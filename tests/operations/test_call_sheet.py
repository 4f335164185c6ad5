"""The printed call sheet: complete, for a reason that is written down, and shut when a password is given."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader
from pypdf.errors import FileNotDecryptedError

from coordination import call_sheet
from coordination.call_sheet import NoReason, WeakPassword
from experts import roster
from ground.models import AuditEntry
from tests.factories import OFFICER, a_duty_officer, a_team, an_expert
from tests.moments import NOON, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def chen():
    return a_duty_officer()


def text_of(content: bytes, password: str = "") -> str:
    reader = PdfReader(io.BytesIO(content))
    if password:
        assert reader.decrypt(password)
    return "\n".join(page.extract_text() for page in reader.pages)


def test_it_names_everybody_in_office_under_their_trade_with_the_full_number(chen):
    an_expert("李工", mobile="+8613900000001")
    gone = an_expert("周工")
    roster.suspend(gone, on=TODAY, reason="核查", by=OFFICER, at=NOON)
    a_team("丰润危化队")

    said = text_of(call_sheet.printed(reason="放值班室", by=chen, at=NOON))

    assert "危险化学品" in said
    assert "李工" in said
    assert "139 0000 0001" in said or "13900000001" in said
    assert "周工" not in said
    assert "丰润危化队" in said
    assert "2026年11月24日 14:18 由 陈立 打印" in said


def test_three_hundred_people_are_on_as_many_pages_as_they_take(chen):
    for number in range(300):
        an_expert(f"专家{number}")
    content = call_sheet.printed(reason="放值班室", by=chen, at=NOON)
    assert len(PdfReader(io.BytesIO(content)).pages) > 3
    assert "专家299" in text_of(content)


def test_what_looks_like_markup_is_printed_as_it_is(chen):
    an_expert("李<b>工 & 子")
    assert "李<b>工 & 子" in text_of(call_sheet.printed(reason="放值班室", by=chen, at=NOON))


def test_the_reason_stands_in_the_audit_trail_and_none_is_refused(chen):
    with pytest.raises(NoReason):
        call_sheet.printed(reason="  ", by=chen, at=NOON)
    call_sheet.printed(reason="放值班室", by=chen, at=NOON)
    entry = AuditEntry.objects.get(action="call_sheet.print")
    assert (entry.details["reason"], entry.details["encrypted"]) == ("放值班室", False)


def test_with_a_password_nobody_reads_it_without(chen):
    an_expert("李工")
    content = call_sheet.printed(reason="带出", password="correct horse", by=chen, at=NOON)
    with pytest.raises(FileNotDecryptedError):
        text_of(content)
    assert not PdfReader(io.BytesIO(content)).decrypt("wrong horse")
    assert "李工" in text_of(content, "correct horse")


def test_a_password_that_keeps_nobody_out_is_refused(chen):
    with pytest.raises(WeakPassword):
        call_sheet.printed(reason="带出", password="1234", by=chen, at=NOON)
