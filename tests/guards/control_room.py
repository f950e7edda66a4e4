"""What protects the control room's acts and their trace."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "the first upload of a list counts among those since",
        "projects/staff_acts.py",
        "number__gte=min(event.number for event in events)",
        "number__gt=min(event.number for event in events)",
        "tests/projects/test_quarantine.py"
        "::test_the_first_upload_that_a_filter_finds_is_among_them",
    ),
    Guard(
        "who goes back a stage leaves no brown-out behind",
        "uploads/operations/enforcement.py",
        "brown_outs=[] if goes_back else row.windows(),",
        "brown_outs=row.windows(),",
        "tests/uploads/test_enforcement.py::test_going_back_drops_brown_outs_and_says_so",
    ),
    Guard(
        "a worker that was never started is told of",
        "indexsite/watching.py",
        "    timetable.expect_jobs()\n",
        "",
        "tests/indexsite/test_watching.py::test_a_worker_that_was_never_started_is_told_of",
    ),
    Guard(
        "a worker that starts after the web server is not late",
        "audit/timetable.py",
        "FIRST_RUN = timedelta(minutes=10)",
        "FIRST_RUN = timedelta(0)",
        "tests/indexsite/test_watching.py::test_a_worker_that_starts_after_the_web_server_is_not_late",
    ),
    Guard(
        "of all processes one tells that the worker is late",
        "indexsite/watching.py",
        "return free.update(leased_until=now + LEASE) == 1",
        "return free.update(leased_until=now + LEASE) >= 0",
        "tests/indexsite/test_watching.py::test_of_eight_processes_that_find_out_one_tells",
    ),
    Guard(
        "a late worker is told of once",
        "indexsite/watching.py",
        "filter(key=WORKER, told_at=None)",
        "filter(key=WORKER)",
        "tests/indexsite/test_watching.py::test_of_eight_processes_that_find_out_one_tells",
    ),
    Guard(
        "rights that were taken away do not come back by an old form",
        "accounts/operations/staff_rights.py",
        "    require_as_seen(seen, *find_state(row))\n",
        "",
        "tests/accounts/test_staff_rights.py"
        "::test_rights_that_were_taken_away_meanwhile_do_not_come_back",
    ),
    Guard(
        "limits that changed meanwhile are looked at again",
        "projects/operations/size_limits.py",
        "    require_as_seen(seen, *find_state(project))\n",
        "",
        "tests/projects/test_stewardship.py"
        "::test_limits_that_were_changed_meanwhile_are_looked_at_again",
    ),
    Guard(
        "a switch that was turned meanwhile is looked at again",
        "accounts/operations/switches.py",
        "    require_as_seen(seen, *find_state(switch))\n",
        "",
        "tests/accounts/test_invitations.py"
        "::test_a_switch_that_was_turned_meanwhile_is_looked_at_again",
    ),
    Guard(
        "a mistyped filter does not have acts reach everybody",
        "audit/forms.py",
        "unknown = set(self.data) - set(self.fields) - self._beside",
        "unknown: set[str] = set()",
        "tests/accounts/test_staff_bulk.py::test_a_filter_that_is_wrong_or_finds_nothing_says_so",
    ),
    Guard(
        "of a filter that is given twice, not one value alone counts",
        "audit/forms.py",
        "repeated = {name for name in sent if len(sent.getlist(name)) > 1}",
        "repeated: set[str] = set()",
        "tests/accounts/test_staff_bulk.py::test_a_filter_that_is_wrong_or_finds_nothing_says_so",
    ),
    Guard(
        "no act on a list reaches everybody for want of a filter",
        "accounts/staff_bulk.py",
        "if form.is_empty():",
        "if False:",
        "tests/accounts/test_staff_bulk.py::test_a_filter_that_is_wrong_or_finds_nothing_says_so",
    ),
    Guard(
        "a choice that a list of tokens does not have is not taken for none",
        "tokens/admin.py",
        "        raise IncorrectLookupParameters(value)\n",
        "        return Q()\n",
        "tests/tokens/test_staff_acts.py::test_a_list_without_tokens_is_said_to_be_empty",
    ),
    Guard(
        "who forges a request to a page of another group is recorded",
        "accounts/staff_gate.py",
        '            refuse(request, refusal.act, "not in the group")\n',
        "",
        "tests/indexsite/test_ways_to_events.py"
        "::test_a_page_that_is_closed_to_a_group_records_who_forges_a_request",
    ),
    Guard(
        "staff who had a whole token in hand are recorded",
        "tokens/staff_acts.py",
        "            note_lookup(token, is_whole=True, by=by)\n",
        "",
        "tests/tokens/test_staff_acts.py::test_a_pasted_token_leads_to_its_page",
    ),
    Guard(
        "an owner can stop a recovery case while the site is read-only",
        "indexsite/read_only.py",
        "    STOPS_RECOVERY,",
        "",
        "tests/indexsite/test_read_only.py"
        "::test_while_read_only_an_owner_stops_a_recovery_case_as_staff_can_complete_it",
    ),
    Guard(
        "administrators hear of staff who delete their account",
        "accounts/operations/closing.py",
        "    records += staff_rights.end_with_account(user, by=by)\n",
        "",
        "tests/accounts/test_closing.py::test_administrators_are_told_when_one_of_staff_leaves",
    ),
    Guard(
        "an export ends with the event that its last line names",
        "audit/exports.py",
        "_events_between(number, head.number)",
        "_events_between(number, ChainHead.objects.get(pk=1).number)",
        "tests/audit/test_exports.py"
        "::test_what_is_recorded_while_an_export_begins_is_left_to_the_next_one",
    ),
    Guard(
        "a mail about passwords names the brown-out before the end",
        "uploads/operations/enforcement.py",
        "    begin, end = row.next_brown_out(timezone.now()) or (None, None)\n",
        "    begin, end = (None, None)\n",
        "tests/uploads/test_enforcement.py::test_banner_and_mails_name_the_next_brown_out",
    ),
    Guard(
        "only the page of a token that the reader may see is linked",
        "audit/admin.py",
        "            and pages.has_view_permission(request)\n",
        "",
        "tests/indexsite/test_ways_to_events.py"
        "::test_an_event_leads_to_the_page_of_its_token_for_who_may_see_it",
    ),
]
