"""One expert: what the page shows, and each thing that a roster admin does on a small page of its own.

The page itself, with what the expert was called out for, belongs to the layer that knows of callouts; it
takes its context from `person`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from experts import roster
from experts.forms import (
    AbsenceForm,
    AppointForm,
    ContactsForm,
    DismissForm,
    ExpertForm,
    NewExpertForm,
    RenewForm,
    SuspendForm,
    written_way,
)
from experts.models import Absence, Expert, PracticeRank, TaskCategory
from experts.profile import Standing, TermOfOffice
from experts.roster import NumberTaken
from experts.roster_columns import field_word
from experts.standing import absence_on, latest_appointment, standing_on
from experts.tables import STANDING_TAGS
from ground import clock
from ground.access import Permission
from ground.audit import Actor
from ground.guards import actor_of, needs, user_of
from ground.languages import language, sentence
from ground.mistakes import Mistake
from ground.models import AuditEntry, User

read_or_write = require_http_methods(["GET", "HEAD", "POST"])
HISTORY = 20


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what was filled in; None while the form is only shown. An empty answer is an answer."""
    return request.POST if request.method == "POST" else None


def expert_or_404(
    request: HttpRequest, public_id: UUID, permission: Permission = Permission.EDIT_ROSTER
) -> Expert:
    """Return the expert, with everything known, if this user may do this to them."""
    theirs = Expert.objects.open_to(user_of(request), permission)
    return get_object_or_404(theirs.whole(), public_id=public_id)


def person(expert: Expert, user: User) -> dict[str, Any]:
    """Return what the page of an expert shows to `user`; everything is fetched."""
    today = clock.day_of(clock.now())
    standing = standing_on(expert, today)
    may_edit = user.reach(Permission.EDIT_ROSTER).covers(expert.region_id)
    return {
        "expert": expert,
        "today": today,
        "standing": standing,
        "standing_tag": STANDING_TAGS[standing],
        "is_suspended": standing is Standing.SUSPENDED,
        "absence": absence_on(expert, today),
        "latest": latest_appointment(expert),
        "practices": sorted(expert.practices.all(), key=lambda one: one.rank != PracticeRank.PRIMARY),
        "contacts": [(one, one.masked) for one in expert.contacts.all()],
        "certificates": [
            (one, one.expires_on is not None and one.expires_on < today) for one in expert.certificates.all()
        ],
        "offers": [
            one for one in TaskCategory if one in {offer.category for offer in expert.task_offers.all()}
        ],
        "absences": [one for one in expert.absences.all() if one.ends_on >= today],
        "may_edit": may_edit,
        "may_reveal": user.reach(Permission.REVEAL_CONTACTS).covers(expert.region_id),
        "history": _history(expert)
        if may_edit or user.reach(Permission.READ_AUDIT).covers(expert.region_id)
        else None,
    }


def said_to(user: User, mistake: Mistake) -> str:
    """Return the sentence of a mistake, without the name of somebody whom `user` may not read about."""
    holder = mistake.holder if isinstance(mistake, NumberTaken) else None
    if holder is None or user.reach(Permission.READ_ROSTER).covers(holder.region_id):
        return sentence(mistake)
    return _("这个聘书编号已登记在其他地区。请核对编号，或请省级管理员办理。")


def _history(expert: Expert) -> list[tuple[AuditEntry, str, list[tuple[str, str, str]]]]:
    entries = AuditEntry.objects.filter(
        object_type=expert._meta.label_lower, object_id=str(expert.public_id)
    ).order_by("-id")[:HISTORY]
    return [
        (
            entry,
            _deed(entry.action),
            [
                (field_word(field, language()), before, after)
                for field, before, after in entry.details.get("changes", ())
            ],
        )
        for entry in entries
    ]


def _deed(action: str) -> str:
    deeds = {
        "expert.enrol": _("入库"),
        "expert.revise": _("修改资料"),
        "expert.appoint": _("聘任"),
        "expert.dismiss": _("解聘"),
        "expert.suspend": _("停聘"),
        "expert.resume": _("恢复聘任"),
        "expert.absence.add": _("登记请假"),
        "expert.absence.remove": _("撤销请假"),
        "expert.contacts": _("修改联系方式"),
        "expert.contacts.reveal": _("查看完整号码"),
    }
    return deeds.get(action, action)


