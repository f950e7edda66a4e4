"""Takes guards out of the code, one at a time, and sees that a named test misses each.

`python -m tests.guards` copies the project into a throw-away folder, changes one line there, and
runs the test that should turn red. A test that stays green guards nothing, and is named. Run it
with a part of a guard's name to try only those. The list grows with the product.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "*.sqlite3"
)


@dataclass(frozen=True)
class Guard:
    """A line that protects somebody.

    Attributes:
        name: what it guards against.
        path: the file it is in.
        line: the text that is the guard, exactly once in that file.
        without: the text in its place.
        test: the test that must turn red, as pytest names it.
    """

    name: str
    path: str
    line: str
    without: str
    test: str


GUARDS = [
    Guard(
        "a code is spent once, of 8 at once",
        "accounts/verification.py",
        "filter(pk=app.pk, last_step__lt=step)",
        "filter(pk=app.pk)",
        "tests/accounts/test_sign_in.py::test_of_eight_browsers_with_one_code_one_is_signed_in",
    ),
    Guard(
        "a code is spent at set-up, too",
        "accounts/operations/second_factors.py",
        "confirmed=True, name=label, last_step=step, created_at",
        "confirmed=True, name=label, created_at",
        "tests/accounts/test_second_factors.py::test_the_code_of_the_set_up_does_not_sign_in",
    ),
    Guard(
        "one set-up of 8 at once succeeds",
        "accounts/operations/second_factors.py",
        "filter(pk=app.pk, confirmed=False, last_step__lt=step)",
        "filter(pk=app.pk)",
        "tests/accounts/test_second_factors.py"
        "::test_of_eight_requests_that_set_up_with_one_code_one_succeeds",
    ),
    Guard(
        "a recovery code is used once",
        "accounts/verification.py",
        "digest=digest_recovery_code(text), code_set_id=code_set, used_at=None",
        "digest=digest_recovery_code(text), code_set_id=code_set",
        "tests/accounts/test_sign_in.py::test_a_recovery_code_signs_in_once",
    ),
    Guard(
        "a recovery code is its owner's",
        "accounts/verification.py",
        "digest=digest_recovery_code(text), code_set_id=code_set, used_at=None",
        "digest=digest_recovery_code(text), used_at=None",
        "tests/accounts/test_sign_in.py::test_the_recovery_code_of_another_account_signs_nobody_in",
    ),
    Guard(
        "limits count atomically",
        "accounts/limits.py",
        "row.filter(count__lt=self.times).update",
        "row.update",
        "tests/accounts/test_limits.py::test_exactly_so_many_of_eight_racing_attempts_get_through",
    ),
    Guard(
        "no sign-in without the second factor",
        "accounts/two_factor.py",
        "            and user.has_second_factor\n            and self.BACKUP_STEP not in",
        "            and not user.has_second_factor\n            and self.BACKUP_STEP not in",
        "tests/accounts/test_sign_in.py::test_a_password_and_a_code_sign_in",
    ),
    Guard(
        "account pages refuse a session without its second factor",
        "accounts/gates.py",
        "return not user.has_second_factor or bool(user.is_verified())",
        "return True",
        "tests/accounts/test_gates.py"
        "::test_every_page_that_is_not_public_refuses_whoever_is_not_fully_signed_in",
    ),
    Guard(
        "nothing before a recovery code was typed back",
        "accounts/gates.py",
        "if request.user.must_confirm_recovery_codes:",
        "if False:",
        "tests/accounts/test_recovery_codes.py"
        "::test_until_a_code_was_typed_back_every_page_leads_to_the_codes",
    ),
    Guard(
        "sudo mode ends",
        "accounts/sudo.py",
        "0 <= time.time() - opened_at < lasts",
        "0 <= time.time() - opened_at",
        "tests/accounts/test_sudo.py",
    ),
    Guard(
        "adding a factor ends other sessions",
        "accounts/operations/second_factors.py",
        "        sessions.end_sessions(user, keep=keep_session, by=by)\n        record(APP_ADDED",
        "        record(APP_ADDED",
        "tests/accounts/test_second_factors.py"
        "::test_adding_an_app_verifies_this_session_and_ends_all_others",
    ),
    Guard(
        "a set-up link is spent once",
        "accounts/operations/registration.py",
        "filter(pk=link.pk, spent_at=None, expires_at__gt=now)",
        "filter(pk=link.pk)",
        "tests/accounts/test_set_up.py",
    ),
    Guard(
        "sessions are stored as digests",
        "accounts/sessions.py",
        "return hashlib.sha256(session_key.encode()).hexdigest()[:40]",
        "return session_key",
        "tests/accounts/test_sessions.py::test_the_key_of_a_session_is_not_in_the_database",
    ),
    Guard(
        "staff need a verified second factor",
        "indexsite/staff_site.py",
        "            and user.is_verified()\n",
        "",
        "tests/accounts/test_admin_site.py",
    ),
    Guard(
        "a verification link is its owner's",
        "accounts/operations/emails.py",
        "if by.id != str(address.user_id):",
        "if False:",
        "tests/accounts/test_emails.py",
    ),
    Guard(
        "a revoked token stops working",
        "tokens/credentials.py",
        "if token.revoked_at is not None:",
        "if False:",
        "tests/tokens/test_credentials.py",
    ),
    Guard(
        "a token revoked while a file travels publishes nothing",
        "uploads/operations.py",
        "            credential.require_active()\n",
        "",
        "tests/uploads/test_uploading.py"
        "::test_a_token_that_is_revoked_while_the_file_travels_publishes_nothing",
    ),
    Guard(
        "a forged token is refused",
        "tokens/credentials.py",
        "if not macaroons.has_valid_signature(parsed, key):",
        "if False:",
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
    Guard(
        "strangers do not upload",
        "projects/operations/publishing.py",
        '    project = _lock(project)\n    permissions.require(by, "upload", project)\n',
        "    project = _lock(project)\n",
        "tests/projects/test_publishing.py",
    ),
    Guard(
        "permission is asked before the archive is opened",
        "uploads/operations.py",
        '            permissions.require(by, "upload", project)\n',
        "            pass\n",
        "tests/uploads/test_uploading.py::test_permission_is_asked_before_the_archive_is_opened",
    ),
    Guard(
        "events are only recorded in a transaction",
        "audit/log.py",
        "if not transaction.get_connection().in_atomic_block:",
        "if False:",
        "tests/audit/test_log.py",
    ),
]


def turns_red(guard: Guard, copy: Path) -> bool:
    """Whether the guard's test fails once the guard is gone."""
    path = copy / guard.path
    text = path.read_text()
    if text.count(guard.line) != 1:
        raise SystemExit(f"{guard.path} does not hold this once: {guard.line!r}")
    path.write_text(text.replace(guard.line, guard.without))
    try:
        return run(guard.test, copy) == 1
    finally:
        path.write_text(text)


def run(test: str, copy: Path) -> int:
    """Run a test in the copy; pytest's exit code: 0 all passed, 1 some failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=copy, capture_output=True, check=False).returncode


def main() -> int:
    """Try the guards; 0 if each is missed by its test."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    guards = [guard for guard in GUARDS if wanted in guard.name]
    idle = []
    with tempfile.TemporaryDirectory(prefix="indexsite-guards-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        for test in sorted({guard.test for guard in guards}):
            if run(test, copy) != 0:
                idle.append(f"{test} does not pass as things are")
        for guard in guards:
            missed = turns_red(guard, copy)
            print(f"{'missed' if missed else 'NOT MISSED'}: {guard.name}", flush=True)
            if not missed:
                idle.append(f"{guard.test} stays green without: {guard.name}")
    print(*idle, sep="\n")
    return 1 if idle else 0


if __name__ == "__main__":
    sys.exit(main())
