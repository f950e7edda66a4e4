"""What protects uploads."""

from tests.guards import Guard

_ENFORCEMENT = "tests/uploads/test_enforcement.py"

GUARDS = [
    Guard(
        "a token revoked while a file travels publishes nothing",
        "uploads/operations/accepting.py",
        "        credential = credential.reopened()\n",
        "",
        "tests/uploads/test_uploading.py"
        "::test_a_token_that_is_revoked_while_the_file_travels_publishes_nothing",
    ),
    Guard(
        "permission is asked before the archive is opened",
        "uploads/operations/accepting.py",
        "        _authorize(request, project, credential=credential, by=by)\n",
        "",
        "tests/uploads/test_uploading.py::test_permission_is_asked_before_the_archive_is_opened",
    ),
    Guard(
        "a password is refused before it is looked at",
        "uploads/authentication.py",
        '            policy.require(None, None, "password")\n',
        "            pass\n",
        "tests/uploads/test_passwords.py::test_a_password_is_refused_before_it_is_looked_at",
    ),
    Guard(
        "a changed password publishes nothing",
        "uploads/credentials.py",
        "pk=self.user.pk, is_active=True, password=self.stored",
        "pk=self.user.pk",
        "tests/uploads/test_passwords.py::test_a_password_that_is_changed_while_the_file_travels_publishes_nothing",
    ),
    Guard(
        "an upload's password opens no session",
        "uploads/backends.py",
        '        raise PermissionDenied("An upload opens no session.")\n',
        "        return super().get_session_auth_hash()\n",
        "tests/uploads/test_passwords.py::test_login_refuses_the_bearer_of_an_uploads_password",
    ),
    Guard(
        "contents are compared with RECORD",
        "uploads/artifacts.py",
        "    problems += wheels.content_problems(entries, found, pieces_of)\n",
        "",
        "tests/uploads/test_wheels.py::test_a_file_that_was_changed_after_the_wheel_was_built_is_found",
    ),
    Guard(
        "a zip archive ends at its end",
        "uploads/zips.py",
        "    if source.at != source.size:\n",
        "    if False:\n",
        "tests/uploads/test_zips.py::test_an_archive_that_means_two_things_or_is_damaged_is_refused",
    ),
    Guard(
        "both descriptions of a member agree",
        "uploads/zips.py",
        "    if said != (member.name, member.method, member.crc, member.packed, member.size):\n",
        "    if False:\n",
        "tests/uploads/test_zips.py::test_an_archive_that_means_two_things_or_is_damaged_is_refused",
    ),
    Guard(
        "links stay in the archive",
        "uploads/paths.py",
        "            if key in self._links and not self._stays_inside(path, self._links[key]):\n",
        "            if False:\n",
        "tests/uploads/test_tarballs.py::test_a_link_that_leads_elsewhere_is_refused",
    ),
    Guard(
        "archives do not inflate without end",
        "uploads/problems.py",
        "        if self._left < 0:\n",
        "        if False:\n",
        "tests/uploads/test_zips.py::test_inflating_stays_within_its_budget",
    ),
    Guard(
        "a removed content is not published",
        "uploads/operations/accepting.py",
        "        contents.require_kept(new_file.blake2b_256, since=since)\n",
        "",
        "tests/uploads/test_failing_site.py::test_a_content_that_is_removed_after_it_was_stored_is_not_published",
    ),
    Guard(
        "a site without its row of enforcement refuses passwords",
        "uploads/models.py",
        '_("enforce from"), null=True, blank=True, default=_EVER_SINCE',
        '_("enforce from"), null=True, blank=True',
        f"{_ENFORCEMENT}::test_without_its_row_the_site_refuses_passwords",
    ),
    Guard(
        "brown-outs end",
        "uploads/models.py",
        "if begin <= now < end]",
        "if begin <= now]",
        f"{_ENFORCEMENT}::test_a_brown_out_refuses_from_its_beginning_until_its_end",
    ),
    Guard(
        "uploaders are mailed once a day",
        "uploads/operations/enforcement.py",
        "known.filter(told_at__lte=now - TOLD_EVERY).update(told_at=now)",
        "known.update(told_at=now)",
        f"{_ENFORCEMENT}::test_a_warned_upload_passes_marked_and_its_uploader_is_mailed_once_a_day",
    ),
    Guard(
        "later stages lose their dates when one goes back",
        "uploads/operations/enforcement.py",
        "and (goes_back or not is_to_come):",
        "and not is_to_come:",
        f"{_ENFORCEMENT}::test_going_back_takes_the_dates_of_later_stages",
    ),
    Guard(
        "a failure that nobody foresaw is one line for tools",
        "indexsite/urls.py",
        "handler500 = show_failure\n",
        "",
        "tests/uploads/test_failing_site.py"
        "::test_a_mistake_of_the_sites_own_is_one_line_and_the_same_upload_succeeds_later",
    ),
    Guard(
        "tools that call the site by another name are told its own",
        "indexsite/urls.py",
        "handler400 = show_malformed\n",
        "",
        "tests/indexsite/test_middleware.py"
        "::test_tools_that_use_another_name_of_the_site_are_told_its_own",
    ),
    Guard(
        "of two administrators the slower one is refused",
        "uploads/operations/enforcement.py",
        "    if row.version != version:\n",
        "    if False:\n",
        f"{_ENFORCEMENT}::test_of_two_administrators_the_one_who_saw_an_old_state_is_refused",
    ),
    Guard(
        "tools are told the whole upload address",
        "uploads/views.py",
        '    response["Location"] = door\n',
        '    response["Location"] = "/legacy/"\n',
        "tests/uploads/test_uploading.py::test_the_address_without_its_slash_says_where_to_go",
    ),
    Guard(
        "tools do not send again what staff have switched off",
        "indexsite/read_only.py",
        "status=403 if _is_upload(request) else 503",
        "status=503",
        "tests/indexsite/test_read_only.py::test_while_read_only_uploads_get_one_line",
    ),
    Guard(
        "a lost content comes again by the same upload",
        "uploads/operations/accepting.py",
        "                _restore(request, known)\n",
        "",
        "tests/uploads/test_failing_site.py"
        "::test_a_content_that_was_lost_comes_again_by_the_same_upload",
    ),
    Guard(
        "a file keeps the factor of its uploader",
        "uploads/credentials.py",
        '            "uploader_factor": _factor_of(token.user),\n',
        '            "uploader_factor": "API token",\n',
        "tests/uploads/test_uploaders.py::test_owners_see_token_and_factor",
    ),
    Guard(
        "nothing but zeros follows an sdist",
        "uploads/tarballs.py",
        "            self._require_zeros()\n",
        "",
        "tests/uploads/test_tarballs.py::test_bytes_after_an_sdist_are_refused",
    ),
    Guard(
        "the members of a gzip file are counted",
        "uploads/tarballs.py",
        "        if self._members > MAX_GZIP_MEMBERS:\n",
        "        if False:\n",
        "tests/uploads/test_tarballs.py::test_several_gzip_members_have_one_budget_together",
    ),
    Guard(
        "no sdist ends in the middle of a header",
        "uploads/tarballs.py",
        "    if len(block) != _BLOCK and (block or not has_begun):\n",
        "    if not block and not has_begun:\n",
        "tests/uploads/test_tarballs.py"
        "::test_without_blocks_at_its_end_everything_before_must_be_whole",
    ),
    Guard(
        "no wheel installs two files to one place",
        "uploads/artifacts.py",
        "        *wheels.place_problems(found),\n",
        "",
        "tests/uploads/test_wheels.py::test_no_two_files_are_installed_to_one_place",
    ),
    Guard(
        "what is a folder in a wheel is said by its name alone",
        "uploads/zips.py",
        '    if is_folder and not name.endswith("/"):',
        "    if False:",
        "tests/uploads/test_zips.py::test_an_archive_that_means_two_things_or_is_damaged_is_refused",
    ),
]
