"""What a policy does, as people read it before anything is sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coordination.paging import POLICIES, InviteeKind, Medium
from coordination.policy_words import if_nobody_answers, over_asking, span, steps, whole

URGENT, PATIENT = POLICIES["urgent"], POLICIES["patient"]
LIVE = [Medium.SMS, Medium.VOICE, Medium.EMAIL]


def test_each_moment_is_one_sentence_and_only_what_is_installed_is_spoken_of():
    assert [words.zh for words in steps(URGENT, LIVE)] == [
        "立即：短信、邮件",
        "2 分钟未答复：语音电话",
        "4 分钟未答复：第二个号码的短信、语音电话、邮件",
        "6 分钟未答复：第三个号码的短信、语音电话",
    ]
    assert steps(URGENT, LIVE)[1].en == "no answer after 2 min: voice call"


def test_where_the_first_step_is_missing_the_others_move_forward():
    assert [words.zh for words in steps(PATIENT, [Medium.SMS, Medium.VOICE])] == [
        "立即：短信",
        "20 小时未答复：第二个号码的短信",
        "32 小时未答复：语音电话",
    ]


def test_in_a_demo_one_message_says_it_all():
    assert whole(URGENT, [Medium.INBOX]).zh == (
        "立即：演示收件箱；10 分钟内不答复或婉拒，问名单上的下一位；名单问完仍缺人，向值班员告警"
    )


def test_without_a_channel_it_says_so():
    assert "没有配置任何通道" in whole(URGENT, []).zh
    assert steps(URGENT, []) == []


def test_the_window_is_told_in_its_own_unit():
    assert if_nobody_answers(PATIENT).zh.startswith("2 天内不答复")
    assert if_nobody_answers(POLICIES["standard"]).en.startswith("after 2 h without")


@pytest.mark.parametrize(
    ("severity", "said"),
    [(1, None), (2, "每席同时问 1.5 名专家"), (3, "每席同时问 2 名专家")],
)
def test_asking_more_than_there_are_seats_is_told(severity, said):
    words = over_asking(URGENT, InviteeKind.EXPERT, severity=severity)

    assert (words.zh if words else None) == said


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(minutes=2), "2 分钟"),
        (timedelta(minutes=90), "90 分钟"),
        (timedelta(hours=36), "36 小时"),
        (timedelta(days=3), "3 天"),
        (timedelta(0), "0 分钟"),
    ],
)
def test_a_length_of_time_is_told_in_the_largest_unit_that_fits(length, said):
    assert span(length).zh == said


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.code)
def test_every_policy_can_be_told_with_everything_installed(policy):
    said = whole(policy, list(Medium))

    assert said.zh and said.en and "{" not in said.zh + said.en
