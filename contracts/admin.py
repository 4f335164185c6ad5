"""For the system admin: who acts for which enterprise or team. The registers themselves are only shown.

They are kept by the roster admin through operations, which check codes and terms; a change made here would
pass them by, and would put the keeping of accounts and of agreements into one hand.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from contracts.models import Agreement, Capability, Enterprise, Interest, Membership, RescueTeam
from ground.access import EVERYWHERE, OutOfReach
from ground.admin_site import (
    AuditedAdmin,
    ForEveryAdmin,
    ReadOnlyAdmin,
    administered,
    kept_accounts,
    site,
)
from ground.languages import sentence
from ground.models import lies_in


class MembershipForm(forms.ModelForm):
    """An account and the enterprise or team that lies where this admin keeps the accounts."""

    reach = EVERYWHERE

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        for side in ("enterprise", "team"):
            if party := said.get(side):
                try:
                    self.reach.refuse_beyond(party.region_id)
                except OutOfReach as mistake:
                    self.add_error(side, sentence(mistake))
        return said


@admin.register(Membership, site=site)
class MembershipAdmin(ForEveryAdmin, AuditedAdmin):
    """Whom an account acts for. An admin of one city ties the accounts they keep to the firms and teams there."""

    form = MembershipForm
    list_display = ("user", "enterprise", "team")
    list_select_related = ("user", "enterprise", "team")
    autocomplete_fields = ("user", "enterprise", "team")
    search_fields = ("user__username", "user__name", "enterprise__name", "team__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        memberships: QuerySet[Membership] = super().get_queryset(request)
        reach = administered(request)
        there = lies_in(reach, "enterprise__region") | lies_in(reach, "team__region")
        return memberships.filter(there, user__in=kept_accounts(request))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> type[forms.ModelForm]:
        bound = type("BoundMembershipForm", (MembershipForm,), {"reach": administered(request)})
        return super().get_form(request, obj, change, **{**options, "form": bound})

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "user":
            options["queryset"] = kept_accounts(request)
            options["error_messages"] = {
                "invalid_choice": _(
                    "没有这个账号，或它的角色超出您所辖的市县。请另选账号，或请省级的系统管理员办理。"
                )
            }
        return super().formfield_for_foreignkey(db_field, request, **options)


@admin.register(Capability, site=site)
class CapabilityAdmin(ForEveryAdmin, ReadOnlyAdmin):
    list_display = ("code", "name", "name_en")


@admin.register(Enterprise, site=site)
class EnterpriseAdmin(ForEveryAdmin, ReadOnlyAdmin):
    list_display = ("name", "uscc", "industry", "region")
    list_filter = ("industry",)
    list_select_related = ("industry", "region")
    search_fields = ("name", "short_name", "uscc", "initials")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Enterprise]:
        enterprises: QuerySet[Enterprise] = super().get_queryset(request)
        return enterprises.filter(lies_in(administered(request)))


@admin.register(RescueTeam, site=site)
class RescueTeamAdmin(ForEveryAdmin, ReadOnlyAdmin):
    list_display = ("name", "kind", "level", "state", "region")
    list_filter = ("kind", "level", "state")
    list_select_related = ("region",)
    search_fields = ("name", "initials")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RescueTeam]:
        teams: QuerySet[RescueTeam] = super().get_queryset(request)
        return teams.filter(lies_in(administered(request)))


@admin.register(Agreement, site=site)
class AgreementAdmin(ReadOnlyAdmin):
    list_display = ("number", "enterprise", "team", "starts_on", "ends_on", "terminated_on")
    list_select_related = ("enterprise", "team")
    search_fields = ("number", "enterprise__name", "team__name")


@admin.register(Interest, site=site)
class InterestAdmin(ReadOnlyAdmin):
    list_display = ("expert", "enterprise", "kind", "starts_on", "ends_on")
    list_select_related = ("expert", "enterprise")
    list_filter = ("kind",)
    search_fields = ("expert__name", "enterprise__name")
