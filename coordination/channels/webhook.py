"""Into the system of a team, an enterprise or the centre itself, which then tells its own people: signed webhooks.

The form is that of Standard Webhooks (standardwebhooks.com): JSON, signed with a secret of each receiver's
own, under an id that stays the same however often it is sent. The receiver may answer in the same form to
`callbacks/CODE/SECRET/replies/`. `docs/webhooks.md` has both, and the options.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from standardwebhooks.webhooks import Webhook

from coordination import reply_texts
from coordination.channels import shapes
from coordination.channels.base import (
    Accepted,
    Ambiguous,
    Callback,
    Caps,
    Channel,
    Finding,
    Forged,
    Message,
    Outcome,
    Rejected,
    ReplyReceived,
    Unreadable,
)
from coordination.channels.exchange import Broken, NotSent, Resolve, addresses_of, exchange
from coordination.channels.guard import Guard, NotAllowed, networks
from coordination.channels.options import Options
from coordination.paging import Medium, Reply
from ground import clock
from ground.models import ContactKind
from ground.terms import Words

# A call that is older or newer than this was recorded and sent again, or comes from a wrong clock.
TOLERANCE: Final = timedelta(minutes=5)
LONGEST_ANSWER_BYTES: Final = 20_000
ANY_HOST: Final = "*"

# "Gone" is how a receiver says that it wants no more; the others of these say that this address is wrong.
_PERMANENT: Final = frozenset({400, 404, 405, 410, 413, 415, 422})
_DIGITS: Final[Mapping[str, str]] = {reply.value: reply_texts.digit_of(reply) for reply in Reply}


class WebhookChannel(Channel):
    code = "webhook"
    zh = "系统接口"
    en = "webhook"
    medium = Medium.WEBHOOK
    carries = frozenset({ContactKind.WEBHOOK})
    # Replaced in tests, to show what stands behind a name.
    resolve: Resolve = staticmethod(addresses_of)

    @classmethod
    def of(cls, options: Options) -> WebhookChannel:
        """Make it of its table in the channels' file."""
        channel = cls()
        options.name(channel)
        channel.secret = shapes.secret(options)
        channel._time_out = shapes.time_out(options)
        channel._guard = Guard(networks(options, "allow_networks"), options.get("plain_http", False))
        channel._signers = _signers(options)
        channel.caps = Caps(takes_replies=bool(channel.secret))
        return channel

    def __init__(self) -> None:
        self._time_out = 10.0
        self._guard = Guard()
        self._signers: Mapping[str, Sequence[Webhook]] = {}

    def send(self, message: Message) -> Outcome:
        try:
            host = self._guard.host_of(message.address)
            headers, body = self._signed(message, self._signers_of(host))
            answer = exchange(
                "POST",
                message.address,
                headers=headers,
                body=body,
                within=self._time_out,
                at_most=LONGEST_ANSWER_BYTES,
                admit=self._guard.admit,
                resolve=self.resolve,
            )
        except NotAllowed as refusal:
            return Rejected(permanent=True, reason=f"这个接口地址不能用：{refusal}"[:200])
        except NotSent as failure:
            return Rejected(permanent=False, reason=f"连不上对方系统：{failure}"[:200])
        except Broken as failure:
            return Ambiguous(f"对方系统没有答完：{failure}"[:200])
        if 200 <= answer.status < 300:
            return Accepted(str(message.reference))
        reason = f"对方系统应答 {answer.status}"
        if answer.status in _PERMANENT:
            return Rejected(permanent=True, reason=reason)
        if answer.status < 500 or answer.status == 503:
            # A redirect too: to follow it would be to call where nobody has looked.
            return Rejected(permanent=False, reason=reason)
        return Ambiguous(reason)

    def check(self) -> Sequence[Finding]:
        hosts = "、".join(sorted(self._signers))
        return [
            Finding(
                True,
                Words(
                    f"可以发往：{hosts}；没有向任何系统发送",
                    f"may call: {hosts}; nothing was sent to any of them",
                ),
            )
        ]

    def parse_reply(self, callback: Callback) -> Sequence[ReplyReceived]:
        """Return the answer of a receiver, to the message under the `reference` that it was given."""
        event_id = self._verified(callback)
        try:
            said = json.loads(callback.body)
            data = said["data"]
            reference = UUID(str(data["reference"]))
            answer = str(data.get("answer", ""))
            text = _DIGITS.get(answer, "") or str(data.get("text", ""))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as wrong:
            raise Unreadable(f"no answer: {type(wrong).__name__}") from wrong
        if answer and answer not in _DIGITS:
            raise Unreadable(f"answer: there is only {', '.join(_DIGITS)}")
        # The message says to whom it went: nobody answers for an address by naming it.
        return [ReplyReceived(event_id=event_id, address="", text=text, reference=reference)]

    def _signers_of(self, host: str) -> Sequence[Webhook]:
        if signers := self._signers.get(host) or self._signers.get(ANY_HOST):
            return signers
        raise NotAllowed(f"{host} is not among the hosts of this channel")

    def _signed(self, message: Message, signers: Sequence[Webhook]) -> tuple[dict[str, str], bytes]:
        at = (message.at or clock.now()).astimezone(UTC)
        body = json.dumps(_content(message, at), ensure_ascii=False)
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Muster",
            "webhook-id": str(message.reference),
            "webhook-timestamp": str(int(at.timestamp())),
            # One for each secret of the receiver's: while one is exchanged for the next, either is right.
            "webhook-signature": " ".join(
                signer.sign(str(message.reference), at, body) for signer in signers
            ),
        }, body.encode()

    def _verified(self, callback: Callback) -> str:
        """Return the id of a call that a receiver has signed lately.

        :raises Forged:
        """
        named = [callback.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")]
        event_id, written, signatures = named
        try:
            at = datetime.fromtimestamp(int(written), UTC)
            body = callback.body.decode()
        except (ValueError, OverflowError, OSError) as wrong:
            raise Forged("no signature") from wrong
        if not event_id or abs(clock.now() - at) > TOLERANCE:
            raise Forged("no id, or signed too long ago")
        given = [_bytes(one.removeprefix("v1,")) for one in signatures.split(" ") if one.startswith("v1,")]
        for signer in (signer for signers in self._signers.values() for signer in signers):
            right = _bytes(signer.sign(event_id, at, body).removeprefix("v1,"))
            if any(hmac.compare_digest(right, one) for one in given):
                return event_id
        raise Forged("signed by nobody whom we know")


def _content(message: Message, at: datetime) -> dict[str, Any]:
    return {
        "type": f"callout.{message.purpose.value}",
        "timestamp": at.isoformat(timespec="seconds"),
        "data": {
            "reference": str(message.reference),
            "recipient": message.recipient,
            "subject": message.subject,
            "text": message.text,
            "link": message.link,
            "fields": dict(message.fields),
        },
    }


def _signers(options: Options) -> Mapping[str, Sequence[Webhook]]:
    """Read whom we may call, with the secret of each; two secrets of one are separated by a space."""
    hosts = options.table("hosts")
    if not hosts:
        raise options.wrong(
            "hosts", '必须写明可以发往哪些主机，例如 { "dispatch.example.cn" = "env:DISPATCH_SECRET" }',
            'has to say whom to call, such as { "dispatch.example.cn" = "env:DISPATCH_SECRET" }',
        )  # fmt: skip
    signers = {}
    for host, secrets in hosts.items():
        written = secrets.split()
        if not written or not all(24 <= len(_bytes(one.removeprefix("whsec_"))) <= 64 for one in written):
            raise options.wrong(
                f"hosts.{host}",
                "密钥应是 whsec_ 加 24 到 64 字节的 base64",
                "needs whsec_ and 24 to 64 bytes in base64",
            )
        signers[host.lower().rstrip(".")] = [Webhook(one) for one in written]
    return signers


def _bytes(written: str) -> bytes:
    try:
        return base64.b64decode(f"{written}==")
    except (binascii.Error, ValueError):
        return b""
