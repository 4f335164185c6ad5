"""What somebody means who answers an ask in a few characters: 1, 2, 3, a yes or a no, or nothing clear.

Pure. A text is an answer only if all of it is understood: one that merely contains a yes ("1不行", "可以吗")
is left to a person, for a wrong seat costs more than a question. Whether the digit was offered, and to
which of several asks it belongs, is decided in `replies`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from coordination.paging import InviteeKind, Mode, Reply

DIGITS: Final[Mapping[str, Reply]] = {"1": Reply.ACCEPT, "2": Reply.REMOTE, "3": Reply.DECLINE}

# Of anything longer nobody can be sure.
_LONGEST: Final = 40
# The phrases of which one is meant as a whole; "不能不去" is two of them, and so none.
_YES: Final = (
    "接受 同意 参加 能参加 可以参加 愿意 愿意参加 是 是的 对 好 好的 好滴 可以 行 能 能去 能到 可以去 去 "
    "没问题 马上去 马上到 马上出发 立即出发 立即前往 ok okay yes y"
)
_REMOTE: Final = "远程 只能远程 可以远程 能远程 远程支援 只能远程支援 远程参加 远程指导 只能远程指导"
_NO: Final = (
    "否 不能 不行 不去 不去了 不能去 不能参加 不参加 不参加了 参加不了 无法参加 没法参加 去不了 来不了 到不了 "
    "不可以 拒绝 婉拒 不接受 不能接受 接受不了 不同意 不愿意 没空 没时间 没法去 无法前往 不方便 不了 no n"
)
# Only when nothing else is said: before another word it turns that round.
_NO_ALONE: Final = frozenset({"不"})
# A yes to a question, and no more than "understood" after anything else: 您不必前往 is answered by 好的.
_MAYBE_POLITE: Final = frozenset(
    [
        "是",
        "是的",
        "对",
        "好",
        "好的",
        "好滴",
        "可以",
        "行",
        "没问题",
        "我可以",
        "我没问题",
        "ok",
        "okay",
        "yes",
        "y",
    ]
)
# They say nothing for or against.
_POLITE: Final = (
    "您好 你好 谢谢 感谢 谢谢领导 领导 领导好 回复 答复 选 选择 我选 我选择 收到 已收到 知道了 明白 明白了"
)

# What people put around and between; a question mark is not among it, nor are a dash and a plus.
_BETWEEN: Final = re.compile(r"[\s.。．,，、;；:：!！~～…\"“”'‘’()（）\[\]【】《》<>#*_]+")


def _spoken() -> Mapping[str, Reply | None]:
    words: dict[str, Reply | None] = dict.fromkeys(_POLITE.split())
    for reply, phrases in ((Reply.ACCEPT, _YES), (Reply.REMOTE, _REMOTE), (Reply.DECLINE, _NO)):
        for phrase in phrases.split():
            words[phrase] = reply
            # 我 before a single character makes another sentence of it: 是 is a yes, 我是 is not.
            if len(phrase) > 1 and phrase not in ("是的", "好的", "好滴") and not phrase.isascii():
                words[f"我{phrase}"] = reply
    words["我去"] = Reply.ACCEPT
    return words


_WORDS: Final = _spoken()
_LONGEST_WORD: Final = max(map(len, _WORDS))


@dataclass(frozen=True)
class Meaning:
    """What a text says. `code` names one of several asks; `heard`: it was read, and politely not answered.

    `needs_question`: it is a yes only to somebody who has just asked.
    """

    reply: Reply | None = None
    code: str = ""
    heard: bool = False
    needs_question: bool = False


def read(text: str, *, codes: Collection[str] = ()) -> Meaning:
    """Return what `text` means; `codes` are those of the asks that its sender can be answering.

    A number that is neither an answer nor one of `codes` makes the whole text unclear.
    """
    plain = _plain(text)
    if not 0 < len(plain) <= _LONGEST:
        return Meaning()
    if plain in _NO_ALONE:
        return Meaning(Reply.DECLINE)
    replies: list[Reply] = []
    named: set[str] = set()
    digits = refusals = 0
    heard = False
    needs_question = True
    for token in _tokens(plain, codes):
        if token in codes:
            named.add(token)
        elif token in DIGITS:
            digits += 1
            needs_question = False
            replies.append(DIGITS[token])
        elif token in _WORDS:
            heard = True
            if (said := _WORDS[token]) is not None:
                refusals += said is Reply.DECLINE
                needs_question = needs_question and token in _MAYBE_POLITE
                replies.append(said)
        else:
            return Meaning()
    code = next(iter(named)) if len(named) == 1 else ""
    if digits > 1 or refusals > 1 or len(set(replies)) > 1 or len(named) > 1:
        return Meaning()
    if replies:
        return Meaning(replies[0], code, needs_question=needs_question and not code)
    return Meaning(None, code, heard and not code)


def code_of(public_id: UUID) -> str:
    """Return the four digits by which a reply names an invitation among the few open ones of a telephone."""
    return str(1000 + public_id.int % 9000)


def offered(kind: InviteeKind, mode: Mode) -> tuple[Reply, ...]:
    """Return what may be answered to an ask; to advise from afar is offered to an expert who is asked to come."""
    if kind is InviteeKind.EXPERT and mode is Mode.ONSITE:
        return Reply.ACCEPT, Reply.REMOTE, Reply.DECLINE
    return Reply.ACCEPT, Reply.DECLINE


def digit_of(reply: Reply) -> str:
    return next(digit for digit, meant in DIGITS.items() if meant is reply)


def _plain(text: str) -> str:
    """Return the text with full-width and circled digits made plain, in small letters, without what cannot be seen."""
    composed = unicodedata.normalize("NFKC", text[: 20 * _LONGEST]).lower()
    return "".join(
        one for one in composed if unicodedata.category(one) not in ("Cc", "Cf", "Mn", "Me") or one.isspace()
    ).strip()


def _tokens(plain: str, codes: Collection[str]) -> Iterator[str]:
    """Yield the numbers and the known words of a text; what is neither comes as it is, and is in no list."""
    for part in filter(None, _BETWEEN.split(plain)):
        at = 0
        while at < len(part):
            if number := re.match(r"[0-9]+", part[at:]):
                yield from _numbers(number[0], codes)
                at += len(number[0])
                continue
            longest = min(_LONGEST_WORD, len(part) - at)
            word = next(
                (part[at : at + size] for size in range(longest, 0, -1) if part[at : at + size] in _WORDS),
                part[at:],
            )
            yield word
            at += len(word)


def _numbers(run: str, codes: Collection[str]) -> Iterator[str]:
    """Take apart an answer and a code that were written without a space between."""
    if len(run) == 5 and run[0] in DIGITS and run[1:] in codes and run[:4] not in codes:
        yield run[0]
        yield run[1:]
    elif len(run) == 5 and run[-1] in DIGITS and run[:-1] in codes and run[1:] not in codes:
        yield run[:-1]
        yield run[-1]
    else:
        yield run
