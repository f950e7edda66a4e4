"""The addresses of projects: those that machines read first, then those of people."""

from django.urls import include, path, register_converter

from projects.views import (
    feeds,
    history,
    legacy,
    lifecycle,
    manage,
    pages,
    people,
    reading,
    reports,
    texts,
)


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
    path("pypi/<str:name>/json", legacy.show_project, name="json-project"),
    path("pypi/<str:name>/json/", legacy.show_project),
    path("pypi/<str:name>/<str:version>/json", legacy.show_project, name="json-release"),
    path("pypi/<str:name>/<str:version>/json/", legacy.show_project),
    path("pypi", legacy.answer_actions, name="actions"),
    path("pypi/", legacy.answer_actions, name="actions-with-slash"),
    path("rss/updates.xml", feeds.show_updates, name="updates-feed"),
    path("rss/packages.xml", feeds.show_new_projects, name="projects-feed"),
    path("rss/project/<str:name>/releases.xml", feeds.show_releases, name="project-feed"),
    path("classifiers.txt", legacy.list_classifiers, name="classifier-list"),
    path("robots.txt", texts.show_robots, name="robots"),
    path(".well-known/security.txt", texts.show_security, name="security-txt"),
]
project_urlpatterns = [
    path("", manage.show_releases, name="manage-project"),
    path("release/<str:version>/", manage.show_release, name="manage-release"),
    path("release/<str:version>/yank/", manage.yank_release, name="release-yank"),
    path("release/<str:version>/unyank/", manage.unyank_release, name="release-unyank"),
    path("release/<str:version>/delete/", lifecycle.delete_release, name="release-delete"),
    path("file/<str:filename>/delete/", lifecycle.delete_file, name="file-delete"),
    path("people/", people.show_people, name="people"),
    path("people/invite/", people.invite, name="person-invite"),
    path("people/<str:username>/role/", people.change_role, name="role-change"),
    path("people/<str:username>/remove/", people.remove_role, name="role-remove"),
    path("invitations/<uuid:pk>/revoke/", people.revoke_invitation, name="invitation-revoke"),
    path("history/", history.show_history, name="project-history"),
    path("history.csv", history.download_history, {"form": "csv"}, name="history-csv"),
    path("history.json", history.download_history, {"form": "json"}, name="history-json"),
    path("settings/", manage.show_settings, name="project-settings"),
    path("archive/", lifecycle.archive_project, name="project-archive"),
    path("transfer/", people.transfer_project, name="project-transfer"),
    path("delete/", lifecycle.delete_project, name="project-delete"),
]
human_urlpatterns = [
    path("", pages.show_home, name="home"),
    path("project/<str:name>/", pages.show_project, name="project-detail"),
    path("search/", pages.show_search, name="search"),
    path("classifiers/", pages.show_classifiers, name="classifiers"),
    path("project/<str:name>/releases/", pages.show_releases, name="release-list"),
    path("project/<str:name>/report/", reports.report_project, name="project-report"),
    path("project/<str:name>/<str:version>/", pages.show_project, name="release-detail"),
    path("user/<str:username>/", pages.show_user, name="user-detail"),
    path("manage/projects/", manage.show_projects, name="my-projects"),
    path("manage/projects/invite/", people.invite_to_many, name="invite-to-many"),
    path("manage/invitations/", people.list_invitations, name="invitation-list"),
    path("manage/invitations/<uuid:pk>/", people.show_invitation, name="invitation-detail"),
    path("manage/project/<str:name>/", include(project_urlpatterns)),
]
urlpatterns = [*machine_urlpatterns, *human_urlpatterns]
