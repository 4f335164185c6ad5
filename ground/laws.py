"""The articles that are cited to people. Each was read in the text of the law itself; nothing else is shown as law.

Pure. One home, so that a rule's article, its Chinese and English name and its version are checked once. The
rule that an article asks for stands where it is applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ground.terms import Words


@dataclass(frozen=True, slots=True)
class Law:
    """Where a rule stands: which law, which article, in which version."""

    name: Words
    article: Words
    version: Words

    @property
    def words(self) -> Words:
        """Return law and article, as they are named beside a reason."""
        return Words(f"《{self.name.zh}》{self.article.zh}", f"{self.name.en}, {self.article.en}")

    @property
    def whole(self) -> Words:
        """Return the same with the version, as it is cited beside a result that somebody may check."""
        return Words(
            f"{self.words.zh}（{self.version.zh}）",
            f"{self.words.en} ({self.version.en})",
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name.to_dict(),
            "article": self.article.to_dict(),
            "version": self.version.to_dict(),
        }


_ACCIDENTS = Words(
    "生产安全事故报告和调查处理条例",
    "Regulations on the Reporting, Investigation and Handling of Work Safety Accidents",
)
_DECREE_493 = Words(
    "国务院令第493号，2007-06-01起施行", "State Council Decree 493, in force since 2007-06-01"
)

ACCIDENT_LEVELS = Law(_ACCIDENTS, Words("第三条", "article 3"), _DECREE_493)
INVESTIGATION_RECUSAL = Law(_ACCIDENTS, Words("第二十三条", "article 23"), _DECREE_493)
PLAN_REVIEW_RECUSAL = Law(
    Words("生产安全事故应急预案管理办法", "Measures for the Administration of Work Safety Emergency Plans"),
    Words("第二十二条", "article 22"),
    Words("2019 年修正", "as amended in 2019"),
)
_EMERGENCIES = Words("生产安全事故应急条例", "Regulations on Work Safety Emergency Response")
_DECREE_708 = Words("2019 年施行", "in force since 2019")

# The accident unit asks its neighbours' teams for help; the government orders a team to come.
RESCUE_REQUEST = Law(_EMERGENCIES, Words("第十七条", "article 17"), _DECREE_708)
RESCUE_ORDER = Law(_EMERGENCIES, Words("第十八条", "article 18"), _DECREE_708)
DUTY_TO_JOIN = Law(_EMERGENCIES, Words("第十九条", "article 19"), _DECREE_708)
# The same article says who pays, but only for a rescue that the government has ordered.
ORDERED_RESCUE_COSTS = DUTY_TO_JOIN

_COAL_MINES = Words("煤矿安全规程", "Coal Mine Safety Regulations")
_REVISED_2025 = Words("2025 年修订，2026-02-01 起施行", "2025 revision, in force since 2026-02-01")

COAL_MINE_DRIVE = Law(_COAL_MINES, Words("第七百三十三条", "article 733"), _REVISED_2025)
MINE_TEAMS_FOR_RESCUE_ONLY = Law(_COAL_MINES, Words("第七百三十四条", "article 734"), _REVISED_2025)
REST_AFTER_APPARATUS = Law(_COAL_MINES, Words("第七百六十六条", "article 766"), _REVISED_2025)
