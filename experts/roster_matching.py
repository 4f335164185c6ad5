"""Who on the roster a row is about: by the letter's number, the mobile, or name and employer; and duplicates.

A name alone is nobody: two people may share it. Where the signs point to different people, nothing is
guessed and the cell is named. Of somebody out of reach an error says only that they are registered elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from experts.models import Expert
from experts.profile import Standing
from experts.roster_rows import CellError, Row, error_at
from experts.standing import appointment_meant, contacts_of
from ground import phones
from ground.access import Reach
from ground.mistakes import Mistake
from ground.models import ContactKind


@dataclass(frozen=True)
class Match:
    """The expert that a row is about, None for a new person; `errors` if that cannot be told or done."""

    expert: Expert | None
    errors: tuple[CellError, ...] = ()


def same_words(text: str) -> str:
    """Return a name of a person or firm as it is compared: brackets, spaces and widths do not count."""
    return re.sub(r"[\s()·.,-]", "", unicodedata.normalize("NFKC", text)).lower()


def _person(name: str, employer: str) -> tuple[str, str]:
    return same_words(name), same_words(employer)


def duplicates_within(rows: Sequence[Row]) -> list[CellError]:
    """Return an error for every row that names a person, a mobile or a letter of an earlier row."""
    errors: list[CellError] = []
    people: dict[tuple[str, str], Row] = {}
    mobiles: dict[str, Row] = {}
    numbers: dict[str, Row] = {}
    for row in rows:
        said = row.profile
        if said.name and said.employer:
            earlier = people.setdefault(_person(said.name, said.employer), row)
            if earlier is not row:
                errors.append(
                    _repeats(row, "name", said.name, earlier, "姓名和工作单位", "name and employer")
                )
                continue
        for mobile in said.contacts.get(ContactKind.MOBILE, ()):
            if (earlier := mobiles.setdefault(mobile, row)) is not row:
                errors.append(_repeats(row, "mobile", phones.masked(mobile), earlier, "手机号", "mobile"))
        if (
            said.term
            and said.term.number
            and (earlier := numbers.setdefault(said.term.number, row)) is not row
        ):
            errors.append(
                _repeats(row, "number", said.term.number, earlier, "聘书编号", "letter of appointment")
            )
    return errors


def _repeats(row: Row, key: str, value: str, earlier: Row, zh: str, en: str) -> CellError:
    where = earlier.record["name"].address
    if earlier.record.sheet != row.record.sheet:
        where = f"{earlier.record.sheet}!{where}"
    who = earlier.profile.name
    return error_at(
        row.record[key],
        key,
        Mistake(
            f"{zh}“{value}”与 {where} {who}重复。请删去重复的一行，或改正其中一行。",
            f"The {en} “{value}” is also that of {who} in {where}. Delete one of the rows, or correct one.",
        ),
    )


class Known:
    """The experts that a file may be about, found by what a row says; `reach` is where its bearer may edit."""

    def __init__(self, experts: Iterable[Expert], *, reach: Reach) -> None:
        self._reach = reach
        self._by_mobile: dict[str, list[Expert]] = defaultdict(list)
        self._by_person: dict[tuple[str, str], list[Expert]] = defaultdict(list)
        self._by_number: dict[str, Expert] = {}
        for expert in experts:
            self._by_person[_person(expert.name, expert.employer)].append(expert)
            for mobile in contacts_of(expert, ContactKind.MOBILE):
                self._by_mobile[mobile].append(expert)
            for appointment in expert.appointments.all():
                if appointment.number:
                    self._by_number[appointment.number] = expert

    def match(self, row: Row, *, taken: Mapping[int, Row]) -> Match:
        """Return whom `row` is about; `taken` are those whom earlier rows were about."""
        expert, errors = self._meant(row)
        if not errors and expert is None:
            errors = tuple(_missing_for_new(row))
        elif not errors and expert is not None:
            errors = tuple(_impossible(row, expert, taken))
        return Match(expert, errors)

    def _meant(self, row: Row) -> tuple[Expert | None, tuple[CellError, ...]]:
        said = row.profile
        by_number = self._by_number.get(said.term.number or "") if said.term else None
        if by_number is not None:
            if not self._covers(by_number) or same_words(by_number.name) != same_words(said.name):
                return None, (self._anothers(row, "number", [by_number]),)
            return by_number, self._others_mobiles(row, by_number)
        for mobile in said.contacts.get(ContactKind.MOBILE, ()):
            namesakes = [
                one for one in self._by_mobile[mobile] if same_words(one.name) == same_words(said.name)
            ]
            if len(namesakes) == 1 and self._covers(namesakes[0]):
                return namesakes[0], self._others_mobiles(row, namesakes[0])
            if self._by_mobile[mobile]:
                return None, (self._anothers(row, "mobile", self._by_mobile[mobile]),)
        same = self._by_person[_person(said.name, said.employer)]
        near = [one for one in same if self._covers(one)]
        if same and not near:
            return None, (_elsewhere(row, "name"),)
        if len(same) > 1:
            return None, (_several(row, len(same) if near == same else None),)
        return (same[0] if same else None), ()

    def _covers(self, expert: Expert) -> bool:
        return self._reach.covers(expert.region_id)

    def _anothers(self, row: Row, key: str, others: Sequence[Expert]) -> CellError:
        """Return the error of a mobile or letter that belongs to `others`.

        If one of them is out of reach, it is the same whether or not the row has their name: otherwise names
        could be tried until one fits.
        """
        if all(self._covers(one) for one in others):
            return _anothers(row, key, others[0])
        return _elsewhere(row, key)

    def _others_mobiles(self, row: Row, expert: Expert) -> tuple[CellError, ...]:
        """Return an error for each mobile that is somebody else's."""
        return tuple(
            self._anothers(row, "mobile", [other])
            for mobile in row.profile.contacts.get(ContactKind.MOBILE, ())
            for other in self._by_mobile[mobile]
            if other.pk != expert.pk
        )


