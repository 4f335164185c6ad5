"""The system admin's pages: open to whoever may administer, and to nobody for being "staff".

Django's own permission rows decide nothing here, as elsewhere; `ground.access` does.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ground import audit, clock
from ground.access import NOWHERE, Permission, Reach
from ground.guards import actor_of
from ground.models import RoleGrant, User, lies_in


def administered(request: HttpRequest) -> Reach:
    """Return where this user keeps the accounts."""
    return request.user.reach(Permission.ADMINISTER) if isinstance(request.user, User) else NOWHERE


def kept_accounts(request: HttpRequest) -> QuerySet[User]:
    """Return the accounts none of whose roles reaches further than this admin's; one without a role is among them."""
    beyond = RoleGrant.objects.exclude(lies_in(administered(request)))
    return User.objects.exclude(pk__in=beyond.values("user"))


class MusterAdminSite(AdminSite):
    site_header = _("系统管理")
    site_title = _("系统管理")
    index_title = _("账号、基础数据与登记")

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(administered(request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send a stranger to the one sign-in page; refuse somebody who has no business here."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("sign-in"))


site = MusterAdminSite(name="admin")


class AuditedAdmin(ModelAdmin):
    """What is done here stands in the audit trail too, not only in Django's own log.

    For the admin of the whole province, unless it is `ForEveryAdmin`.
    """

    def may_administer(self, request: HttpRequest) -> bool:
        return administered(request).everywhere

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may_administer(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_administer(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_administer(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_administer(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_administer(request)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        audit.record("admin.add", obj, by=actor_of(request), at=clock.now(), row=str(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        audit.record("admin.change", obj, by=actor_of(request), at=clock.now(), row=str(obj), what=message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet) -> Any:
        for obj in queryset:
            audit.record("admin.delete", obj, by=actor_of(request), at=clock.now(), row=str(obj))
        return super().log_deletions(request, queryset)


class ReadOnlyAdmin(AuditedAdmin):
    """Shown, never changed: it is kept by operations, or was shipped with the program."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ForEveryAdmin:
    """Put before one of the above: an admin bound to a region may open it too, so it narrows its own rows.

    What every city shares, such as the trades, needs no narrowing, but must not be changed from one of them.
    """

    def may_administer(self, request: HttpRequest) -> bool:
        return bool(administered(request))
