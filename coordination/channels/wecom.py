"""Messages of an app in WeCom (企业微信应用消息), to members of the centre's own organisation there.

Spoken to over HTTP as the vendor's documentation says (there is no official SDK for this); not run against
the real service. The options and what was read where stand in `docs/channels.md`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from coordination.channels import shapes
from coordination.channels.base import (
    SIMULATED,
    SIMULATOR_HEADER,
    Accepted,
    Ambiguous,
    Caps,
    Channel,
    Finding,
    Message,
    Outcome,
    Rejected,
)
from coordination.channels.exchange import Broken, NotSent, exchange
from coordination.channels.options import Options
from coordination.paging import Medium
from ground.models import ContactKind
from ground.terms import Words

ENDPOINT: Final = "https://qyapi.weixin.qq.com"
PER_MEMBER: Final = "30/m, 1000/h"
LONGEST_BYTES: Final = 2048
# The vendor drops what is word for word the same to the same member within so many seconds, four hours at most.
SAME_WITHIN: Final = 14400

# The key that we hold has run out or was taken back; nothing was sent.
_STALE_KEY: Final = frozenset({40014, 42001})
# This member cannot be reached, or the words are at fault.
_PERMANENT: Final = frozenset({40003, 40008, 40031, 40058, 44004, 45002, 60111, 81013})
# A key is thrown away a little before its time.
_MARGIN: Final = 120.0


class _Said(Exception):
    """The service has answered with an error code, inside HTTP 200 or without."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code


