"""For the system admin: the roster, only shown, and without numbers.

It is kept by the roster admin through operations, which check terms and keep the audit; a change made
here would pass them by.
"""

from __future__ import annotations

from django.contrib import admin

from experts.models import Absence, Appointment, Certificate, Expert, ImportUpload
from ground.admin_site import ReadOnlyAdmin, site


@admin.register(Expert, site=site)
class ExpertAdmin(ReadOnlyAdmin):
    list_display = ("name", "employer", "title", "region", "suspended_on")
    list_filter = ("practices__industry",)
    list_select_related = ("region",)
    search_fields = ("name", "pinyin", "initials", "employer")
    fields = (
        *("name", "employer", "title", "position", "region", "precision"),
        *("specialties", "suspended_on", "suspension_reason", "remarks"),
    )


@admin.register(Appointment, site=site)
class AppointmentAdmin(ReadOnlyAdmin):
    list_display = ("expert", "starts_on", "ends_on", "number", "category", "group_role", "ended_on")
    list_select_related = ("expert",)
    search_fields = ("expert__name", "number")


@admin.register(Certificate, site=site)
class CertificateAdmin(ReadOnlyAdmin):
    list_display = ("expert", "name", "number", "expires_on")
    list_select_related = ("expert",)
    search_fields = ("expert__name", "name")


@admin.register(Absence, site=site)
class AbsenceAdmin(ReadOnlyAdmin):
    list_display = ("expert", "starts_on", "ends_on", "reason")
    list_select_related = ("expert",)


@admin.register(ImportUpload, site=site)
class ImportUploadAdmin(ReadOnlyAdmin):
    list_display = ("file_name", "owner", "created_at", "applied_at")
    list_select_related = ("owner",)
    fields = ("file_name", "owner", "sha256", "created_at", "expires_at", "applied_at", "receipt")
