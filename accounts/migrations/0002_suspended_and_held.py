from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="authenticatorapp",
            name="held_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="held"),
        ),
        migrations.AddField(
            model_name="emailaddress",
            name="held_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="held"),
        ),
        migrations.AddField(
            model_name="user",
            name="uploads_suspended_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="uploads suspended"),
        ),
    ]
