"""The centre's side of guidance: the list, one request, and each step that the roster admin takes.

Every step is one POST to one operation; what it refuses is said on the page it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from coordination import (
    answers,
    callouts,
    channels,
    draws,
    guidance,
    live,
    policy_words,
    recommendations,
    review_panels,
    tasks,
)
from coordination.answers import Answer
from coordination.callouts import Invitee, RequirementSpec
from coordination.models import GuidanceRequest, Invitation
from coordination.paging import POLICIES, AnswerSource, CalloutStatus, Reply
from coordination.recommendations import Proposal
from coordination.views import guidance_draws, guidance_panels
from coordination.views import guidance_page as shown
from coordination.views.guidance_forms import DaysForm, ReportForm
from coordination.visits import FINISHED, GUIDANCE_MOVES, GuidanceKind, GuidanceStatus
from ground import clock
from ground.access import Permission
from ground.audit import Actor
from ground.guards import actor_of, needs, user_of
from ground.languages import language, sentence
from ground.mistakes import Mistake, Refused

G = GuidanceStatus
PER_PAGE: Final = 25
CANDIDATES_SHOWN: Final = 12
EXCLUDED_SHOWN: Final = 30
# The one list of candidates: a request has one requirement.
KEY: Final = "1"

# A draft is the enterprise's own and appears nowhere here.
_TABS: Final[Mapping[str, frozenset[GuidanceStatus]]] = {
    "new": frozenset({G.SUBMITTED}),
    "open": frozenset({G.RETURNED, G.ACCEPTED, G.SOURCING, G.SCHEDULED, G.VISITED, G.REPORTED, G.RATED}),
    "done": FINISHED,
    "all": frozenset(GuidanceStatus) - {G.DRAFT},
}


@dataclass(frozen=True)
class Line:
    request: GuidanceRequest
    kind: GuidanceKind
    status: GuidanceStatus
    next: str


class WrongChoice(Mistake):
    """What was ticked or typed on the page is not on offer."""


@require_safe
@needs(Permission.READ_GUIDANCE)
def index(request: HttpRequest) -> HttpResponse:
    readable = _open_to(request, Permission.READ_GUIDANCE)
    counts = dict(readable.values_list("status").annotate(n=Count("pk")).order_by())
    words = {"new": _("待受理"), "open": _("办理中"), "done": _("已结束"), "all": _("全部")}
    tab = request.GET.get("tab", "new" if counts.get(G.SUBMITTED) else "open")
    tab = tab if tab in _TABS else "all"
    query = request.GET.get("q", "").strip()
    rows = readable.filter(status__in=_TABS[tab])
    if query:
        rows = rows.filter(
            Q(number__icontains=query)
            | Q(enterprise__name__contains=query)
            | Q(enterprise__initials__startswith=query.lower())
        )
    page = Paginator(rows.order_by("-submitted_at", "-id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "tabs": [
            {
                "key": key,
                "label": words[key],
                "count": sum(counts.get(s, 0) for s in states),
                "on": key == tab,
            }
            for key, states in _TABS.items()
        ],
        "tab": tab,
        "query": query,
        "page": page,
        "lines": [_line(row) for row in page],
        "live_url": live.address("guidance"),
    }
    return render(request, "coordination/guidance/list.html", context)


@require_safe
@needs(Permission.READ_GUIDANCE)
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _detail(request, _or_404(request, public_id, Permission.READ_GUIDANCE))


@require_POST
@needs(Permission.HANDLE_GUIDANCE)
def step(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Take one step; `name` is a key of `_STEPS`."""
    take = _STEPS.get(name)
    if take is None:
        raise Http404
    asked = _or_404(request, public_id, Permission.HANDLE_GUIDANCE)
    return _taken(request, asked, lambda at: take(request, asked, actor_of(request), at))


