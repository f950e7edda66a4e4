"""The pages of API tokens."""

from django.urls import path

from tokens.views import create, manage

app_name = "tokens"
urlpatterns = [
    path("", manage.list_tokens, name="token-list"),
    path("make/", create.create_token, name="token-create"),
    path("<uuid:pk>/", manage.show_token, name="token-detail"),
    path("<uuid:pk>/rename/", manage.rename_token, name="token-rename"),
    path("<uuid:pk>/revoke/", manage.revoke_token, name="token-revoke"),
]
