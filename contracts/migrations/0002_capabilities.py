"""Load the capabilities from the module that defines them."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from contracts import capabilities


def load(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Capability = apps.get_model("contracts", "Capability")
    for capability in capabilities.CAPABILITIES:
        Capability.objects.create(code=capability.code, name=capability.zh, name_en=capability.en)


class Migration(migrations.Migration):
    dependencies = [("contracts", "0001_initial")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
