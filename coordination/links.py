"""Signed one-tap answer links: /a/TOKEN/.

The token is 128 bits, derived from a stored nonce with the installation's key, so that the sender can
make it again after a crash although only its SHA-256 is kept. Without the key the table is useless.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from coordination.models import AnswerToken, ContactCheck, Invitation

# What a secret opens goes into it, so that one of them never opens the other.
ANSWER: Final = "answer-link"
CONTACT_CHECK: Final = "contact-check"

# Long enough for the way back from the scene: the same link marks arrival and return.
VALID_FOR = timedelta(days=30)


class UnknownToken(Exception):
    """No invitation has this token, or it was revoked."""


class ExpiredToken(Exception):
    """The token was good once."""


def issue(invitation: Invitation, *, at: datetime) -> AnswerToken:
    """Return the invitation's valid token row, made now if there is none."""
    current = invitation.tokens.filter(revoked_at=None, expires_at__gt=at).order_by("-id").first()
    if current and _spelled(ANSWER, current.nonce, current.digest):
        return current
    nonce, digest = new_secret(ANSWER)
    return AnswerToken.objects.create(
        invitation=invitation,
        nonce=nonce,
        digest=digest,
        created_at=at,
        expires_at=at + VALID_FOR,
    )


def address(token: AnswerToken) -> str:
    """Return the full address to send; empty if the key the token was made with is no longer known."""
    spelled = _spelled(ANSWER, token.nonce, token.digest)
    return f"{settings.MUSTER_BASE_URL.rstrip('/')}/a/{spelled}/" if spelled else ""


def invitation_of(spelled: str, *, at: datetime) -> Invitation:
    """Return the invitation that a token in an address stands for.

    :raises UnknownToken: if it stands for none. :raises ExpiredToken: if it no longer does.
    """
    token = (
        AnswerToken.objects.select_related(
            "invitation__callout__incident__enterprise",
            "invitation__callout__guidance_request__enterprise",
            "invitation__requirement__industry",
            "invitation__expert",
            "invitation__team",
        )
        .filter(digest=_digest(spelled), revoked_at=None)
        .first()
    )
    if token is None:
        raise UnknownToken
    if token.expires_at <= at:
        raise ExpiredToken
    return token.invitation


def new_secret(purpose: str) -> tuple[str, str]:
    """Return the nonce and the digest to keep for a new link."""
    nonce = secrets.token_hex(16)
    return nonce, _digest(_derive(purpose, nonce, settings.SECRET_KEY))


def check_address(check: ContactCheck) -> str:
    """Return the full address with which somebody confirms that a drill's message reached them."""
    spelled = _spelled(CONTACT_CHECK, check.nonce, check.digest)
    return f"{settings.MUSTER_BASE_URL.rstrip('/')}/c/{spelled}/" if spelled else ""


def check_of(spelled: str, *, at: datetime) -> ContactCheck:
    """Return the contact check that a token in an address stands for.

    :raises UnknownToken: if it stands for none. :raises ExpiredToken: if it no longer does.
    """
    known = ContactCheck.objects.select_related("drill", "expert", "team")
    check = known.filter(digest=_digest(spelled)).first()
    if check is None:
        raise UnknownToken
    if check.drill.started_at + VALID_FOR <= at:
        raise ExpiredToken
    return check


def _keys() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS


def _derive(purpose: str, nonce: str, key: str) -> str:
    mac = hmac.new(key.encode(), f"{purpose}:{nonce}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:16]).rstrip(b"=").decode()


def _spelled(purpose: str, nonce: str, digest: str) -> str:
    # A link sent before the key was changed must stay derivable while the old key is a fallback.
    for key in _keys():
        spelled = _derive(purpose, nonce, key)
        if _digest(spelled) == digest:
            return spelled
    return ""


def _digest(spelled: str) -> str:
    return hashlib.sha256(spelled.encode()).hexdigest()
