"""What somebody says about a person on the roster, as one value: a row of a sheet, a form.

What is not said stays as it is: a column that is missing from a sheet, a cell left empty. The operations
of `experts.roster` compare a profile with the rows and write the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ground.models import ContactKind
from ground.places import Point
from ground.terms import Term


class Standing(Term):
    """How somebody stands on a day; derived from appointments and suspension, never stored."""

    SERVING = "serving", "在聘", "serving"
    SUSPENDED = "suspended", "停聘", "suspended"
    DISMISSED = "dismissed", "解聘", "dismissed"
    EXPIRED = "expired", "到期", "expired"
    UPCOMING = "upcoming", "待聘", "not begun"
    NONE = "none", "未聘", "not appointed"


@dataclass(frozen=True)
class TermOfOffice:
    """An appointment as somebody wrote it down. Without days, the rest is about the latest one."""

    starts_on: date | None = None
    ends_on: date | None = None
    number: str | None = None
    category: str | None = None
    group_role: str | None = None


@dataclass(frozen=True)
class Qualification:
    """A certificate; `expires_on` None if it does not expire."""

    name: str
    number: str = ""
    expires_on: date | None = None


@dataclass(frozen=True)
class Profile:
    """What is said about a person; None, or a key that is missing, says nothing.

    `columns` are columns of `Expert`. `industries` begin with the primary one. `contacts` replace those
    of the kinds that are named. `point` is an exact place; a `region` alone stands for its seat, and
    `at_seat` says that no exact place is known (any more).
    """

    columns: Mapping[str, str | date | None] = field(default_factory=dict)
    industries: tuple[str, ...] | None = None
    specialties: frozenset[str] | None = None
    offers: frozenset[str] | None = None
    region: str | None = None
    point: Point | None = None
    at_seat: bool = False
    contacts: Mapping[ContactKind, tuple[str, ...]] = field(default_factory=dict)
    term: TermOfOffice | None = None
    certificates: tuple[Qualification, ...] | None = None
    standing: Standing | None = None

    @property
    def name(self) -> str:
        return str(self.columns.get("name") or "")

    @property
    def employer(self) -> str:
        return str(self.columns.get("employer") or "")


@dataclass(frozen=True)
class Change:
    """One thing that a profile would change, in words that may be shown and kept: phones are masked."""

    field: str
    before: str
    after: str