def _anothers(row: Row, key: str, other: Expert) -> CellError:
    zh, en = _SIGNS[key]
    mobile = next(iter(contacts_of(other, ContactKind.MOBILE)), "")
    who = f"{other.name}（{other.employer}{'，' + phones.masked(mobile) if mobile else ''}）"
    return error_at(
        row.record[key],
        key,
        Mistake(
            f"{zh}已属于名册里的 {who}，与本行“{row.profile.name}”不是同一人。请核对姓名和{zh}。",
            f"The {en} belongs to {who} on the roster, not to “{row.profile.name}”. Check the name and the {en}.",
        ),
    )


_SIGNS = {
    "number": ("聘书编号", "letter of appointment"),
    "mobile": ("手机号", "mobile"),
    "name": ("姓名和工作单位", "name and employer"),
}


def _elsewhere(row: Row, key: str) -> CellError:
    """Return the error of a row whose sign is that of somebody out of reach: that and nothing about them."""
    zh, en = _SIGNS[key]
    return of_the_place(
        row,
        Mistake(
            f"已有{zh}相同的专家登记在其他地区。请核对{zh}，确有其人的请省级管理员办理。",
            f"An expert with the same {en} is registered in another region. "
            f"Check the {en}, or ask the admin of the province.",
        ),
    )


def of_the_place(row: Row, mistake: Mistake) -> CellError:
    """Return an error of the cell that says where somebody lives, or of the name if the sheet has no such column."""
    key = "region" if "region" in row.record.columns else "name"
    return error_at(row.record[key], key, mistake)


def _several(row: Row, count: int | None) -> CellError:
    """Return the error of a name that several have at one employer; no `count` where some are out of reach."""
    many_zh, many_en = (f"有 {count} 位", str(count)) if count else ("不止一位", "several")
    return error_at(
        row.record["name"],
        "name",
        Mistake(
            f"名册里{many_zh}同名同单位的“{row.profile.name}”，分不清是哪一位。请填写其中一位的手机或聘书编号。",
            f"There are {many_en} people named “{row.profile.name}” at this employer. "
            "Give the mobile or the letter of appointment of the one you mean.",
        ),
    )


def _missing_for_new(row: Row) -> Iterator[CellError]:
    """Yield what a new person lacks. A cell that was filled in wrongly has its own error already."""
    said = row.profile
    if not (said.name and said.employer):
        return
    if not said.contacts and all(row.record[key].is_blank for key in ("mobile", "phone", "email")):
        yield _lacks(row, "mobile", "没有联系方式", "no contact", "请填写手机号", "Give a mobile number")
    if not said.industries and row.record["industries"].is_blank:
        yield _lacks(
            row, "industries", "没有行业", "no industry", "请至少填写一个行业", "Give at least one industry"
        )
    has_days = said.term is not None and said.term.starts_on is not None
    if not has_days and all(row.record[key].is_blank for key in ("starts_on", "ends_on", "term")):
        key = "term" if "term" in row.record.columns else "starts_on"
        yield _lacks(row, key, "没有聘期", "no term", "请填写聘期起止", "Give the term's first and last day")


def _lacks(row: Row, key: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> CellError:
    # Where the sheet has no such column, the name is where somebody will look.
    cell = row.record[key] if key in row.record.columns else row.record["name"]
    return error_at(
        cell,
        key,
        Mistake(
            f"新专家“{row.profile.name}”{zh}。{remedy_zh}。",
            f"The new expert “{row.profile.name}” has {en}. {remedy_en}.",
        ),
    )


def _impossible(row: Row, expert: Expert, taken: Mapping[int, Row]) -> Iterator[CellError]:
    said = row.profile
    if (earlier := taken.get(expert.pk)) is not None:
        yield _repeats(row, "name", said.name, earlier, "本行与另一行指的是同一位专家，", "expert")
    if said.term is None:
        return
    meant = appointment_meant(expert, said.term)
    if meant is None and said.term.starts_on is None:
        yield error_at(
            row.record["number"],
            "number",
            Mistake(
                f"{expert.name}还没有聘期，不能只填聘书。请同时填写聘期起止。",
                f"{expert.name} has no term yet. Give its first and last day too.",
            ),
        )
    if meant is not None and meant.ended_on is not None and said.standing is Standing.SERVING:
        yield error_at(
            row.record["standing"],
            "standing",
            Mistake(
                f"这一聘期已于 {meant.ended_on} 解聘。重新聘任请填写新的聘期，否则状态填“解聘”。",
                f"This term was ended on {meant.ended_on}. Give a new term to appoint again, or write 解聘.",
            ),
        )
