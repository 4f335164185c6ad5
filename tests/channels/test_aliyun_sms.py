"""SMS by Aliyun: what it asks by the vendor's SDK, and what it makes of every way to answer."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from uuid import UUID

import pytest

from coordination.channels import Accepted, Ambiguous, CannotLookUp, Forged, Rejected, Sent, Unreadable
from coordination.channels import aliyun as account
from coordination.channels.aliyun_sms import AliyunSmsChannel
from coordination.channels.options import WrongOption
from coordination.deliveries import LEASE
from coordination.paging import Purpose
from coordination.simulation.aliyun import AliyunSms
from tests.channels.vendors import (
    EVERY_FAULT,
    REFERENCE,
    SECRET,
    a_message,
    events,
    just_now,
    made,
    pushed,
    simulated,
    taken,
    tell,
    what_a_fault_comes_to,
)

pytestmark = pytest.mark.usefixtures("no_proxy")
OTHER = UUID(int=7)

TEMPLATES = {
    "SMS_1": "${who}：${where}发生${what}，请在${until}前答复：${digits}。链接https://muster.example/a/${token}",
    "SMS_2": "${who}：${what}，${why}，请不必前往。",
}
ASK = {
    "template": "SMS_1",
    "who": "{who}",
    "what": "{what}",
    "where": "{where}",
    "until": "{answer_by}",
    "digits": "{digits}",
    "token": "{link_token}",
}


@pytest.fixture
def provider(tmp_path):
    return AliyunSms(tmp_path / "aliyun.jsonl", templates=TEMPLATES)


@pytest.fixture
def host(provider):
    with simulated(provider) as host:
        yield host


def a_channel(host: str = "127.0.0.1:9", **options: object) -> AliyunSmsChannel:
    return made(
        AliyunSmsChannel.of,
        {
            "kind": "aliyun_sms",
            "access_key_id": "test-key",
            "access_key_secret": "test-secret",
            "sign_name": "省应急管理厅",
            "endpoint": host,
            "plain_http": True,
            "look_up_settles": 0.0,
            "ask": ASK,
            "stand_down": {"template": "SMS_2", "who": "{who}", "what": "{what}", "why": "{why}"},
            **options,
        },
    )


# --- what it asks ---------------------------------------------------------------------------------


def test_an_ask_goes_into_its_approved_template_under_our_reference(provider, host):
    outcome = a_channel(host).send(a_message())

    assert outcome == Accepted("m1^0")
    (asked,) = provider.requests
    assert json.loads(asked.pop("TemplateParam")) == {
        "who": "王工",
        "what": "氨泄漏",
        "where": "开发区化工路1号",
        "until": "11月18日14:30",
        "digits": "1接受，2只能远程，3不能参加",
        "token": "abc123",
    }
    assert asked == {
        "Action": "SendSms",
        "PhoneNumbers": "13812341234",
        "SignName": "省应急管理厅",
        "TemplateCode": "SMS_1",
        "OutId": str(REFERENCE),
    }


def test_each_purpose_has_a_template_of_its_own(provider, host):
    channel = a_channel(host)
    assert channel.send(a_message(purpose=Purpose.STAND_DOWN, why="误报撤销")) == Accepted("m1^0")
    assert taken(provider)[0]["text"] == "王工：氨泄漏，误报撤销，请不必前往。"


def test_what_has_no_template_goes_another_way_at_once():
    outcome = a_channel().send(a_message(purpose=Purpose.ALARM))
    assert outcome == Rejected(permanent=True, reason="没有为“告警”配置模板")


def test_a_template_for_any_stands_in_for_the_others(provider, host):
    channel = a_channel(host, any={"template": "SMS_2", "who": "{who}", "what": "{what}", "why": "{text}"})
    assert isinstance(channel.send(a_message(purpose=Purpose.ALARM)), Accepted)


def test_a_variable_is_never_empty_never_too_long_and_has_no_brackets(provider, host):
    channel = a_channel(host)
    where = "很长的地址" * 20
    assert isinstance(channel.send(a_message(where=where, who="【演练】王工", answer_by="")), Accepted)
    filled = json.loads(provider.requests[0]["TemplateParam"])
    assert (filled["who"], filled["until"]) == ("（演练）王工", "无")
    assert filled["where"] == where[:35]


# --- what it asks about afterwards ------------------------------------------------------------------


def out(reference: UUID = REFERENCE, *, address: str = "+8613812341234") -> Sent:
    return Sent(reference, "m1^0", address, datetime.now(UTC))


@pytest.mark.parametrize(("undelivered", "delivered"), [(0.0, True), (1.0, False)])
def test_without_pushes_it_asks_what_became_of_a_message(provider, host, undelivered, delivered):
    tell(host, "behaviour", undelivered=undelivered, receipt_after=0.0)
    channel = a_channel(host)
    channel.send(a_message())
    events(provider, "receipts")

    (receipt,) = channel.ask_about([out()])

    assert (receipt.reference, receipt.delivered) == (REFERENCE, delivered)
    assert receipt.reason == ("" if delivered else "MOBILE_NOT_ON_SERVICE")
    assert receipt.sequence > 0


def test_what_is_only_on_its_way_and_what_is_not_ours_is_no_receipt(provider, host):
    tell(host, "behaviour", receipts=False)
    channel = a_channel(host)
    channel.send(a_message())
    assert channel.ask_about([out()]) == []

    tell(host, "behaviour", receipts=True, receipt_after=0.0)
    channel.send(a_message(OTHER))
    events(provider, "receipts")
    assert [one.reference for one in channel.ask_about([out()])] == []


def test_a_number_is_asked_about_once_a_day_for_all_that_went_to_it(provider, host):
    channel = a_channel(host)
    channel.ask_about([out(), out(OTHER), out(address="+8613812349999")])

    asked = [(one["PhoneNumber"], one["SendDate"]) for one in provider.requests]
    assert len(asked) == len(set(asked))
    assert {number for number, _ in asked} == {"13812341234", "13812349999"}


def test_a_vendor_that_cannot_be_asked_is_a_fault(provider, host):
    tell(host, "behaviour", look_up_fails=1.0)
    with pytest.raises(Unreadable):
        a_channel(host).ask_about([out()])


def test_where_pushes_come_in_nobody_asks():
    assert a_channel().caps.tells_when_asked
    assert not a_channel(secret=SECRET).caps.tells_when_asked


# --- what it makes of the answers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", "号码格式错误", "permanent"),
        ("isv.PARAM_LENGTH_LIMIT", "参数超过长度限制", "permanent"),
        ("isv.BLACK_KEY_CONTROL_LIMIT", "变量中含有黑名单关键字", "permanent"),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1", "temporary"),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5", "permanent"),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:50", "permanent"),
        ("isv.AMOUNT_NOT_ENOUGH", "账户余额不足", "temporary"),
        ("isv.OUT_OF_SERVICE", "业务停机", "temporary"),
        ("isv.SMS_SIGNATURE_ILLEGAL", "签名不合法", "temporary"),
        ("isv.SMS_TEMPLATE_ILLEGAL", "模板不合法", "temporary"),
        ("isv.DAY_LIMIT_CONTROL", "触发日发送限额", "temporary"),
        ("isp.RAM_PERMISSION_DENY", "RAM权限不足", "temporary"),
        ("isv.NEW_AND_UNKNOWN", "", "temporary"),
        ("isp.SYSTEM_ERROR", "系统错误", "unclear"),
        ("isp.NEW_AND_UNKNOWN", "", "unclear"),
        ("SOMETHING_ELSE", "", "unclear"),
    ],
)
def test_an_error_code_is_for_good_for_now_or_says_nothing(code, message, expected):
    outcome = account.Refused(code, message).outcome()
    match expected:
        case "unclear":
            assert isinstance(outcome, Ambiguous)
        case _:
            assert isinstance(outcome, Rejected)
            assert outcome.permanent == (expected == "permanent")
    assert code in outcome.reason


@EVERY_FAULT
def test_every_fault_of_the_provider_has_the_outcome_that_is_true(provider, host, fault, expected, is_taken):
    outcome = what_a_fault_comes_to(a_channel(host, time_out=1.0), a_message(), provider, host, fault)
    assert isinstance(outcome, expected)
    assert len(taken(provider)) == is_taken
    assert not isinstance(outcome, Rejected) or outcome.permanent == (fault == "refuse")


def test_what_never_left_is_sent_again_later():
    outcome = a_channel("127.0.0.1:9").send(a_message())
    assert isinstance(outcome, Rejected) and not outcome.permanent
    assert outcome.reason.startswith("连不上阿里云")


def test_a_host_that_there_is_none_of_has_taken_nothing():
    outcome = a_channel("no-such-host.invalid", time_out=5.0).send(a_message())
    assert isinstance(outcome, Rejected) and not outcome.permanent


def test_a_wrong_secret_blames_no_number(host):
    outcome = a_channel(host, access_key_secret="wrong").send(a_message())
    assert isinstance(outcome, Rejected) and not outcome.permanent
    assert "SignatureDoesNotMatch" in outcome.reason


def test_the_secret_stands_in_no_text(host):
    channel = a_channel(host, access_key_secret="very-secret")
    assert "very-secret" not in repr(channel._account)


def test_the_sdk_writes_nothing_of_a_message_into_the_log(host, caplog):
    caplog.set_level(logging.DEBUG)
    a_channel(host).send(a_message())
    written = "".join(one.getMessage() for one in caplog.records)
    assert "13812341234" not in written and "%E6%B0%A8" not in written


def test_asking_and_sending_fit_into_a_lease():
    longest = a_channel(time_out=20.0)
    assert 2 * longest._account.time_out < LEASE.total_seconds()


@pytest.mark.parametrize(
    ("code", "status", "is_certain"),
    [
        ("isp.SYSTEM_ERROR", 400, False),
        ("InternalError", 500, False),
        ("SomethingNew", 500, False),
        ("ServiceUnavailable", 503, True),
        ("Throttling.User", 400, True),
        ("InvalidAccessKeyId.NotFound", 404, True),
        ("SomethingNew", 403, True),
    ],
)
def test_an_http_status_makes_certain_what_the_code_does_not_deny(code, status, is_certain):
    outcome = account.Refused(code, "", status).outcome()
    assert isinstance(outcome, Rejected if is_certain else Ambiguous)
    if isinstance(outcome, Rejected):
        assert not outcome.permanent


# --- what is asked about --------------------------------------------------------------------------


def test_what_was_taken_without_an_answer_is_found_by_our_reference(provider, host):
    channel = a_channel(host, time_out=1.0)
    tell(host, "next", faults=["reset_after"])
    message = a_message(first_tried_at=just_now(), at=just_now())
    assert isinstance(channel.send(message), Ambiguous)

    assert channel.look_up(message) == str(REFERENCE)
    assert channel.look_up(a_message(UUID(int=7), first_tried_at=just_now(), at=just_now())) is None


def test_a_message_of_which_the_vendor_learns_late_is_asked_about_twice(host):
    channel = a_channel(host, look_up_settles=0.6)
    tell(host, "behaviour", look_up_delay=0.4)
    message = a_message(first_tried_at=just_now(), at=just_now())
    channel.send(message)
    assert channel.look_up(message) == str(REFERENCE)


def test_the_day_before_is_asked_about_as_well_after_midnight(provider, host):
    tried = just_now()
    channel = a_channel(host)
    channel.look_up(a_message(first_tried_at=tried, at=tried.replace(year=tried.year + 1)))
    assert len({one["SendDate"] for one in provider.requests}) == 2


def test_more_than_a_page_is_read_to_its_end(provider, host):
    channel = a_channel(host)
    provider.limits = ()
    for number in range(1, 62):
        channel.send(a_message(UUID(int=number)))
    assert channel.look_up(a_message(UUID(int=61), first_tried_at=just_now())) == str(UUID(int=61))


def test_a_list_that_is_shorter_than_its_count_is_no_answer(provider, host, monkeypatch):
    channel = a_channel(host)
    monkeypatch.setattr(
        account.Account,
        "call",
        lambda *a, **k: account.Said({"TotalCount": 2, "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}}),
    )
    with pytest.raises(CannotLookUp):
        channel.look_up(a_message(first_tried_at=just_now()))


def test_a_vendor_that_cannot_be_asked_now_is_no_answer(host):
    tell(host, "behaviour", look_up_fails=1.0)
    with pytest.raises(CannotLookUp):
        a_channel(host).look_up(a_message(first_tried_at=just_now()))
    with pytest.raises(CannotLookUp):
        a_channel("127.0.0.1:9").look_up(a_message(first_tried_at=just_now()))


def test_the_fifty_first_message_of_a_day_is_refused_and_goes_another_way(host):
    channel = a_channel(host)
    outcomes = [channel.send(a_message(UUID(int=number))) for number in range(1, 52)]
    assert all(isinstance(one, Accepted) for one in outcomes[:50])
    assert isinstance(outcomes[50], Rejected) and outcomes[50].permanent
    assert [(one.count, one.period.days) for one in channel.caps.per_address] == [(50, 1)]


# --- what comes back ------------------------------------------------------------------------------


def test_a_report_comes_under_our_reference(provider, host):
    tell(host, "console", receipts="http://127.0.0.1:9/receipts/")
    channel = a_channel(host, secret=SECRET)
    channel.send(a_message())
    (report,) = events(provider, "receipts")

    (receipt,) = channel.parse_receipt(pushed(report))

    assert (receipt.reference, receipt.message_id, receipt.delivered) == (REFERENCE, "m1^0", True)
    assert receipt.sequence > 1_700_000_000
    assert channel.parse_receipt(pushed(report)) == [receipt]


def test_a_report_of_failure_says_why_and_has_an_id_of_its_own(provider, host):
    channel = a_channel(host, secret=SECRET)
    tell(host, "behaviour", undelivered=1.0)
    channel.send(a_message())
    (report,) = events(provider, "receipts")
    (failed,) = channel.parse_receipt(pushed(report))
    (delivered,) = channel.parse_receipt(pushed([report[0] | {"success": True, "err_code": "DELIVERED"}]))
    assert (failed.delivered, failed.reason) == (False, "MOBILE_NOT_ON_SERVICE 手机关机或停机")
    assert failed.event_id != delivered.event_id


def test_one_report_that_cannot_be_read_does_not_take_the_others_with_it():
    good = {"biz_id": "1", "out_id": str(REFERENCE), "success": "true", "err_code": "DELIVERED"}
    channel = a_channel(secret=SECRET)
    assert len(channel.parse_receipt(pushed([{"phone_number": "1"}, good]))) == 1
    for nonsense in ([{"success": True}], {"success": True}, "x", [1]):
        with pytest.raises(Unreadable):
            channel.parse_receipt(pushed(nonsense))


def test_a_report_from_elsewhere_is_forged():
    channel = a_channel(secret=SECRET, allow_from="203.0.113.0/24")
    for parse in (channel.parse_receipt, channel.parse_reply):
        with pytest.raises(Forged):
            parse(pushed([], remote="198.51.100.7"))
        assert parse(pushed([], remote="203.0.113.9")) == []


def test_a_report_that_the_vendor_does_not_confirm_is_not_believed(provider, host):
    channel = a_channel(host, secret=SECRET, confirm_receipts=True)
    channel.send(a_message())
    (report,) = events(provider, "receipts")

    assert channel.parse_receipt(pushed(report))[0].delivered
    with pytest.raises(Unreadable):
        channel.parse_receipt(pushed([report[0] | {"success": False, "err_code": "FORGED"}]))
    with pytest.raises(Unreadable):
        channel.parse_receipt(pushed([report[0] | {"out_id": str(UUID(int=9))}]))


def test_what_people_write_back_comes_from_their_number(provider, host):
    channel = a_channel(host, secret=SECRET)
    tell(host, "behaviour", habits=[{"answer": "1", "after": 0.0}])
    channel.send(a_message())
    (written,) = events(provider, "replies")

    (reply,) = channel.parse_reply(pushed(written))

    assert (reply.address, reply.text, reply.event_id) == ("+8613812341234", "1", "1")
    assert reply.reference is None


def test_the_vendor_hears_what_it_wants_to_hear():
    assert isinstance(json.loads(AliyunSmsChannel.callback_answer)["code"], int)


# --- its check and its options --------------------------------------------------------------------


def test_a_check_looks_at_every_template(host):
    findings = a_channel(host, secret=SECRET, allow_from="203.0.113.0/24").check()
    assert [one.ok for one in findings] == [False, True, True]
    assert "模拟" in findings[0].words.zh


def test_a_check_says_that_a_template_has_other_variables(host):
    tell(host, "console", templates={"SMS_2": "${who}：${what}。"})
    assert any(not one.ok and "why" in one.words.zh for one in a_channel(host).check())


def test_a_check_says_that_there_is_no_such_template(host):
    findings = a_channel(host, any={"template": "SMS_9", "who": "{who}"}).check()
    assert any(not one.ok and "TEMPLATE_NOT_EXIST" in one.words.zh for one in findings)


def test_a_check_says_that_the_key_is_wrong_or_nobody_answers(host):
    for channel, said in (
        (a_channel(host, access_key_id="other"), "InvalidAccessKeyId"),
        (a_channel("127.0.0.1:9"), "没有应答"),
    ):
        (finding,) = channel.check()
        assert not finding.ok and said in finding.words.zh


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"access_key_secret": ""}, "access_key_secret"),
        ({"sign_name": ""}, "sign_name"),
        ({"ask": {}}, "ask"),
        ({"ask": {"who": "{who}"}}, "ask.template"),
        ({"ask": {"template": "SMS_1", "x": "{nobody}"}}, "ask.x"),
        ({"ask": {"template": "SMS_1", "x": "{where}"}}, "演练"),
        ({"time_out": 60.0}, "time_out"),
        ({"look_up_settles": 10.0}, "look_up_settles"),
        ({"secret": "short"}, "secret"),
        ({"allow_from": "everywhere"}, "allow_from"),
        ({"per_address": "many"}, "per_address"),
        ({"proved_on": "yesterday"}, "proved_on"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_option_is_refused_with_its_name(options, said):
    with pytest.raises(WrongOption, match=said):
        a_channel(**options)


def test_without_the_sdk_the_start_says_what_to_install(monkeypatch):
    monkeypatch.setattr(account, "find_spec", lambda _name: None)
    with pytest.raises(WrongOption, match=r"muster\[aliyun\]"):
        a_channel()


def test_it_counts_as_checked_against_the_service_only_when_somebody_says_when():
    assert not a_channel().is_proved
    assert a_channel(proved_on="2026-12-01").is_proved
