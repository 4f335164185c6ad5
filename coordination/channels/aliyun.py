"""What the channels over Aliyun have in common: the account, the vendor's SDK, what its errors mean, its templates.

Written from the vendor's documentation (`docs/channels.md` names the pages), not run against the service.
The SDK is an extra, so it is loaded when a channel is used, not with this module.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, TypeVar

from coordination.channels import shapes
from coordination.channels.base import (
    FIELDS,
    SIMULATED,
    SIMULATOR_HEADER,
    Ambiguous,
    Callback,
    Finding,
    Message,
    Outcome,
    Rejected,
    Unreadable,
)
from coordination.channels.callback_shapes import readable
from coordination.channels.exchange import CONNECT_WITHIN, Broken, NotSent
from coordination.channels.options import Options
from coordination.channels.shapes import Template
from coordination.paging import Purpose
from ground.dates import SHANGHAI
from ground.terms import Words

Thing = TypeVar("Thing")

# What the vendor wants to hear when a push has been taken: any number will do for the code.
ANSWER: Final = '{"code": 0, "msg": "OK"}'
# A variable of a template, in characters.
LONGEST_VARIABLE: Final = 35
ANY: Final = "any"
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_NOTHING: Final = "无"
_MOMENT: Final = "%Y-%m-%d %H:%M:%S"

# The address or what is said is at fault: the same again is refused again, another way may not be.
_PERMANENT: Final = frozenset(
    {
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.COMPLAINT_REJECT",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.INVALID_JSON_PARAM",
        "isv.INVALID_PARAMETERS",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.PARAM_NOT_SUPPORT_URL",
        "isv.SMS_CONTENT_ILLEGAL",
        "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
        "isv.TEMPLATE_MISSING_PARAMETERS",
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        "isv.UNSUPPORTED_CONTENT",
    }
)
# The system at the other end has failed, and does not say before or after it took the message.
_UNCLEAR: Final = ("isp.SYSTEM_ERROR", "isp.UNKNOWN", "isp.GATEWAY_ERROR", "InternalError", "SYSTEM_ERROR")
_NOT_NOW: Final = ("Throttling", "ServiceUnavailable", "isp.RAM_PERMISSION_DENY", "isp.RAM_PERMISSION_DENIED")
_ACCOUNT: Final = ("isv.ACCOUNT", "isv.AMOUNT", "isv.OUT_OF_SERVICE", "isv.PRODUCT", "isv.DENY_IP")
_LIMIT: Final = "isv.BUSINESS_LIMIT_CONTROL"
# By these names what lies below the SDK says that the connection was never made.
_NEVER_CONNECTED: Final = frozenset(
    {"ConnectTimeoutError", "NewConnectionError", "NameResolutionError", "SSLCertVerificationError"}
)


class Refused(Exception):
    """The service has said no, and why."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}：{message}")
        self.code = code
        self.message = message
        self.status = status

    @property
    def is_about_us(self) -> bool:
        """Say whether it is our key, our account or the way to the service, not what was asked for."""
        return not self.code.startswith("isv.") or self.code.startswith(_ACCOUNT)

    def outcome(self) -> Outcome:
        """Return what this means for a message: what is not named by the vendor is taken for unclear."""
        reason = f"阿里云：{self}"[:200]
        if self.code == _LIMIT:
            # So many an hour or a day: by the time there is room again, the message is old.
            return Rejected(permanent="天级" in self.message or "小时级" in self.message, reason=reason)
        if self.code in _PERMANENT:
            return Rejected(permanent=True, reason=reason)
        if self.code.startswith(_UNCLEAR):
            return Ambiguous(reason)
        # The account, the signature, the template, the money: no address is to blame. So are all errors that
        # the gate in front of the service finds (HTTP 4xx).
        ours = self.code.startswith(("isv.", *_NOT_NOW)) or (self.status is not None and self.status < 500)
        return Rejected(permanent=False, reason=reason) if ours else Ambiguous(reason)


@dataclass(frozen=True)
class Said:
    """An answer of the service: its body, and whether it was a simulator that gave it."""

    body: Mapping[str, Any]
    is_simulated: bool = False


