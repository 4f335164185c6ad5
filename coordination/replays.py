"""What a recommendation was made from, written down, and the same answer worked out again from it years later.

When something is kept is up to `recommendations`; the plain JSON of needs and pools to `matching.papers`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coordination.matching import (
    RULES_VERSION,
    Matching,
    Pool,
    Vocabulary,
    match_all,
    papers,
    reviews,
)
from coordination.matching.panels import HAS_CP_SAT, Solver
from coordination.matching.reviews import PanelMade
from coordination.models import Recommendation, RecommendationInputs
from ground.mistakes import Refused

# What reading a damaged record comes to.
_UNREADABLE = (zlib.error, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, eq=False)
class LookedAt:
    """What one run of matching was given."""

    experts: Pool
    teams: Pool
    vocabulary: Vocabulary


def outcome(matching: Matching, others: Sequence[Matching], panel: PanelMade | None) -> dict[str, Any]:
    """Return what is kept of a run of matching for everybody to read, as plain JSON."""
    said = matching.to_dict() | {"others": [other.need.to_dict() for other in others]}
    return said | {"panel": panel.to_dict()} if panel else said


def compressed(looked_at: LookedAt, panel: PanelMade | None) -> bytes:
    """Return what matching and the panel were made from, as it is kept beside the outcome."""
    said: dict[str, Any] = {
        "experts": papers.written_pool(looked_at.experts),
        "teams": papers.written_pool(looked_at.teams),
        "vocabulary": papers.written_vocabulary(looked_at.vocabulary),
    }
    if panel:
        said["backgrounds"] = panel.backgrounds()
    return zlib.compress(json.dumps(said, ensure_ascii=False, allow_nan=False).encode())


class RulesHaveChanged(Refused):
    """The recommendation was made by other rules than this program has."""


class NothingToGoBy(Refused):
    """What the recommendation was made from was not kept."""


class SolverMissing(Refused):
    """The panel was found by a solver that is not installed here."""


class Damaged(Refused):
    """What was kept of the recommendation cannot be read any more."""


def worked_out_again(kept: Recommendation) -> dict[str, Any]:
    """Return the outcome that the same inputs give now; equal to what was kept, if neither has been touched.

    :raises RulesHaveChanged: if this program has another version of the rules. :raises NothingToGoBy: if the
        inputs were not kept. :raises SolverMissing: if it takes the optional extra `panels`.
        :raises Damaged: if what was kept cannot be read.
    """
    if kept.rules_version != RULES_VERSION:
        raise RulesHaveChanged(
            f"当时的规则版本是 {kept.rules_version}，本程序是 {RULES_VERSION}。请用当时的程序版本复算。",
            f"It was made by the rules {kept.rules_version}; this program has {RULES_VERSION}. "
            "Use the version of the program of that time.",
        )
    inputs = RecommendationInputs.objects.filter(recommendation=kept).first()
    if inputs is None:
        raise NothingToGoBy(
            "这次推荐没有保存输入，无法复算。",
            "What it was made from was not kept, so it cannot be done again.",
        )
    panel = kept.outcome.get("panel")
    if isinstance(panel, dict) and panel.get("solver") == Solver.CP_SAT and not HAS_CP_SAT:
        raise SolverMissing(
            "这个专家组是用 OR-Tools 求出的。请安装可选组件 panels（pip install 'muster[panels]'）再复算。",
            "OR-Tools found this panel. Install the optional extra (pip install 'muster[panels]') to do it again.",
        )
    try:
        said = json.loads(zlib.decompress(inputs.content))
        needs = [papers.read_need(one) for one in (kept.outcome["need"], *kept.outcome["others"])]
        weights = papers.read_weights(kept.outcome["weights"])
        looked_at = LookedAt(
            papers.read_pool(said["experts"]),
            papers.read_pool(said["teams"]),
            papers.read_vocabulary(said["vocabulary"]),
        )
        asked = reviews.read(panel, said["backgrounds"]) if panel else None
    except _UNREADABLE as damage:
        raise _damaged(kept) from damage
    matching, *others = match_all(
        needs,
        experts=looked_at.experts,
        teams=looked_at.teams,
        vocabulary=looked_at.vocabulary,
        weights=weights,
    )
    try:
        made = reviews.seat(matching.matches[0], asked) if asked else None
    except _UNREADABLE as damage:  # such as a leader who sits nowhere
        raise _damaged(kept) from damage
    return json.loads(json.dumps(outcome(matching, others, made)))  # type: ignore[no-any-return]  # a dict went in


def _damaged(kept: Recommendation) -> Damaged:
    return Damaged(
        f"保存的推荐 {kept.public_id} 已损坏或被改动，无法复算。请从备份取出当时的记录再复算。",
        f"What was kept of the recommendation {kept.public_id} is damaged or was changed, so it cannot be "
        "done again. Take the record from a backup of that time.",
    )
