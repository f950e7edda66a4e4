"""The app as Django knows it."""

from django.apps import AppConfig


class UploadsConfig(AppConfig):
    """Its configuration."""

    name = "uploads"
