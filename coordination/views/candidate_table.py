"""The table of candidates on the incident page: who is on the list, who else could come, who must not.

Who is on the list of a running callout is shown as it was proposed then; the others are matched now.
Numbers and letters are the same in the table and on the map.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from coordination import recommendations
from coordination.callouts import RequirementSpec
from coordination.matching import CandidateRow, Excluded, Match, Weights
from coordination.models import Requirement
from coordination.paging import InviteeKind, Mode
from coordination.recommendations import Proposal
from coordination.views.board import Board, Line
from ground.dates import SHANGHAI
from ground.places import TravelTimeBasis
from ground.terms import Words, joined
from incidents.models import Incident

SHOWN = 10
# Of so many left out the reasons are counted one by one, to leave those on the list uncounted.
COUNTED = 200
FRAME_AT_LEAST_KM = 50.0
FRAME_AT_MOST_KM = 150.0
# Their place is in the rows above, so they are not counted again among those left out.
ON_THE_LIST = "already_asked"


@dataclass(frozen=True)
class Row:
    """One expert or team. `state` is a chip once they are on a list; `pick` is what a tick sends."""

    kind: InviteeKind
    id: int
    name: str
    title: str
    public_id: UUID | None
    region_id: str | None
    reasons_for: Sequence[Any]
    cautions: Sequence[Any]
    km: float | None
    minutes: float | None
    basis: TravelTimeBasis | None
    score: int | None
    is_remote: bool
    offered: Any = None  # on what basis a team comes, who pays, which paper follows
    mark: str = ""
    pin: str = ""
    state: str = ""
    picked: bool = False
    reserve: bool = False
    excluded: bool = False
    point: Any = None
    line: Line | None = None


@dataclass(frozen=True)
class Table:
    """One requirement with its rows."""

    key: str
    spec: RequirementSpec | Requirement
    seats: int
    rows: list[Row]
    excluded: list[Row]
    candidate_count: int
    hidden_count: int
    excluded_words: Words | None
    unfit_count: int
    shortfall: Any
    widened: Words | None

    @property
    def kind(self) -> str:
        return str(self.spec.kind)


@dataclass(frozen=True)
class Candidates:
    """Both tabs, and the marks for the map."""

    tables: list[Table]
    features: list[dict[str, Any]] = field(default_factory=list)
    picked_experts: int = 0
    picked_teams: int = 0
    proposal: Proposal | None = None

    def of(self, kind: str) -> list[Table]:
        return [table for table in self.tables if table.kind == kind]

    @property
    def experts(self) -> list[Table]:
        return self.of("expert")

    @property
    def teams(self) -> list[Table]:
        return self.of("team")

    @property
    def expert_count(self) -> int:
        return sum(table.candidate_count for table in self.experts)

    @property
    def team_count(self) -> int:
        return sum(table.candidate_count for table in self.teams)

    @property
    def shortfalls(self) -> list[Any]:
        return [table.shortfall for table in self.tables if table.shortfall]


def specs_of(board: Board) -> list[RequirementSpec]:
    """Return what a running callout still needs, one spec for each of its requirements, in their order."""
    return [RequirementSpec.of(goal.requirement, seats=goal.seats - goal.taken) for goal in board.goals]


def candidates_of(
    incident: Incident,
    specs: Sequence[RequirementSpec],
    *,
    board: Board | None = None,
    show_all: bool = False,
    weights: Weights | None = None,
    at: datetime,
) -> Candidates:
    """Match now, and put those on the list of `board` (the running callout) before the others."""
    proposal = recommendations.propose(incident, specs, weights=weights, at=at)
    marks = _Marks()
    tables = []
    for number, (spec, one) in enumerate(zip(specs, proposal.matching, strict=True)):
        on_list = _on_list(board, number, marks) if board else []
        tables.append(
            _table(spec, one, proposal, on_list, marks, show_all=show_all, running=board is not None)
        )
    features = features_without_candidates(incident)
    shown: set[str] = set()
    rows = [row for table in tables for row in table.rows]
    frame_km = _frame_km(rows)
    for row in rows:
        if row.point and row.pin not in shown:
            shown.add(row.pin)
            features.append(_feature(row, frame_km))
    return Candidates(tables, features, proposal.picked_experts, proposal.picked_teams, proposal)


def tables_of(proposal: Proposal) -> list[Table]:
    """Return the tables of a proposal for an incident that is not open yet, with its picks only."""
    marks = _Marks()
    return [
        _table(spec, one, proposal, [], marks, show_all=False, running=False, picks_only=True)
        for spec, one in zip(proposal.requirements, proposal.matching, strict=True)
    ]


class _Marks:
    """Numbers for experts, letters for teams, in the order of the table; one mark a person."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._counts = {InviteeKind.EXPERT: 0, InviteeKind.TEAM: 0}

    def of(self, kind: InviteeKind, pk: int) -> str:
        key = pin(kind, pk)
        if key not in self._given:
            self._counts[kind] += 1
            count = self._counts[kind]
            self._given[key] = str(count) if kind is InviteeKind.EXPERT else _letters(count)
        return self._given[key]


