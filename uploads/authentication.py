"""Who uploads: an API token as `tokens.authentication` reads it, or a user name and a password."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from accounts import verification
from accounts.limits import LimitReached
from audit.actors import from_connection
from audit.failures import record_failure
from tokens.authentication import UploadTokenAuthentication, is_about_tokens, read_basic
from uploads import policy
from uploads.credentials import PasswordCredential
from uploads.errors import UploadRefused
from uploads.events import UPLOAD_REFUSED

WRONG = "The user name or the password is wrong, or the account may not upload."


class TooManyAttempts(APIException):
    """Passwords were tried too often; this one was not looked at.

    Args:
        retry_after: the seconds to wait.
    """

    status_code = 429

    def __init__(self, retry_after: int) -> None:
        minutes = max(1, round(retry_after / 60))
        super().__init__(f"There were too many wrong passwords. Try again in {minutes} minutes.")
        self.retry_after = retry_after


class UploadAuthentication(UploadTokenAuthentication):
    """Finds the bearer of a token or of a password. Failures are 403, as on PyPI."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        """The account and the credential.

        Raises:
            AuthenticationFailed: with a sentence for the uploader.
            TooManyAttempts: likewise.
        """
        pair = read_password(request.META.get("HTTP_AUTHORIZATION", ""))
        if pair is None:
            return super().authenticate(request)
        by = from_connection(request._request)
        try:
            policy.require(None, None, "password")
        except UploadRefused as refusal:
            record_failure(
                UPLOAD_REFUSED,
                by=by,
                distinct_by=refusal.code,
                code=refusal.code,
                target="",
                filename="",
            )
            raise AuthenticationFailed(refusal.sentence) from refusal
        try:
            user = verification.check_upload_password(*pair, by=by)
        except LimitReached as reached:
            raise TooManyAttempts(reached.retry_after) from reached
        if user is None:
            raise AuthenticationFailed(WRONG)
        return user, PasswordCredential(user, user.password)


def read_password(header: str) -> tuple[str, str] | None:
    """User name and password in an Authorization header (RFC 7617).

    Returns:
        None if it holds anything else, which is then read as a token.
    """
    scheme, _space, value = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, password = read_basic(value)
    except ValueError:
        return None
    password = password.rstrip("\r\n")  # of a settings file
    if not password or is_about_tokens(username, password):
        return None
    return username, password