@dataclass(frozen=True)
class Account:
    """An account with one of the services (`package` is its SDK), and how long a call to it may take."""

    package: str
    key_id: str
    key_secret: str = field(repr=False)
    endpoint: str
    plain_http: bool
    time_out: float

    @classmethod
    def of(cls, options: Options, *, package: str, endpoint: str) -> Account:
        if find_spec(package) is None:
            raise options.wrong(
                "kind",
                "需要阿里云的 SDK，请安装 muster[aliyun]",
                "needs the SDK of Aliyun: install muster[aliyun]",
            )
        return cls(
            package=package,
            key_id=options.need("access_key_id"),
            key_secret=options.need("access_key_secret"),
            endpoint=options.get("endpoint", endpoint),
            plain_http=options.get("plain_http", False),
            time_out=shapes.time_out(options),
        )

    def call(self, action: str, *, within: float | None = None, **given: Any) -> Said:
        """Call `action` ("send_sms") with its parameters, once, and return what it answers.

        :param within: seconds, if less is left than the account's own time-out.
        :raises NotSent: :raises Broken: :raises Refused:
        """
        models, client = _sdk(self)
        request = getattr(models, f"{_class(action)}Request")(**given)
        operation = getattr(client, f"{action}_with_options")
        try:
            patience = self.time_out if within is None else min(within, self.time_out)
            answer = _in_time(lambda: operation(request, _runtime(patience)), patience)
            body = answer.body.to_map()
        except (NotSent, Broken):
            raise
        except Exception as error:
            raise _failure(error) from error
        if body.get("Code") != "OK":
            raise Refused(str(body.get("Code")), str(body.get("Message")))
        return Said(body, SIMULATOR_HEADER in (answer.headers or {}))

    def part(self, name: str, **given: Any) -> Any:
        """Return a part of a request, as the SDK calls it."""
        models, _ = _sdk(self)
        return getattr(models, name)(**given)


@dataclass(frozen=True)
class ApprovedTemplate:
    """A template as the vendor has approved it: its code, and what goes into each of its variables."""

    code: str
    variables: Mapping[str, Template]
    longest: int

    def filled(self, fields: Mapping[str, str]) -> str:
        """Return the variables as JSON. Each has to hold something, and none may be longer than allowed."""
        known = {name: _plain(fields.get(name, "")) for name in FIELDS}
        filled = {
            name: template.filled(known)[: self.longest] or _NOTHING
            for name, template in self.variables.items()
        }
        return json.dumps(filled, ensure_ascii=False)


class Templates:
    """The templates of a channel, by purpose; the one for `any` stands in for what has none of its own."""

    def __init__(self, options: Options) -> None:
        longest = options.get("variable_at_most", LONGEST_VARIABLE)
        if longest < 1:
            raise options.wrong("variable_at_most", "应为正整数", "has to be a positive number")
        self.by_purpose: dict[str, ApprovedTemplate] = {}
        for name in (*map(_table_of, Purpose), ANY):
            if table := dict(options.table(name)):
                self.by_purpose[name] = _template(options, name, table, longest)
        if not {Purpose.ASK.value, ANY} & set(self.by_purpose):
            raise options.wrong(
                "ask",
                '必须写明通知用的模板，例如 { template = "SMS_123456789", who = "{who}", what = "{what}" }',
                'has to name the template of an ask, such as { template = "SMS_123456789", who = "{who}" }',
            )

    def of(self, message: Message) -> ApprovedTemplate | None:
        return self.by_purpose.get(_table_of(message.purpose)) or self.by_purpose.get(ANY)


def no_template(message: Message) -> Rejected:
    return Rejected(permanent=True, reason=f"没有为“{message.purpose.zh}”配置模板")


def trouble(failure: Refused | NotSent | Broken) -> Finding:
    if isinstance(failure, Refused):
        return Finding(False, Words(f"阿里云：{failure}", f"Aliyun: {failure}"))
    return Finding(False, Words(f"阿里云没有应答：{failure}", f"Aliyun does not answer: {failure}"))


def simulated(said: Said) -> list[Finding]:
    return [SIMULATED] if said.is_simulated else []


