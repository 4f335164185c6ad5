"""Calls by Aliyun (阿里云语音服务): a template is read out, and who is asked answers with a key.

On the vendor's SDK, written from its documentation; not run against the real service. The options and what
was read where stand in `docs/channels.md`. That a call was taken is no answer: it may have been a machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from coordination.channels import aliyun, shapes
from coordination.channels.aliyun import Account, ApprovedTemplate, Refused, Said, Templates, text_at
from coordination.channels.base import (
    Accepted,
    Ambiguous,
    Callback,
    Caps,
    Channel,
    Event,
    Finding,
    Message,
    Outcome,
    Receipt,
    Rejected,
    ReplyReceived,
    Unreadable,
)
from coordination.channels.callback_shapes import AllowList
from coordination.channels.exchange import Broken, NotSent
from coordination.channels.options import Options
from coordination.channels.shapes import dialled
from coordination.paging import Medium, Purpose
from ground.models import ContactKind
from ground.terms import Words

ENDPOINT: Final = "dyvmsapi.aliyuncs.com"
PACKAGE: Final = "alibabacloud_dyvmsapi20170525"
PER_NUMBER: Final = "1/m, 5/h, 20/d"
PER_SECOND: Final = 100.0
KEYS: Final = ("1", "2", "3")
# There is room for fifteen bytes of our reference.
OUT_ID_LENGTH: Final = 15

# The vendor's number for the service of calls that are answered by a key.
_IVR: Final = 11000000300005
_KEY_PRESSED: Final = "300000"
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})")
# Somebody, or something, has taken the call.
_TAKEN: Final = frozenset({"200000", "200001", "200008"})
# Taken by an assistant or a mailbox, or passed on to one.
_MACHINES: Final[Mapping[str, str]] = {
    "INTELLIGENT_ANSWER": "语音信箱或语音助手接听",
    "CALL_FORWARDING": "转移到秘书台或助理",
}
_WHY: Final[Mapping[str, str]] = {
    "200002": "用户占线",
    "200003": "未接听",
    "200004": "号码不合法或空号",
    "200005": "无法接通",
    "200006": "语音播放失败",
    "200007": "不在服务区",
    "200010": "关机",
    "200011": "停机",
    "200012": "呼叫受限",
    "200104": "主叫号码受限",
    "200105": "被叫号码受限",
    "200117": "来电显示号码不合法",
    "200118": "该时段限制呼出",
    "200119": "呼叫超频",
    "200121": "呼叫超过并发",
}


class AliyunVoiceChannel(Channel):
    code = "aliyun_voice"
    zh = "语音电话（阿里云）"
    en = "voice call (Aliyun)"
    medium = Medium.VOICE
    carries = frozenset({ContactKind.MOBILE, ContactKind.PHONE})
    is_proved = False
    callback_answer = aliyun.ANSWER

    @classmethod
    def of(cls, options: Options) -> AliyunVoiceChannel:
        """Make it of its table in the channels' file."""
        channel = cls()
        options.name(channel)
        channel.is_proved = options.is_proved()
        channel._account = Account.of(options, package=PACKAGE, endpoint=ENDPOINT)
        channel._caller = options.need("caller")
        channel._templates = Templates(options)
        channel._heard = options.get("key_heard", "").strip()
        channel._play_times = options.get("play_times", 3)
        if not 1 <= channel._play_times <= 3:
            raise options.wrong("play_times", "应为 1 到 3", "has to be 1 to 3")
        channel._key_within = options.get("key_within", 10.0)
        channel.secret = shapes.secret(options)
        if channel.secret and not channel._heard:
            raise options.wrong(
                "key_heard",
                "必须填写按键后播放的模板编号（不带变量）",
                "has to name the template, without variables, that is played when a key was pressed",
            )
        channel._allow_from = AllowList.of(options, "allow_from")
        channel.caps = Caps(
            per_address=shapes.limits(options, "per_address", PER_NUMBER),
            per_second=PER_SECOND,
            takes_replies=bool(channel.secret),
            sends_receipts=bool(channel.secret),
        )
        return channel

    _account: Account
    _caller: str
    _templates: Templates
    _heard: str
    _play_times: int
    _key_within: float
    _allow_from: AllowList

    def send(self, message: Message) -> Outcome:
        if (template := self._templates.of(message)) is None:
            return aliyun.no_template(message)
        try:
            said = self._call(message, template)
        except NotSent as failure:
            return Rejected(permanent=False, reason=f"连不上阿里云：{failure}"[:200])
        except Broken as failure:
            # There is no asking without the id of the call. A second call within the same minute is refused
            # by the vendor, so whoever was rung up is not rung up again at once.
            return Ambiguous(f"阿里云没有答完：{failure}"[:200])
        except Refused as refused:
            return refused.outcome()
        return Accepted(str(said.body.get("CallId") or message.reference))

    def check(self) -> Sequence[Finding]:
        """Ask about a call that there never was: only our key is looked at."""
        try:
            said = self._account.call(
                "query_call_detail_by_call_id", call_id="0^0", prod_id=_IVR, query_date=0
            )
        except Refused as refused:
            if refused.is_about_us:
                return [aliyun.trouble(refused)]
            said = None
        except (NotSent, Broken) as failure:
            return [aliyun.trouble(failure)]
        return [
            *(aliyun.simulated(said) if said else []),
            Finding(
                True,
                Words(
                    "阿里云语音服务应答正常；模板是否通过审核请在控制台核对",
                    "Aliyun answers; look in its console whether the templates are approved",
                ),
            ),
        ]

    def parse_receipt(self, callback: Callback) -> Sequence[Event]:
        """Read the records of calls that have ended (VoiceReport); a key that was pressed stands there as well."""
        self._allow_from.refuse_others(callback.remote)
        return aliyun.reports(callback, _events_in_record)

    def parse_reply(self, callback: Callback) -> Sequence[Event]:
        """Read what happens during calls (VoiceCallReport); only the keys are of interest."""
        self._allow_from.refuse_others(callback.remote)
        return aliyun.reports(callback, _key_in)

    def _call(self, message: Message, template: ApprovedTemplate) -> Said:
        number = dialled(message.address, "national")
        variables = template.filled({name: _spoken(value) for name, value in message.fields.items()})
        out_id = message.reference.hex[:OUT_ID_LENGTH]
        if message.purpose is not Purpose.ASK or not self._heard:
            return self._account.call(
                "single_call_by_tts",
                called_number=number,
                called_show_number=self._caller,
                tts_code=template.code,
                tts_param=variables,
                play_times=self._play_times,
                out_id=out_id,
            )
        key = self._account.part
        return self._account.call(
            "ivr_call",
            called_number=number,
            called_show_number=self._caller,
            start_code=template.code,
            start_tts_params=variables,
            menu_key_map=[key("IvrCallRequestMenuKeyMap", key=one, code=self._heard) for one in KEYS],
            timeout=int(self._key_within * 1000),
            play_times=self._play_times,
            out_id=out_id,
        )


