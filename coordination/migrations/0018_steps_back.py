from django.core.serializers.json import DjangoJSONEncoder
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("coordination", "0017_contacts_of_invitees"),
    ]

    operations = [
        migrations.AddField(
            model_name="watchreport",
            name="steps_back",
            field=models.JSONField(default=list, encoder=DjangoJSONEncoder),
        ),
    ]
