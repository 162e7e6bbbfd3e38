"""Places that are swept, the shape of mirrored rows, their links, and the log of what changed."""

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from .provider import WORDS, Health
from .state import STATE_CHOICES, UNFINISHED
from .visibility import VISIBILITY

if TYPE_CHECKING:
    from .resource import Resource

# How columns may be searched besides "somewhere in it".
LOOKUPS = frozenset({"icontains", "istartswith", "iexact", "exact"})


class Scope(models.Model):
    """A place to sweep: an AWS account in a region, a GitHub organisation, a Jira site."""

    provider = models.CharField(max_length=16)
    place = models.CharField(max_length=255)
    account = models.CharField(max_length=64, blank=True, db_index=True)
    region = models.CharField(max_length=32, blank=True)
    label = models.CharField(max_length=128, blank=True)
    enabled = models.BooleanField(default=True)
    # A person said so: it is not swept, and what was read of it stays readable.
    paused = models.BooleanField(default=False)
    # Put aside (another start, a removal under way): nobody sees it or its rows.
    parked = models.BooleanField(default=False)
    # When its name, or whether it is swept, was last decided anew.
    edited_at = models.DateTimeField(default=now)
    created_at = models.DateTimeField(default=now)
    first_swept_at = models.DateTimeField(null=True, blank=True)
    # When the newest event that named something here arrived, whatever became of their source.
    last_event_at = models.DateTimeField(null=True, blank=True)
    # The same of the source that is listened to now, None where that cannot be: events vouch for
    # what is shown.
    events_at = models.DateTimeField(null=True, blank=True)
    # When its source of events was last asked and answered, with an event or without.
    heard_at = models.DateTimeField(null=True, blank=True)
    # Why its source of events cannot be listened to, {} where it can: {operation, health, code,
    # error, cure, statement, at}; `at` is when it was asked last.
    events_trouble = models.JSONField(default=dict, blank=True)
    # Lease of the one that re-reads hinted rows.
    reread_until = models.DateTimeField(null=True, blank=True)
    # Nothing answered here: until then nobody asks again, then one asks for all. How often so far.
    away_until = models.DateTimeField(null=True, blank=True)
    away_times = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["account", "region", "place"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "place"], name="scope_once")
        ]

    def __str__(self) -> str:
        return self.place


class MirroredQuerySet(models.QuerySet[Any]):
    """Questions every mirrored kind answers."""

    def visible_to(self, user: Any) -> Self:
        """Rows this user may know of."""
        return self.filter(VISIBILITY.of(user, self.model))

    def present(self) -> Self:
        """Rows that the outside still lists."""
        return self.filter(gone_at=None)

    def narrowed(self, *, state: str = "", account: str = "", region: str = "") -> Self:
        """Rows of this state, account and region; "" narrows nothing."""
        wanted = {"state": state, "scope__account": account, "scope__region": region}
        return self.filter(**{name: value for name, value in wanted.items() if value})

    def containing(self, words: str, *columns: str) -> Self:
        """Rows in which each word occurs in one of the columns, or as its lookup says.

        A column is a name, or a name with its lookup: "resolved_source_version__istartswith".
        """
        rows = self
        for word in words.split():
            matches = Q()
            for column in columns:
                last = column.rpartition("__")[2]
                lookup = column if last in LOOKUPS else f"{column}__icontains"
                matches |= Q(**{lookup: word})
            rows = rows.filter(matches)
        return rows

    def unfinished(self) -> Self:
        """Rows that move or wait."""
        return self.filter(state__in=UNFINISHED, gone_at=None)


class Mirrored(models.Model):
    """A row that mirrors something outside. Written only by `reconcile`; everybody else reads.

    key      unique in its scope: the name or id that the service itself uses.
    arn      as the service returns it (composed by its documented format where it returns none).
    status   the service's own word; `state` is ours (see `State`), "" for what does not run.
    version  id of the newest `Change` of this row or of what belongs to it; the cached fragments
             go by it.
    """

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=512)
    arn = models.CharField(max_length=2048, blank=True)
    status = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=8, blank=True, choices=STATE_CHOICES)
    first_seen_at = models.DateTimeField(default=now)
    changed_at = models.DateTimeField(default=now)
    gone_at = models.DateTimeField(null=True, blank=True)
    version = models.BigIntegerField(default=0)

    objects: ClassVar[Any] = MirroredQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "key"], name="%(app_label)s_%(class)s_once_per_scope"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["arn"], name="%(app_label)s_%(class)s_arn"),
            # What moves or waits is asked for at every hot sweep.
            models.Index(fields=["scope", "state"], name="%(app_label)s_%(class)s_st"),
        ]

    def __str__(self) -> str:
        return self.key


