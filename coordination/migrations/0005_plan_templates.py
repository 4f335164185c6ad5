"""Load the response plans that ship. Run again, it adds what is missing and leaves what is there."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from coordination import plan_templates


def load(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    ResponsePlan = apps.get_model("coordination", "ResponsePlan")
    ResponsePlanLine = apps.get_model("coordination", "ResponsePlanLine")
    for template in plan_templates.TEMPLATES:
        plan, is_new = ResponsePlan.objects.get_or_create(
            kind=template.kind, industry_id=template.industry or None
        )
        if is_new:
            ResponsePlanLine.objects.bulk_create(
                ResponsePlanLine(plan=plan, position=number, **line.columns())
                for number, line in enumerate(template.lines, 1)
            )


class Migration(migrations.Migration):
    dependencies = [
        ("coordination", "0004_response_plans"),
        ("ground", "0002_industries_and_regions"),
        ("contracts", "0002_capabilities"),
    ]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
