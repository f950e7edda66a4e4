"""What protects accounts and the pages of staff."""

from tests.guards import Guard

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
        "self._rows(key).filter(version=row.version)",
        "self._rows(key)",
        "tests/accounts/test_limits.py::test_exactly_so_many_of_eight_racing_attempts_get_through",
    ),
    Guard(
        "no sign-in without the second factor",
        "accounts/two_factor.py",
        "self.needs_factor[user.pk] = user.has_second_factor and not devices",
        "self.needs_factor[user.pk] = not user.has_second_factor and not devices",
        "tests/accounts/test_sign_in.py::test_a_password_and_a_code_sign_in",
    ),
    Guard(
        "account pages refuse a session without its second factor",
        "accounts/gates.py",
        "return not user.has_second_factor or bool(user.is_verified()) or _skipped_factor(request)",
        "return True",
        "tests/accounts/test_gates.py"
        "::test_every_page_that_is_not_public_refuses_whoever_is_not_fully_signed_in",
    ),
    Guard(
        "nothing before a recovery code was typed back",
        "accounts/gates.py",
        "if user.must_confirm_recovery_codes:",
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
        "    sessions.end_sessions(user, keep=keep_session, by=by)\n    record(_ADDED",
        "    record(_ADDED",
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
        "audit/actors.py",
        "return hashlib.sha256(session_key.encode()).hexdigest()[:40]",
        "return session_key",
        "tests/accounts/test_sessions.py::test_the_key_of_a_session_is_not_in_the_database",
    ),
    Guard(
        "staff need a verified second factor",
        "accounts/staff_gate.py",
        "        and user.is_verified()\n",
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
]
