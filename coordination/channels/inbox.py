"""The demo inbox: simulated phones on a page. It exists only in a demo installation and sends nothing out."""

from __future__ import annotations

from uuid import UUID

from coordination.channels.base import Accepted, Message, Outcome
from coordination.models import InboxMessage
from ground import clock


class InboxChannel:
    code = "inbox"
    zh = "演示收件箱"
    en = "demo inbox"

    def send(self, message: Message) -> Outcome:
        InboxMessage.objects.get_or_create(
            reference=message.reference,
            defaults={
                "address": message.address,
                "recipient": message.recipient,
                "subject": message.subject,
                "text": message.text,
                "link": message.link,
                "received_at": clock.now(),
            },
        )
        return Accepted(f"inbox-{message.reference}")

    def look_up(self, reference: UUID) -> str | None:
        found = InboxMessage.objects.filter(reference=reference).exists()
        return f"inbox-{reference}" if found else None
