"""What comes in from outside, and what can become of it: the kinds and the results, in words.

Pure. Reading a person's reply is left to `reply_texts`, applying it to `replies`.
"""

from __future__ import annotations

from ground.terms import Term


class InboundKind(Term):
    RECEIPT = "receipt", "回执", "receipt"
    REPLY = "reply", "回复", "reply"
    UNREADABLE = "unreadable", "无法读取", "unreadable"


class InboundResult(Term):
    """What the program made of it by itself. What a person then made of it stands in columns of its own."""

    # Of a receipt
    APPLIED = "applied", "已记入", "applied"
    CHANGED_NOTHING = "no_change", "无变化", "changed nothing"
    UNKNOWN = "unknown", "对应的消息未知", "message unknown"
    NEVER_SENT = "never_sent", "该消息并未发出", "message was never sent"
