"""Load the industries, specialties and regions from the modules and the file that define them."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from ground import gazetteer, industries


def load(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Industry = apps.get_model("ground", "Industry")
    for position, industry in enumerate(industries.INDUSTRIES, 1):
        Industry.objects.create(code=industry.code, name=industry.zh, name_en=industry.en, position=position)
    Specialty = apps.get_model("ground", "Specialty")
    for specialty in industries.SPECIALTIES:
        Specialty.objects.create(code=specialty.code, name=specialty.zh, name_en=specialty.en)
    Region = apps.get_model("ground", "Region")
    rows = gazetteer.rows()
    known = {row.code for row in rows}
    Region.objects.bulk_create(
        Region(
            code=row.code,
            name=row.name,
            level=row.level,
            parent_id=row.parent if row.parent in known else None,
            unit_id=row.unit or None,
            latitude=row.latitude,
            longitude=row.longitude,
        )
        for row in rows
    )


class Migration(migrations.Migration):
    dependencies = [("ground", "0001_initial")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
