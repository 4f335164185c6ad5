"""How far an agreement's team may be: the one figure that a rule in force names, for coal mines.

The rule is `ground.laws.COAL_MINE_DRIVE`.
"""

from __future__ import annotations

from typing import Final

from contracts.models import Agreement

USUAL_DRIVE_MINUTES: Final = 30


def over_the_usual_drive(agreement: Agreement) -> bool:
    """Say whether a coal mine's team needs longer than the rule's half hour.

    The rule says "一般不超过", so this warns and never blocks. Other industries have no such figure.
    Needs `agreement.enterprise`.
    """
    return (
        agreement.enterprise.industry_id == "MK"
        and agreement.drive_minutes is not None
        and agreement.drive_minutes > USUAL_DRIVE_MINUTES
    )
