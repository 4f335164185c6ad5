"""What the centre's page shows of the panel for a plan review: what is asked for, what is proposed, who is on it.

The rules stand in the address, so that a proposal can be looked at again and worked without scripts; a button
then asks exactly those who were shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import product
from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from contracts.models import InterestKind
from coordination import recusal, review_panels
from coordination.matching import CandidateRow
from coordination.matching.panels import Member, NoPanel, PanelRules, Solver
from coordination.models import GuidanceRequest, Invitation
from coordination.review_panels import SIZES, USUAL, Proposed
from coordination.visits import GuidanceKind
from experts.models import Expert
from ground import clock
from ground.languages import sentence
from ground.mistakes import Mistake
from ground.terms import Words

_MOST_PAIRS: Final = 20
_NUMBERS: Final = {
    "size": Words("人数", "the size"),
    "per_employer": Words("同一单位最多", "at most of one employer"),
    "seniors": Words("正高级至少", "seniors at least"),
}


class WrongRules(Mistake):
    """What was typed for a panel's rules cannot be read."""


@dataclass(frozen=True)
class SeatShown:
    """One member. `row` says what matching says of somebody proposed, `invitation` how far somebody asked has got.

    `must_recuse` says what bars somebody asked, where that came up afterwards.
    """

    expert: Expert
    leads: bool
    group_role: str = ""
    is_near: bool = False
    row: CandidateRow | None = None
    invitation: Invitation | None = None
    must_recuse: Words | None = None


@dataclass(frozen=True)
class ProposedShown:
    """`joining` are the ids of those whom the button asks; without a panel `why` says why there is none."""

    seats: Sequence[SeatShown] = ()
    joining: Sequence[int] = ()
    why: Words | None = None
    left_out: Words | None = None
    seniors: int = 0
    employers: int = 0
    solver: Solver = Solver.PLAIN
    is_best: bool = True


@dataclass(frozen=True)
class PanelCard:
    """All of the panel's part of the page. `typed` fills the form; `open_seats` is 0 before anybody is asked."""

    typed: dict[str, str]
    can_seat: bool
    present: Sequence[SeatShown] = ()
    size: int = 0
    open_seats: int = 0
    has_leader: bool = False
    proposed: ProposedShown | None = None
    problem: str = ""
    sizes: Sequence[str] = field(default_factory=lambda: [str(size) for size in SIZES])


def rules_of(said: QueryDict) -> PanelRules:
    """Return the rules that were typed.

    :raises WrongRules: if a number is none, or a name is on no roster. :raises WrongPanel: if no panel is so.
    """
    return review_panels.rules_for(
        size=_number(said, "size"),
        per_employer=_number(said, "per_employer"),
        seniors=_number(said, "seniors"),
        apart=_apart(said.get("apart", "")),
    )


def card(asked: GuidanceRequest, said: QueryDict, *, may_propose: bool, at: datetime) -> PanelCard | None:
    """Return the panel's part of the page; None where a request has none and will have none."""
    if asked.kind != GuidanceKind.PLAN_REVIEW:
        return None
    last = review_panels.present(asked)
    can_seat = may_propose and review_panels.can_seat(asked)
    if last is None and not can_seat:
        return None
    typed = {
        "size": str(next((size for size in SIZES if size >= asked.experts_wanted), SIZES[-1])),
        "per_employer": str(USUAL.per_employer),
        "seniors": str(USUAL.seniors),
        "apart": "",
    }
    present: list[SeatShown] = []
    size = open_seats = 0
    if last:
        present = _present(asked, last, today=clock.day_of(at))
        size = last.rules.size
        open_seats = max(0, size - len(present))
        typed |= {
            "size": str(size),
            "per_employer": str(last.rules.per_employer),
            "seniors": str(last.rules.seniors),
            "apart": _names_of(last.rules),
        }
    proposed, problem = None, ""
    if can_seat and "size" in said:
        typed |= {name: said.get(name) or "" for name in typed if name in said}
        try:
            proposed = _shown(review_panels.propose(asked, rules_of(said), at=at))
        except Mistake as mistake:
            problem = sentence(mistake)
    has_leader = any(one.leads for one in present)
    return PanelCard(typed, can_seat, present, size, open_seats, has_leader, proposed, problem)


def ticked(said: QueryDict) -> list[int]:
    """Return the ids of those whom the page showed as the ones to be asked."""
    shown = said.getlist("expert")
    if not shown or not all(one.isdecimal() and len(one) < 19 for one in shown):
        raise WrongRules("请先看推荐的专家组，再邀请。", "Look at the panel first, then ask.")
    return [int(one) for one in shown]


