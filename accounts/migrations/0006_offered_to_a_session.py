from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_sessions_and_devices"),
    ]

    operations = [
        migrations.AddField(
            model_name="authenticatorapp",
            name="offered_to",
            field=models.CharField(blank=True, default="", editable=False, max_length=40),
        ),
    ]
