"""Mail to users. A notice is a row in the outbox, written in the operation's own transaction."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import Q
from django.template.loader import get_template, render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import urlize
from django.utils.safestring import mark_safe
from django.utils.text import wrap

from accounts import browsers, topics
from accounts.links import sign_mail_stop
from accounts.models import Campaign, EmailAddress, OutboxMail, User
from audit.actors import Actor
from audit.connections import give_back

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
KEEP = timedelta(days=7)
MAX_ATTEMPTS = 12
WIDTH = 72  # characters of a line of text
_SUBJECT = ".subject.txt"  # what the template of a notice's subject is called after its name
WRITTEN_BY_STAFF = frozenset({"announcement"})  # whose addresses of other sites become links, too

# Facts that may not be stored, such as signed links, are made when the mail is sent.
_facts_at_sending: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {}
_recipient_finders: dict[str, Callable[[OutboxMail], bool]] = {}


def adds_facts(
    notice: str,
) -> Callable[
    [Callable[[Mapping[str, Any]], dict[str, Any]]], Callable[[Mapping[str, Any]], dict[str, Any]]
]:
    """Register a function that makes a notice's links from its stored facts, at sending.

    Where a row that they name is no longer there, the mail is not sent: its `get` may fail.
    """

    def register(
        function: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        _facts_at_sending[notice] = function
        return function

    return register


def finds_recipient(
    notice: str,
) -> Callable[[Callable[[OutboxMail], bool]], Callable[[OutboxMail], bool]]:
    """Register a function that finds out, before sending, whom a notice goes to.

    It completes the row, and stores it; or it returns False where the notice goes to nobody.
    """

    def register(function: Callable[[OutboxMail], bool]) -> Callable[[OutboxMail], bool]:
        _recipient_finders[notice] = function
        return function

    return register


@lru_cache(maxsize=1)
def kinds() -> list[str]:
    """The names of all notices that this version knows: those that have templates."""
    frame: Any = get_template("emails/_frame.html")
    subjects = Path(frame.origin.name).parent.glob(f"*{_SUBJECT}")
    return sorted(path.name.removesuffix(_SUBJECT) for path in subjects)


def send(notice: str, users: Iterable[User], /, *, by: Actor, **facts: Any) -> None:
    """Queue a notice to the primary address of each user, verified addresses only.

    Args:
        notice: the name of the templates `emails/<notice>.subject.txt` and `.txt`.
        users: whom it concerns.
        by: who did what it tells of.
        facts: plain values that the templates show; never a secret.
    """
    for user in users:
        address = user.primary_email
        if address is not None and address.verified_at is not None:
            send_to_address(notice, address, by=by, **facts)


def send_to_all(notice: str, user: User, /, *, by: Actor, **facts: Any) -> None:
    """Queue a notice to every verified address: whoever took an account over hides nothing."""
    for address in user.email_addresses.usable():
        send_to_address(notice, address, by=by, **facts)


def send_to_address(
    notice: str,
    address: EmailAddress,
    /,
    *,
    by: Actor,
    campaign: Campaign | None = None,
    **facts: Any,
) -> None:
    """Queue a notice to one address, verified or not.

    Args:
        campaign: what the mail is a part of, if it is one of many.
    """
    mail = compose(notice, address, by=by, **facts)
    mail.campaign = campaign
    mail.save()


def compose(notice: str, address: EmailAddress, /, *, by: Actor, **facts: Any) -> OutboxMail:
    """A notice to one address that is not queued, as for a look at it."""
    if topics.topic_of(notice) is not None:
        facts["account_id"] = str(address.user_id)
    return OutboxMail(
        notice=notice,
        recipient=address.address,
        recipient_name=address.user.username,
        language=address.user.language,
        facts=facts,
        origin=_origin_for(address.user, by),
    )


def send_unaddressed(notice: str, /, *, by: Actor, **facts: Any) -> None:
    """Queue a notice whose recipient is looked for by the worker alone.

    So whoever asked for it learns nothing from how long the answer takes.
    """
    origin = {"network_address": by.network_address, "user_agent": by.user_agent}
    OutboxMail.objects.create(notice=notice, facts=facts, origin=origin)


def complete(mail: OutboxMail, address: EmailAddress, /, **facts: Any) -> None:
    """Give a row that was queued without a recipient its address, and facts for what it had.

    What else its finder changed, such as its notice, is stored, too.
    """
    mail.recipient, mail.recipient_name = address.address, address.user.username
    mail.language, mail.facts = address.user.language, facts
    mail.save(
        update_fields=["notice", "recipient", "recipient_name", "language", "facts", "origin"]
    )


def _origin_for(user: User, by: Actor) -> dict[str, str]:
    """Who acted and from where; the latter as in the history, for one's own acts and unknown ones.

    Where a colleague or the staff sit is not the recipient's business.
    """
    origin = {"actor": by.label if by.id != str(user.pk) else ""}
    if by.kind == "anonymous" or by.id == str(user.pk):
        origin |= {"network_address": by.network_address, "user_agent": by.user_agent}
    return origin


def withdraw(notice: str, addresses: Iterable[EmailAddress]) -> None:
    """Take mails about these addresses that were not sent yet out of the outbox.

    Of these rows only: another account may have typed the same address.
    """
    ids = [address.pk for address in addresses]
    OutboxMail.objects.filter(notice=notice, facts__address_id__in=ids, sent_at=None).delete()


def withdraw_campaign(campaign: Campaign) -> None:
    """Take the mails of a campaign that no worker is sending out of the outbox.

    Those that were given up stay, and show that they were.
    """
    unsent = OutboxMail.objects.filter(campaign=campaign, sent_at=None, attempts__lt=MAX_ATTEMPTS)
    unsent.filter(Q(leased_until=None) | Q(leased_until__lte=timezone.now())).delete()


def send_due(now: datetime | None = None, limit: int = 50) -> int:
    """Send what is due; how many mails went out. Safe with any number of workers."""
    sent = 0
    for _turn in range(limit):
        mail = _lease_next(now or timezone.now())
        if mail is None:
            break
        sent += _send(mail)
    return sent


def _lease_next(now: datetime) -> OutboxMail | None:
    """Take the next due mail for this worker alone."""
    due = OutboxMail.objects.filter(sent_at=None, next_try_at__lte=now, attempts__lt=MAX_ATTEMPTS)
    free = due.filter(Q(leased_until=None) | Q(leased_until__lte=now))
    for mail in free.order_by("next_try_at", "pk")[:10]:
        with transaction.atomic():  # so that it stands in line, on SQLite
            is_ours = free.filter(pk=mail.pk).update(leased_until=now + LEASE)
        if is_ours:
            return mail
    return None


def render(mail: OutboxMail) -> EmailMultiAlternatives:
    """The message as text and HTML, in the recipient's language."""
    links_out = mail.notice in WRITTEN_BY_STAFF
    with translation.override(mail.language), timezone.override(UTC):
        facts = _facts_of(mail)
        subject = render_to_string(f"emails/{mail.notice}{_SUBJECT}", facts)
        text = render_to_string(f"emails/{mail.notice}.txt", facts)
        facts |= {"subject": " ".join(subject.split())}
        facts |= {"paragraphs": list(_paragraphs(text, links_out=links_out))}
        html = render_to_string("emails/_frame.html", facts)
    message = EmailMultiAlternatives(
        subject=facts["subject"],
        body=wrap(text, WIDTH),
        to=[mail.recipient],
        headers=_list_headers(facts.get("stop_url", "")),
    )
    message.attach_alternative(html, "text/html")
    return message


