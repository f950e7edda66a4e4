"""What keeps mail to many to those who want it, each once, and as it was written."""

from tests.guards import Guard

_ANNOUNCEMENTS = "tests/accounts/test_announcements.py"
_CHOICES = "tests/accounts/test_mail_choices.py"
_CAMPAIGNS = "tests/accounts/test_campaigns.py"

GUARDS = [
    Guard(
        "an announcement is sent once",
        "accounts/operations/announcements.py",
        "version=seen, sent_at=None)",
        "version=seen)",
        f"{_ANNOUNCEMENTS}::test_it_is_sent_once",
    ),
    Guard(
        "what was rewritten is not sent unseen",
        "accounts/operations/announcements.py",
        "version=seen, sent_at=None)",
        "sent_at=None)",
        f"{_ANNOUNCEMENTS}::test_what_somebody_else_rewrote_is_not_sent_unseen",
    ),
    Guard(
        "nobody writes to more people than expected",
        "accounts/operations/announcements.py",
        "    if people != count:\n",
        "    if False:\n",
        f"{_ANNOUNCEMENTS}::test_it_is_not_sent_to_more_people_than_expected",
    ),
    Guard(
        "staff write to the audiences that are offered",
        "accounts/operations/announcements.py",
        "if audience not in {offered.name for offered in audiences.for_announcements()}:",
        "if False:",
        f"{_ANNOUNCEMENTS}::test_an_announcement_goes_to_audiences_that_are_offered",
    ),
    Guard(
        "the words of an announcement are no HTML",
        "accounts/notices.py",
        "urlize(line, autoescape=True)",
        "urlize(line, autoescape=False)",
        f"{_ANNOUNCEMENTS}::test_the_text_is_plain_whatever_it_looks_like",
    ),
    Guard(
        "only what staff write links to other sites",
        "accounts/notices.py",
        "links_out = mail.notice in WRITTEN_BY_STAFF",
        "links_out = True",
        "tests/accounts/test_notices.py"
        "::test_nothing_that_was_typed_becomes_a_link_to_another_site",
    ),
    Guard(
        "whoever wants none is not written to",
        "accounts/audiences.py",
        "            found = found.exclude(user__in=topic.unwilling())\n",
        "            pass\n",
        f"{_ANNOUNCEMENTS}::test_it_reaches_everybody_who_wants_it_once",
    ),
    Guard(
        "whoever unsubscribes later gets no more",
        "accounts/notices.py",
        "        if not _is_wanted(mail):\n",
        "        if False:\n",
        f"{_ANNOUNCEMENTS}::test_whoever_unsubscribes_while_the_mail_is_on_its_way_gets_none",
    ),
    Guard(
        "a stopped mail leaves the outbox",
        "accounts/operations/campaigns.py",
        "    notices.withdraw_campaign(campaign)\n",
        "",
        f"{_CAMPAIGNS}::test_a_mail_that_is_queued_and_not_sent_can_still_be_stopped",
    ),
    Guard(
        "a token for name patterns is none for all projects",
        "tokens/models.py",
        "(ProjectName, ProjectID, ProjectPatterns)",
        "(ProjectName, ProjectID)",
        f"{_ANNOUNCEMENTS}::test_tokens_for_all_projects_are_those_whose_caveats_speak_of_none",
    ),
    Guard(
        "nobody can choose what is no choice",
        "accounts/operations/mail_choices.py",
        "    if topic is None or choice not in topic.choices:\n",
        "    if topic is None:\n",
        f"{_CHOICES}::test_there_is_no_way_to_do_without_mail_about_security",
    ),
    Guard(
        "a link that ends mail is for that alone",
        "accounts/links.py",
        "signing.loads(text, salt=_STOP_MAIL_SALT)",
        "signing.loads(text)",
        f"{_CHOICES}::test_the_link_of_another_purpose_ends_nothing",
    ),
    Guard(
        "mail programs end mail without cookies",
        "accounts/views/mail_choices.py",
        "@method_decorator([never_cache, csrf_exempt], name=",
        "@method_decorator([never_cache], name=",
        f"{_CHOICES}::test_a_post_without_cookies_or_token_ends_the_topic",
    ),
    Guard(
        "mail is stopped while the site is read-only",
        "indexsite/read_only.py",
        '    "accounts:sign-out",\n    STOPS_MAIL,\n',
        '    "accounts:sign-out",\n',
        f"{_CHOICES}::test_mail_can_be_stopped_whatever_staff_have_closed",
    ),
    Guard(
        "mail is stopped from blocked addresses",
        "indexsite/read_only.py",
        '"accounts:sign-out", STOPS_MAIL, ',
        '"accounts:sign-out", ',
        f"{_CHOICES}::test_mail_can_be_stopped_whatever_staff_have_closed",
    ),
    Guard(
        "one click takes TLS",
        "accounts/notices.py",
        '    if stop_url.startswith("https://"):\n',
        "    if True:\n",
        f"{_CHOICES}::test_mail_programs_are_offered_one_click_where_there_is_tls",
    ),
    Guard(
        "owners hear of releases as they chose",
        "projects/mailings.py",
        "Q(mail_choice=BY_OTHERS) & ~Q(pk=uploader)",
        "Q(mail_choice=BY_OTHERS)",
        f"{_CHOICES}::test_owners_hear_of_releases_as_they_chose",
    ),
]
