import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_security_keys"),
    ]

    operations = [
        # Counts of a few minutes, in other columns from now on: not worth carrying over.
        migrations.DeleteModel(name="RateCount"),
        migrations.AddField(
            model_name="user",
            name="password_changed_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name="usersession",
            name="last_used_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddField(
            model_name="usersession",
            name="network_address",
            field=models.CharField(blank=True, max_length=45),
        ),
        migrations.AddField(
            model_name="usersession",
            name="user_agent",
            field=models.CharField(blank=True, max_length=400),
        ),
        migrations.CreateModel(
            name="KnownDevice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("user_agent", models.CharField(blank=True, max_length=400)),
                ("network_address", models.CharField(blank=True, max_length=45)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="first sign-in"
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="last sign-in"
                    ),
                ),
                (
                    "remembered_until",
                    models.DateTimeField(null=True, verbose_name="remembered until"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="known_devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "known device",
                "verbose_name_plural": "known devices",
                "ordering": ["-last_used_at"],
            },
        ),
        migrations.AddField(
            model_name="usersession",
            name="device",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sessions",
                to="accounts.knowndevice",
            ),
        ),
        migrations.CreateModel(
            name="RateCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("limit", models.CharField(max_length=40, verbose_name="limit")),
                ("key", models.CharField(max_length=80)),
                ("times", models.PositiveIntegerField(verbose_name="attempts let through")),
                ("per", models.PositiveIntegerField(verbose_name="in seconds")),
                ("slots", models.JSONField(default=dict)),
                ("version", models.PositiveBigIntegerField(default=0)),
                ("ends_at", models.DateTimeField(db_index=True, verbose_name="counted until")),
            ],
            options={
                "verbose_name": "limit",
                "verbose_name_plural": "limits",
                "ordering": ["-ends_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("limit", "key", "per"), name="one_count_per_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UnknownSignIn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("happened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("user_agent", models.CharField(blank=True, max_length=400)),
                ("network_address", models.CharField(blank=True, max_length=45)),
                ("denied_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unknown_sign_ins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="knowndevice",
            index=models.Index(fields=["digest"], name="device_digest"),
        ),
        migrations.AddConstraint(
            model_name="knowndevice",
            constraint=models.UniqueConstraint(
                fields=("user", "digest"), name="device_once_per_account"
            ),
        ),
        migrations.AddIndex(
            model_name="unknownsignin",
            index=models.Index(fields=["user", "-happened_at"], name="unknown_sign_ins"),
        ),
    ]
