"""A 花名册 in and out: parse a workbook into a plan, apply the plan, write the roster as a workbook.

`parse` reads the roster and writes nothing; it finds every error before anything is done. `apply` writes
all of the plan or nothing. A column that is missing and a cell that is empty leave what is known as it
is: a sheet that was cut down for one purpose must not wipe out the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Q

from experts import roster
from experts.differences import differences, exact_point, industry_words, offer_words, region_words
from experts.models import Expert, ExpertQuerySet
from experts.profile import Change, Standing
from experts.roster_columns import COLUMNS, REQUIRED, WRITTEN, losers, titles
from experts.roster_matching import Known, duplicates_within, of_the_place
from experts.roster_rows import CellError, Row, RowReader
from experts.standing import contacts_of, industries_of, latest_appointment, standing_on
from ground import audit, clock, phones
from ground.access import EVERYWHERE, OutOfReach, Reach
from ground.audit import Actor
from ground.dates import SHANGHAI
from ground.mistakes import Mistake, Refused
from ground.models import ContactKind, NumberSeries, Revision, Specialty
from ground.new_workbooks import NewSheet, write_workbook
from ground.spreadsheets import Table, Workbook, WorkbookMistake, read_workbook, tables_in
from ground.terms import Words

_IMPORTING = "roster-import"
# Stands in the audit trail for what concerns no single expert.
THE_ROSTER = Revision(name="roster")


class PlanHasErrors(Refused):
    """The file has errors, so none of it is imported."""


class PlanIsStale(Refused):
    """The roster has changed since the plan was made, so the plan says something else than what it would do."""


@dataclass(frozen=True)
class Create:
    """A new person."""

    row: Row


@dataclass(frozen=True)
class Update:
    """Somebody known, with what changes."""

    row: Row
    expert_id: int
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Plan:
    """What importing a file would do, as of the moment it was read."""

    file_name: str
    today: date
    creates: tuple[Create, ...] = ()
    updates: tuple[Update, ...] = ()
    unchanged: int = 0
    errors: tuple[CellError, ...] = ()
    notices: tuple[Words, ...] = ()  # what was passed over or is worth knowing; it stops nothing
    headers: tuple[tuple[str, int], ...] = ()  # each sheet that was read, and the row of its header
    rows: tuple[Row, ...] = field(default=(), repr=False)
    reach: Reach = EVERYWHERE

    @property
    def total(self) -> int:
        """Return how many people the file has."""
        return len(self.rows)

    @property
    def changes_nothing(self) -> bool:
        return not (self.creates or self.updates or self.errors)


@dataclass(frozen=True)
class Receipt:
    """What an import did."""

    created: int
    updated: int
    unchanged: int


def parse(
    file: bytes | str | Path | BinaryIO, *, today: date, name: str = "", reach: Reach = EVERYWHERE
) -> Plan:
    """Return what importing `file` (bytes, a path, or something to read) would do on `today`.

    Whoever is, or would come to live, outside `reach` is an error: the one who imports has no right over them.
    Never raises for what is in the file: what is wrong stands in `errors`, all of it at once.
    """
    content, file_name = _content_of(file, name)
    try:
        workbook = read_workbook(content, name=file_name)
        tables = _tables(workbook)
    except WorkbookMistake as mistake:
        problem_zh, _, remedy_zh = mistake.zh.partition("。")
        problem_en, _, remedy_en = mistake.en.partition(". ")
        whole = CellError("", "", "", "", "", problem_zh + "。", problem_en, remedy_zh, remedy_en)
        return Plan(file_name, today, errors=(whole,))
    known_specialties = {
        word: code for code, name in Specialty.objects.values_list("code", "name") for word in (code, name)
    }
    reader = RowReader(specialties=known_specialties, today=today)
    rows = tuple(reader.read(record) for table in tables for record in table.records)
    if not rows:
        empty = CellError(
            "",
            "",
            "",
            "",
            "",
            "表头下面没有一行数据。",
            "There is no row below the header.",
            "请把专家填在表头下面。",
            "Fill in the experts below the header.",
        )
        return Plan(file_name, today, errors=(empty,))
    compared = _Comparison.of(rows, today, reach)
    errors = _in_order([*reader.errors, *compared.errors], rows)
    wrong = {_row_of(error) for error in errors}

    def is_right(row: Row) -> bool:
        return (row.record.sheet, row.record.row) not in wrong

    return Plan(
        file_name,
        today,
        creates=tuple(create for create in compared.creates if is_right(create.row)),
        updates=tuple(update for update in compared.updates if is_right(update.row)),
        unchanged=sum(is_right(row) for row in compared.unchanged),
        errors=errors,
        notices=tuple(_notices(tables)),
        headers=tuple((table.sheet, table.header_row) for table in tables),
        rows=rows,
        reach=reach,
    )


def apply(
    plan: Plan, *, by: Actor, at: datetime, progress: Callable[[int, int], None] | None = None
) -> Receipt:
    """Write the whole plan or nothing; `progress` is told (done, all) on the way.

    One import at a time. The plan is worked out anew under the lock and must come out the same.

    :raises PlanHasErrors: if the file has any. :raises PlanIsStale: if the roster has changed meanwhile.
    :raises roster.NumberTaken: if a letter's number was given to somebody else at this very moment.
    """
    if plan.errors:
        raise PlanHasErrors(
            f"文件还有 {len(plan.errors)} 处错误，一行都没有写入。请改正后重新上传。",
            f"The file still has {len(plan.errors)} errors, so nothing was written. Mend them and upload it again.",
        )
    total = len(plan.creates) + len(plan.updates)
    with transaction.atomic():
        NumberSeries.objects.locked(_IMPORTING)
        list(
            Expert.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=[update.expert_id for update in plan.updates])
            .order_by("pk")
            .values_list("pk")
        )
        now = _Comparison.of(plan.rows, plan.today, plan.reach)
        if now.errors or (now.creates, now.updates) != (plan.creates, plan.updates):
            raise PlanIsStale(
                "核对之后名册有了变动，没有写入任何一行。请重新核对。",
                "The roster has changed since the file was checked, so nothing was written. Check it again.",
            )
        roster.enrol(
            [create.row.profile for create in plan.creates],
            by=by,
            at=at,
            sources=[f"{plan.file_name} {create.row.place}" for create in plan.creates],
        )
        experts = Expert.objects.in_bulk([update.expert_id for update in plan.updates])
        for done, update in enumerate(plan.updates, len(plan.creates)):
            if progress is not None and done % 20 == 0:
                progress(done, total)
            source = f"{plan.file_name} {update.row.place}"
            roster.revise(experts[update.expert_id], update.row.profile, by=by, at=at, source=source)
        audit.record(
            "roster.import",
            THE_ROSTER,
            by=by,
            at=at,
            file=plan.file_name,
            created=len(plan.creates),
            updated=len(plan.updates),
            unchanged=plan.unchanged,
        )
    if progress is not None:
        progress(total, total)
    return Receipt(len(plan.creates), len(plan.updates), plan.unchanged)


def _content_of(file: bytes | str | Path | BinaryIO, name: str) -> tuple[bytes, str]:
    if isinstance(file, bytes):
        return file, name
    if isinstance(file, str | Path):
        return Path(file).read_bytes(), name or Path(file).name
    return file.read(), name or Path(str(getattr(file, "name", ""))).name


def _tables(workbook: Workbook) -> Sequence[Table]:
    """Return the tables; when two titles mean the same, the better one keeps the meaning."""
    tables = tables_in(workbook, titles(), required=REQUIRED)
    weaker = {
        title
        for table in tables
        for column in COLUMNS
        if column.key in table.titles
        for title in losers(column.key, [table.titles[column.key], *(cell.text for cell in table.repeated)])
    }
    return tables_in(workbook, titles(but=weaker), required=REQUIRED) if weaker else tables


def _notices(tables: Iterable[Table]) -> Iterable[Words]:
    for table in tables:
        passed_over = [cell.text for cell in (*table.unknown, *table.repeated) if cell.text]
        if passed_over:
            listed = "、".join(passed_over)
            yield Words(
                f"工作表“{table.sheet}”有不认识或重复的列，没有读取：{listed}。",
                f"Sheet “{table.sheet}” has unknown or repeated columns that were not read: {listed}.",
            )
        if "identity" in table.columns:
            yield Words(
                "身份证号只核对是否完整，不保存。",
                "ID numbers are only checked for being whole; they are not kept.",
            )


def _in_order(errors: Iterable[CellError], rows: Sequence[Row]) -> tuple[CellError, ...]:
    """Return the errors in the order of the sheet, each once."""
    sheets = list(dict.fromkeys(row.record.sheet for row in rows))

    def where(error: CellError) -> tuple[int, int, int, str]:
        sheet, row = _row_of(error)
        letters = error.cell.rstrip("0123456789")
        return sheets.index(sheet), row, len(letters), letters

    return tuple(sorted(dict.fromkeys(errors), key=where))


# --- against the roster ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Comparison:
    """The rows against the roster as it is now; equal if the roster has not changed in what they are about."""

    creates: tuple[Create, ...]
    updates: tuple[Update, ...]
    unchanged: tuple[Row, ...]
    errors: tuple[CellError, ...]

    @classmethod
    def of(cls, rows: Sequence[Row], today: date, reach: Reach) -> _Comparison:
        errors = duplicates_within(rows)
        repeated = {_row_of(error) for error in errors}
        known = Known(_experts_meant(rows), reach=reach)
        creates: list[Create] = []
        updates: list[Update] = []
        unchanged: list[Row] = []
        taken: dict[int, Row] = {}
        for row in rows:
            if (row.record.sheet, row.record.row) in repeated:
                continue
            match = known.match(row, taken=taken)
            found = match.errors or tuple(_beyond(row, reach, is_new=match.expert is None))
            errors += found
            if found:
                continue
            if match.expert is None:
                creates.append(Create(row))
                continue
            taken[match.expert.pk] = row
            if changes := differences(match.expert, row.profile, on=today):
                updates.append(Update(row, match.expert.pk, changes))
            else:
                unchanged.append(row)
        return cls(tuple(creates), tuple(updates), tuple(unchanged), tuple(errors))


def _beyond(row: Row, reach: Reach, *, is_new: bool) -> Iterable[CellError]:
    """Yield an error if the row would put somebody outside `reach`. Who is there already was never matched."""
    said = row.profile.region
    # No place says nothing of somebody known; of somebody new it is missing, unless it was filled in wrongly,
    # which has its own error already.
    if said is None and not (is_new and row.record["region"].is_blank):
        return
    try:
        reach.refuse_beyond(said)
    except OutOfReach as mistake:
        yield of_the_place(row, mistake)


def _row_of(error: CellError) -> tuple[str, int]:
    return error.sheet, int(re.sub(r"\D", "", error.cell) or 0)


def _experts_meant(rows: Sequence[Row]) -> list[Expert]:
    """Return those on the roster who share a mobile, a name or a letter's number with any row."""
    mobiles = {value for row in rows for value in row.profile.contacts.get(ContactKind.MOBILE, ())}
    names = {row.profile.name for row in rows if row.profile.name}
    numbers = {row.profile.term.number for row in rows if row.profile.term and row.profile.term.number}
    meant: set[int] = set()
    for lookup, values in (
        ("contacts__value__in", mobiles),
        ("name__in", names),
        ("appointments__number__in", numbers),
    ):
        for some in _batches(sorted(values)):
            meant |= set(Expert.objects.filter(Q(**{lookup: some})).values_list("pk", flat=True))
    return [
        expert for some in _batches(sorted(meant)) for expert in Expert.objects.whole().filter(pk__in=some)
    ]