def reports(callback: Callback, read: Callable[[Mapping[str, Any]], Sequence[Thing]]) -> list[Thing]:
    """Read each report of a push, which is a list of them in JSON.

    :raises Unreadable: if it has another form.
    """
    try:
        content = json.loads(callback.body)
    except (ValueError, RecursionError) as wrong:
        raise Unreadable(f"no JSON: {wrong}") from wrong
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise Unreadable("no list of reports")
    return [event for events in readable(content, read) for event in events]


def variables_in(content: str) -> set[str]:
    """Return the names of the variables in the text of a template: ${who}."""
    return set(_VARIABLE.findall(content))


def text_at(report: Mapping[str, Any], name: str) -> str:
    value = report.get(name)
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value)


def seconds_at(report: Mapping[str, Any], *names: str) -> int:
    """Return the first of these moments that there is, in whole seconds, to tell older reports from newer ones."""
    for name in names:
        try:
            moment = datetime.strptime(text_at(report, name), _MOMENT).replace(tzinfo=SHANGHAI)
        except ValueError:
            continue
        return max(int(moment.timestamp()), 0)
    return 0


def _table_of(purpose: Purpose) -> str:
    # `canary` is the address of the self-check already.
    return "self_check" if purpose is Purpose.CANARY else purpose.value


def _template(options: Options, purpose: str, table: dict[str, str], longest: int) -> ApprovedTemplate:
    code = table.pop("template", "").strip()
    if not code:
        raise options.wrong(f"{purpose}.template", "必须填写模板编号", "has to be given")
    variables = {
        name: Template.of(options, f"{purpose}.{name}", text, FIELDS) for name, text in table.items()
    }
    used = frozenset().union(*(one.blanks for one in variables.values()))
    if not used & {"who", "what", "text"}:
        raise options.wrong(
            purpose,
            "至少要用到 {who}、{what} 或 {text}：演练要靠它看得出是演练",
            "has to use {who}, {what} or {text}: by them a drill is known as one",
        )
    return ApprovedTemplate(code, variables, longest)


def _plain(value: str) -> str:
    # Brackets of this kind are for the signature alone, and a variable has one line.
    return " ".join(value.replace("【", "（").replace("】", "）").split())


def _class(action: str) -> str:
    return "".join(part.capitalize() for part in action.split("_"))


@cache
def _sdk(account: Account) -> tuple[Any, Any]:
    config = import_module("alibabacloud_tea_openapi.utils_models").Config(
        access_key_id=account.key_id,
        access_key_secret=account.key_secret,
        endpoint=account.endpoint,
        protocol="HTTP" if account.plain_http else "HTTPS",
    )
    # They would write whole requests, numbers and all, when they are told to be talkative.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
    logging.getLogger("darabonba-core").setLevel(logging.INFO)
    models = import_module(f"{account.package}.models")
    return models, import_module(f"{account.package}.client").Client(config)


def _runtime(time_out: float) -> Any:
    """Return how the SDK is to call: once, since a second call would send a second message."""
    connect = min(CONNECT_WITHIN, time_out)
    return import_module("darabonba.runtime").RuntimeOptions(
        autoretry=False,
        max_attempts=1,
        connect_timeout=int(connect * 1000),
        read_timeout=int(time_out * 1000),
    )


def _in_time(work: Callable[[], Thing], seconds: float) -> Thing:
    """Do what may take longer than any of its own limits (a name that is not found, an answer that drips)."""
    done: list[Thing] = []
    failed: list[Exception] = []

    def do() -> None:
        try:
            done.append(work())
        except Exception as error:
            failed.append(error)

    doing = threading.Thread(target=do, name="aliyun", daemon=True)
    doing.start()
    doing.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise Broken("the time was up")
    return done[0]


def _failure(error: Exception) -> Exception:
    """Return what an error of the SDK means: an answer, a connection that was never made, or nobody knows."""
    code = getattr(error, "code", None)
    status = getattr(error, "status_code", None)
    if code and code != "None" and isinstance(status, int):
        return Refused(str(code), str(getattr(error, "message", "")), status)
    said = f"{type(error).__name__}: {error}"[:150]
    if any(type(one).__name__ in _NEVER_CONNECTED for one in _causes(error)):
        return NotSent(said)
    return Broken(said)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it came from, by every way in which the SDK and what is below it keep that."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [
            one.__cause__,
            one.__context__,
            getattr(one, "inner_exception", None),
            getattr(one, "reason", None),
            *one.args,
        ]
