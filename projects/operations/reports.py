"""Reports of projects: from people with an account and without, answered once by staff."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices
from accounts.limits import DAY, Limit, network_key, take_all
from accounts.permissions import require_staff
from audit.actors import Actor
from audit.log import record
from projects import changes
from projects.events import PROJECT_REPORTED, REPORT_ANSWERED
from projects.models import Project, Report
from projects.permissions import MAY_STEWARD

REPORTS = Limit("reports", 20, DAY)
OF_ADDRESS = Limit("reports of strangers by network address", 5, DAY)
OF_STRANGERS = Limit("reports of strangers on the site", 200, DAY)


@transaction.atomic
def report_project(project: Project, *, kind: str, text: str, by: Actor) -> Report:
    """Tell the staff that something is wrong with a project. Its owners do not learn who did.

    Args:
        kind: one of `Report.Kind`.

    Raises:
        ValidationError: if this person waits for an answer about this project, or it was deleted.
        LimitReached: after 20 in a day.
    """
    project = changes.lock(project)
    REPORTS.take(by.id)
    try:
        with transaction.atomic():
            report = Report.objects.create(
                project_id=project.pk,
                project_name=project.name,
                kind=Report.Kind(kind),
                text=text,
                reporter=by.user,
            )
    except IntegrityError as error:
        raise ValidationError(
            _("You have reported this project. The staff will answer you by mail."), code="done"
        ) from error
    record(PROJECT_REPORTED, by=by, about=[by.user], name=project.name, what=kind)
    return report


@transaction.atomic
def report_as_stranger(
    project: Project, *, kind: str, text: str, mail_address: str = "", by: Actor
) -> Report:
    """As `report_project`, from somebody who is not signed in.

    Args:
        mail_address: where the staff may write to, "" for nowhere. Nobody verified it, so nothing
            is sent there by itself.

    Raises:
        ValidationError: if the project was deleted.
        LimitReached: after 5 in a day from one network address, and 200 from all.
    """
    project = changes.lock(project)
    take_all((OF_ADDRESS, network_key(by.network_address)), (OF_STRANGERS, "site"))
    report = Report.objects.create(
        project_id=project.pk,
        project_name=project.name,
        kind=Report.Kind(kind),
        text=text,
        is_strangers=True,
        mail_address=mail_address,
    )
    record(PROJECT_REPORTED, by=by, name=project.name, what=kind)
    return report


@transaction.atomic
def answer_report(report: Report, *, outcome: str, reason: str, by: Actor) -> None:
    """Close a report, and tell the reporter what came of it. What is done is an act apart.

    A stranger is not told: the address that they left is forgotten.

    Args:
        outcome: one of `Report.Outcome`.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it was answered.
    """
    require_staff(by, MAY_STEWARD)
    unanswered = Report.objects.filter(pk=report.pk, answered_at=None)
    chosen = Report.Outcome(outcome)
    if not unanswered.update(
        answered_at=timezone.now(),
        answered_by=by.label,
        outcome=chosen,
        answer=reason,
        mail_address="",
    ):
        raise ValidationError(_("This report was answered."), code="done")
    reporter = report.reporter
    if reporter is not None:
        notices.send(
            "report_answered",
            [reporter],
            by=by,
            project=report.project_name,
            outcome=str(chosen.label),
            reason=reason,
        )
    record(
        REPORT_ANSWERED,
        by=by,
        about=[reporter] if reporter is not None else [],
        name=report.project_name,
        outcome=chosen.value,
        reason=reason,
    )