@require_POST
@needs(Permission.HANDLE_GUIDANCE)
def answer(request: HttpRequest, public_id: UUID, invitation_id: UUID) -> HttpResponse:
    """Record what an expert said on the telephone."""
    asked = _or_404(request, public_id, Permission.HANDLE_GUIDANCE)
    invitation = get_object_or_404(
        Invitation.objects.select_related("expert", "team", "requirement"),
        public_id=invitation_id,
        callout__guidance_request=asked,
    )

    def record(at: datetime) -> str:
        reply = request.POST.get("reply")
        if reply not in (Reply.ACCEPT, Reply.DECLINE):
            raise WrongChoice("请选“代答接受”或“代答婉拒”。", "Choose accept or decline.")
        said = Answer(Reply(reply), AnswerSource.OFFICER, reason=request.POST.get("reason", "")[:200])
        result = answers.answer(invitation, said, by=actor_of(request), at=at)
        guidance.follow(asked, by=actor_of(request), at=at)
        return _("已代 %(name)s 记录：%(result)s。") % {
            "name": invitation.invitee.name,
            "result": result.word(language()),
        }

    return _taken(request, asked, record)


# --- the steps ------------------------------------------------------------------------------------


def _accept(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    guidance.accept(asked, by=by, at=at)
    return _("已受理，请选派专家。")


def _return(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    guidance.return_to_enterprise(asked, reason=request.POST.get("reason", "")[:200], by=by, at=at)
    return _("已退回企业补充。")


def _source(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    """Ask the ticked experts, in the order of the ranking, and keep what was proposed."""
    proposal = recommendations.propose(asked, [_spec(request, asked)], at=at)
    invitees = _chosen(request, proposal)
    _ask(asked, proposal, invitees, by, at)
    return ngettext(
        "已列入 %(n)d 位专家，按顺序邀请。", "已列入 %(n)d 位专家，按顺序邀请。", len(invitees)
    ) % {"n": len(invitees)}


def _draw(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    """Draw by lot among all who may go; nobody is asked yet."""
    known = request.POST.get("known", "")
    made = draws.draw(
        asked,
        seats=_seats(request),
        reason=request.POST.get("reason", "")[:200],
        known=int(known) if known.isdecimal() and len(known) < 4 else None,
        by=by,
        at=at,
    )
    return ngettext(
        "已从 %(n)d 位候选人中抽取，请看结果。", "已从 %(n)d 位候选人中抽取，请看结果。", len(made.candidates)
    ) % {"n": len(made.candidates)}


def _ask_drawn(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    """Ask those who were drawn last, in the order drawn, and then the reserves."""
    made = asked.draws.made().last()
    if made is None:
        raise WrongChoice("还没有抽取。请先随机抽取。", "Nobody has been drawn yet. Draw first.")
    ready = draws.ready(made, at=at)
    _ask(asked, ready.proposal, ready.invitees, by, at)
    said = ngettext(
        "已按抽取结果列入 %(n)d 位专家，按顺序邀请。",
        "已按抽取结果列入 %(n)d 位专家，按顺序邀请。",
        len(ready.invitees),
    ) % {"n": len(ready.invitees)}
    if ready.passed_over:
        said += _("现在不能派、已跳过：%(names)s。") % {"names": _("、").join(ready.passed_over)}
    return said


def _ask_panel(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    """Ask the panel that was shown, the leader first; of a running one those who are to join it."""
    rules = guidance_panels.rules_of(request.POST)
    shown_ = guidance_panels.ticked(request.POST)
    return guidance_panels.asked_words(review_panels.ask(asked, rules, shown=shown_, by=by, at=at))


def _ask(
    asked: GuidanceRequest, proposal: Proposal, invitees: Sequence[Invitee], by: Actor, at: datetime
) -> None:
    """Put them on the list of the running callout or start one."""
    running = asked.callouts.live().first()
    if running:
        guidance.ask_more(asked, running, proposal, invitees, by=by, at=at)
    else:
        guidance.source(asked, proposal, invitees, by=by, at=at)


def _stop(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    """End the running round without cancelling the request: other experts are then asked anew."""
    for callout in asked.callouts.live():
        reason = "重新选派"  # not translated: a line of the log
        callouts.stop(callout, reason=reason, release_accepted=True, by=by, at=at)
    guidance.follow(asked, by=by, at=at)
    return _("本轮邀请已结束，可以重新选派。")


def _schedule(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    form = DaysForm(request.POST)
    if not form.is_valid():
        raise WrongChoice(
            "请填写到访日期，例如 2026-12-01。", "Give the day of the visit, such as 2026-12-01."
        )
    guidance.schedule(asked, **form.cleaned_data, by=by, at=at)
    return _("已约定到访日期，并告知专家和企业。")


def _visited(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    guidance.visited(asked, by=by, at=at)
    return _("已登记到访。")


def _report(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    form = ReportForm(request.POST)
    if not form.is_valid():
        raise guidance.Incomplete(
            "报告是空的或太长。请写下到访所见、提出的意见和结论。",
            "The report is empty or too long. Write what was seen, what was advised and what it comes to.",
        )
    guidance.report(asked, form.cleaned_data["report"], findings=form.things(), by=by, at=at)
    return _("报告已录入，并告知企业。")


def _close(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    guidance.close(asked, by=by, at=at)
    return _("已办结。")


def _cancel(request: HttpRequest, asked: GuidanceRequest, by: Actor, at: datetime) -> str:
    guidance.cancel(asked, reason=request.POST.get("reason", "")[:200], by=by, at=at)
    return _("申请已取消。")


_STEPS: Final[Mapping[str, Callable[[HttpRequest, GuidanceRequest, Actor, datetime], str]]] = {
    "accept": _accept,
    "return": _return,
    "draw": _draw,
    "ask-drawn": _ask_drawn,
    "ask-panel": _ask_panel,
    "callout": _source,
    "stop": _stop,
    "schedule": _schedule,
    "visited": _visited,
    "report": _report,
    "close": _close,
    "cancel": _cancel,
}


def _taken(request: HttpRequest, asked: GuidanceRequest, take: Callable[[datetime], str]) -> HttpResponse:
    try:
        said = take(clock.now())
    except Mistake as mistake:
        asked = _or_404(request, asked.public_id, Permission.HANDLE_GUIDANCE)
        status = 409 if isinstance(mistake, Refused) else 422
        return _detail(request, asked, problem=sentence(mistake), status=status)
    tasks.nudge()
    messages.success(request, said)
    return redirect("guidance-request", asked.public_id)


def _spec(request: HttpRequest, asked: GuidanceRequest) -> RequirementSpec:
    spec = recommendations.proposed_requirements(asked)[0]
    seats = _seats(request)
    return replace(spec, seats=seats) if seats else spec


def _seats(request: HttpRequest) -> int | None:
    """Return how many experts are wanted; None if the form leaves that to the request."""
    seats = request.POST.get("seats", "")
    if not seats:
        return None
    if not seats.isdecimal() or len(seats) > 3 or not 1 <= int(seats) <= draws.MOST_SEATS:
        most = draws.MOST_SEATS
        raise WrongChoice(f"专家人数应为 1 到 {most}。", f"The number of experts is 1 to {most}.")
    return int(seats)


def _chosen(request: HttpRequest, proposal: Proposal) -> list[Invitee]:
    ticked = request.POST.getlist("expert")
    if not ticked or not all(one.isdecimal() and len(one) < 19 for one in ticked):
        raise WrongChoice(
            "还没有勾选专家。请至少勾选一位再发出邀请。", "No expert is ticked. Tick at least one, then ask."
        )
    ids = [int(one) for one in ticked]
    one = proposal.matching[KEY]
    on_offer = set(one.ids())
    if not set(ids) <= on_offer:
        raise WrongChoice(
            "勾选的专家里有人现在不能派（可能刚请假、已被邀请或应当回避）。请看下面的最新名单再选。",
            "Somebody ticked cannot be sent now (on leave, asked already, or recused). Choose from the list below.",
        )
    ranked = one.ids()
    return recommendations.invitees(proposal, {KEY: sorted(ids, key=ranked.index)})


# --- the page -------------------------------------------------------------------------------------


def _detail(
    request: HttpRequest, asked: GuidanceRequest, *, problem: str = "", status: int = 200
) -> HttpResponse:
    at = clock.now()
    state = G(asked.status)
    experts = shown.accepted_experts(asked)
    may_handle = _open_to(request, Permission.HANDLE_GUIDANCE).filter(pk=asked.pk).exists()
    moves = GUIDANCE_MOVES[state]
    running = asked.callouts.live().first()
    context: dict[str, Any] = {
        "asked": asked,
        "kind": GuidanceKind(asked.kind),
        "status": state,
        "stages": shown.stages(asked, has_expert=bool(experts)),
        "next": shown.next_for_centre(asked, has_expert=bool(experts)),
        "experts": experts,
        "invitations": shown.invitations_of(asked),
        "callout": running,
        "callout_status": CalloutStatus(running.status) if running else None,
        "findings": asked.findings.all(),
        "problem": problem,
        "may_handle": may_handle,
        "can": {move.value: may_handle and move in moves for move in GuidanceStatus},
        "can_schedule": may_handle and bool(experts) and state in (G.SOURCING, G.SCHEDULED),
        "days": DaysForm(
            initial={
                "visit_from": asked.visit_from or asked.wished_from,
                "visit_until": asked.visit_until or asked.wished_until,
            }
        ),
        "report_form": ReportForm(initial={"report": asked.report}),
        "live_url": live.address(f"guidance:{asked.public_id}"),
        "draws": guidance_draws.of_request(asked),
        "seal": guidance_draws.seal_of(asked),
        "can_draw": may_handle and draws.can_draw(asked),
        "wanted": asked.experts_wanted,
        "most_seats": draws.MOST_SEATS,
        "how": policy_words.whole(POLICIES["patient"], channels.reach()),
    }
    may_match = _open_to(request, Permission.MATCH).filter(pk=asked.pk).exists()
    rules = request.POST if request.method == "POST" else request.GET
    panel = guidance_panels.card(asked, rules, may_propose=may_handle and may_match, at=at)
    context["panel"] = panel
    if panel and panel.problem and not problem:
        status = 422
    if _wants_candidates(asked, running) and may_match:
        context |= _candidates(asked, at)
    return render(request, "coordination/guidance/detail.html", context, status=status)


def _wants_candidates(asked: GuidanceRequest, running: Any) -> bool:
    if asked.status == G.ACCEPTED:
        return True
    return asked.status == G.SOURCING and (running is None or running.status == CalloutStatus.EXHAUSTED)


def _candidates(asked: GuidanceRequest, at: datetime) -> dict[str, Any]:
    """Match for the request: who may go with the reasons, who must not with theirs and the article."""
    specs = recommendations.proposed_requirements(asked)
    proposal = recommendations.propose(asked, specs, at=at)
    one = proposal.matching[KEY]
    rows = one.rows(0, CANDIDATES_SHOWN)
    return {
        "match": one,
        "seats": specs[0].seats,
        "rows": [(row, proposal.invitee(row.kind, row.id)) for row in rows],
        "ticked": {*one.picks, *one.reserves},
        "excluded": one.excluded(min(EXCLUDED_SHOWN, one.excluded_count)),
    }


def _open_to(request: HttpRequest, permission: Permission) -> QuerySet[GuidanceRequest]:
    return GuidanceRequest.objects.open_to(user_of(request), permission).select_related(
        "enterprise", "site", "industry", "enterprise__region", "accepted_by"
    )


def _or_404(request: HttpRequest, public_id: UUID, permission: Permission) -> GuidanceRequest:
    return get_object_or_404(_open_to(request, permission), public_id=public_id)


def _line(row: GuidanceRequest) -> Line:
    return Line(
        row,
        GuidanceKind(row.kind),
        G(row.status),
        shown.next_for_centre(row, has_expert=shown.has_expert(row)),
    )
