"""Matching: who fits a need, who is proposed for its seats, and why nobody else.

Pure: no module here knows the database. Callers import from here; `candidates` fills the pools.
"""

from coordination.matching.fits import Fit
from coordination.matching.matches import Match, Matching
from coordination.matching.matchmaking import match, match_all
from coordination.matching.needs import KnownDrive, Need, Requirement, Situation, Vocabulary
from coordination.matching.pool import Pool
from coordination.matching.reasons import Reason
from coordination.matching.rules import RULES_VERSION
from coordination.matching.scoring import ScorePart, Weights
from coordination.matching.verdicts import (
    BasisOffered,
    CandidateRow,
    Excluded,
    ReasonCount,
    Shortfall,
)
from coordination.paging import InviteeKind, Mode

__all__ = [
    "BasisOffered",
    "CandidateRow",
    "Excluded",
    "Fit",
    "InviteeKind",
    "KnownDrive",
    "Match",
    "Matching",
    "Mode",
    "Need",
    "Pool",
    "RULES_VERSION",
    "Reason",
    "ReasonCount",
    "Requirement",
    "ScorePart",
    "Shortfall",
    "Situation",
    "Vocabulary",
    "Weights",
    "match",
    "match_all",
]
