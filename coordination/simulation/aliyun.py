"""Aliyun's SMS and voice service as their documentation describes them: a simulator, on this machine only.

From the pages of help.aliyun.com that `docs/channels.md` names: the calls and their error codes, the
signature of the requests (ACS3-HMAC-SHA256), the limits, and the pushes SmsReport, SmsUp, VoiceReport and
VoiceCallReport. What goes wrong, the log, and how it is told are those of `provider`; in addition

    POST control/console   {"receipts": …/receipts/, "templates": {code: text}, "machines": [number]}

is what stands in the vendor's console; at `machines` a mailbox takes the call.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from coordination.simulation.faults import NOT_TAKEN, Behaviour, Fault
from coordination.simulation.provider import Provider, Taken
from coordination.simulation.server import Reply, Request, Reset

BEIJING: Final = timezone(timedelta(hours=8))
ALGORITHM: Final = "ACS3-HMAC-SHA256"
LONGEST_VARIABLE: Final = 35
LONGEST_OUT_ID: Final = 15
DAY: Final = 86400.0

# So many within so many seconds, and what the limit is called.
SMS_LIMITS: Final = ((50, DAY, "天级"),)
VOICE_LIMITS: Final = ((1, 60.0, "分钟级"), (5, 3600.0, "小时级"), (20, DAY, "天级"))


class Aliyun(Provider):
    """What both services have: the gate that looks at the signature, and the console."""

    limits: Sequence[tuple[int, float, str]] = ()

    def __init__(
        self,
        path: Path,
        behaviour: Behaviour | None = None,
        *,
        key_id: str = "test-key",
        key_secret: str = "test-secret",
        templates: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(path, behaviour)
        self._keys = {key_id: key_secret}
        self.templates = dict(templates or {})
        self.machines: set[str] = set()
        self.receipts_to = ""
        self.requests: list[Mapping[str, str]] = []
        self._sent: dict[str, list[float]] = defaultdict(list)

    async def handle(self, request: Request) -> Reply:
        if request.path.strip("/") == "control/console":
            return self._console(request)
        if request.path.strip("/"):
            return await super().handle(request)
        action = request.headers.get("x-acs-action", "")
        if (wrong := self._wrong_signature(request)) is not None:
            return _error(wrong, "The key or the signature is not valid.", 400)
        self.requests.append({"Action": action, **request.query})
        return await self._act(action, request.query)

    async def _act(self, action: str, asked: Mapping[str, str]) -> Reply:
        return _error("InvalidAction.NotFound", "Specified api is not found.", 404)

    def _console(self, request: Request) -> Reply:
        given = request.content()
        self.receipts_to = str(given.get("receipts", self.receipts_to))
        self.templates |= given.get("templates", {})
        self.machines |= set(given.get("machines", ()))
        return Reply.json({"receipts": self.receipts_to, "templates": self.templates})

    async def _taken_or_not(self, reference: str, to: str, text: str, key: str) -> Reply:
        fault = await self._called(reference, to)
        if fault in NOT_TAKEN:
            return self._refusal(fault)
        for count, period, name in self.limits:
            lately = [at for at in self._sent[key] if time.time() - at < period]
            if len(lately) >= count:
                return _error("isv.BUSINESS_LIMIT_CONTROL", f"触发{name}流控Permits:{count}")
        self._sent[key].append(time.time())
        message = await self._take(reference, to, text, self.receipts_to)
        return await self._answer(message, fault)

    def _refusal(self, fault: Fault | None) -> Reply:
        match fault:
            case Fault.RESET_BEFORE:
                raise Reset
            case Fault.REFUSE:
                return _error("isv.MOBILE_NUMBER_ILLEGAL", "号码格式错误")
            case Fault.ERROR_INSIDE:
                return _error("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1")
        return _error("Throttling.User", "Request was denied due to user flow control.", 400)

    async def _answer(self, message: Taken, fault: Fault | None) -> Reply:
        if fault is Fault.ERROR_AFTER:
            return _error("InternalError", "The request processing has failed.", 500)
        return await super()._answer(message, fault)

    def _wrong_variables(self, code: str, written: str) -> str | None:
        if code not in self.templates:
            return "isv.SMS_TEMPLATE_ILLEGAL"
        try:
            given = json.loads(written or "{}")
        except ValueError:
            return "isv.INVALID_JSON_PARAM"
        if not all(isinstance(value, str) for value in given.values()):
            return "isv.INVALID_JSON_PARAM"
        if any(not given.get(name) for name in re.findall(r"\$\{(\w+)\}", self.templates[code])):
            return "isv.TEMPLATE_MISSING_PARAMETERS"
        if any(len(value) > LONGEST_VARIABLE for value in given.values()):
            return "isv.PARAM_LENGTH_LIMIT"
        return "isv.PARAM_NOT_SUPPORT_URL" if any("://" in value for value in given.values()) else None

    def _text(self, code: str, written: str) -> str:
        given = json.loads(written or "{}")
        return re.sub(r"\$\{(\w+)\}", lambda found: str(given[found[1]]), self.templates[code])

    def _wrong_signature(self, request: Request) -> str | None:
        said = re.fullmatch(
            rf"{ALGORITHM} Credential=(.+?),SignedHeaders=(.+?),Signature=([0-9a-f]+)",
            request.headers.get("authorization", ""),
        )
        if said is None:
            return "IncompleteSignature"
        key_id, names, signature = said.groups()
        if key_id not in self._keys:
            return "InvalidAccessKeyId.NotFound"
        digest = hashlib.sha256(request.body).hexdigest()
        if digest != request.headers.get("x-acs-content-sha256"):
            return "SignatureDoesNotMatch"
        query = "&".join(
            f"{quote(name, safe='~')}={quote(value, safe='~')}"
            for name, value in sorted(request.query.items())
        )
        headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names.split(";"))
        asked = "\n".join((request.method, request.path, query, headers, names, digest))
        to_sign = f"{ALGORITHM}\n{hashlib.sha256(asked.encode()).hexdigest()}"
        right = hmac.new(self._keys[key_id].encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        return None if hmac.compare_digest(right, signature) else "SignatureDoesNotMatch"


class AliyunSms(Aliyun):
    """SendSms, QuerySendDetails, GetSmsTemplate; SmsReport and SmsUp."""

    limits = SMS_LIMITS

    async def _act(self, action: str, asked: Mapping[str, str]) -> Reply:
        match action:
            case "SendSms":
                return await self._send_sms(asked)
            case "QuerySendDetails":
                return await self._details(asked)
            case "GetSmsTemplate":
                return self._template(asked.get("TemplateCode", ""))
        return await super()._act(action, asked)

    async def _send_sms(self, asked: Mapping[str, str]) -> Reply:
        to, code = asked.get("PhoneNumbers", ""), asked.get("TemplateCode", "")
        if not re.fullmatch(r"(?:(?:\+|00)?86)?1[3-9]\d{9}", to):
            return _error("isv.MOBILE_NUMBER_ILLEGAL", "号码格式错误")
        if not asked.get("SignName"):
            return _error("isv.SMS_SIGNATURE_ILLEGAL", "签名不合法")
        if (wrong := self._wrong_variables(code, asked.get("TemplateParam", ""))) is not None:
            return _error(wrong, "模板或变量不合法")
        text = self._text(code, asked.get("TemplateParam", ""))
        return await self._taken_or_not(asked.get("OutId", ""), to, text, f"{code}:{to}")

    async def _details(self, asked: Mapping[str, str]) -> Reply:
        self._look_ups += 1
        behaviour = self.behaviour
        if behaviour.happens(behaviour.look_up_fails, "look_up", asked.get("PhoneNumber"), self._look_ups):
            return _error("ServiceUnavailable", "The request has failed due to a temporary failure.", 503)
        ready = time.time() - behaviour.look_up_delay
        found = [
            self._detail(one)
            for messages in self._taken.values()
            for one in messages
            if one.to == asked.get("PhoneNumber") and one.at <= ready
            if f"{_moment(one.at):%Y%m%d}" == asked.get("SendDate")
        ]
        size, page = int(asked.get("PageSize", "10")), int(asked.get("CurrentPage", "1"))
        await self._log.write("look_up", reference="", found=len(found))
        return _ok(
            TotalCount=len(found),
            SmsSendDetailDTOs={"SmsSendDetailDTO": found[(page - 1) * size : page * size]},
        )

    def _detail(self, message: Taken) -> dict[str, Any]:
        known = self._reported(message)
        return {
            "PhoneNum": message.to,
            "OutId": message.reference,
            "SendStatus": 1 if known is None else 3 if known else 2,
            "ErrCode": "" if known is None else "DELIVERED" if known else "MOBILE_NOT_ON_SERVICE",
            "SendDate": _written_at(message.at),
            "ReceiveDate": "" if known is None else _written_at(time.time()),
            "Content": message.text,
        }

    def _reported(self, message: Taken) -> bool | None:
        """Return what the carrier has said: whether it was delivered; None for nothing so far."""
        for one in self._events:
            for report in one["event"] if one["list"] == "receipts" else ():
                if report["out_id"] == message.reference:
                    return bool(report["success"])
        return None

    def _template(self, code: str) -> Reply:
        if code not in self.templates:
            return _error("isv.TEMPLATE_NOT_EXIST", "模板不存在")
        return _ok(TemplateCode=code, TemplateStatus="1", TemplateContent=self.templates[code])

    def _acceptance(self, message: Taken) -> dict[str, Any]:
        return {"Code": "OK", "Message": "OK", "BizId": f"{message.id}^0", "RequestId": "R"}

    def _receipt(self, message: Taken, name: str, *, delivered: bool) -> Any:
        return [
            {
                "phone_number": message.to,
                "send_time": _written_at(message.at),
                "report_time": _written_at(time.time()),
                "success": delivered,
                "err_code": "DELIVERED" if delivered else "MOBILE_NOT_ON_SERVICE",
                "err_msg": "用户接收成功" if delivered else "手机关机或停机",
                "sms_size": "1",
                "biz_id": f"{message.id}^0",
                "out_id": message.reference,
            }
        ]

    def _written(self, sender: str, text: str, name: str) -> Any:
        return [
            {
                "phone_number": sender,
                "content": text,
                "send_time": _written_at(time.time()),
                "dest_code": "1234",
                "sequence_id": name.removeprefix("p-"),
            }
        ]


class AliyunVoice(Aliyun):
    """IvrCall, SingleCallByTts, QueryCallDetailByCallId; VoiceReport and VoiceCallReport."""

    limits = VOICE_LIMITS

    async def _act(self, action: str, asked: Mapping[str, str]) -> Reply:
        match action:
            case "IvrCall":
                return await self._ring(asked, asked.get("StartCode", ""), asked.get("StartTtsParams", ""))
            case "SingleCallByTts":
                return await self._ring(asked, asked.get("TtsCode", ""), asked.get("TtsParam", ""))
            case "QueryCallDetailByCallId":
                return _error("isv.INVALID_PARAMETERS", "CallId不存在")
        return await super()._act(action, asked)

    async def _ring(self, asked: Mapping[str, str], code: str, written: str) -> Reply:
        to, out_id = asked.get("CalledNumber", ""), asked.get("OutId", "")
        if not re.fullmatch(r"1[3-9]\d{9}|0\d{9,11}", to):
            return _error("isv.MOBILE_NUMBER_ILLEGAL", "被叫号码不合法")
        if len(out_id.encode()) > LONGEST_OUT_ID:
            return _error("isv.INVALID_PARAMETERS", "OutId超长")
        if (wrong := self._wrong_variables(code, written)) is not None:
            return _error(wrong.replace("SMS", "TTS"), "模板或变量不合法")
        return await self._taken_or_not(out_id, to, self._text(code, written), to)

    def _acceptance(self, message: Taken) -> dict[str, Any]:
        return {"Code": "OK", "Message": "OK", "CallId": f"{message.id}^1", "RequestId": "R"}

    def _receipt(self, message: Taken, name: str, *, delivered: bool) -> Any:
        is_machine = message.to in self.machines
        return [
            {
                "call_id": f"{message.id}^1",
                "out_id": message.reference,
                "callee": message.to,
                "status_code": "200000" if delivered else "200003",
                "smart_status_code": "INTELLIGENT_ANSWER"
                if is_machine
                else "ANSWERED"
                if delivered
                else "NO_ANSWER",
                "status_msg": "执行完成",
                "originate_time": _written_at(message.at),
                "end_time": _written_at(time.time()),
                "duration": "12" if delivered else "0",
            }
        ]

    async def _phone(self, message: Taken) -> None:
        if message.to not in self.machines:
            await super()._phone(message)

    async def _reply(self, sender: str, text: str, to: str = "") -> None:
        """Press a key in the last call to this number."""
        calls = [one for messages in self._taken.values() for one in messages if one.to == sender]
        call = max(calls, key=lambda one: one.at)
        self._replies += 1
        pressed = {
            "call_id": f"{call.id}^1",
            "out_id": call.reference,
            "status_code": "300000",
            "dtmf": text,
            "status_time": _written_at(time.time()),
        }
        await self._call_back("replies", to or self._replies_to, [pressed], f"p-{self._replies}")


def _ok(**said: Any) -> Reply:
    return Reply.json({"Code": "OK", "Message": "OK", "RequestId": "R", **said})


def _error(code: str, message: str, status: int = 200) -> Reply:
    return Reply.json({"Code": code, "Message": message, "RequestId": "R"}, status)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING)


def _written_at(at: float) -> str:
    return f"{_moment(at):%Y-%m-%d %H:%M:%S}"