class Link(models.Model):
    """What a mirrored row names; the target may not be mirrored (yet). Written by `reconcile`."""

    from_kind = models.CharField(max_length=64)
    from_id = models.BigIntegerField()
    relation = models.CharField(max_length=32)
    to_kind = models.CharField(max_length=64)
    to_arn = models.CharField(max_length=2048)
    owning = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["from_kind", "from_id"], name="link_from"),
            models.Index(fields=["to_kind", "to_arn"], name="link_to"),
        ]

    def __str__(self) -> str:
        return f"{self.from_kind}:{self.from_id} {self.relation} {self.to_arn}"


class Change(models.Model):
    """What happened to which row: the log of the house, read by id.

    before    values of the columns that changed.
    after     the same after it; of a row that appeared, status and state alone.
    subjects  "kind:id" of the row itself, of what it belongs to, and of what owns it by a link:
              everything whose picture may differ now.
    """

    class Verb(models.TextChoices):
        """Why a change was written."""

        APPEARED = "appeared"
        CHANGED = "changed"
        GONE = "gone"
        RETURNED = "returned"

    at = models.DateTimeField(default=now, db_index=True)
    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()
    key = models.CharField(max_length=512)
    verb = models.CharField(max_length=8, choices=Verb.choices)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    subjects = models.JSONField(default=list)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "row_id", "id"], name="change_of_row")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.verb}"


class Sweep(models.Model):
    """When a kind is due in a scope, who is at it, how far, and when it last went well."""

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="sweeps")
    kind = models.CharField(max_length=64)
    due_at = models.DateTimeField(default=now, db_index=True)
    hot_due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    deep_due_at = models.DateTimeField(default=now)
    # Leases: of the whole, and of who looks at what moves while the whole is being read. Their
    # values are the holders' tokens: who frees or renews one names it.
    leased_until = models.DateTimeField(null=True, blank=True)
    hot_leased_until = models.DateTimeField(null=True, blank=True)
    # Key of the parent with which the next reading begins, because the last one ran out of time.
    resume_from = models.CharField(max_length=512, blank=True)
    # When an event named rows of this kind: polling of the kind slows down while they flow.
    events_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    last_success = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    rows = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "kind"], name="sweep_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.scope_id}"

    @property
    def resource(self) -> "Resource":
        """The declaration this sweep follows."""
        from .resource import REGISTER

        return REGISTER.get(self.kind)


class ReadToEnd(models.Model):
    """That a parent's history was read back to its end: since then only newer pages are read.

    `parent_key` is "" where a history belongs to the whole scope. Taken back while rows of an
    unfinished reading are being written, because one that is cut off leaves a hole behind them.
    `upto` is by what its newest row was ordered then, where its rows change (`ask.Ended`).
    """

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=64)
    parent_key = models.CharField(max_length=512, blank=True)
    upto = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "kind", "parent_key"], name="read_to_end_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.parent_key or 'the scope'}"


class Unbound(models.Model):
    """That a row may be without a parent and names one that is not mirrored (yet)."""

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=64)
    row_id = models.BigIntegerField()
    parent_key = models.CharField(max_length=512)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "row_id"], name="unbound_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["scope", "kind", "parent_key"], name="unbound_by_parent")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.row_id} of {self.parent_key}"


class Operation(models.Model):
    """How one API operation fares in a scope for one kind."""

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="operations")
    kind = models.CharField(max_length=64)
    operation = models.CharField(max_length=128)
    health = models.CharField(
        max_length=16, default=Health.NOT_TRIED, choices=[(h.value, h.value) for h in Health]
    )
    code = models.CharField(max_length=128, blank=True)
    error = models.TextField(blank=True)
    cure = models.TextField(blank=True)
    statement = models.JSONField(null=True, blank=True)
    last_success = models.DateTimeField(null=True, blank=True)
    last_error = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "kind", "operation"], name="operation_once")
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.health}"

    @property
    def word(self) -> str:
        """What is wrong where the code tells it more exactly than the health, else ""."""
        return WORDS.get(self.code, "")


class Hint(models.Model):
    """Something to re-read soon: from an event, from a change that wakes others, from a person.

    Hints coalesce: a second one for the same rows only renews `asked_at`. `echo` hints look once
    more after a re-read that found nothing new, because AWS's reads trail its events.
    """

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=64)
    parent_key = models.CharField(max_length=512, blank=True)
    row_key = models.CharField(max_length=512, blank=True)
    asked_at = models.DateTimeField(default=now)
    not_before = models.DateTimeField(default=now, db_index=True)
    echo = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "kind", "parent_key", "row_key"], name="hint_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.parent_key or self.row_key}"
