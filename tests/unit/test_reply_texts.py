"""What people write back on a telephone, and what of it is an answer."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination import reply_texts
from coordination.paging import InviteeKind, Mode, Reply
from coordination.reply_texts import Meaning, read

CODES = {"4821", "7730"}
YES, REMOTE, NO = Reply.ACCEPT, Reply.REMOTE, Reply.DECLINE
UNCLEAR = Meaning()
HEARD = Meaning(heard=True)


def yes(code: str = "") -> Meaning:
    return Meaning(YES, code)


def perhaps() -> Meaning:
    """A yes, if it answers a question."""
    return Meaning(YES, needs_question=True)


def no(code: str = "") -> Meaning:
    return Meaning(NO, code)


EXAMPLES = {
    # The digits, as they are typed
    "1": yes(),
    "2": Meaning(REMOTE),
    "3": no(),
    "１": yes(),
    "①": yes(),
    "③": no(),
    "1️⃣": yes(),
    " 1 ": yes(),
    "1。": yes(),
    "1.": yes(),
    "1！": yes(),
    "（1）": yes(),
    "“1”": yes(),
    "【3】": no(),
    "1#": yes(),
    "1\r\n": yes(),
    "\u200b1\ufeff": yes(),
    "回复1": yes(),
    "我选3": no(),
    "您好，1": yes(),
    "1 谢谢": yes(),
    "收到，1": yes(),
    # Words
    "接受": yes(),
    "接受。": yes(),
    "是": perhaps(),
    "是的": perhaps(),
    "好": perhaps(),
    "好的": perhaps(),
    "好的，谢谢领导": perhaps(),
    "收到，马上出发": yes(),
    "可以参加": yes(),
    "我能去": yes(),
    "OK": perhaps(),
    "Yes!": perhaps(),
    "只能远程": Meaning(REMOTE),
    "我只能远程": Meaning(REMOTE),
    "否": no(),
    "不": no(),
    "不能": no(),
    "不能参加": no(),
    "不能参加。": no(),
    "我不能去": no(),
    "没空": no(),
    "N": no(),
    "no": no(),
    "１接受": yes(),
    "1 能去": yes(),
    "2只能远程": Meaning(REMOTE),
    "3，不能参加": no(),
    # A read ask is not an answered one
    "收到": HEARD,
    "收到。": HEARD,
    "已收到，谢谢": HEARD,
    "知道了": HEARD,
    "你好": HEARD,
    "谢谢": HEARD,
    # With the code of one of several asks
    "1 4821": yes("4821"),
    "14821": yes("4821"),
    "48211": yes("4821"),
    "4821 1": yes("4821"),
    "1，4821": yes("4821"),
    "３　７７３０": no("7730"),
    "接受4821": yes("4821"),
    "4821": Meaning(code="4821"),
    # What looks like an answer and is none
    "11": UNCLEAR,
    "01": UNCLEAR,
    "1 1": UNCLEAR,
    "12": UNCLEAR,
    "1 2": UNCLEAR,
    "1/3": UNCLEAR,
    "1-3": UNCLEAR,
    "-1": UNCLEAR,
    "+1": UNCLEAR,
    "1.5": UNCLEAR,
    "4": UNCLEAR,
    "0": UNCLEAR,
    "1?": UNCLEAR,
    "1？": UNCLEAR,
    "？": UNCLEAR,
    "1不行": UNCLEAR,
    "3可以": UNCLEAR,
    "1人": UNCLEAR,
    "1小时后到": UNCLEAR,
    "1号楼在哪": UNCLEAR,
    "1 14:20": UNCLEAR,
    "1 9999": UNCLEAR,
    "1 4821 7730": UNCLEAR,
    "9999": UNCLEAR,
    "可以吗": UNCLEAR,
    "可以吗？": UNCLEAR,
    "能不能": UNCLEAR,
    "能不能晚点": UNCLEAR,
    "行不行": UNCLEAR,
    "好不好": UNCLEAR,
    "是否": UNCLEAR,
    "是不是打错了": UNCLEAR,
    "是我": UNCLEAR,
    "我是": UNCLEAR,
    "不能不去": UNCLEAR,
    "不参加不行": UNCLEAR,
    "不得不去": UNCLEAR,
    "好的，不能参加": UNCLEAR,
    "可以，远程": UNCLEAR,
    "接受不": UNCLEAR,
    "不1": UNCLEAR,
    "我在外地，让王工去吧": UNCLEAR,
    "不去会怎样": UNCLEAR,
    "去年去过": UNCLEAR,
    "nook": UNCLEAR,
    "now": UNCLEAR,
    "Y/N": UNCLEAR,
    "TD": UNCLEAR,
    "退订": UNCLEAR,
    "👍": UNCLEAR,
    "一": UNCLEAR,
    "": UNCLEAR,
    "   ": UNCLEAR,
    "。": UNCLEAR,
    "您好，我正在开车，稍后回复您。": UNCLEAR,
    "1" + "。" * 80: UNCLEAR,
    "1接受，2只能远程，3不能参加": UNCLEAR,
    "1回复：【应急指挥中心】请您赴现场支援": UNCLEAR,
}


@pytest.mark.parametrize(("text", "meaning"), EXAMPLES.items(), ids=repr)
def test_a_text_means(text, meaning):
    assert read(text, codes=CODES) == meaning


def test_a_code_that_no_open_ask_has_is_just_a_number():
    assert read("1 4821", codes={"7730"}) == UNCLEAR
    assert read("14821") == UNCLEAR


def test_five_digits_that_can_be_read_two_ways_are_unclear():
    assert read("11112", codes={"1112", "1111"}) == UNCLEAR


def test_a_negated_answer_is_never_read_as_the_answer():
    for phrase, meaning in EXAMPLES.items():
        if meaning.reply in (YES, REMOTE) and phrase.strip().isalpha() and not phrase.isascii():
            for before in ("不", "不能", "没", "别", "无法", "难以", "未"):
                assert read(f"{before}{phrase}").reply in (None, NO), f"{before}{phrase}"


@given(st.text(max_size=200))
def test_whatever_comes_has_a_meaning(text):
    meaning = read(text, codes=CODES)
    assert not (meaning.heard and meaning.reply)


@given(st.sampled_from([t for t, m in EXAMPLES.items() if m.reply]), st.sampled_from("吗？没别后天几谁x+7%"))
def test_one_character_too_many_makes_an_answer_none(text, more):
    assert read(text.strip() + more, codes=CODES).reply is None


def test_only_an_expert_who_is_asked_to_come_is_offered_to_advise_from_afar():
    assert reply_texts.offered(InviteeKind.EXPERT, Mode.ONSITE) == (YES, REMOTE, NO)
    assert reply_texts.offered(InviteeKind.EXPERT, Mode.REMOTE) == (YES, NO)
    assert reply_texts.offered(InviteeKind.TEAM, Mode.ONSITE) == (YES, NO)


@given(st.uuids())
def test_a_code_has_four_digits_and_is_no_answer(public_id: uuid.UUID):
    code = reply_texts.code_of(public_id)
    assert len(code) == 4
    assert code not in reply_texts.DIGITS
