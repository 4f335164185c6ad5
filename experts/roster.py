"""The roster kept: enrol, revise, appoint, renew, dismiss, suspend, absences, contacts.

Every operation locks the expert, refuses, changes and leaves an audit entry with what was before and
after. Reading sheets is left to `experts.roster_sheet`, which writes through these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from experts.differences import differences
from experts.models import (
    Absence,
    Appointment,
    Certificate,
    Expert,
    ExpertContact,
    Practice,
    PracticeRank,
    TaskOffer,
    spelled,
)
from experts.profile import Change, Profile, Standing, TermOfOffice
from experts.standing import appointment_meant, is_senior, latest_appointment
from ground import audit, clock, gazetteer, revisions
from ground.audit import Actor
from ground.mistakes import Mistake, Refused
from ground.models import ContactKind, Precision, Specialty
from ground.places import Point

# A mobile reaches somebody who is out; a landline only somebody who sits beside it.
CONTACT_ORDER = (
    ContactKind.MOBILE,
    ContactKind.WECOM,
    ContactKind.EMAIL,
    ContactKind.PHONE,
    ContactKind.WEBHOOK,
)
NEAREST_COUNTY_KM = 60
_BATCH = 500


class NobodyNamed(Mistake):
    """A person without a name or an employer."""


class WrongTerm(Mistake):
    """Days that cannot be a term or an absence."""


class NumberTaken(Mistake):
    """The number of a letter of appointment is another's: the `holder`'s, whom the sentences name, if there is one."""

    def __init__(self, zh: str, en: str, *, holder: Expert | None = None) -> None:
        super().__init__(zh, en)
        self.holder = holder


class NotAppointed(Refused):
    """There is no appointment that could be renewed or ended."""


class AlreadySuspended(Refused):
    """Suspended before."""


class NotSuspended(Refused):
    """Not suspended, so there is nothing to resume."""


# --- whole profiles -------------------------------------------------------------------------------


def enrol(
    profiles: Sequence[Profile], *, by: Actor, at: datetime, sources: Sequence[str] = ()
) -> list[Expert]:
    """Put new people on the roster; `sources` say where each was read, for the audit.

    All or none, and in a fixed number of queries for every 500: a roster may have thousands.

    :raises NobodyNamed: for a profile without name or employer. :raises WrongTerm: :raises NumberTaken:
    """
    for profile in profiles:
        if not (profile.name and profile.employer):
            raise NobodyNamed(
                "专家必须有姓名和工作单位。请补全后再试。",
                "An expert must have a name and an employer. Fill them in and try again.",
            )
    day = clock.day_of(at)
    with transaction.atomic():
        experts = Expert.objects.bulk_create(
            [_new_expert(profile, day) for profile in profiles], batch_size=_BATCH
        )
        pairs = list(zip(experts, profiles, strict=True))
        _create_all(Practice, [row for expert, said in pairs for row in _practices(expert, said)])
        _create_all(TaskOffer, [row for expert, said in pairs for row in _offers(expert, said)])
        _create_all(Certificate, [row for expert, said in pairs for row in _certificates(expert, said)])
        _create_all(ExpertContact, [row for expert, said in pairs for row in _new_contacts(expert, said)])
        appointments = [row for expert, said in pairs for row in _first_appointment(expert, said, day)]
        _write_numbered(appointments, lambda: _create_all(Appointment, appointments))
        link = Expert.specialties.through
        _create_all(
            link,
            [
                link(expert=expert, specialty_id=code)
                for expert, said in pairs
                for code in sorted(said.specialties or ())
            ],
        )
        for number, (expert, said) in enumerate(pairs):
            source = sources[number] if sources else ""
            audit.record("expert.enrol", expert, by=by, at=at, name=said.name, source=source)
        revisions.bump("roster")
    return experts


def revise(expert: Expert, said: Profile, *, by: Actor, at: datetime, source: str = "") -> tuple[Change, ...]:
    """Write what `said` says and the roster does not know yet; return it. Doing it again changes nothing.

    :raises WrongTerm: :raises NumberTaken: :raises Refused: if the standing it asks for cannot be had.
    """
    day = clock.day_of(at)
    with transaction.atomic():
        Expert.objects.locked(expert.pk)
        stored = Expert.objects.whole().get(pk=expert.pk)
        changes = differences(stored, said, on=day)
        if not changes:
            return ()
        changed = {change.field for change in changes}
        columns = {column: value for column, value in said.columns.items() if column in changed}
        if changed & {"region", "point"}:
            columns |= _place_columns(said, known_region=stored.region_id)
        _save_columns(stored, columns)
        if "industries" in changed:
            stored.practices.all().delete()
            Practice.objects.bulk_create(_practices(stored, said))
        if "specialties" in changed:
            stored.specialties.set(Specialty.objects.filter(code__in=said.specialties or ()))
        if "offers" in changed:
            stored.task_offers.all().delete()
            TaskOffer.objects.bulk_create(_offers(stored, said))
        if "certificates" in changed:
            stored.certificates.all().delete()
            Certificate.objects.bulk_create(_certificates(stored, said))
        if changed & {kind.value for kind in ContactKind}:
            _write_contacts(stored, _contacts_after(stored, said.contacts))
        if said.term is not None and changed & {"term", "number", "category", "group_role"}:
            _write_term(stored, said.term)
        if "standing" in changed:
            _take_up(stored, said.standing, day)
        audit.record(
            "expert.revise",
            stored,
            by=by,
            at=at,
            source=source,
            changes=[[change.field, change.before, change.after] for change in changes],
        )
        revisions.bump("roster")
    return changes


def _new_expert(said: Profile, day: date) -> Expert:
    # A bulk write does not come past `Expert.save`.
    pinyin, initials = spelled(said.name)
    columns: dict[str, Any] = {
        **said.columns,
        "pinyin": pinyin,
        "initials": initials,
        "is_senior": is_senior(str(said.columns.get("title") or "")),
    }
    if said.region or said.point:
        columns |= _place_columns(said, known_region=None)
    if said.standing is Standing.SUSPENDED:
        columns |= {"suspended_on": day}
    return Expert(**columns)


def _save_columns(expert: Expert, columns: Mapping[str, Any]) -> None:
    if not columns:
        return
    for column, value in columns.items():
        setattr(expert, column, value)
    changed = set(columns)
    if "title" in changed:
        expert.is_senior = is_senior(expert.title)
        changed.add("is_senior")
    expert.save(update_fields=changed)


def _place_columns(said: Profile, *, known_region: str | None) -> dict[str, Any]:
    """Return the place: the point if one was given, else the seat of the region."""
    code = said.region or known_region
    if said.point is not None:
        if code is None and (county := gazetteer.nearest_county(said.point, within_km=NEAREST_COUNTY_KM)):
            code = county.code
        return _located(code, said.point, Precision.EXACT)
    region = gazetteer.by_code(code or "")
    if region is None:
        return _located(code or None, None, "")
    return _located(
        region.code, region.point, Precision.COUNTY if region.level == "county" else Precision.CITY
    )


def _located(region: str | None, point: Point | None, precision: str) -> dict[str, Any]:
    return {
        "region_id": region,
        "latitude": point.latitude if point else None,
        "longitude": point.longitude if point else None,
        "precision": precision,
    }


def _practices(expert: Expert, said: Profile) -> list[Practice]:
    return [
        Practice(
            expert=expert,
            industry_id=code,
            rank=PracticeRank.SECONDARY if number else PracticeRank.PRIMARY,
        )
        for number, code in enumerate(said.industries or ())
    ]


def _offers(expert: Expert, said: Profile) -> list[TaskOffer]:
    return [TaskOffer(expert=expert, category=category) for category in sorted(said.offers or ())]


def _certificates(expert: Expert, said: Profile) -> list[Certificate]:
    return [
        Certificate(expert=expert, name=one.name, number=one.number, expires_on=one.expires_on)
        for one in said.certificates or ()
    ]


def _new_contacts(expert: Expert, said: Profile) -> list[ExpertContact]:
    ways = [(kind, value) for kind in CONTACT_ORDER for value in said.contacts.get(kind, ())]
    return [
        ExpertContact(expert=expert, kind=kind, value=value, rank=rank)
        for rank, (kind, value) in enumerate(ways, 1)
    ]


def _first_appointment(expert: Expert, said: Profile, day: date) -> list[Appointment]:
    term = said.term
    if term is None or term.starts_on is None or term.ends_on is None:
        return []
    row = _appointment(expert, term)
    if said.standing is Standing.DISMISSED:
        row.ended_on = day
    return [row]


def _create_all(model: type[Any], rows: Sequence[Any]) -> None:
    model.objects.bulk_create(rows, batch_size=_BATCH)


def _write_term(expert: Expert, term: TermOfOffice) -> None:
    row = appointment_meant(expert, term)
    if row is None:
        row = _appointment(expert, term)
        _write_numbered([row], row.save)
        return
    if term.starts_on and term.ends_on:
        _refuse_backwards(term.starts_on, term.ends_on)
        row.starts_on, row.ends_on = term.starts_on, term.ends_on
    for column in ("number", "category", "group_role"):
        if (value := getattr(term, column)) is not None:
            setattr(row, column, value)
    _write_numbered([row], row.save)


def _appointment(expert: Expert, term: TermOfOffice) -> Appointment:
    if term.starts_on is None or term.ends_on is None:
        raise NotAppointed(
            f"{expert.name}还没有聘期。请先填写聘期起止。",
            f"{expert.name} has no appointment yet. Give its first and last day.",
        )
    _refuse_backwards(term.starts_on, term.ends_on)
    return Appointment(
        expert=expert,
        starts_on=term.starts_on,
        ends_on=term.ends_on,
        number=term.number or "",
        category=term.category or "",
        group_role=term.group_role or "",
    )


def _take_up(expert: Expert, standing: Standing | None, day: date) -> None:
    match standing:
        case Standing.SUSPENDED:
            _save_columns(expert, {"suspended_on": day})
        case Standing.DISMISSED:
            latest = latest_appointment(Expert.objects.whole().get(pk=expert.pk))
            if latest is not None and latest.ended_on is None:
                latest.ended_on = day
                latest.save(update_fields=["ended_on"])
        case _:
            _save_columns(expert, {"suspended_on": None, "suspension_reason": ""})


# --- terms ----------------------------------------------------------------------------------------


def appoint(expert: Expert, term: TermOfOffice, *, by: Actor, at: datetime) -> Appointment:
    """Appoint an expert for a term; a renewal is one more term.

    :raises WrongTerm: if it ends before it starts, or its days are already covered by another.
    :raises NumberTaken: if the letter's number is another's.
    """
    with transaction.atomic():
        Expert.objects.locked(expert.pk)
        appointment = _appointment(expert, term)
        overlapping = (
            expert.appointments.filter(
                starts_on__lte=appointment.ends_on, ends_on__gte=appointment.starts_on, ended_on=None
            )
            .order_by("-ends_on")
            .first()
        )
        if overlapping is not None:
            raise WrongTerm(
                f"与已有聘期 {overlapping.starts_on} 至 {overlapping.ends_on} 重叠。"
                f"请从 {overlapping.ends_on + timedelta(days=1)} 起续聘，或先解聘原聘期。",
                f"Overlaps the term {overlapping.starts_on} to {overlapping.ends_on}. "
                f"Begin on {overlapping.ends_on + timedelta(days=1)}, or end that term first.",
            )
        _write_numbered([appointment], appointment.save)
        audit.record(
            "expert.appoint",
            expert,
            by=by,
            at=at,
            starts_on=str(appointment.starts_on),
            ends_on=str(appointment.ends_on),
            number=appointment.number,
        )
    return appointment


def renew(expert: Expert, *, until: date, number: str = "", by: Actor, at: datetime) -> Appointment:
    """Appoint again `until` a day: from the day after the latest term, or from today if that has run out.

    Category and group role stay as they were.

    :raises NotAppointed: if there never was a term. :raises WrongTerm: :raises NumberTaken:
    """
    with transaction.atomic():
        Expert.objects.locked(expert.pk)
        latest = latest_appointment(Expert.objects.whole().get(pk=expert.pk))
        if latest is None:
            raise NotAppointed(
                f"{expert.name}还没有聘期，不能续聘。请先聘任。",
                f"{expert.name} was never appointed, so there is nothing to renew. Appoint first.",
            )
        ended = latest.ended_on - timedelta(days=1) if latest.ended_on else latest.ends_on
        starts_on = max(ended + timedelta(days=1), clock.day_of(at))
        term = TermOfOffice(starts_on, until, number, latest.category, latest.group_role)
        return appoint(expert, term, by=by, at=at)


def dismiss(expert: Expert, *, on: date, reason: str, by: Actor, at: datetime) -> Appointment:
    """End the running term from the day `on`: on that day the expert is not appointed any more.

    :raises NotAppointed: if no term runs then.
    """
    with transaction.atomic():
        Expert.objects.locked(expert.pk)
        running = expert.appointments.filter(ended_on=None, ends_on__gte=on).order_by("-ends_on").first()
        if running is None:
            raise NotAppointed(
                f"{expert.name}在 {on} 没有可以解聘的聘期。",
                f"{expert.name} has no term that could be ended on {on}.",
            )
        running.ended_on, running.end_reason = on, reason
        running.save(update_fields=["ended_on", "end_reason"])
        audit.record("expert.dismiss", expert, by=by, at=at, on=str(on), reason=reason)
    return running


def suspend(expert: Expert, *, on: date, reason: str, by: Actor, at: datetime) -> None:
    """Suspend an expert: not called out until resumed, the term runs on.

    :raises AlreadySuspended: if suspended before.
    """
    with transaction.atomic():
        locked = Expert.objects.locked(expert.pk)
        if locked.suspended_on is not None:
            raise AlreadySuspended(
                f"{locked.name}自 {locked.suspended_on} 起已停聘。",
                f"{locked.name} has been suspended since {locked.suspended_on}.",
            )
        locked.suspended_on, locked.suspension_reason = on, reason
        locked.save(update_fields=["suspended_on", "suspension_reason"])
        audit.record("expert.suspend", locked, by=by, at=at, on=str(on), reason=reason)


def resume(expert: Expert, *, by: Actor, at: datetime) -> None:
    """End a suspension.

    :raises NotSuspended: if there is none.
    """
    with transaction.atomic():
        locked = Expert.objects.locked(expert.pk)
        if locked.suspended_on is None:
            raise NotSuspended(f"{locked.name}没有停聘，无需恢复。", f"{locked.name} is not suspended.")
        since = locked.suspended_on
        locked.suspended_on, locked.suspension_reason = None, ""
        locked.save(update_fields=["suspended_on", "suspension_reason"])
        audit.record("expert.resume", locked, by=by, at=at, suspended_since=str(since))


def _refuse_backwards(starts_on: date, ends_on: date) -> None:
    if ends_on < starts_on:
        raise WrongTerm(
            f"结束日期 {ends_on} 早于开始日期 {starts_on}。请核对两个日期。",
            f"It ends on {ends_on}, before it starts on {starts_on}. Check both days.",
        )


def _write_numbered(rows: Sequence[Appointment], write: Callable[[], None]) -> None:
    """Write these terms, unless the number of a letter is another's.

    :raises NumberTaken: also when the other was written by somebody else at the same moment.
    """
    _refuse_taken_numbers(rows)
    try:
        with transaction.atomic():
            write()
    except IntegrityError:
        # Committed between the look and the write, so it is seen now; any other fault is not ours to explain.
        _refuse_taken_numbers(rows)
        raise


def _refuse_taken_numbers(rows: Sequence[Appointment]) -> None:
    numbers = [row.number for row in rows if row.number]
    twice = {number for number in numbers if numbers.count(number) > 1} if len(numbers) < _BATCH else set()
    others = Appointment.objects.filter(number__in=numbers).select_related("expert")
    taken = others.exclude(pk__in=[row.pk for row in rows if row.pk]).first()
    if taken is not None:
        raise NumberTaken(
            f"聘书编号 {taken.number} 已是{taken.expert.name}的。请核对编号。",
            f"The letter of appointment {taken.number} is {taken.expert.name}'s. Check the number.",
            holder=taken.expert,
        )
    if twice:
        raise NumberTaken(
            f"聘书编号 {min(twice)} 用了两次。请核对编号。",
            f"The letter of appointment {min(twice)} is used twice. Check the number.",
        )


# --- absences and contacts ------------------------------------------------------------------------


def add_absence(
    expert: Expert, *, starts_on: date, ends_on: date, reason: str = "", by: Actor, at: datetime
) -> Absence:
    """Record that an expert cannot come, both days included.

    :raises WrongTerm: if it ends before it starts.
    """
    _refuse_backwards(starts_on, ends_on)
    with transaction.atomic():
        Expert.objects.locked(expert.pk)
        absence, is_new = Absence.objects.get_or_create(
            expert=expert, starts_on=starts_on, ends_on=ends_on, defaults={"reason": reason}
        )
        if is_new:
            audit.record(
                "expert.absence.add",
                expert,
                by=by,
                at=at,
                starts_on=str(starts_on),
                ends_on=str(ends_on),
                reason=reason,
            )
    return absence


def remove_absence(absence: Absence, *, by: Actor, at: datetime) -> None:
    """Take an absence back; taking it back twice changes nothing."""
    with transaction.atomic():
        expert = Expert.objects.locked(absence.expert_id)
        deleted, _ = Absence.objects.filter(pk=absence.pk).delete()
        if deleted:
            audit.record(
                "expert.absence.remove",
                expert,
                by=by,
                at=at,
                starts_on=str(absence.starts_on),
                ends_on=str(absence.ends_on),
            )


def set_contacts(
    expert: Expert, contacts: Sequence[tuple[ContactKind, str]], *, by: Actor, at: datetime
) -> None:
    """Keep exactly these ways of reaching an expert, the first to be tried first.

    Phones are expected in E.164 (`ground.phones.normalise`). The audit keeps how many, not the numbers.

    :raises Mistake: if none is left.
    """
    if not contacts:
        raise Mistake(
            "至少保留一个联系方式，否则无法通知。请填写手机号。",
            "Keep at least one contact, or the expert cannot be called. Give a mobile number.",
        )
    with transaction.atomic():
        Expert.objects.locked(expert.pk)
        _write_contacts(expert, contacts)
        audit.record("expert.contacts", expert, by=by, at=at, kinds=[kind.value for kind, _ in contacts])


def reveal_contacts(expert: Expert, *, reason: str, by: Actor, at: datetime) -> list[ExpertContact]:
    """Return an expert's contacts to be shown in full, and write down who asked and why.

    :raises Mistake: if no reason is given.
    """
    if not reason.strip():
        raise Mistake(
            "查看完整号码必须写明原因。请填写原因后再点“显示”。",
            "Full numbers are shown for a reason only. Fill it in and try again.",
        )
    with transaction.atomic():
        audit.record("expert.contacts.reveal", expert, by=by, at=at, reason=reason.strip())
        return list(expert.contacts.all())


def _contacts_after(
    expert: Expert, said: Mapping[ContactKind, tuple[str, ...]]
) -> list[tuple[ContactKind, str]]:
    """Return the contacts when the kinds in `said` have been replaced, the others staying where they are."""
    after: list[tuple[ContactKind, str]] = []
    waiting = {kind: list(values) for kind, values in said.items()}
    for contact in expert.contacts.all():
        kind = ContactKind(contact.kind)
        if kind not in waiting:
            after.append((kind, contact.value))
        elif waiting[kind]:
            after.append((kind, waiting[kind].pop(0)))
    for kind in CONTACT_ORDER:
        after += [(kind, value) for value in waiting.get(kind, ())]
    return after


def _write_contacts(expert: Expert, contacts: Sequence[tuple[ContactKind, str]]) -> None:
    wanted = {way: rank for rank, way in enumerate(dict.fromkeys(contacts), 1)}
    stored = {(ContactKind(one.kind), one.value): one for one in ExpertContact.objects.filter(expert=expert)}
    ExpertContact.objects.filter(pk__in=[one.pk for way, one in stored.items() if way not in wanted]).delete()
    for way, rank in wanted.items():
        kind, value = way
        if way not in stored:
            ExpertContact.objects.create(expert=expert, kind=kind, value=value, rank=rank)
        elif stored[way].rank != rank:
            stored[way].rank = rank
            stored[way].save(update_fields=["rank"])
