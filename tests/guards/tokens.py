"""What protects API tokens."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "a revoked token stops working",
        "tokens/credentials.py",
        "if token.revoked_at is not None:",
        "if False:",
        "tests/tokens/test_credentials.py",
    ),
    Guard(
        "a forged token is refused",
        "tokens/credentials.py",
        "return macaroons.has_valid_signature(parsed, key)",
        "return True",
        "tests/uploads/test_uploading.py::test_a_forged_token_is_refused",
    ),
    Guard(
        "a token says what it may do",
        "tokens/credentials.py",
        "if not any(_is_actions(text) for text in token.caveats):",
        "if False:",
        "tests/uploads/test_uploading.py::test_a_token_without_a_stored_action_is_refused",
    ),
    Guard(
        "stored caveats count",
        "tokens/credentials.py",
        "TokenCredential(token, (*parsed.caveats, *token.caveats))",
        "TokenCredential(token, parsed.caveats)",
        "tests/uploads/test_uploading.py::test_a_stored_caveat_narrows_a_token_that_is_out",
    ),
    Guard(
        "a project token stays with its project",
        "tokens/operations/lifecycle.py",
        "        caveats.dump(caveats.ProjectID(tuple(str(row.pk) for row in projects))),\n",
        "",
        "tests/uploads/test_uploading.py"
        "::test_a_project_token_does_not_follow_the_name_to_another_project",
    ),
    Guard(
        "a token opens no session",
        "tokens/backends.py",
        'raise PermissionDenied("An API token opens no session.")',
        'return ""',
        "tests/tokens/test_backends.py",
    ),
    Guard(
        "a token text is accepted in one spelling",
        "tokens/macaroons.py",
        "    if not is_canonical:\n",
        "    if False:\n",
        "tests/tokens/test_macaroons.py",
    ),
]
