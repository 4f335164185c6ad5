from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("coordination", "0019_words_of_replies"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status", "sent")),
                fields=["provider", "sent_at"],
                name="delivery_without_receipt",
            ),
        ),
    ]
