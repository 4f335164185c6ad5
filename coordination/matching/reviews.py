"""A review panel out of a match: whom matching says may go, with what the roster says of each on that day.

Pure. It hands those who may go to `panels` with their points, and writes down what the panel was made from,
so that the same one can be worked out again; keeping that is up to `recommendations`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from coordination.matching.matches import Match
from coordination.matching.panels import Member, NoPanel, Panel, PanelRules, choose


class Background(NamedTuple):
    """What the roster says of an expert on the day; see `panels.Member`."""

    employer: str = ""
    is_senior: bool = False
    group_role: str = ""


@dataclass(frozen=True, slots=True)
class PanelAsked:
    """What a panel is made from, beside the match.

    `seated` are on it already, and `leader` is the one of them who leads. Whoever has no background has left
    the roster since the match looked at it, and is passed over.
    """

    rules: PanelRules
    backgrounds: Mapping[int, Background]
    seated: tuple[Member, ...] = ()
    leader: int | None = None


@dataclass(frozen=True, slots=True)
class PanelMade:
    """What was asked for, and the panel or why there is none. Scores are hundredths of a point."""

    asked: PanelAsked
    answer: Panel | NoPanel

    def to_dict(self) -> dict[str, Any]:
        """Return it as it is kept with a recommendation, all but the backgrounds."""
        asked, rules = self.asked, self.asked.rules
        return {
            "rules": {
                "size": rules.size,
                "per_employer": rules.per_employer,
                "seniors": rules.seniors,
                "apart": sorted(sorted(pair) for pair in rules.apart),
            },
            "seated": [asdict(one) for one in asked.seated],
            "led_by": asked.leader,
            **_written(self.answer),
        }

    def backgrounds(self) -> list[list[Any]]:
        return [[id_, *one] for id_, one in sorted(self.asked.backgrounds.items())]


def _written(answer: Panel | NoPanel) -> dict[str, Any]:
    if isinstance(answer, NoPanel):
        return {"why": answer.words.to_dict(), "is_certain": answer.is_certain}
    return {
        "leader": answer.leader,
        "members": list(answer.members),
        "score": answer.score,
        "solver": str(answer.solver),
        "is_best": answer.is_best,
    }


def read_rules(said: Mapping[str, Any]) -> PanelRules:
    """Return the rules that `PanelMade.to_dict` wrote."""
    return PanelRules(**{**said, "apart": frozenset(frozenset(pair) for pair in said["apart"])})


def read(said: Mapping[str, Any], backgrounds: Collection[Collection[Any]]) -> PanelAsked:
    """Return what `PanelMade` wrote."""
    return PanelAsked(
        read_rules(said["rules"]),
        {id_: Background(*rest) for id_, *rest in backgrounds},
        tuple(Member(**one) for one in said["seated"]),
        said["led_by"],
    )


def seat(match: Match, asked: PanelAsked) -> PanelMade:
    """Return the best panel of those who may go, around those who are seated."""
    members = [
        Member(id_, points, *asked.backgrounds[id_], is_near=is_near)
        for id_, points, is_near in match.points()
        if id_ in asked.backgrounds
    ]
    return PanelMade(asked, choose(members, asked.rules, seated=asked.seated, leader=asked.leader))
