"""How far an agreement's team may be: the one figure that a rule in force names, for coal mines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.models import Agreement

USUAL_DRIVE_MINUTES: Final = 30


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule stands: law, article, version."""

    law_zh: str
    law_en: str
    article_zh: str
    article_en: str
    version_zh: str
    version_en: str


COAL_MINE_DRIVE: Final = Source(
    "煤矿安全规程",
    "Coal Mine Safety Regulations",
    "第七百三十三条",
    "article 733",
    "2025 年修订，2026-02-01 起施行",
    "2025 revision, in force since 2026-02-01",
)


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
