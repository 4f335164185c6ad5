"""What a profile would change about an expert: the comparison on which import, preview and audit rest.

Reads rows that were fetched (`Expert.objects.whole()`), writes nothing. A profile that says what is
known already gives no difference: that is why importing the same file twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from experts.models import Expert, TaskCategory
from experts.profile import Change, Profile, Qualification, Standing, TermOfOffice
from experts.standing import appointment_meant, contacts_of, industries_of, standing_on
from ground import gazetteer, phones
from ground.industries import BY_CODE, SPECIALTY_BY_CODE
from ground.models import Precision
from ground.places import Point

# A ten-thousandth of a second of arc is metres; sheets and people keep six decimals.
DECIMALS = 6


def differences(expert: Expert, said: Profile, *, on: date) -> tuple[Change, ...]:
    """Return what `said` would change, in a fixed order; nothing if all of it is known."""
    return tuple(_differences(expert, said, on))


def _differences(expert: Expert, said: Profile, on: date) -> Iterator[Change]:
    for column, value in said.columns.items():
        if (before := getattr(expert, column)) != value:
            yield Change(column, _shown(before), _shown(value))
    if said.industries is not None:
        known = industries_of(expert)
        if known[:1] != said.industries[:1] or set(known) != set(said.industries):
            yield Change("industries", industry_words(known), industry_words(said.industries))
    if said.specialties is not None:
        specialties = {one.code: one.name for one in expert.specialties.all()}
        if set(specialties) != said.specialties:
            yield Change(
                "specialties", "、".join(sorted(specialties.values())), specialty_words(said.specialties)
            )
    if said.offers is not None:
        offers = {one.category for one in expert.task_offers.all()}
        if offers != said.offers:
            yield Change("offers", offer_words(offers), offer_words(said.offers))
    yield from _place(expert, said)
    for kind, values in said.contacts.items():
        if (stored := contacts_of(expert, kind)) != values:
            before, after = _contact_words(stored), _contact_words(values)
            # Masked, two numbers may look the same.
            yield Change(kind.value, before, after if after != before else f"{after}（号码不同）")
    if said.term is not None:
        yield from _term(expert, said.term)
    if said.certificates is not None:
        certificates = tuple(
            Qualification(one.name, one.number, one.expires_on) for one in expert.certificates.all()
        )
        if set(certificates) != set(said.certificates):
            yield Change(
                "certificates", _certificate_words(certificates), _certificate_words(said.certificates)
            )
    if said.standing is not None:
        yield from _standing(expert, said.standing, on)


def _place(expert: Expert, said: Profile) -> Iterator[Change]:
    if said.region is not None and said.region != (expert.region_id or ""):
        yield Change("region", region_words(expert.region_id or ""), region_words(said.region))
    if said.at_seat and (known := exact_point(expert)):
        yield Change("point", str(known), "")
    if said.point is not None and rounded(said.point) != exact_point(expert):
        yield Change("point", str(exact_point(expert) or ""), str(rounded(said.point)))


def exact_point(expert: Expert) -> Point | None:
    """Return the place if it was given as coordinates; a region's seat is none."""
    if expert.point is None or expert.precision != Precision.EXACT:
        return None
    return rounded(expert.point)


def rounded(point: Point) -> Point:
    return Point(round(point.latitude, DECIMALS), round(point.longitude, DECIMALS))


def _term(expert: Expert, term: TermOfOffice) -> Iterator[Change]:
    known = appointment_meant(expert, term)
    if known is None:
        yield Change("term", "", _term_words(term))
        return
    if term.starts_on and (known.starts_on, known.ends_on) != (term.starts_on, term.ends_on):
        before = _term_words(TermOfOffice(known.starts_on, known.ends_on))
        yield Change("term", before, _term_words(TermOfOffice(term.starts_on, term.ends_on)))
    for column in ("number", "category", "group_role"):
        value = getattr(term, column)
        if value is not None and value != getattr(known, column):
            yield Change(column, getattr(known, column), value)


def _standing(expert: Expert, said: Standing, on: date) -> Iterator[Change]:
    known = standing_on(expert, on)
    match said:
        case Standing.SUSPENDED:
            changes = known is not Standing.SUSPENDED
        case Standing.DISMISSED:
            changes = known in (Standing.SERVING, Standing.UPCOMING)
        case _:
            # Whether a term has begun or run out is for its days to say.
            changes = known is Standing.SUSPENDED
    if changes:
        yield Change("standing", known.zh, said.zh)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def industry_words(codes: tuple[str, ...]) -> str:
    return "、".join(BY_CODE[code].zh for code in codes)


def specialty_words(codes: frozenset[str]) -> str:
    names = (SPECIALTY_BY_CODE[code].zh if code in SPECIALTY_BY_CODE else code for code in codes)
    return "、".join(sorted(names))


def offer_words(offers: set[str] | frozenset[str]) -> str:
    return "、".join(one.zh for one in TaskCategory if one in offers)


def region_words(code: str) -> str:
    region = gazetteer.by_code(code)
    return region.full_name if region else code


def _contact_words(values: tuple[str, ...]) -> str:
    return "、".join(phones.masked_address(value) for value in values)


def _certificate_words(certificates: tuple[Qualification, ...]) -> str:
    return "；".join(
        one.name + (f"（至 {one.expires_on}）" if one.expires_on else "") for one in certificates
    )


def _term_words(term: TermOfOffice) -> str:
    return f"{term.starts_on} 至 {term.ends_on}"