def _batches(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(values), 500):
        yield values[start : start + 500]


# --- out ------------------------------------------------------------------------------------------


def export(
    experts: ExpertQuerySet,
    *,
    today: date,
    title: str = "应急管理专家花名册",
    note: str = "",
    masked: bool = False,
) -> bytes:
    """Return the experts as an .xlsx that can be printed, edited and imported again without a change.

    The term is the one that ends last; earlier ones stay in the roster. With `masked`, phones are
    shown as 138****1234, which cannot be imported.
    """
    rows = [
        [number, *(_written(expert, column.key, today, masked) for column in WRITTEN[1:])]
        for number, expert in enumerate(experts.whole(), 1)
    ]
    return write_workbook(
        [NewSheet("花名册", [column.as_new() for column in WRITTEN], rows, title=title, note=note)]
    )


def hand_out(experts: ExpertQuerySet, *, reason: str, by: Actor, at: datetime) -> bytes:
    """Return `export` with full phone numbers, and write down who took how many and why.

    :raises Mistake: if no reason is given.
    """
    if not reason.strip():
        raise Mistake(
            "导出含完整电话，必须写明用途。请填写用途后再导出。",
            "The file holds full phone numbers. State what it is for.",
        )
    with transaction.atomic():
        local = at.astimezone(SHANGHAI)
        content = export(
            experts,
            today=clock.day_of(at),
            note=f"{by.label} 于 {local:%Y-%m-%d %H:%M} 导出，含个人信息，请勿外传",
        )
        audit.record(
            "roster.export", THE_ROSTER, by=by, at=at, experts=experts.count(), reason=reason.strip()
        )
    return content


