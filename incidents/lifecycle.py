"""The states of an incident and the moves between them.

Pure. One operation writes each move (`incidents.handling`); stopping the callouts of an incident that is
closed or withdrawn is done above, in `coordination.closing`.
"""

from __future__ import annotations

from ground.terms import Term


class IncidentStatus(Term):
    REPORTED = "reported", "接报", "reported"  # somebody called; nobody has checked
    VERIFIED = "verified", "核实", "verified"  # it is true
    RESPONDING = "responding", "响应", "responding"  # people are being asked or are on their way
    CONTROLLED = "controlled", "控制", "controlled"  # no longer growing; people may still be on scene
    CLOSED = "closed", "结束", "closed"  # over, everyone released
    WITHDRAWN = "withdrawn", "误报", "withdrawn as a false alarm"


S = IncidentStatus

CLOSED_STATUSES = frozenset({S.CLOSED, S.WITHDRAWN})
OPEN_STATUSES = frozenset(S) - CLOSED_STATUSES

# Forward may skip: the call-out often begins before anybody has verified, and a small incident goes from
# 响应 to 结束. Only 响应 is reached from behind: what was under control can flare up again.
# 响应 → 误报 is allowed because we page before we verify: a false alarm is often found out by the first
# to arrive, and those who were asked must be stood down as withdrawn, not thanked as for a rescue.
# From 控制 there was something to control, so it can no longer be a false alarm.
MOVES: dict[IncidentStatus, frozenset[IncidentStatus]] = {
    S.REPORTED: frozenset({S.VERIFIED, S.RESPONDING, S.CONTROLLED, S.CLOSED, S.WITHDRAWN}),
    S.VERIFIED: frozenset({S.RESPONDING, S.CONTROLLED, S.CLOSED, S.WITHDRAWN}),
    S.RESPONDING: frozenset({S.CONTROLLED, S.CLOSED, S.WITHDRAWN}),
    S.CONTROLLED: frozenset({S.RESPONDING, S.CLOSED}),
    S.CLOSED: frozenset(),
    S.WITHDRAWN: frozenset(),
}


def can_move(current: IncidentStatus, to: IncidentStatus) -> bool:
    """Say whether an incident may move from `current` to `to`; to stay is not a move."""
    return to in MOVES[current]