def _list_headers(stop_url: str) -> dict[str, str]:
    """With what mail programs offer to end a topic: by one POST (RFC 8058), which takes TLS."""
    if not stop_url:
        return {}
    headers = {"List-Unsubscribe": f"<{stop_url}>"}
    if stop_url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _facts_about_topic(mail: OutboxMail) -> dict[str, Any]:
    """Why somebody gets a mail that they can do without, and where they say so."""
    topic, account_id = topics.topic_of(mail.notice), mail.facts.get("account_id", "")
    if topic is None or not account_id:
        return {}
    query = urlencode({"link": sign_mail_stop(account_id, topic.name)})
    stop_url = f"{settings.SITE_URL}{reverse('accounts:stop-mail')}?{query}"
    return {"stop_url": stop_url, "why": topic.why}


def _facts_of(mail: OutboxMail) -> dict[str, Any]:
    facts = {
        **mail.facts,
        "username": mail.recipient_name,
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "language": mail.language,
        "happened_at": mail.queued_at,
        "by": mail.origin.get("actor", ""),
        "network_address": mail.origin.get("network_address", ""),
        "browser": browsers.describe(mail.origin.get("user_agent", "")),
        **_facts_about_topic(mail),
    }
    if mail.notice in _facts_at_sending:
        facts |= _facts_at_sending[mail.notice](mail.facts)
    return facts


