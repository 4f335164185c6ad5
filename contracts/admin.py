"""For the system admin: who acts for which enterprise or team. The registers themselves are only shown.

They are kept by the roster admin through operations, which check codes and terms; a change made here would
pass them by, and would put the keeping of accounts and of agreements into one hand.
"""

from __future__ import annotations

from django.contrib import admin

from contracts.models import Agreement, Capability, Enterprise, Interest, Membership, RescueTeam
from ground.admin_site import AuditedAdmin, ReadOnlyAdmin, site


@admin.register(Membership, site=site)
class MembershipAdmin(AuditedAdmin):
    list_display = ("user", "enterprise", "team")
    list_select_related = ("user", "enterprise", "team")
    autocomplete_fields = ("user", "enterprise", "team")
    search_fields = ("user__username", "user__name", "enterprise__name", "team__name")


@admin.register(Capability, site=site)
class CapabilityAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "name_en")


@admin.register(Enterprise, site=site)
class EnterpriseAdmin(ReadOnlyAdmin):
    list_display = ("name", "uscc", "industry", "region")
    list_filter = ("industry",)
    list_select_related = ("industry", "region")
    search_fields = ("name", "short_name", "uscc", "initials")


@admin.register(RescueTeam, site=site)
class RescueTeamAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "level", "state", "region")
    list_filter = ("kind", "level", "state")
    list_select_related = ("region",)
    search_fields = ("name", "initials")


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
