"""A delivery as it goes to the wire: its row with the link, how to answer, and the mark of a second copy.

Written at the last moment, when it is certain over which channel it goes and whether it may be out already.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from coordination import channels, links, wording
from coordination.channels import Message
from coordination.models import Delivery
from coordination.paging import Medium, Purpose

log = logging.getLogger(__name__)

MAYBE_DUPLICATE: Final = "（可能重复）"


def message(delivery: Delivery, *, at: datetime) -> Message:
    """Return what the channel that the row names now is to hand over; it decides what is offered for an answer."""
    link = ""
    if delivery.invitation_id and delivery.purpose in (Purpose.ASK, Purpose.STAND_DOWN, Purpose.NOTICE):
        link = _link(delivery)
    elif delivery.contact_check:
        link = links.check_address(delivery.contact_check)
    mark = MAYBE_DUPLICATE if delivery.maybe_duplicate else ""
    ending = ""
    fields: dict[str, str] = {"who": delivery.recipient, "what": delivery.subject, **delivery.fields}
    if delivery.purpose == Purpose.ASK and delivery.invitation:
        # Only now is it certain over which channel it goes.
        channel = channels.by_code(delivery.channel)
        medium = channel.medium if channel else Medium.SMS
        takes_replies = channel is not None and channel.caps.takes_replies
        ending = wording.how_to_answer(delivery.invitation, medium, takes_replies=takes_replies)
        if not takes_replies:
            fields.pop("digits", None)
    return Message(
        reference=delivery.public_id,
        recipient=delivery.recipient,
        address=delivery.address,
        subject=mark + delivery.subject,
        text=mark + delivery.text + ending,
        link=link,
        purpose=Purpose(delivery.purpose),
        fields=fields
        | {
            "who": fields["who"] + mark,
            "text": delivery.text + ending,
            "link": link,
            "link_token": link.rstrip("/").rpartition("/")[2],
        },
        first_tried_at=min((one.at for one in delivery.intents.all()), default=None),
        at=at,
    )


def _link(delivery: Delivery) -> str:
    tokens = delivery.invitation.tokens.all() if delivery.invitation else ()
    token = max((one for one in tokens if one.revoked_at is None), key=lambda one: one.pk, default=None)
    return links.address(token) if token else ""


def message_or_none(delivery: Delivery, *, at: datetime) -> Message | None:
    """Return what to send; None when it cannot even be written, which must not hold up the others."""
    try:
        return message(delivery, at=at)
    except Exception:
        log.exception("the message of delivery %s cannot be written", delivery.public_id)
        return None
