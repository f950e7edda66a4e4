"""All doors: machines first, then people, then staff."""

from django.contrib import admin
from django.urls import include, path

from accounts.urls import two_factor_patterns

machine_doors: list[object] = []
human_doors = [
    path("", include("projects.urls")),
    path("", include("uploads.urls")),
    path("account/", include("accounts.urls")),
    path("account/", include(two_factor_patterns)),
    path("", include("tokens.urls")),
    path("admin/", admin.site.urls),
]
urlpatterns = [*machine_doors, *human_doors]
