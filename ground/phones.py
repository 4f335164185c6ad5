"""Telephone numbers as people type them, and the one way in which we keep them.

Pure. Kept as E.164 (`+8613812341234`), except the few short codes that a duty desk may dial. Whether a
number is reached by SMS, and whether it may be shown in full, is decided by others.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

import phonenumbers

from ground.mistakes import Mistake

# Two numbers and an extension fit; of more, the patterns below would try every part, for minutes.
LONGEST = 80
# Dialled as they are. Any other short number is far more likely to be half a number.
SHORT_CODES = frozenset({"110", "119", "120", "122", "12350", "12395"})

HOME = "CN"
HOME_CODE = 86

# The ranges are opened faster than libraries learn of them, so any 1[3-9] is taken for a mobile.
_MOBILE = re.compile(r"1[3-9]\d{9}")
# What people put between groups of digits, with the characters that cannot be seen.
_BETWEEN = re.compile(r"[\s()\[\]·_—–―‐‑‒−\u200b-\u200f\u202a-\u202e\u2060\ufeff-]+")
_EXTENSION = re.compile(r"(转|分机|ext\.?|x|#)\s*\d+$|-\d{1,5}$", re.IGNORECASE)


class WrongPhone(Mistake):
    """What was typed cannot be dialled."""


def normalise(typed: object) -> str:
    """Return the number in E.164, or the short code, from whatever was typed or read from a sheet.

    Takes full-width digits, spaces, dashes, brackets, +86 or 0086, and the float that Excel makes of a
    number typed into a plain cell.

    :raises WrongPhone: if it is not one whole number; the message says what is missing.
    """
    text = _text_of(typed)
    if len(text) > LONGEST:
        raise _not_a_number(f"{text[:LONGEST]}…")
    plain = _BETWEEN.sub("-", unicodedata.normalize("NFKC", text)).strip("-")
    digits = plain.replace("-", "")
    if digits in SHORT_CODES:
        return digits
    _refuse_what_is_not_one_number(text, plain)
    national = re.sub(r"^(\+|00)86(?=\d{10,})", "", digits)
    if digits.startswith("86") and _MOBILE.fullmatch(digits[2:]):
        national = digits[2:]
    # 0 before a mobile was once dialled for long distance; old rosters still carry it.
    if _MOBILE.fullmatch(national.removeprefix("0")):
        return f"+{HOME_CODE}{national.removeprefix('0')}"
    _refuse_what_is_half_a_number(text, national)
    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", national), HOME)
    except phonenumbers.NumberParseException:
        raise _not_a_number(text) from None
    if not phonenumbers.is_valid_number(number):
        raise _not_a_number(text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _text_of(typed: object) -> str:
    if isinstance(typed, bool) or typed is None:
        return ""
    if isinstance(typed, float):
        return format(typed, ".0f") if typed.is_integer() else repr(typed)
    text = str(typed).strip().lstrip("'’").strip()
    if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", text):
        return _from_scientific(text)
    return re.sub(r"(?<=\d)\.0$", "", text)


def _from_scientific(text: str) -> str:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise _not_a_number(text) from None
    _, mantissa, exponent = value.as_tuple()
    # 1.3812341234E+10 still has every digit; 1.38E+10 has lost eight of them.
    if isinstance(exponent, int) and exponent <= 0 and len(mantissa) >= 11:
        return format(value, "f")
    raise WrongPhone(
        f"电话“{text}”已被 Excel 变成科学计数，后面的数字丢失了。请把该列设为“文本”格式后重新填写完整号码。",
        f"Excel turned the phone “{text}” into scientific notation and its digits are lost. "
        "Format the column as text and type the whole number again.",
    )


def _refuse_what_is_not_one_number(text: str, plain: str) -> None:
    if not plain:
        raise WrongPhone(
            "电话为空。请填写手机号或带区号的固定电话，例如 13812341234、0311-87654321。",
            "The phone is empty. Give a mobile, or a landline with its area code, "
            "for example 13812341234 or 0311-87654321.",
        )
    if re.search(r"\d{5,}\D*[、,;/|或]\D*\+?\d{3,}", plain):
        raise WrongPhone(
            f"“{text}”里有几个号码。请每格只填一个，其余填在另一列。",
            f"“{text}” holds several numbers. Put one in each cell.",
        )
    without_extension = _EXTENSION.sub("", plain)
    if without_extension != plain and len(re.sub(r"\D", "", without_extension)) >= 10:
        raise WrongPhone(
            f"“{text}”带分机号，系统无法直接拨打。请填写直线号码，分机写在备注里。",
            f"“{text}” has an extension, which cannot be dialled directly. "
            "Give a direct number and put the extension in the remarks.",
            suggestion=without_extension.strip("- "),
        )
    if not re.fullmatch(r"\+?[\d-]+", plain):
        raise _not_a_number(text)


def _refuse_what_is_half_a_number(text: str, national: str) -> None:
    if re.fullmatch(r"[2-8]\d{6,7}", national):
        raise WrongPhone(
            f"固定电话“{text}”缺区号。请写成 0311-{national} 的样子。",
            f"The landline “{text}” lacks its area code. Write it like 0311-{national}.",
        )
    if re.fullmatch(r"1[3-9]\d*", national):
        raise WrongPhone(
            f"手机号“{text}”应为 11 位，实为 {len(national)} 位。请核对后重填。",
            f"The mobile “{text}” must have 11 digits and has {len(national)}. Check it and type it again.",
        )


def _not_a_number(text: str) -> WrongPhone:
    return WrongPhone(
        f"“{text}”不是有效的电话号码。请填写手机号或带区号的固定电话，例如 13812341234、0311-87654321。",
        f"“{text}” is not a valid phone number. Give a mobile, or a landline with its area code, "
        "for example 13812341234 or 0311-87654321.",
    )


def is_mobile(phone: str) -> bool:
    """Say whether a kept number is a Chinese mobile, and so can receive an SMS."""
    return phone.startswith(f"+{HOME_CODE}") and bool(_MOBILE.fullmatch(phone[3:]))


def as_written(phone: str) -> str:
    """Return a kept number the way a roster writes it: 13812341234, 0311-87654321, +1 415-555-2671."""
    if not phone.startswith("+") or is_mobile(phone):
        return phone.removeprefix(f"+{HOME_CODE}")
    number = phonenumbers.parse(phone)
    if number.country_code != HOME_CODE:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    area_digits = phonenumbers.length_of_geographical_area_code(number)
    national = phonenumbers.national_significant_number(number)
    return f"0{national[:area_digits]}-{national[area_digits:]}" if area_digits else national


def masked(phone: str) -> str:
    """Return a number that may be shown to all: 138****1234, 0311-****4321; short codes stay whole.

    Takes a kept number or one as written; what cannot be read is hidden but for its last two characters.
    """
    try:
        written = as_written(normalise(phone))
    except WrongPhone:
        return "****" + phone[-2:] if len(phone) > 4 else "****"
    if written in SHORT_CODES:
        return written
    if "-" in written and not written.startswith("+"):
        area, number = written.split("-", 1)
        return f"{area}-****{number[-4:]}"
    return f"{written[:3]}****{written[-4:]}"


def masked_address(value: str) -> str:
    """Return a number or an address as all may see it: 138****1234, l****@example.cn, https://dispatch.example/****."""
    if "://" in value:
        # What stands behind the host may be a key.
        return "/".join([*value.split("/")[:3], "****"])
    name, at, host = value.partition("@")
    return f"{name[:1]}****@{host}" if at else masked(value)
