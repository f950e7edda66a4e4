"""A row of each table that staff look at, in a state in which something can be done to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib import admin
from django.test import Client
from django.utils import timezone

from accounts.events import SIGN_IN_FAILED
from accounts.models import (
    AccountLink,
    Announcement,
    BetaFeature,
    BlockedRange,
    Campaign,
    EmailAddress,
    OutboxMail,
    ProhibitedDomain,
    RateCount,
    RecoveryCase,
    ReservedName,
    SwitchState,
    User,
)
from audit.failures import record_failure
from audit.models import (
    Event,
    RefusalEvent,
    SignInEvent,
    TokenCreationEvent,
    TokenRevocationEvent,
)
from projects.models import (
    BurntFilename,
    DeletedProject,
    File,
    ProhibitedName,
    Project,
    QuarantinedProject,
    Release,
    Report,
    Role,
)
from projects.operations.quarantine import quarantine_projects
from tests.support.people import Person, make_person, sign_in
from tests.tokens.keys import make, project_of
from tokens.models import APIToken, TokenDenial
from tokens.operations.lifecycle import revoke_token
from uploads.models import Enforcement

REASON = "The owner asked for it, and proved to be the owner."


def make_rows(alice: Person) -> dict[Any, Any]:
    """One row of each table that has acts."""
    victim = make_person("victim")
    project = project_of(alice, "seagull")
    token, _text = make(alice, "robot", [project])
    return {
        User: victim.user,
        Project: project,
        APIToken: token,
        Enforcement: Enforcement.objects.get(),
        **_of_accounts(alice, victim),
        **_of_names(),
        Report: Report.objects.create(
            project_id=project.pk, project_name="seagull", kind="spam", text="", reporter=alice.user
        ),
    }


def make_all_rows(alice: Person) -> dict[Any, Any]:
    """One row of each table of the admin, whichever there are."""
    rows = make_rows(alice)
    rows |= _of_files(alice, rows[Project])
    former, _text = make(alice, "former", [rows[Project]])
    revoke_token(former, reason="we have another", by=alice.actor)
    rows[TokenDenial] = TokenDenial.objects.create(
        token=former, project=rows[Project], denied_by="alice"
    )
    rows[OutboxMail] = OutboxMail.objects.latest("pk")
    rows |= _events()
    assert rows.keys() == admin.site._registry.keys(), "a table of the admin has no row here"
    return rows


def _of_accounts(alice: Person, victim: Person) -> dict[Any, Any]:
    now = timezone.now()
    return {
        EmailAddress: EmailAddress.objects.get(user=alice.user),
        AccountLink: AccountLink.objects.create(
            digest="0" * 64, created_by="sam", expires_at=now + timedelta(days=1)
        ),
        ProhibitedDomain: ProhibitedDomain.objects.create(
            domain="trash.example", reason=REASON, prohibited_by="sam"
        ),
        BetaFeature: BetaFeature.objects.create(name="passkeys", text="New.", reason=REASON),
        BlockedRange: BlockedRange.objects.create(
            network="203.0.113.0/24", first_key="0" * 32, last_key="0" * 32, reason=REASON
        ),
        SwitchState: SwitchState.objects.order_by("pk").first(),
        Announcement: Announcement.objects.create(
            title="A news", text="It is so.", audience="all accounts"
        ),
        Campaign: Campaign.objects.create(notice="trouble", audience="x", total=1),
        ReservedName: ReservedName.objects.create(key="acme", why=ReservedName.Why.PROHIBITED),
        RecoveryCase: RecoveryCase.objects.create(
            user=victim.user, evidence="", opened_by="sam", due_at=now
        ),
        RateCount: RateCount.objects.create(
            limit="second factor",
            key=f"user:{alice.user.pk}",
            times=5,
            per=300,
            ends_at=now + timedelta(minutes=5),
        ),
    }


def _of_names() -> dict[Any, Any]:
    return {
        ProhibitedName: ProhibitedName.objects.create(normalized_name="acme"),
        DeletedProject: DeletedProject.objects.create(
            project_id=uuid4(), name="gone", normalized_name="gone", serial=1, deleted_by="alice"
        ),
        BurntFilename: BurntFilename.objects.create(
            filename="gone-1.0.tar.gz", blake2b_256="1" * 64
        ),
    }


def _of_files(alice: Person, project: Project) -> dict[Any, Any]:
    hidden = project_of(alice, "hidden")
    colleague = make_person("a-colleague", group="Projects")
    quarantine_projects([hidden], reason=REASON, by=colleague.actor)
    release = Release.objects.create(project=project, version="1.0", canonical_version="1")
    return {
        QuarantinedProject: QuarantinedProject.objects.get(pk=hidden.pk),
        Release: release,
        File: File.objects.create(
            project=project,
            release=release,
            filename="seagull-1.0.tar.gz",
            kind=File.Kind.SDIST,
            size=2000,
            sha256="0" * 64,
            blake2b_256="0" * 64,
            uploaded_by="alice",
            uploaded_by_id=str(alice.user.pk),
        ),
        Role: Role.objects.get(project=project),
    }


def _events() -> dict[Any, Any]:
    forgetful = make_person("a-forgetful-one")
    sign_in(Client(), forgetful)
    by = forgetful.actor
    record_failure(SIGN_IN_FAILED, by=by, reason="wrong code", name_digest="")
    kinds = {
        Event: {},
        SignInEvent: {"family": "sign-in"},
        TokenCreationEvent: {"kind": "token:token:created"},
        TokenRevocationEvent: {"kind": "token:token:revoked"},
        RefusalEvent: {"is_failure": True},
    }
    return {model: model.objects.filter(**what).latest("number") for model, what in kinds.items()}
