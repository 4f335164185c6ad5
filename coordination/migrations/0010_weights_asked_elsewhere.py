from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("coordination", "0009_watch")]

    operations = [
        # Versions that were set before this could be have what the code has where nothing is set.
        migrations.AddField(
            model_name="matchingweights",
            name="asked_elsewhere_minutes",
            field=models.PositiveSmallIntegerField(default=30),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="matchingweights",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("asked_elsewhere_minutes__gte", 0), ("asked_elsewhere_minutes__lte", 120)
                ),
                name="weights_asked_elsewhere_minutes_in_bounds",
            ),
        ),
    ]
