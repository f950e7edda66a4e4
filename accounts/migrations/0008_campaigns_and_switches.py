import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_prohibited_domains"),
    ]

    operations = [
        migrations.AddField(
            model_name="switchstate",
            name="banner",
            field=models.CharField(blank=True, max_length=300, verbose_name="banner"),
        ),
        migrations.AddField(
            model_name="switchstate",
            name="ends_at",
            field=models.DateTimeField(null=True, verbose_name="until"),
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("notice", models.CharField(max_length=60, verbose_name="notice")),
                ("audience", models.CharField(max_length=60, verbose_name="audience")),
                ("facts", models.JSONField(default=dict)),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("total", models.PositiveIntegerField(verbose_name="people when it began")),
                ("queued", models.PositiveIntegerField(default=0, verbose_name="mails queued")),
                ("cursor", models.UUIDField(editable=False, null=True)),
                (
                    "started_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="begun"),
                ),
                ("started_by", models.CharField(max_length=150, verbose_name="begun by")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "stopped_by",
                    models.CharField(blank=True, max_length=150, verbose_name="stopped by"),
                ),
            ],
            options={
                "verbose_name": "mail to many",
                "verbose_name_plural": "mail to many",
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("finished_at", None)),
                        fields=("notice",),
                        name="one_campaign_of_a_notice_at_a_time",
                    )
                ],
            },
        ),
    ]
