"""What all rooms of this floor share."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _unread_static_files(settings: Any) -> None:
    """Spare every test client the walk through the folders of static files."""
    settings.WHITENOISE_AUTOREFRESH = True
