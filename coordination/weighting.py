"""The weights by which matching goes at this centre: which are in force, and a new version of them.

Versions are only ever added. Going back to the defaults, or to an older version, is a new version with the
same values, so that whoever reads a recommendation finds by what it was made, who set that and why.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from coordination import weight_settings
from coordination.candidates import Kept, Stamps
from coordination.matching import Weights
from coordination.models import MatchingWeights
from ground import audit
from ground.audit import Actor
from ground.mistakes import Mistake, Refused
from ground.terms import Words, joined


class WrongWeights(Mistake):
    """The values are no weights, or nobody said why."""


class SomebodyWasQuicker(Refused):
    """The weights were set since the caller last looked."""


def in_force(stamps: Stamps | None = None) -> Weights:
    """Return the version set last; before the first one, the defaults of the code.

    Kept in memory until another is set: one query to see that none was, and none at all for whoever has
    read the `stamps` already.
    """
    return _weights.at((stamps or Stamps.now())["weights"], _read)


def _read() -> Weights:
    row = MatchingWeights.objects.latest_version()
    return row.weights() if row else Weights()


_weights = Kept[Weights]()


def set_weights(weights: Weights, *, reason: str, known: int, by: Actor, at: datetime) -> Weights:
    """Put `weights` in force as a new version; return them with its name. Their own `version` is not looked at.

    `known` is the number of the version that the caller saw, 0 for none. Setting what is in force already
    adds nothing, so a form that is sent twice makes one version.

    :raises WrongWeights: if a value is out of bounds, or the reason is missing or too long.
    :raises SomebodyWasQuicker:
    """
    reason = reason.strip()
    if wrong := (*weight_settings.faults(weights), *_faults_of(reason)):
        said = joined(wrong, Words("", " "))
        raise WrongWeights(said.zh, said.en)
    with transaction.atomic():
        row = MatchingWeights.objects.latest_version()
        before = row.weights() if row else Weights()
        if not weight_settings.changes(before, weights):
            return before
        number = row.number if row else 0
        if number != known:
            raise _quicker(known, number)
        new = _add(number + 1, weights, reason, by=by, at=at)
        if new is None:
            return _set_in_the_same_instant(weights, known)
        audit.record(
            "matching_weights.set",
            new,
            by=by,
            at=at,
            number=new.number,
            reason=reason,
            before=weight_settings.values_of(before),
            after=weight_settings.values_of(weights),
        )
    return new.weights()


def _faults_of(reason: str) -> tuple[Words, ...]:
    if not reason:
        return (
            Words(
                "原因：请写明为什么这样设，会留在版本记录里。",
                "Reason: say why they are set so; it stays with the version.",
            ),
        )
    if len(reason) > weight_settings.LONGEST_REASON:
        most = weight_settings.LONGEST_REASON
        return (
            Words(f"原因：最多 {most} 个字，请写短些。", f"Reason: at most {most} characters; shorten it."),
        )
    return ()


def _add(number: int, weights: Weights, reason: str, *, by: Actor, at: datetime) -> MatchingWeights | None:
    """Return the new row; None if another has just been given this number."""
    try:
        with transaction.atomic():
            return MatchingWeights.objects.create(
                number=number,
                set_at=at,
                set_by=by.user,
                set_by_label=by.label,
                reason=reason,
                **weight_settings.values_of(weights),
            )
    except IntegrityError:  # nothing to lock: the number decides who was first
        return None


def _set_in_the_same_instant(weights: Weights, known: int) -> Weights:
    """Return what the other one set, if it is the same: a form that was sent twice.

    :raises SomebodyWasQuicker: if it is not.
    """
    row = MatchingWeights.objects.latest_version()
    if row and not weight_settings.changes(row.weights(), weights):
        return row.weights()
    raise _quicker(known, row.number if row else 0)


def _quicker(known: int, now: int) -> SomebodyWasQuicker:
    seen = Words(f"第 {known} 版", f"version {known}") if known else Words("默认权重", "the defaults")
    said = Words(
        f"别人刚刚设定过匹配权重（您看到的是{{seen}}，现在是第 {now} 版），没有保存。请打开最新的一版再改。",
        f"Somebody has just set the weights (you saw {{seen}}, it is now version {now}); nothing was saved. "
        "Open the current version and change that.",
    ).filled(seen=seen)
    return SomebodyWasQuicker(said.zh, said.en)
