"""Phones: however they are typed they are kept in one way, and shown masked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.phones import WrongPhone, as_written, is_mobile, masked, masked_address, normalise

MOBILE = "+8613812341234"
OFFICE = "+8631187654321"

mobiles = st.from_regex(r"\+861[3-9][0-9]{9}", fullmatch=True)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        pytest.param("13812341234", MOBILE, id="plain"),
        pytest.param(13812341234, MOBILE, id="a number cell"),
        pytest.param(13812341234.0, MOBILE, id="a float from Excel"),
        pytest.param("13812341234.0", MOBILE, id="a float that became text"),
        pytest.param("1.3812341234E+10", MOBILE, id="scientific with every digit"),
        pytest.param("１３８１２３４１２３４", MOBILE, id="full-width digits"),
        pytest.param("138 1234 1234", MOBILE, id="in groups"),
        pytest.param("138-1234-1234", MOBILE, id="with dashes"),
        pytest.param("138—1234—1234", MOBILE, id="with Chinese dashes"),
        pytest.param("\u3000138\u00a01234\u200b1234 ", MOBILE, id="with spaces that cannot be seen"),
        pytest.param("'13812341234", MOBILE, id="with Excel's apostrophe"),
        pytest.param("+86 138 1234 1234", MOBILE, id="+86"),
        pytest.param("＋86-13812341234", MOBILE, id="full-width +86"),
        pytest.param("(+86)13812341234", MOBILE, id="+86 in brackets"),
        pytest.param("008613812341234", MOBILE, id="0086"),
        pytest.param("8613812341234", MOBILE, id="86 without plus"),
        pytest.param("013812341234", MOBILE, id="an old long-distance zero"),
        pytest.param("19912345678", "+8619912345678", id="a new range"),
        pytest.param("0311-87654321", OFFICE, id="a landline"),
        pytest.param("（0311）8765 4321", OFFICE, id="a landline with its area in brackets"),
        pytest.param("031187654321", OFFICE, id="a landline without dash"),
        pytest.param(31187654321.0, OFFICE, id="a landline whose zero Excel ate"),
        pytest.param("+86 311 87654321", OFFICE, id="a landline with +86"),
        pytest.param("010-62345678", "+861062345678", id="a landline in Beijing"),
        pytest.param("400-610-0000", "+864006100000", id="a 400 number"),
        pytest.param("+1 415 555 2671", "+14155552671", id="abroad"),
        pytest.param("119", "119", id="fire"),
        pytest.param(12350, "12350", id="the work-safety hotline, as a number"),
        pytest.param("１２０", "120", id="ambulance, full-width"),
    ],
)
def test_a_number_is_kept_in_one_way_however_it_is_typed(typed, kept):
    assert normalise(typed) == kept


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        pytest.param("", "为空", id="nothing"),
        pytest.param(None, "为空", id="an empty cell"),
        pytest.param(True, "为空", id="a ticked box"),
        pytest.param("1.38E+10", "科学计数", id="digits lost by Excel"),
        pytest.param("1381234123", "应为 11 位，实为 10 位", id="a digit short"),
        pytest.param("138123412345", "应为 11 位，实为 12 位", id="a digit too many"),
        pytest.param("87654321", "缺区号", id="no area code"),
        pytest.param("13812341234、13912341234", "几个号码", id="two numbers"),
        pytest.param("13812341234/0311-87654321", "几个号码", id="two numbers with a slash"),
        pytest.param("0311-87654321-802", "分机", id="an extension"),
        pytest.param("0311-87654321转802", "分机", id="an extension in words"),
        pytest.param("张伟", "不是有效", id="a name"),
        pytest.param("13812341234张", "不是有效", id="a number and a name"),
        pytest.param("114", "不是有效", id="a short code that is not allowed"),
        pytest.param("00000000000", "不是有效", id="zeros"),
        pytest.param(1381234.5, "不是有效", id="a fraction"),
    ],
)
def test_what_cannot_be_dialled_is_refused_with_the_reason(typed, complaint):
    with pytest.raises(WrongPhone, match=complaint) as refused:
        normalise(typed)

    assert refused.value.en


def test_the_number_without_its_extension_is_suggested():
    with pytest.raises(WrongPhone) as refused:
        normalise("0311-87654321转802")

    assert normalise(refused.value.suggestion) == OFFICE


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812341234", "138****1234"),
        (MOBILE, "138****1234"),
        (OFFICE, "0311-****4321"),
        ("+861062345678", "010-****5678"),
        ("+14155552671", "+1 ****2671"),
        ("12350", "12350"),
        ("unreadable", "****le"),
        ("", "****"),
    ],
)
def test_a_number_is_shown_masked(phone, shown):
    assert masked(phone) == shown


@given(mobiles)
def test_a_masked_mobile_shows_seven_digits_and_no_more(phone):
    assert sum(character.isdigit() for character in masked(phone)) == 7
    assert phone[3:] not in masked(phone)


@given(st.one_of(mobiles, st.sampled_from([OFFICE, "+861062345678", "+14155552671", "119", "+864006100000"])))
def test_a_kept_number_written_out_reads_back_as_itself(phone):
    assert normalise(as_written(phone)) == phone
    assert normalise(phone) == phone


def test_only_a_mobile_takes_an_sms():
    assert is_mobile(MOBILE)
    assert not is_mobile(OFFICE)
    assert not is_mobile("119")
    assert not is_mobile("+14155552671")


@given(st.text(max_size=30))
def test_any_text_is_kept_or_refused_and_never_crashes(text):
    try:
        kept = normalise(text)
    except WrongPhone:
        return
    assert normalise(kept) == kept


def test_twenty_thousand_digits_are_refused_at_once():
    with pytest.raises(WrongPhone, match="不是有效的电话号码"):
        normalise("1" * 20_000)


def test_of_the_address_of_a_system_its_host_is_shown():
    assert (
        masked_address("https://dispatch.example.cn/muster?key=s3cret") == "https://dispatch.example.cn/****"
    )
