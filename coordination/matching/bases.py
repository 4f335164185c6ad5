"""On what basis each team can be called to a rescue: its own enterprise, an agreement, an order, a favour.

Pure. What follows from a basis (who pays, which paper is sent) stands in `contracts.bases`; which agreement
obliges is said in `rules_teams`, beside the cautions about those that do not.
"""

from __future__ import annotations

import math

from contracts.bases import FOOTINGS, Basis
from coordination.matching.fits import Case
from coordination.matching.pool import Promise
from coordination.matching.rules_teams import is_own, obliging
from coordination.matching.scoring import TURNOUT_MINUTES
from coordination.matching.verdicts import BasisOffered
from ground.places import TravelTimeBasis
from ground.terms import Words, joined

FAVOUR = BasisOffered(
    Basis.FAVOUR, Words("请求邻近队伍协助，对方可以不来", "asked as a favour: it may decline")
)


def basis_of(
    case: Case,
    row: int,
    minutes: float | None,
    travel_basis: TravelTimeBasis = TravelTimeBasis.STRAIGHT_LINE,
) -> BasisOffered | None:
    """Return the strongest basis on which this team can be called to a rescue; None for anything else.

    `minutes` run from the call until arrival, as shown beside the team; None is unknown.
    """
    if case.asks_experts or not case.need.is_urgent:
        return None
    if is_own(case, row):
        return BasisOffered(Basis.OWN, Words("事发单位自有队伍", "the enterprise's own team"))
    if promises := obliging(case, row):
        _, _, promise = max(promises, key=lambda one: (one[1], one[2].number))
        return _promised(case, promise, minutes, travel_basis)
    return BasisOffered(
        Basis.ORDER,
        Words(
            "无有效协议：由政府下达救援命令，或作为协助请求",
            "no agreement in force: by government order, or asked as a favour",
        ),
        FOOTINGS[Basis.ORDER].duty,
        otherwise=FAVOUR,
    )


def _promised(
    case: Case, promise: Promise, minutes: float | None, travel_basis: TravelTimeBasis
) -> BasisOffered:
    words = Words("协议 {number} 有效", "agreement {number} in force").filled(number=promise.number)
    if promise.minutes is not None:
        promised = Words(f"承诺 {promise.minutes} 分钟到达", f"promised within {promise.minutes} min")
        words = joined([words, promised], Words("，", ", "))
    in_time, timing = _timing(case, promise, minutes, travel_basis)
    return BasisOffered(
        Basis.AGREEMENT,
        words,
        FOOTINGS[Basis.AGREEMENT].duty,
        promise.number,
        promise.minutes,
        in_time,
        timing,
    )


def _timing(
    case: Case, promise: Promise, minutes: float | None, travel_basis: TravelTimeBasis
) -> tuple[bool | None, Words | None]:
    """Set the promise against the drive: the one that was measured, or else the one that was estimated."""
    if promise.measured_minutes is not None:
        minutes = promise.measured_minutes + TURNOUT_MINUTES[case.pool.kind]
        travel_basis = TravelTimeBasis.MEASURED
    if promise.minutes is None or minutes is None:
        return None, None
    # Whole minutes, as they are shown: nobody is late by a fraction of one.
    late = math.floor(minutes + 0.5) - promise.minutes
    source = Words(travel_basis.zh, travel_basis.en)
    if late <= 0:
        return True, Words(
            "约 {minutes} 分钟（{source}），在承诺之内", "about {minutes} min ({source}), as promised"
        ).filled(minutes=f"{minutes:.0f}", source=source)
    return False, Words(
        "约 {minutes} 分钟（{source}），比承诺晚 {late} 分钟",
        "about {minutes} min ({source}), {late} min later than promised",
    ).filled(minutes=f"{minutes:.0f}", source=source, late=late)
