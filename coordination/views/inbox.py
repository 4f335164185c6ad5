"""The demo inbox: every simulated phone with its messages, so that a newcomer can answer as the expert.

It exists only in a demo installation; anywhere else the address leads nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from zlib import crc32

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coordination.models import Delivery, InboxMessage
from coordination.paging import InvitationStatus, Purpose
from ground.access import Permission
from ground.guards import needs, user_of
from ground.phones import as_written

SHOWN: Final = 300


@dataclass(frozen=True)
class Shown:
    """One message; `path` is the answer link within this site, `state` what became of the ask."""

    message: InboxMessage
    purpose: str
    path: str
    state: str

    @property
    def is_ask(self) -> bool:
        return self.purpose == Purpose.ASK and bool(self.path)


@dataclass
class Phone:
    """The messages to one address, newest first."""

    owner: str
    address: str
    messages: list[Shown] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        return any(one.is_ask and one.state == InvitationStatus.ASKED for one in self.messages)


@require_safe
@needs(Permission.CALL_OUT, Permission.HANDLE_GUIDANCE)
def inbox(request: HttpRequest) -> HttpResponse:
    """The page, or for the poll only the phones, and nothing at all while they have not changed."""
    if settings.MUSTER_MODE != "demo":
        raise Http404
    phones = _phones()
    version = _version(phones)
    polled = "HX-Request" in request.headers
    if polled and request.GET.get("version") == version:
        return HttpResponse(status=204)
    user = user_of(request)
    context = {
        "phones": phones,
        "version": version,
        "message_count": InboxMessage.objects.count(),
        "shown": SHOWN,
        "may_call_out": user.may(Permission.CALL_OUT),
        "may_guide": user.may(Permission.HANDLE_GUIDANCE),
    }
    return render(
        request,
        "coordination/inbox/_phones.html" if polled else "coordination/inbox/inbox.html",
        context,
    )


def _phones() -> list[Phone]:
    """Return the phones with the newest message first; those that wait for an answer before the others."""
    messages = list(InboxMessage.objects.all()[:SHOWN])
    sent = {
        delivery.public_id: delivery
        for delivery in Delivery.objects.filter(
            public_id__in=[message.reference for message in messages]
        ).select_related("invitation")
    }
    phones: dict[str, Phone] = {}
    for message in messages:
        delivery = sent.get(message.reference)
        phone = phones.setdefault(message.address, Phone(message.recipient, _readable(message.address)))
        phone.messages.append(
            Shown(
                message,
                delivery.purpose if delivery else "",
                urlsplit(message.link).path,
                delivery.invitation.status if delivery and delivery.invitation else "",
            )
        )
    return sorted(phones.values(), key=lambda phone: not phone.waits)


def _version(phones: list[Phone]) -> str:
    """Return what changes whenever a phone shows something new: a message, or what became of an ask."""
    shown = ";".join(f"{one.message.pk}{one.state}" for phone in phones for one in phone.messages)
    return f"{crc32(shown.encode()):08x}"


def _readable(address: str) -> str:
    return address if "@" in address else as_written(address)
