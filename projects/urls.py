"""The addresses of projects: those that machines read first, then those of people."""

from django.urls import path, register_converter

from projects.views import manage, pages, reading


class DigestConverter:
    """A BLAKE2b-256 digest as a path: two short folders, then the rest."""

    regex = r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}"

    def to_python(self, value: str) -> str:
        """The digest."""
        return value.replace("/", "")

    def to_url(self, value: str) -> str:
        """The path."""
        return f"{value[:2]}/{value[2:4]}/{value[4:]}"


register_converter(DigestConverter, "digest")

app_name = "projects"
machine_urlpatterns = [
    path("simple/", reading.show_index, name="simple-index"),
    path("simple", reading.show_index),
    path("simple/<str:name>/", reading.show_project, name="simple-detail"),
    path("simple/<str:name>", reading.show_project),
    path(
        "files/<digest:digest>/<str:filename>.metadata", reading.send_metadata, name="file-metadata"
    ),
    path("files/<digest:digest>/<str:filename>", reading.send_file, name="file-download"),
]
human_urlpatterns = [
    path("", pages.show_home, name="home"),
    path("project/<str:name>/", pages.show_project, name="project-detail"),
    path("project/<str:name>/<str:version>/", pages.show_project, name="release-detail"),
    path("manage/projects/", manage.show_projects, name="my-projects"),
    path("manage/project/<str:name>/history/", manage.show_history, name="project-history"),
]
urlpatterns = [*machine_urlpatterns, *human_urlpatterns]
