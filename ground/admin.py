"""Accounts with their roles, and the reference tables, for the system admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ground import gazetteer
from ground.access import EVERYWHERE, OutOfReach
from ground.admin_site import AuditedAdmin, ReadOnlyAdmin, administered, site
from ground.languages import sentence
from ground.models import (
    ApiToken,
    AuditEntry,
    Industry,
    Region,
    RegionLevel,
    RoleGrant,
    Specialty,
    User,
    UserContact,
    lies_in,
)


class _AccountInline(admin.TabularInline):
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(administered(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(administered(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(administered(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(administered(request))


class WholeNameField(forms.ModelChoiceField):
    """A region by its whole name: there is a 桥西区 in two cities."""

    def label_from_instance(self, region: Region) -> str:
        row = gazetteer.by_code(region.pk)
        return row.full_name if row else region.name


class GrantForm(forms.ModelForm):
    """A role, everywhere or in one region; nobody gives more than they have."""

    reach = EVERYWHERE
    region = WholeNameField(
        Region.objects.exclude(level=RegionLevel.PROVINCE),
        label=_("限于地区"),
        required=False,
        empty_label=_("全省"),
    )

    def clean_region(self) -> Region | None:
        region: Region | None = self.cleaned_data["region"]
        try:
            self.reach.refuse_beyond(region.pk if region else None)
        except OutOfReach as mistake:
            raise ValidationError(sentence(mistake)) from mistake
        return region


class RoleGrantInline(_AccountInline):
    model = RoleGrant
    fields = ["role", "region"]
    form = GrantForm
    verbose_name = _("角色")
    verbose_name_plural = _("角色")

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        bound = type("BoundGrantForm", (GrantForm,), {"reach": administered(request)})
        return super().get_formset(request, obj, **{**options, "form": bound})


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

    def may_administer(self, request: HttpRequest) -> bool:
        return bool(administered(request))

    @admin.display(description=_("角色"))
    def roles_held(self, user: User) -> str:
        return "、".join(
            f"{grant.get_role_display()}（{grant.region.name}）" if grant.region else grant.get_role_display()
            for grant in user.grants.all()
        )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the accounts none of whose roles reaches further than this admin's."""
        accounts = super().get_queryset(request).prefetch_related("grants__region")
        beyond = RoleGrant.objects.exclude(lies_in(administered(request)))
        return accounts.exclude(pk__in=beyond.values("user"))

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
