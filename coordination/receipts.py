"""What providers say became of messages, applied once each, whichever way, order and number they come in.

Whether a call comes from the provider is settled before (`views.callbacks`, `channels`); this module
takes what was read.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef

from coordination import deliveries, events
from coordination.channels import Receipt
from coordination.inbound import InboundKind, InboundResult
from coordination.models import Delivery, Inbound

log = logging.getLogger(__name__)

# How long a receipt may wait for the message that it is about to become known.
WAITS_AT_MOST: Final = timedelta(days=3)
_LONGEST_REASON: Final = 200
_LARGEST: Final = 2**63 - 1


def take(channel: str, receipt: Receipt, *, at: datetime) -> Inbound | None:
    """Take what a provider says became of a message over `channel`; return its row, None for a repeat.

    Any number of times and in any order: the message ends in the same state. A receipt for a message whose
    id has not been recorded yet is kept, and applied by `catch_up`.
    """
    with transaction.atomic():
        inbound = events.first_time(
            channel,
            InboundKind.RECEIPT,
            receipt.event_id or events.digest(receipt),
            at=at,
            message_id=events.plain(receipt.message_id)[: events.LONGEST_ID],
            body={
                "reference": str(receipt.reference) if receipt.reference else "",
                "delivered": receipt.delivered,
                "reason": events.plain(receipt.reason)[:_LONGEST_REASON],
                "sequence": min(max(receipt.sequence, 0), _LARGEST),
            },
        )
        if inbound is not None:
            _apply(inbound, at=at)
    return inbound


def catch_up(*, at: datetime) -> int:
    """Apply the receipts whose message has become known since; return how many. Harmless at any time.

    A receipt can overtake the recording of the send. Looking again later, instead of when the send is
    recorded, also finds those that came in between unseen by either side.
    """
    known = Delivery.objects.filter(provider=OuterRef("provider"), provider_message_id=OuterRef("message_id"))
    waiting = (
        Inbound.objects.filter(
            Exists(known), result=InboundResult.UNKNOWN, received_at__gt=at - WAITS_AT_MOST
        )
        .exclude(message_id="")
        .values_list("pk", flat=True)[:100]
    )
    applied = 0
    for pk in list(waiting):
        try:
            with transaction.atomic():
                inbound = Inbound.objects.select_for_update(no_key=True).get(pk=pk)
                if inbound.result == InboundResult.UNKNOWN:
                    _apply(inbound, at=at)
                    applied += 1
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # one that cannot be applied must not hold up the others
            log.exception("receipt %s could not be applied", pk)
    return applied


def _apply(inbound: Inbound, *, at: datetime) -> None:
    said: dict[str, Any] = inbound.body
    delivery = events.message_meant(inbound.provider, said["reference"], inbound.message_id)
    if delivery is None:
        inbound.result = InboundResult.UNKNOWN
    elif not delivery.lease_no:
        # Nobody can have received what was never handed over: the provider errs, or it is not the provider.
        inbound.result = InboundResult.NEVER_SENT
    else:
        changed = deliveries.take_report(
            delivery.pk,
            delivered=said["delivered"],
            reason=said["reason"] or "运营商报告未送达",
            sequence=said["sequence"],
            channel=inbound.provider,
            message_id=inbound.message_id,
            at=at,
        )
        inbound.result = InboundResult.APPLIED if changed else InboundResult.CHANGED_NOTHING
    inbound.delivery = delivery
    inbound.save(update_fields=["result", "delivery"])
