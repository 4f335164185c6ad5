"""The states of a guidance request and what may follow what.

Pure. `guidance` is the operation module that writes them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ground.terms import Term


class GuidanceStatus(Term):
    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "已提交", "submitted"
    ACCEPTED = "accepted", "已受理", "accepted"
    RETURNED = "returned", "已退回", "returned"
    SOURCING = "sourcing", "正在派专家", "finding experts"
    SCHEDULED = "scheduled", "已约时间", "scheduled"
    VISITED = "visited", "已到访", "visited"
    REPORTED = "reported", "已出报告", "reported"
    RATED = "rated", "已评价", "rated"
    CLOSED = "closed", "已办结", "closed"
    CANCELLED = "cancelled", "已取消", "cancelled"


G = GuidanceStatus
GUIDANCE_MOVES: Mapping[GuidanceStatus, frozenset[GuidanceStatus]] = {
    G.DRAFT: frozenset({G.SUBMITTED, G.CANCELLED}),
    G.SUBMITTED: frozenset({G.ACCEPTED, G.RETURNED, G.CANCELLED}),
    G.RETURNED: frozenset({G.SUBMITTED, G.CANCELLED}),
    G.ACCEPTED: frozenset({G.SOURCING, G.CANCELLED}),
    # Sourcing again follows from a visit whose expert withdrew.
    G.SOURCING: frozenset({G.SCHEDULED, G.ACCEPTED, G.CANCELLED}),
    G.SCHEDULED: frozenset({G.VISITED, G.SOURCING, G.CANCELLED}),
    G.VISITED: frozenset({G.REPORTED}),
    G.REPORTED: frozenset({G.RATED, G.CLOSED}),
    G.RATED: frozenset({G.CLOSED}),
    G.CLOSED: frozenset(),
    G.CANCELLED: frozenset(),
}
FINISHED = frozenset({G.CLOSED, G.CANCELLED})


class GuidanceKind(Term):
    """The services an enterprise can ask for. A review and only a review makes recusal a bar (办法 art. 22)."""

    INSPECTION = "inspection", "隐患排查", "hazard inspection"
    RISK_ASSESSMENT = "risk_assessment", "风险评估", "risk assessment"
    PLAN_PREPARATION = "plan_preparation", "预案编制", "plan preparation"
    PLAN_REVIEW = "plan_review", "预案评审", "plan review"
    DRILL = "drill", "应急演练", "drill"
    TRAINING = "training", "宣传培训", "training"


class Payer(Term):
    CENTRE = "centre", "使用单位（中心）支付", "paid by the centre"
    ENTERPRISE = "enterprise", "受服务企业支付", "paid by the enterprise"
    FREE = "free", "公益服务，不收费", "free of charge"
