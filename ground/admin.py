"""Accounts with their roles, and the reference tables, for the system admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ground.admin_site import AuditedAdmin, ReadOnlyAdmin, may_administer, site
from ground.models import ApiToken, AuditEntry, Industry, Region, RoleGrant, Specialty, User, UserContact


class _AccountInline(admin.TabularInline):
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)


class RoleGrantInline(_AccountInline):
    model = RoleGrant
    # A grant can be bound to a region, but no list is narrowed by it yet: offering the choice here would
    # let an administrator believe in a limit that nothing enforces.
    fields = ["role"]
    verbose_name = _("角色")
    verbose_name_plural = _("角色")


class UserContactInline(_AccountInline):
    model = UserContact
    verbose_name = _("联系方式")
    verbose_name_plural = _("联系方式（告警按顺序发送）")


@admin.register(User, site=site)
class AccountAdmin(AuditedAdmin, UserAdmin):
    """An account is never deleted, for the audit trail names it: it is closed by taking 有效 away."""

    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("本人"), {"fields": ("name", "email")}),
        (_("状态"), {"fields": ("is_active", "last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {"classes": ("wide",), "fields": ("username", "name", "email", "password1", "password2")},
        ),
    )
    readonly_fields = ("last_login", "date_joined")
    inlines = (RoleGrantInline, UserContactInline)
    list_display = ("username", "name", "roles_held", "email", "is_active", "last_login")
    list_filter = ("is_active", "grants__role")
    search_fields = ("username", "name", "email")
    filter_horizontal = ()
    ordering = ("username",)

    @admin.display(description=_("角色"))
    def roles_held(self, user: User) -> str:
        return "、".join(grant.get_role_display() for grant in user.grants.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("grants")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Region, site=site)
class RegionAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "level", "parent", "unit")
    list_filter = ("level",)
    list_select_related = ("parent", "unit")
    search_fields = ("code", "name")


@admin.register(Industry, site=site)
class IndustryAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "name_en", "position")


@admin.register(Specialty, site=site)
class SpecialtyAdmin(AuditedAdmin):
    list_display = ("code", "name", "name_en")
    search_fields = ("code", "name")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken, site=site)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Made by `manage.py create_token`; the hash is nobody's business either."""

    list_display = ("user", "name", "created_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    fields = ("user", "name", "created_at", "expires_at", "revoked_at")


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_label", "action", "object_type", "object_id", "seq")
    list_filter = ("action",)
    search_fields = ("actor_label", "object_id")
    date_hierarchy = "at"
