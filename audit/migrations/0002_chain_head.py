"""The chain begins: one head, before any event."""

from django.db import migrations


def create_head(apps, schema_editor):
    """Make the one row whose lock orders all events."""
    apps.get_model("audit", "ChainHead").objects.using(schema_editor.connection.alias).create(
        id=1, number=0, seal="0" * 64
    )


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(create_head, migrations.RunPython.noop)]
