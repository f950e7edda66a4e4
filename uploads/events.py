"""What the memory can say of the delivery door."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

UPLOAD_REFUSED = define(
    "upload:file:refused",
    _("{actor} was refused an upload to {target}: {code}"),
    "code",
    "target",
    "filename",
    is_failure=True,
)
