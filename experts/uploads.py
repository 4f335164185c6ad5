"""Workbooks kept between the upload and the button that imports them.

Only the bytes are kept. What they would change is worked out again each time somebody looks, so a
preview never shows a roster of an hour ago.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import PurePosixPath, PureWindowsPath

from django.db import transaction

from experts import roster_sheet
from experts.models import ImportUpload
from experts.roster_sheet import Plan, Receipt
from ground import clock
from ground.access import Reach
from ground.audit import Actor
from ground.mistakes import Refused
from ground.models import User

KEPT_FOR = timedelta(hours=24)


class UploadExpired(Refused):
    """The file was kept for a day and is gone."""


def keep(content: bytes, *, name: str, owner: User, at: datetime) -> ImportUpload:
    """Keep a file for its owner for 24 hours; files that are past that are thrown away on the way."""
    ImportUpload.objects.filter(expires_at__lte=at).delete()
    # Browsers may send a whole path; only the last part is anybody's business.
    plain = PurePosixPath(PureWindowsPath(name).name).name[:200] or "roster.xlsx"
    return ImportUpload.objects.create(
        owner=owner,
        file_name=plain,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_at=at,
        expires_at=at + KEPT_FOR,
    )


def plan_of(upload: ImportUpload, *, reach: Reach, at: datetime) -> Plan:
    """Return what importing the file would do now, by somebody with the right to edit within `reach`.

    :raises UploadExpired: if it is no longer kept.
    """
    _refuse_expired(upload, at)
    return roster_sheet.parse(
        bytes(upload.content), today=clock.day_of(at), name=upload.file_name, reach=reach
    )


def import_upload(upload: ImportUpload, plan: Plan, *, by: Actor, at: datetime) -> Receipt:
    """Import `plan`, made from this upload, and keep the receipt in place of the file.

    Pressing the button twice gives the first receipt again.

    :raises UploadExpired: :raises PlanHasErrors: :raises PlanIsStale:
    """
    with transaction.atomic():
        locked = ImportUpload.objects.select_for_update().get(pk=upload.pk)
        if locked.applied_at is not None:
            return Receipt(**locked.receipt)
        _refuse_expired(locked, at)
        receipt = roster_sheet.apply(plan, by=by, at=at)
        locked.applied_at, locked.receipt, locked.content = at, asdict(receipt), b""
        locked.save(update_fields=["applied_at", "receipt", "content"])
    return receipt


def _refuse_expired(upload: ImportUpload, at: datetime) -> None:
    if upload.has_expired(at):
        raise UploadExpired(
            "上传的文件只保留 24 小时，已经删除。请重新上传。",
            "The uploaded file was kept for 24 hours and is gone. Upload it again.",
        )
