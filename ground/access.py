"""Who may do what: the roles and the permissions that each carries.

Pure. Whether somebody may do a thing at all is asked with `may`; where they may do it, for a role can be
bound to a region, with `reach`. Which rows that comes to is up to the querysets (`open_to`). There is no
other place that decides a right: pages, API and commands all ask here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ground import gazetteer
from ground.mistakes import Refused
from ground.terms import Term


class Role(Term):
    DUTY_OFFICER = "duty_officer", "值班员", "duty officer"
    ROSTER_ADMIN = "roster_admin", "名册管理员", "roster admin"
    ENTERPRISE = "enterprise", "企业用户", "enterprise user"
    TEAM = "team", "队伍用户", "team user"
    LEADER = "leader", "领导", "leader"
    AUDITOR = "auditor", "审计员", "auditor"
    SYSTEM_ADMIN = "system_admin", "系统管理员", "system admin"


class Permission(Term):
    READ_ROSTER = "read_roster", "查看专家名册", "read the roster"
    EDIT_ROSTER = "edit_roster", "维护专家名册", "edit the roster"
    REVEAL_CONTACTS = "reveal_contacts", "查看完整联系方式", "reveal full contact details"
    READ_CONTRACTS = "read_contracts", "查看企业、队伍与协议", "read enterprises, teams and agreements"
    EDIT_CONTRACTS = "edit_contracts", "维护企业、队伍与协议", "edit enterprises, teams and agreements"
    READ_INCIDENTS = "read_incidents", "查看事件", "read incidents"
    HANDLE_INCIDENTS = "handle_incidents", "接报与处置事件", "open and handle incidents"
    MATCH = "match", "查看匹配推荐", "see matching"
    CALL_OUT = "call_out", "发起通知应答", "call out experts and teams"
    READ_GUIDANCE = "read_guidance", "查看全部指导申请", "read all guidance requests"
    HANDLE_GUIDANCE = "handle_guidance", "受理指导申请", "handle guidance requests"
    OWN_ENTERPRISE = "own_enterprise", "办理本企业事务", "act for one's own enterprise"
    OWN_TEAM = "own_team", "办理本队伍事务", "act for one's own team"
    READ_AUDIT = "read_audit", "查看审计记录", "read the audit log"
    ADMINISTER = "administer", "系统设置与账号", "administer the system"


P = Permission

# Separation of duties (GB/T 22239-2019): the system admin keeps accounts, not incidents or the roster;
# the auditor reads everything and changes nothing.
GRANTS: dict[Role, frozenset[Permission]] = {
    Role.DUTY_OFFICER: frozenset(
        {
            P.READ_ROSTER,
            P.REVEAL_CONTACTS,
            P.READ_CONTRACTS,
            P.READ_INCIDENTS,
            P.HANDLE_INCIDENTS,
            P.MATCH,
            P.CALL_OUT,
            P.READ_GUIDANCE,
        }
    ),
    Role.ROSTER_ADMIN: frozenset(
        {
            P.READ_ROSTER,
            P.EDIT_ROSTER,
            P.REVEAL_CONTACTS,
            P.READ_CONTRACTS,
            P.EDIT_CONTRACTS,
            P.MATCH,
            P.READ_GUIDANCE,
            P.HANDLE_GUIDANCE,
        }
    ),
    Role.ENTERPRISE: frozenset({P.OWN_ENTERPRISE}),
    Role.TEAM: frozenset({P.OWN_TEAM}),
    Role.LEADER: frozenset({P.READ_ROSTER, P.READ_CONTRACTS, P.READ_INCIDENTS, P.MATCH, P.READ_GUIDANCE}),
    Role.AUDITOR: frozenset(
        {P.READ_ROSTER, P.READ_CONTRACTS, P.READ_INCIDENTS, P.MATCH, P.READ_GUIDANCE, P.READ_AUDIT}
    ),
    Role.SYSTEM_ADMIN: frozenset({P.ADMINISTER, P.READ_AUDIT}),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a right holds: in these regions (GB/T 2260 codes, the counties of a city named one by one).

    None is everywhere; what has no region is reached only from there.
    """

    regions: frozenset[str] | None

    def __bool__(self) -> bool:
        return self.regions is None or bool(self.regions)

    @property
    def everywhere(self) -> bool:
        return self.regions is None

    def covers(self, region: str | None) -> bool:
        """Return whether the right holds in the region of this code."""
        return self.regions is None or region in self.regions

    def refuse_beyond(self, region: str | None) -> None:
        """Refuse to put something into a region that the right does not cover.

        :raises OutOfReach: naming the regions in which it holds.
        """
        if self.covers(region):
            return
        there = gazetteer.by_code(region or "")
        where = there.full_name if there else ""
        mine = "、".join(self._names())
        raise OutOfReach(
            f"您的角色限于{mine}，{f'不能登记在{where}' if where else '必须写明所辖的市县'}。"
            "请改为所辖市县，或请当地或省级的管理员办理。",
            f"Your role is bound to {mine}; {f'{where} is outside it' if where else 'a region must be given'}. "
            "Give a region of yours, or ask the admin of that region or of the province.",
        )

    def _names(self) -> list[str]:
        """Return the regions by name, without those that lie in another one of them."""
        held = [region for region in gazetteer.rows() if region.code in (self.regions or ())]
        inner = {code for region in held for code in gazetteer.within(region.code) - {region.code}}
        return [region.full_name for region in held if region.code not in inner]


class OutOfReach(Refused):
    """Something was to be put where this account has no right over it."""


EVERYWHERE = Reach(None)
NOWHERE = Reach(frozenset())


def reach(grants: Iterable[tuple[Role, str | None]], permission: Permission) -> Reach:
    """Return where `grants`, each a role and the region it is bound to (None: everywhere), give `permission`."""
    bound = [region for role, region in grants if permission in GRANTS[role]]
    if None in bound:
        return EVERYWHERE
    return Reach(frozenset(code for region in bound if region for code in gazetteer.within(region)))
