"""Taking one's data along."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from accounts.data import stream
from accounts.operations import closing
from accounts.sudo import sudo_page


def _download(request: HttpRequest) -> Any:
    """Everything that the site holds about this person."""
    user: Any = request.user
    closing.note_download(user, by=request.actor)  # type: ignore[attr-defined]
    name = f"{user.get_username()}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(stream(user), content_type="application/json", headers=headers)


download = sudo_page(_download)