def _paragraphs(text: str, *, links_out: bool) -> Iterator[list[tuple[str, bool]]]:
    """The lines of each paragraph, and whether each is an address of this site and nothing else.

    Only those become links, so that nothing that somebody typed does.

    Args:
        links_out: whether staff wrote it: then all addresses become links, wherever they lead.
    """
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = [" ".join(line.split()) for line in paragraph.splitlines()]
        yield [(_linked(line, links_out), _is_own_address(line)) for line in lines if line]


def _linked(line: str, links_out: bool) -> str:
    """A line of text; as safe HTML with links, if they are to be made."""
    if not links_out or _is_own_address(line):
        return line
    return mark_safe(urlize(line, autoescape=True))  # noqa: S308  (escaped word by word)


def _is_own_address(line: str) -> bool:
    is_below = line == settings.SITE_URL or line.startswith(f"{settings.SITE_URL}/")
    return is_below and " " not in line


def _send(mail: OutboxMail) -> bool:
    row = OutboxMail.objects.filter(pk=mail.pk)
    try:
        if not mail.recipient and not _find_recipient(mail):
            return False
        if not _is_wanted(mail):
            row.delete()
            return False
        message = render(mail)
        give_back()
        message.send()
    except ObjectDoesNotExist:  # what it tells of is gone, as after an account was closed
        row.delete()
        return False
    except Exception as error:  # whatever a mail server does, the mail stays queued
        wait = timedelta(minutes=min(2**mail.attempts, 360))
        logger.warning("Mail %s (%s) was not sent: %s", mail.pk, mail.notice, type(error).__name__)
        row.update(
            attempts=mail.attempts + 1,
            next_try_at=timezone.now() + wait,
            leased_until=None,
            failure=f"{type(error).__name__}: {error}"[:400],
        )
        return False
    row.update(sent_at=timezone.now(), leased_until=None, failure="")
    return True


def send_at_once(
    notice: str, users: Iterable[User], /, *, by: Actor, timeout: float, **facts: Any
) -> int:
    """Send a notice past the outbox, for what the worker cannot tell of; to how many users.

    Args:
        timeout: seconds that the mail server may let one question stand.
    """
    addresses = [user.primary_email for user in users]
    usable = [row for row in addresses if row is not None and row.verified_at is not None]
    messages = [render(compose(notice, row, by=by, **facts)) for row in usable]
    give_back()
    sent = 0
    for message in messages:
        message.connection = get_connection(timeout=timeout)
        try:
            sent += message.send()
        except SMTPRecipientsRefused:
            logger.warning("A mail (%s) was refused its recipient.", notice)
        except OSError as error:  # SMTPException is one
            logger.warning("Mail (%s) was not sent at once: %s", notice, type(error).__name__)
            break
    return sent


def _is_wanted(mail: OutboxMail) -> bool:
    """Whether the account still wants a mail of this topic, and can be signed in to.

    Asked again, because days may lie between queueing and sending.
    """
    topic, account_id = topics.topic_of(mail.notice), mail.facts.get("account_id", "")
    if topic is None or not account_id or mail.facts.get("is_asked_for"):
        return True
    user = User.objects.filter(pk=account_id, is_active=True).first()
    return user is not None and topic.choice_of(user) != topics.NEVER


def _find_recipient(mail: OutboxMail) -> bool:
    """Complete a row that was queued without a recipient; False if there is none, nor a row now."""
    with transaction.atomic():
        if _recipient_finders[mail.notice](mail):
            return True
        mail.delete()
        return False


def forget_sent() -> int:
    """Blank recipient and facts of mails that were sent, or given up, and are 7 days old."""
    before = timezone.now() - KEEP
    given_up = Q(sent_at=None, attempts__gte=MAX_ATTEMPTS, queued_at__lt=before)
    old = OutboxMail.objects.filter(Q(sent_at__lt=before) | given_up).exclude(
        recipient="", facts={}
    )
    # What a mail server said may name the recipient.
    return old.update(recipient="", recipient_name="", facts={}, origin={}, failure="")
