"""Every error of the API as `application/problem+json` (RFC 9457), in the caller's language.

The sentences stand here in both languages, as those of `ground.mistakes` do: an error must be readable
even where no message catalogue is installed. 422 is "read, but cannot be used": mend it and send it
again. 409 is "not now": the state of things forbids it, whatever is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ground.languages import language
from ground.mistakes import Mistake, Refused
from ground.terms import Words

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of problem. `code` is stable; programs may rely on it."""

    code: str
    status: int
    title: Words
    detail: Words


UNREADABLE = Kind(
    "unreadable",
    status.HTTP_400_BAD_REQUEST,
    Words("读不懂这个请求", "The request cannot be read"),
    Words("正文不是有效的 JSON。请检查引号、逗号和编码（UTF-8）。", "The body is no valid JSON. Check it."),
)
WHO_ARE_YOU = Kind(
    "not_signed_in",
    status.HTTP_401_UNAUTHORIZED,
    Words("请先登录", "Not signed in"),
    Words(
        "请在请求头里带上密钥“Authorization: Bearer muster_…”，或先登录。密钥由管理员用 manage.py create_token 生成。",
        "Send a key in the header “Authorization: Bearer muster_…”, or sign in. "
        "An administrator makes keys with manage.py create_token.",
    ),
)
WRONG_KEY = Kind(
    "wrong_key",
    status.HTTP_401_UNAUTHORIZED,
    Words("密钥无效", "The key is not valid"),
    Words(
        "密钥有误、已过期或已停用。请向管理员要一个新的。",
        "The key is wrong, has expired or was revoked. Ask an administrator for a new one.",
    ),
)
FORBIDDEN = Kind(
    "forbidden",
    status.HTTP_403_FORBIDDEN,
    Words("没有权限", "Not allowed"),
    Words(
        "您的账号不能做这件事。如工作需要，请联系系统管理员。",
        "Your account may not do this. If your work needs it, ask the system administrator.",
    ),
)
CSRF = Kind(
    "csrf",
    status.HTTP_403_FORBIDDEN,
    Words("没有通过跨站校验", "The cross-site check failed"),
    Words(
        "用登录状态调用时，请带上 X-CSRFToken 请求头；程序请改用密钥。",
        "A signed-in call needs the header X-CSRFToken; a program should use a key instead.",
    ),
)
NOT_FOUND = Kind(
    "not_found",
    status.HTTP_404_NOT_FOUND,
    Words("没有找到", "Not found"),
    Words(
        "没有这样的地址或记录，或者它不归您查看。请核对地址；地址以斜杠结尾。",
        "There is no such address or record, or it is not yours to see. Check the address; it ends in a slash.",
    ),
)
METHOD = Kind(
    "method_not_allowed",
    status.HTTP_405_METHOD_NOT_ALLOWED,
    Words("这里不支持这个方法", "The method is not supported here"),
    Words("可用的方法写在 Allow 响应头里。", "The header Allow says which methods there are."),
)
NOT_ACCEPTABLE = Kind(
    "not_acceptable",
    status.HTTP_406_NOT_ACCEPTABLE,
    Words("没有这种格式", "No such format"),
    Words("只提供 JSON：请接受 application/json。", "There is only JSON: accept application/json."),
)
CONFLICT = Kind(
    "refused",
    status.HTTP_409_CONFLICT,
    Words("现在不能这样做", "This cannot be done now"),
    Words("", ""),
)
TOO_LARGE = Kind(
    "too_large",
    status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    Words("正文太大", "The body is too large"),
    Words("最多 2 MB。请分成几次发送。", "At most 2 MB. Send it in several calls."),
)
MEDIA = Kind(
    "unsupported_media_type",
    status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    Words("不支持这种正文", "The body's type is not supported"),
    Words(
        "请发送 JSON，请求头写“Content-Type: application/json”。",
        "Send JSON with the header “Content-Type: application/json”.",
    ),
)
UNUSABLE = Kind(
    "unusable",
    status.HTTP_422_UNPROCESSABLE_ENTITY,
    Words("填写的内容有误", "Something that was sent cannot be used"),
    Words(
        "什么都没有写入。请按 errors 逐项改正后重发。",
        "Nothing was written. Mend what errors names, then send it again.",
    ),
)
TOO_MANY = Kind(
    "too_many_requests",
    status.HTTP_429_TOO_MANY_REQUESTS,
    Words("请求太频繁", "Too many requests"),
    Words(
        "请等 Retry-After 响应头所说的秒数再试。", "Wait for as many seconds as the header Retry-After says."
    ),
)
FAULT = Kind(
    "fault",
    status.HTTP_500_INTERNAL_SERVER_ERROR,
    Words("系统出错", "An error on our side"),
    Words(
        "系统已记下这个错误。请稍后再试；若仍不行，请把时间和地址告诉管理员。",
        "The error has been logged. Try again later; if it persists, tell the administrator the time and address.",
    ),
)

