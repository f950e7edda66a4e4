"""Imports go down only, lazy ones and those in text too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.reading import floor_files, name_of, upward_imports

pytestmark = pytest.mark.once


@pytest.mark.parametrize("path", floor_files(), ids=name_of)
def test_nothing_reaches_up(path: Path) -> None:
    package = ".".join(Path(name_of(path)).parent.parts)
    assert upward_imports(path.read_text(), package) == []


# A planted example of each way to reach up, and what must be found in it
REACHING_UP = {
    "import": ("projects", "import tokens"),
    "import of a module": ("projects", "import tokens.models as models"),
    "from": ("projects.views", "from tokens.models import APIToken"),
    "relative": ("projects.views", "from ...tokens import models"),
    "lazy": ("audit", "def f():\n    from accounts.models import User\n    return User"),
    "lazy in a method": ("accounts", "class A:\n    def f(self):\n        import uploads.policy"),
    "for type checkers": ("audit", "if TYPE_CHECKING:\n    from accounts.models import User"),
    "by name": ("accounts", 'import_module("projects.models")'),
    "by name, of an attribute": ("accounts", 'importlib.import_module("projects")'),
    "by the built-in": ("accounts", '__import__("tokens")'),
    "by Django's": ("audit", 'import_string("accounts.models.User")'),
    "looked up": ("accounts", 'apps.get_model("tokens", "APIToken")'),
    "looked up by label": ("accounts", 'apps.get_model("tokens.APIToken")'),
    "looked up by keyword": ("accounts", 'apps.get_app_config(app_label="tokens")'),
    "relation": ("projects", 'token = models.ForeignKey("tokens.APIToken", on_delete=CASCADE)'),
    "relation by keyword": ("projects", 'x = ForeignKey(to="tokens.APIToken", on_delete=CASCADE)'),
    "relation through": ("projects", 'x = ManyToManyField(User, through="tokens.Grant")'),
    "one to one": ("accounts", 'x = models.OneToOneField("projects.Project", CASCADE)'),
    "setting": ("accounts", 'BACKEND = "tokens.backends.UploadTokenBackend"'),
    "migration": ("projects.migrations", 'dependencies = [("tokens", "0001_initial")]'),
    "roof": ("uploads", "from indexsite import settings"),
}


@pytest.mark.parametrize(("package", "source"), REACHING_UP.values(), ids=REACHING_UP.keys())
def test_each_way_to_reach_up_is_found(package: str, source: str) -> None:
    assert len(upward_imports(source, package)) == 1


REACHING_DOWN = {
    "down": ("projects", "from accounts.models import User"),
    "sideways": ("projects.views", "from projects.models import Project"),
    "relative": ("projects.views", "from . import pages"),
    "relative, one up": ("projects.views", "from ..models import Project"),
    "relation": ("projects", 'owner = models.ForeignKey("accounts.User", on_delete=CASCADE)'),
    "URL name": ("accounts", 'reverse("projects:my-projects")'),
    "template": ("accounts", 'render(request, "tokens/list.html")'),
    "another library": ("audit", "import tokenize\nimport accountsx"),
    "words": ("audit", 'x = "uploads are refused. accounts are not."'),
    "migration": ("tokens.migrations", 'dependencies = [("projects", "0001_initial")]'),
}


@pytest.mark.parametrize(("package", "source"), REACHING_DOWN.values(), ids=REACHING_DOWN.keys())
def test_what_is_allowed_is_not_found(package: str, source: str) -> None:
    assert upward_imports(source, package) == []
