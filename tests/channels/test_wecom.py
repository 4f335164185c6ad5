"""WeCom's app messages: an error inside HTTP 200 is an error, a stale key is renewed once, a copy is shown once."""

from __future__ import annotations

from uuid import UUID

import pytest

from coordination.channels import Accepted, Ambiguous, Message, Rejected
from coordination.channels import wecom as module
from coordination.channels.options import WrongOption
from coordination.channels.wecom import WecomChannel
from coordination.simulation.server import Reply, in_a_thread
from coordination.simulation.wecom import WeCom
from tests.channels.vendors import (
    EVERY_FAULT,
    REFERENCE,
    a_message,
    made,
    simulated,
    taken,
    tell,
    what_a_fault_comes_to,
)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    monkeypatch.setattr(module, "_KEYS", module._Keys())


@pytest.fixture
def provider(tmp_path):
    return WeCom(tmp_path / "wecom.jsonl", members=["ZhangSan"])


@pytest.fixture
def host(provider):
    with simulated(provider) as host:
        yield host


def a_channel(host: str = "127.0.0.1:9", **options: object) -> WecomChannel:
    return made(
        WecomChannel.of,
        {
            "kind": "wecom",
            "corp_id": "ww-test",
            "corp_secret": "test-secret",
            "agent_id": 1000002,
            "endpoint": f"http://{host}",
            **options,
        },
    )


def ask(reference: UUID = REFERENCE, **said: str) -> Message:
    return a_message(reference, address=said.pop("address", "ZhangSan"), **said)


def test_a_message_goes_to_a_member_with_its_link(provider, host):
    assert a_channel(host).send(ask()) == Accepted("m1")
    (message,) = taken(provider)
    assert message["to"] == "ZhangSan"
    assert message["text"] == (
        "氨泄漏\n王工：开发区化工路1号发生氨泄漏。请点链接答复：\n"
        '<a href="https://muster.example/a/abc123/">点此答复</a>\n编号 0f8fad5b'
    )


def test_the_key_is_asked_for_once(provider, host):
    for number in range(1, 4):
        a_channel(host).send(ask(UUID(int=number)))
    assert provider.keys_given == 1


def test_a_key_that_has_run_out_is_renewed_once(provider, host):
    channel = a_channel(host)
    channel.send(ask(UUID(int=1)))
    tell(host, "console", expire_keys=True)
    assert isinstance(channel.send(ask(UUID(int=2 << 96))), Accepted)
    assert provider.keys_given == 2


def test_a_key_that_is_never_taken_is_not_asked_for_for_ever():
    asked = []

    async def stale(request):
        asked.append(request.path)
        key = {"errcode": 0, "access_token": "k", "expires_in": 7200}
        return Reply.json(key if "gettoken" in request.path else {"errcode": 42001, "errmsg": "expired"})

    with in_a_thread(stale) as address:
        outcome = a_channel(address.removeprefix("http://")).send(ask())
    assert isinstance(outcome, Rejected) and not outcome.permanent
    assert len(asked) == 4


def test_the_second_copy_is_the_same_word_for_word_and_shown_once(provider, host):
    channel = a_channel(host, time_out=1.0)
    tell(host, "next", faults=["reset_after"])
    assert isinstance(channel.send(ask()), Ambiguous)
    assert isinstance(channel.send(ask(who="王工（可能重复）")), Accepted)
    assert len(taken(provider)) == 1


def test_another_message_of_the_same_words_is_no_copy(provider, host):
    channel = a_channel(host)
    channel.send(ask())
    channel.send(ask(UUID("1f8fad5b-d9cb-469f-a165-70867728950e")))
    assert len(taken(provider)) == 2


@EVERY_FAULT
def test_every_fault_of_the_provider_has_the_outcome_that_is_true(provider, host, fault, expected, is_taken):
    outcome = what_a_fault_comes_to(a_channel(host, time_out=1.0), ask(), provider, host, fault)
    assert isinstance(outcome, expected)
    assert len(taken(provider)) == is_taken
    assert not isinstance(outcome, Rejected) or outcome.permanent == (fault == "refuse")


def test_nobody_of_that_name_goes_another_way(host):
    outcome = a_channel(host).send(ask(address="nobody"))
    assert isinstance(outcome, Rejected) and outcome.permanent


def test_a_member_without_a_licence_was_not_reached_although_all_is_ok(host):
    tell(host, "console", unlicensed=["ZhangSan"])
    outcome = a_channel(host).send(ask())
    assert isinstance(outcome, Rejected) and outcome.permanent


def test_a_wrong_secret_or_a_dead_service_blames_no_member(host):
    for channel in (a_channel(host, corp_secret="wrong"), a_channel("127.0.0.1:9")):
        outcome = channel.send(ask())
        assert isinstance(outcome, Rejected) and not outcome.permanent


def test_a_long_text_is_cut_before_its_link(provider, host):
    assert isinstance(a_channel(host).send(ask(text="很长" * 2000)), Accepted)
    (message,) = taken(provider)
    assert len(message["text"].encode()) <= 2048
    assert message["text"].endswith("点此答复</a>\n编号 0f8fad5b")


def test_a_check_finds_the_app(host):
    assert [one.ok for one in a_channel(host).check()] == [False, True]  # the first: a simulator
    for channel, said in ((a_channel(host, agent_id=7), "40056"), (a_channel("127.0.0.1:9"), "企业微信")):
        (finding,) = channel.check()
        assert not finding.ok and said in finding.words.zh


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"corp_id": ""}, "corp_id"),
        ({"agent_id": 0}, "agent_id"),
        ({"endpoint": "qyapi"}, "endpoint"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_option_is_refused_with_its_name(options, said):
    with pytest.raises(WrongOption, match=said):
        a_channel(**options)
