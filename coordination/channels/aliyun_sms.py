"""SMS by Aliyun (阿里云短信服务), with templates that the vendor has approved beforehand.

On the vendor's SDK, written from its documentation; not run against the real service. The options and what
was read where stand in `docs/channels.md`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from coordination.channels import aliyun, shapes
from coordination.channels.aliyun import Account, Refused, Templates, text_at
from coordination.channels.base import (
    Accepted,
    Ambiguous,
    Callback,
    CannotLookUp,
    Caps,
    Channel,
    Finding,
    Message,
    Outcome,
    Receipt,
    Rejected,
    ReplyReceived,
    Sent,
    Unreadable,
)
from coordination.channels.callback_shapes import AllowList, reference_in
from coordination.channels.exchange import Broken, NotSent
from coordination.channels.options import Options
from coordination.channels.shapes import dialled
from coordination.paging import Medium
from ground import phones
from ground.dates import SHANGHAI
from ground.models import ContactKind
from ground.terms import Words

ENDPOINT: Final = "dysmsapi.aliyuncs.com"
PACKAGE: Final = "alibabacloud_dysmsapi20170525"
# One template to one number; counted for all of them together, which is the safe side.
PER_NUMBER: Final = "50/d"
PER_SECOND: Final = 5000.0
# So far may the vendor's clock be from ours: around midnight it may mean the other day.
_APART: Final = timedelta(minutes=5)
_PAGE: Final = 50
_MOST_PAGES: Final = 10
# 1 is on its way.
_FAILED, _DELIVERED = 2, 3
_APPROVED: Final = "1"


class AliyunSmsChannel(Channel):
    code = "aliyun_sms"
    zh = "短信（阿里云）"
    en = "SMS (Aliyun)"
    medium = Medium.SMS
    carries = frozenset({ContactKind.MOBILE})
    is_proved = False
    callback_answer = aliyun.ANSWER

    @classmethod
    def of(cls, options: Options) -> AliyunSmsChannel:
        """Make it of its table in the channels' file."""
        channel = cls()
        options.name(channel)
        channel.is_proved = options.is_proved()
        channel._account = Account.of(options, package=PACKAGE, endpoint=ENDPOINT)
        channel._sign_name = options.need("sign_name")
        channel._templates = Templates(options)
        channel.secret = shapes.secret(options)
        channel._allow_from = AllowList.of(options, "allow_from")
        channel._confirms = options.get("confirm_receipts", False)
        channel._settles = shapes.look_up_settles(options, 3.0, time_out=channel._account.time_out)
        channel.caps = Caps(
            per_address=shapes.limits(options, "per_address", PER_NUMBER),
            per_second=PER_SECOND,
            takes_replies=options.get("takes_replies", bool(channel.secret)),
            looks_up=True,
            sends_receipts=True,
            tells_when_asked=not channel.secret,
        )
        return channel

    _account: Account
    _sign_name: str
    _templates: Templates
    _allow_from: AllowList
    _confirms: bool
    _settles: float

    def send(self, message: Message) -> Outcome:
        if (template := self._templates.of(message)) is None:
            return aliyun.no_template(message)
        try:
            said = self._account.call(
                "send_sms",
                phone_numbers=dialled(message.address, "national"),
                sign_name=self._sign_name,
                template_code=template.code,
                template_param=template.filled(message.fields),
                out_id=str(message.reference),
            )
        except NotSent as failure:
            return Rejected(permanent=False, reason=f"连不上阿里云：{failure}"[:200])
        except Broken as failure:
            # The service does not know a message again, so what may have arrived is asked about.
            return Ambiguous(f"阿里云没有答完：{failure}"[:200])
        except Refused as refused:
            return refused.outcome()
        return Accepted(str(said.body.get("BizId") or message.reference))

    def look_up(self, message: Message) -> str | None:
        patience_ends = time.monotonic() + self._account.time_out
        found = self._is_known(message, patience_ends)
        if not found and self._settles:
            # Nothing says how soon a message that was taken can be asked about.
            time.sleep(max(0.0, min(self._settles, patience_ends - time.monotonic())))
            found = self._is_known(message, patience_ends)
        return str(message.reference) if found else None

    def check(self) -> Sequence[Finding]:
        """Look at every template: that asks for our key, costs nothing, and a template may lose its approval."""
        findings: list[Finding] = []
        for purpose, template in self._templates.by_purpose.items():
            try:
                said = self._account.call("get_sms_template", template_code=template.code)
            except (Refused, NotSent, Broken) as failure:
                findings.append(aliyun.trouble(failure))
                if isinstance(failure, Refused) and not failure.is_about_us:
                    continue
                return findings
            findings = findings or aliyun.simulated(said)
            findings.append(_judged(purpose, template.code, template.variables, said.body))
        if self.secret and not self._allow_from.networks and not self._confirms:
            findings.append(
                Finding(
                    True,
                    Words(
                        "回执和上行没有签名，只靠保密地址；建议填 allow_from 或 confirm_receipts",
                        "callbacks are not signed: their secret address alone protects them; "
                        "consider allow_from or confirm_receipts",
                    ),
                )
            )
        return findings

    def parse_receipt(self, callback: Callback) -> Sequence[Receipt]:
        self._allow_from.refuse_others(callback.remote)
        return aliyun.reports(callback, self._receipt_in)

    def parse_reply(self, callback: Callback) -> Sequence[ReplyReceived]:
        self._allow_from.refuse_others(callback.remote)
        return aliyun.reports(callback, _reply_in)

    def ask_about(self, sent: Sequence[Sent]) -> Sequence[Receipt]:
        """Ask for what went to each number on each day; a network that no push can get into has no other way."""
        patience_ends = time.monotonic() + self._account.time_out
        awaited = {str(one.reference): one for one in sent}
        receipts: list[Receipt] = []
        asked: set[tuple[str, str]] = set()
        for one in sent:
            for day in _days(one.sent_at - _APART, one.sent_at + _APART):
                where = (dialled(one.address, "national"), day)
                if where in asked:
                    continue
                asked.add(where)
                try:
                    details = list(self._details(*where, patience_ends))
                except CannotLookUp:
                    if time.monotonic() >= patience_ends:
                        return receipts
                    continue  # more went to this number than is told; of the others it can be asked
                except (NotSent, Broken, Refused) as failure:
                    if receipts:
                        return receipts
                    raise Unreadable(f"nothing could be fetched: {failure}") from failure
                receipts += [
                    _receipt_of(detail)
                    for detail in details
                    if detail.get("OutId") in awaited and detail.get("SendStatus") in (_FAILED, _DELIVERED)
                ]
        return receipts

    def _receipt_in(self, report: Mapping[str, Any]) -> list[Receipt]:
        message_id = text_at(report, "biz_id")
        reference = reference_in(text_at(report, "out_id"))
        success = text_at(report, "success").lower()
        if success not in ("true", "false") or (reference is None and not message_id):
            raise Unreadable("a report without its result, or without the message that it is about")
        delivered = success == "true"
        error = text_at(report, "err_code")
        why = " ".join(filter(None, (error, text_at(report, "err_msg"))))
        if self._confirms:
            self._confirm(report, reference, delivered=delivered)
        return [
            Receipt(
                # The vendor repeats a report word by word, and gives it no name.
                event_id=":".join((message_id, str(reference or ""), success, error)),
                delivered=delivered,
                reason="" if delivered else why,
                reference=reference,
                message_id=message_id,
                sequence=aliyun.seconds_at(report, "report_time", "send_time"),
            )
        ]

    def _confirm(self, report: Mapping[str, Any], reference: UUID | None, *, delivered: bool) -> None:
        """Ask the vendor whether it says the same; what it does not say (yet) it will push again."""
        sent_on = text_at(report, "send_time")[:10].replace("-", "")
        wanted = _DELIVERED if delivered else _FAILED
        number = dialled(text_at(report, "phone_number"), "national")
        patience_ends = time.monotonic() + self._account.time_out
        try:
            known = any(
                detail.get("OutId") == str(reference) and detail.get("SendStatus") == wanted
                for detail in self._details(number, sent_on, patience_ends)
            )
        except (NotSent, Broken, Refused, CannotLookUp) as failure:
            raise Unreadable(f"a report that could not be confirmed: {failure}") from failure
        if not known:
            raise Unreadable("a report that the vendor does not confirm")

    def _is_known(self, message: Message, patience_ends: float) -> bool:
        tried = message.first_tried_at
        if tried is None:
            raise CannotLookUp
        number = dialled(message.address, "national")
        try:
            return any(
                detail.get("OutId") == str(message.reference)
                for day in _days(tried, message.at or tried)
                for detail in self._details(number, day, patience_ends)
            )
        except (NotSent, Broken, Refused) as failure:
            raise CannotLookUp from failure

    def _details(self, number: str, day: str, patience_ends: float) -> Iterator[Mapping[str, Any]]:
        """Yield what was sent to a number on a day.

        :raises CannotLookUp: if the time is up, or the vendor says that there is more than it tells.
        """
        told = 0
        for page in range(1, _MOST_PAGES + 1):
            if (left := patience_ends - time.monotonic()) <= 0:
                break
            body = self._account.call(
                "query_send_details",
                within=left,
                phone_number=number,
                send_date=day,
                page_size=_PAGE,
                current_page=page,
            ).body
            details = (body.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
            yield from details
            told += len(details)
            if told >= int(body.get("TotalCount") or 0):
                return
            if not details:
                break
        raise CannotLookUp


def _receipt_of(detail: Mapping[str, Any]) -> Receipt:
    delivered = detail.get("SendStatus") == _DELIVERED
    reference = text_at(detail, "OutId")
    return Receipt(
        event_id=f"asked:{reference}:{detail.get('SendStatus')}",
        delivered=delivered,
        reason="" if delivered else text_at(detail, "ErrCode"),
        reference=reference_in(reference),
        sequence=aliyun.seconds_at(detail, "ReceiveDate", "SendDate"),
    )


def _days(*moments: datetime) -> list[str]:
    return sorted({f"{one.astimezone(SHANGHAI):%Y%m%d}" for one in moments})


def _reply_in(report: Mapping[str, Any]) -> list[ReplyReceived]:
    address, event_id = text_at(report, "phone_number"), text_at(report, "sequence_id")
    if not address or not event_id:
        raise Unreadable("a reply without its sender, or without its number")
    with contextlib.suppress(phones.WrongPhone):
        address = phones.normalise(address)
    return [ReplyReceived(event_id=event_id, address=address, text=text_at(report, "content"))]


def _judged(purpose: str, code: str, variables: Mapping[str, Any], body: Mapping[str, Any]) -> Finding:
    status, content = str(body.get("TemplateStatus")), str(body.get("TemplateContent") or "")
    if status != _APPROVED:
        return Finding(
            False,
            Words(
                f"{purpose}：模板 {code} 未通过审核（状态 {status}）",
                f"{purpose}: template {code} is not approved (status {status})",
            ),
        )
    wanted = aliyun.variables_in(content)
    if wanted != set(variables):
        return Finding(
            False,
            Words(
                f"{purpose}：模板 {code} 的变量是 {'、'.join(sorted(wanted))}，配置的是 {'、'.join(sorted(variables))}",
                f"{purpose}: template {code} has {sorted(wanted)}, its table has {sorted(variables)}",
            ),
        )
    return Finding(True, Words(f"{purpose}：{content}", f"{purpose}: {content}"))
