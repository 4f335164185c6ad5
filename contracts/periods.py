"""From a day until a day, and what an agreement's consents and days make of it.

Pure. Both days belong to the period, and a day is a day in Asia/Shanghai: the caller says which one it is.
An agreement's status is never stored, so it cannot go stale overnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ground.mistakes import Mistake
from ground.terms import Term

EXPIRING_WITHIN_DAYS = 90  # the first of the reminders at 90, 60, 30 and 7 days


class WrongPeriod(Mistake):
    """The last day lies before the first."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `starts_on` to `ends_on`, both included.

    :raises WrongPeriod: if it would end before it starts.
    """

    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        if self.ends_on < self.starts_on:
            raise WrongPeriod(
                f"结束日期 {self.ends_on} 早于开始日期 {self.starts_on}。请核对两个日期。",
                f"The last day {self.ends_on} is before the first day {self.starts_on}. Check both.",
            )

    @property
    def days(self) -> int:
        """Return how many days it has; one that starts and ends on the same day has one."""
        return (self.ends_on - self.starts_on).days + 1

    def covers(self, day: date) -> bool:
        return self.starts_on <= day <= self.ends_on

    def overlaps(self, other: Period) -> bool:
        """Say whether the two have a day in common."""
        return self.starts_on <= other.ends_on and other.starts_on <= self.ends_on

    def overlap(self, other: Period) -> Period | None:
        """Return the days the two have in common, if any."""
        if not self.overlaps(other):
            return None
        return Period(max(self.starts_on, other.starts_on), min(self.ends_on, other.ends_on))

    def days_left(self, day: date) -> int:
        """Return how many days follow `day` within the period: 0 on the last day, negative after it."""
        return (self.ends_on - day).days


class AgreementStatus(Term):
    DRAFT = "draft", "草拟", "draft"
    AWAITING = "awaiting", "待确认", "awaiting confirmation"
    # Beside the six of the trade: confirmed by both, but its first day has not come. 待确认 would be untrue
    # and 生效 would send a team that need not come.
    UPCOMING = "upcoming", "待生效", "not yet in force"
    IN_FORCE = "in_force", "生效", "in force"
    EXPIRING = "expiring", "将到期", "expiring"
    EXPIRED = "expired", "到期", "expired"
    TERMINATED = "terminated", "终止", "terminated"


# A team is obliged to come while the agreement is in one of these; 将到期 is still in force.
BINDING = frozenset({AgreementStatus.IN_FORCE, AgreementStatus.EXPIRING})


def agreement_status(
    *,
    consented_by_both: bool,
    any_consent: bool,
    period: Period,
    terminated_on: date | None,
    today: date,
) -> AgreementStatus:
    """Return what an agreement is on `today`.

    It binds from its first day to its last, both included. Termination takes effect on its day: the day
    before, the team is still obliged.
    """
    if terminated_on is not None and today >= terminated_on:
        return AgreementStatus.TERMINATED
    if not consented_by_both:
        return AgreementStatus.AWAITING if any_consent else AgreementStatus.DRAFT
    days_left = period.days_left(today)
    if days_left < 0:
        return AgreementStatus.EXPIRED
    if today < period.starts_on:
        return AgreementStatus.UPCOMING
    return AgreementStatus.EXPIRING if days_left <= EXPIRING_WITHIN_DAYS else AgreementStatus.IN_FORCE
