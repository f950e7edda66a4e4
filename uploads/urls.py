"""The delivery door."""

from django.urls import path

from uploads.views import UploadView, missing_slash

app_name = "uploads"
urlpatterns = [
    path("legacy/", UploadView.as_view(), name="file-upload"),
    path("legacy", missing_slash, name="file-upload-without-slash"),
]
