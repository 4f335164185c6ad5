"""Doors: who may open a page or call the API at all. Which rows they then see is up to the querysets.

Somebody not signed in is sent to sign in; somebody without the right is refused with 403; a row that
is not theirs does not exist for them (404), which is the queryset's doing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from ground.access import Permission
from ground.audit import Actor
from ground.models import User

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]


def needs(*permissions: Permission) -> Callable[[View[Rest]], View[Rest]]:
    """Let only those in who carry one of `permissions`; the view keeps the list as `.needs` for the route walk."""

    def guard(view: View[Rest]) -> View[Rest]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
            if not any(user_of(request).may(permission) for permission in permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        behind_sign_in = login_required(guarded)
        # The route walk reads the rights off the view; a function has no such attribute by itself.
        behind_sign_in.needs = permissions  # type: ignore[attr-defined]
        return cast("View[Rest]", behind_sign_in)

    return guard


class Needs(BasePermission):
    """The same door for the API: `permission_classes = [Needs.any_of(Permission.X)]`."""

    permissions: tuple[Permission, ...] = ()

    @classmethod
    def any_of(cls, *permissions: Permission) -> type[Needs]:
        return type("Needs", (cls,), {"permissions": permissions})

    def has_permission(self, request: Request, view: APIView) -> bool:
        user: Any = request.user
        return user.is_authenticated and any(user.may(permission) for permission in self.permissions)


def user_of(request: HttpRequest) -> User:
    """Return the signed-in user of a request that has passed a guard."""
    return cast("User", request.user)


def actor_of(request: HttpRequest) -> Actor:
    return Actor.of(user_of(request))
