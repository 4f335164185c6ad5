from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContractsConfig(AppConfig):
    name = "contracts"
    verbose_name = _("协议")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from contracts import models
        from ground import revisions

        revisions.watch("teams", models.RescueTeam)