def _spoken(value: str) -> str:
    """Return a text as it is read out: 14:20 is no ratio, and a template must not have a colon."""
    return _TIME.sub(r"\1点\2分", value)


def _events_in_record(report: Mapping[str, Any]) -> list[Event]:
    call_id, status = text_at(report, "call_id"), text_at(report, "status_code")
    if not call_id or not status:
        raise Unreadable("a record without its call or its result")
    machine = _MACHINES.get(text_at(report, "smart_status_code"), "")
    taken = status in _TAKEN and not machine
    why = machine or _WHY.get(text_at(report, "early_media_code")) or _WHY.get(status)
    receipt = Receipt(
        event_id=f"{call_id}:{status}",
        delivered=taken,
        reason="" if taken else f"{why or text_at(report, 'status_msg') or '未接通'}（{status}）",
        reference=_reference(report),
        message_id=call_id,
        sequence=aliyun.seconds_at(report, "end_time", "originate_time"),
    )
    return [receipt, *_key_in({**report, "status_code": _KEY_PRESSED})]


def _key_in(report: Mapping[str, Any]) -> list[Event]:
    call_id, keys = text_at(report, "call_id"), text_at(report, "dtmf")
    if text_at(report, "status_code") != _KEY_PRESSED or not keys:
        return []
    if not call_id:
        raise Unreadable("a key without its call")
    return [
        ReplyReceived(
            # The same from both kinds of report.
            event_id=f"{call_id}:{keys}",
            address="",
            text=keys,
            reference=_reference(report),
            message_id=call_id,
        )
    ]


def _reference(report: Mapping[str, Any]) -> str | None:
    return text_at(report, "out_id") or None
