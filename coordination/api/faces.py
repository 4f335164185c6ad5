"""What the views of the API share: the doors, the actor, the moment, the catch-all."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import SAFE_METHODS, AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from ground import clock
from ground.access import Permission
from ground.audit import Actor
from ground.guards import Needs, user_of
from ground.models import User

ANYBODY = Needs.any_of(*Permission)  # every role: the lists of codes that all the others refer to


class ToWrite(Needs):
    """A second door, for the methods that change something: stand it behind the one for reading."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method in SAFE_METHODS or super().has_permission(request, view)


class ByCaller(UserRateThrottle):
    """So many calls a minute for each account. A brake for runaway programs, not a guard: two that arrive
    at the same instant may count as one."""

    rate = "1200/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        who = getattr(request.user, "public_id", None) or self.get_ident(request)
        return f"api-calls-{who}"


class Face(APIView):
    """A view of the API. `user`, `by` and `at` are those of the one call."""

    # Here and not in the settings: DRF reads those while the module that a throttle builds on is half loaded.
    throttle_classes = (ByCaller,)

    @cached_property
    def at(self) -> datetime:
        return clock.now()

    @property
    def user(self) -> User:
        return user_of(self.request)

    @property
    def by(self) -> Actor:
        return Actor.of(self.user)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"  # people's data: in no cache between us and the caller
        return response


@extend_schema(exclude=True)
class NothingHere(Face):
    """Any other address under the API: a problem document, not a page."""

    authentication_classes = ()
    permission_classes = [AllowAny]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound
