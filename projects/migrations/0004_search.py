import django.db.models.deletion
from django.db import migrations, models

ON_POSTGRESQL = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",  # a trusted one: the database's owner may
    "CREATE INDEX searchentry_name_near ON projects_searchentry USING gin (name gin_trgm_ops)",
    "CREATE INDEX searchentry_text_parts ON projects_searchentry USING gin (text gin_trgm_ops)",
]
ON_SQLITE = [
    "CREATE VIRTUAL TABLE projects_search USING fts5"
    "(name, text, content='projects_searchentry', content_rowid='id', tokenize='trigram')",
    "INSERT INTO projects_search (projects_search) VALUES ('rebuild')",
]


def fill(apps, schema_editor):
    """What is there already is found by the summary of the release made last."""
    project_model = apps.get_model("projects", "Project")
    entry_model = apps.get_model("projects", "SearchEntry")
    for project in project_model.objects.all():
        release = project.releases.order_by("-created_at", "-pk").first()
        name, summary = project.normalized_name, release.summary[:2000] if release else ""
        entry_model.objects.create(
            project=project, name=name, summary=summary, text=f"{name} {summary}".lower()
        )


def make_indexes(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in ON_POSTGRESQL if is_postgresql else ON_SQLITE:
        schema_editor.execute(statement)


def drop_indexes(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE projects_search")


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0003_invitations"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200, unique=True)),
                ("summary", models.TextField(blank=True)),
                ("text", models.TextField()),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="search_entry",
                        to="projects.project",
                    ),
                ),
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(make_indexes, drop_indexes),
    ]
