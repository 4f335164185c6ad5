"""The contact drill (周测): everybody on the roster is asked whether a message reaches them.

Who answers can be reached: that is the freshness of contact which matching counts. Who does not is rung
up by a person; nothing is held against them, for a telephone may be in a drawer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Prefetch

from contracts.models import RescueTeam, TeamState
from coordination import links, outgoing, wording
from coordination.announcements import announce
from coordination.models import ContactCheck, ContactDrill, Delivery
from coordination.paging import UNSENT, AnswerSource, DeliveryStatus
from experts.models import Expert
from ground import audit, clock, revisions
from ground.audit import Actor
from ground.mistakes import Mistake, Refused
from ground.models import NumberSeries
from ground.terms import Term

WINDOWS: Final = (timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8))
NOT_ASKED: Final = (TeamState.OUT_OF_SERVICE, TeamState.DISBANDED)
USUAL_WINDOW: Final = timedelta(hours=2)
# There is no row of a drill to lock before there is one.
_STARTING: Final = "contact-drill"


class WrongWindow(Mistake):
    """The window is none of those that are offered."""


class StillRunning(Refused):
    """The drill before has not ended; people would get two messages about the same thing."""


class NobodyToAsk(Refused):
    """There is nobody on the roster to ask."""


class Standing(Term):
    """How it stands with one person."""

    ANSWERED = "answered", "已答复", "answered"
    LATE = "late", "超时答复", "answered late"
    UNREACHED = "unreached", "未送达", "not delivered"
    WAITING = "waiting", "待答", "waiting"
    SILENT = "silent", "未答复", "no answer"


@dataclass(frozen=True)
class Line:
    """One person in the result, with their last message."""

    check: ContactCheck
    standing: Standing
    message: Delivery | None


def start(*, answer_within: timedelta = USUAL_WINDOW, by: Actor, at: datetime) -> ContactDrill:
    """Write a message to every expert in office and every team in service, to their first way of being reached.

    :raises WrongWindow: :raises StillRunning: :raises NobodyToAsk:
    """
    if answer_within not in WINDOWS:
        raise WrongWindow("请选择列出的答复时限。", "Choose one of the time limits listed.")
    day = clock.day_of(at)
    with transaction.atomic():
        NumberSeries.objects.locked(_STARTING)
        if (running := ContactDrill.objects.running(at).first()) is not None:
            raise StillRunning(
                f"上一次联络测试 {wording.moment(running.ends_at)} 才结束，请等它结束再开始。",
                f"The previous drill runs until {wording.moment(running.ends_at)}; wait for it to end.",
            )
        people: list[Expert | RescueTeam] = [
            *Expert.objects.serving_on(day).prefetch_related("contacts"),
            *RescueTeam.objects.exclude(state__in=NOT_ASKED).prefetch_related("contacts"),
        ]
        if not people:
            raise NobodyToAsk("名册上没有可以联络的专家或队伍。", "There is nobody on the roster to ask.")
        drill = ContactDrill.objects.create(started_at=at, started_by=by.user, ends_at=at + answer_within)
        checks = ContactCheck.objects.bulk_create(_check(drill, one) for one in people)
        for check, person in zip(checks, people, strict=True):
            outgoing.check_contact(
                check,
                contacts=person.contacts.all(),
                subject=wording.contact_drill_subject(),
                text=wording.contact_drill_text(drill),
                fields=wording.contact_drill_fields(drill, check.person.name),
                at=at,
            )
        audit.record("contact_drill.start", drill, by=by, at=at, people=len(people))
    return drill


def confirm(check: ContactCheck, *, source: AnswerSource, at: datetime) -> None:
    """Write down that somebody was reached. The first time counts; saying it again changes nothing."""
    with transaction.atomic():
        first = ContactCheck.objects.filter(pk=check.pk, answered_at=None).update(
            answered_at=at, answer_source=source
        )
        if first:
            Delivery.objects.filter(contact_check=check, status__in=list(UNSENT)).update(
                status=DeliveryStatus.CANCELLED, reason="已答复", lease_until=None
            )
            revisions.bump("contact_checks")
            announce("contact-drill")


def asked_at(address: str, *, at: datetime) -> ContactCheck | None:
    """Return the open check of the drill that is running whose message went to this address, if there is one."""
    return (
        ContactCheck.objects.filter(
            drill__in=ContactDrill.objects.running(at), deliveries__address=address, answered_at=None
        )
        .order_by("-pk")
        .first()
    )


def result(drill: ContactDrill, *, at: datetime) -> Sequence[Line]:
    """Return how it stands with everybody, those first who have to be rung up."""
    checks = drill.checks.select_related("expert", "team").prefetch_related(
        Prefetch("deliveries", Delivery.objects.order_by("-attempt"))
    )
    lines = [_line(drill, check, at) for check in checks]
    order = [Standing.UNREACHED, Standing.SILENT, Standing.WAITING, Standing.LATE, Standing.ANSWERED]
    return sorted(lines, key=lambda line: (order.index(line.standing), line.check.pk))


def _line(drill: ContactDrill, check: ContactCheck, at: datetime) -> Line:
    messages = list(check.deliveries.all())
    message = messages[0] if messages else None
    if check.answered_at is not None:
        standing = Standing.ANSWERED if check.answered_at <= drill.ends_at else Standing.LATE
    elif all(one.status == DeliveryStatus.FAILED for one in messages):
        standing = Standing.UNREACHED
    else:
        standing = Standing.WAITING if at < drill.ends_at else Standing.SILENT
    return Line(check, standing, message)


def _check(drill: ContactDrill, person: Expert | RescueTeam) -> ContactCheck:
    nonce, digest = links.new_secret(links.CONTACT_CHECK)
    return ContactCheck(
        drill=drill,
        expert=person if isinstance(person, Expert) else None,
        team=person if isinstance(person, RescueTeam) else None,
        nonce=nonce,
        digest=digest,
    )
