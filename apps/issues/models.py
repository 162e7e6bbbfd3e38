"""Issues and what keeps them, as last read from whoever keeps them.

One shape for all keepers: Jira's issues and GitHub's lie in the same tables and are told apart by
their scopes; a service declares its kinds with these models.
"""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse

from apps.deeds.models import Deed
from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import State
from apps.projects.models import Legible, as_kept


class Category(models.TextChoices):
    """What an issue's own status amounts to, whatever a workflow calls it."""

    TODO = "todo", "To do"
    DOING = "doing", "In progress"
    DONE = "done", "Done"


# An issue that nobody works on waits for a person; who works on it moves it.
STATES = {
    Category.TODO: State.WAITING,
    Category.DOING: State.MOVING,
    Category.DONE: State.DONE,
}


class TrackerQuerySet(MirroredQuerySet):
    """Trackers the way lists want them."""

    def for_list(self) -> Self:
        """With scope, what cannot be read first, then by name."""
        return self.select_related("scope").order_by("-state", "name", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in key, name, description or query, by our state and place."""
        rows = self.containing(q, "key", "name", "description", "query")
        return rows.narrowed(state=state, account=account, region=region)


class Tracker(Mirrored):
    """Where issues are kept: a Jira project, a named JQL query, a GitHub repository's issues.

    `key` is the keeper's own: "SHOP", the name of a query, "owner/name". `prefix` is what the keys
    of its issues begin with ("SHOP"; "" for GitHub's, whose numbers are its own). `status` and
    `state` are set only where it cannot be read (a JQL that Jira rejects): `trouble` says why, in
    the keeper's own words. `more` is set where it has more issues than are read. `was` are keys it
    had before, the last one first.
    """

    name = models.CharField(max_length=255)
    prefix = models.CharField(max_length=64, blank=True, db_index=True)
    description = models.TextField(blank=True)
    query = models.TextField(blank=True)
    url = models.CharField(max_length=1024, blank=True)
    # What may be made here: [{id, name}] of its types of issue.
    types = models.JSONField(default=list)
    open_issues = models.PositiveIntegerField(default=0)
    more = models.BooleanField(default=False)
    trouble = models.TextField(blank=True)
    was = models.JSONField(default=list)

    objects: ClassVar[Any] = TrackerQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key", "pk"]

    def get_absolute_url(self) -> str:
        """Path of the tracker's page."""
        return reverse("issues:tracker", args=[self.pk])

    def __str__(self) -> str:
        return self.name or self.key

    @property
    def takes_issues(self) -> bool:
        """Whether issues can be made in it: what a query finds lies elsewhere."""
        return not self.query and self.gone_at is None


class IssueQuerySet(MirroredQuerySet):
    """Issues the way lists want them."""

    def for_list(self) -> Self:
        """With scope and tracker, what moved last first, without long texts."""
        rows = self.select_related("scope", "tracker")
        return rows.defer("body", "comments", "transitions").order_by("-updated", "-pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in key, title or assignee, by our state and place."""
        rows = self.containing(q.removeprefix("#"), "key", "title", "assignee")
        return rows.narrowed(state=state, account=account, region=region)

    def told(self) -> Self:
        """Those of which more than the key is read."""
        return self.filter(updated__isnull=False)

    def labelled(self, label: str) -> Self:
        """Those that bear a whole label."""
        return self.filter(labels__icontains=as_kept(label))

    def keyed(self, *keys: str) -> Self:
        """Those of these keys, or that had one of them before they were moved."""
        found = Q(arn__in=keys)
        for key in keys:
            found |= Q(was__icontains=as_kept(key))
        return self.filter(found)


class Issue(Mirrored):
    """An issue.

    https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
    https://docs.github.com/en/rest/issues/issues

    `key` is what people call it: "SHOP-12", "owner/name#7"; `arn` is the same text, by which links
    from commits and pull requests name it (GitHub's in small letters). `status` is the keeper's own
    word ("In Review"), `category` what that amounts to, `state` follows it. `body` and the texts of
    `comments` (`[{id, author, at, text}]`, times as ISO text) are Markdown, hostile until rendered.
    `related` is `[{relation, key, title, url}]` of other issues. `transitions` is
    `[{id, name, to, category}]`: what the workflow allows now, read with the issue itself. `was`
    are keys it had before it was moved. `described` proves that body, comments and transitions were
    read; it is the `updated` they were read at.
    """

    tracker = models.ForeignKey(Tracker, on_delete=models.CASCADE, null=True, related_name="issues")
    # The keeper's own id, which a move does not change.
    issue_id = models.CharField(max_length=64, blank=True)
    title = models.TextField(blank=True)
    type = models.CharField(max_length=64, blank=True)
    category = models.CharField(max_length=8, blank=True, choices=Category.choices)
    assignee = models.CharField(max_length=255, blank=True)
    assignee_id = models.CharField(max_length=255, blank=True)
    reporter = models.CharField(max_length=255, blank=True)
    labels = models.JSONField(default=list, encoder=Legible)
    priority = models.CharField(max_length=64, blank=True)
    sprint = models.CharField(max_length=255, blank=True)
    milestone = models.CharField(max_length=255, blank=True)
    parent_key = models.CharField(max_length=255, blank=True)
    related = models.JSONField(default=list)
    was = models.JSONField(default=list, encoder=Legible)
    body = models.TextField(blank=True)
    comments = models.JSONField(default=list)
    transitions = models.JSONField(default=list)
    created = models.DateTimeField(null=True)
    updated = models.DateTimeField(null=True)
    resolved = models.DateTimeField(null=True)
    due = models.DateField(null=True)
    # Its page at whoever keeps it.
    url = models.CharField(max_length=1024, blank=True)
    described = models.CharField(max_length=64, blank=True)

    objects: ClassVar[Any] = IssueQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-updated", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["tracker", "-updated", "-id"], name="issue_of_tracker_newest"),
            models.Index(fields=["-updated", "-id"], name="issue_newest"),
            models.Index(fields=["state", "-updated", "-id"], name="issue_state_newest"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the issue's page."""
        return reverse("issues:issue", args=[self.pk])

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def over(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.category == Category.DONE

    @property
    def word(self) -> str:
        """How it stands, in its keeper's word; ours where it has none."""
        return self.status or (Category(self.category).label if self.category else "")


class FormerDeed(models.Model):
    """Where a deed on an issue lies now that had an address of its own, /issues/deeds/<id>/."""

    deed = models.ForeignKey(Deed, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"the former deed {self.pk}"
