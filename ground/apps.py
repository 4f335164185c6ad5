from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.utils.translation import gettext_lazy as _


class GroundConfig(AppConfig):
    name = "ground"
    verbose_name = _("基础")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ground import catalogues, travel_time

        checks.register(travel_time.wrong_road_file)
        catalogues.compile_stale(settings.LOCALE_PATHS)
