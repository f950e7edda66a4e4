"""The delivery door: `POST /legacy/`, as twine, uv and flit knock on it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from audit.actors import Actor, from_connection
from audit.failures import record_failure
from projects.models import Project
from tokens.authentication import actor_of, record_refusal
from tokens.credentials import TokenCredential, TokenRefused
from uploads import incoming
from uploads.authentication import TooManyAttempts, UploadAuthentication
from uploads.credentials import Credential
from uploads.errors import UploadRefused, database_is_down, refusal_response
from uploads.events import UPLOAD_REFUSED
from uploads.operations.accepting import accept_upload
from uploads.requests import UploadRequest, read_form, single

_DEAD_ACTIONS = {
    "submit": "Projects are not registered beforehand; upload the files instead.",
    "submit_pkg_info": "Projects are not registered beforehand; upload the files instead.",
    "doc_upload": "Documentation is not hosted here; publish it elsewhere.",
}


class AnyAccept(BaseContentNegotiation):
    """Answers are one line of text whatever the client says it accepts."""

    def select_parser(self, request: Request, parsers: Any) -> None:
        """None: the body is read by `uploads.incoming`."""
        return

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first one."""
        return renderers[0], renderers[0].media_type


class PlainText(BaseRenderer):
    """Stands in the place of DRF's renderers, which are not asked."""

    media_type = "text/plain"


class UploadView(APIView):
    """Takes one file. Every refusal is one line, in the reason phrase and as the body."""

    authentication_classes = [UploadAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes: list[Any] = []
    renderer_classes = [PlainText]
    content_negotiation_class = AnyAccept
    http_method_names = ["get", "head", "post"]

    def perform_authentication(self, request: Request) -> None:
        """Ask for a token where something is uploaded; the help page is for everybody."""
        if request.method == "POST":
            super().perform_authentication(request)

    def check_permissions(self, request: Request) -> None:
        """As for authentication."""
        if request.method == "POST":
            super().check_permissions(request)

    def get(self, request: Request) -> HttpResponse:
        """Explain the door to a person who opens it in a browser."""
        return render(request._request, "uploads/help.html")

    def post(self, request: Request) -> HttpResponse:
        """Receive, check, publish; record whatever was refused."""
        credential: Any = request.auth
        by = _actor(request, credential)
        upload: UploadRequest | None = None
        try:
            with incoming.receive(request._request) as (form, file):
                _require_action(request._request.GET, form)
                upload = read_form(form, file)
                accept_upload(upload, credential=credential, by=by)
        except TokenRefused as refusal:
            record_refusal(request._request, refusal)
            return refusal_response(refusal.sentence, status=403)
        except UploadRefused as refusal:
            if refusal.status < 500:  # others are no fault of the uploader's
                _record(refusal, upload, by=by)
            response = refusal_response(refusal.sentence, status=refusal.status)
            if refusal.retry_after is not None:
                response["Retry-After"] = str(refusal.retry_after)
            return response
        return HttpResponse(b"", content_type="text/plain")

    def handle_exception(self, exc: Exception) -> Any:
        """Turn what the uploader did wrong into its line; our own mistakes stay mistakes."""
        if isinstance(exc, APIException):
            status = 403 if exc.status_code == 401 else exc.status_code
            response = refusal_response(str(exc.detail), status=status)
            if isinstance(exc, TooManyAttempts):
                response["Retry-After"] = str(exc.retry_after)
            return response
        if isinstance(exc, OperationalError | InterfaceError):
            return database_is_down(exc)
        raise exc


def _actor(request: Request, credential: Credential) -> Actor:
    if isinstance(credential, TokenCredential):
        return actor_of(request._request, credential.token)
    return from_connection(request._request).as_user(credential.user, credential="password")


def _record(refusal: UploadRefused, upload: UploadRequest | None, *, by: Actor) -> None:
    """Remember a refusal in the histories of the account and, if it is known, of the project."""
    target = upload.normalized_name if upload is not None else ""
    project = Project.objects.filter(normalized_name=target).first() if target else None
    record_failure(
        UPLOAD_REFUSED,
        by=by,
        about=[by.user] if project is None else [by.user, project],
        distinct_by=refusal.code,
        code=refusal.code,
        target=target,
        filename=upload.parsed.filename if upload and refusal.code != "not_allowed" else "",
    )


def _require_action(*sources: QueryDict) -> None:
    """Only files are taken; the actions of former times say so.

    Raises:
        UploadRefused: for any other action.
    """
    action = next((found for source in sources if (found := single(source, ":action"))), "")
    if action in _DEAD_ACTIONS:
        raise UploadRefused(_DEAD_ACTIONS[action], code="dead_action", status=410)
    if action != "file_upload":
        raise UploadRefused(
            "The field ':action' must be 'file_upload'; nothing else can be done here.",
            code="action",
            status=405,
        )


def show_token_help(request: HttpRequest) -> HttpResponse:
    """Say what to do for who is told that passwords do not upload."""
    return render(request, "uploads/token_help.html")


@csrf_exempt
def missing_slash(request: HttpRequest) -> HttpResponse:
    """`/legacy`: say where the door is, as PyPI does.

    With the whole address, because twine and uv compare it with theirs, and say what is wrong.
    """
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    door = f"{settings.SITE_URL}{reverse('uploads:file-upload')}"
    response = refusal_response(
        f"The upload address is {door}, with a slash at its end. Put that into the client's "
        "settings.",
        status=308,
    )
    response["Location"] = door
    return response
