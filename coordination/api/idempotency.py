"""A call that pages people, repeated because its answer was lost, does nothing a second time.

The key's row and the work are one transaction. So a process that dies in between leaves neither, and
the key can be used again; and two calls with the same key at the same instant wait for each other at
the unique key, so that the second is given the answer of the first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import IntegrityError, transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from coordination.api.faces import Face
from coordination.models import IdempotentAnswer
from ground.mistakes import Mistake

HEADER = "Idempotency-Key"
REPEATED = "Idempotent-Replayed"
# Long past any retry; an answer names people, so it is not kept for ever.
KEPT_FOR = timedelta(days=2)
LONGEST = 80

KEY_PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="Chosen by you, up to 80 characters. The same key with the same body is given the first answer again.",
)

View = TypeVar("View", bound=Face)
Rest = ParamSpec("Rest")
Method = Callable[Concatenate[View, Request, Rest], Response]


class WrongKey(Mistake):
    """A key that cannot be one, or that stands for another call."""


def idempotent(method: Method[View, Rest]) -> Method[View, Rest]:
    """Do the work of a POST in one transaction, and at most once for each Idempotency-Key of a caller."""

    @wraps(method)
    def once(view: View, request: Request, /, *args: Rest.args, **kwargs: Rest.kwargs) -> Response:
        key = request.headers.get(HEADER)
        with transaction.atomic():
            if key is None:
                return method(view, request, *args, **kwargs)
            kept = _claim(view, request, key)
            if kept.status is not None:
                return Response(kept.answer, status=kept.status, headers={REPEATED: "true"})
            response = method(view, request, *args, **kwargs)
            kept.status, kept.answer = response.status_code, _plain(response.data)
            kept.save(update_fields=["status", "answer"])
            return response

    return once


def _claim(view: Face, request: Request, key: str) -> IdempotentAnswer:
    """Return the row of this key: a new one, or that of the call that used it before.

    :raises WrongKey: if the key stands for another call, or is no key.
    """
    if not 0 < len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        raise WrongKey(
            f"{HEADER} 应为 1 至 {LONGEST} 个可见的 ASCII 字符，例如一个 UUID。",
            f"{HEADER} must have 1 to {LONGEST} printable ASCII characters, for example a UUID.",
        )
    call = f"{request.method} {request.path}"
    body_hash = hashlib.sha256(json.dumps(request.data, sort_keys=True).encode()).hexdigest()
    IdempotentAnswer.objects.filter(user=view.user, at__lt=view.at - KEPT_FOR).delete()
    try:
        with transaction.atomic():
            return IdempotentAnswer.objects.create(
                user=view.user, key=key, call=call[:200], body_hash=body_hash, at=view.at
            )
    except IntegrityError:
        kept = IdempotentAnswer.objects.get(user=view.user, key=key)
    if (kept.call, kept.body_hash) != (call[:200], body_hash):
        raise WrongKey(
            f"这个 {HEADER} 已用于另一个请求。请为每个新请求换一个。",
            f"This {HEADER} was used for another call. Choose a new one for each new call.",
        )
    return kept


def _plain(answer: Any) -> Any:
    return json.loads(JSONRenderer().render(answer))
