from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0007_latest_release"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="critical_since",
            field=models.DateTimeField(editable=False, null=True, verbose_name="critical since"),
        ),
    ]
