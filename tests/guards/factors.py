"""What protects second factors, passkeys and sudo mode."""

from tests.guards import Guard

KEYS = "accounts/security_keys.py"
GUARDS = [
    Guard(
        "a challenge is answered once, of 8 at once",
        KEYS,
        'raise ValueError("a challenge that was spent before") from error',
        "del error",
        "tests/accounts/test_key_sign_in.py::test_of_eight_requests_with_one_answer_one_is_let_in",
    ),
    Guard(
        "a challenge is of one session, account and purpose",
        KEYS,
        "if not hmac.compare_digest(seal, _seal(head, purpose, user, session)):",
        "if False:",
        "tests/accounts/test_key_sign_in.py::test_an_answer_from_another_session_signs_nobody_in",
    ),
    Guard(
        "a challenge ends after five minutes",
        KEYS,
        "if not 0 <= time.time() - made_at < LASTS:",
        "if False:",
        "tests/accounts/test_adding_keys.py::test_an_answer_counts_for_five_minutes",
    ),
    Guard(
        "a passkey says whose it is",
        KEYS,
        "if used.user_handle != key.user.pk.bytes and (as_passkey or used.user_handle):",
        "if False:",
        "tests/accounts/test_passkeys.py::test_a_passkey_must_say_whose_it_is",
    ),
    Guard(
        "the count of a key does not go back",
        KEYS,
        "counts_on = Q(sign_count__lt=used.sign_count) if used.sign_count else Q(sign_count=0)",
        "counts_on = Q()",
        "tests/accounts/test_key_sign_in.py::test_a_count_that_went_back_is_refused_and_recorded",
    ),
    Guard(
        "a security key does not sign in alone",
        KEYS,
        "is_passkey=True, confirmed=True, held_at=None, user__is_active=True",
        "confirmed=True, held_at=None, user__is_active=True",
        "tests/accounts/test_passkeys.py::test_a_security_key_does_not_sign_in_alone",
    ),
    Guard(
        "a passkey of a closed account signs nobody in",
        KEYS,
        "is_passkey=True, confirmed=True, held_at=None, user__is_active=True",
        "is_passkey=True, confirmed=True, held_at=None",
        "tests/accounts/test_passkeys.py"
        "::test_a_passkey_of_a_closed_account_or_that_is_held_or_removed_is_refused",
    ),
    Guard(
        "known keys are excluded when another is made",
        KEYS,
        "known=_known(SecurityKey.objects.filter(user=user)),",
        "known=[],",
        "tests/accounts/test_adding_keys.py::test_a_key_that_is_known_is_excluded_and_refused",
    ),
    Guard(
        "a passkey has checked who uses it",
        "accounts/webauthn.py",
        "credential_current_sign_count=0,\n            require_user_verification=as_passkey,",
        "credential_current_sign_count=0,",
        "tests/accounts/test_passkeys.py::test_a_passkey_must_check_its_user",
    ),
    Guard(
        "a public key that fits nothing is not stored",
        "accounts/webauthn.py",
        "    _refusing(_usable, made.credential_public_key)\n",
        "",
        "tests/accounts/test_webauthn.py"
        "::test_a_public_key_that_no_signature_can_fit_is_refused_at_once",
    ),
    Guard(
        "labels are unique over all kinds of factors",
        "accounts/operations/second_factors.py",
        "        if others.exists():\n",
        "        if False:\n",
        "tests/accounts/test_adding_keys.py::test_labels_are_unique_over_all_kinds",
    ),
    Guard(
        "the last factor stays where one must be",
        "accounts/operations/second_factors.py",
        "if is_last and policy.must_have_second_factor(user):",
        "if False:",
        "tests/accounts/test_adding_keys.py::test_an_app_may_go_where_a_key_stays",
    ),
    Guard(
        "sudo mode asks for a second factor where there is one",
        "accounts/forms/sudo.py",
        "if not user.has_second_factor:",
        "if True:",
        "tests/accounts/test_sudo.py"
        "::test_the_password_is_not_enough_where_there_is_a_second_factor",
    ),
    Guard(
        "a carried form is of one session and one page",
        "accounts/sudo.py",
        'return f"{request.user.pk}|{session}|{request.get_full_path()}"',
        'return f"{request.user.pk}"',
        "tests/accounts/test_sudo.py::test_a_form_is_carried_within_one_session_and_one_page",
    ),
    Guard(
        "passwords and codes are not carried over the prompt",
        "accounts/sudo.py",
        " if not _SECRET_NAME.search(name)]",
        "]",
        "tests/accounts/test_sudo.py::test_passwords_and_codes_are_not_carried",
    ),
    Guard(
        "new recovery codes ask again after five minutes",
        "accounts/views/second_factors.py",
        "gate=codes_page, lasts=SHORT)",
        "gate=codes_page)",
        "tests/accounts/test_sudo.py::test_what_takes_over_or_destroys_asks_after_five_minutes",
    ),
    Guard(
        "deleting an account asks again after five minutes",
        "accounts/views/closing.py",
        "sudo_page(_close_account, lasts=SHORT)",
        "sudo_page(_close_account)",
        "tests/accounts/test_sudo.py::test_what_takes_over_or_destroys_asks_after_five_minutes",
    ),
    Guard(
        "another primary address asks again after five minutes",
        "accounts/views/emails.py",
        "sudo_page(_make_primary, lasts=SHORT)",
        "sudo_page(_make_primary)",
        "tests/accounts/test_sudo.py::test_what_takes_over_or_destroys_asks_after_five_minutes",
    ),
    Guard(
        "codes that were made meanwhile were not typed back",
        "accounts/operations/second_factors.py",
        "RecoveryCodeSet.objects.filter(pk=code_set.pk, confirmed=False)",
        "RecoveryCodeSet.objects.filter(user=code_set.user, confirmed=False)",
        "tests/accounts/test_recovery_codes.py"
        "::test_codes_that_are_made_while_another_is_typed_back_are_not_kept_yet",
    ),
]
