import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0006_quarantine")]

    operations = [
        migrations.AddField(
            model_name="searchentry",
            name="release",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="projects.release",
            ),
        ),
    ]
