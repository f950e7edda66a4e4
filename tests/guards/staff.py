"""What keeps the staff pages to those who may, and to what they may."""

from tests.guards import Guard

_GATE = "accounts/staff_gate.py"
_GATE_TESTS = "tests/accounts/test_staff_gate.py"
_FREEZING = "tests/accounts/test_freezing.py"
_RIGHTS = "tests/accounts/test_staff_rights.py"
_READ_ONLY = "tests/indexsite/test_read_only.py"
_MATRIX = "tests/indexsite/test_staff_matrix.py"
_DOORS = "tests/indexsite/test_staff_doors.py"
_RECOVERY = "tests/accounts/test_recovery.py"
_STEWARDSHIP = "tests/projects/test_stewardship.py"
_REPORTS = "tests/projects/test_reports.py"

GUARDS = [
    Guard(
        "a report is answered once",
        "projects/operations/reports.py",
        "unanswered = Report.objects.filter(pk=report.pk, answered_at=None)",
        "unanswered = Report.objects.filter(pk=report.pk)",
        _REPORTS,
    ),
    Guard(
        "owners do not learn who reported their project",
        "projects/operations/reports.py",
        "record(PROJECT_REPORTED, by=by, about=[by.user],",
        "record(PROJECT_REPORTED, by=by, about=[by.user, project],",
        _REPORTS,
    ),
    Guard(
        "a reserved name is for one person",
        "projects/claims.py",
        "(not reserved_for or reserved_for != by.id)",
        "not reserved_for",
        _STEWARDSHIP,
    ),
    Guard(
        "staff hand no project over to themselves",
        "projects/operations/roles.py",
        "require_staff(by, permissions.MAY_STEWARD, about=user)",
        "require_staff(by, permissions.MAY_STEWARD)",
        _STEWARDSHIP,
    ),
    Guard(
        "nobody disables the password of staff, or their own",
        "accounts/operations/passwords.py",
        "require_staff(by, MAY_HELP, about=row)",
        "require_staff(by, MAY_HELP)",
        "tests/accounts/test_disabled_passwords.py",
    ),
    Guard(
        "whoever opened a recovery case does not complete it",
        "accounts/operations/recovery.py",
        "if by.id and by.id == case.opened_by_id:",
        "if False:",
        _RECOVERY,
    ),
    Guard(
        "a recovery case waits for its owner's objection",
        "accounts/operations/recovery.py",
        "if timezone.now() < case.due_at:",
        "if False:",
        _RECOVERY,
    ),
    Guard(
        "a recovery case ends once",
        "accounts/models/cases.py",
        "open_cases = self.filter(ended_at=None)",
        "open_cases = self",
        _RECOVERY,
    ),
    Guard(
        "a sign-in with a factor cancels a recovery case",
        "accounts/login.py",
        "is_recovery_over = device is not None and",
        "is_recovery_over = False and",
        _RECOVERY,
    ),
    Guard(
        "no recovery case outlives a reset of the second factors",
        "accounts/operations/second_factors.py",
        "    user.recovery_cases.end(done, ended_by=by.label, reason=reason)\n",
        "",
        _RECOVERY,
    ),
    Guard(
        "staff pages need a fresh second factor",
        _GATE,
        "return sudo_page(_counted(view), gate=_for_staff)",
        "return _for_staff(_counted(view))",
        _GATE_TESTS,
    ),
    Guard(
        "every page of the admin is behind the gate",
        "indexsite/staff_site.py",
        "return staff_gate.staff_page(super().admin_view(self._noting_refusals(view), cacheable))",
        "return super().admin_view(self._noting_refusals(view), cacheable)",
        _GATE_TESTS,
    ),
    Guard(
        "staff pages can be kept to some networks",
        _GATE,
        "if not _is_from_allowed_network(request):",
        "if False:",
        _GATE_TESTS,
    ),
    Guard(
        "staff pages have a limit",
        _GATE,
        "return take_attempt(request, PAGES) or view(request, *args, **kwargs)",
        "return view(request, *args, **kwargs)",
        _GATE_TESTS,
    ),
    Guard(
        "acts of staff have a limit",
        "accounts/staff.py",
        "            if refusal is not None:\n                return refusal",
        "            pass",
        _GATE_TESTS,
    ),
    Guard(
        "an act is for its groups only",
        "accounts/staff.py",
        "if not is_in(request.user, self.groups):",
        "if False:",
        _MATRIX,
    ),
    Guard(
        "an act that is not for somebody is not shown to them",
        "accounts/staff.py",
        "if is_in(request.user, act.groups) and act.is_offered(row)",
        "if act.is_offered(row)",
        _MATRIX,
    ),
    Guard(
        "pages are for the groups that may see them",
        "audit/admin.py",
        "return is_in(request.user, self.seen_by)",
        "return is_in(request.user, EVERYBODY)",
        _MATRIX,
    ),
    Guard(
        "whoever forges a page that is not theirs is recorded",
        "indexsite/staff_site.py",
        '                if request.method == "POST":\n',
        "                if False:\n",
        f"{_DOORS}::test_whoever_sends_a_form_to_a_table_of_the_admin_is_recorded",
    ),
    Guard(
        "the way to make invitations is shown to those who may",
        "accounts/admin.py",
        "may = is_in(request.user, MakeInvitation.groups)",
        "may = True",
        f"{_DOORS}::test_pages_lead_only_where_a_group_may_go",
    ),
    Guard(
        "the check of the chain is for those who export",
        "audit/admin.py",
        '"may_check": self._may_export(request),',
        '"may_check": True,',
        f"{_DOORS}::test_pages_lead_only_where_a_group_may_go",
    ),
    Guard(
        "accounts are found by network addresses by those alone who may see these",
        "accounts/finding.py",
        "ways = [*_finders, _who_acted_from] if sees_origins else _finders",
        "ways = [*_finders, _who_acted_from]",
        "tests/indexsite/test_finding_accounts.py::test_who_may_not_see_origins_finds_nobody_by_them",
    ),
    Guard(
        "the operation asks for the group, too",
        "accounts/permissions.py",
        "if acting is None or not is_in(acting, groups):",
        "if acting is None:",
        _FREEZING,
    ),
    Guard(
        "nobody acts on their own account",
        "accounts/permissions.py",
        "if about.pk == acting.pk:",
        "if False:",
        _RIGHTS,
    ),
    Guard(
        "staff are left to administrators",
        "accounts/permissions.py",
        "if about.is_staff and not is_in(acting, MAY_RULE):",
        "if False:",
        _FREEZING,
    ),
    Guard(
        "sessions end with freezing",
        "accounts/operations/freezing.py",
        "    end_sessions_of(frozen, by=by)\n",
        "",
        _FREEZING,
    ),
    Guard(
        "staff have a second factor",
        "accounts/operations/staff_rights.py",
        "if not user.has_second_factor:",
        "if False:",
        _RIGHTS,
    ),
    Guard(
        "a campaign goes on where it was",
        "accounts/operations/campaigns.py",
        "        left = left.filter(user_id__gt=campaign.cursor)\n",
        "        pass\n",
        "tests/accounts/test_campaigns.py::test_everybody_is_written_to_once",
    ),
    Guard(
        "a read-only site refuses changes",
        "indexsite/read_only.py",
        "    return [switches.CHANGES, *OF_VIEW.get(match.view_name, [])]\n",
        "    return [*OF_VIEW.get(match.view_name, [])]\n",
        _READ_ONLY,
    ),
    Guard(
        "uploads can be switched off",
        "indexsite/read_only.py",
        "OF_VIEW: Final = {UPLOAD: [switches.UPLOADS]}",
        "OF_VIEW: Final = {}",
        _READ_ONLY,
    ),
    Guard(
        "new projects can be switched off",
        "projects/claims.py",
        "    if refusal := switches.NEW_PROJECTS.refusal():\n",
        "    if refusal := False:\n",
        _READ_ONLY,
    ),
    Guard(
        "the making of tokens can be switched off",
        "tokens/operations/lifecycle.py",
        "    switches.TOKEN_CREATION.require_on()\n",
        "",
        _READ_ONLY,
    ),
    Guard(
        "switches end",
        "accounts/switches.py",
        "if row.value and (row.ends_at is None or now < row.ends_at)]",
        "if row.value]",
        _READ_ONLY,
    ),
]
