"""Two small doors for programs that hold an API token: what may it do, and yanking."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import Http404
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.actors import Actor
from projects.models import Project, Release
from projects.names import canonical_version, normalize, shown
from projects.operations import publishing
from tokens.allowances import Allowance, add_up
from tokens.authentication import UploadTokenAuthentication, actor_of, record_refusal
from tokens.credentials import TokenCredential, TokenRefused
from tokens.descriptions import describe, has_outlived_its_projects

MAX_BODY = 16 * 1024  # bytes


class TooLarge(APIException):
    """A body that is longer than any that makes sense here."""

    status_code = 413
    default_detail = f"The body is longer than {MAX_BODY} bytes."


class SmallObjects(JSONParser):
    """Reads one JSON object in UTF-8."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Read it.

        Raises:
            TooLarge: if it is too long.
            ParseError: if it is something else.
        """
        try:
            body = stream.read(MAX_BODY + 1)
            if len(body) > MAX_BODY:
                raise TooLarge
            data = json.loads(body or b"{}")
        except (ValueError, RecursionError, OSError) as error:
            raise ParseError("The body is not JSON in UTF-8.") from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        return data


class AlwaysJSON(DefaultContentNegotiation):
    """Answers are JSON whatever the client says it accepts."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first one."""
        return renderers[0], renderers[0].media_type


class TokenView(APIView):
    """A page that only an API token opens. Every refusal is one sentence, as JSON and as the reason
    phrase.
    """

    authentication_classes = [UploadTokenAuthentication]
    permission_classes = [IsAuthenticated]
    renderer_classes = [JSONRenderer]
    parser_classes = [SmallObjects]
    content_negotiation_class = AlwaysJSON

    def handle_exception(self, exc: Exception) -> Response:
        """Say what is wrong; our own mistakes stay mistakes."""
        if isinstance(exc, TokenRefused):
            record_refusal(self.request._request, exc)
            return _refusal(exc.sentence, 403)
        if isinstance(exc, UnsupportedMediaType):
            return _refusal("Send the body as JSON, with 'Content-Type: application/json'.", 415)
        if isinstance(exc, APIException):
            return _refusal(str(exc.detail), 403 if exc.status_code == 401 else exc.status_code)
        if isinstance(exc, ValidationError):
            return _refusal(" ".join(exc.messages), 400)
        if isinstance(exc, PermissionDenied):
            return _refusal(str(exc), 403)
        if isinstance(exc, Http404):
            return _refusal(str(exc), 404)
        raise exc

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep answers out of caches: they depend on who asks."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store, private"
        return response


class ShowTokenView(TokenView):
    """`GET /api/v1/token`: what the presented token may do, its own restrictions included."""

    def get(self, request: Request) -> Response:
        """Say it, and what stands in the way of it at this moment."""
        credential: TokenCredential = request.auth  # type: ignore[assignment]
        token = credential.token
        by = actor_of(request._request, token)
        allowed = add_up(credential.texts)
        if allowed.users is not None and str(token.user_id) not in allowed.users:
            allowed = replace(allowed, users=())
        return Response(
            {
                "id": str(token.pk),
                "name": token.name,
                "user": token.user.username,
                **_as_json(allowed),
                "sentence": f"{describe(allowed, new_project=token.awaits_project)}.",
                "problem": _problem(credential),
                "refused_by": _refused_by(credential, allowed, by=by),
            }
        )


class YankView(TokenView):
    """`POST /api/v1/projects/<name>/releases/<version>/yank`, and `/unyank`."""

    operation: Any = None

    def post(self, request: Request, name: str, version: str) -> Response:
        """Yank, or take that back; the reason is optional."""
        credential: TokenCredential = request.auth  # type: ignore[assignment]
        by = actor_of(request._request, credential.token)
        project = Project.objects.filter(normalized_name=normalize(name)).first()
        credential.authorize("yank", name=normalize(name), project=project, by=by)
        release = _find_release(project, name, version)
        data = cast("dict[str, Any]", request.data)  # the parser takes nothing else
        reason = _text(data.get("reason", ""))
        type(self).operation(release, by=by, reason=reason)
        credential.note_use(by=by, project=normalize(name))
        release.refresh_from_db()
        return Response(
            {
                "project": release.project.name,
                "version": release.version,
                "is_yanked": release.is_yanked,
                "reason": release.yanked_reason,
            }
        )


class YankReleaseView(YankView):
    """Hides a release from those who did not ask for exactly it."""

    operation = staticmethod(publishing.yank_release)


class UnyankReleaseView(YankView):
    """Takes a yank back."""

    operation = staticmethod(publishing.unyank_release)


def _as_json(allowed: Allowance) -> dict[str, Any]:
    return {
        "actions": list(allowed.possible_actions),
        "projects": None if allowed.patterns is None else list(allowed.patterns),
        "project_ids": None if allowed.ids is None else list(allowed.ids),
        "networks": None if allowed.networks is None else list(allowed.networks),
        "not_before": _as_time(allowed.not_before or None),
        "expires_at": _as_time(allowed.expires_at),
    }


def _as_time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _problem(credential: TokenCredential) -> str | None:
    """Why it is of no use at all, now and from where it is asked."""
    if has_outlived_its_projects(credential.token):
        return "The projects that this API token was made for are gone."
    return _sentence(credential.require_here_and_now) or _sentence(credential.require_account)


def _refused_by(credential: TokenCredential, allowed: Allowance, *, by: Actor) -> dict[str, str]:
    """The projects that it is meant for, names or was cut off from, and that do not let it in."""
    token = credential.token
    actions = [action for action in allowed.actions if action != "create"]
    made_for = token.projects.values_list("pk", flat=True)
    denied = token.denials.values_list("project_id", flat=True)
    named = [text for text in allowed.patterns or () if not text.endswith("*")]
    meant = Q(pk__in={*made_for, *denied}) | Q(normalized_name__in=named)
    if token.awaits_project:
        meant |= Q(normalized_name=token.awaits_project)
    refused: dict[str, str] = {}
    for project in Project.objects.filter(meant).order_by("normalized_name"):
        name, project_id = project.normalized_name, str(project.pk)
        is_covered = allowed.covers(name=name, project_id=project_id)
        if not is_covered and name not in named:
            continue
        for action in actions:
            if is_covered:
                ask = partial(credential.require_welcome, action, project, by=by)
            else:  # it was made for a former project of this name
                ask = partial(credential.require, action, project_name=name, project_id=project_id)
            if sentence := _sentence(ask):
                refused.setdefault(name, sentence)
    return refused


def _sentence(check: Callable[[], None]) -> str | None:
    try:
        check()
    except TokenRefused as refusal:
        return refusal.sentence
    return None


def _find_release(project: Project | None, name: str, version: str) -> Release:
    if project is None:
        raise Http404(f"There is no project {shown(name)}.")
    try:
        canonical = canonical_version(version)
    except ValueError as error:
        raise Http404(f"The {error}.") from error
    release = Release.objects.filter(project=project, canonical_version=canonical).first()
    if release is None:
        raise Http404(f"There is no release {shown(version)} of this project.")
    return release


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError("The field 'reason' must be text.")
    if any("\ud800" <= mark <= "\udfff" or mark == "\0" for mark in value):
        raise ValidationError("The field 'reason' holds characters that are none.")
    return value


def _refusal(sentence: str, status: int) -> Response:
    response = Response({"message": sentence}, status=status)
    response.reason_phrase = " ".join(sentence.split()).encode("ascii", "replace").decode()[:400]
    return response
