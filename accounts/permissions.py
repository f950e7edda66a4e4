"""Who may act on accounts, asked again in the transaction of the act."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User, UserSession
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, SUPPORT, is_in

MAY_HELP = frozenset({SUPPORT, ADMINISTRATOR})  # people with their accounts
MAY_RULE = frozenset({ADMINISTRATOR})  # over the site, and over staff


def require_staff(by: Actor, groups: frozenset[str], *, about: User | None = None) -> None:
    """Check that whoever acts is in one of the groups at this moment.

    Whoever has a shell on the server passes.

    Args:
        groups: staff groups; Administrator is not implied.
        about: the account that the act is about, if it is about one.

    Raises:
        PermissionDenied: for everybody else; about oneself; and about staff, unless by an
            administrator.
    """
    if by.kind == "system":
        return
    acting = User.objects.filter(pk=by.id).first() if by.kind == "user" else None
    if acting is None or not is_in(acting, groups):
        raise PermissionDenied(_("Your staff group may not do this."))
    if about is None:
        return
    if about.pk == acting.pk:
        raise PermissionDenied(_("Nobody does this to their own account. Ask another member."))
    if about.is_staff and not is_in(acting, MAY_RULE):
        raise PermissionDenied(
            _("%(name)s is staff: only administrators may do this.") % {"name": about.username}
        )


def lock_accounts(users: Sequence[User], *, by: Actor) -> list[User]:
    """Lock the rows of accounts and of whoever acts on them, always in one order.

    Two administrators who freeze each other wait for each other here, and the second is refused.
    """
    ids = {str(user.pk) for user in users}
    rows = User.objects.select_for_update(no_key=True).filter(pk__in=ids | ({by.id} - {""}))
    return [row for row in rows.order_by("pk") if str(row.pk) in ids]


def lock_own_account(user_id: UUID | str, *, by: Actor) -> User:
    """Lock the account of whoever acts, and see that they are still signed in.

    Sessions are ended under this lock: by a denied sign-in, a new password, staff. What one of
    them had begun before must not be done after that, such as a factor that nothing holds.

    Raises:
        SessionInterrupted: if the session was ended meanwhile, or the account frozen or deleted.
    """
    rows = User.objects.select_for_update(no_key=True).filter(pk=user_id, is_active=True)
    user = rows.first()
    if user is None:
        raise SessionInterrupted("The account was closed before the request was answered.")
    require_open_session(by)
    return user


def require_open_session(by: Actor) -> None:
    """See that whoever acts is still signed in, with the lock of their account in hand.

    Raises:
        SessionInterrupted: if the session that they act from was ended meanwhile.
    """
    if by.session and not UserSession.objects.filter(pk=by.session, user_id=by.id).exists():
        raise SessionInterrupted("The session was ended before the request was answered.")
