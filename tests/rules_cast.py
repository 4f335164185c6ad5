"""One person or one team, of whom one thing at a time is said, and the needs that meet them.

The need is for an expert in hazardous chemicals, on site in 唐山, on 18 November 2026, for enterprise 7.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from coordination.matching import (
    Excluded,
    InviteeKind,
    Match,
    Need,
    Pool,
    Requirement,
    Situation,
    match,
)
from ground.dates import SHANGHAI
from ground.places import Point

NOW = datetime(2026, 11, 18, 6, 18, tzinfo=UTC)
TODAY = date(2026, 11, 18)
TANGSHAN = Point(39.63, 118.18)
FIRM, OTHER_FIRM = 7, 8
LI, WANG = 1, 2
TEAM = 5

CHEMIST = Requirement(key="chemist", industry="WH")
RESCUE = Need(
    situation=Situation.RESCUE, requirements=(CHEMIST,), at=NOW, on=TODAY, place=TANGSHAN, enterprise_id=FIRM
)
REVIEW = replace(RESCUE, situation=Situation.PLAN_REVIEW, on=date(2026, 12, 1), until=date(2026, 12, 3))
INSPECTION = replace(REVIEW, situation=Situation.INSPECTION)


def day(month: int, number: int, year: int = 2026) -> date:
    return date(year, month, number)


def li(**facts: Any) -> Pool:
    """Return a pool of one: Li, a chemist in good standing, unless `facts` say otherwise."""
    suspended_on = facts.pop("suspended_on", None)
    latitude, longitude = facts.pop("place", (39.7, 118.3))
    standing: dict[str, Any] = {
        "practices": [(LI, "WH", "primary")],
        "task_categories": [(LI, "emergency"), (LI, "review"), (LI, "inspection")],
        "appointments": [(LI, day(1, 1), day(12, 31, 2028), None)],
    }
    return Pool.of_experts([(LI, "李工", latitude, longitude, suspended_on)], **{**standing, **facts})


def only_match(pool: Pool, need: Need) -> Match:
    experts, teams = (pool, None) if pool.kind is InviteeKind.EXPERT else (None, pool)
    return match(need, experts=experts, teams=teams).matches[0]


def reasons_against(pool: Pool, need: Need) -> dict[str, str]:
    said = only_match(pool, need).about(int(pool.ids[0]))
    return {r.code: r.words.zh for r in said.reasons} if isinstance(said, Excluded) else {}


def cautions(pool: Pool, need: Need) -> dict[str, str]:
    rows = only_match(pool, need).rows()
    return {caution.code: caution.words.zh for caution in rows[0].cautions} if rows else {}


def team(state: str = "ready", owner: int | None = None, **facts: Any) -> Pool:
    standing: dict[str, Any] = {"industries": [(TEAM, "WH")], "capabilities": [(TEAM, "plugging")]}
    return Pool.of_teams([(TEAM, "演示危化队", 39.7, 118.3, state, owner)], **{**standing, **facts})


def mine_team(**facts: Any) -> Pool:
    """Return a standing mine rescue team that serves coal mines, unless `facts` say otherwise."""
    standing: dict[str, Any] = {"industries": [(TEAM, "MK")], "kinds": [(TEAM, "mine")], "full_time": [TEAM]}
    return team(**{**standing, **facts})


def shanghai(hour: int, minute: int = 0, *, on: date = TODAY) -> datetime:
    return datetime.combine(on, time(hour, minute), SHANGHAI)


PLUGGING = replace(
    RESCUE, requirements=(Requirement(key="team", kind=InviteeKind.TEAM, capability="plugging"),)
)
# It is 14:18 in Shanghai.
RESTED_AT_SIX, TIRED_AT_SEVEN = shanghai(6, 18), shanghai(7)
