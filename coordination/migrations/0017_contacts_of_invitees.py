from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("coordination", "0016_pauses"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(
                fields=["expert", "team", "asked_at", "answered_at", "status"], name="contacts_of_invitees"
            ),
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(fields=["asked_at"], name="invitation_by_asking"),
        ),
        migrations.RemoveIndex(
            model_name="invitation",
            name="invitation_by_expert",
        ),
    ]
