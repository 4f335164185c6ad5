"""On what ground a rescue team comes, and what follows from it: who pays, and which paper is sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ground.laws import DUTY_TO_JOIN, ORDERED_RESCUE_COSTS, RESCUE_ORDER, RESCUE_REQUEST, Law
from ground.terms import Term, Words


class Basis(Term):
    """Its own enterprise and an agreement oblige it. Otherwise the government orders, or somebody asks a favour.

    The duty is that of `ground.laws.DUTY_TO_JOIN`.
    """

    OWN = "own", "本企业队伍", "the enterprise's own team"
    AGREEMENT = "agreement", "救援协议", "rescue agreement"
    ORDER = "order", "政府命令", "government order"
    FAVOUR = "favour", "协助", "favour"


class Document(Term):
    """What is written to the team. Whoever needs help asks; only the government orders."""

    REQUEST = "request", "救援请求", "request for rescue"
    ORDER = "order", "救援命令", "rescue order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What follows from a basis, each with the article that says so.

    `payer` names who pays in a word, `costs` says it whole. The law settles the cost of a rescue that was
    ordered, and of no other: there `costs_law` is None.
    """

    document: Document
    document_law: Law | None = None
    payer: Words
    costs: Words
    costs_law: Law | None = None
    duty: Law | None = None


FOOTINGS: Final[Mapping[Basis, Footing]] = {
    Basis.OWN: Footing(
        document=Document.REQUEST,
        payer=Words("本单位", "the enterprise"),
        costs=Words("事发单位自有队伍，费用由本单位承担", "the enterprise pays for its own team"),
    ),
    Basis.AGREEMENT: Footing(
        document=Document.REQUEST,
        document_law=DUTY_TO_JOIN,
        payer=Words("按协议", "by the agreement"),
        costs=Words("费用按协议约定", "costs are borne as the agreement says"),
        duty=DUTY_TO_JOIN,
    ),
    Basis.ORDER: Footing(
        document=Document.ORDER,
        document_law=RESCUE_ORDER,
        payer=Words("事故责任单位", "the unit responsible"),
        costs=Words(
            "费用由事故责任单位承担；无力承担的，由政府协调解决",
            "the unit responsible for the accident pays; if it cannot, the government settles the costs",
        ),
        costs_law=ORDERED_RESCUE_COSTS,
        duty=DUTY_TO_JOIN,
    ),
    Basis.FAVOUR: Footing(
        document=Document.REQUEST,
        document_law=RESCUE_REQUEST,
        payer=Words("双方商定", "as agreed between the two"),
        costs=Words("费用由双方商定", "costs are settled between the two sides"),
    ),
}
