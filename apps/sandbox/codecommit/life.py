"""The scenario's repositories: how they begin, and the pull requests people work on in them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox.codecommit import pulling, samples, writing
from apps.sandbox.codecommit.model import PullRequest, Repository, SourceStore
from apps.sandbox.operations import AwsError

if TYPE_CHECKING:
    import random

    from apps.sandbox.codecommit.model import Commit
    from apps.sandbox.world import Place, World

_SHOP, _LAB = "111122223333", "444455556666"

#: Account, region, repository, description.
_REPOSITORIES = (
    (_SHOP, "eu-west-1", "shared-libraries", "What every service of the shop uses"),
    (_SHOP, "eu-west-1", "style-guide", "How we write <code> & words"),
    (_SHOP, "eu-west-1", "payments-vault", "Keys are kept elsewhere; this tells where"),
    (_LAB, "eu-west-1", "data-platform", "Moves orders into the warehouse"),
    (_LAB, "us-east-1", "docs-site", "The handbook"),
    (_LAB, "us-east-1", "fraud-model", "Trained each week"),
)
#: Virtual seconds between the steps of a pull request while the scenario lives, and in the past.
_STEP = (180.0, 360.0)
_PAST_STEP = (1800.0, 5400.0)
_PAST_PULLS, _PAST_GAP = 10, 16 * 3600.0

_IDEAS = (
    (
        "SHOP-27-retry-jitter",
        "SHOP-27 Spread retries over time",
        "Services woke up together after an outage.",
    ),
    (
        "SHOP-28-currency-pln",
        "SHOP-28 Add PLN to the currencies",
        "For the shop in Poland, from March on.",
    ),
    ("SHOP-31-round-once", "SHOP-31 Round once, at the end", None),
    (
        "SHOP-26-typed-money",
        "SHOP-26 Give money a type of its own",
        "Strings crept in twice this year.",
    ),
    ("SHOP-30-drop-py38", "SHOP-30 Drop what nobody runs any more", "Nothing is older than 3.11."),
)
_REMARKS = (
    "Is this the only place where we do that?",
    "Looks good. A test for the empty case would be nice.",
    "Why not the one from the standard library?",
)


def furnish(world: World) -> None:
    """Make the repositories, and let people begin to work on them."""
    for account, region, name, description in _REPOSITORIES:
        _begin(world.place(account, region), name, description)
    shop = world.place(_SHOP, "eu-west-1")
    _tell_the_team(shop)
    _lose_the_key(shop)
    _open_what_stays(world)
    PullRequests(shop.of(SourceStore).repositories["shared-libraries"]).begin()


def _begin(place: Place, name: str, description: str) -> Repository:
    repository = writing.make_repository(place, name, description)
    repository.tags["team"] = {"docs-site": "docs", "fraud-model": "risk"}.get(name, "platform")
    first: writing.Changes = dict(samples.FILES[name])
    writing.push(repository, "main", first, "Initial commit", "release-manager", starts=False)
    return repository


def commit_change(  # noqa: PLR0913 - a push is this much
    place: Place,
    name: str,
    branch: str,
    message: str,
    author: str,
    chance: random.Random,
    *,
    starts: bool = False,
) -> Commit | None:
    """Push a day's work to a branch; with ``starts`` its pipelines begin.

    None: there is no such repository, or it cannot be opened.
    """
    repository = place.of(SourceStore).repositories.get(name)
    if repository is None or repository.trouble is not None:
        return None
    changes = samples.work(repository, branch, message, chance)
    return writing.push(repository, branch, changes, message, author, starts=starts)


def _tell_the_team(shop: Place) -> None:
    repositories = shop.of(SourceStore).repositories
    repositories["shared-libraries"].triggers = [
        {
            "name": "tell-the-team",
            "destinationArn": shop.arn("sns", "pushes"),
            "customData": "token=sandbox-secret-marker-4",
            "branches": ["main"],
            "events": ["updateReference"],
        },
        {
            "name": "index-code",
            "destinationArn": shop.arn("lambda", "function:index-code"),
            "customData": "",
            "branches": [],
            "events": ["all"],
        },
    ]


def _lose_the_key(shop: Place) -> None:
    """Somebody disabled the key of one repository two days ago."""
    vault = shop.of(SourceStore).repositories["payments-vault"]
    message = f"The encryption key {vault.kms_key} is disabled."

    def disable() -> None:
        vault.trouble = ("EncryptionKeyDisabledException", message)

    shop.world.scheduler.after(5 * 24 * 3600, disable)


def _open_what_stays(world: World) -> None:
    """Pull requests that wait: for a conflict to be resolved, for approvals, for an answer."""
    data = world.place(_LAB, "eu-west-1").of(SourceStore).repositories["data-platform"]
    lab = world.place(_LAB, "us-east-1").of(SourceStore).repositories
    world.scheduler.after(3 * 24 * 3600, functools.partial(_contradict, data))
    world.scheduler.after(4 * 24 * 3600, functools.partial(_wait_for_approvals, lab["fraud-model"]))
    world.scheduler.after(4 * 24 * 3600 + 60, functools.partial(_say_hostile, lab["docs-site"]))


def _person(repository: Repository, name: str) -> str:
    return f"arn:aws:iam::{repository.place.account}:user/{name}"


def _reviewer(repository: Repository, name: str) -> str:
    account = repository.place.account
    return f"arn:aws:sts::{account}:assumed-role/CodeCommitReview/{name}"


def _pool(repository: Repository) -> list[str]:
    return [_reviewer(repository, "*")]


def _branch_off(repository: Repository, branch: str, author: str) -> None:
    head = repository.branches["main"]
    writing.move(repository, branch, head, _person(repository, author), starts=False)


def _contradict(repository: Repository) -> None:
    """Two people change the size of a batch: what one proposes conflicts with main."""
    path = "jobs/ingest.py"
    text = repository.blobs[repository.files(repository.branches["main"])[path].blob]
    _branch_off(repository, "larger-batches", "payments-developer")
    writing.push(
        repository,
        "larger-batches",
        {path: text.replace(b"BATCH = 500", b"BATCH = 5_000")},
        "Load larger batches",
        "payments-developer",
    )
    writing.push(
        repository,
        "main",
        {path: text.replace(b"BATCH = 500", b"BATCH = 250")},
        "Load smaller batches: the warehouse ran out of memory",
        "platform-engineer",
        starts=False,
    )
    pull = pulling.propose(
        repository,
        "DATA-4 Load larger batches",
        "Twice as fast on my machine.",
        "larger-batches",
        "main",
        _person(repository, "payments-developer"),
    )
    pulling.comment(
        repository,
        "main says 250 since this morning: which one is it?",
        _person(repository, "platform-engineer"),
        pull=pull,
        before=pull.destination_commit,
        after=pull.source_commit,
        location={"filePath": path, "filePosition": 3, "relativeFileVersion": "AFTER"},
    )


def _wait_for_approvals(repository: Repository) -> None:
    """One of two people has approved."""
    path = "model/threshold.py"
    text = repository.blobs[repository.files(repository.branches["main"])[path].blob]
    _branch_off(repository, "stricter", "platform-engineer")
    writing.push(
        repository,
        "stricter",
        {path: text.replace(b"0.83", b"0.79")},
        "Lower the threshold",
        "platform-engineer",
    )
    author = _person(repository, "platform-engineer")
    pull = pulling.propose(
        repository,
        "DATA-5 Lower the threshold to 0.79",
        "Catches 12 % more, at 0.4 % more false alarms.",
        "stricter",
        "main",
        author,
    )
    content = pulling.rule_content(2, _pool(repository))
    pulling.add_rule(pull, "Two of the risk team", content, author)
    pulling.approve(pull, _reviewer(repository, "platform-engineer"))


def _say_hostile(repository: Repository) -> None:
    _branch_off(repository, "examples", "release-manager")
    files: writing.Changes = {
        "docs/examples/\x1b[31mred<b>.md": b"\x1b[31mred\x1b[0m <script>alert(3)</script>\r\n",
        "docs/examples/wide.txt": "‮reversed‬ \u200b".encode() + b"x" * 5000 + b"\n",
    }
    writing.push(repository, "examples", files, "<script>alert(1)</script>", "release-manager")
    pull = pulling.propose(
        repository,
        "Escape <script>alert(1)</script> & \x1b[31mthis\x1b[0m",
        "<img src=x onerror=alert(1)>\n\njavascript:alert(1)",
        "examples",
        "main",
        _person(repository, "release-manager"),
    )
    pulling.comment(
        repository,
        "</div><script>alert(4)</script>",
        _person(repository, "<b>nobody</b>"),
        pull=pull,
        before=pull.destination_commit,
        after=pull.source_commit,
    )


@dataclass(slots=True)
class PullRequests:
    """People who propose, discuss, approve and merge changes in one repository, for ever."""

    repository: Repository
    opened: int = 0

    def begin(self) -> None:
        """Put the past's pull requests on the heap, and the first of those to come."""
        scheduler = self.repository.place.world.scheduler
        for number in range(_PAST_PULLS):
            scheduler.after(3600 + number * _PAST_GAP, functools.partial(self._open, past=True))
        if self.repository.place.world.lives:
            scheduler.at(scheduler.present() + _STEP[0] / scheduler.speed, self._open)

    def _after(self, step: int, deed: functools.partial[None], *, past: bool) -> None:
        world = self.repository.place.world
        chance = world.chance(self.repository.arn, "pull", self.opened, step)
        seconds = chance.uniform(*(_PAST_STEP if past else _STEP))
        world.scheduler.after(seconds, deed)

    def _open(self, *, past: bool = False) -> None:
        repository = self.repository
        idea, title, why = _IDEAS[self.opened % len(_IDEAS)]
        self.opened += 1
        branch, author = f"{idea}-{self.opened}", "checkout-developer"
        chance = repository.place.world.chance(repository.arn, "work", self.opened)
        _branch_off(repository, branch, author)
        changes = samples.work(repository, branch, title, chance)
        writing.push(repository, branch, changes, title, author)
        who = _person(repository, author)
        pull = pulling.propose(repository, title, why, branch, "main", who)
        content = pulling.rule_content(2, _pool(repository))
        pulling.add_rule(pull, "Two reviewers", content, who)
        self._after(1, functools.partial(self._comment, pull, past=past), past=past)

    def _comment(self, pull: PullRequest, *, past: bool) -> None:
        if pull.status == "OPEN":
            pulling.comment(
                self.repository,
                _REMARKS[self.opened % len(_REMARKS)],
                _reviewer(self.repository, "security-reviewer"),
                pull=pull,
                before=pull.destination_commit,
                after=pull.source_commit,
            )
        approve = functools.partial(self._approve, pull, "security-reviewer", past=past)
        self._after(2, approve, past=past)

    def _approve(self, pull: PullRequest, name: str, *, past: bool) -> None:
        if pull.status == "OPEN":
            pulling.approve(pull, _reviewer(self.repository, name))
        following: functools.partial[None] = (
            functools.partial(self._approve, pull, "platform-engineer", past=past)
            if name == "security-reviewer"
            else functools.partial(self._end, pull, past=past)
        )
        self._after(3, following, past=past)

    def _end(self, pull: PullRequest, *, past: bool) -> None:
        """Merge it, each time another way; every fourth is given up. Then the next one begins."""
        author = _person(self.repository, "checkout-developer")
        if pull.status == "OPEN":
            if int(pull.id) % 4 == 3:
                pulling.close(pull, author)
            else:
                self._merge(pull, author)
            # Who has pushed away the branch meanwhile has done what follows.
            writing.delete_branch(self.repository, pull.source, author)
        if not past:
            self._after(4, functools.partial(self._open), past=False)

    def _merge(self, pull: PullRequest, author: str) -> None:
        options = (pulling.FAST_FORWARD, pulling.THREE_WAY, pulling.SQUASH)
        for option in (options[int(pull.id) % 3], pulling.THREE_WAY):
            try:
                pulling.merge(pull, option, author)
            except AwsError:
                continue
            return
        pulling.close(pull, author)
