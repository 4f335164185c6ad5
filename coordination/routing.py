"""Over which of several channels of one medium a message goes, and when: how well each works, what it will bear.

Pure. What each channel has carried lately is read from the rows by `traffic`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

# What happened longer ago says nothing about now.
LOOKED_BACK: Final = timedelta(minutes=5)
# So many in a row without a success and the channel is left alone for a while; a refused number (which is
# mostly the number's fault) counts for a third.
BREAKS_AT: Final = 3
RESTS_FOR: Final = timedelta(seconds=30)
TRIAL_ENDS_AFTER: Final = timedelta(seconds=60)
# A preferred channel is kept as long as about half of what it is given goes out.
GOOD_ENOUGH: Final = 0.5
# What drills leave of a limit for the hour when it counts. A limit too small to be shared is not.
DRILLS_TAKE: Final = 0.6
SHARED_FROM: Final = 5


@dataclass(frozen=True)
class Limit:
    """At most `count` messages to one address within `period`."""

    count: int
    period: timedelta


class Went(Enum):
    """How an attempt went, as far as it says something about the provider."""

    WELL = "well"
    BADLY = "badly"  # refused for now, or broken off
    REFUSED = "refused"  # this address will not do
    ON_THE_WIRE = "on the wire"


_WEIGHT: Mapping[Went, int] = {Went.BADLY: 3, Went.REFUSED: 1, Went.ON_THE_WIRE: 0}


@dataclass(frozen=True)
class Attempt:
    at: datetime
    went: Went


@dataclass(frozen=True)
class Health:
    """How well a channel works: `score` from 0 to 1, 1 when nothing is known.

    `rests` while it is left alone after failures; `is_on_trial` when that is over and one message may try it.
    """

    score: float = 1.0
    rests: bool = False
    is_on_trial: bool = False


WELL: Final = Health()
RESTING: Final = Health(0.0, rests=True)


def health(attempts: Iterable[Attempt], *, at: datetime) -> Health:
    """Return how well a channel works by what was tried over it lately, in any order."""
    lately = sorted(
        (one for one in attempts if one.at > at - LOOKED_BACK), key=lambda one: one.at, reverse=True
    )
    well = sum(one.went is Went.WELL for one in lately)
    badly = sum(one.went is Went.BADLY for one in lately)
    score = (well + 1) / (well + badly + 1)
    since_the_last_success: list[Attempt] = []
    for one in lately:
        if one.went is Went.WELL:
            break
        since_the_last_success.append(one)
    failures = [one for one in since_the_last_success if _WEIGHT[one.went]]
    if sum(_WEIGHT[one.went] for one in failures) < BREAKS_AT * _WEIGHT[Went.BADLY]:
        return Health(score)
    last = failures[0].at
    tries_now = any(
        one.went is Went.ON_THE_WIRE and one.at > at - TRIAL_ENDS_AFTER for one in since_the_last_success
    )
    if at < last + RESTS_FOR or tries_now:
        return Health(score, rests=True)
    return Health(score, is_on_trial=True)


def choose(codes: Sequence[str], health_of: Mapping[str, Health]) -> str:
    """Return over which of these channels, the preferred first, a message goes; never none.

    The preferred one as long as it works; one that has rested gets a message as a trial when its turn
    comes. When all of them rest, the best of them: trying in vain is better than not trying.
    """

    def known(code: str) -> Health:
        return health_of.get(code, WELL)

    working = [code for code in codes if not known(code).rests]
    for code in working:
        if known(code).is_on_trial or known(code).score >= GOOD_ENOUGH:
            return code
    return max(working or codes, key=lambda code: known(code).score)


def fits_from(limits: Iterable[Limit], used: Sequence[datetime], *, at: datetime) -> datetime:
    """Return the first moment from `at` on at which one message more keeps to every limit.

    :param used: when messages went that the limits count.
    """
    limits, moment = list(limits), at
    while True:
        waits = moment
        for limit in limits:
            within = sorted(one for one in used if one > moment - limit.period)
            if len(within) >= max(limit.count, 1):
                waits = max(waits, within[-max(limit.count, 1)] + limit.period)
        if waits == moment:
            return moment
        moment = waits


def left_by_drills(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """Return the limits to which drills keep, so that they never use up what an emergency needs."""
    return tuple(
        Limit(int(limit.count * DRILLS_TAKE), limit.period) if limit.count >= SHARED_FROM else limit
        for limit in limits
    )


def rate(per_second: float) -> Limit:
    """Return the limit that a rate comes to: whole messages within a second, or one within several."""
    count = max(1, int(per_second))
    return Limit(count, timedelta(seconds=count / per_second))