def asked_words(kept: review_panels.Kept) -> str:
    """Return who has just been asked, and who leads."""
    leader = Expert.objects.only("name").get(pk=kept.leader).name
    joined = len(kept.members) - len(kept.seated)
    return _("已邀请专家组 %(n)d 位，组长：%(name)s。") % {"n": joined, "name": leader}


def _number(said: QueryDict, name: str) -> int:
    typed = said.get(name, "").strip()
    if not typed.isdecimal() or len(typed) > 2:
        what = _NUMBERS[name]
        raise WrongRules(
            f"“{what.zh}”应为一个数字，现为“{typed[:20]}”。请改正。",
            f"Give a number for “{what.en}”, not “{typed[:20]}”.",
        )
    return int(typed)


def _apart(typed: str) -> frozenset[frozenset[int]]:
    """Read "王工、李工；赵工、钱工": those of a group must not sit with one another.

    Of two experts with the same name both are meant: it is the safe way to read it.
    """
    groups = [
        [name.strip() for name in re.split(r"[、,，\s]+", group) if name.strip()]
        for group in re.split(r"[；;\n]+", typed[:400])
    ]
    names = {name for group in groups for name in group}
    ids: dict[str, list[int]] = {name: [] for name in names}
    for pk, name in Expert.objects.filter(name__in=names).values_list("pk", "name"):
        ids[name].append(pk)
    if unknown := sorted(name for name, found in ids.items() if not found):
        raise WrongRules(
            f"名册里没有“{'、'.join(unknown)}”。请核对姓名；每组用顿号分开，组与组用分号分开。",
            f"“{', '.join(unknown)}” is not on the roster. Check the names; "
            "write a comma between names and a semicolon between groups.",
        )
    pairs = {
        frozenset({one, other})
        for group in groups
        for first, second in product(group, group)
        if first != second
        for one, other in product(ids[first], ids[second])
    }
    if len(pairs) > _MOST_PAIRS:
        raise WrongRules(
            f"不能同组的最多 {_MOST_PAIRS} 对，现为 {len(pairs)} 对。请减少。",
            f"At most {_MOST_PAIRS} pairs who must not sit together, not {len(pairs)}.",
        )
    return frozenset(pairs)


def _names_of(rules: PanelRules) -> str:
    names = dict(Expert.objects.filter(pk__in=frozenset().union(*rules.apart)).values_list("pk", "name"))
    return "；".join(
        "、".join(names.get(id_, "") for id_ in pair) for pair in sorted(map(sorted, rules.apart))
    )


def _present(asked: GuidanceRequest, last: review_panels.Kept, *, today: date) -> list[SeatShown]:
    held = review_panels.held_in(last.recommendation.callout)
    ties = recusal.ties(asked, [one.expert_id for one in held if one.expert_id], today=today)
    kinds = {tie.expert_id: InterestKind(tie.kind) for tie in ties}
    seats = [
        SeatShown(
            one.expert,
            one.expert_id == last.leader,
            invitation=one,
            must_recuse=_recusal_words(kinds.get(one.expert.pk)),
        )
        for one in held
        if one.expert
    ]
    return sorted(seats, key=lambda one: not one.leads)


def _recusal_words(kind: InterestKind | None) -> Words | None:
    return Words(f"应当回避：{kind.zh}", f"must recuse: {kind.en}") if kind else None


def _shown(proposed: Proposed) -> ProposedShown:
    left_out = proposed.match.exclusion_words()
    panel = proposed.panel
    if panel is None:
        answer = proposed.made.answer
        return ProposedShown(why=answer.words if isinstance(answer, NoPanel) else None, left_out=left_out)
    experts = Expert.objects.in_bulk(panel.members)
    held = {one.expert_id: one for one in proposed.held}
    asked = proposed.made.asked
    seated = {one.id: one for one in asked.seated}
    near = {id_ for id_, _points, is_near in proposed.match.points() if is_near}

    def shown(id_: int) -> SeatShown:
        row = proposed.match.about(id_) if id_ not in held else None
        member: Member | None = seated.get(id_)
        return SeatShown(
            expert=experts[id_],
            leads=id_ == panel.leader,
            group_role=member.group_role if member else asked.backgrounds[id_].group_role,
            is_near=member.is_near if member else id_ in near,
            row=row if isinstance(row, CandidateRow) else None,
            invitation=held.get(id_),
        )

    seats = [shown(id_) for id_ in panel.members]
    return ProposedShown(
        seats=seats,
        joining=proposed.joining,
        left_out=left_out,
        seniors=sum(one.expert.is_senior for one in seats),
        employers=len({one.expert.employer for one in seats}),
        solver=panel.solver,
        is_best=panel.is_best,
    )
