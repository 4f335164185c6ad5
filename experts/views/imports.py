"""A 花名册 through the browser: upload, look at what it would change, import, receipt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from experts import uploads
from experts.forms import UploadForm
from experts.models import ImportUpload
from experts.roster_columns import field_word
from experts.roster_sheet import Plan
from experts.views.person import posted, read_or_write, said_to
from experts.views.roster import workbook
from ground import clock
from ground.access import Permission, Reach
from ground.guards import actor_of, needs, user_of
from ground.languages import is_english, language, sentence
from ground.mistakes import Mistake
from ground.new_workbooks import NewColumn, NewSheet, write_workbook

# Of those without error the preview shows so many; their number is always told in full.
SHOWN = 200


@read_or_write
@needs(Permission.EDIT_ROSTER)
def upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(posted(request), request.FILES if request.method == "POST" else None)
    if form.is_valid():
        file = form.cleaned_data["file"]
        kept = uploads.keep(file.read(), name=file.name, owner=user_of(request), at=clock.now())
        return redirect("roster-import-preview", kept.public_id)
    return render(request, "experts/import_upload.html", {"form": form, "steps": _steps(0)})


@read_or_write
@needs(Permission.EDIT_ROSTER)
def preview(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show what the file would change, or, once it has been imported, what it did."""
    kept = get_object_or_404(ImportUpload, public_id=public_id, owner=user_of(request))
    at = clock.now()
    if kept.applied_at is not None:
        context = {"upload": kept, "receipt": kept.receipt, "steps": _steps(3)}
        return render(request, "experts/import_done.html", context)
    try:
        plan = uploads.plan_of(kept, reach=_reach(request), at=at)
        if request.method == "POST":
            uploads.import_upload(kept, plan, by=actor_of(request), at=at)
            messages.success(request, _("导入完成。"))
            return redirect("roster-import-preview", public_id)
    except uploads.UploadExpired as expired:
        messages.error(request, sentence(expired))
        return redirect("roster-import")
    except Mistake as mistake:
        # Read again, the file shows the cell at which it now goes wrong.
        messages.error(request, said_to(user_of(request), mistake))
        return redirect("roster-import-preview", public_id)
    return render(request, "experts/import_preview.html", _previewed(kept, plan))


@read_or_write
@needs(Permission.EDIT_ROSTER)
def errors(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Hand out the list of errors as a workbook, to be sent back to whoever filled in the sheet."""
    kept = get_object_or_404(ImportUpload, public_id=public_id, owner=user_of(request), applied_at=None)
    try:
        plan = uploads.plan_of(kept, reach=_reach(request), at=clock.now())
    except uploads.UploadExpired as expired:
        messages.error(request, sentence(expired))
        return redirect("roster-import")
    columns = [
        NewColumn(_("工作表"), 12),
        NewColumn(_("单元格"), 8),
        NewColumn(_("列"), 12),
        NewColumn(_("原值"), 24, is_text=True),
        NewColumn(_("问题"), 48),
        NewColumn(_("建议"), 48),
    ]
    rows = [
        [one["sheet"], one["cell"], one["column"], one["value"], one["problem"], one["suggestion"]]
        for one in _in_language(plan)
    ]
    sheet = NewSheet(_("错误清单"), columns, rows, title=_("错误清单"), note=kept.file_name)
    return workbook(write_workbook([sheet]), f"{_('错误清单')} {kept.file_name}")


def _reach(request: HttpRequest) -> Reach:
    return user_of(request).reach(Permission.EDIT_ROSTER)


def _previewed(kept: ImportUpload, plan: Plan) -> dict[str, Any]:
    return {
        "upload": kept,
        "plan": plan,
        "errors": _in_language(plan),
        "notices": [notice.word(language()) for notice in plan.notices],
        "creates": [create.row for create in plan.creates[:SHOWN]],
        "updates": [
            (
                update.row,
                [(field_word(one.field, language()), one.before, one.after) for one in update.changes],
            )
            for update in plan.updates[:SHOWN]
        ],
        "writes": len(plan.creates) + len(plan.updates),
        "shown": SHOWN,
        "steps": _steps(2),
    }


def _in_language(plan: Plan) -> list[dict[str, str]]:
    english = is_english()
    return [
        {
            "sheet": error.sheet,
            "cell": error.cell,
            "column": error.column_en if english else error.column,
            "value": error.value,
            "problem": error.problem_en if english else error.problem_zh,
            "suggestion": error.suggestion_en if english else error.suggestion_zh,
        }
        for error in plan.errors
    ]


def _steps(now: int) -> list[dict[str, str]]:
    labels = (_("上传"), _("对应列"), _("核对"), _("完成"))
    states = {True: "done", False: "todo"}
    return [
        {"label": label, "state": "now" if number == now else states[number < now], "url": ""}
        for number, label in enumerate(labels)
    ]
