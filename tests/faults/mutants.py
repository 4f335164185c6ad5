"""Seeded bugs: what the engine must not become. Each is caught by the schedules or by a test that is named.

A change is a text that stands exactly once in a module, and what it is replaced by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A bug. `caught_by` is "schedules" or a test's node id; `database` is where it is looked for.

    `equivalent` says why nobody can tell it from the engine as it is, for those that are none.
    """

    name: str
    what: str
    changes: tuple[Change, ...]
    caught_by: str = "schedules"
    database: str = "postgres"
    equivalent: str = ""


def _of(*mutants: Mutant) -> Mapping[str, Mutant]:
    return {mutant.name: mutant for mutant in mutants}


DELIVERIES = "coordination.deliveries"
CALLOUTS = "coordination.callouts"
ANSWERS = "coordination.answers"
PROGRESS = "coordination.progress"
SENDER = "coordination.sender"
PAGING = "coordination.paging"
REPLIES = "coordination.replies"
MODELS = "coordination.models.callouts"

MUTANTS = _of(
    Mutant(
        "accept_without_the_row_lock",
        "an answer does not lock its callout and subject first",
        (
            Change(
                ANSWERS,
                "        callout = progress.lock(invitation.callout_id)\n"
                "        invitation.refresh_from_db()\n"
                "        status = InvitationStatus(invitation.status)\n",
                "        callout = Callout.objects.get(pk=invitation.callout_id)\n"
                "        invitation.refresh_from_db()\n"
                "        status = InvitationStatus(invitation.status)\n",
            ),
        ),
    ),
)
