"""What keeps prohibited mail domains out."""

from tests.guards import Guard

_TESTS = "tests/accounts/test_mail_domains.py"
GUARDS = [
    Guard(
        "a domain below a prohibited one is prohibited",
        "accounts/mail_domains.py",
        "for start in range(len(labels))]",
        "for start in range(1)]",
        f"{_TESTS}::test_an_address_is_refused_by_its_domain",
    ),
    Guard(
        "no account with a prohibited mail domain",
        "accounts/operations/registration.py",
        "means=means)\n        _require_still(username, email)\n",
        "means=means)\n",
        f"{_TESTS}::test_the_operation_of_registering_refuses_too",
    ),
    Guard(
        "no prohibited mail domain is added",
        "accounts/operations/emails.py",
        "address=new)\n    record(EMAIL_ADDED, by=by, about=[user], mail_addresses=[new])\n"
        "    require_welcome(new)",
        "address=new)\n    record(EMAIL_ADDED, by=by, about=[user], mail_addresses=[new])\n",
        f"{_TESTS}::test_no_prohibited_address_is_added",
    ),
    Guard(
        "no mistyped address becomes one at a prohibited mail domain",
        "accounts/operations/emails.py",
        "by=by)\n    record(EMAIL_ADDED, by=by, about=[user], mail_addresses=[new])\n"
        "    require_welcome(new)",
        "by=by)\n    record(EMAIL_ADDED, by=by, about=[user], mail_addresses=[new])\n",
        f"{_TESTS}::test_a_mistyped_address_is_not_put_right_with_a_prohibited_one",
    ),
    Guard(
        "no prohibited mail domain is imported",
        "accounts/operations/imports.py",
        "if not domains.isdisjoint(domains_of(row.email))",
        "if False",
        f"{_TESTS}::test_an_import_names_the_line_of_a_prohibited_address",
    ),
    Guard(
        "only some staff prohibit mail domains",
        "accounts/operations/mail_domains.py",
        "    require_staff(by, MAY_HELP)\n    domain",
        "    domain",
        f"{_TESTS}::test_the_operations_refuse_whoever_may_not",
    ),
    Guard(
        "only some staff accept mail domains again",
        "accounts/operations/mail_domains.py",
        "    require_staff(by, MAY_HELP)\n    if not",
        "    if not",
        f"{_TESTS}::test_the_operations_refuse_whoever_may_not",
    ),
    Guard(
        "a shared mail domain is confirmed",
        "accounts/operations/mail_domains.py",
        "if count > SHARED_BY and not is_confirmed:",
        "if False:",
        f"{_TESTS}::test_a_domain_that_many_share_is_to_be_typed_twice",
    ),
]
