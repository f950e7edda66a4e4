"""What protects passwords, addresses, invitations and what is taken along."""

from tests.guards import Guard

RESETS = "tests/accounts/test_password_resets.py"
GUARDS = [
    Guard(
        "a reset link is used once, of 8 at once",
        "accounts/operations/passwords.py",
        # either half would do: what was spent is spent, and the password is another one by then
        "if not _is_open(reset, user) or unspent.update(spent_at=timezone.now()) != 1:",
        "if unspent.update(spent_at=timezone.now()) > 1:",
        f"{RESETS}::test_a_reset_that_was_found_open_is_asked_again_when_it_is_used",
    ),
    Guard(
        "a reset link ends with a sign-in",
        "accounts/operations/passwords.py",
        "        and reset.last_login == user.last_login\n",
        "",
        f"{RESETS}::test_the_link_ends_with_any_sign_in",
    ),
    Guard(
        "a reset link ends with a new password",
        "accounts/operations/passwords.py",
        "        and reset.password_version == user.password_version\n",
        "",
        f"{RESETS}::test_a_second_link_ends_once_the_first_was_used",
    ),
    Guard(
        "a reset ends all sessions",
        "accounts/operations/passwords.py",
        "    sessions.end_sessions(user, keep=keep_session, by=by)\n",
        "",
        f"{RESETS}::test_the_link_ends_all_sessions",
    ),
    Guard(
        "a new address waits before it resets passwords",
        "accounts/operations/passwords.py",
        "return wanted[0] if is_settled else by_age[0]",
        "return wanted[0]",
        f"{RESETS}::test_whoever_took_an_account_over_gets_no_reset_to_a_new_address",
    ),
    Guard(
        "held addresses reset no passwords",
        "accounts/models/people.py",
        "filter(verified_at__isnull=False, held_at=None)",
        "filter(verified_at__isnull=False)",
        f"{RESETS}::test_neither_held_nor_unverified_addresses_get_the_mail",
    ),
    Guard(
        "a link is good for its own purpose only",
        "accounts/links.py",
        '_RESET_SALT = "accounts.reset-password"',
        "_RESET_SALT = _VERIFY_SALT",
        f"{RESETS}::test_texts_for_other_purposes_open_nothing",
    ),
    Guard(
        "the primary address is verified",
        "accounts/operations/emails.py",
        "    if not EmailAddress.objects.usable().filter(pk=address.pk).exists():\n",
        "    if False:\n",
        "tests/accounts/test_addresses.py::test_what_cannot_be_the_primary_address",
    ),
    Guard(
        "addresses are changed by their owner",
        "accounts/operations/emails.py",
        "    if by.id != str(address.user_id):\n",
        "    if False:\n",
        "tests/accounts/test_addresses.py::test_addresses_of_others_are_not_there",
    ),
    Guard(
        "an address in use is mailed to its owner, not to whoever typed it",
        "accounts/operations/emails.py",
        "    if other is None:\n",
        "    if True:\n",
        "tests/accounts/test_registration.py"
        "::test_an_address_in_use_makes_no_difference_to_whoever_registers",
    ),
    Guard(
        "a link verifies the address of the owner that it was made for",
        "accounts/views/emails.py",
        "filter(pk=pk, address_key=key, user_id=owner)",
        "filter(pk=pk, address_key=key)",
        "tests/accounts/test_addresses.py::test_a_link_is_bound_to_the_owner_of_its_address",
    ),
    Guard(
        "a user name is not given again",
        "accounts/operations/closing.py",
        "    _reserve_name(user)\n",
        "",
        "tests/accounts/test_closing.py::test_nobody_can_have_its_user_name_again",
    ),
    Guard(
        "of two owners who leave at once, one stays",
        "projects/closing.py",
        "Project.objects.select_for_update(no_key=True).filter(pk__in=roles)",
        "Project.objects.none()",
        "tests/accounts/test_closing.py::test_of_two_owners_who_leave_at_once_one_stays",
    ),
    Guard(
        "a closed site takes no invitation",
        "accounts/operations/registration.py",
        '    return switches.REGISTRATION.value() != "closed"',
        "    return True",
        "tests/accounts/test_switches.py::test_a_closed_site_takes_no_invitation",
    ),
    Guard(
        "no cell of a file is a formula",
        "audit/downloads.py",
        "    if isinstance(value, str) and value.startswith(_FORMULAS):\n",
        "    if False:\n",
        "tests/accounts/test_history.py::test_no_cell_is_a_formula",
    ),
    Guard(
        "mails link to this site alone",
        "accounts/notices.py",
        'is_below = line == settings.SITE_URL or line.startswith(f"{settings.SITE_URL}/")',
        'is_below = line.startswith("http")',
        "tests/accounts/test_notices.py::test_nothing_that_was_typed_becomes_a_link_to_another_site",
    ),
    Guard(
        "a password hash from elsewhere does not take for ever",
        "accounts/former_hashers.py",
        "            _require_bearable(match)\n",
        "",
        "tests/accounts/test_former_hashers.py::test_a_hash_that_would_take_too_long_is_refused",
    ),
    Guard(
        "no password takes seconds to judge",
        "accounts/passwords.py",
        " if len(_SUBSTITUTES & set(beginning)) > _MANY else beginning\n",
        " if False else beginning\n",
        "tests/accounts/test_passwords.py"
        "::test_one_that_would_take_seconds_to_judge_is_judged_by_its_first_twenty_characters",
    ),
    Guard(
        "a breached password is not set",
        "accounts/passwords.py",
        "    if breaches.is_breached(password):\n",
        "    if False:\n",
        "tests/accounts/test_breaches.py::test_a_breached_password_cannot_be_set",
    ),
    Guard(
        "no account has a name that was prohibited meanwhile",
        "accounts/operations/registration.py",
        "    if ReservedName.objects.of(username).exists():\n        raise _name_taken()\n",
        "",
        "tests/accounts/test_late_changes.py"
        "::test_what_staff_decide_while_an_account_is_made_holds_for_it",
    ),
    Guard(
        "no account is made once registration is closed",
        "accounts/operations/registration.py",
        "        _require_open(link)\n    return user\n",
        "    return user\n",
        "tests/accounts/test_late_changes.py"
        "::test_what_staff_decide_while_an_account_is_made_holds_for_it",
    ),
    Guard(
        "another address before the first is verified asks again after five minutes",
        "accounts/views/emails.py",
        "sudo_page(_change_unverified, lasts=SHORT, gate=codes_page)",
        "codes_page(_change_unverified)",
        "tests/accounts/test_emails.py"
        "::test_another_address_asks_again_after_five_minutes_and_another_mail_does_not",
    ),
    Guard(
        "mail goes to domains alone",
        "accounts/mail_addresses.py",
        'if text.endswith("]"):',
        "if False:",
        "tests/accounts/test_mail_addresses.py"
        "::test_an_address_that_cannot_be_mailed_is_refused_in_words",
    ),
    Guard(
        "registration forms are counted, refused ones too",
        "accounts/views/registration.py",
        "        limits.REGISTRATION_FORMS.take(network)",
        "        ",
        "tests/accounts/test_registration.py"
        "::test_a_program_that_sends_one_form_after_the_other_is_stopped",
    ),
]
