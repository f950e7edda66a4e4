"""What the memory consists of.

No foreign keys: deleting an account must not rewrite a sealed row.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Left, Lower, NullIf, StrIndex
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit import vocabulary
from audit.chain import START
from audit.networks import address_key


class AppendOnly(Exception):
    """Somebody tried to change or delete what can only be added to."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Refuses what the database's triggers would refuse too, with a clearer word."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse.

        Raises:
            AppendOnly: always.
        """
        raise AppendOnly("Events are never changed.")

    def delete(self) -> NoReturn:
        """Refuse.

        Raises:
            AppendOnly: always.
        """
        raise AppendOnly("Events are never deleted.")


class EventQuerySet(AppendOnlyQuerySet):
    """Events, newest last in the chain and first on pages."""

    def about(self, kind: str, subject_id: object) -> EventQuerySet:
        """Events about one account ("user") or project ("project")."""
        numbers = EventSubject.objects.filter(kind=kind, subject_id=str(subject_id))
        return self.filter(number__in=numbers.values("event_number"))

    def for_user(self, user: Any) -> EventQuerySet:
        """The history of an account, newest first."""
        return self.about("user", user.pk).order_by("-number")

    def for_project(self, project: Any) -> EventQuerySet:
        """The history of a project, newest first."""
        return self.about("project", project.pk).order_by("-number")


class AppendOnlyModel(models.Model):
    """A row that is written once."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; never update.

        Raises:
            AppendOnly: if the row is there already.
        """
        if not self._state.adding:
            raise AppendOnly("Events are never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse.

        Raises:
            AppendOnly: always.
        """
        raise AppendOnly("Events are never deleted.")


class Event(AppendOnlyModel):
    """One fact. Its number is its place in the chain."""

    number = models.BigIntegerField(_("number"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=60)
    recorded_at = models.DateTimeField(_("time"))
    is_failure = models.BooleanField(_("refused or failed"), default=False)
    actor_kind = models.CharField(_("kind of actor"), max_length=10)
    actor_id = models.CharField(_("id of the actor"), max_length=36, blank=True)
    actor_label = models.CharField(_("actor"), max_length=150)
    credential = models.CharField(_("credential"), max_length=20, blank=True)
    credential_id = models.CharField(_("id of the credential"), max_length=36, blank=True)
    credential_label = models.CharField(_("name of the credential"), max_length=150, blank=True)
    fields = models.JSONField(_("details"))
    origin_digest = models.CharField(max_length=64)
    key_id = models.CharField(max_length=12)
    seal = models.CharField(_("seal"), max_length=64)
    # What the database works out of sealed columns, so that each filter has an index
    family = models.GeneratedField(
        expression=Left("kind", StrIndex("kind", Value(":")) - 1),
        output_field=models.CharField(max_length=60),
        db_persist=True,
        verbose_name=_("family"),
    )
    token_id = models.GeneratedField(
        expression=Coalesce(NullIf("credential_id", Value("")), KT("fields__token_id")),
        output_field=models.CharField(max_length=100, null=True),
        db_persist=True,
        verbose_name=_("id of the API token"),
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("everything")  # the name of its page in the menu of staff
        ordering = ["-number"]
        # Each filter of the staff pages reads one of these backwards, page by page
        indexes = [
            models.Index(fields=["kind", "-number"], name="event_kind"),
            models.Index(fields=["family", "-number"], name="event_family"),
            models.Index(fields=["-number"], condition=Q(is_failure=True), name="event_failure"),
            models.Index(fields=["actor_id", "-number"], name="event_actor"),
            models.Index(Lower("actor_label"), F("number").desc(), name="event_actor_label"),
            models.Index(fields=["token_id", "-number"], name="event_token"),
            models.Index(Lower("credential_label"), F("number").desc(), name="event_credential"),
            models.Index(fields=["recorded_at"], name="event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    @property
    def declared_kind(self) -> vocabulary.EventKind | None:
        """The kind as this version declares it; None for kinds of other versions."""
        return vocabulary.find(self.kind)


class SignInEvent(Event):
    """An event as the page of sign-ins lists it."""

    class Meta:
        proxy = True
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")


class TokenCreationEvent(Event):
    """An event as the page of new API tokens lists it."""

    class Meta:
        proxy = True
        verbose_name = _("token creation")
        verbose_name_plural = _("token creation")


class TokenRevocationEvent(Event):
    """An event as the page of revoked API tokens lists it."""

    class Meta:
        proxy = True
        verbose_name = _("token revocation")
        verbose_name_plural = _("token revocation")


class RefusalEvent(Event):
    """An event as the page of refusals lists it."""

    class Meta:
        proxy = True
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")


class EventSubject(AppendOnlyModel):
    """What an event is about: it shows in the history of each."""

    event_number = models.BigIntegerField()
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10)
    subject_id = models.CharField(max_length=36)
    label = models.CharField(max_length=200)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["event_number", "position"]
        constraints = [
            models.UniqueConstraint(fields=["event_number", "position"], name="subject_position")
        ]
        indexes = [
            models.Index(fields=["kind", "subject_id", "-event_number"], name="subject_history"),
            models.Index(Lower("label"), F("event_number").desc(), name="subject_label"),
        ]

    def __str__(self) -> str:
        return self.label


class EventOrigin(models.Model):
    """From where: the part of an event that may be erased. The seal covers only its digest."""

    event_number = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()
    network_address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=400, blank=True)
    mail_addresses = models.JSONField(default=list)
    salt = models.CharField(max_length=32)
    address_key = models.CharField(max_length=32, blank=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["recorded_at"], name="origin_time"),
            models.Index(fields=["address_key", "-event_number"], name="origin_address"),
        ]

    def __str__(self) -> str:
        return self.network_address

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store, with the key that ranges of addresses are found by."""
        self.address_key = address_key(self.network_address)
        super().save(*args, **kwargs)


class FailureCount(models.Model):
    """How often one failure was repeated while its window was open. Outside of the chain."""

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=60)
    subjects = models.JSONField(default=list)
    fields = models.JSONField(default=dict)
    network = models.CharField(max_length=45, blank=True)
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.kind} x {self.count}"


class PurposeKey(models.Model):
    """A key of `audit.keyring`, wrapped under SECRET_KEY."""

    purpose = models.CharField(max_length=40)
    key_id = models.CharField(max_length=12, unique=True)
    wrapped = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.purpose}:{self.key_id}"


class ChainHead(models.Model):
    """The last event and its seal. The lock on this one row is the order of the world."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)
    seal = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_chain_head")]

    def __str__(self) -> str:
        return f"{self.number}:{self.seal}"


class ChainCheck(models.Model):
    """One walk along the whole chain, as far as it has come."""

    started_at = models.DateTimeField(_("begun"), default=timezone.now)
    started_by = models.CharField(_("begun by"), max_length=150)
    last_number = models.BigIntegerField(_("up to event"))
    last_seal = models.CharField(max_length=64)
    number = models.BigIntegerField(_("checked up to event"), default=0)
    seal = models.CharField(max_length=64, default=START)
    finished_at = models.DateTimeField(_("finished"), null=True)
    broken_number = models.BigIntegerField(_("first event that does not hold"), null=True)
    broken_because = models.CharField(_("because it"), max_length=100, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.number}/{self.last_number}"

    @property
    def percent(self) -> int:
        """How much of the way is done."""
        return 100 * self.number // self.last_number if self.last_number else 100


class JobRun(models.Model):
    """When a piece of timed work is due, and which worker has it."""

    name = models.CharField(max_length=80, primary_key=True)
    due_at = models.DateTimeField(db_index=True)
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failure = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name
