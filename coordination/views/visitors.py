"""Where a call comes from."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """Return the address of who calls: behind a proxy of ours what that one saw, empty if it does not say."""
    if getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        # The last hop is the one that our own proxy saw; the ones before it anybody can invent.
        forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
        return forwarded.rpartition(",")[2].strip()
    address: str = request.META.get("REMOTE_ADDR", "")
    return address
