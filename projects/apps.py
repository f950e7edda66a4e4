"""The app as Django knows it."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Its configuration."""

    name = "projects"
