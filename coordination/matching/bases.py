"""On what ground a team comes to a rescue.

Pure. The strongest ground that holds on the day is shown: its own enterprise, an agreement, a government order.
"""

from __future__ import annotations

from contracts.bases import Basis
from coordination.matching.fits import Case
from coordination.matching.verdicts import BasisOffered
from ground.laws import DUTY_TO_JOIN
from ground.terms import Words, joined


def basis_of(case: Case, row: int) -> BasisOffered | None:
    """Return the strongest basis on which this team can be called to a rescue; None for anything else."""
    if case.asks_experts or not case.need.is_urgent:
        return None
    enterprise = case.need.enterprise_id
    if enterprise is not None and case.pool.owners.has(row, str(enterprise)):
        return BasisOffered(Basis.OWN, Words("事发单位自有队伍", "the enterprise's own team"))
    if enterprise is not None:
        holding = [
            (end, promise)
            for start, end, promise in case.pool.agreements.of_row(row, enterprise)
            if start <= case.need.first_day <= end
        ]
        if holding:
            _, promise = max(holding, key=lambda held: (held[0], held[1].number))
            words = Words("协议 {number} 有效", "agreement {number} in force").filled(number=promise.number)
            if promise.minutes is not None:
                promised = Words(f"承诺 {promise.minutes} 分钟到达", f"promised within {promise.minutes} min")
                words = joined([words, promised], Words("，", ", "))
            return BasisOffered(Basis.AGREEMENT, words, DUTY_TO_JOIN, promise.number, promise.minutes)
    words = Words(
        "无有效协议：由政府下达救援命令，或作为协助请求",
        "no agreement in force: by government order, or asked as a favour",
    )
    return BasisOffered(Basis.ORDER, words, DUTY_TO_JOIN)