# What DRF calls the commonest mistakes, said so that one knows what to do.
_BY_CODE: Mapping[str, Words] = {
    "required": Words("缺少这一项，请补上。", "This is missing; add it."),
    "null": Words("这一项不能为 null，请填写或删去。", "This cannot be null; give a value or leave it out."),
    "blank": Words("这一项是空的，请填写。", "This is empty; fill it in."),
    "empty": Words("这个列表是空的，至少要有一项。", "The list is empty; give at least one item."),
    "not_a_list": Words("这里应是一个列表。", "A list is expected here."),
}


class Said(str):
    """An error code that carries the value that was probably meant, through DRF's own error objects."""

    suggestion: str = ""

    @classmethod
    def of(cls, suggestion: str) -> Said:
        code = cls("mistake")
        code.suggestion = suggestion
        return code


def invalid(zh: str, en: str, *, suggestion: str = "") -> exceptions.ValidationError:
    """Return the error of one field."""
    return invalid_by(Mistake(zh, en, suggestion=suggestion))


def invalid_by(mistake: Mistake) -> exceptions.ValidationError:
    """Return a mistake found by a rule as the error of one field."""
    return exceptions.ValidationError(mistake.sentence(language()), code=Said.of(mistake.suggestion))


def handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into a problem; DRF calls it (`EXCEPTION_HANDLER`)."""
    set_rollback()
    headers: dict[str, str] = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    return _answer(*_read(error, context), headers=headers)


def _read(error: Exception, context: Mapping[str, Any]) -> tuple[Kind, str, list[dict[str, str]]]:
    """Return the kind of problem, the sentence that replaces its usual one, and the errors by field."""
    match error:
        case Refused():
            return CONFLICT, error.sentence(language()), []
        case Mistake():
            said = {"field": "", "problem": error.sentence(language()), "suggestion": error.suggestion}
            return UNUSABLE, error.sentence(language()), [said]
        case exceptions.ValidationError():
            return UNUSABLE, "", list(_flat(error.detail))
        case exceptions.ParseError():
            return UNREADABLE, "", []
        case exceptions.NotAuthenticated():
            return WHO_ARE_YOU, "", []
        case exceptions.AuthenticationFailed():
            return WRONG_KEY, "", []
        case exceptions.PermissionDenied() if str(error.detail).startswith("CSRF"):
            return CSRF, "", []
        case exceptions.PermissionDenied() | DjangoPermissionDenied():
            return FORBIDDEN, "", []
        case exceptions.NotFound() | Http404():
            return NOT_FOUND, "", []
        case exceptions.MethodNotAllowed():
            return METHOD, "", []
        case exceptions.NotAcceptable():
            return NOT_ACCEPTABLE, "", []
        case exceptions.UnsupportedMediaType():
            return MEDIA, "", []
        case RequestDataTooBig():
            return TOO_LARGE, "", []
        case exceptions.Throttled():
            return TOO_MANY, "", []
    # Ours, not the caller's: logged as Django would have, and seen by its test client.
    request = context["request"]._request
    log.error("unhandled in %s %s", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=None, request=request)
    return FAULT, "", []


def _answer(
    kind: Kind, detail: str, errors: list[dict[str, str]], *, headers: dict[str, str] | None = None
) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:muster:problem:{kind.code}",
        "title": kind.title.word(language()),
        "status": kind.status,
        "detail": detail or kind.detail.word(language()),
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=kind.status, headers=headers, content_type=MEDIA_TYPE)


def _flat(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield DRF's nested errors one by one, each with its path: requirements[0].seats."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if isinstance(name, int):
                yield from _flat(inner, f"{path}[{name}]")
            elif name == "non_field_errors":
                yield from _flat(inner, path)
            else:
                yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            yield from _flat(inner, f"{path}[{number}]" if isinstance(inner, Mapping) else path)
    else:
        code = getattr(detail, "code", "")
        known = _BY_CODE.get(code)
        yield {
            "field": path,
            "problem": known.word(language()) if known else str(detail),
            "suggestion": code.suggestion if isinstance(code, Said) else "",
        }
