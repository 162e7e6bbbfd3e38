"""Repositories, branches, commits and pull requests as last read from whoever hosts them.

One shape for all hosts: the rows of CodeCommit and of others lie in the same tables and are told
apart by their scopes; a service declares its kinds with these models.
"""

from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse

from apps.mirror.models import Mirrored, MirroredQuerySet
from apps.mirror.state import State

# How many letters of a commit's id people use.
SHORT = 7


# Columns of a repository that only its page shows.
WIDE = ("heads", "unread", "triggers", "tags")


class RepositoryQuerySet(MirroredQuerySet):
    """Repositories the way lists want them."""

    def for_list(self) -> Self:
        """With scope and newest commit of the default branch, what cannot be opened first."""
        rows = self.select_related("scope", "latest_commit")
        return rows.defer(*WIDE, "latest_commit__comments").order_by("-state", "key", "pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in name or description, by our state, account and region."""
        rows = self.containing(q, "key", "description")
        return rows.narrowed(state=state, account=account, region=region)


class Repository(Mirrored):
    """A repository and, denormalised, its heads and what waits in it.

    https://docs.aws.amazon.com/codecommit/latest/APIReference/API_RepositoryMetadata.html

    `key` is the name ("owner/name" where the host has owners). `status` and `state` are set only
    where the host cannot open it: `status` is the error's code, `trouble` its message. `triggers`
    is `[{name, destination, branches, events}]`; their custom data is dropped, it may be a secret.
    `described` proves that triggers and tags were read. `heads` is `{branch: commit id}`; `unread`
    names the parents of the newest `depth` commits that are still to be read: 0 until somebody
    opens its commits. `was` are the names it had before, the latest last. `private` is null where
    the host knows no public ones.
    """

    repository_id = models.CharField(max_length=64, blank=True)
    description = models.TextField(blank=True)
    default_branch = models.CharField(max_length=256, blank=True)
    created = models.DateTimeField(null=True)
    last_modified = models.DateTimeField(null=True)
    clone_url_https = models.CharField(max_length=1024, blank=True)
    clone_url_ssh = models.CharField(max_length=1024, blank=True)
    # For git-remote-codecommit: codecommit::<region>://<name>.
    clone_url_grc = models.CharField(max_length=1024, blank=True)
    # Its page at whoever hosts it.
    console_url = models.CharField(max_length=1024, blank=True)
    encryption_key = models.CharField(max_length=2048, blank=True)
    triggers = models.JSONField(default=list)
    tags = models.JSONField(default=dict)
    trouble = models.TextField(blank=True)
    private = models.BooleanField(null=True)
    archived = models.BooleanField(default=False)
    was = models.JSONField(default=list)
    described = models.CharField(max_length=64, blank=True)

    heads = models.JSONField(default=dict)
    branch_count = models.PositiveIntegerField(default=0)
    depth = models.PositiveIntegerField(default=0)
    unread = models.JSONField(default=list)
    latest_commit = models.ForeignKey(
        "Commit", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    open_pull_requests = models.PositiveIntegerField(default=0)

    objects: ClassVar[Any] = RepositoryQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["key", "pk"]
        verbose_name_plural = "repositories"
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["-state", "key", "id"], name="repository_in_lists"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the repository's page."""
        return reverse("source:repository", args=[self.pk])

    @property
    def key_id(self) -> str:
        """The KMS key's id out of its ARN."""
        return self.encryption_key.rpartition("/")[2]


class Branch(Mirrored):
    """A branch and its head.

    https://docs.aws.amazon.com/codecommit/latest/APIReference/API_BranchInfo.html

    `key` is "<repository>/<branch>". `read_at_change`, on one branch of a repository, is the
    `last_modified` (ISO text) at which all its heads were read: while that stays, none has moved.
    `replaced` is the head that somebody took out of the branch's history (a force push) and
    `replaced_at` when that was seen; what came before it may still be in it.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="branches")
    name = models.CharField(max_length=256)
    commit_id = models.CharField(max_length=64, blank=True)
    console_url = models.CharField(max_length=1024, blank=True)
    read_at_change = models.CharField(max_length=40, blank=True)
    replaced = models.CharField(max_length=64, blank=True)
    replaced_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = MirroredQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["name", "pk"]
        verbose_name_plural = "branches"
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(fields=["repository", "name"], name="branch_of_repository"),
        ]

    def get_absolute_url(self) -> str:
        """Path that leads to its repository's page with its commits."""
        return reverse("source:branch", args=[self.pk])

    def __str__(self) -> str:
        return self.name


_WIDE_ABOVE = tuple(f"repository__{name}" for name in WIDE)


class CommitQuerySet(MirroredQuerySet):
    """Commits the way lists want them."""

    def for_list(self) -> Self:
        """With scope and repository, newest first."""
        rows = self.select_related("scope", "repository")
        return rows.defer("comments", *_WIDE_ABOVE).order_by("-committed_at", "-pk")

    def matching(self, *, q: str = "", account: str = "", region: str = "") -> Self:
        """Narrow by words in the message, the author or the beginning of the id, and by place."""
        rows = self.containing(q, "commit_id__istartswith", "message", "author_name")
        return rows.narrowed(account=account, region=region)


class Commit(Mirrored):
    """One commit; what it changed is looked at on demand.

    https://docs.aws.amazon.com/codecommit/latest/APIReference/API_Commit.html

    `key` is "<repository>/<id>": the same commit may be in several repositories. `parents` are ids.
    `comments` is a list as in `PullRequest`.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="commits")
    commit_id = models.CharField(max_length=64)
    tree_id = models.CharField(max_length=64, blank=True)
    parents = models.JSONField(default=list)
    message = models.TextField(blank=True)
    author_name = models.CharField(max_length=255, blank=True)
    author_email = models.CharField(max_length=255, blank=True)
    authored_at = models.DateTimeField(null=True)
    committer_name = models.CharField(max_length=255, blank=True)
    committer_email = models.CharField(max_length=255, blank=True)
    committed_at = models.DateTimeField(null=True)
    console_url = models.CharField(max_length=1024, blank=True)
    comments = models.JSONField(default=list)

    objects: ClassVar[Any] = CommitQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-committed_at", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(
                fields=["repository", "-committed_at", "-id"], name="commit_of_repository_newest"
            ),
            models.Index(fields=["-committed_at", "-id"], name="commit_newest"),
            models.Index(fields=["commit_id"], name="commit_by_id"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the commit's page."""
        return reverse("source:commit", args=[self.pk])

    def __str__(self) -> str:
        return self.short_id

    @property
    def short_id(self) -> str:
        """The beginning of its id: what people call it."""
        return self.commit_id[:SHORT]

    @property
    def title(self) -> str:
        """The first line of its message that says anything."""
        return next((line for line in self.message.splitlines() if line.strip()), "")

    @property
    def body(self) -> str:
        """What its message says after the title."""
        return self.message.strip().partition("\n")[2].strip("\r\n")

    @property
    def committed_by_another(self) -> bool:
        """Whether somebody else than the author put it in."""
        return bool(self.committer_name) and (self.committer_name, self.committer_email) != (
            self.author_name,
            self.author_email,
        )


class PullRequestQuerySet(MirroredQuerySet):
    """Pull requests the way lists want them."""

    def for_list(self) -> Self:
        """With scope and repository, what somebody did last first."""
        rows = self.select_related("scope", "repository")
        return rows.defer("description", "comments", *_WIDE_ABOVE).order_by("-last_activity", "-pk")

    def matching(
        self, *, q: str = "", state: str = "", account: str = "", region: str = ""
    ) -> Self:
        """Narrow by words in title, number, author or branches, by our state and place."""
        columns = ("title", "author", "source_branch", "repository__key", "number__iexact")
        rows = self.containing(q.removeprefix("#"), *columns)
        return rows.narrowed(state=state, account=account, region=region)


class PullRequest(Mirrored):
    """A pull request with its approval rules, approvals and comments.

    https://docs.aws.amazon.com/codecommit/latest/APIReference/API_PullRequest.html

    `status` is the host's word (OPEN, CLOSED); `state` is waiting while open, done when merged,
    stopped when closed without. `author` and `merged_by` are ARNs or names. Null in `approved` or
    `mergeable`: not read. `approval_rules` is `[{name, needed, members, branches, satisfied,
    template}]`, `approvals` `[{user, state}]`, `comments` `[{id, author, at, edited, text,
    reply_to, deleted, path, position, version}]` (times as ISO text), `conflicts` are paths.
    `described` proves that all of these were read. `merge_state` is the host's word for what keeps
    it from being merged; `reviewers` are names of whom it waits for; `checks` is `[{name, state,
    status, by, url, at}]` of its newest commit in our states, and `checks_state` what these amount
    to, "" where there are none.
    """

    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="pull_requests"
    )
    number = models.CharField(max_length=32)
    title = models.TextField(blank=True)
    description = models.TextField(blank=True)
    author = models.CharField(max_length=2048, blank=True)
    created = models.DateTimeField(null=True)
    last_activity = models.DateTimeField(null=True)
    source_branch = models.CharField(max_length=256, blank=True)
    destination_branch = models.CharField(max_length=256, blank=True)
    source_commit = models.CharField(max_length=64, blank=True)
    destination_commit = models.CharField(max_length=64, blank=True)
    merge_base = models.CharField(max_length=64, blank=True)
    revision_id = models.CharField(max_length=128, blank=True)
    merged = models.BooleanField(default=False)
    merged_by = models.CharField(max_length=2048, blank=True)
    merge_commit = models.CharField(max_length=64, blank=True)
    merge_option = models.CharField(max_length=32, blank=True)
    approved = models.BooleanField(null=True)
    overridden = models.BooleanField(default=False)
    approval_rules = models.JSONField(default=list)
    approvals = models.JSONField(default=list)
    mergeable = models.BooleanField(null=True)
    conflicts = models.JSONField(default=list)
    draft = models.BooleanField(default=False)
    merge_state = models.CharField(max_length=32, blank=True)
    reviewers = models.JSONField(default=list)
    checks = models.JSONField(default=list)
    checks_state = models.CharField(max_length=16, blank=True)
    comments = models.JSONField(default=list)
    console_url = models.CharField(max_length=1024, blank=True)
    described = models.CharField(max_length=255, blank=True)

    objects: ClassVar[Any] = PullRequestQuerySet.as_manager()

    class Meta(Mirrored.Meta):
        ordering: ClassVar = ["-last_activity", "-pk"]
        indexes: ClassVar = [
            *Mirrored.Meta.indexes,
            models.Index(
                fields=["repository", "-last_activity", "-id"], name="pull_of_repository_newest"
            ),
            models.Index(fields=["-last_activity", "-id"], name="pull_newest"),
            models.Index(fields=["state", "-last_activity", "-id"], name="pull_state_newest"),
        ]

    def get_absolute_url(self) -> str:
        """Path of the pull request's page."""
        return reverse("source:pull_request", args=[self.pk])

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"

    @property
    def author_name(self) -> str:
        """The last part of the author's ARN: who it is in the account."""
        return self.author.rpartition("/")[2] or self.author

    @property
    def open(self) -> bool:
        """Whether it waits for somebody."""
        return self.state == State.WAITING

    @property
    def word(self) -> str:
        """What became of it, in one word; the host's own where we have not heard of it."""
        if self.draft and self.open:
            return "Draft"
        words = {State.WAITING: "Open", State.DONE: "Merged", State.STOPPED: "Closed"}
        return words[State(self.state)] if self.state in words else self.status

    @property
    def picture(self) -> str:
        """The icon that stands for what became of it."""
        pictures = {State.DONE: "git-merge", State.STOPPED: "git-pull-request-closed"}
        return pictures.get(State(self.state), "git-pull-request") if self.state else "git-branch"

    @property
    def objectors(self) -> list[str]:
        """Who wants it changed before it is merged."""
        return [one["user"] for one in self.approvals if one.get("state") == "CHANGES_REQUESTED"]

    @property
    def failed_checks(self) -> list[str]:
        """The names of the checks that failed."""
        return [one["name"] for one in self.checks if one.get("state") == State.FAILED]

    @property
    def unsatisfied(self) -> list[dict[str, Any]]:
        """The approval rules that are not satisfied; none where they are overridden."""
        if self.overridden or not self.open:
            return []
        return [rule for rule in self.approval_rules if rule.get("satisfied") is False]
