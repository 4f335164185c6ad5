from datetime import timedelta

from django.db import migrations, models
from django.db.models import F


def say_since_when(apps, schema_editor):
    """A paused callout had its next moment a year after the pause began."""
    paused = apps.get_model("coordination", "Callout").objects.filter(paused=True)
    paused.filter(next_step_at__isnull=False).update(paused_at=F("next_step_at") - timedelta(days=365))
    paused.filter(next_step_at__isnull=True).update(paused_at=F("started_at"))


class Migration(migrations.Migration):

    dependencies = [
        ("coordination", "0015_channel_pull"),
    ]

    operations = [
        migrations.AddField(
            model_name="callout",
            name="paused_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="invitation",
            name="held_for",
            field=models.DurationField(default=timedelta),
        ),
        migrations.RunPython(say_since_when, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="callout",
            constraint=models.CheckConstraint(
                condition=models.Q(("paused", False), ("paused_at__isnull", False), _connector="OR"),
                name="paused_callout_has_moment",
            ),
        ),
    ]
