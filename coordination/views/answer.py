"""The page behind an answer link: one decision, no sign-in, on a phone that may run no script.

Looking never changes anything, whoever looks: people, link previews, scanners. Every change is a POST
that may be sent twice, and ends with a redirect back to the page, which shows what now is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import Any, Final

from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coordination import answers, callouts, deployments, guidance, links, tasks
from coordination.answers import Answer
from coordination.models import Deployment, Invitation
from coordination.paging import AnswerSource, DeploymentStatus, InvitationStatus, Reply
from coordination.views.answer_page import AnswerPage
from coordination.views.visitors import address_of
from ground import clock, installation
from ground.audit import Actor
from ground.languages import sentence
from ground.mistakes import Mistake, Refused

log = logging.getLogger(__name__)

# A forgotten time of arrival from a page that lay open is counted from the tap instead.
SHOWN_TIMES_HOLD: Final = timedelta(minutes=5)
LATEST_ARRIVAL: Final = timedelta(days=2)
# Addresses with unknown tokens that one visitor may try, and for how long they are counted.
TRIES: Final = 30
TRIES_WITHIN: Final = timedelta(minutes=10)

View = Callable[..., HttpResponse]


class SeeOther(HttpResponseRedirect):
    status_code = 303


class WrongField(Mistake):
    """A field of the form holds what nobody could mean."""


class TooLate(Refused):
    """The ten minutes in which an answer may be changed on the page are over."""


def behind_a_secret(find: Callable[..., Any]) -> Callable[[View], View]:
    """Keep the secret in the address to whom it was sent, and give the view what `find` says it stands for."""

    def for_one_pair_of_eyes(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, token: str) -> HttpResponse:
            at = clock.now()
            try:
                meant = find(token, at=at)
            except links.UnknownToken:
                response = _unknown(request, at)
            except links.ExpiredToken:
                response = _sign(request, at, "expired", status=410)
            else:
                response = view(request, token, meant, at)
            response["Referrer-Policy"] = "no-referrer"
            response["Cache-Control"] = "no-store"
            response["X-Robots-Tag"] = "noindex, nofollow"
            return response

        # No CSRF token: who holds the address may answer, and nobody else can name it, so a foreign page
        # cannot forge the request. A cookie would add nothing and cost answers, since the browsers
        # inside messengers often keep none.
        return csrf_exempt(guarded)

    return for_one_pair_of_eyes


_for_one_pair_of_eyes = behind_a_secret(links.invitation_of)


@require_http_methods(["GET", "HEAD", "POST"])
@_for_one_pair_of_eyes
def answer(request: HttpRequest, token: str, invitation: Invitation, at: datetime) -> HttpResponse:
    """Show the ask or what became of it; take an answer or a step."""
    if request.method != "POST":
        return _page(request, token, invitation, at)
    try:
        _act(invitation, request.POST, at)
    except Mistake as mistake:
        invitation = links.invitation_of(token, at=at)
        return _page(request, token, invitation, at, problem=mistake)
    _bring_along(invitation, at)
    tasks.nudge()
    return SeeOther(reverse("answer", args=[token]))


@require_POST
@_for_one_pair_of_eyes
def seen(request: HttpRequest, token: str, invitation: Invitation, at: datetime) -> HttpResponse:
    """Remember that the page was in front of somebody; sent by the page itself, never by a preview."""
    callouts.see(invitation, at=at)
    return HttpResponse(status=204)


@require_safe
@_for_one_pair_of_eyes
def calendar(request: HttpRequest, token: str, invitation: Invitation, at: datetime) -> HttpResponse:
    """Return the visit, or the arrival, as a calendar entry that marks nobody busy."""
    page = AnswerPage(invitation, at)
    if page.visit_from:
        last = page.visit_until or page.visit_from
        when = [
            f"DTSTART;VALUE=DATE:{page.visit_from:%Y%m%d}",
            f"DTEND;VALUE=DATE:{last + timedelta(days=1):%Y%m%d}",
        ]
    elif page.eta_at:
        when = [f"DTSTART:{page.eta_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"]
    else:
        return _page(request, token, invitation, at)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Muster//ZH",
        "BEGIN:VEVENT",
        f"UID:{invitation.public_id}",
        f"DTSTAMP:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        *when,
        f"SUMMARY:{_ics(page.subject)} {_ics(page.place_line)}",
        f"LOCATION:{_ics(page.address)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    response = HttpResponse("\r\n".join(lines), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="muster.ics"'
    return response


def _page(
    request: HttpRequest,
    token: str,
    invitation: Invitation,
    at: datetime,
    *,
    problem: Mistake | None = None,
) -> HttpResponse:
    page = AnswerPage(invitation, at)
    context: dict[str, Any] = {
        "page": page,
        "invitation": invitation,
        "problem": sentence(problem) if problem else "",
        "seen_url": reverse("answer-seen", args=[token]) if page.state == "asked" else "",
        "ask_ics": reverse("answer-calendar", args=[token]) if page.eta_at or page.visit_from else "",
    }
    template = "coordination/answer.html" if page.state == "asked" else "coordination/answer_done.html"
    status = 200 if problem is None else 409 if isinstance(problem, Refused) else 422
    return render(request, template, context, status=status)


def _act(invitation: Invitation, form: QueryDict, at: datetime) -> None:
    """Do the one thing that the form says.

    :raises Mistake: with the sentence to show.
    """
    by = Actor(None, invitation.invitee.name)
    if step := form.get("step"):
        _STEPS.get(step, _no_such_step)(invitation, form, by, at)
        return
    reply = form.get("reply", "")
    if reply not in {one.value for one in Reply}:
        raise WrongField(
            "没有看懂您的答复。请点“接受”“只能远程”或“不能参加”。",
            "The answer was not understood. Tap accept, remote only or decline.",
        )
    said = _said(Reply(reply), form, at)
    _refuse_late_change(invitation, said, at)
    answers.answer(invitation, said, by=by, at=at)


def _said(reply: Reply, form: QueryDict, at: datetime) -> Answer:
    return Answer(
        reply,
        AnswerSource.LINK,
        eta_at=_eta(form, at) if reply is Reply.ACCEPT else None,
        crew=_number(form, "crew", 1, 999, "出动人数", "the number of people"),
        vehicles=_number(form, "vehicles", 0, 99, "车辆数", "the number of vehicles"),
        reason=form.get("reason", "").strip()[:200],
        back_on=_day(form, "back_on"),
    )


def _eta(form: QueryDict, at: datetime) -> datetime | None:
    """Return the time that stood on the button, even if the tap came a little later, or was sent twice."""
    name = "eta_other" if form.get("eta_minutes") == "other" else "eta_minutes"
    minutes = _number(
        form,
        name,
        1,
        int(LATEST_ARRIVAL.total_seconds() // 60),
        "多少分钟后到",
        "in how many minutes you will arrive",
    )
    if minutes is None:
        if name == "eta_other":
            raise WrongField(
                "请填写多少分钟后能到，例如 80。", "Say in how many minutes you will arrive, for example 80."
            )
        return None
    shown_at = _moment(form, "shown_at")
    if shown_at is None or not timedelta(0) <= at - shown_at <= SHOWN_TIMES_HOLD:
        shown_at = at.replace(second=0, microsecond=0)
    return shown_at + timedelta(minutes=minutes)


def _refuse_late_change(invitation: Invitation, said: Answer, at: datetime) -> None:
    status = InvitationStatus(invitation.status)
    if status not in (InvitationStatus.ACCEPTED, InvitationStatus.DECLINED, InvitationStatus.WITHDRAWN):
        return
    before = Reply.DECLINE if status is not InvitationStatus.ACCEPTED else invitation.reply
    if said.reply == before or AnswerPage(invitation, at).can_change:
        return
    number = installation.sender().duty_phone
    phone = f" {number}" if number else ""
    raise TooLate(
        f"答复已超过 10 分钟，或已经到场，不能在这里更改。请拨打值班电话{phone}。",
        f"Your answer is more than 10 minutes old, or you have arrived. Ring the duty phone{phone} to change it.",
    )


# --- steps after an acceptance ------------------------------------------------------------------


def _depart(invitation: Invitation, form: QueryDict, by: Actor, at: datetime) -> None:
    deployments.depart(_deployment(invitation), by=by, source=AnswerSource.LINK, at=at)


def _arrive(invitation: Invitation, form: QueryDict, by: Actor, at: datetime) -> None:
    deployments.arrive(_deployment(invitation), by=by, source=AnswerSource.LINK, at=at)


def _release(invitation: Invitation, form: QueryDict, by: Actor, at: datetime) -> None:
    deployment = _deployment(invitation)
    if deployment.status != DeploymentStatus.REPORTED:
        deployments.release(deployment, by=by, source=AnswerSource.LINK, at=at)


def _delay(invitation: Invitation, form: QueryDict, by: Actor, at: datetime) -> None:
    """Arrive a quarter of an hour later than the page said; the same tap twice is the same delay."""
    _deployment(invitation)
    was = _moment(form, "eta_was") or invitation.eta_at or at.replace(second=0, microsecond=0)
    later = was + timedelta(minutes=15)
    if later > at + LATEST_ARRIVAL:
        raise WrongField(
            "预计到达时间太晚了。请拨打值班电话说明情况。", "That arrival is too late; ring the duty phone."
        )
    said = Answer(Reply(invitation.reply), AnswerSource.LINK, eta_at=later)
    answers.answer(invitation, said, by=by, at=at)


def _withdraw(invitation: Invitation, form: QueryDict, by: Actor, at: datetime) -> None:
    if invitation.status == InvitationStatus.WITHDRAWN:
        return
    reason = form.get("reason", "").strip()[:200]
    try:
        answers.withdraw(invitation, reason=reason, source=AnswerSource.LINK, by=by, at=at)
    except answers.CannotAnswer:
        invitation.refresh_from_db()
        if invitation.status != InvitationStatus.WITHDRAWN:  # the other of two taps was quicker
            raise


def _report(invitation: Invitation, form: QueryDict, by: Actor, at: datetime) -> None:
    deployment = _deployment(invitation)
    text = form.get("report", "")
    if deployment.status == DeploymentStatus.REPORTED and deployment.report == text.strip():
        return
    with transaction.atomic():
        if AnswerPage(invitation, at).can_report and deployment.status != DeploymentStatus.RELEASED:
            deployments.release(deployment, by=by, source=AnswerSource.LINK, at=at)
        deployments.report(deployment, text, by=by, source=AnswerSource.LINK, at=at)


def _no_such_step(invitation: Invitation, form: QueryDict, by: Actor, at: datetime) -> None:
    raise WrongField(
        "没有这个操作。请刷新页面再试。", "There is no such step. Reload the page and try again."
    )


_STEPS: Final = {
    "depart": _depart,
    "arrived": _arrive,
    "released": _release,
    "delay15": _delay,
    "withdraw": _withdraw,
    "report": _report,
}


def _deployment(invitation: Invitation) -> Deployment:
    deployment = Deployment.objects.filter(invitation=invitation).first()
    if deployment is None or invitation.status != InvitationStatus.ACCEPTED:
        raise answers.CannotAnswer(
            "您现在没有接受的任务，不能登记这一步。请先接受，或拨打值班电话。",
            "You have not accepted, so this step cannot be recorded. Accept first, or ring the duty phone.",
        )
    return deployment


def _bring_along(invitation: Invitation, at: datetime) -> None:
    if request := invitation.callout.guidance_request:
        guidance.follow(request, by=Actor(None, invitation.invitee.name), at=at)


# --- links that lead nowhere ----------------------------------------------------------------------


def _unknown(request: HttpRequest, at: datetime) -> HttpResponse:
    """Answer an unknown token: the same whatever it looks like, and briefly to who keeps trying."""
    if _tries(request) > TRIES:
        return _sign(request, at, "too_many", status=429)
    return _sign(request, at, "unknown", status=404)


def _tries(request: HttpRequest) -> int:
    """Count this miss of this visitor. A valid link is never refused: many share one address."""
    key = f"answer-miss:{address_of(request)}"
    try:
        cache.add(key, 0, int(TRIES_WITHIN.total_seconds()))
        return cache.incr(key)
    except Exception as error:  # the cache being away must not take the page with it
        log.warning("misses are not counted: %s", error)
        return 0


def _sign(request: HttpRequest, at: datetime, why: str, *, status: int) -> HttpResponse:
    sender = installation.sender()
    page = {
        "title": _("本次通知已结束") if why == "expired" else _("找不到这个通知"),
        "sender_name": sender.name,
        "duty_phone": sender.duty_phone,
        "server_now": at,
    }
    return render(request, "coordination/answer_gone.html", {"page": page, "why": why}, status=status)


# --- reading the form -----------------------------------------------------------------------------


def _number(form: QueryDict, name: str, least: int, most: int, zh: str, en: str) -> int | None:
    typed = form.get(name, "").strip()
    if not typed:
        return None
    # int() itself refuses some thousands of digits, and not with a sentence.
    if typed.isdecimal() and len(typed) <= 9 and least <= int(typed) <= most:
        return int(typed)
    raise WrongField(
        f"“{zh}”应为 {least} 到 {most} 的整数，您填的是“{typed[:20]}”。",
        f"“{typed[:20]}” will not do for {en}: give a whole number from {least} to {most}.",
    )


def _day(form: QueryDict, name: str) -> date | None:
    typed = form.get(name, "").strip()
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise WrongField(
            f"“{typed[:20]}”不是日期。请这样填写：2026-12-01。",
            f"“{typed[:20]}” is not a date. Write it like this: 2026-12-01.",
        ) from None


def _moment(form: QueryDict, name: str) -> datetime | None:
    """Return a moment that our own page wrote into a hidden field; None if it is none."""
    typed = form.get(name, "")
    if not typed.isdecimal() or len(typed) > 10:
        return None
    return datetime.fromtimestamp(int(typed), tz=UTC)


def _ics(text: str) -> str:
    for character in "\\,;":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ").replace("\r", " ")
