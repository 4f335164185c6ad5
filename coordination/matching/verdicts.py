"""What matching says about a candidate: one who may go, one who must not, and what is missing.

Pure values, in words and ready to be stored; `matching` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.bases import FOOTINGS, Basis, Document
from coordination.matching.fits import Fit
from coordination.matching.reasons import Reason
from coordination.matching.scoring import ScorePart
from coordination.paging import InviteeKind
from ground.laws import Law
from ground.places import TravelTimeBasis
from ground.terms import Words


@dataclass(frozen=True, slots=True)
class BasisOffered:
    """The strongest basis that holds on the day, who pays then, and what is written to the team.

    `number` and `promised_minutes` are the agreement's; `in_time` sets the promise against the time that
    the drive takes, in words in `timing`. `otherwise` is what is left when this basis is not chosen.
    """

    basis: Basis
    words: Words
    law: Law | None = None
    number: str = ""
    promised_minutes: int | None = None
    in_time: bool | None = None
    timing: Words | None = None
    otherwise: BasisOffered | None = None

    @property
    def name(self) -> Words:
        return Words(self.basis.zh, self.basis.en)

    @property
    def document(self) -> Document:
        return FOOTINGS[self.basis].document

    @property
    def document_name(self) -> Words:
        return Words(self.document.zh, self.document.en)

    @property
    def document_words(self) -> Words:
        """Return the paper with its article: "救援命令（《…条例》第十八条）"."""
        return _cited(self.document_name, FOOTINGS[self.basis].document_law)

    @property
    def payer(self) -> Words:
        return FOOTINGS[self.basis].payer

    @property
    def costs_words(self) -> Words:
        """Return who pays, whole, with the article where the law says it."""
        footing = FOOTINGS[self.basis]
        return _cited(footing.costs, footing.costs_law)

    def to_dict(self) -> dict[str, Any]:
        footing = FOOTINGS[self.basis]
        return {
            "basis": str(self.basis),
            "name": self.name.to_dict(),
            "words": self.words.to_dict(),
            "law": self.law.to_dict() if self.law else None,
            "number": self.number,
            "promised_minutes": self.promised_minutes,
            "in_time": self.in_time,
            "timing": self.timing.to_dict() if self.timing else None,
            "document": str(self.document),
            "document_name": self.document_name.to_dict(),
            "document_words": self.document_words.to_dict(),
            "document_law": footing.document_law.to_dict() if footing.document_law else None,
            "payer": self.payer.to_dict(),
            "costs_words": self.costs_words.to_dict(),
            "costs_law": footing.costs_law.to_dict() if footing.costs_law else None,
            "otherwise": self.otherwise.to_dict() if self.otherwise else None,
        }


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One who may go, as shown.

    Kilometres are a straight line, minutes run from the call until arrival; None is unknown.
    """

    kind: InviteeKind
    id: int
    name: str
    fit: Fit
    score: int
    parts: tuple[ScorePart, ...]
    reasons_for: tuple[Words, ...]
    cautions: tuple[Reason, ...]
    distance_km: float | None
    minutes: float | None
    travel_basis: TravelTimeBasis
    basis: BasisOffered | None
    is_picked: bool
    is_reserve: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": str(self.kind),
            "id": self.id,
            "name": self.name,
            "fit": self.fit.name.lower(),
            "score": self.score,
            "parts": [part.to_dict() for part in self.parts],
            "reasons_for": [words.to_dict() for words in self.reasons_for],
            "cautions": [reason.to_dict() for reason in self.cautions],
            "distance_km": _rounded(self.distance_km),
            "minutes": _rounded(self.minutes),
            "travel_basis": str(self.travel_basis),
            "basis": self.basis.to_dict() if self.basis else None,
            "is_picked": self.is_picked,
            "is_reserve": self.is_reserve,
        }


@dataclass(frozen=True, slots=True)
class Excluded:
    """One who must not go, or does not fit, with every reason."""

    kind: InviteeKind
    id: int
    name: str
    reasons: tuple[Reason, ...]
    distance_km: float | None
    minutes: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": str(self.kind),
            "id": self.id,
            "name": self.name,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "distance_km": _rounded(self.distance_km),
            "minutes": _rounded(self.minutes),
        }


@dataclass(frozen=True, slots=True)
class ReasonCount:
    code: str
    label: Words
    count: int

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "label": self.label.to_dict(), "count": self.count}


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Seats that nobody can take: how many, and what keeps those of the trade away."""

    missing: int
    causes: tuple[ReasonCount, ...]
    words: Words

    def to_dict(self) -> dict[str, Any]:
        return {
            "missing": self.missing,
            "causes": [cause.to_dict() for cause in self.causes],
            "words": self.words.to_dict(),
        }


def _cited(words: Words, law: Law | None) -> Words:
    return Words(f"{words.zh}（{law.words.zh}）", f"{words.en} ({law.words.en})") if law else words


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
