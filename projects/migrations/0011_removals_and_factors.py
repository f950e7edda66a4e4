from django.db import migrations, models

FORMER = ["API token", "password"]  # what was written into the place of the second factor


def empty_former_factors(apps, schema_editor):
    apps.get_model("projects", "File").objects.filter(uploader_factor__in=FORMER).update(
        uploader_factor=""
    )


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
        migrations.AlterField(
            model_name="file",
            name="uploader_factor",
            field=models.CharField(
                blank=True,
                choices=[
                    ("app", "authenticator app"),
                    ("key", "security key"),
                    ("passkey", "passkey"),
                ],
                max_length=40,
                verbose_name="second factor of the uploader",
            ),
        ),
        migrations.RunPython(empty_former_factors, migrations.RunPython.noop, elidable=True),
    ]
