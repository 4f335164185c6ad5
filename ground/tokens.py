"""Keys for the API: shown once when made, kept only as a hash, good until they expire or are revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from ground import audit
from ground.audit import Actor
from ground.models import ApiToken, User


def issue(user: User, *, name: str, valid_for: timedelta, at: datetime) -> tuple[str, ApiToken]:
    """Return a new key and its row. The key cannot be had again."""
    key = f"muster_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user, name=name, digest=_digest(key), created_at=at, expires_at=at + valid_for
    )
    audit.record("token.issue", token, by=Actor.of(user), at=at, name=name)
    return key, token


def user_of(key: str, *, at: datetime) -> User | None:
    """Return the active user whose key this is; None if it is nobody's, expired or revoked."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=_digest(key), revoked_at=None, user__is_active=True)
        .first()
    )
    if token is None or (token.expires_at is not None and token.expires_at <= at):
        return None
    return token.user


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
