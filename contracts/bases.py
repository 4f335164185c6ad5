"""On what ground a rescue team comes. Pure."""

from __future__ import annotations

from ground.terms import Term


class Basis(Term):
    """Its own enterprise and an agreement oblige it. Otherwise the government orders, or somebody asks a favour.

    The duty is that of `ground.laws.DUTY_TO_JOIN`.
    """

    OWN = "own", "本企业队伍", "the enterprise's own team"
    AGREEMENT = "agreement", "救援协议", "rescue agreement"
    ORDER = "order", "政府命令", "government order"
    FAVOUR = "favour", "协助", "favour"
