"""All doors: machines first, then people, then staff."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.urls import two_factor_patterns
from indexsite.views import show_failure, show_malformed, show_missing, show_stats

machine_doors: list[object] = []
human_doors = [
    path("", include("projects.urls")),
    path("", include("uploads.urls")),
    path("account/", include("accounts.urls")),
    path("account/", include(two_factor_patterns)),
    path("", include("tokens.urls")),
    path("admin/", admin.site.urls),
    path("stats/", show_stats, name="stats"),
    # Password managers ask here for the page where a password is changed.
    path(
        ".well-known/change-password",
        RedirectView.as_view(pattern_name="accounts:change-password"),
        name="change-password",
    ),
]
handler400 = show_malformed
handler404 = show_missing
handler500 = show_failure
urlpatterns = [*machine_doors, *human_doors]
