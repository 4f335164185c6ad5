"""What a policy does, in words: shown before anything is sent, and on the page of the policies.

Pure. Only what this installation has is spoken of: a step over a medium that it lacks will not be taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

from coordination.paging import ChannelStep, InviteeKind, Medium, Policy
from ground.terms import Words, joined

_NUMBERS: Final[Mapping[int, Words]] = {
    2: Words("第二个号码", "second number"),
    3: Words("第三个号码", "third number"),
}
_SEMICOLON: Final = Words("；", "; ")


def steps(policy: Policy, media: Collection[Medium]) -> list[Words]:
    """Return in order what somebody is sent who does not answer: one sentence for each moment."""
    usable = [step for step in policy.steps if step.medium in media]
    moments = sorted({step.after for step in usable})
    first = moments[0] if moments else timedelta()
    return [_moment(moment - first, [step for step in usable if step.after == moment]) for moment in moments]


def _moment(after: timedelta, due: Collection[ChannelStep]) -> Words:
    means = joined([_means(contact, due) for contact in sorted({step.contact for step in due})])
    if not after:
        return Words("立即：{means}", "at once: {means}").filled(means=means)
    return Words("{span}未答复：{means}", "no answer after {span}: {means}").filled(
        span=span(after), means=means
    )


def _means(contact: int, due: Collection[ChannelStep]) -> Words:
    means = joined([Words(step.medium.zh, step.medium.en) for step in due if step.contact == contact])
    if contact == 1:
        return means
    return Words("{number}的{means}", "{number}: {means}").filled(number=_NUMBERS[contact], means=means)


def if_nobody_answers(policy: Policy) -> Words:
    return Words(
        "{span}内不答复或婉拒，问名单上的下一位；名单问完仍缺人，向值班员告警",
        "after {span} without an answer, or on a no, the next on the list is asked; when the list is used up and "
        "seats are still free, the duty officer is alerted",
    ).filled(span=span(policy.answer_within))


def whole(policy: Policy, media: Collection[Medium]) -> Words:
    """Return all of it in one sentence."""
    if not (said := steps(policy, media)):
        return Words("没有配置任何通道，消息发不出去", "no channel is set up, so no message can leave")
    return joined([*said, if_nobody_answers(policy)], _SEMICOLON)


def over_asking(policy: Policy, kind: InviteeKind, *, severity: int) -> Words | None:
    """Return how many are asked at once for a seat, None for one."""
    if (times := policy.asked_per_seat(kind, severity=severity)) <= 1:
        return None
    people = Words("名专家", "experts") if kind is InviteeKind.EXPERT else Words("支队伍", "teams")
    return Words("每席同时问 {times} {people}", "{times} {people} asked at once for each seat").filled(
        times=f"{times:g}", people=people
    )


def span(length: timedelta) -> Words:
    """Return a length of time in the largest unit that leaves nothing over: 10 分钟, 2 小时, 2 天."""
    minutes = round(length / timedelta(minutes=1))
    for unit, zh, en in ((24 * 60, "天", "d"), (60, "小时", "h")):
        if minutes >= unit and not minutes % unit:
            return Words(f"{minutes // unit} {zh}", f"{minutes // unit} {en}")
    return Words(f"{minutes} 分钟", f"{minutes} min")
