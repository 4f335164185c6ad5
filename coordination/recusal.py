"""Which experts must keep out of a request because of a tie to its enterprise: a review, and only a review.

Asked at each step and not only when somebody is chosen, for a tie may be written down after they were asked, or
begin before the visit. Whom matching proposes is left to its own rules, which go by the same days.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from django.db.models import Q

from contracts.models import Interest, InterestKind
from coordination.matching.needs import Situation
from coordination.models import GuidanceRequest
from ground.mistakes import Refused
from ground.terms import Words

CHOOSE_ANOTHER: Final = Words("请换一位专家。", "Choose somebody else.")
HAVE_THEM_LEAVE: Final = Words(
    "请先登记其婉拒或退出，再继续。", "Record that they decline or withdraw, then go on."
)
CANNOT_ACCEPT: Final = Words(
    "本次不能接受。情况有出入的，请联系我们。", "This cannot be accepted; if it is not so, tell us."
)


class MustRecuse(Refused):
    """An expert with an interest in the enterprise is to act where the law bars them."""


def ties(request: GuidanceRequest, experts: Collection[int], *, today: date) -> list[Interest]:
    """Return what bars these experts (ids) on the days of the visit, or on those wished for; [] if nothing does."""
    if Situation(request.kind).recusal is None or not experts:
        return []
    first = max(request.visit_from or request.wished_from or today, today)
    last = max(request.visit_until or request.wished_until or first, first)
    found = Interest.objects.filter(
        Q(starts_on=None) | Q(starts_on__lte=last),
        Q(ends_on=None) | Q(ends_on__gte=first),
        enterprise=request.enterprise,
        expert__in=experts,
    )
    return list(found.select_related("expert").order_by("pk"))


def refuse(request: GuidanceRequest, experts: Collection[int], *, today: date, mend: Words) -> None:
    """Refuse to go on while one of these experts must recuse; `mend` says what to do about it.

    :raises MustRecuse: naming the expert, the tie and the article.
    """
    law = Situation(request.kind).recusal
    found = ties(request, experts, today=today)
    if law is None or not found:
        return
    tie = found[0]
    kind = InterestKind(tie.kind)
    raise MustRecuse(
        f"{tie.expert.name}与{request.enterprise.name}有利害关系（{kind.zh}），"
        f"按{law.words.zh}应当回避。{mend.zh}",
        f"{tie.expert.name} has an interest in {request.enterprise.name} ({kind.en}) and must recuse: "
        f"{law.words.en}. {mend.en}",
    )
