"""Accounts with their roles, and the reference tables, for the system admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator, validate_email
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from ground import gazetteer, phones
from ground.access import EVERYWHERE, OutOfReach, Role
from ground.admin_site import (
    AuditedAdmin,
    ForEveryAdmin,
    ReadOnlyAdmin,
    administered,
    kept_accounts,
    site,
)
from ground.languages import language, sentence
from ground.models import (
    WECOM_ID,
    ApiToken,
    AuditEntry,
    ContactKind,
    Industry,
    Region,
    RegionLevel,
    RoleGrant,
    Specialty,
    User,
    UserContact,
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
        return _whole_name(region.pk)


def _whole_name(code: str) -> str:
    row = gazetteer.by_code(code)
    return row.full_name if row else code


class GrantForm(forms.ModelForm):
    """A role, everywhere or in one region; nobody gives more than they have."""

    reach = EVERYWHERE
    region = WholeNameField(
        Region.objects.exclude(level=RegionLevel.PROVINCE),
        label=_("限于地区"),
        required=False,
        empty_label=_("全省"),
        help_text=_("留空即全省"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.reach.everywhere:
            return
        field = self.fields["region"]
        assert isinstance(field, WholeNameField)
        theirs = [region for region in field.queryset or () if self.reach.covers(region.pk)]
        field.help_text = _("只能选您所辖的市县")
        # Fewer are offered, but the field knows them all: `clean_region` says why another one will not do.
        field.widget.choices = [
            ("", _("请选择")),
            *((one.pk, field.label_from_instance(one)) for one in theirs),
        ]

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


class ContactForm(forms.ModelForm):
    """A way of reaching somebody, kept in the one form by which it is recognised."""

    def clean_value(self) -> str:
        typed = str(self.cleaned_data["value"]).strip()
        kind = self.cleaned_data.get("kind")
        if kind == ContactKind.EMAIL:
            validate_email(typed)
        elif kind == ContactKind.WEBHOOK:
            URLValidator(
                schemes=["https", "http"],
                message=_("请填写完整的网址，例如 https://dispatch.example.cn/muster。"),
            )(typed)
        elif kind == ContactKind.WECOM:
            RegexValidator(WECOM_ID, _("企业微信账号由字母、数字和 _ - @ . 组成，最多 64 位。"))(typed)
        elif kind:
            try:
                return phones.normalise(typed)
            except phones.WrongPhone as mistake:
                raise ValidationError(sentence(mistake)) from mistake
        return typed


class UserContactInline(_AccountInline):
    model = UserContact
    form = ContactForm
    verbose_name = _("联系方式")
    verbose_name_plural = _("联系方式（告警按顺序发送）")


@admin.register(User, site=site)
class AccountAdmin(ForEveryAdmin, AuditedAdmin, UserAdmin):
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
        return "、".join(_held(grant) for grant in user.grants.all())

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return kept_accounts(request).order_by(*self.ordering).prefetch_related("grants")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _held(grant: RoleGrant) -> str:
    word = Role(grant.role).word(language())
    if grant.region_id is None:
        return word
    return pgettext("role", "%(role)s（%(region)s）") % {"role": word, "region": _whole_name(grant.region_id)}


@admin.register(Region, site=site)
class RegionAdmin(ForEveryAdmin, ReadOnlyAdmin):
    list_display = ("code", "name", "level", "parent", "unit")
    list_filter = ("level",)
    list_select_related = ("parent", "unit")
    search_fields = ("code", "name")


@admin.register(Industry, site=site)
class IndustryAdmin(ForEveryAdmin, ReadOnlyAdmin):
    list_display = ("code", "name", "name_en", "position")


@admin.register(Specialty, site=site)
class SpecialtyAdmin(AuditedAdmin):
    """Every city's experts share the list: an admin of one of them reads it, and the province's changes it."""

    list_display = ("code", "name", "name_en")
    search_fields = ("code", "name")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(administered(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(administered(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken, site=site)
class ApiTokenAdmin(ForEveryAdmin, ReadOnlyAdmin):
    """Made by `manage.py create_token`; the hash is nobody's business either."""

    list_display = ("user", "name", "created_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    fields = ("user", "name", "created_at", "expires_at", "revoked_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        return tokens.filter(user__in=kept_accounts(request))


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(ReadOnlyAdmin):
    """For the admin of the whole province: who has no role any more may have acted anywhere before."""

    list_display = ("at", "actor_label", "action", "object_type", "object_id", "seq")
    list_filter = ("action",)
    search_fields = ("actor_label", "object_id")
    date_hierarchy = "at"
