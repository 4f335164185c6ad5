"""How a gateway tells what became of messages and what people answered, as an installation's options describe it."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from coordination.channels.base import Callback, Forged, Receipt, ReplyReceived, Unreadable
from coordination.channels.guard import networks
from coordination.channels.options import Options
from coordination.channels.shapes import Pattern, Said
from ground import phones

log = logging.getLogger(__name__)

Part = TypeVar("Part")
Thing = TypeVar("Thing")

_NUMBER: Final = re.compile(r"[0-9]{1,18}")

# Where each thing stands in a receipt and in a reply, as paths; `list` is where several of them stand.
_RECEIPT: Final = {
    "list": "",
    "event_id": "event_id",
    "reference": "reference",
    "message_id": "message_id",
    "status": "status",
    "reason": "reason",
    "sequence": "sequence",
}
_REPLY: Final = {
    "list": "",
    "event_id": "event_id",
    "address": "from",
    "text": "text",
    "reference": "reference",
    "message_id": "message_id",
}


@dataclass(frozen=True)
class AllowList:
    """The networks that callbacks may come from; without any, all."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, options: Options, name: str) -> AllowList:
        return cls(networks(options, name))

    def refuse_others(self, remote: str) -> None:
        """:raises Forged: if `remote` is in none of the networks."""
        if not self.networks:
            return
        with contextlib.suppress(ValueError):
            address = ip_address(remote)
            if isinstance(address, IPv6Address) and address.ipv4_mapped:
                address = address.ipv4_mapped
            if any(address in network for network in self.networks):
                return
        raise Forged(f"{remote} is not in allow_from")


class CallbackShape:
    """Reads the calls of one gateway."""

    def __init__(self, options: Options, *, charset: str) -> None:
        self._charset = charset
        self._allow_from = AllowList.of(options, "allow_from")
        self._receipt = _paths(options, "receipt", _RECEIPT)
        self._reply = _paths(options, "reply", _REPLY)
        self._delivered = _pattern(options, "receipt_delivered", "^delivered$")
        self._failed = _pattern(options, "receipt_failed", "^(failed|rejected|expired)$")

    def receipts(self, callback: Callback) -> list[Receipt]:
        """Return those of a call that are final; what is only on its way says nothing new.

        :raises Forged: :raises Unreadable:
        """
        return self.receipts_in(self._read(callback).parts(self._receipt["list"]))

    def replies(self, callback: Callback) -> list[ReplyReceived]:
        """:raises Forged: :raises Unreadable:"""
        return self.replies_in(self._read(callback).parts(self._reply["list"]))

    def receipts_in(self, parts: Sequence[Said]) -> list[Receipt]:
        """:raises Unreadable: if none of them can be read."""
        return [receipt for receipt in readable(parts, self._receipt_in) if receipt is not None]

    def replies_in(self, parts: Sequence[Said]) -> list[ReplyReceived]:
        """:raises Unreadable: if none of them can be read."""
        return readable(parts, self._reply_in)

    def _read(self, callback: Callback) -> Said:
        self._allow_from.refuse_others(callback.remote)
        text = callback.body.decode(self._charset, errors="replace")
        if text.lstrip()[:1] in ("{", "["):
            try:
                content = json.loads(text)
            except (ValueError, RecursionError) as wrong:
                raise Unreadable(f"no JSON: {wrong}") from wrong
            # What our own address carries, such as the reference, stands beside what the gateway says.
            return Said(text, {**self._query(callback), **content} if isinstance(content, dict) else content)
        return Said(text, {**self._query(callback), **self._form(text)})

    def _query(self, callback: Callback) -> Mapping[str, str]:
        return self._form(callback.raw_query) if callback.raw_query else callback.query

    def _form(self, text: str) -> dict[str, str]:
        return dict(parse_qsl(text, keep_blank_values=True, encoding=self._charset, errors="replace"))

    def _receipt_in(self, said: Said) -> Receipt | None:
        status = self._at(said, self._receipt, "status")
        reference = reference_in(self._at(said, self._receipt, "reference"))
        message_id = self._at(said, self._receipt, "message_id")
        if not status or (reference is None and not message_id):
            raise Unreadable("a receipt without its status, or without the message that it is about")
        delivered = self._delivered.is_in(status)
        if not delivered and not self._failed.is_in(status):
            return None
        sequence = self._at(said, self._receipt, "sequence")
        return Receipt(
            # A gateway that gives its receipts no names repeats them word by word.
            event_id=self._at(said, self._receipt, "event_id")
            or f"{reference or ''}:{message_id}:{status}:{sequence}",
            delivered=delivered,
            reason=self._at(said, self._receipt, "reason") or ("" if delivered else status),
            reference=reference,
            message_id=message_id,
            sequence=int(sequence) if _NUMBER.fullmatch(sequence) else 0,
        )

    def _reply_in(self, said: Said) -> ReplyReceived:
        address = self._at(said, self._reply, "address")
        event_id = self._at(said, self._reply, "event_id")
        if not address or not event_id:
            # Without a name of its own a second "1" could not be told from the first one repeated.
            raise Unreadable("a reply without its sender, or without its own id")
        with contextlib.suppress(phones.WrongPhone):
            address = phones.normalise(address)
        return ReplyReceived(
            event_id=event_id,
            address=address,
            text=self._at(said, self._reply, "text"),
            reference=reference_in(self._at(said, self._reply, "reference")),
            message_id=self._at(said, self._reply, "message_id"),
        )

    def _at(self, said: Said, paths: Mapping[str, str], name: str) -> str:
        return (said.at(paths[name]) or "").strip() if paths[name] else ""


def readable(parts: Sequence[Part], read: Callable[[Part], Thing]) -> list[Thing]:
    """Read each; one that cannot be read must not take its neighbours with it.

    :raises Unreadable: if there are some and none can be read.
    """
    things, wrong = [], None
    for part in parts:
        try:
            things.append(read(part))
        except Unreadable as unreadable:
            wrong = unreadable
            log.warning("left out: %s", unreadable)
    if wrong is not None and not things:
        raise wrong
    return things


def _paths(options: Options, name: str, default: Mapping[str, str]) -> Mapping[str, str]:
    given = options.table(name)
    if unknown := sorted(set(given) - set(default)):
        known = "、".join(default)
        raise options.wrong(
            f"{name}.{unknown[0]}", f"没有这一项，可用：{known}", f"is not part of it; known are: {known}"
        )
    return {**default, **given}


def _pattern(options: Options, name: str, default: str) -> Pattern:
    return Pattern.of(options, name, options.get(name, default))


def reference_in(written: str) -> UUID | None:
    """Return our reference as a provider has given it back; None for anything else."""
    try:
        return UUID(written)
    except ValueError:
        return None
