from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0010_reports_of_strangers"),
    ]

    operations = [
        migrations.AddField(
            model_name="contentremoval",
            name="sets_aside",
            field=models.BooleanField(default=False, verbose_name="set aside"),
        ),
    ]
