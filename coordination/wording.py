"""What is written to experts, teams and duty officers: short enough for a phone, complete enough to act on.

Chinese, as the people who are called out read it. How to answer (digits where a channel hears them, the
link) follows the text of an ask when it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from coordination import reply_texts
from coordination.models import Callout, ContactDrill, GuidanceRequest, Invitation
from coordination.paging import InvitationStatus, InviteeKind, Medium, Mode, Reply
from coordination.visits import GuidanceKind
from ground import installation
from ground.dates import SHANGHAI
from incidents.models import Incident


def moment(at: datetime) -> str:
    """Return a moment as people here write it: 11月18日14:20."""
    local = at.astimezone(SHANGHAI)
    return f"{local.month}月{local.day}日{local:%H:%M}"


def span(first: date, last: date | None = None) -> str:
    """Return a day, or the days from one to another: 11月20日, 11月20日至11月21日."""
    said = f"{first.month}月{first.day}日"
    return said if last in (None, first) else f"{said}至{last.month}月{last.day}日"


def drill_mark(callout: Callout) -> str:
    return "【演练】" if callout.incident and callout.incident.is_drill else ""


def ask_subject(invitation: Invitation) -> str:
    callout = invitation.callout
    asked = _asked(invitation)
    return f"{drill_mark(callout)}【{installation.sender().name}】{asked}：{subject_title(callout)}"


def ask_fields(invitation: Invitation) -> dict[str, str]:
    """Return what the ask says in named parts, for providers that send nothing but approved templates."""
    fields = _fields(invitation) | {
        "asked": _asked(invitation),
        "answer_by": moment(invitation.answer_by) if invitation.answer_by else "",
        "digits": _digits(invitation),
    }
    if invitation.travel_minutes is not None and invitation.requirement.mode == Mode.ONSITE:
        fields["distance_km"] = f"{invitation.distance_km:.0f}"
        fields["travel_minutes"] = f"{invitation.travel_minutes:.0f}"
    return fields


def ask_text(invitation: Invitation) -> str:
    """Return the ask: who, what, where, how far, until when to answer and whom to ring."""
    callout = invitation.callout
    until = moment(invitation.answer_by) if invitation.answer_by else ""
    parts = [f"{invitation.invitee.name}：", situation(callout)]
    if invitation.travel_minutes is not None and invitation.requirement.mode == Mode.ONSITE:
        parts.append(f"距您约{invitation.distance_km:.0f}公里、{invitation.travel_minutes:.0f}分钟。")
    parts.append(f"请在{until}前答复。")
    if phone := installation.sender().duty_phone:
        parts.append(f"值班电话{phone}。")
    return drill_mark(callout) + "".join(parts)


def how_to_answer(invitation: Invitation, medium: Medium, *, takes_replies: bool) -> str:
    """Return the end of an ask: the digits where they would be heard, only those that the seat allows, and the link."""
    if not takes_replies:
        return "请点链接答复："
    digits = _digits(invitation)
    return f"请按键：{digits}。" if medium is Medium.VOICE else f"回复{digits}，或点链接答复："


def taken_subject(invitation: Invitation) -> str:
    return f"{drill_mark(invitation.callout)}【{installation.sender().name}】答复已登记：{subject_title(invitation.callout)}"


def taken_text(invitation: Invitation) -> str:
    """Return what somebody is told whose reply was taken: as what, and what follows for them."""
    status = InvitationStatus(invitation.status)
    if status is InvitationStatus.ACCEPTED:
        said = "已登记您远程支援" if invitation.is_remote else "已登记您接受"
        then = "如有变化请点链接更改：" if invitation.is_remote else "出发、到场请点链接登记："
    elif status is InvitationStatus.RESERVE:
        said = "已登记您只能远程" if invitation.reply == Reply.REMOTE else "席位已满"
        then = "列为候补，暂不必行动，需要时再通知您。更改请点链接："
    else:
        said = "已登记您退出" if status is InvitationStatus.WITHDRAWN else "已登记您不能参加"
        then = "感谢答复。如有变化请点链接更改："
    mark = drill_mark(invitation.callout)
    return f"{mark}收到：{said}（{subject_title(invitation.callout)}）。{then}"


def refused_text(invitation: Invitation, why: str) -> str:
    """Return what somebody is told whose reply could not be taken; whom to ring is the only way on."""
    number = installation.sender().duty_phone
    phone = f"请拨打值班电话{number}。" if number else ""
    mark = drill_mark(invitation.callout)
    return f"{mark}未能登记您的答复（{subject_title(invitation.callout)}）：{why}{phone}"


def which_subject() -> str:
    return f"【{installation.sender().name}】请补充编号"


def which_text(reply: Reply, invitations: Sequence[Invitation]) -> str:
    """Return the question to somebody who has answered with a digit while several asks are open."""
    digit = reply_texts.digit_of(reply)
    ways = "；".join(
        f"{invitation.invitee.name}（{drill_mark(invitation.callout)}{subject_title(invitation.callout)}）"
        f"请回复“{digit} {reply_texts.code_of(invitation.public_id)}”"
        for invitation in invitations
    )
    return f"您有{len(invitations)}个通知待答，“{digit}”尚未登记。{ways}。"


def stand_down_subject(invitation: Invitation) -> str:
    return f"{drill_mark(invitation.callout)}【{installation.sender().name}】无需前往：{subject_title(invitation.callout)}"


def stand_down_text(invitation: Invitation, why: str) -> str:
    number = installation.sender().duty_phone
    phone = f"如有疑问请拨{number}。" if number else ""
    return f"{drill_mark(invitation.callout)}{invitation.invitee.name}：{why}，您不必前往，感谢支持。{phone}"


def stand_down_fields(invitation: Invitation, why: str) -> dict[str, str]:
    return _fields(invitation) | {"why": why}


def correction_subject(callout: Callout) -> str:
    return f"{drill_mark(callout)}【{installation.sender().name}】情况更正：{subject_title(callout)}"


def correction_text(invitation: Invitation, what: str) -> str:
    return f"{drill_mark(invitation.callout)}{invitation.invitee.name}：{what}。最新情况：{situation(invitation.callout)}"


def correction_fields(invitation: Invitation, what: str) -> dict[str, str]:
    return _fields(invitation) | {"why": what}


def subject_title(callout: Callout) -> str:
    if callout.incident:
        return callout.incident.title
    request: GuidanceRequest = callout.guidance_request  # type: ignore[assignment]  # a constraint: one of the two
    return f"{request.enterprise.name}{GuidanceKind(request.kind).zh}"


def situation(callout: Callout) -> str:
    """Return in one or two sentences what happened where, or what is asked for where and when."""
    if callout.incident:
        return _incident_situation(callout.incident)
    request: GuidanceRequest = callout.guidance_request  # type: ignore[assignment]  # a constraint: one of the two
    days = ""
    if request.visit_from:
        days = f"，时间{span(request.visit_from, request.visit_until)}"
    elif request.wished_from:
        days = f"，企业希望{span(request.wished_from)}起"
    where = place(callout) or "地址见链接"
    return f"{request.enterprise.name}申请{GuidanceKind(request.kind).zh}（{where}）{days}。"


def place(callout: Callout) -> str:
    """Return where it is: the scene, or the site or firm to be visited; empty if nobody has said."""
    if callout.incident:
        return _scene(callout.incident)
    request: GuidanceRequest = callout.guidance_request  # type: ignore[assignment]  # a constraint: one of the two
    return request.site.address if request.site and request.site.address else request.enterprise.address


def people_line(incident: Incident) -> str:
    """Return "2人被困、3人受伤", empty when nobody is known to be hurt."""
    counts = [
        (incident.deaths, "人死亡"),
        (incident.missing, "人失联"),
        (incident.trapped, "人被困"),
        (incident.injured, "人受伤"),
    ]
    return "、".join(f"{count}{word}" for count, word in counts if count)


def _incident_situation(incident: Incident) -> str:
    people = people_line(incident)
    sentence = f"{_happened_at(incident)}，{_scene(incident)}发生{incident.title}"
    return sentence + (f"，{people}。" if people else "。")


def _fields(invitation: Invitation) -> dict[str, str]:
    callout = invitation.callout
    mark = drill_mark(callout)
    sender = installation.sender()
    incident, request = callout.incident, callout.guidance_request
    when = _happened_at(incident) if incident else ""
    if request and (day := request.visit_from or request.wished_from):
        when = span(day, request.visit_until if request.visit_from else None)
    return {
        # A drill has to be known as one in whatever part of it a template shows.
        "who": f"{mark}{invitation.invitee.name}",
        "what": f"{mark}{subject_title(callout)}",
        "when": when,
        "where": place(callout),
        "people": people_line(incident) if incident else "",
        "sender": sender.name,
        "phone": sender.duty_phone,
    }


def _asked(invitation: Invitation) -> str:
    if invitation.callout.guidance_request:
        return "请您指导企业"
    if invitation.requirement.kind == InviteeKind.TEAM:
        return "请出动救援"
    return "请您远程支援" if invitation.requirement.mode == Mode.REMOTE else "请您赴现场支援"


def _digits(invitation: Invitation) -> str:
    return "，".join(f"{reply_texts.digit_of(reply)}{reply.zh}" for reply in invitation.offered)


def _scene(incident: Incident) -> str:
    return incident.address or (str(incident.region) if incident.region else "")


def _happened_at(incident: Incident) -> str:
    return moment(incident.occurred_at or incident.reported_at)


def contact_drill_subject() -> str:
    return f"{installation.sender().name}联络测试"


def contact_drill_text(drill: ContactDrill) -> str:
    """Return what everybody on the roster is sent in a contact drill; the link is added when it is sent."""
    return (
        f"【联络测试】{installation.sender().name}：这是例行联络测试，不是真实事件，无需出动。"
        f"请在{moment(drill.ends_at)}前点开链接确认收到。"
    )


def contact_drill_fields(drill: ContactDrill, name: str) -> dict[str, str]:
    """Return the same in named parts, for providers of approved templates."""
    sender = installation.sender()
    return {
        "who": name,
        "what": "联络测试",
        "by": moment(drill.ends_at),
        "sender": sender.name,
        "phone": sender.duty_phone,
    }
