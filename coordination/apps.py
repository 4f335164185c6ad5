from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class CoordinationConfig(AppConfig):
    name = "coordination"
    verbose_name = _("调度")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # A task called from a web process needs the configured Celery app, not Celery's default one.
        import coordination.config.celery  # noqa: F401
        from coordination import channels, models
        from ground import revisions

        revisions.watch("weights", models.MatchingWeights)
        checks.register(channels.wrong_options)
