"""SMS through a gateway that is spoken to over HTTP, whatever its dialect: the options say how it is asked and answers.

Without any but `url` it speaks the shape that `manage.py simulate_provider` understands. `docs/gateways.md`
has the options, and those for Kannel.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from coordination.channels import shapes
from coordination.channels.base import (
    SIMULATED,
    SIMULATOR_HEADER,
    Accepted,
    Ambiguous,
    Callback,
    CannotLookUp,
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
from coordination.channels.callback_shapes import CallbackShape
from coordination.channels.exchange import Broken, NotSent, Response, exchange
from coordination.channels.options import Options
from coordination.channels.shapes import (
    ADDRESS_FORMS,
    WHOLE,
    Conditions,
    Pattern,
    Said,
    Statuses,
    Template,
    dialled,
    in_json,
)
from coordination.paging import Medium
from ground.dates import SHANGHAI
from ground.models import ContactKind
from ground.terms import Words

# What fits into one SMS in Chinese, and into each of several that are put together again.
_ONE_PART: Final = 70
_OF_SEVERAL: Final = 67

_BLANKS: Final = ("reference", "reference_hex", "address", "text", "link", "receipt_url")
_LOOK_UP_BLANKS: Final = ("reference", "reference_hex", "address", "first_tried_at", "first_tried_on")
_PULL_BLANKS: Final = ("since", "since_epoch")
_FIELDS: Final = {"reference": "{reference}", "to": "{address}", "text": "{text}{link}"}
_ACCEPTED_IF: Final = {"status": "^accepted$"}
_PERMANENT_IF: Final = {"status": "^rejected$"}
_TEMPORARY_IF: Final = {"status": "^busy$"}


class HttpSmsChannel(Channel):
    code = "http_sms"
    zh = "短信"
    en = "SMS"
    medium = Medium.SMS
    carries = frozenset({ContactKind.MOBILE})

    @classmethod
    def of(cls, options: Options) -> HttpSmsChannel:
        """Make it of its table in the channels' file."""
        channel = cls()
        options.name(channel)
        channel._read_request(options)
        channel._read_answer(options)
        channel._read_look_up(options)
        channel._read_what_comes_back(options)
        channel._read_caps(options)
        return channel

    def _read_request(self, options: Options) -> None:
        self._method = options.get("method", "POST").upper()
        if not (self._method.isascii() and self._method.isalpha()):
            raise options.wrong(
                "method", "应是 POST、GET 这样的方法名", "has to be a method such as POST or GET"
            )
        self._encoding = options.get("encoding", "json")
        if self._encoding not in ("json", "form", "query"):
            raise options.wrong("encoding", "应为 json、form 或 query", "has to be json, form or query")
        self._charset = _charset(options, "charset", "utf-8")
        self._time_out = shapes.time_out(options)
        self._address_form = options.get("address_form", "e164")
        if self._address_form not in ADDRESS_FORMS:
            forms = "、".join(ADDRESS_FORMS)
            raise options.wrong("address_form", f"应为 {forms} 之一", f"has to be one of {forms}")
        self.secret = shapes.secret(options)
        self._callback_base = options.get("callback_base", "") or settings.MUSTER_BASE_URL
        shapes.web_address(options, "callback_base", self._callback_base)
        self._url = _address(options, "url", options.need("url"), _BLANKS)
        own_fields = options.table("fields")
        fields = own_fields or {**_FIELDS, **({"receipt_url": "{receipt_url}"} if self.secret else {})}
        body = options.get("body", "")
        if body and own_fields:
            raise options.wrong(
                "body", "与 fields 只能写一个", "cannot stand beside fields; give one of the two"
            )
        if (body or own_fields) and not options.table("accepted_if"):
            # Taken for accepted by its status alone, an error in the answer would lose the message; taken
            # for unclear, every answer would send it again.
            raise options.wrong(
                "accepted_if", '自定请求时必须写明怎样算接受，例如 { "code" = "^0$" }',
                'has to say what counts as accepted when the request is your own, such as { "code" = "^0$" }',
            )  # fmt: skip
        self._fields = {
            name: Template.of(options, f"fields.{name}", text, _BLANKS) for name, text in fields.items()
        }
        self._body = Template.of(options, "body", body, _BLANKS) if body else None
        if self._body and not _is_json(self._body.filled(dict.fromkeys(_BLANKS, ""))):
            raise options.wrong("body", "不是 JSON", "is not JSON")
        self._headers = options.table("headers")
        if wrong := [name for name, one in self._headers.items() if not _is_header(name, one)]:
            raise options.wrong(
                f"headers.{wrong[0]}",
                "名称和内容只能用英文字母、数字和标点，写在一行",
                "has to be on one line, in ASCII",
            )
        templates = [self._url, *([self._body] if self._body else self._fields.values())]
        if not self.secret and any("receipt_url" in template.blanks for template in templates):
            raise options.wrong("secret", "用到 {receipt_url} 时必须填写", "is needed for {receipt_url}")

    def _read_answer(self, options: Options) -> None:
        own = bool(options.table("accepted_if"))
        self._accepted_status = Statuses.of(options, "accepted_status", "200-299")
        if not self._accepted_status.ranges:
            # Nothing would ever count as taken, and everything would be sent again.
            raise options.wrong("accepted_status", "至少写一个状态码", "has to name a status at least")
        self._permanent_status = Statuses.of(options, "permanent_status", "400, 404, 410, 422")
        # A wrong password or a redirect is mended by the administrator; the number is not to blame.
        self._temporary_status = Statuses.of(options, "temporary_status", "300-399, 401, 403, 429, 503")
        self._accepted_if = Conditions.of(options, "accepted_if", _ACCEPTED_IF)
        self._permanent_if = Conditions.of(options, "permanent_if", {} if own else _PERMANENT_IF)
        self._temporary_if = Conditions.of(options, "temporary_if", {} if own else _TEMPORARY_IF)
        self._message_id = options.get("message_id", "id")
        pattern = options.get("message_id_pattern", "")
        self._message_id_pattern = Pattern.of(options, "message_id_pattern", pattern) if pattern else None
        self._reason = options.get("reason", "reason")

    def _read_look_up(self, options: Options) -> None:
        address = options.get("look_up_url", "")
        self._look_up_url = _address(options, "look_up_url", address, _LOOK_UP_BLANKS) if address else None
        self._look_up_id = options.get("look_up_id", "id")
        self._look_up_unknown_status = Statuses.of(options, "look_up_unknown_status", "404")
        self._look_up_unknown_if = Conditions.of(options, "look_up_unknown_if")
        self._look_up_settles = shapes.look_up_settles(options, 0.0, time_out=self._time_out)
        self._check_url = _address(options, "check_url", options.get("check_url", ""), ())

    def _read_what_comes_back(self, options: Options) -> None:
        called_in = _charset(options, "callback_charset", self._charset)
        self._callbacks = CallbackShape(options, charset=called_in)
        self.callback_answer = options.get("callback_answer", self.callback_answer)
        address = options.get("pull_url", "")
        self._pull_url = _address(options, "pull_url", address, _PULL_BLANKS) if address else None
        self._pull_receipts = options.get("pull_receipts", "receipts")
        self._pull_replies = options.get("pull_replies", "replies")

    def _read_caps(self, options: Options) -> None:
        parts = options.get("parts_at_most", 0)
        if parts < 0:
            raise options.wrong("parts_at_most", "不能是负数", "cannot be negative")
        hears = bool(self.secret or self._pull_url)
        self.caps = Caps(
            text_at_most={0: None, 1: _ONE_PART}.get(parts, parts * _OF_SEVERAL),
            per_address=shapes.limits(options, "per_address"),
            per_second=shapes.per_second(options),
            takes_replies=options.get("takes_replies", hears),
            looks_up=self._look_up_url is not None,
            sends_receipts=options.get("sends_receipts", hears),
        )

    def send(self, message: Message) -> Outcome:
        try:
            answer = self._exchange(*self._request(message))
        except NotSent as failure:
            return Rejected(permanent=False, reason=f"连不上短信网关：{failure}"[:200])
        except Broken as failure:
            # It may have been taken: the answer is what is missing.
            return Ambiguous(f"短信网关没有答完：{failure}"[:200])
        return self._outcome(message, answer)

    def look_up(self, message: Message) -> str | None:
        if self._look_up_url is None:
            raise CannotLookUp
        patience_ends = time.monotonic() + self._time_out
        found = self._found(message, within=self._time_out)
        if found is None and self._look_up_settles:
            # Many gateways know of a message only a moment after they have taken it.
            time.sleep(self._look_up_settles)
            found = self._found(message, within=patience_ends - time.monotonic())
        return found

    def check(self) -> Sequence[Finding]:
        url = self._check_url.filled({})
        if not url:
            # The gateway's root stands for it: any answer shows that there is one.
            parts = urlsplit(self._url.filled(dict.fromkeys(_BLANKS, "")))
            url = f"{parts.scheme}://{parts.netloc}/"
        try:
            answer = self._exchange("GET", url, {}, b"")
        except (NotSent, Broken) as failure:
            return [
                Finding(False, Words(f"网关没有应答：{failure}", f"the gateway does not answer: {failure}"))
            ]
        findings = []
        if SIMULATOR_HEADER in answer.headers:
            findings.append(SIMULATED)
        if not self._check_url.filled({}):
            findings.append(
                Finding(
                    True,
                    Words(
                        "网关有应答；账号密码未核对（没有填 check_url）",
                        "the gateway answers; whether it accepts our password was not checked (no check_url)",
                    ),
                )
            )
        else:
            findings.append(
                Finding(
                    answer.status in self._accepted_status,
                    Words(f"check_url 应答 {answer.status}", f"check_url answers {answer.status}"),
                )
            )
        return findings

    def parse_receipt(self, callback: Callback) -> Sequence[Receipt]:
        return self._callbacks.receipts(callback)

    def parse_reply(self, callback: Callback) -> Sequence[ReplyReceived]:
        return self._callbacks.replies(callback)

    def pull(self, *, since: datetime) -> Sequence[Event]:
        if self._pull_url is None:
            return ()
        values = {"since": since.isoformat(), "since_epoch": f"{since.timestamp():.3f}"}
        try:
            answer = self._exchange("GET", self._pull_url.filled(values, _quoted), {}, b"")
        except (NotSent, Broken) as failure:
            raise Unreadable(f"nothing could be fetched: {failure}") from failure
        if answer.status not in self._accepted_status:
            raise Unreadable(f"nothing could be fetched: it answers {answer.status}")
        said = Said.in_json(answer.text(self._charset))
        return [
            *self._callbacks.receipts_in(said.parts(self._pull_receipts)),
            *self._callbacks.replies_in(said.parts(self._pull_replies)),
        ]

    def _request(self, message: Message) -> tuple[str, str, Mapping[str, str], bytes]:
        values = self._values(message)
        url = self._url.filled(values, _quoted)
        if self._body is not None:
            body = self._body.filled(values, in_json).encode()
            return self._method, url, {"Content-Type": "application/json; charset=utf-8"}, body
        fields = {name: template.filled(values) for name, template in self._fields.items()}
        if self._encoding == "json":
            body = json.dumps(fields, ensure_ascii=False).encode()
            return self._method, url, {"Content-Type": "application/json; charset=utf-8"}, body
        form = urlencode(fields, encoding=self._charset, errors="replace")
        if self._encoding == "query":
            return self._method, f"{url}{'&' if '?' in url else '?'}{form}", {}, b""
        kind = f"application/x-www-form-urlencoded; charset={self._charset}"
        return self._method, url, {"Content-Type": kind}, form.encode()

    def _values(self, message: Message) -> dict[str, str]:
        return {
            "reference": str(message.reference),
            "reference_hex": message.reference.hex,
            "address": dialled(message.address, self._address_form),
            "text": _shortened(message.text, self.caps.text_at_most, len(message.link)),
            "link": message.link,
            "receipt_url": f"{self._callback_base.rstrip('/')}/callbacks/{self.code}/{self.secret}/receipts/",
        }

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        within: float | None = None,
    ) -> Response:
        named = {**headers, **self._headers}
        return exchange(method, url, headers=named, body=body, within=within or self._time_out)

    def _outcome(self, message: Message, answer: Response) -> Outcome:
        said = Said.in_json(answer.text(self._charset))
        reason = (said.at(self._reason) or said.text).strip()
        refusal = f"短信网关拒绝（{answer.status}）：{reason}"[:200]
        if answer.status in self._permanent_status or self._permanent_if.hold(said):
            return Rejected(permanent=True, reason=refusal)
        if answer.status in self._temporary_status or self._temporary_if.hold(said):
            return Rejected(permanent=False, reason=refusal)
        if answer.status in self._accepted_status and self._accepted_if.hold(said):
            return Accepted(self._id_in(said) or str(message.reference))
        return Ambiguous(f"短信网关的回答看不懂（{answer.status}）：{reason}"[:200])

    def _id_in(self, said: Said) -> str | None:
        if self._message_id_pattern is None:
            return said.at(self._message_id)
        path = self._message_id if said.at(self._message_id) is not None else WHOLE
        return self._message_id_pattern.taken_from(said.at(path))

    def _found(self, message: Message, *, within: float) -> str | None:
        """Ask the gateway once; anything but a clear yes or no is no answer."""
        assert self._look_up_url is not None
        tried = message.first_tried_at
        values = self._values(message) | {
            "first_tried_at": tried.isoformat() if tried else "",
            "first_tried_on": f"{tried.astimezone(SHANGHAI):%Y%m%d}" if tried else "",
        }
        if within <= 0:
            raise CannotLookUp
        try:
            answer = self._exchange("GET", self._look_up_url.filled(values, _quoted), {}, b"", within=within)
        except (NotSent, Broken) as failure:
            raise CannotLookUp from failure
        said = Said.in_json(answer.text(self._charset))
        if answer.status in self._look_up_unknown_status or self._look_up_unknown_if.hold(said):
            return None
        if answer.status in self._accepted_status and (found := said.at(self._look_up_id)):
            return found
        raise CannotLookUp


def _shortened(text: str, at_most: int | None, link: int) -> str:
    """Return the text so that it fits with its link, cut in the middle: how to answer stands at the end."""
    room = at_most - link if at_most is not None else len(text)
    if len(text) <= room:
        return text
    tail = max(room // 2, 1)
    return f"{text[: max(room - tail - 1, 0)]}…{text[-tail:]}"


def _charset(options: Options, name: str, default: str) -> str:
    charset = options.get(name, default)
    try:
        "集结".encode(charset)
    except (LookupError, ValueError):  # no such name, or one that is not even a name
        raise options.wrong(
            name, f"不认识字符集“{charset}”，或它写不了中文", f"no character set {charset} for Chinese"
        ) from None
    return charset


def _address(options: Options, name: str, written: str, blanks: Sequence[str]) -> Template:
    template = Template.of(options, name, written, blanks)
    if written:
        shapes.web_address(options, name, template.filled(dict.fromkeys(blanks, "")))
    return template


def _is_header(name: str, value: str) -> bool:
    return re.fullmatch(r"[!-9;-~]+", name) is not None and re.fullmatch(r"[\t -~]*", value) is not None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _quoted(value: str) -> str:
    return quote(value, safe="")