def pin(kind: InviteeKind, pk: int) -> str:
    """Return the key that ties a row to its mark on the map."""
    return f"{kind.value}-{pk}"


def _letters(count: int) -> str:
    """Return A, B, … Z, AA, AB for 1, 2, …"""
    text = ""
    while count:
        count, rest = divmod(count - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _table(
    spec: RequirementSpec,
    one: Match,
    proposal: Proposal,
    on_list: list[Row],
    marks: _Marks,
    *,
    show_all: bool,
    running: bool,
    picks_only: bool = False,
) -> Table:
    room = max(3, SHOWN - len(on_list)) if not show_all else recommendations.SHOWN
    shown = one.picked_rows() if picks_only else _first(one, room)
    others = [_row(said, spec, proposal, marks, preselect=not running) for said in shown]
    kept_away = one.excluded(min(one.excluded_count, COUNTED if on_list else recommendations.SHOWN))
    out = [said for said in kept_away if not _is_on_list(said)]
    excluded = [_excluded_row(said, spec, proposal) for said in out[: recommendations.SHOWN]]
    return Table(
        key=one.requirement.key,
        spec=spec,
        seats=spec.seats,
        rows=[*on_list, *others],
        excluded=excluded,
        candidate_count=one.candidate_count + len(on_list),
        hidden_count=max(0, one.candidate_count - len(others)),
        excluded_words=_excluded_words(one, out if on_list else None),
        unfit_count=one.unfit_count,
        # While a callout runs its own board says what is missing: those on its list are not candidates any more.
        shortfall=None if running else one.shortfall,
        widened=one.widened_words(),
    )


def _first(one: Match, room: int) -> Iterable[CandidateRow]:
    """Return the picks and the reserves before the others: a pick of another table may rank lower here."""
    first = [*one.picked_rows(), *one.reserve_rows()]
    ids = {row.id for row in first}
    return [*first, *(row for row in one.rows(0, room) if row.id not in ids)][: max(room, len(first))]


def _row(
    said: CandidateRow, spec: RequirementSpec, proposal: Proposal, marks: _Marks, *, preselect: bool
) -> Row:
    person = proposal.invitee(spec.kind, said.id)
    return Row(
        kind=spec.kind,
        id=said.id,
        name=said.name,
        title=_title(person),
        public_id=person.public_id if person else None,
        region_id=person.region_id if person else None,
        reasons_for=said.reasons_for,
        cautions=[reason.words for reason in said.cautions],
        km=said.distance_km,
        minutes=said.minutes,
        basis=said.travel_basis,
        score=said.score,
        is_remote=spec.mode is Mode.REMOTE,
        offered=said.basis,
        mark=marks.of(spec.kind, said.id),
        pin=pin(spec.kind, said.id),
        picked=preselect and said.is_picked,
        reserve=said.is_reserve,
        point=person.point if person else None,
    )


def _excluded_row(said: Excluded, spec: RequirementSpec, proposal: Proposal) -> Row:
    person = proposal.invitee(spec.kind, said.id)
    return Row(
        kind=spec.kind,
        id=said.id,
        name=said.name,
        title=_title(person),
        public_id=person.public_id if person else None,
        region_id=person.region_id if person else None,
        reasons_for=(),
        cautions=[reason.words for reason in said.reasons],
        km=said.distance_km,
        minutes=said.minutes,
        basis=TravelTimeBasis.STRAIGHT_LINE,
        score=None,
        is_remote=spec.mode is Mode.REMOTE,
        excluded=True,
    )


def _on_list(board: Board, number: int, marks: _Marks) -> list[Row]:
    """Return the rows of a requirement's invitations, in the order in which they are asked."""
    requirement = board.goals[number].requirement
    mine = [
        line for line in [*board.lines, *board.listed] if line.invitation.requirement_id == requirement.pk
    ]
    return [_listed_row(line, marks) for line in sorted(mine, key=lambda line: line.invitation.rank)]


def _listed_row(line: Line, marks: _Marks) -> Row:
    invitation, person = line.invitation, line.invitation.invitee
    kind = InviteeKind.TEAM if line.is_team else InviteeKind.EXPERT
    said = invitation.reasons or {}
    return Row(
        kind=kind,
        id=person.pk,
        name=person.name,
        title=_title(person),
        public_id=person.public_id,
        region_id=person.region_id,
        reasons_for=said.get("reasons_for", ()),
        cautions=[
            reason.get("words", {}) for reason in (*said.get("cautions", ()), *said.get("reasons", ()))
        ],
        km=invitation.distance_km,
        minutes=invitation.travel_minutes,
        basis=TravelTimeBasis(invitation.travel_source) if invitation.travel_source else None,
        score=round(invitation.score) if invitation.score is not None else None,
        is_remote=line.is_remote,
        offered=said.get("basis"),
        mark=marks.of(kind, person.pk),
        pin=pin(kind, person.pk),
        state=line.state,
        point=person.point,
        line=line,
    )


def _title(person: Any) -> str:
    if person is None:
        return ""
    if hasattr(person, "members"):
        return str(person.get_level_display())
    return str(person.title)


def _is_on_list(said: Excluded) -> bool:
    return any(reason.code == ON_THE_LIST for reason in said.reasons)


def _excluded_words(one: Match, out: Sequence[Excluded] | None) -> Words | None:
    """Return "请假 4 · 回避 2": how many of the trade each reason keeps away; only of `out`, if that is given."""
    counts = [(count.code, count.label, count.count) for count in one.exclusions if count.code != ON_THE_LIST]
    if out is not None:
        found = Counter(reason.code for said in out for reason in said.reasons)
        counts = [(code, label, found[code]) for code, label, _count in counts]
    said = [Words(f"{label.zh} {count}", f"{label.en} {count}") for _code, label, count in counts if count]
    return joined(said, Words(" · ", " · ")) if said else None


def features_without_candidates(incident: Incident) -> list[dict[str, Any]]:
    """Return the incident's own mark for the map; nothing when its place is unknown."""
    point = incident.point
    if point is None:
        return []
    return [
        {
            "kind": "incident",
            "lat": point.latitude,
            "lon": point.longitude,
            "mark": "",
            "label": incident.title,
            "line": incident.address,
            "pin": "incident",
        }
    ]


def _frame_km(rows: Sequence[Row]) -> float:
    """Return how far from the incident the map is to reach: to those who matter now, not to the last of the list."""
    coming = ("accepted", "en_route", "on_scene", "seen", "delivered", "sent", "pending")
    now = [row.km for row in rows if row.km is not None and (row.picked or row.state in coming)]
    return min(FRAME_AT_MOST_KM, max(FRAME_AT_LEAST_KM, 1.1 * max(now, default=0)))


def _feature(row: Row, frame_km: float) -> dict[str, Any]:
    return {
        "kind": row.kind.value,
        "lat": row.point.latitude,
        "lon": row.point.longitude,
        "mark": row.mark,
        "label": row.name,
        "line": row.title,
        "pin": row.pin,
        "far": row.km is None or row.km > frame_km,
        "eta": _eta(row),
        "route": row.state in ("accepted", "en_route", "on_scene") and not row.is_remote,
    }


def _eta(row: Row) -> str:
    """Return "周 14:51 到" for somebody on the way, "A 14:41 到" for a team; empty for the others."""
    eta = row.line.invitation.eta_at if row.line and row.state in ("accepted", "en_route") else None
    if eta is None or row.is_remote:
        return ""
    who = row.mark if row.kind is InviteeKind.TEAM else row.name[:1]
    return _("%(who)s %(time)s 到") % {"who": who, "time": f"{eta.astimezone(SHANGHAI):%H:%M}"}