def template() -> bytes:
    """Return an empty 花名册 to be filled in: title, header, drop-downs and hints."""
    note = "每人一行，从第 4 行填起。有错误时整表不导入，并逐格列出。空着的格不会清除已有内容。"
    sheet = NewSheet(
        "花名册", [column.as_new() for column in WRITTEN], [], title="应急管理专家花名册", note=note
    )
    return write_workbook([sheet])


def _written(expert: Expert, key: str, today: date, masked: bool) -> object:
    latest = latest_appointment(expert)
    match key:
        case "industries":
            return industry_words(industries_of(expert))
        case "specialties":
            return "、".join(sorted(one.name for one in expert.specialties.all()))
        case "region":
            return region_words(expert.region_id or "")
        case "mobile" | "phone":
            numbers = contacts_of(expert, ContactKind(key))
            return "、".join(phones.masked(one) if masked else phones.as_written(one) for one in numbers)
        case "email":
            return "、".join(contacts_of(expert, ContactKind.EMAIL))
        case "starts_on" | "ends_on" | "number" | "category" | "group_role":
            return getattr(latest, key) if latest else None
        case "standing":
            standing = standing_on(expert, today)
            return None if standing is Standing.NONE else standing.zh
        case "offers":
            return offer_words({one.category for one in expert.task_offers.all()})
        case "point":
            return str(exact_point(expert) or "")
        case "certificates":
            return "；".join(one.name for one in expert.certificates.all())
        case "certificate_numbers":
            return "；".join(one.number or "无" for one in expert.certificates.all())
        case "certificate_expiries":
            return "；".join(str(one.expires_on or "长期") for one in expert.certificates.all())
        case _:
            return getattr(expert, key)
