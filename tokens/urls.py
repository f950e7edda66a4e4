"""The addresses of API tokens: those for programs and finders, then those of people."""

from django.urls import path

from tokens.views import api, create, leaks, manage, uploaders

app_name = "tokens"
machine_urlpatterns = [
    path("_/secrets/disclose-token", leaks.disclose_token, name="disclose"),
    path("api/v1/token", api.ShowTokenView.as_view(), name="api-token"),
    path(
        "api/v1/projects/<str:name>/releases/<str:version>/yank",
        api.YankReleaseView.as_view(),
        name="api-yank",
    ),
    path(
        "api/v1/projects/<str:name>/releases/<str:version>/unyank",
        api.UnyankReleaseView.as_view(),
        name="api-unyank",
    ),
]
human_urlpatterns = [
    path("account/tokens/", manage.list_tokens, name="token-list"),
    path("account/tokens/make/", create.create_token, name="token-create"),
    path("account/tokens/<uuid:pk>/", manage.show_token, name="token-detail"),
    path("account/tokens/<uuid:pk>/rename/", manage.rename_token, name="token-rename"),
    path("account/tokens/<uuid:pk>/revoke/", manage.revoke_token, name="token-revoke"),
    path("manage/project/<str:name>/uploaders/", uploaders.show_uploaders, name="uploaders"),
    path("manage/project/<str:name>/uploaders/<uuid:pk>/", uploaders.deny, name="deny"),
    path("manage/project/<str:name>/uploaders/<uuid:pk>/let-in/", uploaders.let_in, name="let-in"),
    path("found-token/", leaks.found_token, name="found-token"),
]
urlpatterns = [*machine_urlpatterns, *human_urlpatterns]
