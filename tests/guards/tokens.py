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
        "if not any(isinstance(one, Actions) for one in read[len(carried) :]):",
        "if False:",
        "tests/uploads/test_uploading.py::test_a_token_without_a_stored_action_is_refused",
    ),
    Guard(
        "stored caveats count",
        "tokens/credentials.py",
        "TokenCredential(token, (*parsed.caveats, *token.caveats), network_address)",
        "TokenCredential(token, parsed.caveats, network_address)",
        "tests/tokens/test_api.py::test_a_token_that_may_only_upload_does_not_yank",
    ),
    Guard(
        "a project token stays with its project",
        "tokens/grants.py",
        "                ProjectID(tuple(str(row.pk) for row in self.projects)),\n",
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
        "an expired token is refused before the body is read",
        "tokens/credentials.py",
        "if end is not None and time.time() >= end:",
        "if False:",
        "tests/tokens/test_answers.py::test_a_bad_token_is_refused_before_the_body_is_read",
    ),
    Guard(
        "the token of a frozen account is refused",
        "tokens/credentials.py",
        "if not token.user.is_active:",
        "if False:",
        "tests/tokens/test_answers.py::test_a_frozen_owner_is_named_as_the_reason",
    ),
    Guard(
        "a token is of use from its networks alone",
        "tokens/caveats.py",
        "            address in ipaddress.ip_network(text) for text in self.ranges",
        "            True for text in self.ranges",
        "tests/tokens/test_caveats.py",
    ),
    Guard(
        "a star stands only at the end of a pattern",
        "tokens/caveats.py",
        "    return len(text) <= MAX_NAME and _PREFIX.match(text[:-1]) is not None",
        "    return True",
        "tests/tokens/test_caveats.py",
    ),
    Guard(
        "what is not understood forbids everything",
        "tokens/caveats.py",
        'reason, tag = f"this token has a restriction that is not understood: {error}", -1',
        "reason, tag = None, -1",
        "tests/tokens/test_credentials.py::test_a_caveat_that_is_not_understood_forbids_everything",
    ),
    Guard(
        "what cannot be checked forbids everything",
        "tokens/caveats.py",
        'reason, tag = "this token has a restriction that could not be checked", -1',
        "reason, tag = None, -1",
        "tests/tokens/test_caveats.py::test_a_mistake_of_ours_forbids_and_is_logged",
    ),
    Guard(
        "a paste that is made of beginnings of tokens costs little",
        "tokens/macaroons.py",
        "        if len(found) == limit:",
        "        if False:",
        "tests/tokens/test_macaroons.py"
        "::test_a_text_that_is_made_of_beginnings_and_ends_gives_no_more_than_was_asked_for",
    ),
    Guard(
        "what is made of beginnings of tokens is decoded in four ways and no more",
        "tokens/macaroons.py",
        "            if shift not in ends:",
        "            if True:",
        "tests/tokens/test_macaroons.py"
        "::test_what_is_made_of_beginnings_alone_takes_no_more_time_than_other_texts",
    ),
    Guard(
        "a token in the comment of an archive is found",
        "uploads/scanning.py",
        "    yield BESIDE, _between(file, members)\n",
        "",
        "tests/uploads/test_scanning.py::test_a_token_is_found_beside_the_files",
    ),
    Guard(
        "an empty date does not leave the other condition alone",
        "tokens/management/commands/invalidate_tokens.py",
        '    if options["made_before"] is not None:',
        '    if options["made_before"]:',
        "tests/tokens/test_commands.py::test_what_is_not_clear_ends_no_token",
    ),
    Guard(
        "an archive that is made of beginnings of tokens takes little memory",
        "uploads/scanning.py",
        "                seen.clear()",
        "                pass",
        "tests/uploads/test_scanning.py::test_decoys_without_number_take_little_memory",
    ),
    Guard(
        "a token that was cut off is refused",
        "tokens/credentials.py",
        "        if _DENIAL.exists(self.token.pk, project.pk):",
        "        if False:",
        "tests/tokens/test_denials.py::test_a_token_that_is_cut_off_stops_working_there_alone",
    ),
    Guard(
        "only owners cut tokens off",
        "tokens/operations/denials.py",
        '    permissions.require(by, "restrict", project)\n    try:\n',
        "    try:\n",
        "tests/tokens/test_denials.py::test_only_owners_cut_off",
    ),
    Guard(
        "only owners let tokens in again",
        "tokens/operations/denials.py",
        '    permissions.require(by, "restrict", project)\n    denial',
        "    denial",
        "tests/tokens/test_denials.py::test_only_owners_let_in",
    ),
    Guard(
        "a token is let in to one project alone",
        "tokens/operations/denials.py",
        "    denial.delete()",
        "    TokenDenial.objects.filter(token=token).delete()",
        "tests/tokens/test_denials.py::test_a_token_that_is_let_in_again_uploads_again",
    ),
    Guard(
        "a suspended account uploads nothing",
        "tokens/credentials.py",
        "    if user.uploads_suspended_at is not None:\n",
        "    if False:\n",
        "tests/tokens/test_answers.py::test_a_suspended_owner_is_named_as_the_reason",
    ),
    Guard(
        "a token for a new project is tied to it",
        "tokens/operations/lifecycle.py",
        'waiting.update(awaits_project="", caveats=bound) != 1',
        'waiting.update(awaits_project="") != 1',
        "tests/tokens/test_new_projects.py"
        "::test_another_project_of_that_name_is_none_of_its_business",
    ),
    Guard(
        "a leak report proves itself by the signature",
        "tokens/operations/leaks.py",
        "        return find_genuine(macaroons.parse(text))",
        "        return APIToken.objects.filter(pk=macaroons.parse(text).identifier).first()",
        "tests/tokens/test_leaks.py::test_a_text_that_only_names_a_token_mails_owner_and_staff",
    ),
    Guard(
        "leak reports are limited",
        "tokens/views/leaks.py",
        """        REPORTS.take(network_key(request.META.get("REMOTE_ADDR", "")))
    except LimitReached as reached:
        response""",
        """        pass
    except LimitReached as reached:
        response""",
        "tests/tokens/test_leaks.py::test_reports_are_limited",
    ),
    Guard(
        "uploads scan themselves",
        "uploads/operations/accepting.py",
        "        scanning.refuse_own_tokens(request, by=by)\n",
        "",
        "tests/uploads/test_scanning.py",
    ),
    Guard(
        "yanking is granted by owners alone",
        "tokens/operations/lifecycle.py",
        '                permissions.require(by, "yank", project)\n',
        "                pass\n",
        "tests/tokens/test_lifecycle.py::test_yanking_is_granted_by_owners_alone",
    ),
    Guard(
        "a token without the right to yank does not yank",
        "tokens/views/api.py",
        '        credential.authorize("yank", name=normalize(name), project=project, by=by)\n',
        "",
        "tests/tokens/test_api.py::test_a_token_that_may_only_upload_does_not_yank",
    ),
    Guard(
        "a site's longest time holds",
        "tokens/operations/lifecycle.py",
        "    _require_end(grant)\n",
        "",
        "tests/tokens/test_lifecycle.py::test_a_site_can_limit_how_long_tokens_last",
    ),
    Guard(
        "the tokens of others are not shown",
        "tokens/views/manage.py",
        "get_object_or_404(APIToken.objects.of(request.user), pk=pk)",
        "get_object_or_404(APIToken, pk=pk)",
        "tests/tokens/test_token_page.py::test_the_pages_of_others_tokens_are_not_found",
    ),
    Guard(
        "nobody lifts a cut of their own token that another owner made",
        "tokens/operations/denials.py",
        "if not denial.may_be_lifted_by(by.user):",
        "if False:",
        "tests/tokens/test_denials.py"
        "::test_an_owner_does_not_let_in_a_token_of_theirs_that_another_cut_off",
    ),
    Guard(
        "a token is made after a fresh proof alone",
        "tokens/views/create.py",
        "create_token = sudo_page(_create_token)",
        "create_token = sudo_page(_create_token, lasts=10**9)",
        "tests/tokens/test_views.py::test_changes_need_a_fresh_proof",
    ),
    Guard(
        "networks that are everybody's are refused",
        "tokens/allowances.py",
        "return any(network.prefixlen == 0 for network in whole)",
        "return False",
        "tests/tokens/test_allowances.py",
    ),
    Guard(
        "a narrowed token learns nothing of other projects",
        "tokens/views/api.py",
        "        if not is_covered and name not in named:",
        "        if False:",
        "tests/tokens/test_api.py::test_projects_that_do_not_let_it_in_are_told",
    ),
    Guard(
        "the name of a token for all projects stays with its holder",
        "tokens/operations/denials.py",
        'name = "for all projects" if token.allowance.is_for_all_projects else token.name',
        "name = token.name",
        "tests/tokens/test_denials.py"
        "::test_a_token_for_all_projects_that_is_cut_off_is_counted_no_more_and_never_named",
    ),
    Guard(
        "what a token allows is asked again when its file is published",
        "uploads/operations/accepting.py",
        """        credential.require_allowed(
            "create" if project is None else "upload",
            name=request.normalized_name,
            project=project,
        )
""",
        "",
        "tests/tokens/test_denials.py"
        "::test_a_token_that_is_cut_off_while_its_file_is_looked_at_publishes_nothing",
    ),
]
