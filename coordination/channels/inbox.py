"""The demo inbox: simulated phones on a page. It exists only in a demo installation and sends nothing out."""

from __future__ import annotations

from coordination.channels.base import Accepted, Caps, Channel, Message, Outcome
from coordination.models import InboxMessage
from coordination.paging import Medium
from ground import clock
from ground.models import ContactKind


class InboxChannel(Channel):
    code = "inbox"
    zh = "演示收件箱"
    en = "demo inbox"
    medium = Medium.INBOX
    carries = frozenset(ContactKind)
    caps = Caps(looks_up=True)

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

    def look_up(self, message: Message) -> str | None:
        found = InboxMessage.objects.filter(reference=message.reference).exists()
        return f"inbox-{message.reference}" if found else None
