"""What protects the memory."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "events are only recorded in a transaction",
        "audit/log.py",
        "if not transaction.get_connection().in_atomic_block:",
        "if False:",
        "tests/audit/test_log.py",
    ),
    Guard(
        "exports are recorded",
        "audit/exports.py",
        'return record(EVENTS_EXPORTED, by=by, form=form, filters=words or ["everything"])',
        'return Event.objects.latest("number")',
        "tests/audit/test_exports.py",
    ),
    Guard(
        "only some groups export",
        "audit/admin.py",
        "return is_in(request.user, EXPORTERS)",
        "return True",
        "tests/audit/test_exports.py",
    ),
    Guard(
        "a wrong filter exports nothing",
        "audit/admin.py",
        "        if not form.is_valid():\n            return HttpResponse(",
        "        form.is_valid()\n        if False:\n            return HttpResponse(",
        "tests/audit/test_exports.py::test_a_filter_that_is_wrong_exports_nothing",
    ),
    Guard(
        "who was demoted is in no staff group",
        "audit/groups.py",
        "if not (user.is_active and user.is_staff):",
        "if not user.is_active:",
        "tests/audit/test_admin.py",
    ),
    Guard(
        "a page of events is bounded",
        "audit/search.py",
        "if len(found) > PAGE or looked_at >= LOOKED_AT:",
        "if len(found) > PAGE:",
        "tests/audit/test_search.py::test_a_page_looks_at_so_many_events_and_says_how_far_it_came",
    ),
    Guard(
        "streams are read together only as far as all of them are known",
        "audit/search.py",
        "for n in batch if n >= low}",
        "for n in batch}",
        "tests/audit/test_search.py",
    ),
]
