"""How each candidate's trade answers a requirement.

Pure. The trade itself comes before near trades; who may go at all is left to `rules`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from coordination.matching.facts import NOBODY, Rows
from coordination.matching.needs import KnownDrive, Need, Requirement, Vocabulary
from coordination.matching.pool import Pool
from coordination.paging import InviteeKind
from ground.places import TravelTimeBasis


class Fit(IntEnum):
    """How a candidate's trade answers the requirement. `NEAR` counts only when the others are used up."""

    NONE = 0
    NEAR = 1
    SECONDARY = 2
    PRIMARY = 3


Fits = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One requirement of a need before one pool: what every rule looks at."""

    pool: Pool
    need: Need
    requirement: Requirement
    vocabulary: Vocabulary
    fits: Fits

    @property
    def asked(self) -> tuple[Hashable, ...]:
        """Return all that a standing rule looks at besides the pool."""
        need, ask = self.need, self.requirement
        return (
            *(need.situation, need.first_day, need.last_day, need.category),
            *(ask.industry, ask.specialty, ask.capability, ask.certificate),
            self.vocabulary.near_to(ask.industry or ""),
        )

    @property
    def drives(self) -> dict[int, KnownDrive]:
        """Return the known drives of this pool, by row."""
        mine = (one for one in self.need.drives if one.kind is self.pool.kind)
        return {row: one for one in mine if (row := self.pool.row(one.id)) is not None}

    def travel_basis(self, row: int) -> TravelTimeBasis:
        """Return where the minutes of a row come from."""
        drive = self.drives.get(row)
        return drive.basis if drive else TravelTimeBasis.STRAIGHT_LINE

    @property
    def asked_elsewhere(self) -> Rows:
        """Return the rows from which another incident waits for an answer; drills apart.

        One pool serves several needs, each of which has asked people of its own, so its label is left out.
        """
        return self.pool.asked.rows_but(self.need.label)

    @property
    def asked_in_other_drills(self) -> Rows:
        return self.pool.asked_in_drills.rows_but(self.need.label)

    @property
    def asks_experts(self) -> bool:
        return self.pool.kind is InviteeKind.EXPERT


def case_of(pool: Pool, need: Need, requirement: Requirement, vocabulary: Vocabulary) -> Case:
    fits_of = _expert_fits if pool.kind is InviteeKind.EXPERT else _team_fits
    near = vocabulary.near_to(requirement.industry or "")
    asked = ("fits", requirement.industry, requirement.specialty, requirement.capability, near)
    fits = pool.kept(asked, lambda: fits_of(pool, requirement, vocabulary))
    return Case(pool, need, requirement, vocabulary, fits)


def _expert_fits(pool: Pool, requirement: Requirement, vocabulary: Vocabulary) -> Fits:
    if requirement.industry is None and requirement.specialty is None:
        return np.full(len(pool), Fit.PRIMARY, dtype=np.int8)
    fits = np.zeros(len(pool), dtype=np.int8)
    if requirement.industry is None:
        fits[pool.specialties.rows(requirement.specialty or "")] = Fit.PRIMARY
        return fits
    # The right specialty in another trade is as good a second choice as a neighbouring trade.
    if requirement.specialty:
        fits[pool.specialties.rows(requirement.specialty)] = Fit.NEAR
    for code in vocabulary.near_to(requirement.industry):
        fits[pool.primary.rows(code)] = Fit.NEAR
    fits[pool.secondary.rows(requirement.industry)] = Fit.SECONDARY
    fits[pool.primary.rows(requirement.industry)] = Fit.PRIMARY
    return fits


def _team_fits(pool: Pool, requirement: Requirement, vocabulary: Vocabulary) -> Fits:
    if requirement.industry is None and requirement.capability is None:
        return np.full(len(pool), Fit.PRIMARY, dtype=np.int8)
    fits = np.zeros(len(pool), dtype=np.int8)
    serving = pool.primary.rows(requirement.industry) if requirement.industry else NOBODY
    # What a team can do decides; which trades it is registered for only when no capability is asked.
    if requirement.capability:
        able = pool.capabilities.rows(requirement.capability)
        fits[able] = Fit.SECONDARY if requirement.industry else Fit.PRIMARY
        both = serving[fits[serving] == Fit.SECONDARY]
        fits[both] = Fit.PRIMARY
        return fits
    for code in vocabulary.near_to(requirement.industry or ""):
        fits[pool.primary.rows(code)] = Fit.NEAR
    fits[serving] = Fit.PRIMARY
    return fits
