"""The weights of matching: what is in force and since when, and setting a new version.

Whoever sees matching reads them. They are set by whoever keeps the settings, and only by somebody bound to no
region, for the whole province is ranked by them. That person sees nobody's candidates, so what a change comes
to is shown with an invented example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from coordination import weight_examples, weight_settings, weighting
from coordination.matching import Weights
from coordination.models import MatchingWeights
from coordination.models.weights import READS, SETS
from coordination.views.weight_forms import WeightsForm
from coordination.weight_examples import Moved
from coordination.weight_settings import SETTINGS, Setting
from ground import clock
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake

VERSIONS_SHOWN = 20


@dataclass(frozen=True)
class Line:
    """One value of the weights in force: `points` of 100, where it is one of the parts of a score."""

    setting: Setting
    value: float
    usual: float
    points: float | None


@dataclass(frozen=True)
class Version:
    """One line of the history, with what it changed of the one before."""

    number: int
    name: str
    set_at: datetime
    set_by: str
    reason: str
    changes: tuple[tuple[Setting, float, float], ...]


@require_safe
@needs(*READS)
def index(request: HttpRequest) -> HttpResponse:
    """Show the weights in force, what each does, and the versions."""
    rows = list(MatchingWeights.objects.readable_by(user_of(request))[: VERSIONS_SHOWN + 1])
    weights = rows[0].weights() if rows else Weights()
    return render(
        request,
        "coordination/weights/index.html",
        {
            "weights": weights,
            "row": rows[0] if rows else None,
            "lines": _lines(weights),
            "example": _example(weights, Weights()),
            "versions": _versions(rows),
            "more": len(rows) > VERSIONS_SHOWN,
            "may_set": _may_set(request),
        },
    )


def _lines(weights: Weights) -> list[Line]:
    points = dict(zip(("expertise", "travel", "load", "freshness"), weights.points, strict=True))
    return [Line(one, one.of(weights), one.of(Weights()), points.get(one.name)) for one in SETTINGS]


def _versions(rows: Sequence[MatchingWeights]) -> list[Version]:
    """Return the newest versions, each beside the one before; the first one beside the defaults."""
    before = [*(row.weights() for row in rows[1:]), Weights()]
    return [
        Version(
            row.number,
            row.weights().version,
            row.set_at,
            row.set_by_label,
            row.reason,
            weight_settings.changes(then, row.weights()),
        )
        for row, then in zip(rows, before, strict=False)  # without a version there is nothing before it
    ][:VERSIONS_SHOWN]


def _example(now: Weights, before: Weights) -> dict[str, Sequence[Moved]]:
    return {
        "experts": weight_examples.moved(weight_examples.experts(now), weight_examples.experts(before)),
        "teams": weight_examples.moved(weight_examples.teams(now), weight_examples.teams(before)),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@needs(SETS)
def edit(request: HttpRequest) -> HttpResponse:
    """Set a new version; `?version=` begins with the values of an older one, 0 with the defaults."""
    if not _may_set(request):
        raise Http404
    row = MatchingWeights.objects.open_to(user_of(request)).latest_version()
    in_force = row.weights() if row else Weights()
    standing = _of_version(request.GET.get("version"), in_force)
    is_sent = request.method == "POST"
    form = WeightsForm(request.POST if is_sent else None, standing=standing, known=row.number if row else 0)
    errors: list[str] = []
    if is_sent and "preview" not in request.POST and form.is_valid():
        try:
            return _set(request, form)
        except Mistake as mistake:
            errors.append(sentence(mistake))
    previews = is_sent and "preview" in request.POST and form.values_are_valid
    if previews:
        # What is still missing is said when it is saved.
        form.errors.clear()
    return render(
        request,
        "coordination/weights/edit.html",
        {
            "form": form,
            "errors": errors,
            "in_force": in_force,
            "number": row.number if row else 0,
            "usual": Weights(),
            "example": _example(form.weights() if previews else standing, in_force),
            "previews": previews,
            "longest": weight_settings.LONGEST_REASON,
        },
        status=422 if errors or form.errors else 200,
    )


def _set(request: HttpRequest, form: WeightsForm) -> HttpResponse:
    said = form.cleaned_data
    before = weighting.in_force()
    now = weighting.set_weights(
        form.weights(), reason=said["reason"], known=said["known"], by=actor_of(request), at=clock.now()
    )
    if now == before:
        messages.info(request, _("与现行的权重相同，没有新的版本。"))
    else:
        messages.success(
            request, _("匹配权重已设定为 %(version)s。从现在起的推荐按它排序。") % {"version": now.version}
        )
    return redirect("matching-weights")


def _of_version(asked: str | None, in_force: Weights) -> Weights:
    if asked is None:
        return in_force
    if not asked.isdecimal() or len(asked) > 9:
        raise Http404
    if int(asked) == 0:
        return Weights()
    row = MatchingWeights.objects.filter(number=int(asked)).first()
    if row is None:
        raise Http404
    return row.weights()


def _may_set(request: HttpRequest) -> bool:
    return user_of(request).reach(SETS).everywhere
