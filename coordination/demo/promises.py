"""The 180 agreements of the demo province, and who has an interest in whom.

Pure. Terms are counted from the day, so that what is about to expire always is. Some agreements are with
teams too far away, some lack a consent, some have run out or were ended: the register must show them all.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum, auto

from contracts.models import AgreementKind, DriveTimeSource, InterestKind, Party, TeamKind
from contracts.periods import Period
from coordination.demo import invention
from coordination.demo.firms import DemoFirm
from coordination.demo.people import DemoExpert
from coordination.demo.teams import DemoTeam
from ground.places import Point, drive_minutes

# Which kind of team a trade signs with.
SIGNS_WITH: dict[str, TeamKind] = {
    **dict.fromkeys(("MK", "FM"), TeamKind.MINE),
    **dict.fromkeys(("WH", "YH", "QG", "FZ", "JT"), TeamKind.HAZCHEM),
    "YQ": TeamKind.OIL_PIPELINE,
    **dict.fromkeys(("YJ", "YS", "JC", "JX", "YC", "SM", "JZ", "DL"), TeamKind.FIRE),
}
# For what a team is asked where the agreement names the kinds of incident: every ninth does.
LIMITED_TO: dict[TeamKind, tuple[str, ...]] = {
    TeamKind.MINE: ("gas_explosion", "roof_fall", "water_inrush", "mine_fire"),
    TeamKind.HAZCHEM: ("hazchem_leak", "hazchem_fire", "ammonia_leak"),
    TeamKind.OIL_PIPELINE: ("pipeline_leak", "blowout"),
    TeamKind.FIRE: ("fire", "collapse"),
}
NAMES_KINDS = 9
WITHIN_REACH_MINUTES = 28
TOO_FAR_MINUTES = 35
WITHIN_REACH = 160  # at most so many of the firms that sign have their team within reach
BOTH = (Party.ENTERPRISE, Party.TEAM)


class Fate(Enum):
    """What an agreement is to be on the day."""

    VALID = auto()
    FAR = auto()  # valid, with a team far away
    EXPIRING = auto()
    EXPIRED = auto()
    TERMINATED = auto()
    ONE_SIDED = auto()
    DRAFT = auto()
    UPCOMING = auto()


HOW_MANY: dict[Fate, int] = {
    Fate.VALID: 103,
    Fate.FAR: 12,
    Fate.EXPIRING: 26,
    Fate.EXPIRED: 18,
    Fate.TERMINATED: 6,
    Fate.ONE_SIDED: 8,
    Fate.DRAFT: 4,
    Fate.UPCOMING: 3,
}


@dataclass(frozen=True, slots=True)
class DemoConsent:
    party: Party
    signatory: str
    signed_on: date


@dataclass(frozen=True, slots=True)
class DemoAgreement:
    number: str
    kind: AgreementKind
    firm: DemoFirm
    team: DemoTeam
    sites: tuple[str, ...]  # names; none means all
    term: Period
    drive_minutes: int
    drive_time_source: DriveTimeSource
    promised_minutes: int
    consents: tuple[DemoConsent, ...]
    incident_kinds: tuple[str, ...] = ()  # none means all
    terminated_on: date | None = None
    termination_reason: str = ""


@dataclass(frozen=True, slots=True)
class DemoInterest:
    expert: str  # by name: names are given once on this roster
    firm: DemoFirm
    kind: InterestKind
    details: str
    starts_on: date
    ends_on: date | None = None


def agreements(seed: int, day: date, firms: list[DemoFirm], teams: list[DemoTeam]) -> list[DemoAgreement]:
    """Return the agreements as they stand on `day`; the first is that of the story, 128 days from its end."""
    rng = invention.dice(seed, "agreements")
    numbers = _Numbers()
    story = firms[0]
    term = Period(day - timedelta(days=602), day + timedelta(days=128))
    made = [_agreement(rng, numbers, story, teams[0], term, BOTH)]
    fates = [fate for fate, count in HOW_MANY.items() for _ in range(count)]
    fates.remove(Fate.VALID)
    rng.shuffle(fates)
    owners = {team.owner for team in teams}
    partners = _partners(rng, [firm for firm in firms[1:] if firm.uscc not in owners], teams)
    for fate in fates:
        firm, near, far = next(partners)
        made.append(_with_fate(rng, numbers, fate, firm, far if fate is Fate.FAR else near, day))
    return [
        replace(one, incident_kinds=LIMITED_TO[one.team.kind])
        if at % NAMES_KINDS == NAMES_KINDS // 2
        else one
        for at, one in enumerate(made)
    ]


def _partners(
    rng: random.Random, firms: list[DemoFirm], teams: list[DemoTeam]
) -> Iterator[tuple[DemoFirm, DemoTeam, DemoTeam]]:
    """Draw firms, each with its nearest team and with a far one of the same kind.

    Those within reach come first: a firm signs with a team that can come in time, if there is one.
    """
    hired = [team for team in teams if not team.owner]
    within_reach: list[tuple[DemoFirm, DemoTeam, DemoTeam]] = []
    beyond: list[tuple[DemoFirm, DemoTeam, DemoTeam]] = []
    for firm in rng.sample(firms, len(firms)):
        able = sorted(
            (team for team in hired if team.kind is SIGNS_WITH[firm.industry]),
            key=lambda team: _km(firm, team),
        )
        is_near = _minutes(firm, able[0]) <= WITHIN_REACH_MINUTES
        (within_reach if is_near else beyond).append((firm, able[0], _too_far(firm, able)))
    beyond.sort(key=lambda three: _minutes(three[0], three[1]))
    yield from within_reach[:WITHIN_REACH]
    yield from beyond
    yield from within_reach[WITHIN_REACH:]


def _too_far(firm: DemoFirm, able: list[DemoTeam]) -> DemoTeam:
    """Return the nearest of these teams that cannot come within half an hour."""
    return next((team for team in able if _minutes(firm, team) > TOO_FAR_MINUTES), able[-1])


@dataclass
class _Numbers:
    """XY-YYYYMMDD-NNN by the day of drafting, as the register numbers its own."""

    last: dict[date, int] = field(default_factory=dict)

    def next(self, drafted_on: date) -> str:
        self.last[drafted_on] = self.last.get(drafted_on, 0) + 1
        return f"XY-{drafted_on:%Y%m%d}-{self.last[drafted_on]:03d}"


def _with_fate(
    rng: random.Random, numbers: _Numbers, fate: Fate, firm: DemoFirm, team: DemoTeam, day: date
) -> DemoAgreement:
    ago, years = timedelta(days=rng.randint(40, 600)), rng.choice((2, 2, 3))
    term = Period(day - ago, day - ago + timedelta(days=365 * years + 200))
    match fate:
        case Fate.EXPIRING:
            ends_on = day + timedelta(days=rng.choice((0, 3, 7, 12, 20, 30, 45, 60, 75, 90)))
            return _agreement(rng, numbers, firm, team, Period(ends_on - timedelta(days=729), ends_on), BOTH)
        case Fate.EXPIRED:
            ends_on = day - timedelta(days=rng.choice((1, 5, 20, 60, 150)))
            return _agreement(rng, numbers, firm, team, Period(ends_on - timedelta(days=729), ends_on), BOTH)
        case Fate.TERMINATED:
            on = day - timedelta(days=rng.randint(2, 38))
            return _agreement(rng, numbers, firm, team, term, BOTH, on, "企业改与邻近队伍签约（演示）")
        case Fate.ONE_SIDED | Fate.DRAFT:
            term = Period(day + timedelta(days=7), day + timedelta(days=737))
            consents = (rng.choice(BOTH),) if fate is Fate.ONE_SIDED else ()
            return _agreement(rng, numbers, firm, team, term, consents, drafted_on=day - timedelta(days=2))
        case Fate.UPCOMING:
            term = Period(day + timedelta(days=20), day + timedelta(days=750))
            return _agreement(rng, numbers, firm, team, term, BOTH, drafted_on=day - timedelta(days=3))
        case _:
            return _agreement(rng, numbers, firm, team, term, BOTH)


def _agreement(
    rng: random.Random,
    numbers: _Numbers,
    firm: DemoFirm,
    team: DemoTeam,
    term: Period,
    consents: Iterable[Party],
    terminated_on: date | None = None,
    reason: str = "",
    drafted_on: date | None = None,
) -> DemoAgreement:
    drafted_on = drafted_on or term.starts_on - timedelta(days=10)
    minutes = _minutes(firm, team)
    return DemoAgreement(
        number=numbers.next(drafted_on),
        kind=AgreementKind.MINE_RESCUE if team.kind is TeamKind.MINE else AgreementKind.RESCUE,
        firm=firm,
        team=team,
        sites=(firm.sites[0].name,) if len(firm.sites) > 1 and rng.random() < 0.15 else (),
        term=term,
        drive_minutes=max(3, minutes + rng.randint(-3, 4)),
        drive_time_source=rng.choice((DriveTimeSource.MEASURED, DriveTimeSource.ESTIMATED)),
        promised_minutes=30 if minutes <= 26 else 5 * round((minutes + 8) / 5),
        consents=tuple(
            DemoConsent(
                party,
                firm.head if party is Party.ENTERPRISE else team.leader,
                drafted_on + timedelta(days=1),
            )
            for party in consents
        ),
        terminated_on=terminated_on,
        termination_reason=reason,
    )


def _km(firm: DemoFirm, team: DemoTeam) -> float:
    here = Point(firm.spot.latitude, firm.spot.longitude)
    return here.km_to(Point(team.spot.latitude, team.spot.longitude))


def _minutes(firm: DemoFirm, team: DemoTeam) -> int:
    return round(drive_minutes(_km(firm, team), turnout_minutes=0))


def interests(seed: int, day: date, firms: list[DemoFirm], people: list[DemoExpert]) -> list[DemoInterest]:
    """Return the declared interests; two are in the firm of the story.

    In an ammonia leak there, 胡建军 may go and it is said; of a review of its plan he and 董雪梅, who wrote
    it, are kept out.
    """
    rng = invention.dice(seed, "interests")
    story = firms[0]
    made = [
        DemoInterest("胡建军", story, InterestKind.ADVISES, "在聘安全顾问", day - timedelta(days=320)),
        DemoInterest(
            *("董雪梅", story, InterestKind.OTHER, "编制了该企业现行应急预案", day - timedelta(days=400))
        ),
    ]
    tobacco = next(firm for firm in firms if firm.industry == "YC")
    alone = next(one for one in people if one.industries[0] == "YC")
    made.append(
        DemoInterest(alone.name, tobacco, InterestKind.EMPLOYED, "技术部兼职", day - timedelta(days=900))
    )
    taken = {made[0].expert, made[1].expert, alone.name}
    for one in rng.sample([one for one in people if one.name not in taken], 14):
        firm = rng.choice([firm for firm in firms[1:] if firm.industry == one.industries[0]])
        kind = rng.choice((InterestKind.ADVISES, InterestKind.RELATIVE, InterestKind.BID))
        made.append(
            DemoInterest(
                one.name, firm, kind, kind.zh + "（演示）", day - timedelta(days=rng.randint(30, 900))
            )
        )
    return made
