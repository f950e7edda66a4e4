"""What protects projects."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "strangers do not upload",
        "projects/operations/publishing.py",
        '    project = changes.lock(project)\n    permissions.require(by, "upload", project)\n',
        "    project = changes.lock(project)\n",
        "tests/projects/test_publishing.py",
    ),
    Guard(
        "names of deleted files are not used again",
        "projects/operations/publishing.py",
        "    if _BURNT.exists(upload.filename):\n",
        "    if False:\n",
        "tests/uploads/test_immutability.py::test_the_name_of_a_deleted_file_is_not_used_again",
    ),
    Guard(
        "names of deleted projects are not given to strangers",
        "projects/claims.py",
        "    _require_not_buried(name, by)\n",
        "",
        "tests/projects/test_claims.py::test_the_name_of_a_deleted_project_is_not_given_to_strangers",
    ),
    Guard(
        "names that look alike are refused at one moment, too",
        "projects/operations/publishing.py",
        "    claims.require_unlike_others(name)\n",
        "",
        "tests/uploads/test_races.py::test_of_two_names_that_look_alike_created_at_once_one_is",
        "postgresql",  # SQLite has one writer at a time
    ),
    Guard(
        "what caches keep of a project is right until it has another serial",
        "projects/models.py",
        'return self.roles.select_related("user")',
        'return self.roles.filter(user__is_active=True).select_related("user")',
        "tests/projects/test_legacy_json.py"
        "::test_what_is_said_of_a_project_changes_with_its_serial_alone",
    ),
    Guard(
        "a file's content is not removed",
        "projects/operations/contents.py",
        "            raise ContentInUse\n",
        "            pass\n",
        "tests/projects/test_contents.py::test_a_content_that_a_file_has_stays",
    ),
    Guard(
        "only owners delete files",
        "projects/operations/lifecycle.py",
        """    project = changes.lock(file.project)
    permissions.require(by, "delete", project)
""",
        "    project = changes.lock(file.project)\n",
        "tests/projects/test_lifecycle.py::test_only_owners_may",
    ),
    Guard(
        "the names of the files of a deleted release are burnt",
        "projects/operations/lifecycle.py",
        "    BurntFilename.objects.burn(files)\n",
        "",
        "tests/projects/test_lifecycle.py::test_a_deleted_release_takes_its_files_along",
    ),
    Guard(
        "nothing is deleted in quarantine",
        "projects/permissions.py",
        '_NOT_IN_QUARANTINE = frozenset({"yank", "delete", "archive", "manage"})',
        '_NOT_IN_QUARANTINE = frozenset({"yank", "archive", "manage"})',
        "tests/projects/test_lifecycle.py::test_nothing_is_changed_in_quarantine",
    ),
    Guard(
        "nobody takes a role in quarantine",
        "projects/operations/roles.py",
        "    permissions.require_no_quarantine(project)\n",
        "",
        "tests/projects/test_quarantine.py::test_roles_stay_as_they_are",
    ),
    Guard(
        "who manages has a second factor",
        "projects/permissions.py",
        '    elif action != "read history":\n        require_protected_account(by)\n',
        "",
        "tests/projects/test_lifecycle.py::test_an_account_that_is_not_protected_may_not",
    ),
    Guard(
        "the last owner does not leave",
        "projects/operations/roles.py",
        """        _require_another_owner(project, role)
    user, kind = role.user, role.kind
