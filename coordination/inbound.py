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
    # Of a reply
    ANSWERED = "answered", "已登记为答复", "taken as the answer"
    REPEATED = "repeated", "与先前的答复相同", "the same as before"
    HEARD = "heard", "已读，未答复", "read, not answered"
    AMBIGUOUS = "ambiguous", "分不清答复的是哪项通知", "answers one of several asks"
    UNCLEAR = "unclear", "看不出是接受还是不能参加", "neither a yes nor a no"
    NOT_OFFERED = "not_offered", "答复了未提供的选项", "an answer that was not offered"
    REFUSED = "refused", "不能登记", "could not be taken"
    OVER = "over", "对应的通知已结束", "the callout is over"
    UNASKED = "unasked", "没有待答的通知", "was not asked anything"
    STRANGER = "stranger", "未知号码", "unknown number"
    # Of what is neither
    UNREADABLE = "unreadable", "无法读取", "unreadable"


# What a person has to look at, until one of them has.
TO_CHECK = frozenset(
    {
        InboundResult.AMBIGUOUS,
        InboundResult.UNCLEAR,
        InboundResult.NOT_OFFERED,
        InboundResult.REFUSED,
        InboundResult.UNASKED,
        InboundResult.STRANGER,
        InboundResult.UNREADABLE,
    }
)
