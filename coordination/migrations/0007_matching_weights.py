import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("coordination", "0006_recommendation_inputs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MatchingWeights",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True, verbose_name="版本")),
                ("expertise", models.PositiveSmallIntegerField()),
                ("travel", models.PositiveSmallIntegerField()),
                ("load", models.PositiveSmallIntegerField()),
                ("freshness", models.PositiveSmallIntegerField()),
                ("travel_half_at_minutes", models.PositiveSmallIntegerField()),
                ("load_half_at_callouts", models.PositiveSmallIntegerField()),
                ("freshness_half_at_days", models.PositiveSmallIntegerField()),
                ("fairness_minutes", models.PositiveSmallIntegerField()),
                ("set_at", models.DateTimeField(verbose_name="设定时间")),
                ("set_by_label", models.CharField(max_length=80, verbose_name="设定人")),
                ("reason", models.CharField(max_length=200, verbose_name="原因")),
                (
                    "set_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "匹配权重",
                "verbose_name_plural": "匹配权重",
                "ordering": ["-number"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "expertise__in",
                                [
                                    0,
                                    5,
                                    10,
                                    15,
                                    20,
                                    25,
                                    30,
                                    35,
                                    40,
                                    45,
                                    50,
                                    55,
                                    60,
                                    65,
                                    70,
                                    75,
                                    80,
                                    85,
                                    90,
                                    95,
                                    100,
                                ],
                            )
                        ),
                        name="weights_expertise_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "travel__in",
                                [
                                    0,
                                    5,
                                    10,
                                    15,
                                    20,
                                    25,
                                    30,
                                    35,
                                    40,
                                    45,
                                    50,
                                    55,
                                    60,
                                    65,
                                    70,
                                    75,
                                    80,
                                    85,
                                    90,
                                    95,
                                    100,
                                ],
                            )
                        ),
                        name="weights_travel_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "load__in",
                                [
                                    0,
                                    5,
                                    10,
                                    15,
                                    20,
                                    25,
                                    30,
                                    35,
                                    40,
                                    45,
                                    50,
                                    55,
                                    60,
                                    65,
                                    70,
                                    75,
                                    80,
                                    85,
                                    90,
                                    95,
                                    100,
                                ],
                            )
                        ),
                        name="weights_load_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("freshness__gte", 0), ("freshness__lte", 50)),
                        name="weights_freshness_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("travel_half_at_minutes__gte", 10), ("travel_half_at_minutes__lte", 720)
                        ),
                        name="weights_travel_half_at_minutes_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("load_half_at_callouts__gte", 1), ("load_half_at_callouts__lte", 50)
                        ),
                        name="weights_load_half_at_callouts_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("freshness_half_at_days__gte", 1), ("freshness_half_at_days__lte", 365)
                        ),
                        name="weights_freshness_half_at_days_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("fairness_minutes__gte", 0), ("fairness_minutes__lte", 60)),
                        name="weights_fairness_minutes_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expertise", 0), ("load", 0), ("travel", 0), _negated=True),
                        name="weights_rank_by_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="weights_have_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="weights_numbered_from_one"
                    ),
                ],
            },
        ),
    ]
