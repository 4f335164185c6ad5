"""The printed call sheet: whom to ring, and on which number, in the hour when everything here is down.

By industry, then by name, teams after the experts. It holds full numbers, so it is made for a stated reason,
goes into the audit trail, and can be encrypted (AES-256) with a password for a stick or a telephone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pypdf import PdfReader, PdfWriter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

from contracts.models import RescueTeam, TeamState
from experts.models import Expert, PracticeRank
from ground import audit, clock, installation, phones
from ground.audit import Actor
from ground.dates import SHANGHAI
from ground.mistakes import Mistake
from ground.models import ContactKind, ContactPoint, Industry, User

# In every reader that knows Chinese; nothing has to be put into the file.
FONT: Final = "STSong-Light"
SHORTEST_PASSWORD: Final = 8
PHONES: Final = (ContactKind.MOBILE, ContactKind.PHONE)
_GREY: Final = colors.Color(0.6, 0.6, 0.6)

Cells = tuple[str, str, str, str]


class NoReason(Mistake):
    """Full numbers are handed out for a stated reason only."""


class WeakPassword(Mistake):
    """The password is shorter than what keeps anybody out."""


def printed(*, reason: str, password: str = "", by: User, at: datetime) -> bytes:
    """Return the sheet as a PDF, encrypted if there is a password: all experts in office, and all teams.

    A team that is out of service is among them, for its people may help all the same.

    :raises NoReason: :raises WeakPassword:
    """
    if not reason.strip():
        raise NoReason("请写明用途，会留在审计记录里。", "Say what it is for; it stays in the audit log.")
    if password and len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(
            f"口令至少 {SHORTEST_PASSWORD} 个字符；不需要加密时请留空。",
            f"A password has at least {SHORTEST_PASSWORD} characters; leave it empty for none.",
        )
    sections = [*_experts(at), ("救援队伍", _teams())]
    content = _pdf(sections, by=by.name or by.username, at=at)
    people = sum(len(lines) for _, lines in sections)
    audit.record(
        "call_sheet.print",
        by,
        by=Actor.of(by),
        at=at,
        reason=reason.strip(),
        lines=people,
        encrypted=bool(password),
    )
    return _encrypted(content, password) if password else content


def _experts(at: datetime) -> list[tuple[str, list[Cells]]]:
    """Return the experts in office under their main industry; those without one under a heading of their own."""
    rows = (
        Expert.objects.serving_on(clock.day_of(at))
        .select_related("region__parent")
        .prefetch_related("contacts", "practices")
        .order_by("pinyin", "pk")
    )
    under: dict[str, list[Cells]] = {}
    for expert in rows:
        industry = next(
            (one.industry_id for one in expert.practices.all() if one.rank == PracticeRank.PRIMARY), ""
        )
        place = str(expert.region) if expert.region else ""
        under.setdefault(industry, []).append(
            (expert.name, expert.employer, place, _numbers(expert.contacts.all()))
        )
    named = [(one.name, under[one.pk]) for one in Industry.objects.all() if one.pk in under]
    return named + ([("未登记行业", under[""])] if "" in under else [])


def _teams() -> list[Cells]:
    rows = (
        RescueTeam.objects.exclude(state=TeamState.DISBANDED)
        .select_related("region__parent")
        .prefetch_related("contacts", "capabilities")
        .order_by("pinyin", "pk")
    )
    return [
        (
            team.name,
            "、".join(one.name for one in team.capabilities.all()),
            str(team.region) if team.region else "",
            _numbers(team.contacts.all()),
        )
        for team in rows
    ]


def _numbers(contacts: Iterable[ContactPoint]) -> str:
    return "  ".join(phones.as_written(one.value) for one in contacts if one.kind in PHONES)


def _pdf(sections: Sequence[tuple[str, Sequence[Cells]]], *, by: str, at: datetime) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    sender = installation.sender()
    local = at.astimezone(SHANGHAI)
    head = ParagraphStyle("head", fontName=FONT, fontSize=15, leading=20)
    small = ParagraphStyle("small", fontName=FONT, fontSize=8, leading=11, textColor=_GREY)
    section = ParagraphStyle("section", fontName=FONT, fontSize=11, leading=18, spaceBefore=6)
    cell = ParagraphStyle("cell", fontName=FONT, fontSize=8.5, leading=11, wordWrap="CJK")
    story: list[Any] = [
        Paragraph(f"{sender.name} 应急联络表", head),
        Paragraph(
            f"{local:%Y年%m月%d日 %H:%M} 由 {_plain(by)} 打印。含完整号码，请妥善保管，更新后销毁旧表。"
            f"值班电话 {_plain(sender.duty_phone)}",
            small,
        ),
    ]
    for title, lines in sections:
        if not lines:
            continue
        story.append(Paragraph(f"{_plain(title)}（{len(lines)}）", section))
        table = Table(
            [[Paragraph(_plain(text), cell) for text in line] for line in lines],
            colWidths=[28 * mm, 62 * mm, 34 * mm, 58 * mm],
        )
        table.setStyle(
            TableStyle(
                [
                    ("GRID", (0, 0), (-1, -1), 0.4, _GREY),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("TOPPADDING", (0, 0), (-1, -1), 2),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ]
            )
        )
        story.append(table)

    def number(canvas: Any, document: Any) -> None:
        canvas.setFont(FONT, 8)
        canvas.drawRightString(A4[0] - 14 * mm, 9 * mm, f"{local:%Y-%m-%d %H:%M}  第 {document.page} 页")

    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=14 * mm,
        rightMargin=14 * mm,
        topMargin=13 * mm,
        bottomMargin=15 * mm,
        title=f"{sender.name} 应急联络表 {local:%Y-%m-%d}",
        author=sender.name,
    )
    document.build(story, onFirstPage=number, onLaterPages=number)
    return file.getvalue()


def _plain(text: str) -> str:
    """Return a text as a paragraph shows it; what looks like markup is no markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _encrypted(content: bytes, password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    writer.encrypt(password, algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
