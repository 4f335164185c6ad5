from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExpertsConfig(AppConfig):
    name = "experts"
    verbose_name = _("专家")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from experts import models
        from ground import revisions

        revisions.watch(
            "roster",
            models.Expert,
            models.Practice,
            models.TaskOffer,
            models.Appointment,
            models.Certificate,
        )
        # By itself: a day's leave is written down often, and must not have the whole roster read again.
        revisions.watch("absences", models.Absence)
