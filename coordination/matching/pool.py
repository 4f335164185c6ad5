"""The experts or the teams that matching looks through, in columns.

Pure. `candidates` fills a pool from the database; rules and scores read it. Facts of which a candidate
has many (practices, absences …) are kept as `facts` keeps them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coordination.matching import columns
from coordination.matching.columns import Names
from coordination.matching.facts import BEGINNING, NEVER, NOBODY, ROW, Days, Rows, Spans, Tags
from coordination.paging import InviteeKind
from ground import places
from ground.dates import SHANGHAI
from ground.terms import Words

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Bits = NDArray[np.uint32]

STANDING_KEPT = 12  # findings kept with a pool, of at most four bytes a row each


@dataclass(frozen=True, slots=True)
class Promise:
    """What an agreement says: its number, and the minutes in which the team has promised to arrive.

    `sites` are the (id, name) of those it is limited to, by id; none is all of the enterprise's. `kinds` are
    the codes of the kinds of incident it is limited to; none is all.
    `measured_minutes` is the drive where somebody has driven it. `was_ended` tells an agreement that
    was ended before its term from one that ran out.
    """

    number: str
    minutes: int | None = None
    was_ended: bool = False
    sites: tuple[tuple[int, str], ...] = ()
    measured_minutes: int | None = None
    kinds: tuple[str, ...] = ()

    def covers(self, site_id: int | None) -> bool:
        """Say whether it is certain that the promise holds for this site."""
        return not self.sites or any(site_id == covered for covered, _ in self.sites)

    def answers(self, incident_kind: str | None) -> bool:
        """Say whether it is certain that the promise holds for this kind of incident."""
        return not self.kinds or incident_kind in self.kinds


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Experts or teams, by ascending id, so that the order in which they were read changes nothing.

    Rows are positions in `ids`. Places are WGS-84 degrees, not a number where unknown. Days are
    ordinals. Made by `of_experts` and `of_teams`; the rest of the program never fills it by hand.
    """

    kind: InviteeKind
    ids: Rows
    row_of: Mapping[int, int]  # by id
    names: Sequence[str]
    latitudes: Floats
    longitudes: Floats
    places_km: Floats  # the same, from the centre of the earth; see `ground.places.geocentric_km`
    callouts: Rows  # call-outs in the last 90 days
    last_answers: Days  # the day of the last answer to anything, 0 where none is known
    experience: Mapping[str, Rows]  # past deployments, by the kind of incident
    primary: Tags  # practices an expert's main industry; the industries that a team serves
    secondary: Tags = field(default_factory=Tags)
    specialties: Tags = field(default_factory=Tags)
    task_categories: Tags = field(default_factory=Tags)
    capabilities: Tags = field(default_factory=Tags)
    states: Tags = field(default_factory=Tags)
    owners: Tags = field(default_factory=Tags)
    kinds: Tags = field(default_factory=Tags)
    units: Tags = field(default_factory=Tags)  # the city-level unit of each one's region, by its code
    full_time: Rows = field(default_factory=lambda: NOBODY)
    shifts_ended: Floats = field(default_factory=lambda: np.empty(0))  # epoch seconds; see `of_teams`
    refused: Rows = field(default_factory=lambda: NOBODY)
    unreached: Rows = field(default_factory=lambda: NOBODY)
    suspensions: Spans[None] = field(default_factory=Spans)
    appointments: Spans[bool] = field(default_factory=Spans)  # the fact: ended early
    absences: Spans[str] = field(default_factory=Spans)
    visits: Spans[str] = field(default_factory=Spans)
    deployments: Spans[str] = field(default_factory=Spans)
    asked: Tags = field(default_factory=Tags)  # for which incidents an answer is waited for, by number
    asked_in_drills: Tags = field(default_factory=Tags)
    certificates: Spans[None] = field(default_factory=Spans)  # by name
    interests: Spans[Words] = field(default_factory=Spans)  # by enterprise
    agreements: Spans[Promise] = field(default_factory=Spans)  # by enterprise
    # What was found in the columns that seldom change, by what was asked. `with_engagements` shares it too.
    standing: dict[Hashable, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def placed(self) -> Flags:
        """Say for each row whether its place is known. Degrees that are nowhere on earth are unknown."""
        known: Flags = ~np.isnan(self.places_km[0])
        return known

    def kept(self, asked: Hashable, find: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return what was found for the same question before, or find it now. Not to be written to."""
        found = self.standing.get(asked)
        if found is None:
            found = find()
            if len(self.standing) >= STANDING_KEPT:
                self.standing.clear()
            self.standing[asked] = found
        return found

    def row(self, id_: int) -> int | None:
        return self.row_of.get(id_)

    def with_absences(self, absences: Iterable[tuple[int, date, date, str]]) -> Pool:
        """Return this pool with this leave, as `of_experts` takes it; all other columns are shared."""
        return replace(self, absences=_spans(self.row_of, absences))

    def with_engagements(
        self,
        *,
        interests: Iterable[tuple[int, int, date | None, date | None, Words]] = (),
        visits: Iterable[tuple[int, date, date, str]] = (),
        agreements: Iterable[tuple[int, int, date, date, date | None, str, int | None]] = (),
        deployments: Iterable[tuple[int, str]] = (),
        asked: Iterable[tuple[int, str]] = (),
        asked_in_drills: Iterable[tuple[int, str]] = (),
        agreement_sites: Iterable[tuple[str, int, str]] = (),
        agreement_kinds: Iterable[tuple[str, str]] = (),
        measured_drives: Iterable[tuple[str, int]] = (),
        callouts: Iterable[tuple[int, int]] = (),
        experience: Iterable[tuple[int, str, int]] = (),
        last_answers: Iterable[tuple[int, date]] = (),
        refused_today: Iterable[int] = (),
        unreached_today: Iterable[int] = (),
    ) -> Pool:
        """Return this pool with what changes by the minute, given as `of_experts` and `of_teams` take it.

        The columns that seldom change are shared with this pool, so a pool kept in memory serves
        every question at the cost of the few facts that are read for it.
        """
        row_of = self.row_of
        limited: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for number, site_id, name in agreement_sites:
            limited[number].append((site_id, name))
        narrowed: dict[str, set[str]] = defaultdict(set)
        for number, kind in agreement_kinds:
            narrowed[number].add(kind)
        measured = dict(measured_drives)
        answered = np.zeros(len(self), dtype=np.int32)
        for id_, day in last_answers:
            if id_ in row_of:
                answered[row_of[id_]] = max(answered[row_of[id_]], day.toordinal())
        return replace(
            self,
            callouts=_counts(row_of, callouts),
            experience=_by_kind(row_of, experience),
            last_answers=answered,
            refused=_named(row_of, refused_today),
            unreached=_named(row_of, unreached_today),
            interests=Spans(
                (row_of[i], enterprise, _since(starts), _until(ends), words)
                for i, enterprise, starts, ends, words in interests
                if i in row_of
            ),
            visits=_spans(row_of, visits),
            deployments=Spans(
                (row_of[i], None, BEGINNING, NEVER, label) for i, label in deployments if i in row_of
            ),
            asked=_tags(row_of, asked),
            asked_in_drills=_tags(row_of, asked_in_drills),
            agreements=Spans(
                (
                    *(row_of[i], enterprise, starts.toordinal(), _last_day(ends, ended)),
                    Promise(
                        *(number, promised, ended is not None and ended <= ends),
                        *(
                            tuple(sorted(limited[number])),
                            measured.get(number),
                            tuple(sorted(narrowed[number])),
                        ),
                    ),
                )
                for i, enterprise, starts, ends, ended, number, promised in agreements
                if i in row_of
            ),
        )

    @classmethod
    def of_experts(
        cls,
        experts: Iterable[tuple[int, str, float | None, float | None, date | None]] = (),
        *,
        practices: Iterable[tuple[int, str, str]] = (),
        specialties: Iterable[tuple[int, str]] = (),
        task_categories: Iterable[tuple[int, str]] = (),
        units: Iterable[tuple[int, str | None]] = (),
        appointments: Iterable[tuple[int, date, date, date | None]] = (),
        certificates: Iterable[tuple[int, str, date | None]] = (),
        absences: Iterable[tuple[int, date, date, str]] = (),
        interests: Iterable[tuple[int, int, date | None, date | None, Words]] = (),
        visits: Iterable[tuple[int, date, date, str]] = (),
        deployments: Iterable[tuple[int, str]] = (),
        asked: Iterable[tuple[int, str]] = (),
        asked_in_drills: Iterable[tuple[int, str]] = (),
        callouts: Iterable[tuple[int, int]] = (),
        experience: Iterable[tuple[int, str, int]] = (),
        last_answers: Iterable[tuple[int, date]] = (),
        refused_today: Iterable[int] = (),
        unreached_today: Iterable[int] = (),
    ) -> Pool:
        """Make a pool of experts from plain tuples, such as `values_list` gives, in any order.

        Every tuple but the last iterable's ids begins with the expert's id; those of experts who are
        not among `experts` are passed over. Days are dates, first and last included.

        :param experts: (id, name, latitude, longitude, suspended_on), WGS-84 degrees or None.
        :param practices: (id, industry code, "primary" or "secondary").
        :param specialties: (id, specialty code).
        :param units: (id, code of the city-level unit where they live, or None).
        :param task_categories: (id, category). An expert with none is not barred, only cautioned about.
        :param appointments: (id, starts_on, ends_on, ended_on): ended_on is the first day after an early end.
        :param certificates: (id, name, expires_on); None never expires.
        :param absences: (id, starts_on, ends_on, reason).
        :param interests: (id, enterprise id, starts_on, ends_on, words such as "本企业受聘顾问").
        :param visits: (id, starts_on, ends_on, label) for guidance agreed but not yet done.
        :param deployments: (id, label) for exclusive seats not yet released, such as an incident's number.
        :param asked: (id, label) for every incident for which they were asked and have not answered yet;
            `asked_in_drills` the same for drills. The label is compared with that of a need.
        :param callouts: (id, how often called out in the last 90 days).
        :param experience: (id, kind of incident, how often sent to one).
        :param last_answers: (id, the day of an answer to any call); the latest counts.
        :param refused_today: ids of those who declined today.
        :param unreached_today: ids of those to whom every message failed today.
        """
        lines = sorted({line[0]: line for line in experts}.values())
        row_of = columns.row_of([line[0] for line in lines])
        nothing = np.zeros(len(lines), dtype=np.int64)  # until `with_engagements` fills it
        practised = [(row_of[i], code, rank) for i, code, rank in practices if i in row_of]
        return cls(
            kind=InviteeKind.EXPERT,
            ids=np.asarray([line[0] for line in lines], dtype=np.int64),
            row_of=row_of,
            names=Names(line[1] for line in lines),
            latitudes=(latitudes := _degrees(line[2] for line in lines)),
            longitudes=(longitudes := _degrees(line[3] for line in lines)),
            places_km=places_of(latitudes, longitudes),
            callouts=nothing,
            experience={},
            last_answers=nothing.astype(np.int32),
            primary=Tags((row, code) for row, code, rank in practised if rank == "primary"),
            secondary=Tags((row, code) for row, code, rank in practised if rank != "primary"),
            specialties=_tags(row_of, specialties),
            task_categories=_tags(row_of, task_categories),
            units=_tags(row_of, ((i, code) for i, code in units if code)),
            suspensions=Spans(
                (row, None, line[4].toordinal(), NEVER, None) for row, line in enumerate(lines) if line[4]
            ),
            appointments=Spans(
                (row_of[i], None, starts.toordinal(), _last_day(ends, ended), ended is not None)
                for i, starts, ends, ended in appointments
                if i in row_of
            ),
            certificates=Spans(
                (row_of[i], name, BEGINNING, _until(expires), None)
                for i, name, expires in certificates
                if i in row_of
            ),
            absences=_spans(row_of, absences),
        ).with_engagements(
            interests=interests,
            visits=visits,
            deployments=deployments,
            asked=asked,
            asked_in_drills=asked_in_drills,
            callouts=callouts,
            experience=experience,
            last_answers=last_answers,
            refused_today=refused_today,
            unreached_today=unreached_today,
        )

    @classmethod
    def of_teams(
        cls,
        teams: Iterable[tuple[int, str, float | None, float | None, str, int | None]] = (),
        *,
        industries: Iterable[tuple[int, str]] = (),
        capabilities: Iterable[tuple[int, str]] = (),
        kinds: Iterable[tuple[int, str]] = (),
        units: Iterable[tuple[int, str | None]] = (),
        full_time: Iterable[int] = (),
        apparatus_shifts: Iterable[tuple[int, datetime]] = (),
        agreements: Iterable[tuple[int, int, date, date, date | None, str, int | None]] = (),
        agreement_sites: Iterable[tuple[str, int, str]] = (),
        agreement_kinds: Iterable[tuple[str, str]] = (),
        measured_drives: Iterable[tuple[str, int]] = (),
        deployments: Iterable[tuple[int, str]] = (),
        asked: Iterable[tuple[int, str]] = (),
        asked_in_drills: Iterable[tuple[int, str]] = (),
        callouts: Iterable[tuple[int, int]] = (),
        experience: Iterable[tuple[int, str, int]] = (),
        last_answers: Iterable[tuple[int, date]] = (),
        refused_today: Iterable[int] = (),
        unreached_today: Iterable[int] = (),
    ) -> Pool:
        """Make a pool of rescue teams from plain tuples, in any order; see `of_experts`.

        :param teams: (id, name, latitude, longitude, state, id of the owning enterprise or None); the
            states are those of `contracts.models.TeamState`.
        :param industries: (id, code) for the industries served.
        :param capabilities: (id, capability code).
        :param kinds: (id, kind) and full_time: ids of standing teams; the kinds are those of
            `contracts.models.TeamKind`.
        :param apparatus_shifts: (id, when its last shift under breathing apparatus ended).
        :param agreements: (id, enterprise id, starts_on, ends_on, terminated_on, number, promised minutes);
            only those that both sides have confirmed, lapsed ones included.
        :param agreement_sites: (agreement number, site id, site name) of those that are limited to sites;
            `agreement_kinds` (agreement number, kind of incident) of those that are limited to kinds.
        :param measured_drives: (agreement number, minutes) of those whose drive was measured.
        """
        lines = sorted({line[0]: line for line in teams}.values())
        row_of = columns.row_of([line[0] for line in lines])
        nothing = np.zeros(len(lines), dtype=np.int64)  # until `with_engagements` fills it
        shifts_ended = np.full(len(lines), np.nan)
        for id_, ended_at in apparatus_shifts:
            if id_ in row_of:
                shifts_ended[row_of[id_]] = epoch_seconds(ended_at)
        return cls(
            kind=InviteeKind.TEAM,
            ids=np.asarray([line[0] for line in lines], dtype=np.int64),
            row_of=row_of,
            names=Names(line[1] for line in lines),
            latitudes=(latitudes := _degrees(line[2] for line in lines)),
            longitudes=(longitudes := _degrees(line[3] for line in lines)),
            places_km=places_of(latitudes, longitudes),
            callouts=nothing,
            experience={},
            last_answers=nothing.astype(np.int32),
            primary=_tags(row_of, industries),
            capabilities=_tags(row_of, capabilities),
            units=_tags(row_of, ((i, code) for i, code in units if code)),
            states=Tags((row, str(line[4])) for row, line in enumerate(lines)),
            owners=Tags((row, str(line[5])) for row, line in enumerate(lines) if line[5] is not None),
            kinds=_tags(row_of, kinds),
            full_time=_named(row_of, full_time),
            shifts_ended=shifts_ended,
        ).with_engagements(
            agreements=agreements,
            agreement_sites=agreement_sites,
            agreement_kinds=agreement_kinds,
            measured_drives=measured_drives,
            deployments=deployments,
            asked=asked,
            asked_in_drills=asked_in_drills,
            callouts=callouts,
            experience=experience,
            last_answers=last_answers,
            refused_today=refused_today,
            unreached_today=unreached_today,
        )


def epoch_seconds(at: datetime) -> float:
    """Return a moment as a number; one without a time zone is taken to be in Asia/Shanghai."""
    return (at if at.tzinfo else at.replace(tzinfo=SHANGHAI)).timestamp()


def _counts(row_of: Mapping[int, int], lines: Iterable[tuple[int, int]]) -> Rows:
    counts = np.zeros(len(row_of), dtype=np.int64)
    for id_, count in lines:
        if id_ in row_of:
            counts[row_of[id_]] += count
    return counts


def _by_kind(row_of: Mapping[int, int], lines: Iterable[tuple[int, str, int]]) -> dict[str, Rows]:
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for id_, kind, count in lines:
        found[kind].append((id_, count))
    return {kind: _counts(row_of, counts) for kind, counts in found.items()}


def _named(row_of: Mapping[int, int], ids: Iterable[int]) -> Rows:
    return np.asarray(sorted({row_of[i] for i in ids if i in row_of}), dtype=ROW)


def places_of(latitudes: Floats, longitudes: Floats) -> Floats:
    """Return the column of places; degrees that are nowhere on earth are unknown."""
    known = (np.abs(latitudes) <= 90) & (np.abs(longitudes) <= 180)
    return places.geocentric_km(np.where(known, latitudes, np.nan), np.where(known, longitudes, np.nan))


def _degrees(values: Iterable[float | None]) -> Floats:
    return np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)


def _tags(row_of: Mapping[int, int], lines: Iterable[tuple[int, str]]) -> Tags:
    return Tags((row_of[i], code) for i, code in lines if i in row_of)


def _spans(row_of: Mapping[int, int], lines: Iterable[tuple[int, date, date, str]]) -> Spans[str]:
    return Spans(
        (row_of[i], None, starts.toordinal(), ends.toordinal(), label)
        for i, starts, ends, label in lines
        if i in row_of
    )


def _since(day: date | None) -> int:
    return day.toordinal() if day else BEGINNING


def _until(day: date | None) -> int:
    return day.toordinal() if day else NEVER


def _last_day(ends_on: date, ended_on: date | None) -> int:
    """Return the last day on which a term holds; `ended_on` is the first day on which it no longer does."""
    return min(ends_on.toordinal(), ended_on.toordinal() - 1) if ended_on else ends_on.toordinal()
