"""One row of a 花名册 read into a profile, with every cell that cannot be used named.

Looks at no row of the database: what the sheet alone can show is found here, what depends on the roster
in `experts.roster_sheet`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from experts.models import Appointment, Certificate, Expert, TaskCategory
from experts.profile import Profile, Qualification, Standing, TermOfOffice
from experts.roster_columns import BY_KEY, STANDINGS
from ground import dates, gazetteer, industries, phones, places
from ground.guesses import nearest
from ground.mistakes import Mistake
from ground.models import ContactKind
from ground.places import Datum, Point
from ground.spreadsheets import Cell, CellKind, Record

TEXT_COLUMNS = (
    *("ethnicity", "political_status", "education", "school", "title", "position", "employer"),
    *("address", "remarks"),
)
YOUNGEST, OLDEST = 18, 100
# Certificates carry 、 and / in their names, so only these part them.
_BETWEEN_CERTIFICATES = re.compile(r"[;；\n]+")
_UNLIMITED = frozenset({"长期", "长期有效", "永久", "无期限", "无", "—", "-", "/"})


@dataclass(frozen=True)
class CellError:
    """What is wrong with one cell and how to mend it; sheet and cell are empty if it is the whole file."""

    sheet: str
    cell: str
    column: str
    column_en: str
    value: str
    problem_zh: str
    problem_en: str
    suggestion_zh: str = ""
    suggestion_en: str = ""

    def as_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Row:
    """A row that was read: the profile, and where its cells are for whoever finds fault with it later."""

    record: Record = field(repr=False, compare=False)
    profile: Profile

    @property
    def number(self) -> int:
        """Return the row's number in its sheet."""
        return self.record.row

    @property
    def place(self) -> str:
        """Return where it stands: 花名册!17."""
        return f"{self.record.sheet}!{self.record.row}"


def error_at(cell: Cell, key: str, mistake: Mistake) -> CellError:
    """Return the error of a cell; the sentence of `mistake` is parted into problem and remedy."""
    problem_zh, suggestion_zh = _parted(mistake.zh, "。")
    problem_en, suggestion_en = _parted(mistake.en, ". ")
    if mistake.suggestion:
        suggestion_zh = f"{suggestion_zh}可能是 {mistake.suggestion}。"
        suggestion_en = f"{suggestion_en} Perhaps {mistake.suggestion}."
    return CellError(
        sheet=cell.sheet,
        cell=cell.address,
        column=BY_KEY[key].zh,
        column_en=BY_KEY[key].en,
        value=cell.text,
        problem_zh=problem_zh,
        problem_en=problem_en,
        suggestion_zh=suggestion_zh,
        suggestion_en=suggestion_en.strip(),
    )


def _parted(sentence: str, mark: str) -> tuple[str, str]:
    whole = sentence.rstrip()
    end = mark.strip()
    problem, between, remedy = whole.removesuffix(end).rpartition(mark)
    return (problem + end, remedy + end) if between else (whole, "")


