import datetime

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def create_row(apps, schema_editor):
    """A new site refuses passwords from the first day on."""
    rows = apps.get_model("uploads", "Enforcement").objects.using(schema_editor.connection.alias)
    rows.create(pk=1, enforce_from=django.utils.timezone.now())


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Enforcement",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                (
                    "audience",
                    models.CharField(
                        choices=[
                            ("factor", "users with a second factor"),
                            (
                                "owners",
                                "projects that have an owner with a second factor, whoever uploads",
                            ),
                            ("critical", "projects marked critical"),
                            ("everybody", "everybody"),
                        ],
                        default="everybody",
                        max_length=20,
                        verbose_name="audience",
                    ),
                ),
                (
                    "announce_from",
                    models.DateTimeField(blank=True, null=True, verbose_name="announce from"),
                ),
                (
                    "warn_from",
                    models.DateTimeField(blank=True, null=True, verbose_name="warn from"),
                ),
                (
                    "enforce_from",
                    models.DateTimeField(
                        blank=True,
                        default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC),
                        null=True,
                        verbose_name="enforce from",
                    ),
                ),
                ("brown_outs", models.JSONField(default=list, verbose_name="brown-outs")),
                ("notice", models.CharField(blank=True, max_length=160, verbose_name="notice")),
                ("version", models.PositiveIntegerField(default=1)),
                ("recorded_stage", models.CharField(default="enforce", max_length=10)),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="changed"),
                ),
                (
                    "changed_by",
                    models.CharField(blank=True, max_length=150, verbose_name="changed by"),
                ),
            ],
            options={
                "verbose_name": "enforcement of API tokens",
                "verbose_name_plural": "enforcement of API tokens",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_enforcement")
                ],
            },
        ),
        migrations.CreateModel(
            name="PasswordWarning",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("told_at", models.DateTimeField()),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(create_row, migrations.RunPython.noop),
    ]
