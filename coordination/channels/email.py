"""E-mail over SMTP: each message in a session of its own, so that one outcome is one message's."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate

from django.conf import settings

from coordination.channels.base import Accepted, Ambiguous, Channel, Finding, Message, Outcome, Rejected
from coordination.channels.options import Options
from coordination.paging import Medium
from ground.models import ContactKind
from ground.terms import Words

_CONNECT_FAILED = (OSError, smtplib.SMTPException)


class EmailChannel(Channel):
    code = "email"
    zh = "邮件"
    en = "e-mail"
    medium = Medium.EMAIL
    carries = frozenset({ContactKind.EMAIL})

    @classmethod
    def of(cls, options: Options) -> EmailChannel:
        """Make it of its table in the channels' file: the mail server itself stands in MUSTER_SMTP_URL."""
        channel = cls()
        options.name(channel)
        return channel

    def send(self, message: Message) -> Outcome:
        mail = self._mail(message)
        try:
            server = self._connect()
        except smtplib.SMTPAuthenticationError:
            return Rejected(permanent=False, reason="发信账号或密码被邮件服务器拒绝")
        except _CONNECT_FAILED as error:
            return Rejected(permanent=False, reason=f"连不上邮件服务器：{error}"[:200])
        try:
            server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as refused:
            return _refusal(next(iter(refused.recipients.values())))
        except smtplib.SMTPSenderRefused as refused:
            return _refusal((refused.smtp_code, refused.smtp_error))
        except smtplib.SMTPDataError as refused:
            return _refusal((refused.smtp_code, refused.smtp_error))
        except (OSError, smtplib.SMTPException) as error:
            # The session broke while the message was on its way: it may have arrived.
            return Ambiguous(f"发送途中连接中断：{error}"[:200])
        else:
            return Accepted(str(mail["Message-ID"]))
        finally:
            server.close()

    def check(self) -> Sequence[Finding]:
        try:
            server = self._connect()
        except _CONNECT_FAILED as error:
            why = str(error)[:150]
            return [
                Finding(
                    False,
                    Words(
                        f"连不上邮件服务器或账号被拒：{why}。请核对 MUSTER_SMTP_URL。",
                        f"The mail server does not answer or refuses the account: {why}. See MUSTER_SMTP_URL.",
                    ),
                )
            ]
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
        where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
        return [Finding(True, Words(f"邮件服务器 {where} 应答正常", f"the mail server {where} answers"))]

    def _connect(self) -> smtplib.SMTP:
        kind = smtplib.SMTP_SSL if settings.EMAIL_USE_SSL else smtplib.SMTP
        server = kind(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=settings.EMAIL_TIMEOUT)
        if settings.EMAIL_USE_TLS:
            server.starttls()
        if settings.EMAIL_HOST_USER:
            server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
        return server

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = settings.DEFAULT_FROM_EMAIL
        mail["To"] = message.address
        mail["Subject"] = message.subject
        mail["Date"] = formatdate(localtime=True)
        # The same for every attempt, so that the reader's mail program can fold a repeated one.
        mail["Message-ID"] = f"<{message.reference}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2]}>"
        mail["X-Muster-Reference"] = str(message.reference)
        mail["Auto-Submitted"] = "auto-generated"
        body = f"{message.text}\n\n{message.link}\n" if message.link else f"{message.text}\n"
        mail.set_content(body)
        return mail


def _refusal(answer: tuple[int, bytes | str]) -> Rejected:
    code, said = answer
    words = said if isinstance(said, str) else said.decode(errors="replace")
    return Rejected(permanent=code >= 500, reason=f"{code} {words}"[:200])
