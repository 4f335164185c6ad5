"""Drawing experts by lot for a guidance request, so that nobody can say that they were hand-picked.

The seed is made when the request is accepted and only its SHA-256 is shown, so whoever draws cannot choose
it and whoever is drawn cannot know it. Each draw tells its seed and seals the next one. A draw is never
replaced: drawing again takes a reason and is kept beside the first. How the lots fall is in `matching.draw`;
asking those who were drawn is left to `guidance`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from coordination import recommendations
from coordination.announcements import announce
from coordination.callouts import Invitee, RequirementSpec
from coordination.matching import Match
from coordination.matching.draw import ALGORITHM, Candidate, Drawn, Record, SeedSource, commitment
from coordination.matching.draw import draw as draw_lots
from coordination.models import Draw, GuidanceRequest
from coordination.paging import CalloutStatus
from coordination.recommendations import Proposal
from coordination.visits import GuidanceKind, GuidanceStatus
from experts.models import Expert
from ground import audit
from ground.audit import Actor
from ground.mistakes import Mistake, Refused
from ground.models import AuditEntry
from ground.terms import Words

# Reviews and inspections: who judges a firm is drawn; who teaches or advises it is chosen.
DRAWN_FOR: Final = frozenset(
    {GuidanceKind.PLAN_REVIEW, GuidanceKind.INSPECTION, GuidanceKind.RISK_ASSESSMENT}
)
RESERVES: Final = 3
# As many experts as a request may ask for, and as many as may be drawn for it.
MOST_SEATS: Final = 20
# The one requirement of a request.
_KEY: Final = "1"
_MADE: Final = "guidance.draw"


class CannotDraw(Refused):
    """The request is not of a kind, or not in a state, in which experts are drawn."""


class AlreadyDrawn(Refused):
    """Experts were drawn before, and no reason was given to draw again."""


class NobodyToDraw(Refused):
    """There is nobody who may go."""


class WrongSeats(Mistake):
    """So many cannot be drawn."""


@dataclass(frozen=True)
class Ready:
    """Whom to ask on the strength of a draw, in its order; `passed_over` may not go any more."""

    proposal: Proposal
    invitees: Sequence[Invitee]
    passed_over: Sequence[str]


def seal(request: GuidanceRequest, *, source: SeedSource, by: Actor, at: datetime) -> Draw:
    """Make a seed and keep it sealed for the next draw; the caller holds the request's lock.

    A seed that is sealed already stays: whoever could have it made anew could choose.
    """
    if kept := request.draws.sealed().first():
        return kept
    seed = secrets.token_hex(32)
    sealed = Draw.objects.create(
        request=request,
        number=request.draws.count() + 1,
        seed=seed,
        commitment=commitment(seed),
        seed_source=source,
        sealed_at=at,
    )
    audit.record("guidance.seal", sealed, by=by, at=at, commitment=sealed.commitment, number=sealed.number)
    return sealed


def draw(
    request: GuidanceRequest,
    *,
    seats: int | None = None,
    reason: str = "",
    known: int | None = None,
    by: Actor,
    at: datetime,
) -> Draw:
    """Draw among all who may go, fewer call-outs making it likelier; as many as the request asks for.

    `known` is the number of draws that the caller had seen: of two who draw again at the same moment, the
    second is told.

    :raises CannotDraw: if the request is of another kind, not accepted, or its experts are being asked.
    :raises AlreadyDrawn: for a further draw without a reason, or when somebody was quicker.
    :raises NobodyToDraw: if nobody may go. :raises WrongSeats:
    """
    if seats is not None and not 1 <= seats <= MOST_SEATS:
        raise WrongSeats(f"抽取人数应为 1 到 {MOST_SEATS}。", f"Draw 1 to {MOST_SEATS} experts.")
    reason = reason.strip()
    with transaction.atomic():
        locked = GuidanceRequest.objects.locked(request.pk)
        _refuse_now(locked)
        _refuse_again(locked, reason, known)
        spec = _spec(locked, seats)
        matching = recommendations.propose(locked, [spec], by_lot=True, at=at).matching
        one = matching[_KEY]
        lots = _lots(one)
        if not lots:
            why = one.exclusion_words()
            raise NobodyToDraw(
                f"没有可以抽取的专家（{why.zh}）。请先在名册里续聘、增补，或改约日期。",
                f"There is nobody to draw ({why.en}). Renew or add experts, or agree on other days.",
            )
        row = seal(locked, source=SeedSource.AT_DRAW, by=by, at=at)
        result = draw_lots(lots, seats=spec.seats, reserves=RESERVES, seed=row.seed)
        row.drawn_at, row.drawn_by, row.drawn_by_label = at, by.user, by.label[:60]
        row.reason = reason[:200] if row.number > 1 else ""
        row.algorithm, row.rules_version = ALGORITHM, matching.rules_version
        row.seats, row.reserves = spec.seats, RESERVES
        row.candidates = [{**lot.to_dict(), "name": name} for lot, name in _by_id(lots)]
        row.drawn, row.reserve = list(result.seats), list(result.reserves)
        row.fingerprint = record(row).fingerprint
        row.save()
        audit.record(
            _MADE,
            row,
            by=by,
            at=at,
            request=locked.number,
            number=row.number,
            seed=row.seed,
            reason=row.reason,
            fingerprint=row.fingerprint,
        )
        seal(locked, source=SeedSource.AT_LAST_DRAW, by=by, at=at)
        announce(f"guidance:{locked.public_id}", "guidance")
    return row


def can_draw(request: GuidanceRequest) -> bool:
    """Say whether a draw, or a further one, is possible as things stand."""
    try:
        _refuse_now(request)
    except CannotDraw:
        return False
    return True


def record(row: Draw) -> Record:
    """Return a draw as it is handed out, without names."""
    return Record(
        id=str(row.public_id),
        request=row.request.number,
        number=row.number,
        algorithm=row.algorithm,
        seed=row.seed,
        commitment=row.commitment,
        seed_source=row.seed_source,
        sealed_at=_utc(row.sealed_at),
        seats=row.seats or 0,
        reserves=row.reserves or 0,
        candidates=tuple(Candidate(one["id"], one["load"], one["near"]) for one in row.candidates),
        drawn=Drawn(tuple(row.drawn), tuple(row.reserve)),
        drawn_at=_utc(row.drawn_at) if row.drawn_at else "",
        drawn_by=row.drawn_by_label,
        reason=row.reason,
    )


def faults(row: Draw) -> tuple[Words, ...]:
    """Do a kept draw again; return what does not agree with itself, its fingerprint or the audit trail."""
    said = record(row)
    found = list(said.faults())
    audited = AuditEntry.objects.filter(
        object_type=row._meta.label_lower, object_id=str(row.public_id), action=_MADE
    ).first()
    if said.fingerprint != row.fingerprint:
        found.append(
            Words("记录的内容与它的指纹不符，抽取后被改动过。", "The record was changed after the draw.")
        )
    if audited is None or audited.details.get("fingerprint") != said.fingerprint:
        found.append(Words("记录与审计日志里的指纹不符。", "The record is not the one in the audit trail."))
    return tuple(found)


def kept(said: Record) -> Draw | None:
    """Return the draw in this database that a record says it is; None if it was made elsewhere."""
    rows = Draw.objects.made().select_related("request").filter(request__number=said.request)
    return next((row for row in rows if str(row.public_id) == said.id), None)


def faults_of_file(said: Record, fingerprint: str, row: Draw | None) -> tuple[Words, ...]:
    """Do a draw again from a file with this fingerprint; the file must also be what is kept, if that is here."""
    found = list(said.faults())
    if said.fingerprint != fingerprint:
        found.append(
            Words("文件的内容与它的指纹不符，被改动过。", "The file was changed after it was written.")
        )
    if row is not None and row.fingerprint != said.fingerprint:
        found.append(Words("文件与本系统保存的记录不符。", "The file is not the record that is kept here."))
    return tuple(found)


def ready(row: Draw, *, at: datetime) -> Ready:
    """Return those of a draw who may still go and have not been asked, matched once more.

    :raises NobodyToDraw: if none is left.
    """
    spec = _spec(row.request, row.seats)
    proposal = recommendations.propose(row.request, [spec], by_lot=True, at=at)
    on_offer = set(proposal.matching[_KEY].ids())
    drawn = [*row.drawn, *row.reserve]
    experts = {str(one.public_id): one for one in Expert.objects.filter(public_id__in=drawn)}
    in_order = [experts[one] for one in drawn if one in experts]
    chosen = [one.pk for one in in_order if one.pk in on_offer]
    if not chosen:
        raise NobodyToDraw(
            "抽中的和候补的专家现在都不能派（可能已请假、已被邀请或应当回避）。请写明原因后重新抽取。",
            "None of those drawn can be sent now (on leave, asked already, or recused). "
            "Draw again, with the reason.",
        )
    return Ready(
        proposal,
        recommendations.invitees(proposal, {_KEY: chosen}),
        [one.name for one in in_order if one.pk not in on_offer],
    )


def _refuse_now(request: GuidanceRequest) -> None:
    kind, status = GuidanceKind(request.kind), GuidanceStatus(request.status)
    if kind not in DRAWN_FOR:
        kinds = [one for one in GuidanceKind if one in DRAWN_FOR]
        raise CannotDraw(
            f"{kind.zh}不随机抽取，只有{'、'.join(one.zh for one in kinds)}可以。请直接选专家。",
            f"Experts are drawn for {', '.join(one.en for one in kinds)} only, not for {kind.en}. Choose them.",
        )
    if status not in (GuidanceStatus.ACCEPTED, GuidanceStatus.SOURCING):
        raise CannotDraw(
            f"申请 {request.number} 现在是“{status.zh}”，不能抽取。受理之后、约定到访之前才可以。",
            f"Request {request.number} is “{status.en}”. Experts are drawn once it is accepted, "
            "and before the visit is agreed on.",
        )
    if request.callouts.live().exclude(status=CalloutStatus.EXHAUSTED).exists():
        raise CannotDraw(
            f"申请 {request.number} 正在邀请专家，不能抽取。请先等答复，或结束本轮邀请。",
            f"Experts are being asked for request {request.number}. Wait for their answers, or end the round.",
        )


def _refuse_again(request: GuidanceRequest, reason: str, known: int | None) -> None:
    earlier = request.draws.made().last()
    if earlier is None:
        return
    if known is not None and earlier.number > known:
        raise AlreadyDrawn(
            f"{earlier.drawn_by_label}刚刚抽取过（第 {earlier.number} 次）。请看结果；确需重抽，请写明原因。",
            f"{earlier.drawn_by_label} has just drawn (draw {earlier.number}). See the result; "
            "to draw again, give the reason.",
        )
    if not reason:
        raise AlreadyDrawn(
            f"申请 {request.number} 已经抽取过。重新抽取必须写明原因，两次结果都会保留。",
            f"Experts were drawn for request {request.number} before. To draw again, give the reason; "
            "both draws are kept.",
        )


def _spec(request: GuidanceRequest, seats: int | None) -> RequirementSpec:
    spec = recommendations.proposed_requirements(request)[0]
    return replace(spec, seats=seats) if seats else spec


def _lots(one: Match) -> dict[Candidate, str]:
    """Return all who may be drawn with their loads, and their names; near trades only when matching was widened."""
    ids = one.ids()
    experts = Expert.objects.only("public_id", "name").in_bulk(ids)
    return {
        Candidate(str(experts[pk].public_id), _load(one, pk), is_near=at >= one.of_trade_count): experts[
            pk
        ].name
        for at, pk in enumerate(ids)
        if pk in experts
    }


def _by_id(lots: Mapping[Candidate, str]) -> list[tuple[Candidate, str]]:
    return sorted(lots.items(), key=lambda lot: lot[0].id)


def _load(one: Match, pk: int) -> int:
    row = one.pool.row(pk)
    return 0 if row is None else int(one.pool.callouts[row])


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
