"""Who calls the API: a program with a key, or a person who is signed in (then with the CSRF check)."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from ground import clock, tokens
from ground.models import User

SCHEME = "Bearer"


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer muster_…`. First in the list, so that a refusal is a 401 that names the scheme."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _, key = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        # The view's own moment, so that the clock is read once a call; a view of another make has none.
        at = getattr((request.parser_context or {}).get("view"), "at", None) or clock.now()
        user = tokens.user_of(key.strip(), at=at)
        if user is None:
            raise AuthenticationFailed(code="wrong_key")
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="muster"'


class KeyScheme(OpenApiAuthenticationExtension):
    """How the schema describes the key."""

    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made by `manage.py create_token USERNAME`.",
        }
