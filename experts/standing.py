"""Questions about one expert whose rows have been fetched (`Expert.objects.whole()`): no query is made here."""

from __future__ import annotations

import re
from datetime import date

from experts.models import Absence, Appointment, Expert, PracticeRank
from experts.profile import Standing, TermOfOffice
from ground.models import ContactKind

_SENIOR = re.compile(r"正高|教授级|研究员级|^(教授|研究员|主任医师|院士)|级教授|首席")


def is_senior(title: str) -> bool:
    """Say whether a professional title is one of the highest rank (正高级)."""
    return bool(_SENIOR.search(title)) and not title.startswith("副")


def latest_appointment(expert: Expert) -> Appointment | None:
    """Return the appointment that ends last."""
    return max(expert.appointments.all(), key=lambda one: (one.ends_on, one.pk), default=None)


def appointment_meant(expert: Expert, term: TermOfOffice) -> Appointment | None:
    """Return the stored appointment that `term` is about: by its number, else by its first day.

    None if it is a new one. Without days and number it is about the latest.
    """
    stored = list(expert.appointments.all())
    if term.number and (same := next((one for one in stored if one.number == term.number), None)):
        return same
    if term.starts_on is None:
        return latest_appointment(expert)
    return next((one for one in stored if one.starts_on == term.starts_on), None)


def standing_on(expert: Expert, day: date) -> Standing:
    """Return how the expert stands on `day`."""
    latest = latest_appointment(expert)
    if expert.suspended_on is not None and expert.suspended_on <= day:
        return Standing.SUSPENDED
    if any(
        one.starts_on <= day <= one.ends_on and (one.ended_on is None or one.ended_on > day)
        for one in expert.appointments.all()
    ):
        return Standing.SERVING
    if latest is None:
        return Standing.NONE
    if latest.ended_on is not None and latest.ended_on <= day:
        return Standing.DISMISSED
    return Standing.EXPIRED if latest.ends_on < day else Standing.UPCOMING


def absence_on(expert: Expert, day: date) -> Absence | None:
    """Return the absence that `day` falls into, the one that ends last."""
    now = [one for one in expert.absences.all() if one.starts_on <= day <= one.ends_on]
    return max(now, key=lambda one: one.ends_on, default=None)


def industries_of(expert: Expert) -> tuple[str, ...]:
    """Return the codes of the industries, the primary one first, the others in the table's order."""
    practices = sorted(
        expert.practices.all(), key=lambda one: (one.rank != PracticeRank.PRIMARY, one.industry.position)
    )
    return tuple(one.industry_id for one in practices)


def contacts_of(expert: Expert, kind: ContactKind) -> tuple[str, ...]:
    """Return the numbers or addresses of `kind`, the first to be tried first."""
    return tuple(one.value for one in expert.contacts.all() if one.kind == kind)
