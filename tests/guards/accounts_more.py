"""What protects accounts: their last doors, and what is told of them."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "a sign-in that comes too late says so",
        "accounts/two_factor.py",
        "except PermissionDenied as refusal:",
        "except SuspiciousOperation as refusal:",
        "tests/accounts/test_late_changes.py"
        "::test_a_code_that_comes_too_late_leads_back_to_the_sign_in_page",
    ),
    Guard(
        "a deleted account is not signed in",
        "accounts/login.py",
        "    if present is None:\n",
        "    if False:\n",
        "tests/accounts/test_late_changes.py::test_an_account_that_is_gone_is_not_signed_in",
    ),
    Guard(
        "a denial forgets devices before it records",
        "accounts/operations/denials.py",
        "    sessions.end_sessions(user, keep=None, forget_devices=True, by=by)\n",
        "    sessions.end_sessions(user, keep=None, by=by)\n"
        "    user.known_devices.all().delete()\n",
        "tests/accounts/test_denials.py::test_nobody_waits_for_a_row_once_the_memory_is_held",
    ),
    Guard(
        "where a token was used is forgotten with other origins",
        "audit/erasure.py",
        "    origins.erase_elsewhere(before)\n",
        "",
        "tests/tokens/test_origins.py"
        "::test_where_a_token_was_used_last_is_forgotten_with_other_origins",
    ),
    Guard(
        "staff of projects see no token's page",
        "tokens/operations/leaks.py",
        "MAY_SEE = MAY_REVOKE | {AUDITOR}",
        'MAY_SEE = MAY_REVOKE | {AUDITOR, "Projects"}',
        "tests/tokens/test_origins.py::test_staff_who_see_no_origins_see_none_of_a_token",
    ),
    Guard(
        "a request that claims an odd charset fails nothing",
        "indexsite/wsgi.py",
        "whole_way.request_class = Utf8Request\n",
        "",
        "tests/indexsite/test_encoding.py"
        "::test_a_request_is_read_as_utf_8_whatever_it_says_of_itself",
    ),
    Guard(
        "a denial leaves the owner a primary address",
        "accounts/operations/denials.py",
        "    _ensure_primary(user)\n",
        "",
        "tests/accounts/test_denials.py"
        "::test_a_denial_by_the_intruder_leaves_the_owner_a_primary_address",
    ),
    Guard(
        "a prohibited name that an account had stays reserved when it is allowed",
        "accounts/operations/user_names.py",
        "    if has_been_used(row.key):\n",
        "    if False:\n",
        "tests/accounts/test_disabled_passwords.py"
        "::test_whoever_has_a_prohibited_name_can_delete_the_account_and_the_name_stays_used",
    ),
]
