"""What protects sessions and devices, and what holds guessing and takings-over back."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "a session that is not used ends",
        "accounts/sessions.py",
        "return min(now + IDLE, created_at + LONGEST)",
        "return created_at + LONGEST",
        "tests/accounts/test_sessions.py"
        "::test_a_session_ends_when_it_was_not_used_for_twelve_hours",
    ),
    Guard(
        "a session that is used ends, too",
        "accounts/sessions.py",
        "return min(now + IDLE, created_at + LONGEST)",
        "return now + IDLE",
        "tests/accounts/test_sessions.py"
        "::test_a_session_ends_thirty_days_after_the_sign_in_however_it_is_used",
    ),
    Guard(
        "a new password ends what the old one began",
        "accounts/two_factor.py",
        "user if user and user.password_changed_at.isoformat() == known else None",
        "user",
        "tests/accounts/test_sessions.py::test_a_password_that_is_no_longer_it_completes_no_sign_in",
    ),
    Guard(
        "a sign-in looks at the account as it is",
        "accounts/login.py",
        "if not user.is_active or user.password_changed_at != password_changed_at:",
        "if not user.is_active:",
        "tests/accounts/test_login.py::test_a_password_that_changed_meanwhile_opens_nothing",
    ),
    Guard(
        "a planted cookie makes no device known",
        "accounts/devices.py",
        "        KnownDevice.objects.filter(digest=by.device).update(digest=digest_device(value))",
        "        value = request.COOKIES[settings.DEVICE_COOKIE_NAME]\n"
        "        put_cookie(request, value)",
        "tests/accounts/test_devices.py::test_a_cookie_that_somebody_planted_does_not_become_known",
    ),
    Guard(
        "staff never skip the second factor",
        "accounts/devices.py",
        "return device is not None and device.is_remembered and not user.is_staff",
        "return device is not None and device.is_remembered",
        "tests/accounts/test_devices.py::test_whoever_becomes_staff_is_asked_again",
    ),
    Guard(
        "a skipped factor is no fresh proof",
        "accounts/login.py",
        "    if not is_skipped:\n        open_sudo(request)",
        "    open_sudo(request)",
        "tests/accounts/test_devices.py::test_a_skipped_factor_opens_no_sudo_mode",
    ),
    Guard(
        "ending sessions makes remembered devices ask again",
        "accounts/operations/sessions.py",
        ".update(\n        remembered_until=None\n    )",
        ".count()",
        "tests/accounts/test_devices.py"
        "::test_ending_all_sessions_makes_remembered_devices_ask_again",
    ),
    Guard(
        "a device that somebody forgot loses its sessions",
        "accounts/login.py",
        "    request.session[DEVICE] = known.pk\n",
        "",
        "tests/accounts/test_devices.py"
        "::test_a_forgotten_device_loses_its_session_and_is_unknown_again",
    ),
    Guard(
        "a denial is done once",
        "accounts/operations/denials.py",
        "        pk=sign_in.pk, denied_at=None\n",
        "        pk=sign_in.pk\n",
        "tests/accounts/test_denials.py::test_of_eight_who_press_the_button_one_is_first",
    ),
    Guard(
        "what an intruder added counts no more",
        "accounts/operations/denials.py",
        "created_at__gte=since, held_at=None).update(",
        "created_at__gt=now, held_at=None).update(",
        "tests/accounts/test_denials.py"
        "::test_what_was_added_since_counts_no_more_and_what_is_older_does",
    ),
    Guard(
        "what an intruder was offered is not kept",
        "accounts/operations/denials.py",
        "        kind.objects.filter(user=user, confirmed=False).delete()\n",
        "",
        "tests/accounts/test_denials.py::test_an_app_that_was_only_offered_is_offered_no_more",
    ),
    Guard(
        "nothing is released without a factor that counts",
        "accounts/operations/denials.py",
        "    if hindrance:\n",
        "    if False:\n",
        "tests/accounts/test_after_denials.py"
        "::test_without_a_factor_that_counts_nothing_is_released_or_resumed",
    ),
    Guard(
        "attempts around the end of a window are counted together",
        "accounts/limits.py",
        "if int(at) >= slot - SLOTS and count}",
        "if int(at) // SLOTS == slot // SLOTS}",
        "tests/accounts/test_limits.py"
        "::test_no_stretch_of_time_lets_through_more_than_the_limit_says",
    ),
    Guard(
        "a flood from elsewhere stops no known device",
        "accounts/verification.py",
        "        if device is not None:\n            return of_device.take",
        "        if False:\n            return of_device.take",
        "tests/accounts/test_limits_apart.py"
        "::test_a_flood_from_elsewhere_does_not_lock_the_owner_out_of_a_known_device",
    ),
    Guard(
        "whoever must have a second factor is led to it",
        "accounts/gates.py",
        "if not _is_of_account(request) and policy.lacks_second_factor(user):",
        "if False:",
        "tests/accounts/test_policy.py"
        "::test_whoever_lacks_one_is_led_to_the_pages_where_one_is_added",
    ),
    Guard(
        "a role takes the second factor that the policy asks for",
        "projects/operations/publishing.py",
        "    policy.require_to_publish(by.user)\n",
        "",
        "tests/accounts/test_policy.py::test_making_a_project_takes_what_holding_a_role_takes",
    ),
    Guard(
        "the sign-in page leads to this site alone",
        "accounts/gates.py",
        'target.lower().startswith(("/", "http://", "https://"))',
        "True",
        "tests/accounts/test_safe_next.py::test_another_site_is_no_place_to_go_on_to",
    ),
    Guard(
        "one's sessions are one's own",
        "accounts/views/sessions.py",
        "get_object_or_404(UserSession, user=user, session_key=session)",
        "get_object_or_404(UserSession, session_key=session)",
        "tests/accounts/test_sessions.py::test_sessions_of_others_are_neither_shown_nor_ended",
    ),
    Guard(
        "no page takes a form of another site",
        "indexsite/settings.py",
        '    "django.middleware.csrf.CsrfViewMiddleware",\n',
        "",
        "tests/accounts/test_gates.py::test_no_page_takes_a_form_of_another_site",
    ),
    Guard(
        "no form reaches a factor of another account",
        "accounts/views/second_factors.py",
        "    return get_object_or_404(kind, pk=pk, user=request.user, confirmed=True)",
        '    mine = {"user": request.user} if request.method == "GET" else {}\n'
        "    return get_object_or_404(kind, pk=pk, confirmed=True, **mine)",
        "tests/accounts/test_gates.py::test_the_ids_of_another_account_open_nothing",
    ),
    Guard(
        "nobody acts from a session that was ended meanwhile",
        "accounts/permissions.py",
        "    require_open_session(by)\n    return user",
        "    return user",
        "tests/accounts/test_ended_sessions.py"
        "::test_what_was_at_work_when_its_session_was_ended_is_not_done",
    ),
    Guard(
        "nobody deletes an account from a session that was ended meanwhile",
        "accounts/operations/closing.py",
        "    require_open_session(by)\n",
        "",
        "tests/accounts/test_ended_sessions.py"
        "::test_what_was_at_work_when_its_session_was_ended_is_not_done",
    ),
]