@read_or_write
@needs(Permission.EDIT_ROSTER)
def new(request: HttpRequest) -> HttpResponse:
    form = NewExpertForm(posted(request), reach=user_of(request).reach(Permission.EDIT_ROSTER))
    if form.is_valid():
        try:
            (expert,) = roster.enrol([form.profile()], by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error(None, said_to(user_of(request), mistake))
        else:
            messages.success(request, _("已新增专家%(name)s。") % {"name": expert.name})
            return redirect("expert", expert.public_id)
    return render(request, "experts/edit.html", {"form": form, "title": _("新增专家")})


@read_or_write
@needs(Permission.EDIT_ROSTER)
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    expert = expert_or_404(request, public_id)
    form = ExpertForm(
        posted(request),
        initial=ExpertForm.facts_of(expert),
        reach=user_of(request).reach(Permission.EDIT_ROSTER),
    )
    if form.is_valid():
        try:
            changes = roster.revise(expert, form.profile(), by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error(None, said_to(user_of(request), mistake))
        else:
            messages.success(request, _("已保存。") if changes else _("没有改动。"))
            return redirect("expert", public_id)
    return render(request, "experts/edit.html", {"form": form, "expert": expert, "title": _("修改资料")})


Deed = Callable[[Expert, dict[str, Any], Actor], object]


def _small_form(
    request: HttpRequest,
    public_id: UUID,
    form_class: type[forms.Form],
    deed: Deed,
    *,
    title: str,
    done: str,
    explanation: str = "",
    initial: dict[str, Any] | None = None,
) -> HttpResponse:
    """Show a form of a few fields; when it is filled in, do the deed and go back to the expert."""
    expert = expert_or_404(request, public_id)
    form = form_class(posted(request), initial=initial)
    if form.is_valid():
        try:
            deed(expert, form.cleaned_data, actor_of(request))
        except Mistake as mistake:
            form.add_error(None, said_to(user_of(request), mistake))
        else:
            messages.success(request, done)
            return redirect("expert", public_id)
    context = {"form": form, "expert": expert, "title": title, "explanation": explanation}
    return render(request, "experts/small_form.html", context)


@read_or_write
@needs(Permission.EDIT_ROSTER)
def add_absence(request: HttpRequest, public_id: UUID) -> HttpResponse:
    def deed(expert: Expert, said: dict[str, Any], by: Actor) -> None:
        roster.add_absence(expert, **said, by=by, at=clock.now())

    return _small_form(
        request,
        public_id,
        AbsenceForm,
        deed,
        title=_("登记请假"),
        done=_("已登记请假。"),
        explanation=_("请假期间不会被推荐和通知。"),
        initial={"starts_on": clock.day_of(clock.now())},
    )


@require_POST
@needs(Permission.EDIT_ROSTER)
def remove_absence(request: HttpRequest, public_id: UUID, pk: int) -> HttpResponse:
    absence = get_object_or_404(Absence, pk=pk, expert=expert_or_404(request, public_id))
    roster.remove_absence(absence, by=actor_of(request), at=clock.now())
    messages.success(request, _("已撤销请假。"))
    return redirect("expert", public_id)


@read_or_write
@needs(Permission.EDIT_ROSTER)
def suspend(request: HttpRequest, public_id: UUID) -> HttpResponse:
    def deed(expert: Expert, said: dict[str, Any], by: Actor) -> None:
        at = clock.now()
        roster.suspend(expert, on=clock.day_of(at), reason=said["reason"], by=by, at=at)

    return _small_form(
        request,
        public_id,
        SuspendForm,
        deed,
        title=_("停聘"),
        done=_("已停聘。"),
        explanation=_("从今天起不再推荐和通知，聘期照常计算，可随时恢复。"),
    )


@require_POST
@needs(Permission.EDIT_ROSTER)
def resume(request: HttpRequest, public_id: UUID) -> HttpResponse:
    try:
        roster.resume(expert_or_404(request, public_id), by=actor_of(request), at=clock.now())
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
    else:
        messages.success(request, _("已恢复聘任。"))
    return redirect("expert", public_id)


@read_or_write
@needs(Permission.EDIT_ROSTER)
def renew(request: HttpRequest, public_id: UUID) -> HttpResponse:
    def deed(expert: Expert, said: dict[str, Any], by: Actor) -> None:
        roster.renew(expert, **said, by=by, at=clock.now())

    return _small_form(request, public_id, RenewForm, deed, title=_("续聘"), done=_("已续聘。"))


@read_or_write
@needs(Permission.EDIT_ROSTER)
def appoint(request: HttpRequest, public_id: UUID) -> HttpResponse:
    def deed(expert: Expert, said: dict[str, Any], by: Actor) -> None:
        roster.appoint(expert, TermOfOffice(**said), by=by, at=clock.now())

    return _small_form(request, public_id, AppointForm, deed, title=_("聘任"), done=_("已聘任。"))


@read_or_write
@needs(Permission.EDIT_ROSTER)
def dismiss(request: HttpRequest, public_id: UUID) -> HttpResponse:
    def deed(expert: Expert, said: dict[str, Any], by: Actor) -> None:
        roster.dismiss(expert, **said, by=by, at=clock.now())

    return _small_form(
        request,
        public_id,
        DismissForm,
        deed,
        title=_("解聘"),
        done=_("已解聘。"),
        explanation=_("聘期到解聘日前一天为止。再次聘任要填写新的聘期。"),
        initial={"on": clock.day_of(clock.now())},
    )


@never_cache
@require_POST
@needs(Permission.REVEAL_CONTACTS)
def reveal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the contacts in full, once, for a reason that is written down; the address never leads here again."""
    expert = expert_or_404(request, public_id, Permission.REVEAL_CONTACTS)
    user = user_of(request)
    try:
        contacts = roster.reveal_contacts(
            expert, reason=request.POST.get("reason", ""), by=actor_of(request), at=clock.now()
        )
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
        return redirect("expert", public_id)
    lines = [written_way(one.kind, one.value) for one in contacts]
    context = {
        "expert": expert,
        "contacts": list(zip(contacts, lines, strict=True)),
        "form": ContactsForm(initial={"contacts": "\n".join(lines)})
        if user.reach(Permission.EDIT_ROSTER).covers(expert.region_id)
        else None,
    }
    return render(request, "experts/contacts.html", context)


@never_cache
@require_POST
@needs(Permission.EDIT_ROSTER)
def contacts(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Keep the contacts as they were written down, in that order."""
    expert = expert_or_404(request, public_id)
    form = ContactsForm(request.POST)
    if form.is_valid():
        try:
            roster.set_contacts(expert, form.cleaned_data["contacts"], by=actor_of(request), at=clock.now())
        except Mistake as mistake:
            form.add_error("contacts", sentence(mistake))
        else:
            messages.success(request, _("已保存联系方式。"))
            return redirect("expert", public_id)
    return render(request, "experts/contacts.html", {"expert": expert, "contacts": None, "form": form})