@dataclass
class _Keys:
    """The access keys of this process: asking for one too often is punished by the vendor."""

    known: dict[tuple[str, str, str], tuple[str, float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_KEYS: Final = _Keys()


class WecomChannel(Channel):
    code = "wecom"
    zh = "企业微信"
    en = "WeCom"
    medium = Medium.APP
    carries = frozenset({ContactKind.WECOM})
    is_proved = False

    @classmethod
    def of(cls, options: Options) -> WecomChannel:
        """Make it of its table in the channels' file."""
        channel = cls()
        options.name(channel)
        channel.is_proved = options.is_proved()
        channel._corp_id = options.need("corp_id")
        channel._corp_secret = options.need("corp_secret")
        channel._agent_id = options.get("agent_id", 0)
        if channel._agent_id <= 0:
            raise options.wrong("agent_id", "必须填写应用的 AgentId", "has to be the AgentId of the app")
        channel._endpoint = options.get("endpoint", ENDPOINT).rstrip("/")
        shapes.web_address(options, "endpoint", channel._endpoint)
        channel._time_out = shapes.time_out(options)
        channel.caps = Caps(per_address=shapes.limits(options, "per_address", PER_MEMBER))
        return channel

    _corp_id: str
    _corp_secret: str
    _agent_id: int
    _endpoint: str
    _time_out: float

    def send(self, message: Message) -> Outcome:
        patience_ends = time.monotonic() + self._time_out
        for is_last_try in (False, True):
            try:
                key = self._key(patience_ends)
            except (_Said, NotSent, Broken) as failure:
                return Rejected(permanent=False, reason=f"企业微信没有给出凭证：{failure}"[:200])
            try:
                said = self._ask("message/send", patience_ends, body=self._body(message), access_token=key)
            except NotSent as failure:
                return Rejected(permanent=False, reason=f"连不上企业微信：{failure}"[:200])
            except Broken as failure:
                # Sent again it is word for word the same, and the vendor shows it once.
                return Ambiguous(f"企业微信没有答完：{failure}"[:200])
            except _Said as error:
                if error.code in _STALE_KEY and not is_last_try:
                    self._forget(key)
                    continue
                return Rejected(permanent=error.code in _PERMANENT, reason=f"企业微信：{error}"[:200])
            return _outcome(message, said)
        raise AssertionError("the last try returns")

    def check(self) -> Sequence[Finding]:
        patience_ends = time.monotonic() + self._time_out
        try:
            key = self._key(patience_ends)
            app = self._ask("agent/get", patience_ends, access_token=key, agentid=str(self._agent_id))
        except (_Said, NotSent, Broken) as failure:
            return [Finding(False, Words(f"企业微信：{failure}", f"WeCom: {failure}"))]
        name = app.get("name", "")
        return [
            *([SIMULATED] if app.get(SIMULATOR_HEADER) else []),
            Finding(True, Words(f"应用“{name}”应答正常", f"WeCom knows the app “{name}”")),
        ]

    def _body(self, message: Message) -> bytes:
        """Return the request, the same for every attempt: so not with the mark of a second copy.

        Part of our reference stands in it, or another message of the same words would be dropped as a copy.
        """
        what, text = message.fields.get("what", message.subject), message.fields.get("text", message.text)
        end = f"\n编号 {message.reference.hex[:8]}"
        if message.link:
            end = f'\n<a href="{message.link}">点此答复</a>{end}'
        room = LONGEST_BYTES - len(end.encode())
        start = f"{what}\n{text}".encode()[:room].decode(errors="ignore")
        return json.dumps(
            {
                "touser": message.address,
                "msgtype": "text",
                "agentid": self._agent_id,
                "text": {"content": start + end},
                "enable_duplicate_check": 1,
                "duplicate_check_interval": SAME_WITHIN,
            },
            ensure_ascii=False,
        ).encode()

    def _key(self, patience_ends: float) -> str:
        """Return the access key, a new one when there is none that still holds."""
        account = (self._endpoint, self._corp_id, self._corp_secret)
        with _KEYS.lock:
            key, holds_until = _KEYS.known.get(account, ("", 0.0))
            if key and time.monotonic() < holds_until:
                return key
        said = self._ask("gettoken", patience_ends, corpid=self._corp_id, corpsecret=self._corp_secret)
        key, seconds = str(said.get("access_token") or ""), float(said.get("expires_in") or 0)
        if not key:
            raise Broken("an answer without a key")
        with _KEYS.lock:
            _KEYS.known[account] = (key, time.monotonic() + seconds - _MARGIN)
        return key

    def _forget(self, key: str) -> None:
        account = (self._endpoint, self._corp_id, self._corp_secret)
        with _KEYS.lock:
            if _KEYS.known.get(account, ("", 0.0))[0] == key:
                del _KEYS.known[account]

    def _ask(self, path: str, patience_ends: float, *, body: bytes = b"", **query: str) -> Mapping[str, Any]:
        """Ask the service once.

        :raises NotSent: :raises Broken: :raises _Said:
        """
        left = patience_ends - time.monotonic()
        if left <= 0:
            raise NotSent("the time was up")
        answer = exchange(
            "POST" if body else "GET",
            f"{self._endpoint}/cgi-bin/{path}?{urlencode(query)}",
            headers={"Content-Type": "application/json; charset=utf-8"} if body else {},
            body=body,
            within=left,
        )
        if answer.status >= 500:
            raise Broken(f"HTTP {answer.status}")
        try:
            said = json.loads(answer.body)
            code = int(said.get("errcode", 0))
        except (ValueError, TypeError, AttributeError, RecursionError) as wrong:
            if answer.status >= 400:
                raise _Said(answer.status, "HTTP") from wrong
            raise Broken("an answer of another form") from wrong
        if code:
            # HTTP 200 all the same: that the call has failed is said inside.
            raise _Said(code, str(said.get("errmsg", ""))[:120])
        if answer.status != 200:
            raise _Said(answer.status, "HTTP")
        return {**said, SIMULATOR_HEADER: SIMULATOR_HEADER in answer.headers}


def _outcome(message: Message, said: Mapping[str, Any]) -> Outcome:
    for name, why in (
        ("invaliduser", "没有这个成员，或不在应用的可见范围"),
        ("unlicenseduser", "这个成员没有接口许可"),
    ):
        if message.address.lower() in str(said.get(name) or "").lower().split("|"):
            return Rejected(permanent=True, reason=f"企业微信：{why}")
    return Accepted(str(said.get("msgid") or message.reference))
