"""What providers call: receipts and replies, at an address that holds the channel's secret.

No session, no page. Whoever does not know the secret finds nothing here, as at any address that there is
not. A call is answered when what it says is written down, so what fails is called in again; taking it
again changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Sequence
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from django.views.defaults import page_not_found

from coordination import arrivals, channels, tasks
from coordination.channels import Callback, Channel, Event, Forged, Unreadable
from coordination.views.visitors import address_of
from ground import clock

log = logging.getLogger(__name__)

# A hundred receipts fit many times over.
LARGEST: Final = 256 * 1024
_NOBODYS: Final = "-" * 32

Read = Callable[[Channel, Callback], Sequence[Event]]


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receipts(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """Take what a provider says became of messages."""
    return _taken(request, code, secret, lambda channel, callback: channel.parse_receipt(callback))


@csrf_exempt
@require_http_methods(["GET", "POST"])
def replies(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """Take what a provider says that people have answered."""
    return _taken(
        request, code, secret, lambda channel, callback: channel.parse_reply(callback), keeps_unreadable=True
    )


# The body is the channel's to read, in its own encoding.
receipts.takes_any_bytes = replies.takes_any_bytes = True  # type: ignore[attr-defined]


def _taken(
    request: HttpRequest, code: str, secret: str, read: Read, *, keeps_unreadable: bool = False
) -> HttpResponse:
    channel = channels.by_code(code)
    if channel is None or not _is_secret_of(channel, secret):
        _is_secret(secret, _NOBODYS)  # an unknown code takes as long as a wrong secret
        return _nothing_here(request)
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return _said(f"at most {LARGEST} bytes", status=413)
    callback = Callback(
        method=str(request.method),
        query={name: str(request.GET[name]) for name in request.GET},
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        remote=address_of(request),
        raw_query=request.META.get("QUERY_STRING", ""),
    )
    at = clock.now()
    try:
        arrived = read(channel, callback)
    except Forged as forged:
        arrivals.report_forged(channel, callback, str(forged), at=at)
        return _nothing_here(request)
    except Exception as wrong:
        readable = isinstance(wrong, Unreadable)
        log.warning("channel %s could not read a call: %s", code, wrong, exc_info=not readable)
        if keeps_unreadable:
            arrivals.keep_unreadable(channel, callback, str(wrong), at=at)
        return _said("unreadable", status=400 if readable else 500)
    all_taken = arrivals.take(channel, arrived, at=at)
    tasks.nudge()
    if not all_taken:
        return _said("not all of it was taken; call again", status=500)
    kind = "application/json" if channel.callback_answer[:1] in ("{", "[") else "text/plain; charset=utf-8"
    return _said(channel.callback_answer, kind=kind)


def _is_secret_of(channel: Channel, given: str) -> bool:
    return _is_secret(given, channel.secret or _NOBODYS) and bool(channel.secret)


def _is_secret(given: str, right: str) -> bool:
    # Digests, for a comparison takes the same time only for texts of the same length.
    return hmac.compare_digest(_digest(given), _digest(right))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _nothing_here(request: HttpRequest) -> HttpResponse:
    return _unlogged(page_not_found(request, Http404()))


def _said(text: str, *, status: int = 200, kind: str = "text/plain; charset=utf-8") -> HttpResponse:
    response = HttpResponse(text, status=status, content_type=kind)
    response["Cache-Control"] = "no-store"
    return _unlogged(response)


def _unlogged(response: HttpResponse) -> HttpResponse:
    # Django would write the address of what went wrong into its log, and there stands the secret.
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return response
