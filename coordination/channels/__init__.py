"""The ways of reaching a person, one file each, and which of them this installation has.

`docs/adding-a-channel.md` says how one is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from coordination.channels.aliyun_sms import AliyunSmsChannel
from coordination.channels.aliyun_voice import AliyunVoiceChannel
from coordination.channels.base import (
    Accepted,
    Ambiguous,
    Callback,
    CannotLookUp,
    Caps,
    Channel,
    Event,
    Finding,
    Forged,
    Limit,
    Message,
    Outcome,
    Receipt,
    Rejected,
    ReplyReceived,
    Sent,
    Unreadable,
)
from coordination.channels.email import EmailChannel
from coordination.channels.http_sms import HttpSmsChannel
from coordination.channels.inbox import InboxChannel
from coordination.channels.options import Options, WrongOption
from coordination.channels.webhook import WebhookChannel
from coordination.channels.wecom import WecomChannel
from coordination.paging import Medium
from ground.models import ContactKind

__all__ = [
    "Accepted",
    "Ambiguous",
    "Callback",
    "CannotLookUp",
    "Caps",
    "Channel",
    "Event",
    "Finding",
    "Forged",
    "Limit",
    "Message",
    "Outcome",
    "Receipt",
    "Rejected",
    "ReplyReceived",
    "Sent",
    "Unreadable",
    "WrongOption",
    "by_code",
    "carriers_of",
    "installed",
    "reach",
]

# What `kind` may be in the file that MUSTER_CHANNELS names, and what makes a channel of its options.
KINDS: Mapping[str, Callable[[Options], Channel]] = {
    "email": EmailChannel.of,
    "http_sms": HttpSmsChannel.of,
    "webhook": WebhookChannel.of,
    "aliyun_sms": AliyunSmsChannel.of,
    "aliyun_voice": AliyunVoiceChannel.of,
    "wecom": WecomChannel.of,
}


def installed() -> list[Channel]:
    """Return the channels that this installation has, the preferred first.

    :raises WrongOption: if the file that MUSTER_CHANNELS names makes no sense.
    """
    # A demo installation never sends anything out of the machine: the inbox is all it has.
    if settings.MUSTER_MODE == "demo":
        return [InboxChannel()]
    if settings.MUSTER_CHANNELS is None:
        return [EmailChannel()]
    return [_made(number, options) for number, options in enumerate(settings.MUSTER_CHANNELS, 1)]


def by_code(code: str) -> Channel | None:
    """Return the channel `code`, None if this installation does not have it."""
    return next((channel for channel in installed() if channel.code == code), None)


def reach() -> dict[Medium, frozenset[ContactKind]]:
    """Return which kinds of contact each medium of this installation reaches."""
    found: dict[Medium, frozenset[ContactKind]] = {}
    for channel in installed():
        found[channel.medium] = found.get(channel.medium, frozenset()) | channel.carries
    return found


def carriers_of(medium: Medium, kind: str) -> list[Channel]:
    """Return the channels of this medium that reach a contact of this kind, the preferred first."""
    return [one for one in installed() if one.medium == medium and ContactKind(kind) in one.carries]


def wrong_options(**_asked: Any) -> list[CheckMessage]:
    """Say at the start what is wrong in the channels' file, instead of when the first message is due."""
    try:
        codes = [channel.code for channel in installed()]
    except WrongOption as wrong:
        return [Error(f"MUSTER_CHANNELS：{wrong.zh} / MUSTER_CHANNELS: {wrong.en}", id="muster.channels")]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        return [
            Error(
                f"MUSTER_CHANNELS：code“{twice[0]}”用了两次，每个通道要有自己的 code。 / "
                f"MUSTER_CHANNELS: the code “{twice[0]}” is used twice; every channel needs its own.",
                id="muster.channels",
            )
        ]
    return []


def _made(number: int, given: Mapping[str, object]) -> Channel:
    options = Options(number, given)
    make = KINDS[options.one_of("kind", *KINDS)]
    channel = make(options)
    options.refuse_unknown()
    return channel
