"""Keys for the API: shown once when made, kept only as a hash, good until they expire or are revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from ground import audit
from ground.access import Role
from ground.audit import Actor
from ground.models import ApiToken, User
from ground.repeated import Repeated


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
    found = _HOLDER.rows(_digest(key))
    if not found:
        return None
    expires_at, _, _, *account = found[0]
    if expires_at is not None and expires_at <= at:
        return None
    user = User.from_db(connection.alias, _ACCOUNT, account)
    user.hold((Role(role), region) for _, role, region, *_ in found if role is not None)
    return user


_ACCOUNT = [column.attname for column in User._meta.concrete_fields]


def _build_holder(digest: str) -> QuerySet[Any, Any]:
    """Ask for the account with its roles: every call of the API needs both."""
    good = ApiToken.objects.filter(digest=digest, revoked_at=None, user__is_active=True)
    return good.order_by().values_list(
        *("expires_at", "user__grants__role", "user__grants__region_id"),
        *(f"user__{name}" for name in _ACCOUNT),
    )


_HOLDER = Repeated(_build_holder)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