""",
        "        pass\n    user, kind = role.user, role.kind\n",
        "tests/projects/test_roles.py::test_the_last_owner_stays",
    ),
    Guard(
        "an invitation is for one account",
        "projects/operations/roles.py",
        "    _require_invited(invitation, by)\n    permissions.require_protected_account(by)\n",
        "    permissions.require_protected_account(by)\n",
        "tests/projects/test_roles.py::test_an_invitation_is_for_one_account",
    ),
    Guard(
        "an invitation is answered once",
        "projects/operations/roles.py",
        "    if unanswered.update(answered_at=now) != 1:\n",
        "    if unanswered.update(answered_at=now) > 1:\n",
        "tests/projects/test_roles.py::test_an_invitation_is_answered_once",
    ),
    Guard(
        "who invited must still be an owner",
        "projects/operations/roles.py",
        "project=project, user_id=invitation.invited_by_id, kind=_OWNER, user__is_active=True",
        "project=project",
        "tests/projects/test_roles.py::test_who_invited_must_still_be_an_owner",
    ),
    Guard(
        "invitations of others are not found",
        "projects/views/people.py",
        "    invitation = get_object_or_404(found, pk=pk, user=request.user)\n",
        "    invitation = get_object_or_404(found, pk=pk)\n",
        "tests/projects/test_managing.py::test_a_link_is_of_no_use_to_others",
    ),
    Guard(
        "a project is not shown to strangers who ask for its pages",
        "projects/views/doors.py",
        "user=request.user, project__normalized_name=normalize(name)",
        "project__normalized_name=normalize(name)",
        "tests/projects/test_managing.py::test_strangers_learn_nothing",
    ),
    Guard(
        "what is deleted is named exactly",
        "projects/forms.py",
        "        if typed != self.expected:\n",
        "        if typed.lower() != self.expected.lower():\n",
        "tests/projects/test_managing.py::test_what_is_deleted_is_named_exactly",
    ),
    Guard(
        "quarantined files are not sent",
        "projects/reading.py",
        "file.blake2b_256 = %s AND project.status <> %s\n",
        "file.blake2b_256 = %s AND '' <> %s\n",
        "tests/projects/test_files.py::test_a_quarantined_file_is_not_found",
    ),
    Guard(
        "the short path takes no other host name",
        "indexsite/short_path.py",
        "    return bool(domain) and validate_host(domain, allowed)\n",
        "    return bool(domain)\n",
        "tests/indexsite/test_short_path.py::test_what_is_out_of_the_ordinary_goes_the_whole_way",
    ),
    Guard(
        "tombstones hold the serial of the index up",
        "projects/root_index.py",
        "        for model in (Project, DeletedProject)\n",
        "        for model in (Project,)\n",
        "tests/projects/test_lifecycle.py::test_the_serial_of_an_emptied_index_does_not_fall",
    ),
    Guard(
        "descriptions load no image from elsewhere",
        "projects/readme.py",
        '        if tag == "img":\n',
        '        if tag == "image":\n',
        "tests/projects/test_readme.py::test_a_remote_image_is_a_link",
    ),
    Guard(
        "a spreadsheet runs nothing of a history",
        "projects/views/history.py",
        '    return f"\'{text}" if text.startswith(("=", "+", "-", "@", "\\t", "\\r")) else text\n',
        "    return text\n",
        "tests/projects/test_history.py::test_a_spreadsheet_runs_nothing",
    ),
    Guard(
        "a project that changed since the check is searched again",
        "projects/operations/publishing.py",
        "    if project.serial != checked_at:\n",
        "    if checked_at is None:\n",
        "tests/projects/test_publishing.py::test_what_changed_since_the_check_is_checked_again",
    ),
    Guard(
        "caches ask again whether a version was yanked",
        "projects/reading.py",
        'CACHE_CONTROL: Final = "public, no-cache"',
        'CACHE_CONTROL: Final = "public, max-age=600"',
        "tests/projects/test_simple.py::test_the_headers_of_an_answer",
    ),
    Guard(
        "an invitation is used up only by an answer",
        "projects/views/people.py",
        '_ANSWERS.get(request.POST.get("answer", ""))\n    if request.method == "POST" and is_open',
        '_ANSWERS.get(request.POST.get("answer", ""), False)\n'
        '    if request.method == "POST" and is_open',
        "tests/projects/test_managing.py"
        "::test_an_answer_that_is_not_understood_uses_no_invitation_up",
    ),
    Guard(
        "upload tools with a wrong address are told of the right one, and not of cookies",
        "projects/views/readable.py",
        "    @csrf_exempt\n    @wraps(view)\n",
        "    @wraps(view)\n",
        "tests/projects/test_readable.py::test_nothing_can_be_sent",
    ),
    Guard(
        "a store that fails is asked once",
        "projects/reading.py",
        'except OSError as error:\n        return failed(error, f"The file {filename}", question)',
        "except ZeroDivisionError:\n        return not_found()",
        "tests/projects/test_files.py::test_a_content_that_is_lost_is_said_in_a_line_and_logged",
    ),
    Guard(
        "nothing can be typed into a description",
        "projects/readme.py",
        '    if given.get("type") == "checkbox":\n',
        "    if True:\n",
        "tests/projects/test_readme.py::test_nothing_can_be_typed_or_pressed",
    ),
]