class RowReader:
    """Reads rows; `errors` holds what was wrong with all of them. `specialties` maps known names to codes."""

    def __init__(self, *, specialties: Mapping[str, str], today: date) -> None:
        self._specialties = specialties
        self._today = today
        self.errors: list[CellError] = []

    def read(self, record: Record) -> Row:
        """Return what the row says; cells with an error say nothing."""
        self._refuse_lost_digits(record)
        columns: dict[str, str | date | None] = {}
        if name := self._name(record):
            columns["name"] = name
        for key in TEXT_COLUMNS:
            if (text := self._text(record, key, Expert)) is not None:
                columns[key] = text
        if "employer" not in columns and not self._failed(record["employer"]):
            self._wrong(
                record, "employer", "没有工作单位。请填写单位全称。", "There is no employer. Fill it in."
            )
        if gender := self._gender(record):
            columns["gender"] = gender
        if born_on := self._born_on(record):
            columns["born_on"] = born_on
        region, point = self._place(record)
        return Row(
            record,
            Profile(
                columns=columns,
                industries=self._industries(record),
                specialties=self._specialty_codes(record),
                offers=self._offers(record),
                region=region,
                point=point,
                contacts=self._contacts(record),
                term=self._term(record),
                certificates=self._certificates(record),
                standing=self._standing(record),
            ),
        )

    # what is wrong

    def _wrong(self, record: Record, key: str, zh: str, en: str, suggestion: str = "") -> None:
        self._report(record[key], key, Mistake(zh, en, suggestion=suggestion))

    def _report(self, cell: Cell, key: str, mistake: Mistake) -> None:
        self.errors.append(error_at(cell, key, mistake))

    def _failed(self, cell: Cell) -> bool:
        return any((error.sheet, error.cell) == (cell.sheet, cell.address) for error in self.errors[-20:])

    def _refuse_lost_digits(self, record: Record) -> None:
        for key in record.columns:
            cell = record[key]
            if cell.kind is CellKind.ERROR:
                self._wrong(
                    record,
                    key,
                    f"单元格是 Excel 错误值 {cell.text}。请改成真实的内容，或清空。",
                    f"The cell holds Excel's error value {cell.text}. Put in what is meant, or clear it.",
                )
            elif cell.has_lost_digits:
                what = "身份证号" if key == "identity" else "号码"
                self._wrong(
                    record,
                    key,
                    f"{what}被 Excel 存成了数字，15 位以后的数字已经丢失，系统无法还原。"
                    "请把该列设为“文本”格式，再重新填写完整号码。",
                    "Excel stored it as a number and has lost every digit after the fifteenth. "
                    "Format the column as text and type the whole number again.",
                )

    # the cells

    def _usable(self, record: Record, key: str) -> Cell | None:
        cell = record[key]
        return None if cell.is_blank or self._failed(cell) else cell

    def _name(self, record: Record) -> str:
        cell = self._usable(record, "name")
        if cell is None:
            if not self._failed(record["name"]):
                self._wrong(
                    record,
                    "name",
                    "没有姓名。请填写姓名，或删去这一行。",
                    "There is no name. Fill it in, or delete the row.",
                )
            return ""
        # 张　三 is written with a space so that it lines up with names of three characters.
        name = re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", unicodedata.normalize("NFKC", cell.text))
        if re.search(r"\d", name):
            self._wrong(
                record,
                "name",
                "姓名里有数字。请核对这一列是不是姓名。",
                "The name contains digits. Check that this column holds names.",
            )
            return ""
        return name if self._fits(record, "name", name, Expert, "name") else ""

    def _text(self, record: Record, key: str, model: type[Any], column: str = "") -> str | None:
        cell = self._usable(record, key)
        if cell is None:
            return None
        text = re.sub(r"\s+", " ", cell.text)
        return text if self._fits(record, key, text, model, column or key) else None

    def _fits(self, record: Record, key: str, text: str, model: type[Any], column: str) -> bool:
        longest = model._meta.get_field(column).max_length
        if longest is None or len(text) <= longest:
            return True
        self._wrong(
            record,
            key,
            f"有 {len(text)} 个字，最多 {longest} 个。请缩短。",
            f"It has {len(text)} characters; {longest} are the most. Shorten it.",
        )
        return False

    def _gender(self, record: Record) -> str:
        cell = self._usable(record, "gender")
        if cell is None:
            return ""
        gender = cell.text.removesuffix("性")
        if gender in ("男", "女"):
            return gender
        self._wrong(
            record,
            "gender",
            f"性别“{cell.text}”无法识别。请填“男”或“女”。",
            f"The gender “{cell.text}” is not known. Write 男 or 女.",
        )
        return ""

    def _day(self, record: Record, key: str, *, month_end: bool = False) -> date | None:
        cell = self._usable(record, key)
        if cell is None:
            return None
        try:
            return dates.parse_date(_held(cell), month_end=month_end)
        except dates.WrongDate as mistake:
            self._report(cell, key, mistake)
            return None

    def _born_on(self, record: Record) -> date | None:
        born_on = self._day(record, "born_on")
        if born_on is None or YOUNGEST <= self._today.year - born_on.year <= OLDEST:
            return born_on
        self._wrong(
            record,
            "born_on",
            f"{born_on.year} 年出生，年龄不合理。请核对年份。",
            f"Born in {born_on.year} is no likely age for an expert. Check the year.",
        )
        return None

    def _parts(self, record: Record, key: str) -> list[str]:
        """Return the values of a cell that holds several, without what stands in brackets."""
        cell = self._usable(record, key)
        if cell is None:
            return []
        plain = re.sub(r"[（(].*?[)）]", "", unicodedata.normalize("NFKC", cell.text))
        return [part.strip() for part in re.split(r"[、,，;；/|\n]+", plain) if part.strip()]

    def _industries(self, record: Record) -> tuple[str, ...] | None:
        found: list[str] = []
        for part in self._parts(record, "industries"):
            industry = industries.find(part)
            if industry is None:
                self._unknown(record, "industries", part, [one.zh for one in industries.INDUSTRIES])
            else:
                found.append(industry.code)
        return tuple(dict.fromkeys(found)) or None

    def _specialty_codes(self, record: Record) -> frozenset[str] | None:
        found = set()
        for part in self._parts(record, "specialties"):
            code = self._specialties.get(part)
            if code is None:
                self._unknown(record, "specialties", part, self._specialties)
            else:
                found.add(code)
        return frozenset(found) or None

    def _offers(self, record: Record) -> frozenset[str] | None:
        by_word = {category.zh: category for category in TaskCategory}
        found = set()
        for part in self._parts(record, "offers"):
            category = by_word.get(part) or by_word.get(part.removesuffix("类"))
            if category is None:
                self._unknown(record, "offers", part, by_word)
            else:
                found.add(category.value)
        return frozenset(found) or None

    def _unknown(self, record: Record, key: str, word: str, known: Iterable[str]) -> None:
        column = BY_KEY[key]
        near = nearest(word, known)
        zh = "、".join(near)
        self._wrong(
            record,
            key,
            f"{column.zh}“{word}”不在目录里。"
            + (f"请改为目录里的名称，最接近的有：{zh}。" if near else "请改为模板下拉框里的名称。"),
            f"“{word}” is not a known {column.en}. "
            + (f"Use a known one; the nearest are {zh}." if near else "Use one of the template's list."),
        )

    def _place(self, record: Record) -> tuple[str | None, Point | None]:
        return self._region(record), self._point(record)

    def _region(self, record: Record) -> str | None:
        cell = self._usable(record, "region")
        if cell is None:
            return None
        region = gazetteer.find(cell.text)
        if region is not None and region.level != "province":
            return region.code
        wanted = unicodedata.normalize("NFKC", cell.text)
        if region is not None:
            zh, en = (
                f"“{wanted}”只写到省。请写到市或县（区）。",
                f"“{wanted}” is only a province. Name the city or county.",
            )
        else:
            full = {row.full_name: row.name for row in gazetteer.rows() if row.level != "province"}
            namesakes = [name for name, short in full.items() if short == wanted or short[:-1] == wanted]
            near = namesakes or nearest(wanted, [*full, *full.values()])
            named = "、".join(near)
            zh = f"找不到“{wanted}”，或有几个同名的地区。" if namesakes else f"找不到地区“{wanted}”。"
            zh += (
                f"请写全称，例如：{named}。"
                if near
                else "请写全称，例如唐山市丰南区；外省的请留空并填地址和经纬度。"
            )
            en = f"There is no region “{wanted}”, or several of that name. "
            en += (
                f"Write the full name, such as {named}."
                if near
                else "Write the full name, such as 唐山市丰南区."
            )
        self._wrong(record, "region", zh, en)
        return None

    def _point(self, record: Record) -> Point | None:
        key = "point" if self._usable(record, "point") else "longitude"
        try:
            if cell := self._usable(record, "point"):
                typed = places.parse_point(cell.text)
            elif (longitude := self._usable(record, "longitude")) and (
                latitude := self._usable(record, "latitude")
            ):
                typed = places.parse_point(f"经度{longitude.text} 纬度{latitude.text}")
            else:
                return None
            return places.point_from(typed.latitude, typed.longitude, self._datum(record))
        except places.WrongCoordinates as mistake:
            self._report(record[key], key, mistake)
            return None

    def _datum(self, record: Record) -> Datum:
        cell = self._usable(record, "datum")
        if cell is None:
            return Datum.WGS84
        plain = re.sub(r"[^a-z0-9]", "", cell.text.lower())
        named = {"高德": Datum.GCJ02, "腾讯": Datum.GCJ02, "百度": Datum.BD09, "天地图": Datum.CGCS2000}
        for word, datum in (*((one.value, one) for one in Datum), *named.items()):
            if word in (plain or cell.text) or word in cell.text:
                return datum
        self._unknown(record, "datum", cell.text, ["WGS-84", "GCJ-02", "BD-09", "CGCS2000"])
        return Datum.WGS84

    def _contacts(self, record: Record) -> dict[ContactKind, tuple[str, ...]]:
        """Return the ways of reaching somebody by kind. A landline among the mobiles is a landline."""
        found: dict[ContactKind, list[str]] = {}
        for key in ("mobile", "phone"):
            cell = self._usable(record, key)
            for part in cell.parts() if cell else ():
                try:
                    number = phones.normalise(part)
                except phones.WrongPhone as mistake:
                    self._report(record[key], key, mistake)
                    continue
                kind = ContactKind.MOBILE if phones.is_mobile(number) else ContactKind.PHONE
                found.setdefault(kind, []).append(number)
        cell = self._usable(record, "email")
        for part in cell.parts() if cell else ():
            address = unicodedata.normalize("NFKC", part)
            try:
                validate_email(address)
            except ValidationError:
                self._wrong(
                    record,
                    "email",
                    f"“{part}”不是邮箱地址。请按 name@example.cn 的样子填写。",
                    f"“{part}” is not an e-mail address. Write it like name@example.cn.",
                )
                continue
            found.setdefault(ContactKind.EMAIL, []).append(address)
        return {kind: tuple(dict.fromkeys(values)) for kind, values in found.items()}

    def _term(self, record: Record) -> TermOfOffice | None:
        starts_on, ends_on = self._term_days(record)
        number = self._text(record, "number", Appointment)
        category = self._text(record, "category", Appointment)
        group_role = self._text(record, "group_role", Appointment)
        term = TermOfOffice(
            starts_on,
            ends_on,
            unicodedata.normalize("NFKC", number) if number else None,
            category,
            group_role,
        )
        return None if term == TermOfOffice() else term

    def _term_days(self, record: Record) -> tuple[date | None, date | None]:
        if cell := self._usable(record, "term"):
            try:
                return dates.parse_span(cell.text)
            except dates.WrongDate as mistake:
                self._report(cell, "term", mistake)
                return None, None
        starts_on = self._day(record, "starts_on")
        ends_on = self._day(record, "ends_on", month_end=True)
        if starts_on and ends_on and ends_on < starts_on:
            self._wrong(
                record,
                "ends_on",
                f"聘期止 {ends_on} 早于聘期起 {starts_on}。请核对两个日期。",
                f"The term ends on {ends_on}, before it starts on {starts_on}. Check both dates.",
            )
            return None, None
        if bool(starts_on) == bool(ends_on):
            return starts_on, ends_on
        missing = "ends_on" if starts_on else "starts_on"
        if not self._failed(record[missing]):
            self._wrong(
                record,
                missing,
                "聘期只填了一半。请补上另一个日期。",
                "Only half of the term is given. Add the other date.",
            )
        return None, None

    def _certificates(self, record: Record) -> tuple[Qualification, ...] | None:
        names = self._listed(record, "certificates")
        if not names:
            return None
        numbers = self._listed(record, "certificate_numbers")
        expiries = self._listed(record, "certificate_expiries")
        for key, values in (("certificate_numbers", numbers), ("certificate_expiries", expiries)):
            if values and len(values) != len(names):
                self._wrong(
                    record,
                    key,
                    f"资格证书有 {len(names)} 个，这里有 {len(values)} 个。请用；隔开并一一对应，没有的写“无”。",
                    f"There are {len(names)} certificates but {len(values)} here. "
                    "Part them with ； one for one, and write 无 where there is none.",
                )
                return None
        found = []
        for position, name in enumerate(names):
            number = numbers[position] if numbers and numbers[position] not in _UNLIMITED else ""
            expires_on = self._expiry(record, expiries[position]) if expiries else None
            if self._fits(record, "certificates", name, Certificate, "name") and self._fits(
                record, "certificate_numbers", number, Certificate, "number"
            ):
                found.append(Qualification(name, number, expires_on))
        return tuple(found) or None

    def _listed(self, record: Record, key: str) -> list[str]:
        cell = self._usable(record, key)
        return (
            [part.strip() for part in _BETWEEN_CERTIFICATES.split(cell.text) if part.strip()] if cell else []
        )

    def _expiry(self, record: Record, written: str) -> date | None:
        if written in _UNLIMITED:
            return None
        try:
            return dates.parse_date(written, month_end=True)
        except dates.WrongDate as mistake:
            self._report(record["certificate_expiries"], "certificate_expiries", mistake)
            return None

    def _standing(self, record: Record) -> Standing | None:
        cell = self._usable(record, "standing")
        if cell is None:
            return None
        if cell.text in STANDINGS:
            return STANDINGS[cell.text]
        self._wrong(
            record,
            "standing",
            f"状态“{cell.text}”无法识别。请填在聘、停聘或解聘。",
            f"The standing “{cell.text}” is not known. Write 在聘, 停聘 or 解聘.",
        )
        return None


def _held(cell: Cell) -> object:
    """Return what a date cell holds; a number stays one, for it may be Excel's serial."""
    return cell.value if cell.kind in (CellKind.DATE, CellKind.NUMBER) else cell.text
