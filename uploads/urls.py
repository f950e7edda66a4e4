"""The delivery door."""

from django.urls import path

from uploads.views import UploadView, missing_slash, show_token_help

app_name = "uploads"
urlpatterns = [
    path("legacy/", UploadView.as_view(), name="file-upload"),
    path("help/api-tokens/", show_token_help, name="token-help"),
    path("legacy", missing_slash, name="file-upload-without-slash"),
]
