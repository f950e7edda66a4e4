"""QR codes as inline SVG."""

from __future__ import annotations

import qrcode
import qrcode.image.svg
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe


def issuer() -> str:
    """What an authenticator app lists this site under."""
    return str(settings.SITE_NAME)


def svg(text: str) -> SafeString:
    """A QR code of `text`: an `svg` element without style, script or XML head."""
    image = qrcode.make(text, image_factory=qrcode.image.svg.SvgPathImage, border=2)
    markup = image.to_string(encoding="unicode")
    return mark_safe(markup)  # noqa: S308  (made of numbers by the library)
