"""The pages of API tokens."""

from django.urls import path

from tokens.views import manage

app_name = "tokens"
urlpatterns = [
    path("", manage.list_tokens, name="token-list"),
    path("make/", manage.create_token, name="token-create"),
    path("<uuid:pk>/revoke/", manage.revoke_token, name="token-revoke"),
]
